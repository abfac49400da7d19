# SPDX-License-Identifier: MIT
"""linux_kernel.py - the stock Linux kernel that stands beside Tidemark, fetched once into build/linux/

Idea        Debian's linux-image-cloud-amd64 depends on the real package; that one is downloaded by apt-get, which needs
            no root for it, and unpacked, not installed.
Follow      from guest/linux_run.py, bench/bench.py
"""
import os
import re
import subprocess
import sys

from machine import BUILD

META = "linux-image-cloud-amd64"
# no5lvl: user space ends where it ends on Tidemark. The rest: quiet, and nothing that is not about memory.
CMDLINE = "quiet loglevel=0 no5lvl mitigations=off nopti random.trust_cpu=on"


def vmlinuz():
    """The path of the kernel; ends the program with one line of advice when it cannot be had."""
    place = BUILD / "linux"
    found = sorted(place.glob("root/boot/vmlinuz-*"))
    if found:
        return found[-1]
    place.mkdir(parents=True, exist_ok=True)
    depends = run(["apt-cache", "depends", META], place)
    match = re.search(r"Depends: (linux-image-\S+)", depends)
    if not match and os.geteuid() == 0:
        run(["apt-get", "update", "-qq"], place)
        match = re.search(r"Depends: (linux-image-\S+)", run(["apt-cache", "depends", META], place))
    if not match:
        sys.exit(f"{META} is not known here: apt-get update, on a Debian system for amd64")
    print(f"fetching {match[1]} into {place}", file=sys.stderr)
    run(["apt-get", "download", match[1]], place)
    packages = sorted(place.glob("*.deb"))
    if not packages:
        sys.exit(f"apt-get download {match[1]} failed: is there a network?")
    run(["dpkg", "-x", str(packages[-1]), "root"], place)
    packages[-1].unlink()
    return sorted(place.glob("root/boot/vmlinuz-*"))[-1]


def run(command, place):
    try:
        return subprocess.run(command, cwd=place, capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        sys.exit(f"{command[0]} is missing: this target needs a Debian system")
