# SPDX-License-Identifier: MIT
"""ansi.py - a small model of an ANSI terminal

Idea        Cursor, colours, clearing, the second screen: what tide sends, and nothing else. A sequence that not every
            terminal knows, or a character beyond the edge, is an error.
Follow      from guest/test_tide.py, report/tide_picture.py   to user/tide/screen.c
"""
import re

PLAIN = (39, False, False)


class Screen:
    """cells: characters, [row][column]; styles: likewise (colour as in ESC [ 3x m, bold, reverse)."""

    def __init__(self, rows=24, columns=80):
        self.rows, self.columns, self.rest = rows, columns, ""
        self.cursor_hidden, self.second = False, False
        self.clear()

    def clear(self):
        self.cells = [[" "] * self.columns for _ in range(self.rows)]
        self.styles = [[PLAIN] * self.columns for _ in range(self.rows)]
        self.style, self.at = PLAIN, [0, 0]

    def feed(self, text):
        text = self.rest + text
        end = len(text)
        cut = text.rfind("\x1b")
        if cut >= 0 and not re.match(r"\x1b\[[?0-9;]*[A-Za-z]", text[cut:]):
            end = cut
        self.rest = text[end:]
        for part in re.finditer(r"\x1b\[([?0-9;]*)([A-Za-z])|(.)", text[:end], re.S):
            if part[3]:
                self.put(part[3])
            else:
                self.control(part[1], part[2])

    def put(self, c):
        if c == "\r":
            self.at[1] = 0
        elif c == "\n":
            self.at[0] = min(self.at[0] + 1, self.rows - 1)
        elif c >= " ":
            assert self.at[1] < self.columns, f"written over the right edge in row {self.at[0]}"
            self.cells[self.at[0]][self.at[1]] = c
            self.styles[self.at[0]][self.at[1]] = self.style
            self.at[1] += 1

    def control(self, numbers, letter):
        if letter == "H":
            row, column = (int(n) for n in (numbers or "1;1").split(";"))
            assert 1 <= row <= self.rows and 1 <= column <= self.columns
            self.at = [row - 1, column - 1]
        elif letter == "J":
            self.clear()
        elif letter == "m":
            for n in numbers.split(";"):
                self.colour(int(n or 0))
        elif numbers == "?1049":
            self.second = letter == "h"
            self.clear()
        elif numbers == "?25":
            self.cursor_hidden = letter == "l"
        else:  # the shell asks where the cursor is
            assert letter == "n", f"a sequence that not every terminal knows: ESC [ {numbers} {letter}"

    def colour(self, n):
        colour, bold, reverse = PLAIN if n == 0 else self.style
        self.style = (n if 30 <= n <= 39 else colour, bold or n == 1, reverse or n == 7)

    @property
    def lines(self):
        return ["".join(row).rstrip() for row in self.cells]

    @property
    def text(self):
        return "\n".join(self.lines)
