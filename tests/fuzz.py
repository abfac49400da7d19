# SPDX-License-Identifier: MIT
"""fuzz.py [CALLS [SEED]] - sysfuzz on the debug kernel with 2 processors: no panic, no hang, not one page missing

Idea        a boot with a limit of wall time, the program's own account, and init's. Without SEED each run is another
            one; the seed is in the output, and `sysfuzz seed=S` in the guest plays the same calls again.
Follow      from Makefile (fuzz, nightly), guest/test_guest.py   to user/sysfuzz.c, machine.py
"""
import re
import sys
import time

import machine
from machine import BUILD

SECONDS_A_CALL = 0.004  # of wall time on a loaded machine; a quiet one needs a tenth


def fuzz(calls, seed, cpus=2):
    """The boot, and what is wrong with it: "" when nothing is."""
    run = machine.boot(kernel=BUILD / "tidemark-debug.elf", initrd=BUILD / "initrd.cpio.gz", cpus=cpus,
                       append=f"loglevel=5 -- sysfuzz {calls} seed={seed}", limit=int(120 + calls * SECONDS_A_CALL))
    wanted = [r"sysfuzz: \d+ calls in .* done", r"/bin/sysfuzz exited with status 0", r"not one page is missing"]
    missing = [pattern for pattern in wanted if not re.search(pattern, run.text)]
    if "!!" in run.text or "mm_check:" in run.text:
        missing.append("a line with !! or mm_check: is there")
    return run, "; ".join(missing)


def main(calls="1000000", seed=""):
    run, wrong = fuzz(int(calls), int(seed or time.time()))
    print("\n".join(line for line in run.lines if re.match(r"sysfuzz: |init: |!!", line)))
    if wrong or run.status != 0:
        print(f"{wrong}\n{run.describe()}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
