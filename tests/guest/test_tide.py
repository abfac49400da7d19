# SPDX-License-Identifier: MIT
"""test_tide.py - the programs that show memory at work, in a terminal of 80 x 24: tide and trace

Idea        What tide sends goes to a small model of an ANSI terminal (ansi.py); then facts are looked for on
            its screen: figures equal to what /proc says, keys that change what is seen, silence while nothing changes.
            No picture is compared with another one as a whole.
Follow      from tests/run.py   to user/tide.c, user/trace.c
"""
import re
import time

import pexpect
import pytest

import disks
from ansi import Screen
from test_terminal import LANES, Holder, Session, must

pytestmark = pytest.mark.xdist_group("terminal")
SECONDS = 60 * LANES
NEWEST = 65  # column of the water
RED, YELLOW, CYAN = 31, 33, 36


class Tide:
    """tide, run in a session's shell; its screen follows what it sends."""

    def __init__(self, shell, words="tide"):
        self.shell, self.screen = shell, Screen()
        shell.start(words)
        # What came in one piece with the last line awaited: read_nonblocking() does not look there.
        self.screen.feed(shell.qemu.buffer.decode("utf-8", "replace"))
        shell.qemu.buffer = b""

    def read(self, seconds):
        """What comes within so many seconds, or until it pauses; returns the number of bytes."""
        try:
            text = self.shell.qemu.read_nonblocking(65536, seconds).decode("utf-8", "replace")
        except pexpect.TIMEOUT:
            return 0
        self.screen.feed(text)
        return len(text)

    def until(self, condition, what):
        end = time.monotonic() + SECONDS
        while not condition(self.screen.text):
            assert time.monotonic() < end, f"{what} did not come; the screen:\n{self.screen.text}"
            self.read(1)

    def shows(self, pattern):
        self.until(lambda text: re.search(pattern, text, re.M), pattern)
        return re.search(pattern, self.screen.text, re.M)

    def quiet(self):
        end = time.monotonic() + SECONDS
        while self.read(2):
            assert time.monotonic() < end, f"there is always something; the screen:\n{self.screen.text}"

    def key(self, c):
        self.shell.type(c)

    def quit(self, c="q"):
        self.key(c)
        self.ended()

    def ended(self):
        """
        The prompt may have come with the last bytes of tide, or may be still to come: what a command says is neither.
        """
        self.until(lambda _: not self.screen.second, "the first screen")
        self.shell.start("true")
        self.shell.prompt()


@pytest.fixture(name="shell", scope="module")
def shell_fixture():
    if not Holder.session or not Holder.session.is_ready():
        Holder.session = Session()
    return Holder.session


@pytest.fixture(name="tide")
def tide_fixture(shell):
    tide = Tide(shell)
    tide.shows(r"^q quit")
    yield tide
    if tide.screen.second:
        tide.quit()


def test_tide_draws_at_80_by_24(tide):
    tide.shows(r"^ tide  free \d+ of \d+ pages")
    for pattern in (r"^DMA .*orders", r"^Normal .*orders", r"^lists ", r"^swap ", r"^kswapd", r"high \d+",
                    r"low  \d+", r"min  \d+", r"pid name", r"\d+ tide "):
        tide.shows(pattern)
    assert tide.screen.second and tide.screen.cursor_hidden
    for row in tide.screen.lines[12:16]:
        assert len(row) > 60 and set(row) <= set(".afstkc "), row


def test_its_figures_are_those_of_proc(shell):
    zones = shell.output("cat /proc/zoneinfo")
    total = re.search(r"MemTotal: +(\d+)", shell.output("cat /proc/meminfo"))[1]
    normal = zones[zones.index("zone   Normal"):]
    marks = [re.search(rf"^ +{mark} +(\d+)$", normal, re.M)[1] for mark in ("min", "low", "high")]
    managed = re.findall(r"managed +(\d+)", zones)
    tide = Tide(shell)
    assert int(tide.shows(r"free \d+ of (\d+) pages")[1]) == int(total) // 4
    tide.shows(r" Normal$")  # next to nothing is in use, and then it has the least for its size
    assert [tide.shows(rf" {mark} +(\d+)$")[1] for mark in ("min", "low", "high")] == marks
    assert tide.shows(r"^Normal +\d+ of +(\d+)")[1] == managed[-1]
    tide.quit()


def test_its_zones_add_up(tide):
    tide.quiet()
    free = int(tide.shows(r"free (\d+) of \d+ pages")[1])
    assert free == sum(int(n) for n in re.findall(r"^\w+ +(\d+) of", tide.screen.text, re.M))
    for zone in re.findall(r"^\w+ +(\d+) of +\d+  orders(.*)$", tide.screen.text, re.M):
        blocks = [int(n) for n in zone[1].split()]
        assert len(blocks) == 11 and sum(n << order for order, n in enumerate(blocks)) == int(zone[0])


def test_the_water_is_that_of_the_zone_that_lacks(shell):
    """Normal is down to its marks, and DMA has more free than all marks together: the water is not blue."""
    zones = shell.output("cat /proc/zoneinfo")
    free = int(re.search(r"zone +Normal.*?pages free +(\d+)", zones, re.S)[1])
    tide = Tide(shell, f"(dd if=/dev/zero bs={free // 256 + 3}M count=1 2>/dev/null | sleep 1000) & tide")
    tide.until(lambda _: tide.screen.styles[6][NEWEST][0] in (RED, YELLOW, CYAN), "water that is low")
    # Both places of one picture: between two reads a part of the next one may be there.
    found = tide.shows(r"(?s) Normal$.* free (\d+)$.*^DMA +(\d+) of.*^Normal +\1 of")
    normal, dma = int(found[1]), int(found[2])
    marks = [int(tide.shows(rf" {mark} +(\d+)$")[1]) for mark in ("min", "low", "high")]
    assert normal < marks[2] < sum(marks) < dma
    tide.quit()
    shell.output("killall dd sleep; wait")


def test_keys(tide):
    tide.key("s")
    tide.shows("by swap")
    tide.key("s")
    tide.shows("by score")
    tide.key("s")
    tide.shows("by rss")
    tide.key("h")
    tide.shows("The water is free memory")
    tide.key("x")
    tide.shows("pid name")
    tide.key("f")
    tide.shows(r"\d+ frames a cell")
    tide.shows(r"a anonymous  f file .* c swap cache$")
    assert all(len(row) > 60 for row in tide.screen.lines[1:10])
    tide.key("f")
    tide.shows("pid name")


def test_pause(shell):
    """A file grows all the time; while tide stands still, nothing of it is seen, and all of it afterwards."""
    tide = Tide(shell, "(i=0; while sleep 1; do i=$((i + 1)); dd if=/dev/zero of=/tmp/grows bs=64k count=1 seek=$i "
                       "2>/dev/null; done) & tide")

    def free():
        return int(tide.shows(r"free (\d+) of \d+ pages")[1])

    before = free()
    tide.until(lambda _: free() < before, "the file")
    tide.key("p")
    tide.shows("PAUSED")
    tide.quiet()  # the rest of that picture
    before = free()
    assert tide.read(4) == 0
    tide.key("p")
    tide.until(lambda text: "PAUSED" not in text and free() < before, "going on")
    tide.quit()
    shell.output("kill $!; wait; rm /tmp/grows")


def test_silence_while_nothing_changes(tide):
    tide.quiet()
    assert tide.read(4) < 200


def settings(shell):
    return re.search(r":[0-9a-f:]{40,}", shell.output("stty -g"))[0]


def test_it_gives_the_terminal_back(shell):
    before = settings(shell)
    for end in ("q", "\x03"):
        tide = Tide(shell)
        tide.shows("pid name")
        tide.quit(end)
        assert not tide.screen.cursor_hidden and settings(shell) == before
    tide = Tide(shell, "(sleep 2; killall tide) & tide")
    tide.until(lambda _: tide.screen.second, "tide")
    tide.ended()
    shell.output("wait")
    assert settings(shell) == before


def test_what_takes_memory_is_seen(shell):
    """dd has 60 MiB in hand and waits until somebody reads them."""
    tide = Tide(shell, "(sleep 2; dd if=/dev/zero bs=60M count=1 2>/dev/null | sleep 1000) & tide")
    tide.shows(r"^ +\d+ dd +6\d{4} ")
    tide.until(lambda text: sum(row.count("a") for row in text.splitlines()[12:16]) > 40, "a map full of a")
    tide.quit()
    shell.output("killall dd sleep; wait")


def test_a_terminal_that_changes_its_size_is_filled_anew(shell):
    """The size goes to and fro until each has been seen; what is outside of the smaller one stays empty."""
    tide = Tide(shell, "(while sleep 1; do stty rows 40 cols 120; sleep 1; stty rows 24 cols 80; done) </dev/console & "
                       "tide")
    tide.screen = Screen(40, 120)
    tide.key("p")
    tide.key("p")

    def full(rows, columns):
        lines = tide.screen.lines
        return (lines[rows - 1].startswith("q quit") and any(line.startswith("lists ") for line in lines)
                and not any(lines[rows:]) and not any(line[columns:] for line in lines)
                and columns - 20 < max(len(line) for line in lines[12:20]))
    for size in ((40, 120), (24, 80), (40, 120)):
        tide.until(lambda _, size=size: full(*size), f"a picture of {size[0]} x {size[1]}")
    tide.quit()
    shell.output("kill %1; wait; stty rows 24 cols 80")


def test_swap_slots_are_drawn():
    """A machine with a swap disk: its slots are free, then taken by what was pressed out, then free again."""
    disk = disks.image("tide-swap.img", 32, {0: disks.swap_header(32 * 256)})
    session = Session(extra=disks.device(disk))
    try:
        session.output("swapon /dev/vda")
        tide = Tide(session, "(sleep 1; leak 2048 100 126 >/dev/null) & tide")
        tide.shows(r"^swap +\d+ of 32764 kB.* +\.{30,}")
        tide.shows(r"^swap .* [co.]*[co]{3,}")
        tide.shows(r"unevictable [1-9]\d+ kB")  # tide stays in memory
        tide.key("f")
        tide.shows(r"frames a cell; below: \d+ slots of swap a cell")
        tide.until(lambda text: re.search("[co]{10}", "".join(text.splitlines()[18:23])), "a map of slots in use")
        tide.quit()
        session.output("killall leak; wait")
        tide = Tide(session)
        tide.shows(r"^swap .* o{0,6}\.{25,}")  # files of the initrd stay out
        tide.quit()
    finally:
        session.close()


def test_trace_prints_what_a_command_does(shell):
    text = shell.output("trace proc true")
    must(text, r"^ *trace-\d+ \[00\d\] +\d+\.\d{6}: fork: process \d+ makes process \d+$",
         r"^ *\S+-(\d+) \[00\d\] +\d+\.\d{6}: exec: process \1 starts at 0x[0-9a-f]+, stack at 0x[0-9a-f]+$",
         r"exit: process \d+ ends with status 0x0$", r"^status 0")
    must(shell.output("trace proc false"), r"^status 1")
    must(shell.output("trace spoon,fork true"), r"no such event", r"^status 2")
    must(shell.output("trace -l"), r"^oom +oom_kill ", r"^reclaim +mm_vmscan_kswapd_wake ", r"^status 0")
