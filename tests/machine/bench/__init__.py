# SPDX-License-Identifier: GPL-2.0-only
"""./run bench: bare Linux, a PV guest and an emulated guest, side by side.

    command.py       options, order of things, exit status
    workloads.py     THE table of what is measured
    sides.py         where it is measured: how each system is booted and spoken to
    peers.py         other hypervisors as sides
    shell.py         commands in a guest, over its console
    rounds.py        boots the sides in turn, runs the table, notes samples
    preflight.py     is there enough memory, disk, quiet; what computer this is
    counting.py      exits, from the hypervisor's counters
    instructions.py  instructions per operation, from runs with -icount
    results.py       samples to the report as data; its schema
    compare.py       two reports, and what of the difference is noise
    local.py         paravane-measure: the same on the computer that it runs on
    merge.py         two of its reports become one
    table.py         the report on a terminal
    page.py, svg.py  the report as a page

The programs that are measured, and the plug-in that counts instructions, are here too.
"""
