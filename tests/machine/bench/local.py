# SPDX-License-Identifier: GPL-2.0-only
"""paravane-measure: the workloads of ./run bench on the machine that this runs on.

For a computer booted from the ISO image, or an installed Debian: under Paravane it measures
a PV guest, without it bare Linux. Two such reports are joined by ./run bench --merge.
"""

import argparse
import contextlib
import datetime
import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

from machine import machine, say
from machine.bench import preflight, results, rounds, sides, table, workloads

SHARE = Path("/usr/share/paravane")
PAYLOAD = SHARE / "bench" / "payload.cpio"
TOOLS = "/run/bench-tools.img"
# What a guest needs of this Debian to run the workloads.
MAKE_TOOLS = f"""\
set -e
[ ! -e {TOOLS} ] || exit 0
tree=$(mktemp -d)
mkdir -p $tree/dev $tree/proc $tree/sys $tree/tmp $tree/run
cp -a /usr /etc /bin /sbin /lib /lib64 $tree/
mke2fs -q -t ext4 -O ^has_journal -d $tree {TOOLS} 640M
rm -rf $tree
"""
EPILOGUE = """\
For a report that outlives a boot from the ISO image, on a USB stick for example:
  mount /dev/sdX1 /mnt; paravane-measure --output /mnt/NAME.json; umount /mnt
Measure under Paravane, and once more from the menu's other entry. To send the results back,
attach both files to an issue of the project; they name processor, kernel and settings, no
host and no addresses. docs/bare-metal.md has the rest.
Exit status: 0; 1 when a workload failed (the others are reported), 2 for wrong usage, 130
after Ctrl-C (the report then holds what there was).
"""


class Here:
    """This computer, in the words of machine.Machine."""

    def __init__(self):
        self.process = SimpleNamespace(pid=os.getpid())

    @staticmethod
    def is_alive():
        return True

    @staticmethod
    def failure(what):
        return say.Failure(what)

    @staticmethod
    def run(command, timeout=60, data=b""):
        """Shell text; a machine.Result."""
        try:
            done = subprocess.run(["sh", "-c", command], input=data, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, timeout=timeout, check=False)
        except subprocess.TimeoutExpired:
            raise say.Failure(f"a command did not end within {timeout} s: {command[:200]}") from None
        return machine.Result(done.returncode, done.stdout, done.stderr.decode(errors="replace"))

    @staticmethod
    def spawn(command, more=False):
        """A job for feed() and listen()."""
        del more
        return subprocess.Popen(["sh", "-c", command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                bufsize=0, start_new_session=True)

    @staticmethod
    def feed(job, data):
        job.stdin.write(data)

    @staticmethod
    def listen(job, seconds):
        """The next bytes; None after that time or at the end."""
        if not select.select([job.stdout], [], [], seconds)[0]:
            return None
        return os.read(job.stdout.fileno(), 1 << 16) or None

    @staticmethod
    def end_job(job):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(job.pid, signal.SIGKILL)
        job.wait()


class Plan(sides.Plan):
    """What the sides share, on this computer."""

    tools = TOOLS

    def __init__(self, chosen):     # pylint: disable=super-init-not-called
        self.chosen = chosen
        release = os.uname().release
        self.kernel = SimpleNamespace(release=release)
        self.images = str(SHARE / ("guest" if "cloud" in release else "guest-generic"))

    @contextlib.contextmanager
    def boot(self, bare, **more):
        """It has been booted already."""
        del more
        here = Here()
        if not bare:
            done = here.run(MAKE_TOOLS, timeout=600)
            if done.status:
                raise say.Failure(f"no disk for guests can be made: {done.errors.strip()}")
        yield here

    def guest_payload(self, modules=()):
        return PAYLOAD.read_bytes()

    def kernel_to_init(self):
        """By the log of the kernel that runs."""
        said = Here.run("dmesg").output
        return [float(word) for word in re.findall(r"^\[ *([0-9.]+)\] Run /\S* as init process", said,
                                                   re.MULTILINE)]


def describe():
    """What a reader must know of this computer; nothing that names it."""
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    model = re.search(r"^model name\s*: (.*)$", text, re.MULTILINE)
    vendor = Path("/sys/class/dmi/id/sys_vendor")
    emulated = vendor.exists() and "QEMU" in vendor.read_text(encoding="utf-8", errors="replace")
    memory = re.search(r"^MemTotal: *(\d+) kB", Path("/proc/meminfo").read_text(encoding="ascii"),
                       re.MULTILINE)
    return {"accelerator": "tcg, or another of QEMU's" if emulated else "none: silicon", "qemu": "none",
            "processor_model": "as it is", "processors": os.cpu_count() or 1,
            "memory_mib": int(memory[1]) // 1024, "kernel": os.uname().release,
            "host_processor": model[1] if model else "unknown", "host_processors": os.cpu_count() or 1,
            "load_before": round(os.getloadavg()[0], 2)}


def parser():
    form = argparse.ArgumentParser(prog="paravane-measure", description=__doc__.strip(), epilog=EPILOGUE,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
    form.add_argument("--output", type=Path, default=Path("paravane-measure.json"), metavar="FILE",
                      help="where the report goes (default: paravane-measure.json)")
    form.add_argument("--only", default="", metavar="PATTERN",
                      help="only workloads whose name or group matches")
    form.add_argument("--rounds", type=int, default=5, metavar="N", help="default: 5")
    form.add_argument("--seconds", type=int, default=3, metavar="N",
                      help="for each timed workload (default: 3)")
    form.add_argument("--vps", type=int, default=1, metavar="N", help="of the guest (default: 1)")
    return form


def checked(words=None):
    """The options; argparse's error for what makes no sense, a Failure for a report that could
    not be written: that is not to be found out after half an hour."""
    form = parser()
    chosen = form.parse_args(words)
    if min(chosen.rounds, chosen.seconds, chosen.vps) < 1:
        form.error("numbers of rounds, seconds and processors begin at 1")
    chosen.rows = workloads.asked_for(form, chosen.only)
    try:
        with chosen.output.open("a", encoding="utf-8"):
            pass
    except OSError as error:
        raise say.Failure(f"the report cannot be written: {error.strerror}",
                          where=str(chosen.output)) from None
    return chosen


def main():
    chosen = checked()
    chosen.guest_memory = 512
    plan = Plan(chosen)
    began = time.monotonic()
    report = {"format": results.FORMAT, "complete": False,
              "began": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
              "machine": describe(), "instructions": {"rows": [], "absent": "only an emulator counts"},
              "settings": {"rounds": chosen.rounds, "seconds": chosen.seconds, "vps": chosen.vps,
                           "guest_memory_mib": chosen.guest_memory, "disk_mib": sides.DISK_MIB,
                           "only": chosen.only, "quick": False}}
    under = os.path.exists("/dev/paravane")
    side = sides.PvGuest() if under else sides.Bare(plan)
    report["sides"] = [{"name": side.name, "title": side.title, "settings": side.settings}]
    rows = chosen.rows
    neighbours = preflight.Neighbours()
    part = sides.Paravane(plan, [side]) if under else side
    measured = rounds.Rounds(plan, [(part, [side])], rows)
    try:
        measured.run(chosen.rounds)
        report["complete"] = True
    except KeyboardInterrupt:
        say.line("interrupted; reporting what there is")
    report.update(seconds=round(time.monotonic() - began, 1), rows=results.rows(rows, measured.collected),
                  failures=measured.collected.failures, notes=measured.collected.notes)
    report["machine"]["others_share"] = round(neighbours.share(), 3)
    print(table.text(report), flush=True)
    try:
        chosen.output.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise say.Failure(f"the report cannot be written: {error.strerror}", where=str(chosen.output),
                          hint="the table above is what was measured") from None
    say.line(f"report: {chosen.output}; docs/bare-metal.md says what to do with it")
    return (1 if report["failures"] else 0) if report["complete"] else 130


if __name__ == "__main__":
    try:
        sys.exit(main())
    except say.Failure as failure:
        say.error(failure)
        sys.exit(1)
