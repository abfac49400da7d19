/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/vma_merge.c - which mappings are one line of /proc/self/maps, and which are two
 *
 * Idea        each case makes neighbours in one way and reads what they have become, in the short form of maps.h
 * Invariants  see guest.h
 * Follow      to mm/vma_edit.c, mm/mprotect.c, mm/mremap.c
 */
#include "maps.h"
#include <string.h>
#include <sys/syscall.h>

typedef volatile unsigned char byte;

static const int rw = PROT_READ | PROT_WRITE;
static const int anon = MAP_PRIVATE | MAP_ANONYMOUS;

#define expect(p, pages, wanted) expect_maps(p, pages, wanted, __LINE__)

static void
expect_maps(byte *p, int pages, const char *wanted, int line)
{
	const char *found = maps_of(p, pages);

	if (strcmp(found, wanted) != 0)
		fail("line %d: maps has \"%s\", not \"%s\"", line, found, wanted);
}

/* @n pages at page @page of @p. */
static void
put(byte *p, int page, int n, int prot, int flags, int fd, int offset)
{
	byte *at = p + page * PAGE;

	check(mmap((void *)at, n * PAGE, prot, flags | MAP_FIXED, fd, (off_t)offset * PAGE) == at);
}

static void
protect(byte *p, int page, int n, int prot)
{
	check(mprotect((void *)(p + page * PAGE), n * PAGE, prot) == 0);
}

static void
fills_a_gap(void)
{
	byte *p = free_range(8);

	put(p, 0, 2, rw, anon, -1, 0);
	put(p, 4, 2, rw, anon, -1, 0);
	expect(p, 8, "2rw 2. 2rw 2.");
	put(p, 2, 2, rw, anon, -1, 0);
	expect(p, 8, "6rw 2.");
	put(p, 6, 2, rw, anon, -1, 0);
	expect(p, 8, "8rw");
}

static void
other_rights_apart(void)
{
	byte *p = free_range(8);

	put(p, 0, 2, rw, anon, -1, 0);
	put(p, 2, 2, PROT_READ, anon, -1, 0);
	put(p, 4, 2, PROT_NONE, anon, -1, 0);
	put(p, 6, 2, PROT_READ | PROT_EXEC, anon, -1, 0);
	expect(p, 8, "2rw 2r 2- 2rx");
}

static void
other_flags_apart(void)
{
	byte *p = free_range(4);

	put(p, 0, 2, rw, anon, -1, 0);
	put(p, 2, 2, rw, anon | MAP_NORESERVE, -1, 0);
	expect(p, 4, "2rw 2rw");
	put(p, 2, 2, rw, anon, -1, 0);
	expect(p, 4, "4rw");
}

static void
shared_apart(void)
{
	byte *p = free_range(6);

	put(p, 0, 2, rw, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	put(p, 2, 2, rw, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	put(p, 4, 2, rw, anon, -1, 0);
	expect(p, 6, "2rws 2rws 2rw");
}

static void
files(void)
{
	int fd = file_make("/tmp/merge", 8 * PAGE);
	int other = file_make("/tmp/merge2", 8 * PAGE);
	byte *p = free_range(8);

	put(p, 0, 2, PROT_READ, MAP_SHARED, fd, 1);
	put(p, 2, 2, PROT_READ, MAP_SHARED, fd, 3);
	expect(p, 4, "4rs");
	check(maps_offset(p) == PAGE);
	put(p, 4, 2, PROT_READ, MAP_SHARED, fd, 6); /* not what follows */
	expect(p, 6, "4rs 2rs");
	put(p, 4, 2, PROT_READ, MAP_SHARED, fd, 5);
	expect(p, 6, "6rs");
	put(p, 6, 1, PROT_READ, MAP_PRIVATE, fd, 7);
	put(p, 7, 1, PROT_READ, MAP_PRIVATE, other, 8);
	expect(p, 8, "6rs 1r 1r");
	put(p, 0, 2, PROT_READ, MAP_SHARED, fd, 3);
	put(p, 2, 2, PROT_READ, MAP_SHARED, fd, 1); /* the wrong way round */
	expect(p, 4, "2rs 2rs");
	close(fd);
	close(other);
	unlink("/tmp/merge");
	unlink("/tmp/merge2");
}

static void
file_split(void)
{
	int fd = file_make("/tmp/merge", 8 * PAGE);
	byte *p = free_range(6);

	put(p, 0, 6, PROT_READ, MAP_PRIVATE, fd, 1);
	protect(p, 2, 2, rw);
	expect(p, 6, "2r 2rw 2r");
	check(maps_offset(p) == PAGE && maps_offset(p + 2 * PAGE) == 3 * PAGE && maps_offset(p + 4 * PAGE) == 5 * PAGE);
	check(p[2 * PAGE] == 4 && p[5 * PAGE] == 7);
	protect(p, 2, 2, PROT_READ);
	expect(p, 6, "2r 2r 2r"); /* what was writable once goes on to count as promised memory */
	check(munmap((void *)p, PAGE) == 0);
	check(maps_offset(p + PAGE) == 2 * PAGE && p[PAGE] == 3);
	close(fd);
	unlink("/tmp/merge");
}

static void
protect_middle(void)
{
	byte *p = free_range(8);

	put(p, 0, 8, rw, anon, -1, 0);
	protect(p, 3, 2, PROT_READ);
	expect(p, 8, "3rw 2r 3rw");
	protect(p, 3, 2, rw);
	expect(p, 8, "8rw");
	protect(p, 0, 1, PROT_READ);
	protect(p, 7, 1, PROT_READ);
	expect(p, 8, "1r 6rw 1r");
	protect(p, 0, 8, PROT_READ);
	expect(p, 8, "8r");
}

/* The same, with pages behind it. */
static void
protect_touched(void)
{
	byte *p = free_range(8);

	put(p, 0, 8, rw, anon, -1, 0);
	for (int i = 0; i < 8; i++)
		page_stamp(p + i * PAGE, i);
	protect(p, 3, 2, PROT_NONE);
	expect(p, 8, "3rw 2- 3rw");
	protect(p, 3, 1, PROT_READ);
	expect(p, 8, "3rw 1r 1- 3rw");
	protect(p, 3, 2, rw);
	expect(p, 8, "8rw");
	for (int i = 0; i < 8; i++)
		check(page_stamped(p + i * PAGE, i));
}

static void
border_moves(void)
{
	byte *p = free_range(8);

	put(p, 0, 8, rw, anon, -1, 0);
	protect(p, 4, 4, PROT_READ);
	expect(p, 8, "4rw 4r");
	protect(p, 3, 1, PROT_READ);
	expect(p, 8, "3rw 5r");
	protect(p, 3, 2, rw);
	expect(p, 8, "5rw 3r");
	check(can_write(p + 4 * PAGE) && !can_write(p + 5 * PAGE));
	protect(p, 2, 4, PROT_NONE); /* over the border */
	expect(p, 8, "2rw 4- 2r");
	protect(p, 1, 6, rw);
	expect(p, 8, "7rw 1r");
}

/* One mprotect over several mappings leaves one; a hole ends it, and what came before has changed. */
static void
protect_several(void)
{
	byte *p = free_range(10);

	put(p, 0, 10, rw, anon, -1, 0);
	protect(p, 2, 2, PROT_READ);
	protect(p, 4, 2, PROT_NONE);
	check(munmap((void *)(p + 6 * PAGE), 2 * PAGE) == 0);
	protect(p, 1, 4, PROT_READ | PROT_EXEC);
	expect(p, 10, "1rw 4rx 1- 2. 2rw");
	check_errno(mprotect((void *)p, 10 * PAGE, PROT_READ), ENOMEM);
	expect(p, 10, "6r 2. 2rw");
}

static void
unmap_middle(void)
{
	byte *p = free_range(8);

	put(p, 0, 8, rw, anon, -1, 0);
	check(munmap((void *)(p + 3 * PAGE), 2 * PAGE) == 0);
	expect(p, 8, "3rw 2. 3rw");
	put(p, 3, 2, rw, anon, -1, 0);
	expect(p, 8, "8rw");
	check(munmap((void *)p, PAGE) == 0 && munmap((void *)(p + 7 * PAGE), PAGE) == 0);
	expect(p, 8, "1. 6rw 1.");
}

static void
fixed_over(void)
{
	byte *p = free_range(8);

	put(p, 0, 8, rw, anon, -1, 0);
	put(p, 2, 2, PROT_READ, anon, -1, 0);
	expect(p, 8, "2rw 2r 4rw");
	put(p, 1, 4, rw, anon, -1, 0);
	expect(p, 8, "8rw");
	put(p, 0, 8, PROT_NONE, anon, -1, 0);
	expect(p, 8, "8-");
}

/* The heap is one mapping however it grew, and what is changed in it is cut out. */
static void
heap(void)
{
	uintptr_t end = (syscall(SYS_brk, 0) + PAGE - 1) & ~(uintptr_t)(PAGE - 1);
	byte *p = (byte *)end;

	check((uintptr_t)syscall(SYS_brk, end + 2 * PAGE) == end + 2 * PAGE);
	check((uintptr_t)syscall(SYS_brk, end + 6 * PAGE) == end + 6 * PAGE);
	expect(p, 7, "6rw 1.");
	protect(p, 2, 1, PROT_READ);
	expect(p, 6, "2rw 1r 3rw");
	check((uintptr_t)syscall(SYS_brk, end + 8 * PAGE) == end + 8 * PAGE);
	expect(p, 8, "2rw 1r 5rw");
	protect(p, 7, 1, PROT_NONE);
	check((uintptr_t)syscall(SYS_brk, end + 10 * PAGE) == end + 10 * PAGE);
	expect(p, 10, "2rw 1r 4rw 1- 2rw");
	check((uintptr_t)syscall(SYS_brk, end + 1 * PAGE) == end + 1 * PAGE);
	expect(p, 4, "1rw 3.");
}

static void
grows_into_neighbour(void)
{
	byte *p = free_range(8);

	put(p, 0, 2, rw, anon, -1, 0);
	put(p, 4, 2, rw, anon, -1, 0);
	check(mremap((void *)p, 2 * PAGE, 4 * PAGE, 0) == p);
	expect(p, 8, "6rw 2.");
	check(mremap((void *)p, 6 * PAGE, 3 * PAGE, 0) == p);
	expect(p, 8, "3rw 5.");
}

/* Memory that nobody has touched is at home anywhere. */
static void
moves_untouched(void)
{
	byte *p = free_range(16);

	put(p, 0, 4, rw, anon, -1, 0);
	put(p, 8, 2, rw, anon, -1, 0);
	check(mremap((void *)(p + 2 * PAGE), 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + 10 * PAGE) ==
	      p + 10 * PAGE);
	expect(p, 16, "2rw 6. 4rw 4.");
}

/* Touched memory keeps its home: no merging elsewhere, and merging when it comes back. */
static void
moves_touched(void)
{
	byte *p = free_range(16);

	put(p, 0, 4, rw, anon, -1, 0);
	for (int i = 0; i < 4; i++)
		page_stamp(p + i * PAGE, i);
	put(p, 8, 2, rw, anon, -1, 0);
	check(mremap((void *)(p + 2 * PAGE), 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + 10 * PAGE) ==
	      p + 10 * PAGE);
	expect(p, 16, "2rw 6. 2rw 2rw 4.");
	check(mremap((void *)(p + 10 * PAGE), 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + 2 * PAGE) ==
	      p + 2 * PAGE);
	expect(p, 16, "4rw 4. 2rw 6.");
	for (int i = 0; i < 4; i++)
		check(page_stamped(p + i * PAGE, i));
}

static void
file_moves(void)
{
	int fd = file_make("/tmp/merge", 8 * PAGE);
	byte *p = free_range(16);

	put(p, 0, 6, PROT_READ, MAP_SHARED, fd, 0);
	put(p, 8, 1, PROT_READ, MAP_SHARED, fd, 1);
	check(mremap((void *)(p + 2 * PAGE), 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + 9 * PAGE) ==
	      p + 9 * PAGE);
	expect(p, 16, "2rs 2. 2rs 2. 3rs 5.");
	check(maps_offset(p + 9 * PAGE) == PAGE && p[10 * PAGE] == 4);
	close(fd);
	unlink("/tmp/merge");
}

static void
advice_cuts(void)
{
	byte *p = free_range(8);

	put(p, 0, 8, rw, anon, -1, 0);
	memset((void *)p, 1, 8 * PAGE); /* or Linux would keep what a lock brings in apart from what nobody touched */
	check(madvise((void *)(p + 2 * PAGE), 2 * PAGE, MADV_DONTFORK) == 0);
	expect(p, 8, "2rw 2rw 4rw");
	check(madvise((void *)(p + 2 * PAGE), 2 * PAGE, MADV_DOFORK) == 0);
	expect(p, 8, "8rw");
	check(mlock((void *)(p + 4 * PAGE), PAGE) == 0);
	expect(p, 8, "4rw 1rw 3rw");
	check(munlock((void *)(p + 4 * PAGE), PAGE) == 0);
	expect(p, 8, "8rw");
}

static void
child_has_the_same(void *arg)
{
	byte *p = arg;

	expect(p, 8, "3rw 2r 3rw");
	protect(p, 3, 1, rw);
	expect(p, 8, "4rw 1r 3rw");
}

static void
after_fork(void)
{
	byte *p = free_range(8);

	put(p, 0, 8, rw, anon, -1, 0);
	protect(p, 3, 2, PROT_READ);
	child_must_live(child_has_the_same, (void *)p);
	expect(p, 8, "3rw 2r 3rw");
}

const struct test_case vma_merge_cases[] = {
	{"a mapping that fills a gap makes one of three", fills_a_gap, 0, 0},
	{"mappings with other rights stay apart", other_rights_apart, 0, 0},
	{"MAP_NORESERVE keeps apart", other_flags_apart, 0, 0},
	{"shared memory made twice stays apart", shared_apart, 0, 0},
	{"a file's mappings merge where its pages go on", files, 0, 0},
	{"a file's mapping that is split knows its offsets", file_split, 0, 0},
	{"mprotect of the middle and back", protect_middle, 0, 0},
	{"mprotect of the middle and back, with pages", protect_touched, 0, 0},
	{"mprotect moves the border between neighbours", border_moves, 0, 0},
	{"mprotect over several mappings", protect_several, 0, 0},
	{"munmap of the middle, and mapped again", unmap_middle, 0, 0},
	{"MAP_FIXED over the middle", fixed_over, 0, 0},
	{"the heap grows, is cut and shrinks", heap, 0, 0},
	{"mremap grows up to its neighbour", grows_into_neighbour, 0, 0},
	{"untouched memory that moves merges where it comes", moves_untouched, 0, 0},
	{"touched memory that moves merges at home only", moves_touched, 0, 0},
	{"a part of a file that moves merges by its offset", file_moves, 0, 0},
	{"advice and locks cut, and heal when taken back", advice_cuts, 0, 0},
	{"a child has its parent's mappings and changes its own", after_fork, 0, 0},
	{0},
};
