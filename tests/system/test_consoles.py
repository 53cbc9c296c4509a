# SPDX-License-Identifier: GPL-2.0-only
"""Consoles of guests: several of them, logs that become old ones, and the first words."""

from machine.testing import boot, expect
from system import guests

LOGS = "/var/log/paravane"


@boot()
def test_several(machine):
    """A guest with two consoles reads and writes both, each with its log."""
    job = "until [ -e /dev/hvc1 ]; do sleep 0.1; done; echo second console >/dev/hvc1; " \
          "read word </dev/hvc1; echo heard $word"
    guests.create(machine, "several", job, console={"count": 2})
    guests.wait_for(machine, f"grep -q 'second console' {LOGS}/several.console.hvc1.log")
    done = machine.run("echo hello | timeout 5 pvn console several --number 1")
    expect("second console" in done.output, done.output + done.errors)
    guests.wait_for(machine, "pvn list | grep -q 'several.*ended (shutdown)'")
    text = guests.console(machine, "several")
    expect("heard hello" in text and "second console" not in text, text)
    wrong = machine.run("pvn console several --number 2")
    expect(wrong.status == 2, wrong.errors)
    guests.destroy_all(machine)


@boot()
def test_old_logs(machine):
    """A console's log becomes an old one when it is large enough, and few are kept."""
    job = "i=0; while [ $i -lt 3000 ]; do echo line $i of the log that grows and grows; " \
          "i=$((i + 1)); done"
    guests.create(machine, "old", job, wait=True,
                  console={"log_bytes": 32768, "log_files": 2, "log": "/tmp/old.log"})
    files = machine.run("cd /tmp; ls old.log*").output.split()
    expect(files == ["old.log", "old.log.1", "old.log.2"], files)
    sizes = [int(size) for size in machine.run("stat -c %s /tmp/old.log*").output.split()]
    expect(all(size < 65536 for size in sizes), sizes)
    expect("line 2999" in machine.run("cat /tmp/old.log").output, "the end is missing")
    guests.destroy_all(machine)
    machine.run("rm /tmp/old.log*")


@boot()
def test_early(machine):
    """A kernel that dies before its console driver is loaded has said why."""
    folder = guests.FOLDERS["cloud"]
    # Nobody tells the parent of this panic: that is done by a module that is not there.
    guests.start(machine, {"name": "early", "kernel": f"{folder}/vmlinuz", "memory": "192M",
                           "cmdline": "earlyprintk=serial,0xe9 console=hvc0 root=/dev/none loglevel=6",
                           "debug_port": True})
    guests.wait_for_text(machine, "early", "Kernel panic - not syncing: VFS")
    text = guests.console(machine, "early")
    expect("Linux version" in text, text[-2000:])
    guests.destroy_all(machine)
