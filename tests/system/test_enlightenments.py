# SPDX-License-Identifier: GPL-2.0-only
"""A stock kernel in a guest uses what the hypervisor offers it."""

import re

from machine.testing import expect, seconds
from system import guests

# What the kernel says when it takes a thing into use.
LOG = {
    "the hypervisor": "Hypervisor detected: Microsoft Hyper-V",
    "TLB flushes by call": "Hyper-V: Using hypercall for remote TLB flush",
    "IPIs by call": "Hyper-V: Using IPI hypercalls",
    "the APIC's registers": "Hyper-V: Using enlightened APIC",
    "spinlocks": "PV spinlocks enabled",
    "the reference TSC page": "clocksource: Switched to clocksource hyperv_clocksource_tsc_page",
}
# Reads its log before anything else can fill it; then keeps both processors busy with one
# program's memory, so that there is something to flush.
JOB = """\
dmesg
echo clocksource: $(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)
for cpu in 0 1; do
    echo clockevent$cpu: $(cat /sys/devices/system/clockevents/clockevent$cpu/current_device)
done
for n in 1 2 3 4 5 6 7 8; do (for i in 1 2 3 4 5 6 7 8 9; do /bin/true; done) & done; wait
cat /proc/interrupts
"""


@seconds(150)
def test_stock_kernel(machine):
    """Debian's kernel has its clock, timer, flushes, IPIs and spinlocks from the hypervisor."""
    done = guests.create(machine, "stock", JOB, vps=2, wait=True)
    text = guests.console(machine, "stock")
    guests.destroy_all(machine)
    expect(done.status == 0, f"{done.errors}\n{text}")
    missing = [what for what, line in LOG.items() if line not in text]
    expect(not missing, f"not in use: {missing}\n{text}")
    expect("clocksource: hyperv_clocksource_tsc_page" in text, text)
    expect(len(re.findall(r"^clockevent[01]: Hyper-V clockevent", text, re.MULTILINE)) == 2, text)
    counts = re.search(r"^HVS:\s+(\d+)\s+(\d+)", text, re.MULTILINE)
    expect(counts and int(counts[1]) and int(counts[2]), f"no interrupts of its timer:\n{text}")
    expect("running as root partition" not in text, text)
    bad = [row for row in text.split("\n") if re.search(r"WARNING:|BUG:|unchecked MSR", row)]
    expect(not bad, f"{bad}\n{text}")
