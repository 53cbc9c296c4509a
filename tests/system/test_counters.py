# SPDX-License-Identifier: GPL-2.0-only
"""The hypervisor's counters, through statistics pages, as `pvn counters` shows them."""

import json

from machine.testing import expect
from system import guests


def counters(machine, words="", status=0):
    """`pvn counters --json`."""
    done = machine.run(f"pvn counters --json {words}", timeout=120)
    expect(done.status == status, f"status {done.status}: {done.errors}")
    return json.loads(done.output)


def partition(read, name):
    """A partition's counters."""
    return next((one for one in read["partitions"] if one["name"] == name), None)


def test_counters(machine):
    """Counters of the hypervisor, of each processor and of the root are there, and rise."""
    first, second = counters(machine), counters(machine)
    processors = len(first["processors"])
    expect(first["hypervisor"]["logical_processors"] == processors, str(first["hypervisor"]))
    root = partition(first, "root")
    expect(root["id"] == 1 and len(root["vps"]) == processors, str(root))
    for before, after in zip(root["vps"], partition(second, "root")["vps"]):
        expect(after["exits"]["total"] >= before["exits"]["total"], "exits went back")
        expect(after["run_time"] >= before["run_time"] > 0, "run time went back")
    census = guests.census(machine)["hypervisor"]
    expect(first["hypervisor"]["total_pages"] == census["pages_total"], str(first["hypervisor"]))
    expect(first["hypervisor"]["partitions"] == census["partitions"], str(first["hypervisor"]))


def test_counters_of_a_command(machine):
    """What a command cost is told, with the command's own exit status and output."""
    cost = counters(machine, "root --diff -- sh -c 'for i in 1 2 3; do pvn census >/dev/null; done; "
                    "exit 5'", status=5)
    calls = [vp["calls"].get("get_census", 0) for vp in partition(cost, "root")["vps"]]
    expect(sum(calls) == 3, f"{calls} calls of three")
    expect(cost["status"] == 5 and cost["seconds"] > 0, str(cost["status"]))
    done = machine.run("pvn counters root --diff -- echo words")
    expect(done.output.startswith("words\n") and "exits.total" in done.output, done.output)
    done = machine.run("pvn counters root --json --diff -- echo words")
    expect("words" in done.errors and json.loads(done.output)["status"] == 0, done.output)
    # A terminal's keys reach both: the command ends, and what it cost is told.
    done = machine.run("setsid -w sh -c 'pvn counters root --json --diff -- sh -c \"kill -INT 0; sleep 9\"'",
                       timeout=30)
    expect(json.loads(done.output)["status"] == 130, f"{done.status}: {done.output} {done.errors}")
    expect(machine.run("pvn counters --diff").status == 2, "--diff without a command is taken")
    expect(machine.run("pvn counters --diff -- /no/such").status == 127, "not a shell's status")
    expect(machine.run("pvn counters nobody").status == 3, "a guest that is not there is found")


def test_top(machine):
    """pvn top prints what each partition uses, as lines and as JSON."""
    done = machine.run("pvn top --batch --count 2", timeout=60)
    expect(done.status == 0 and done.output.count("NAME") == 2, done.output + done.errors)
    expect(any(row.startswith("root ") for row in done.output.splitlines()), done.output)
    frame = json.loads(machine.run("pvn top --json --count 1", timeout=60).output)
    root = next(one for one in frame["partitions"] if one["name"] == "root")
    expect(root["cpu_percent"] > 0 and root["exits"] > 0, str(root))
    done = machine.run("TERM=linux script -qc 'pvn top --count 1' /dev/null </dev/null", timeout=60)
    expect("NAME" in done.output, done.output)


def test_counters_of_a_guest(machine):
    """A guest's exits and calls are counted by reason and code, and go with it."""
    guests.create(machine, "counted", "echo up; sleep 1000")
    guests.wait_for_text(machine, "counted", "^up")
    read = partition(counters(machine, "counted"), "counted")
    exits = read["vps"][0]["exits"]
    expect(read["gpa_pages"] >= 192 << 8, f"{read['gpa_pages']} pages for 192 MiB")
    expect(exits["cpuid"] > 10 and exits["msr_write"] > 10 and exits["halt"] > 0, str(exits))
    reasons = sum(count for reason, count in exits.items() if reason != "total")
    expect(exits["total"] == reasons, str(exits))
    expect(read["vps"][0]["calls"].get("signal_event", 0) > 0, "no doorbell")
    expect(0 < read["vps"][0]["hypervisor_time"] <= read["vps"][0]["run_time"], str(read["vps"][0]))
    guests.destroy_all(machine)
    expect(not partition(counters(machine), "counted"), "it is still counted")
    expect(machine.run("dmesg | grep 'statistics page is lost'").status == 1, "a page is lost")
