/* SPDX-License-Identifier: MIT */
/*
 * user/tmpfill.c - fills a file system in memory
 *
 * Idea        a file without a name, written until the file system says that it is full: ENOSPC, at the size it was
 *             mounted with, or because no more may be promised. These pages belong to no process: killing would not
 *             bring them back, but for the descriptor.  tmpfill [directory] [MiB]
 * Invariants  none
 * Locks       none
 * Follow      to kernel/fs/tmpfs_file.c, mm/pagecache.c (insert_locked)
 * Tests       tests/guest/test_guest.py, tests/guest/test_demo.py
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	static char block[64 << 10];
	const char *directory = argc > 1 ? argv[1] : "/tmp";
	long most = argc > 2 ? atol(argv[2]) << 10 : -1;
	int fd = open(directory, O_TMPFILE | O_RDWR, 0600);
	long kib = 0;
	ssize_t n = 1;

	memset(block, 1, sizeof(block));
	while (kib != most && (n = write(fd, block, sizeof(block))) > 0)
		kib += n >> 10;
	printf("tmpfill: %ld KiB in %s%s%s\n", kib, directory, n < 0 ? ", then " : "", n < 0 ? strerror(errno) : "");
	return fd < 0;
}
