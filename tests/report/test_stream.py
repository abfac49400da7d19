# SPDX-License-Identifier: MIT
"""test_stream.py - the stream of trace records that a whole run has sent, and the order of events in it

Idea        One run: a program takes memory until the OOM killer ends it, with a swap disk. What the records say is
            compared with each other and with what the console said; no wall time is looked at.
Follow      from run.py   to stream.py, kernel/trace_port.c
"""
import io
import json
import re

import pytest

import disks
import events
import machine
import report
import stream

pytestmark = pytest.mark.xdist_group("stream")
PORT = "-device virtio-serial-pci -chardev file,id=stream,path={} -device virtconsole,chardev=stream"
MEM, SWAP_MIB = 64, 32


def run(path, append, cpus=2, mem=MEM, swap_mib=SWAP_MIB):
    swap = disks.image(f"stream-{path.stem}.img", swap_mib, {0: disks.swap_header(swap_mib * 256)})
    return machine.boot(kernel=machine.BUILD / "tidemark.elf", initrd=machine.BUILD / "initrd.cpio.gz", append=append,
                        cpus=cpus, mem=mem, limit=120, QEMUEXTRA=f"{disks.device(swap)} {PORT.format(path)}")


@pytest.fixture(scope="module")
def hog(tmp_path_factory):
    path = tmp_path_factory.mktemp("stream") / "hog.trace"
    boot = run(path, "stream -- hog 200")
    assert boot.status == 0 and "was killed by signal 9" in boot.text, boot.describe()
    return boot, stream.read(path)


def numbered(records, *wanted):
    return [(n, r) for n, r in enumerate(records) if r.name in wanted]


def test_nothing_was_lost_and_time_goes_forward(hog):
    _, records = hog
    assert stream.lost(records) == 0
    samples = [r.values[0] for r in records if r.name == "sample_done"]
    assert samples == list(range(len(samples))) and len(samples) > 10
    assert all(a.ns <= b.ns for a, b in zip(records, records[1:]))


def test_kswapd_wakes_before_the_first_direct_reclaim(hog):
    """That it was called comes first on any machine; when its processor gets to run it is the host's affair."""
    _, records = hog
    called = numbered(records, "mm_vmscan_wakeup_kswapd")
    direct = numbered(records, "mm_vmscan_direct_reclaim_begin")
    assert called and direct and called[0][0] < direct[0][0]


def test_kswapd_wakes_when_it_is_called_and_sleeps_when_it_is_done(hog):
    """A call, one run or several (pageoutrun), a sleep: on one processor or many, in the order of one thread."""
    _, records = hog
    order = [r.name.removeprefix("mm_vmscan_") for r in records if "kswapd" in r.name]
    assert order[:2] == ["wakeup_kswapd", "kswapd_wake"]
    asleep = True
    for name in order:
        assert name != "kswapd_sleep" or not asleep
        asleep = {"kswapd_sleep": True, "kswapd_wake": False}.get(name, asleep)
    assert order.count("kswapd_wake") >= order.count("kswapd_sleep")
    runs = [(r.ns, r.values[1]) for r in records if r.name == "sample_vmstat"
            and stream.counters()[r.values[0]] == "pageoutrun"]
    assert runs[-1][1] == sum(r.name == "mm_vmscan_kswapd_wake" and r.ns < runs[-1][0] for r in records)


def test_swap_is_written_before_the_first_kill(hog):
    _, records = hog
    out, kills = numbered(records, "swap_out"), numbered(records, "oom_kill")
    assert len(kills) == 1 and out and out[0][0] < kills[0][0]


def test_nobody_is_killed_while_anything_can_be_reclaimed(hog):
    """Who called for a kill had, right before, reclaimed for itself and found nothing; the swap area was full."""
    _, records = hog
    for n, kill in numbered(records, "oom_kill"):
        ends = [r for r in records[:n] if r.name == "mm_vmscan_direct_reclaim_end" and r.pid == kill.pid]
        assert ends and ends[-1].values[0] == 0, f"the last direct reclaim of {kill.pid}: {ends[-1].text}"
        assert kill.values[2] < SWAP_MIB * 256 // 50, kill.text


def test_the_demonstration_runs_in_the_order_it_tells(tmp_path):
    """make demo: as the story has it, whatever the machine's speed."""
    boot = run(tmp_path / "demo.trace", "ignore_loglevel stream -- demo", mem=48, swap_mib=128)
    assert boot.status == 0, boot.describe()
    (tmp_path / "demo.log").write_text(boot.text)
    data = report.run_data(tmp_path / "demo.trace")
    assert len(json.dumps(data)) < report.SIZE_MOST - 80_000  # the library and the page's own text are the rest
    assert data["kills"] and all("Killed process" in kill["log"][-1] for kill in data["kills"])
    records = stream.read(tmp_path / "demo.trace")
    first = {}
    for n, r in enumerate(records):
        first.setdefault(r.name, n)
    assert stream.lost(records) == 0
    assert first["mm_vmscan_wakeup_kswapd"] < first["mm_vmscan_kswapd_wake"] < first["oom_kill"]
    assert first["mm_vmscan_wakeup_kswapd"] < first["mm_vmscan_direct_reclaim_begin"] < first["oom_kill"]
    assert first["mm_vmscan_wakeup_kswapd"] < first["swap_out"] < first["oom_kill"]
    for n, kill in numbered(records, "oom_kill"):
        ends = [r for r in records[:n] if r.name == "mm_vmscan_direct_reclaim_end" and r.pid == kill.pid]
        assert ends and ends[-1].values[0] == 0, f"the last direct reclaim of {kill.pid}: {ends[-1:]}"


def test_the_stream_and_the_console_tell_of_the_same_victim(hog):
    boot, records = hog
    victim = int(re.search(r"Out of memory: Killed process (\d+) \(hog\)", boot.text)[1])
    kill = next(r for r in records if r.name == "oom_kill")
    assert stream.signed(kill.values[0]) == victim
    assert stream.names(records)[victim] == "hog"
    ends = [r for r in records if r.name == "exit" and stream.signed(r.values[0]) == victim]
    assert len(ends) == 1 and ends[0].values[1] == 9 and ends[0].ns > kill.ns


def test_samples_agree_with_each_other(hog):
    """Free frames of a zone are the blocks of its orders; the counters of vmstat end where events say."""
    _, records = hog
    blocks, free = {}, {}
    for r in records:
        if r.name == "sample_order":
            blocks[r.values[0], r.values[1]] = r.values[2]
        elif r.name == "sample_zone":
            free[r.values[0]] = r.values[1]
        elif r.name == "sample_done":
            for zone, frames in free.items():
                assert frames == sum(n << order for (z, order), n in blocks.items() if z == zone), (r.text, zone)
    assert len(free) >= 2
    last = {stream.counters()[r.values[0]]: stream.signed(r.values[1]) for r in records if r.name == "sample_vmstat"}
    assert last["oom_kill"] == 1
    assert last["pswpout"] == sum(r.values[1] for r in records if r.name == "swap_out")


def test_the_map_has_a_cell_for_every_frame(hog):
    _, records = hog
    cells = next(r for r in records if r.name == "sample_cells")
    assert cells.values[0] * cells.values[1] >= MEM * 256 > (cells.values[0] - 1) * cells.values[1]
    drawn = {}
    for r in records:
        if r.name == "sample_map":
            for i in range(32):
                drawn[r.values[0] + i] = stream.CELL_KINDS[r.values[1 + i // 16] >> i % 16 * 4 & 15]
    assert len(drawn) == cells.values[0]
    assert {"reserved", "free"} <= set(drawn.values())


def test_one_fault_of_64_is_measured(hog):
    _, records = hog
    last = {(r.values[0], r.values[1]): r.values[2] for r in records if r.name == "sample_latency"}
    measured = sum(last.values())
    faults = [r.values[1] for r in records if r.name == "sample_vmstat"
              and stream.counters()[r.values[0]] == "pgfault"]
    assert faults[-1] > 20000 and abs(measured - faults[-1] / 64) < 8, (measured, faults[-1] / 64)


def test_export_as_csv_and_chrome_json(hog):
    _, records = hog
    text = io.StringIO()
    stream.to_csv(records, text)
    assert len(text.getvalue().splitlines()) == len(records) + 1
    chrome = json.loads(json.dumps(stream.to_chrome(records)))["traceEvents"]
    names = {e["name"] for e in chrome}
    assert {"kswapd", "direct reclaim", "swap out", "swap", "oom_kill", "process_name"} <= names
    assert all(e["ph"] in "BEXCiM" and ("ts" in e or e["ph"] == "M") for e in chrome)
    for pid in {e["pid"] for e in chrome}:  # spans of one task do not overlap
        depth = 0
        for e in chrome:
            if e["pid"] == pid and e["ph"] in "BE":
                depth += 1 if e["ph"] == "B" else -1
                assert depth in (0, 1)


def test_an_event_is_read_from_its_one_definition():
    table = stream.events()
    assert len({e.name for e in table}) == len(table) > 20
    assert all(len(e.conversions()) <= 3 and e.format.count("%") == len(e.conversions()) for e in table)
    kill = next(e for e in table if e.name == "oom_kill")
    assert kill.text((7, (1 << 64) - 2, 0)) == "process 7 of score -2 pages, 0 slots of swap free"


def test_the_document_is_that_of_the_definition():
    assert (machine.ROOT / "docs/trace.md").read_text() == events.text(), "make docs"


def test_a_stream_of_another_kernel_is_refused(tmp_path):
    with pytest.raises(stream.StreamError):
        stream.decode(b"")
    begin = next(n for n, e in enumerate(stream.events()) if e.name == "stream_begin")
    with pytest.raises(stream.StreamError, match="another kernel"):
        stream.decode(stream.RECORD.pack(1, begin, 0, 0, stream.VERSION, 0, stream.checksum() ^ 1))
    assert stream.decode(stream.RECORD.pack(1, begin, 0, 0, stream.VERSION, 0, stream.checksum()) + b"cut")


@pytest.mark.parametrize("cpus", [1, 2, 4])
def test_a_panic_sends_what_led_to_it(tmp_path, cpus):
    """vm.panic_on_oom: the last record is the panic, and right before it the task that asked had freed nothing."""
    path = tmp_path / "panic.trace"
    boot = machine.boot(append="stream -- oom_panic", mem=64, cpus=cpus, limit=120, QEMUEXTRA=PORT.format(path))
    assert "panic_on_oom is enabled" in boot.text and boot.status, boot.describe()
    assert "the last records are lost" not in boot.text
    records = stream.read(path)
    assert records[-1].name == "panic" and stream.lost(records) == 0
    ends = [r for r in records if r.name == "mm_vmscan_direct_reclaim_end" and r.pid == records[-1].pid]
    assert ends and ends[-1].values[0] == 0, f"{ends[-1:]}"


def test_all_of_reclaim_can_be_followed(tmp_path):
    """The events of each page and each batch, off unless they are asked for, say what the counters say."""
    path = tmp_path / "scan.trace"
    boot = run(path, "stream=scan,swap,alloc,sample -- thrash 70 hotcold 4000")
    assert boot.status == 0, boot.describe()
    records = stream.read(path)
    said = {name: [r.values for r in records if r.name == name] for name in (
        "mm_vmscan_lru_isolate", "mm_vmscan_lru_shrink_inactive", "mm_vmscan_lru_shrink_active",
        "mm_vmscan_write_folio", "mm_page_alloc", "mm_page_free", "swap_out")}
    missing = {name for name, found in said.items() if not found}
    assert missing <= {"mm_vmscan_lru_shrink_active"}, missing  # whether the active list is asked, the policy knows
    assert all(took <= looked and took <= 32 for _, looked, took in said["mm_vmscan_lru_isolate"])
    assert all(freed <= 4096 for _, freed, _ in said["mm_vmscan_lru_shrink_inactive"])
    if not stream.lost(records):
        assert len(said["mm_vmscan_write_folio"]) >= sum(v[1] for v in said["swap_out"]) > 0
        assert len(said["mm_vmscan_lru_isolate"]) == sum(r.name.startswith("mm_vmscan_lru_shrink") for r in records)


def test_without_a_port_the_machine_says_so_and_goes_on():
    boot = machine.boot(append="stream -- basics", limit=120)
    assert re.search("stream: there is no virtio console", boot.text) and re.search(r"^# done .* 0 failed", boot.text,
                                                                                    re.M), boot.describe()
