# SPDX-License-Identifier: GPL-2.0-only
"""Checks the models of pvn/abi/ring.h with spin, and that spin finds what is left out.

check.py SPIN: prints TAP, exits with 1 if a check fails.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
MODELS = [
    ("ring.pml", "no wake-up is lost and nothing is taken twice", [
        "NO_PUBLISH_FENCE", "NO_ARM_FENCE", "NO_LOOK_AGAIN", "NO_SPACE_FENCE",
        "NO_SPACE_LOOK_AGAIN", "TAIL_BEFORE_ENTRY", "ARM_OFF_BY_ONE"]),
    ("group.pml", "no completion of a group is left unheard", [
        "NO_DRY", "NO_PUBLISH_FENCE", "NO_ARM_FENCE", "NO_LOOK_AGAIN", "LOOK_AT_LAST"]),
    ("hostile.pml", "no peer makes the back-end break its limits", [
        "NO_WINDOW", "NO_ROOM", "NO_STAMP", "NO_BROKEN"]),
    ("front.pml", "no peer keeps the front-end in its loop", ["NO_PROMISE", "NO_BEYOND"]),
]


def errors(spin, model, define):
    """How many errors spin finds, and what it said."""
    with tempfile.TemporaryDirectory() as folder:
        words = [spin] + ([f"-D{define}"] if define else []) + ["-a", HERE / model]
        compiler = ["cc", "-O1", "-w", "-DSAFETY", "-o", "pan", "pan.c"]
        text = ""
        for command in (words, compiler, ["./pan", "-m200000"]):
            done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=200)
            text = done.stdout.decode()
            if done.returncode:
                break
    found = re.search(r"errors: (\d+)", text)
    if not found or "max search depth too small" in text:
        return None, text
    return int(found[1]), text


def main():
    spin = sys.argv[1]
    failed = number = 0
    for model, sentence, needed in MODELS:
        for define in [None, *needed]:
            number += 1
            count, text = errors(spin, model, define)
            good = count is not None and (count > 0 if define else count == 0)
            failed += not good
            name = f"{model}: {sentence}" if not define else \
                f"{model}: spin finds the error of {define}"
            print(f"{'ok' if good else 'not ok'} {number} - {name}", flush=True)
            if not good:
                print("".join(f"# {line}\n" for line in text.splitlines()))
    print(f"1..{number}")
    return 1 if failed else 0


sys.exit(main())
