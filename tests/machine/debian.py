# SPDX-License-Identifier: GPL-2.0-only
"""Debian's archive, as any user may read it.

apt keeps its lists and cache below build/cache/apt, so nothing here needs root,
and the state of the host's own apt (stale lists, other distributions' sources)
does not matter. The host's mirrors and proxies are honoured.
"""

import functools
import os
import re
import subprocess

from machine import paths, say, tools

SUITE = "bookworm"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
DEFAULT_SOURCES = f"""\
deb [signed-by={KEYRING}] http://deb.debian.org/debian {SUITE} main
deb [signed-by={KEYRING}] http://deb.debian.org/debian {SUITE}-updates main
deb [signed-by={KEYRING}] http://deb.debian.org/debian-security {SUITE}-security main
"""
OFFLINE = "is the network there? Everything already cached works without it."


def sources():
    """sources.list text: the mirrors the host uses for Debian, or the public ones."""
    form = "$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(SIGNED_BY)"
    found = subprocess.run(["apt-get", "indextargets", "--format", form,
                            "Created-By: Packages", "Origin: Debian"],
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                           check=False).stdout
    rows = {tuple(row.split("|")) for row in found.splitlines() if row.count("|") == 3}
    rows = sorted(row for row in rows if row[1].split("-")[0] == SUITE and row[2] == "main")
    releases = {row[1] for row in rows}
    if not {SUITE, f"{SUITE}-security"} <= releases:
        return DEFAULT_SOURCES
    return "".join(f"deb [signed-by={key if key.startswith('/') else KEYRING}] "
                   f"{uri} {release} main\n" for uri, release, _, key in rows)


def proxy_options():
    """The host's apt proxies, for tools that start from an empty configuration."""
    dump = subprocess.run(["apt-config", "dump"], stdout=subprocess.PIPE, text=True,
                          check=False).stdout
    return re.findall(r'^(Acquire::https?::Proxy "[^"]+");$', dump, re.MULTILINE)


def _apt(*words, what):
    """apt-get with a private state directory."""
    for name in ("state/lists/partial", "cache/archives/partial", "etc"):
        (paths.APT / name).mkdir(parents=True, exist_ok=True)
    tools.write_if_changed(paths.APT / "sources.list", sources())
    tools.write_if_changed(paths.APT / "status", "")
    options = {"Dir::State": paths.APT / "state", "Dir::State::status": paths.APT / "status",
               "Dir::Cache": paths.APT / "cache",
               "Dir::Etc::SourceList": paths.APT / "sources.list",
               "Dir::Etc::SourceParts": "/dev/null", "Dir::Etc::Preferences": "/dev/null",
               "Dir::Etc::PreferencesParts": "/dev/null", "APT::Architecture": "amd64",
               "APT::Architectures": "amd64", "APT::Sandbox::User": "",
               "Acquire::Languages": "none", "Acquire::Retries": "3"}
    settings = [f"-o{key}={value}" for key, value in options.items()]
    return tools.call(["apt-get", "-q", *settings, *words], what, hint=OFFLINE, cwd=paths.DEBS,
                      env={**os.environ, "LC_ALL": "C"})


@functools.cache
def update_once():
    """Fetch the package lists, the first time somebody needs them."""
    paths.DEBS.mkdir(parents=True, exist_ok=True)
    with say.step("reading Debian's package lists"):
        _apt("update", what="reading Debian's package lists")


def closure(names):
    """(file name, package=version) of everything that installing `names` would fetch."""
    listing = _apt("--print-uris", "-qq", "-y", "--no-install-recommends", "install", *names,
                   what="resolving " + " ".join(names))
    found = []
    for row in re.findall(r"^'\S+' (\S+_\S+_\S+\.deb) ", listing, re.MULTILINE):
        package, version, _ = row.split("_")
        found.append((row, f"{package}={version.replace('%3a', ':')}"))
    return found


def download(wanted):
    """Bring packages, as closure() names them, into DEBS; keep those that are there."""
    missing = [name for file, name in wanted if not (paths.DEBS / file).exists()]
    if missing:
        with say.step(f"downloading {', '.join(missing)}"):
            _apt("download", *missing, what="downloading kernel packages")
    return [paths.DEBS / file for file, _ in wanted]
