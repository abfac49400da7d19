# SPDX-License-Identifier: MIT
"""conftest.py - lets every test module import tests/machine.py, and says which machines run first"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))

# What takes longest begins first, or the end would wait for it; what mostly sleeps (soak, demo, terminal) lies beside
# what does not. All other groups follow as they are found.
FIRST = ["soak", "debug-2cpu", "swap", "demo", "swap-4cpu", "debug-4cpu", "terminal", "evict", "debug-1cpu",
         "release-2cpu", "swap-1cpu", "sysfuzz", "evict-4cpu", "tmpswap"]


def group(item):
    mark = item.get_closest_marker("xdist_group")
    return mark.args[0] if mark else ""


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: FIRST.index(group(item)) if group(item) in FIRST else len(FIRST))
