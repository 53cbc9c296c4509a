# SPDX-License-Identifier: GPL-2.0-only
"""The development machine itself, without the hypervisor: what ./run promises."""

import io
import os
import re
import socket
import subprocess

from machine import kernels, paths
from machine.testing import boot, expect, own_machine


@boot(bare=True)
def test_command(machine):
    """A command's output, errors and exit status arrive exactly."""
    done = machine.run("uname -r; printf 'a\\0b\\n' ; echo oops >&2; exit 7")
    expect(done.status == 7, f"status {done.status}")
    expect(done.raw == kernels.find("cloud").release.encode() + b"\na\0b\n", repr(done.raw))
    expect(done.errors == "oops\n", done.errors)


@boot(bare=True)
def test_signal(machine):
    """A command that dies from a signal has the status a shell gives it."""
    expect(machine.run("kill -SEGV $$").status == 128 + 11, "not 139")


@boot(bare=True)
def test_bulk(machine):
    """Megabytes pass both ways through the command channel unharmed."""
    data = os.urandom(3 << 20)
    done = machine.run("cat", data=data)
    expect(done.raw == data, f"{len(done.raw)} bytes came back")


@boot(bare=True)
def test_overlap(machine):
    """Two commands run at the same time."""
    machine.run("mkfifo /run/pipe")
    reader = machine.spawn("cat /run/pipe")
    writer = machine.run("echo through >/run/pipe; echo done", timeout=30)
    output = io.BytesIO()
    machine.follow(reader, output, io.BytesIO(), timeout=30)
    expect((writer.output, output.getvalue()) == ("done\n", b"through\n"), output.getvalue())


@boot(bare=True)
def test_daemon(machine):
    """A daemon that keeps a command's output open does not delay its end."""
    done = machine.run("sleep 1000 & echo started", timeout=20)
    expect(done.output == "started\n", done.output)


@boot(bare=True)
def test_out(machine):
    """Files left under /out arrive in build/out."""
    machine.run("mkdir -p /out/a && echo kept >/out/a/file")
    machine.fetch_out()
    kept = (paths.OUT / "a" / "file").read_text()
    expect(kept == "kept\n", kept)


@boot(bare=True)
def test_images_are_there(machine):
    """The root has what a guest boots from."""
    done = machine.run("cd /usr/share/paravane; for f in guest/vmlinuz guest/initrd.img "
                       "guest/root.img guest-generic/vmlinuz guest-generic/initrd.img; do "
                       "[ -s $f ] || echo missing: $f; done")
    expect(done.output == "", done.output)


@boot(bare=True)
@own_machine
def test_poweroff(machine):
    """The root powers the machine off by itself."""
    expect(machine.power_off(30), "it had to be killed")


@boot(bare=True, flavour="generic")
@own_machine
def test_generic_root(machine):
    """Debian's generic kernel boots as root, and finds all its modules."""
    done = machine.run("uname -r; modprobe -n xfs && modprobe -n brd && echo modules")
    expect(done.output == kernels.find("generic").release + "\nmodules\n", done.output)


def test_nothing_private():
    """No path, user or host name of this computer is in anything that goes into the root."""
    words = [str(paths.SOURCE).encode(), str(paths.BUILD).encode()]
    if len(socket.gethostname()) > 4:
        words.append(socket.gethostname().encode())
    pattern = re.compile(b"|".join(re.escape(word) for word in words))
    leaks = [str(path.relative_to(paths.BUILD))
             for path in (*paths.STAGE.rglob("*"), paths.HYPERVISOR)
             if path.is_file() and pattern.search(path.read_bytes())]
    expect(not leaks, "found in: " + " ".join(leaks))


def test_help():
    """./run --help and ./test --help say what there is."""
    for name, word in (("run", "--bare"), ("test", "SUITE")):
        done = subprocess.run([paths.SOURCE / name, "--help"], stdout=subprocess.PIPE, text=True,
                              check=False)
        expect(done.returncode == 0 and word in done.stdout, done.stdout)


def test_usage():
    """./run refuses unknown words with status 2."""
    done = subprocess.run([paths.SOURCE / "run", "frobnicate"], stderr=subprocess.PIPE, text=True,
                          check=False)
    expect(done.returncode == 2 and "after --" in done.stderr, done.stderr)


@boot(bare=True)
def test_libraries(machine):
    """Every program of this build finds its libraries in the root."""
    done = machine.run("cd /usr/libexec/paravane && for f in /usr/bin/pvn pvn-*; do "
                       "ldd $f 2>/dev/null | sed -n \"s|^|$f: |; /not found/p\"; done")
    expect(done.output == "", done.output + "\nadd the package to [root] in packages.txt")
