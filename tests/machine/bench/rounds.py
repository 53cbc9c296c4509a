# SPDX-License-Identifier: GPL-2.0-only
"""Rounds: every side is booted and runs the table, then all of it again.

What fails is noted and the rest goes on. Rounds are interleaved so that what changes on
this computer meanwhile meets every side.
"""

import os
import sys
import time
from dataclasses import dataclass, field

from machine import say
from machine.bench import bare_metal, counting, preflight, shell, workloads

COMMAND_SECONDS = 120       # beside the time that was asked for
LIVES = 3                   # of a guest that is lost


@dataclass
class Sample:
    """One run of one workload on one side."""

    value: float
    round: int
    busy: float = None              # QEMU's processor seconds meanwhile
    operations: int = 0
    exits: float = None             # of one operation
    reasons: dict = field(default_factory=dict)
    latency_us: dict = field(default_factory=dict)
    bytes: int = 0


class Collected:
    """All samples, and what went wrong."""

    def __init__(self):
        self.samples = {}           # (workload, side) -> [Sample]
        self.failures = []          # dicts: workload, side, round, why
        self.lacking = {}           # (workload, side) -> why it is not there
        self.notes = []             # sentences
        self.tell = say.line        # what goes to the user at once

    def add(self, workload, side, sample):
        self.samples.setdefault((workload, side), []).append(sample)

    def note(self, words):
        words = " ".join(words.split())[:300]
        self.notes.append(words)
        self.tell(words)

    def fail(self, workload, side, number, why):
        why = " ".join(str(why).split())[:500]
        self.failures.append({"workload": workload, "side": side, "round": number + 1,
                              "why": why})
        self.tell(f"failed: {workload} on {side}, round {number + 1}: {why}")


class Progress:
    """A bar on a terminal, otherwise a line for each side of a round."""

    WIDTH, NARROW, LEAST = 30, 10, 100

    def __init__(self, steps, stream=None):
        self._steps, self._done = max(steps, 1), 0
        self._began = time.monotonic()
        self._stream = stream or sys.stderr
        self._bar = self._stream.isatty()

    def boot(self, words):
        """A machine boots; said where it is not in the way."""
        self._draw(words)

    def side(self, words):
        """A side begins."""
        if self._bar:
            self._draw(words)
        else:
            say.line(words)

    def step(self, words):
        """One workload begins, so those before it are over."""
        self._draw(words)
        self._done = min(self._done + 1, self._steps)

    def line(self, words):
        """What stays, above the bar."""
        self.end()
        say.line(words)

    def end(self):
        """The bar goes."""
        if self._bar:
            print("\r\033[K", end="", file=self._stream, flush=True)

    def _draw(self, words):
        if not self._bar:
            return
        try:
            columns = os.get_terminal_size(self._stream.fileno()).columns or self.LEAST
        except OSError:
            columns = self.LEAST
        width = self.WIDTH if columns >= self.LEAST else self.NARROW
        filled = self._done * width // self._steps
        text = f"[{'#' * filled}{'.' * (width - filled)}] {100 * self._done // self._steps:3}%"
        if self._done:
            rest = (time.monotonic() - self._began) / self._done * (self._steps - self._done)
            text += f", {rest:4.0f} s left"
        text += f": {words}"
        # A line that wraps could not be taken back.
        print(f"\r\033[K{text[:columns - 1]}", end="", file=self._stream, flush=True)


class Rounds:
    """Runs the chosen rows on the sides."""

    def __init__(self, plan, parts, rows):
        """parts: what boots by itself, each with the sides that live in it."""
        self._plan, self._rows, self._parts = plan, rows, parts
        self.collected = Collected()
        self._round = 0
        self._progress = None

    def run(self, count):
        """That many rounds."""
        self._set_up()
        sides = sum(len(sides) for _, sides in self._parts)
        self._progress = Progress(count * sides * sum(not row.sides for row in self._rows))
        self.collected.tell = self._progress.line
        try:
            for self._round in range(count):
                for part, sides in self._parts:
                    self._boot(part, sides, f"round {self._round + 1} of {count}")
        finally:
            self._progress.end()

    def _set_up(self):
        """What a part needs once, before all rounds. One that cannot have it is left out."""
        for part, sides in list(self._parts):
            try:
                getattr(part, "set_up", lambda: None)()
            except say.Failure as failure:
                self._parts.remove((part, sides))
                for side in sides:
                    self._fail("set-up", side, failure.what.splitlines()[0])
                    self._not_tried(side, self._rows)

    def _boot(self, part, sides, words):
        """One boot of the machine, with all sides that live in it. A machine that is lost is
        booted once more, for what is not measured yet: the emulator does that now and then
        (docs/decisions/009-emulator-traps.md, item 6)."""
        left = {side.name: [row for row in self._rows if not row.sides] for side in sides}
        self._progress.boot(f"{words}: booting, for {' and '.join(side.title for side in sides)}")
        for is_last in (False, True):
            try:
                self._in_machine(part, left, words)
                return
            except (say.Failure, shell.Lost) as failure:
                why = getattr(failure, "what", str(failure)).splitlines()[0]
            if not is_last:
                self.collected.note(f"{words}: the machine is booted once more: {why}")
        for side in sides:
            self._fail("boot", side, why)
            self._not_tried(side, left[side.name])

    def _in_machine(self, part, left, words):
        with part.sessions() as booted:
            for side, start in booted:
                if left[side.name]:
                    self._progress.side(f"{words}: {side.title}")
                    self._on_side(side, start, left[side.name], words)
            if part.system:
                self._bare_metal(part.system)

    def _not_tried(self, side, rows):
        if rows:
            self._fail("boot", side, "after these failures not tried: "
                       + " ".join(each.name for each in rows))

    def _fail(self, workload, side, why):
        self.collected.fail(workload, side.name, self._round, why)

    def _on_side(self, side, start, rows, words):
        """All rows on one side, each taken off the list when it is over. One that takes its
        guest with it costs a new guest."""
        row = None
        for _ in range(LIVES):
            try:
                with start() as session:
                    nothing = {}
                    while rows:
                        row = rows[0]
                        self._progress.step(f"{words}, {side.title}: {row.title}")
                        self._row(row, side, session, nothing)
                        rows.pop(0)
                    return
            except shell.Lost as lost:
                self._fail(row.name if row else "boot", side, lost)
                if not row:
                    break
                rows.pop(0)
        self._not_tried(side, rows)
        rows.clear()

    def _row(self, row, side, session, nothing):
        """One workload in one boot."""
        lacking = next((session.lacks[need] for need in row.needs if need in session.lacks), None)
        if lacking:
            self.collected.lacking[(row.name, side.name)] = lacking
            return
        if not row.command:
            for value in session.single.get(row.name, []):
                self.collected.add(row.name, side.name, Sample(value, self._round))
            if not session.single.get(row.name):
                self._fail(row.name, side, "the kernel's log has no time")
            return
        try:
            self._measure(row, side, session, nothing)
        except (workloads.Unreadable, ValueError, LookupError, TypeError, ArithmeticError) as error:
            self._fail(row.name, side, f"its output: {type(error).__name__}: {error}")

    def _measure(self, row, side, session, nothing):
        words = {**session.words, "seconds": self._plan.chosen.seconds}
        if row.nothing not in nothing:
            # Programs and their libraries are read in by this, so it is the warm-up too.
            session.run(row.nothing.format(**words), self._limit())
            nothing[row.nothing] = self._counted(session, row.nothing.format(**words))[1]
        busy = preflight.processor_seconds(session.pid)
        done, counted = self._counted(session, row.command.format(**words))
        busy = preflight.processor_seconds(session.pid) - busy
        if done.status:
            self._fail(row.name, side, f"status {done.status}: {done.output[-300:]}")
            return
        got = row.read(done.output)
        exits, reasons = counting.per_operation(counted, nothing[row.nothing], got.operations)
        self.collected.add(row.name, side.name, Sample(
            got.value, self._round, busy, got.operations, exits, reasons, got.latency_us,
            got.bytes))

    def _limit(self):
        return COMMAND_SECONDS + self._plan.chosen.seconds

    def _counted(self, session, command):
        """Run a command; (how it ended, what was counted or None)."""
        before = session.counters.read() if session.counters else None
        done = session.run(command, self._limit())
        if not before:
            return done, None
        after = session.counters.read()
        return done, counting.difference(after, before) if after else None

    def _bare_metal(self, system):
        """The rows that need no Linux, in the bare-metal guest."""
        rows = {row.name: row for row in self._rows if row.sides}
        if not rows:
            return
        found, said = bare_metal.run(system)
        for name, row in rows.items():
            if name in found:
                got = found[name]
                self.collected.add(name, row.sides[0], Sample(got.microseconds, self._round,
                                                              operations=got.times))
            else:
                self.collected.fail(name, row.sides[0], self._round,
                                    f"the bare-metal guest does not tell: {said}")
