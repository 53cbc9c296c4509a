#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
#
# Copyright (C) The Paravane developers
#
# Runs Debian's xenstore programs against pvn-stored, once with Debian's
# libxenstore and once with ours: protocol and library as somebody else
# understands them. Prints TAP.
#
# usage: stock_clients.py PVN_STORED DIRECTORY_OF_OUR_LIBRARY UNPACKED_PACKAGES

import os
import re
import signal
import subprocess
import sys
import tempfile

TIMEOUT = 20


class Daemon:
    """pvn-stored in a directory of its own, ready when the constructor returns."""

    def __init__(self, program, rundir, libraries, unpacked):
        self.rundir = rundir
        self.unpacked = unpacked
        self.libraries = libraries
        ready, ready_child = os.pipe()
        self.process = subprocess.Popen(
            [program, '--foreground', '--rundir', rundir, '--uid', '0'], pass_fds=[ready_child],
            env=dict(os.environ, PVN_READY_FD=str(ready_child)))
        os.close(ready_child)
        with os.fdopen(ready, 'rb') as pipe:
            if pipe.read(1) != b'\0':
                raise RuntimeError('pvn-stored did not get ready')
        self.env = dict(os.environ, XENSTORED_PATH=f'{rundir}/store/socket',
                        LD_LIBRARY_PATH=':'.join(libraries),
                        PYTHONPATH=f'{unpacked}/usr/lib/xen-4.17/lib/python')

    def program(self, command):
        return f'{self.unpacked}/usr/bin/xenstore-{command}'

    def xen_program(self, name):
        """Of the folder where Debian keeps what depends on Xen's version."""
        return f'{self.unpacked}/usr/lib/xen-4.17/bin/{name}'

    def start(self, command, *args):
        # pylint: disable=consider-using-with
        return subprocess.Popen([self.program(command), *args], env=self.env,
                                stdout=subprocess.PIPE, text=True)

    def run(self, command, *args):
        """Output and exit status of one stock program."""
        return self.call(self.program(command), *args)

    def call(self, *command):
        done = subprocess.run(command, env=self.env, timeout=TIMEOUT, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return done.stdout, done.returncode

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(TIMEOUT)


def expect(got, wanted):
    if got != wanted:
        raise AssertionError(f'expected {wanted!r}, got {got!r}')


def the_library_is_the_one_under_test(d):
    for program in d.program('ls'), d.xen_program('test-xenstore'):
        used = d.call('ldd', program)[0]
        wanted = f'libxenstore.so.4 => {d.libraries[0]}/libxenstore.so.4 '
        if wanted not in used:
            raise AssertionError(f'{wanted!r} not in {used!r}')


def symbols(library):
    """Exported names with their versions, as `nm` prints them."""
    rows = subprocess.run(['nm', '-D', '--defined-only', library], check=True,
                          stdout=subprocess.PIPE, text=True).stdout.splitlines()
    return {row.split()[-1] for row in rows}


def it_has_every_symbol_of_debians(d):
    theirs = symbols(f'{d.libraries[-1]}/libxenstore.so.4')
    if len(theirs) < 38 or theirs - symbols(f'{d.libraries[0]}/libxenstore.so.4'):
        raise AssertionError(theirs - symbols(f'{d.libraries[0]}/libxenstore.so.4'))


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
    watcher = d.start('watch', '-n', '3', '/w')
    expect(watcher.stdout.readline(), '/w\n')
    d.run('write', '/w/x', '1')
    expect(watcher.stdout.readline(), '/w/x\n')
    d.run('rm', '/w')
    expect(watcher.stdout.readline(), '/w\n')
    expect(watcher.wait(TIMEOUT), 0)


def many_transactions_at_once_lose_nothing(d):
    writers = [d.start('write', *sum(([f'/many/{who}/{i}', 'x'] for i in range(50)), []))
               for who in range(8)]
    for writer in writers:
        expect(writer.wait(TIMEOUT), 0)
    for who in range(8):
        expect(len(d.run('list', f'/many/{who}')[0].split()), 50)


def a_directory_longer_than_a_message_is_listed(d):
    for start in range(0, 600, 100):
        pairs = sum(([f'/long/name-{i:05}', ''] for i in range(start, start + 100)), [])
        expect(d.run('write', *pairs), ('', 0))
    expect(len(d.run('list', '/long')[0].split()), 600)


def control_commands_are_answered(d):
    control = d.xen_program('xenstore-control')
    expect(d.call(control, 'check'), ('OK\n', 0))
    expect(d.call(control, 'quota', 'set', 'nodes', '1234'), ('OK\n', 0))
    if 'nodes 1234' not in ' '.join(d.call(control, 'quota')[0].split()):
        raise AssertionError(d.call(control, 'quota')[0])
    expect(d.call(control, 'quota', 'set', 'nodes', '1000'), ('OK\n', 0))
    expect(d.call(control, 'nonsense')[1], 3)


def debians_test_xenstore_passes(d):
    out, status = d.call(d.xen_program('test-xenstore'), '-i', '50')
    expect((status, 'failed' in out), (0, False))
    expect(len(re.findall(r' avg: ', out)), 12)
    out, status = d.call(d.xen_program('test-xenstore'), '-r', '1')
    expect((status, 'failed' in out), (0, False))


def xens_python_module_works(d):
    out, status = d.call('/usr/bin/python3', '-c', PYTHON_SCRIPT)
    expect((out, status), ('', 0))


PYTHON_SCRIPT = """
from xen.lowlevel import xs
h = xs.xs()
h.write('', '/py/a', b'v')
assert h.ls('', '/py') == ['a'], h.ls('', '/py')
assert h.read('', '/py/a') == b'v'
assert h.read('', '/py/none') is None
h.set_permissions('', '/py/a', [{'dom': 0}, {'dom': 3, 'read': True, 'write': True}])
got = h.get_permissions('', '/py/a')
assert [(p['dom'], bool(p['read']), bool(p['write'])) for p in got] == \
    [(0, False, False), (3, True, True)], got
t = h.transaction_start()
h.write(t, '/py/b', b'in')
assert h.read('', '/py/b') is None
assert h.transaction_end(t)
assert h.read('', '/py/b') == b'in'
assert h.get_domain_path(3) == '/local/domain/3'
h.watch('/py', ('any', 'object'))
assert h.read_watch() == ('/py', ('any', 'object'))
assert h.check_watch() is None
h.mkdir('', '/py/c')
import select
assert select.select([h.fileno()], [], [], 10)[0]
assert h.check_watch() == ('/py/c', ('any', 'object'))
h.unwatch('/py', ('any', 'object'))
for call in (h.release_domain, h.resume_domain):
    try:
        call(77)
    except xs.Error as error:
        assert error.args[0] == 2, error
    else:
        raise SystemExit('an unknown domain was accepted')
h.rm('', '/py')
assert h.ls('', '/py') is None
h.close()
"""

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
    the_library_is_the_one_under_test, it_has_every_symbol_of_debians, write_and_read,
    list_names, ls_shows_tree_and_permissions, exists_tells_by_status,
    chmod_changes_permissions, a_binary_value_survives, rm_removes_and_t_tidies_up,
    watch_sees_changes, many_transactions_at_once_lose_nothing,
    a_directory_longer_than_a_message_is_listed, control_commands_are_answered,
    debians_test_xenstore_passes, xens_python_module_works, a_second_daemon_is_refused,
    sigterm_ends_it_and_removes_the_sockets,
]


def run_all(whose, libraries, unpacked, number):
    """Runs every test with a daemon of its own. Returns how many failed."""
    failed = 0
    with tempfile.TemporaryDirectory() as rundir:
        daemon = Daemon(sys.argv[1], rundir, libraries, unpacked)
        for number, test in enumerate(TESTS, number):
            name = f'{test.__name__} with {whose} library'
            try:
                test(daemon)
                print(f'ok {number} - {name}', flush=True)
            except Exception as error:  # pylint: disable=broad-except
                failed += 1
                print(f'not ok {number} - {name}\n# {error}', flush=True)
        if daemon.process.poll() is None:
            daemon.process.kill()
    return failed


def main():
    ours, unpacked = sys.argv[2], sys.argv[3]
    debians = f'{unpacked}/usr/lib/x86_64-linux-gnu'
    if not os.path.isdir(debians):
        print('1..0 # SKIP build/unpacked is not there: ./test makes it')
        return 0
    print(f'1..{2 * len(TESTS)}', flush=True)
    failed = run_all('Debian\'s', [debians], unpacked, 1)
    failed += run_all('our', [ours, debians], unpacked, 1 + len(TESTS))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
