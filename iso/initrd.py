#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""initrd.py OUT /name=file ... - an initial RAM disk: a cpio archive (newc), gzipped when OUT ends in .gz

Idea        the same files give the same bytes (no times, no owners), and device nodes need no root. Parent
            directories, /dev, /proc, /sys and /tmp are added, and the devices that a program expects from its first
            line.
Follow      from Makefile   to the kernel's cpio reader
"""
import gzip
import os
import sys

DIRECTORY, FILE, DEVICE = 0o040755, 0o100755, 0o020666
DEVICES = {"dev/console": (5, 1), "dev/null": (1, 3), "dev/zero": (1, 5), "dev/random": (1, 8), "dev/urandom": (1, 9)}


def entry(ino, name, mode, data=b"", device=(0, 0)):
    fields = (ino, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08X" % f for f in fields) + name.encode() + b"\0"
    return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)


def directories(names):
    found = {"dev", "proc", "sys", "tmp"}
    for name in names:
        while name := os.path.dirname(name):
            found.add(name)
    return sorted(found)


def archive(files):
    """files: name without leading slash -> contents"""
    entries = [(d, DIRECTORY, b"", (0, 0)) for d in directories(files)]
    entries += [(name, DEVICE, b"", number) for name, number in DEVICES.items()]
    entries += [(name, FILE, data, (0, 0)) for name, data in files.items()]
    body = b"".join(entry(ino, *e) for ino, e in enumerate(entries, 1))
    body += entry(0, "TRAILER!!!", 0)
    return body + bytes(-len(body) % 512)


def write(out, files):
    data = archive(files)
    if out.endswith(".gz"):
        data = gzip.compress(data, 9, mtime=0)
    with open(out, "wb") as f:
        f.write(data)


def main(out, *pairs):
    files = {}
    for pair in pairs:
        name, path = pair.split("=", 1)
        with open(path, "rb") as f:
            files[name.lstrip("/")] = f.read()
    write(out, files)


if __name__ == "__main__":
    main(*sys.argv[1:])
