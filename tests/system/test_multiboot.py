# SPDX-License-Identifier: GPL-2.0-only
"""Guests that are no Linux: a multiboot 1 payload (pv-guest/testguest/multiboot) with test devices."""

from machine.testing import expect, seconds
from system import guests

FOLDER = "/usr/share/paravane/testguest"


def run_payload(machine, form, **more):
    """One run of the payload; its text and the detail of its end."""
    config = {"name": f"payload-{form}", "kernel": f"{FOLDER}/payload.{form}",
              "initrd": "/run/module", "cmdline": "one two", "memory": "32M", "vps": 2,
              "console": {"model": "serial"}, "test_devices": True, **more}
    machine.run("printf VALUE=7 >/run/module")
    done = guests.start(machine, config)
    expect(done.status == 0, done.errors)
    machine.run(f"pvn wait payload-{form} --timeout 60", timeout=90)
    text = guests.console(machine, f"payload-{form}")
    detail = guests.listed(machine, f"payload-{form}")["detail"]
    machine.run(f"pvn destroy payload-{form}; rm -f /var/log/paravane/payload-*.console.log")
    return text, detail


def check(text, detail):
    lines = text.splitlines()
    expect("done" in lines and len([row for row in lines if row.startswith("ok ")]) == 16,
           f"{detail}\n{text}")
    expect("not ok" not in text and detail == "by the guest, with exit code 0",
           f"{detail}\n{text}")


@seconds(150)
def test_elf(machine):
    """A multiboot ELF payload runs with test devices: boot information, xAPIC, SynIC routes."""
    check(*run_payload(machine, "elf"))


@seconds(150)
def test_flat(machine):
    """A multiboot payload whose header has address fields does, too, linked below 1 MiB."""
    check(*run_payload(machine, "flat"))


@seconds(150)
def test_refusals(machine):
    """Payloads that are truncated, or too large for the guest, are refused with the reason."""
    machine.run(f"head -c 5000 {FOLDER}/payload.elf >/run/short.elf")
    config = {"name": "bad", "kernel": "/run/short.elf", "memory": "32M"}
    done = guests.start(machine, config)
    expect(done.status != 0 and "truncated" in done.errors, done.errors)
    done = guests.start(machine, {**config, "kernel": f"{FOLDER}/payload.elf",
                                  "test_devices": "yes"})
    expect(done.status != 0 and "test_devices" in done.errors, done.errors)
    machine.run("truncate -s 30M /run/module")
    done = guests.start(machine, {**config, "kernel": f"{FOLDER}/payload.elf",
                                  "initrd": "/run/module"})
    expect(done.status != 0 and "too little" in done.errors, done.errors)
    expect(guests.listed(machine, "bad") is None, "a refused guest is listed")
    guests.destroy_all(machine)
