# SPDX-License-Identifier: GPL-2.0-only
"""What the lint programs share: the tree's files, and tests as TAP.

    checks = tap.Checks()
    bad = [f"{path}:{row}: why" for ...]
    checks.verdict("no file is too long", bad)
    sys.exit(checks.end())

A name is a sentence that is true when the test passes. What was found follows
as a note, one line each, in the form FILE:LINE: WHY.
"""

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SOURCE = Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
BUILD = Path(sys.argv[2] if len(sys.argv) > 2 else SOURCE / "build" / "meson").resolve()
FOLDERS = ("hypervisor", "hypercall-abi", "pv-guest", "frontend", "backend", "tests", "docs")
NOT_OURS = {"build", ".git", "__pycache__"}
NOTES_MAX = 60


class Checks:
    """Counts tests and prints them."""

    def __init__(self):
        self._count = self._failed = 0

    def verdict(self, name, bad, notes=()):
        """One test: it passes when nothing is in `bad`."""
        self._count += 1
        self._failed += bool(bad)
        print(f"{'not ok' if bad else 'ok'} {self._count} - {name}")
        rows = [*bad, *notes]
        for row in rows[:NOTES_MAX]:
            print(f"# {row}")
        if len(rows) > NOTES_MAX:
            print(f"# and {len(rows) - NOTES_MAX} more")

    def skip(self, name, why):
        self._count += 1
        print(f"ok {self._count} - {name} # SKIP {why}")

    def end(self):
        """The plan; the program's exit status."""
        print(f"1..{self._count}")
        return 1 if self._failed else 0


def files(*folders, ending=None):
    """All files of these folders (default: of the tree), by a regular expression."""
    found = []
    for folder in folders or (*FOLDERS, ".ci"):
        for where, inner, names in os.walk(SOURCE / folder):
            inner[:] = sorted(set(inner) - NOT_OURS)
            found += [Path(where, name) for name in sorted(names)]
    if not folders:
        found += sorted(path for path in SOURCE.iterdir() if path.is_file())
    pattern = re.compile(ending or "")
    return [path for path in found
            if pattern.search(path.name) and not path.name.endswith((".pyc", "~", ".swp"))]


def short(path):
    """A path as messages show it."""
    return str(path.relative_to(SOURCE))


def rows(path):
    """The file's lines, numbered from 1; nothing for what is no text."""
    try:
        return list(enumerate(path.read_text(encoding="utf-8").split("\n"), 1))
    except (UnicodeDecodeError, FileNotFoundError):
        return []


def without_comments(text, assembly=False):
    """C or assembly with comments and the insides of strings replaced by spaces."""
    token = r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|/\*.*?\*/|//[^\n]*'
    if assembly:
        token = r'"(?:\\.|[^"\\\n])*"|/\*.*?\*/|//[^\n]*'

    def blank(match):
        if match[0][0] in "\"'":
            return match[0][0] + "x" * (len(match[0]) - 2) + match[0][0]
        return re.sub(r"[^\n]", " ", match[0])

    return re.sub(token, blank, text, flags=re.DOTALL)


def run_all(jobs):
    """Run commands, as many at a time as there are processors: [(what, command, folder)].
    Returns the messages of those that failed."""
    def one(job):
        what, command, folder = job
        done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace", check=False)
        if not done.returncode:
            return []
        said = done.stdout.strip().splitlines()[:6] or [f"exit status {done.returncode}"]
        return [f"{what}: {said[0]}", *said[1:]]

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        return [row for rows_ in pool.map(one, jobs) for row in rows_]
