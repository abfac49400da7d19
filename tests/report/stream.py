# SPDX-License-Identifier: MIT
"""stream.py FILE [--csv OUT] [--chrome OUT] [--text] - decodes the stream of trace records that a kernel has sent

Idea        The names and texts of the events are those of kernel/trace_events.def, the counters' names those of
            mm/vmstat.h: the same lines that the kernel is made of. The first record carries a checksum of both, so a
            stream of another kernel is refused, not misread. Standard library alone.
Follow      from report.py, test_stream.py, Makefile (report)   to kernel/trace_events.def
"""
import csv
import dataclasses
import json
import pathlib
import re
import struct
import sys
import zlib

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
RECORD = struct.Struct("<QHHi3Q")
VERSION = 1
KINDS = ["DENY", "ZERO", "FILE", "SWAP", "COW", "SPURIOUS"]  # enum fault_kind
CELL_KINDS = ["reserved", "free", "free", "kernel", "stack", "slab", "table", "anon", "file", "shmem", "swapcache",
              "?", "?", "?", "?", "nothing"]  # kernel/trace_sample.c


class StreamError(Exception):
    pass


@dataclasses.dataclass(frozen=True)
class Event:
    name: str
    group: str
    depth: int
    format: str

    def conversions(self):
        return re.findall(r"%#llx|%llu|%lld|%s|%\.8s", self.format)

    def text(self, values):
        parts = iter(zip(self.conversions(), values))

        def one(_):
            conversion, value = next(parts)
            return shown(conversion, value)
        return re.sub(r"%#llx|%llu|%lld|%s|%\.8s", one, self.format)


def shown(conversion, value):
    if conversion.endswith("s"):
        return value.to_bytes(8, "little").split(b"\0")[0].decode("latin-1")
    if conversion == "%lld":
        return str(signed(value))
    return f"{value:#x}" if conversion == "%#llx" else str(value)


def signed(value):
    return value - (1 << 64) if value >> 63 else value


@dataclasses.dataclass(frozen=True)
class Record:
    ns: int
    event: Event
    cpu: int
    pid: int
    values: tuple

    @property
    def name(self):
        return self.event.name

    @property
    def text(self):
        return self.event.text(self.values)


def events():
    """The lines of kernel/trace_events.def, in order."""
    text = (ROOT / "kernel/trace_events.def").read_text()
    found = re.findall(r'^TRACE_EVENT\((\w+),\s*(\w+),\s*(\d+),\s*"(.*)"\)$', text, re.M)
    return [Event(name, group, int(depth), form) for name, group, depth, form in found]


def counters():
    """The names of /proc/vmstat that the kernel counts, in order."""
    return re.findall(r'X\(\w+, "(\w+)"\)', (ROOT / "mm/vmstat.h").read_text())


def checksum():
    names = [e.name for e in events()] + counters()
    return zlib.crc32(b"".join(name.encode() + b"\0" for name in names))


def decode(data):
    """The records of a stream, in order of time. A cut last record is left out."""
    table, records = events(), []
    for at in range(0, len(data) - RECORD.size + 1, RECORD.size):
        ns, event, cpu, pid, *values = RECORD.unpack_from(data, at)
        if event >= len(table):
            raise StreamError(f"record {at // RECORD.size} is of event {event}: there are {len(table)}")
        records.append(Record(ns, table[event], cpu, pid, tuple(values)))
    begin = next((r for r in records if r.name == "stream_begin"), None)
    if not begin:
        raise StreamError("it does not begin with stream_begin: this is no stream of Tidemark")
    if begin.values[0] != VERSION or begin.values[2] != checksum():
        raise StreamError(f"version {begin.values[0]}, checksum {begin.values[2]:#x}: another kernel made it "
                          f"(this tree: {VERSION}, {checksum():#x})")
    return sorted(records, key=lambda r: r.ns)


def read(path):
    return decode(pathlib.Path(path).read_bytes())


def lost(records):
    return sum(r.values[1] for r in records if r.name == "lost")


# ---- what came of it ----

def names(records):
    """pid -> name, as samples and events tell."""
    return {signed(r.values[0]): shown("%s", r.values[1]) + shown("%s", r.values[2])
            for r in records if r.name == "sample_name"}


def to_csv(records, out):
    writer = csv.writer(out)
    writer.writerow(["ns", "cpu", "pid", "group", "event", "a", "b", "c", "text"])
    for r in records:
        writer.writerow([r.ns, r.cpu, r.pid, r.event.group, r.name, *(signed(v) for v in r.values), r.text])


SPANS = {"mm_vmscan_direct_reclaim_begin": ("B", "direct reclaim"),
         "mm_vmscan_direct_reclaim_end": ("E", "direct reclaim")}
LATE = {"swap_out": "swap out", "swap_in": "swap in"}  # the third value is how long it took


def to_chrome(records):
    """Chrome's trace format (chrome://tracing, Perfetto): spans, instants and counters. Times are microseconds."""
    called, out, awake = names(records), [], None
    for r in records:
        base = {"ts": r.ns / 1000, "pid": r.pid, "tid": r.pid, "cat": r.event.group}
        if r.name in SPANS:
            phase, name = SPANS[r.name]
            out.append({**base, "ph": phase, "name": name, "args": {"text": r.text}})
        elif r.name in LATE:
            out.append({**base, "ph": "X", "name": LATE[r.name], "ts": (r.ns - r.values[2]) / 1000,
                        "dur": r.values[2] / 1000, "tid": 1000000 + r.cpu, "args": {"text": r.text}})
        elif r.name == "mm_vmscan_kswapd_wake":
            awake = awake or r.ns
        elif r.name == "mm_vmscan_kswapd_sleep" and awake:
            out.append({**base, "ph": "X", "name": "kswapd", "ts": awake / 1000, "dur": (r.ns - awake) / 1000,
                        "args": {"text": r.text}})
            awake = None
        elif r.name == "sample_zone":
            out.append({**base, "ph": "C", "pid": 0, "name": f"free frames, zone {r.values[0]}",
                        "args": {"free": r.values[1]}})
        elif r.name == "sample_swap":
            out.append({**base, "ph": "C", "pid": 0, "name": "swap", "args": {"used": r.values[1] - r.values[0]}})
        elif r.event.group != "sample":
            out.append({**base, "ph": "i", "s": "t", "name": r.name, "args": {"text": r.text, "cpu": r.cpu}})
    meta = [{"ph": "M", "pid": pid, "tid": pid, "name": "process_name", "args": {"name": f"{name} ({pid})"}}
            for pid, name in called.items()]
    return {"displayTimeUnit": "ns", "traceEvents": meta + out}


def to_text(records, out):
    called = names(records)
    for r in records:
        who = f"{called.get(r.pid, 'kernel' if not r.pid else '?')}-{r.pid}"
        print(f"{who:>24} [{r.cpu:03}] {r.ns / 1e9:14.6f}: {r.name}: {r.text}", file=out)


def main(words):
    options = dict(zip(words[1::2], words[2::2]))
    if not words or set(options) - {"--csv", "--chrome", "--text"}:
        print(__doc__.split("\n")[0], file=sys.stderr)
        return 2
    try:
        records = read(words[0])
    except (OSError, StreamError) as error:
        print(f"{words[0]}: {error}", file=sys.stderr)
        return 1
    if "--csv" in options:
        with open(options["--csv"], "w", newline="") as out:
            to_csv(records, out)
    if "--chrome" in options:
        pathlib.Path(options["--chrome"]).write_text(json.dumps(to_chrome(records)))
    if not options or "--text" in words:
        to_text(records, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
