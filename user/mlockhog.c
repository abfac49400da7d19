/* SPDX-License-Identifier: MIT */
/*
 * user/mlockhog.c - takes memory that cannot leave, until no more is given
 *
 * Idea        mlockhog [MIB [hold]]: locks memory a MiB at a time. What is locked is not reclaimed, so that everybody
 *             else has to do with less: kswapd works, others swap, and in the end somebody is killed. Prints what is
 *             left after each step. With MIB it stops there, and with hold it keeps the memory until ^C.
 * Invariants  none
 * Locks       none
 * Follow      to mm/mlock.c, mm/reclaim.c (FATE_UNEVICTABLE)
 * Tests       tests/guest/test_guest.py
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	MIB = 1 << 20
};

static long
figure(const char *name)
{
	char line[128];
	long kib = -1;
	FILE *f = fopen("/proc/meminfo", "r");

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, name, strlen(name)) == 0)
			kib = atol(line + strlen(name));
	if (f)
		fclose(f);
	return kib;
}

int
main(int argc, char **argv)
{
	long most = argc > 1 ? atol(argv[1]) : -1;
	long mib = 0;

	for (; mib != most; mib++) {
		char *p = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED || mlock(p, MIB) < 0) {
			perror("mlockhog: no more");
			break;
		}
		printf("mlockhog: %ld MiB locked; Mlocked %ld KiB, free %ld KiB, swap free %ld KiB\n", mib + 1,
		       figure("Mlocked:"), figure("MemFree:"), figure("SwapFree:"));
		fflush(stdout);
	}
	if (mib == most && argc > 2)
		pause();
	return 0;
}
