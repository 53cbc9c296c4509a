# SPDX-License-Identifier: GPL-2.0-only
"""./run bench: options, the order of things, exit status."""

import argparse
import datetime
import shutil
import sys
import time
from pathlib import Path

from machine import machine, qemu, say, tools
from machine.bench import compare, instructions, merge, page, peers, preflight, results, \
    rounds, sides, table, workloads

DESCRIPTION = """\
Measure bare Linux, a guest with PV devices and a guest with emulated devices, side by side
in the same emulated machine: disk, network, console, boot, processes, micro-benchmarks.
Instructions of single operations are counted in runs of their own.
"""
EPILOGUE = """\
The table goes to stdout; build/bench/report.html is the same with plots, and report.json
all samples. docs/benchmarks.md says how it is measured and what the numbers do not say.
Exit status: 0; 1 when a workload or a machine failed (the others are reported), 2 for wrong
usage, 130 after Ctrl-C (the report then holds what there was).
"""
QUICK_ROUNDS, FULL_ROUNDS = 1, 5
PEERS = ("kvm", "xen")
SIDES = ("bare", "pv", "emulated", *PEERS)


def parser():
    form = argparse.ArgumentParser(prog="./run bench", description=DESCRIPTION, epilog=EPILOGUE,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
    form.add_argument("--quick", action="store_true",
                      help=f"under 5 minutes: {QUICK_ROUNDS} round, 1 s for a timed workload")
    form.add_argument("--only", metavar="PATTERN", default="",
                      help="only workloads whose name or group matches this regular expression")
    form.add_argument("--list", action="store_true", help="print the workloads and stop")
    form.add_argument("--rounds", type=int, metavar="N",
                      help=f"boots of each side (default: {FULL_ROUNDS})")
    form.add_argument("--seconds", type=int, metavar="N",
                      help="for each timed workload (default: 3)")
    form.add_argument("--sides", default="bare,pv,emulated", metavar="LIST",
                      help="what to measure, of bare,pv,emulated,kvm,xen (default: bare,pv,emulated)")
    form.add_argument("--peers", action="store_true",
                      help="kvm and xen too: KVM with QEMU's virtio, and Xen, in the same machine")
    form.add_argument("--vps", type=int, default=1, metavar="N",
                      help="virtual processors of guests (default: 1)")
    form.add_argument("--processors", type=int, default=2, metavar="N",
                      help="processors of the machine (default: 2)")
    form.add_argument("--memory", type=int, default=2560, metavar="MIB",
                      help="memory of the machine (default: 2560)")
    form.add_argument("--guest-memory", type=int, default=512, metavar="MIB",
                      help="memory of guests (default: 512)")
    form.add_argument("--instructions", choices=("auto", "only", "no"), default="auto",
                      help="count instructions too, only, or not (default: auto)")
    form.add_argument("--compare", metavar="OLD.json", type=Path,
                      help="say what changed since that report, and what is noise")
    form.add_argument("--with", metavar="NEW.json", type=Path, dest="new",
                      help="compare OLD with this report instead of measuring")
    form.add_argument("--merge", metavar="REPORT.json", type=Path, nargs=2,
                      help="join two reports of one machine (paravane-measure) and show them")
    form.add_argument("--cpu", metavar="MODEL",
                      help=f"QEMU's processor model (default: {qemu.PROCESSOR}; with --peers "
                           f"{peers.PROCESSOR})")
    form.add_argument("--accel", choices=("auto", "tcg", "kvm"), default="auto",
                      help="auto takes KVM only if it offers SVM or VMX (default: auto)")
    form.add_argument("--no-build", action="store_true", help="measure what was built before")
    return form


def _checked(form, words):
    """The options; argparse's error for what makes no sense."""
    chosen = form.parse_args(words)
    if chosen.rounds is None:
        chosen.rounds = QUICK_ROUNDS if chosen.quick else FULL_ROUNDS
    if chosen.seconds is None:
        chosen.seconds = 1 if chosen.quick else 3
    if min(chosen.rounds, chosen.seconds, chosen.vps, chosen.processors, chosen.guest_memory) < 1:
        form.error("numbers of rounds, seconds, processors and of MiB begin at 1")
    if chosen.memory < chosen.guest_memory + preflight.ROOT_MIB:
        form.error(f"a machine of {chosen.memory} MiB has no room for a guest of {chosen.guest_memory}: "
                   f"its own Linux, programs and RAM disks take {preflight.ROOT_MIB} MiB")
    if chosen.new and not chosen.compare:
        form.error("--with needs --compare OLD.json")
    chosen.rows = workloads.asked_for(form, chosen.only)
    chosen.side_names = [name for name in chosen.sides.split(",") if name]
    unknown = [name for name in chosen.side_names if name not in SIDES]
    if unknown or not chosen.side_names:
        form.error(f"--sides knows {', '.join(SIDES)}, not {', '.join(unknown) or 'nothing'}")
    chosen.side_names += PEERS if chosen.peers else ()
    chosen.has_peers = not set(PEERS).isdisjoint(chosen.side_names)
    chosen.cpu = chosen.cpu or (peers.PROCESSOR if chosen.has_peers else qemu.PROCESSOR)
    return chosen


def main(words):
    chosen = _checked(parser(), words)
    if chosen.list:
        for row in chosen.rows:
            print(f"{row.name:16} {row.group:10} {row.title}, {row.unit}")
        return 0
    if chosen.merge:
        return _show(merge.merge(*(results.load(path) for path in chosen.merge)))
    old = results.load(chosen.compare) if chosen.compare else None
    if chosen.new:
        print(compare.text(old, results.load(chosen.new)))
        return 0
    preflight.check(chosen.memory, chosen.has_peers)
    machine.prepare(compile_all=not chosen.no_build)
    preflight.warn(chosen.processors)
    report = Bench(chosen).run()
    if old:
        print("\n" + compare.text(old, report))
    if report.pop("interrupted", False):
        raise KeyboardInterrupt
    return 1 if report["failures"] else 0


def _columns():
    """Of the terminal that stdout is, if it is one."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _show(report):
    """Write and print a report."""
    results.save(report)
    page.save(report)
    print(table.text(report, _columns()), flush=True)
    say.line(f"report: {tools.shorten(page.PAGE)}, {results.where()}")
    return 0


class Bench:
    """Measures and reports."""

    def __init__(self, chosen):
        self._chosen = chosen
        self._plan = sides.Plan(chosen)
        self._began = time.monotonic()
        self._neighbours = preflight.Neighbours()
        self._sides = [side for side in (sides.Bare(self._plan), sides.PvGuest(), sides.EmulatedGuest(),
                                         peers.Kvm(self._plan), peers.Xen(self._plan))
                       if side.name in chosen.side_names]
        present = [side for side in self._sides if not side.absent()]
        guests = [side for side in present if isinstance(side, sides.Guest)]
        parts = [(side, [side]) for side in present if side not in guests]
        if guests:
            parts.insert(1, (sides.Paravane(self._plan, guests), guests))
        self._rounds = rounds.Rounds(self._plan, parts, chosen.rows)
        self._instructions = {"rows": [], "absent": "not asked for"}
        self._report = {
            "format": results.FORMAT, "complete": False,
            "began": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "machine": preflight.describe(self._plan.options(), self._plan.kernel),
            "settings": {"rounds": chosen.rounds, "seconds": chosen.seconds, "vps": chosen.vps,
                         "guest_memory_mib": chosen.guest_memory, "disk_mib": sides.DISK_MIB,
                         "only": chosen.only, "quick": chosen.quick},
            "sides": [{"name": side.name, "title": side.title, "settings": side.settings,
                       **({"absent": side.absent()} if side.absent() else {})}
                      for side in self._sides]}

    def run(self):
        """The report, which is also written and printed, whole or not."""
        for line in table.head(self._state()):
            say.line(line)
        interrupted = False
        try:
            if self._chosen.instructions != "only":
                self._part("workloads", lambda: self._rounds.run(self._chosen.rounds))
            if self._chosen.instructions != "no":
                self._part("instructions", self._count)
            self._report["complete"] = True
        except KeyboardInterrupt:
            interrupted = True
            say.line("interrupted; reporting what there is")
        report = self._state()
        report["machine"]["others_share"] = round(self._neighbours.share(), 3)
        _show(report)
        if interrupted:
            report["interrupted"] = True
        return report

    def _count(self):
        self._instructions = {"rows": [], "absent": "that failed"}
        self._instructions = instructions.count(self._plan, not self._chosen.quick)

    def _part(self, name, work):
        """One part. What it cannot go on without costs this part, not what was measured before."""
        try:
            work()
        except (say.Failure, OSError) as error:
            self._rounds.collected.fail(name, "all", 0, getattr(error, "what", error))

    def _state(self):
        collected = self._rounds.collected
        return {**self._report, "seconds": round(time.monotonic() - self._began, 1),
                "rows": results.rows(self._chosen.rows, collected),
                "instructions": self._instructions,
                "notes": collected.notes, "failures": collected.failures}
