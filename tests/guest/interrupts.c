/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/interrupts.c - /proc/interrupts tells which CPU took how many of a disk's interrupts
 *
 * Idea        The machine and the disks of disk.c. One read after the other, each waited for: a request of
 *             /proc/diskstats is an interrupt of a queue of that disk, but for few that share one, in /proc/interrupts
 *             on the CPU that took it, and in the word of /proc/stat's intr line with that interrupt's number.
 * Invariants  see guest.h
 * Locks       none
 * Follow      from test_guest.py   to arch/x86_64/msi.c, arch/x86_64/irq_count.c, kernel/fs/procfs_cpu.c
 * Tests       none
 */
#include "guest.h"
#include "procfile.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	READS = 60,
	CPUS_MOST = 64
};

/* The queues of one disk, added up. */
struct count {
	long cpu[CPUS_MOST], all;
	long intr;  /* the same, as /proc/stat has it */
	long reads; /* requests that were done */
};

/* The virtio devices that have request queues are the disks, in that order. */
static int
device_of_disk(int disk)
{
	int last = -1, n, queue;

	for (char *at = proc_text("/proc/interrupts"); (at = strstr(at, " virtio")); at++)
		if (sscanf(at, " virtio%d-req.%d", &n, &queue) == 2 && n != last) {
			last = n;
			if (disk-- == 0)
				return n;
		}
	fail("a disk has no interrupt");
}

/* Word @n of the intr line: the first is the sum of all. */
static long
intr_word(int n)
{
	char *at = strstr(proc_text("/proc/stat"), "\nintr ");

	check(at);
	at += strlen("\nintr ");
	for (; n > 0; n--) {
		at += strcspn(at, " \n");
		check(*at == ' ');
		at++;
	}
	return atol(at);
}

/* Adds up one line, "  25:   7   0   PCI-MSI 65537-edge   virtio0-req.0", whose CPUs' columns begin at @at. */
static void
add_line(const char *line, struct count *out)
{
	char *at;
	long number = strtol(line, &at, 10);

	check(*at++ == ':');
	for (int cpu = 0; cpu < cpus_online(); cpu++) {
		long n = strtol(at, &at, 10);
		out->cpu[cpu] += n;
		out->all += n;
	}
	check(strncmp(at + strspn(at, " "), "PCI-MSI", 7) == 0 && strstr(at, "-edge "));
	out->intr += intr_word(1 + (int)number);
}

static struct count
counts(int disk)
{
	struct count out = {0};
	char name[32], *save = NULL, *text;

	snprintf(name, sizeof(name), " virtio%d-req.", device_of_disk(disk));
	text = strdup(proc_text("/proc/interrupts"));
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (strstr(line, name))
			add_line(line, &out);
	free(text);
	snprintf(name, sizeof(name), " vd%c ", 'a' + disk);
	text = strstr(proc_text("/proc/diskstats"), name);
	check(text && sscanf(text, " %*s %ld", &out.reads) == 1);
	return out;
}

/* Reads pages far from each other, and from those of earlier calls: each is one request. */
static void
read_pages(int disk)
{
	static int round;
	char path[16], page[PAGE];

	snprintf(path, sizeof(path), "/dev/vd%c", 'a' + disk);
	int fd = open(path, O_RDONLY);
	check(fd >= 0 && posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM) == 0);
	for (int i = 0; i < READS; i++)
		check(pread(fd, page, PAGE, 8 * MIB + ((off_t)i * 16 + round) * PAGE) == PAGE);
	round++;
	close(fd);
}

/*
 * Few share one: the handler looks once more before it ends, and may find that the next request is done already. A
 * device that finds its answer taken by then does not interrupt.
 */
static bool
few_share(long interrupts, long requests)
{
	return requests >= READS && interrupts <= requests && interrupts >= requests / 2;
}

static void
one_a_request(void)
{
	struct count before[2], after[2];
	long all = intr_word(0);

	for (int disk = 0; disk < 2; disk++)
		before[disk] = counts(disk);
	read_pages(1);
	for (int disk = 0; disk < 2; disk++)
		after[disk] = counts(disk);
	long taken = after[1].all - before[1].all, done = after[1].reads - before[1].reads;
	if (!few_share(taken, done))
		fail("%d reads were %ld requests and %ld interrupts", READS, done, taken);
	check(after[1].intr - before[1].intr == taken && intr_word(0) >= all + taken);
	check(after[0].all == before[0].all && after[0].intr == before[0].intr);
}

/* On Tidemark a disk has one queue, and a CPU of its own if there are enough. */
static void
cpus_take_turns(void)
{
	struct count before, after;

	for (int disk = 0; disk < 2; disk++) {
		before = counts(disk);
		read_pages(disk);
		after = counts(disk);
		check(few_share(after.all - before.all, after.reads - before.reads));
		for (int cpu = 0; on_tidemark() && cpu < cpus_online(); cpu++)
			check((after.cpu[cpu] > before.cpu[cpu]) == (cpu == disk % cpus_online()));
	}
}

const struct test_case interrupts_cases[] = {
	{"each request of a disk is an interrupt of its queue, told alike by interrupts, stat and diskstats",
	 one_a_request, 0, CASE_NAMED | CASE_STILL | CASE_SMP},
	{"interrupts of different disks come to different CPUs", cpus_take_turns, 0,
	 CASE_NAMED | CASE_STILL | CASE_SMP},
	{0},
};
