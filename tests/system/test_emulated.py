# SPDX-License-Identifier: GPL-2.0-only
"""Guests with emulated devices: Debian's stock kernel drives them with its own drivers, and
no module of ours is there."""

import base64
import json

from machine.testing import expect, seconds
from system import guests

FOLDER = guests.FOLDERS["generic"]
IMAGES = "/var/lib/paravane/images"
OUR_DRIVERS = "pvn_"
# Linux looks for an AGP bridge on every bus before a K8's aperture: 16,000 exits for nothing.
QUICK = "console=ttyS0 quiet panic=0 iommu=noaperture"


def config(name, **more):
    """A guest without any PV driver: serial console, IDE disks."""
    return {"name": name, "kernel": f"{FOLDER}/vmlinuz", "initrd": f"{FOLDER}/initrd-emulated.img",
            "memory": "384M", "console": {"model": "serial"}, **more}


def ide(image, **more):
    return {"image": image, "model": "ide", **more}


def type_line(machine, name, line):
    """Type a line on a guest's console."""
    socket = guests.listed(machine, name)["console"]
    done = machine.run(f"socat -u - UNIX-CONNECT:{socket}", data=line.encode() + b"\n")
    expect(done.status == 0, done.errors)


def run_job(machine, name, job, words="", limit=240, **more):
    """A guest that runs a shell text from its initrd and ends; what it printed."""
    encoded = base64.b64encode(job.encode()).decode()
    done = guests.start(machine, config(
        name, cmdline=f"{QUICK} {words} pvn.job64={encoded}", **more))
    expect(done.status == 0, done.errors)
    machine.run(f"pvn wait {name} --timeout {limit}", timeout=limit + 30)
    text = guests.console(machine, name)
    expect(guests.state(machine, name) == "ended (shutdown)",
           f"{guests.state(machine, name)}\n{text[-3000:]}")
    machine.run(f"pvn destroy {name}; rm -f /var/log/paravane/{name}.console.log")
    return text


@seconds(600)
def test_stock_system(machine):
    """Debian boots from an IDE disk to a login on a serial console, without a PV driver."""
    machine.run(f"cp --sparse=always {FOLDER}/root.img {IMAGES}/stock.img")
    done = guests.start(machine, config("stock", disks=[ide(f"{IMAGES}/stock.img")],
                                        cmdline="console=ttyS0 root=/dev/sda"))
    expect(done.status == 0, done.errors)
    guests.wait_for_text(machine, "stock", "guest login:", 240)
    type_line(machine, "stock", "root")
    guests.wait_for_text(machine, "stock", "root@guest", 60)
    type_line(machine, "stock", "lsmod; findmnt -n -o SOURCE /; cat /proc/interrupts; "
                                "echo traces=$(dmesg | grep -c 'Call Trace'); poweroff")
    machine.run("pvn wait stock --timeout 120", timeout=150)
    text = guests.console(machine, "stock")
    expect(guests.state(machine, "stock") == "ended (shutdown)", text[-3000:])
    expect("ata_piix" in text and "/dev/sda" in text and "ttyS0" in text, text[-4000:])
    expect(OUR_DRIVERS not in text, text[-4000:])
    expect("traces=0" in text, text[-4000:])
    machine.run("pvn destroy stock")


@seconds(400)
def test_one_after_the_other(machine):
    """What was written through the emulated disk is read through the PV disk, and back."""
    machine.run(f"truncate -s 64M {IMAGES}/both.img")
    text = run_job(machine, "both", "seq 1 300000 >/d; dd if=/d of=/dev/sda bs=64k conv=fsync; "
                                    "md5sum </d; dd if=/d of=/dev/sda bs=64k seek=512 conv=fsync",
                   disks=[ide(f"{IMAGES}/both.img")])
    expect("pvn.job: exit 0" in text, text)
    done = guests.create(machine, "pv", "seq 1 300000 >/d; n=$(stat -c %s /d); "
                         "head -c $n /dev/pvda | cmp - /d && echo same; "
                         "echo from-pv | dd of=/dev/pvda bs=512 conv=notrunc,fsync; exit 0",
                         flavour="generic", wait=True, memory="256M",
                         disks=[{"image": f"{IMAGES}/both.img"}])
    expect(done.status == 0 and "same" in guests.console(machine, "pv"),
           done.errors + guests.console(machine, "pv"))
    guests.destroy_all(machine)
    text = run_job(machine, "again", "head -c 7 /dev/sda; echo; echo 3 >/proc/sys/vm/drop_caches",
                   disks=[ide(f"{IMAGES}/both.img", read_only=True)])
    expect("from-pv" in text, text)
    machine.run(f"rm {IMAGES}/both.img")


@seconds(400)
def test_pio(machine):
    """Without DMA the same bytes go through string instructions on the data port."""
    machine.run(f"truncate -s 16M {IMAGES}/pio.img")
    text = run_job(machine, "pio", "seq 1 20000 >/d; dd if=/d of=/dev/sda bs=4k conv=fsync; "
                                   "echo 3 >/proc/sys/vm/drop_caches; n=$(stat -c %s /d); "
                                   "head -c $n /dev/sda | cmp - /d && echo same; "
                                   "cat /sys/class/ata_device/dev1.0/xfer_mode; dmesg | grep 'sda\\|ata1'",
                   words="libata.dma=0", disks=[ide(f"{IMAGES}/pio.img")])
    expect("same" in text and "XFER_PIO" in text, text)
    machine.run(f"rm {IMAGES}/pio.img")


CARDS = """\
for i in $(seq 100); do [ -e /sys/class/net/eth1 ] && break; sleep 0.2; done
ip link set lo up; ip addr add 10.9.0.2/24 dev eth0; ip link set eth0 up
ip addr add 10.0.2.15/24 dev eth1; ip link set eth1 up
readlink /sys/class/net/eth0/device/driver
ping -c 3 -i 0.2 10.9.0.1; ping -c 3 -i 0.2 -s 20000 10.9.0.1; ping -c 3 -i 0.2 10.0.2.2
seq 1 20000 >/d
for server in 10.9.0.1 10.0.2.2; do
    nc $server 5001 </d; nc $server 5002 | cmp - /d && echo same from $server
done
dmesg | grep -i e1000; exit 0
"""
PV_CARD = """\
for i in $(seq 50); do [ -e /sys/class/net/eth0 ] && break; sleep 0.2; done
ip addr add 10.9.0.2/24 dev eth0; ip link set eth0 up; ping -c 2 10.9.0.1; exit 0
"""
SERVERS = """\
seq 1 20000 >/tmp/d; >/tmp/arrived
timeout 300 socat -u TCP-LISTEN:5001,reuseaddr,fork SYSTEM:'cmp - /tmp/d && echo same >>/tmp/arrived' \
    >/dev/null 2>&1 &
echo $! >/tmp/servers
timeout 300 socat -U TCP-LISTEN:5002,reuseaddr,fork SYSTEM:'cat /tmp/d' >/dev/null 2>&1 &
echo $! >>/tmp/servers
"""


@seconds(400)
def test_cards(machine):
    """The stock driver carries frames over a tap that a PV interface had before, and over the
    user network: pings, large ones too, and TCP both ways."""
    done = machine.run("modprobe tun && ip tuntap add tap9 mode tap && ip addr add 10.9.0.1/24 dev tap9")
    expect(done.status == 0, done.errors)
    machine.run(SERVERS)
    done = guests.create(machine, "pv", PV_CARD, wait=True, memory="192M", nets=[{"tap": "tap9"}])
    expect(done.status == 0 and "2 packets received" in guests.console(machine, "pv"),
           done.errors + guests.console(machine, "pv"))
    guests.destroy_all(machine)
    text = run_job(machine, "cards", CARDS, limit=330,
                   nets=[{"tap": "tap9", "model": "e1000"}, {"model": "e1000"}])
    expect("drivers/e1000" in text and "Hardware Error" not in text and "Hang" not in text, text)
    # Frames may be lost on a busy computer, bytes of a connection may not; ping prints a line
    # twice when its alarm comes while the slow console takes it.
    expect(text.count("3 packets transmitted, ") >= 3 and ", 0 packets received" not in text, text)
    expect("same from 10.9.0.1" in text and "same from 10.0.2.2" in text, text)
    # The ports are free for the next test.
    arrived = machine.run("kill $(cat /tmp/servers); cat /tmp/arrived").output
    expect(arrived.count("same") == 2, arrived)
    machine.run("ip link del tap9; rm /tmp/servers /tmp/arrived /tmp/d")


@seconds(300)
def test_two_controllers_of_reset(machine):
    """The keyboard controller resets, and the clock of the board is right."""
    job = "date -u +%s; hwclock -u -r 2>&1; cat /sys/class/rtc/rtc0/since_epoch; " \
          "cat /sys/class/rtc/rtc0/name; reboot -f"
    done = machine.run("date -u +%s")
    begin = int(done.output)
    encoded = base64.b64encode(job.encode()).decode()
    done = guests.start(machine, config("reset", on_reboot="destroy",
                                        cmdline=f"{QUICK} reboot=k,force pvn.job64={encoded}"))
    expect(done.status == 0, done.errors)
    machine.run("pvn wait reset --timeout 120", timeout=150)
    text = guests.console(machine, "reset")
    expect(guests.state(machine, "reset") == "ended (reboot)", text[-3000:])
    expect("rtc_cmos" in text, text[-3000:])
    told = [int(word) for word in text.split() if word.isdigit() and len(word) == 10]
    expect(told and all(begin <= each < begin + 300 for each in told), f"{begin}: {told}")
    guests.destroy_all(machine)


@seconds(120)
def test_refusals(machine):
    """Models that do not exist, and more disks than two channels hold, are refused."""
    for disks in ([{"image": "/x", "model": "scsi"}], [ide("/x")] * 5):
        done = guests.start(machine, config("wrong", disks=disks))
        expect(done.status == 4 and "model" in done.errors, done.errors)
    expect(not json.loads(machine.run("pvn list --json").output), "a refused guest is listed")
