# SPDX-License-Identifier: MIT
"""test_soak.py [SECONDS [SEED [CPUS [FROM]]]] - memory is short for a long time, and then all of it is there

Idea        soak (user/soak.c) as process 1 of a small machine with four swap areas, two of which have places that
            cannot be written or read (disks.soak). In `make test` a minute with 2 processors and one with 4, always
            the same seed. A minute must have seen work, kills, swapping, and areas turned off in use; and nobody may
            have ended by SIGBUS without a slot that could not be read. Run by itself (`make soak MINUTES=30`) another
            seed each time. The seconds are those of the guest: they say how many rounds there are, not whether they
            were good.
Follow      from tests/run.py, Makefile (soak)   to user/soak.c, machine.py, disks.py
"""
import pathlib
import re
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import disks  # noqa: E402
import machine  # noqa: E402
from machine import BUILD  # noqa: E402

pytestmark = pytest.mark.xdist_group("soak")
GOOD = "soak: all is as it was at the start, to the unit"
ROUND_SECONDS = 600  # of wall time, for what a round in hand still needs


def totals(text, seconds):
    """What is wrong with the last account of what has happened."""
    found = re.search(r"soak: in all: (\d+) pieces of work done, (\d+) kills, (\d+) pages swapped out, "
                      r"(\d+) areas turned off in use, (\d+) ended by SIGBUS, (\d+) slots could not be read", text)
    if not found:
        return ["it never says what there was in all"]
    done, kills, out, off, bus, unread = map(int, found.groups())
    wrong = [f"there was no {what} in {seconds} s" for what, n in
             (("work done", done), ("kill", kills), ("swapping", out), ("area turned off", off))
             if not n and seconds >= 60]
    return wrong + ([f"{bus} ended by SIGBUS, and {unread} slots could not be read"] if bus > unread else [])


def soak(seconds, seed, cpus, start=1):
    """The boot, and what is wrong with it: "" when nothing is."""
    run = machine.boot(kernel=BUILD / "tidemark-debug.elf", initrd=BUILD / "initrd.cpio.gz", mem=64, cpus=cpus,
                       append=f"rdinit=/bin/soak -- seconds={seconds} seed={seed} from={start}",
                       limit=seconds + ROUND_SECONDS, QEMUEXTRA=disks.soak(f"soak-{cpus}"))
    wrong = [line for line in run.lines if re.search(r"soak: WRONG|panic: |mm_check:", line)]
    wrong += totals(run.text, seconds)
    if GOOD not in run.text:
        wrong.append(f"it never says {GOOD!r}")
    if run.status != 0:
        wrong.append("the machine did not turn itself off")
    return run, "; ".join(wrong)


@pytest.mark.parametrize("cpus", [2, 4])
def test_soak(cpus):
    run, wrong = soak(60, 1, cpus)
    if wrong:
        pytest.fail(f"{wrong}; {run.describe()}", pytrace=False)


def main(seconds="1800", seed="", cpus="2", start="1"):
    run, wrong = soak(int(float(seconds)), int(seed or time.time()), int(cpus), int(start))
    print("\n".join(line for line in run.lines if line.startswith("soak: ")))
    if wrong:
        print(f"{wrong}\n{run.describe()}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
