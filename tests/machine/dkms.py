# SPDX-License-Identifier: GPL-2.0-only
"""The modules as a DKMS source package, for an installed Debian (docs/bare-metal.md).

    dkms.py [FILE]      used by `ninja -C build/meson dkms`

The archive holds paravane-VERSION/: the folders pv-guest, frontend and hypercall-abi as far
as modules need them, a Kbuild file, and dkms.conf with every module that they make.
"""

import io
import re
import sys
import tarfile
from pathlib import Path

if not __package__:  # started by its path: find the package, not its neighbours
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from machine import kbuild, paths, say, tools  # noqa: E402 pylint: disable=C0413

CONF = """\
# SPDX-License-Identifier: GPL-2.0-only
PACKAGE_NAME="paravane"
PACKAGE_VERSION="{version}"
MAKE[0]="make -C ${{kernel_source_dir}} M=${{dkms_tree}}/${{PACKAGE_NAME}}/${{PACKAGE_VERSION}}/build modules"
CLEAN="make -C ${{kernel_source_dir}} M=${{dkms_tree}}/${{PACKAGE_NAME}}/${{PACKAGE_VERSION}}/build clean"
AUTOINSTALL="yes"
"""
MODULE = """\
BUILT_MODULE_NAME[{index}]="{name}"
BUILT_MODULE_LOCATION[{index}]="{folder}/"
DEST_MODULE_LOCATION[{index}]="/updates/dkms"
"""
# A warning of a newer kernel's compiler must not take the modules away.
KBUILD = """\
# SPDX-License-Identifier: GPL-2.0-only
subdir-ccflags-y := -I$(src)/hypercall-abi/include -I$(src)
"""


def version():
    """The project's."""
    return re.search(r"version: '([^']+)'", (paths.SOURCE / "meson.build").read_text())[1]


def modules():
    """[(folder, module)] of all that the Kbuild files name."""
    found = []
    for folder in kbuild.FOLDERS:
        text = (paths.SOURCE / folder / "Kbuild").read_text()
        found += [(folder, name) for name in re.findall(r"^obj-m \+= (\w+)\.o$", text, re.MULTILINE)]
    return found


def configuration():
    """dkms.conf."""
    return CONF.format(version=version()) + "".join(
        MODULE.format(index=index, name=name, folder=folder)
        for index, (folder, name) in enumerate(modules()))


def make(target):
    """Write the archive."""
    top = f"paravane-{version()}"
    folders = sorted({folder for folder, _ in modules()})
    made = {"dkms.conf": configuration(),
            "Kbuild": KBUILD + "".join(f"obj-m += {folder}/\n" for folder in folders)}
    target.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(target, "w:gz") as archive:
        def add(name, data):
            entry = tarfile.TarInfo(f"{top}/{name}")
            entry.size, entry.mode = len(data), 0o644
            archive.addfile(entry, io.BytesIO(data))
        for name, text in made.items():
            add(name, text.encode())
        for name in kbuild.sources():
            add(str(name), (paths.SOURCE / name).read_bytes())
    return target


def main():
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else \
        paths.BUILD / f"paravane-dkms-{version()}.tar.gz"
    make(target)
    say.line(f"{tools.shorten(target)}: {len(modules())} modules")
    return 0


if __name__ == "__main__":
    sys.exit(main())
