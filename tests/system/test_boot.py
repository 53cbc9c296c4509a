# SPDX-License-Identifier: GPL-2.0-only
"""Start and end of the machine: boot loaders, processors, kernels, refusals."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from machine import initrd, kernels, machine as machines, paths, qemu, say
from machine.testing import boot, expect, own_machine, seconds
from system import guests

GRUB_MENU = """\
set timeout=0
menuentry "Paravane" {{
    multiboot2 /boot/paravane
    module2 /boot/vmlinuz {line}
    module2 /boot/initrd.img
}}
"""


def end_by(machine, word):
    """Let the root end the machine; QEMU must exit without a complaint."""
    machine.spawn(word)
    try:
        machine.process.wait(60)
    except subprocess.TimeoutExpired:
        raise AssertionError(f"the machine still runs 60 s after {word}") from None
    expect(machine.process.returncode == 0, f"QEMU exits with {machine.process.returncode}")


def runs(machine, name, words, **config):
    """A guest boots, prints this, and ends well."""
    done = guests.create(machine, name, "echo kernel: $(uname -r); echo processors: $(nproc)",
                         wait=True, **config)
    text = guests.console(machine, name)
    expect(done.status == 0 and words in text, f"{done.errors}\n{text}")


def refused(why, **options):
    """Boot a machine that cannot start, and look for the one sentence that says so."""
    with machines.Machine(qemu.Options(**options)) as machine:
        try:
            machine.boot()
        except say.Failure as failure:
            what = failure.what
        else:
            raise AssertionError("it started")
        log = (machine.logs / "hypervisor.log").read_text(errors="replace")
        said = re.findall(r"cannot start: (.*?)\r?$", log, re.MULTILINE)
        expect(len(said) == 1 and why in said[0], f"{said}\n{what}")


def scratch():
    """A directory for files that only one boot needs."""
    paths.BOOT.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryDirectory(dir=paths.BOOT)


def hypervisor_with(*modules):
    """QEMU's options for a boot with these files as modules."""
    names = [os.path.relpath(path, paths.BUILD) for path in (paths.HYPERVISOR, *modules)]
    return ["-kernel", names[0], *(["-initrd", ",".join(names[1:])] if modules else [])]


@own_machine
def test_no_svm():
    """A processor without SVM is refused with one sentence."""
    refused("SVM", processor="max,la57=off,svm=off")


@own_machine
def test_no_npt():
    """A processor without nested paging is refused with one sentence."""
    refused("nested paging", processor="max,la57=off,npt=off")


@own_machine
def test_no_kernel():
    """A boot without a module is refused with one sentence."""
    refused("there is no root kernel", boot_from=hypervisor_with())


@own_machine
def test_no_bzimage():
    """A first module that is no kernel is refused with one sentence."""
    refused("no Linux bzImage", boot_from=hypervisor_with(initrd.BUSYBOX))


@own_machine
def test_truncated_kernel():
    """A root kernel that lacks its end is refused with one sentence."""
    with scratch() as folder:
        image = kernels.find("cloud").image.read_bytes()
        short = Path(folder) / "vmlinuz"
        short.write_bytes(image[:len(image) // 2])
        refused("the root kernel is truncated", boot_from=hypervisor_with(short))


@own_machine
def test_little_memory():
    """A machine with too little memory is refused with one sentence."""
    refused("memory", memory="64")


@own_machine
def test_assertion():
    """A failed assertion shows registers, a backtrace with names, and every processor."""
    with machines.Machine(qemu.Options(hypervisor_options="panic")) as machine:
        try:
            machine.boot()
        except say.Failure as failure:
            what = failure.what
        else:
            raise AssertionError("it started")
        log = (machine.logs / "hypervisor.log").read_text(errors="replace")
    _, _, dump = log.partition("PANIC on processor 0: ")
    for pattern in (r"boot\.c", r"boot_main\+0x", r"cr3 [0-9a-f]{16}", r"rip [0-9a-f]{16}",
                    r"(sched_loop|ap_main)\+0x", r"^processor 0: ", r"^processor 1: ", r"paravane: stopped"):
        expect(re.search(pattern, dump, re.MULTILINE), f"no {pattern} in:\n{log}\n{what}")


@boot(processors=1)
@own_machine
@seconds(240)
def test_one_processor(machine):
    """One processor is enough for root and guest, and a root that powers off ends QEMU."""
    expect(machine.run("nproc").output == "1\n", "not one processor")
    runs(machine, "single", "processors: 2", vps=2)
    end_by(machine, "poweroff")


@boot(processors=4)
@own_machine
@seconds(240)
def test_four_processors(machine):
    """Four processors run root and guest, and a root that reboots ends QEMU."""
    expect(machine.run("nproc").output == "4\n", "not four processors")
    runs(machine, "quad", "processors: 4", vps=4)
    end_by(machine, "reboot")


@own_machine
@seconds(120)
def test_no_xsave():
    """On a processor without XSAVE the root boots, and so does a guest."""
    with machines.Machine(qemu.Options(processor="qemu64,+svm,+npt,+nrip-save")) as machine:
        machine.boot()
        runs(machine, "plain", "processors: 1", vps=1)


@boot(flavour="generic")
@own_machine
@seconds(300)
def test_generic(machine):
    """Debian's generic kernel is root and guest."""
    release = kernels.find("generic").release
    done = machine.run("uname -r")
    expect(done.output == release + "\n", done.output)
    runs(machine, "generic", f"kernel: {release}", flavour="generic", memory="384M")


@own_machine
@seconds(300)
def test_multiboot2():
    """GRUB starts Paravane by multiboot 2, as far as the root's first commands."""
    found = {flavour: kernels.find(flavour) for flavour in paths.FLAVOURS}
    options = qemu.Options(boot_seconds=200)
    with scratch() as folder:
        image = Path(folder) / "grub.iso"
        options.boot_from = ["-cdrom", str(image), "-boot", "d"]
        _make_iso(Path(folder) / "tree", image, found["cloud"],
                  initrd.root_initramfs(found["cloud"], found), qemu.root_command_line(options))
        with machines.Machine(options) as machine:
            machine.boot()
            done = machine.run("cat /proc/cmdline; [ -e /dev/paravane ] && echo device")
            log = (machine.logs / "hypervisor.log").read_text(errors="replace")
            expect("device\n" in done.output, done.output + log)
            expect(done.output.startswith(qemu.root_command_line(options)), done.output)
            expect("Paravane, ABI" in log and "entering" in log, log)


def _make_iso(tree, image, kernel, initramfs, line):
    """An ISO 9660 image with GRUB for a BIOS and what it is to boot."""
    (tree / "boot" / "grub").mkdir(parents=True)
    for name, source in (("paravane", paths.HYPERVISOR), ("vmlinuz", kernel.image),
                         ("initrd.img", initramfs)):
        shutil.copy(source, tree / "boot" / name)
    (tree / "boot" / "grub" / "grub.cfg").write_text(GRUB_MENU.format(line=line))
    done = subprocess.run(["grub-mkrescue", "-d", "/usr/lib/grub/i386-pc", "-o", image, tree],
                          stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    expect(done.returncode == 0, done.stdout)
