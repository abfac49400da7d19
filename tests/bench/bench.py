# SPDX-License-Identifier: MIT
"""bench.py [--linux] [GROUP...] - the mmbench table, in guest instructions

Idea        QEMU with -icount makes the guest's time stamp counter count instructions, so the figures repeat to about
            0.01 % on any host; `norandmaps` keeps address spaces the same as well. With --linux the same program runs
            on a stock Linux kernel in the same QEMU, and the table shows both, the ratio, and the limit that Tidemark
            sets itself. Then what swapping costs (press.py; the group `press` alone gives only that), and running out
            of memory (oom.py; the group `oom`). The last rows are wall time and memory after boot, taken without
            -icount, and the wall time of `make demo` (the group `demo` alone gives only that): of an idle host. What is
            over its limit is named in the last line, and the exit status is 1.
Follow      from Makefile (bench, bench-linux)   to press.py, machine.py, user/mmbench.c
"""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import subprocess  # noqa: E402
import time  # noqa: E402

import disks  # noqa: E402
import linux_kernel  # noqa: E402
import machine  # noqa: E402
import oom  # noqa: E402
import press  # noqa: E402
from machine import BUILD, ROOT  # noqa: E402

INITRD = BUILD / "initrd-bench.cpio.gz"
LIMIT_SECONDS = 600
FIRST_INSTRUCTION = "# mmbench begin"

# What Tidemark allows itself, in ticks a unit of mmbench.
LIMITS = {
    "getppid": 150,
    "fault_seq": 1000,
    "fault_read": 400,
    "cow_child": 1500,
    "fork_1m": 40000,
    "fork_64m": 60000,
    "munmap_64m": 200,
    "mmap_munmap_4k": 1500,
    "pipe_switch": 1500,
    "futex_switch": 1500,
    "file_read_4k": 900,
    "fork_exec": 100000,
    "thread_create": 15000,
    "signal_deliver": 1500,
    "mprotect_4k": 1200,
    "mremap_16m": 5,
}
BOOT_SECONDS, KERNEL_MIB, MEM = 1.0, 4, 128
DEMO_SECONDS, DEMO_MEM, DEMO_SWAP = 45, 48, 128  # the machine is that of Makefile's demo
STREAM_PERCENT = 3


def mmbench(kernel, append, groups, devices=""):
    words = " ".join(groups)
    run = machine.boot(kernel=kernel, initrd=INITRD, append=f"norandmaps {append} -- {words}".strip(), cpus=1, mem=256,
                       limit=LIMIT_SECONDS, CPU="qemu64,+rdrand", QEMUEXTRA=f"-icount shift=0,sleep=off {devices}")
    if "# mmbench end" not in run.text:
        print(f"mmbench did not come to its end: {run.describe()}", file=sys.stderr)
    return results(run.lines)


def results(lines):
    """name -> (value, unit), in the order of the program; a benchmark that was left out has the reason as its unit."""
    found = {}
    for line in lines:
        match = re.match(r"(\w+) ([\d.]+) (\S+)$", line)
        skipped = re.match(r"(\w+) skip (.*)$", line)
        if match:
            found[match[1]] = (float(match[2]), match[3])
        elif skipped:
            found[skipped[1]] = (None, skipped[2])
    return found


def number(value):
    return "-" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:,.1f}"


def table(tidemark, linux):
    head = f"{'':24}{'Tidemark':>14}" + (f"{'Linux':>14}{'ratio':>8}" if linux else "") + f"{'limit':>10}"
    print(head + "\n" + "-" * len(head))
    missed = []
    for name in [*tidemark, *(n for n in linux if n not in tidemark)]:
        value, unit = tidemark.get(name, (None, ""))
        row = f"{name:24}{number(value):>14}"
        if linux:
            other = linux.get(name, (None, ""))[0]
            ratio = f"{value / other:8.2f}" if value is not None and other else f"{'-':>8}"
            row += f"{number(other):>14}{ratio}"
        limit = LIMITS.get(name)
        row += f"{number(limit) if limit else '':>10}  {unit if value is not None else f'left out: {unit}'}"
        if limit and (value is None or value > limit):
            row += "  <-- over the limit"
            missed.append(name)
        print(row)
    return missed


def press_table(with_linux):
    """More memory than RAM: see press.py."""
    print(f"\nunder pressure: {press.RAM} MiB, {press.SWAP} MiB of swap")
    return limited_rows(press.rows(with_linux), with_linux)


def oom_table(with_linux):
    """Memory runs out: see oom.py."""
    print(f"\nout of memory: {oom.RAM} MiB; without swap, and with {oom.SWAP} MiB of it")
    return limited_rows(oom.rows(with_linux), with_linux)


def limited_rows(rows, with_linux):
    """Prints (name, Tidemark, Linux, limit, unit); returns the names of those over their limit."""
    missed = []
    for name, ours, linux, limit, unit in rows:
        row = f"{name:30}{number(ours):>14}"
        if with_linux:
            row += f"{number(linux):>14}" + (f"{ours / linux:8.2f}" if ours is not None and linux else f"{'-':>8}")
        row += f"{number(limit) if limit is not None else '':>12}  {unit}"
        if limit is not None and (ours is None or ours > limit):
            row += "  <-- over the limit"
            missed.append(name)
        print(row)
    return missed


def boot_figures():
    """Wall time from QEMU's start to the first instruction of a program, through the ISO; kernel memory after boot.
    Returns the names of those over the limit, or missing."""
    image = BUILD / "bench.iso"
    words = f"{machine.CMDLINE} quiet -- ram"
    subprocess.run([ROOT / "iso/make-iso.sh", image, BUILD / "tidemark.elf", INITRD, words], cwd=ROOT, check=True)
    runs = [machine.boot(how="iso", ISO=image, watch=[FIRST_INSTRUCTION], limit=30, mem=MEM) for _ in range(3)]
    times = sorted(run.first_seen.get(FIRST_INSTRUCTION, 99.0) for run in runs)
    missed = ["QEMU to first program"] if times[0] > BOOT_SECONDS else []
    print(f"{'QEMU to first program':24}{times[0]:>12.2f} s  best of 3, limit {BOOT_SECONDS} s" + over(missed))
    free = results(runs[-1].lines).get("ram_free", (None,))[0]
    used = None if free is None else MEM * 1024 - free - MEM * 1024 * 64 / 4096
    large = ["kernel memory after boot"] if used is None or used > KERNEL_MIB * 1024 else []
    print(f"{'kernel memory after boot':24}{number(used):>10} KiB  of {MEM} MiB; with the unpacked initrd and mmbench, "
          f"without page structs; limit {KERNEL_MIB} MiB" + over(large))
    return missed + large


def demo_figures():
    """Wall time of `make demo` with all built, from QEMU's start to its end; its name, if it is over the limit."""
    disk = disks.image("bench-demo.img", DEMO_SWAP, {0: disks.swap_header(DEMO_SWAP * 256)})
    begin = time.monotonic()
    run = machine.boot(kernel=BUILD / "tidemark.elf", initrd=BUILD / "initrd.cpio.gz", append="quiet -- demo", cpus=2,
                       mem=DEMO_MEM, limit=10 * DEMO_SECONDS, QEMUEXTRA=disks.device(disk))
    seconds = time.monotonic() - begin
    missed = [] if seconds <= DEMO_SECONDS and run.status == 0 else ["demo"]
    print(f"{'demo, to its last line':24}{seconds:>12.1f} s  limit {DEMO_SECONDS} s" + over(missed))
    return missed


def over(missed):
    return "  <-- over the limit" if missed else ""


def stream_figures(off):
    """What the event stream (stream on the command line) adds to each fault; the names of those over the limit."""
    missed = []
    port = (f"-device virtio-serial-pci -chardev file,id=stream,path={BUILD}/bench.trace "
            "-device virtconsole,chardev=stream")
    on = mmbench(BUILD / "tidemark.elf", "quiet stream", ["fault", "cow"], port)
    for name in (n for n in on if re.match("fault|cow", n)):
        before, after = off.get(name, (None,))[0], on[name][0]
        percent = (after / before - 1) * 100 if before and after else None
        high = percent is None or percent > STREAM_PERCENT
        print(f"{'event stream, ' + name:28}{'-' if percent is None else f'{percent:.2f}':>10}{STREAM_PERCENT:>10}  %"
              + ("  <-- over the limit" if high else ""))
        missed += [f"event stream, {name}"] if high else []
    return missed


def main(arguments):
    with_linux = "--linux" in arguments
    groups = [a for a in arguments if not a.startswith("--")]
    if groups == ["press"]:
        return ending(press_table(with_linux))
    if groups == ["oom"]:
        return ending(oom_table(with_linux))
    if groups == ["demo"]:
        return ending(demo_figures())
    tidemark = mmbench(BUILD / "tidemark.elf", "quiet", groups)
    linux = mmbench(linux_kernel.vmlinuz(), linux_kernel.CMDLINE, groups) if with_linux else {}
    missed = table(tidemark, linux)
    missed += [name for name in LIMITS if name not in tidemark and not groups] or ([] if tidemark else ["mmbench"])
    if not groups:
        missed += stream_figures(tidemark)
        missed += press_table(with_linux)
        missed += oom_table(with_linux)
        missed += boot_figures()
        missed += demo_figures()
    return ending(missed)


def ending(missed):
    print(f"over the limit: {', '.join(missed)}" if missed else "every limit is kept")
    return 1 if missed else 0


sys.exit(main(sys.argv[1:]))
