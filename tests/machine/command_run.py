# SPDX-License-Identifier: GPL-2.0-only
"""./run: the user's way into the machine."""

import argparse
import importlib
import os
import shlex
import sys

from machine import kernels, machine, paths, qemu, say

DESCRIPTION = """\
Install what is missing, build, and boot Paravane with its Linux root partition
in QEMU.

  ./run                  on a terminal: create the demo guest and give you the root's
                         shell; Ctrl-A x ends the machine
  ./run </dev/null       run the demo and print its report: lines `name: value`, the
                         last one `result: ok`; exit status 0 if it is
  ./run -- COMMAND...    the same boot without the demo guest: run COMMAND by `sh -c`
                         in the root, print its output, exit with its status; files
                         left under /out in the root arrive in build/out/
  ./run bench [...]      measure (./run bench --help)
"""
EPILOGUE = """\
Logs: build/log/hypervisor.log (the hypervisor, COM2), build/log/root.log (the root's
console, COM1), build/log/qemu.log. PARAVANE_CACHE=DIRECTORY shares downloads and
userland images between checkouts; PARAVANE_YES=1 allows sudo without asking.
Exit status: that of the command or demo; 1 when the machine failed, 2 for wrong usage,
130 after Ctrl-C.
"""


def parser():
    form = argparse.ArgumentParser(prog="./run", description=DESCRIPTION, epilog=EPILOGUE,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
    add_machine_options(form)
    form.add_argument("--no-build", action="store_true", help="boot what was built before")
    form.add_argument("--update", action="store_true",
                      help="ask Debian for newer kernels and make the images anew")
    form.add_argument("--setup-only", action="store_true",
                      help="install, download and build, but boot nothing")
    form.add_argument("--timeout", type=float, metavar="SECONDS",
                      help="give COMMAND at most this long")
    form.add_argument("command", nargs="*", metavar="-- COMMAND", help=argparse.SUPPRESS)
    return form


def add_machine_options(form):
    """The options that ./run and ./test share."""
    form.add_argument("--bare", action="store_true",
                      help="boot the root's Linux without the hypervisor, for comparison")
    form.add_argument("--generic", action="store_true",
                      help="use Debian's generic kernel as root instead of the cloud kernel")
    form.add_argument("--guest-kernel", choices=paths.FLAVOURS, default="cloud",
                      help="the kernel of the demo guest (default: cloud)")
    form.add_argument("-m", "--memory", default="4096", metavar="MIB",
                      help="memory of the machine (default: 4096)")
    form.add_argument("--smp", type=int, default=2, metavar="N",
                      help="processors of the machine (default: 2)")
    form.add_argument("--cpu", default=qemu.PROCESSOR, metavar="MODEL",
                      help=f"QEMU's processor model (default: {qemu.PROCESSOR})")
    form.add_argument("--accel", choices=("auto", "tcg", "kvm"), default="auto",
                      help="auto takes KVM only if it offers SVM or VMX (default: auto)")
    form.add_argument("--hypervisor-options", default="", metavar="WORDS",
                      help="appended to the hypervisor's command line")
    form.add_argument("--root-options", default="", metavar="WORDS",
                      help="appended to the root kernel's command line")
    form.add_argument("--qemu-options", default="", metavar="WORDS",
                      help="appended to QEMU's command line, e.g. '-s -S' for gdb")
    form.add_argument("--boot-timeout", type=int, default=90, metavar="SECONDS",
                      help="how long the root may take to come up (default: 90)")
    form.add_argument("--debug", action="store_true",
                      help="log more: hypervisor and root kernel, QEMU's command line")


def machine_options(chosen):
    return qemu.Options(
        bare=chosen.bare, flavour="generic" if chosen.generic else "cloud",
        guest_flavour=chosen.guest_kernel, memory=chosen.memory, processors=chosen.smp,
        processor=chosen.cpu, accelerator=chosen.accel, debug=chosen.debug,
        hypervisor_options=chosen.hypervisor_options, root_options=chosen.root_options,
        qemu_options=shlex.split(chosen.qemu_options), boot_seconds=chosen.boot_timeout)


def main(words):
    if words[:1] == ["bench"]:
        return _bench(words[1:])
    ours, command = words, []
    if "--" in words:
        ours, command = words[:words.index("--")], words[words.index("--") + 1:]
    form = parser()
    chosen = form.parse_args(ours)
    if chosen.command:
        form.error(f"unknown word {chosen.command[0]!r}; a command for the root comes after --")
    if "--" in words and not command:
        form.error("there is no command after --")
    machine.prepare(chosen.update, not chosen.no_build)
    if chosen.setup_only:
        return 0
    if command:
        return _run_command(machine_options(chosen), " ".join(command), chosen.timeout)
    if sys.stdin.isatty() and sys.stdout.isatty():
        return _interactive(machine_options(chosen))
    return _demo(machine_options(chosen))


def _bench(words):
    # Only here: the benchmarks need more than a boot does.
    return importlib.import_module("machine.bench.command").main(words)


def _run_command(options, text, timeout):
    with machine.Machine(options) as root:
        root.boot()
        status = root.stream(text, sys.stdout.buffer, sys.stderr.buffer, timeout)
        if root.is_alive():
            root.fetch_out()
            root.power_off()
        return status


def _demo(options):
    if options.bare:
        return _run_command(options, "echo root-kernel: $(uname -r); echo result: ok", 60)
    say.line("booting Paravane, its root and the demo guest (the report follows)")
    with machine.Machine(options) as root:
        root.boot()
        flavour = shlex.quote(options.guest_flavour)
        status = root.stream(f"/usr/libexec/paravane/demo {flavour}", sys.stdout.buffer,
                             sys.stderr.buffer, timeout=600)
        if not root.power_off():
            say.line("the root did not power the machine off within 20 s; ended it")
        if status:
            say.line(root.tail_logs())
        return 1 if status else 0


def _interactive(options):
    options.interactive = True
    size = os.get_terminal_size()
    options.root_options += (f" pvn.demo={options.guest_flavour} "
                             f"pvn.rows={size.lines} pvn.columns={size.columns}")
    kernel = kernels.find(options.flavour)
    say.line(f"booting {'' if options.bare else 'Paravane and '}Linux {kernel.release}; "
             "Ctrl-A x ends the machine, Ctrl-A h shows QEMU's keys")
    with machine.Machine(options) as root:
        root.start()
        status = root.process.wait()
    os.system("stty sane 2>/dev/null")
    return status
