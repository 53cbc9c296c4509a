#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
#
# Copyright (C) The Paravane developers
#
# Symbol table of the image for backtraces: reads `nm -n` of the image linked without it,
# writes assembly. The table lies behind the text, so that addresses stay the same.
#
# usage: symbols.py NM IMAGE OUTPUT.S

import subprocess
import sys


def main():
    nm, image, output = sys.argv[1:]
    lines = subprocess.run([nm, '-n', image], check=True, capture_output=True, text=True).stdout
    symbols = [line.split() for line in lines.splitlines()]
    functions = [(s[0], s[2]) for s in symbols if len(s) == 3 and s[1] in 'tT']
    with open(output, 'w') as out:
        out.write('\t.section .symbols, "a"\n\t.balign 8\n')
        for i, (address, _) in enumerate(functions):
            out.write(f'\t.quad 0x{address}, .Lname{i}\n')
        out.write('\t.section .symbols.names, "a"\n')
        for i, (_, name) in enumerate(functions):
            out.write(f'.Lname{i}:\t.asciz "{name}"\n')
        out.write('\t.section .note.GNU-stack, "", @progbits\n')


main()
