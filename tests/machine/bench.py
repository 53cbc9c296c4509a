# SPDX-License-Identifier: GPL-2.0-only
"""./run bench: bare Linux and a guest of Paravane side by side in one emulated machine.

Both sides boot the same kernel and initrd with as many processors and as much
memory, and their process 1 runs the same programs. Boots alternate.

Two measures of everything: seconds by the clock of the measured system, and the
processor seconds that QEMU used in the meantime, which other load on this
computer changes far less. Lines of the measured system mark begin and end.
"""

import argparse
import json
import os
import statistics
import subprocess
import time
from collections import defaultdict
from pathlib import Path

from machine import channel, cpio, initrd, kernels, machine, paths, qemu, say, tools

DESCRIPTION = """\
Measure bare Linux and a guest of Paravane, side by side in the same emulated machine:
100 MB of SHA-256, 300 times fork and exec, kernel to init, and 4 KiB transfers on a
disk in memory (the guest's through pvn-blkd, bare Linux's its own RAM disk).
"""
EPILOGUE = """\
The table is printed on stdout; all samples go to build/bench/bench.json.
Without hardware virtualization the emulator's times say nothing about silicon: an exit
costs 25 to 50 times what it should, caches and TLBs cost nothing. Compare ratios only.
"""

WORK = paths.MESON / "tests" / "machine" / "bench" / "bench-work"
RESULTS = paths.BUILD / "bench" / "bench.json"
GUEST_MIB = 512
BOOT_SECONDS = 120
JOB_SECONDS = 300
POLL_SECONDS = 0.005
FIRMWARE_DONE = b"Booting from "

# name, words of the table, unit, goal: the ratio of guest to bare that is wanted at most.
ROWS = (
    ("sha256", "sha256 of 100 MB", "s", 1.2),
    ("spawn", "300 fork+exec", "s", 1.7),
    ("spawn-small", "the same, no C library in child", "s", None),
    ("kernel-to-init", "kernel to init, its own clock", "s", 2.0),
    ("start-to-init", "start to init, wall", "s", 2.0),
    ("create", "pvn create", "s", None),
    ("disk-read-1", "disk read 4 KiB, QD 1", "IOPS", None),
    ("disk-write-1", "disk write 4 KiB, QD 1", "IOPS", None),
    ("disk-read-32", "disk read 4 KiB, QD 32", "IOPS", None),
    ("disk-write-32", "disk write 4 KiB, QD 32", "IOPS", None),
)

CREATE = """
log=/run/bench.log
rm -f $log; : >$log
tail -n +1 -f $log & follower=$!
echo "bench: begin create"
pvn create /run/bench.json >&2 || { kill $follower; exit 1; }
echo "bench: end create"
seconds=0
until grep -q '^bench: done' $log; do
    sleep 1
    seconds=$((seconds + 1))
    [ $seconds -lt %d ] || { kill $follower; exit 1; }
done
kill $follower
pvn destroy bench >/dev/null 2>&1
while pvn info bench --json 2>/dev/null | grep -q '"running"'; do sleep 0.2; done
exit 0
"""


class Samples:
    """What was measured, by name, number of processors and side."""

    def __init__(self):
        self.clock = defaultdict(list)      # seconds or operations in a second
        self.busy = defaultdict(list)       # QEMU's processor seconds

    def add(self, key, clock, busy):
        self.clock[key].append(clock)
        self.busy[key].append(busy)

    def values(self, name, processors, side, measure="clock"):
        return getattr(self, measure)[(name, processors, side)]


class Observer:
    """Reads the lines of one measured system as they come."""

    def __init__(self, samples, processors, side, pid):
        self._samples, self._where, self._pid = samples, (processors, side), pid
        self._rest = b""
        self._began = {}
        self.failed = []
        self.done = False

    def write(self, data):
        """Takes output in pieces, as a file would."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            words = line.decode(errors="replace").strip().split()
            if words[:1] == ["bench:"]:
                self._line(words[1:])

    def flush(self):
        """Nothing is kept back."""

    def begin(self, name):
        self._began[name] = (time.monotonic(), processor_seconds(self._pid))

    def end(self, name, value=None):
        """The clock of this computer where the measured system has no value."""
        key = (name, *self._where)
        if name not in self._began:
            self._samples.add(key, value, None)
            return
        clock, busy = self._began.pop(name)
        clock = time.monotonic() - clock if value is None else value
        self._samples.add(key, clock, processor_seconds(self._pid) - busy)

    def _line(self, words):
        what, name = words[0], words[1] if len(words) > 1 else ""
        if what == "begin":
            self.begin(name)
        elif what == "end":
            self.end(name, float(words[2]) if len(words) > 2 else None)
            if name == "create":
                self.begin("start-to-init")
        elif what == "up":
            self.end("start-to-init")
        elif what == "failed":
            self.failed.append(name)
        elif what == "done":
            self.done = True


def processor_seconds(pid):
    """What all threads of a process have used."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            total += int((task / "schedstat").read_text(encoding="ascii").split()[0])
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total / 1e9


def parser():
    form = argparse.ArgumentParser(prog="./run bench", description=DESCRIPTION, epilog=EPILOGUE,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
    form.add_argument("--rounds", type=int, default=5, metavar="N",
                      help="boots of each side and number of processors (default: 5)")
    form.add_argument("--quick", action="store_true", help="3 rounds")
    form.add_argument("--repeat", type=int, default=3, metavar="N",
                      help="runs of each workload in a boot (default: 3)")
    form.add_argument("--processors", default="1,2", metavar="LIST",
                      help="numbers of processors to measure with (default: 1,2)")
    form.add_argument("--disk-seconds", type=int, default=1, metavar="N",
                      help="time for each disk workload, 0 for none (default: 1)")
    form.add_argument("--cpu", default=qemu.PROCESSOR, metavar="MODEL",
                      help=f"QEMU's processor model (default: {qemu.PROCESSOR})")
    form.add_argument("--accel", choices=("auto", "tcg", "kvm"), default="auto",
                      help="auto takes KVM only if it offers SVM or VMX (default: auto)")
    form.add_argument("--no-build", action="store_true", help="measure what was built before")
    return form


def main(words):
    form = parser()
    chosen = form.parse_args(words)
    try:
        counts = [int(word) for word in chosen.processors.split(",")]
    except ValueError:
        form.error(f"--processors wants numbers, not {chosen.processors!r}")
    rounds = 3 if chosen.quick else chosen.rounds
    if rounds < 1 or chosen.repeat < 1 or min(counts) < 1:
        form.error("numbers of rounds, repetitions and processors begin at 1")
    machine.prepare(compile_all=not chosen.no_build)
    bench = Bench(chosen, max(counts))
    try:
        for number in range(rounds):
            say.line(f"round {number + 1} of {rounds}")
            for count in counts:
                bench.bare(count)
            bench.guests(counts)
    finally:
        # Also what there is when somebody interrupts.
        settings = bench.settings(rounds, counts)
        print(table(bench.samples, settings), flush=True)
        store(bench.samples, settings)
    for failure in bench.failed:
        say.line(f"failed: {failure}")
    return 1 if bench.failed else 0


class Bench:
    """Boots the measured systems."""

    def __init__(self, chosen, processors_max):
        self.samples = Samples()
        self.failed = []
        self._chosen = chosen
        self._processors_max = processors_max
        self._kernel = kernels.find("cloud")
        self._payload = payload(self._kernel)

    def settings(self, rounds, counts):
        """What a reader must know to compare."""
        options = self._options()
        version = tools.call([qemu.QEMU, "--version"], "asking QEMU").splitlines()[0]
        return {"rounds": rounds, "repeat": self._chosen.repeat, "processors": counts,
                "qemu": version, "accelerator": qemu.accelerator(options),
                "cpu": options.processor, "kernel": self._kernel.release,
                "memory-mib": GUEST_MIB, "load": os.getloadavg()[1]}

    def _options(self, **more):
        return qemu.Options(processor=self._chosen.cpu, accelerator=self._chosen.accel, **more)

    def _words(self):
        return f"bench.repeat={self._chosen.repeat} bench.disk={self._chosen.disk_seconds}"

    def bare(self, processors):
        """Boot bare Linux until its job is done."""
        options = self._options(bare=True, memory=str(GUEST_MIB), processors=processors,
                                root_options=f"{self._words()} bench.ram")
        image = paths.BOOT / "bench.img"
        image.parent.mkdir(parents=True, exist_ok=True)
        image.write_bytes(initrd.guest_initrd(self._kernel) + self._payload)
        with machine.Machine(options) as system:
            self._bare(system, image, processors)

    def _bare(self, system, image, processors):
        logs = system.logs
        firmware = logs / "firmware.log"
        firmware.unlink(missing_ok=True)
        system.options.qemu_options = [
            "-chardev", f"file,id=firmware,path={firmware.relative_to(paths.BUILD)}",
            "-device", "isa-debugcon,iobase=0x402,chardev=firmware"]
        ours, theirs = channel.pair()
        command = qemu.command(system.options, self._kernel, image, logs, theirs.fileno())
        with ours, theirs, open(logs / "qemu.log", "wb") as errors:
            system.process = subprocess.Popen(  # pylint: disable=consider-using-with
                command, cwd=paths.BUILD, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=errors, pass_fds=[theirs.fileno()], preexec_fn=qemu.die_with_parent,
                start_new_session=True)
            observer = Observer(self.samples, processors, "bare", system.process.pid)
            if wait_for(lambda: FIRMWARE_DONE in read(firmware), system, BOOT_SECONDS):
                observer.begin("start-to-init")
                taken = 0
                deadline = time.monotonic() + JOB_SECONDS
                while not observer.done and system.is_alive() and time.monotonic() < deadline:
                    text = read(logs / "root.log")
                    observer.write(text[taken:])
                    taken = len(text)
                    time.sleep(POLL_SECONDS)
        self._check(observer, f"bare Linux on {processors} processors", system.failure)

    def guests(self, counts):
        """Boot Paravane and, one after the other, a guest for each number of processors."""
        with machine.Machine(self._options(processors=self._processors_max)) as system:
            system.boot()
            system.run("cat /usr/share/paravane/guest/initrd.img - >/run/bench-initrd.img; "
                       "dd if=/dev/zero of=/run/bench-disk.img bs=1M count=64 2>/dev/null",
                       data=self._payload)
            for count in counts:
                self._guest(system, count)
            system.power_off()

    def _guest(self, system, processors):
        configuration = {
            "name": "bench", "kernel": "/usr/share/paravane/guest/vmlinuz",
            "initrd": "/run/bench-initrd.img", "vps": processors, "memory": f"{GUEST_MIB}M",
            "cmdline": f"console=hvc0 panic=-1 quiet {self._words()}",
            "console": {"log": "/run/bench.log"},
            "disks": [{"image": "/run/bench-disk.img"}]}
        system.run("cat >/run/bench.json", data=json.dumps(configuration).encode())
        observer = Observer(self.samples, processors, "guest", system.process.pid)
        errors = Words()
        system.stream(CREATE % JOB_SECONDS, observer, errors, JOB_SECONDS + BOOT_SECONDS)
        self._check(observer, f"a guest with {processors} processors",
                    lambda what: system.failure(f"{what}\n{errors.text}"))

    def _check(self, observer, what, failure):
        self.failed += [f"{name} on {what}" for name in observer.failed]
        if not observer.done:
            raise failure(f"{what} did not end its work")


class Words:
    """Keeps what a command said on stderr."""

    def __init__(self):
        self.text = ""

    def write(self, data):
        self.text += data.decode(errors="replace")

    def flush(self):
        """Nothing is kept back."""


def payload(kernel):
    """A cpio to follow a guest's initrd: the job, its program, and a RAM disk for bare Linux."""
    if not WORK.exists():
        raise say.Failure("the build made no workloads", where=tools.shorten(WORK))
    archive = cpio.Archive()
    archive.copy("job", paths.MACHINE / "bench" / "job")
    for program in (WORK, WORK.with_name("bench-nothing")):
        archive.copy(program.name, program)
    for path in kernels.with_dependencies(kernel, ["brd"]):
        archive.copy(f"lib/modules/{Path(path).name}", kernel.modules / path)
    return archive.bytes()


def read(path):
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def wait_for(condition, system, seconds):
    """True when the condition came true while the machine ran."""
    deadline = time.monotonic() + seconds
    while system.is_alive() and time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(POLL_SECONDS)
    return False


def show(values, unit):
    """median (min-max)"""
    if not values:
        return "-"
    digits = 0 if unit == "IOPS" else 2
    middle, low, high = statistics.median(values), min(values), max(values)
    return f"{middle:.{digits}f} ({low:.{digits}f}-{high:.{digits}f})"


def ratio(bare, guest):
    """Of the medians, or None."""
    bare, guest = ([value for value in side if value is not None] for side in (bare, guest))
    if not bare or not guest or not statistics.median(bare):
        return None
    return statistics.median(guest) / statistics.median(bare)


def table(samples, settings):
    """The report as text."""
    lines = [f"{settings['qemu']}, {settings['accelerator']}, -cpu {settings['cpu']}",
             f"kernel {settings['kernel']}, {settings['memory-mib']} MiB, same initrd",
             f"{settings['rounds']} boots of each side, alternating, {settings['repeat']} runs in "
             f"a boot; load of this computer {settings['load']:.1f} on {os.cpu_count()} processors",
             "ratio: guest to bare, of medians; busy: the same of QEMU's processor seconds, "
             "which other load disturbs less", "",
             f"{'':33} {'CPUs':>4}  {'bare median (min-max)':26} {'guest median (min-max)':26}"
             f" {'ratio':>6} {'busy':>6} {'goal':>6}"]
    for name, words, unit, goal in ROWS:
        for count in settings["processors"]:
            bare, guest = (samples.values(name, count, side) for side in ("bare", "guest"))
            if not guest and not bare:
                continue
            by_busy = None if unit == "IOPS" else ratio(
                *(samples.values(name, count, side, "busy") for side in ("bare", "guest")))
            numbers = "".join(f" {f'{value:.2f}' if value else '-':>6}"
                              for value in (ratio(bare, guest), by_busy, goal))
            title = f"{words}, {unit}"
            lines.append(f"{title:33.33} {count:4}  {show(bare, unit):26} {show(guest, unit):26}"
                         + numbers)
    return "\n".join(lines)


def store(samples, settings):
    """All samples as JSON."""
    rows = []
    for name, words, unit, goal in ROWS:
        for count in settings["processors"]:
            row = {"name": name, "title": words, "unit": unit, "processors": count,
                   "goal": goal}
            for side in ("bare", "guest"):
                row[side] = {"clock": samples.values(name, count, side),
                             "busy-seconds": samples.values(name, count, side, "busy")}
            row["ratio"] = ratio(row["bare"]["clock"], row["guest"]["clock"])
            rows.append(row)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps({"settings": settings, "rows": rows}, indent=1) + "\n",
                       encoding="ascii")
    say.line(f"all samples: {tools.shorten(RESULTS)}")
