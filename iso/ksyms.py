#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""ksyms.py - the kernel's own symbol table, from `nm -n` on standard input to assembler on standard output

Idea        a panic names functions without any file: ksym_addrs holds the sorted addresses of all text symbols,
            ksym_name_off the offset of each name in ksym_name_blob. The linker script puts .ksyms behind all other
            read-only data, so its size moves no function that precedes it.
Follow      from Makefile (link_kernel)   to arch/x86_64/kernel.ld, the backtrace of a panic
"""
import sys


def text_symbols(lines):
    """(address, name) of each function; of names that share an address the first is enough."""
    seen = set()
    for line in lines:
        address, kind, name = line.split()[-3:]
        if kind in "tT" and address not in seen:
            seen.add(address)
            yield address, name


def table(symbols):
    out = ['.section .ksyms, "a"', ".globl ksym_count, ksym_addrs, ksym_name_off, ksym_name_blob"]
    out += [".balign 8", "ksym_addrs:"]
    out += [f"\t.quad 0x{address}" for address, _ in symbols]
    out += ["ksym_count:", f"\t.long {len(symbols)}", "ksym_name_off:"]
    offset = 0
    for _, name in symbols:
        out.append(f"\t.long {offset}")
        offset += len(name) + 1
    out.append("ksym_name_blob:")
    out += [f'\t.asciz "{name}"' for _, name in symbols]
    out += ['\t.byte 0', '.section .note.GNU-stack, "", @progbits']
    return "\n".join(out)


print(table([s for s in text_symbols(sys.stdin)]))
