#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Verified I/O on /dev/pvdb by the fio of the disk /dev/pvda, over and over until
# the console gets the line "go", then once more. With fio.panic on the command
# line the kernel panics at "go" instead, while fio is at work.

cat >/rounds.fio <<END
[global]
filename=/dev/pvdb
direct=1
verify=crc32c
verify_fatal=1
thread=1
size=12m

[sequential]
ioengine=libaio
iodepth=4
rw=write
bs=64k
offset=0

[random]
ioengine=libaio
iodepth=16
rw=randwrite
bssplit=4k/40:16k/30:128k/30
offset=16m

[mixed]
ioengine=psync
rw=randrw
bs=4k
size=4m
offset=32m

[flushing]
ioengine=psync
rw=randwrite
bsrange=512-32k
blockalign=512
size=4m
fsync=16
offset=48m

[trimming]
ioengine=psync
rw=trimwrite
bs=64k
size=2m
offset=56m
END

# What discards and zeroes do is not fio's affair: zeroes must read as zeroes.
zeroes() {
	dd if=/dev/urandom of=/dev/pvdb bs=64k seek=960 count=16 oflag=direct 2>/dev/null &&
		chroot /newroot /usr/sbin/blkdiscard -z -o 62914560 -l 524288 /dev/pvdb &&
		chroot /newroot /usr/sbin/blkdiscard -o 63438848 -l 524288 /dev/pvdb &&
		[ "$(dd if=/dev/pvdb bs=64k skip=960 count=8 iflag=direct 2>/dev/null | tr -d '\000' | wc -c)" = 0 ]
}

round() {
	chroot /newroot /usr/bin/fio --output-format=terse /tmp/rounds.fio >/fio.log 2>&1 || {
		cat /fio.log
		echo "fio: error"
		exit 1
	}
	zeroes || {
		echo "fio: error: zeroes are none"
		exit 1
	}
	echo "fio: round verified"
}

until [ -b /dev/pvda ] && [ -b /dev/pvdb ]; do sleep 0.1; done
mount -t ext4 -o ro,noload /dev/pvda /newroot || exit 1
mount -t tmpfs tmpfs /newroot/tmp || exit 1
for each in dev proc sys; do mount --bind /$each /newroot/$each; done
cp /rounds.fio /newroot/tmp/
echo "fio: $(nproc) processors, $(blockdev --getsize64 /dev/pvdb) bytes"
round
if grep -qw fio.panic /proc/cmdline; then
	(read -r _ && echo 1 >/proc/sys/kernel/sysrq && echo c >/proc/sysrq-trigger) </dev/console &
else
	(read -r _ && : >/go) </dev/console &
fi
while [ ! -e /go ]; do round; done
round
echo "fio: done"
