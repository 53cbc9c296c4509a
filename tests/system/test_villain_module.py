# SPDX-License-Identifier: GPL-2.0-only
"""The hostile front-end as a Linux module (frontend/villain): every attack it has."""

import re

from machine import cpio, kernels, paths
from machine.testing import boot, expect, seconds
from system import guests

MODULE = "pvn_villainfront.ko"
JOB = """\
#!/bin/sh
driver=/sys/bus/pvn/drivers
until [ -b /dev/pvdb ]; do sleep 0.1; done
sleep 0.2
dd if=/dev/pvda of=/first bs=64k count=1 iflag=direct 2>/dev/null
echo blk-1 >$driver/pvn_blkfront/unbind
insmod /villain.ko
echo blk-1 >$driver/pvn_villainfront/unbind
names=$(cat /sys/module/pvn_villainfront/parameters/attacks)
for name in $names; do
    dmesg -c >/dev/null
    echo $name >/sys/module/pvn_villainfront/parameters/attack
    echo blk-1 >$driver/pvn_villainfront/bind
    n=0
    until dmesg | grep -q "attack $name:" || [ $n = 50 ]; do n=$((n + 1)); sleep 0.1; done
    dmesg | grep -o "attack $name:.*" || echo "attack $name: no word"
    echo blk-1 >$driver/pvn_villainfront/unbind
done
echo blk-1 >$driver/pvn_blkfront/bind
until [ -b /dev/pvdb ]; do sleep 0.1; done
dd if=/dev/pvdb of=/second bs=64k count=1 iflag=direct 2>/dev/null && echo "served again"
dd if=/dev/pvda bs=64k count=1 iflag=direct 2>/dev/null | cmp - /first && echo "other disk as it was"
"""


@boot()
@seconds(180)
def test_module(machine):
    """A hostile front-end that is a Linux module gets from pvn-blkd what it deserves."""
    extra = paths.STAGE / "usr/lib/modules" / kernels.find("cloud").release / "extra"
    archive = cpio.Archive()
    archive.file("villain.ko", (extra / MODULE).read_bytes())
    archive.file("job", JOB.encode(), 0o755)
    folder = guests.FOLDERS["cloud"]
    machine.run(f"truncate -s 4M /tmp/vm-a.img /tmp/vm-b.img; cat {folder}/initrd.img - "
                ">/tmp/vm.initrd", data=archive.bytes())
    done = guests.start(machine, {
        "name": "module", "kernel": f"{folder}/vmlinuz", "initrd": "/tmp/vm.initrd",
        "cmdline": "console=hvc0 quiet loglevel=1", "memory": "192M",
        "disks": [{"image": "/tmp/vm-a.img"}, {"image": "/tmp/vm-b.img"}]})
    expect(done.status == 0, done.errors)
    guests.wait_for(machine, "pvn list | grep -q 'module.*ended'", 120)
    text = guests.console(machine, "module").replace("\r", "")
    verdicts = re.findall(r"^attack (\w+): (.*)$", text, re.MULTILINE)
    wrong = [verdict for verdict in verdicts if not verdict[1].endswith("as it should be")]
    expect(len(verdicts) >= 20 and not wrong, f"{wrong}\n{text[-3000:]}")
    expect("served again" in text and "other disk as it was" in text, text[-2000:])
    log = machine.run("cat /var/log/paravane/module.log").output
    expect(not re.search(r"back-end \d+ (killed|ended)", log), log)
    expect(log.count("is broken (reason") >= 5, log)
    guests.destroy_all(machine)
