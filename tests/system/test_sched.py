# SPDX-License-Identifier: GPL-2.0-only
"""Shares of processor time: cap and reserve, by the counters of run time."""

import json
import time

from machine.testing import boot, expect, seconds
from system import guests

BUSY = "echo up; while :; do :; done"


def run_times(machine):
    """Run time of every partition by name, and the hypervisor's clock, both in 100 ns."""
    read = json.loads(machine.run("pvn counters --json", timeout=120).output)
    times = {one["name"]: sum(vp["run_time"] for vp in one["vps"]) for one in read["partitions"]}
    return times, max(one["global_time"] for one in read["processors"])


def shares(machine, moment):
    """What part of a processor each guest had in so many seconds."""
    before, start = run_times(machine)
    time.sleep(moment)
    after, end = run_times(machine)
    return {name: (after[name] - before[name]) / (end - start) for name in after if name in before}


@boot(processors=2)
@seconds(300)
def test_cap(machine):
    """A guest that is always busy gets no more than its cap, and goes on."""
    guests.create(machine, "capped", BUSY, cap=25)
    guests.wait_for_text(machine, "capped", "^up", 200)
    share = shares(machine, 6)["capped"]
    expect(0.15 < share < 0.4, f"it has {share:.2f} of a processor with a cap of a quarter")
    guests.destroy_all(machine)


@boot(processors=1)
@seconds(400)
def test_reserve(machine):
    """A guest of no weight has its reserve beside one of great weight."""
    guests.create(machine, "light", BUSY, weight=1, reserve=50)
    guests.wait_for_text(machine, "light", "^up", 200)
    guests.create(machine, "heavy", BUSY, weight=10000)
    guests.wait_for_text(machine, "heavy", "^up", 200)
    got = shares(machine, 6)
    expect(0.3 < got["light"] < 0.75, f"shares: {got}")
    expect(got["heavy"] > 0.15, f"shares: {got}")
    guests.destroy_all(machine)


@boot(processors=1)
@seconds(300)
def test_reserve_refused(machine):
    """Reserves of more than there is are refused."""
    done = guests.create(machine, "greedy", "echo up", vps=2, reserve=60)
    expect(done.status != 0, "two times 60 percent of one processor are promised")
    expect(guests.create(machine, "silly", "echo up", cap=10, reserve=20).status == 4,
           "a reserve above the cap is taken")
    guests.destroy_all(machine)
