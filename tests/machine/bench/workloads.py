# SPDX-License-Identifier: GPL-2.0-only
"""The table of what ./run bench measures.

A workload is a shell command of the measured system. It prints what it measured, which
`read` turns into a Measured. Words in braces: {disk} the device to use, {pio} one that an
emulated guest drives without DMA, {seconds} how long, {server} the address of the other
end, {work} our own program.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field

MORE, LESS = "more", "less"
FIO_ANY = ("fio --name=w --direct=1 --ioengine=libaio "
           "--norandommap --randrepeat=1 --output-format=json --lat_percentiles=1 ")
FIO = FIO_ANY + "--filename={disk} --size=256m "
FIO_TIMED = FIO + "--time_based --runtime={seconds} "
# What of a command is not the workload: its start and its end. Counted once in a boot.
FIO_NOTHING = FIO + "--rw=randread --bs=4k --iodepth=1 --number_ios=1"
# The emulated disk without DMA, every word by the processor; elsewhere the disk as it is.
FIO_PIO = FIO_ANY + "--filename={pio} --size=16m "


@dataclass
class Measured:
    """What one run of a workload gave."""

    value: float
    operations: int = 0                         # what exits are divided by; 0: not counted
    latency_us: dict = field(default_factory=dict)      # percentile (text) -> microseconds
    bytes: int = 0


class Unreadable(Exception):
    """A workload ended well and printed what nobody understands."""


@dataclass(frozen=True)
class Workload:
    """One row of the table."""

    name: str
    group: str
    title: str
    unit: str
    better: str
    command: str
    read: Callable
    needs: tuple = ()                # "disk", "network": what a side may lack
    sides: tuple = ()                # only there; (): everywhere
    nothing: str = "true"            # a command that does all but the work
    goal: float = None               # wanted at least: PV guest to bare Linux, as "times as good"


def number(text):
    """A value, and how many operations it stands for."""
    words = text.split()
    if not words:
        raise Unreadable("it printed nothing")
    return Measured(float(words[0]), int(words[1]) if len(words) > 1 else 0)


def seconds_of(count):
    """For programs that print seconds for a fixed number of operations."""
    def read(text):
        return Measured(number(text).value, count)
    return read


def latencies(text):
    """`p50 p90 p99 p99.9 max operations`, in microseconds."""
    words = text.split()
    if len(words) != 6:
        raise Unreadable(text)
    names = ("50", "90", "99", "99.9", "100")
    return Measured(float(words[0]), int(words[5]),
                    {name: float(word) for name, word in zip(names, words)})


def fio(direction, unit):
    """fio's JSON: requests or megabytes in a second, and how long a request takes."""
    def read(text):
        job = json.loads(text[text.index("{"):])["jobs"][0]
        if job["error"]:
            raise Unreadable(f"fio says error {job['error']}")
        side = job[direction]
        value = side["iops"] if unit == "IOPS" else side["bw_bytes"] / 1e6
        kind = side["lat_ns"] if side["lat_ns"].get("percentile") else side["clat_ns"]
        shown = {f"{float(name):g}": ns / 1000 for name, ns in kind.get("percentile", {}).items()}
        if shown and kind.get("max"):
            shown["100"] = kind["max"] / 1000
        return Measured(value, side["total_ios"], shown, side["io_bytes"])
    return read


def iperf(where):
    """iperf3's JSON: megabits in a second, as the receiver counts them."""
    def read(text):
        report = json.loads(text[text.index("{"):])
        if report.get("error"):
            raise Unreadable(f"iperf3: {report['error']}")
        end = report["end"][where]
        # An operation is a full-sized TCP segment.
        return Measured(end["bits_per_second"] / 1e6, end["bytes"] // 1448, {}, end["bytes"])
    return read


def iperf_packets(text):
    """iperf3's JSON: small packets in a second that arrived."""
    report = json.loads(text[text.index("{"):])
    if report.get("error"):
        raise Unreadable(f"iperf3: {report['error']}")
    end = report["end"]["sum"]
    arrived = end["packets"] - end["lost_packets"]
    return Measured(arrived / end["seconds"], arrived, {}, arrived * 64)


def _pio(name, title, options, unit):
    return Workload(f"disk-pio-{name}", "disk without DMA", title, unit, MORE,
                    FIO_PIO + "--time_based --runtime={seconds} --iodepth=1 " + options,
                    fio("read", unit), ("disk",),
                    nothing=FIO_PIO + "--rw=randread --bs=4k --iodepth=1 --number_ios=1")


def _iperf(name, title, unit, options, nothing, read):
    """The test that stops at once opens and closes the same connections and reports alike."""
    command = "iperf3 -c {server} -J " + options
    return Workload(f"net-{name}", "network", title, unit, MORE, command + " -t {seconds}", read,
                    ("network",), nothing=f"{command} -n {nothing}", goal=0.5)


def _disk(name, title, options, unit, direction, goal):
    return Workload(f"disk-{name}", "disk", title, unit, MORE, FIO_TIMED + options,
                    fio(direction, unit), ("disk",), nothing=FIO_NOTHING, goal=goal)


TABLE = (
    _disk("randread-1", "random read 4 KiB, QD 1", "--rw=randread --bs=4k --iodepth=1",
          "IOPS", "read", 0.5),
    _disk("randread-32", "random read 4 KiB, QD 32", "--rw=randread --bs=4k --iodepth=32",
          "IOPS", "read", 0.5),
    _disk("randwrite-1", "random write 4 KiB, QD 1", "--rw=randwrite --bs=4k --iodepth=1",
          "IOPS", "write", 0.5),
    _disk("randwrite-32", "random write 4 KiB, QD 32", "--rw=randwrite --bs=4k --iodepth=32",
          "IOPS", "write", 0.5),
    _disk("seqread", "sequential read 128 KiB, QD 4", "--rw=read --bs=128k --iodepth=4",
          "MB/s", "read", 0.5),
    _disk("seqwrite", "sequential write 128 KiB, QD 4", "--rw=write --bs=128k --iodepth=4",
          "MB/s", "write", 0.5),
    _disk("fsync", "random write 4 KiB, fsync after each",
          "--rw=randwrite --bs=4k --iodepth=1 --fsync=1", "IOPS", "write", 0.5),
    _pio("randread", "random read 4 KiB, QD 1; emulated: PIO", "--rw=randread --bs=4k", "IOPS"),
    _pio("seqread", "sequential read 128 KiB, QD 1; emulated: PIO", "--rw=read --bs=128k", "MB/s"),
    _iperf("tcp-out", "TCP from the system", "Mbit/s", "", "1", iperf("sum_received")),
    _iperf("tcp-in", "TCP to the system", "Mbit/s", "-R", "1", iperf("sum_received")),
    _iperf("udp-64", "UDP from the system, 64-byte packets", "packets/s", "-u -b 0 -l 64", "64",
           iperf_packets),
    Workload("net-rr", "network", "TCP request and response, 1 byte, median", "µs", LESS,
             "{work} ask {server} 2000", latencies, ("network",),
             nothing="{work} ask {server} 1", goal=0.5),
    Workload("console", "console", "text to the console", "KB/s", MORE,
             "{work} console /dev/console 32768", number, ("console",)),
    Workload("kernel-to-init", "boot", "kernel to init, by its own clock", "s", LESS,
             "", number, ("boot",), goal=0.5),
    Workload("create", "boot", "pvn create", "s", LESS, "", number, ("create",)),
    Workload("sha256", "processor", "SHA-256 of 100 MB", "s", LESS,
             "{work} sha256", seconds_of(1), goal=0.83),
    Workload("spawn", "processor", "300 times fork and exec", "s", LESS,
             "{work} spawn", seconds_of(300), goal=0.59),
    Workload("spawn-small", "processor", "the same, child without C library", "s", LESS,
             "{work} spawn {nothing}", seconds_of(300), goal=0.59),
    Workload("switch", "processor", "context switch through a pipe and back", "µs", LESS,
             "{work} switch 5000", number, goal=0.59),
    Workload("cpuid", "micro", "CPUID, an exit in a guest", "µs", LESS,
             "{work} cpuid 20000", number),
    Workload("timer", "micro", "lateness of a 200 µs sleep, median", "µs", LESS,
             "{work} timer 1000", latencies),
    Workload("hypercall", "micro", "null fast hypercall", "µs", LESS, "hypercall", number,
             sides=("pv",)),
    Workload("doorbell", "micro", "doorbell from a guest to the root", "µs", LESS, "doorbell",
             number, sides=("pv",)),
    Workload("timer-set", "micro", "synthetic timer set and expired", "µs", LESS, "timer-set",
             number, sides=("pv",)),
)

# These run in the bare-metal guest, all of them in one go.
BARE_METAL = ("hypercall", "doorbell", "timer-set")


def asked_for(form, pattern):
    """The rows that --only names; an argument parser's error for none, or for no expression."""
    try:
        rows = chosen(re.compile(pattern, re.IGNORECASE))
    except re.error as error:
        form.error(f"--only {pattern!r} is no regular expression: {error}")
    if not rows:
        form.error(f"no workload matches {pattern!r}; they are " + " ".join(row.name for row in TABLE))
    return rows


def chosen(pattern):
    """The rows whose name or group matches a compiled pattern."""
    return [row for row in TABLE if pattern.search(row.name) or pattern.search(row.group)]
