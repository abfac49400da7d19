# SPDX-License-Identifier: MIT
"""linux_kernel.py - the stock Linux kernel that stands beside Tidemark, fetched once into build/linux/

Idea        Debian's linux-image-cloud-amd64 depends on the real package; that one is downloaded by apt-get, which needs
            no root for it, and unpacked, not installed. Its drivers for virtual disks are modules: who needs disks
            starts with a script that loads them.
Follow      from guest/linux_run.py, bench/bench.py, bench/press.py   to iso/initrd.py
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys

from machine import BUILD, ROOT

sys.path.insert(0, str(ROOT / "iso"))

import initrd  # noqa: E402

META = "linux-image-cloud-amd64"
# no5lvl: user space ends where it ends on Tidemark. The rest: quiet, and nothing that is not about memory.
CMDLINE = "quiet loglevel=0 no5lvl mitigations=off nopti random.trust_cpu=on"

DISK_DRIVERS = ["virtio/virtio_ring", "virtio/virtio", "virtio/virtio_pci_modern_dev", "virtio/virtio_pci_legacy_dev",
                "virtio/virtio_pci", "block/virtio_blk"]
SCRIPT = """#!/bin/busybox sh
for m in {modules}; do /bin/busybox insmod /$m.ko; done
[ -b /dev/vda ] || /bin/busybox mount -t devtmpfs dev /dev
{commands}
"""


def archive(out, name, commands, files, kernel=None):
    """Writes a compressed archive with these files, and as @name a script of these commands, run by busybox. It loads
    the drivers for disks first if they are those of @kernel, a path from vmlinuz()."""
    drivers = kernel and kernel.parents[1] / "lib/modules" / kernel.name.removeprefix("vmlinuz-") / "kernel/drivers"
    modules = {pathlib.Path(m).name: (drivers / f"{m}.ko").read_bytes() for m in DISK_DRIVERS} if kernel else {}
    busybox = pathlib.Path(shutil.which("busybox") or sys.exit("busybox-static is missing"))
    out.parent.mkdir(parents=True, exist_ok=True)
    initrd.write(str(out), files | {name: SCRIPT.format(modules=" ".join(modules), commands=commands).encode(),
                                    "bin/busybox": busybox.read_bytes()}
                 | {f"{m}.ko": data for m, data in modules.items()}, {})
    return out


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
