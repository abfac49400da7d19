# SPDX-License-Identifier: MIT
"""tide_picture.py OUT.png - the screen of tide while a program uses more memory than there is

Idea        Boots 64 MiB with a swap disk, starts `thrash` behind `tide` in the shell, and feeds what the terminal gets
            to the model of one (ansi.py) until the screen tells the story: pages went to the disk and came back, the
            water was above its marks and under them. Then the screen, a table of coloured characters, is drawn by the
            browser that draws the report.
Follow      from Makefile (pictures)   to ../ansi.py, browser.py, user/tide.c
"""
import html
import itertools
import os
import pathlib
import re
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import pexpect  # noqa: E402

import browser  # noqa: E402
import disks  # noqa: E402
import machine  # noqa: E402
from ansi import PLAIN, Screen  # noqa: E402

ROWS, COLUMNS = 30, 100
MEM, SWAP = 64, 64  # MiB
COMMAND = "thrash 1.4x zipf 1000000 >/dev/null & tide"
LIMIT = 300  # seconds
PICTURE_END = "\x1b[0m"  # tide sends it once a picture, behind all else
CELL = (8, 17)  # pixels; of the font below at its size
COLOUR = {30: "#3b4252", 31: "#e0606a", 32: "#8fbf6f", 33: "#e6c063", 34: "#5c9fe6", 35: "#b98fd6", 36: "#66c2c9",
          37: "#e6eaf0", 39: "#aab4c2"}
BACK = "#11161d"
PAGE = f"""<!DOCTYPE html><meta charset="utf-8"><style>
body{{margin:0;background:{BACK}}}pre{{margin:12px;font:13.29px/{CELL[1]}px "DejaVu Sans Mono",monospace}}
b{{color:#fff}}</style><pre>"""


def story_is_told(screen):
    """The past reaches to the left edge, pages come back from the disk, kswapd is at work."""
    back = re.search(r"swap in (\d+) out (\d+)", screen.text)
    bottom = next((n for n, line in enumerate(screen.lines) if re.search(r" min +\d+$", line)), 0)
    return (back and int(back[1]) > 3000 and screen.styles[bottom][0] != PLAIN
            and "thrash" in screen.text and "kswapd*" in screen.text)


def watch(out):
    disk = disks.image(f"tide-picture-{os.getpid()}.img", SWAP, {0: disks.swap_header(SWAP * 256)})
    settings = dict(os.environ, KERNEL=str(machine.BUILD / "tidemark.elf"), BOOT="pvh", CPUS="2", MEM=str(MEM), SWAP="",
                    INITRD=str(machine.BUILD / "initrd.cpio.gz"), CMDLINE=machine.CMDLINE, GUI="0",
                    QEMUEXTRA=disks.device(disk))
    qemu = pexpect.spawn(str(machine.ROOT / "iso/run.sh"), ["-serial", "stdio", "-monitor", "none"],
                         cwd=str(machine.ROOT), env=settings, timeout=LIMIT, echo=False, encoding="utf-8",
                         codec_errors="replace")
    try:
        qemu.expect(r"`help` says what else to try")
        qemu.expect(r"# (?:\x1b\[6n)?$")
        qemu.send(f"stty rows {ROWS} cols {COLUMNS}; {COMMAND}\r")
        qemu.expect_exact("\x1b[?1049h")
        screen, end = Screen(ROWS, COLUMNS), time.monotonic() + LIMIT
        while time.monotonic() < end:
            qemu.expect_exact(PICTURE_END)
            screen.feed(qemu.before + PICTURE_END)
            if story_is_told(screen):
                return screen
        raise TimeoutError(f"the screen never told the story:\n{screen.text}")
    finally:
        qemu.close(force=True)
        disk.unlink()


def markup(screen):
    rows = []
    for cells, styles in zip(screen.cells, screen.styles):
        row = ""
        for (colour, bold, reverse), group in itertools.groupby(zip(cells, styles), key=lambda c: c[1]):
            ink, paper = COLOUR[colour], BACK
            if bold and colour == 39:
                ink = COLOUR[37]
            if reverse:
                ink, paper = paper, ink
            text = html.escape("".join(c for c, _ in group))
            row += f'<span style="color:{ink};background:{paper}">{text}</span>' if text.strip() or reverse else text
        rows.append(row)
    return PAGE + "\n".join(rows) + "</pre>"


def main(words):
    if len(words) != 1:
        print(__doc__.split("\n")[0], file=sys.stderr)
        return 2
    if not browser.browser():
        print("chromium is missing: apt-get install chromium, or make deps", file=sys.stderr)
        return 1
    try:
        screen = watch(words[0])
    except (TimeoutError, pexpect.ExceptionPexpect) as error:
        print(f"tide_picture: {error}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as where:
        page = pathlib.Path(where) / "tide.html"
        page.write_text(markup(screen))
        browser.chromium(page, "", f"--screenshot={pathlib.Path(words[0]).resolve()}",
                         f"--window-size={COLUMNS * CELL[0] + 24},{ROWS * CELL[1] + 24}")
    print(f"{words[0]}: {pathlib.Path(words[0]).stat().st_size // 1000} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
