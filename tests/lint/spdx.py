# SPDX-License-Identifier: GPL-2.0-only
"""Every file says its licence, and the one that its folder has."""

import re
import sys

import tap

LINE = re.compile(r"SPDX-License-Identifier: ([A-Za-z0-9.-]+(?: (?:OR|AND) [A-Za-z0-9.-]+)*)")
COPYRIGHT = "Copyright (C) The Paravane developers"
# Formats that have no comments, and texts that must stay as they are.
WITHOUT = re.compile(r"\.(json|txt|expected|png)$|^(LICENSE|COPYING)$|^\.git$")
BY_FOLDER = {"hypercall-abi": "MIT"}
LIBRARIES = re.compile(r"^backend/lib(xenstore|pvnstore)")     # what other programs link
DEFAULT = "GPL-2.0-only"


def expected(name):
    if LIBRARIES.match(name):
        return "LGPL-2.1-or-later"
    return BY_FOLDER.get(name.split("/")[0], DEFAULT)


def main():
    checks = tap.Checks()
    missing, wrong, no_copyright = [], [], []
    for path in tap.files():
        name = tap.short(path)
        text = "\n".join(row for _, row in tap.rows(path)[:10])
        match = LINE.search("\n".join(text.split("\n")[:3]))
        if not match:
            if text and not WITHOUT.search(path.name):
                missing.append(f"{name}:1: no SPDX-License-Identifier in the first three lines")
        elif match[1] != expected(name):
            wrong.append(f"{name}:1: {match[1]}, but this folder is {expected(name)}")
        if path.suffix in (".c", ".h", ".S") and COPYRIGHT not in text:
            no_copyright.append(f"{name}:1: no line '{COPYRIGHT}'")
    checks.verdict("every file has an SPDX line", missing)
    checks.verdict("every licence is that of its folder", wrong)
    checks.verdict("every C and assembly file has the copyright line", no_copyright)
    texts = [f"LICENSES/{licence}.txt: missing" for licence in
             ("GPL-2.0-only", "MIT", "LGPL-2.1-or-later")
             if not (tap.SOURCE / "LICENSES" / f"{licence}.txt").exists()]
    checks.verdict("the text of every licence is there", texts)
    return checks.end()


sys.exit(main())
