# SPDX-License-Identifier: GPL-2.0-only
"""Compile everything and stage what goes into the root partition."""

import shutil
import subprocess

from machine import paths, say, tools


def build():
    """meson compile, then meson install into an empty stage."""
    _configure()
    log = paths.MESON / "meson-logs" / "compile.log"
    with open(log, "w", encoding="utf-8") as output:
        done = subprocess.run(["ninja", "-C", str(paths.MESON)], stdout=output,
                              stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise say.Failure("the build failed:\n" + _interesting(log.read_text(errors="replace")),
                          where=tools.shorten(log),
                          hint="meson compile -C build/meson shows everything")
    _stage()


def _configure():
    """Set the build directory up, once; ninja redoes it when a meson.build changes."""
    if (paths.MESON / "build.ninja").exists():
        _reconfigure_if_kernels_appeared()
        return
    with say.step("configuring the build"):
        tools.call(["meson", "setup", paths.MESON, paths.SOURCE], "meson setup",
                   hint="rm -r build/meson starts afresh", cwd=paths.SOURCE)


def _reconfigure_if_kernels_appeared():
    """A build directory made by hand before the kernels were there lacks the modules."""
    configured = (paths.MESON / "build.ninja").stat().st_mtime
    stamps = list(paths.KERNELS.glob("*.stamp"))
    folders = list(paths.SOURCE.glob("*/meson.build")) + \
        list(paths.SOURCE.glob("tests/*/meson.build"))
    if any(path.stat().st_ctime > configured for path in stamps + folders):
        tools.call(["meson", "setup", "--reconfigure", paths.MESON, paths.SOURCE],
                   "meson setup --reconfigure", cwd=paths.SOURCE)


def _interesting(text):
    """The failing commands and their messages, without ninja's progress lines."""
    rows = [row for row in text.splitlines() if not row.startswith(("[", "ninja: Entering"))]
    return "\n".join(rows[-60:])


def _stage():
    fresh = paths.STAGE.with_name("stage.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    tools.call(["meson", "install", "-C", paths.MESON, "--no-rebuild", "--quiet",
                "--destdir", fresh], "staging")
    shutil.rmtree(paths.STAGE, ignore_errors=True)
    fresh.rename(paths.STAGE)
