# SPDX-License-Identifier: GPL-2.0-only
"""Several guests at once, more virtual processors than real ones, and very many guests
one after the other."""

import json
import os

from machine import cpio, paths
from machine.testing import expect, seconds
from system import guests

JOBS = paths.MACHINE / "guest" / "jobs"
IMAGES = "/var/lib/paravane/images"
# PARAVANE_CYCLES=N makes it shorter or longer, and prints what was measured.
CYCLES = int(os.environ.get("PARAVANE_CYCLES", "100"))
# Page tables, slabs and per-processor lists of the root's kernel, and the guests' logs on
# its tmpfs, come and go by this much; a guest has six times as much. What a guest's end
# forgets to give back shows in the census, to the page.
TOLERANCE_KIB = 16 << 10


def create_with_job(machine, name, job, **config):
    """`pvn create` of a guest whose initrd has the script as its job."""
    archive = cpio.Archive()
    archive.file("job", (JOBS / job).read_bytes(), 0o755)
    folder = guests.FOLDERS["cloud"]
    initrd = f"/tmp/{name}.initrd"
    done = machine.run(f"cat {folder}/initrd.img - >{initrd}", data=archive.bytes())
    expect(done.status == 0, done.errors)
    done = guests.start(machine, {"name": name, "kernel": f"{folder}/vmlinuz", "initrd": initrd,
                                  "cmdline": "console=hvc0 quiet", **config})
    expect(done.status == 0, done.errors)


def type_line(machine, name, line):
    """Type a line on a guest's console."""
    socket = guests.listed(machine, name)["console"]
    done = machine.run(f"echo {line} | socat -u - UNIX-CONNECT:{socket}")
    expect(done.status == 0, done.errors)


def wait_for_end(machine, name, reason, limit):
    done = machine.run(f"pvn wait {name} --timeout {limit}", timeout=limit + 30)
    expect(guests.state(machine, name) == f"ended ({reason})",
           f"{done.output}{done.errors}{guests.console(machine, name)[-3000:]}")


@seconds(600)
def test_fio_beside_panic(machine):
    """Of two guests under verified I/O one panics, and the other finishes without an error."""
    for name, words in (("fio-panics", "fio.panic"), ("fio-stays", "")):
        machine.run(f"truncate -s 64M {IMAGES}/{name}.img")
        create_with_job(machine, name, "fio.sh", vps=2, memory="256M",
                        cmdline=f"console=hvc0 quiet {words}",
                        disks=[{"image": f"{guests.FOLDERS['cloud']}/root.img", "read_only": True},
                               {"image": f"{IMAGES}/{name}.img"}])
    for name in ("fio-panics", "fio-stays"):
        guests.wait_for(machine, f"grep -q 'fio: round\\|exit' /var/log/paravane/{name}.console.log",
                        200)
    type_line(machine, "fio-panics", "go")
    wait_for_end(machine, "fio-panics", "panic", 120)
    expect(guests.state(machine, "fio-stays") == "running", guests.console(machine, "fio-stays"))
    type_line(machine, "fio-stays", "go")
    wait_for_end(machine, "fio-stays", "shutdown", 200)
    text = guests.console(machine, "fio-stays")
    expect("2 processors, 67108864 bytes" in text, text)
    expect("fio: done" in text and "pvn.job: exit 0" in text, text)
    expect("fio: error" not in text + guests.console(machine, "fio-panics"), text)
    expect("ended (panic)" in machine.run("pvn list").output, "pvn list tells another reason")
    guests.destroy_all(machine)
    machine.run(f"rm {IMAGES}/fio-*.img")


@seconds(300)
def test_more_vps(machine):
    """Eight virtual processors on two processors all do their share of work."""
    job = "for n in 0 1 2 3 4 5 6 7; do taskset -c $n sh -c 'i=0; while [ $i -lt 2000 ]; do " \
          "i=$((i + 1)); done; echo did $0' $n & done; wait"
    done = guests.create(machine, "shares", job, vps=8, memory="256M", wait=True)
    text = guests.console(machine, "shares")
    expect(done.status == 0, done.errors)
    missing = [number for number in range(8) if f"did {number}" not in text]
    expect(not missing, f"without {missing}:\n{text}")
    guests.destroy_all(machine)


def measure(machine):
    """What the hypervisor and the driver hold, and the root's available memory in KiB."""
    done = machine.run("sync; echo 3 >/proc/sys/vm/drop_caches; pvn census --json; "
                       "awk '/^MemAvailable/ { print $2 }' /proc/meminfo")
    text, _, memory = done.output.strip().rpartition("\n")
    return json.loads(text), int(memory)


def cycle(machine, count):
    """Create and destroy the guest "cycle" so often."""
    done = machine.run(f"for n in $(seq {count}); do pvn create /tmp/cycle.json >/dev/null && "
                       "pvn destroy cycle || exit 1; done", timeout=60 + 10 * count)
    expect(done.status == 0, done.output + done.errors)


@seconds(150 + 12 * CYCLES)
def test_cycles(machine):
    """After many guests the hypervisor, the driver and the root hold what they held before."""
    guests.create(machine, "cycle", "sleep 1000", memory="96M", vps=2)
    machine.run("pvn destroy cycle")
    cycle(machine, 2)               # fill caches and lists
    before, memory_before = measure(machine)
    cycle(machine, CYCLES)
    after, memory_after = measure(machine)
    figures = f"{CYCLES} cycles\nbefore: {before}\n        {memory_before} KiB available\n" \
              f"after:  {after}\n        {memory_after} KiB available"
    if "PARAVANE_CYCLES" in os.environ:
        print(figures)
    expect(after == before, figures)
    expect(memory_before - memory_after <= TOLERANCE_KIB, figures)
