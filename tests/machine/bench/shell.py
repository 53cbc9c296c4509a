# SPDX-License-Identifier: GPL-2.0-only
"""Commands in a guest, over its console; `job` in this folder is the guest's half.

    to the guest      run ID BASE64-OF-A-COMMAND
    from the guest    bench: up, or bench: failed: WHY instead
                      bench: out ID BASE64 (lines of gzip: stdout, or stderr of a failure)
                      bench: end ID STATUS
Other lines are none of ours: the console workload's, or the kernel's.
"""

import base64
import binascii
import gzip
import time
from collections import namedtuple

from machine import say

Done = namedtuple("Done", "status output")


class Lost(Exception):
    """The guest ended or does not answer."""


class Shell:
    """One guest. `bridge` is a shell command of the root that joins its stdin and stdout
    to the guest's console."""

    def __init__(self, machine, bridge):
        self._machine = machine
        self._job = machine.spawn(bridge, more=True)
        self._rest = b""
        self._count = 0
        self.said = []                      # the last foreign lines, for messages

    def wait_up(self, seconds):
        """Wait for the guest's first word."""
        deadline = time.monotonic() + seconds
        while (line := self._line(deadline)) != "bench: up":
            if line.startswith("bench: failed: "):
                raise Lost(f"{line.removeprefix('bench: failed: ')}; the guest's last words: "
                           + (" | ".join(self.said[-12:]) or "none"))

    def run(self, command, seconds):
        """Run a shell command; its status and its words."""
        self._count += 1
        name = str(self._count)
        words = base64.b64encode(command.encode()).decode()
        self._machine.feed(self._job, f"run {name} {words}\n".encode())
        deadline = time.monotonic() + seconds
        packed = []
        while True:
            words = self._line(deadline).split()
            if words[:1] != ["bench:"] or words[2:3] != [name]:
                continue
            if words[1] == "out":
                packed += words[3:]
            elif words[1] == "end":
                return Done(int(words[3]), _unpack("".join(packed)))

    def close(self):
        self._machine.end_job(self._job)

    def _line(self, deadline):
        """The next line of the console."""
        while b"\n" not in self._rest:
            seconds = deadline - time.monotonic()
            data = self._machine.listen(self._job, seconds) if seconds > 0 else None
            if data is None:
                raise Lost("the guest does not answer; its last words: "
                           + (" | ".join(self.said[-5:]) or "none"))
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        text = line.decode(errors="replace").strip()
        if text and not text.startswith("bench:"):
            self.said = self.said[-20:] + [text]
        return text


def _unpack(text):
    try:
        return gzip.decompress(base64.b64decode(text)).decode(errors="replace")
    except (OSError, EOFError, binascii.Error) as error:
        raise say.Failure(f"a guest's answer arrived damaged: {error}") from error
