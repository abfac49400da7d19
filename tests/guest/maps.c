/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/maps.c - what /proc/self/maps and /proc/self/status say
 *
 * Idea        see maps.h. Read by read(2) into memory of its own: stdio could map something meanwhile.
 * Follow      from vma_merge.c, limits.c
 */
#include "maps.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	TEXT_SIZE = 64 * 1024
};

static char text[TEXT_SIZE];

struct line {
	unsigned long start, end, offset;
	char rights[5];
};

static const char *
file_read(const char *path)
{
	int fd = open(path, O_RDONLY);
	ssize_t length = 0;
	ssize_t n;

	check(fd >= 0);
	while ((n = read(fd, text + length, TEXT_SIZE - 1 - length)) > 0)
		length += n;
	check(n == 0);
	text[length] = 0;
	close(fd);
	return text;
}

/* The next line of maps from *at on; false at the end. */
static bool
line_next(const char **at, struct line *line)
{
	if (!**at)
		return false;
	check(sscanf(*at, "%lx-%lx %4s %lx", &line->start, &line->end, line->rights, &line->offset) == 4);
	*at += strcspn(*at, "\n");
	*at += **at == '\n';
	return true;
}

const char *
maps_of(volatile void *start, int pages)
{
	static char out[512];
	const char *at = file_read("/proc/self/maps");
	unsigned long low = (unsigned long)start;
	unsigned long high = low + (unsigned long)pages * PAGE;
	struct line line;
	int n = 0;

	while (line_next(&at, &line)) {
		if (line.end <= low || line.start >= high)
			continue;
		if (line.start > low)
			n += snprintf(out + n, sizeof(out) - n, "%ld. ", (line.start - low) / PAGE);
		else
			line.start = low;
		if (line.end > high)
			line.end = high;
		n += snprintf(out + n, sizeof(out) - n, "%ld%s%s%s%s%s ", (line.end - line.start) / PAGE,
			      line.rights[0] == 'r' ? "r" : "", line.rights[1] == 'w' ? "w" : "",
			      line.rights[2] == 'x' ? "x" : "", strncmp(line.rights, "---", 3) ? "" : "-",
			      line.rights[3] == 's' ? "s" : "");
		low = line.end;
	}
	if (low < high)
		n += snprintf(out + n, sizeof(out) - n, "%ld. ", (high - low) / PAGE);
	out[n - 1] = 0;
	return out;
}

unsigned long
maps_offset(volatile void *address)
{
	const char *at = file_read("/proc/self/maps");
	unsigned long va = (unsigned long)address;
	struct line line;

	while (line_next(&at, &line))
		if (line.start <= va && va < line.end)
			return line.offset;
	fail("%p is not mapped", (void *)va);
}

int
maps_count(void)
{
	int fd = open("/proc/self/maps", O_RDONLY);
	int lines = 0;
	ssize_t n;

	check(fd >= 0);
	while ((n = read(fd, text, TEXT_SIZE)) > 0)
		for (ssize_t i = 0; i < n; i++)
			lines += text[i] == '\n';
	close(fd);
	return lines;
}

long
status_kib(const char *name)
{
	const char *at = strstr(file_read("/proc/self/status"), name);

	check(at && at[strlen(name)] == ':');
	return atol(at + strlen(name) + 1);
}

volatile unsigned char *
free_range(int pages)
{
	const size_t room = (size_t)(pages + 512) * PAGE;
	unsigned char *all = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	check(all != MAP_FAILED && munmap(all, room) == 0);
	return all + 256 * PAGE;
}
