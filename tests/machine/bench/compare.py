# SPDX-License-Identifier: GPL-2.0-only
"""Two reports: what changed, and what of it is noise.

A row changed when the ranges of old and new do not overlap and the medians differ by more
than CHANGE; everything else is noise. Ratios within one report are compared too, because a
computer that was busier in one of them changes all times alike, and so are exits of an
operation.
"""

from machine.bench import results, table, workloads

CHANGE = 0.05


def _verdict(better, old, new):
    """(word, factor): "better", "worse", "noise", for one side of a row."""
    if not old["median"] or not new["median"]:
        return "noise", None
    factor = new["median"] / old["median"]
    if better == workloads.LESS:
        factor = 1 / factor
    apart = new["min"] > old["max"] or new["max"] < old["min"]
    # One round has no range to speak of.
    single = min(len(old["samples"]), len(new["samples"])) < 2
    if not apart or single or abs(factor - 1) <= CHANGE:
        return "noise", factor
    return ("better" if factor > 1 else "worse"), factor


def _ratios(row):
    """"pv/bare" and its like as sides have it: the range is what the two ranges allow."""
    found = {}
    for pair, value in row["times_as_good"].items():
        ours, theirs = (row["sides"][name] for name in pair.split("/"))
        if row["better"] == workloads.LESS:
            ours, theirs = theirs, ours
        if theirs["min"] > 0:
            found[pair] = {"median": value, "min": ours["min"] / theirs["max"],
                           "max": ours["max"] / theirs["min"],
                           "samples": min(ours["samples"], theirs["samples"], key=len)}
    return found


def _exits(row):
    """"exits/op pv" and its like as sides have it, where the report has them all."""
    return {f"exits/op {name}": {**results.summary(side["exits_samples"]), "samples": side["exits_samples"]}
            for name, side in row["sides"].items() if side.get("exits_samples")}


def differences(old, new):
    """[(row name, title, side, pair or exits, word, factor, old, new)] of all that both have."""
    before = {row["name"]: row for row in old["rows"]}
    found = []
    for row in new["rows"]:
        if row["name"] not in before:
            continue
        for values, better in ((lambda each: each["sides"], row["better"]), (_ratios, workloads.MORE),
                               (_exits, workloads.LESS)):
            then, now = values(before[row["name"]]), values(row)
            for side in now:
                if side in then:
                    word, factor = _verdict(better, then[side], now[side])
                    found.append((row["name"], f"{row['title']}, {row['unit']}", side, word, factor,
                                  then[side]["median"], now[side]["median"]))
    return found


def counted(old, new):
    """The same of instructions: exact, so any difference is a change."""
    before = {row["name"]: row for row in old["instructions"]["rows"]}
    return [(row["title"], part, before[row["name"]][part], row[part])
            for row in new["instructions"]["rows"] if row["name"] in before
            for part in ("hypervisor", "guest", "root", "exits")
            if before[row["name"]][part] != row[part]]


def text(old, new):
    """For a terminal."""
    lines = [f"compared with the report of {old['began']}"]
    for key in ("qemu", "accelerator", "processor_model", "processors", "memory_mib", "kernel",
                "host_processor"):
        then, now = old["machine"].get(key), new["machine"].get(key)
        if then != now:
            lines.append(f"  the machines differ: {key} was {then}, is {now}")
    found = differences(old, new)
    for _, title, side, word, factor, then, now in found:
        if word != "noise":
            lines.append(f"  {word:6} {title:45.45} {side:17} {table.number(then):>9} -> "
                         f"{table.number(now):>9}  ({factor:.2f} times as good)")
    if found and all(len(side["samples"]) < 2 for report in (old, new) for row in report["rows"]
                     for side in row["sides"].values()):
        lines.append("  one round each: without ranges nothing can be told from noise but instructions")
    noise = sum(word == "noise" for *_, word, _, _, _ in found)
    lines.append(f"  {noise} of {len(found)} values changed no more than their ranges, or by less than "
                 f"{100 * CHANGE:.0f} %: noise")
    for title, part, then, now in counted(old, new):
        lines.append(f"  instructions: {title}, {part}: {table.number(then)} -> {table.number(now)}")
    names = {row["name"] for row in new["rows"]}
    gone = [row["name"] for row in old["rows"] if row["name"] not in names]
    if gone:
        lines.append(f"  not measured this time: {', '.join(gone)}")
    return "\n".join(lines)
