# SPDX-License-Identifier: GPL-2.0-only
"""Compares what abi_print says now with the frozen dump: what was released stays.

A new row is added to the dump together with its minor version and the changelog.
"""

import difflib
import subprocess
import sys


def main():
    now = subprocess.run([sys.argv[1], "dump"], check=True, capture_output=True, text=True)
    now = now.stdout.splitlines()
    with open(sys.argv[2], encoding="utf-8") as file:
        frozen = file.read().splitlines()
    print("1..2")
    print("ok 1" if len(frozen) > 100 else "not ok 1", "the_frozen_dump_is_not_empty")
    difference = list(difflib.unified_diff(frozen, now, "frozen", "now", lineterm=""))
    for row in difference:
        print("#", row)
    print("not ok 2" if difference else "ok 2", "every_code_offset_and_size_is_as_it_was_frozen")
    return 1 if difference else 0


sys.exit(main())
