# SPDX-License-Identifier: GPL-2.0-only
"""Two reports of one machine, each with sides of its own, become one."""

from machine import say
from machine.bench import results

SAME = ("host_processor", "host_processors", "kernel", "accelerator")


def merge(first, second):
    """A report with the sides of both; a Failure where they do not belong together."""
    for key in SAME:
        one, two = first["machine"].get(key), second["machine"].get(key)
        if one != two:
            raise say.Failure(f"these reports are of different machines: {key} is {one!r} and {two!r}")
    names = [side["name"] for side in first["sides"]]
    twice = [side["name"] for side in second["sides"] if side["name"] in names]
    if twice:
        raise say.Failure(f"both reports have the side {', '.join(twice)}",
                          hint="one is to be measured under Paravane, the other without")
    merged = {**first, "complete": first["complete"] and second["complete"],
              "seconds": first["seconds"] + second["seconds"],
              "sides": first["sides"] + second["sides"],
              "failures": first["failures"] + second["failures"],
              "notes": first.get("notes", []) + second.get("notes", []), "rows": []}
    others = {row["name"]: row for row in second["rows"]}
    for row in first["rows"]:
        merged["rows"].append(_row(row, others.pop(row["name"], None)))
    merged["rows"] += others.values()
    return merged


def _row(row, other):
    """One row with the sides of both."""
    if not other:
        return row
    both = {**row, "sides": {**row["sides"], **other["sides"]},
            "not_available": {**row["not_available"], **other["not_available"]},
            "noisy": row["noisy"] or other["noisy"]}
    both["times_as_good"] = results.ratios(both)
    return both
