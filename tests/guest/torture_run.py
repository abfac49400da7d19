# SPDX-License-Identifier: MIT
"""torture_run.py - the guest cases while every n-th fault evicts some page

Idea        The whole list, with swap on during each case; then the groups that turn swap on and off themselves. Cases
            that count what chance changes say so (CASE_STILL, CASE_NO_SWAP in guest.h), and are left out. Disks that
            lose pages (swapfail) are no place for this: they would lose those of the test itself.
Follow      from Makefile (torture)   to machine.py, mm/torture.c
"""
import functools

import pytest

import disks
import machine

# name: (which cases, processors, n, RAM in MiB, disks)
MACHINES = {
    "2cpu-3": (("torture",), 2, 3, 128, disks.torture),
    "2cpu-17": (("torture",), 2, 17, 128, disks.torture),
    "1cpu-3": (("torture", "smp"), 1, 3, 128, disks.torture),
    "4cpu-3": (("torture", "smp"), 4, 3, 128, disks.torture),
    "4cpu-17": (("torture", "smp"), 4, 17, 128, disks.torture),
    "swap-2cpu-3": (("torture", "swap", "swapcache", "tmpswap", "evict"), 2, 3, 64, disks.swap),
    "swap-4cpu-17": (("torture", "swap", "swapcache", "tmpswap", "evict", "smp"), 4, 17, 64, disks.swap),
}


def all_cases():
    for name, (words, *_) in MACHINES.items():
        for number, sentence in machine.case_list(*words):
            yield pytest.param(name, number, id=f"{name}: {number} {sentence}")


@functools.lru_cache(maxsize=None)
def verdicts(name):
    words, cpus, every, mem, make = MACHINES[name]
    return machine.guest_cases(words, kernel=machine.BUILD / "tidemark-debug.elf", cpus=cpus, mem=mem, limit=1200,
                               extra=f"evict_every={every}", QEMUEXTRA=make(f"torture-{name}"))


@pytest.mark.parametrize("name, number", all_cases())
def test_torture(name, number):
    verdict = verdicts(name)[number]
    if not verdict.passed:
        pytest.fail(verdict.why, pytrace=False)
