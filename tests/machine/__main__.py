# SPDX-License-Identifier: GPL-2.0-only
"""Entry point: `python3 -m machine run|test ARGUMENTS`."""

import os
import signal
import sys

from machine import command_run, command_test, say


def interrupt(*_):
    """A terminated run cleans up as one that was interrupted."""
    raise KeyboardInterrupt


def main():
    signal.signal(signal.SIGINT, interrupt)     # even where a shell said to ignore it
    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGHUP, interrupt)
    # A user's PATH on Debian lacks where depmod and mke2fs are.
    os.environ["PATH"] = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
    commands = {"run": command_run.main, "test": command_test.main}
    try:
        return commands[sys.argv[1]](sys.argv[2:])
    except say.Failure as failure:
        say.error(failure)
        return 1
    except KeyboardInterrupt:
        say.line("interrupted")
        return 130


sys.exit(main())
