# SPDX-License-Identifier: GPL-2.0-only
"""Guests for system tests: made from the root's files, without a disk unless asked for."""

import base64
import json

from machine.testing import expect

FOLDERS = {"cloud": "/usr/share/paravane/guest", "generic": "/usr/share/paravane/guest-generic"}


def create(machine, name, job, *, flavour="cloud", words="", wait=False, environment="",
           **config):
    """`pvn create` of a guest that runs a shell text and powers itself off; the finished run."""
    folder = FOLDERS[flavour]
    encoded = base64.b64encode(job.encode()).decode()
    config = {"name": name, "kernel": f"{folder}/vmlinuz", "initrd": f"{folder}/initrd.img",
              "memory": "192M", "cmdline": f"console=hvc0 panic=0 {words} pvn.job64={encoded}",
              **config}
    return start(machine, config, wait=wait, environment=environment)


def start(machine, config, wait=False, environment=""):
    """`pvn create` of a configuration as it is."""
    name = config.get("name", "unnamed")
    text = base64.b64encode(json.dumps(config).encode()).decode()
    return machine.run(f"echo {text} | base64 -d >/tmp/{name}.json && "
                       f"{environment} pvn create /tmp/{name}.json{' --wait' if wait else ''}", timeout=100)


def listed(machine, name):
    """The guest's entry in `pvn list --json`, or None."""
    states = json.loads(machine.run("pvn list --json").output)
    return next((state for state in states if state["name"] == name), None)


def state(machine, name):
    """State and reason, as people see them: "ended (panic)"."""
    found = listed(machine, name)
    if not found:
        return "unknown"
    return found["state"] + (f" ({found['reason']})" if found["reason"] else "")


def console(machine, name):
    """What the guest printed so far."""
    return machine.run(f"cat /var/log/paravane/{name}.console.log").output


def wait_for(machine, condition, seconds=60):
    """Waits until a shell command succeeds in the root."""
    done = machine.run(f"for i in $(seq {seconds * 5}); do {condition} && exit; sleep 0.2; done; "
                       "exit 1", timeout=seconds * 2 + 30)
    expect(done.status == 0, f"not within {seconds} s: {condition}")


def wait_for_text(machine, name, text, seconds=60):
    """Waits until the guest has printed a text."""
    wait_for(machine, f"grep -q '{text}' /var/log/paravane/{name}.console.log 2>/dev/null",
             seconds)


def census(machine):
    """`pvn census --json`."""
    return json.loads(machine.run("pvn census --json").output)


def destroy_all(machine):
    """No guest is left; says how the hypervisor and the root's driver are then."""
    expect(machine.run("pvn destroy --all").status == 0, "pvn destroy --all fails")
    return census(machine)
