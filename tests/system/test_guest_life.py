# SPDX-License-Identifier: GPL-2.0-only
"""Guests from their start to each of their ends."""

from machine.testing import boot, expect, seconds
from system import guests


def _ends(machine, name, job, how, **config):
    """A guest with this job ends like this; leaves nothing behind."""
    done = guests.create(machine, name, job, wait=True, **config)
    expect(guests.state(machine, name) == f"ended ({how})",
           f"{guests.state(machine, name)}\n{done.errors}\n{guests.console(machine, name)}")
    log = machine.run(f"cat /var/log/paravane/{name}.log").output
    expect(f"ended: {how}" in log, log)
    left = guests.destroy_all(machine)
    expect(not any(left["root"].values()), left)
    return done


@boot()
def test_shutdown(machine):
    """A guest that powers off ends as shutdown, and pvn create --wait with 0."""
    done = _ends(machine, "off", "echo hello from $(nproc)", "shutdown", vps=2)
    expect(done.status == 0, f"status {done.status}")
    text = guests.console(machine, "off")
    expect("hello from 2" in text, text)


@boot()
def test_reboot_destroy(machine):
    """A guest that reboots ends when its configuration says so."""
    _ends(machine, "once", "reboot -f", "reboot", on_reboot="destroy")


@boot()
def test_reboot_restart(machine):
    """A guest that reboots is started again under the same name."""
    guests.create(machine, "again", "sleep 1; reboot -f")
    guests.wait_for(machine, '[ "$(pvn info again --json | jq .boots)" -ge 2 ]')
    expect(guests.listed(machine, "again")["id"] == 1, "it has another number")
    guests.destroy_all(machine)


@boot()
def test_panic(machine):
    """A panic ends the guest with the kernel's message in its log."""
    done = _ends(machine, "panic", "echo c >/proc/sysrq-trigger", "panic", vps=2)
    expect(done.status == 1, f"status {done.status}")
    log = machine.run("cat /var/log/paravane/panic.log").output
    expect("Kernel panic - not syncing: sysrq triggered crash" in log, log)


@boot()
def test_panic_preserved(machine):
    """A crashed guest can be kept until it is destroyed."""
    guests.create(machine, "kept", "echo c >/proc/sysrq-trigger", on_crash="preserve")
    guests.wait_for(machine, "pvn list | grep -q 'kept.*crashed (panic)'")
    expect(guests.census(machine)["root"]["partitions"] == 1, "the partition is gone")
    left = guests.destroy_all(machine)
    expect(not any(left["root"].values()), left)


@boot()
def test_triple_fault(machine):
    """A triple fault ends the guest as such."""
    _ends(machine, "triple", "reboot -f", "triple fault", words="reboot=t")


@boot()
def test_halt(machine):
    """A guest whose processors all halt for ever has ended."""
    _ends(machine, "halt", "halt -f", "halted", vps=2)


@boot()
def test_pvn_shutdown(machine):
    """pvn shutdown reaches the guest through the store."""
    guests.create(machine, "asked", "echo up; sleep 1000")
    guests.wait_for_text(machine, "asked", "up")
    done = machine.run("pvn shutdown asked --wait --timeout 40", timeout=60)
    expect(done.status == 0, done.errors)
    expect(guests.state(machine, "asked") == "ended (shutdown)", guests.state(machine, "asked"))


@boot()
def test_clock(machine):
    """A guest's wall clock is right."""
    guests.create(machine, "clock", "echo now: $(date +%s)", wait=True)
    text = guests.console(machine, "clock")
    now = int(machine.run("date +%s").output)
    told = int(text.split("now: ")[1].split()[0])
    expect(abs(now - told) < 60, f"{told}, and it is {now}")
