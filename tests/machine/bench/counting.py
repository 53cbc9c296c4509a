# SPDX-License-Identifier: GPL-2.0-only
"""Exits of a guest, from the hypervisor's own counters (`pvn counters NAME --json`)."""

import json


class Counters:
    """One guest's counters."""

    def __init__(self, machine, guest):
        self._machine, self._guest = machine, guest

    def read(self):
        """Totals by name, of all the guest's processors; {} when it cannot be asked."""
        done = self._machine.run(f"pvn counters {self._guest} --json", timeout=30)
        if done.status:
            return {}
        try:
            return totals(json.loads(done.output))
        except ValueError:
            return {}


def find(machine, guest):
    """Counters of a guest, or None in a build that does not count."""
    counters = Counters(machine, guest)
    return counters if counters.read() else None


def totals(report):
    """{"exits": n, "by_reason": {...}} from what pvn says of one partition."""
    found = {"exits": 0, "by_reason": {}}
    for partition in report["partitions"]:
        for vp in partition["vps"]:
            for name, count in vp["exits"].items():
                if name == "total":
                    found["exits"] += count
                else:
                    found["by_reason"][name] = found["by_reason"].get(name, 0) + count
    return found


def difference(after, before):
    """What was counted in between."""
    return {"exits": after["exits"] - before["exits"],
            "by_reason": {name: count - before["by_reason"].get(name, 0)
                          for name, count in after["by_reason"].items()}}


def per_operation(counted, nothing, operations):
    """Exits of one operation, those that the command itself needs taken off:
    (number, {reason: number})."""
    if not counted or not operations:
        return None, {}

    def one(count, base):
        return max(count - base, 0) / operations

    base = nothing or {"exits": 0, "by_reason": {}}
    reasons = {name: one(count, base["by_reason"].get(name, 0))
               for name, count in counted["by_reason"].items()}
    return (one(counted["exits"], base["exits"]),
            {name: value for name, value in reasons.items() if value})
