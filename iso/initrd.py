#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""initrd.py OUT WORD ... - an initial RAM disk: a cpio archive (newc), gzipped when OUT ends in .gz

Idea        WORD: /name=file      a file with these contents, which may be executed
                  /name@target    a symbolic link
                  tree:directory  all files below it, under their names there
                  busybox=file    /bin/busybox, and a link to it for each of its applets, where no WORD has the name
            The same words give the same bytes (no times, no owners), and device nodes need no root. Parent directories,
            /dev, /proc, /sys and /tmp are added, and the devices that a program expects from its first line.
Follow      from Makefile   to the kernel's cpio reader
"""
import gzip
import os
import pathlib
import subprocess
import sys

DIRECTORY, PROGRAM, FILE, LINK, DEVICE = 0o040755, 0o100755, 0o100644, 0o120777, 0o020666
DEVICES = {"dev/console": (5, 1), "dev/null": (1, 3), "dev/zero": (1, 5), "dev/random": (1, 8), "dev/urandom": (1, 9)}


def entry(ino, name, mode, data=b"", device=(0, 0)):
    fields = (ino, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08X" % f for f in fields) + name.encode() + b"\0"
    return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)


def directories(names):
    found = {"dev", "proc", "root", "sys", "tmp"}
    for name in names:
        while name := os.path.dirname(name):
            found.add(name)
    return sorted(found)


def archive(files, links=()):
    """files: name without leading slash -> contents, or (mode, contents); links: name -> target"""
    links = dict(links)
    entries = [(d, DIRECTORY, b"", (0, 0)) for d in directories([*files, *links])]
    entries += [(name, DEVICE, b"", number) for name, number in DEVICES.items()]
    for name, what in files.items():
        mode, data = what if isinstance(what, tuple) else (PROGRAM, what)
        entries.append((name, mode, data, (0, 0)))
    entries += [(name, LINK, target.encode(), (0, 0)) for name, target in links.items()]
    body = b"".join(entry(ino, *e) for ino, e in enumerate(entries, 1))
    body += entry(0, "TRAILER!!!", 0)
    return body + bytes(-len(body) % 512)


def write(out, files, links):
    data = archive(files, links)
    if out.endswith(".gz"):
        data = gzip.compress(data, 9, mtime=0)
    with open(out, "wb") as f:
        f.write(data)


def applets(program, taken):
    """Links for busybox's applets, in the places that it names itself. A name that is taken anywhere stays as it is."""
    names = subprocess.run([program, "--list-full"], capture_output=True, text=True, check=True).stdout.split()
    taken = {os.path.basename(name) for name in taken} | {"busybox", "init"}
    return {name: "/bin/busybox" for name in names if os.path.basename(name) not in taken}


def main(out, *words):
    files, links, busybox = {}, {}, None
    for word in words:
        if word.startswith("tree:"):
            top = pathlib.Path(word[5:])
            files |= {str(p.relative_to(top)): (FILE, p.read_bytes()) for p in sorted(top.rglob("*")) if p.is_file()}
        elif word.startswith("busybox="):
            busybox = word[8:]
            files["bin/busybox"] = pathlib.Path(busybox).read_bytes()
        elif "=" in word:
            name, path = word.split("=", 1)
            files[name.lstrip("/")] = pathlib.Path(path).read_bytes()
        else:
            name, target = word.split("@", 1)
            links[name.lstrip("/")] = target
    if busybox:
        links = applets(busybox, [*files, *links]) | links
    write(out, files, links)


if __name__ == "__main__":
    main(*sys.argv[1:])
