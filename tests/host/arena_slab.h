/* SPDX-License-Identifier: MIT */
/*
 * tests/host/arena_slab.h - a machine with slab caches, and nothing above them
 *
 * Idea        64 MiB, booted up to slab_init. Nobody can be killed, nothing takes time, no function has a name.
 * Locks       none; one thread, one CPU
 * Follow      from slab_test.c, vmalloc_test.c   to arena.h
 */
#pragma once

#include "arena.h"

#include <mm/oom.h>
#include <mm/slab.h>
#include <mm/watermark.h>

#define MIB (1UL << 20)

bool
oom_kill(u32 order, u32 flags)
{
	return false;
}

void
host_wait(void)
{
}

u64
clock_ns(void)
{
	return 0;
}

const char *
ksym_lookup(u64 addr, u64 *offset)
{
	return NULL;
}

/* The caches stay for the rest of the program, so all cases share one machine. */
static void
arena_boot(void)
{
	arena_reset(64 * MIB);
	memblock_add(0, 64 * MIB);
	page_init();
	memblock_free_all();
	watermark_init(memblock_ram_bytes() >> 10);
	slab_init();
}
