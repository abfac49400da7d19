# SPDX-License-Identifier: MIT
"""test_oom.py - what ends the machine when memory is gone: vm.panic_on_oom, and nobody left to kill

Idea        one boot each; the log must hold the report of Linux's shape and end in the sentence
Follow      to guest/oom_report.c, machine.py
"""
import re

import pytest

from machine import BUILD, boot

REPORT = [r"invoked oom-killer: gfp_mask=0x\w+\(GFP_\w+", r"Mem-Info:", r"Node 0 Normal free:\d+kB boost:0kB min:\d+kB",
          r"Tasks state \(memory values in pages\):"]


@pytest.mark.parametrize("group,sentence", [
    ("oom_panic", r"Kernel panic.*Out of memory: system-wide panic_on_oom is enabled"),
    ("oom_compulsory", r"Kernel panic.*Out of memory: compulsory panic_on_oom is enabled"),
    ("oom_nobody", r"Kernel panic.*no process may be killed"),
])
def test_oom_ends_the_machine(group, sentence):
    run = boot(kernel=BUILD / "tidemark-debug.elf", append=f"-- {group}", mem=64, cpus=2)
    for pattern in [*REPORT, sentence]:
        assert re.search(pattern, run.text, re.M), f"the log lacks {pattern}: {run.describe()}"
    assert run.status, run.describe()
    assert "Killed process" not in run.text or group == "oom_nobody"
