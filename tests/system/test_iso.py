# SPDX-License-Identifier: GPL-2.0-only
"""The ISO image, as docs/bare-metal.md tells people to start it."""

import contextlib
import json
import shutil
import tempfile
from pathlib import Path

from machine import iso, machine as machines, paths, qemu
from machine.bench import results
from machine.testing import expect, own_machine, seconds

OVMF = Path("/usr/share/OVMF")
BOOT_SECONDS = 400


@contextlib.contextmanager
def from_iso(uefi=False):
    """The image, made anew, in a machine that booted from it."""
    with tempfile.TemporaryDirectory(dir=paths.BUILD) as folder:
        image = iso.make(Path(folder) / "paravane.iso")
        firmware = []
        if uefi:
            variables = Path(folder) / "variables.fd"
            shutil.copy(OVMF / "OVMF_VARS_4M.fd", variables)
            firmware = ["-drive", "if=pflash,format=raw,readonly=on,file="
                        f"{OVMF / 'OVMF_CODE_4M.fd'}",
                        "-drive", f"if=pflash,format=raw,file={variables}"]
        boot_from = [*firmware, "-cdrom", str(image), "-boot", "d"]
        with machines.Machine(qemu.Options(boot_from=boot_from, boot_seconds=BOOT_SECONDS,
                                           memory="3072")) as machine:
            machine.boot()
            yield machine


def is_whole(machine):
    """Paravane runs, its root has devices of its own, and a guest could be made."""
    done = machine.run("cat /proc/cmdline; pvn census >/dev/null && echo hypervisor; "
                       "ls /usr/share/paravane/guest/vmlinuz; command -v fio iperf3; "
                       "findmnt -n -o FSTYPE /")
    for word in ("pvn.machine=paravane", "hypervisor\n", "guest/vmlinuz", "fio\n"):
        expect(word in done.output, f"no {word!r} in: {done.output}{done.errors}")
    made = machine.run("cat >/run/iso.json; pvn create /run/iso.json && pvn wait iso --timeout 60; "
                       "cat /var/log/paravane/iso.console.log", timeout=100,
                       data=b'{"name": "iso", "memory": "32M", "debug_port": true, '
                            b'"kernel": "/usr/share/paravane/bench/bench-guest.img"}')
    expect("bench: done" in made.output, made.output + made.errors)


def measures(machine):
    """paravane-measure makes a guest of this Debian, measures it, and writes a report."""
    done = machine.run("paravane-measure --only '^(switch|disk-randread-1)$' --rounds 1 --seconds 1 "
                       "--output /run/measured.json", timeout=200)
    expect(done.status == 0 and "PV guest" in done.output, done.output + done.errors)
    report = json.loads(machine.run("cat /run/measured.json").output)
    results.check(report)
    expect(report["complete"] and not report["failures"], report["failures"])
    for row in report["rows"]:
        expect(row["sides"]["pv"]["median"] > 0 and "exits_per_operation" in row["sides"]["pv"], row)
    expect(len(report["rows"]) == 2, report["rows"])


@own_machine
@seconds(600)
def test_bios():
    """The ISO image boots from a BIOS into Paravane, and a root that makes a guest and measures."""
    with from_iso() as machine:
        is_whole(machine)
        measures(machine)


@own_machine
@seconds(900)
def test_uefi():
    """The ISO image boots from UEFI into Paravane and a root that makes a guest."""
    with from_iso(uefi=True) as machine:
        is_whole(machine)
