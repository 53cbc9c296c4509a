# SPDX-License-Identifier: GPL-2.0-only
"""Words that do not belong into the tree."""

import re
import sys

import tap

FORBIDDEN = re.compile(r"\b(?:hv_|HVCALL_|HV_STATUS_|pv_|xen_)\w+")
# Linux's own, which a module has to name to use them.
LINUX = {"hv_ops", "hv_setup_vmbus_handler", "hv_remove_vmbus_handler",
         "hv_setup_kexec_handler", "hv_remove_kexec_handler"}
PROMISE = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X)\b")
STANDARD = {"bin", "boot", "dev", "etc", "lib", "media", "mnt", "opt", "proc", "root", "run",
            "sbin", "srv", "sys", "tmp", "usr", "var", "out", "builds", "src", "code", "data"}


def machine_paths():
    """Folders that exist on somebody's computer only; where this checkout lies, for one."""
    patterns = [r"/ho" r"me/\w", r"/Us" r"ers/\w"]
    first = tap.SOURCE.parts[1] if len(tap.SOURCE.parts) > 1 else "tmp"
    if first not in STANDARD and first not in ("home", "Users"):
        patterns.append(rf"(?<![\w.-])/{re.escape(first)}/")
    return re.compile("|".join(patterns))


def search(pattern, files, why, allowed=()):
    return [f"{tap.short(path)}:{row}: {match[0]}: {why}"
            for path in files for row, text in tap.rows(path)
            for match in pattern.finditer(text) if match[0] not in allowed]


def main():
    checks = tap.Checks()
    sources = tap.files(ending=r"\.(c|h|S|def|asl)$")
    checks.verdict("no identifier has a prefix that Linux or others own",
                   search(FORBIDDEN, sources, "our prefix is pvn_ or PVN_", LINUX))
    everything = [path for path in tap.files() if path.name != "names.py"]
    checks.verdict("no file names a folder of somebody's computer",
                   search(machine_paths(), everything, "say it relative to the tree"))
    not_docs = [path for path in everything if tap.short(path).split("/")[0] != "docs"]
    checks.verdict("nothing is left to do in the code",
                   search(PROMISE, not_docs, "do it, or write it into docs/caveats.md"))
    return checks.end()


sys.exit(main())
