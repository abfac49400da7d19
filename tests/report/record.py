# SPDX-License-Identifier: MIT
"""record.py BASE WORDS - boots with a swap disk and a port for the stream; leaves BASE.trace and BASE.log

Idea        WORDS are the kernel's: "stream -- hog 200". MEM, CPUS and SWAP come from the environment, as for make run.
Follow      from Makefile (report), test_report.py   to ../machine.py
"""
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import disks  # noqa: E402
import machine  # noqa: E402

LIMIT = 300
PORT = "-device virtio-serial-pci -chardev file,id=stream,path={}.trace -device virtconsole,chardev=stream"


def record(base, words, mem=None, swap=None):
    base = pathlib.Path(base)
    mib = int((os.environ.get("SWAP", "64") if swap is None else swap) or 0)
    devices = PORT.format(base)
    if mib:
        disk = disks.image(f"record-{base.name}-{os.getpid()}.img", mib, {0: disks.swap_header(mib * 256)})
        devices += " " + disks.device(disk)
    boot = machine.boot(kernel=machine.BUILD / "tidemark.elf", initrd=machine.BUILD / "initrd.cpio.gz", append=words,
                        cpus=os.environ.get("CPUS", "2"), mem=mem or os.environ.get("MEM", "128"), limit=LIMIT,
                        QEMUEXTRA=devices)
    if mib:
        disk.unlink()
    pathlib.Path(f"{base}.log").write_text(boot.text)
    return boot


def main(words):
    boot = record(pathlib.Path(words[0]).resolve(), words[1])
    if boot.status != 0:
        print(f"report: the run did not come to a good end: {boot.describe()}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
