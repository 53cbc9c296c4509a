# SPDX-License-Identifier: GPL-2.0-only
"""A running machine: boot it, run commands in its root partition, end it."""

import contextlib
import fcntl
import io
import os
import re
import shutil
import signal
import subprocess
import tarfile
import time
from dataclasses import dataclass

from machine import (build, channel, initrd, kernels, paths, qemu, say, tools, unpacked,
                     userland)

BUSY = "another ./run or ./test is preparing its machine in this checkout; waiting for it"
LOG_TAIL_ROWS = 25
LOG_SCAN_BYTES = 16 << 20
HYPERVISOR_STOPPED = re.compile(rb"^.*(PANIC on processor|cannot start:).*$", re.MULTILINE)


@dataclass
class Result:
    """How a command in the root ended. Output is text; `raw` is stdout's bytes."""

    status: int
    raw: bytes
    errors: str

    @property
    def output(self):
        return self.raw.decode(errors="replace")


def prepare(update=False, compile_all=True):
    """Everything before a boot: kernels, images, build. Quick when all is there."""
    with tools.lock(paths.BUILD / ".lock", BUSY):
        with tools.lock(paths.CACHE / ".lock", BUSY):
            found = kernels.ensure(update)
            userland.ensure(found, update)
            unpacked.ensure(update)
        if compile_all:
            build.build()
    return found


class Machine:
    """Use as a context manager: whatever happens, no QEMU is left."""

    def __init__(self, options):
        self.options = options
        self.process = None
        self.boot_seconds = None
        self._channel = None
        self._stack = contextlib.ExitStack()
        self.logs = _claim_logs(self._stack)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        self._stack.close()

    def start(self):
        """Start QEMU and return without waiting."""
        found = {flavour: kernels.find(flavour) for flavour in paths.FLAVOURS}
        kernel = found[self.options.flavour]
        with tools.lock(paths.BUILD / ".lock", BUSY):
            initramfs = initrd.root_initramfs(kernel, found)
        ours, theirs = channel.pair()
        self._channel = channel.Channel(ours, self._check)
        command = qemu.command(self.options, kernel, initramfs, self.logs, theirs.fileno())
        terminal = None if self.options.interactive else subprocess.DEVNULL
        errors = open(self.logs / "qemu.log", "wb")  # pylint: disable=consider-using-with
        with errors, theirs:
            self.process = subprocess.Popen(  # pylint: disable=consider-using-with
                command, cwd=paths.BUILD, stdin=terminal, stdout=terminal,
                stderr=None if self.options.interactive else errors,
                pass_fds=[theirs.fileno()], preexec_fn=qemu.die_with_parent,
                # Ctrl-C is this program's business, which then ends QEMU.
                start_new_session=not self.options.interactive)
        if self.options.debug:
            (self.logs / "qemu.command").write_text(" ".join(command) + "\n")

    def boot(self):
        """Start and wait until the root takes commands."""
        began = time.monotonic()
        self.start()
        try:
            self._channel.wait_hello(began + self.options.boot_seconds)
        except channel.TimedOut:
            raise self.failure(f"the root partition did not come up within "
                               f"{self.options.boot_seconds} s") from None
        except channel.Closed as how:
            raise self.failure("the machine ended before the root partition was up"
                               + _because(how)) from None
        self.boot_seconds = time.monotonic() - began

    def run(self, command, timeout=60, data=b""):
        """Run shell text in the root, with `data` as its stdin; a Result."""
        output, errors = io.BytesIO(), io.BytesIO()
        status = self.stream(command, output, errors, timeout, data)
        return Result(status, output.getvalue(), errors.getvalue().decode(errors="replace"))

    def stream(self, command, output, errors, timeout=None, data=b""):
        """Run shell text in the root, copying its output as it comes; its status.

        A command that takes longer than `timeout` is killed, and that is a Failure."""
        job = self.spawn(command, data)
        return self.follow(job, output, errors, timeout, command)

    def spawn(self, command, data=b"", more=False):
        """Start shell text in the root and do not wait: a job for follow(). With `more`
        its stdin stays open for feed()."""
        with self._lost_machine(command):
            return self._channel.start(command, data, more)

    def feed(self, job, data):
        """More bytes for the stdin of a job that spawn() left open."""
        with self._lost_machine("a job"):
            self._channel.feed(job, data)

    def listen(self, job, seconds):
        """What a job writes next to stdout: bytes, empty while it writes elsewhere.
        None: nothing came in that time, or the job has ended."""
        with self._lost_machine("a job"):
            try:
                kind, payload = self._channel.next_frame(job, time.monotonic() + seconds)
            except channel.TimedOut:
                return None
            return {channel.OUTPUT: payload, channel.EXIT: None}.get(kind, b"")

    def end_job(self, job):
        """Kill a job and what it started."""
        with self._lost_machine("a job"):
            self._channel.kill(job)

    def follow(self, job, output, errors, timeout=None, command="a job"):
        """Copy a job's output until it ends; its status."""
        targets = {channel.OUTPUT: output, channel.ERRORS: errors}
        deadline = None if timeout is None else time.monotonic() + timeout
        frames = self._channel.follow(job, deadline)
        with self._lost_machine(command):
            try:
                while True:
                    kind, payload = next(frames)
                    targets[kind].write(payload)
                    targets[kind].flush()
            except StopIteration as end:
                return end.value
            except channel.TimedOut:
                self._channel.kill(job)
                raise self.failure(f"a command did not end within {timeout} s: {command}") \
                    from None

    @contextlib.contextmanager
    def _lost_machine(self, command):
        """Turn a closed channel into words."""
        try:
            yield
        except channel.Closed as how:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(1)
            raise self.failure(f"the machine ended{_because(how)} while a command ran: {command}") \
                from None

    def _check(self):
        """Raise channel.Closed if the machine cannot answer any more. A hypervisor that
        panics or refuses to start halts its processors; QEMU then runs on."""
        if not self.is_alive():
            raise channel.Closed
        log = self.logs / "hypervisor.log"
        text = log.read_bytes()[:LOG_SCAN_BYTES] if log.exists() else b""
        last_words = HYPERVISOR_STOPPED.search(text)
        if last_words:
            time.sleep(1)       # let it finish its dump
            raise channel.Closed(last_words[0].decode(errors="replace").strip())

    def is_alive(self):
        return self.process is not None and self.process.poll() is None

    def fetch_out(self):
        """Bring what lies under /out in the root to build/out/, replacing what is there."""
        packed = self.run("cd /out && tar -cf - .", timeout=300).raw
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            members = [member for member in archive.getmembers()
                       if member.isfile() or member.isdir()]
            if all(member.isdir() for member in members) and not paths.OUT.exists():
                return
            shutil.rmtree(paths.OUT, ignore_errors=True)
            for member in members:
                member.uid = member.gid = os.getuid()
                archive.extract(member, paths.OUT, set_attrs=False)

    def power_off(self, seconds=20):
        """Let the root power the machine off; end it anyway after a while."""
        if not self.is_alive():
            return True
        with contextlib.suppress(channel.Closed):
            self._channel.start("/sbin/poweroff")
        try:
            self.process.wait(seconds)
            return True
        except subprocess.TimeoutExpired:
            self.kill()
            return False

    def kill(self):
        """End QEMU at once."""
        if self.is_alive():
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def tail_logs(self):
        """The last lines of what the root, the hypervisor and QEMU said."""
        parts = []
        for name, title in (("root.log", "root console (COM1)"),
                            ("hypervisor.log", "hypervisor (COM2)"), ("qemu.log", "QEMU")):
            path = self.logs / name
            text = path.read_text(errors="replace") if path.exists() else ""
            rows = [row.rstrip() for row in text.splitlines() if row.strip()][-LOG_TAIL_ROWS:]
            if rows:
                parts.append(f"--- end of {title}, {tools.shorten(path)}\n" + "\n".join(rows))
        return "\n".join(parts) or "(nothing was logged)"

    def failure(self, what):
        """A Failure that carries the logs."""
        how = ""
        if self.process is not None and self.process.poll() is not None:
            how = f" (QEMU exited with {self.process.returncode})"
        return say.Failure(f"{what}{how}\n{self.tail_logs()}", where=tools.shorten(self.logs))


def _because(how):
    return f" ({how})" if str(how) else ""


def _claim_logs(stack):
    """build/log, or a directory of one's own below it while another machine uses that."""
    paths.LOGS.mkdir(parents=True, exist_ok=True)
    guard = stack.enter_context(open(paths.LOGS / ".lock", "w", encoding="ascii"))
    try:
        fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
        logs = paths.LOGS
    except BlockingIOError:
        logs = paths.LOGS / f"run-{os.getpid()}"
        say.line(f"another machine runs in this checkout; logs go to {tools.shorten(logs)}")
    logs.mkdir(exist_ok=True)
    for name in ("root.log", "hypervisor.log", "qemu.log"):
        (logs / name).unlink(missing_ok=True)
    return logs
