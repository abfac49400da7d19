# SPDX-License-Identifier: MIT
"""test_demo.py - the demonstrations run by themselves, say each phase once and in order, and their numbers make sense

Idea        a row for each demonstration: for each line its phase, and what its text must match. Where a phase is
            proved by a number, a function says what that number must be. Process 1 has the last word: not one page is
            missing.
Follow      from tests/run.py   to user/demo
"""
import re

import pytest

import disks
import machine
from machine import BUILD

pytestmark = pytest.mark.xdist_group("demo")
MIB = 256  # pages


def above(least):
    return lambda *numbers: all(int(n) >= least for n in numbers)


# demonstration -> [(phase, pattern of its text, what the pattern's groups must be)]
DEMOS = {
    "memory": [
        ("promise", r"Committed_AS \+(\d+) KiB, free memory -?(\d+) KiB",
         lambda said, free: int(said) > 40 * int(free)),
        ("first touch", r"(\d+) page faults, free memory -(\d+) KiB",
         lambda n, kib: int(n) >= 1024 and int(kib) >= 4096),
        ("low watermark", r"(\d+) KiB are free .* low is (\d+) KiB and whose high (\d+) KiB",
         lambda free, low, high: int(low) < int(high) and int(free) <= int(high)),
        ("kswapd", r"looked at (\d+) pages and freed (\d+)", above(1)),
        ("swap", r"(\d+) pages are on the disk; (\d+) of (\d+) KiB",
         lambda out, left, total: int(out) > 1000 and int(left) < int(total)),
        ("direct reclaim", r"(\d+) times .* for itself: (\d+) pages", above(1)),
        ("thrash", r"(\d+) pages came back", above(100)),
        ("verdict", r"Killed process (\d+) \((?:hog|leak)\).*anon-rss:(\d+)kB", above(1)),
        ("survivors", r"server: (\d+) requests in all, .* 0 wrong bytes", above(100)),
        ("every page", r"(\d+) KiB are free, (\d+) KiB were", lambda now, then: abs(int(now) - int(then)) < 4096),
    ],
    "overcommit": [
        ("policy", r"CommitLimit"),
        ("0 guess", r"yes +yes +no +no +\d+ KiB"),
        ("1 always", r"yes +yes +yes +yes +\d+ KiB"),
        ("2 never", r"yes +yes +no +no +\d+ KiB"),
        ("border", r"MiB more\? no\. \d+ MiB\? yes\."),
        ("back", r"Committed_AS is \d+ KiB again"),
    ],
    "cow": [
        ("cow", r"4096 pages"),
        ("bigfork: fork", r"(\d+) tables shared", above(8)),
        ("bigfork: the child writes one byte", r"(\d+) pages copied", lambda n: int(n) < 8),
        ("bigfork: one byte below each table", r"(\d+) parted", above(7)),
        ("bigfork: one byte in each page", r"(\d+) pages copied", above(4000)),
        ("bigfork: the child is dead", r"(\d+) pages copied", lambda n: int(n) < 8),
        ("back", r"KiB of page tables"),
    ],
    "protect": [
        ("server", r"oom_score_adj -1000, oom_score 0$"),
        ("server", r"oom_score_adj 0, oom_score (\d+)", above(1)),
        ("verdict", r"\(hog\)"),
        ("raised", r"oom_score (\d+)", above(500)),
        ("verdict", r"\(server\)"),
        ("verdict", r"\(hog\)"),
        ("survivors", r"0 wrong bytes"),
    ],
    "leak": [
        ("before", r"100 requests"),
        ("verdict", r"\(slowleak\)"),
        ("after", r"100 requests"),
        ("survivors", r"0 wrong bytes"),
    ],
    "forkbomb": [
        ("start", r"KiB free"),
        ("100 processes", r"100 processes, (\d+) KiB each", above(16)),
        ("400 processes", r"(\d+) processes", above(200)),
        ("8 MiB promised", r"(\d+) processes, then Out of memory", lambda n: int(n) < 200),
        ("back", r"KiB free"),
    ],
    "thrash": [
        (r"\d+ of \d+ MiB", r"random: .* every byte right"),
        (r"\d+ of \d+ MiB", r"hotcold: .* every byte right"),
        (r"\d+ of \d+ MiB", r"random: .* every byte right, \d+ pages written"),
        ("back", r"KiB of swap are free"),
    ],
    "mlock": [
        ("before", r"Mlocked (\d+) KiB", above(4096)),
        ("pressure", r"(\d+) pages were written; Mlocked (\d+) KiB",
         lambda out, kib: int(out) > 1000 and int(kib) >= 4096),
        ("not locked", r"0 wrong bytes"),
        ("locked", r"0 wrong bytes"),
    ],
}


@pytest.mark.parametrize("name", DEMOS)
def test_demo(name):
    disk = disks.image(f"demo-{name}.img", 128, {0: disks.swap_header(128 * MIB)})
    run = machine.boot(initrd=BUILD / "initrd.cpio.gz", append=f"quiet -- demo {name}", mem=48, limit=150,
                       QEMUEXTRA=disks.device(disk))
    lines = iter(run.lines)
    for phase, pattern, *judge in DEMOS[name]:
        line = next((line for line in lines if re.match(phase + r"\b", line)), None)
        found = line and re.search(pattern, line)
        if not found or (judge and not judge[0](*found.groups())):
            pytest.fail(f"{phase!r} says {line!r}, which is not {pattern!r}; {run.describe()}", pytrace=False)
    stray = [line for line in run.lines if re.match(r"(Terminated|Killed)\b", line)]
    if stray:
        pytest.fail(f"the shell says {stray} in between", pytrace=False)
    if "not one page is missing" not in run.text or run.status != 0:
        pytest.fail(run.describe(), pytrace=False)
