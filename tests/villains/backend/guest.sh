#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What a guest does with its hostile back-ends: for each row of backends.def one line
#
#	villain NUMBER outcome=WORD pending=N unbind=HUNDREDTHS control=WORD taint=NUMBER
#
# and what its kernel said, line by line, as "log NUMBER ...". The test appends the rows.
# /dev/pvda is honest: reading its block of 4 KiB number 512 + NUMBER chooses the row.

mkdir -p /r /d /ref
# villains=TURN/OF: every OFth row, from TURN on.
turn=$(sed 's/.*villains=\([0-9]*\).*/\1/' /proc/cmdline)
of=$(sed 's/.*villains=[0-9]*\/\([0-9]*\).*/\1/' /proc/cmdline)

# Waits up to $1 tenths of a second for a condition, the rest of the words.
wait_for() {
	tenths=$1
	shift
	while ! eval "$*"; do
		[ "$tenths" -gt 0 ] || return 1
		tenths=$((tenths - 1))
		sleep 0.1
	done
}

count_ended() {
	count=0
	for each in /r/end*; do
		[ ! -e "$each" ] || count=$((count + 1))
	done
}

ended() { count_ended; [ $count = "$1" ]; }

has_size() { [ -b /dev/pvdb ] && [ -e /sys/block/pvdb/size ] && read -r size </sys/block/pvdb/size && [ "$size" -gt 0 ]; }

# Four readers at once, and somebody who has it open all the time.
use_blk() {
	wait_for $patience has_size || { outcome=none; return; }
	readers=4
	echo 1000 >/sys/block/pvdb/queue/io_timeout
	cat /sys/block/pvdb/serial /sys/block/pvdb/uuid /sys/block/pvdb/queue_counters >/d/texts
	(exec 9</dev/pvdb; wait_for 200 '[ -e /r/close ]') &
	for k in 0 1 2 3; do
		(dd if=/dev/pvdb of=/d/$k bs=4k skip=$((256 + k)) count=1 iflag=direct 2>/dev/null
		 echo $? >/r/end$k) &
	done
	if ! wait_for $patience ended 4; then
		outcome=wait
		return
	fi
	outcome=ok
	for k in 0 1 2 3; do
		read -r status </r/end$k
		[ "$status" = 0 ] || { outcome=error; continue; }
		cmp -s /d/$k /ref/$k || { outcome=wrong; break; }
	done
}

use_net() {
	wait_for $patience '[ -e /sys/bus/pvn/devices/net-0/net ]' || { outcome=none; return; }
	name=$(ls /sys/bus/pvn/devices/net-0/net)
	ip link set "$name" up
	ip addr add 10.9.9.2/24 dev "$name"
	outcome=error
	for try in 1 2 3 4; do
		ping -c 1 -W 1 10.9.9.1 >/dev/null 2>&1 || continue
		# The first one may have been answered before the attack was seen.
		ping -c 1 -W 1 10.9.9.1 >/dev/null 2>&1 && outcome=ok && break
	done
}

ask_console() {
	exec 3<>/dev/hvc1
	stty raw -echo <&3
	for try in $tries; do
		echo '?' >&3
		while read -t 1 word <&3; do
			case $word in *heard*) echo heard >/r/word; return ;; esac
		done
	done
}

use_console() {
	readers=1
	( (ask_console) 2>/dev/null; echo 0 >/r/end0) &
	wait_for 120 ended 1 || { outcome=wait; return; }
	outcome=error
	[ ! -e /r/word ] || outcome=ok
}

# More than the ring holds: the writer must not hang although nobody takes it.
after_output_never_taken() {
	readers=2
	(dd if=/dev/zero of=/dev/hvc1 bs=1k count=40 2>/dev/null; echo 0 >/r/end1) &
	wait_for 80 ended 2 || outcome=wait
}

after_device_vanishes_while_open() {
	wait_for 40 '[ ! -b /dev/pvdb ]' || outcome=stays
	echo >/r/close
	sleep 0.3
	wait_for 60 '[ -e /sys/bus/pvn/drivers/pvn_blkfront/blk-1 ]'
}

control() {
	dd if=/dev/pvda of=/d/control bs=4k skip=256 count=1 iflag=direct 2>/dev/null &&
		cmp -s /d/control /ref/0 && echo ok || echo bad
}

now() { read -r up _ </proc/uptime; up=${up%.*}${up#*.}; }

bind() { echo "$2" >"/sys/bus/pvn/drivers/pvn_$1/$3" 2>/dev/null; }

# Number, kind, name, wanted outcome.
row() {
	[ $(($1 % of)) = "$turn" ] || return
	case $2 in
	blk) driver=blkfront device=blk-1 ;;
	net) driver=netfront device=net-0 ;;
	console) driver=consfront device=console-1 ;;
	esac
	# What is to end is waited for; what is to wait has shown it sooner.
	readers=0 patience=150 tries='1 2 3 4 5 6 7 8'
	case $4 in
	wait | none | any) patience=15 ;;
	error) tries='1 2 3' ;;
	esac
	rm -f /r/* /d/*
	dmesg -c >/dev/null
	dd if=/dev/pvda of=/d/choice bs=4k skip=$((512 + $1)) count=1 iflag=direct 2>/dev/null
	bind $driver $device bind
	use_$2
	type "after_$3" >/dev/null 2>&1 && "after_$3"
	seen=$(control)
	# Whoever has it open lets go: what is to be unplugged then goes by itself.
	echo >/r/close
	now
	began=$up
	(bind $driver $device unbind; echo >/r/unbound) &
	wait_for 100 '[ -e /r/unbound ]' || seen=stuck
	now
	took=$((up - began))
	wait_for 30 ended $readers
	count_ended
	taint=$(cat /proc/sys/kernel/tainted)	# in one read, or it is its first digit
	dmesg -c | sed "s/^/log $1 /"
	echo "villain $1 outcome=$outcome pending=$((readers - count)) unbind=$took control=$seen taint=$taint"
	[ "$seen" != stuck ] || exit 1
}

wait_for 50 '[ -b /dev/pvda ]'
echo 0 >/sys/block/pvda/queue/read_ahead_kb
for k in 0 1 2 3; do
	dd if=/dev/pvda of=/ref/$k bs=4k skip=$((256 + k)) count=1 iflag=direct 2>/dev/null
done
wait_for 50 '[ -b /dev/pvdb ]'
sleep 0.3
bind blkfront blk-1 unbind
bind netfront net-0 unbind
bind consfront console-1 unbind
echo "villain ready taint=$(cat /proc/sys/kernel/tainted)"
