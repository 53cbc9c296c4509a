# SPDX-License-Identifier: GPL-2.0-only
"""What gcc compiles without a warning, clang does too.

Takes the commands from meson's compile_commands.json, so the flags are those of
the build. Kernel modules are not among them: they are built by kbuild.
"""

import json
import shlex
import shutil
import sys
from pathlib import Path

import tap

WITH_VALUE = {"-o", "-MF", "-MQ", "-MT"}
NOT_CLANGS = ("-M", "-c", "-Wno-stringop", "-Wno-maybe", "-Wno-format-trunc", "-fanalyzer",
              "-mpreferred-stack")


def command(entry):
    """The compiler's command, by clang and without an output."""
    words = shlex.split(entry["command"])
    while words and not words[0].startswith("-"):
        words.pop(0)            # ccache gcc
    kept, skip = [], False
    for word in words:
        if skip or word in WITH_VALUE:
            skip = word in WITH_VALUE and not skip
        elif not word.startswith(NOT_CLANGS):
            kept.append(word)
    return ["clang", *kept, "-fsyntax-only", "-Wall", "-Wextra", "-Werror",
            "-Wno-unknown-warning-option", "-Wno-unused-command-line-argument"]


def commands():
    """One command for each source file, by the folder it is in."""
    seen, found = set(), {"hypervisor": [], "backend": [], "tests": [], "other": []}
    for entry in json.loads((tap.BUILD / "compile_commands.json").read_text(encoding="utf-8")):
        path = (Path(entry["directory"]) / entry["file"]).resolve()
        if path.suffix != ".c" or path in seen or tap.SOURCE not in path.parents:
            continue
        seen.add(path)
        name = tap.short(path)
        folder = name.split("/")[0]
        if folder == "build":
            continue
        found[folder if folder in found else "other"].append(
            (name, command(entry), entry["directory"]))
    return found


def main():
    checks = tap.Checks()
    names = {"hypervisor": "clang compiles the hypervisor without a warning",
             "backend": "clang compiles the programs of the root without a warning",
             "tests": "clang compiles the tests without a warning",
             "other": "clang compiles the rest of the programs without a warning"}
    if not shutil.which("clang"):
        checks.skip("clang compiles everything without a warning", "there is no clang")
        return checks.end()
    for folder, jobs in commands().items():
        if not jobs and folder in ("hypervisor", "backend"):
            checks.verdict(names[folder], ["the build knows no file of it"])
        elif jobs:
            checks.verdict(names[folder], tap.run_all(jobs))
    return checks.end()


sys.exit(main())
