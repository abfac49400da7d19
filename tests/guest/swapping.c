/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/swapping.c - areas on and off, pages out, and what is told of it
 *
 * Idea        see swapping.h
 */
#include "swapping.h"
#include "guest.h"
#include "procfile.h"
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/swap.h>

void
swap_on(const char *path)
{
	check(swapon(path, 0) == 0);
}

void
swap_on_first(const char *path, int priority)
{
	check(swapon(path, SWAP_FLAG_PREFER | priority) == 0);
}

void
swap_off(const char *path)
{
	check(swapoff(path) == 0);
}

void
page_out(volatile void *p, size_t bytes)
{
	check(madvise((void *)p, bytes, MADV_PAGEOUT) == 0);
	mm_settle();
}

long
resident(volatile void *p, size_t bytes)
{
	static unsigned char in[64 * MIB / PAGE];
	long n = 0;

	check(bytes / PAGE <= sizeof(in) && mincore((void *)p, bytes, in) == 0);
	for (size_t i = 0; i < bytes / PAGE; i++)
		n += in[i] & 1;
	return n;
}

void
must_be_out(volatile void *p, size_t bytes)
{
	check(!on_tidemark() || resident(p, bytes) == 0);
}

void
pages_stamp(volatile void *p, size_t bytes, uint64_t who)
{
	for (size_t i = 0; i < bytes; i += PAGE)
		page_stamp((volatile unsigned char *)p + i, who + i / PAGE);
}

volatile unsigned char *
stamped(size_t bytes, uint64_t who)
{
	volatile unsigned char *p = map_private(bytes);

	pages_stamp(p, bytes, who);
	return p;
}

void
must_be_stamped(volatile void *p, size_t bytes, uint64_t who)
{
	for (size_t i = 0; i < bytes; i += PAGE)
		check(page_stamped((volatile unsigned char *)p + i, who + i / PAGE));
}

long
figure(const char *name)
{
	return proc_value(strchr(name, ':') ? "/proc/meminfo" : "/proc/vmstat", name);
}

long
area_figure(const char *path, int column)
{
	const char *line = strstr(proc_text("/proc/swaps"), path);
	long value[2] = {-1, -1};

	if (line && line[strlen(path)] == ' ')
		check(sscanf(line, "%*s %*s %ld %ld", &value[0], &value[1]) == 2);
	return value[column - 2];
}
