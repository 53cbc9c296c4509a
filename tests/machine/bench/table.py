# SPDX-License-Identifier: GPL-2.0-only
"""The report on a terminal."""

from machine.bench import preflight, results

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


def _cell(side):
    if not side:
        return "-"
    return f"{number(side['median'])} ({number(side['min'])}-{number(side['max'])})"


def head(report):
    """Pinned settings, in words."""
    machine, settings = report["machine"], report["settings"]
    lines = [f"{machine['qemu']}, {machine['accelerator']}, -cpu {machine['processor_model']}, "
             f"{machine['processors']} processors, {machine['memory_mib']} MiB",
             f"kernel {machine['kernel']} everywhere; guests: {settings['vps']} VP, "
             f"{settings['guest_memory_mib']} MiB; disk: RAM of the machine's Linux, "
             f"{settings['disk_mib']} MiB",
             f"{settings['rounds']} rounds, interleaved, each with fresh boots; "
             f"{settings['seconds']} s for a timed workload; the network's servers and back-ends keep to "
             "the machine's last processor"]
    lines += [f"{side['title']}: {side['settings']}" for side in report["sides"]
              if side.get("settings") and "absent" not in side]
    share = machine.get("others_share")
    if share is not None:
        lines.append(f"others used {100 * share:.0f} % of this computer's {machine['host_processors']} "
                     f"processors meanwhile ({machine['host_processor']})")
    return lines


def main_table(report):
    """Values: median (min-max); then how many times as good, and exits."""
    sides = [side for side in report["sides"] if "absent" not in side]
    ratios = [pair for pair in ("pv/bare", "emulated/bare", "pv/emulated", "pv/kvm", "pv/xen")
              if any(pair in row["times_as_good"] for row in report["rows"])]
    lines = [f"{'':47}" + "".join(f" {side['title']:>27}" for side in sides)
             + "".join(f" {pair:>13}" for pair in ratios)
             + "".join(f" {'exits/op ' + side['name']:>18}" for side in sides
                       if side["name"] != "bare")]
    group = None
    for row in report["rows"]:
        if row["group"] != group:
            group = row["group"]
            lines.append(group)
        words = f"  {row['title']}, {row['unit']}"
        cells = "".join(f" {_cell(row['sides'].get(side['name'])):>27}" for side in sides)
        cells += "".join(f" {number(row['times_as_good'].get(pair)):>13}" for pair in ratios)
        cells += "".join(
            f" {number(row['sides'].get(side['name'], {}).get('exits_per_operation')):>18}"
            for side in sides if side["name"] != "bare")
        lines.append(f"{words:47.47}{cells}" + (" noisy" if row["noisy"] else ""))
    return lines


def against_emulated(report):
    """How much PV is worth."""
    found = results.against_emulated(report)
    if not found:
        return []
    return ["", f"{'PV against emulated devices':47} {'times as good':>15} {'fewer exits':>15}",
            *(f"  {title:45.45} {number(times):>14}× {number(fewer):>14}×"
              for title, times, fewer in found),
            f"  {'wanted at least':45} {results.TIMES_GOAL:>14}× {results.EXITS_GOAL:>14}×"]


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
            + "; counts and ratios suffer less than times")


def instructions(report):
    """Counted instructions."""
    found = report["instructions"]
    if found.get("absent"):
        return [f"instructions: not counted: {found['absent']}"]
    if not found["rows"]:
        return []
    lines = ["", f"{'instructions of one operation':47} {'hypervisor':>11} {'guest':>11} {'root':>11} "
             f"{'exits':>8} {'bare':>11} {'goal':>6}"]
    for row in found["rows"]:
        goal = f"{row['goal']:.0f}" if "goal" in row else ""
        lines.append(f"  {row['title']:45.45} {number(row['hypervisor']):>11} {number(row['guest']):>11} "
                     f"{number(row['root']):>11} {number(row['exits']):>8} "
                     f"{number(row.get('bare')):>11} {goal:>6}"
                     + ("" if row.get("agree", True) else " runs differ"))
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


def text(report):
    """All of it. Ratios are "times as good": over 1 the first of the pair is better."""
    part = [] if report["complete"] else ["INTERRUPTED: this is what there was by then"]
    return "\n".join([*head(report), *part, "", *main_table(report), *against_emulated(report),
                      *instructions(report), "",
                      "pv/bare and its like: how many times as good, by medians; exits/op: exits of "
                      "one operation, start-up taken off", BIAS, *notes(report)])
