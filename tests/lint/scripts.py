# SPDX-License-Identifier: GPL-2.0-only
"""Scripts and data files parse."""

import ast
import json
import sys

import tap


def shell_scripts():
    for path in tap.files():
        first = tap.rows(path)[:1]
        if path.suffix == ".sh" or first and first[0][1].startswith("#!/bin/sh"):
            yield path


def python_files():
    bad = []
    for path in tap.files(ending=r"\.py$"):
        try:
            ast.parse(path.read_text(encoding="utf-8"), str(path))
        except SyntaxError as error:
            bad.append(f"{tap.short(path)}:{error.lineno}: {error.msg}")
    return bad


def json_files():
    bad = []
    for path in tap.files(ending=r"\.json$"):
        try:
            json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            bad.append(f"{tap.short(path)}: {error}")
    return bad


def main():
    checks = tap.Checks()
    checks.verdict("every Python file parses", python_files())
    checks.verdict("every shell script parses", tap.run_all(
        [(tap.short(path), ["sh", "-n", str(path)], tap.SOURCE) for path in shell_scripts()]))
    checks.verdict("every JSON file parses", json_files())
    return checks.end()


sys.exit(main())
