# SPDX-License-Identifier: GPL-2.0-only
"""The report as one page: no script, no font, no picture from anywhere else."""

import math
from html import escape

from machine.bench import results, svg, table

PAGE = results.FOLDER / "report.html"
STYLES = {"bare": "bare", "pv": "pv", "emulated": "emulated", "kvm": "kvm", "xen": "xen"}
BIAS = {
    "time": "Emulated machine: an exit costs 25 to 50 times what it costs on silicon, memory, caches and "
            "locks next to nothing. Times flatter whoever exits less. Only the ratio within this run means "
            "something.",
    "silicon": "Times of silicon, of this computer.",
    "exits": "Counts do not depend on the emulator's speed. How long the guest could go without one does: "
             "a slow back-end lets requests gather.",
    "instructions": "Instructions, not time: an exit itself, a cache miss and a lock held by others cost no "
                    "instructions.",
}
# The same beside each plot, which may be looked at, or quoted, alone.
BRIEF = {
    "time": "Emulated machine: times flatter whoever exits less.",
    "silicon": "Times of silicon.",
    "exits": "Counts, not times; a slow back-end lowers them.",
    "instructions": "Instructions, not times.",
}
STYLE = """
:root { color-scheme: light dark; --back: #fff; --text: #1b1f24; --soft: #57606a; --line: #d8dee4;
  --card: #f6f8fa; --bare: #6e7781; --pv: #0a7d5c; --emulated: #b35900; --warn: #9a2a2a;
  --p0: #0a7d5c; --p1: #b35900; --p2: #5a4fcf; --p3: #a8326e; --p4: #2f6fad; --p5: #8a7a00;
  --p6: #6e7781; --p7: #3b8a3b; }
@media (prefers-color-scheme: dark) { :root { --back: #0f1419; --text: #e6e9ec; --soft: #9aa4ae;
  --line: #2c333b; --card: #171d24; --bare: #8b949e; --pv: #35c79a; --emulated: #f0a04b;
  --warn: #ff8f8f; --p0: #35c79a; --p1: #f0a04b; --p2: #a79df5; --p3: #ee8fbf; --p4: #74b3ec;
  --p5: #d9c84a; --p6: #8b949e; --p7: #86cf86; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; background: var(--back); color: var(--text);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.2; } h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); }
h3 { margin: 1.2rem 0 .2rem; font-size: 1rem; } p { margin: .4rem 0; }
figcaption { margin-top: .2rem; }
.bias, .soft { color: var(--soft); font-size: .85rem; } .warn { color: var(--warn); font-weight: 600; }
.key { display: inline-block; width: .8em; height: .8em; margin-right: .4em; border-radius: 2px; }
.legend span { margin-right: 1.2em; white-space: nowrap; font-size: .9rem; }
svg { width: 100%; height: auto; display: block; } figure { margin: .2rem 0 1rem; }
svg text { fill: var(--text); font: 13px system-ui, sans-serif; } svg .label { fill: var(--soft); }
.range { stroke: var(--text); stroke-width: 1.5; fill: none; opacity: .7; }
.grid { stroke: var(--line); } .line { fill: none; stroke-width: 2.5; stroke-linejoin: round; }
.bare { fill: var(--bare); background: var(--bare); } .pv { fill: var(--pv); background: var(--pv); }
.emulated { fill: var(--emulated); background: var(--emulated); }
.kvm { fill: var(--p4); background: var(--p4); } .xen { fill: var(--p3); background: var(--p3); }
.kvm-line { stroke: var(--p4); } .xen-line { stroke: var(--p3); }
.bare-line { stroke: var(--bare); stroke-dasharray: 6 4; } .pv-line { stroke: var(--pv); }
.emulated-line { stroke: var(--emulated); stroke-dasharray: 2 3; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: .85rem; min-width: 100%; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid var(--line); text-align: right;
  white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; font-size: .9rem; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 40rem) { svg text { font-size: 18px; } dl { grid-template-columns: 1fr; }
  dd { margin-bottom: .4rem; }
  th:first-child, td:first-child { white-space: normal; min-width: 8rem; padding-left: 0; } }
""" + "".join(f".part{n} {{ fill: var(--p{n}); background: var(--p{n}); }}\n" for n in range(8))


def save(report):
    """Write report.html."""
    results.FOLDER.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(html(report), encoding="utf-8")


def html(report):
    """The whole page."""
    parts = ["<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
             "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
             f"<title>Paravane: benchmarks</title><style>{STYLE}</style></head><body>",
             "<h1>Paravane: PV against emulated devices</h1>", *_head(report), *_rows(report),
             *_against_emulated(report), *_exits(report), *_latencies(report),
             *_instructions(report), *_numbers(report),
             "</body></html>\n"]
    return "\n".join(parts)


def _kind(report, kind):
    """Whose bias it is: an emulator's or none."""
    return "silicon" if kind == "time" and not report["machine"]["accelerator"].startswith("tcg") else kind


def _bias(report, kind):
    return f'<p class="bias">{escape(BIAS[_kind(report, kind)])}</p>'


def _figure(report, kind, plot):
    """A plot, and what to think of it."""
    return (f'<figure>{plot}<figcaption class="bias">{escape(BRIEF[_kind(report, kind)])}</figcaption>'
            "</figure>")


def _sides(report):
    return [side for side in report["sides"] if "absent" not in side]


def _head(report):
    yield f'<p class="soft">{escape(report["began"])}, {report["seconds"]:.0f} s</p>'
    if not report["complete"]:
        yield '<p class="warn">Interrupted: this is what there was by then.</p>'
    if table.noise(report):
        yield f'<p class="warn">{escape(table.noise(report))}</p>'
    for each in report["failures"]:
        yield (f'<p class="warn">Failed: {escape(each["workload"])} on {escape(each["side"])}, round '
               f'{each["round"]}: {escape(each["why"])}</p>')
    for each in report.get("notes", []):
        yield f'<p class="soft">{escape(each)}</p>'
    for side in report["sides"]:
        if "absent" in side:
            yield f'<p>Not available: {escape(side["title"])}: {escape(side["absent"])}</p>'
    facts = {**report["machine"], **report["settings"],
             **{side["title"]: side.get("settings", "") for side in _sides(report)}}
    yield "<details><summary>Machine and settings</summary><dl>" + "".join(
        f"<dt>{escape(name.replace('_', ' '))}</dt><dd>{escape(str(value))}</dd>"
        for name, value in facts.items() if value != "") + "</dl></details>"


def _rows(report):
    """Bars with ranges, by group."""
    group = None
    for row in report["rows"]:
        shown = [(side["title"], STYLES.get(side["name"], "other"), found["median"], found["min"],
                  found["max"]) for side in _sides(report)
                 for found in [row["sides"].get(side["name"])] if found]
        if not shown:
            continue
        if row["group"] != group:
            group = row["group"]
            yield f"<h2>{escape(group.capitalize())}</h2>" + _bias(report, "time")
        better = "more is better" if row["better"] == "more" else "less is better"
        counts = sorted({len(side["samples"]) for side in row["sides"].values()})
        samples = f"{counts[0]} to {counts[-1]}" if len(counts) > 1 else str(counts[0])
        ratios = ", ".join(f"{pair} {table.number(value)}×"
                           for pair, value in row["times_as_good"].items())
        yield f'<h3>{escape(row["title"])}, {escape(row["unit"])}</h3>'
        yield (f'<p class="soft">{better}; '
               f'{"one sample" if samples == "1" else f"line: range of {samples} samples"}'
               f'{"; noisy" if row["noisy"] else ""}'
               f'{"; times as good: " + escape(ratios) if ratios else ""}</p>')
        yield _figure(report, "time", svg.bars(row["title"], shown, table.number))


def _against_emulated(report):
    """How much PV is worth, in two numbers a row."""
    found = results.against_emulated(report)
    if not found:
        return
    yield "<h2>PV against emulated devices</h2>" + _bias(report, "time")
    yield (f'<p class="soft">Wanted at least: {results.TIMES_GOAL} times as good, '
           f'{results.EXITS_GOAL} times fewer exits for each operation, and so for each byte.</p>'
           '<div class="scroll"><table><tr><th></th><th>times as good</th><th>fewer exits</th></tr>')
    for title, times, fewer in found:
        yield (f"<tr><td>{escape(title)}</td><td>{table.number(times)}×</td>"
               f"<td>{table.number(fewer)}{'×' if fewer else ''}</td></tr>")
    yield "</table></div>"


def _exits(report):
    """Exits of an operation by reason, one bar per row and side."""
    rows, reasons = [], {}
    for row in report["rows"]:
        for side in _sides(report):
            found = row["sides"].get(side["name"], {}).get("exits_by_reason")
            if found:
                rows.append((f"{row['name']} {side['name']}", found))
                for reason, count in found.items():
                    reasons[reason] = reasons.get(reason, 0) + count
    if not rows:
        return
    order = sorted(reasons, key=reasons.get, reverse=True)
    if len(order) > 7:
        rest = set(order[7:])
        rows = [(label, {**{name: count for name, count in parts.items() if name not in rest},
                         "others": sum(parts.get(name, 0) for name in rest)})
                for label, parts in rows]
        order = order[:7] + ["others"]
    yield "<h2>Exits of one operation, by reason</h2>" + _bias(report, "exits")
    yield ('<p class="soft">Operations differ by orders of magnitude: the plots have scales of their own, '
           "numbers are exits of one operation.</p>" + svg.legend(order))
    powers = [(math.floor(math.log10(sum(parts.values()))), label, parts) for label, parts in rows]
    for power in sorted({power for power, *_ in powers}, reverse=True):
        some = [(label, parts) for its, label, parts in powers if its == power]
        yield _figure(report, "exits", svg.stacked("exits by reason", some, order, table.number))


def _latencies(report):
    """Percentiles, for those who have them."""
    rows = [(row, [(side["title"], STYLES.get(side["name"], "other"),
                    row["sides"][side["name"]]["latency_us"]) for side in _sides(report)
                   if row["sides"].get(side["name"], {}).get("latency_us")]) for row in report["rows"]]
    rows = [(row, lines) for row, lines in rows if lines]
    if not rows:
        return
    yield "<h2>Latency: how long the slowest take</h2>" + _bias(report, "time")
    yield '<p class="legend">' + "".join(
        f'<span><i class="key {STYLES.get(side["name"], "other")}"></i>{escape(side["title"])}</span>'
        for side in _sides(report)) + "</p>"
    yield ('<p class="soft">How long an operation took at most, of so many in a hundred; both axes are '
           "logarithmic.</p>")
    for row, lines in rows:
        title = row["title"].removesuffix(", median")
        yield f"<h3>{escape(title)}</h3>" + _figure(report, "time", svg.curves(title, lines))


def _instructions(report):
    found = report["instructions"]
    if found.get("absent"):
        yield f"<h2>Instructions</h2><p>Not counted: {escape(found['absent'])}</p>"
    if not found["rows"]:
        return
    yield "<h2>Instructions of one operation</h2>" + _bias(report, "instructions")
    if "agree" in found:
        yield (f"<p>{found['runs']} runs agree to the digit.</p>" if found["agree"] else
               f'<p class="warn">{found["runs"]} runs do not agree to the digit.</p>')
    names = ("hypervisor", "guest", "root", "exits", "bare", "goal")
    yield '<div class="scroll"><table><tr><th></th>' + "".join(f"<th>{name}</th>" for name in names) + "</tr>"
    for row in found["rows"]:
        cells = {**{name: table.number(row[name]) for name in names if name in row},
                 **({"goal": f"{row['goal']:.0f}"} if "goal" in row else {})}
        yield f"<tr><td>{escape(row['title'])}</td>" + "".join(
            f"<td>{cells.get(name, '')}</td>" for name in names) + "</tr>"
    yield "</table></div>"
    order = ["hypervisor", "guest", "root"]
    yield svg.legend(order)
    for low, high in ((0, 3e3), (3e3, 1e5), (1e5, 1e12)):
        some = [(row["name"], {part: row[part] for part in order}) for row in found["rows"]
                if low <= sum(row[part] for part in order) < high]
        if some:
            yield _figure(report, "instructions",
                          svg.stacked("instructions", some, order, table.number))


def _numbers(report):
    """The table of everything, for those who do not trust plots."""
    sides = _sides(report)
    yield "<h2>All numbers</h2>" + _bias(report, "time")
    yield ('<div class="scroll"><table><tr><th>median (min-max)</th>'
           + "".join(f"<th>{escape(side['title'])}</th>" for side in sides)
           + "".join(f"<th>exits/op {escape(side['name'])}</th>" for side in sides
                     if side["name"] != "bare") + "</tr>")
    for row in report["rows"]:
        cells = ""
        for side in sides:
            found = row["sides"].get(side["name"])
            cells += "<td>" + escape(table.spread(found) if found else "not available"
                                     if side["name"] in row["not_available"] else "–") + "</td>"
        for side in sides:
            if side["name"] != "bare":
                count = row["sides"].get(side["name"], {}).get("exits_per_operation")
                cells += f"<td>{table.number(count) if count is not None else '–'}</td>"
        yield f"<tr><td>{escape(row['title'])}, {escape(row['unit'])}</td>{cells}</tr>"
    yield "</table></div>"
    for row in report["rows"]:
        for side, why in row["not_available"].items():
            yield (f'<p class="soft">{escape(row["title"])}, {escape(side)}: not available: '
                   f"{escape(why)}</p>")
