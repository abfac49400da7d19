# SPDX-License-Identifier: MIT
"""linux_run.py - the guest cases on a stock Linux kernel: what Tidemark must do, Linux does

Follow      from Makefile (test-linux)   to machine.py, linux_kernel.py
"""
import functools

import pytest

import linux_kernel
import machine


@functools.lru_cache(maxsize=None)
def verdicts():
    return machine.guest_cases(kernel=linux_kernel.vmlinuz(), mem=256, limit=400, extra=linux_kernel.CMDLINE)


@pytest.mark.parametrize("number", [pytest.param(n, id=f"{n} {name}") for n, name in machine.case_list()])
def test_linux(number):
    verdict = verdicts()[number]
    if not verdict.passed:
        pytest.fail(verdict.why, pytrace=False)
