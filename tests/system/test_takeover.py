# SPDX-License-Identifier: GPL-2.0-only
"""What a pvn-blkd that a guest has taken over cannot do, tried from inside of it; and what each
process that a guest talks to has at all."""

import re

from machine.testing import expect, seconds
from system import guests

LIBRARY = "/usr/libexec/paravane/machine/takeover.so"
FIRST_ID = 1879048192
ATTEMPTS = 60       # at the least: takeover.c says how many there are
ATTEMPTS_OF_WORKER = 27
# What is left to the processes that start back-ends: linux/capability.h has the numbers.
SUPERVISORS = sum(1 << number for number in (
    0,      # CHOWN
    1,      # DAC_OVERRIDE
    3,      # FOWNER
    5,      # KILL
    6, 7, 8,    # SETGID, SETUID, SETPCAP
    12,     # NET_ADMIN
    14,     # IPC_LOCK
    18,     # SYS_CHROOT
    21,     # SYS_ADMIN
    23))    # SYS_NICE
# What a back-end of a disk may have open; its image comes with the test.
ALLOWED = r"/dev/null|/var/log/paravane/taken\.log|/memfd:paravane-guest \(deleted\)|" \
    r"anon_inode:\[(eventfd|eventpoll|io_uring)\]|socket:\[\d+\]|pipe:\[\d+\]|" \
    r"/backends/blk-\d+-0|/tmp/taken\.img"
# What answers a guest without emulated devices; the socket is the one to its worker, the pipe
# both ends of its event loop's.
ALLOWED_WORKER = r"/dev/null|/var/log/paravane/\w+\.log|anon_inode:paravane-(partition|vp)|" \
    r"anon_inode:\[eventpoll\]|socket:\[\d+\]|pipe:\[\d+\]"


def make(machine, name, job, environment=""):
    """A guest with a disk of its own; its number and its worker's process."""
    machine.run(f"truncate -s 8M /tmp/{name}.img")
    done = guests.create(machine, name, job, environment=environment,
                         disks=[{"image": f"/tmp/{name}.img"}])
    expect(done.status == 0, done.errors)
    state = guests.listed(machine, name)
    return state["id"], state["pid"]


def processes(machine, name):
    """Of each process of a guest that it talks to: name, number, status."""
    done = machine.run("for p in $(pgrep -x 'pvn-(blkd|consoled|netd|worker-vps)'); do "
                       "echo \"process: $p\"; cat /proc/$p/status; done")
    found = []
    for text in done.output.split("process: ")[1:]:
        fields = dict(re.findall(r"^(\w+):[ \t]*(.*)$", text, re.MULTILINE))
        found.append((fields["Name"], int(text.split()[0]), fields))
    expect(found, f"{name} has no processes")
    return found


def attempts_of_worker(log):
    """How many things its three processes tried, in vain."""
    total = 0
    for who in ("pvn-worker", "pvn-worker-run", "pvn-worker-vps"):
        count = re.search(rf"^{who}: takeover: all (\d+)", log, re.MULTILINE)
        verdicts = re.findall(rf"^{who}: takeover: (\w+): (\w+)", log, re.MULTILINE)
        done = [name for name, verdict in verdicts if verdict != "refused"]
        expect(not done, f"{who} could: {', '.join(done)}")
        expect(count and len(verdicts) >= int(count[1]) >= ATTEMPTS_OF_WORKER, f"{who}: {log}")
        total += int(count[1])
    return total


@seconds(240)
def test_takeover(machine):
    """A pvn-blkd that has been taken over reaches its own guest and its own image, and nothing else."""
    other, pid = make(machine, "other", "echo up; while :; do dd if=/dev/pvda of=/dev/null bs=64k "
                      "iflag=direct 2>/dev/null; echo round; sleep 0.2; done")
    guests.wait_for_text(machine, "other", "round")
    log = "/var/log/paravane/taken.log"
    environment = f"PVN_TAKEOVER='{other} {pid} other /tmp/other.img' LD_PRELOAD={LIBRARY}"
    make(machine, "taken", "dd if=/dev/zero of=/dev/pvda bs=64k count=16 oflag=direct && echo wrote; "
         "sleep 1000", environment)
    guests.wait_for(machine, f"grep -q '^takeover: all' {log}", 60)
    text = machine.run(f"cat {log}").output
    count = int(re.search(r"^takeover: all (\d+)", text, re.MULTILINE)[1])
    verdicts = re.findall(r"^takeover: (\w+): (\w+)", text, re.MULTILINE)
    done = [name for name, verdict in verdicts if verdict != "refused"]
    expect(not done, f"it could: {', '.join(done)}")
    expect(len(verdicts) >= count >= ATTEMPTS, f"{len(verdicts)} verdicts of {count}")
    count += attempts_of_worker(text)
    guests.wait_for_text(machine, "taken", "wrote")
    blkd = machine.run("for p in $(pgrep -x pvn-blkd); do grep -qz taken /proc/$p/cmdline && echo $p; "
                       "done").output.split()
    expect(len(blkd) == 1, f"{blkd} serve its disk")
    fds = machine.run(f"cd /proc/{blkd[0]}/fd && for f in *; do readlink $f; done").output.splitlines()
    odd = [fd for fd in fds if not re.search(f"^.*({ALLOWED})$", fd)]
    expect(not odd and len(fds) > 5, f"it has {odd} open, of {fds}")
    before = guests.console(machine, "other").count("round")
    guests.wait_for(machine, f"[ $(grep -c round /var/log/paravane/other.console.log) -gt {before + 2} ]")
    print(f"{count} attempts, all refused")
    guests.destroy_all(machine)


@seconds(240)
def test_processes(machine):
    """Each process that a guest talks to is a user of its own in namespaces of its own, without rights."""
    make(machine, "one", "echo up; sleep 1000")
    make(machine, "two", "echo up; sleep 1000")
    for name in ("one", "two"):
        guests.wait_for_text(machine, name, "up")
    users = {}
    for program, pid, fields in processes(machine, "one"):
        if program == "pvn-consoled" and fields["Uid"].split()[0] == "0":
            continue        # the one that renames its log's files, no guest speaks to it
        uid = int(fields["Uid"].split()[0])
        expect(len(set(fields["Uid"].split())) == 1 and uid > FIRST_ID, f"{program}: {fields['Uid']}")
        expect(fields["Gid"].split() == [str(uid)] * 4, f"{program}: {fields['Gid']}")
        expect(fields["Groups"].split() == [str(FIRST_ID)], f"{program}: {fields['Groups']}")
        expect(uid not in users, f"{program} is the same user as {users.get(uid)}")
        users[uid] = program
        found = {key: fields[key] for key in ("CapEff", "CapPrm", "CapBnd", "CapAmb", "CapInh",
                                              "NoNewPrivs", "Seccomp")}
        expect(found == {**{key: "0" * 16 for key in found}, "NoNewPrivs": "1", "Seccomp": "2"},
               f"{program}: {found}")
        for kind in ("mnt", "net", "ipc", "uts"):
            done = machine.run(f"readlink /proc/self/ns/{kind} /proc/{pid}/ns/{kind}")
            expect(len(set(done.output.split())) == 2, f"{program} has the root's {kind}")
        seen = machine.run(f"ls -A /proc/{pid}/root").output.split()
        expect(seen in ([], ["run"]), f"{program} sees {seen}")
        expect(program == "pvn-worker-vps" or fields["NSpid"].split()[-1] == "1",
               f"{program}: {fields['NSpid']}")
        if program == "pvn-worker-vps":
            done = machine.run(f"cd /proc/{pid}/fd && for f in *; do readlink $f; done")
            odd = [fd for fd in done.output.splitlines() if not re.search(f"^.*({ALLOWED_WORKER})$", fd)]
            pipes = set(re.findall("pipe:.*", done.output))
            expect(not odd and done.output.count("socket:") == 1 and len(pipes) == 1, done.output)
    expect(len(users) == 6, users)
    for program in ("pvn-worker", "pvn-worker-run"):
        done = machine.run(f"cd /proc/$(pgrep -o -x {program}); cat status; "
                           "readlink ns/ipc ns/uts /proc/1/ns/ipc /proc/1/ns/uts")
        fields = dict(re.findall(r"^(\w+):[ \t]*(.*)$", done.output, re.MULTILINE))
        found = {key: int(fields[key], 16) for key in ("CapEff", "CapPrm", "CapBnd", "CapAmb", "CapInh")}
        expect(found == {"CapEff": SUPERVISORS, "CapPrm": SUPERVISORS, "CapBnd": SUPERVISORS,
                         "CapAmb": 0, "CapInh": 0}, f"{program}: {found}")
        expect(fields["NoNewPrivs"] == "1" and fields["Seccomp"] == "2", f"{program}: {fields}")
        expect(len(set(re.findall(r"^\w+:\[\d+\]$", done.output, re.MULTILINE))) == 4, done.output)
    stored = machine.run("grep -E '^(Uid|CapEff|NoNewPrivs|Seccomp):' "
                         "/proc/$(cat /run/paravane/store/pvn-stored.pid)/status").output.split()
    expect(stored[1] == str(FIRST_ID + 1) and "0" * 16 in stored, stored)
    guests.destroy_all(machine)
