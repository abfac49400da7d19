# SPDX-License-Identifier: MIT
"""oom.py - what running out of memory costs who lives and who dies, for bench.py's table

Idea        mmbench's group `oom`: a hog touches memory until it is killed, beside a bystander that naps. Measured in
            ticks of the guest's clock, one an instruction (-icount): the longest time of the hog without progress, from
            its last progress to its death as its parent sees it, and by how much the bystander's longest nap was longer
            than it asked. Once without swap, once with a disk that is full before anybody dies.
            Why sleep=on with a disk: with sleep=off the clock jumps from timer to timer while everybody waits for the
            host's disk, and a wait looks the longer the slower the host is. A nanosecond without an instruction is one
            tick now. The host's load is still in these figures, so the best of three runs counts; measure on a quiet
            one. The limits are a fifth of what Linux 6.1 needed when they were set; --linux measures it again, in this
            machine.
Follow      from bench.py   to press.py, machine.py, user/mmbench.c
"""
import re
import sys

import disks
import machine
import press

RAM, SWAP, RUNS = 96, 64, 3
NAP = 1e6  # ticks that the bystander asks for: what is longer is its stall
END = "# mmbench end"
# name, and the limits in ticks without swap and with swap full
FIGURES = [("oom_latency", 10.9e6 / 5, 130e6 / 5), ("oom_hog_stall", 0.92e6 / 5, 15.2e6 / 5),
           ("oom_bystander_stall", (1.39e6 - NAP) / 5, (5.8e6 - NAP) / 5)]


def run(kernel, swap):
    image, ram_disk, words = kernel
    disk = disks.device(disks.image("oom.img", SWAP, {0: disks.swap_header(SWAP * 256)})) if swap else ""
    sleep = "on" if swap else "off"
    found = machine.boot(kernel=image, initrd=ram_disk, append=words, cpus=1, mem=RAM, limit=300, CPU="qemu64,+rdrand",
                         QEMUEXTRA=f"-icount shift=0,sleep={sleep} {disk}")
    told = {m[1]: float(m[2]) for m in re.finditer(r"^(\w+) ([\d.]+) \S+$", found.text, re.M)}
    if END not in found.text or "oom_status 9 signal" not in found.text or "WRONG" in found.text:
        sys.exit(f"mmbench oom did not come to a good end: {found.describe()}")
    if swap and told["oom_memory"] < SWAP << 10:
        sys.exit(f"the hog had {told['oom_memory']} KiB only: swap was not used")
    told["oom_bystander_stall"] -= NAP
    return told


def rows(with_linux):
    """[(name, Tidemark, Linux, limit, unit)]"""
    beside = press.kernels(with_linux, "oom")
    table = []
    for swap in (False, True):
        runs = {name: [run(kernel, swap) for _ in range(RUNS)] for name, kernel in beside.items()}
        for name, *limits in FIGURES:
            best = [min(r[name] for r in runs[who]) if who in runs else None for who in ("Tidemark", "Linux")]
            table.append((name + (", swap full" if swap else ""), *best, limits[swap], "ticks"))
    return table
