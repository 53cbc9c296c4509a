# SPDX-License-Identifier: GPL-2.0-only
"""Instructions per operation: machines of their own, in which instructions are the clock.

One emulated processor and -icount: time is the number of executed instructions, nothing
comes from outside (no disk, no channel, no clock of this computer), so that two runs do the
same to the last instruction. A plug-in (count.c) says who executed what between marks in
the programs (marker.h). What needs two processors runs without -icount, processors taking
turns: there the most frequent way through the hypervisor is repeatable, the sums are not.
"""

import json
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from machine import initrd, paths, qemu, say, tools
from machine.bench import bare_metal, sides

HERE = paths.MESON / "tests" / "machine" / "bench"
COUNTER = HERE / "bench-count.so"
SECONDS = 400
TIMES, TIMER_TIMES, APART_TIMES = 2000, 200, 20
DISK_TIMES, SWITCH_TIMES, SPAWN_TIMES = 1000, 1000, 300
SPARSE_PAGES = 255
UNMAP_PAGES = 8 * SPARSE_PAGES

# Numbers of enum window in marker.h.
HYPERCALL, DOORBELL, CPUID, TIMER, EOI, MAP, UNMAP, DISK, SPAWN, SWITCH, NOTHING, DOORBELL_APART = \
    range(1, 13)


@dataclass(frozen=True)
class Row:
    """A thing that is counted: the `which`-th of the windows with this number."""

    name: str
    title: str
    window: int
    operations: int
    which: int = 0
    goal: int = None            # hypervisor instructions at most
    in_root: bool = False       # the root itself did it
    by_path: bool = False       # the goal is for the way from exit to entry


METAL_ROOT = (
    Row("root-hypercall", "null fast hypercall of the root", HYPERCALL, TIMES, in_root=True, goal=60,
        by_path=True),
    Row("map-sparse", "map_sparse_gpa_pages, per 4 KiB page of long lists", MAP, SPARSE_PAGES,
        in_root=True, goal=100),
    Row("unmap", "unmap_gpa_pages, per 4 KiB page", UNMAP, UNMAP_PAGES, in_root=True),
)
METAL_GUEST = (
    Row("hypercall", "null fast hypercall of a guest", HYPERCALL, TIMES, goal=60, by_path=True),
    Row("doorbell", "signal_event to the root, same processor", DOORBELL, TIMES),
    Row("cpuid", "CPUID", CPUID, TIMES),
    Row("eoi", "end of interrupt by the APIC's register", EOI, TIMES),
    Row("timer", "synthetic timer: set, expired, ended", TIMER, TIMER_TIMES),
)
LINUX = tuple(
    Row(f"disk-{way}-{depth}", f"{way} of 4 KiB, QD {depth}", DISK, DISK_TIMES, which)
    for which, (way, depth) in enumerate((way, depth) for depth in (1, 32)
                                         for way in ("read", "write"))
) + (Row("spawn", "fork and exec, child without C library", SPAWN, SPAWN_TIMES),
     Row("switch", "context switch through a pipe and back", SWITCH, SWITCH_TIMES))
TWO = (Row("doorbell-other", "signal_event to a VP on another processor", DOORBELL_APART, APART_TIMES,
           goal=150, by_path=True),
       Row("doorbell-set", "the same, its flag not yet seen", DOORBELL, TIMES, by_path=True))


@dataclass
class Window:
    """What the plug-in says of one."""

    hypervisor: int
    ours: int
    others: int
    exits: int
    path: int
    path_times: int
    processor: int              # where it ended


def parse(text):
    """{number: [Window]} from the plug-in's file."""
    found = {}
    for line in text.splitlines():
        word, *counts = line.split()
        if word == "unknown":
            raise say.Failure("the plug-in cannot tell virtual processors apart",
                              where="tests/machine/bench/count.c",
                              hint="does svm_entry.S load the registers in another way now?")
        if word == "window":
            number, *counts = counts
            found.setdefault(int(number), []).append(Window(*map(int, counts)))
    return found


def _boot(name, kernel, initramfs, line, processors=1, hypervisor=True, memory=1024):
    """Boot, wait until it powers off; the plug-in's words."""
    folder = paths.LOGS / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    output, logs = folder / f"{name}.windows", [folder / f"{name}.{end}.log"
                                                for end in ("root", "hypervisor")]
    for path in (output, *logs):
        path.unlink(missing_ok=True)
    one = processors == 1
    command = [qemu.QEMU, "-nodefaults", "-no-user-config", "-machine", "pc",
               "-accel", "tcg,thread=single", "-cpu", f"{qemu.PROCESSOR},-rdrand,-rdseed",
               "-smp", str(processors), "-m", str(memory), "-display", "none", "-no-reboot",
               "-monitor", "none", "-seed", "1",
               *(["-icount", "shift=1,sleep=off", "-rtc", "base=2020-01-01,clock=vm"] if one else []),
               "-plugin", f"{COUNTER},out={output}"]
    for number, log in enumerate(logs, 1):
        command += ["-chardev", f"file,id=com{number},path={log}", "-serial", f"chardev:com{number}"]
    if hypervisor:
        module = f"{kernel} {line.replace(',', ',,')}" + (f",{initramfs}" if initramfs else "")
        command += ["-kernel", str(paths.HYPERVISOR), "-append", "", "-initrd", module]
    else:
        command += ["-kernel", str(kernel), "-append", line, "-initrd", str(initramfs)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, start_new_session=True,
                          preexec_fn=qemu.die_with_parent) as process:
        try:
            errors = process.communicate(timeout=SECONDS)[1]
        except BaseException as error:
            process.kill()
            if isinstance(error, subprocess.TimeoutExpired):
                raise say.Failure(f"the counting machine {name!r} did not end within {SECONDS} s",
                                  where=tools.shorten(folder)) from None
            raise
    if process.returncode:
        raise say.Failure(f"the counting machine {name!r} failed: {errors.decode()[-300:]}",
                          where=tools.shorten(folder))
    return output.read_text(encoding="ascii") if output.exists() else ""


def _row(row, windows, note_path):
    """A row of the report, or None where the window is missing."""
    found = windows.get(row.window, [])[row.which:]
    if not found:
        return None
    window = found[0]
    guest, root = (0, window.ours + window.others) if row.in_root else (window.ours, window.others)
    entry = {"name": row.name, "title": row.title, "operations": row.operations,
             "hypervisor": window.hypervisor / row.operations, "guest": guest / row.operations,
             "root": root / row.operations, "exits": window.exits / row.operations}
    if note_path and window.path_times:
        entry["path"] = window.path
    if row.goal:
        entry["goal"] = row.goal
    return entry


class Linux:
    """Images of the Linux machines: nothing but memory, so that nothing waits for a disk."""

    def __init__(self, plan):
        self._plan = plan
        self.folder = paths.BOOT / "bench-count"
        self.folder.mkdir(parents=True, exist_ok=True)

    def root(self):
        """The root partition with two guests: (kernel, initramfs)."""
        kernel = self._plan.kernel
        initrd.index_modules(kernel)
        archive = initrd.start_archive(paths.MACHINE / "bench" / "count-init", ("run", "tmp", "var"))
        order = initrd.add_modules(archive, kernel, ("pvn_root", "brd"))
        archive.file("modules", "".join(f"{name}\n" for name in order).encode())
        programs = [paths.STAGE / "usr" / "bin" / "pvn",
                    *(paths.STAGE / "usr" / "libexec" / "paravane").glob("pvn-*")]
        for path in [*programs, *_libraries(programs)]:
            inside = path.relative_to(paths.STAGE) if path.is_relative_to(paths.STAGE) \
                else Path(str(path)[1:])
            archive.copy(str(inside), path)
        image = HERE / "bench-guest.img"
        archive.copy(bare_metal.IMAGE.strip("/"), image)
        archive.copy("guest/vmlinuz", kernel.image)
        archive.file("guest/initrd.img", initrd.guest_initrd(kernel) + self._plan.payload)
        archive.file("guest/metal.json", json.dumps(bare_metal.configuration()).encode())
        archive.file("guest/linux.json", json.dumps(self._guest()).encode())
        archive.write(self.folder / "root.img")
        return kernel.image, self.folder / "root.img"

    @staticmethod
    def _guest():
        return {"name": "linux", "kernel": "/guest/vmlinuz", "initrd": "/guest/initrd.img",
                "memory": "192M", "on_reboot": "destroy", "disks": [{"image": "/dev/ram0"}],
                "cmdline": "console=hvc0 quiet panic=-1 nokaslr norandmaps bench.counted=/dev/pvda"}

    def bare(self):
        """The same guest's initrd on the machine itself: (kernel, initramfs)."""
        payload = sides.payload(self._plan.kernel, ["brd"])
        image = self.folder / "bare.img"
        image.write_bytes(initrd.guest_initrd(self._plan.kernel) + payload)
        return self._plan.kernel.image, image


def _libraries(programs):
    """Shared libraries of programs, of this computer's Debian."""
    found = set()
    for program in programs:
        for line in tools.call(["ldd", program], f"asking for {program.name}'s libraries").splitlines():
            found |= {Path(word) for word in line.split() if word.startswith("/")}
    return sorted(found)


QUIET = "console=ttyS0 quiet panic=-1 nokaslr norandmaps random.trust_cpu=off"


def _machines(plan, whole):
    """[(name, rows, boot arguments)]; without `whole` only what takes seconds."""
    metal = ("root", METAL_ROOT, {"kernel": HERE / "bench-root.img", "initramfs": None, "line": "x",
                                  "memory": 512})
    if not whole:
        return [metal]
    linux = Linux(plan)
    kernel, image = linux.root()
    guests = {"kernel": kernel, "initramfs": image}
    return [metal, ("guests", METAL_GUEST + LINUX, {**guests, "line": QUIET}),
            ("two", TWO, {**guests, "line": f"{QUIET} bench.metal", "processors": 2})]


def _once(machines, number):
    """Every machine once: {row name: entry}."""
    found = {}
    for name, rows, arguments in machines:
        began = time.monotonic()
        windows = parse(_boot(f"{name}-{number}", **arguments))
        for row in rows:
            entry = _row(row, windows, True)
            if entry and arguments.get("processors", 1) > 1:
                # Processors take turns by this computer's clock: only the way is repeatable.
                entry.update(hypervisor=float(entry.get("path", 0)), guest=0.0, root=0.0,
                             exits=1.0)
                if windows[row.window][row.which].processor == 1:
                    # The doorbell's target is the root's second, which is pinned there.
                    entry["title"] = f"{row.title} (it was on the same)"
            if entry:
                found[row.name] = entry
        missing = [row.name for row in rows if row.name not in found]
        if missing:
            raise say.Failure(f"the counting machine {name!r} did not get to: {', '.join(missing)}",
                              where=tools.shorten(paths.LOGS / "bench"))
        say.line(f"instructions: machine {name!r} in {time.monotonic() - began:.0f} s")
    return found


def _bare(plan):
    """Instructions of the same work on bare Linux, per operation: {row name: number}."""
    kernel, image = Linux(plan).bare()
    windows = parse(_boot("bare", kernel, image, f"{QUIET} bench.counted=/dev/ram0", hypervisor=False))
    return {row.name: windows[row.window][row.which].hypervisor / row.operations for row in LINUX
            if len(windows.get(row.window, [])) > row.which}


def count(plan, whole=True):
    """Two runs of everything, which must agree; the report's part."""
    if not COUNTER.exists():
        return {"rows": [], "absent": "the build made no plug-in for the emulator"}
    machines = _machines(plan, whole)
    first, second = (_once(machines, number) for number in (1, 2))
    bare = _bare(plan) if whole else {}
    rows = []
    for name, entry in first.items():
        entry["agree"] = entry == second[name]
        if name in bare:
            entry["bare"] = bare[name]
        rows.append(entry)
    return {"rows": rows, "runs": 2, "agree": all(row["agree"] for row in rows)}
