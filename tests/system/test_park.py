# SPDX-License-Identifier: GPL-2.0-only
"""Parking of logical processors, proved by their own counters."""

import json
import time

from machine.testing import boot, expect, seconds
from system import guests

BUSY = "echo up; for i in 1 2 3; do sh -c 'while :; do :; done' & done; " \
       "i=0; while sleep 0.2; do i=$((i + 1)); echo beat $i; done"


def processors(machine):
    """Counters of all processors."""
    return json.loads(machine.run("pvn counters root --json").output)["processors"]


def beats(machine):
    """How often the guest has woken by its timer."""
    return guests.console(machine, "busy").count("beat ")


def while_running(machine, moment):
    """What every processor counted in so many seconds."""
    before = processors(machine)
    time.sleep(moment)
    return [{key: now[key] - was[key] for key in now}
            for was, now in zip(before, processors(machine))]


@boot(processors=4)
@seconds(400)
def test_park(machine):
    """Guests leave parked processors, run on the others, and come back."""
    guests.create(machine, "busy", BUSY, vps=4)
    guests.wait_for_text(machine, "busy", "beat 3", 120)
    free = while_running(machine, 3)
    expect(sum(one["child_run_time"] > 0 for one in free) >= 3, f"it does not use them: {free}")
    done = machine.run("pvn park 1,3")
    expect(done.status == 0, done.errors)
    done = machine.run("pvn park --json")
    expect([one["parked"] for one in json.loads(done.output)] == [False, True, False, True],
           done.output)
    count = beats(machine)
    parked = while_running(machine, 4)
    for index in (1, 3):
        expect(parked[index]["child_switches"] == 0 and parked[index]["child_run_time"] == 0,
               f"a child ran on processor {index}: {parked[index]}")
        expect(parked[index]["run_time"] > 0, f"the root has left processor {index}")
    expect(all(parked[i]["child_run_time"] > 0 for i in (0, 2)), f"it does not run: {parked}")
    guests.wait_for(machine, f"[ $(grep -c beat /var/log/paravane/busy.console.log) -gt {count + 5} ]")
    expect(machine.run("pvn unpark all").status == 0, "pvn unpark fails")
    free = while_running(machine, 4)
    expect(free[1]["child_run_time"] > 0 and free[3]["child_run_time"] > 0, f"unused: {free}")
    guests.destroy_all(machine)


@boot(processors=4)
@seconds(300)
def test_park_refused(machine):
    """Parking is refused when nothing would be left, and for processors that are not there."""
    done = machine.run("pvn park 0-3")
    expect(done.status == 4 and "no processor would be left" in done.errors, done.errors)
    expect(machine.run("pvn park 4").status == 2, "processor 4 of 4 is parked")
    expect(machine.run("pvn park 0,x").status == 2, "processor x is parked")
    expect("parked" not in machine.run("pvn park").output, "something is parked")


@boot(processors=4)
@seconds(400)
def test_park_at_random(machine):
    """A guest survives the parking of one processor after another under load."""
    guests.create(machine, "busy", BUSY, vps=4)
    guests.wait_for_text(machine, "busy", "beat 3", 120)
    done = machine.run("for i in $(seq 8); do for p in 0 1 2 3; do pvn park $p && "
                       "pvn unpark $p || exit 1; done; done", timeout=300)
    expect(done.status == 0, done.errors)
    count = beats(machine)
    guests.wait_for(machine, f"[ $(grep -c beat /var/log/paravane/busy.console.log) -gt {count + 3} ]")
    guests.destroy_all(machine)
