# SPDX-License-Identifier: GPL-2.0-only
"""A guest's network: over a tap, over the user network, while its back-end is killed, and
interfaces that come and go."""

import json
import os

from machine.testing import boot, expect, seconds
from system import guests

# PARAVANE_NET_MIB=4096 makes it long: so much each way, with a kill every five seconds.
MIB = int(os.environ.get("PARAVANE_NET_MIB", "256"))
PAUSE = 5 if MIB > 1024 else 1.5

WAIT_FOR_ETH0 = """\
for i in $(seq 50); do [ -e /sys/class/net/eth0 ] && break; sleep 0.2; done
ip link set lo up; ip link set eth0 up
"""
GUEST = WAIT_FOR_ETH0 + "ip addr add 10.9.0.2/24 dev eth0\n"

# Debian's programs of the guest's userland, by the name `debian`.
DEBIAN = """\
until [ -b /dev/pvda ]; do sleep 0.1; done
mount -t ext4 -o ro,noload /dev/pvda /newroot
for d in dev proc sys; do mount --bind /$d /newroot/$d; done
debian() { chroot /newroot "$@"; }
"""
USERLAND = [{"image": "/var/lib/paravane/images/guest/root.img", "read_only": True}]


def run(machine, command, timeout=60):
    """A command in the root that must succeed; its output."""
    done = machine.run(command, timeout=timeout)
    expect(done.status == 0, f"{command}: {done.output}{done.errors}")
    return done.output


def _address(machine, name, number=0, subnet=9):
    tap = json.loads(run(machine, f"pvn info {name} --json"))["nets"][number]["tap"]
    run(machine, f"ip addr add 10.{subnet}.0.1/24 dev {tap}")
    return tap


def _start(machine, name, job, net, **config):
    config = {"memory": "256M", **config}
    done = guests.create(machine, name, job, nets=[net], **config)
    expect(done.status == 0, done.errors)
    return None if net.get("type") == "user" else _address(machine, name)


def _end(machine, name, limit=90):
    """Console and log of a guest that powers itself off; nothing of it is left."""
    guests.wait_for(machine, f"pvn list | grep -q '{name}.*ended'", limit)
    text = guests.console(machine, name).replace("\r", "")
    log = machine.run(f"cat /var/log/paravane/{name}.log").output
    left = guests.destroy_all(machine)
    expect(not any(left["root"].values()), left)
    return text, log


SIZE = 8000000

# The text is a part of the kernel's command line, so it is short. Frames that go out are counted
# when the back-end has taken them; bash, because busybox's nc writes too little at a time.
OFFLOADS = GUEST + DEBIAN + f"""\
ping -c 3 -i 0.2 -s 20000 10.9.0.1
echo mac $(cat /sys/class/net/eth0/address) mtu $(cat /sys/class/net/eth0/mtu)
debian ethtool -k eth0 | sed 's/^[[:space:]]*/can /'
debian ethtool -l eth0 | grep Combined
debian ethtool eth0 | grep Link
sent() {{ sleep 0.5; cat /sys/class/net/eth0/statistics/tx_packets; }}
came() {{ cat /sys/class/net/eth0/statistics/rx_packets; }}
to_ip() {{ awk '/^Ip: [0-9]/ {{ print $4 }}' /proc/net/snmp; }}
blocks() {{ debian ethtool -S eth0 | awk '/rx_blocks/ {{ n += $2 }} END {{ print n }}'; }}
head -c {SIZE} /dev/urandom >/file
echo sum out: $(md5sum </file)
transfer() {{
    before=$(sent)
    debian bash -c 'cat >/dev/tcp/10.9.0.1/5001' </file
    echo "$1 out" $(({SIZE} / ($(sent) - before)))
    frames=$(came) packets=$(to_ip)
    debian bash -c 'cat </dev/tcp/10.9.0.1/5002' >/back
    echo "$1 back" $(($(came) - frames)) $(($(to_ip) - packets)) $(blocks)
    echo sum back: $(md5sum </back)
}}
transfer whole
debian ethtool -K eth0 tso off gso off
transfer cut
debian ethtool -K eth0 tx off
transfer summed
echo job-waits; sleep 3
transfer joined
"""


def _column(text, word):
    rows = [row.split() for row in text.splitlines() if row.startswith(word + " ")]
    expect(len(rows) == 1, f"not one line \"{word}\":\n{text}")
    return rows[0]


def _check_features(text):
    expect("3 packets transmitted, 3 packets received" in text, text)
    expect("mac 02:00:5e:10:20:30 mtu 9000" in text, text)
    for feature in ("tx-checksumming", "scatter-gather", "tcp-segmentation-offload",
                    "tx-tcp6-segmentation", "generic-receive-offload", "rx-checksumming"):
        expect(f"can {feature}: on" in text, f"no {feature}:\n{text}")
    expect(text.count("Combined:\t2") == 2 and "Link detected: yes" in text, text)


@boot()
@seconds(240)
def test_offloads(machine):
    """What ethtool says of a guest's interface over a tap is so: frames of up to 64 KiB go
    whole, both ways, checksums are filled in by who has to, and GRO joins what was cut.
    Whole frames lie in blocks of pages, others in single ones."""
    run(machine, f"rm -f /tmp/sums; head -c {SIZE} /dev/urandom >/tmp/source; "
        "(socat -u TCP-LISTEN:5001,reuseaddr,fork SYSTEM:'md5sum >>/tmp/sums') >/dev/null 2>&1 & "
        "echo $! >/tmp/sink.pid; "
        "(socat -b 131072 -U TCP-LISTEN:5002,reuseaddr,fork SYSTEM:'cat /tmp/source') >/dev/null 2>&1 & "
        "echo $! >>/tmp/sink.pid")
    tap = _start(machine, "offload", OFFLOADS,
                 {"mac": "02:00:5e:10:20:30", "mtu": 9000, "type": "tap"},
                 vps=2, disks=USERLAND)
    guests.wait_for_text(machine, "offload", "job-waits", 120)
    run(machine, f"ip link set {tap} mtu 1500; ethtool -K {tap} tso off gso off")
    text, _ = _end(machine, "offload")
    sums = run(machine, "kill $(cat /tmp/sink.pid); cut -d' ' -f1 /tmp/sums; "
               "md5sum </tmp/source | cut -d' ' -f1; rm /tmp/source").split()
    _check_features(text)
    expect(sums[:4] == 4 * [_column(text, "sum out:")[2]], f"{sums}\n{text}")
    expect(text.count(f"sum back: {sums[4]}") == 4, f"{sums}\n{text}")
    # Bytes of a frame that went out; frames that came in, and what IP saw of them.
    whole, cut, summed = (int(_column(text, f"{word} out")[2])
                          for word in ("whole", "cut", "summed"))
    expect(whole > 10000 and 4000 < cut <= 9000 and 4000 < summed <= 9000, text)
    frames, _, blocks = (int(word) for word in _column(text, "whole back")[2:])
    expect(frames < SIZE / 10000, f"{frames} frames came:\n{text}")
    expect(blocks > SIZE / 32768, f"{blocks} blocks:\n{text}")
    before = int(_column(text, "summed back")[4])
    frames, packets, blocks = (int(word) for word in _column(text, "joined back")[2:])
    expect(frames > SIZE / 1500 and packets < frames * 0.8,
           f"{packets} packets of {frames} frames:\n{text}")
    # Only what two queues had been offered when the first of them came, and a little more.
    expect(blocks - before < frames / 4, f"{blocks - before} blocks for {frames} frames:\n{text}")


BLOCK = 16 << 20

# One block again and again, compared byte by byte at both ends: sums cost the guest more than the
# network does. What follows the last one is counted.
KILLED = GUEST + DEBIAN + f"""\
mount -t tmpfs tmpfs /newroot/tmp
debian bash -c 'cat </dev/tcp/10.9.0.1/5003' >/newroot/tmp/block
cat >/newroot/tmp/down <<'S'
exec 3</dev/tcp/10.9.0.1/5001
for i in $(seq {MIB >> 4}); do cmp -n {BLOCK} - /tmp/block <&3 || exit 1; done
cat <&3 | wc -c
S
cat >/newroot/tmp/up <<'S'
exec 3>/dev/tcp/10.9.0.1/5002
for i in $(seq {MIB >> 4}); do cat /tmp/block >&3 || exit 1; done
S
echo job-waits
debian bash /tmp/down >/down 2>&1 &
debian bash /tmp/up 2>/up || echo wrong >>/up
wait
echo finished: $(cat /down) $(cat /sys/class/net/eth0/carrier_down_count) $(cat /up)
"""

# SIGKILL for each pvn-netd.
KILL = "kill -9 $(pgrep -x pvn-netd)"


@boot()
@seconds(300 + MIB)
def test_killed(machine):
    """Data go both ways over TCP, and are right, while pvn-netd is killed again and again."""
    run(machine, f"head -c {BLOCK} /dev/urandom >/tmp/block; "
        "socat -u FILE:/tmp/block TCP-LISTEN:5003,reuseaddr >/dev/null 2>&1 & "
        f"(for i in $(seq {MIB >> 4}); do cat /tmp/block; done | "
        "socat -b 131072 -u - TCP-LISTEN:5001,reuseaddr) >/dev/null 2>&1 & "
        "socat -b 131072 -u TCP-LISTEN:5002,reuseaddr - 2>/dev/null | "
        f"(for i in $(seq {MIB >> 4}); do cmp -n {BLOCK} - /tmp/block || exit 1; done; wc -c) "
        ">/tmp/up 2>&1 &")
    _start(machine, "tcp", KILLED, {"type": "tap"}, disks=USERLAND)
    guests.wait_for_text(machine, "tcp", "job-waits")
    kills = run(machine, "n=0; until grep -q finished /var/log/paravane/tcp.console.log || "
                f"[ $n = {20 + MIB} ]; do sleep {PAUSE}; {KILL} && n=$((n+1)); done; echo $n",
                200 + MIB)
    text, log = _end(machine, "tcp")
    up = run(machine, "sleep 1; cat /tmp/up; rm /tmp/up /tmp/block")
    finished = _column(text, "finished:")
    # Behind the last byte of either way there is nothing; the link goes down once at the most.
    expect(up == "0\n" and finished[1] == "0" and finished[2:] in (["0"], ["1"]), f"{up} {finished}")
    deaths = log.count("killed by signal 9")
    expect(deaths >= 2 and int(kills) >= 2, f"{kills} kills, {deaths} deaths\n{log}")
    print(f"{MIB} MiB each way, pvn-netd killed {deaths} times")


@boot()
def test_user(machine):
    """The user network gives an address, a way to the root and ports into the guest."""
    run(machine, "(echo from the root | socat -u - TCP-LISTEN:5003,bind=127.0.0.1,reuseaddr) "
        ">/dev/null 2>&1 & head -c 4000000 /dev/urandom >/tmp/user; "
        "(socat -u FILE:/tmp/user TCP-LISTEN:5005,bind=127.0.0.1,reuseaddr; "
        "socat -u TCP-LISTEN:5006,bind=127.0.0.1,reuseaddr CREATE:/tmp/user2) >/dev/null 2>&1 &")
    job = WAIT_FOR_ETH0 + """\
cat >/lease <<'S'
#!/bin/sh
[ "$1" = bound ] && ip addr add $ip/24 dev $interface && ip route add default via $router
exit 0
S
chmod +x /lease
udhcpc -i eth0 -n -q -s /lease
echo got: $(nc 10.0.2.2 5003 </dev/null)
nc 10.0.2.2 5005 </dev/null >/file
echo sum: $(md5sum </file)
nc 10.0.2.2 5006 </file
echo into the guest | nc -l -p 80
"""
    _start(machine, "user", job, {"type": "user", "forward": ["tcp:8080:80"]})
    guests.wait_for_text(machine, "user", "got: from the root")
    guests.wait_for_text(machine, "user", "sum: ")
    # The back-end takes a connection before the guest listens, and ends it then.
    done = machine.run("for i in $(seq 60); do text=$(socat -u TCP:127.0.0.1:8080 -); "
                       "[ -z \"$text\" ] || break; sleep 0.3; done; echo $text")
    expect(done.output == "into the guest\n", done.output + done.errors)
    text, _ = _end(machine, "user")
    down, up = (row.split()[0] for row in run(machine, "md5sum /tmp/user /tmp/user2; "
                                              "rm /tmp/user /tmp/user2").splitlines())
    expect(f"sum: {down}" in text and up == down, f"{down} {up}:\n{text}")


@boot()
@seconds(180)
def test_hot(machine):
    """Limits and the plug of a running guest's interface change when pvn net says so, a tap
    that was removed comes back, and the driver can be loaded anew."""
    job = GUEST + """\
ping -c 1 10.9.0.1 >/dev/null; echo job-waits
plug() { while [ "$(cat /sys/class/net/eth0/carrier)" != $1 ]; do sleep 0.1; done; echo plug $2; }
plug 0 out; plug 1 in
until head -c 3000000 /dev/zero | nc 10.9.0.1 5004; do sleep 0.2; done
echo sent; plug 0 lost; plug 1 found
until ping -c 1 -W 1 10.9.0.1 >/dev/null; do :; done; echo pong
rmmod pvn_netfront || echo stays; insmod /lib/modules/pvn_netfront.ko
""" + GUEST + "ping -c 2 -i 0.2 10.9.0.1\n"
    tap = _start(machine, "hot", job, {"type": "tap"})
    guests.wait_for_text(machine, "hot", "job-waits")
    expect("link down" in run(machine, "pvn net hot link=down"), "the link is not down")
    guests.wait_for_text(machine, "hot", "plug out")
    expect('"tx-bytes": 1048576' in
           run(machine, "pvn net hot net0 link=up tx-bytes=1M tx-burst=100K --json"), "no limit")
    count, ms = (int(word) for word in run(
        machine, "a=$(date +%s%N); socat -u TCP-LISTEN:5004,reuseaddr - | wc -c; "
        "b=$(date +%s%N); echo $(((b - a) / 1000000))", timeout=100).split())
    # 3 MB at 1 MiB a second, less what was saved up.
    expect(count == 3000000 and ms > 2300, f"{count} bytes in {ms} ms")
    for words, why in (("0 rx-bytes=fast", "no such value"), ("../x", "no interface")):
        done = machine.run(f"pvn net hot {words}")
        expect(done.status == 2 and why in done.errors, done.errors)
    guests.wait_for_text(machine, "hot", "sent")
    run(machine, f"ip link del {tap}")
    guests.wait_for_text(machine, "hot", "plug lost")
    guests.wait_for_text(machine, "hot", "plug found")
    _address(machine, "hot")
    text, log = _end(machine, "hot")
    expect("pong" in text and "2 packets transmitted, 2 packets received" in text and
           "stays" not in text, text)
    expect("is gone" in log and "is there again" in log, log)


@boot()
@seconds(180)
def test_attach(machine):
    """Interfaces come and go while a guest runs, and an attached one survives a reboot."""
    job = GUEST + """\
names() { echo $(ls /sys/class/net); }
for i in $(seq 400); do
    [ "$(names)" = "$old" ] || { old=$(names); echo now: $old; }
    [ -e /sys/class/net/eth1 ] && [ ! -e /up ] && { touch /up
        echo mtu $(cat /sys/class/net/eth1/mtu)
        ip addr add 10.8.0.2/24 dev eth1; ip link set eth1 up
        until ping -c 1 -W 1 10.8.0.1 >/dev/null; do :; done; echo pong; }
    [ ! -e /up ] || [ -e /sys/class/net/eth1 ] || { rm /up; echo left; }
    sleep 0.1
done
"""
    _start(machine, "attach", job, {"type": "tap"})
    guests.wait_for_text(machine, "attach", "now: eth0 lo")
    name = run(machine, "pvn attach attach net type=tap mtu=4000 mac=02:00:5e:00:00:09").strip()
    expect(name == "net1", f"it is called {name}")
    _address(machine, "attach", 1, 8)
    guests.wait_for_text(machine, "attach", "pong")
    run(machine, "pvn shutdown attach --reboot")
    guests.wait_for(machine, '[ "$(pvn info attach --json | jq .boots)" -ge 2 ]')
    tap = _address(machine, "attach", 1, 8)     # a new one
    guests.wait_for(machine, "[ $(grep -c pong /var/log/paravane/attach.console.log) = 2 ]")
    run(machine, "pvn detach attach net1 --timeout 30")
    guests.wait_for_text(machine, "attach", "left")
    nets = json.loads(run(machine, "pvn info attach --json"))["nets"]
    expect([net["device"] for net in nets] == ["net0"], nets)
    expect(machine.run(f"ip link show {tap}").status, f"{tap} is still there")
    expect(run(machine, "pvn attach attach net type=user").strip() == "net1", "another name")
    run(machine, "pvn detach attach net1 --force")
    for words, status, why in (("attach attach net bridge=nowhere0", 1, "no bridge"),
                               ("attach attach net queue=1", 4, "queue"),
                               ("attach attach card key=value", 4, "kind"),
                               ("resize attach net0", 4, "no disk"),
                               ("detach attach net1", 3, "no device")):
        done = machine.run(f"pvn {words}")
        expect(done.status == status and why in done.errors, f"{words}: {done.status} {done.errors}")
    text = guests.console(machine, "attach")
    expect("mtu 4000" in text, text)
    left = guests.destroy_all(machine)
    expect(not any(left["root"].values()), left)


@boot()
def test_refused(machine):
    """A tap that cannot be had is refused with words before the guest runs."""
    done = guests.create(machine, "none", "true", nets=[{"bridge": "nowhere0"}])
    expect(done.status == 1 and "no bridge of that name" in done.errors, done.errors)
    done = guests.create(machine, "none", "true", nets=[{"bridge": "br0", "type": "user"}])
    expect(done.status == 4 and '"bridge"' in done.errors, done.errors)
    expect(guests.state(machine, "none") == "unknown", guests.state(machine, "none"))
