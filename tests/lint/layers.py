# SPDX-License-Identifier: GPL-2.0-only
"""Who may include whom: the layers of the hypervisor, and the four worlds."""

import re
import sys

import tap

INCLUDE = re.compile(r'^\s*#\s*include\s+(?P<how>["<])(?P<name>[^">]+)[">]')
COMPILERS_OWN = {"stdarg.h", "stdbool.h", "stddef.h", "stdint.h"}
ABI_TABLES = {"hypercalls.def", "processor.def", "statistics.def", "statuses.def", "tlfs-v2.def"}
KERNELS = ("linux/", "asm/", "asm-generic/", "uapi/", "net/", "trace/", "generated/")
# What the kernel offers to user space; the rest of linux/ is the kernel's own.
# net/if.h is the C library's.
FOR_USERS = {"linux/falloc.h", "linux/fs.h", "linux/if_tun.h", "linux/io_uring.h", "linux/ioctl.h",
             "linux/limits.h", "linux/magic.h", "linux/memfd.h", "linux/seccomp.h", "linux/sockios.h",
             "linux/types.h", "linux/virtio_net.h", "linux/vm_sockets.h", "net/if.h"}
# types.h is the one header that asks which world it is in; root_dev.h is for Linux only.
ABI_MAY = {"types.h": {"linux/types.h", "linux/build_bug.h"}, "root_dev.h": {"linux/ioctl.h"}}


def includes(folder):
    """(path, line number, < or ", what) of every include of a folder's sources."""
    for path in tap.files(folder, ending=r"\.(c|h|S|def)$"):
        for row, text in tap.rows(path):
            match = INCLUDE.match(text)
            if match:
                yield path, row, match["how"], match["name"]


def check(checks, name, folder, is_bad):
    """One rule over one folder; is_bad(path, how, included) says why, or nothing."""
    bad = []
    for path, row, how, included in includes(folder):
        why = is_bad(path, how, included)
        if why:
            bad.append(f"{tap.short(path)}:{row}: {included}: {why}")
    checks.verdict(name, bad)


def is_abi(included):
    return included.startswith("pvn/abi/") or included in ABI_TABLES


def exists(path, included, *roots):
    """Is it in one of these folders of ours, or beside the file?"""
    return (path.parent / included).exists() or \
        any((tap.SOURCE / root / included).exists() for root in roots)


def core_and_lib(_, _how, included):
    return included.startswith(("x86/", "boot/")) and "core/ and lib/ know no hardware"


def x86_common(path, _how, included):
    if path.parent.name in ("svm", "vmx"):
        return None
    return included.startswith(("x86/svm/", "x86/vmx/", "svm/", "vmx/")) and \
        "only boot/ may name a vendor"


def svm(_, _how, included):
    return "vmx/" in included and "the vendors do not know each other"


def vmx(_, _how, included):
    return "svm/" in included and "the vendors do not know each other"


def boot(_, _how, included):
    return included.startswith(("x86/svm/", "x86/vmx/")) and \
        included not in ("x86/svm/svm.h", "x86/vmx/vmx.h") and "boot/ knows a vendor's face only"


def hypervisor(path, how, included):
    if how == "<":
        if included not in COMPILERS_OWN and not is_abi(included):
            return "neither ours, the ABI's nor the compiler's"
        return None
    if not (tap.SOURCE / "hypervisor" / included).exists():
        return f"say the path from hypervisor/, not from {path.parent.name}/"
    return None


def abi(path, _how, included):
    if is_abi(included) or included.removeprefix("../../../") in ABI_TABLES or \
            included in COMPILERS_OWN or included in ABI_MAY.get(path.name, ()):
        return None
    if path.parent.name == "hypercall-abi" and not included.startswith(KERNELS):
        return None             # host programs beside the tables
    return "the ABI includes itself only"


def backend(path, how, included):
    if included.startswith(KERNELS):
        return included not in FOR_USERS and "a kernel header"
    if included.startswith(("hypervisor/", "pv-guest/", "frontend/", "core/", "x86/", "lib/")):
        return "another world's header"
    if how == '"' and not exists(path, included, "backend", "hypercall-abi/include",
                                 "hypercall-abi") and not included.endswith(".hex"):
        return "no header of backend/ or the ABI"
    return None


def kernel_side(path, how, included):
    if "testguest" in path.parts:
        return None
    if how == "<":
        return not included.startswith(KERNELS) and not is_abi(included) and \
            "neither Linux's nor the ABI's"
    return not exists(path, included, ".") and "say the path from the top of the tree" or \
        included.startswith(("hypervisor/", "backend/")) and "another world's header"


def test_guest(path, how, included):
    if "testguest" not in path.parts:
        return None
    if how == "<":
        return included not in COMPILERS_OWN and not is_abi(included) and \
            "neither the ABI's nor the compiler's"
    return not exists(path, included, ".", "pv-guest", "pv-guest/testguest", "tests/guest",
                      "tests/guest/cases", "tests/villains") and \
        "not the test guest's"


def main():
    checks = tap.Checks()
    check(checks, "core includes nothing that knows the hardware", "hypervisor/core", core_and_lib)
    check(checks, "lib includes nothing that knows the hardware", "hypervisor/lib", core_and_lib)
    check(checks, "code common to both vendors includes no vendor", "hypervisor/x86", x86_common)
    check(checks, "svm does not include vmx", "hypervisor/x86/svm", svm)
    check(checks, "vmx does not include svm", "hypervisor/x86/vmx", vmx)
    check(checks, "start-up includes no more of a vendor than its face", "hypervisor/boot", boot)
    check(checks, "the hypervisor includes only itself and the ABI", "hypervisor", hypervisor)
    check(checks, "the ABI includes only itself", "hypercall-abi", abi)
    check(checks, "back-ends include no header of a kernel or of the hypervisor", "backend",
          backend)
    check(checks, "guest modules include only Linux, themselves and the ABI", "pv-guest",
          kernel_side)
    check(checks, "front-ends include only Linux, guest modules and the ABI", "frontend",
          kernel_side)
    check(checks, "the bare-metal test guest includes only itself and the ABI", "pv-guest",
          test_guest)
    return checks.end()


sys.exit(main())
