# SPDX-License-Identifier: GPL-2.0-only
"""The ISO image: GRUB for BIOS and UEFI, Paravane, a root that needs nothing but memory.

    iso.py FILE      used by `ninja -C build/meson iso`
"""

import lzma
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

if not __package__:  # started by its path: find the package, not its neighbours
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from machine import cpio, initrd, kernels, machine  # noqa: E402 pylint: disable=C0413
from machine import paths, say, tools, userland  # noqa: E402 pylint: disable=C0413
from machine.bench import sides  # noqa: E402 pylint: disable=C0413

ISO = paths.BUILD / "paravane.iso"
FLAVOUR = "generic"             # drivers of real machines
LABEL = "PARAVANE"
RECIPE = "1"
# What a machine may have between its processor and this image, and what measuring needs.
# Names that a kernel does not have are left out.
MODULES = """
ahci ata_piix ata_generic nvme sd_mod sr_mod usb_storage uas xhci_pci ehci_pci ohci_pci uhci_hcd
hid_generic usbhid virtio_pci virtio_blk virtio_scsi virtio_console virtio_net e1000 e1000e igb igc
ixgbe r8169 tg3 bnxt_en atlantic megaraid_sas mpt3sas isofs vfat exfat nls_ascii nls_cp437
nls_iso8859_1 ext4 crc32c_generic loop brd tun bridge
""".split()
MEASURE = b"""\
#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
PYTHONPATH=/usr/lib/paravane exec python3 -B -m machine.bench.local "$@"
"""
LINE = "console=ttyS0,115200 console=tty0 panic=30 quiet"
MENU = """\
set default=0
set timeout=5
if serial --unit=0 --speed=115200; then
    terminal_input console serial
    terminal_output console serial
fi
menuentry "Paravane" --id paravane {{
    multiboot2 /boot/paravane
    module2 /boot/vmlinuz {line} pvn.machine=paravane
    module2 /boot/initrd.img
}}
menuentry "Linux without Paravane (to compare, or when the first entry does not start)" --id bare {{
    linux /boot/vmlinuz {line} pvn.machine=bare
    initrd /boot/initrd.img
}}
"""


def _userland(kernel):
    """The root's Debian as a compressed cpio, made once."""
    tarball = paths.CACHE / "root.tar.zst"
    archive = paths.CACHE / "root-live.cpio.zst"
    recipe = tools.fingerprint(RECIPE, tarball.with_name("root.tar.zst.stamp").read_text(),
                               *userland.finish_root())
    if tools.is_made(archive, recipe) and archive.stat().st_mtime > tarball.stat().st_mtime:
        return archive
    with say.step(f"making {archive.name}"), tools.making(archive, recipe) as scratch:
        tree = scratch / "tree"
        tree.mkdir()
        script = ["set -e", 'tar -xf "$1" -C "$2"', 'cd "$2"', *userland.finish_root(),
                  "find . | busybox cpio -o -H newc 2>/dev/null | zstd -q -6 -T0 -o \"$3\""]
        faked = [] if os.geteuid() == 0 else ["fakeroot"]
        tools.call([*faked, "sh", "-c", "\n".join(script), "sh", tarball, tree, scratch / archive.name],
                   f"making {archive.name}")
    del kernel
    return archive


def _known(kernel):
    """Those of MODULES that this kernel has."""
    have = {Path(row.partition(":")[0]).name.split(".ko")[0].replace("-", "_")
            for row in (kernel.modules / "modules.dep").read_text().splitlines()}
    return [name for name in MODULES if name in have]


def _ours(kernel, found):
    """What goes over the userland: init, modules, this build, the guests' files."""
    archive = cpio.Archive()
    archive.copy("init", paths.MACHINE / "root" / "live-init")
    for name in ("live-welcome",):
        archive.copy(f"usr/libexec/paravane/machine/{name}", paths.MACHINE / "root" / name)
    own = [path.name.removesuffix(".ko") for path in initrd.own_modules(kernel).glob("*.ko")]
    for path in kernels.with_dependencies(kernel, [*_known(kernel), *own]):
        data = (kernel.modules / path).read_bytes()
        inside = f"usr/lib/modules/{kernel.release}/{path}"
        archive.file(inside, lzma.decompress(data) if path.endswith(".xz") else data)
    _measuring(archive, kernel)
    initrd.add_stage(archive, kernel, below="")
    for flavour, each in found.items():
        initrd.add_guest(archive, each, below="")
        folder = f"var/lib/paravane/images/{Path(initrd.GUEST_FOLDERS[flavour]).name}"
        archive.copy(f"{folder}/vmlinuz", each.image)
    return archive.bytes()


def _measuring(archive, kernel):
    """paravane-measure: our own Python, and what it gives to guests."""
    for path in (*paths.MACHINE.glob("*.py"), *(paths.MACHINE / "bench").glob("*.py")):
        archive.copy(f"usr/lib/paravane/machine/{path.relative_to(paths.MACHINE)}", path)
    archive.file("usr/bin/paravane-measure", MEASURE, 0o755)
    archive.file("usr/share/paravane/bench/payload.cpio", sides.payload(kernel))


def _compress(data):
    return subprocess.run(["zstd", "-q", "-3", "-T0", "-c"], input=data, stdout=subprocess.PIPE,
                          check=True).stdout


def make(target):
    """Write the image; everything must have been built."""
    if not paths.HYPERVISOR.exists():
        raise say.Failure("the build made no hypervisor image", where=tools.shorten(paths.HYPERVISOR))
    found = {flavour: kernels.find(flavour) for flavour in paths.FLAVOURS}
    kernel = found[FLAVOUR]
    initrd.index_modules(kernel)
    base = _userland(kernel)
    with tempfile.TemporaryDirectory(dir=paths.BUILD) as folder:
        tree = Path(folder) / "tree"
        (tree / "boot" / "grub").mkdir(parents=True)
        shutil.copy(paths.HYPERVISOR, tree / "boot" / "paravane")
        shutil.copy(kernel.image, tree / "boot" / "vmlinuz")
        (tree / "boot" / "initrd.img").write_bytes(base.read_bytes() + _compress(_ours(kernel, found)))
        (tree / "boot" / "grub" / "grub.cfg").write_text(MENU.format(line=LINE))
        scratch = Path(folder) / "image"
        # No path of this computer, and no volume name but ours.
        tools.call(["grub-mkrescue", "-o", scratch, tree, "--", "-volid", LABEL], "grub-mkrescue",
                   hint="the packages grub-pc-bin, grub-efi-amd64-bin, mtools and xorriso make it")
        os.replace(scratch, target)
    return target


def main():
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ISO
    try:
        machine.prepare()
        make(target)
    except say.Failure as failure:
        say.error(failure)
        return 1
    say.line(f"{tools.shorten(target)}: {target.stat().st_size >> 20} MiB, for BIOS and UEFI")
    return 0


if __name__ == "__main__":
    sys.exit(main())
