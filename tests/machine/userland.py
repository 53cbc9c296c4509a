# SPDX-License-Identifier: GPL-2.0-only
"""Disk images with Debian userlands, made once with mmdebstrap and cached.

<name>.tar.zst      what mmdebstrap made, for root and guest
root.img            the root partition's userland, mounted read-only
modules-<f>.img     all modules of the kernel <f>, laid over it, read-only
images.img          what child partitions boot from: kernels and the demo guest's
                    disk. The root mounts it writable; QEMU throws writes away.
guest.img           the demo guest's disk, as put into images.img
"""

import os
import shutil

from machine import debian, paths, say, tools

GUEST_FILES = ("inittab", "startup", "halt", "run-job", "console", "fstab", "demo-job")
# Raise them when the way of making images or tarballs changes.
RECIPE = "7"
TARBALL_RECIPE = "1"
EXCLUDED = ("/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*", "/usr/share/doc/*")


def root_image():
    return paths.CACHE / "root.img"


def guest_image():
    return paths.CACHE / "guest.img"


def modules_image(flavour):
    return paths.CACHE / f"modules-{flavour}.img"


def images_image():
    return paths.CACHE / "images.img"


def peers_image():
    return paths.CACHE / "peers.img"


def xen():
    """Xen itself, as a multiboot loader takes it."""
    return paths.CACHE / "xen"


def ensure_peers():
    """Other hypervisors' programs, for ./run bench --peers only."""
    _ensure_userland("peers", peers_image(), "1280M", ["-O", "^has_journal"], finish_root, False)
    tarball = paths.CACHE / "peers.tar.zst"
    recipe = tools.fingerprint(RECIPE, tarball.with_name("peers.tar.zst.stamp").read_text())
    if tools.is_made(xen(), recipe) and xen().stat().st_mtime > tarball.stat().st_mtime:
        return
    with tools.making(xen(), recipe) as scratch:
        tools.call(["sh", "-c", 'tar -xOf "$1" --wildcards "./boot/xen-*.gz" | gunzip >"$2"', "sh",
                    tarball, scratch / xen().name], "unpacking Xen")


def ensure(kernels, update=False):
    """Make the images that are missing or were made by another recipe."""
    _ensure_userland("root", root_image(), "1280M", ["-O", "^has_journal"], finish_root, update)
    _ensure_userland("guest", guest_image(), "768M", [], _finish_guest, update)
    for kernel in kernels.values():
        _ensure_modules(kernel)
    _ensure_images(kernels)


def _ensure_userland(name, image, size, options, finish, update):
    tarball, packages = _ensure_tarball(name, update)
    ours = [paths.MACHINE / "guest" / file for file in GUEST_FILES] if name == "guest" else []
    recipe = tools.fingerprint(RECIPE, packages, size, *finish(), *ours)
    if tools.is_made(image, recipe) and image.stat().st_mtime > tarball.stat().st_mtime:
        return
    with say.step(f"making {image.name}"), tools.making(image, recipe) as scratch:
        _tarball_to_image(tarball, finish, image_path=scratch / image.name, size=size,
                          options=options, label=f"pvn-{name}")


def _ensure_tarball(name, update):
    """The installed packages, kept apart from the image so that a change to one of
    our own files costs seconds: (tarball, its recipe)."""
    tarball = paths.CACHE / f"{name}.tar.zst"
    recipe = tools.fingerprint(TARBALL_RECIPE, " ".join(tools.packages(name)), *EXCLUDED)
    if update or not tools.is_made(tarball, recipe):
        with say.step(f"installing the {name} userland from Debian packages (about a minute)"), \
                tools.making(tarball, recipe) as scratch:
            _bootstrap(name, scratch / tarball.name)
    return tarball, recipe


def _bootstrap(name, tarball):
    """Run mmdebstrap with the host's mirrors; nothing of the host goes in."""
    aptopts = ['Acquire::Languages "none"', 'Acquire::Retries "3"', *debian.proxy_options()]
    command = ["mmdebstrap", "--variant=minbase", "--mode=auto",
               "--include=" + ",".join(tools.packages(name)),
               *(f"--aptopt={option}" for option in aptopts),
               *(f"--dpkgopt=path-exclude={pattern}" for pattern in EXCLUDED),
               "--dpkgopt=path-include=/usr/share/doc/*/copyright",
               debian.SUITE, tarball, "-"]
    tools.call(command, f"installing the {name} userland", hint=debian.OFFLINE,
               stdin=debian.sources(), env={**os.environ, "LC_ALL": "C"})


def _tarball_to_image(tarball, finish, image_path, size, options, label):
    """Unpack, adjust and put into an ext4 image. fakeroot lets owners and device
    nodes survive when the user is not root."""
    tree = image_path.parent / "tree"
    tree.mkdir()
    script = ['set -e', 'tar -xf "$1" -C "$2"', 'cd "$2"', *finish(), 'cd /',
              f'mke2fs -q -t ext4 -F -L {label} {" ".join([*_EXT4, *options])} '
              f'-d "$2" "$3" {size}']
    faked = [] if os.geteuid() == 0 else ["fakeroot"]
    tools.call([*faked, "sh", "-c", "\n".join(script), "sh", tarball, tree, image_path],
               f"making {image_path.name}",
               env={**os.environ, "OURS": str(paths.MACHINE / "guest")})


# Sparse images: no lazy initialisation that the kernel would finish at run time.
_EXT4 = ("-E", "lazy_itable_init=0,lazy_journal_init=0,root_owner=0:0", "-m", "0", "-N", "32768")

# mmdebstrap copies these two from the computer it runs on.
_ANONYMOUS = ("rm -f etc/resolv.conf etc/machine-id",
              "rm -rf var/cache/apt/* var/lib/apt/lists/* var/log/*.log var/log/apt",
              # mmdebstrap may leave the mount point of its own working directory.
              "rm -rf boot/* tmp/* run/* home/*")


def finish_root():
    """Shell lines that turn a minimal Debian into the root partition's userland."""
    return [*_ANONYMOUS, "echo root >etc/hostname",
            "sed -i 's/^root:[^:]*:/root::/' etc/shadow",
            "printf '127.0.0.1 localhost root\\n' >etc/hosts",
            "mkdir -p out usr/share/paravane",
            "for name in poweroff reboot halt; do "
            "ln -sf /usr/libexec/paravane/machine/power sbin/$name; done"]


def _finish_guest():
    """The same for the demo guest: password-less root on hvc0, a quick start-up."""
    return [*_ANONYMOUS, "echo guest >etc/hostname",
            "sed -i 's/^root:[^:]*:/root::/' etc/shadow",
            "printf '127.0.0.1 localhost guest\\n' >etc/hosts",
            "install -m 644 \"$OURS/inittab\" etc/inittab",
            "install -m 644 \"$OURS/fstab\" etc/fstab",
            "mkdir -p usr/libexec/paravane-guest var/lib/paravane-guest",
            *(f"install -m 755 \"$OURS/{name}\" usr/libexec/paravane-guest/{name}"
              for name in ("startup", "halt", "run-job", "console", "demo-job"))]


def _ensure_modules(kernel):
    """All modules of one kernel as a read-only file system, without its indexes:
    those are made for each boot, with our own modules in them."""
    image = modules_image(kernel.flavour)
    recipe = tools.fingerprint(RECIPE, kernel.release, kernel.modules / "modules.order",
                               _stamp_of(kernel))
    if tools.is_made(image, recipe):
        return
    with say.step(f"making {image.name}"), tools.making(image, recipe) as scratch:
        inside = scratch / "tree" / "usr" / "lib" / "modules" / kernel.release
        inside.mkdir(parents=True)
        shutil.copytree(kernel.modules / "kernel", inside / "kernel", symlinks=True,
                        copy_function=_link_or_copy)
        size = sum(file.stat().st_size // 4096 + 2 for file in inside.rglob("*")) * 4096
        _directory_to_image(scratch / "tree", scratch / image.name,
                            f"{size * 11 // 10 // 2**20 + 8}M")


def _stamp_of(kernel):
    return (paths.KERNELS / f"{kernel.flavour}.stamp").read_text()


def _ensure_images(kernels):
    image = images_image()
    recipe = tools.fingerprint(RECIPE, guest_image().with_name("guest.img.stamp").read_text(),
                               *(_stamp_of(kernel) for kernel in kernels.values()))
    # The guest's image may be made anew by an unchanged recipe (--update).
    if tools.is_made(image, recipe) and image.stat().st_mtime > guest_image().stat().st_mtime:
        return
    with say.step(f"making {image.name}"), tools.making(image, recipe) as scratch:
        for flavour, folder in (("cloud", "guest"), ("generic", "guest-generic")):
            (scratch / "tree" / folder).mkdir(parents=True)
            _link_or_copy(kernels[flavour].image, scratch / "tree" / folder / "vmlinuz")
        _link_or_copy(guest_image(), scratch / "tree" / "guest" / "root.img")
        _directory_to_image(scratch / "tree", scratch / image.name, "8G")


def _link_or_copy(source, target):
    try:
        os.link(source, target)
    except OSError:
        shutil.copy(source, target)


def _directory_to_image(tree, image, size):
    faked = [] if os.geteuid() == 0 else ["fakeroot"]
    tools.call([*faked, "mke2fs", "-q", "-t", "ext4", "-F", *_EXT4[:-2], "-O", "^has_journal",
                "-d", tree, image, size], f"making {image.name}")
