# SPDX-License-Identifier: GPL-2.0-only
"""The command channel: the host's half. agent.c is the root's half.

A virtio-serial port carries frames both ways, all numbers little-endian:

    u32 payload bytes, u32 job id, u32 kind, payload

    host to root    RUN     shell text; starts job id, which the host chose
                    INPUT   bytes for the job's stdin; no bytes mean end of file
                    KILL    SIGKILL to all of the job's session
    root to host    HELLO   once, job id 0, text: the root is up
                    OUTPUT  bytes the job wrote to stdout
                    ERRORS  bytes the job wrote to stderr
                    EXIT    u32: the status as a shell has it, 128 + signal

Jobs may overlap. Nothing is scraped from a console, so output is exact.
"""

import itertools
import select
import socket
import struct
import time

RUN, INPUT, KILL = 1, 2, 3
HELLO, OUTPUT, ERRORS, EXIT = 16, 17, 18, 19
HEADER = struct.Struct("<III")
INPUT_CHUNK = 64 * 1024
CHECK_SECONDS = 1


class Closed(Exception):
    """The machine is gone; the text says how it is known."""


class TimedOut(Exception):
    """Nothing decisive arrived in time."""


class Channel:
    """Frames over a connected socket. `check` is called about once a second while
    waiting, and raises Closed when the machine can no longer answer."""

    def __init__(self, connection, check):
        self._socket = connection
        self._check = check
        self._buffer = bytearray()
        self._ids = itertools.count(1)
        self._waiting = {}      # job id -> frames that arrived while another was waited for

    def wait_hello(self, deadline):
        """Wait for the agent."""
        while self._receive(deadline)[1] != HELLO:
            pass

    def start(self, command, data=b"", more=False):
        """Start a job with `data` as its stdin; returns its id. `more`: feed() follows."""
        job = next(self._ids)
        self._waiting[job] = []
        self._send(job, RUN, command.encode())
        self.feed(job, data)
        if not more:
            self._send(job, INPUT, b"")
        return job

    def feed(self, job, data):
        """Give a job started with `more` the next bytes of its stdin."""
        for offset in range(0, len(data), INPUT_CHUNK):
            self._send(job, INPUT, data[offset:offset + INPUT_CHUNK])

    def next_frame(self, job, deadline):
        """One (kind, bytes) of a job, EXIT included."""
        return self._next(job, deadline)

    def kill(self, job):
        self._send(job, KILL, b"")

    def follow(self, job, deadline):
        """Yield (kind, bytes) of a job's output; the generator's value is its status."""
        while True:
            kind, payload = self._next(job, deadline)
            if kind == EXIT:
                del self._waiting[job]
                return struct.unpack("<I", payload)[0]
            yield kind, payload

    def _next(self, job, deadline):
        while not self._waiting[job]:
            other, kind, payload = self._receive(deadline)
            if other in self._waiting:
                self._waiting[other].append((kind, payload))
        return self._waiting[job].pop(0)

    def _send(self, job, kind, payload):
        try:
            self._socket.sendall(HEADER.pack(len(payload), job, kind) + payload)
        except OSError as error:
            raise Closed from error

    def _receive(self, deadline):
        """One frame: (job, kind, payload)."""
        size, job, kind = HEADER.unpack(self._peek(HEADER.size, deadline))
        payload = self._peek(HEADER.size + size, deadline)[HEADER.size:]
        del self._buffer[:HEADER.size + size]
        return job, kind, payload

    def _peek(self, count, deadline):
        """The first `count` bytes, left in the buffer until a frame is whole."""
        while len(self._buffer) < count:
            if not select.select([self._socket], [], [], self._patience(deadline))[0]:
                self._check()
                continue
            try:
                data = self._socket.recv(1 << 20)
            except OSError as error:
                raise Closed from error
            if not data:
                raise Closed
            self._buffer += data
        return bytes(self._buffer[:count])

    @staticmethod
    def _patience(deadline):
        """How long to wait before the next look around."""
        if deadline is None:
            return CHECK_SECONDS
        rest = deadline - time.monotonic()
        if rest <= 0:
            raise TimedOut
        return min(rest, CHECK_SECONDS)


def pair():
    """(channel's socket, QEMU's socket): no name in the file system to clean up."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
