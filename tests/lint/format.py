# SPDX-License-Identifier: GPL-2.0-only
"""Spaces and indentation are those of .clang-format; line breaks are the author's.

clang-format formats each file, told to leave line breaks alone as far as it can.
Both texts have the same characters besides white space. Wherever neither of them
breaks the line, both must have a space or neither; where both begin a statement
on a new line, it must be indented alike. Tables may be aligned by hand;
macros are left alone.
"""

import re
import shutil
import sys
import tempfile
from pathlib import Path

import tap

PARTS = 4
LOOSE = {
    "ColumnLimit": "0",
    "AllowShortFunctionsOnASingleLine": "All",
    "AllowShortCaseLabelsOnASingleLine": "true",
    "AllowShortBlocksOnASingleLine": "Always",
    "AllowShortIfStatementsOnASingleLine": "AllIfsAndElse",
}
# What clang-format 14 takes for something else (*x++ for a product, X-macros for
# declarations), and what the tree writes in both ways (operands of asm, empty braces).
BOTH_WAYS = re.compile(r"""\+\+|--|\)\{|&&|\*|#|\w\(|"\(|:"|\{[}.]|\)-""")


def loose_style():
    text = (tap.SOURCE / ".clang-format").read_text(encoding="utf-8")
    for key, value in LOOSE.items():
        text = re.sub(rf"^{key}:.*$", f"{key}: {value}", text, flags=re.MULTILINE)
        if not re.search(rf"^{key}:", text, re.MULTILINE):
            text = text.replace("\n...", f"\n{key}: {value}\n...")
    return text


def format_copies(paths, folder):
    """Formatted copies of the files, in the order given. Few processes: starting them
    is what takes the time."""
    (folder / ".clang-format").write_text(loose_style(), encoding="utf-8")
    copies = [folder / f"{number}{path.suffix}" for number, path in enumerate(paths)]
    for path, copy in zip(paths, copies):
        shutil.copyfile(path, copy)
    jobs = [("clang-format", ["clang-format", "-i", *map(str, copies[part::PARTS])], folder)
            for part in range(PARTS)]
    failed = tap.run_all(jobs)
    if failed:
        raise RuntimeError("\n".join(failed))
    return copies


def pieces(text):
    """(white space, the character behind it), for every character that is not one."""
    return re.findall(r"(\s*)(\S)", text.replace("\\\n", "\n"))


def macro_rows(text):
    """Numbers of the lines that belong to the preprocessor: anything goes there."""
    found, inside = set(), False
    for number, row in enumerate(text.split("\n"), 1):
        if inside or row.lstrip().startswith("#"):
            found.add(number)
            inside = row.endswith("\\")
    return found


def statement_begins(before):
    return before in (";", "{", "}")


def indentation(gap):
    return gap.rsplit("\n", 1)[-1].expandtabs(8)


def compare(path, copy):
    text, formatted = (each.read_text(encoding="utf-8") for each in (path, copy))
    ours, theirs = pieces(text), pieces(formatted)
    if [character for _, character in ours] != [character for _, character in theirs]:
        return [f"{tap.short(path)}: clang-format changes more than white space"]
    macros = macro_rows(text)
    bad, row, before = [], 1, ""
    for index, ((gap, character), (wanted, _)) in enumerate(zip(ours, theirs)):
        row += gap.count("\n")
        why = gap != wanted and differs(gap, wanted, before)
        if why and row not in macros:
            near = before + "".join(each for _, each in ours[index:index + 2])
            if not BOTH_WAYS.search(near):
                bad.append(f"{tap.short(path)}:{row}: {why} {near!r}")
        before = character
    return bad


def differs(gap, wanted, before):
    """Why this white space is not what it should be, or nothing."""
    if "\n" not in gap and "\n" not in wanted:
        if bool(gap) != bool(wanted):
            return f"{'no space' if gap else 'a space'} should be at"
    elif "\n" in gap and "\n" in wanted and statement_begins(before):
        if indentation(gap) != indentation(wanted):
            return "another indentation should be at"
    return None


def main():
    checks = tap.Checks()
    name = "spaces and indentation in C are those of .clang-format"
    if not shutil.which("clang-format"):
        checks.skip(name, "there is no clang-format")
        return checks.end()
    paths = tap.files(ending=r"\.[ch]$")
    with tempfile.TemporaryDirectory() as folder:
        copies = format_copies(paths, Path(folder))
        bad = [row for path, copy in zip(paths, copies) for row in compare(path, copy)]
    checks.verdict(name, bad)
    return checks.end()


sys.exit(main())
