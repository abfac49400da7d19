# SPDX-License-Identifier: MIT
"""browser.py PAGE.html DIRECTORY | OUT.png - each picture of a report as a PNG file, as a browser draws it

Idea        a headless Chromium loads the page with #NAME at its end, and the page shows that section alone; --dump-dom
            gives what its script has made of it. No driver, no protocol. OUT.png: the beginning of the whole page.
Follow      from Makefile (report PNG=1), test_report.py   to page.js
"""
import pathlib
import re
import shutil
import subprocess
import sys

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WORDS = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--virtual-time-budget=8000",
         "--disable-background-networking"]
SECONDS = 240
MARGIN = 56  # pixels above and below a section
BEGINNING = 850  # of a page, in pixels: two pictures


def browser():
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def chromium(page, fragment, *words):
    url = pathlib.Path(page).resolve().as_uri() + (f"#{fragment}" if fragment else "")
    return subprocess.run([browser(), *WORDS, *words, url], capture_output=True, text=True, timeout=SECONDS, check=True)


def dom(page):
    return chromium(page, "", "--dump-dom").stdout


def sections(text):
    return re.findall(r'<section id="(\w+)"', text)


def heights(text):
    """name -> pixels: as its script measured each section."""
    return {name: int(height) for name, height in re.findall(r'<section id="(\w+)" data-height="(\d+)"', text)}


def picture(page, name, out, height=440):
    chromium(page, name, f"--screenshot={out}", f"--window-size=1040,{height + MARGIN}")


def main(words):
    if not browser():
        print("chromium is missing: apt-get install chromium, or make deps", file=sys.stderr)
        return 1
    if words[1].endswith(".png"):
        picture(words[0], "all", pathlib.Path(words[1]).resolve(), BEGINNING)
        print(words[1])
        return 0
    for name, height in heights(dom(words[0])).items():
        out = pathlib.Path(words[1]) / f"{pathlib.Path(words[0]).stem}-{name}.png"
        picture(words[0], name, out.resolve(), height)
        print(out)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
