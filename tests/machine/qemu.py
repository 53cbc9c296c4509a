# SPDX-License-Identifier: GPL-2.0-only
"""The emulated computer: QEMU's command line.

COM1 is the root's console, COM2 the hypervisor's log. Disks throw writes away
when the machine ends. The same root boots bare or under Paravane.
"""

import array
import ctypes
import fcntl
import os
import shutil
import signal
import struct
from dataclasses import dataclass, field

from machine import paths, say, tools, userland

QEMU = "qemu-system-x86_64"
# The same for bare Linux and Paravane. la57 would give the root five-level paging, for
# which nothing here has a use. With erms and fsrm Linux clears and copies by "rep stosb"
# and "rep movsb", which the emulator does a byte at a time: without them bare Linux took a
# quarter less processor time to boot (one round, on a busy computer).
PROCESSOR = "max,la57=off,erms=off,fsrm=off"

KVM_GET_SUPPORTED_CPUID = 0xC008AE05
CPUID_ENTRIES_MAX = 256


@dataclass
class Options:
    """What a user may choose about the machine."""

    bare: bool = False                  # without the hypervisor
    flavour: str = "cloud"              # the root's kernel
    guest_flavour: str = "cloud"        # what ./run's demo guest boots
    memory: str = "4096"
    processors: int = 2
    processor: str = PROCESSOR
    accelerator: str = "auto"
    interactive: bool = False           # COM1 is this terminal
    hypervisor_options: str = ""        # appended to the hypervisor's command line
    root_options: str = ""              # appended to the root kernel's command line
    qemu_options: list = field(default_factory=list)
    boot_from: list = None              # QEMU options instead of our -kernel, -append, -initrd
    debug: bool = False
    boot_seconds: int = 90


def kvm_nests():
    """Does this computer's KVM offer SVM or VMX to its guests? That /dev/kvm
    exists proves nothing; some hosts' only crawls."""
    try:
        with open("/dev/kvm", "rb", buffering=0) as device:
            entries = array.array("B", struct.pack("<II", CPUID_ENTRIES_MAX, 0)
                                  + bytes(40 * CPUID_ENTRIES_MAX))
            fcntl.ioctl(device, KVM_GET_SUPPORTED_CPUID, entries)
    except OSError:
        return False
    count = struct.unpack_from("<I", entries)[0]
    for index in range(min(count, CPUID_ENTRIES_MAX)):
        function, _, _, _, _, ecx = struct.unpack_from("<6I", entries, 8 + 40 * index)
        if function == 1 and ecx & 1 << 5:                # VMX
            return True
        if function == 0x80000001 and ecx & 1 << 2:       # SVM
            return True
    return False


# Set while a test gets its second try: see suite_python.py.
ONE_THREAD = False


def accelerator(options):
    """QEMU's -accel value."""
    choice = options.accelerator
    if choice == "auto":
        choice = "kvm" if kvm_nests() else "tcg"
    if choice != "tcg":
        return choice
    # What is started in another way has no spare processor.
    shared = ONE_THREAD or (options.boot_from is not None and not options.bare)
    return "tcg,thread=single" if shared else "tcg,thread=multi"


def has_threads(options):
    """Does the emulator run the machine's processors in several threads?"""
    return not ONE_THREAD and accelerator(options) == "tcg,thread=multi"


def spares(options):
    """Processors beside those that are used: the emulator loses state of its first one, so
    the hypervisor leaves it alone, and the root too (docs/decisions/009, 6)."""
    emulated = accelerator(options).startswith("tcg")
    return int(emulated and not options.bare and options.boot_from is None and options.processors > 1)


def root_command_line(options):
    """The root kernel's command line; its init reads the words with pvn."""
    words = ["console=ttyS0", "panic=-1",
             "pvn.machine=" + ("bare" if options.bare else "paravane"),
             "pvn.shell" if options.interactive else "",
             f"disable_cpu_apicid=0 possible_cpus={options.processors}" if spares(options) else "",
             "earlyprintk=ttyS0" if options.debug else "quiet", options.root_options]
    return " ".join(word for word in words if word)


def command(options, kernel, initramfs, logs, channel_fd):
    """The whole QEMU command line, to be run in paths.BUILD."""
    return [_qemu(), "-name", "paravane", "-nodefaults", "-no-user-config",
            "-machine", "pc", "-accel", accelerator(options), "-cpu", options.processor,
            "-smp", str(options.processors + spares(options)), "-m", options.memory,
            "-display", "none", "-no-reboot",
            *_consoles(options, logs), *_disks(options), *_channel(channel_fd),
            *(_boot(options, kernel, initramfs) if options.boot_from is None
              else options.boot_from), *options.qemu_options]


def _qemu():
    found = shutil.which(QEMU)
    if not found:
        raise say.Failure(f"there is no {QEMU}", hint="apt-get install qemu-system-x86")
    return found


def _consoles(options, logs):
    root_log, hypervisor_log = (_name(logs / name) for name in ("root.log", "hypervisor.log"))
    if options.interactive:
        first = ["-chardev", f"stdio,id=com1,mux=on,signal=off,logfile={root_log}",
                 "-mon", "chardev=com1"]
    else:
        first = ["-chardev", f"file,id=com1,path={root_log}", "-monitor", "none"]
    return [*first, "-serial", "chardev:com1",
            "-chardev", f"file,id=com2,path={hypervisor_log}", "-serial", "chardev:com2"]


def _disks(options):
    """Disks by serial number; the root's first programs look for these."""
    arguments = []
    for serial, image, written in (("root", userland.root_image(), False),
                                   ("modules", userland.modules_image(options.flavour), False),
                                   ("images", userland.images_image(), True)):
        mode = "snapshot=on,cache=unsafe,discard=unmap" if written else "readonly=on"
        arguments += ["-drive", f"if=none,id={serial},format=raw,{mode},file={_name(image)}",
                      "-device", f"virtio-blk-pci,drive={serial},serial={serial}"]
    return arguments


def _channel(descriptor):
    return ["-device", "virtio-serial-pci",
            "-chardev", f"socket,id=job,fd={descriptor}",
            "-device", "virtserialport,chardev=job,name=pvn.job"]


def _boot(options, kernel, initramfs):
    image, initramfs, line = _name(kernel.image), _name(initramfs), root_command_line(options)
    if options.bare:
        return ["-kernel", image, "-initrd", initramfs, "-append", line]
    if not paths.HYPERVISOR.exists():
        raise say.Failure("the build made no hypervisor image",
                          where=tools.shorten(paths.HYPERVISOR),
                          hint="--bare boots the root without the hypervisor")
    # Multiboot modules: "file arguments,file"; a comma inside is doubled.
    modules = f"{image} {line.replace(',', ',,')},{initramfs}"
    words = " ".join(["log=debug" if options.debug else "", "spare" if spares(options) else "",
                      options.hypervisor_options])
    return ["-kernel", _name(paths.HYPERVISOR), "-append", words.strip(), "-initrd", modules]


def _name(path):
    """A file name relative to paths.BUILD, where QEMU runs, with commas doubled."""
    return os.path.relpath(path, paths.BUILD).replace(",", ",,")


def die_with_parent():
    """For subprocess's preexec_fn: no QEMU outlives this program, however it ends."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
