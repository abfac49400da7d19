# SPDX-License-Identifier: MIT
"""test_terminal.py - a person at the console: a session of busybox's shell, driven through a pseudo-terminal

Idea        one boot serves all checks. Each types what a person types and waits for a pattern; time is only a hard
            limit. output() frames what a command prints between the line that was typed and a number that the shell
            has to compute, so that the echo of the typing is never taken for the answer. A check that fails leaves the
            next one a prompt, if need be that of another boot.
Follow      from tests/run.py   to user/init.c, kernel/dev/tty.c, iso/root/etc
"""
import itertools
import os
import re

import pexpect
import pytest

import abi
from machine import BUILD, CMDLINE, LANES, ROOT

pytestmark = pytest.mark.xdist_group("terminal")
SECONDS = 60 * LANES  # for one answer; generous, since the machine may be busy with other things
UP, LEFT, ESCAPE, ERASE = "\x1b[A", "\x1b[D", "\x1b", "\x7f"
PROMPT = "READY> "
QUERY = r"(?:\x1b\[6n)?"  # the shell asks where the cursor is; it does without an answer


class Session:
    """A booted machine with a shell, and the keyboard."""

    def __init__(self, append="", extra=""):
        environment = dict(os.environ, KERNEL=str(BUILD / "tidemark-debug.elf"), INITRD=str(BUILD / "initrd.cpio.gz"),
                           CMDLINE=f"{CMDLINE} {append}", BOOT="pvh", CPUS="2", MEM="128", GUI="0", SWAP="",
                           ACCEL="tcg", QEMUEXTRA=extra)
        # signal=off: ^C is for the guest, not for QEMU.
        words = ["-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console", "-monitor", "none"]
        self.log = open(BUILD / "terminal.log", "ab")
        self.qemu = pexpect.spawn(str(ROOT / "iso/run.sh"), words, cwd=str(ROOT), env=environment, timeout=SECONDS,
                                  dimensions=(24, 80), echo=False, logfile=self.log)
        self.count = itertools.count(1000)
        self.expect(r"`help` says what else to try")
        self.expect(f"# {QUERY}$")
        self.type(f"PS1='{PROMPT[:-1]}'\" \"\r")
        self.prompt()
        self.type("stty rows 24 cols 80\r")
        self.prompt()

    def type(self, text):
        self.qemu.send(text)

    def expect(self, pattern, timeout=SECONDS):
        """Waits for the pattern; returns the match."""
        try:
            self.qemu.expect(pattern, timeout=timeout)
        except (pexpect.TIMEOUT, pexpect.EOF) as e:
            before = (self.qemu.before or b"")[-3000:].decode("utf-8", "replace")
            pytest.fail(f"{type(e).__name__} instead of {pattern!r}; the console since then:\n{before}", pytrace=False)
        return self.qemu.match

    def prompt(self):
        self.expect(f"{PROMPT}{QUERY}$")

    def start(self, command):
        """
        Types a command and waits until it begins: what is typed ahead would reach the line editor, which has the
        terminal in raw mode, so that ^C or erase would be bytes like others.
        """
        number = next(self.count)
        self.type(f"echo \"=$(({number}+0))=\"; {command}\r")
        self.expect(f"={number}=")

    def type_ahead(self, keys, echo):
        """
        Keys of several bytes, while another command has the terminal: when the line editor looks, all are there. It
        takes an ESC whose rest comes 50 ms later for a key of its own, and on a busy host the rest may.
        """
        self.start("stty noflsh; sleep 1000")
        self.type(keys)
        self.expect(echo)
        self.type("\x03")

    def output(self, command, timeout=SECONDS):
        """What the command prints, and its exit status as the last line."""
        number = next(self.count)
        # One line after the other: what is typed ahead would be echoed into what the command prints.
        self.type(f"{command}\r")
        self.expect(PROMPT, timeout)
        before = self.qemu.before + PROMPT.encode()
        self.type(f"echo \"=$?=$(({number}+0))=\"\r")
        self.expect(rf"=(\d+)={number}=", timeout)
        status = self.qemu.match[1].decode()
        text = (before + self.qemu.before).decode("utf-8", "replace").replace("\r", "")
        self.prompt()
        text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
        # The echo of what was typed in front, the prompt and the second line's echo behind.
        lines = [line.split(PROMPT)[0] for line in text.split("\n")]
        return "\n".join(lines[1:] if command[:20] in lines[0] else lines).strip() + f"\nstatus {status}"

    def is_ready(self):
        try:
            self.type("\x03\r")
            self.qemu.expect(PROMPT, timeout=SECONDS)
            self.type("echo $((40+2))\r")
            self.qemu.expect(r"\n42\r", timeout=SECONDS)
            self.qemu.expect(PROMPT, timeout=SECONDS)
            return True
        except (pexpect.TIMEOUT, pexpect.EOF, OSError):
            return False

    def close(self):
        self.qemu.close(force=True)
        self.log.close()


class Holder:
    session = None


@pytest.fixture(name="shell")
def shell_fixture(request):
    if Holder.session and getattr(Holder, "failed", False) and not Holder.session.is_ready():
        Holder.session.close()
        Holder.session = None
    Holder.failed = True
    if not Holder.session:
        Holder.session = Session()
    before = request.session.testsfailed
    yield Holder.session
    Holder.failed = request.session.testsfailed > before


def must(text, *patterns):
    for pattern in patterns:
        assert re.search(pattern, text, re.M), f"{pattern!r} is not in:\n{text}"


# ---- the line ----


def test_prompt(shell):
    must(shell.output("pwd; id -u; tty; echo $TERM"), r"^/root$", r"^0$", r"^/dev/(console|tty\w*)$", r"^status 0")


def test_arrows_edit_the_line(shell):
    shell.type_ahead("echo wrld" + LEFT * 3 + "o", r"wrld(\^\[\[D){3}o")
    shell.type("\r")
    shell.expect(r"\nworld\r")
    shell.prompt()
    must(shell.output("stty -noflsh"), r"^status 0")


def test_erase(shell):
    shell.type("echo frogX" + ERASE + "s\r")
    shell.expect(r"\nfrogs\r")
    shell.prompt()


def test_history(shell):
    shell.type("echo $((21*2))\r")
    shell.expect(r"\n42\r")
    shell.prompt()
    shell.type("echo other\r")
    shell.expect(r"\nother\r")
    shell.prompt()
    # Up over the command that waits, and over `other`.
    shell.type_ahead(UP * 3, r"(\^\[\[A){3}")
    shell.type("\r")
    shell.expect(r"\n42\r")
    shell.prompt()
    must(shell.output("stty -noflsh"), r"^status 0")


def test_the_terminal_edits_lines_for_who_does_not(shell):
    """cat reads whole lines: erase, kill (^U) and end of file (^D) are the kernel's."""
    shell.start("cat | tr a-z A-Z")
    shell.type("junk\x15abX" + ERASE + "c\r")
    shell.type("\x04")
    shell.expect(r"\nABC\r")
    shell.prompt()


def test_window_size(shell):
    must(shell.output("stty rows 40 cols 100; stty size; stty rows 24 cols 80"), r"^40 100$")


# ---- jobs ----


def test_interrupt_ends_a_loop(shell):
    shell.start("while :; do :; done")
    shell.type("\x03")
    shell.prompt()
    shell.start("sleep 1000")
    shell.type("\x03")
    shell.prompt()
    must(shell.output("echo still here"), r"still here")


def test_interrupt_reaches_the_whole_pipe(shell):
    shell.start("yes | cat >/dev/null")
    shell.type("\x03")
    shell.prompt()
    must(shell.output("ps | grep -c '[y]es'"), r"^0$")


def test_quit(shell):
    shell.start("sleep 1000")
    shell.type("\x1c")
    shell.prompt()
    must(shell.output("true"), r"^status 0")


def test_stop_and_continue(shell):
    shell.start("sleep 1000")
    shell.type("\x1a")
    shell.expect("Stopped")
    shell.prompt()
    must(shell.output("jobs"), r"Stopped +sleep 1000")
    must(shell.output("bg; jobs"), r"Running +sleep 1000|sleep 1000 &|sleep 1000")
    shell.type("fg\r")
    shell.expect(r"sleep 1000\r")
    shell.type("\x03")
    shell.prompt()
    must(shell.output("jobs; echo none$((1+1))"), r"^none2$")


def test_background_reader_is_stopped(shell):
    """SIGTTIN: who is not in front does not read from the terminal."""
    shell.type("cat &\r")
    shell.prompt()
    must(shell.output("until jobs >/tmp/jobs; grep 'Stopped.*tty input' /tmp/jobs; do :; done; echo seen"), r"^seen$")
    must(shell.output("kill -9 $!; wait $!; echo over"), r"over")


def test_background_writer_is_stopped_on_demand(shell):
    """SIGTTOU, after stty tostop."""
    must(shell.output("stty tostop; (echo never) & "
                      "until jobs >/tmp/jobs; grep 'Stopped' /tmp/jobs; do :; done; echo seen"), r"^seen$")
    must(shell.output("kill -9 $!; wait $!; stty -tostop; echo over"), r"over")


# ---- the shell as a language ----


def test_pipes(shell):
    must(shell.output("echo c a b | tr ' ' '\\n' | sort | tr '\\n' ' '"), r"^a b c")


def test_here_document(shell):
    shell.type("cat <<end | wc -l\rone\rtwo $HOME\rend\r")
    shell.expect(r"\n2\r")
    shell.prompt()


def test_script(shell):
    lines = ["cat >/tmp/script <<'end'", "#!/bin/sh", "double() { echo $(($1 * 2)); }", "sum=0",
             "for i in $(seq 1 10); do", "  [ $((i % 2)) = 0 ] && continue", "  sum=$((sum + $(double $i)))", "done",
             "while [ $sum -gt 48 ]; do sum=$((sum - 1)); done", "case $sum in 48) echo forty-eight;; esac", "end"]
    shell.type("\r".join(lines) + "\r")
    must(shell.output("chmod +x /tmp/script && /tmp/script"), r"^forty-eight$", r"^status 0")


# ---- programs that take the whole screen ----


def test_top(shell):
    """Three refreshes, each with figures, and it ends when told."""
    shell.start("top -d 1")
    for _ in range(3):
        shell.expect(r"Mem: \d+K used, \d+K free")
        shell.expect(r"\binit\b|/init|-sh")
    shell.type("q")
    shell.prompt()


def vi(shell, insertion, commands=""):
    """
    The insertion begins with the command for it and is ended here. What follows waits for the status line to leave the
    mode: a key right behind ESCAPE would be taken for the rest of a function key.
    """
    shell.start("vi /tmp/note")
    shell.expect(r"~.*\d+%")
    shell.type(insertion + ESCAPE)
    shell.expect(r"(?s)I /tmp/note.*- /tmp/note")
    shell.type(commands + ":wq\r")
    shell.expect(r"\x1b\[\?1049l")
    shell.prompt()


def test_vi_edits_and_saves(shell):
    shell.output("rm -f /tmp/note")
    vi(shell, "ione two\rthree")
    must(shell.output("cat /tmp/note; wc -l </tmp/note"), r"^one two$", r"^three$", r"^2$")
    vi(shell, "cwfour", "jdd")
    must(shell.output("cat /tmp/note; wc -l </tmp/note"), r"^four two$", r"^1$")


def test_less(shell):
    shell.output("seq 1 500 >/tmp/numbers")
    shell.start("less /tmp/numbers")
    shell.expect(r"K23\r")
    shell.expect("/tmp/numbers")
    shell.type(" ")
    shell.expect(r"K46\r")
    shell.type("G")
    shell.expect(r"K500\r")
    shell.type("q")
    shell.prompt()


# ---- the commands a person knows ----


# (what is typed, what must be in the answer)
COMMANDS = [
    ("help | head -1", [r"What there is to see"]),
    ("ps", [r"^ *1 .*init", r"-sh", r"status 0"]),
    ("free -m", [r"^Mem: +1[12]\d ", r"^Swap: ", r"status 0"]),
    ("df /tmp", [r"^tmpfs .* /tmp$", r"status 0"]),
    ("mount", [r"^proc on /proc type proc", r"tmpfs on /tmp type tmpfs", r"status 0"]),
    ("dmesg | head -5", [r"Tidemark", r"Command line", r"status 0"]),
    ("seq 1 100000 | sort -n | tail -1", [r"^100000$", r"status 0"]),
    ("dd if=/dev/zero of=/tmp/block bs=4k count=256 2>&1; wc -c </tmp/block", [r"^256\+0 records out$", r"^1048576$"]),
    ("find / -xdev | grep -c /etc/", [r"^[5-9]$|^\d\d+$", r"status 0"]),
    ("cd /tmp; tar cf etc.tar -C / etc; mkdir -p copy; tar xf etc.tar -C copy; cmp /etc/help copy/etc/help; cd",
     [r"^status 0"]),
    ("printf abc | md5sum", [r"^900150983cd24fb0d6963f7d28e17f72  -$"]),
    ("seq 1 1000 | awk '{ s += $1 } END { print s }'", [r"^500500$"]),
    ("grep -r 'turns the machine off' /etc", [r"^/etc/help:"]),
    ("uptime", [r" up .*load average: \d+\.\d\d"]),
    ("cat /proc/meminfo | head -3", [r"^MemTotal: +\d+ kB$", r"^MemFree: ", r"^MemAvailable: "]),
    ("cat /proc/self/maps | tail -3", [r"\[stack\]"]),
    ("uname -sr", [r"^Linux 6\.1\.0-tidemark$"]),
    ("sleep 0.1 & wait $!; echo waited $?", [r"^waited 0$"]),
    ("ls -l /proc/self/exe /bin/sh", [r"/bin/sh -> /bin/busybox$"]),
    ("time true", [r"real\s", r"status 0"]),
    ("echo hello >/tmp/f; cp /tmp/f /tmp/g; mv /tmp/g /tmp/h; cat /tmp/h; rm /tmp/f /tmp/h", [r"^hello$"]),
    ("gzip -c /etc/help | gunzip | cmp - /etc/help", [r"^status 0"]),
    ("vmstat 1 2 | tail -1", [r"^ *\d+ +\d+ +\d+ +\d+ "]),
    ("pmap 1 | tail -1", [r"(?i)total +\d+K?"]),
    ("pagemap 1 | head -20", [r"[0-9a-f]+-[0-9a-f]+|0x|frame|pfn"]),
]


BUILT = {name for name, _ in abi.tables()[1].values()}


@pytest.mark.parametrize("command, patterns", COMMANDS, ids=[c for c, _ in COMMANDS])
def test_command(shell, command, patterns):
    program = command.split()[0]
    if program == "dmesg" and "syslog" not in BUILT:
        pytest.skip("syslog(2) is absent")
    if program in ("vmstat", "pmap", "pagemap") and not (BUILD / "user" / program).exists():
        pytest.skip(f"user/{program}.c is not there")
    must(shell.output(command), *patterns)


def test_out_of_memory_is_said_and_survived(shell):
    shell.type("hog\r")
    shell.expect(r"Out of memory: Killed process \d+ \(hog\)")
    shell.prompt()
    must(shell.output("cat /proc/mm_check"), r"mm_check clean")


# ---- the end ----


def test_exit_powers_off(shell):
    shell.type("exit\r")
    Holder.session = None
    try:
        shell.qemu.expect(pexpect.EOF)
    except pexpect.TIMEOUT:
        pytest.fail("the machine runs on", pytrace=False)
    shell.close()
    assert shell.qemu.exitstatus == 0
