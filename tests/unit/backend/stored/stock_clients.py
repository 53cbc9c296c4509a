#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
#
# Copyright (C) The Paravane developers
#
# Runs Debian's xenstore-* programs (package xenstore-utils) against pvn-stored:
# the protocol as somebody else understands it. Prints TAP.
#
# usage: stock_clients.py PVN_STORED

import os
import signal
import subprocess
import sys
import tempfile

TIMEOUT = 20


class Daemon:
    """pvn-stored in a directory of its own, ready when the constructor returns."""

    def __init__(self, program, rundir):
        self.rundir = rundir
        ready, ready_child = os.pipe()
        self.process = subprocess.Popen(
            [program, '--foreground', '--rundir', rundir], pass_fds=[ready_child],
            env=dict(os.environ, PVN_READY_FD=str(ready_child)))
        os.close(ready_child)
        with os.fdopen(ready, 'rb') as pipe:
            if pipe.read(1) != b'\0':
                raise RuntimeError('pvn-stored did not get ready')
        self.env = dict(os.environ, XENSTORED_PATH=f'{rundir}/store/socket')

    def run(self, command, *args):
        """Output and exit status of one stock program."""
        done = subprocess.run([f'xenstore-{command}', *args], env=self.env, timeout=TIMEOUT,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return done.stdout, done.returncode

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(TIMEOUT)


def expect(got, wanted):
    if got != wanted:
        raise AssertionError(f'expected {wanted!r}, got {got!r}')


def write_and_read(d):
    expect(d.run('write', '/a/b', 'hello', '/a/c', 'wide world'), ('', 0))
    expect(d.run('read', '/a/b', '/a/c'), ('hello\nwide world\n', 0))
    expect(d.run('read', '/a/none')[1], 1)


def list_names(d):
    expect(d.run('list', '/a'), ('b\nc\n', 0))
    expect(d.run('list', '/none')[1], 1)


def ls_shows_tree_and_permissions(d):
    out, status = d.run('ls', '-fp', '/a')
    expect(status, 0)
    expect(out, '/a/b = "hello"   (n0)\n/a/c = "wide world"   (n0)\n')


def exists_tells_by_status(d):
    expect(d.run('exists', '/a/b')[1], 0)
    expect(d.run('exists', '/a/none')[1], 1)


def chmod_changes_permissions(d):
    expect(d.run('chmod', '/a/b', 'n0', 'r5', 'b6'), ('', 0))
    expect(d.run('ls', '-fp', '/a')[0].splitlines()[0], '/a/b = "hello"   (n0,r5,b6)')
    expect(d.run('chmod', '-r', '/a', 'r0'), ('', 0))
    expect(d.run('ls', '-fp', '/a')[0].splitlines()[1], '/a/c = "wide world"   (r0)')


def a_binary_value_survives(d):
    expect(d.run('write', '/a/bin', r'\x01\x00\xff'), ('', 0))
    expect(d.run('read', '/a/bin'), ('\\001\\000\\xff\n', 0))


def rm_removes_and_t_tidies_up(d):
    expect(d.run('write', '/t/u/v', 'x'), ('', 0))
    expect(d.run('rm', '-t', '/t/u/v'), ('', 0))
    expect(d.run('exists', '/t')[1], 1)
    expect(d.run('rm', '/a'), ('', 0))
    expect(d.run('exists', '/a/b')[1], 1)


def watch_sees_changes(d):
    watcher = subprocess.Popen(['xenstore-watch', '-n', '3', '/w'], env=d.env,
                               stdout=subprocess.PIPE, text=True)
    expect(watcher.stdout.readline(), '/w\n')
    d.run('write', '/w/x', '1')
    expect(watcher.stdout.readline(), '/w/x\n')
    d.run('rm', '/w')
    expect(watcher.stdout.readline(), '/w\n')
    expect(watcher.wait(TIMEOUT), 0)


def many_transactions_at_once_lose_nothing(d):
    writers = [subprocess.Popen(['xenstore-write'] + sum(
        ([f'/many/{who}/{i}', 'x'] for i in range(50)), []), env=d.env) for who in range(8)]
    for writer in writers:
        expect(writer.wait(TIMEOUT), 0)
    for who in range(8):
        expect(len(d.run('list', f'/many/{who}')[0].split()), 50)


def a_directory_longer_than_a_message_is_listed(d):
    for start in range(0, 600, 100):
        pairs = sum(([f'/long/name-{i:05}', ''] for i in range(start, start + 100)), [])
        expect(d.run('write', *pairs), ('', 0))
    expect(len(d.run('list', '/long')[0].split()), 600)


def a_second_daemon_is_refused(d):
    done = subprocess.run([sys.argv[1], '--foreground', '--rundir', d.rundir],
                          stderr=subprocess.PIPE, text=True, timeout=TIMEOUT)
    expect(done.returncode, 4)
    if 'already running' not in done.stderr or 'hint:' not in done.stderr:
        raise AssertionError(done.stderr)


def sigterm_ends_it_and_removes_the_sockets(d):
    expect(d.stop(), 0)
    expect(os.listdir(f'{d.rundir}/store'), [])


TESTS = [
    write_and_read, list_names, ls_shows_tree_and_permissions, exists_tells_by_status,
    chmod_changes_permissions, a_binary_value_survives, rm_removes_and_t_tidies_up,
    watch_sees_changes, many_transactions_at_once_lose_nothing,
    a_directory_longer_than_a_message_is_listed, a_second_daemon_is_refused,
    sigterm_ends_it_and_removes_the_sockets,
]


def main():
    failed = 0
    print(f'1..{len(TESTS)}', flush=True)
    with tempfile.TemporaryDirectory() as rundir:
        daemon = Daemon(sys.argv[1], rundir)
        for number, test in enumerate(TESTS, 1):
            try:
                test(daemon)
                print(f'ok {number} - {test.__name__}', flush=True)
            except Exception as error:  # pylint: disable=broad-except
                failed += 1
                print(f'not ok {number} - {test.__name__}\n# {error}', flush=True)
        if daemon.process.poll() is None:
            daemon.process.kill()
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
