# SPDX-License-Identifier: GPL-2.0-only
"""Runs the bare-metal test guest (pv-guest/testguest) and reads its verdicts."""

import json
import re
import shlex

from machine.testing import expect

IMAGE = "/usr/share/paravane/testguest/testguest.img"
LINE = re.compile(r"^(ok|not ok|skip|error) (\w+): (.*)$")

# What one guest leaves: created, waited for, and told in one go, because each command
# has its price in an emulated machine.
RUN = """\
cat >/run/{name}.json
pvn create /run/{name}.json >&2 || exit 90
{meanwhile} || pvn wait {name} --timeout {limit} >&2 || pvn destroy {name} >&2
pvn info {name} --json 2>/dev/null
echo
echo "--- log"
cat /var/log/paravane/{name}.console.log
echo "--- end"
cat /var/log/paravane/{name}.log
pvn destroy {name} 2>/dev/null
# From here on: the first guest has made the root's own tables.
[ -e /run/testguest.census ] || pvn census --json >/run/testguest.census
exit 0
"""


class Outcome:
    """What a guest printed, by case, what its processes logged, and how it ended."""

    def __init__(self, done):
        state, _, rest = done.output.partition("--- log\n")
        self.log, _, self.worker_log = rest.rpartition("--- end\n")
        self.reason = self.worker_log.strip().rpartition("ended: ")[2]
        self.errors = done.errors
        self.state = json.loads(state) if state.strip() else {}
        self.cases = {}
        notes = []
        for row in self.log.splitlines():
            match = LINE.match(row)
            if match:
                self.cases[match[2]] = (match[1], match[3], notes)
                notes = []
            else:
                notes.append(row.removeprefix("note: "))

    def end(self):
        """How it ended, in words."""
        return (f"the guest ended with {self.reason!r}: {self.state.get('detail')}\n"
                f"{self.errors}{self.log[-2000:]}")


def run_guest(machine, name, tests, meanwhile="false", limit=40, **config):
    """A guest that runs these tests, until its end."""
    config = {"name": name, "kernel": IMAGE, "cmdline": f"tests={tests}", "memory": "32M",
              "vps": 2, "debug_port": True, "on_reboot": "destroy", **config}
    command = RUN.format(name=shlex.quote(name), limit=limit, meanwhile=meanwhile)
    done = machine.run(command, timeout=limit + 30, data=json.dumps(config).encode())
    expect(done.status != 90, f"the guest does not start: {done.errors}")
    return Outcome(done)
