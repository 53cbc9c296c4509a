# SPDX-License-Identifier: GPL-2.0-only
"""The bare-metal test guest (pv-guest/testguest) in child partitions.

Each row of cases/cases.def is a test here. A group of cases runs in one guest, when
its first test is wanted; an END_CASE in a guest of its own. Afterwards the root and
the hypervisor must hold what they held before.
"""

import json
import re

from guest.testguest import run_guest
from machine import paths
from machine.testing import Skip, expect, seconds

GROUP_SECONDS = 40
ROW = re.compile(r'^(TEST_CASE|END_CASE)\((\w+), (?:(\w+)|"([^"]+)"), "([^"]+)"\)$', re.MULTILINE)

# What the state's detail must say, besides the reason.
DETAILS = {
    "crash_is_a_panic": "Kernel panic - not syncing: test guest",
    "triple_fault_of_the_second_is_told": "virtual processor 1",
    "read_of_nothing_is_told": "0xfd000000",
    "write_to_nothing_is_told": "0xfd000010",
    "jump_into_nothing_is_told": "0xfd000000",
    "jump_into_the_store_page_is_told": "0xfe000000",
    "string_to_a_port_is_told": "port 0xe9",
}


outcomes = {}           # of groups, for all tests of this run


def outcome_of_group(machine, group):
    """The group's guest, run once; one that broke the machine is not run again."""
    if group not in outcomes:
        outcomes[group] = None
        outcomes[group] = run_guest(machine, f"testguest-{group}", group)
    expect(outcomes[group], f"the guest of group {group!r} broke the machine; see its first test")
    return outcomes[group]


def make_case(group, name, sentence):
    """A test that looks at one line of its group's guest."""
    @seconds(GROUP_SECONDS + 60)
    def test(machine):
        outcome = outcome_of_group(machine, group)
        expect(name in outcome.cases, f"no word of it: {outcome.end()}")
        verdict, text, notes = outcome.cases[name]
        if verdict == "skip":
            raise Skip(text)
        expect(verdict == "ok", "\n".join([f"{verdict}: {text}", *notes]))
    return named(test, group, sentence)


def make_end_case(name, reason, sentence):
    """A test whose guest ends for this reason."""
    @seconds(GROUP_SECONDS + 60)
    def test(machine):
        meanwhile = f"{{ sleep 1; pvn destroy {name}; }}" if reason == "killed" else "false"
        outcome = run_guest(machine, name, name, meanwhile, limit=15)
        expect(outcome.reason == reason, f"not {reason!r}: {outcome.end()}")
        expect(name not in outcome.cases, f"the guest went on: {outcome.log}")
        told = DETAILS.get(name, "")
        expect(told in (outcome.state.get("detail") or ""), f"no word of {told!r}: {outcome.end()}")
    return named(test, "ends", sentence)


def named(test, group, sentence):
    test.__doc__ = f"{group}: {sentence}."
    return test


def test_keys_do_not_reach_the_root(machine):
    """Busy processes of the root survive a guest whose protection keys deny everything."""
    machine.run("for i in 1 2 3 4; do sh -c 'while :; do :; done' >/dev/null 2>&1 & echo $!; done"
                " >/run/busy")
    run_guest(machine, "testguest-keys", "protection_keys_are_kept")
    done = machine.run("kill $(cat /run/busy)")
    expect(done.status == 0, f"some died: {done.errors}")


def test_nothing_is_left(machine):
    """After all these guests root and hypervisor hold what they held before."""
    run_guest(machine, "testguest-event", "event")
    run_guest(machine, "testguest-last", "event,fuzz")
    done = machine.run("cat /run/testguest.census; pvn census --json; pvn list --json")
    before, now, guests = parse_all(done.output)
    alive = [guest["name"] for guest in guests if not guest.get("state", "").startswith("ended")]
    expect(not alive, f"still there: {alive}")
    changed = [f"{key}: {value} before, {now.get(key)} now" for key, value in before.items()
               if now.get(key) != value]
    expect(not changed, "\n".join(changed))
    done = machine.run("dmesg | grep -E 'BUG|WARNING|Oops|pvn.*(leak|refus)'")
    expect(done.status == 1, f"the root's kernel complains:\n{done.output}")


def parse_all(text):
    """All JSON documents of a text."""
    decoder, documents, at = json.JSONDecoder(), [], 0
    text = text.strip()
    while at < len(text):
        document, end = decoder.raw_decode(text, at)
        documents.append(document)
        at = end + len(text[end:]) - len(text[end:].lstrip())
    return documents


def define_cases():
    """The rows of cases.def as functions of this module, before those of this file."""
    rows = ROW.findall((paths.SOURCE / "tests/guest/cases/cases.def").read_text())
    for number, (kind, first, name, reason, sentence) in enumerate(rows):
        made = make_case(first, name, sentence) if kind == "TEST_CASE" else \
            make_end_case(first, reason, sentence)
        globals()[f"test_{number:03}_{name or first}"] = made


define_cases()
