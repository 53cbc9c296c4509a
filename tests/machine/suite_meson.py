# SPDX-License-Identifier: GPL-2.0-only
"""Run one suite of meson's tests and report each of its sub-tests.

A program that prints TAP (cmocka does, told by CMOCKA_MESSAGE_OUTPUT) counts
once for each of its tests, whatever protocol its meson.build says.
"""

import json
import os
import re
import subprocess
from dataclasses import dataclass, field

from machine import paths

TIMEOUT_MULTIPLIER = 5
TAP = re.compile(r"^(?P<verdict>ok|not ok)\b *(?P<number>\d+)? *-? *(?P<name>[^#]*)"
                 r"(?:# *(?P<directive>skip|todo)\b *(?P<why>.*))?$", re.IGNORECASE)
SKIPPED = 77        # exit status that means so, by GNU's and meson's convention


@dataclass
class SubTest:
    """One line of TAP with the diagnostics that follow it."""

    name: str
    verdict: str                    # ok, fail, skip
    why: str = ""
    notes: list = field(default_factory=list)


def run(suite, report, wanted):
    """Run the suite's programs; `wanted(name)` chooses what is reported."""
    log = paths.MESON / "meson-logs" / f"{suite}.json"
    log.unlink(missing_ok=True)
    environment = {**os.environ, "CMOCKA_MESSAGE_OUTPUT": "TAP"}
    done = subprocess.run(["meson", "test", "-C", str(paths.MESON), "--no-rebuild",
                           "--suite", f"paravane:{suite}", "--logbase", suite,
                           "-t", str(TIMEOUT_MULTIPLIER)], env=environment,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if log.exists():
        for row in log.read_text(encoding="utf-8").splitlines():
            _report_program(suite, report, wanted, json.loads(row))
    elif not re.search("No (suitable )?tests defined", done.stdout):
        report.fail(suite, "meson runs the suite", done.stdout)


def _report_program(suite, report, wanted, program):
    output, errors = program.get("stdout") or "", program.get("stderr") or ""
    name = _plain(program["name"].split(" / ")[-1].split(":")[-1])
    tests = parse_tap(output)
    if not tests:
        tests = [_whole(program, output + errors)]
        name = ""
    else:
        tests += _missing(program, tests, output)
    for test in tests:
        sentence = f"{name}: {_plain(test.name)}" if name else _plain(test.name)
        if not wanted(sentence):
            continue
        if test.verdict == "ok":
            report.ok(suite, sentence)
        elif test.verdict == "skip":
            report.skip(suite, sentence, test.why or "no reason given")
        else:
            report.fail(suite, sentence, "\n".join([*test.notes, *errors.splitlines()[-40:]]))


def parse_tap(output):
    """The sub-tests in a program's output; none if it is not TAP."""
    tests = []
    for row in output.splitlines():
        match = TAP.match(row)
        if match:
            tests.append(_sub_test(match, len(tests) + 1))
        elif tests and row.startswith(("#", " ")):
            tests[-1].notes.append(row.lstrip("# "))
    return tests


def _sub_test(match, ordinal):
    name = match["name"].strip() or f"test {match['number'] or ordinal}"
    if match["directive"] and match["directive"].lower() == "skip":
        return SubTest(name, "skip", match["why"].strip())
    return SubTest(name, "ok" if match["verdict"] == "ok" else "fail")


def _missing(program, tests, output):
    """A program that ended early must not look as if all were well."""
    planned = sum(int(count) for count in re.findall(r"^1\.\.(\d+)$", output, re.MULTILINE))
    if len(tests) < planned:
        return [SubTest("the program runs all its tests", "fail", notes=[
            f"{len(tests)} of {planned} ran; {_how_it_ended(program)}"])]
    if program["returncode"] and all(test.verdict != "fail" for test in tests):
        return [SubTest("the program ends well", "fail", notes=[_how_it_ended(program)])]
    return []


def _whole(program, output):
    """A program without sub-tests is one test."""
    name = program["name"].split(" / ")[-1].removeprefix("paravane:")
    if program["returncode"] == SKIPPED:
        return SubTest(name, "skip", " ".join(output.split()))
    if program["result"] in ("OK", "EXPECTEDFAIL"):
        return SubTest(name, "ok")
    return SubTest(name, "fail", notes=[_how_it_ended(program), *output.splitlines()[-40:]])


def _how_it_ended(program):
    code = program["returncode"]
    if program["result"] == "TIMEOUT":
        return "it did not end in time"
    return f"it was killed by signal {-code}" if code < 0 else f"it exited with {code}"


def _plain(name):
    """A sentence from a C identifier."""
    return name.replace("_", " ").strip()
