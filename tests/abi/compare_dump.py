# SPDX-License-Identifier: GPL-2.0-only
"""Compares what the tables and headers say now with abi-v1.txt: what was released stays.

    compare_dump.py ABI_PRINT ABI-V1.TXT CHANGELOG.MD       the test
    compare_dump.py --print ABI_PRINT ABI-V1.TXT            what the file should say

The file is a row of blocks: a line and the indented ones after it. The changelog says of each
released version how many lines the file had then, and their SHA-256: these cannot be changed
any more, whatever else a commit changes with them. What comes later is appended; a page of
statistics may get new counters at its end.
"""

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

RELEASED = re.compile(r"^## (\d+)\.(\d+) \(released \d{4}-\d\d-\d\d\)\n\n"
                      r"`abi-v1\.txt`: (\d+) lines, SHA-256 `([0-9a-f]{64})`\.$", re.MULTILINE)
SINCE = re.compile(r"^call .* since (\d+)\.(\d+) ")
HEADERS = ("cpuid", "msr", "hypercall", "event", "eventlog", "stats", "ring", "store", "io/blk",
           "io/net", "io/console", "io/entropy")
DEFINE = re.compile(r"^#define (PVN_\w+) (.+)$")
# The version itself, and a mask of the flags that there are. Guards and macros that take
# arguments are no numbers.
LEFT_OUT = {"PVN_ABI_MINOR", "PVN_BLK_FLAGS"}


def defined(folder):
    """Numbers of registers, messages, properties and flags: the headers' macros, sorted."""
    text = "".join(f"#include <pvn/abi/{name}.h>\n" for name in HEADERS)
    done = subprocess.run([os.environ.get("CC", "cc"), "-E", "-dM", f"-I{folder / 'include'}",
                           f"-I{folder}", "-"], input=text, check=True, capture_output=True,
                          text=True)
    found = [DEFINE.match(row) for row in done.stdout.splitlines()]
    return sorted(f"define {row[1]} {' '.join(row[2].split())}" for row in found
                  if row and row[1] not in LEFT_OUT)


def current(abi_print, folder):
    """All lines as they should be."""
    done = subprocess.run([abi_print, "dump"], check=True, capture_output=True, text=True)
    return done.stdout.splitlines() + defined(folder)


def blocks(lines):
    """First lines, each with those below it."""
    found = {}
    last = None
    for row in lines:
        if row.startswith("\t"):
            found[last].append(row)
        else:
            last = row
            found[last] = []
    return found


def differences(frozen, now):
    """What is not as the file has it."""
    frozen, now = blocks(frozen), blocks(now)
    for head, body in frozen.items():
        if head not in now:
            yield f"gone or changed: {head}"
        elif now[head] != body:
            yield f"changed: {head}"
    for head in now:
        if head not in frozen:
            yield f"new, and not in abi-v1.txt (--print tells what belongs there): {head}"


def broken_releases(file, now, changelog):
    """What a released version said, and is said no more."""
    now = blocks(now)
    for major, minor, count, digest in RELEASED.findall(changelog):
        released = file[:int(count)]
        text = "".join(row + "\n" for row in released)
        if hashlib.sha256(text.encode()).hexdigest() != digest:
            yield f"the lines of {major}.{minor} are not those that were released"
        old = blocks(released)
        for head, body in old.items():
            may_grow = head.startswith("statistics")
            if head not in now or (now[head][:len(body)] if may_grow else now[head]) != body:
                yield f"changed since {major}.{minor}: {head}"
        for head in now:
            since = SINCE.match(head)
            if since and head not in old and (int(since[1]), int(since[2])) <= (int(major), int(minor)):
                yield f"not of {major}.{minor}: {head}"


def report(number, name, problems):
    """A line of TAP."""
    problems = list(problems)
    for row in problems:
        print("#", row)
    print("not ok" if problems else "ok", number, name)
    return bool(problems)


def changed(lines):
    """The same with one field of one call wider."""
    at = next(i for i, row in enumerate(lines) if row.startswith("\t\t") and "u32" in row)
    return lines[:at] + [lines[at].replace("u32", "u64")] + lines[at + 1:]


def main():
    if sys.argv[1] == "--print":
        print("\n".join(current(sys.argv[2], Path(sys.argv[3]).parent)))
        return 0
    file = Path(sys.argv[2])
    frozen, now = file.read_text(encoding="utf-8").splitlines(), current(sys.argv[1], file.parent)
    changelog = Path(sys.argv[3]).read_text(encoding="utf-8")
    print("1..4")
    failed = report(1, "the_file_is_not_empty", [] if len(frozen) > 500 else ["it is"])
    failed |= report(2, "every_code_offset_size_and_number_is_as_the_file_has_it",
                     differences(frozen, now))
    failed |= report(3, "what_was_released_stays", broken_releases(frozen, now, changelog))
    # A commit that changes table and file alike.
    failed |= report(4, "a_changed_row_of_a_release_would_be_seen",
                     [] if not RELEASED.search(changelog) or
                     list(broken_releases(changed(frozen), changed(now), changelog))
                     else ["it would not"])
    return 1 if failed else 0


sys.exit(main())
