# SPDX-License-Identifier: GPL-2.0-only
"""Villains: front-ends and back-ends that attack the other end, a verdict for each.

Each row of tests/villains/villains.def is a test here; the file says what its fields
mean. All the time an innocent guest writes to its disk and reads back what it wrote:
whatever a villain does, that goes on.
"""

import re

from guest.testguest import run_guest
from machine import paths
from machine.testing import Skip, expect, seconds
from system import guests

GROUP_SECONDS = 200
ROW = re.compile(r'^(FRONT|FRONT_END)\((?:(\w+), )?(\w+), (?:"([^"]*)", )?"([^"]+)"\)$',
                 re.MULTILINE)
DISK = "/tmp/villain.img"
DISK_READ_ONLY = "/tmp/villain-ro.img"
DEATH = re.compile(r"back-end \d+ (?:killed|ended).*")

INNOCENT = """\
until [ -b /dev/pvda ]; do sleep 0.1; done
n=0
while dd if=/dev/urandom of=/w bs=64k count=4 2>/dev/null &&
      dd if=/w of=/dev/pvda bs=64k oflag=direct conv=notrunc 2>/dev/null && sync &&
      dd if=/dev/pvda of=/r bs=64k count=4 iflag=direct 2>/dev/null && cmp /w /r; do
    n=$((n + 1))
    echo "round $n"
    sleep 0.1
done
echo "not what was written"
"""

rows = {}               # of villains.def, by group
outcomes = {}           # of groups, for all tests of this run


class Innocent:
    """The guest that must not notice anything."""

    def __init__(self, machine):
        self.machine = machine
        machine.run("truncate -s 1M /tmp/innocent.img")
        if guests.state(machine, "innocent") != "running":
            guests.create(machine, "innocent", INNOCENT, disks=[{"image": "/tmp/innocent.img"}])
            guests.wait_for_text(machine, "innocent", "round 1")

    def rounds(self):
        """How often its data were what it wrote."""
        text = guests.console(self.machine, "innocent")
        expect("not what was written" not in text, f"the innocent guest suffers:\n{text[-2000:]}")
        return len(re.findall(r"^round \d+", text, re.MULTILINE))

    def expect_progress(self, before):
        """It has done more than that, or does now."""
        guests.wait_for(self.machine, f"grep -q '^round {before + 1}' "
                        "/var/log/paravane/innocent.console.log", 20)
        expect(self.rounds() > before and guests.state(self.machine, "innocent") == "running",
               "the innocent guest stands still")


class Verdicts:
    """What is known after a group's guest: by case, the reason why it is not well."""

    def __init__(self, machine, group):
        innocent = Innocent(machine)
        before = innocent.rounds()
        machine.run(f"truncate -s 4M {DISK} {DISK_READ_ONLY}")
        self.outcome = run_guest(machine, f"villain-{group}", group, limit=GROUP_SECONDS,
                                 disks=[{"image": DISK},
                                        {"image": DISK_READ_ONLY, "read_only": True}])
        innocent.expect_progress(before)
        self.unlogged = self._unlogged(group)

    def _unlogged(self, group):
        """Cases whose words are not in the back-end's log, behind those of the case before."""
        missing, at = set(), 0
        log = self.outcome.worker_log
        for name, words in rows[group]:
            if not words or self.outcome.cases.get(name, ("skip",))[0] == "skip":
                continue
            found = log.find(words, at)
            if found < 0:
                missing.add(name)
            else:
                at = log.find("\n", found)
        return missing

    def judge(self, name, words):
        """Raises what is wrong with a case."""
        expect(name in self.outcome.cases, f"no word of it: {self.outcome.end()}")
        verdict, text, notes = self.outcome.cases[name]
        if verdict == "skip":
            raise Skip(text)
        expect(verdict == "ok", "\n".join([f"{verdict}: {text}", *notes]))
        expect(name not in self.unlogged,
               f"the log does not say {words!r}:\n{self.outcome.worker_log[-3000:]}")
        death = DEATH.search(self.outcome.worker_log)
        expect(not death, f"a back-end died: {death and death[0]}\n{self.outcome.worker_log}")


def verdicts_of(machine, group):
    """The group's guest, run once; one that broke the machine is not run again."""
    if group not in outcomes:
        outcomes[group] = None
        outcomes[group] = Verdicts(machine, group)
    if not outcomes[group]:
        raise Skip(f"the guest of group {group} broke something: see its first test")
    return outcomes[group]


def make_front(group, name, words, sentence):
    """A hostile front-end: one line of its group's guest."""
    @seconds(GROUP_SECONDS + 120)
    def test(machine):
        verdicts_of(machine, group).judge(name, words)
    return named(test, group, sentence)


def make_front_end(name, sentence):
    """A hostile front-end that dies: nothing of it is left."""
    @seconds(120)
    def test(machine):
        innocent = Innocent(machine)
        before, census = innocent.rounds(), guests.census(machine)
        machine.run(f"truncate -s 4M {DISK}")
        outcome = run_guest(machine, "villain-end", name, disks=[{"image": DISK}])
        expect(outcome.reason == "triple fault", outcome.end())
        expect(name not in outcome.cases, f"the guest went on: {outcome.log}")
        expect(not DEATH.search(outcome.worker_log), outcome.worker_log)
        guests.wait_for(machine, "! pgrep -f '[p]vn-.*villain'", 10)
        after = guests.census(machine)
        expect(after == census, f"before: {census}\nafter: {after}")
        innocent.expect_progress(before)
    return named(test, "end", sentence)


def named(test, group, sentence):
    test.__doc__ = f"Villain, {group.replace('_', ' ')}: {sentence}."
    return test


def test_zz_end(machine):
    """After all villains nothing is left in the hypervisor and in the root's driver."""
    left = guests.destroy_all(machine)
    expect(not any(left["root"].values()) and left["hypervisor"]["partitions"] == 1, left)
    done = machine.run("dmesg | grep -E 'BUG|WARNING|Oops|pvn.*(leak|refus)'")
    expect(done.status == 1, f"the root's kernel complains:\n{done.output}")


def define_villains():
    """The rows of villains.def as functions of this module."""
    text = (paths.SOURCE / "tests/villains/villains.def").read_text()
    for number, (kind, group, name, words, sentence) in enumerate(ROW.findall(text)):
        if kind == "FRONT":
            rows.setdefault(group, []).append((name, words))
            made = make_front(group, name, words, sentence)
        else:
            made = make_front_end(name, sentence)
        globals()[f"test_{number:03}_{name}"] = made


define_villains()
