/* SPDX-License-Identifier: MIT */
/*
 * tests/host/arena.h - a machine's memory inside a test program
 *
 * Idea        The windows of the direct map and of the page structs (stub/arch/mmu.h) are filled with anonymous
 *             memory that costs nothing until it is touched. The test brings up on it as much of the boot as it needs
 *             (memblock, page structs, zones), and provides what lies above: slab, vmalloc, oom.
 * Locks       none; one thread, one CPU
 * Follow      from tests of mm/
 */
#pragma once

#include "host.h"

#include <sys/mman.h>

#include <kernel/task.h>
#include <kernel/wait.h>
#include <mm/memblock.h>
#include <mm/page.h>
#include <mm/page_alloc.h>
#include <mm/zone.h>

#define ARENA_MOST (16UL << 30)

struct task host_task = {.comm = "test"};
struct page *zero_frame;
u32 cpu_online = 1;

__attribute__((unused)) static void
arena_window(u64 base, u64 len)
{
	void *at = mmap((void *)base, len, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);

	assert_true(at == (void *)base);
}

/* Fresh memory everywhere: a direct map of @bytes and page structs for it. */
__attribute__((unused)) static void
arena_reset(u64 bytes)
{
	assert_true(bytes <= ARENA_MOST);
	arena_window(DIRECT_BASE, bytes);
	arena_window(VMEMMAP_BASE, (bytes >> PAGE_SHIFT) * sizeof(struct page));
}

void
cpu_call_many(u64 mask, void (*fn)(void *), void *arg)
{
	assert_true(mask <= 1);
	if (mask)
		fn(arg);
}

const char *
page_kind_name(enum page_kind kind)
{
	static const char *const names[PAGE_KINDS] = {"reserved", "free",  "pcp",  "kernel", "stack",
						      "slab",     "table", "anon", "file",   "shmem"};

	return names[kind];
}
