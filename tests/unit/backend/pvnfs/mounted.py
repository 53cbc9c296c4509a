#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
#
# Copyright (C) The Paravane developers
#
# pvnfs on a real pvn-stored, mounted in a directory of its own. Prints TAP.
#
# usage: mounted.py PVN_STORED PVNFS

import errno
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

TIMEOUT = 30
FACTS = {
    'counters': {'hypervisor': {'partitions': 2},
                 'processors': [{'index': 0, 'time': 1234}],
                 'partitions': [{'id': 7, 'name': 'g', 'vps': [{'index': 0, 'exits': {'hlt': 5}}]}]},
    'census': {'hypervisor': {'pages_total': 99}},
}


class Mounted:
    """A daemon and its files."""

    def __init__(self, stored, pvnfs, folder):
        self.stored, self.pvnfs, self.folder = stored, pvnfs, folder
        self.top, self.rundir = f'{folder}/mnt', f'{folder}/run'
        os.mkdir(self.top)
        os.makedirs(f'{self.rundir}/guests/g')
        with open(f'{self.rundir}/guests/g/state.json', 'w', encoding='ascii') as file:
            json.dump({'name': 'g', 'domid': 7, 'disks': [{'image': '/i.img'}]}, file)
        tool = f'{folder}/pvn'
        with open(tool, 'w', encoding='ascii') as file:
            file.write('#!/bin/sh\ncase $1 in\n' + ''.join(
                f"{name}) echo '{json.dumps(facts)}' ;;\n" for name, facts in FACTS.items())
                + 'esac\n')
        os.chmod(tool, 0o755)
        self.env = dict(os.environ, PVN_RUNDIR=self.rundir, PVN_PROGRAM=tool)
        self.start_stored()
        self.mount()

    def start_stored(self):
        subprocess.run([self.stored, '--rundir', self.rundir, '--uid', '0'], check=True, timeout=TIMEOUT)

    def mount(self):
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen([self.pvnfs, '-f', self.top], env=self.env)
        self.wait(lambda: os.path.ismount(self.top))

    @staticmethod
    def wait(condition):
        end = time.monotonic() + TIMEOUT
        while not condition():
            if time.monotonic() > end:
                raise AssertionError('waited in vain')
            time.sleep(0.01)

    def stop_stored(self, number=signal.SIGTERM):
        with open(f'{self.rundir}/store/pvn-stored.pid', encoding='ascii') as file:
            pid = int(file.read())
        os.kill(pid, number)
        self.wait(lambda: not os.path.exists(f'/proc/{pid}'))

    def path(self, name):
        return f'{self.top}/{name}'

    def read(self, name):
        with open(self.path(name), encoding='ascii') as file:
            return file.read()

    def write(self, name, text):
        with open(self.path(name), 'w', encoding='ascii') as file:
            file.write(text)

    def unmount(self):
        subprocess.run(['umount', self.top], check=True, timeout=TIMEOUT)

    def clean_up(self):
        subprocess.run(['umount', '-l', self.top], check=False, stderr=subprocess.DEVNULL)
        self.process.kill()
        self.process.wait()
        try:
            self.stop_stored()
        except OSError:
            pass


def expect(got, wanted):
    if got != wanted:
        raise AssertionError(f'expected {wanted!r}, got {got!r}')


def expect_error(number, call, *args):
    try:
        call(*args)
    except OSError as error:
        expect(errno.errorcode[error.errno], errno.errorcode[number])
    else:
        raise AssertionError(f'no {errno.errorcode[number]}')


def nodes_are_made_written_read_and_removed(m):
    os.mkdir(m.path('store/a'))
    expect_error(errno.EEXIST, os.mkdir, m.path('store/a'))
    m.write('store/a/b', 'hello\n')
    expect(m.read('store/a/b'), 'hello')
    expect(os.listdir(m.path('store/a')), ['b'])
    with open(m.path('store/a/b'), 'a', encoding='ascii') as file:
        file.write(' world')
    expect(m.read('store/a/b'), 'hello world')
    os.truncate(m.path('store/a/b'), 2)
    expect(m.read('store/a/b'), 'he')
    expect_error(errno.ENOTEMPTY, os.rmdir, m.path('store/a'))
    expect_error(errno.ENOENT, m.read, 'store/none')
    expect_error(errno.ENOENT, m.read, 'store/a/..b')
    expect_error(errno.EFBIG, m.write, 'store/a/b', 'x' * 5000)
    os.unlink(m.path('store/a/b'))
    os.rmdir(m.path('store/a'))
    expect(os.path.exists(m.path('store/a')), False)


def a_directory_may_have_a_value(m):
    m.write('store/d', 'own')
    expect(os.path.isfile(m.path('store/d')), True)
    subprocess.run(['touch', m.path('store/e')], check=True)
    expect(os.path.isfile(m.path('store/e')), True)
    m.write('store/e', 'of e')
    expect(m.read('store/e'), 'of e')
    m.write('store/e', '')
    expect(os.path.isfile(m.path('store/e')), True)
    os.unlink(m.path('store/e'))
    os.mkdir(m.path('store/e'))
    m.write('store/e/.value', 'of e')
    m.write('store/e/x', '1')
    os.unlink(m.path('store/e/x'))
    expect(m.read('store/e/.value'), 'of e')
    os.rmdir(m.path('store/e'))
    expect(os.path.exists(m.path('store/e')), False)
    os.makedirs(m.path('store/f/g'))
    m.write('store/f/.value', 'of f')
    expect(sorted(os.listdir(m.path('store/f'))), ['.value', 'g'])
    expect(m.read('store/f/.value'), 'of f')
    shutil.rmtree(m.path('store/f'))
    expect(os.path.exists(m.path('store/f')), False)


def permissions_are_an_attribute(m):
    m.write('store/p', 'x')
    expect(os.listxattr(m.path('store/p')), ['user.permissions'])
    os.setxattr(m.path('store/p'), 'user.permissions', b'n0 r5 b6')
    expect(os.getxattr(m.path('store/p'), 'user.permissions'), b'n0 r5 b6')
    expect_error(errno.EINVAL, os.setxattr, m.path('store/p'), 'user.permissions', b'q1')
    expect_error(errno.ENOTSUP, os.setxattr, m.path('store/p'), 'user.other', b'1')
    expect_error(errno.ENOTSUP, os.chmod, m.path('store/p'), 0o777)


def polled(descriptor, wait_ms):
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(wait_ms))


def poll_tells_that_a_value_changed(m):
    m.write('store/w', 'one')
    file = os.open(m.path('store/w'), os.O_RDONLY)
    expect(os.read(file, 100), b'one')
    expect(polled(file, 100), False)
    m.write('store/w', 'two')
    expect(polled(file, TIMEOUT * 1000), True)
    expect(os.pread(file, 100, 0), b'two')
    expect(polled(file, 100), False)
    os.close(file)


def a_watch_file_names_what_changed(m):
    watch = os.open(m.path('store/.watch'), os.O_RDONLY)
    expect(polled(watch, 100), False)
    expect(os.read(watch, 100), b'')
    m.write('store/n', 'new')
    os.unlink(m.path('store/n'))
    seen = b''
    while seen.count(b'/n\n') < 3:
        expect(polled(watch, TIMEOUT * 1000), True)
        seen += os.read(watch, 1000)
    expect(seen, b'/n\n/n\n/n\n')       # made, written, removed
    os.close(watch)


def facts_are_files(m):
    expect(sorted(os.listdir(m.top)), ['guests', 'hypervisor', 'store'])
    expect(m.read('hypervisor/counters/processors/0/time'), '1234\n')
    expect(m.read('hypervisor/counters/partitions/g/vps/0/exits/hlt'), '5\n')
    expect(m.read('hypervisor/census/hypervisor/pages_total'), '99\n')
    expect(m.read('guests/g/domid'), '7\n')
    expect(m.read('guests/g/disks/0/image'), '/i.img\n')
    expect_error(errno.EACCES, m.write, 'guests/g/domid', '8')
    expect_error(errno.EACCES, os.mkdir, m.path('guests/h'))
    expect_error(errno.ENOENT, m.read, 'hypervisor/none')


def a_new_daemon_is_found_and_polls_wake_up(m):
    m.write('store/k', '1')
    file = os.open(m.path('store/k'), os.O_RDONLY)
    os.read(file, 10)
    expect(polled(file, 50), False)
    m.stop_stored()
    expect_error(errno.EIO, m.read, 'store/k')
    m.start_stored()
    expect(polled(file, TIMEOUT * 1000), True)
    os.close(file)
    m.write('store/k', '2')
    expect(m.read('store/k'), '2')


def unmounting_ends_it(m):
    m.unmount()
    expect(m.process.wait(TIMEOUT), 0)
    expect(os.listdir(m.top), [])
    m.mount()
    m.process.send_signal(signal.SIGTERM)
    m.process.wait(TIMEOUT)
    expect(os.path.ismount(m.top), False)
    m.mount()


def its_death_leaves_nothing_hanging(m):
    file = os.open(m.path('store/k'), os.O_RDONLY)
    m.process.kill()
    m.process.wait(TIMEOUT)
    expect_error(errno.ENOTCONN, os.listdir, m.top)
    expect_error(errno.ENOTCONN, os.read, file, 10)
    expect(polled(file, 1000), True)
    expect_error(errno.ENOTCONN, os.close, file)
    m.unmount()
    m.mount()
    expect(m.read('store/k'), '2')


def without_a_daemon_it_says_so(m):
    m.unmount()
    m.stop_stored()
    done = subprocess.run([m.pvnfs, m.top], env=m.env, stderr=subprocess.PIPE, text=True,
                          timeout=TIMEOUT, check=False)
    expect(done.returncode, 1)
    if 'hint:' not in done.stderr:
        raise AssertionError(done.stderr)
    expect(subprocess.run([m.pvnfs], env=m.env, stderr=subprocess.DEVNULL, check=False).returncode, 2)


TESTS = [nodes_are_made_written_read_and_removed, a_directory_may_have_a_value,
         permissions_are_an_attribute, poll_tells_that_a_value_changed,
         a_watch_file_names_what_changed, facts_are_files,
         a_new_daemon_is_found_and_polls_wake_up, unmounting_ends_it,
         its_death_leaves_nothing_hanging, without_a_daemon_it_says_so]


def main():
    if not os.access('/dev/fuse', os.R_OK | os.W_OK) or os.geteuid():
        print('1..0 # SKIP mounting takes root and /dev/fuse')
        return 0
    failed = 0
    print(f'1..{len(TESTS)}', flush=True)
    with tempfile.TemporaryDirectory() as folder:
        mounted = Mounted(sys.argv[1], sys.argv[2], folder)
        for number, test in enumerate(TESTS, 1):
            try:
                test(mounted)
                print(f'ok {number} - {test.__name__}', flush=True)
            except Exception as error:  # pylint: disable=broad-except
                failed += 1
                print(f'not ok {number} - {test.__name__}\n# {error!r}', flush=True)
        mounted.clean_up()
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
