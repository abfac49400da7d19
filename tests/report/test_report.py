# SPDX-License-Identifier: MIT
"""test_report.py - the page of a run, seen in a browser

Idea        Two runs, with and without a swap disk, are made and laid over one another. The page is loaded in a headless
            Chromium: its script must come to its end and leave pictures that are not blank. Without a browser or npm
            these checks are skipped, and say so.
Follow      from ../run.py   to report.py, page.js, browser.py
"""
import re
import shutil
import struct
import subprocess
import zlib

import pytest

import browser
import machine
import record
import report

pytestmark = pytest.mark.xdist_group("report")
PICTURES = ["timeline", "map", "map1", "orders", "latency", "tasks", "kills"]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    if not shutil.which("npm"):
        pytest.skip("npm is missing")
    made = subprocess.run(["make", "--no-print-directory", "build/report/npm.stamp"], cwd=machine.ROOT,
                          capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"the plotting library could not be fetched: {made.stdout[-300:]}")
    where = tmp_path_factory.mktemp("report")
    for name, swap in (("swap", "32"), ("none", "")):
        boot = record.record(where / name, "stream -- hog 200", mem="64", swap=swap)
        assert boot.status == 0, boot.describe()
    out = where / "page.html"
    assert report.main([str(out), str(where / "swap"), str(where / "none.trace")]) == 0
    return out


def test_the_page_needs_nothing_else_and_is_small(page):
    text = page.read_text()
    assert len(text) < 500_000
    assert not re.search(r"""(src|href)=["'](?!#)|@import|url\(|https?://(?!www\.w3\.org)[^\s"']*\.(js|css)""", text)


def explains(kill):
    """The whole report is there, and its sentences have its figures."""
    block, story = "\n".join(kill["log"]), "\n".join(kill["story"])
    for part in ("invoked oom-killer", "Call Trace", "Mem-Info:", "Tasks state", "oom-kill:", "Killed process"):
        assert part in block, f"the report lacks {part}"
    free, low = re.search(r"Normal free:(\d+)kB.* min:(\d+)kB", block).groups()
    assert f"Zone Normal had {free} KiB free, its min is {low} KiB" in story
    total = re.search(r"Total swap = (\d+)kB", block)[1]
    assert (f"Of {total} KiB of swap" if int(total) else "There was no swap.") in story
    pid, name, score = re.search(r"why (\d+) \((\S+)\): score (\d+)", block).groups()
    assert f"Why {name} ({pid}): its death frees most. Its score is {score} pages" in story
    assert f"The largest: {name} ({pid})" in story and re.search(r"asked for \d+ page", story)
    assert re.search(r"Next would have been|nobody else", story)


def test_each_kill_is_explained(page):
    runs = [report.run_data(page.parent / name) for name in ("swap", "none")]
    for data in runs:
        assert len(data["kills"]) == 1 and data["lost"] == 0
        kill = data["kills"][0]
        explains(kill)
        assert re.search(r"\(hog\) was chosen", kill["story"][0])
        kinds = {band[0] for band in data["bands"]}
        assert "kill" in kinds and "direct reclaim" in kinds
    assert {"kswapd", "swap out"} <= {band[0] for band in runs[0]["bands"]}


def test_the_page_is_drawn_in_a_browser(page, tmp_path):
    if not browser.browser():
        pytest.skip("no chromium")
    dom = browser.dom(page)
    assert 'data-ready="yes"' in dom and sorted(browser.sections(dom)) == sorted(PICTURES)
    assert dom.count("uplot") >= 4 and "was chosen with a score" in dom
    for name in ("timeline", "map", "latency", "all"):
        out = tmp_path / f"{name}.png"
        browser.picture(page, name, out)
        assert len(colours(out.read_bytes())) > 8, f"{name} is nearly blank"


def colours(png):
    """The bytes that occur in the filtered rows of a PNG: a blank picture has hardly any."""
    at, data = 8, b""
    while at < len(png):
        size, kind = struct.unpack_from(">I4s", png, at)
        data += png[at + 8:at + 8 + size] if kind == b"IDAT" else b""
        at += 12 + size
    return set(zlib.decompress(data))
