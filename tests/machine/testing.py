# SPDX-License-Identifier: GPL-2.0-only
"""What a Python test may use.

A test is a function test_*() in tests/<suite>/test_*.py. The first sentence of
its docstring is its name in the report. If it has a parameter `machine`, it
gets a booted machine.Machine, which it shares with other tests that want the
same options; a failed test's machine is thrown away. It fails by raising
(assert is enough), and skips by raising Skip("why").

    from machine.testing import boot, expect, seconds

    @boot(processors=1)              # qemu.Options that differ from the default
    @seconds(300)                    # five times what it should take; default 120
    def test_uptime(machine):
        \"\"\"The root knows how long it is up.\"\"\"
        done = machine.run("cut -d. -f1 /proc/uptime")
        expect(done.status == 0, f"cut says {done.errors}")
"""

DEFAULT_SECONDS = 120


class Skip(Exception):
    """Raised by a test that cannot run here; the message says why."""


def boot(**options):
    """The test needs a machine with these qemu.Options."""
    def mark(function):
        function.machine_options = options
        return function
    return mark


def own_machine(function):
    """The test breaks its machine: nobody else may get it before or afterwards."""
    function.own_machine = True
    return function


def seconds(limit):
    """After this long the test's machine is killed and the test has failed."""
    def mark(function):
        function.seconds = limit
        return function
    return mark


def expect(condition, otherwise):
    """assert with words."""
    if not condition:
        raise AssertionError(otherwise)
