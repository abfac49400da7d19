/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/tracedev.h - /dev/trace, as a program reads it
 *
 * Idea        its records and their numbers, from the kernel's one list of events
 * Follow      from trace.c, evict.c, vmscan.c, hogs.c, oom_report.c, oom_gone.c   to kernel/trace_file.c
 */
#pragma once

#include "../../user/trace_record.h"
#include "guest.h"
#include <fcntl.h>
#include <string.h>

enum event {
#define TRACE_EVENT(name, group, depth, format) TRACE_##name,
#include "../../kernel/trace_events.def"
#undef TRACE_EVENT
};

/* Opens the device and chooses events. Returns -1 on Linux. */
static inline int
trace_open(const char *words, int flags)
{
	int fd = open("/dev/trace", O_RDWR | flags);

	if (fd < 0 && errno == ENOENT)
		return -1;
	check(fd >= 0);
	if (words)
		check(write(fd, words, strlen(words)) == (ssize_t)strlen(words));
	return fd;
}
