# SPDX-License-Identifier: MIT
"""press.py - more memory than RAM: what swapping costs, for the last part of bench.py's table

Idea        mmbench's group `press` in 96 MiB with a swap disk of 512 MiB. Executed instructions are counted by a QEMU
            plug-in (count.c) between mmbench's markers, so that waiting for the disk costs nothing and work in
            interrupts counts; a second kind of run, without the plug-in, gives wall time and the longest single access.
            Beside Linux the runs alternate, three of each, and the best counts.
Follow      from bench.py   to count.c, machine.py, linux_kernel.py, user/mmbench.c
"""
import re
import subprocess
import sys

import disks
import linux_kernel
import machine
from machine import BUILD, ROOT

RAM, SWAP, RUNS = 96, 512, 3
PLACE = BUILD / "bench"
BEGIN, END = "# mmbench begin", "# mmbench end"
# Kernel instructions between two markers: name, first marker, last one, per what, at most.
COUNTED = [
    ("swap_out", 1, 2, "swap_seq_pages", 5000, "kernel instructions/page"),
    ("swap_in", 3, 4, "swap_seq_pages", 6000, "kernel instructions/page"),
    ("swap_reread", 5, 6, "swap_seq_pages", None, "kernel instructions/page"),
    ("swap_random", 7, 8, "swap_accesses", 10000, "kernel instructions/access"),
    ("swap_hotcold", 17, 18, "swap_accesses", None, "kernel instructions/access"),
    ("kswapd_idle", 9, 10, "idle_seconds", None, "kernel instructions/s"),
]
TOLD = [("swap_hotcold_majflt", 80), ("kswapd_idle_runs", 0)]
RATIO_MOST = 0.5  # of Linux: wall time, worst access


def kernels(with_linux, words="press mark"):
    """name -> (kernel, initrd, words)"""
    def archive(name, kernel=None):
        return linux_kernel.archive(PLACE / f"initrd-{words.split()[0]}-{name}.cpio.gz", "init",
                                    f"/bin/busybox swapon /dev/vda\nexec /mmbench {words}",
                                    {"mmbench": (BUILD / "user/mmbench").read_bytes()}, kernel)

    found = {"Tidemark": (BUILD / "tidemark.elf", archive("tidemark"), "quiet norandmaps")}
    if with_linux:
        kernel = linux_kernel.vmlinuz()
        found["Linux"] = (kernel, archive("linux", kernel), linux_kernel.CMDLINE + " norandmaps")
    return found


def plugin():
    out = PLACE / "count.so"
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", out, ROOT / "tests/bench/count.c"], check=True)
    return out


def run(kernel, extra=""):
    image, ram_disk, words = kernel
    disk = disks.device(disks.image("press.img", SWAP, {0: disks.swap_header(SWAP * 256)}))
    found = machine.boot(kernel=image, initrd=ram_disk, append=words, cpus=1, mem=RAM, limit=300, CPU="qemu64,+rdrand",
                         QEMUEXTRA=f"{disk} {extra}", watch=[BEGIN, END])
    if END not in found.text:
        print(f"mmbench press did not come to its end: {found.describe()}", file=sys.stderr)
    if "WRONG" in found.text:
        sys.exit(f"pages came back with other contents: {found.describe()}")
    told = {m[1]: float(m[2]) for m in re.finditer(r"^(\w+) ([\d.]+) \S+$", found.text, re.M)}
    told["wall"] = found.first_seen.get(END, 999) - found.first_seen.get(BEGIN, 0)
    return told


def counted(kernel, so):
    """name -> kernel instructions per unit; and what mmbench told in that run."""
    marks = PLACE / "marks"
    told = run(kernel, f"-plugin {so},out={marks}")
    at = {}
    for number, _, instructions in re.findall(r"MARK (\d+) (\d+) (\d+)", marks.read_text()):
        at.setdefault(int(number), int(instructions))
    costs = {name: (at[last] - at[first]) / told[unit] for name, first, last, unit, _, _ in COUNTED
             if last in at and told.get(unit)}
    costs["swap_worst"] = max([int(n) for n in re.findall(r"WORST (\d+)", marks.read_text())], default=None)
    written = told.get("swap_seq_write_pswpout", 0)
    if written and 2 in at:
        costs["swap_out_disk"] = (at[2] - at[1]) / written
    return costs, told


def best(runs, name):
    return min((r[name] for r in runs if name in r), default=None)


def rows(with_linux):
    """[(name, Tidemark, Linux, limit, unit)]; the limit of a ratio to Linux is in units of Tidemark's value."""
    beside, so = kernels(with_linux), plugin()
    costs = {name: counted(kernel, so) for name, kernel in beside.items()}
    plain = {name: [] for name in beside}
    for _ in range(RUNS if with_linux else 1):
        for name, kernel in beside.items():
            plain[name].append(run(kernel))

    def both(what):
        return [what(name) if name in beside else None for name in ("Tidemark", "Linux")]

    table = [(name, *both(lambda k: costs[k][0].get(name)), limit, unit) for name, _, _, _, limit, unit in COUNTED]
    table.insert(1, ("swap_out_disk", *both(lambda k: costs[k][0].get("swap_out_disk")), 5000,
                     "kernel instructions/page that the disk got"))
    table.append(("swap_worst", *both(lambda k: costs[k][0].get("swap_worst")), None, "instructions, the worst access"))
    table += [(name, *both(lambda k: costs[k][1].get(name)), limit, "per-1000" if "majflt" in name else "runs")
              for name, limit in TOLD]
    for name, key, scale, unit in (("swap_wall", "wall", 1, "s, plain TCG"),
                                   ("swap_worst_access", "swap_rand_worst", 1000, "1000 ticks, plain TCG")):
        ours, linux = both(lambda k: (best(plain[k], key) or 0) / scale)
        table.append((name, ours, linux, linux * RATIO_MOST if linux else None, unit))
    return table
