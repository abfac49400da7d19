/* SPDX-License-Identifier: MIT */
/*
 * user/forkbomb.c - each process makes another, and so does that one
 *
 * Idea        after n rounds there are 2^n. Each costs a task, a stack and some page tables, though none touches memory
 *             of its own: fork shares it. Bounded unless told otherwise: forkbomb [most processes; 0: no bound]. At the
 *             bound the first one says what they cost and ends them all.
 * Invariants  all are in one process group, which the first kills when it ends
 * Locks       the count is in shared memory: atomic
 * Follow      to kernel/fork.c, mm/fork.c, mm/share.c
 * Tests       tests/guest/test_demo.py
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <unistd.h>

static long
free_kib(void)
{
	struct sysinfo info;

	sysinfo(&info);
	return info.freeram * info.mem_unit / 1024;
}

int
main(int argc, char **argv)
{
	long most = argc > 1 ? atol(argv[1]) : 200;
	long before = free_kib();
	int *count = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t first = getpid();
	pid_t pid = 0;

	setpgid(0, 0);
	*count = 1; /* who is alive, or about to be born */
	while (pid >= 0) {
		if (__atomic_fetch_add(count, 1, __ATOMIC_SEQ_CST) >= most && most)
			break;
		pid = fork();
	}
	__atomic_sub_fetch(count, 1, __ATOMIC_SEQ_CST); /* the one that was not */
	if (getpid() != first)
		pause();
	int made = __atomic_load_n(count, __ATOMIC_SEQ_CST);
	printf("forkbomb: %d processes%s%s, %ld KiB each\n", made, pid < 0 ? ", then " : "",
	       pid < 0 ? strerror(errno) : "", (before - free_kib()) / made);
	fflush(stdout);
	kill(0, SIGKILL); /* itself among them, and not one is left */
}
