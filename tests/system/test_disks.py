# SPDX-License-Identifier: GPL-2.0-only
"""Disks of guests: what they offer, that they come and go, and what is left of them when
back-ends are killed, servers vanish and file systems are full."""

import json
import os

from machine.testing import boot, expect, seconds
from system import guests
from system.test_guests import IMAGES, create_with_job, type_line, wait_for_end

# PARAVANE_KILLS=1000 makes it long: one kill every two seconds.
KILLS = int(os.environ.get("PARAVANE_KILLS", "8"))


def run(machine, command, timeout=60):
    """A command in the root that must succeed; its output."""
    done = machine.run(command, timeout=timeout)
    expect(done.status == 0, f"{command}: {done.output}{done.errors}")
    return done.output


def log(machine, name):
    return machine.run(f"cat /var/log/paravane/{name}.log").output


def create(machine, name, job, disks, finish=False):
    """A guest whose job begins when all its disks are there."""
    last = f"/dev/pvd{'abcdef'[len(disks) - 1]}"
    job = f"i=0; until [ -b {last} ]; do sleep 0.1; i=$((i + 1)); [ $i -lt 300 ] || " \
          f"exit 99; done; {job}"
    done = guests.create(machine, name, job, disks=disks, wait=finish)
    expect(finish or done.status == 0, done.errors)


def wait(machine, name, text, limit=60):
    """Waits for a text on the console, and shows what there is if it does not come."""
    done = machine.run(f"for i in $(seq {limit}); do grep -q '{text}' "
                       f"/var/log/paravane/{name}.console.log && exit; "
                       f"grep -q 'pvn.job: exit' /var/log/paravane/{name}.console.log && exit 2; "
                       "sleep 1; done; exit 1", timeout=limit * 2 + 30)
    expect(done.status == 0, f"no \"{text}\" within {limit} s:\n"
           f"{guests.console(machine, name)[-3000:]}\n{log(machine, name)[-2000:]}")


@seconds(300 + 6 * KILLS)
def test_killed(machine):
    """Verified I/O of mixed sizes, flushes and discards goes on while back-ends are killed."""
    run(machine, f"truncate -s 64M {IMAGES}/killed.img")
    create_with_job(machine, "killed", "fio.sh", vps=2, memory="256M",
                    disks=[{"image": f"{guests.FOLDERS['cloud']}/root.img", "read_only": True},
                           {"image": f"{IMAGES}/killed.img"}])
    wait(machine, "killed", "fio: .* processors", 120)
    machine.run(f"for i in $(seq {KILLS}); do sleep 2; kill -9 $(pgrep -x pvn-blkd); done",
                timeout=60 + 6 * KILLS)
    type_line(machine, "killed", "go")
    wait_for_end(machine, "killed", "shutdown", 250)
    text = guests.console(machine, "killed")
    expect("fio: done" in text and "fio: error" not in text, text[-3000:])
    deaths = log(machine, "killed").count("killed by signal 9")
    expect(deaths >= 2 * KILLS - 2, f"{deaths} back-ends were killed:\n{log(machine, 'killed')}")
    rounds = text.count("round verified")
    print(f"{deaths} back-ends killed, {rounds} rounds verified")
    guests.destroy_all(machine)
    machine.run(f"rm {IMAGES}/killed.img")


ATTRIBUTES = "serial uuid ro size queue/logical_block_size queue/physical_block_size " \
    "queue/max_hw_sectors_kb queue/max_segments queue/discard_max_bytes " \
    "queue/discard_granularity queue/write_zeroes_max_bytes queue/fua queue/write_cache"


def attributes(machine, name, disk):
    """What the guest's /sys said of a disk, by a line for each."""
    rows = [row.strip().split(":", 2) for row in guests.console(machine, name).splitlines()
            if row.startswith(f"{disk}:")]
    return {row[1]: row[2].strip() for row in rows}


@boot()
def test_attributes(machine):
    """A guest's sysfs shows what its disks are."""
    uuid = "01234567-89ab-cdef-0123-456789abcdef"
    run(machine, f"truncate -s 8M {IMAGES}/attributes.img")
    job = f"for d in pvda pvdb; do for a in {ATTRIBUTES}; do " \
          "echo $d:$a:$(cat /sys/block/$d/$a); done; done"
    create(machine, "attributes", job, finish=True, disks=[
        {"image": f"{IMAGES}/attributes.img", "serial": "S-123", "uuid": uuid},
        {"image": f"{guests.FOLDERS['cloud']}/root.img", "read_only": True, "sector_size": 4096}])
    first, second = (attributes(machine, "attributes", disk) for disk in ("pvda", "pvdb"))
    expect(first["serial"] == "S-123" and first["uuid"] == uuid, first)
    expect(first["size"] == "16384" and first["ro"] == "0", first)
    expect(first["queue/logical_block_size"] == "512", first)
    expect(first["queue/max_hw_sectors_kb"] == "1024", first)
    expect(first["queue/max_segments"] == "256", first)
    expect(int(first["queue/discard_max_bytes"]) >= 1 << 20, first)
    expect(int(first["queue/write_zeroes_max_bytes"]) >= 1 << 20, first)
    expect(first["queue/fua"] == "1" and first["queue/write_cache"] == "write back", first)
    expect(second["ro"] == "1" and second["queue/logical_block_size"] == "4096", second)
    expect(second["queue/discard_max_bytes"] == "0" and second["serial"] == "", second)
    guests.destroy_all(machine)


@boot()
def test_attach(machine):
    """Disks come, grow and go while a guest runs, and an attached one survives a reboot."""
    run(machine, f"truncate -s 8M {IMAGES}/come.img; truncate -s 8M {IMAGES}/first.img")
    job = "echo up; echo disks: $(ls /sys/block); while :; do " \
          "echo sizes: $(cat /sys/block/pvdb/size 2>/dev/null || echo none); sleep 0.5; " \
          "[ \"$(cat /sys/block/pvdb/size 2>/dev/null)\" != 65536 ] || " \
          "[ -e /tmp/held ] || { mkdir -p /tmp; touch /tmp/held; sleep 6 </dev/pvdb & }; done"
    create(machine, "attach", job, [{"image": f"{IMAGES}/first.img"}])
    wait(machine, "attach", "sizes: none")
    attach = f"pvn attach attach disk image={IMAGES}/come.img serial=come"
    expect(run(machine, attach).strip() == "pvdb", "it has another name")
    wait(machine, "attach", "sizes: 16384")
    refused = machine.run(attach)
    expect(refused.status == 4 and "in use" in refused.errors, refused.errors)
    run(machine, "pvn shutdown attach --reboot")
    guests.wait_for(machine, '[ "$(pvn info attach --json | jq .boots)" -ge 2 ]')
    wait(machine, "attach", "disks: pvda pvdb")
    expect("33554432" in run(machine, "pvn resize attach pvdb 32M"), "it has another size")
    wait(machine, "attach", "sizes: 65536")
    early = machine.run("pvn detach attach pvdb --timeout 1")
    expect(early.status == 5 and "let go" in early.errors, early.errors)
    run(machine, "pvn detach attach pvdb --timeout 30")
    names = [disk["device"] for disk in guests.listed(machine, "attach")["disks"]]
    expect(names == ["pvda"], names)
    run(machine, "pvn attach attach disk null=1G")
    run(machine, "pvn detach attach pvdb --force")
    unknown = machine.run("pvn detach attach pvdz")
    expect(unknown.status == 3, unknown.errors)
    guests.destroy_all(machine)


@boot()
def test_missing_backend(machine):
    """A disk whose server is not there delays a boot by less than two seconds, and is named."""
    job = "echo up: $(cut -d' ' -f1 /proc/uptime); sleep 3"
    seen = []
    for disks in ([], [{"nbd": "nbd+unix:///?socket=/run/nobody"}]):
        guests.create(machine, "missing", job, wait=True, disks=disks)
        text = guests.console(machine, "missing")
        seen.append(float(text.split("up: ")[1].split()[0]))
    expect(seen[1] - seen[0] < 2, f"up after {seen[0]} s without, {seen[1]} s with it")
    expect("/backend/blk/" in text and "is not there" in text, text)
    expect("/run/nobody" in log(machine, "missing"), log(machine, "missing"))
    guests.destroy_all(machine)


@boot()
def test_module_reload(machine):
    """The front-end's module can be unloaded and loaded again; the disk is the same."""
    run(machine, f"truncate -s 8M {IMAGES}/reload.img")
    job = "dd if=/dev/urandom of=/dev/pvda bs=1M count=4 oflag=direct 2>/dev/null; " \
          "a=$(dd if=/dev/pvda bs=1M count=4 2>/dev/null | md5sum); n=0; " \
          "while [ $n -lt 3 ]; do rmmod pvn_blkfront || exit 1; [ ! -e /dev/pvda ] || exit 2; " \
          "insmod /lib/modules/pvn_blkfront.ko || exit 3; i=0; " \
          "until [ -b /dev/pvda ]; do sleep 0.1; i=$((i + 1)); [ $i -lt 100 ] || exit 4; done; " \
          "n=$((n + 1)); done; b=$(dd if=/dev/pvda bs=1M count=4 2>/dev/null | md5sum); " \
          "[ \"$a\" = \"$b\" ] && echo same"
    create(machine, "reload", job, [{"image": f"{IMAGES}/reload.img"}], finish=True)
    text = guests.console(machine, "reload")
    expect("same" in text, f"{text[-2000:]}\n{log(machine, 'reload')}")
    guests.destroy_all(machine)


@boot()
def test_qcow2(machine):
    """A qcow2 image is a disk through qemu-nbd, also when that is killed and comes back."""
    serve = "qemu-nbd -f qcow2 -k /run/q.sock -t --fork --pid-file /run/q.pid /tmp/q.qcow2"
    run(machine, f"qemu-img create -q -f qcow2 /tmp/q.qcow2 64M && {serve}")
    job = "dd if=/dev/urandom of=/tmp/a bs=1M count=4 2>/dev/null || " \
          "{ mkdir -p /tmp; dd if=/dev/urandom of=/tmp/a bs=1M count=4 2>/dev/null; }; " \
          "dd if=/tmp/a of=/dev/pvda bs=256k seek=8 oflag=direct conv=fsync 2>/dev/null; " \
          "echo written; n=0; while [ $n -lt 10 ]; do n=$((n + 1)); sleep 0.5; " \
          "dd if=/dev/pvda of=/tmp/b bs=256k skip=8 count=16 iflag=direct 2>/dev/null && " \
          "cmp /tmp/a /tmp/b || echo wrong; done; md5sum </tmp/a"
    create(machine, "qcow2", job, [{"nbd": "nbd+unix:///?socket=/run/q.sock"}])
    wait(machine, "qcow2", "written")
    run(machine, f"kill -9 $(cat /run/q.pid); rm -f /run/q.sock; sleep 1.5; {serve}")
    wait_for_end(machine, "qcow2", "shutdown", 100)
    text = guests.console(machine, "qcow2")
    expect("wrong" not in text, text[-2000:])
    expect("connected" in log(machine, "qcow2"), log(machine, "qcow2"))
    told = text.split("  -")[0].split()[-1]
    run(machine, "kill $(cat /run/q.pid); sleep 0.5; qemu-img check -q /tmp/q.qcow2 && "
                 "qemu-img convert -O raw /tmp/q.qcow2 /tmp/q.raw")
    kept = run(machine, "dd if=/tmp/q.raw bs=1M skip=2 count=4 2>/dev/null | md5sum").split()[0]
    expect(kept == told, f"{kept}, and the guest wrote {told}")
    guests.destroy_all(machine)


@boot()
def test_bad_luck(machine):
    """A full file system, a server's errors, one that vanishes and an image that shrinks are the guest's
    I/O errors, the log says why, and another guest goes on."""
    run(machine, "truncate -s 8M /tmp/well.img; nbdkit -P /run/gone.pid -U /run/gone.sock memory 16M")
    create(machine, "well", "while dd if=/dev/urandom of=/sent bs=64k count=16 2>/dev/null && "
           "dd if=/sent of=/dev/pvda bs=64k oflag=direct 2>/dev/null && "
           "dd if=/dev/pvda bs=64k count=16 iflag=direct 2>/dev/null | cmp - /sent; do "
           "echo well; sleep 0.2; done; echo not well", [{"image": "/tmp/well.img"}])
    wait(machine, "well", "well")
    run(machine, "mkdir -p /tmp/full; mount -t tmpfs -o size=2M tmpfs /tmp/full; "
                 "truncate -s 16M /tmp/full/full.img; truncate -s 16M /tmp/shrink.img; "
                 "nbdkit -U /run/bad.sock --filter=error memory 16M error-pwrite=EIO error-pwrite-rate=100%")
    job = "mkdir -p /tmp; try() { dd $* bs=4k 2>/tmp/e && echo $1 $2 fine || echo $1 $2 failed; }; " \
          "try of=/dev/pvda if=/dev/zero count=256 oflag=direct; " \
          "try of=/dev/pvda if=/dev/zero count=2048 seek=256 oflag=direct; " \
          "try if=/dev/pvda of=/dev/null count=256 iflag=direct; " \
          "try of=/dev/pvdb if=/dev/zero count=4 oflag=direct; " \
          "try if=/dev/pvdb of=/dev/null count=4 iflag=direct; " \
          "try if=/dev/pvdd of=/dev/null count=4 iflag=direct; " \
          "echo shrink; read go; " \
          "try if=/dev/pvdc of=/dev/null count=4 skip=2048 iflag=direct; " \
          "try if=/dev/pvdc of=/dev/null count=4 iflag=direct; " \
          "try if=/dev/pvdd of=/dev/null count=4 skip=8 iflag=direct; sleep 2"
    create(machine, "bad", job, [{"image": "/tmp/full/full.img"},
                                 {"nbd": "nbd+unix:///?socket=/run/bad.sock"},
                                 {"image": "/tmp/shrink.img"},
                                 {"nbd": "nbd+unix:///?socket=/run/gone.sock", "retry_seconds": 1}])
    wait(machine, "bad", "shrink")
    rounds = guests.console(machine, "well").count("well")
    run(machine, "truncate -s 1M /tmp/shrink.img; kill -9 $(cat /run/gone.pid); rm /run/gone.sock")
    type_line(machine, "bad", "go")
    wait_for_end(machine, "bad", "shutdown", 60)
    words = [row.strip().replace("/dev/", "") for row in guests.console(machine, "bad").splitlines()
             if row.strip().endswith((" fine", " failed"))]
    expect(words == ["of=pvda if=zero fine", "of=pvda if=zero failed", "if=pvda of=null fine",
                     "of=pvdb if=zero failed", "if=pvdb of=null fine", "if=pvdd of=null fine",
                     "if=pvdc of=null failed", "if=pvdc of=null fine", "if=pvdd of=null failed"],
           f"{words}\n{log(machine, 'bad')}")
    why = log(machine, "bad")
    expect("No space left on device" in why and why.count("Input/output error") >= 2, why)
    expect("no server for 1 s" in why, why)
    guests.wait_for(machine, f"[ $(grep -c well /var/log/paravane/well.console.log) -gt {rounds + 5} ]")
    expect("not well" not in guests.console(machine, "well"), guests.console(machine, "well")[-500:])
    guests.destroy_all(machine)
    machine.run("umount /tmp/full; pkill nbdkit; rm /tmp/shrink.img /tmp/well.img")


@boot()
def test_limits(machine):
    """A disk's limits hold: 200 requests a second are not more."""
    job = "read a _ </proc/uptime; dd if=/dev/pvda of=/dev/null bs=4k count=600 iflag=direct " \
          "2>/dev/null; read b _ </proc/uptime; echo took: $a $b"
    create(machine, "limits", job, [{"null": "64M", "limits": {"iops": 200, "iops_burst": 20}}],
           finish=True)
    text = guests.console(machine, "limits")
    begin, end = (float(word) for word in text.split("took: ")[1].split()[:2])
    expect(end - begin > 2.7, f"600 requests took {end - begin} s")
    guests.destroy_all(machine)


@boot()
def test_ring(machine):
    """pvn ring counts what a guest did."""
    run(machine, f"truncate -s 8M {IMAGES}/ring.img")
    create(machine, "ring", "dd if=/dev/zero of=/dev/pvda bs=4k count=100 oflag=direct; "
           "echo written; sleep 20", [{"image": f"{IMAGES}/ring.img"}])
    wait(machine, "ring", "written")
    queue = json.loads(run(machine, "pvn ring ring --json"))["blk-0"][0]
    expect(queue["bytes_written"] == 409600, queue)
    expect(queue["submitted"] == queue["completed"] >= 100 and not queue["failed"], queue)
    guests.destroy_all(machine)
