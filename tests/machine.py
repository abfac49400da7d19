# SPDX-License-Identifier: MIT
"""machine.py - boots a kernel in QEMU and collects what the guest says

Idea        boot() starts iso/run.sh with its settings in the environment, keeps every line of the serial console, and
            has one hard limit of wall time, after which QEMU is killed by its process id. No verdict depends on time
            otherwise. guest_cases() runs the guest test program: one boot gives the verdicts of many cases, and when
            the machine dies in one of them, another boot goes on with the next.
Follow      from guest/test_guest.py, guest/linux_run.py, bench/bench.py   to iso/run.sh, tests/guest/main.c
"""
import dataclasses
import os
import pathlib
import re
import select
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
GUEST_TESTS = BUILD / "guest" / "guest-tests"
INITRD_TEST = BUILD / "initrd-test.cpio"
CMDLINE = "console=ttyS0 panic=-1"
# Machines that run at the same time, each with a share of the processors: limits of wall time grow with them.
LANES = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
LAST_LINES = 60  # of the console, shown when a case fails
MOST_BOOTS = 6  # of one list of cases


@dataclasses.dataclass
class Boot:
    """What one run of QEMU left behind."""
    lines: list
    status: int  # QEMU's exit status: 0 powered off; odd: the kernel's verdict; None: killed at the limit
    limit: int
    first_seen: dict  # regular expression -> seconds since QEMU was started

    @property
    def text(self):
        return "\n".join(self.lines)

    @property
    def end(self):
        return "\n".join(self.lines[-LAST_LINES:])

    def describe(self):
        how = f"killed after {self.limit} s" if self.status is None else f"QEMU ended with status {self.status}"
        return f"{how}; the last lines of its console:\n{self.end}"


def boot(kernel=BUILD / "tidemark.elf", initrd=INITRD_TEST, append="", how="pvh", cpus=2, mem=128, limit=120,
         watch=(), **settings):
    """Boots and waits for QEMU to end. settings: further variables of iso/run.sh, such as QEMUEXTRA, CPU or ISO."""
    environment = dict(os.environ, KERNEL=str(kernel), INITRD=str(initrd), CMDLINE=f"{CMDLINE} {append}".strip(),
                       BOOT=how, CPUS=str(cpus), MEM=str(mem), GUI="0", SWAP="", ACCEL="tcg", QEMUEXTRA="")
    environment.update({name: str(value) for name, value in settings.items()})
    limit *= LANES
    started = time.monotonic()
    qemu = subprocess.Popen([str(ROOT / "iso/run.sh"), "-serial", "stdio", "-monitor", "none"], cwd=ROOT,
                            env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT)
    try:
        return collect(qemu, started, limit, watch)
    finally:
        if qemu.poll() is None:
            qemu.kill()
        qemu.wait()
        qemu.stdout.close()


def collect(qemu, started, limit, watch):
    data, seen, ended = b"", {}, False
    while not ended and (left := started + limit - time.monotonic()) > 0:
        ready, _, _ = select.select([qemu.stdout], [], [], left)
        if not ready:
            break
        piece = os.read(qemu.stdout.fileno(), 65536)
        ended = not piece
        data += piece
        for pattern in watch:
            if pattern not in seen and re.search(pattern.encode(), data):
                seen[pattern] = time.monotonic() - started
    status = qemu.wait() if ended else None
    text = data.decode("utf-8", "replace").replace("\r", "")
    # GRUB positions the cursor; nothing else here does.
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    return Boot(text.split("\n"), status, limit, seen)


@dataclasses.dataclass
class Verdict:
    passed: bool
    why: str = ""


def case_list(*words):
    """[(number, "group - sentence")], as the test program itself lists them: it is a Linux program, and runs here."""
    if not GUEST_TESTS.exists():
        return []
    out = subprocess.run([str(GUEST_TESTS), "list", *words], capture_output=True, text=True, check=True).stdout
    return [(int(number), name) for number, name in re.findall(r"^case (\d+) (.*)$", out, re.M)]


def guest_cases(words=(), **settings):
    """Runs the cases that the words choose; {number: Verdict}. A case that ends the machine fails, the others go on."""
    verdicts, start = {}, 1
    wanted = [number for number, _ in case_list(*words)]
    for _ in range(MOST_BOOTS):
        chosen = " ".join([*words, f"from={start}"])
        run = boot(append=f"{settings.get('extra', '')} -- {chosen}".strip(),
                   **{k: v for k, v in settings.items() if k != "extra"})
        verdicts.update(verdicts_read(run.lines))
        if re.search(r"^# done \d+ passed", run.text, re.M):
            for number in wanted:
                verdicts.setdefault(number, Verdict(False, "the guest never reported this case"))
            return verdicts
        last = max([int(n) for n in re.findall(r"^run (\d+) ", run.text, re.M)], default=0)
        if last < start:
            break
        verdicts[last] = Verdict(False, f"the machine died in this case: {run.describe()}")
        start = last + 1
        if not [number for number in wanted if number >= start]:
            return verdicts
    for number in wanted:
        verdicts.setdefault(number, Verdict(False, f"never reached: {run.describe()}"))
    return verdicts


def verdicts_read(lines):
    verdicts, context = {}, []
    for line in lines:
        context.append(line)
        match = re.match(r"(ok|not ok) (\d+) (.*)", line)
        if match:
            why = match[3].split(" # ", 1)[-1] + "\n" + "\n".join(context[-LAST_LINES:])
            verdicts[int(match[2])] = Verdict(match[1] == "ok", "" if match[1] == "ok" else why)
            context = []
    return verdicts
