# SPDX-License-Identifier: MIT
"""report.py OUT.html RUN [COMPARE] - one run (RUN.trace, RUN.log) as one page that needs nothing else

Idea        What stream.py decodes becomes a few arrays: series over time, bands, a map of frames, histograms. They and
            the plotting library (uPlot, fetched by npm ci into build/report, pinned in package-lock.json) go into one
            HTML file, which opens without a network. A second run is laid over the first. OOM reports are taken from
            the console's log, and told with the figures around them.
Follow      from Makefile (report)   to stream.py, oom_log.py, page.html, page.js
"""
import html
import json
import pathlib
import re
import sys

import oom_log
import stream

HERE = pathlib.Path(__file__).resolve().parent
UPLOT = stream.ROOT / "build/report/node_modules/uplot/dist"
SIZE_MOST = 500_000
MAP_COLUMNS = 160  # moments of the map that are drawn
POINTS_MOST = 1200


def seconds(ns):
    return round(ns / 1e9, 4)


def thin(points, most=POINTS_MOST):
    """So many points, the first, the last, and the lowest of each stretch between: a dip must not be lost."""
    if len(points) <= most:
        return points
    step = len(points) / most
    return [min(points[int(i * step):int((i + 1) * step) or 1], key=lambda p: p[1]) for i in range(most)] + points[-1:]


def largest_zone(records):
    """Its number. Most pages come from there, and its marks come first: the sum over all zones hides them."""
    managed = {r.values[0]: r.values[2] for r in records if r.name == "sample_zone"}
    return max(managed, key=managed.get, default=0)


def marks_of(zone, records):
    """min, low, high: the last ones."""
    low = next((r.values for r in reversed(records) if r.name == "sample_marks" and r.values[0] == zone), (0, 0, 0))
    return low[1], low[2], 2 * low[2] - low[1]


def series(records):
    """What samples say, at each sample_done: {name: [[t, value]...]}"""
    now, out = {}, {"free": [], "largest": [], "swap used": [], "swap cache": []}
    largest = largest_zone(records)
    orders, tasks = [], {}
    for r in records:
        if r.name == "sample_zone":
            now["zone", r.values[0]] = r.values[1]
        elif r.name == "sample_swap":
            now["swap"] = r.values
        elif r.name == "sample_order":
            now["order", r.values[0], r.values[1]] = r.values[2]
        elif r.name == "sample_task":
            tasks.setdefault(stream.signed(r.values[0]), []).append((seconds(r.ns), r.values[1], r.values[2]))
        elif r.name == "exit":
            tasks.get(stream.signed(r.values[0]), []).append((seconds(r.ns), 0, 0))
        elif r.name == "sample_done":
            t = seconds(r.ns)
            free, total, cached = now.get("swap", (0, 0, 0))
            out["free"].append((t, sum(v for k, v in now.items() if k[0] == "zone")))
            out["largest"].append((t, now.get(("zone", largest), 0)))
            out["swap used"].append((t, total - free))
            out["swap cache"].append((t, cached))
            orders.append((t, [sum(v << k[2] for k, v in now.items() if k[0] == "order" and k[2] == o)
                               for o in range(11)]))
    return {name: thin(points) for name, points in out.items()}, orders, tasks


def bands(records):
    """[(kind, from, to)]: kswapd at work, direct reclaim, swap traffic; kills are moments."""
    found, awake, direct = [], None, {}
    for r in records:
        t = seconds(r.ns)
        if r.name == "mm_vmscan_kswapd_wake":
            awake = t if awake is None else awake
        elif r.name == "mm_vmscan_kswapd_sleep" and awake is not None:
            found.append(["kswapd", awake, t])
            awake = None
        elif r.name == "mm_vmscan_direct_reclaim_begin":
            direct[r.pid] = t
        elif r.name == "mm_vmscan_direct_reclaim_end" and r.pid in direct:
            found.append(["direct reclaim", direct.pop(r.pid), t])
        elif r.name in ("swap_in", "swap_out"):
            found.append([r.name.replace("_", " "), seconds(r.ns - r.values[2]), t])
        elif r.name == "oom_kill":
            found.append(["kill", t, t])
    if awake is not None and records:
        found.append(["kswapd", awake, seconds(records[-1].ns)])
    return merged(found)


def merged(found):
    """Bands of one kind that touch, or nearly, become one."""
    out = []
    for kind in ("kswapd", "direct reclaim", "swap in", "swap out", "kill"):
        last = None
        for _, a, b in sorted(band for band in found if band[0] == kind):
            if last and kind != "kill" and a <= last[2] + 0.01:
                last[2] = max(last[2], b)
            else:
                last = [kind, a, b]
                out.append(last)
    return out


def frame_map(records):
    """Moments and, for each, a letter for every cell."""
    cells = next((r.values for r in records if r.name == "sample_cells"), (0, 0, 0))
    now, moments = ["f"] * cells[0], []
    for r in records:
        if r.name == "sample_map":
            for i in range(32):
                now[r.values[0] + i] = "%x" % (r.values[1 + i // 16] >> i % 16 * 4 & 15)
        elif r.name == "sample_done":
            moments.append((seconds(r.ns), "".join(now)))
    step = max(1, len(moments) / MAP_COLUMNS)
    chosen = [moments[int(i * step)] for i in range(min(len(moments), MAP_COLUMNS))]
    return {"frames": cells[1], "at": [t for t, _ in chosen], "cells": [c for _, c in chosen]}


def latencies(records):
    last = {(r.values[0], r.values[1]): r.values[2] for r in records if r.name == "sample_latency"}
    buckets = sorted({bucket for _, bucket in last})
    return {"buckets": buckets, "kinds": {stream.KINDS[kind]: [last.get((kind, b), 0) for b in buckets]
                                          for kind in sorted({kind for kind, _ in last})}}


def explained(log, records):
    """Each kill: the kernel's report, the same in sentences, and what the stream says of the time around it."""
    reports, out = oom_log.blocks(log), []
    for kill in (r for r in records if r.name == "oom_kill"):
        victim = stream.signed(kill.values[0])
        n = next((n for n, (pid, _) in enumerate(reports) if pid == victim), None)
        lines = [] if n is None else reports[n][1]
        del reports[:0 if n is None else n + 1]
        out.append({"at": seconds(kill.ns), "log": lines, "story": story(kill, records) + oom_log.told(lines)})
    return out


def duration(ns):
    return f"{ns / 1e9:.1f} s" if ns >= 1e9 else f"{ns / 1e6:.1f} ms"


def story(kill, records):
    before = [r for r in records if r.ns <= kill.ns]
    victim = stream.signed(kill.values[0])
    called = stream.names(records)
    say = [f"Process {victim} ({called.get(victim, '?')}) was chosen with a score of {stream.signed(kill.values[1])} "
           f"pages, on behalf of process {kill.pid} ({called.get(kill.pid, 'the kernel')})."]
    woken = next((r for r in before if r.name == "mm_vmscan_wakeup_kswapd"), None)
    direct = [r for r in before if r.name == "mm_vmscan_direct_reclaim_end"]
    if woken:
        say.append(f"kswapd had been woken {duration(kill.ns - woken.ns)} before, for the first time.")
    if direct:
        say.append(f"Programs had reclaimed for themselves {len(direct)} times and got "
                   f"{sum(r.values[0] for r in direct)} pages; the last time {direct[-1].values[0]}.")
    swap = [r.values for r in before if r.name == "sample_swap"]
    if swap and swap[-1][1]:
        say.append(f"Of {swap[-1][1]} swap slots {swap[-1][0]} were free.")
    else:
        say.append("There was no swap.")
    gone = next((r for r in records if r.name == "exit" and r.ns > kill.ns and
                 stream.signed(r.values[0]) == victim), None)
    if gone:
        say.append(f"It was gone {duration(gone.ns - kill.ns)} later.")
    return say


def run_data(path):
    base = str(path).removesuffix(".trace")
    records = stream.read(base + ".trace")
    log = pathlib.Path(base + ".log")
    lines, orders, tasks = series(records)
    called = stream.names(records)
    largest = sorted(tasks, key=lambda pid: -max(rss + swap for _, rss, swap in tasks[pid]))[:6]
    step = max(1, len(orders) // 300)
    times = [t for t, _ in lines["free"]] or [0.0, 1.0]
    return {"name": pathlib.Path(base).name, "records": len(records), "lost": stream.lost(records),
            "start": times[0], "end": times[-1],
            "series": lines,
            "marks": marks_of(largest_zone(records), records), "bands": bands(records), "map": frame_map(records),
            "orders": orders[::step], "latency": latencies(records),
            "tasks": [{"pid": pid, "name": called.get(pid, "?"), "points": thin(tasks[pid], 400)} for pid in largest],
            "kills": explained(log.read_text(errors="replace") if log.exists() else "", records)}


def page(runs):
    data = json.dumps(runs, separators=(",", ":")).replace("</", "<\\/")
    kinds = json.dumps(stream.CELL_KINDS)
    text = (HERE / "page.html").read_text()
    parts = {"STYLE": (UPLOT / "uPlot.min.css").read_text(), "UPLOT": (UPLOT / "uPlot.iife.min.js").read_text(),
             "DATA": f"const RUNS={data},CELL_KINDS={kinds};", "SCRIPT": (HERE / "page.js").read_text(),
             "TITLE": html.escape(" and ".join(run["name"] for run in runs))}
    return re.sub(r"@(\w+)@", lambda m: parts[m[1]], text)


def main(words):
    if len(words) < 2:
        print(__doc__.split("\n")[0], file=sys.stderr)
        return 2
    try:
        text = page([run_data(path) for path in words[1:3]])
    except (OSError, stream.StreamError) as error:
        print(f"report: {error}", file=sys.stderr)
        return 1
    if len(text) > SIZE_MOST:
        print(f"report: {len(text)} bytes are more than {SIZE_MOST}", file=sys.stderr)
        return 1
    pathlib.Path(words[0]).write_text(text)
    print(f"{words[0]}: {len(text) // 1000} kB; open it in a browser")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
