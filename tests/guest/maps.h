/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/maps.h - what /proc/self/maps and /proc/self/status say
 *
 * Idea        a range of pages as a short text: "3rw 1r 2-" is three pages that may be read and written, then one that
 *             may be read, then two that are mapped and may not be touched; each is one line of maps, '.' a hole.
 * Follow      from vma_merge.c, limits.c   to support.c
 */
#pragma once

#include "guest.h"

/* The lines of maps over @pages pages from @start on; cut off at both ends. Good until the next call. */
const char *maps_of(volatile void *start, int pages);
/* The file offset of the line that has @address, in bytes. */
unsigned long maps_offset(volatile void *address);
/* How many lines maps has. */
int maps_count(void);
/* A line "Name:  12 kB" of /proc/self/status. */
long status_kib(const char *name);

/* @pages free pages with a free page on either side, and everything there is far away. */
volatile unsigned char *free_range(int pages);
