# SPDX-License-Identifier: GPL-2.0-only
"""Debian's kernels and their headers, unpacked under build/kernels/<flavour>/.

Debian's metapackages decide the version; image and headers must agree. Nothing
is installed on the host: the headers tree is patched so that modules build
against it where it lies.
"""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from machine import debian, paths, say, tools

METAPACKAGES = {"cloud": ("linux-image-cloud-amd64", "linux-headers-cloud-amd64"),
                "generic": ("linux-image-amd64", "linux-headers-amd64")}
WANTED = re.compile(r"linux-(image-\d|headers-\d|kbuild-\d)")
# Raise it when the way of unpacking changes.
RECIPE = "1"


@dataclass(frozen=True)
class Kernel:
    """One unpacked kernel."""

    flavour: str
    release: str

    @property
    def tree(self):
        return paths.KERNELS / self.flavour

    @property
    def image(self):
        return self.tree / "boot" / f"vmlinuz-{self.release}"

    @property
    def modules(self):
        return self.tree / "lib" / "modules" / self.release

    @property
    def headers(self):
        return self.tree / "usr" / "src" / f"linux-headers-{self.release}"


def find(flavour):
    """The unpacked kernel of a flavour; ensure() must have run."""
    images = sorted((paths.KERNELS / flavour / "boot").glob("vmlinuz-*"))
    if not images:
        raise say.Failure(f"the {flavour} kernel has not been unpacked",
                          where=tools.shorten(paths.KERNELS / flavour), hint="run ./run --update")
    return Kernel(flavour, images[-1].name.removeprefix("vmlinuz-"))


def ensure(update=False):
    """Unpack what is missing; with `update` ask Debian for newer versions first."""
    for flavour in paths.FLAVOURS:
        if update or not tools.is_made(paths.KERNELS / flavour, _recipe(flavour)):
            _make(flavour, _resolved(flavour, update))
    return {flavour: find(flavour) for flavour in paths.FLAVOURS}


def _list_file(flavour):
    """Remembers which packages a flavour is made of, so that it works offline."""
    return paths.CACHE / f"kernel-{flavour}.list"


def _recipe(flavour):
    """What a tree's stamp must say: the recipe and the packages it came from."""
    listing = _list_file(flavour)
    return tools.fingerprint(RECIPE, listing) if listing.exists() else "none"


def _resolved(flavour, update):
    """Package files of a flavour, as debian.closure() names them."""
    listing = _list_file(flavour)
    if listing.exists() and not update:
        known = [tuple(row.split()) for row in listing.read_text().splitlines()]
        if all(len(row) == 2 and (paths.DEBS / row[0]).exists() for row in known):
            return known
    debian.update_once()
    wanted = [row for row in debian.closure(METAPACKAGES[flavour]) if WANTED.match(row[0])]
    _check_versions(flavour, wanted)
    return wanted


def _make(flavour, wanted):
    files = debian.download(wanted)
    tools.write_if_changed(_list_file(flavour),
                           "".join(f"{file} {name}\n" for file, name in wanted))
    tree = paths.KERNELS / flavour
    if tools.is_made(tree, _recipe(flavour)):
        return
    with say.step(f"unpacking the {flavour} kernel and its headers"), \
            tools.making(tree, _recipe(flavour)) as scratch:
        _unpack(files, scratch / flavour)


def _check_versions(flavour, wanted):
    versions = {name.split("=")[1] for _, name in wanted
                if re.match(r"linux-(image|headers)", name)}
    if len(versions) != 1:
        raise say.Failure(f"Debian's {flavour} kernel image and headers differ: "
                          + " ".join(name for _, name in wanted),
                          where=" ".join(METAPACKAGES[flavour]),
                          hint="a mirror in the middle of an update; try again later")


def _unpack(files, tree):
    for file in files:
        tools.call(["dpkg-deb", "-x", file, tree], f"unpacking {file.name}")
    release = next(tree.glob("boot/vmlinuz-*")).name.removeprefix("vmlinuz-")
    _make_relocatable(tree)
    for name in ("build", "source"):
        (tree / "lib/modules" / release / name).unlink(missing_ok=True)
    shutil.rmtree(tree / "usr/share", ignore_errors=True)
    tools.call(["depmod", "-b", tree, release], f"indexing the modules of {release}")


def _make_relocatable(tree):
    """Replace absolute /usr/src and /usr/lib names by ones relative to the tree."""
    here = "$(dir $(lastword $(MAKEFILE_LIST)))"
    for makefile in tree.glob("usr/src/linux-headers-*/Makefile"):
        text = makefile.read_text()
        patched = re.sub(r"^include /usr/src/", f"include {here}../", text, flags=re.MULTILINE)
        if patched != text:
            makefile.write_text(patched)
    for link in tree.glob("usr/src/*/*"):
        if link.is_symlink() and str(link.readlink()).startswith("/usr/"):
            target = tree / str(link.readlink()).lstrip("/")
            link.unlink()
            link.symlink_to(Path("..", "..", *target.relative_to(tree / "usr").parts))


def with_dependencies(kernel, names):
    """Paths, relative to the module directory, of the modules `names` and all they
    need, in the order in which they must be loaded. Built-in ones are left out."""
    needs = {}
    for row in (kernel.modules / "modules.dep").read_text().splitlines():
        path, _, rest = row.partition(":")
        needs[path] = rest.split()
    by_name = {_module_name(path): path for path in needs}
    builtin = {_module_name(path) for path in
               (kernel.modules / "modules.builtin").read_text().split()}
    order = []
    for name in names:
        path = by_name.get(name)
        if not path and name not in builtin:
            raise say.Failure(f"the {kernel.flavour} kernel has no module {name}",
                              where=tools.shorten(kernel.modules))
        # modules.dep lists what must be loaded first last.
        order += [*reversed(needs[path]), path] if path else []
    return list(dict.fromkeys(order))


def _module_name(path):
    return Path(path).name.split(".ko")[0].replace("-", "_")
