# SPDX-License-Identifier: GPL-2.0-only
"""A guest's network over a tap."""

from machine.testing import boot, expect
from system import guests

WAIT_FOR_ETH0 = """\
for i in $(seq 50); do [ -e /sys/class/net/eth0 ] && break; sleep 0.2; done
ip link set lo up; ip link set eth0 up
"""
GUEST = WAIT_FOR_ETH0 + "ip addr add 10.9.0.2/24 dev eth0\n"


def _start(machine, name, job, **net):
    done = guests.create(machine, name, job, nets=[net], memory="256M")
    expect(done.status == 0, done.errors)
    if net.get("type") != "user":
        machine.run("ip addr add 10.9.0.1/24 dev $(pvn info %s --json | jq -r '.nets[0].tap')" % name)


def _end(machine, name):
    guests.wait_for(machine, f"pvn list | grep -q '{name}.*ended'", 90)
    text = guests.console(machine, name)
    left = guests.destroy_all(machine)
    expect(not any(left["root"].values()), left)
    return text


@boot()
def test_ping(machine):
    """A guest reaches the root over a tap, with small packets and with large ones."""
    _start(machine, "ping", GUEST + "ping -c 3 -i 0.2 10.9.0.1; ping -c 3 -i 0.2 -s 20000 10.9.0.1; "
           "cat /sys/class/net/eth0/address /sys/class/net/eth0/mtu",
           mac="02:00:5e:10:20:30", mtu=9000, type="tap")
    text = _end(machine, "ping")
    expect(text.count("3 packets transmitted, 3 packets received") == 2, text)
    expect("02:00:5e:10:20:30" in text and "\n9000" in text.replace("\r", ""), text)


@boot()
def test_refused(machine):
    """A tap that cannot be had is refused with words before the guest runs."""
    done = guests.create(machine, "none", "true", nets=[{"bridge": "nowhere0"}])
    expect(done.status == 1 and "no bridge of that name" in done.errors, done.errors)
    done = guests.create(machine, "none", "true", nets=[{"bridge": "br0", "type": "user"}])
    expect(done.status == 4 and '"bridge"' in done.errors, done.errors)
    expect(guests.state(machine, "none") == "unknown", guests.state(machine, "none"))
