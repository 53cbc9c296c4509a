# SPDX-License-Identifier: GPL-2.0-only
"""How long things are: the code of ring 0, files, functions."""

import re
import sys

import tap

RING0_MAX = 10000
FILE_MAX = 700
FUNCTION_MAX = 100
FUNCTION_LOOK = 60
SAMPLE_MAX = 400
SAMPLE = ["hypercall-abi/include/pvn/abi/io/entropy.h", "frontend/entropy/entropyfront.c",
          "backend/entropyd/main.c", "backend/entropyd/meson.build",
          "tests/system/test_entropy.py"]


def code_lines(path):
    """Lines that are neither blank nor comment."""
    text = tap.without_comments(path.read_text(encoding="utf-8"), path.suffix == ".S")
    return sum(1 for row in text.split("\n") if row.strip())


def functions(path):
    """(line number, name, length) of each function, by the brackets in column 0."""
    text = tap.without_comments(path.read_text(encoding="utf-8"))
    began, head = None, ""
    for number, row in enumerate(text.split("\n"), 1):
        if row.startswith("{") and head.rstrip().endswith(")"):
            began = number
        elif row.startswith("}") and began:
            name = re.search(r"(\w+)\s*\(", head)
            yield began - 1, name[1] if name else "?", number - began - 1
            began, head = None, ""
        elif not began and row and not row[0].isspace() and not row.startswith("#"):
            head = row
        elif not began and row.strip():
            head += row


def ring0(checks):
    files = tap.files("hypervisor", ending=r"(?<!\.lds)\.(c|h|S)$")
    total = sum(code_lines(path) for path in files)
    bad = [] if 0 < total <= RING0_MAX else [f"hypervisor: {total} lines of code"]
    checks.verdict(f"the code of ring 0 stays small: {total} lines of at most {RING0_MAX}", bad)


def sample(checks):
    """The device of docs/write-a-driver.md is to be read in one go."""
    total = sum(len(tap.rows(tap.SOURCE / path)) - 1 for path in SAMPLE)
    bad = [] if total < SAMPLE_MAX else [f"docs/write-a-driver.md: {total} lines"]
    checks.verdict(f"the sample device has less than {SAMPLE_MAX} lines in all: {total}", bad)


def main():
    checks = tap.Checks()
    ring0(checks)
    sample(checks)
    bad, notes = [], []
    for path in tap.files(ending=r"\.(c|h|S|py|sh)$"):
        length = len(tap.rows(path)) - 1
        if length > FILE_MAX:
            bad.append(f"{tap.short(path)}: {length} lines")
    checks.verdict(f"no file is longer than {FILE_MAX} lines", bad)
    bad = []
    for path in tap.files(ending=r"\.c$"):
        for row, name, length in functions(path):
            target = bad if length > FUNCTION_MAX else notes if length > FUNCTION_LOOK else []
            target.append(f"{tap.short(path)}:{row}: {name}() has {length} lines")
    checks.verdict(f"no function is longer than {FUNCTION_MAX} lines "
                   f"({len(notes)} are longer than {FUNCTION_LOOK})", bad, notes)
    return checks.end()


sys.exit(main())
