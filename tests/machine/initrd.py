# SPDX-License-Identifier: GPL-2.0-only
"""The initramfs images: the root's, with everything this build made, and the guests'.

Made anew for each boot in a fraction of a second, uncompressed because a TCG
processor copies faster than it decompresses.
"""

import lzma
from pathlib import Path

from machine import cpio, kernels, paths, tools

BUSYBOX = Path("/bin/busybox")
ROOT_MODULES = ("virtio_pci", "virtio_blk", "virtio_console", "crc32c_generic", "ext4", "overlay")
GUEST_MODULES = ("crc32c_generic", "ext4")
# Our own, what they depend on is found by depmod; those not built are left out.
GUEST_OWN = ("pvn_bus", "pvn_consfront", "pvn_blkfront", "pvn_netfront", "pvn_entropyfront")
# For guests with emulated devices: stock drivers, and none of ours.
EMULATED_MODULES = ("ata_piix", "sd_mod", "e1000")
# What a guest boots from, as the root sees it.
GUEST_FOLDERS = {"cloud": "usr/share/paravane/guest", "generic": "usr/share/paravane/guest-generic"}


def root_initramfs(kernel, guest_kernels):
    """Write the root partition's initramfs; the path of it."""
    archive = start_archive(paths.MACHINE / "root" / "initramfs-init",
                     ("layers/userland", "layers/modules", "layers/upper", "stage"))
    for each in guest_kernels.values():
        index_modules(each)
    order = add_modules(archive, kernel, ROOT_MODULES)
    archive.file("modules", "".join(f"{name}\n" for name in order).encode())
    add_stage(archive, kernel)
    for guest_kernel in guest_kernels.values():
        add_guest(archive, guest_kernel)
    path = root_initramfs_path(kernel)
    archive.write(path)
    return path


def root_initramfs_path(kernel):
    """Where the root partition's initramfs is, or will be."""
    return paths.BOOT / f"root-{kernel.flavour}.img"


def guest_initrd(kernel, drivers=None):
    """The bytes of a guest's initrd, with our drivers or these instead."""
    archive = start_archive(paths.MACHINE / "guest" / "initrd-init", ())
    if drivers is None:
        drivers = [name for name in GUEST_OWN if (own_modules(kernel) / f"{name}.ko").exists()]
    order = add_modules(archive, kernel, [*GUEST_MODULES, *drivers])
    archive.file("modules", "".join(f"{name}\n" for name in order).encode())
    return archive.bytes()


def own_modules(kernel):
    """Where the build staged our modules for a kernel."""
    return paths.STAGE / "usr" / "lib" / "modules" / kernel.release / "extra"


def start_archive(init, directories):
    """An archive with busybox, a console, this init and these directories."""
    paths.BOOT.mkdir(parents=True, exist_ok=True)
    archive = cpio.Archive()
    for name in ("bin", "dev", "proc", "sys", "newroot", *directories):
        archive.directory(name)
    archive.character_device("dev/console", 5, 1)
    archive.copy("bin/busybox", BUSYBOX)
    archive.copy("init", init)
    return archive


def add_modules(archive, kernel, names):
    """Add kernel modules with what they need; the names in loading order."""
    order = []
    for path in kernels.with_dependencies(kernel, names):
        data = (kernel.modules / path).read_bytes()
        name = Path(path).name
        if name.endswith(".xz"):  # busybox insmod wants it plain
            data, name = lzma.decompress(data), name.removesuffix(".xz")
        archive.file(f"lib/modules/{name}", data)
        order.append(name)
    return order


def add_stage(archive, kernel, below="stage/"):
    """What goes over the root's userland: programs, our modules and their indexes."""
    for top in sorted(paths.STAGE.iterdir()) if paths.STAGE.is_dir() else ():
        if top.is_dir():
            archive.tree(f"{below}{top.name}", top)
    for name in ("init", "power", "welcome", "demo"):
        place = "usr/libexec/paravane" if name == "demo" else "usr/libexec/paravane/machine"
        archive.copy(f"{below}{place}/{name}", paths.MACHINE / "root" / name)
    for index in sorted(kernel.modules.glob("modules.*")):
        archive.copy(f"{below}usr/lib/modules/{kernel.release}/{index.name}", index)


def index_modules(kernel):
    """Run depmod over Debian's and our modules together, if ours changed."""
    extra = kernel.modules / "extra"
    built = {file.name: file for file in own_modules(kernel).glob("*.ko")}
    recipe = tools.fingerprint(*sorted(built), *(built[name] for name in sorted(built)))
    if tools.is_made(extra, recipe):
        return
    with tools.making(extra, recipe) as scratch:
        (scratch / "extra").mkdir()
        for name, file in built.items():
            (scratch / "extra" / name).write_bytes(file.read_bytes())
    tools.call(["depmod", "-b", kernel.tree, kernel.release],
               f"indexing the modules of {kernel.release}")


def add_guest(archive, kernel, below="stage/"):
    """What a guest of this kernel boots from."""
    folder = f"{below}{GUEST_FOLDERS[kernel.flavour]}"
    images = f"/var/lib/paravane/images/{Path(GUEST_FOLDERS[kernel.flavour]).name}"
    archive.file(f"{folder}/initrd.img", guest_initrd(kernel))
    if kernel.flavour == "generic":     # the cloud kernel has no e1000
        archive.file(f"{folder}/initrd-emulated.img", guest_initrd(kernel, EMULATED_MODULES))
    archive.symlink(f"{folder}/vmlinuz", f"{images}/vmlinuz")
    # Both flavours' demo guest is the same disk.
    archive.symlink(f"{folder}/root.img", "/var/lib/paravane/images/guest/root.img")
    demo = paths.STAGE / GUEST_FOLDERS["cloud"] / "demo.json"
    if demo.exists() and kernel.flavour != "cloud":
        text = demo.read_text().replace(GUEST_FOLDERS["cloud"], GUEST_FOLDERS[kernel.flavour])
        archive.file(f"{folder}/demo.json", text.encode())
