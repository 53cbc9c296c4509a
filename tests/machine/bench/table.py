# SPDX-License-Identifier: GPL-2.0-only
"""The report on a terminal."""

import textwrap

from machine.bench import preflight, results

TITLE_LEAST = 38                # of a table's first column, where there is little room

BIAS = ("An emulated exit costs 25 to 50 times what it costs on silicon, while caches, TLBs and locks "
        "cost nothing: times flatter whoever exits less. Compare ratios and counts, not times.")


def number(value):
    """Three digits that matter."""
    if value is None:
        return "-"
    size = abs(value)
    if size >= 1000:
        return f"{value:.0f}"
    if size >= 100:
        return f"{value:.1f}"
    return f"{value:.2f}" if size >= 1 or not size else f"{value:.3g}"


def spread(side):
    """Median and range of one side of a row; one sample has no range."""
    if not side:
        return "-"
    if len(side["samples"]) < 2:
        return number(side["median"])
    return f"{number(side['median'])} ({number(side['min'])}-{number(side['max'])})"


def _shortened(title, unit, room):
    """A row's first cell. If something must go it is not the unit."""
    end = f", {unit}" if unit else ""
    if len(title) + len(end) > room:
        title = title[:max(room - len(end) - 1, 1)] + "…"
    return title + end


def _blocks(groups, room):
    """Columns side by side as far as there is room. Groups are broken up only if they must."""
    blocks, left = [[]], room
    for group in groups:
        if sum(size + 2 for _, size, _ in group) > left and blocks[-1]:
            blocks.append([])
            left = room
        for column in group:
            if column[1] + 2 > left and blocks[-1]:
                blocks.append([])
                left = room
            blocks[-1].append(column)
            left -= column[1] + 2
    return blocks


def grid(head_text, rows, groups, width=None):
    """A table, as lines; as several tables below each other where `width` columns of a
    terminal are too few. rows: strings, which stand above what follows, or (title, unit,
    {column: text}); groups: lists of columns that belong together."""
    cells = [cells for *_, cells in (row for row in rows if not isinstance(row, str))]
    groups = [[(name, max(len(text) for text in (name, *(each.get(name, "-") for each in cells))),
                [each.get(name, "-") for each in cells]) for name in group] for group in groups if group]
    longest = max((len(_shortened(title, unit, 1000)) + 2 for title, unit, _ in
                   (row for row in rows if not isinstance(row, str))), default=0)
    first = max(longest, len(head_text))
    if width:
        first = min(first, max(TITLE_LEAST, width * 3 // 8))
    lines = []
    for block in _blocks(groups, width - first if width else 10**6):
        lines += [""] if lines else []
        lines.append(f"{head_text:{first}}" + "".join(f"  {name:>{size}}" for name, size, _ in block))
        values = zip(*(texts for _, _, texts in block))
        for row in rows:
            if isinstance(row, str):
                lines.append(row)
                continue
            title = _shortened(row[0], row[1], first - 2)
            lines.append(f"  {title:{first - 2}}" + "".join(
                f"  {text:>{size}}" for text, (_, size, _) in zip(next(values), block)))
    return [line.rstrip() for line in lines]


def head(report):
    """Pinned settings, in words."""
    machine, settings = report["machine"], report["settings"]
    lines = [f"{machine['qemu']}, {machine['accelerator']}, -cpu {machine['processor_model']}, "
             f"{machine['processors']} processors, {machine['memory_mib']} MiB",
             f"kernel {machine['kernel']} everywhere; guests: {settings['vps']} VP, "
             f"{settings['guest_memory_mib']} MiB; disk: RAM of the machine's Linux, "
             f"{settings['disk_mib']} MiB",
             f"{settings['rounds']} round{'s, interleaved' if settings['rounds'] > 1 else ''}, each with "
             f"fresh boots; "
             f"{settings['seconds']} s for a timed workload; the network's servers and back-ends keep to "
             "the machine's last processor"]
    lines += [f"{side['title']}: {side['settings']}" for side in report["sides"]
              if side.get("settings") and "absent" not in side]
    share = machine.get("others_share")
    if share is not None:
        lines.append(f"others used {100 * share:.0f} % of this computer's {machine['host_processors']} "
                     f"processors meanwhile ({machine['host_processor']})")
    return lines


def main_table(report, width=None):
    """Values: median (min-max); then how many times as good, and exits."""
    sides = [side for side in report["sides"] if "absent" not in side]
    ratios = [pair for pair in (f"{one}/{other}" for one, other in results.RATIOS)
              if any(pair in row["times_as_good"] for row in report["rows"])]
    counted = [side["name"] for side in sides if side["name"] != "bare"]
    rows, group = [], None
    for row in report["rows"]:
        if row["group"] != group:
            group = row["group"]
            rows.append(group)
        cells = {side["title"]: spread(row["sides"].get(side["name"])) for side in sides}
        cells.update({pair: number(row["times_as_good"].get(pair)) for pair in ratios})
        cells.update({f"exits/op {name}": number(row["sides"].get(name, {}).get("exits_per_operation"))
                      for name in counted})
        if row["noisy"]:
            cells["noise"] = "noisy"
        rows.append((row["title"], row["unit"], {"noise": "", **cells}))
    noisy = ["noise"] if any(row["noisy"] for row in report["rows"]) else []
    return grid("", rows, [[side["title"] for side in sides], ratios,
                           [*(f"exits/op {name}" for name in counted), *noisy]], width)


def against_emulated(report, width=None):
    """How much PV is worth."""
    found = results.against_emulated(report)
    if not found:
        return []
    rows = [(title, "", {"times as good": f"{number(times)}×",
                         "fewer exits": f"{number(fewer)}×" if fewer else "-"})
            for title, times, fewer in found]
    rows.append(("wanted at least", "", {"times as good": f"{results.TIMES_GOAL}×",
                                         "fewer exits": f"{results.EXITS_GOAL}×"}))
    return ["", *grid("PV against emulated devices", rows, [["times as good", "fewer exits"]], width)]


def noise(report):
    """What to think of a measurement that others disturbed; None of one they did not."""
    share = report["machine"].get("others_share", 0)
    if share <= preflight.NOISY_SHARE:
        return None
    spread = max((side["spread"] for row in report["rows"] for side in row["sides"].values()
                  if len(side["samples"]) > 1), default=None)
    return (f"NOISY: others used {100 * share:.0f} % of this computer (more than "
            f"{100 * preflight.NOISY_SHARE:.0f} %); "
            + ("one round shows no spread" if spread is None else
               f"a row's range was up to {100 * spread:.0f} % of its median")
            + ("; ratios and exits suffer, too: measure again in peace" if share > preflight.USELESS_SHARE
               else "; counts and ratios suffer less than times"))


def instructions(report, width=None):
    """Counted instructions."""
    found = report["instructions"]
    if found.get("absent"):
        return [f"instructions: not counted: {found['absent']}"]
    if not found["rows"]:
        return []
    names = ("hypervisor", "guest", "root", "exits", "bare")
    rows = [(row["title"], "", {**{name: number(row.get(name)) for name in names},
                                "goal": f"{row['goal']:.0f}" if "goal" in row else "",
                                "runs": "" if row.get("agree", True) else "differ"})
            for row in found["rows"]]
    differ = [] if all(row.get("agree", True) for row in found["rows"]) else ["runs"]
    lines = ["", *grid("instructions of one operation", rows,
                       [["hypervisor", "guest", "root"], ["exits", "bare", "goal", *differ]], width)]
    if "agree" in found:
        lines.append(f"{found['runs']} runs agree to the digit" if found["agree"] else
                     f"{found['runs']} runs do NOT agree to the digit")
    return lines


def notes(report):
    """What is missing, what is noisy, what failed."""
    lines = [noise(report)] if noise(report) else []
    lines += [f"not available: {side['title']}: {side['absent']}" for side in report["sides"]
              if "absent" in side]
    reasons = {}
    for row in report["rows"]:
        for side, why in row["not_available"].items():
            reasons.setdefault((side, why), []).append(row["name"])
    lines += [f"not available: {', '.join(names)} on {side}: {why}"
              for (side, why), names in reasons.items()]
    noisy = [f"{row['name']} {100 * max(side['spread'] for side in row['sides'].values()):.0f} %"
             for row in report["rows"] if row["noisy"]]
    if noisy:
        lines.append("noisy, range relative to the median: " + ", ".join(noisy))
    lines += [f"note: {each}" for each in report.get("notes", [])]
    lines += [f"FAILED: {each['workload']} on {each['side']}, round {each['round']}: {each['why']}"
              for each in report["failures"]]
    return lines


def text(report, width=None):
    """All of it, for `width` columns. Ratios are "times as good": over 1 the first of the pair
    is better."""
    def words(*lines):
        return [part for line in lines for part in textwrap.wrap(line, width, subsequent_indent="  ")] \
            if width else lines

    part = [] if report["complete"] else ["INTERRUPTED: this is what there was by then"]
    return "\n".join([
        *words(*head(report), *part), "", *main_table(report, width), *against_emulated(report, width),
        *instructions(report, width), "",
        *words("pv/bare and its like: how many times as good, by medians; exits/op: exits of "
               "one operation, start-up taken off", BIAS, *notes(report))])
