# SPDX-License-Identifier: GPL-2.0-only
"""Bad input and violent ends: a clear error, and nothing lost."""

from machine.testing import boot, expect, seconds
from system import guests

KERNEL = "/usr/share/paravane/guest/vmlinuz"


def _refused(machine, code, words, **config):
    """pvn create ends with this code and these words, and leaves nothing."""
    base = {"name": "bad", "kernel": KERNEL, "memory": "128M"}
    done = guests.start(machine, {**base, **config})
    expect(done.status == code and words in done.errors, f"{done.status}: {done.errors}")
    left = guests.census(machine)["root"]
    expect(not any(left.values()) and not guests.listed(machine, "bad"), left)


@boot()
def test_kernel(machine):
    """A kernel that is no bzImage is refused."""
    _refused(machine, 1, "no bzImage", kernel="/bin/true")


@boot()
def test_initrd(machine):
    """A truncated initrd is refused."""
    machine.run("head -c 100000 /usr/share/paravane/guest/initrd.img >/tmp/half.img")
    _refused(machine, 1, "initrd is truncated", initrd="/tmp/half.img")


@boot()
def test_memory(machine):
    """More memory than the root can give is refused with numbers."""
    _refused(machine, 4, "MiB are available", memory="64G")


@boot()
def test_key(machine):
    """An unknown key is refused with the nearest known one."""
    _refused(machine, 4, 'did you mean "vps"?', vpus=2)


@boot()
def test_images(machine):
    """Missing, read-only and odd-sized images are refused."""
    machine.run("truncate -s 1M /tmp/ro.img; chmod 444 /tmp/ro.img; truncate -s 1000 /tmp/odd.img")
    _refused(machine, 1, "cannot be opened", disks=[{"image": "/tmp/gone.img"}])
    _refused(machine, 4, "read-only", disks=[{"image": "/tmp/ro.img"}])
    _refused(machine, 1, "bad size", disks=[{"image": "/tmp/odd.img"}])


@boot()
def test_in_use(machine):
    """A name or an image in use is refused, naming by whom."""
    machine.run("truncate -s 1M /tmp/disk.img")
    disks = [{"image": "/tmp/disk.img"}]
    guests.create(machine, "first", "sleep 1000", disks=disks)
    again = guests.create(machine, "first", "sleep 1000")
    expect(again.status == 4 and '"first" is in use' in again.errors, again.errors)
    other = guests.create(machine, "second", "sleep 1000", disks=disks)
    expect(other.status == 4 and 'the guest "first"' in other.errors, other.errors)
    guests.destroy_all(machine)


def _running(machine, name, **config):
    guests.create(machine, name, "echo up; sleep 1000", **config)
    guests.wait_for_text(machine, name, "up")


@boot()
def test_worker_killed(machine):
    """A worker killed with SIGKILL leaves no partition, no pinned page, no process."""
    _running(machine, "victim", vps=2)
    machine.run("kill -9 $(pvn info victim --json | jq .pid); sleep 1")
    expect(guests.state(machine, "victim") == "ended (killed)", guests.state(machine, "victim"))
    left = guests.census(machine)
    expect(not any(left["root"].values()) and left["hypervisor"]["partitions"] == 1, left)
    processes = machine.run("pgrep -l 'pvn-(worker|blkd|consoled)'").output
    expect(not processes, processes)
    guests.destroy_all(machine)
    expect(guests.create(machine, "victim", "true", wait=True).status == 0, "it is lost for ever")
    guests.destroy_all(machine)


@boot()
def test_runner_killed(machine):
    """A guest whose run dies from SIGKILL is cleaned up by its worker."""
    _running(machine, "run")
    machine.run("pkill -9 -x pvn-worker-run; sleep 1")
    expect(guests.state(machine, "run") == "ended (killed)", guests.state(machine, "run"))
    left = guests.destroy_all(machine)
    expect(not any(left["root"].values()), left)


@boot()
def test_answerer_killed(machine):
    """A guest whose intercepts nobody answers any more ends, with the reason in its log."""
    _running(machine, "mute")
    machine.run("pkill -9 -x pvn-worker-vps; sleep 1")
    expect(guests.state(machine, "mute") == "ended (error)", guests.state(machine, "mute"))
    log = machine.run("cat /var/log/paravane/mute.log").output
    expect("the process that answers the guest died of signal 9" in log, log)
    left = guests.destroy_all(machine)
    expect(not any(left["root"].values()), left)


@boot()
@seconds(240)
def test_backends_killed(machine):
    """Back-ends killed under load are started again, and no byte is lost."""
    machine.run("truncate -s 64M /tmp/load.img")
    job = ("dd if=/dev/urandom of=/dev/pvda bs=64k count=512 2>/dev/null; sync; "
           "echo written: $(sha256sum </dev/pvda)")
    guests.create(machine, "load", "echo up; sleep 2; " + job, vps=2,
                  disks=[{"image": "/tmp/load.img"}])
    guests.wait_for_text(machine, "load", "up")
    machine.run("for i in 1 2 3; do sleep 1; pkill -9 -x pvn-blkd; pkill -9 -x pvn-consoled; done")
    guests.wait_for_text(machine, "load", "written: ", 100)
    told = guests.console(machine, "load").split("written: ")[1].split()[0]
    machine.run("pvn wait load --timeout 30", timeout=60)
    real = machine.run("sha256sum </tmp/load.img").output.split()[0]
    expect(told == real, f"the guest says {told}, the image has {real}")
    guests.destroy_all(machine)
