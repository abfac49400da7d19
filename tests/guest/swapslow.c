/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/swapslow.c - swap on a disk that is slower than the kernel is willing to wait
 *
 * Idea        The machine's only disk, a swap area, moves 60 KiB a second, and the kernel takes a request for lost
 *             after one second (disk_timeout=1). A transfer of 128 KiB takes more than two. So it is lost, the device
 *             is reset, and the transfer is tried again; the host does at the reset what it had put off. No program may
 *             notice: no byte is wrong, and nobody is killed.
 * Invariants  see guest.h
 * Locks       none
 * Follow      from test_guest.py, disks.py   to kernel/dev/block.c, kernel/swap_device.c
 * Tests       none
 */
#include "guest.h"
#include "procfile.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/swap.h>

enum {
	RUN = 32 * PAGE, /* one transfer */
	ROUNDS = 2,
	READ_LOG = 3,
	LOG = 64 * 1024
};

static bool
log_says(const char *what)
{
	char *text = calloc(1, LOG + 1);

	check(text && klogctl(READ_LOG, text, LOG) >= 0);
	bool found = strstr(text, what);
	free(text);
	return found;
}

/* So many pages are on their way to the disk, and so off the lists of pages. */
static void
written_must_be(long pages)
{
	if (!on_tidemark())
		return;
	check(proc_value("/proc/vmstat", "nr_writeback") == pages);
	check(proc_value("/proc/meminfo", "Writeback") == pages * PAGE / 1024);
	check(proc_value("/proc/vmstat", "nr_isolated_anon") == pages);
}

static void
nobody_notices(void)
{
	volatile unsigned char *p = map_private(ROUNDS * RUN);

	check(swapon("/dev/vda", 0) == 0);
	for (int round = 0; round < ROUNDS; round++) {
		volatile unsigned char *at = p + round * RUN;

		for (size_t i = 0; i < RUN; i += PAGE)
			page_stamp(at + i, round * RUN + i);
		check(madvise((void *)at, RUN, MADV_PAGEOUT) == 0);
		if (round) /* the first the disk takes at once, the others have to wait for it */
			written_must_be(RUN / PAGE);
		mm_settle();
		written_must_be(0);
	}
	for (size_t i = 0; i < ROUNDS * RUN; i += PAGE)
		check(page_stamped(p + i, i));
	munmap((void *)p, ROUNDS * RUN);
	check(swapoff("/dev/vda") == 0);
	check(!on_tidemark() || log_says("has had no answer for 1 s"));
	check(!log_says("-error on swap-device"));
}

const struct test_case swapslow_cases[] = {
	{"transfers that are lost because the host is slow are tried again, and nobody notices", nobody_notices, 0,
	 CASE_NAMED},
	{0},
};
