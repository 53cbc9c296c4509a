# SPDX-License-Identifier: GPL-2.0-only
"""KVM with QEMU and virtio, and Xen, from Debian's packages, as more sides (--peers).

They run in the same emulated machine as the others, each with its own best documented
settings. KVM, on bare Linux: virtio with vhost for the network, native AIO and an I/O thread
for the disk. Xen: its domain 0 in place of bare Linux, a PVH guest, the block and network
back-ends of domain 0's kernel. The emulator's processor model is one that all of them and
Paravane run on.
"""

import contextlib
import os
import re
import time

from machine import initrd, paths, qemu, say, userland
from machine.bench import shell, sides

# With "max" KVM's guests do not start in QEMU 7.2's emulation of SVM.
PROCESSOR = "qemu64,+svm,+npt,+nrip-save"
DRIVERS = ("virtio_pci", "virtio_blk", "virtio_net", "virtio_console")
FOLDER = "/run/peers"
XEN_MIB = 192             # for Xen itself: what domain 0 does not get
MOUNT = f"""\
set -e
for block in /sys/block/vd*; do
    [ "$(cat $block/serial)" != peers ] || disk=/dev/${{block##*/}}
done
mkdir -p /peers
mount -t ext4 -o ro,noatime $disk /peers
for each in dev proc sys run; do mount --rbind /$each /peers/$each; done
mkdir -p {FOLDER}
cat >{FOLDER}/initrd.img
cp /var/lib/paravane/images/guest-generic/vmlinuz {FOLDER}/
"""
PREPARE = MOUNT + f"""\
modprobe -a kvm_amd vhost_net tun
cp --sparse=always /var/lib/paravane/images/guest/root.img {FOLDER}/
ip tuntap add dev {sides.TAP} mode tap vnet_hdr
ip addr add {sides.ROOT_ADDRESS}/24 dev {sides.TAP}
ip link set {sides.TAP} up
"""
START = """\
exec chroot /peers qemu-system-x86_64 -nodefaults -no-user-config -machine pc,accel=kvm -cpu host \
 -smp {vps} -m {memory} -display none -monitor none -object iothread,id=io \
 -drive if=none,id=tools,format=raw,readonly=on,file={folder}/root.img \
 -device virtio-blk-pci,drive=tools \
 -drive if=none,id=disk,format=raw,cache=none,aio=native,file=/dev/ram0 \
 -device virtio-blk-pci,drive=disk,iothread=io \
 -netdev tap,id=net,ifname={tap},script=no,downscript=no,vhost=on -device virtio-net-pci,netdev=net \
 -chardev stdio,id=console -device virtio-serial-pci -device virtconsole,chardev=console \
 -kernel {folder}/vmlinuz -initrd {folder}/initrd.img \
 -append "console=hvc0 panic=-1 quiet bench.tools=/dev/vda bench.address={address}/24"
"""


class Counters:
    """KVM's own counters of exits."""

    REASONS = ("io_exits", "mmio_exits", "irq_exits", "halt_exits", "irq_window_exits", "nmi_window_exits",
               "signal_exits", "request_irq_exits", "hypercalls", "pf_fixed")

    def __init__(self, machine):
        self._machine = machine

    def read(self):
        """Totals by name; {} where KVM does not tell."""
        done = self._machine.run("cd /sys/kernel/debug/kvm && grep -H . exits " + " ".join(self.REASONS)
                                 + " 2>/dev/null")
        found = {name: int(count) for name, count in re.findall(r"^(\w+):(\d+)$", done.output, re.MULTILINE)}
        if "exits" not in found:
            return {}
        return {"exits": found.pop("exits"), "by_reason": found}


def _disk():
    """QEMU's options for the disk with the peers' programs."""
    image = os.path.relpath(userland.peers_image(), paths.BUILD)
    return ["-drive", f"if=none,id=peers,format=raw,readonly=on,file={image}",
            "-device", "virtio-blk-pci,drive=peers,serial=peers"]


def prepare(system, plan, command, drivers):
    """Make a booted machine ready for a peer's guest; what is lacking there."""
    steps = ((sides.PREPARE, plan.guest_payload()),
             (command, initrd.guest_initrd(plan.kernel, drivers) + plan.guest_payload()))
    for text, data in steps:
        done = system.run(text, data=data, timeout=180)
        if done.status:
            raise system.failure(f"a peer's machine cannot be prepared: {done.errors}")
    return {"create": "nothing of ours is created", **sides.start_servers(system)}


class Kvm:
    """A guest of KVM, in a boot of bare Linux."""

    name, title = "kvm", "KVM + virtio"
    settings = ("Debian's QEMU with KVM, nested paging; virtio-blk, cache=none, aio=native, an I/O thread; "
                "virtio-net with vhost on a tap; virtconsole")
    system = None

    def __init__(self, plan):
        self._plan = plan

    def absent(self):
        """Why it cannot be measured, or None."""
        return None

    @staticmethod
    def set_up():
        """Fetch the packages, the first time."""
        userland.ensure_peers()

    @contextlib.contextmanager
    def sessions(self):
        """Boot; yields (side, start)."""
        plan = self._plan
        with plan.boot(bare=True, qemu_options=_disk()) as system:
            lacks = prepare(system, plan, PREPARE, DRIVERS)
            yield [(self, lambda: self._start(system, lacks))]

    @contextlib.contextmanager
    def _start(self, system, lacks):
        """QEMU in the machine is the guest's console."""
        chosen = self._plan.chosen
        bridge = shell.Shell(system, START.format(
            vps=chosen.vps, memory=chosen.guest_memory, folder=FOLDER, tap=sides.TAP,
            address=sides.GUEST_ADDRESS))
        try:
            bridge.wait_up(sides.BOOT_SECONDS * 2)
            session = sides.Session(bridge.run, {"disk": "/dev/vdb", "server": sides.ROOT_ADDRESS},
                                    system.process.pid, lacks, Counters(system))
            session.single["kernel-to-init"] = sides.Guest.clock(bridge)
            yield session
        finally:
            with contextlib.suppress(say.Failure):
                bridge.close()
                time.sleep(1)


XEN_DRIVERS = ("xen_blkfront", "xen_netfront")
XEN_GUEST_LINE = "console=hvc0 panic=-1 quiet bench.tools=/dev/xvda"
XEN = "chroot /peers /usr/lib/xen-4.17/bin"
# Tells Xen's toolstack that a device of domain 0 is there: what Debian's own scripts do beside
# (locks, checks, bridges) takes them longer than the toolstack waits in the emulator.
XEN_HOTPLUG = """\
#!/bin/sh
if node=$(xenstore-read "$XENBUS_PATH/params" 2>/dev/null); then
    xenstore-write "$XENBUS_PATH/physical-device" "$(stat -L -c %t:%T "$node")"
fi
xenstore-write "$XENBUS_PATH/hotplug-status" connected
"""
XEN_PREPARE = f"""\
set -e
modprobe -a xen-evtchn xen-gntdev xen-gntalloc xen-privcmd xenfs xen-blkback xen-netback loop
mount -t xenfs xenfs /proc/xen
""" + MOUNT + f"""\
for each in lib/xen log/xen; do mount -t tmpfs tmpfs /peers/var/$each; done
mkdir -p /run/lock /run/xen /run/xenstored
cat >{FOLDER}/hotplug <<'END'
{XEN_HOTPLUG}END
chmod 755 {FOLDER}/hotplug
{XEN}/xenstored --internal-db --pid-file /run/xenstored.pid
{XEN}/xen-init-dom0
{XEN}/xenconsoled --pid-file=/run/xenconsoled.pid
losetup -r /dev/loop0 /var/lib/paravane/images/guest/root.img
setsid sh -c '{XEN}/xentrace -e 0x81000 -s 50 -S 256 /proc/self/fd/1 |
    /tmp/bench-work xen-exits {FOLDER}/exits' </dev/null >/dev/null 2>{FOLDER}/xentrace.log &
"""
XEN_GUEST = """\
name = "bench"
type = "pvh"
kernel = "{folder}/vmlinuz"
ramdisk = "{folder}/initrd.img"
cmdline = "{line}"
vcpus = {vps}
cpus = "{cpus}"
memory = {memory}
tsc_mode = "native"
disk = ["format=raw, vdev=xvda, access=ro, script={folder}/hotplug, target=/dev/loop0",
        "format=raw, vdev=xvdb, access=rw, script={folder}/hotplug, target=/dev/ram0"]
vif = ["script={folder}/hotplug"]
on_poweroff = "destroy"
on_reboot = "destroy"
on_crash = "destroy"
"""
XEN_START = f"""\
set -e
cat >{FOLDER}/guest.cfg
{XEN}/xl create {FOLDER}/guest.cfg
for card in /sys/class/net/vif*; do card=${{card##*/}}; done
ip addr replace {sides.ROOT_ADDRESS}/24 dev $card
ip link set $card up
"""


class XenCounters:
    """Exits of the only guest that has any, out of Xen's trace; bench-work reads it."""

    REASONS = {0x47: "device_not_available", 0x60: "interrupt", 0x64: "interrupt_window", 0x72: "cpuid",
               0x77: "pause", 0x78: "hlt", 0x7b: "io", 0x7c: "msr", 0x81: "hypercall",
               0x400: "nested_page_fault"}

    def __init__(self, machine):
        self._machine = machine

    def read(self):
        """Totals by name; {} where Xen does not tell. xentrace looks every 50 ms."""
        done = self._machine.run(f"sleep 0.2; cat {FOLDER}/exits")
        found = dict(re.findall(r"^(\w+) (\d+)$", done.output, re.MULTILINE))
        return self.totals({name: int(count) for name, count in found.items()})

    @classmethod
    def totals(cls, found):
        """{"exits": n, "by_reason": {...}} of what bench-work wrote; {} before the first exit."""
        if not found.get("exits"):
            return {}
        # Each exit is two records, the entry that follows being the other.
        lost = found.pop("lost", 0) // 2
        reasons = {"not recorded": lost} if lost else {}
        total = found.pop("exits") + lost
        for code, count in found.items():
            name = cls.REASONS.get(int(code, 16), code)
            reasons[name] = reasons.get(name, 0) + count
        return {"exits": total, "by_reason": reasons}


class Xen:
    """A guest of Xen, in a boot of Xen."""

    name, title = "xen", "Xen PV drivers"
    settings = ("Debian's Xen 4.17 with a PV domain 0; a PVH guest, nested paging, native TSC, not on "
                "the first processor; xen-blkback on the RAM disk, xen-netback; Xen's console; xentrace "
                "counts exits meanwhile")
    system = None

    def __init__(self, plan):
        self._plan = plan

    def absent(self):
        """Why it cannot be measured, or None."""
        return None

    @staticmethod
    def set_up():
        """Fetch the packages, the first time."""
        userland.ensure_peers()

    def _boot_from(self):
        """QEMU's options for Xen and its domain 0, which is bare Linux otherwise."""
        plan = self._plan
        options = plan.options(bare=True)
        memory = plan.chosen.memory - plan.chosen.guest_memory - XEN_MIB
        kernel, initramfs, xen = (os.path.relpath(path, paths.BUILD) for path in (
            plan.kernel.image, initrd.root_initramfs_path(plan.kernel), userland.xen()))
        line = qemu.root_command_line(options).replace(",", ",,")
        return ["-kernel", xen, "-append",
                f"com2=115200,8n1 console=com2 dom0_mem={memory}M,max:{memory}M",
                "-initrd", f"{kernel} {line},{initramfs}"]

    @contextlib.contextmanager
    def sessions(self):
        """Boot; yields (side, start)."""
        plan = self._plan
        with plan.boot(bare=True, boot_from=self._boot_from(), qemu_options=_disk()) as system:
            lacks = prepare(system, plan, XEN_PREPARE, XEN_DRIVERS)
            yield [(self, lambda: self._start(system, lacks))]

    @contextlib.contextmanager
    def _start(self, system, lacks):
        chosen = self._plan.chosen
        # The emulator loses flags of its first processor when that one enters guests
        # (docs/decisions/009-emulator-traps.md, 6); domain 0 does not need entries.
        cpus = f"1-{chosen.processors - 1}" if chosen.vps < chosen.processors else "all"
        config = XEN_GUEST.format(folder=FOLDER, vps=chosen.vps, memory=chosen.guest_memory, cpus=cpus,
                                  line=f"{XEN_GUEST_LINE} bench.address={sides.GUEST_ADDRESS}/24")
        done = system.run(XEN_START, data=config.encode(), timeout=sides.BOOT_SECONDS)
        if done.status:
            raise shell.Lost(f"xl create: {done.errors.strip()}")
        # "xl console" does not read what is no terminal.
        bridge = shell.Shell(system, f"exec {XEN}/xenconsole --interactive $({XEN}/xl domid bench)")
        try:
            bridge.wait_up(sides.BOOT_SECONDS * 2)
            session = sides.Session(bridge.run, {"disk": "/dev/xvdb", "server": sides.ROOT_ADDRESS},
                                    system.process.pid, lacks, XenCounters(system))
            session.single["kernel-to-init"] = sides.Guest.clock(bridge)
            yield session
        finally:
            with contextlib.suppress(say.Failure):
                bridge.close()
                system.run(f"{XEN}/xl destroy bench >/dev/null 2>&1", timeout=60)
