# SPDX-License-Identifier: GPL-2.0-only
"""The hypervisor's event log, traces, and properties: pvn log, trace, property, abi."""

import json

from machine.testing import expect, seconds
from system import guests


def lines(done):
    """JSON lines of a command."""
    expect(done.status == 0, f"status {done.status}: {done.errors}")
    return [json.loads(row) for row in done.output.splitlines()]


@seconds(200)
def test_log(machine):
    """The event log tells of partitions and VPs made and ended, and of those refused."""
    done = guests.create(machine, "logged", "exit 0", wait=True, vps=2)
    expect(done.status == 0, done.errors)
    guests.destroy_all(machine)
    events = json.loads(machine.run("pvn log --json").output)
    names = [event["name"] for event in events]
    expect(names.count("create_vp") >= 2 and "create_partition" in names, str(names))
    ids = [event["input"]["partition_id"] for event in events if event["name"] == "create_vp"]
    last = [event["name"] for event in events
            if event.get("input", {}).get("partition_id") == ids[-1]]
    expect(last[-1] == "delete_partition" and last[0] == "initialize_partition", str(last))
    expect(all(first["time"] <= second["time"] for first, second in zip(events, events[1:])),
           "the events are in no order")
    text = machine.run("pvn log").output
    expect("create_vp(partition_id=" in text and "= SUCCESS" in text, text[-2000:])


@seconds(200)
def test_trace(machine):
    """A trace shows a guest's calls and exits, filtered, and a record shows them again."""
    job = "for i in $(seq 40); do cat /proc/cpuinfo >/dev/null; sleep 0.1; done"
    done = guests.create(machine, "traced", job)
    expect(done.status == 0, done.errors)
    events = lines(machine.run("pvn trace --guest traced --count 200 --seconds 20 --json",
                               timeout=60))
    expect(len(events) == 200, f"{len(events)} events")
    expect(len({event["partition"] for event in events}) == 1, "events of others")
    expect({event["guest"] for event in events} == {"traced"}, str(events[0]))
    kinds = {event["kind"] for event in events}
    expect("exit" in kinds, f"only {kinds}")
    done = machine.run("pvn trace --record /tmp/record --seconds 2 && "
                       "pvn trace --read /tmp/record --summary --json && "
                       "pvn trace --read /tmp/record --guest root --calls --count 5 && "
                       "pvn trace --read /tmp/record --guest traced --count 1 >/dev/null", timeout=60)
    expect(done.status == 0, done.errors)
    at = done.output.index("\n}\n") + 3
    found = {(row["kind"], row["name"]): row["count"]
             for row in json.loads(done.output[:at])["summary"]}
    expect(sum(found.values()) > 20, str(found))
    rows = done.output[at:].splitlines()
    expect(rows and all(" root vp" in row and ") = " in row for row in rows), done.output[at:])
    machine.run("rm /tmp/record")
    guests.destroy_all(machine)


def census_changes(machine):
    """What traces that are killed change in the census: before and after, None if nothing."""
    before = machine.run("pvn census --json").output
    machine.run("timeout -s KILL 1 pvn trace >/dev/null; timeout -s KILL 1 pvn log --follow >/dev/null")
    after = machine.run("pvn census --json").output
    return None if before == after else (before, after)


@seconds(120)
def test_trace_ends(machine):
    """A trace that is interrupted or killed leaves nothing behind; there is one at a time."""
    done = machine.run("pvn trace --record /tmp/record --summary --json >/tmp/summary & "
                       "until [ -s /tmp/record ]; do sleep 0.1; done; "
                       "pvn trace --count 1; echo $?; kill -INT $!; wait $!; echo $?", timeout=60)
    expect(done.output.split() == ["1", "0"] and "another pvn trace runs" in done.errors,
           done.output + done.errors)
    done = machine.run("pvn trace --read /tmp/record --count 3 --calls --json && rm /tmp/record")
    expect(len(lines(done)) == 3, done.output)
    done = machine.run("cat /tmp/summary; rm /tmp/summary")
    expect(json.loads(done.output)["summary"], done.output + done.errors)
    # A table that the hypervisor makes once, also for what the root touches first now, is no leak.
    changes = [census_changes(machine) for _ in range(3)]
    expect(None in changes, str(changes))
    expect(machine.run("pvn trace --count 1").status == 0, "no other trace begins")
    expect(machine.run("pvn log --json").status == 0, "no log")


@seconds(120)
def test_property(machine):
    """Properties of the root and of a guest are read and set by name; what cannot be is refused."""
    done = guests.create(machine, "owner", "sleep 60")
    expect(done.status == 0, done.errors)
    everything = json.loads(machine.run("pvn property get root --json").output)
    expect(everything["weight"] == 100 and everything["cap"] == 65536, str(everything))
    done = machine.run("pvn property set owner weight 300 && pvn property get owner weight && "
                       "pvn property get owner 0x20003")
    expect(done.status == 0 and done.output.split() == ["300", "300"], done.output + done.errors)
    for words, status in (("set owner weight 0", 4), ("set owner vendor 1", 4), ("get nobody", 3),
                          ("get owner wieght", 2), ("set owner weight", 2)):
        done = machine.run(f"pvn property {words}")
        expect(done.status == status, f"{words}: {done.status} {done.errors}")
    guests.destroy_all(machine)


def test_abi(machine):
    """The table of calls says which this host offers: all of its own version."""
    table = json.loads(machine.run("pvn abi --json").output)
    expect(table["host"]["major"] == table["program"]["major"], str(table["host"]))
    expect(len(table["calls"]) > 50 and all(row["offered"] for row in table["calls"]),
           str([row["name"] for row in table["calls"] if not row["offered"]]))
