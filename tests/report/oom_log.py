# SPDX-License-Identifier: MIT
"""oom_log.py - the OOM killer's reports in a console's log, and what they mean in sentences

Idea        A report begins with who `invoked oom-killer` and ends with `Killed process`; of many in a row the kernel
            prints only that last line. The sentences answer, from the report alone, what docs/oom-log.md explains: who
            asked and why there was nothing, swap, who had the most, why this one, and who was next.
Follow      from report.py   to mm/oom_report.c, mm/oom_meminfo.c
"""
import re

STAMP = re.compile(r"^\[ *\d+\.\d+\] ")
KILLED = re.compile(r"Killed process (\d+) \(")
TASK = re.compile(r"\[ *(\d+)\] +\d+ +\d+ +\d+ +(\d+) +\d+ +(\d+) +-?\d+ (.+)")
LARGEST = 3
MIB = 256  # pages
CLOSE = 64  # KiB: what comes and goes between the allocator's look and the report


def blocks(log):
    """[(victim, lines)]: each kill's report without the times in front, in the order of the log."""
    found, lines = [], None
    for line in log.splitlines():
        if not STAMP.match(line):
            continue  # a program's
        text = STAMP.sub("", line)
        if "invoked oom-killer" in text:
            lines = []
        killed = KILLED.search(text)
        if killed:
            found.append((int(killed[1]), [*(lines or []), text]))
            lines = None
        elif lines is not None:
            lines.append(text)
    return found


def told(lines):
    """The report as sentences; those of which it has no line are left out."""
    text = "\n".join(lines)
    return [sentence for part in (asked, missing, swap, largest, chosen, following) for sentence in part(text)]


def asked(text):
    found = re.search(r"(\S+) invoked oom-killer: gfp_mask=0x\w+\(([^)]*)\), order=(-?\d+)", text)
    if not found:
        return ["Of this kill the log has only the last line: there were many in a row."] if text else []
    who, flags, order = found[1], found[2], int(found[3])
    if order < 0:
        return [f"{who} asked for a kill by hand (sysrq f), whether there was memory or not."]
    what = "for a page of a program" if "MOVABLE" in flags else "for the kernel's own use"
    return [f"{who} asked for {1 << order} page{'s that lie together' if order else ''}, {what} ({flags})."]


def missing(text):
    found = re.findall(r"Node \d+ (\w+) free:(\d+)kB .*?min:(\d+)kB.*\nlowmem_reserve\[\]:.* (\d+)$", text, re.M)
    for name, free, low, reserve in found:
        kept = int(reserve) * 4  # KiB, from those who could have the zone above
        keeps = f" and it keeps {kept} KiB for those who need this very zone" if kept else ""
        verdict = "nothing to give" if int(free) <= int(low) + kept + CLOSE else \
            "so the block was too large, or memory has come back since"
        yield f"Zone {name} had {free} KiB free, its min is {low} KiB{keeps}: {verdict}."


def swap(text):
    found = re.search(r"Free swap += (\d+)kB\nTotal swap = (\d+)kB", text)
    if found and int(found[2]):
        yield f"Of {found[2]} KiB of swap {found[1]} KiB were free."
    elif found:
        yield "There was no swap."


def largest(text):
    tasks = sorted(((int(rss) + int(out), int(rss), int(out), name.strip(), pid)
                    for pid, rss, out, name in TASK.findall(text)), reverse=True)
    if tasks:
        named = [f"{name} ({pid}) with {rss / MIB:.1f} MiB resident and {out / MIB:.1f} in swap"
                 for _, rss, out, name, pid in tasks[:LARGEST]]
        yield f"The largest: {', '.join(named)}."


def chosen(text):
    found = re.search(r"why (\d+) \((.+?)\): score (-?\d+) = (.*)", text)
    if found:
        yield f"Why {found[2]} ({found[1]}): its death frees most. Its score is {found[3]} pages = {found[4]}."
    elif "oom_kill_allocating_task" in text:
        yield "Nobody was chosen: vm.oom_kill_allocating_task ends who asks."


def following(text):
    found = re.search(r"next would be (\d+) \((.+?)\), score (-?\d+)", text)
    if found:
        yield f"Next would have been {found[2]} ({found[1]}), with {found[3]} pages."
    elif "nobody would be next" in text:
        yield "There was nobody else who could have been chosen."
