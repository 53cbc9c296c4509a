# SPDX-License-Identifier: GPL-2.0-only
"""What the documents say of the tree, as far as a program can tell."""

import re
import sys
from urllib.parse import unquote

import tap

LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
CITATION = re.compile(r"\[((?:APM|SDM|TLFS|ACPI|RFC|Linux|multiboot|Multiboot)\b[^]\"\n]*)")
MANUAL = re.compile(r"^(APM\d|SDM \d\w?|TLFS [\d.]+b?|ACPI [\d.]+|RFC \d+|Linux|multiboot \d)\b")
PATH = re.compile(r"`((?:hypervisor|hypercall-abi|pv-guest|frontend|backend|tests|docs)/[\w./-]+)`")
# Pages that speak of what may be, not of what is.
MAY_MISS = {"docs/testing.md"}


def documents():
    return [path for path in tap.files("docs") + sorted(tap.SOURCE.glob("*.md"))
            if path.suffix == ".md"]


def dead_links():
    for path in documents():
        for row, text in tap.rows(path):
            for target in LINK.findall(text):
                if "://" not in target and not (path.parent / unquote(target)).exists():
                    yield f"{tap.short(path)}:{row}: {target} is not there"


def dead_paths():
    for path in documents():
        if tap.short(path) in MAY_MISS:
            continue
        for row, text in tap.rows(path):
            for target in PATH.findall(text):
                if not (tap.SOURCE / target).exists():
                    yield f"{tap.short(path)}:{row}: {target} is not there"


def unknown_manuals():
    known = (tap.SOURCE / "docs" / "specs.md").read_text(encoding="utf-8")
    for path in tap.files(ending=r"\.(c|h|S|def|asl)$"):
        for row, text in tap.rows(path):
            for citation in CITATION.findall(text):
                manual = MANUAL.match(citation)
                if not manual or f"| {manual[1]} |" not in known:
                    yield f"{tap.short(path)}:{row}: [{citation.strip()}: not in docs/specs.md"


def wrong_functions():
    """Tables of the life of a write: each function is in the file that its row names."""
    page = tap.SOURCE / "docs/life-of-a-write.md"
    files = []
    for row, text in tap.rows(page):
        cells = [cell.strip() for cell in text.split("|")]
        if len(cells) != 5 or not cells[1] + cells[2]:
            continue
        named = re.findall(r"`([\w./-]+\.[chS])`", cells[1])
        if cells[1]:
            files = [found for name in named for found in tap.SOURCE.glob(f"**/{name}")
                     if "build" not in found.parts]
        for function in re.findall(r"`(\w+)\(\)`", cells[2]):
            if not any(re.search(rf"\b{function}\(", each.read_text(encoding="utf-8"))
                       for each in files):
                yield f"docs/life-of-a-write.md:{row}: {function}() is not in {' '.join(named)}"


def first_commands():
    text = (tap.SOURCE / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"^    (\S+)", text, re.MULTILINE)
    if commands[:2] != ["./run", "./test"]:
        yield f"README.md: begins with {' and '.join(commands[:2])}"


def lock_order():
    header = (tap.SOURCE / "hypervisor/lib/spinlock.h").read_text(encoding="utf-8")
    page = (tap.SOURCE / "docs/locking.md").read_text(encoding="utf-8")
    order = re.findall(r"\bLOCK_\w+", re.search(r"enum lock_level \{(.*?)\}", header, re.DOTALL)[1])
    told = re.findall(r"^\| `(LOCK_\w+)`", page, re.MULTILINE)
    if order != told:
        yield f"docs/locking.md: says {' '.join(told)}, but it is {' '.join(order)}"


def unlisted_decisions():
    page = (tap.SOURCE / "docs/decisions/README.md").read_text(encoding="utf-8")
    for path in tap.files("docs/decisions", ending=r"^\d"):
        if f"({path.name})" not in page:
            yield f"{tap.short(path)}: not in docs/decisions/README.md"


def untold_words():
    """Subcommands and options of pvn: its manual page and its completion know each."""
    places = {path: re.sub(r"\\f.", "", (tap.SOURCE / path).read_text(encoding="utf-8")).replace("\\-", "-")
              for path in ("docs/man/pvn.1", "backend/tools/pvn.bash")}
    for path in tap.files("backend/tools", ending=r"^cmd_\w+\.c$"):
        text = path.read_text(encoding="utf-8")
        for word in map("".join, re.findall(r'\.name = "([\w-]+)"|\{ "(--[\w-]+)"', text)):
            for place, told in places.items():
                if not re.search(rf"(?<![\w-]){word}(?![\w-])", told):
                    yield f"{place}: lacks {word} of {tap.short(path)}"


def main():
    checks = tap.Checks()
    checks.verdict("every link in the documents leads somewhere", list(dead_links()))
    checks.verdict("every path that the documents name is there", list(dead_paths()))
    checks.verdict("the life of a write names functions that are where it says",
                   list(wrong_functions()))
    checks.verdict("every manual that is cited has an edition", list(unknown_manuals()))
    checks.verdict("the first two commands of the README are ./run and ./test",
                   list(first_commands()))
    checks.verdict("the order of locks is that of the code", list(lock_order()))
    checks.verdict("every decision is listed", list(unlisted_decisions()))
    checks.verdict("pvn's manual page and completion have all of its words", list(untold_words()))
    return checks.end()


sys.exit(main())
