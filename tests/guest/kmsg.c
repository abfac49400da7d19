/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/kmsg.c - what the kernel has said: /dev/kmsg, /proc/kmsg, syslog(2), and sysrq
 *
 * Idea        a line is written to the log, and read back by every way there is
 * Follow      to kernel/kmsg.c, kernel/sysrq.c
 */
#include "guest.h"
#include "procfile.h"
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>

static volatile int *word; /* shared */

static bool
have_log(void)
{
	int fd = open("/dev/kmsg", O_RDWR);

	close(fd);
	if (!on_tidemark())
		proc_write("/proc/sys/kernel/printk_devkmsg", "on"); /* else Linux drops some of what we say */
	if (fd < 0 || klogctl(10, NULL, 0) < 0) {
		note("the log is not ours to read");
		return false;
	}
	return true;
}

static void
log_line(const char *text)
{
	int fd = open("/dev/kmsg", O_WRONLY);

	check(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

/* Reads records until one ends in @text; the record is left in @record. False: there is none. */
static bool
record_find(int fd, const char *text, char *record, size_t size)
{
	ssize_t n;

	while ((n = read(fd, record, size - 1)) > 0 || (n < 0 && errno == EPIPE)) {
		record[n > 0 ? n : 0] = 0;
		if (n > 0 && strstr(record, text))
			return true;
	}
	return false;
}

static void
records(void)
{
	static char record[8192];
	unsigned int level;
	unsigned long number, next, us;

	if (!have_log())
		return;
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	log_line("<5>guest: a first line\n");
	log_line("<3>guest: back\\slash\ttab");
	check(record_find(fd, ";guest: a first line\n", record, sizeof(record)));
	check(sscanf(record, "%u,%lu,%lu,", &level, &number, &us) == 3);
	check((level & 7) == 5 && us > 0);
	check(record_find(fd, "guest: back\\x5cslash\\x09tab\n", record, sizeof(record)));
	check(sscanf(record, "%u,%lu", &level, &next) == 2 && (level & 7) == 3 && next > number);
	while (read(fd, record, sizeof(record)) > 0)
		;
	check_errno(read(fd, record, sizeof(record)), EAGAIN);
	check(lseek(fd, 0, SEEK_SET) == 0);
	check(record_find(fd, ";guest: a first line\n", record, sizeof(record)));
	check(lseek(fd, 0, SEEK_END) >= 0);
	check_errno(read(fd, record, sizeof(record)), EAGAIN);
	log_line("guest: after the end");
	check_errno(read(fd, record, 5), EINVAL); /* and that record is gone */
	check_errno(read(fd, record, sizeof(record)), EAGAIN);
	log_line("guest: after the end");
	check(read(fd, record, sizeof(record)) > 0 && strstr(record, "guest: after the end"));
	close(fd);
}

static void
waits_for_line(void *arg)
{
	static char record[8192];
	int fd = open("/dev/kmsg", O_RDONLY);

	(void)arg;
	lseek(fd, 0, SEEK_END);
	announce(word);
	check(record_find(fd, "guest: wake up", record, sizeof(record)));
}

static void
reader_sleeps(void)
{
	if (!have_log())
		return;
	word = (volatile int *)map_shared(PAGE);
	pid_t pid = child_start(waits_for_line, NULL);
	await(word, 1);
	log_line("guest: wake up");
	check(child_wait(pid) == 0);
	/* And a signal ends the wait. */
	*word = 0;
	pid = child_start(waits_for_line, NULL);
	await(word, 1);
	kill(pid, SIGKILL);
	check(child_wait(pid) == SIGKILL);
}

static void
syslog_reads(void)
{
	static char text[1 << 17];
	int size, n;

	if (!have_log())
		return;
	size = klogctl(10, NULL, 0);
	check(size >= 4096 && size <= (int)sizeof(text) * 64);
	log_line("<4>guest: for syslog");
	n = klogctl(3, text, sizeof(text));
	check(n > 0 && n <= (int)sizeof(text));
	text[n < (int)sizeof(text) ? n : n - 1] = 0;
	char *found = strstr(text, "guest: for syslog\n");
	check(found && text[0] == '<');
	while (found[-1] != '\n')
		found--;
	unsigned int level;
	unsigned long seconds, us;
	check(sscanf(found, "<%u>[%lu.%lu] ", &level, &seconds, &us) == 3 && (level & 7) == 4);
	/* A small buffer gets the newest lines, whole. */
	n = klogctl(3, text, 200);
	check(n > 0 && n <= 200 && text[0] == '<' && text[n - 1] == '\n');
	check(klogctl(9, NULL, 0) >= 0);
	check_errno(klogctl(3, NULL, 100), EINVAL);
	check_errno(klogctl(3, text, -1), EINVAL);
	check(klogctl(3, text, 0) == 0);
	check_errno(klogctl(11, NULL, 0), EINVAL);
	check_errno(klogctl(-1, NULL, 0), EINVAL);
	check(klogctl(0, NULL, 0) == 0 && klogctl(1, NULL, 0) == 0);
}

static void
log_is_cleared(void)
{
	static char text[1 << 17];
	int n;

	if (!have_log() || !on_tidemark())
		return;
	log_line("guest: before");
	check(klogctl(5, NULL, 0) == 0);
	log_line("guest: behind");
	n = klogctl(3, text, sizeof(text) - 1);
	text[n] = 0;
	check(!strstr(text, "guest: before") && strstr(text, "guest: behind"));
	check(klogctl(4, text, sizeof(text)) > 0);
	check(klogctl(3, text, sizeof(text)) == 0);
}

static void
console_level(void)
{
	char old[64];

	if (!have_log() || !on_tidemark())
		return;
	snprintf(old, sizeof(old), "%s", proc_text("/proc/sys/kernel/printk"));
	check(klogctl(8, NULL, 4) == 0);
	check(atoi(proc_text("/proc/sys/kernel/printk")) == 4);
	check(klogctl(6, NULL, 0) == 0 && atoi(proc_text("/proc/sys/kernel/printk")) == 1);
	check(klogctl(7, NULL, 0) == 0 && atoi(proc_text("/proc/sys/kernel/printk")) == 4);
	check_errno(klogctl(8, NULL, 0), EINVAL);
	check_errno(klogctl(8, NULL, 9), EINVAL);
	check(proc_write("/proc/sys/kernel/printk", old) > 0);
	check(strcmp(proc_text("/proc/sys/kernel/printk"), old) == 0);
}

static void
stream_is_consumed(void)
{
	static char text[1 << 17];
	ssize_t n;

	if (!have_log() || !on_tidemark())
		return;
	int fd = open("/proc/kmsg", O_RDONLY | O_NONBLOCK);
	check(fd >= 0);
	while ((n = read(fd, text, sizeof(text))) > 0)
		;
	check(n < 0 && errno == EAGAIN && klogctl(9, NULL, 0) == 0);
	log_line("guest: in the stream");
	check(klogctl(9, NULL, 0) > 20);
	/* In pieces. */
	check(read(fd, text, 7) == 7);
	n = klogctl(2, text + 7, sizeof(text) - 8);
	check(n > 0);
	text[7 + n] = 0;
	check(text[0] == '<' && strstr(text, "guest: in the stream\n"));
	check_errno(read(fd, text, 10), EAGAIN);
	close(fd);
}

static bool
log_has(const char *what)
{
	static char text[1 << 17];
	int n = klogctl(3, text, sizeof(text) - 1);

	check(n >= 0);
	text[n] = 0;
	return strstr(text, what);
}

static void
sysrq_reports(void)
{
	static const char path[] = "/proc/sysrq-trigger";

	if (!have_log() || !on_tidemark())
		return;
	check(proc_write(path, "h") == 1 && log_has("sysrq: HELP : reboot(b) crash(c)"));
	check(klogctl(5, NULL, 0) == 0);
	check(proc_write(path, "m") == 1 && log_has("sysrq: Show Memory") && log_has("Mem-Info:"));
	check(proc_write(path, "t") == 1 && log_has("sysrq: Show State") && log_has("task:"));
	check(proc_write(path, "w") == 1 && log_has("sysrq: Show Blocked State"));
	check(proc_write(path, "p") == 1 && log_has("sysrq: Show Regs"));
	check(proc_write(path, "s\n") == 2 && log_has("Emergency Sync complete"));
	check(proc_write(path, "u") == 1 && log_has("there is no such thing here"));
	check(proc_write(path, "?") == 1 && log_has("sysrq: HELP"));
}

static void
eats_memory(void *arg)
{
	volatile unsigned char *p = map_private(2000 * PAGE);

	(void)arg;
	check(proc_write("/proc/self/oom_score_adj", "1000") > 0);
	for (int i = 0; i < 2000; i++)
		p[(size_t)i * PAGE] = 1;
	announce(word);
	await(word, 100);
}

static void
sysrq_kills(void)
{
	if (!on_tidemark())
		return;
	word = (volatile int *)map_shared(PAGE);
	pid_t pid = child_start(eats_memory, NULL);
	await(word, 1);
	check(proc_write("/proc/sysrq-trigger", "f") == 1);
	check(child_wait(pid) == SIGKILL);
	check(log_has("sysrq: Manual OOM execution"));
}

static void
log_late(void *arg)
{
	(void)arg;
	usleep(10000);
	log_line("<6>polled for\n");
}

static void
polled(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT};

	if (!have_log())
		return;
	check(fd >= 0 && lseek(fd, 0, SEEK_END) >= 0);
	check(poll(&p, 1, 0) == 0);
	pid_t pid = child_start(log_late, NULL);
	check(poll(&p, 1, -1) == 1 && p.revents == POLLIN);
	check(child_wait(pid) == 0);
}

const struct test_case kmsg_cases[] = {
	{"poll waits for the next message", polled, 0, 0},
	{"/dev/kmsg gives a record a read, from any place", records, 0, 0},
	{"a reader of /dev/kmsg sleeps until something is said, or it is killed", reader_sleeps, 0, CASE_SMP},
	{"syslog reads all, the newest first when room is short, and refuses nonsense", syslog_reads, 0, 0},
	{"syslog clears", log_is_cleared, 0, 0},
	{"the console's level is set by syslog and by kernel.printk", console_level, 0, 0},
	{"/proc/kmsg and syslog consume one stream", stream_is_consumed, 0, 0},
	{"sysrq-trigger reports memory, tasks, and what it can do", sysrq_reports, 0, 0},
	{"sysrq f kills who has most", sysrq_kills, 0, 0},
	{0},
};
