# SPDX-License-Identifier: MIT
"""disks.py - disk images for the guest tests, and QEMU's options for them

Idea        images of known contents: a GPT with two partitions, sectors that hold their own number, a disk that is
            read-only, one that fails on purpose (QEMU's blkdebug)
Follow      from guest/test_guest.py   to guest/disk.c
"""
import struct
import uuid
import zlib

from machine import BUILD

SECTOR, MIB = 512, 1 << 20
LINUX_DATA = uuid.UUID("0FC63DAF-8483-4772-8E79-3D69D8477DE4").bytes_le
DIRECTORY = BUILD / "disks"


def gpt(sectors, partitions):
    """{first sector: bytes} of a GPT on a disk of so many sectors; partitions: [(start, count)]"""
    entries = b"".join(LINUX_DATA + bytes([n + 1] * 16) + struct.pack("<QQQ", start, start + count - 1, 0) + bytes(72)
                       for n, (start, count) in enumerate(partitions)).ljust(128 * 128, b"\0")

    def header(self, other, at):
        head = struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, 0, 0, self, other, 34, sectors - 34,
                           bytes(range(16)), at, 128, 128, zlib.crc32(entries))
        return head[:16] + struct.pack("<I", zlib.crc32(head)) + head[20:]

    mbr = bytes(446) + bytes([0, 0, 2, 0, 0xEE, 255, 255, 255]) + struct.pack("<II", 1, sectors - 1) + bytes(48)
    return {0: mbr + b"\x55\xaa", 1: header(1, sectors - 1, 2), 2: entries,
            sectors - 33: entries, sectors - 1: header(sectors - 1, 1, sectors - 33)}


def image(name, mib, pieces):
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    path = DIRECTORY / name
    with open(path, "wb") as f:
        f.truncate(mib * MIB)
        for sector, data in pieces.items():
            f.seek(sector * SECTOR)
            f.write(data)
    return path


def numbered(mib):
    return {n: struct.pack("<I", n) * (SECTOR // 4) for n in range(mib * MIB // SECTOR)}


def device(path, options="", more=""):
    return (f"-drive file={path},format=raw,if=none,id={path.stem},cache=unsafe{options} "
            f"-device virtio-blk-pci,drive={path.stem}{more}")


def healthy(name, more=""):
    """Three disks as guest/disk.c expects them; more: options of each device, such as ',vectors=0'."""
    a = image(f"{name}-a.img", 64, gpt(64 * MIB // SECTOR, [(2048, 10 * 2048), (2048 * 12, 20 * 2048)]))
    b = image(f"{name}-b.img", 32, numbered(32))
    c = image(f"{name}-c.img", 1, {})
    return " ".join([device(a, more=more), device(b, more=more), device(c, ",readonly=on", more)])


def faulty(path, rules):
    """A disk whose requests fail: rules of QEMU's blkdebug, each a dictionary; errno 5 is EIO. Without merging: QEMU
    would fail a good request together with a bad one beside it."""
    errors = ",".join(f"inject-error.{i}.{key}={value}" for i, rule in enumerate(rules)
                      for key, value in dict(rule, event="none", errno=5).items())
    return (f"-blockdev driver=blkdebug,node-name={path.stem},image.driver=file,image.filename={path},{errors} "
            f"-device virtio-blk-pci,drive={path.stem},request-merging=off")


def failing(name):
    """Two disks: of one sectors 16 to 23 cannot be read, 32 to 39 cannot be written; the other cannot be flushed."""
    bad = [("read", n) for n in range(16, 24)] + [("write", n) for n in range(32, 40)]
    return " ".join([faulty(image(f"{name}.img", 1, {}), [{"iotype": kind, "sector": n} for kind, n in bad]),
                     faulty(image(f"{name}-b.img", 1, {}), [{"iotype": "flush"}])])


def slow(name):
    """One disk that takes 8 KiB a second."""
    return device(image(f"{name}.img", 1, {}), ",throttling.bps-write=8192")


def slow_to_read(name):
    """One disk that gives some pages at once, and from then on one in 4 s."""
    return device(image(f"{name}.img", 1, {}), ",throttling.bps-read=1024,throttling.bps-read-max=49152")


def swap_header(pages, version=1, bad=()):
    """The first page of a swap area of so many pages, as mkswap writes it."""
    head = struct.pack("<III", version, pages - 1, len(bad)).ljust(12 + 16 + 16 + 117 * 4, b"\0")
    head += struct.pack(f"<{len(bad)}I", *bad)
    return (bytes(1024) + head).ljust(4086, b"\0") + b"SWAPSPACE2"


def swap(name):
    """Six disks as guest/swap.c expects them: two good ones, and four that are not, or hardly. The last fails where its
    header says so."""
    bad = (1, 7, 8, 100, 255)
    kinds = (
        (256, {0: swap_header(256 * 256)}), (16, {0: swap_header(16 * 256)}), (1, {}),
        (1, {0: swap_header(256, version=2)}), (1, {0: swap_header(257)}))
    last = image(f"{name}-{len(kinds)}.img", 1, {0: swap_header(256, bad=bad)})
    rules = [{"iotype": kind, "sector": 8 * n + i} for kind in ("read", "write") for n in bad for i in range(8)]
    return " ".join([device(image(f"{name}-{n}.img", mib, pieces), ",discard=unmap")
                     for n, (mib, pieces) in enumerate(kinds)] + [faulty(last, rules)])


def swap_failing(name):
    """Five swap areas as guest/swapfail.c expects them; all but the third fail on purpose."""
    def rules(kind, slots, **more):
        return [dict(more, iotype=kind, sector=8 * n) for n in slots]

    def area(n, mib):
        return image(f"{name}-{n}.img", mib, {0: swap_header(mib * 256)})

    return " ".join([faulty(area(0, 1), rules("read", (5, 20, 21, 100))),
                     faulty(area(1, 1), rules("write", (3, 9, 10, 50, *range(64, 96)))),
                     device(area(2, 128)),
                     faulty(area(3, 2), [{"iotype": "write"}]),
                     faulty(area(4, 1), rules("read", (5, 20, 60, 100), once="on"))])


def soak(name):
    """Four swap areas for user/soak.c: two good ones, one where some slots cannot be written, one where some cannot be
    read, the first time or ever."""
    def area(n, mib):
        return image(f"{name}-{n}.img", mib, {0: swap_header(mib * 256)})

    bad = [{"iotype": "write", "sector": 8 * n} for n in (*range(40, 60), 200, *range(300, 310), 999)]
    lost = [{"iotype": "read", "sector": 8 * n} for n in (30, 31, 70, 222, 777, 1000)]
    lost += [{"iotype": "read", "sector": 8 * n, "once": "on"} for n in (50, 90, 130, 400, 1500)]
    return " ".join([device(area(0, 64), ",discard=unmap"), device(area(1, 16)), faulty(area(2, 8), bad),
                     faulty(area(3, 8), lost)])


def mbr(entries):
    """One sector: up to four partitions, each (type, start, count)"""
    table = b"".join(bytes([0, 0, 2, 0, kind, 255, 255, 255]) + struct.pack("<II", start, count)
                     for kind, start, count in entries)
    return bytes(446) + table.ljust(64, b"\0") + b"\x55\xaa"


def swap_parts(name):
    """Two disks as guest/swappart.c expects them: swap areas on partitions of a GPT and of an MBR."""
    total, first, area = 24 * MIB // SECTOR, 2048, 8 * 2048
    header, extended = swap_header(area // 8), first + area
    logical = extended + 2048
    a = dict(gpt(total, [(first, area), (first + area, area - 2048)]))
    a[first] = header
    b = {0: mbr([(0x82, first, area), (0x05, extended, total - extended)]) + swap_header(256)[SECTOR:],
         first: header, extended: mbr([(0x82, logical - extended, area)]), logical: header}
    return " ".join([device(image(f"{name}-a.img", 24, a)), device(image(f"{name}-b.img", 24, b))])


def swap_slow(name):
    """One swap area on a disk that takes and gives 60 KiB a second."""
    return device(image(f"{name}.img", 16, {0: swap_header(16 * 256)}), ",throttling.bps-total=61440")


def torture(name):
    """One swap area, for a machine with evict_every=n."""
    return device(image(f"{name}.img", 256, {0: swap_header(256 * 256)}))
