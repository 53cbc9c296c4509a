# SPDX-License-Identifier: GPL-2.0-only
"""Words to the user, all on stderr: stdout belongs to the command that runs in the root."""

import contextlib
import sys
import time


class Failure(Exception):
    """Something the user must know: what went wrong, where, and a hint."""

    def __init__(self, what, where=None, hint=None):
        super().__init__(what)
        self.what, self.where, self.hint = what, where, hint


def line(text):
    print(f"paravane: {text}", file=sys.stderr, flush=True)


def error(failure):
    line(f"error: {failure.what}")
    if failure.where:
        line(f"where: {failure.where}")
    if failure.hint:
        line(f"hint: {failure.hint}")


@contextlib.contextmanager
def step(text):
    """Announce a step that may take long, and say how long it took."""
    line(f"{text} ...")
    began = time.monotonic()
    yield
    line(f"{text}: done in {time.monotonic() - began:.1f} s")
