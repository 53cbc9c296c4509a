# SPDX-License-Identifier: GPL-2.0-only
"""What is looked at before measuring, and what else this computer did meanwhile."""

import glob
import os
import re
import shutil
import time
from pathlib import Path

from machine import paths, qemu, say, tools, userland

DISK_MIB = 1024
# What set-up leaves on the disk the first time: packages, images, kernels, what is built.
FIRST_MIB, PEERS_MIB = 4096, 2048
SPARE_MIB = 512
# Of the machine's memory: RAM disks, the root's Linux and its programs.
ROOT_MIB = 1024
# Share of this computer's processors that others used: more than this is noisy.
NOISY_SHARE = 0.05
# With so much, emulated processors wait for real ones, and ratios and even exits mean nothing:
# two ends that wake each other take turns with strangers.
USELESS_SHARE = 0.25


def disk_needed_mib(with_peers=False):
    """Where the build is, before it is made."""
    return (DISK_MIB + (0 if userland.images_image().exists() else FIRST_MIB)
            + (PEERS_MIB if with_peers and not userland.peers_image().exists() else 0))


def check(memory_mib, with_peers=False):
    """Refuse to start without room; a Failure says what is short."""
    available = _memory_available_mib()
    if available < memory_mib + SPARE_MIB:
        raise say.Failure(f"too little memory: {available} MiB are available, the machine needs "
                          f"{memory_mib} and QEMU some {SPARE_MIB} more",
                          where="/proc/meminfo", hint="end other programs, or choose --memory")
    paths.BUILD.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(paths.BUILD).free >> 20
    needed = disk_needed_mib(with_peers)
    if free < needed:
        raise say.Failure(f"too little disk: {free} MiB are free, {needed} are needed",
                          where=tools.shorten(paths.BUILD))


def warn(processors):
    """Words about a computer that will not measure well."""
    own = os.cpu_count() or 1
    load = os.getloadavg()[0]
    if load > own / 4:
        say.line(f"this computer is busy (load {load:.1f} on {own} processors): times will be "
                 "noisy; counts and ratios suffer less")
    if processors >= own:
        say.line(f"the machine has {processors} processors and this computer {own}: QEMU's own "
                 "work disturbs the measurement a little")


def _memory_available_mib():
    text = Path("/proc/meminfo").read_text(encoding="ascii")
    return int(re.search(r"^MemAvailable: *(\d+) kB", text, re.MULTILINE)[1]) // 1024


def processor_seconds(pid):
    """What all threads of a process have used; 0 of one that is gone."""
    total = 0
    for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
        try:
            total += int(Path(path).read_text(encoding="ascii").split()[0])
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total / 1e9


class Neighbours:
    """How much of this computer others use while we measure."""

    def __init__(self):
        self._began = self._busy()
        self._at = time.monotonic()
        self._ours = self._children()

    @staticmethod
    def _busy():
        fields = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]
        ticks = [int(field) for field in fields]
        idle, waiting = ticks[3], ticks[4]
        return (sum(ticks) - idle - waiting) / os.sysconf("SC_CLK_TCK")

    @staticmethod
    def _children():
        spent = os.times()
        return spent.user + spent.system + spent.children_user + spent.children_system

    def share(self):
        """Of all processor time since the beginning; QEMUs must have ended."""
        total = (time.monotonic() - self._at) * (os.cpu_count() or 1)
        others = self._busy() - self._began - (self._children() - self._ours)
        return max(others, 0) / total if total else 0


def describe(options, kernel):
    """What a reader must know about the machine."""
    version = tools.call([qemu.QEMU, "--version"], "asking QEMU").splitlines()[0]
    model = re.search(r"^model name\s*: (.*)$",
                      Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    return {"qemu": version, "accelerator": qemu.accelerator(options),
            "processor_model": options.processor, "processors": options.processors,
            "memory_mib": int(options.memory), "kernel": kernel.release,
            "host_processor": model[1] if model else "unknown",
            "host_processors": os.cpu_count() or 1,
            "load_before": round(os.getloadavg()[0], 2)}
