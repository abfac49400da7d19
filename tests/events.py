# SPDX-License-Identifier: MIT
"""events.py - writes docs/trace.md, the list of trace events, from kernel/trace_events.def

Follow      from Makefile (docs), report/test_stream.py   to report/stream.py
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "report"))

import stream  # noqa: E402

HEAD = """# Trace events

Made by `make docs` from kernel/trace_events.def; do not edit. The letters in the texts say how a value is shown.

* `trace=WORDS` on the kernel's command line prints events as they happen; `trace=fault` draws the first fault of each
  kind.
* `trace WORDS COMMAND` in the guest prints what happens while the command runs; `trace -l` lists the events.
* `stream` or `stream=WORDS` on the command line sends them, as records of 40 bytes, through a virtio console to the
  host; `stream_ms=N` sets the time between two samples. `tests/report/stream.py FILE` prints them; `--csv OUT` and
  `--chrome OUT` export. `make report` makes one page of a run, `make report COMPARE=RUN.trace` of two.

WORDS are events or groups with commas between, or `all`, which leaves the samples out. A record:

| bytes | what |
|---|---|
| 8 | nanoseconds since boot |
| 2, 2 | event, by its place in the list below; CPU |
| 4 | thread that ran; 0: the kernel's own |
| 3 x 8 | three values; a text is its first eight characters |

One of the first records is stream_begin, whose checksum (CRC-32 of the names of events and of vmstat's counters, each
with a NUL) keeps a stream from being read with another kernel's list. A CPU's ring holds 4,096 records. A reader that
is too slow gets a record `lost`, with the number.

| | event | group | text |
|---|---|---|---|
"""


def text():
    rows = "\n".join(f"| {n} | `{e.name}` | {e.group} | {e.format} |" for n, e in enumerate(stream.events()))
    for conversion, shown in (("%#llx", "x"), ("%llu", "n"), ("%lld", "n"), ("%.8s", "text"), ("%s", "text")):
        rows = rows.replace(conversion, shown)
    return HEAD + rows + "\n"


if __name__ == "__main__":
    (stream.ROOT / "docs/trace.md").write_text(text())
