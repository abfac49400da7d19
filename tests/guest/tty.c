/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/tty.c - settings, size, flow and errno of the terminal
 *
 * Idea        What needs no typing is tried here; what a typed byte does is in tests/host/ldisc_test.c, and both
 *             together in the sessions at a pseudo-terminal.
 * Invariants  see guest.h
 * Follow      to kernel/dev/tty.c, kernel/dev/tty_ioctl.c, kernel/dev/ldisc.c
 */
#include "guest.h"
#include "terminal.h"
#include <fcntl.h>
#include <string.h>
#include <time.h>

#define TERMIOS2_GET 0x802c542aUL
#define TERMIO_GET 0x5405
#define TERMIO_SET 0x5406
#define NO_SUCH_REQUEST 0x54ff

static void
sane(void *arg)
{
	struct termios t;
	int fd = terminal_open(O_NOCTTY);

	(void)arg;
	check(isatty(fd) && tcgetattr(fd, &t) == 0);
	check((t.c_iflag & (ICRNL | IXON)) == (ICRNL | IXON));
	check((t.c_oflag & (OPOST | ONLCR)) == (OPOST | ONLCR));
	check((t.c_cflag & (CSIZE | CREAD)) == (CS8 | CREAD));
	check(t.c_lflag == (ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN));
	check(memcmp(t.c_cc, "\x03\x1c\x7f\x15\x04\x00\x01\x00\x11\x13\x1a\x00\x12\x0f\x17\x16\x00", 17) == 0);
}

static void
settings(void *arg)
{
	int fd = terminal_open(O_NOCTTY);
	struct termios t;
	struct termios back;
	unsigned int two[11];
	unsigned short old[9];

	(void)arg;
	check(tcgetattr(fd, &t) == 0);
	t.c_lflag &= ~(ECHO | ICANON);
	t.c_lflag |= NOFLSH;
	t.c_cc[VMIN] = 7;
	t.c_cc[VTIME] = 3;
	check(tcsetattr(fd, TCSAFLUSH, &t) == 0 && tcgetattr(fd, &back) == 0);
	check(back.c_lflag == t.c_lflag && memcmp(back.c_cc, t.c_cc, 19) == 0);
	check(ioctl(fd, TERMIOS2_GET, two) == 0);
	check(two[3] == t.c_lflag && two[9] == two[10] && two[10] > 0);
	check(ioctl(fd, TERMIO_GET, old) == 0);
	check(old[3] == (unsigned short)t.c_lflag && ((unsigned char *)old)[9 + VMIN] == 7);
	old[3] |= ECHO;
	check(ioctl(fd, TERMIO_SET, old) == 0 && tcgetattr(fd, &back) == 0);
	check(back.c_lflag == (t.c_lflag | ECHO) && back.c_cc[VWERASE] == t.c_cc[VWERASE]);
}

static void
window(void *arg)
{
	int fd = terminal_open(0);
	struct winsize size = {.ws_row = 31, .ws_col = 97, .ws_xpixel = 5, .ws_ypixel = 6};
	struct winsize back;
	sigset_t set;

	(void)arg;
	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	check(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	check(ioctl(fd, TIOCSWINSZ, &size) == 0 && ioctl(fd, TIOCGWINSZ, &back) == 0);
	check(memcmp(&size, &back, sizeof(size)) == 0);
	check(sigpending(&set) == 0 && sigismember(&set, SIGWINCH) == 1);
}

static void
errnos(void *arg)
{
	int fd = terminal_open(O_NOCTTY);
	int file = file_make("/tmp/no_terminal", 1);
	struct termios t;
	int ends[2];
	int n = -1;

	(void)arg;
	check(pipe(ends) == 0);
	check_errno(tcgetattr(ends[0], &t), ENOTTY);
	check_errno(tcgetattr(file, &t), ENOTTY);
	check_errno(ioctl(file, TIOCGWINSZ, &n), ENOTTY);
	check_errno(ioctl(fd, NO_SUCH_REQUEST, &n), ENOTTY);
	check_errno(ioctl(fd, TCGETS, 16), EFAULT);
	check_errno(ioctl(fd, TCSETS, 16), EFAULT);
	check_errno(ioctl(fd, TIOCGWINSZ, 16), EFAULT);
	check_errno(ioctl(fd, TIOCSWINSZ, 16), EFAULT);
	check_errno(ioctl(fd, TCFLSH, 3), EINVAL);
	check_errno(ioctl(fd, TCXONC, 4), EINVAL);
	check_errno(lseek(fd, 0, SEEK_SET), ESPIPE);
	check(ioctl(fd, FIONREAD, &n) == 0 && n == 0);
	check(ioctl(fd, TIOCGETD, &n) == 0 && n == 0);
	check(unlink("/tmp/no_terminal") == 0);
}

static void
raw(int fd, int min, int time)
{
	struct termios t;

	check(tcgetattr(fd, &t) == 0);
	t.c_lflag &= ~(ICANON | ECHO);
	t.c_cc[VMIN] = min;
	t.c_cc[VTIME] = time;
	check(tcsetattr(fd, TCSANOW, &t) == 0);
}

static long
milliseconds(void)
{
	struct timespec now;

	check(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
min_and_time(void *arg)
{
	int fd = terminal_open(O_NOCTTY);
	char byte;

	(void)arg;
	raw(fd, 0, 0);
	check(read(fd, &byte, 1) == 0);
	raw(fd, 0, 2);
	long start = milliseconds();
	check(read(fd, &byte, 1) == 0);
	check(milliseconds() - start >= 190);
	check(read(fd, &byte, 0) == 0);
}

static void
reads_not_blocking(void *arg)
{
	int fd = terminal_open(O_NOCTTY | O_NONBLOCK);
	char byte;

	(void)arg;
	check_errno(read(fd, &byte, 1), EAGAIN);
	raw(fd, 1, 0);
	check_errno(read(fd, &byte, 1), EAGAIN);
	raw(fd, 0, 0);
	check(read(fd, &byte, 1) == 0);
}

static void
reads(void *fd)
{
	char byte;

	(void)!read((intptr_t)fd, &byte, 1);
}

static void
reader_killed(void *arg)
{
	pid_t pid = child_start(reads, (void *)(intptr_t)terminal_open(O_NOCTTY));

	(void)arg;
	usleep(20000);
	job_end(pid);
}

/* Bytes that would show up in the log are such that do nothing on a screen. */
static void
held(void *arg)
{
	int fd = terminal_open(O_NOCTTY);
	int n = -1;

	(void)arg;
	check(tcdrain(fd) == 0);
	check(ioctl(fd, TIOCOUTQ, &n) == 0 && n == 0);
	check(tcflow(fd, TCOOFF) == 0);
	check(write(fd, "\r\r\r", 3) == 3);
	check(ioctl(fd, TIOCOUTQ, &n) == 0 && n == 3);
	check(tcflow(fd, TCOON) == 0 && tcdrain(fd) == 0);
	check(ioctl(fd, TIOCOUTQ, &n) == 0 && n == 0);
}

static void
held_and_full(void *arg)
{
	int fd = terminal_open(O_NOCTTY | O_NONBLOCK);
	static char block[1024];
	long total = 0;
	ssize_t n;
	int unsent = -1;

	(void)arg;
	memset(block, '\r', sizeof(block));
	check(tcflow(fd, TCOOFF) == 0);
	while ((n = write(fd, block, sizeof(block))) > 0)
		total += n;
	check(n == -1 && errno == EAGAIN && total >= 1024);
	check(tcflush(fd, TCOFLUSH) == 0);
	check(ioctl(fd, TIOCOUTQ, &unsent) == 0 && unsent == 0);
	check(write(fd, block, 1) == 1);
	check(tcflush(fd, TCOFLUSH) == 0 && tcflow(fd, TCOON) == 0);
}

static void
writes_much(void *fd)
{
	static char block[100000];

	memset(block, '\r', sizeof(block));
	(void)!write((intptr_t)fd, block, sizeof(block));
}

static void
writer_killed(void *arg)
{
	int fd = terminal_open(O_NOCTTY);

	(void)arg;
	check(tcflow(fd, TCOOFF) == 0);
	pid_t pid = child_start(writes_much, (void *)(intptr_t)fd);
	usleep(20000);
	job_end(pid);
	check(tcflush(fd, TCOFLUSH) == 0 && tcflow(fd, TCOON) == 0);
}

#define TERMINAL_CASE(name)           \
	static void name##_case(void) \
	{                             \
		terminal_case(name);  \
	}

TERMINAL_CASE(sane)
TERMINAL_CASE(settings)
TERMINAL_CASE(window)
TERMINAL_CASE(errnos)
TERMINAL_CASE(min_and_time)
TERMINAL_CASE(reads_not_blocking)
TERMINAL_CASE(reader_killed)
TERMINAL_CASE(held)
TERMINAL_CASE(held_and_full)
TERMINAL_CASE(writer_killed)

const struct test_case tty_cases[] = {
	{"a fresh terminal has the settings that programs expect", sane_case, 0, 0},
	{"settings come back in all three layouts", settings_case, 0, 0},
	{"a new window size is told to the foreground", window_case, 0, 0},
	{"the terminal gives Linux's errno for each misuse", errnos_case, 0, 0},
	{"MIN 0 returns at once, or after TIME", min_and_time_case, 0, 0},
	{"a terminal that does not block gives EAGAIN", reads_not_blocking_case, 0, 0},
	{"a reader of the terminal can be killed", reader_killed_case, 0, 0},
	{"output that is held is counted and goes out later", held_case, 0, 0},
	{"held output fills up, and can be thrown away", held_and_full_case, 0, 0},
	{"a writer to held output can be killed", writer_killed_case, 0, 0},
	{0},
};
