# SPDX-License-Identifier: GPL-2.0-only
"""Entry point: `python3 -m machine run|test ARGUMENTS`."""

import sys

from machine import command_run, command_test, say


def main():
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
