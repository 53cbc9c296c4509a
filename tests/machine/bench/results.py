# SPDX-License-Identifier: GPL-2.0-only
"""Samples become a report: plain data, as in report.json and report.schema.json."""

import json
import statistics

from machine import paths, say, tools
from machine.bench import workloads

FORMAT = "paravane-bench/1"
FOLDER = paths.BUILD / "bench"
REPORT = FOLDER / "report.json"
SCHEMA = paths.MACHINE / "bench" / "report.schema.json"
# (max - min) / median of a row: more than this is called noisy.
NOISY_SPREAD = 0.25
# What PV is to be against emulated devices at least.
TIMES_GOAL, EXITS_GOAL = 8, 20
RATIOS = (("pv", "bare"), ("emulated", "bare"), ("kvm", "bare"), ("xen", "bare"), ("pv", "emulated"),
          ("pv", "kvm"), ("pv", "xen"))


def summary(values):
    """Median and range, and the spread relative to the median."""
    middle = statistics.median(values)
    return {"median": middle, "min": min(values), "max": max(values),
            "spread": (max(values) - min(values)) / abs(middle) if middle else 0.0}


def _side(samples):
    """One side of a row."""
    found = {"samples": [sample.value for sample in samples],
             **summary([sample.value for sample in samples])}
    exits = [sample.exits for sample in samples if sample.exits is not None]
    if exits:
        found["exits_per_operation"] = statistics.median(exits)
        found["exits_samples"] = exits
        names = {name for sample in samples for name in sample.reasons}
        found["exits_by_reason"] = {
            name: statistics.median(sample.reasons.get(name, 0.0) for sample in samples)
            for name in sorted(names)}
    busy = [sample.busy for sample in samples if sample.busy is not None]
    if busy:
        found["busy_seconds"] = busy
    per_byte = [sample.exits * sample.operations / sample.bytes for sample in samples
                if sample.exits is not None and sample.bytes]
    if per_byte:
        found["exits_per_mebibyte"] = statistics.median(per_byte) * 2**20
    latencies = [sample.latency_us for sample in samples if sample.latency_us]
    if latencies:
        found["latency_us"] = {name: statistics.median(each[name] for each in latencies)
                               for name in latencies[0]
                               if all(name in each for each in latencies)}
    return found


def times_as_good(row, side, other):
    """How many times better one side is than another, by medians; None if unknown."""
    try:
        ours, theirs = (row["sides"][name]["median"] for name in (side, other))
    except KeyError:
        return None
    if row["better"] == workloads.LESS:
        ours, theirs = theirs, ours
    return ours / theirs if theirs else None


def against_emulated(report):
    """PV against emulated devices, in guests of one run: for rows of disk and network
    (title, times as good, how many times fewer exits an operation takes or None)."""
    found = []
    for row in report["rows"]:
        times = row["times_as_good"].get("pv/emulated")
        if times is None or row["group"] not in ("disk", "disk without DMA", "network"):
            continue
        ours, theirs = (row["sides"][name].get("exits_per_operation") for name in ("pv", "emulated"))
        found.append((row["title"], times, theirs / ours if ours and theirs is not None else None))
    return found


def ratios(row):
    """All of RATIOS that a row has."""
    found = {f"{one}/{other}": times_as_good(row, one, other) for one, other in RATIOS}
    return {name: value for name, value in found.items() if value is not None}


def rows(chosen, collected):
    """All rows of the table that have a sample or a reason for having none."""
    found = []
    for row in chosen:
        sides = {side: _side(samples) for (name, side), samples in collected.samples.items()
                 if name == row.name}
        lacking = {side: why for (name, side), why in collected.lacking.items()
                   if name == row.name}
        entry = {"name": row.name, "group": row.group, "title": row.title, "unit": row.unit,
                 "better": row.better, "sides": sides, "not_available": lacking,
                 "noisy": any(side["spread"] > NOISY_SPREAD for side in sides.values())}
        if row.goal:
            entry["goal"] = row.goal
        entry["times_as_good"] = ratios(entry)
        found.append(entry)
    return found


def check(report):
    """A Failure if the report is not as its schema says."""
    # Not where measurements are only made.
    import jsonschema  # pylint: disable=import-outside-toplevel
    try:
        jsonschema.validate(report, json.loads(SCHEMA.read_text(encoding="utf-8")))
    except jsonschema.ValidationError as error:
        raise say.Failure(f"not as its schema says: {error.message[:200]}",
                          where="/".join(map(str, error.absolute_path))) from None


def save(report):
    """Write report.json, checked."""
    check(report)
    FOLDER.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def load(path):
    """A report of before; a Failure if it is none, or of another format."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise say.Failure(f"the report cannot be read: {error.strerror}",
                          where=str(path)) from None
    except (ValueError, RecursionError):
        raise say.Failure("the report is not JSON", where=str(path)) from None
    kind = report.get("format") if isinstance(report, dict) else None
    if kind != FORMAT:
        raise say.Failure(f"the report is of format {kind!r}; this is {FORMAT!r}",
                          where=str(path),
                          hint="measure again, with the version that made it or with this one")
    try:
        check(report)
    except say.Failure as failure:
        raise say.Failure(f"the report is damaged: {failure.what}",
                          where=f"{path}: {failure.where}") from None
    return report


def where():
    return tools.shorten(REPORT)
