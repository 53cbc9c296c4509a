# SPDX-License-Identifier: GPL-2.0-only
"""./run bench: what it says, what it refuses, and that it counts the same twice."""

import contextlib
import copy
import html
import io
import json
import os
import re
import signal
import struct
import subprocess
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import jsonschema

from machine import paths, say
from machine.bench import bare_metal, command, compare, counting, instructions, local, merge, page, \
    peers, preflight, results, rounds, shell, sides, svg, table, workloads
from machine.testing import boot, expect, own_machine, seconds

FIO = {"jobs": [{"error": 0, "read": {
    "iops": 1234.5, "bw_bytes": 5056512, "io_bytes": 5056512, "total_ios": 1234,
    "lat_ns": {"max": 12000, "percentile": {"50.000000": 1500, "99.000000": 9000}}, "clat_ns": {}}}]}


def made_up(values=(100.0, 104.0, 102.0), exits=0.5):
    """A whole report of one row; nothing of it was measured."""
    collected = rounds.Collected()
    for side, factor in (("bare", 2), ("pv", 1)):
        for number, value in enumerate(values):
            collected.add("disk-randread-1", side, rounds.Sample(
                value * factor, number, 1.0, 100, exits, {"hypercall": exits}, {"50": 10.0, "99": 20.0},
                409600))
    chosen = workloads.chosen(re.compile("^disk-randread-1$"))
    counted = {"name": "hypercall", "title": "null call", "operations": 10, "hypervisor": 50.0,
               "guest": 9.0, "root": 0.0, "exits": 1.0, "goal": 60, "agree": True}
    return {"format": results.FORMAT, "complete": True, "began": "2026-01-01T00:00:00+00:00",
            "seconds": 1.0,
            "machine": {"qemu": "QEMU", "accelerator": "tcg", "processor_model": "max", "processors": 2,
                        "memory_mib": 1024, "kernel": "6.1", "host_processor": "<a & b>",
                        "host_processors": 2, "others_share": 0.5},
            "settings": {"rounds": 3, "seconds": 1, "vps": 1, "guest_memory_mib": 512, "disk_mib": 256},
            "sides": [{"name": "bare", "title": "bare Linux"}, {"name": "pv", "title": "PV guest"},
                      {"name": "emulated", "title": "emulated guest", "absent": "none built"}],
            "rows": results.rows(chosen, collected),
            "instructions": {"rows": [counted], "runs": 2, "agree": True},
            "failures": []}


def run_bench(*words, **more):
    return subprocess.run([paths.SOURCE / "run", "bench", *words], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, **more)


def test_report_follows_its_schema():
    """A benchmark report follows its schema, and one that does not is noticed."""
    report = made_up()
    results.check(report)
    report["rows"][0]["better"] = "whatever"
    try:
        results.check(report)
    except say.Failure as failure:
        expect("whatever" in failure.what, failure.what)
    else:
        raise AssertionError("a wrong report passes")


def test_change_and_noise():
    """Comparing benchmark reports tells a change from noise."""
    old = made_up()
    for values, word in (((101.0, 105.0, 99.0), "noise"), ((150.0, 151.0, 152.0), "better"),
                         ((50.0, 51.0, 52.0), "worse")):
        found = {side: word for _, _, side, word, *_ in compare.differences(old, made_up(values))}
        # A computer that was busier changes both sides alike, and their ratio not at all.
        expect(found == {"bare": word, "pv": word, "pv/bare": "noise", "exits/op bare": "noise",
                         "exits/op pv": "noise"}, found)
    new = copy.deepcopy(old)
    row = new["rows"][0]
    row["sides"]["bare"].update({"median": 51.0, "min": 50.0, "max": 52.0})
    row["times_as_good"] = results.ratios(row)
    found = {side: word for _, _, side, word, *_ in compare.differences(old, new)}
    expect((found["bare"], found["pv"], found["pv/bare"]) == ("worse", "noise", "better"), found)
    found = {side: word for _, _, side, word, *_ in compare.differences(old, made_up(exits=0.25))}
    expect(found["exits/op pv"] == "better" and found["pv"] == "noise", found)
    text = compare.text(made_up(values=(1.0,)), made_up(values=(5.0,)))
    expect("nothing can be told from noise" in text and "better" not in text, text)
    new = copy.deepcopy(old)
    new["instructions"]["rows"][0]["hypervisor"] = 51.0
    expect("null call, hypervisor: 50.00 -> 51.00" in compare.text(old, new), compare.text(old, new))


def test_page_needs_no_network():
    """The benchmark page refers to nothing outside of itself, and quotes what it shows."""
    text = page.html(made_up())
    links = re.findall(r"(?:src|href|url|@import)\s*[=(]", text)
    expect(not links and "<script" not in text, links)
    expect("&lt;a &amp; b&gt;" in text and "<a & b>" not in text, "not quoted")
    expect(text.count("<svg") >= 3, "plots are missing")
    plots = re.findall(r"<figure>(.*?)</figure>", text, re.DOTALL)
    expect(len(plots) == text.count("<svg"), "a plot stands alone")
    for plot in plots:
        expect("<svg" in plot and re.search('<figcaption class="bias">[^<]+<', plot),
               f"no word on emulation's bias: {plot[:200]}")


def test_all_exits_are_plotted():
    """The benchmark page has a bar for exits of every order of magnitude."""
    for exits in (5e-6, 0.5, 3e6):
        text = page.html(made_up(exits=exits))
        part = text.split("by reason</h2>")[1].split("<h2>")[0]
        expect(f">{table.number(exits)}<" in part, f"{exits} exits are not there")


def test_latency_plot():
    """The longest latency stands right of the rarest, in a unit for people, under a whole axis."""
    plot = svg.curves("x", [("a", "pv", {"50": 10.0, "99.99": 2e5, "100": 3e6})])
    points = [float(point.split(",")[0]) for point in
              re.search('points="(.*?)"', plot)[1].split()]
    expect(points == sorted(set(points)), points)
    labels = [(float(y), words) for y, words in re.findall('y="([0-9.]+)"[^>]*>([^<]+)</text>', plot)]
    expect({"10 s", "100 ms", "10 µs", "max"} <= {words for _, words in labels}, labels)
    # Text is 18 high on a phone.
    expect(min(y for y, _ in labels) >= 18, labels)


def test_table_fits():
    """The benchmark table is no wider than its terminal, keeps units, and says all of it."""
    report = made_up()
    collected = rounds.Collected()
    for row in workloads.TABLE:
        for side in ("bare", "pv"):
            for value in (1000.0, 123456.0):
                collected.add(row.name, side, rounds.Sample(value, 0, 1.0, 100, 2000.5))
    report["rows"] = results.rows(workloads.TABLE, collected)
    for width in (80, 100, 140, None):
        lines = table.text(report, width).split("\n")
        widest = max(lines, key=len)
        expect(width is None or len(widest) <= width, f"{width}: {widest!r}")
        for word in ("bare Linux", "pv/bare", "exits/op pv", "packets/s", "62228 (1000-123456)", "noisy"):
            expect(any(word in line for line in lines), f"{word} is not there with {width} columns")
    lines = table.text(made_up(values=(7.0,)), 80)
    expect(" 7.00\n" not in lines and "(7.00" not in lines and "7.00" in lines, "one sample has no range")


class Terminal(io.StringIO):
    """A terminal that is no file."""

    def isatty(self):
        return True


def test_progress_bar():
    """The bar is there while the first machine boots, reaches its end, and never wraps."""
    out = Terminal()
    bar = rounds.Progress(2, out)
    bar.boot("booting")
    expect("  0%: booting" in out.getvalue(), out.getvalue())
    for words in ("one", "two"):
        bar.step(words)
    bar.boot("next " + "x" * 200)
    expect("100%" in out.getvalue(), out.getvalue())
    shown = [re.sub("\033[^K]*K", "", part) for part in out.getvalue().split("\r")]
    expect(max(len(part) for part in shown) == 99, shown)
    bar.end()
    expect(out.getvalue().endswith("\r\033[K"), "the bar stays")


def test_lost_counting():
    """When counting instructions fails, what was measured before is reported, with status 1."""
    def fail(*_):
        raise say.Failure("the counting machine did not end")

    shown = []
    with mock.patch.multiple(command, _show=shown.append), mock.patch.object(instructions, "count", fail), \
            mock.patch.object(rounds.Rounds, "run", lambda self, count: self.collected.add(
                "sha256", "bare", rounds.Sample(1.5, 0))), \
            mock.patch.multiple(preflight, check=lambda *_: None, warn=lambda _: None), \
            mock.patch.object(command.machine, "prepare", lambda **_: None):
        status = command.main(["--only", "sha256", "--sides", "bare"])
    expect(status == 1 and len(shown) == 1, f"{status}: {shown}")
    results.check(shown[0])
    expect(shown[0]["rows"][0]["sides"]["bare"]["samples"] == [1.5], shown[0]["rows"])
    failure = shown[0]["failures"][0]
    expect(failure["workload"] == "instructions" and "did not end" in failure["why"], failure)


def test_too_little_disk():
    """./run bench says how much disk is missing before it starts, more where nothing is made yet."""
    full = SimpleNamespace(free=100 << 20)
    with mock.patch.object(preflight.shutil, "disk_usage", lambda _: full):
        try:
            preflight.check(64)
        except say.Failure as failure:
            expect("too little disk: 100 MiB are free" in failure.what, failure.what)
        else:
            raise AssertionError("it would start")
    nothing = SimpleNamespace(exists=lambda: False)
    there = preflight.disk_needed_mib()
    with mock.patch.multiple(preflight.userland, images_image=lambda: nothing, peers_image=lambda: nothing):
        expect(there <= preflight.DISK_MIB + preflight.FIRST_MIB
               < preflight.disk_needed_mib(with_peers=True), there)


def test_measure_on_silicon():
    """paravane-measure refuses wrong usage, and a place for its report where it cannot be."""
    for words in (["--rounds", "0"], ["--only", "("], ["--only", "nothing-like-this"]):
        try:
            with contextlib.redirect_stderr(io.StringIO()):
                local.checked(["--output", os.devnull, *words])
        except SystemExit as end:
            expect(end.code == 2, f"{words}: {end.code}")
        else:
            raise AssertionError(f"taken: {words}")
    try:
        local.checked(["--output", "/no/such/folder/x.json"])
    except say.Failure as failure:
        expect("cannot be written" in failure.what, failure.what)
    else:
        raise AssertionError("it would measure for nothing")


def test_labels_fit():
    """The longest name in the benchmark page's plots fits beside its bar, on a phone too."""
    longest = max(len(f"{row.name} emulated") for row in workloads.TABLE if row.command and not row.sides)
    expect(longest * svg.LETTER < svg.WIDE_LABEL - 8, longest)


def test_merge():
    """Reports of two sides of a machine are joined, those of two machines are not."""
    both = made_up()
    halves = []
    for name in ("bare", "pv"):
        half = copy.deepcopy(both)
        half["sides"] = [side for side in half["sides"] if side["name"] == name]
        for row in half["rows"]:
            row["sides"] = {name: row["sides"][name]}
            row["times_as_good"] = {}
        halves.append(half)
    merged = merge.merge(*halves)
    results.check(merged)
    expect(merged["rows"][0]["times_as_good"] == {"pv/bare": 0.5}, merged["rows"])
    for other, words in (({**halves[1], "machine": {**both["machine"], "kernel": "5"}}, "different machines"),
                         (halves[0], "both reports have the side bare")):
        try:
            merge.merge(halves[0], other)
        except say.Failure as failure:
            expect(words in failure.what, failure.what)
        else:
            raise AssertionError(f"merged: {words}")


def test_noise_is_said():
    """A benchmark that others disturbed says so, with the spread; one in peace does not."""
    report = made_up()
    words = "NOISY: others used 50 % of this computer (more than 5 %); a row's range was up to 4 %"
    expect(words in table.text(report) and words in html.unescape(page.html(report)), table.text(report))
    expect("measure again" in table.text(report), table.text(report))
    report["machine"]["others_share"] = 0.1
    expect("counts and ratios suffer less" in table.text(report), table.text(report))
    report["machine"]["others_share"] = 0.01
    expect("NOISY" not in table.text(report) + page.html(report), table.text(report))


def test_table_says_what_is_missing():
    """The benchmark table says which side is not available, and what failed."""
    report = made_up()
    report["failures"] = [{"workload": "sha256", "side": "pv", "round": 1, "why": "status 7"}]
    text = table.text(report)
    expect("not available: emulated guest: none built" in text, text)
    expect("FAILED: sha256 on pv, round 1: status 7" in text, text)


def test_pv_against_emulated():
    """The benchmark report says how much better PV is than emulated devices, and in exits."""
    report = made_up()
    collected = rounds.Collected()
    for side, value, exits in (("pv", 900.0, 0.5), ("emulated", 100.0, 15.0)):
        collected.add("disk-randread-1", side, rounds.Sample(value, 0, 1.0, 100, exits))
        collected.add("net-rr", side, rounds.Sample(1000 / value, 0, 1.0, 100,
                                                    exits if side == "pv" else None))
        collected.add("sha256", side, rounds.Sample(value, 0))
    report["rows"] = results.rows(workloads.chosen(re.compile("disk-randread-1$|net-rr|sha256")), collected)
    results.check(report)
    found = [(times, fewer) for _, times, fewer in results.against_emulated(report)]
    expect(found == [(9, 30), (9, None)], found)
    expect("30.00×" in table.text(report) and "30.00×" in page.html(report), table.text(report))


def test_ratios():
    """Every side is set against bare Linux in the benchmark table, and PV against every other."""
    collected = rounds.Collected()
    for side, value in (("bare", 800.0), ("pv", 400.0), ("kvm", 100.0), ("xen", 50.0)):
        collected.add("disk-randread-1", side, rounds.Sample(value, 0))
        collected.add("net-rr", side, rounds.Sample(1 / value, 0))
    report = made_up()
    report["rows"] = results.rows(workloads.chosen(re.compile("disk-randread-1$|net-rr")), collected)
    wanted = {"pv/bare": 0.5, "kvm/bare": 0.125, "xen/bare": 0.0625, "pv/kvm": 4, "pv/xen": 8}
    for row in report["rows"]:
        expect({pair: round(value, 9) for pair, value in row["times_as_good"].items()} == wanted, row)
    text = table.text(report)
    expect(all(pair in text for pair in wanted), text)


def test_outputs_are_read():
    """What fio, iperf3 and our programs print is understood."""
    got = workloads.fio("read", "IOPS")("note\n" + json.dumps(FIO))
    expect((got.value, got.operations, got.latency_us) == (1234.5, 1234, {"50": 1.5, "99": 9.0, "100": 12}),
           got)
    got = workloads.latencies("1 2 3 4 5 600")
    expect(got.value == 1 and got.operations == 600 and got.latency_us["100"] == 5, got)
    for read, text in ((workloads.number, ""), (workloads.latencies, "1 2"),
                       (workloads.iperf("sum_received"), '{"error": "unable to connect"}')):
        try:
            read(text)
        except workloads.Unreadable:
            continue
        raise AssertionError(f"{text!r} is taken for a result")


def test_exits_of_an_operation():
    """Exits that a command needs anyway are not the operation's."""
    before = counting.totals({"partitions": [{"vps": [{"exits": {"total": 5, "hlt": 5}}]}]})
    after = counting.totals({"partitions": [{"vps": [{"exits": {"total": 35, "hlt": 15, "msr": 20}}]}]})
    found = counting.per_operation(counting.difference(after, before),
                                   {"exits": 10, "by_reason": {"hlt": 10}}, 10)
    expect(found == (2.0, {"msr": 2.0}), found)


def test_old_reports_are_refused():
    """./run bench --compare refuses what is no report of this format, before measuring."""
    with tempfile.TemporaryDirectory() as folder:
        old = Path(folder) / "old.json"
        for text, words in (('{"format": "paravane-bench/0"}', "is of format 'paravane-bench/0'"),
                            ("[]", "is of format None"), ("{", "is not JSON"),
                            (json.dumps({"format": results.FORMAT}), "is damaged")):
            old.write_text(text, encoding="utf-8")
            done = run_bench("--compare", str(old))
            expect(done.returncode == 1 and words in done.stderr, done.stderr)
        old.unlink()
        done = run_bench("--compare", str(old))
        expect(done.returncode == 1 and "cannot be read" in done.stderr, done.stderr)


def test_usage():
    """./run bench refuses wrong usage with status 2 and too little memory with 1."""
    for words in (["--only", "nothing-like-this"], ["--only", "("], ["--rounds", "0"],
                  ["--sides", "vmware"], ["--with", "x.json"], ["--guest-memory", "0"],
                  ["--memory", "600"]):
        done = run_bench(*words)
        expect(done.returncode == 2 and "error:" in done.stderr, f"{words}: {done.stderr}")
    done = run_bench("--no-build", "--memory", "99999999")
    expect(done.returncode == 1 and "too little memory" in done.stderr, done.stderr)
    expect("disk-randread-32" in run_bench("--list").stdout, "--list")


@own_machine
@seconds(200)
def test_counts_are_exact():
    """Instructions of hypercalls and mappings are the same in two runs, to the digit."""
    found = instructions.count(None, whole=False)
    expect(not found.get("absent"), found)
    expect(found["agree"], json.dumps(found["rows"], indent=1))
    names = {row["name"]: row for row in found["rows"]}
    expect(names["root-hypercall"]["exits"] == 1, names["root-hypercall"])
    # Not equal: every 17th exit is timed (pvn counters), which the average has a share of.
    path, average = (names["root-hypercall"][key] for key in ("path", "hypervisor"))
    expect(abs(path - average) < 0.1 * average, f"a null call takes {path} or {average}")


@boot()
def test_bare_metal_guest(machine):
    """The bare-metal guest of the benchmarks tells what a hypercall takes."""
    found, said = bare_metal.run(machine)
    expect({"hypercall", "doorbell", "timer-set"} <= set(found), said)
    expect(all(timed.microseconds > 0 for timed in found.values()), found)


@own_machine
@seconds(300)
def test_interrupted():
    """./run bench keeps a partial report after Ctrl-C, and leaves no process."""
    results.REPORT.unlink(missing_ok=True)
    command = [paths.SOURCE / "run", "bench", "--no-build", "--only", "sha256|spawn", "--sides", "bare",
               "--rounds", "50", "--instructions", "no"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        for line in process.stderr:
            if "round 2" in line:
                break
        time.sleep(1)
        children = _descendants(process.pid)
        process.send_signal(signal.SIGINT)
        output = process.communicate(timeout=60)[0]
    expect(process.returncode == 130, f"status {process.returncode}")
    expect("INTERRUPTED" in output and "SHA-256" in output, output)
    report = results.load(results.REPORT)
    expect(not report["complete"] and report["rows"][0]["sides"]["bare"]["samples"], report)
    left = [pid for pid in children if Path(f"/proc/{pid}").exists()]
    expect(not left, f"left: {left}")


def _descendants(pid):
    """Process ids of what a process started."""
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in path.read_text(encoding="ascii").split():
            found += [int(child), *_descendants(int(child))]
    return found


class _Console:
    """A machine of which only a guest's console is there, and what that says."""

    def __init__(self, *lines):
        self._data = ["\r\n".join(lines).encode() + b"\r\n"]

    def spawn(self, _bridge, more):
        """A job."""
        return more

    def listen(self, _job, _seconds):
        """What comes next; None: nothing."""
        return self._data.pop() if self._data else None


def test_guest_fails():
    """A guest that cannot be measured says why, and is not asked for anything."""
    shell.Shell(_Console("[    1.0] hello", "bench: up"), "").wait_up(5)
    silent = shell.Shell(_Console("[    1.0] ata1: lost"), "")
    failed = shell.Shell(_Console("[    1.0] ata1: lost", "bench: failed: there is no /dev/ide0.0"), "")
    for console, words in ((silent, "does not answer"), (failed, "there is no /dev/ide0.0")):
        try:
            console.wait_up(5)
        except shell.Lost as lost:
            expect(words in str(lost) and "ata1: lost" in str(lost), str(lost))
        else:
            expect(False, f"nothing was said of: {words}")


class Half:
    """A side on which one program is broken; stands for a booted one."""

    name, title, system = "bare", "bare Linux", None

    @contextlib.contextmanager
    def sessions(self):
        session = sides.Session(self.run, {"disk": "/dev/ram0", "server": "127.0.0.1"}, os.getpid())
        yield [(self, lambda: contextlib.nullcontext(session))]

    @staticmethod
    def run(command, _):
        """Everything but SHA-256 works."""
        return shell.Done(3, "no memory") if "sha256" in command else shell.Done(0, "2.5 10")


def test_configurations():
    """The guests of the benchmarks are what the schema of configurations allows."""
    schema = json.loads(sides.SCHEMA.read_text(encoding="utf-8"))
    plan = SimpleNamespace(chosen=SimpleNamespace(vps=1, guest_memory=512), images=sides.GUEST_IMAGES,
                           tools="/tools.img")
    for guest in (sides.PvGuest(), sides.EmulatedGuest()):
        config, _ = guest.whole_configuration(plan)
        jsonschema.validate(config, schema)
    jsonschema.validate(bare_metal.configuration(), schema)


def test_failure_goes_on():
    """A workload that fails is reported, and the rows after it are still measured."""
    plan = SimpleNamespace(chosen=SimpleNamespace(seconds=1))
    half = Half()
    measured = rounds.Rounds(plan, [(half, [half])], workloads.chosen(re.compile("sha256|switch")))
    measured.run(2)
    failed = [(each["workload"], each["round"]) for each in measured.collected.failures]
    expect(failed == [("sha256", 1), ("sha256", 2)], failed)
    expect(len(measured.collected.samples[("switch", "bare")]) == 2, measured.collected.samples)


class Broken(Half):
    """A side that prints what nobody expects."""

    @staticmethod
    def run(command, _):
        return shell.Done(0, '{"jobs": []}' if "fio" in command else '{"end": {"sum": null}}')


def test_strange_output():
    """Output of another shape than expected fails its workload, and only that."""
    plan = SimpleNamespace(chosen=SimpleNamespace(seconds=1))
    broken = Broken()
    measured = rounds.Rounds(plan, [(broken, [broken])],
                             workloads.chosen(re.compile("disk-seqread|net-udp-64|sha256")))
    broken.run = lambda command, _: shell.Done(0, "2.5 10") if "sha256" in command else \
        Broken.run(command, _)
    measured.run(1)
    failed = [each["workload"] for each in measured.collected.failures]
    expect(failed == ["disk-seqread", "net-udp-64"], measured.collected.failures)
    expect(all("its output: " in each["why"] for each in measured.collected.failures),
           measured.collected.failures)
    expect(list(measured.collected.samples) == [("sha256", "bare")], measured.collected.samples)


def test_long_workloads():
    """A workload that is to last for minutes is given them."""
    asked = []
    half = Half()
    half.run = lambda words, limit: asked.append((words, limit)) or shell.Done(0, json.dumps(FIO))
    measured = rounds.Rounds(SimpleNamespace(chosen=SimpleNamespace(seconds=600)), [(half, [half])],
                             workloads.chosen(re.compile("disk-randread-1$")))
    measured.run(1)
    expect(any("--runtime=600" in words and limit > 600 for words, limit in asked), asked)
    expect(("disk-randread-1", "bare") in measured.collected.samples, measured.collected.failures)


class Unreachable(Half):
    """A peer whose packages cannot be fetched."""

    name, title = "xen", "Xen"

    @staticmethod
    def set_up():
        raise say.Failure("no mirror answers")


def test_peer_without_packages():
    """A peer that cannot be set up has failed, and the other sides are measured."""
    plan = SimpleNamespace(chosen=SimpleNamespace(seconds=1))
    half, peer = Half(), Unreachable()
    measured = rounds.Rounds(plan, [(half, [half]), (peer, [peer])], workloads.chosen(re.compile("switch")))
    measured.run(1)
    found = [(each["workload"], each["side"]) for each in measured.collected.failures]
    expect(found == [("set-up", "xen"), ("boot", "xen")], measured.collected.failures)
    expect(list(measured.collected.samples) == [("switch", "bare")], measured.collected.samples)


def test_exits_of_xen():
    """Exits of Xen's guest are counted out of its trace, by reason, lost records too."""
    def record(event, *extra, cycles=True):
        head = event | len(extra) << 28 | cycles << 31
        return struct.pack(f"<{1 + 2 * cycles + len(extra)}I", head, *([7, 7] if cycles else []), *extra)

    exits = (record(0x81102, 0x7b, 1, 2) + record(0x81001)) * 3 + record(0x81002, 0x78, 1) + record(0x81001)
    others = record(0x1f003, 0, 4096, cycles=False) + record(0x1f001, 10, 0, 0, 0) + record(0x21f01, 5)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "exits"
        subprocess.run([sides.WORK, "xen-exits", path], input=exits + others + exits[:7], check=True)
        words = dict(line.split() for line in path.read_text(encoding="ascii").splitlines())
    expect(words == {"exits": "4", "lost": "10", "0x7b": "3", "0x78": "1"}, words)
    found = peers.XenCounters.totals({name: int(count) for name, count in words.items()})
    expect(found == {"exits": 9, "by_reason": {"io": 3, "hlt": 1, "not recorded": 5}}, found)
    expect(peers.XenCounters.totals({}) == {} and peers.XenCounters.totals({"exits": 0}) == {}, "none")


class Fading(Half):
    """A side whose machine is lost in the middle, as often as it is told."""

    def __init__(self, times):
        self.left = times

    def run(self, command, _):      # pylint: disable=arguments-differ
        if "switch" in command and self.left:
            self.left -= 1
            raise say.Failure("the machine ended")
        return shell.Done(0, "2.5 10")


def test_lost_machine():
    """A machine that is lost is booted once more for the rows that are left; one that is lost
    again has failed."""
    plan = SimpleNamespace(chosen=SimpleNamespace(seconds=1))
    for times in (1, 2):
        fading = Fading(times)
        measured = rounds.Rounds(plan, [(fading, [fading])],
                                 workloads.chosen(re.compile("sha256|switch")))
        measured.run(1)
        found = measured.collected
        expect(len(found.samples[("sha256", "bare")]) == 1, found.samples)
        expect(len(found.notes) == 1 and "booted once more" in found.notes[0], found.notes)
        expect((("switch", "bare") in found.samples) == (times == 1), found.samples)
        expect([each["workload"] for each in found.failures] == ([] if times == 1 else ["boot", "boot"]),
               found.failures)
