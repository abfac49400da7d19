/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/trace.c - /dev/trace: what the kernel does, as records
 *
 * Idea        Linux has no such device; there each case ends at once. What is looked for is what this very process does
 *             on purpose, whatever else happens beside it.
 * Invariants  see guest.h; the runner's look at the ledger proves that the rings are gone after the last reader
 * Follow      to kernel/trace_file.c, kernel/trace_stream.c
 */
#include "tracedev.h"
#include <poll.h>
#include <sys/wait.h>

static void
nothing(void *arg)
{
	(void)arg;
}

/* Reads until a record of @event with first value @first comes. */
static struct record
await_record(int fd, enum event event, uint64_t first)
{
	struct record r[64];

	for (;;) {
		ssize_t n = read(fd, r, sizeof(r));

		check(n > 0 && n % sizeof(struct record) == 0);
		for (size_t i = 0; i < n / sizeof(r[0]); i++)
			if (r[i].event == event && r[i].value[0] == first)
				return r[i];
	}
}

static void
a_reader_sees_what_happens_after_it_came(void)
{
	int fd = trace_open("proc", 0);

	if (fd < 0)
		return;
	pid_t child = child_start(nothing, NULL);
	check(child_wait(child) == 0);
	struct record born = await_record(fd, TRACE_fork, getpid());
	check(born.tid == getpid() && born.value[1] == (uint64_t)child);
	close(fd);

	fd = trace_open("proc", 0);
	struct record died = {0};
	child = child_start(nothing, NULL);
	check(child_wait(child) == 0);
	died = await_record(fd, TRACE_exit, child);
	check(died.tid == child && died.value[1] == 0 && died.ns > born.ns);
	close(fd);
}

static void
only_chosen_events_come(void)
{
	struct record r[64];
	int fd = trace_open("fork", O_NONBLOCK);

	if (fd < 0)
		return;
	check(child_wait(child_start(nothing, NULL)) == 0);
	ssize_t n = read(fd, r, sizeof(r));
	check(n >= (ssize_t)sizeof(r[0]));
	for (size_t i = 0; i < n / sizeof(r[0]); i++)
		check(r[i].event == TRACE_fork);
	check_errno(write(fd, "fork,spoon", 10), EINVAL);
	check(write(fd, "exec\n", 5) == 5);
	check(child_wait(child_start(nothing, NULL)) == 0);
	check_errno(read(fd, r, sizeof(r)), EAGAIN);
	check_errno(read(fd, r, sizeof(r[0]) - 1), EINVAL);
	close(fd);
}

static void
fork_after(void *arg)
{
	char go;

	check(read(*(int *)arg, &go, 1) == 1);
	check(child_wait(child_start(nothing, NULL)) == 0);
}

static void
who_waits_is_woken(void)
{
	int fd = trace_open("fork", 0);
	int start[2];

	if (fd < 0)
		return;
	check(pipe(start) == 0);
	pid_t child = child_start(fork_after, &start[0]);
	await_record(fd, TRACE_fork, getpid());
	struct pollfd p = {.fd = fd, .events = POLLIN};
	check(write(start[1], "x", 1) == 1);
	check(poll(&p, 1, -1) == 1 && p.revents == POLLIN);
	check(await_record(fd, TRACE_fork, child).tid == child);
	check(child_wait(child) == 0);
	close(fd);
}

/* A ring holds 4096 records; each touch of a page makes more than one. */
static void
what_was_overwritten_is_counted(void)
{
	static struct record r[4096];
	uint64_t lost = 0, told = 0, read_events = 0;
	ssize_t n;
	int fd = trace_open("fault_handle", O_NONBLOCK);

	if (fd < 0)
		return;
	volatile unsigned char *p = map_private(6000 * PAGE);
	for (int i = 0; i < 6000; i++)
		p[i * PAGE] = 1;
	while ((n = read(fd, r, sizeof(r))) > 0) {
		for (size_t i = 0; i < n / sizeof(r[0]); i++) {
			lost += r[i].event == TRACE_lost ? r[i].value[1] : 0;
			told = r[i].event == TRACE_lost && r[i].value[2] > told ? r[i].value[2] : told;
			read_events += r[i].event == TRACE_fault_handle;
		}
	}
	check(errno == EAGAIN && lost > 0 && told > 0 && told <= lost);
	check(lost + read_events >= 6000);
	close(fd);
}

static void
rings_outlive_every_reader_but_the_last(void)
{
	int first = trace_open("fork", 0);
	int second = first < 0 ? -1 : trace_open("exec", O_NONBLOCK);
	struct record r;

	if (first < 0)
		return;
	close(first);
	check_errno(read(second, &r, sizeof(r)), EAGAIN);
	for (int i = 0; i < 20; i++) {
		int fd = trace_open("all", 0);
		check(child_wait(child_start(nothing, NULL)) == 0);
		close(fd);
	}
	close(second);
}

const struct test_case trace_cases[] = {
	{"a reader sees what happens after it came", a_reader_sees_what_happens_after_it_came, 0, CASE_SMP},
	{"only chosen events come, and words that name none are refused", only_chosen_events_come, 0, 0},
	{"who waits for an event is woken by it", who_waits_is_woken, 0, CASE_SMP},
	{"what was overwritten before it was read is counted", what_was_overwritten_is_counted, 0, 0},
	{"rings come and go with readers while events happen", rings_outlive_every_reader_but_the_last, 0, CASE_SMP},
	{},
};
