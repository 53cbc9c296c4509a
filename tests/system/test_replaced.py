# SPDX-License-Identifier: GPL-2.0-only
"""What takes the place of something else in a guest: front-end modules of themselves, and a kernel of
a kernel."""

import base64

from machine.testing import expect, seconds
from system import guests

FOLDER = guests.FOLDERS["cloud"]

RELOAD = """
# Its name is there a moment before the disk can be opened.
can_read() { dd if=/dev/pvda of=/dev/null bs=512 count=1 2>/dev/null; }
fail() { load pvn_; wait_for; echo "failed: $*, $(cat /error)" >/dev/pvda; sync; poweroff -f; }
wait_for() { i=0; until can_read; do i=$((i + 1)); [ $i -lt 100 ] || return 1; sleep 0.1; done; }
same() { dd if=/dev/pvda bs=64k skip=16 count=16 iflag=direct 2>/error | cmp - /data >>/error 2>&1; }
load() { while read -r m; do case $m in *$1*) insmod /lib/modules/$m 2>>/error ;; esac; done </modules; }
wait_for
dd if=/dev/urandom of=/data bs=64k count=16 2>/dev/null
dd if=/data of=/dev/pvda bs=64k seek=16 oflag=direct 2>/dev/null
for round in 1 2 3 4 5; do
    rmmod pvn_blkfront 2>/error || fail "rmmod pvn_blkfront, round $round"
    [ ! -b /dev/pvda ] || fail "the disk stayed"
    load pvn_blkfront
    wait_for || poweroff -f
    same || fail "another content, round $round"
done
for round in 1 2 3; do
    for module in blkfront netfront consfront entropyfront bus; do
        rmmod pvn_$module 2>/error || fail "rmmod pvn_$module, round $round"
    done
    load pvn_
    wait_for || poweroff -f
    same || fail "another content after pvn_bus, round $round"
    [ -d /sys/class/net/eth0 ] || sleep 2
    [ -d /sys/class/net/eth0 ] || fail "no network interface, round $round"
done
echo "reloaded" >/dev/pvda
sync
"""

KEXEC = """
wait_for() { i=0; until [ -b /dev/pvdd ]; do i=$((i + 1)); [ $i -lt 100 ] || exit 90; sleep 0.1; done; }
sum() { dd if=/dev/pvdd bs=64k count=64 iflag=direct 2>/dev/null | md5sum | cut -c1-32; }
wait_for
lives=$(sed 's/.*lives=//;s/ .*//' /proc/cmdline)
echo "life $lives: $(sum)"
if [ "$lives" != 0 ]; then
    [ "$(sum)" = "$(sed 's/.*sum=//;s/ .*//' /proc/cmdline)" ] || exit 91
    i=0; until [ "$(cat /sys/class/net/eth0/carrier 2>/dev/null)" = 1 ]; do
        ip link set eth0 up; i=$((i + 1)); [ $i -lt 50 ] || exit 92; sleep 0.1; done
    echo "life $lives: disk and network are there, $(nproc) processors"
fi
[ "$lives" != 3 ] || exit 0
cat /dev/pvda >/kernel; cat /dev/pvdb >/initrd; cat /dev/pvdc >/kexec; chmod +x /kexec
dd if=/dev/urandom of=/dev/pvdd bs=64k count=64 oflag=direct 2>/dev/null
# Reads that are under way when the kernel goes.
(while :; do dd if=/dev/pvdd of=/dev/null bs=64k iflag=direct 2>/dev/null; done) &
words=$(sed "s/lives=$lives/lives=$((lives + 1))/;s/ sum=[0-9a-f]*//" /proc/cmdline)
/kexec /kernel /initrd "$words sum=$(sum)"
"""


@seconds(240)
def test_reload(machine):
    """A guest's front-end modules are unloaded and loaded again, and disk and network come back."""
    machine.run("truncate -s 8M /tmp/reload.img")
    # Without console=hvc0: a terminal that is open holds its module.
    job = base64.b64encode(RELOAD.encode()).decode()
    done = guests.start(machine, {
        "name": "reload", "kernel": f"{FOLDER}/vmlinuz", "initrd": f"{FOLDER}/initrd.img",
        "memory": "192M", "cmdline": f"panic=0 pvn.job64={job}",
        "disks": [{"image": "/tmp/reload.img"}], "nets": [{"type": "user"}]}, wait=True)
    text = machine.run("head -c 200 /tmp/reload.img | tr -d '\\000' | head -n 1").output
    log = machine.run("tail -n 30 /var/log/paravane/reload.log").output
    expect(done.status == 0 and text.startswith("reloaded"), f"{text}\n{done.errors}\n{log}")
    guests.destroy_all(machine)


@seconds(300)
def test_kexec(machine):
    """A guest starts a kernel in place of its own three times, and has disk, network and console again."""
    machine.run("cd /tmp; for f in vmlinuz initrd.img; do "
                f"dd if={FOLDER}/$f of=/tmp/kexec-$f bs=4096 conv=sync; done; "
                "dd if=/usr/libexec/paravane/machine/kexec_file of=/tmp/kexec-tool bs=4096 conv=sync; "
                "truncate -s 4M /tmp/kexec.img")
    disks = [{"image": f"/tmp/kexec-{name}", "read_only": True}
             for name in ("vmlinuz", "initrd.img", "tool")]
    done = guests.create(machine, "kexec", KEXEC, words="lives=0", vps=2, memory="512M",
                         disks=disks + [{"image": "/tmp/kexec.img"}], nets=[{"type": "user"}])
    expect(done.status == 0, done.errors)
    machine.run("pvn wait kexec --timeout 150", timeout=180)
    text = guests.console(machine, "kexec")
    log = machine.run("tail -n 40 /var/log/paravane/kexec.log").output
    expect("pvn.job: exit 0" in text, f"{text[-4000:]}\n{log}")
    for life in (1, 2, 3):
        expect(f"life {life}: disk and network are there, 2 processors" in text, f"{text[-4000:]}\n{log}")
    expect("starting another" not in log, log)
    guests.destroy_all(machine)
