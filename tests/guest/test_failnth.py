# SPDX-License-Identifier: MIT
"""test_failnth.py - from the start of process 1 to a program's end, with one allocation that fails

Idea        fail_nth=n on the command line makes the n-th allocation of process 1 fail, counted from its execution on.
            Whatever n is, the machine comes up, runs a program or says why not, and turns itself off. Some n in
            `make test`; run by itself (`make nightly`) all of them, up to the first that process 1 does not reach; and
            the sweeps of failnth.c without leaving anything out.
Follow      from tests/run.py, Makefile (nightly)   to mm/fail_inject.c, kernel/main.c, guest/failnth.c, machine.py
"""
import pathlib
import re
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import machine  # noqa: E402
from machine import BUILD  # noqa: E402

DEBUG, INITRD = BUILD / "tidemark-debug.elf", BUILD / "initrd.cpio.gz"
SAMPLE = [1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233]
LONGEST = 5000  # more allocations than process 1 makes


def boot(n):
    """The boot, what is wrong with it ("": nothing), and how many allocations were left until the failure."""
    run = machine.boot(kernel=DEBUG, initrd=INITRD, append=f"fail_nth={n} -- cat /proc/1/fail-nth", mem=64, limit=60)
    wrong = [f"{what!r} is there" for what in ("panic: ", "mm_check:", "!!") if what in run.text]
    if run.status != 0:
        wrong.append("the machine did not turn itself off")
    left = re.search(r"^(\d+)$", run.text, re.M)
    if not left and not re.search(r"^init: .*(Out of memory|status 1)", run.text, re.M):
        wrong.append("the program did not run, and process 1 does not say why")
    return run, "; ".join(wrong), int(left[1]) if left else 0


@pytest.mark.parametrize("n", SAMPLE)
def test_boot(n):
    run, wrong, _ = boot(n)
    if wrong:
        pytest.fail(f"{wrong}; {run.describe()}", pytrace=False)


def main():
    bad = 0
    verdicts = machine.guest_cases(("failnth",), kernel=DEBUG, limit=900, extra="failnth_step=1")
    for number, verdict in verdicts.items():
        if not verdict.passed:
            bad += 1
            print(f"case {number}: {verdict.why}")
    for n in range(1, LONGEST):
        run, wrong, left = boot(n)
        if wrong:
            bad += 1
            print(f"fail_nth={n}: {wrong}; {run.describe()}")
        if left:
            print(f"failnth: {len(verdicts)} cases, {n - 1} boots, {bad} bad")
            return 1 if bad else 0
    print("failnth: process 1 never came to an end of its allocations")
    return 1


if __name__ == "__main__":
    sys.exit(main())
