/* SPDX-License-Identifier: MIT */
/*
 * user/promise.c - asks for memory and never touches it
 *
 * Idea        mmap gives addresses; a frame comes with the first touch, and here there is none. So the promise costs
 *             nothing, however large, until vm.overcommit_memory says that promises count.  promise [MiB] [fork]
 *             With `fork` a child is promised as much again.
 * Invariants  none
 * Locks       none
 * Follow      to mm/mmap.c (map_promised), mm/commit.c
 * Tests       tests/guest/test_demo.py
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	long mib = argc > 1 ? atol(argv[1]) : 1024;
	const char *what = "mmap";
	char *p = mmap(NULL, mib << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid_t pid = 1;

	if (p != MAP_FAILED && argc > 2) {
		what = "fork";
		pid = fork();
	}
	if (pid == 0)
		pause(); /* the child has as much, and touches as little */
	if (p == MAP_FAILED || pid < 0) {
		printf("promise: %ld MiB: %s says %s\n", mib, what, strerror(errno));
		return 1;
	}
	printf("promise: %ld MiB: %s gives them\n", mib, what);
	fflush(stdout);
	if (argc <= 2)
		pause(); /* holds the promise until it is killed */
	kill(pid, SIGKILL);
	return waitpid(pid, NULL, 0) != pid;
}
