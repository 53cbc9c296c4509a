# SPDX-License-Identifier: GPL-2.0-only
"""pvn as its user sees it, without a hypervisor: test_pvn.py PVN PVN-WORKER. Prints TAP."""

import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

PVN, WORKER = sys.argv[1:3]
OK, FAILED, USAGE, NOT_FOUND, REFUSED = range(5)


def pvn(*words):
    """Exit code, stdout, stderr."""
    done = subprocess.run([PVN, *map(str, words)], capture_output=True, text=True, check=False,
                          timeout=30)
    return done.returncode, done.stdout, done.stderr


def create(folder, *words, **config):
    path = folder / "config.json"
    path.write_text(json.dumps(config))
    return pvn("create", path, *words)


def a_command_that_does_not_exist_is_a_usage_error(_):
    code, _, errors = pvn("lsit")
    return code == USAGE and 'did you mean "pvn list"?' in errors


def every_command_has_help(_):
    commands = ("create", "list", "info", "console", "shutdown", "destroy", "wait", "attach",
                "detach", "resize", "ring", "top", "counters", "park", "unpark", "census", "version",
                "log", "trace", "property", "abi", "help")
    return all(pvn(name, "--help")[:1] == (OK,) and f"usage: pvn {name}" in pvn(name, "--help")[1]
               for name in commands)


def no_guests_are_an_empty_json_list(_):
    code, output, _ = pvn("list", "--json")
    return code == OK and json.loads(output) == []


def a_guest_that_does_not_exist_is_not_found(_):
    code, output, errors = pvn("info", "nobody", "--json")
    return (code == NOT_FOUND and json.loads(output)["error"]["code"] == NOT_FOUND
            and "nobody" in errors)


def unknown_options_and_missing_words_are_usage_errors(_):
    return (pvn("list", "--wrong")[0] == USAGE and pvn("info")[0] == USAGE
            and pvn("wait", "a", "--timeout", "soon")[0] == USAGE and pvn("destroy")[0] == USAGE)


def devices_of_a_guest_that_does_not_exist_are_not_found(_):
    return all(pvn(*words)[0] == NOT_FOUND for words in (
        ("attach", "nobody", "disk", "image=x"), ("detach", "nobody", "pvda"),
        ("resize", "nobody", "pvda", "1G"), ("ring", "nobody"), ("console", "nobody")))


def sizes_that_are_none_are_usage_errors(_):
    return all(pvn("resize", "nobody", "pvda", size)[0] == USAGE
               for size in ("0", "-1G", "1X", "1GG", "G", "99999999999T"))


def a_disk_that_makes_no_sense_is_refused(folder):
    base = {"name": "a", "kernel": "k", "memory": "1G"}
    both = create(folder, **base, disks=[{"image": "x", "null": "1G"}])
    near = create(folder, **base, disks=[{"image": "x", "serail": "y"}])
    return both[0] == near[0] == REFUSED and 'did you mean "serial"?' in near[2]


def an_unknown_key_is_refused_with_the_nearest(folder):
    code, _, errors = create(folder, name="a", kernel="k", memory="1G", vp=2)
    return code == REFUSED and 'did you mean "vps"?' in errors


def a_file_that_is_no_bzimage_is_refused(folder):
    (folder / "kernel").write_bytes(bytes(100000))
    code, _, errors = create(folder, name="a", kernel=str(folder / "kernel"), memory="1G")
    return code == FAILED and "no bzImage" in errors and "where: " in errors


def a_failed_creation_leaves_no_guest(folder):
    create(folder, name="a", kernel="/nowhere", memory="1G")
    return json.loads(pvn("list", "--json")[1]) == []


def counters_of_a_command_need_both(_):
    return pvn("counters", "--diff")[0] == USAGE and pvn("counters", "--", "true")[0] == USAGE


def the_table_of_calls_needs_no_hypervisor(_):
    code, output, _ = pvn("abi", "--json")
    table = json.loads(output)
    signal = [row for row in table["calls"] if row["name"] == "signal_event"]
    return (code == OK and table["host"] is None and signal[0]["code"] == 0x5d
            and signal[0]["offered"] is None and pvn("abi")[0] == OK)


def what_is_no_record_is_told(folder):
    (folder / "record").write_bytes(b"PVNTRACE" + bytes(4096))
    (folder / "junk").write_bytes(bytes(5000))
    code, _, errors = pvn("trace", "--read", folder / "junk")
    return (code == FAILED and "no record" in errors
            and pvn("trace", "--read", folder / "record") == (OK, "", "")
            and pvn("trace", "--read", folder / "nothing")[0] == FAILED
            and pvn("trace", "--vp", "x")[0] == USAGE and pvn("trace")[0] == FAILED
            and 'did you mean "signal_event"' in pvn("trace", "--name", "sginal_event")[2]
            and pvn("trace", "--read", folder / "record", "--name", "cpuid")[0] == OK)


def name_page(partition, name):
    return (b"PVNNAME:" + json.dumps({"partition": partition, "name": name}).encode()).ljust(4096, b"\0")


def event_page(*partitions):
    """A buffer with an exit of each [pvn/abi/eventlog.h]."""
    entries = b"".join(struct.pack("<IHHQ", 0, 80, 0x20, 1000 + i) + struct.pack("<QII", partition, 0, 0)
                       + bytes(48) for i, partition in enumerate(partitions))
    head = struct.pack("<IIIIQQQIIQ", 4096, 0, 0, 1, 0, 0, 0, 0, 3, 88 + len(entries)).ljust(88, b"\0")
    return (head + entries).ljust(4096, b"\0")


def a_record_knows_guests_by_the_names_that_they_had(folder):
    record = folder / "named"
    record.write_bytes(b"PVNTRACE" + event_page(1, 7, 8, 9) + name_page(7, "web") + name_page(9, "web")
                       + name_page(8, "no\033[name"))
    guests = folder / "run" / "guests" / "else"
    guests.mkdir(parents=True)
    (guests / "state.json").write_text(json.dumps({"name": "else", "state": "ended", "partition": 8}))
    code, output, _ = pvn("trace", "--read", record, "--json")
    shown = [(row["partition"], row["guest"]) for row in map(json.loads, output.splitlines())]
    words = [line.split()[1] for line in pvn("trace", "--read", record)[1].splitlines()]
    piped = subprocess.run(["sh", "-c", f"cat {record} | {PVN} trace --read /dev/stdin --guest web"],
                           capture_output=True, text=True, check=False, timeout=30)
    shutil.rmtree(guests.parent)
    return (code == OK and shown == [(1, "root"), (7, "web"), (8, None), (9, "web")]
            and words == ["root", "web", "8", "web"]
            and pvn("trace", "--read", record, "--guest", "web")[1].count("\n") == 2
            and pvn("trace", "--read", record, "--guest", "root")[1].count("\n") == 1
            and pvn("trace", "--read", record, "--guest", "wbe")[0] == NOT_FOUND
            and 'did you mean "web"' in pvn("trace", "--read", record, "--guest", "wbe")[2]
            and piped.returncode == OK)


def properties_have_names(_):
    code, _, errors = pvn("property", "get", "root", "wieght")
    return (code == USAGE and 'did you mean "weight"?' in errors
            and pvn("property", "set", "root", "weight", "many")[0] in (USAGE, FAILED)
            and pvn("property", "list", "root")[0] == USAGE and pvn("log")[0] == FAILED)


def the_census_needs_a_hypervisor(_):
    code, _, errors = pvn("census")
    return code == FAILED and "hint: " in errors


def main():
    tests = [value for name, value in globals().items()
             if callable(value) and value.__module__ == "__main__"
             and name not in ("main", "pvn", "create", "name_page", "event_page", "Path")]
    print(f"1..{len(tests)}")
    with tempfile.TemporaryDirectory() as top:
        os.environ.update(PVN_RUNDIR=f"{top}/run", PVN_LOGDIR=f"{top}/log",
                          PVN_LIBEXECDIR=str(Path(WORKER).parent), PVN_DEVICE=f"{top}/none")
        for number, test in enumerate(tests, 1):
            passed = test(Path(top))
            print("ok" if passed else "not ok", number, test.__name__.replace("_", " "))


main()
