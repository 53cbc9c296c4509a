# SPDX-License-Identifier: GPL-2.0-only
"""Small helpers around files and programs that several steps of the set-up share."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile

from machine import paths, say


def shorten(path):
    """A path for a message: relative to the repository where possible."""
    try:
        return str(path.relative_to(paths.SOURCE))
    except ValueError:
        return str(path)


def call(command, what, hint=None, cwd=None, env=None, stdin=None):
    """Run a program quietly and return its stdout; on failure show its last words."""
    words = [str(word) for word in command]
    if not shutil.which(words[0]):
        raise say.Failure(f"{what}: there is no program {words[0]}")
    with subprocess.Popen(words, cwd=cwd, env=env, text=True,
                          stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            output, errors = process.communicate(stdin)
        except BaseException:
            _end_gently(process)
            raise
    if process.returncode:
        said = (errors.strip() or output.strip()).splitlines()[-25:]
        raise say.Failure(f"{what} failed (exit {process.returncode}):\n  " + "\n  ".join(said),
                          where=" ".join(words)[:300], hint=hint)
    return output


def _end_gently(process):
    """After Ctrl-C: programs like mmdebstrap unmount and remove what they made."""
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()


@contextlib.contextmanager
def lock(path, busy):
    """Hold an exclusive lock on a file; say `busy` when somebody else has it now."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="ascii") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say.line(busy)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def fingerprint(*parts):
    """A short digest of a recipe: strings, or files given as paths."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part.read_bytes()
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()[:16]


def _stamp(target):
    return target.with_name(target.name + ".stamp")


def is_made(target, recipe):
    """Was `target` made, completely, by this very recipe?"""
    try:
        return target.exists() and _stamp(target).read_text().strip() == recipe
    except FileNotFoundError:
        return False


@contextlib.contextmanager
def making(target, recipe):
    """Yield a scratch directory beside `target`; what the block leaves in it under
    the target's own name replaces the target. An interruption leaves the old one."""
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = tempfile.mkdtemp(prefix=".making-", dir=target.parent)
    try:
        yield type(target)(scratch)
        _stamp(target).unlink(missing_ok=True)
        if target.is_dir():
            shutil.rmtree(target)
        os.rename(os.path.join(scratch, target.name), target)
        _stamp(target).write_text(recipe + "\n")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def packages(section):
    """The package names in one section of packages.txt."""
    names, here = [], None
    for text in paths.PACKAGES.read_text().splitlines():
        text = text.split("#")[0].strip()
        if text.startswith("["):
            here = text.strip("[]")
        elif text and here == section:
            names.append(text)
    return names


def write_if_changed(path, text):
    """Write a generated file, keeping its time stamp when nothing changed."""
    if not path.exists() or path.read_text() != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
