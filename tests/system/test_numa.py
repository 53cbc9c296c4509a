# SPDX-License-Identifier: GPL-2.0-only
"""A machine of two nodes: what the hypervisor knows of it, and where it puts guests."""

import re

from machine import machine as machines, qemu
from machine.testing import expect, own_machine, seconds
from system import guests
from system.test_boot import scratch
from system.test_gdb import gdb, gdb_line

# The partition that was made last, as gdb finds it.
LAST = "((struct partition *)((char *)'partition.c'::table.prev - " \
       "(unsigned long)&((struct partition *)0)->siblings))"


def two_nodes(options):
    """The last processor and the upper half of the memory are node 1; the number of that processor."""
    half = int(options.memory) // 2
    last = options.processors + qemu.spares(options) - 1
    options.qemu_options += [
        "-object", f"memory-backend-ram,id=lower,size={half}M",
        "-object", f"memory-backend-ram,id=upper,size={half}M",
        "-numa", f"node,nodeid=0,memdev=lower,cpus=0-{last - 1}",
        "-numa", f"node,nodeid=1,memdev=upper,cpus={last}"]
    return last


def home_of_last(line):
    """Domain of the first VP of the partition made last, and that of its home processor."""
    said = gdb(line, f"output {LAST}->vps[0]->domain", f"output {LAST}->vps[0]->cpu->domain", "detach")
    found = re.findall(r"^== output .*\n(\d+)", said, re.MULTILINE)
    expect(len(found) == 2, said)
    return [int(number) for number in found]


@own_machine
@seconds(240)
def test_two_nodes():
    """On a machine of two nodes a guest's processor is at home where its memory is."""
    with scratch() as folder:
        options = qemu.Options(memory="2048", processors=2, hypervisor_options="gdb=0x3e8")
        options.qemu_options, line = gdb_line(folder)
        last = two_nodes(options)
        with machines.Machine(options) as machine:
            machine.boot()
            log = (machine.logs / "hypervisor.log").read_text(errors="replace")
            for what in (rf"domain 0 has processors 0x0 to 0x1\b(?s:.)*domain 1 has processors {last:#x} to",
                         r"domain 0 has memory 0x0 to ", r"domain 1 has memory 0x40000000 to 0x80000000\b"):
                expect(re.search(what, log), f"no {what} in:\n{log}")
            for node in (1, 0):
                done = guests.create(machine, f"near{node}", "sleep 100", environment=f"taskset -c {node}")
                expect(done.status == 0, done.errors)
                domain, home = home_of_last(line)
                expect(domain == node, f"a guest made on node {node} belongs to domain {domain}")
                expect(home in (0, 1), f"its home is in domain {home}")
