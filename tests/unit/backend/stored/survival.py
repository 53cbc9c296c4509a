#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
#
# Copyright (C) The Paravane developers
#
# Kills pvn-stored's processes again and again while programs and a guest use it.
# Nobody may lose a connection, an answer, an event or an acknowledged change,
# and nothing may happen twice. Prints TAP.
#
# usage: survival.py PVN_STORED [KILLS]

import fcntl
import mmap
import os
import random
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

TIMEOUT = 60
HEADER = struct.Struct('<4I')
CONTROL, DIRECTORY, READ, WATCH, START, END, WRITE, RM = 0, 1, 2, 4, 6, 7, 11, 13
WATCH_EVENT, ERROR = 15, 16


# Whom the daemon becomes, if it can; 0: it keeps its rights.
UID = sys.argv[3] if len(sys.argv) > 3 else '0'


class Failure(Exception):
    """Something that must not happen."""


class Daemon:
    """pvn-stored in a directory of its own."""

    def __init__(self, program, rundir):
        self.rundir = rundir
        self.killed = None
        ready, ready_child = os.pipe()
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(
            [program, '--foreground', '--rundir', rundir, '--uid', UID], pass_fds=[ready_child],
            stderr=subprocess.DEVNULL, env=dict(os.environ, PVN_READY_FD=str(ready_child)))
        os.close(ready_child)
        with os.fdopen(ready, 'rb') as pipe:
            if pipe.read(1) != b'\0':
                raise Failure('pvn-stored did not get ready')

    def path(self, name):
        return f'{self.rundir}/store/{name}'

    def keeper(self):
        with open(self.path('pvn-stored.pid'), encoding='ascii') as file:
            return int(file.read() or 0)

    def server(self):
        """The keeper's only child, or None while there is none."""
        keeper = self.keeper()
        try:
            with open(f'/proc/{keeper}/task/{keeper}/children', encoding='ascii') as file:
                children = file.read().split()
        except OSError:
            return None
        return int(children[0]) if children else None

    def kill(self, what):
        """One process, by a signal that cannot be caught; 'upgrade' replaces the program."""
        if what == 'upgrade':
            os.kill(self.keeper(), signal.SIGHUP)
        elif what == 'keeper':
            keeper = self.keeper()
            # Never both at once: that is another test. One that was killed shows as a zombie.
            self.wait(lambda: self.server() not in (self.killed, None))
            os.kill(keeper, signal.SIGKILL)
            self.wait(lambda: self.keeper() != keeper and self.server())
        elif (server := self.server()):
            os.kill(server, signal.SIGKILL)
            self.killed = server

    def wait(self, condition):
        end = time.monotonic() + TIMEOUT
        while not condition():
            if time.monotonic() > end:
                raise Failure('the daemon did not come back')
            time.sleep(0.001)

    def kill_all(self):
        """Keeper first, then whoever would take its place."""
        keeper, server = self.keeper(), self.server()
        os.kill(keeper, signal.SIGSTOP)
        os.kill(server, signal.SIGKILL)
        os.kill(keeper, signal.SIGKILL)
        if keeper == self.process.pid:
            self.process.wait(TIMEOUT)
        self.wait(lambda: not os.path.exists(f'/proc/{keeper}'))

    def stop(self):
        keeper = self.keeper()
        os.kill(keeper, signal.SIGTERM)
        if keeper == self.process.pid:
            return self.process.wait(TIMEOUT)
        self.wait(lambda: not os.path.exists(f'/proc/{keeper}'))
        return 0


class Client:
    """A connection, one request at a time; events are kept."""

    def __init__(self, daemon):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(TIMEOUT)
        self.socket.connect(daemon.path('socket'))
        self.buffer = b''
        self.events = []
        self.number = 0

    def receive(self):
        data = self.socket.recv(65536)
        if not data:
            raise Failure('the connection ended')
        self.buffer += data

    def send(self, data):
        self.socket.sendall(data)

    def message(self):
        while len(self.buffer) < HEADER.size:
            self.receive()
        kind, number, tx, length = HEADER.unpack_from(self.buffer)
        while len(self.buffer) < HEADER.size + length:
            self.receive()
        payload = self.buffer[HEADER.size:HEADER.size + length]
        self.buffer = self.buffer[HEADER.size + length:]
        return kind, number, tx, payload

    def request(self, kind, *parts, tx=0, last_nul=True):
        """Sends; the answer must be fetched with reply()."""
        payload = b'\0'.join(part.encode() for part in parts) + (b'\0' if last_nul else b'')
        self.number += 1
        self.send(HEADER.pack(kind, self.number, tx, len(payload)) + payload)
        return self.number

    def reply(self, number):
        while True:
            kind, got, _, payload = self.message()
            if kind == WATCH_EVENT:
                self.events.append(tuple(payload.decode().split('\0')[:2]))
            elif got != number:
                raise Failure(f'answer {got} where {number} was due')
            else:
                return kind, payload

    def ask(self, kind, *parts, tx=0, last_nul=True):
        kind, payload = self.reply(self.request(kind, *parts, tx=tx, last_nul=last_nul))
        if kind == ERROR:
            raise KeyError(payload.rstrip(b'\0').decode())
        return payload

    def write(self, path, value, tx=0):
        return self.ask(WRITE, path, value, tx=tx, last_nul=False)

    def read(self, path, tx=0):
        return self.ask(READ, path, tx=tx).decode()


class Guest(Client):
    """The same through a page of shared memory and two doorbells."""

    REQ_CONS, REQ_PROD, RSP_CONS, RSP_PROD, ERROR_WORD = 2048, 2052, 2056, 2060, 2072

    def __init__(self, daemon, domid):  # pylint: disable=super-init-not-called
        self.fd = os.memfd_create('page', os.MFD_ALLOW_SEALING)
        os.ftruncate(self.fd, 4096)
        fcntl.fcntl(self.fd, 1033, 2)       # F_ADD_SEALS, F_SEAL_SHRINK
        self.page = mmap.mmap(self.fd, 4096)
        # Words are read and written whole, as a processor does.
        self.words = memoryview(self.page).cast('I')
        self.ring_daemon, self.ring_me = os.eventfd(0), os.eventfd(0)
        self.buffer, self.events, self.number = b'', [], 0
        self.control(daemon, 1, domid, [self.fd, self.ring_daemon, self.ring_me])

    @staticmethod
    def control(daemon, operation, domid, fds=()):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as control:
            control.settimeout(TIMEOUT)
            control.connect(daemon.path('control'))
            socket.send_fds(control, [struct.pack('<4I', 0x50564e53, operation, domid, 0)],
                            list(fds))
            if struct.unpack('<Ii', control.recv(8))[1]:
                raise Failure('the control socket refused')

    def word(self, offset):
        return self.words[offset // 4]

    def set_word(self, offset, value):
        self.words[offset // 4] = value & 0xffffffff

    def wait(self):
        poll = select.poll()
        poll.register(self.ring_me, select.POLLIN)
        if not poll.poll(TIMEOUT * 1000):
            raise Failure('the guest was not rung')
        os.eventfd_read(self.ring_me)

    def send(self, data):
        for byte in data:
            while (self.word(self.REQ_PROD) - self.word(self.REQ_CONS)) & 0xffffffff >= 1024:
                os.eventfd_write(self.ring_daemon, 1)
                self.wait()
            produced = self.word(self.REQ_PROD)
            self.page[produced % 1024] = byte
            self.set_word(self.REQ_PROD, produced + 1)
        os.eventfd_write(self.ring_daemon, 1)

    def receive(self):
        while self.word(self.RSP_PROD) == self.word(self.RSP_CONS):
            if self.word(self.ERROR_WORD):
                raise Failure('the daemon gave the page up')
            self.wait()
        consumed, produced = self.word(self.RSP_CONS), self.word(self.RSP_PROD)
        while consumed != produced:
            self.buffer += self.page[1024 + consumed % 1024:1025 + consumed % 1024]
            consumed = consumed + 1 & 0xffffffff
        self.set_word(self.RSP_CONS, consumed)
        os.eventfd_write(self.ring_daemon, 1)


class Worker(threading.Thread):
    """Runs a step of a job until told to stop; a failure is kept."""

    def __init__(self, job):
        super().__init__()
        self.job, self.failure, self.rounds = job, None, 0
        self.stopping = threading.Event()
        self.start()

    def run(self):
        try:
            while not self.stopping.is_set():
                self.job(self.rounds)
                self.rounds += 1
        except Exception as error:  # pylint: disable=broad-except
            self.failure = error

    def finish(self):
        self.stopping.set()
        self.join(TIMEOUT)
        if self.is_alive() or self.failure or not self.rounds:
            raise Failure(f'{self.job.__qualname__} after {self.rounds} rounds: '
                          f'{self.failure!r}')


def what_was_written_is_read(client, base):
    """Every acknowledged write is there at once, and a pipeline is answered in order."""
    def job(round_number):
        value = f'{round_number}'
        client.write(f'{base}/value', value)
        if client.read(f'{base}/value') != value:
            raise Failure('an acknowledged write is lost')
        numbers = [client.request(WRITE, f'{base}/p{i}', value, last_nul=False)
                   for i in range(20)]
        for number in numbers:
            if client.reply(number) != (WRITE, b'OK\0'):
                raise Failure('a pipelined write failed')
    return job


def every_commit_counts_once(client, total):
    """total[0] counts the commits that were acknowledged."""
    def job(_):
        tx = int(client.ask(START, '').rstrip(b'\0'))
        value = int(client.read('/counter', tx=tx))
        client.write('/counter', str(value + 1), tx=tx)
        try:
            client.ask(END, 'T', tx=tx)
        except KeyError as error:
            if error.args[0] != 'EAGAIN':
                raise
            return
        with total['lock']:
            total['count'] += 1
    return job


def every_event_comes_once(writer, watcher, base):
    """Each new path under a watch is reported exactly once, in order."""
    watcher.ask(WATCH, base, 'token')
    watcher.reply_events = 0

    def job(round_number):
        for i in range(20):
            writer.write(f'{base}/{round_number}-{i}', '')
        writer.ask(RM, f'{base}/{round_number}-0')
        watcher.ask(READ, '/counter')
        wanted = [(f'{base}/{round_number}-{i}', 'token') for i in range(20)]
        wanted.append((f'{base}/{round_number}-0', 'token'))
        if round_number == 0:
            wanted.insert(0, (base, 'token'))
        if watcher.events != wanted:
            raise Failure(f'events {watcher.events} where {wanted} were due')
        watcher.events = []
        for i in range(1, 20):
            writer.ask(RM, f'{base}/{round_number}-{i}')
            watcher.ask(READ, '/counter')
        watcher.events = []
    return job


def connections_come_and_go(daemon):
    def job(round_number):
        client = Client(daemon)
        client.write('/visitor', str(round_number))
        client.socket.close()
    return job


def run_load(daemon, kills, whats, pause):
    first = Client(daemon)
    first.write('/counter', '0')
    first.ask(RM, '/events')
    # Kept from beginning to end; what it did must still be there.
    tx = int(first.ask(START, '').rstrip(b'\0'))
    first.write('/in/transaction', 'yes', tx=tx)
    guest = Guest(daemon, 7)
    first.write('/local/domain/7', '')
    first.ask(14, '/local/domain/7', 'n7')
    total = {'count': 0, 'lock': threading.Lock()}
    jobs = [what_was_written_is_read(Client(daemon), '/one'),
            what_was_written_is_read(Client(daemon), '/two'),
            what_was_written_is_read(guest, '/local/domain/7/data'),
            every_commit_counts_once(Client(daemon), total),
            every_commit_counts_once(Client(daemon), total),
            every_event_comes_once(Client(daemon), Client(daemon), '/events'),
            connections_come_and_go(daemon)]
    workers = [Worker(job) for job in jobs]
    for _ in range(kills):
        daemon.kill(random.choice(whats))
        time.sleep(random.uniform(0, pause))
        if any(worker.failure for worker in workers):
            break
    for worker in workers:
        worker.stopping.set()
    for worker in workers:
        worker.finish()
    if int(first.read('/counter')) != total['count']:
        raise Failure(f"{total['count']} commits, but the counter is {first.read('/counter')}")
    first.ask(END, 'T', tx=tx)
    if first.read('/in/transaction') != 'yes':
        raise Failure('the open transaction is lost')
    if first.ask(CONTROL, 'check') != b'OK\0':
        raise Failure('the accounting is wrong')
    Guest.control(daemon, 2, 7)
    return ', '.join(f'{worker.rounds} rounds' for worker in workers)


def killing_the_server_loses_nothing(daemon, kills):
    return run_load(daemon, kills, ['server'], 0.02)


def killing_the_keeper_loses_nothing(daemon, kills):
    return run_load(daemon, kills // 4, ['server', 'keeper'], 0.04)


def upgrades_lose_nothing(daemon, kills):
    return run_load(daemon, kills // 4, ['upgrade', 'server'], 0.04)


def live_update_keeps_a_blocked_reader(daemon, _):
    """xenstore-control live-update's words; and one who waits for an event meanwhile."""
    waiting, other = Client(daemon), Client(daemon)
    waiting.ask(WATCH, '/update', 't')
    if waiting.message()[0] != WATCH_EVENT:
        raise Failure('no first event')
    server = daemon.server()
    try:
        other.ask(CONTROL, 'live-update', '-f', '/no/such/program')
        raise Failure('a program that is not there was accepted')
    except KeyError as error:
        if error.args[0] != 'ENOENT':
            raise
    if other.ask(CONTROL, 'live-update', '-s', '-t', '60') != b'OK\0':
        raise Failure('live-update refused')
    daemon.wait(lambda: daemon.server() not in (server, None))
    other.write('/update/x', '1')
    if waiting.message()[3] != b'/update/x\0t\0':
        raise Failure('wrong event')


def a_half_sent_request_goes_on(daemon, _):
    client = Client(daemon)
    message = HEADER.pack(WRITE, 1, 0, 9) + b'/half\0yes'
    for at in range(0, len(message), 5):
        client.socket.sendall(message[at:at + 5])
        time.sleep(0.01)
        server = daemon.server()
        daemon.kill('server')
        daemon.wait(lambda gone=server: daemon.server() not in (gone, None))
    if client.reply(1) != (WRITE, b'OK\0') or client.read('/half') != 'yes':
        raise Failure('the request got lost')


def killing_both_keeps_the_tree(daemon, _):
    client = Client(daemon)
    client.write('/kept/by', 'journal')
    daemon.kill_all()
    try:
        client.read('/kept/by')
        raise Failure('a connection without a daemon')
    except (Failure, OSError):
        pass
    daemon.__init__(sys.argv[1], daemon.rundir)
    client = Client(daemon)
    if client.read('/kept/by') != 'journal':
        raise Failure('the tree is lost')
    if client.ask(CONTROL, 'check') != b'OK\0':
        raise Failure('the accounting is wrong')
    client.ask(RM, '/kept')


def crash(daemon):
    """The server crashes; returns when the next one is there, or nobody is."""
    server = daemon.server()
    os.kill(server, signal.SIGTRAP)
    daemon.wait(lambda: daemon.server() not in (server, None) or
                daemon.process.poll() is not None)


def repeated_crashes_give_up_step_by_step(_, __):
    """First the connections, then the tree, then the daemon itself."""
    with tempfile.TemporaryDirectory() as rundir:
        os.chmod(rundir, 0o711)
        daemon = Daemon(sys.argv[1], rundir)
        client = Client(daemon)
        client.write('/a', '1')
        for _ in range(3):
            crash(daemon)
            client.read('/a')
        crash(daemon)
        try:
            client.read('/a')
            raise AssertionError('the fourth crash left the connections')
        except (Failure, OSError):
            pass
        if Client(daemon).read('/a') != '1':
            raise Failure('the tree is gone too early')
        crash(daemon)
        crash(daemon)
        try:
            Client(daemon).read('/a')
            raise AssertionError('the sixth crash left the tree')
        except KeyError:
            pass
        crash(daemon)
        crash(daemon)
        if daemon.process.wait(TIMEOUT) != 1:
            raise Failure('it goes on for ever')


def the_end_is_orderly(daemon, _):
    if daemon.stop() or os.listdir(f'{daemon.rundir}/store'):
        raise Failure(os.listdir(f'{daemon.rundir}/store'))


TESTS = [killing_the_server_loses_nothing, upgrades_lose_nothing,
         killing_the_keeper_loses_nothing, live_update_keeps_a_blocked_reader,
         a_half_sent_request_goes_on, repeated_crashes_give_up_step_by_step,
         killing_both_keeps_the_tree, the_end_is_orderly]


def main():
    failed = 0
    kills = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    random.seed(4)
    print(f'1..{len(TESTS)}', flush=True)
    with tempfile.TemporaryDirectory() as rundir:
        os.chmod(rundir, 0o711)
        daemon = Daemon(sys.argv[1], rundir)
        for number, test in enumerate(TESTS, 1):
            try:
                note = test(daemon, kills)
                print(f'ok {number} - {test.__name__}', flush=True)
                if note:
                    print(f'# {note}', flush=True)
            except Exception as error:  # pylint: disable=broad-except
                failed += 1
                print(f'not ok {number} - {test.__name__}\n# {error!r}', flush=True)
        if failed and os.path.exists(daemon.path('pvn-stored.pid')):
            subprocess.run(['kill', str(daemon.keeper())], check=False)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
