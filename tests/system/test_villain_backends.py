# SPDX-License-Identifier: GPL-2.0-only
"""Hostile back-ends: what they do to the front-ends of a Linux guest, a verdict for each.

Each row of tests/villains/backends.def is a test here; the file says what its fields
mean. A few guests at once share them out, with pvn-villaind in place of their back-ends: most
of a row's time is waiting.
"""

import re

from machine import cpio, paths, qemu
from machine.testing import expect, seconds
from system import guests

FOLDER = paths.SOURCE / "tests" / "villains"
ROW = re.compile(r'^BACK\((\w+), \w+, (\w+), (\w+), "([^"]*)", "([^"]+)"\)$', re.MULTILINE)
LIBEXEC = "/run/villains"
STEM = "villains"
GUESTS = [f"{STEM}{number}" for number in range(4)]
GUEST_SECONDS = 600
UNBIND_HUNDREDTHS = 700     # of a second, in an emulated machine
COMPLAINT = re.compile(r"BUG:|WARNING:|Oops|general protection|stall|soft lockup|hung|Corrupt|"
                       r"Redzone|Poison|Call Trace", re.IGNORECASE)
VERDICT = re.compile(r"^villain (\d+) outcome=(\w+) pending=(\d+) unbind=(\d+) control=(\w+) "
                     r"taint=(\d+)", re.MULTILINE)

PREPARE = f"""\
mkdir -p {LIBEXEC}
for each in pvn-worker pvn-stored; do
    ln -sf /usr/libexec/paravane/$each {LIBEXEC}/$each
done
for each in pvn-blkd pvn-netd pvn-consoled; do
    ln -sf /usr/libexec/paravane/villains/pvn-villaind {LIBEXEC}/$each
done
ln -sfn /usr/libexec/paravane {LIBEXEC}/real
truncate -s 4M /tmp/villain-a.img /tmp/villain-b.img
cat {guests.FOLDERS['cloud']}/initrd.img - >/tmp/villain.initrd
"""

INNOCENT = """\
until [ -b /dev/pvda ]; do sleep 0.1; done
n=0
while dd if=/dev/urandom of=/w bs=64k count=4 2>/dev/null &&
      dd if=/w of=/dev/pvda bs=64k oflag=direct conv=notrunc 2>/dev/null &&
      dd if=/dev/pvda of=/r bs=64k count=4 iflag=direct 2>/dev/null && cmp /w /r; do
    n=$((n + 1))
    echo "round $n"
    sleep 0.5
done
echo "not what was written"
"""

found = {}                  # what is known after the guests: of many threads, of one


def rows():
    """(kind, name, outcome, words of the log, sentence) by number."""
    return ROW.findall((FOLDER / "backends.def").read_text())


def job():
    lines = [f"row {number} {' '.join(row[:3])}" for number, row in enumerate(rows())]
    return (FOLDER / "backend" / "guest.sh").read_text() + "\n".join(lines) + "\n"


def start(machine):
    """The guests, their back-ends, and an innocent neighbour."""
    archive = cpio.Archive()
    archive.file("job", job().encode(), 0o755)
    done = machine.run(PREPARE, data=archive.bytes())
    expect(done.status == 0, done.errors)
    machine.run("truncate -s 1M /tmp/beside.img")
    done = guests.create(machine, "beside", INNOCENT, disks=[{"image": "/tmp/beside.img"}])
    expect(done.status == 0, done.errors)
    folder = guests.FOLDERS["cloud"]
    for number, name in enumerate(GUESTS):
        done = guests.start(machine, {
            "name": name, "kernel": f"{folder}/vmlinuz", "initrd": "/tmp/villain.initrd",
            "cmdline": "console=hvc0 quiet loglevel=1 slub_debug=FZP "
                       f"villains={number}/{len(GUESTS)}", "memory": "192M",
            "disks": [{"image": "/tmp/villain-a.img", "read_only": True},
                      {"image": "/tmp/villain-b.img", "read_only": True}],
            "nets": [{"type": "user"}], "console": {"count": 2}},
            environment=f"PVN_LIBEXECDIR={LIBEXEC}")
        expect(done.status == 0, done.errors)


def run_all(machine):
    """Everything that is known after the guests."""
    if qemu.ONE_THREAD in found:
        return found[qemu.ONE_THREAD]
    start(machine)
    for name in GUESTS:
        machine.run(f"pvn wait {name} --timeout {GUEST_SECONDS}", timeout=GUEST_SECONDS + 30)
    text = "".join(guests.console(machine, name) for name in GUESTS).replace("\r", "")
    (paths.LOGS / "villains.log").write_text(text)
    logs = {}
    for number, line in re.findall(r"^log (\d+) (.*)$", text, re.MULTILINE):
        logs.setdefault(int(number), []).append(line)
    beside = guests.console(machine, "beside")
    known = {
        "text": text, "logs": logs,
        "verdicts": {int(number): fields for number, *fields in VERDICT.findall(text)},
        "taint": re.search(r"villain ready taint=(\d+)", text),
        "ends": {guests.state(machine, name) for name in GUESTS},
        "attacks": set(re.findall(r": attack (\w+)", machine.run(
            f"cat /var/log/paravane/{STEM}[0-9].log").output)),
        "beside": len(re.findall(r"^round", beside, re.MULTILINE)),
        "suffers": "not what was written" in beside,
    }
    found[qemu.ONE_THREAD] = known
    return known


def judge(known, number, row):
    """Raises what is wrong with a row."""
    _, name, wanted, words, _ = row
    log = "\n".join(known["logs"].get(number, []))
    expect(number in known["verdicts"],
           f"the guest did not get there: {known['ends']}\n{known['text'][-3000:]}")
    outcome, pending, unbind, control, taint = known["verdicts"][number]
    expect(name in known["attacks"], f"there was no attack\n{log}")
    expect(control == "ok", f"the guest's other disk: {control}\n{log}")
    expect(wanted in (outcome, "any") and outcome not in ("wrong", "stays"),
           f"outcome {outcome}, not {wanted}\n{log}")
    expect(pending == "0", f"{pending} users of the device wait for ever\n{log}")
    expect(int(unbind) <= UNBIND_HUNDREDTHS, f"{int(unbind) / 100} s until the driver let go\n{log}")
    expect(words in log, f"the guest's log does not say {words!r}:\n{log}")
    expect(not COMPLAINT.search(log) and known["taint"] and taint == known["taint"][1],
           f"the guest's kernel complains (taint {taint}):\n{log}")


def make(number, row):
    @seconds(GUEST_SECONDS + 120)
    def test(machine):
        judge(run_all(machine), number, row)
    test.__doc__ = f"Villain, {row[0]} back-end: {row[4]}."
    return test


def define():
    """The rows of backends.def as functions of this module."""
    for number, row in enumerate(rows()):
        globals()[f"test_{number:03}_{row[1]}"] = make(number, row)


@seconds(GUEST_SECONDS + 120)
def test_zz_end(machine):
    """After all hostile back-ends their guests end as they should, and the neighbour noticed nothing."""
    known = run_all(machine)
    expect(known["ends"] == {"ended (shutdown)"}, f"{known['ends']}\n{known['text'][-3000:]}")
    expect(known["beside"] > 20 and not known["suffers"], f"{known['beside']} rounds beside them")
    left = guests.destroy_all(machine)
    expect(not any(left["root"].values()) and left["hypervisor"]["partitions"] == 1, left)


define()
