/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/procfile.c - reading what /proc says
 *
 * Idea        see procfile.h
 */
#include "procfile.h"
#include "guest.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PM_SOFT_DIRTY (1UL << 55) /* Linux has it, or not */

enum {
	TEXT_SIZE = 2 * MIB
};

static const char *pid_path(pid_t pid, const char *name);
static bool map_parse(const char *line, struct map_line *out);

char *
proc_text(const char *path)
{
	static char text[TEXT_SIZE]; /* not malloc, which would change what is looked at */
	size_t length = 0;
	ssize_t n;
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		fail("%s cannot be opened: %s", path, strerror(errno));
	do {
		n = read(fd, text + length, TEXT_SIZE - length - 1);
		if (n < 0)
			fail("%s cannot be read: %s", path, strerror(errno));
		length += n;
	} while (n > 0);
	text[length] = 0;
	close(fd);
	return text;
}

char *
proc_pid_text(pid_t pid, const char *name)
{
	return proc_text(pid_path(pid, name));
}

bool
proc_exists(const char *path)
{
	bool exists = access(path, F_OK) == 0;

	/* Why: EFAULT, say, is no answer. It comes when @path itself is out of memory and cannot come back. */
	check(exists || errno == ENOENT);
	return exists;
}

void
mm_settle(void)
{
	if (on_tidemark())
		check(!strstr(proc_text("/proc/mm_check"), "FAILED"));
}

long
proc_field(const char *text, const char *field)
{
	size_t length = strlen(field);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, field, length) == 0 && strchr(" \t:", line[length]))
			return strtol(line + length + (line[length] == ':'), NULL, 0);
	}
	return -1;
}

long
proc_value(const char *path, const char *field)
{
	return proc_field(proc_text(path), field);
}

bool
map_find(pid_t pid, const volatile void *address, struct map_line *out)
{
	char *line = proc_pid_text(pid, "maps");
	char *next;

	for (; *line; line = next) {
		next = line + strcspn(line, "\n");
		*next++ = 0;
		if (!map_parse(line, out))
			fail("a line of maps cannot be understood: %s", line);
		if (out->start <= (uintptr_t)address && (uintptr_t)address < out->end)
			return true;
	}
	return false;
}

char *
smaps_find(pid_t pid, const volatile void *address)
{
	char *line = proc_pid_text(pid, "smaps");
	struct map_line map;
	char *found = NULL;
	char *next;

	for (; *line; line = next) {
		next = line + strcspn(line, "\n") + 1;
		if (!map_parse(line, &map))
			continue;
		if (found) {
			*line = 0;
			break;
		}
		if (map.start <= (uintptr_t)address && (uintptr_t)address < map.end)
			found = line;
	}
	if (!found)
		fail("smaps has no mapping of %p", (void *)(uintptr_t)address);
	return found;
}

bool
word_at(const char *path, uint64_t index, uint64_t *out)
{
	int fd = open(path, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		fail("%s cannot be opened: %s", path, strerror(errno));
	n = pread(fd, out, 8, index * 8);
	close(fd);
	return n == 8;
}

uint64_t
pagemap_word(pid_t pid, const volatile void *address)
{
	uint64_t word;

	check(word_at(pid_path(pid, "pagemap"), (uintptr_t)address / PAGE, &word));
	return word & ~PM_SOFT_DIRTY;
}

bool
on_tidemark(void)
{
	static enum {
		UNKNOWN,
		LINUX,
		TIDEMARK
	} kernel;

	if (kernel == UNKNOWN)
		kernel = proc_exists("/proc/mm_check") ? TIDEMARK : LINUX;
	return kernel == TIDEMARK;
}

long
proc_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	long n = fd < 0 ? -1 : write(fd, text, strlen(text));
	int error = errno;

	close(fd);
	errno = error;
	return n;
}

static const char *
pid_path(pid_t pid, const char *name)
{
	static char path[64];

	if (pid)
		snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	else
		snprintf(path, sizeof(path), "/proc/self/%s", name);
	return path;
}

static bool
map_parse(const char *line, struct map_line *out)
{
	int length = strcspn(line, "\n");
	int at = 0;

	memset(out, 0, sizeof(*out));
	snprintf(out->raw, sizeof(out->raw), "%.*s", length, line);
	if (sscanf(out->raw, "%lx-%lx %4[rwxsp-] %lx %x:%x %lu %n", &out->start, &out->end, out->rights, &out->offset,
		   &out->major, &out->minor, &out->ino, &at) != 7 ||
	    !at)
		return false;
	snprintf(out->name, sizeof(out->name), "%s", out->raw + at);
	return true;
}
