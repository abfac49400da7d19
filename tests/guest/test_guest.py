# SPDX-License-Identifier: MIT
"""test_guest.py - boots Tidemark in many ways and asks what happened

Idea        CONFIGURATIONS lists the machines; each is booted once, and every guest case in it is a verdict of its
            own. Then come the story, the storms, machines of odd sizes, and initial RAM disks that are broken: for
            those the console must say what a person can do about it.
Follow      from tests/run.py   to machine.py, main.c; kernel/main.c
"""
import functools
import gzip
import importlib.util
import pathlib
import re
import subprocess

import pytest

import disks
import fuzz
import machine
from machine import BUILD, ROOT

RELEASE, DEBUG = BUILD / "tidemark.elf", BUILD / "tidemark-debug.elf"
INITRD = BUILD / "initrd.cpio.gz"
FIRMWARE = [p for p in map(pathlib.Path, ("/usr/share/ovmf/OVMF.fd", "/usr/share/OVMF/OVMF.fd")) if p.exists()]

# name: (which cases, settings of machine.boot). The whole list once with and once without the checks of the debug
# kernel; what depends on the number of processors with 1 and 4 as well, some of it on the kernel without checks; each
# way of booting once.
CONFIGURATIONS = {
    "debug-2cpu": ((), dict(kernel=DEBUG, cpus=2, limit=420)),
    "release-2cpu": ((), dict(kernel=RELEASE, cpus=2, limit=300)),
    "debug-1cpu": (("smp",), dict(kernel=DEBUG, cpus=1, limit=240)),
    "debug-4cpu": (("smp",), dict(kernel=DEBUG, cpus=4, limit=300)),
    "iso-bios": (("basics", "fault"), dict(kernel=RELEASE, how="iso", limit=60)),
    "iso-uefi": (("basics",), dict(kernel=RELEASE, how="uefi", mem=256, limit=90)),
    "q35": (("basics", "time"), dict(kernel=RELEASE, cpus=3, limit=60, QEMUEXTRA="-machine q35")),
    "old-cpu": (("basics", "cpu", "trap"), dict(kernel=RELEASE, limit=90, CPU="qemu64")),
    "disks": (("disk", "interrupts"), dict(kernel=DEBUG, limit=120, disks=disks.healthy)),
    "disks-4cpu": (("disk", "interrupts", "smp"), dict(kernel=DEBUG, cpus=4, limit=120, disks=disks.healthy)),
    # No interrupts by message, and none of the optional features of the ring: the driver polls and builds chains.
    "disks-plain": (("disk",), dict(kernel=DEBUG, limit=120, disks=functools.partial(
        disks.healthy, more=",vectors=0,indirect_desc=off,event_idx=off"))),
    "disk-errors": (("disk_error",), dict(kernel=DEBUG, limit=60, disks=disks.failing)),
    "swap": (("swap", "swaprace", "vmscan", "lazyfree", "failswap"),
             dict(kernel=DEBUG, mem=64, limit=300, disks=disks.swap)),
    "tmpswap": (("swapcache", "swapsmaps", "tmpswap"), dict(kernel=DEBUG, mem=64, limit=300, disks=disks.swap)),
    "tmpswap-1cpu": (("swapcache", "tmpswap", "failswap", "smp"),
                     dict(kernel=DEBUG, cpus=1, mem=64, limit=300, disks=disks.swap)),
    "tmpswap-4cpu": (("swapcache", "swapsmaps", "tmpswap", "smp"),
                     dict(kernel=DEBUG, cpus=4, mem=64, limit=300, disks=disks.swap)),
    # One processor, and the kernel without checks.
    "swap-1cpu": (("swap", "swaprace"), dict(kernel=RELEASE, cpus=1, mem=64, limit=300, disks=disks.swap)),
    "swap-4cpu": (("swap", "swaprace", "failswap", "smp"),
                  dict(kernel=DEBUG, cpus=4, mem=64, limit=300, disks=disks.swap)),
    "evict": (("evict",), dict(kernel=DEBUG, mem=64, limit=300, disks=disks.swap)),
    "evict-4cpu": (("evict", "smp"), dict(kernel=RELEASE, cpus=4, mem=64, limit=300, disks=disks.swap)),
    "swap-parts": (("swappart",), dict(kernel=DEBUG, mem=64, limit=90, disks=disks.swap_parts)),
    "swap-slow": (("swapslow",), dict(kernel=DEBUG, mem=64, limit=120, disks=disks.swap_slow, extra="disk_timeout=1")),
    "swap-fail": (("swapfail",), dict(kernel=DEBUG, mem=64, limit=120, disks=disks.swap_failing)),
    "swap-fail-1cpu": (("swapfail", "smp"), dict(kernel=DEBUG, cpus=1, mem=64, limit=120, disks=disks.swap_failing)),
    "swap-fail-4cpu": (("swapfail", "smp"), dict(kernel=RELEASE, cpus=4, mem=64, limit=120, disks=disks.swap_failing)),
    # Some page leaves memory at every third fault: the groups in which a page is looked at twice.
    "torture": (("torture", "fault", "cow", "futex", "exec", "procvm", "signal_frame"),
                dict(kernel=DEBUG, limit=150, extra="evict_every=3", disks=disks.torture)),
    "torture-4cpu": (("torture", "smp", "cow", "fault", "pipe", "mremap"),
                     dict(kernel=DEBUG, cpus=4, limit=150, extra="evict_every=17", disks=disks.torture)),
    "oom-stuck": (("oom_stuck",), dict(kernel=DEBUG, limit=90, disks=disks.slow_to_read)),
    "disk-lost": (("disk_lost",), dict(kernel=DEBUG, limit=90, disks=disks.slow, extra="disk_timeout=2")),
}
if not FIRMWARE:
    del CONFIGURATIONS["iso-uefi"]


def all_cases():
    for configuration, (words, _) in CONFIGURATIONS.items():
        for number, name in machine.case_list(*words):
            yield pytest.param(configuration, number, id=f"{configuration}: {number} {name}",
                               marks=pytest.mark.xdist_group(configuration))


@functools.lru_cache(maxsize=None)
def verdicts(configuration):
    words, settings = CONFIGURATIONS[configuration]
    if "disks" in settings:
        settings = dict(settings, QEMUEXTRA=settings["disks"](configuration))
        del settings["disks"]
    if settings.get("how", "pvh") != "pvh":
        settings = dict(settings, ISO=image_make(configuration, settings, words))
    return machine.guest_cases(words, **settings)


def image_make(name, settings, words):
    """An ISO image bears its command line in itself."""
    out = BUILD / f"test-{name}.iso"
    words = " ".join([machine.CMDLINE, "--", *words])
    command = [ROOT / "iso/make-iso.sh", out, settings["kernel"], machine.INITRD_TEST, words]
    subprocess.run(command, cwd=ROOT, check=True)
    return out


@pytest.mark.parametrize("configuration, number", all_cases())
def test_case(configuration, number):
    verdict = verdicts(configuration)[number]
    if not verdict.passed:
        pytest.fail(verdict.why, pytrace=False)


# ---- programs of the tree ----


def must_match(run, *patterns):
    for pattern in patterns:
        if not re.search(pattern, run.text, re.M):
            pytest.fail(f"the console never says {pattern!r}; {run.describe()}", pytrace=False)


def must_power_off(run):
    if run.status != 0:
        pytest.fail(run.describe(), pytrace=False)


def test_story():
    run = machine.boot(kernel=DEBUG, initrd=INITRD, append="-- story", limit=120)
    must_match(run, r"The hog was killed, by signal 9", r"The bystander lives, and its checksum is right",
               r"/bin/story exited with status 0", r"not one page is missing")
    assert "!!" not in run.text and "mm_check:" not in run.text, run.describe()
    must_power_off(run)


def test_story_from_the_iso():
    image = BUILD / "test-story.iso"
    words = f"{machine.CMDLINE} -- story"
    subprocess.run([ROOT / "iso/make-iso.sh", image, RELEASE, INITRD, words], cwd=ROOT, check=True)
    run = machine.boot(how="iso", ISO=image, initrd=INITRD, limit=120)
    must_match(run, r"not one page is missing")
    must_power_off(run)


@pytest.mark.parametrize("cpus", [1, 4])
@pytest.mark.parametrize("words, line", [
    ("hog", r"/bin/hog was killed by signal 9"),
    ("hog 16", r"done, 16 MiB touched"),
    ("forkstorm forks=1000", r"1000 good, 0 killed, 0 wrong"),
    ("forkstorm forks=1000 press", r" 0 wrong; "),
    ("cowstorm", r"pages verified, none wrong"),
    ("mlockhog 4", r"4 MiB locked; Mlocked 4096 KiB"),
    ("recurse", r"/bin/recurse was killed by signal 11"),
    ("mmapstorm", r"mappings, then Out of memory"),
    ("tmpfill", r"tmpfill: \d+ KiB in /tmp, then No space left on device"),
    ("nothing", r"/bin/nothing: No such file"),
    # What a program leaves running is ended, and waited for, before the account.
    ('sh -c "sleep 100 & (sleep 0.02) &"', r"/bin/sh exited with status 0"),
])
def test_program(words, line, cpus):
    run = machine.boot(kernel=DEBUG, initrd=INITRD, append=f"-- {words}", cpus=cpus, limit=180)
    must_match(run, line, r"not one page is missing")
    assert "mm_check:" not in run.text, run.describe()
    must_power_off(run)


@pytest.mark.parametrize("words, line", [
    ("swapstorm 3 8 40", r"40 MiB, 3 workers, 8 rounds: 0 ended badly, [1-9]\d* pages went out"),
    # Of 1/1 + 1/2 + ... + 1/20000 the first tenth has 78 %.
    ("thrash 1.25x zipf 20000",
     r"zipf: 20000 accesses in .* s, 7[789]% of them to a tenth, [1-9]\d* .*every byte right"),
    ("thrash 8 zpif", r"usage: thrash [^§]*/bin/thrash exited with status 2"),
])
def test_program_that_swaps(words, line):
    run = machine.boot(kernel=DEBUG, initrd=INITRD, append=f"-- {words}", mem=64, limit=180,
                       QEMUEXTRA=disks.torture(re.sub(r"\W+", "-", words)))
    must_match(run, line, r"not one page is missing")
    assert "mm_check:" not in run.text, run.describe()
    must_power_off(run)


@pytest.mark.xdist_group("sysfuzz")
def test_sysfuzz():
    """A fixed seed, so that a change is judged by the same calls; `make nightly` plays other ones."""
    run, wrong = fuzz.fuzz(100000, seed=1)
    if wrong:
        pytest.fail(f"{wrong}; {run.describe()}", pytrace=False)
    must_power_off(run)


# ---- machines of odd sizes ----


@pytest.mark.parametrize("mem, cpus", [(24, 1), (24, 2), (64, 8), (512, 2), (5000, 2)])
def test_size(mem, cpus):
    run = machine.boot(kernel=RELEASE, initrd=INITRD, append="-- hog 8", mem=mem, cpus=cpus, limit=90)
    must_match(run, r"done, 8 MiB touched", r"not one page is missing")
    must_power_off(run)


# ---- command line ----

# (words, what the console must say). Self-tests that the kernel itself offers are rows of this table.
COMMAND_LINES = [
    ("maxcpus=1 -- hog 1", r"done, 1 MiB touched"),
    ("mem=64M -- hog 1", r"done, 1 MiB touched"),
    ("quiet -- hog 1", r"done, 1 MiB touched"),
    ("some=thing unknown -- hog 1", r"done, 1 MiB touched|/bin/unknown: No such file"),
    ("rdinit=/bin/hog -- 1", r"done, 1 MiB touched"),
    ("trace=fault -- hog 1", r"done, 1 MiB touched"),
]


# What mistakes inside the kernel look like, and stress for its base (kernel/selftest.c).
SELF_TESTS = [
    ("panic", r"(?i)panic.*3 apples and 4 pears"),
    ("assert", r"pages 3"),
    ("stack_overflow", r"(?i)stack"),
    ("null", r"(?i)panic"),
    ("wx", r"(?i)panic"),
    ("rank", r"(?i)rank"),
    ("sleep", r"(?i)sleep"),
    ("double_free", r"(?i)free"),
    ("threads", r"selftest: threads ok"),
    ("locks", r"selftest: locks ok"),
    ("timers", r"selftest: timers ok"),
    ("disk", r"none: 1 frames that it may still write to are out of use[^§]*selftest: disk ok"),
]


@pytest.mark.parametrize("name, expected", SELF_TESTS)
def test_self(name, expected):
    run = machine.boot(kernel=DEBUG, initrd=INITRD, append=f"selftest={name}", limit=60)
    after = run.text.split(f"selftest: {name}", 1)[-1]
    assert re.search(expected, run.text if "ok" in expected else after), run.describe()
    assert run.status is not None, run.describe()


@pytest.mark.parametrize("append, expected", COMMAND_LINES)
def test_command_line(append, expected):
    run = machine.boot(kernel=DEBUG, initrd=INITRD, append=append, limit=60)
    must_match(run, expected)


# ---- broken initial RAM disks ----


def archive_module():
    spec = importlib.util.spec_from_file_location("initrd", ROOT / "iso/initrd.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def init_program():
    return (BUILD / "user/init").read_bytes()


def broken_initrds():
    archive = archive_module().archive
    good = archive({"init": init_program()})
    packed = gzip.compress(good, mtime=0)
    return {
        "empty": b"",
        "garbage": bytes(range(256)) * 64,
        "no-init": archive({"bin/hog": init_program()}),
        "truncated": good[: len(good) // 3],
        "truncated-gzip": packed[: len(packed) // 2],
        "damaged-gzip": packed[:200] + bytes(400) + packed[600:],
        "damaged-header": good[:6] + b"zzzzzzzz" + good[14:],
        "huge-size": good.replace(b"%08X" % len(init_program()), b"FFFFFFF0", 1),
        "huge-name": archive({"x" * 5000: b"", "init2": b""}),
        "init-is-text": archive({"init": b"hello, world\n"}),
        "init-is-cut": archive({"init": init_program()[:100]}),
        "init-is-empty": archive({"init": b""}),
    }


@pytest.mark.parametrize("kind", sorted(broken_initrds()) if (BUILD / "user/init").exists() else [])
def test_broken_initrd(kind, tmp_path):
    """No /init can come out of these: the panic must name it or the archive, and say what to do."""
    path = tmp_path / kind
    path.write_bytes(broken_initrds()[kind])
    run = machine.boot(kernel=RELEASE, initrd=path, limit=30)
    must_match(run, r"(?i)panic", r"(?i)/init|initrd|archive|rdinit=")
    assert run.status is not None, run.describe()


def test_no_initrd():
    run = machine.boot(kernel=RELEASE, initrd="", limit=30)
    must_match(run, r"(?i)panic", r"(?i)initrd|/init")


def test_rdinit_missing():
    run = machine.boot(kernel=RELEASE, initrd=INITRD, append="rdinit=/nothing", limit=30)
    must_match(run, r"(?i)panic", r"/nothing")


def test_init_exits():
    """Process 1 must never end: the panic says so."""
    run = machine.boot(kernel=RELEASE, initrd=INITRD, append="rdinit=/bin/hog -- 1", limit=30)
    must_match(run, r"(?i)panic", r"(?i)init")


def test_plain_archive(tmp_path):
    """A cpio archive needs no compression."""
    plain = tmp_path / "plain.cpio"
    plain.write_bytes(gzip.decompress(INITRD.read_bytes()))
    run = machine.boot(kernel=RELEASE, initrd=plain, append="-- hog 1", limit=30)
    must_match(run, r"done, 1 MiB touched")


def test_console_in_the_way(tmp_path):
    """An archive that puts a file below /dev/console: process 1 starts without descriptors, and a line says why."""
    data = archive_module().archive({"init": init_program(), "dev/console/file": b""})
    path = tmp_path / "console"
    path.write_bytes(data)
    run = machine.boot(kernel=DEBUG, initrd=path, append="rdinit=/init -- hog 1", limit=30)
    must_match(run, r"/dev/console cannot be opened .* process 1 has none")
