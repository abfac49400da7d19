/* SPDX-License-Identifier: MIT */
/*
 * kernel/ksyms.c - from an address in the kernel's text to the name of its function
 *
 * Idea        a binary search for the last function that starts at or below the address
 * Invariants  see ksyms.h
 * Locks       none: const
 * Follow      from panic.c   to iso/ksyms.py, which makes the tables
 * Tests       tests/host/ksyms_test.c
 */
#include <kernel/ksyms.h>
#include <kernel/lib/compiler.h>
#include <kernel/lib/format.h>

/* Weak: the first link of a build has no tables yet. */
extern const u32 ksym_count __attribute__((weak));
extern const u64 ksym_addrs[] __attribute__((weak));
extern const u32 ksym_name_off[] __attribute__((weak));
extern const char ksym_name_blob[] __attribute__((weak));

extern const char __text_start[];
extern const char __text_end[];
extern const char __init_start[];
extern const char __init_text_end[];

static bool is_text(u64 addr);

const char *
ksym_lookup(u64 addr, u64 *offset)
{
	const u32 *count = &ksym_count;
	u32 low = 0;
	u32 high;

	if (!count || !*count || !is_text(addr) || addr < ksym_addrs[0])
		return NULL;
	high = *count;
	/* ksym_addrs[low] <= addr, and the function at high, if any, starts behind it. */
	while (high - low > 1) {
		u32 middle = low + (high - low) / 2;

		if (ksym_addrs[middle] <= addr)
			low = middle;
		else
			high = middle;
	}
	*offset = addr - ksym_addrs[low];
	return ksym_name_blob + ksym_name_off[low];
}

const char *
ksym_format(u64 addr, char *buf, size_t size)
{
	u64 offset;
	const char *name = ksym_lookup(addr, &offset);

	if (name)
		format(buf, size, "%s+0x%lx", name, offset);
	else
		format(buf, size, "0x%lx", addr);
	return buf;
}

/* Of the boot's functions, too: a report may come before, and after, their end. */
static bool
is_text(u64 addr)
{
	if (addr >= (u64)__text_start && addr < (u64)__text_end)
		return true;
	return addr >= (u64)__init_start && addr < (u64)__init_text_end;
}
