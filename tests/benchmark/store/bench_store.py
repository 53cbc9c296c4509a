#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
#
# Copyright (C) The Paravane developers
#
# pvn-stored beside Debian's xenstored and oxenstored, on this computer, in turns:
# requests per second, pipelined and one at a time, with few and with many
# guests in the tree. Prints a table; with --json, numbers.
#
# usage: bench_store.py PVN_STORED BENCH_STORE FAKE_XEN UNPACKED [--json] [--seconds S]
#
# oxenstored has its socket in /var/run/xenstored, so it is run only as root.

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time

GUESTS = (0, 1000)
ROUNDS = 3


def arguments():
    form = argparse.ArgumentParser(description='pvn-stored beside xenstored and oxenstored')
    for name in ('pvn_stored', 'bench_store', 'fake_xen', 'unpacked'):
        form.add_argument(name)
    form.add_argument('--json', action='store_true')
    form.add_argument('--seconds', default='0.5', help='of each measuring (default 0.5)')
    return form.parse_args()


class Peer:
    """One of Debian's daemons, with a faked Xen below it."""

    def __init__(self, options, folder, name):
        lib = f'{options.unpacked}/usr/lib'
        self.program = f'{lib}/xen-4.17/bin/{name}'
        os.makedirs(f'{folder}/run', exist_ok=True)
        with open(f'{folder}/xsd_port', 'w', encoding='ascii') as file:
            file.write('1')
        with open(f'{folder}/xsd_kva', 'wb') as file:
            file.truncate(4096)
        self.env = dict(os.environ, LD_PRELOAD=options.fake_xen, FAKE_XEN_DIR=folder,
                        XENSTORED_RUNDIR=f'{folder}/run',
                        LD_LIBRARY_PATH=f'{lib}/x86_64-linux-gnu')


class Xenstored(Peer):
    name = 'xenstored'

    def __init__(self, options, folder):
        super().__init__(options, folder, 'xenstored')
        self.command = [self.program, '-N']
        self.socket = f'{folder}/run/socket'


class Oxenstored(Peer):
    name = 'oxenstored'

    def __init__(self, options, folder):
        super().__init__(options, folder, 'oxenstored')
        self.socket = '/var/run/xenstored/socket'
        for path in ('/var/run/xenstored', '/var/log/xen'):
            os.makedirs(path, exist_ok=True)
        config = f'{folder}/oxenstored.conf'
        with open(config, 'w', encoding='ascii') as file:
            file.write(f'xenstored-port = {folder}/xsd_port\nxenstored-kva = {folder}/xsd_kva\n'
                       'quota-activate = false\npersistent = false\n'
                       # It rotates this one by renaming it, so never /dev/null.
                       f'access-log-file = {folder}/access.log\naccess-log-nb-files = 1\n')
        self.command = [self.program, '--no-fork', '--config-file', config]


class PvnStored:
    name = 'pvn-stored'

    def __init__(self, options, folder):
        self.command = [options.pvn_stored, '--foreground', '--rundir', folder, '--uid', '0']
        self.socket = f'{folder}/store/socket'
        self.env = None


def measure(kind, options, guests):
    """One daemon, started, measured, stopped."""
    with tempfile.TemporaryDirectory(dir='/dev/shm') as folder:
        daemon = kind(options, folder)
        with subprocess.Popen(daemon.command, env=daemon.env, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as process:
            for _ in range(500):
                if os.path.exists(daemon.socket):
                    break
                time.sleep(0.01)
            time.sleep(0.1)
            try:
                done = subprocess.run([options.bench_store, daemon.socket, str(guests),
                                       options.seconds], stdout=subprocess.PIPE, check=True,
                                      timeout=300)
            finally:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
    return json.loads(done.stdout)


def main():
    options = arguments()
    kinds = [PvnStored]
    if os.path.isdir(f'{options.unpacked}/usr/lib/xen-4.17'):
        kinds.append(Xenstored)
        if os.geteuid() == 0:
            kinds.append(Oxenstored)
    found = {}
    for guests in GUESTS:
        for _ in range(ROUNDS):         # in turns, so that noise hits all alike
            for kind in kinds:
                for name, value in measure(kind, options, guests).items():
                    found.setdefault((name, guests), {}).setdefault(kind.name, []).append(value)
    rows = [{'request': name, 'guests': guests,
             **{who: statistics.median(values) for who, values in results.items()}}
            for (name, guests), results in found.items()]
    if options.json:
        print(json.dumps(rows, indent=2))
        return 0
    print(f"{'requests per second':24}{'guests':>8}"
          + ''.join(f'{kind.name:>14}' for kind in kinds) + f"{'ratio':>8}")
    for row in rows:
        others = [row[kind.name] for kind in kinds[1:]]
        ratio = f"{row['pvn-stored'] / max(others):8.1f}" if others else ''
        print(f"{row['request']:24}{row['guests']:8}"
              + ''.join(f'{row[kind.name]:14,.0f}' for kind in kinds) + ratio)
    return 0


if __name__ == '__main__':
    sys.exit(main())
