# SPDX-License-Identifier: MIT
"""style.py - what a machine can see of the house style

Idea        hard findings (exit status 1): no SPDX line, no head comment or a heading missing in it (a file under tests/
            may leave out what would say nothing), a file named in it that does not exist, lines over 120 columns,
            functions over 60 lines, a return type on the line of the name, #if inside a function, TODO and its like,
            C files that clang-format would change, trailing blanks. Soft ones are printed as advice: files longer than
            about 400 and 150 lines, more than 10 includes, functions over 40 lines. The last lines are the
            figures: median and 90th percentile of function length, share of comments, assertions.
Follow      from Makefile (style)
"""
import pathlib
import re
import shutil
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
HEADINGS = ["Idea", "Invariants", "Locks", "Follow", "Tests"]
HEADINGS_OF_TESTS = ["Idea"]
COLUMNS, FUNCTION_MOST, FUNCTION_LONG, C_LINES, H_LINES, INCLUDES = 120, 60, 40, 450, 180, 10
KERNEL = ("arch", "kernel", "mm")
FORBIDDEN = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")

NAMED = re.compile(r"(?<![\w*/-])[\w/-]+\.(?:c|h|S|py|def)\b")

hard, soft = [], []


def columns(line):
    return len(line.expandtabs(8))


def head_check(path, text, known):
    lines = text.split("\n")
    if "SPDX-License-Identifier: MIT" not in "\n".join(lines[:2]):
        hard.append(f"{path}:1: no SPDX line")
    if path.suffix not in (".c", ".h", ".S"):
        return
    comment = text.split("*/", 2)[1] if text.count("*/") > 1 else ""
    if str(path) not in comment:
        hard.append(f"{path}:2: the head comment does not name the file")
    wanted = HEADINGS_OF_TESTS if path.parts[0] == "tests" else HEADINGS
    missing = [h for h in wanted if not re.search(rf"^ \* {h} ", comment, re.M)]
    if missing and comment:
        hard.append(f"{path}:2: the head comment lacks {', '.join(missing)}")
    for name in NAMED.findall("".join(re.findall(r"^ \* (?:Follow|Tests) .*$", comment, re.M))):
        if not any(f"/{p}".endswith(f"/{name}") for p in known):
            hard.append(f"{path}:2: the head comment names {name}, which does not exist")


def line_check(path, text):
    for number, line in enumerate(text.split("\n"), 1):
        if columns(line) > COLUMNS and "http" not in line:
            hard.append(f"{path}:{number}: {columns(line)} columns")
        if line != line.rstrip():
            hard.append(f"{path}:{number}: blanks at the end of the line")
        if FORBIDDEN.search(line) and path.name != "style.py":
            hard.append(f"{path}:{number}: {FORBIDDEN.search(line)[0]}")


def functions(path, text):
    """(name, first line, length) of each function; checks what is inside."""
    lines = text.split("\n")
    start = None
    for i, line in enumerate(lines):
        if line == "{":
            start = i
        elif line == "}" and start is not None:
            name = name_of(path, lines, start)
            yield name, start + 1, i - start - 1
            start = None
        elif start is not None and re.match(r"\s*#\s*(if|ifdef|ifndef)\b", line):
            hard.append(f"{path}:{i + 1}: {line.strip()} inside a function")


def name_of(path, lines, brace):
    """The function's name: the first line in front of the brace that begins with it, return type one line above."""
    for i in range(brace - 1, max(brace - 8, -1), -1):
        if match := re.match(r"(\w+)\(", lines[i]):
            return match[1]
        if match := re.match(r"\w.*?[ *](\w+)\(", lines[i]):
            hard.append(f"{path}:{i + 1}: {match[1]}: the return type belongs on a line of its own")
            return match[1]
    return "?"


def c_check(path, text, lengths):
    lines = text.count("\n")
    most = H_LINES if path.suffix == ".h" else C_LINES
    if lines > most:
        soft.append(f"{path}: {lines} lines")
    includes = len(re.findall(r"^#include", text, re.M))
    if path.suffix == ".c" and includes > INCLUDES and path.parts[0] in KERNEL:
        soft.append(f"{path}: {includes} includes")
    if path.suffix != ".c":
        return
    for name, line, length in functions(path, text):
        lengths.append(length)
        if length > FUNCTION_MOST:
            hard.append(f"{path}:{line}: {name} has {length} lines")
        elif length > FUNCTION_LONG:
            soft.append(f"{path}:{line}: {name} has {length} lines")


def format_check(paths):
    tool = shutil.which("clang-format")
    if not tool:
        print("clang-format is not installed: the form was not checked (apt-get install clang-format)")
        return
    run = subprocess.run([tool, "--dry-run", "--Werror", "-ferror-limit=1", *map(str, paths)], cwd=ROOT,
                         capture_output=True, text=True, check=False)
    for line in sorted(set(re.findall(r"^(\S+?):\d+:\d+: error", run.stderr, re.M))):
        hard.append(f"{line}: clang-format would change it (make fmt)")


def figures(texts, lengths):
    comment = sum(len(c.split("\n")) for t in texts.values() for c in re.findall(r"/\*.*?\*/", t, re.S))
    total = sum(t.count("\n") for t in texts.values())
    lengths = sorted(lengths)
    if lengths:
        print(f"functions: {len(lengths)}, median {statistics.median(lengths):.0f} lines, "
              f"90 % under {lengths[len(lengths) * 9 // 10]}, longest {lengths[-1]}")
    mm = "".join(t for p, t in texts.items() if p.parts[0] == "mm")
    asserts = len(re.findall(r"\b(?:d?assertf?|must_hold|may_sleep)\(", mm))
    print(f"comments: {100 * comment // max(total, 1)} % of lines; "
          f"assertions in mm: {1000 * asserts // max(mm.count(chr(10)), 1)} in 1,000 lines")


def main():
    found = (p for d in (*KERNEL, "user", "tests", "iso") for p in (ROOT / d).rglob("*"))
    paths = [p.relative_to(ROOT) for p in found
             if p.suffix in (".c", ".h", ".S", ".def", ".py", ".sh", ".ld") and "__pycache__" not in p.parts]
    texts = {p: (ROOT / p).read_text() for p in sorted(paths)}
    lengths = []
    for path, text in texts.items():
        head_check(path, text, paths)
        line_check(path, text)
        if path.suffix in (".c", ".h"):
            c_check(path, text, lengths if path.parts[0] in KERNEL else [])
    c_files = [p for p in texts if p.suffix in (".c", ".h")]
    format_check(c_files)
    for finding in soft:
        print(f"advice: {finding}")
    for finding in hard:
        print(finding)
    figures({p: t for p, t in texts.items() if p in c_files and p.parts[0] in KERNEL}, lengths)
    print(f"{len(hard)} to mend, {len(soft)} pieces of advice")
    return 1 if hard else 0


sys.exit(main())
