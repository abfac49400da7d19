#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""abi.py [check] - writes docs/abi.md from the tables in the source; with check: only says whether it is up to date

Idea        kernel/syscalls.def says what is built, syscalls_part.def what is missing from it, syscalls_linux.def what
            there could be. The document is nothing but these three, so that it cannot promise what the table does not.
            A table that contradicts itself is an error here.
Follow      from Makefile (docs), tests/test_abi.py   to kernel/syscalls.def, kernel/syscalls_part.def,
            kernel/syscalls_linux.def
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "abi.md"

HEAD = """\
# System calls

Every system call that Linux 6.1 has for x86-64, and how much of it is here. This file is made by `make docs` from
[kernel/syscalls.def](../kernel/syscalls.def), [syscalls_part.def](../kernel/syscalls_part.def) and
[syscalls_linux.def](../kernel/syscalls_linux.def); a test fails when it is not what they say.

* **full**: what Linux's call does, as far as Tidemark has the things it speaks of. A test fails when no guest case
  calls it with success.
* **part**: what the last column does not exclude; for the rest the errno of a Linux that is built without it.
* **absent**: `ENOSYS`, said once on the console. A test tries each.
* **no call**: `ENOSYS` on Linux as well; only the number and the name exist.

"""


def read(name):
    """The table's lines [(macro, [argument, ...])]; comments do not count; neighbouring strings are one."""
    text = re.sub(r"/\*.*?\*/", "", (ROOT / "kernel" / name).read_text(), flags=re.S)
    text = re.sub(r'"\s*\n\s*"', "", text)
    return [(macro, [a.strip() for a in args.split(",", 3 if macro == "SYSCALL" else 1)])
            for macro, args in re.findall(r"^(\w+)\((.*)\)[ \t]*$", text, re.M)]


def tables():
    """({number: (name, macro)} of Linux, {number: (name, status)} of what is built, {name: reason})"""
    linux = {int(nr): (name, macro) for macro, (nr, name) in read("syscalls_linux.def")}
    built = {int(nr): (name, status) for _, (nr, name, _, status) in read("syscalls.def")}
    reasons = {name: text.strip('"') for _, (name, text) in read("syscalls_part.def")}
    return linux, built, reasons


def contradictions(linux, built, reasons):
    part = {name for name, status in built.values() if status == "PART"}
    for nr, (name, status) in built.items():
        if linux.get(nr, ("?",))[0] != name:
            yield f"syscalls.def: {name} is not Linux's number {nr}"
        if status not in ("FULL", "PART"):
            yield f"syscalls.def: {name} is {status}, which is neither FULL nor PART"
    for name in sorted(part - reasons.keys()):
        yield f"syscalls_part.def: {name} is PART and no line says what is missing"
    for name in sorted(reasons.keys() - part):
        yield f"syscalls_part.def: {name} is not PART (any more): drop its line"
    if sorted(linux) != list(linux):
        yield "syscalls_linux.def: the numbers do not rise"


def row(nr, name, macro, built, reasons):
    status = built[nr][1].lower() if nr in built else "absent" if macro == "LINUX" else "no call"
    return f"| {nr} | `{name}` | {status} | {reasons.get(name, '')} |".replace("|  |", "| |")


def document():
    linux, built, reasons = tables()
    rows = [row(nr, name, macro, built, reasons) for nr, (name, macro) in linux.items()]
    count = {word: sum(f"| {word} |" in r for r in rows) for word in ("full", "part", "absent", "no call")}
    return (HEAD + f"{count['full']} full, {count['part']} in part, {count['absent']} absent, "
            f"{count['no call']} no call; "
            "335 to 423 were never given to x86-64.\n\n| number | name | | what is missing |\n|---:|---|---|---|\n"
            + "\n".join(rows) + "\n")


def main(*words):
    wrong = list(contradictions(*tables()))
    text = document()
    if "check" in words:
        if not DOCUMENT.exists() or DOCUMENT.read_text() != text:
            wrong.append("docs/abi.md is not what the tables say: make docs")
    else:
        DOCUMENT.write_text(text)
    print("\n".join(wrong), file=sys.stderr, end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
