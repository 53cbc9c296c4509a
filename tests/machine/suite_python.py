# SPDX-License-Identifier: GPL-2.0-only
"""Run the tests of tests/<suite>/test_*.py; testing.py says what a test is.

With several threads QEMU 7.2 now and then loses what one thread tells another
(docs/decisions/009, 5): whatever then goes wrong says nothing about Paravane. So a test that
failed on such a machine runs once more with all processors in one thread, where that cannot
happen, and the second verdict counts. The first one is printed all the same."""

import contextlib
import dataclasses
import importlib.util
import inspect
import signal
import time
import traceback

from machine import machine, paths, qemu, say, testing


SLOWER = 3      # what one thread may take of several threads' time


class TooLong(Exception):
    """A test used up its time."""


class Machines:
    """Keeps one booted machine for tests that want the same options."""

    def __init__(self, defaults):
        self._defaults = defaults
        self._current = self._options = None

    def get(self, changes):
        """A machine with the default options and these changes."""
        if self._current and (self._options != changes or not self._current.is_alive()):
            self.discard()
        if not self._current:
            self._options = changes
            self._current = machine.Machine(dataclasses.replace(self._defaults, **changes))
            self._current.boot()
        return self._current

    def logs(self):
        return self._current.tail_logs() if self._current else ""

    def died(self):
        return self._current is not None and not self._current.is_alive()

    @contextlib.contextmanager
    def in_one_thread(self):
        """Machines that start in here have all their processors in one thread."""
        self.discard()
        qemu.ONE_THREAD = True
        try:
            yield
        finally:
            self.discard()
            qemu.ONE_THREAD = False

    def have_threads(self):
        return qemu.has_threads(self._defaults)

    def discard(self):
        """End the machine, if there is one."""
        if self._current:
            self._current.__exit__()
            self._current = None


def run(suite, report, wanted, defaults):
    """Load, run and report all tests of the suite."""
    machines = Machines(defaults)
    try:
        for function in _load(suite, report):
            if wanted(sentence(function)):
                _run_one(suite, report, function, machines)
    finally:
        machines.discard()


def sentence(function):
    """A test's name: the first sentence of its docstring."""
    words = inspect.getdoc(function) or function.__name__.removeprefix("test_").replace("_", " ")
    return " ".join(words.split("\n\n")[0].split()).rstrip(".")


def _load(suite, report):
    for path in sorted((paths.SOURCE / "tests" / suite).glob("test_*.py")):
        spec = importlib.util.spec_from_file_location(f"{suite}_{path.stem}", path)
        module = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except Exception:  # pylint: disable=broad-except
            report.fail(suite, f"tests/{suite}/{path.name} can be loaded", traceback.format_exc())
            continue
        functions = [value for name, value in vars(module).items()
                     if name.startswith("test_") and inspect.isfunction(value)]
        yield from sorted(functions, key=lambda each: each.__code__.co_firstlineno)


def _run_one(suite, report, function, machines):
    name = sentence(function)
    failed = _try(suite, report, function, machines)
    if not failed:
        return
    if not machines.have_threads() or getattr(function, "machine_options", {}).get("processors") == 1:
        report.fail(suite, name, failed)
        return
    report.note(f"{name}: failed; once more with the emulator in one thread", failed)
    with machines.in_one_thread():
        failed = _try(suite, report, function, machines, slower=SLOWER)
        if failed:
            report.fail(suite, name, failed)


def _try(suite, report, function, machines, slower=1):
    """Run the test and report it unless it fails: why it did, or None."""
    name, failed = sentence(function), None
    alone = getattr(function, "own_machine", False)
    if alone:
        machines.discard()
    try:
        duration = _call_in_time(function, machines, slower)
        if machines.died() and not alone:
            raise AssertionError("the machine ended during the test")
        report.ok(suite, name, duration)
    except testing.Skip as reason:
        report.skip(suite, name, reason)
    except say.Failure as failure:          # brings its own excerpt of the logs
        failed = failure.what
    except (Exception, TooLong) as error:  # pylint: disable=broad-except
        failed = f"{_explain(error)}\n{machines.logs()}"
    if failed or alone:
        machines.discard()
    return failed


def _call_in_time(function, machines, slower):
    """Call the test; an alarm interrupts it wherever it waits. Booting has its own limit.
    Returns how long the test took."""
    needs_machine = bool(inspect.signature(function).parameters)
    changes = getattr(function, "machine_options", {})
    arguments = [machines.get(changes)] if needs_machine else []
    limit = slower * getattr(function, "seconds", testing.DEFAULT_SECONDS)

    def ring(*_):
        raise TooLong(f"the test did not end within {limit} s")

    previous = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, limit)
    began = time.monotonic()
    try:
        function(*arguments)
        return time.monotonic() - began
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def _explain(error):
    """What went wrong, and the line of the test where."""
    rows = traceback.extract_tb(error.__traceback__)
    here = next((row for row in reversed(rows) if "/test_" in row.filename), rows[-1])
    place = here.filename.removeprefix(f"{paths.SOURCE}/")
    what = str(error) or type(error).__name__
    if not isinstance(error, (AssertionError, TooLong)):
        what = f"{type(error).__name__}: {what}"
    return f"{what}\nat {place}:{here.lineno}: {here.line}"
