# SPDX-License-Identifier: GPL-2.0-only
"""./test: set up, build, and run the suites."""

import argparse
import re

from machine import command_run, machine, paths, report, say, suite_meson, suite_python

SUITES = ("unit", "abi", "lint", "guest", "system")
DESCRIPTION = """\
Install what is missing, build, and run the tests. One line for each test, excerpts of
logs for failures, and last exactly `N passed, N failed, N skipped`; exit status 1 if
any failed. A suite that runs nothing fails.

  unit     pure logic on the host, under ASan and UBSan
  abi      layouts, frozen dump, the table of calls
  lint     format, layers, headers, sizes
  guest    the bare-metal test guest in a partition (QEMU)
  system   the whole machine: root and guests (QEMU)
"""


def parser():
    form = argparse.ArgumentParser(prog="./test", description=DESCRIPTION,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
    form.add_argument("suites", nargs="*", metavar="SUITE",
                      help="suites to run, in this order (default: all)")
    form.add_argument("-k", "--only", metavar="REGEX", default="",
                      help="only tests whose name matches")
    form.add_argument("--no-build", action="store_true", help="test what was built before")
    command_run.add_machine_options(form)
    return form


def main(words):
    form = parser()
    chosen = form.parse_args(words)
    known = {path.name for path in (paths.SOURCE / "tests").iterdir() if path.is_dir()}
    for suite in chosen.suites:
        if suite not in SUITES and suite not in known - {"machine"}:
            form.error(f"there is no suite {suite!r}; there are: {', '.join(SUITES)}")
    results = report.Report()
    if _built(results, not chosen.no_build):
        options = command_run.machine_options(chosen)
        pattern = re.compile(chosen.only, re.IGNORECASE)
        for suite in chosen.suites or SUITES:
            _run_suite(suite, results, pattern, options)
    return results.end()


def _built(results, compile_all):
    """Set up and build; a failure is reported like a test's."""
    try:
        machine.prepare(compile_all=compile_all)
    except say.Failure as failure:
        results.fail("build", "the tree is set up and builds",
                     f"{failure.what}\nwhere: {failure.where}\nhint: {failure.hint}")
        return False
    return True


def _run_suite(suite, results, pattern, options):
    say.line(f"suite {suite}")
    results.suite_begins()

    def wanted(name):
        return bool(pattern.search(name))

    suite_meson.run(suite, results, wanted)
    suite_python.run(suite, results, wanted, options)
    if not pattern.pattern:
        results.suite_ends(suite)
