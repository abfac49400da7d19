/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/proc_maps.c - /proc/<pid>/maps, line by line and byte by byte
 *
 * Idea        what mmap was told is what maps shows; long files are read in pieces of every size
 * Follow      to kernel/fs/procfs_maps.c
 */
#include "guest.h"
#include "procfile.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

static void
line_as_linux_prints_it(void)
{
	char want[200];
	struct map_line map;
	volatile unsigned char *p = map_aligned(4 * PAGE, PAGE);

	check(map_find(0, p, &map));
	check(map.start == (uintptr_t)p && map.end == (uintptr_t)p + 4 * PAGE);
	snprintf(want, sizeof(want), "%08lx-%08lx rw-p 00000000 00:00 0 ", map.start, map.end);
	check(strcmp(map.raw, want) == 0);
	check(mprotect((void *)p, 4 * PAGE, PROT_READ | PROT_EXEC) == 0);
	check(map_find(0, p, &map) && strcmp(map.rights, "r-xp") == 0);
	check(mprotect((void *)p, 4 * PAGE, PROT_NONE) == 0);
	check(map_find(0, p, &map) && strcmp(map.rights, "---p") == 0);
}

static void
names_in_their_column(void)
{
	struct map_line map;
	volatile int here = 0;
	char want[200];

	check(map_find(0, &here, &map));
	check(strcmp(map.name, "[stack]") == 0 && strcmp(map.rights, "rw-p") == 0);
	check(strlen(map.raw) == 73 + strlen("[stack]"));
	snprintf(want, sizeof(want), "%08lx-%08lx rw-p 00000000 00:00 0 ", map.start, map.end);
	check(strncmp(map.raw, want, strlen(want)) == 0);
	char *heap = (char *)syscall(SYS_brk, 0);
	check((char *)syscall(SYS_brk, heap + PAGE) == heap + PAGE);
	heap[0] = 1;
	check(map_find(0, heap, &map));
	check(strcmp(map.name, "[heap]") == 0 && strlen(map.raw) == 73 + strlen("[heap]"));
	check(map.end == (uintptr_t)heap + PAGE);
}

static void
shared_memory(void)
{
	struct map_line map;
	volatile unsigned char *p = map_shared(3 * PAGE);

	check(map_find(0, p, &map) && strcmp(map.rights, "rw-s") == 0);
}

static void
file_offset(void)
{
	struct map_line map;
	int fd = file_make("/tmp/maps_file", 8 * PAGE);
	char *p = mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE, fd, 3 * PAGE);

	check(p != MAP_FAILED && map_find(0, p, &map));
	check(map.offset == 3 * PAGE && strcmp(map.rights, "r--p") == 0);
	unlink("/tmp/maps_file");
	close(fd);
}

static void
splits_and_merges(void)
{
	struct map_line map;
	volatile unsigned char *p = map_aligned(9 * PAGE, PAGE);

	check(mprotect((void *)(p + 3 * PAGE), 3 * PAGE, PROT_READ) == 0);
	check(map_find(0, p, &map) && map.end == (uintptr_t)p + 3 * PAGE);
	check(map_find(0, p + 3 * PAGE, &map) && map.end == (uintptr_t)p + 6 * PAGE && map.rights[1] == '-');
	check(mprotect((void *)(p + 3 * PAGE), 3 * PAGE, PROT_READ | PROT_WRITE) == 0);
	check(map_find(0, p, &map) && map.end == (uintptr_t)p + 9 * PAGE);
	check(munmap((void *)(p + 4 * PAGE), PAGE) == 0);
	check(!map_find(0, p + 4 * PAGE, &map));
	check(map_find(0, p + 5 * PAGE, &map) && map.start == (uintptr_t)p + 5 * PAGE);
}

static void
long_file_in_pieces(void)
{
	enum {
		LINES = 3000,
		SIZE = 600 * PAGE
	};
	static char one[SIZE];
	static char two[SIZE];
	volatile unsigned char *p = map_aligned(2 * LINES * (size_t)PAGE, PAGE);
	size_t length = 0, again = 0;
	ssize_t n;
	int lines = 0;

	for (int i = 0; i < LINES; i++)
		check(mprotect((void *)(p + (size_t)i * 2 * PAGE), PAGE, PROT_READ) == 0);
	int fd = open("/proc/self/maps", O_RDONLY);
	check(fd >= 0);
	while ((n = read(fd, one + length, SIZE - length)) > 0)
		length += n;
	check(n == 0 && length > LINES * 2 * 40);
	check(lseek(fd, 0, SEEK_SET) == 0);
	for (int size = 1; (n = read(fd, two + again, size)) > 0; size = size % 7001 + 13)
		again += n;
	check(n == 0 && again == length && memcmp(one, two, length) == 0);
	/* Back and forth. */
	for (size_t at = length; at > 50000; at -= 49999) {
		check(pread(fd, two, 30, at - 40) == 30);
		check(memcmp(two, one + at - 40, 30) == 0);
	}
	check(pread(fd, two, 30, length) == 0 && pread(fd, two, 30, length + 1000000) == 0);
	for (size_t i = 0; i < length; i++)
		lines += one[i] == '\n';
	check(lines >= 2 * LINES);
	close(fd);
}

/* Far more mappings than any one buffer of the kernel has lines. */
static void
most_mappings(void)
{
	enum {
		LINES = 20000
	};
	static char buf[1 << 16];
	/* Linux promises no memory for what cannot be written. */
	char *p = mmap(NULL, (size_t)LINES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	static const char *const paths[] = {"/proc/self/maps", "/proc/self/smaps"};
	long least[] = {LINES, LINES * 20L};

	check(p != MAP_FAILED);
	for (int i = 0; i < LINES; i += 2)
		check(mprotect(p + (size_t)i * PAGE, PAGE, PROT_READ) == 0);
	for (int which = 0; which < 2; which++) {
		int fd = open(paths[which], O_RDONLY);
		long lines = 0;
		ssize_t n;
		check(fd >= 0);
		while ((n = read(fd, buf, sizeof(buf))) > 0)
			for (ssize_t i = 0; i < n; i++)
				lines += buf[i] == '\n';
		check(n == 0 && lines >= least[which]);
		close(fd);
	}
}

static void
other_process_changes(void *arg)
{
	(void)arg;
	for (;;) {
		char *p = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		for (int i = 0; i < 64; i += 2) {
			p[i * PAGE] = 1;
			mprotect(p + i * PAGE, PAGE, PROT_READ);
		}
		munmap(p, 64 * PAGE);
	}
}

static void
read_while_it_changes(void)
{
	static const char *const names[] = {"maps", "smaps", "smaps_rollup", "status", "statm"};
	pid_t pid = child_start(other_process_changes, NULL);
	static char buf[8 * PAGE];
	char path[64];

	for (int round = 0; round < 60; round++) {
		snprintf(path, sizeof(path), "/proc/%d/%s", pid, names[round % 5]);
		int fd = open(path, O_RDONLY);
		ssize_t n;
		uint64_t last = 0;
		check(fd >= 0);
		while ((n = read(fd, buf, sizeof(buf) - 1)) > 0) {
			buf[n] = 0;
			uint64_t start, end;
			/* A part begins with a whole line of maps, whose address only grows. */
			if (round % 5 == 0 && sscanf(buf, "%lx-%lx", &start, &end) == 2 && start % PAGE == 0 &&
			    end % PAGE == 0 && start < end) {
				check(end > last);
				last = end;
			}
		}
		check(n == 0);
		close(fd);
	}
	kill(pid, SIGKILL);
	child_wait(pid);
}

const struct test_case proc_maps_cases[] = {
	{"a line of maps is what Linux prints, to the byte", line_as_linux_prints_it, 0, 0},
	{"[heap] and [stack] stand in their column", names_in_their_column, 0, 0},
	{"shared memory shows s", shared_memory, 0, 0},
	{"a mapped file shows its offset", file_offset, 0, 0},
	{"mprotect and munmap split lines, and joining shows one again", splits_and_merges, 0, 0},
	{"a long maps reads the same in pieces of any size, and backwards", long_file_in_pieces, 0, 0},
	{"maps and smaps of 20,000 mappings can be read", most_mappings, 0, 0},
	{"maps and smaps of a process that changes can be read to the end", read_while_it_changes, 0, CASE_SMP},
	{0},
};
