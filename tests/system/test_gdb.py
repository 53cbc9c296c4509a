# SPDX-License-Identifier: GPL-2.0-only
"""The hypervisor's debugger, and Debian's gdb at the other end of its line."""

import io
import re
import subprocess

from machine import machine as machines, paths, qemu
from machine.testing import expect, own_machine, seconds
from system.test_boot import refused, scratch

# PVN_ROOT_CALL of invoke_hypervisor_debugger, which nothing but a developer wants.
INVOKE = """\
import fcntl, os, struct
call = bytearray(struct.pack("<HHIIIQQ", 0x000A, 0, 0, 0, 0, 0, 0))
fcntl.ioctl(os.open("/dev/paravane", os.O_RDWR), 0xC020B605, call)
print("status", struct.unpack_from("<I", call, 4)[0])
"""
SUCCESS, OPERATION_DENIED = 0, 8


def gdb_line(folder):
    """QEMU's options for a third serial line, 0x3e8, and where gdb finds its other end."""
    line = f"{folder}/gdb"
    return ["-chardev", f"socket,id=gdb,path={line},server=on,wait=off", "-serial", "chardev:gdb"], line


def gdb(line, *commands):
    """What gdb says to these commands, one after the other, of the image behind that line."""
    words = ["gdb", "-nx", "-batch", "-ex", "set pagination off", "-ex", "set remotetimeout 20",
             str(paths.HYPERVISOR), "-ex", f"target remote {line}"]
    for command in commands:
        words += ["-ex", f"echo \\n== {command}\\n", "-ex", command]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=100, check=False)
    return done.stdout


def invoke(machine):
    """The status of the call, made by the root."""
    done = machine.run("python3 -", data=INVOKE.encode())
    expect(done.output.startswith("status "), done.output + done.errors)
    return int(done.output.split()[1])


@seconds(120)
def test_debugger_off(machine):
    """Without gdb= the call that enters the debugger is refused."""
    expect(invoke(machine) == OPERATION_DENIED, "it is not refused")


@own_machine
@seconds(60)
def test_no_line_for_the_debugger():
    """A gdb= that names no serial line of its own is refused at boot."""
    refused("gdb=", hypervisor_options="gdb=com2")


@own_machine
@seconds(300)
def test_gdb():
    """gdb stops the machine, shows processors, guests and memory, and lets it go on."""
    with scratch() as folder:
        serial, line = gdb_line(folder)
        options = qemu.Options(hypervisor_options="gdb=0x3e8", qemu_options=serial)
        with machines.Machine(options) as machine:
            machine.boot()
            stops(machine, line)
            breaks(machine, line)
            expect(machine.run("echo alive").output == "alive\n", "the root does not go on")


def look_for(said, *patterns):
    for pattern in patterns:
        expect(re.search(pattern, said, re.MULTILINE), f"no {pattern} in:\n{said}")


def stops(machine, line):
    """Whenever gdb comes; threads, registers and memory of both kinds."""
    said = gdb(line, "info threads", "thread 1", "bt", "print/x *(int *)&svm_ops.hypercall_code",
               "print/x root_partition->id", "thread 3", "info registers rip", "x/2i $pc", "detach")
    look_for(said, r"processor 0", r"processor 1", r"partition 1 vp 0, ", r"partition 1 vp 1, ",
             r"irq_handle|plat_interrupts_\w+|sched_loop", r"= 0xc3d9010f", r"= 0x1$",
             r"rip +0x[0-9a-f]+", r"=> 0x[0-9a-f]+:\s+\w+", r"Inferior 1 .*detached")
    expect(machine.run("echo alive").output == "alive\n", "the root does not go on")


def breaks(machine, line):
    """A breakpoint in the hypervisor, steps, a changed register; then the call itself."""
    job = machine.spawn("sleep 10; pvn census >/dev/null; python3 -", data=INVOKE.encode())
    said = gdb(line, "break hc_get_census", "continue", "bt 3", "stepi", "info registers rip",
               "print $rax = 0x1234", "info registers rax", "delete", "continue", "bt 3", "detach")
    look_for(said, r"Breakpoint 1, .*hc_get_census", r"run_simple|call_get_census", r"rax +0x1234",
             r"SIGTRAP", r"plat_debugger|hc_invoke_hypervisor_debugger", r"detached")
    output = io.BytesIO()
    machine.follow(job, output, io.BytesIO(), timeout=30)
    said = output.getvalue().decode()
    expect(said == f"status {SUCCESS}\n", said)
