# SPDX-License-Identifier: GPL-2.0-only
"""Files of Debian packages that tests use but nobody wants installed.

The packages of section [unpacked] are laid out below build/unpacked as their
files are in /usr; no script of theirs runs, nothing on the host changes.
"""

import re

from machine import debian, paths, say, tools

RECIPE = "1"            # changes when what _make() does with a package changes


def ensure(update=False):
    """Make build/unpacked if it is not there, or is of other packages."""
    names = tools.packages("unpacked")
    listing = paths.CACHE / "unpacked.list"
    wanted = _known(listing, names)
    if not wanted or update:
        debian.update_once()
        wanted = [row for row in debian.closure(names) if row[1].split("=")[0] in names]
        debian.download(wanted)
        tools.write_if_changed(listing, "".join(f"{file} {name}\n" for file, name in wanted))
    recipe = tools.fingerprint(RECIPE, listing)
    if not tools.is_made(paths.UNPACKED, recipe):
        with say.step("unpacking packages for tests"), \
                tools.making(paths.UNPACKED, recipe) as scratch:
            _make([paths.DEBS / file for file, _ in wanted], scratch / paths.UNPACKED.name)


def _known(listing, names):
    """What an earlier set-up found, if it is still what packages.txt asks for."""
    if not listing.exists():
        return []
    rows = [tuple(row.split()) for row in listing.read_text().splitlines()]
    complete = {re.sub("=.*", "", name) for _, name in rows} == set(names)
    return rows if complete and all((paths.DEBS / file).exists() for file, _ in rows) else []


def _make(files, tree):
    for file in files:
        tools.call(["dpkg-deb", "-x", file, tree], f"unpacking {file.name}")
