# SPDX-License-Identifier: GPL-2.0-only
"""Each header compiles alone: whoever includes it needs to know nothing else."""

import shutil
import sys

import tap

WARNINGS = ["-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x", "c"]
FREESTANDING = ["-std=gnu17", "-ffreestanding", "-mgeneral-regs-only", "-mcmodel=kernel", "-fno-pic",
                "-Ihypervisor", "-Ihypercall-abi/include", "-Ihypercall-abi"]
HOSTED = ["-std=gnu17", "-D_GNU_SOURCE", "-Ibackend", "-Ibackend/libxenstore/include",
          "-I/usr/include/fuse3", "-D_FILE_OFFSET_BITS=64",
          "-Ihypercall-abi/include"]


def check(checks, name, headers, flags, compiler):
    if not shutil.which(compiler):
        checks.skip(name, f"there is no {compiler}")
        return
    jobs = [(tap.short(path),
             [compiler, *WARNINGS, *flags, f"-I{path.parent}", "-include", str(path), "/dev/null"],
             tap.SOURCE) for path in headers]
    bad = tap.run_all(jobs) if jobs else ["there are no headers"]
    checks.verdict(name, bad)


def main():
    checks = tap.Checks()
    abi = tap.files("hypercall-abi", ending=r"\.h$")
    for_all = [path for path in abi if path.name != "root_dev.h"]
    check(checks, "each header of the ABI compiles alone, freestanding", for_all,
          [*FREESTANDING, "-std=gnu11"], "gcc")
    check(checks, "each header of the ABI compiles alone, in a program", abi,
          [*HOSTED, "-std=gnu11"], "gcc")
    check(checks, "each header of the ABI compiles alone, by clang", abi,
          [*HOSTED, "-std=gnu11"], "clang")
    check(checks, "each header of the hypervisor compiles alone",
          tap.files("hypervisor", ending=r"\.h$"), FREESTANDING, "gcc")
    check(checks, "each header of the back-ends compiles alone",
          tap.files("backend", ending=r"\.h$"), HOSTED, "gcc")
    return checks.end()


sys.exit(main())
