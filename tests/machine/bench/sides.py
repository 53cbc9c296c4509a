# SPDX-License-Identifier: GPL-2.0-only
"""The sides: bare Linux, a PV guest, an emulated guest. Each boots, takes commands, ends.

All run Debian's programs from a Debian userland, and our own from memory. The device
that is measured is always a RAM disk of the Linux that owns the machine: bare Linux uses
it directly, guests through a back-end.
"""

import contextlib
import json
import re
import subprocess
import time
from pathlib import Path

from machine import cpio, initrd, kernels, machine, paths, qemu, say, tools
from machine.bench import counting, shell

WORK = paths.MESON / "tests" / "machine" / "bench" / "bench-work"
# The generic kernel everywhere: the cloud kernel has no driver for the emulated network card.
FLAVOUR = "generic"
GUEST_IMAGES = "/usr/share/paravane/guest-generic"
SCHEMA = paths.SOURCE / "backend" / "tools" / "config.schema.json"
TAP = "pvnbench"
DISK_MIB = 256
BOOT_SECONDS = 180
# The network's servers and back-ends keep to the last processor of the system that owns the
# machine: it would wake them where the guest runs. (A disk's back-end finds its place by itself.)
LAST = "$(($(nproc) - 1))"
APART = f"taskset -c {LAST}"
NETD_APART = f"for each in $(pidof pvn-netd); do taskset -cp {LAST} $each; done"
ROOT_ADDRESS = "10.73.0.1"
GUEST_ADDRESS = "10.73.0.2"

# A system that was started from the ISO image has RAM disks already, of the kernel's size.
PREPARE = f"""\
set -e
modprobe -q -r brd || true
modprobe brd rd_nr=2 rd_size={DISK_MIB * 1024}
dd if=/dev/urandom of=/dev/ram0 bs=1M count={DISK_MIB} status=none
mkdir -p /tmp/bench && cd /tmp/bench && busybox cpio -idu
cp bench-work bench-nothing /tmp/
"""


class Session:
    """A booted side. `run` gives a shell.Done; `lacks` says which needs are not met."""

    def __init__(self, run, words, pid, lacks=None, counters=None):
        self.run = run
        # Only an emulated disk has two ways to be driven.
        self.words = {"work": "/tmp/bench-work", "nothing": "/tmp/bench-nothing",
                      "pio": words.get("disk"), **words}
        self.pid = pid
        self.lacks = lacks or {}
        self.counters = counters
        self.single = {}                # workloads measured by booting: name -> [values]


def payload(kernel, modules=()):
    """A cpio to follow a guest's initrd: its job and our programs."""
    if not WORK.exists():
        raise say.Failure("the build made no workloads", where=tools.shorten(WORK))
    archive = cpio.Archive()
    archive.copy("job", paths.MACHINE / "bench" / "job")
    for program in (WORK, WORK.with_name("bench-nothing")):
        archive.copy(program.name, program)
    for number, path in enumerate(kernels.with_dependencies(kernel, modules)):
        archive.copy(f"lib/modules/bench/{number:02}-{Path(path).name}", kernel.modules / path)
    return archive.bytes()


def has(word):
    """Does this build's `pvn create` know such a word in a configuration? On a computer
    without the sources: it is as new as we are."""
    return not SCHEMA.exists() or f'"{word}"' in SCHEMA.read_text(encoding="utf-8")


def start_servers(system):
    """The other end of the network's rows; what is missing for them."""
    if system.run("command -v iperf3").status:
        return {"network": "the root's userland has no iperf3"}
    system.run(f"{APART} iperf3 -s -D; {APART} setsid /tmp/bench-work serve >/dev/null 2>&1 &")
    return {}


class Plan:
    """What all sides share: settings, kernel, programs."""

    def __init__(self, chosen):
        self.chosen = chosen
        self.kernel = kernels.find(FLAVOUR)
        self.payload = payload(self.kernel)

        self.images = GUEST_IMAGES
        self.tools = f"{GUEST_IMAGES}/root.img"

    @contextlib.contextmanager
    def boot(self, bare, **more):
        """A machine that takes commands."""
        with machine.Machine(self.options(bare=bare, **more)) as system:
            system.boot()
            yield system
            system.power_off()

    def guest_payload(self, modules=()):
        """What is appended to a guest's initrd."""
        return payload(self.kernel, modules)

    def kernel_to_init(self):
        """Boot bare Linux with the guests' own initrd, so that the same is unpacked."""
        options = self.options(bare=True)
        image = paths.BOOT / "bench.img"
        image.parent.mkdir(parents=True, exist_ok=True)
        image.write_bytes(initrd.guest_initrd(self.kernel) + self.payload)
        options.boot_from = ["-kernel", str(self.kernel.image), "-initrd", str(image),
                             "-append", "console=ttyS0 panic=-1 quiet bench.once"]
        with machine.Machine(options) as system:
            system.start()
            with contextlib.suppress(subprocess.TimeoutExpired):
                system.process.wait(BOOT_SECONDS)
            said = (system.logs / "root.log").read_text(errors="replace")
            return [float(word) for word in re.findall(r"^bench: init ([0-9.]+)", said,
                                                       re.MULTILINE)]

    def options(self, **more):
        return qemu.Options(flavour=FLAVOUR, processor=self.chosen.cpu, accelerator=self.chosen.accel,
                            memory=str(self.chosen.memory), processors=self.chosen.processors,
                            boot_seconds=BOOT_SECONDS,
                            **more)


class Bare:
    """Linux without a hypervisor, in the machine that otherwise runs Paravane."""

    name, title = "bare", "bare Linux"
    settings = "the RAM disk itself, loopback, QEMU's serial port"
    system = None

    def __init__(self, plan):
        self._plan = plan

    def absent(self):
        """Why it cannot be measured, or None."""
        return None

    @contextlib.contextmanager
    def sessions(self):
        """Boot; yields (side, session)."""
        init = self._plan.kernel_to_init()
        with self._plan.boot(bare=True) as system:
            done = system.run(PREPARE, data=self._plan.guest_payload(), timeout=120)
            if done.status:
                raise system.failure(f"bare Linux cannot be prepared: {done.errors}")
            words = {"disk": "/dev/ram0", "server": "127.0.0.1"}
            lacks = {"create": "nothing is created"}
            lacks.update(start_servers(system))

            def run(command, seconds):
                try:
                    done = system.run(command, seconds)
                except say.Failure as failure:
                    if not system.is_alive():
                        raise
                    return shell.Done(124, failure.what.splitlines()[0])
                return shell.Done(done.status, done.output + (done.errors if done.status else ""))

            session = Session(run, words, system.process.pid, lacks)
            session.single["kernel-to-init"] = init
            yield [(self, lambda: contextlib.nullcontext(session))]


class Paravane:
    """One boot of Paravane, and guests in it one after the other."""

    def __init__(self, plan, guests):
        self._plan = plan
        self.guests = guests
        self.system = None              # the booted machine

    @contextlib.contextmanager
    def sessions(self):
        with self._plan.boot(bare=False) as system:
            done = system.run(PREPARE, data=self._plan.guest_payload(), timeout=120)
            if done.status:
                raise system.failure(f"the root cannot be prepared: {done.errors}")
            lacks = start_servers(system)
            self.system = system
            for guest in self.guests:
                system.run(f"cat {self._plan.images}/{guest.initrd} - >/run/bench-{guest.name}.img",
                           data=self._plan.guest_payload(guest.modules))
            yield [(guest, self._boot(system, guest, lacks)) for guest in self.guests]

    def _boot(self, system, guest, lacks):
        @contextlib.contextmanager
        def boot():
            session = None
            try:
                session = guest.start(system, self._plan, dict(lacks))
                yield session
            finally:
                if system.is_alive():
                    system.run(f"pvn destroy {guest.guest} >/dev/null 2>&1", timeout=60)
        return boot


class Guest:
    """A guest of Paravane."""

    name = title = settings = ""
    initrd = "initrd.img"
    modules = ()
    net_model = ()                  # words of the configuration

    def words(self):
        """The words in braces that workloads use."""
        raise NotImplementedError

    def configuration(self, plan):
        """What pvn create gets."""
        raise NotImplementedError

    @property
    def guest(self):
        return f"bench-{self.name}"

    def whole_configuration(self, plan):
        """With a network if this build has one: (configuration, what is lacking)."""
        config = self.configuration(plan)
        if not has("nets") or not all(has(word) for word in self.net_model):
            return config, {"network": "this build has no such network for guests"}
        model = {"model": self.net_model[0]} if self.net_model else {}
        config["nets"] = [{"tap": TAP, **model}]
        config["cmdline"] += f" bench.address={GUEST_ADDRESS}/24"
        return config, {}

    def start(self, system, plan, lacks):
        """Create it and wait for its first word; a Session."""
        config, lacking = self.whole_configuration(plan)
        lacks.update(lacking)
        system.run(f"cat >/run/{self.guest}.json", data=json.dumps(config).encode())
        began = time.monotonic()
        done = system.run(f"pvn create /run/{self.guest}.json", timeout=BOOT_SECONDS)
        if done.status:
            raise shell.Lost(f"pvn create: {done.errors.strip()}")
        created = time.monotonic() - began
        if "nets" in config:
            system.run(f"ip addr replace {ROOT_ADDRESS}/24 dev {TAP}; ip link set {TAP} up; "
                       f"{NETD_APART}")
        bridge = shell.Shell(system, f"exec pvn console {self.guest}")
        bridge.wait_up(BOOT_SECONDS)
        counters = counting.find(system, self.guest)
        session = Session(bridge.run, self.words(), system.process.pid, lacks, counters)
        session.single["create"] = [created]
        session.single["kernel-to-init"] = self.clock(bridge)
        return session

    @staticmethod
    def clock(bridge):
        """When its kernel started init, by its own clock."""
        said = bridge.run("dmesg", 60).output
        return [float(word) for word in
                re.findall(r"^\[ *([0-9.]+)\] Run /init as init process", said, re.MULTILINE)]


class PvGuest(Guest):
    """Ours: PV disk, PV console, PV network."""

    name, title = "pv", "PV guest"
    settings = "pvn_blkfront, pvn_netfront on a tap, pvn_consfront"

    def absent(self):
        """Why it cannot be measured, or None."""
        return None

    def words(self):
        return {"disk": "/dev/pvdb", "server": ROOT_ADDRESS}

    def configuration(self, plan):
        return {"name": self.guest, "kernel": f"{plan.images}/vmlinuz",
                "initrd": f"/run/bench-{self.name}.img", "vps": plan.chosen.vps,
                "memory": f"{plan.chosen.guest_memory}M",
                "cmdline": "console=hvc0 panic=-1 quiet bench.tools=/dev/pvda",
                "disks": [{"image": plan.tools, "read_only": True},
                          {"image": "/dev/ram0"}]}


class EmulatedGuest(Guest):
    """The same with emulated devices and Linux's own drivers for them: IDE with bus-master
    DMA (its second channel without), a serial port, an e1000 network card."""

    name, title = "emulated", "emulated guest"
    settings = "ata_piix with bus-master DMA (rows without it: PIO mode 4), e1000 on the same tap, 8250"
    initrd = "initrd-emulated.img"
    net_model = ("e1000",)

    def absent(self):
        """Why it cannot be measured, or None."""
        return None if has("ide") else "this build has no emulated devices"

    def words(self):
        return {"disk": "/dev/ide0.1", "pio": "/dev/ide1.0", "server": ROOT_ADDRESS}

    def configuration(self, plan):
        return {"name": self.guest, "kernel": f"{plan.images}/vmlinuz",
                "initrd": f"/run/bench-{self.name}.img", "vps": plan.chosen.vps,
                "memory": f"{plan.chosen.guest_memory}M", "console": {"model": "serial"},
                # Linux looks for an AGP bridge on every bus otherwise: 16,000 exits for nothing.
                "cmdline": "console=ttyS0 panic=-1 quiet iommu=noaperture libata.force=2:pio4 "
                           "bench.tools=/dev/ide0.0",
                "disks": [{"image": plan.tools, "read_only": True, "model": "ide"},
                          {"image": "/dev/ram0", "model": "ide"},
                          {"image": "/dev/ram1", "model": "ide"}]}
