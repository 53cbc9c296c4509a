# SPDX-License-Identifier: GPL-2.0-only
"""KVM with QEMU and virtio, from Debian's packages, as one more side (--peers).

It runs in the same emulated machine as the others, on bare Linux, with its own best
documented settings: virtio with vhost for the network, native AIO and an I/O thread for the
disk. The emulator's processor model is one that KVM and Paravane both run on.
"""

import contextlib
import os
import re
import time

from machine import initrd, paths, say, userland
from machine.bench import shell, sides

# With "max" KVM's guests do not start in QEMU 7.2's emulation of SVM.
PROCESSOR = "qemu64,+svm,+npt,+nrip-save"
DRIVERS = ("virtio_pci", "virtio_blk", "virtio_net", "virtio_console")
FOLDER = "/run/peers"
PREPARE = f"""\
set -e
for block in /sys/block/vd*; do
    [ "$(cat $block/serial)" != peers ] || disk=/dev/${{block##*/}}
done
mkdir -p /peers
mount -t ext4 -o ro,noatime $disk /peers
for each in dev proc sys run; do mount --rbind /$each /peers/$each; done
modprobe -a kvm_amd vhost_net tun
mkdir -p {FOLDER}
cat >{FOLDER}/initrd.img
cp /var/lib/paravane/images/guest-generic/vmlinuz {FOLDER}/
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


class Kvm:
    """A guest of KVM, in a boot of bare Linux."""

    name, title = "kvm", "KVM + virtio"
    system = None

    def __init__(self, plan):
        self._plan = plan

    def absent(self):
        """Why it cannot be measured, or None."""
        return None

    @contextlib.contextmanager
    def sessions(self):
        """Boot; yields (side, start)."""
        userland.ensure_peers()
        image = os.path.relpath(userland.peers_image(), paths.BUILD)
        disk = ["-drive", f"if=none,id=peers,format=raw,readonly=on,file={image}",
                "-device", "virtio-blk-pci,drive=peers,serial=peers"]
        plan = self._plan
        with plan.boot(bare=True, qemu_options=disk) as system:
            steps = ((sides.PREPARE, plan.guest_payload()),
                     (PREPARE, initrd.guest_initrd(plan.kernel, DRIVERS) + plan.guest_payload()))
            for command, data in steps:
                done = system.run(command, data=data, timeout=180)
                if done.status:
                    raise system.failure(f"KVM's machine cannot be prepared: {done.errors}")
            lacks = {"create": "nothing of ours is created", **sides.start_servers(system)}
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


class Xen:
    """Xen is not measured yet."""

    name, title = "xen", "Xen PV drivers"
    system = None

    def absent(self):
        """Why it cannot be measured, or None."""
        return "this bench does not start Xen yet (docs/caveats.md)"
