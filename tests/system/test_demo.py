# SPDX-License-Identifier: GPL-2.0-only
"""What ./run promises: a command's status and output, /out, the demo's report."""

import json
import re

from machine import kernels, paths
from machine.testing import expect, seconds

REPORT = ("hypervisor", "abi", "root-kernel", "guest-kernel", "guest-hypervisor-detected",
          "guest-clocksource", "guest-init-seconds", "guest-disk-check")


def test_command(machine):
    """Under Paravane a command's output and exit status arrive exactly."""
    done = machine.run("uname -r; exit 7")
    expect((done.status, done.output) == (7, kernels.find("cloud").release + "\n"),
           f"status {done.status}, {done.output!r}")


def test_out(machine):
    """Under Paravane files left under /out arrive in build/out."""
    machine.run("mkdir -p /out/under && uname -r >/out/under/paravane")
    machine.fetch_out()
    kept = (paths.OUT / "under" / "paravane").read_text()
    machine.run("rm -r /out/under")
    expect(kept == kernels.find("cloud").release + "\n", kept)


def test_list_is_json(machine):
    """pvn list --json is valid JSON without guests."""
    done = machine.run("pvn list --json")
    expect(done.status == 0 and json.loads(done.output) == [], done.output + done.errors)


def test_input(machine):
    """A command without output of its own is told where its input ends."""
    done = machine.run("cat >/run/input", data=b"a few bytes", timeout=30)
    expect(done.status == 0, f"status {done.status}")
    done = machine.run("cat /run/input; rm /run/input")
    expect(done.output == "a few bytes", done.output)


def test_detected(machine):
    """The root partition knows its hypervisor."""
    done = machine.run("dmesg | grep -m 1 'Hypervisor detected'")
    expect("Hyper-V" in done.output, done.output)


@seconds(400)
def test_demo(machine):
    """The demo guest boots, reports, shuts down when asked, and its disk has what it wrote."""
    done = machine.run("/usr/libexec/paravane/demo", timeout=380)
    facts = dict(re.findall(r"^([\w-]+): (.*)$", done.output, re.MULTILINE))
    expect(done.status == 0 and done.output.endswith("\nresult: ok\n"),
           done.output + done.errors)
    missing = [name for name in REPORT if not facts.get(name)]
    expect(not missing, f"without {missing}: {done.output}")
    expect(facts["guest-clocksource"] == "hyperv_clocksource_tsc_page",
           facts["guest-clocksource"])
