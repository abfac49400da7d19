# SPDX-License-Identifier: MIT
"""linux_run.py - the guest cases on a stock Linux kernel: what Tidemark must do, Linux does

Idea        All cases of the list, then the groups that need disks, with the disks of test_guest.py. There an archive
            on top of the tests' own brings the drivers, and a script that loads them and becomes the test program.
            Left out is what asks for policies of Tidemark, for failures on purpose (a stock kernel is built without),
            and swapfail: Linux keeps pages that were written in its swap cache, and none is read again on demand. For
            the same reason must_be_out() and exact counts of swapping hold for Tidemark alone (on_tidemark()).
Follow      from Makefile (test-linux)   to machine.py, linux_kernel.py, disks.py
"""
import functools

import pytest

import disks
import linux_kernel
import machine
from machine import BUILD

# name: (which cases, RAM in MiB, disks)
MACHINES = {
    "whole": ((), 256, None),
    "disks": (("disk",), 128, disks.healthy),
    "disk-errors": (("disk_error",), 128, disks.failing),
    "swap": (("swap", "swaprace", "vmscan", "lazyfree"), 128, disks.swap),
    "tmpswap": (("swapcache", "swapsmaps", "tmpswap"), 128, disks.swap),
    "swap-parts": (("swappart",), 128, disks.swap_parts),
    "swap-slow": (("swapslow",), 128, disks.swap_slow),
}
MOUNTS = """/bin/busybox mount -t tmpfs tmp /tmp
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
exec /init "$@\""""


def all_cases():
    for name, (words, *_) in MACHINES.items():
        for number, sentence in machine.case_list(*words):
            yield pytest.param(name, number, id=f"{name}: {number} {sentence}")


def with_drivers(kernel):
    top = linux_kernel.archive(BUILD / "linux/drivers.cpio.gz", "start", MOUNTS, {}, kernel)
    both = BUILD / "linux/initrd-test.cpio"
    both.write_bytes((BUILD / "initrd-test.cpio").read_bytes() + top.read_bytes())
    return both


@functools.lru_cache(maxsize=None)
def verdicts(name):
    words, mem, make = MACHINES[name]
    kernel, settings, extra = linux_kernel.vmlinuz(), {}, linux_kernel.CMDLINE
    if make:
        settings = {"initrd": with_drivers(kernel), "QEMUEXTRA": make(f"linux-{name}")}
        extra += " rdinit=/start"
    return machine.guest_cases(words, kernel=kernel, mem=mem, limit=400, extra=extra, **settings)


@pytest.mark.parametrize("name, number", all_cases())
def test_linux(name, number):
    verdict = verdicts(name)[number]
    if not verdict.passed:
        pytest.fail(verdict.why, pytrace=False)
