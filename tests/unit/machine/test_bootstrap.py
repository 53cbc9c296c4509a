# SPDX-License-Identifier: GPL-2.0-only
"""The set-up of packages, with stand-ins for dpkg-query, id, sudo and apt-get that write
down what they were asked. The shell text is the real one."""

import os
import pty
import subprocess
import sys
import tempfile
from pathlib import Path

import tap

PACKAGES = "# a comment\n[host]\nhere\nfirst-missing   # why\nsecond-missing\n[root]\nnot-for-hosts\n"
STANDINS = {
    "dpkg-query": 'for p; do case "$p" in here|$INSTALLED) echo "installed $p";; esac; done',
    "id": "echo $USER_ID",
    "sudo": 'echo "sudo $*" >>"$DIARY"; exec "$@"',
    "apt-get": 'echo "apt-get $*" >>"$DIARY"; '
               'case "$*" in *" update"*) exit "$UPDATE";; *) exit "$INSTALL";; esac',
}
SENTENCE = "these Debian packages are missing: first-missing second-missing; install them as root " \
           "(apt-get install first-missing second-missing) and start again."


class Host:
    """A computer on which the two packages are missing."""

    def __init__(self, folder, without=(), **settings):
        self.folder = Path(folder)
        self.diary = self.folder / "diary"
        (self.folder / "tests" / "machine").mkdir(parents=True)
        (self.folder / "tests" / "machine" / "packages.txt").write_text(PACKAGES)
        programs = self.folder / "bin"
        programs.mkdir()
        for name, text in STANDINS.items():
            if name not in without:
                (programs / name).write_text(f"#!/bin/sh\n{text}\n")
                (programs / name).chmod(0o755)
        for name in ("sh", "sed", "awk", "grep", "env", "cat"):
            os.symlink(f"/usr/bin/{name}", programs / name)
        self.environment = {"PATH": str(programs), "DIARY": str(self.diary), "USER_ID": "1000",
                            "UPDATE": "0", "INSTALL": "0", "INSTALLED": "-", **settings}

    def set_up(self, answer=None):
        """Run ensure_packages, on a terminal if there is an answer to type: (status, what was said)."""
        text = f". {tap.SOURCE}/tests/machine/bootstrap.sh; ensure_packages; echo ready"
        command = ["/bin/sh", "-c", f"paravane={self.folder}; {text}"]
        if answer is None:
            done = subprocess.run(command, env=self.environment, stdin=subprocess.DEVNULL, text=True,
                                  capture_output=True, timeout=20, check=False)
            return done.returncode, done.stdout + done.stderr
        ours, theirs = pty.openpty()
        with subprocess.Popen(command, env=self.environment, stdin=theirs, stdout=theirs, stderr=theirs,
                              close_fds=True) as process:
            os.close(theirs)
            os.write(ours, f"{answer}\n".encode())
            said = _read_all(ours)
            return process.wait(20), said

    def asked(self):
        """What sudo and apt-get were asked."""
        return self.diary.read_text().splitlines() if self.diary.exists() else []


def _read_all(terminal):
    said = b""
    while True:
        try:
            piece = os.read(terminal, 4096)
        except OSError:         # the other end was closed
            piece = b""
        if not piece:
            return said.decode()
        said += piece


def _installs(rows):
    return [row for row in rows if " install " in row]


def nothing_missing(host):
    """With all packages there nothing is asked and nothing is said."""
    host.environment["INSTALLED"] = "*-missing"
    return host.set_up() == (0, "ready\n") and host.asked() == []


def as_root(host):
    """Root installs just what is missing, without questions and without sudo."""
    host.environment["USER_ID"] = "0"
    status, said = host.set_up()
    rows = host.asked()
    return status == 0 and "ready" in said and len(rows) == 2 and "sudo" not in "".join(rows) and \
        rows[1].endswith("install -y --no-install-recommends first-missing second-missing")


def no_sudo(host):
    """Without root and sudo one sentence names the missing packages."""
    status, said = host.set_up()
    return status == 1 and said.strip() == f"paravane: {SENTENCE}" and host.asked() == []


def no_terminal(host):
    """sudo is not used unasked where nobody can be asked."""
    status, said = host.set_up()
    return status == 1 and SENTENCE in said and host.asked() == []


def asked_and_refused(host):
    """On a terminal what and why is said before sudo, and No is respected."""
    status, said = host.set_up("n")
    return status == 1 and "sudo is needed once" in said and "first-missing second-missing" in said and \
        SENTENCE in said and host.asked() == []


def asked_and_allowed(host):
    """Yes on the terminal installs through sudo."""
    status, said = host.set_up("y")
    rows = host.asked()
    return status == 0 and "ready" in said and len(_installs(rows)) == 2 and rows[0].startswith("sudo ")


def told_before(host):
    """PARAVANE_YES=1 is an answer given before."""
    status, _ = host.set_up()
    return status == 0 and any(row.startswith("sudo ") for row in host.asked())


def no_lists(host):
    """A failed update is no reason not to try."""
    status, said = host.set_up()
    return status == 0 and "trying with the package lists at hand" in said


def no_install(host):
    """A failed installation is said with the names."""
    status, said = host.set_up()
    return status == 1 and "apt-get could not install: first-missing second-missing;" in said


def no_debian(host):
    """Another system than Debian is told so."""
    status, said = host.set_up()
    return status == 1 and "this is not a Debian system" in said


CASES = (
    (nothing_missing, {}), (as_root, {}), (no_sudo, {"without": ("sudo",)}), (no_terminal, {}),
    (asked_and_refused, {}), (asked_and_allowed, {}), (told_before, {"PARAVANE_YES": "1"}),
    (no_lists, {"USER_ID": "0", "UPDATE": "100"}), (no_install, {"USER_ID": "0", "INSTALL": "100"}),
    (no_debian, {"without": ("dpkg-query",)}),
)


def main():
    checks = tap.Checks()
    for case, settings in CASES:
        with tempfile.TemporaryDirectory() as folder:
            host = Host(folder, **settings)
            good = case(host)
            bad = [] if good else [f"asked: {host.asked()}", f"again: {host.set_up()}"]
            checks.verdict(case.__doc__.rstrip("."), bad)
    return checks.end()


if __name__ == "__main__":
    sys.exit(main())
