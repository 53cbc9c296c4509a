# SPDX-License-Identifier: GPL-2.0-only
"""The bare-metal test guest as root partition, with children of its own.

Each PARENT_CASE of cases/cases.def is a test here. All run in one machine, without any
Linux: the hypervisor's only boot module is the test guest.
"""

import os
import re
import subprocess

from machine import paths, qemu
from machine.testing import Skip, expect, seconds

ROW = re.compile(r'^PARENT_CASE\((\w+), "([^"]+)"\)$', re.MULTILINE)
LINE = re.compile(r"^(ok|not ok|skip|error) (\w+): (.*)$")
MACHINE_SECONDS = 120
# The long form of the fuzzer: so many calls. Some 20,000 a second are made on a busy computer.
CALLS = os.environ.get("PARAVANE_CALLS", "")
if CALLS:
    MACHINE_SECONDS += int(CALLS) // 2000
# Two GiB: one of them is mapped whole.
MEMORY = "3072"

outcome = {}            # of the one machine, for all tests of this run


def run_machine():
    """Boot, and what the test guest printed, by case."""
    image = paths.MESON / "pv-guest/testguest/testguest.img"
    options = qemu.Options(memory=MEMORY)
    text, log = paths.BUILD / "log/parent.log", paths.BUILD / "log/parent-hypervisor.log"
    text.parent.mkdir(parents=True, exist_ok=True)
    text.write_text("")
    command = [qemu.QEMU, "-nodefaults", "-no-user-config", "-machine", "pc",
               "-accel", qemu.accelerator(options), "-cpu", options.processor, "-smp", "2",
               "-m", MEMORY, "-display", "none", "-no-reboot",
               "-serial", "null", "-serial", f"file:{log}", "-debugcon", f"file:{text}",
               "-kernel", os.fspath(paths.HYPERVISOR), "-initrd",
               f"{image} tests=parent" + (f" calls={CALLS}" if CALLS else "")]
    try:
        done = subprocess.run(command, cwd=paths.BUILD, timeout=MACHINE_SECONDS, check=False,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              preexec_fn=qemu.die_with_parent)
        ended = f"QEMU exits with {done.returncode} {done.stderr}"
    except subprocess.TimeoutExpired:
        ended = f"the machine still runs after {MACHINE_SECONDS} s"
    cases, notes = {}, []
    for row in text.read_text(errors="replace").splitlines():
        match = LINE.match(row)
        if match:
            cases[match[2]] = (match[1], match[3], notes)
            notes = []
        else:
            notes.append(row.removeprefix("note: "))
    return {"cases": cases, "rest": notes, "ended": ended,
            "log": log.read_text(errors="replace")[-2000:]}


def make_case(name, text):
    """A test that looks at one line."""
    @seconds(MACHINE_SECONDS + 60)
    def test():
        if not outcome:
            outcome.update(run_machine())
        expect(name in outcome["cases"],
               "\n".join(["no word of it", outcome["ended"], *outcome["rest"], outcome["log"]]))
        verdict, said, notes = outcome["cases"][name]
        if verdict == "skip":
            raise Skip(said)
        expect(verdict == "ok", "\n".join([f"{verdict}: {said}", *notes]))
    test.__doc__ = f"parent: {text}."
    return test


def test_zz_the_machine_ends():
    """parent: the test guest ends its machine, and the hypervisor has not complained."""
    expect(outcome, "no case has run")
    expect(outcome["ended"].startswith("QEMU exits with 0"), outcome["ended"])
    expect("PANIC" not in outcome["log"], outcome["log"])


def define_cases():
    """The rows of cases.def as functions of this module, before those of this file."""
    rows = ROW.findall((paths.SOURCE / "tests/guest/cases/cases.def").read_text())
    for number, (name, text) in enumerate(rows):
        globals()[f"test_{number:03}_{name}"] = make_case(name, text)


define_cases()
