# SPDX-License-Identifier: GPL-2.0-only
"""Test results on stdout: one line each, excerpts for failures, and the count."""

EXCERPT_ROWS = 60


class Report:
    """Counts while it prints."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self._in_suite = 0

    def suite_begins(self):
        self._in_suite = 0

    def suite_ends(self, suite):
        """A suite that ran nothing is a mistake, not a success."""
        if not self._in_suite:
            self.fail(suite, "the suite has at least one test",
                      f"neither meson's suite '{suite}' nor tests/{suite}/test_*.py has any")

    def ok(self, suite, name, duration=None):
        self.passed += 1
        self._line("ok", suite, name + (f"  ({duration:.1f} s)" if duration else ""))

    def skip(self, suite, name, why):
        self.skipped += 1
        self._line("skip", suite, f"{name}: {why}")

    def note(self, text, excerpt):
        """Something to know that is no verdict."""
        print(f"note {text}", flush=True)
        self._excerpt(excerpt)

    def fail(self, suite, name, excerpt):
        self.failed += 1
        self._line("FAIL", suite, name)
        self._excerpt(excerpt)

    @staticmethod
    def _excerpt(excerpt):
        rows = str(excerpt).rstrip().splitlines()
        if len(rows) > EXCERPT_ROWS:
            rows = ["(earlier lines left out)", *rows[-EXCERPT_ROWS:]]
        print("".join(f"       | {row}\n" for row in rows), end="", flush=True)

    def end(self):
        """The last line; the exit status."""
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped", flush=True)
        return 1 if self.failed else 0

    def _line(self, word, suite, text):
        self._in_suite += 1
        print(f"{word:4} {suite:6} {text}", flush=True)
