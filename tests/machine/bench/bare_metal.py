# SPDX-License-Identifier: GPL-2.0-only
"""The bare-metal guest (guest.c): what one hypercall, doorbell or timer costs."""

import json
import re
from dataclasses import dataclass

IMAGE = "/usr/share/paravane/bench/bench-guest.img"
LINE = re.compile(r"^bench: (\S+) (\d+) (\d+)\s*$", re.MULTILINE)
SECONDS = 60
RUN = """\
cat >/run/bench-metal.json
pvn create /run/bench-metal.json >&2 || exit 1
pvn wait bench-metal --timeout 40 >&2
cat /var/log/paravane/bench-metal.console.log
pvn destroy bench-metal >/dev/null 2>&1
exit 0
"""


@dataclass
class Timed:
    """How long so many took."""

    microseconds: float             # of one
    times: int


def configuration():
    return {"name": "bench-metal", "kernel": IMAGE, "memory": "32M", "debug_port": True,
            "on_reboot": "destroy"}


def run(system):
    """Run it in a booted machine: {name: Timed}, and what it printed."""
    done = system.run(RUN, timeout=SECONDS, data=json.dumps(configuration()).encode())
    found = {name: Timed(int(nanoseconds) / 1000 / int(times), int(times))
             for name, nanoseconds, times in LINE.findall(done.output)}
    return found, (done.errors + done.output)[-400:]
