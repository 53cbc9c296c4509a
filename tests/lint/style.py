# SPDX-License-Identifier: GPL-2.0-only
"""The cheap half of checkpatch: white space, line length, preprocessor."""

import re
import sys

import tap

LENGTH_MAX = 110
LENGTH_TEXT_MAX = 160           # tables, prose, messages of scripts
CONDITIONAL = re.compile(r"^\s*#\s*(if|ifdef|ifndef|elif|else)\b")
VERSION_DEFAULT = re.compile(r"^\s*#\s*ifndef\s+PVN_\w+$")
TEXT_ALONE = re.compile(r'^\s*"[^"]*"[,;)]*$')      # what users may search for stays whole
TYPEDEF = re.compile(r"^\s*typedef\s+(struct|union|enum)\b[^(]*$")
RULES = {
    "trailing": "no line ends in white space",
    "end": "every file ends with one newline",
    "indent": "C is indented with tabs, Python with spaces",
    "long": f"no line of code is longer than {LENGTH_MAX} columns",
    "condition": "no C file chooses code with the preprocessor",
    "typedef": "structs are not typedef'd",
}


def look(path, found):
    name, text = tap.short(path), path.read_bytes()
    if text and (not text.endswith(b"\n") or text.endswith(b"\n\n") or b"\r\n" in text):
        found["end"].append(f"{name}: add or remove newlines at its end")
    is_c = path.suffix in (".c", ".h")
    limit = LENGTH_MAX if path.suffix in (".c", ".h", ".S", ".py") else LENGTH_TEXT_MAX
    for row, line in tap.rows(path):
        where = f"{name}:{row}"
        if line != line.rstrip():
            found["trailing"].append(f"{where}: white space at the end")
        if is_c and re.match(r" {8}|\t* +\t", line) or path.suffix == ".py" and "\t" in line:
            found["indent"].append(f"{where}: wrong kind of white space")
        if len(line.expandtabs(8)) > limit and not TEXT_ALONE.match(line):
            found["long"].append(f"{where}: {len(line.expandtabs(8))} columns")
        if path.suffix == ".c" and CONDITIONAL.match(line) and not VERSION_DEFAULT.match(line):
            found["condition"].append(f"{where}: choose by folder, by link, or by a plain if")
        if is_c and TYPEDEF.match(line):
            found["typedef"].append(f"{where}: say struct")


def main():
    checks = tap.Checks()
    found = {rule: [] for rule in RULES}
    for path in tap.files():
        if tap.rows(path) and "LICENSES" not in path.parts:
            look(path, found)
    for rule, name in RULES.items():
        checks.verdict(name, found[rule])
    return checks.end()


sys.exit(main())
