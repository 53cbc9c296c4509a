# SPDX-License-Identifier: GPL-2.0-only
"""Where everything is. Nobody else spells a path under build/.

QEMU is started with BUILD as its working directory and relative names, so
that no directory of this computer reaches a multiboot module's name or a log.
"""

import os
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
BUILD = SOURCE / "build"

# Downloads and userland images: worth sharing between checkouts, so
# PARAVANE_CACHE may name another directory.
CACHE = Path(os.environ.get("PARAVANE_CACHE") or BUILD / "cache").absolute()
APT = CACHE / "apt"
DEBS = CACHE / "debs"

KERNELS = BUILD / "kernels"          # unpacked kernel and headers per flavour
MESON = BUILD / "meson"              # meson's own directory: `meson setup build/meson`
HYPERVISOR = MESON / "hypervisor" / "paravane"
UNPACKED = BUILD / "unpacked"        # files of packages that are not installed
KBUILD = BUILD / "kbuild"            # modules per flavour
STAGE = BUILD / "stage"              # what `meson install` puts into the root partition
BOOT = BUILD / "boot"                # initramfs images, made anew for each boot
LOGS = BUILD / "log"
OUT = BUILD / "out"                  # what the root left under /out

MACHINE = SOURCE / "tests" / "machine"
PACKAGES = MACHINE / "packages.txt"

FLAVOURS = ("cloud", "generic")
