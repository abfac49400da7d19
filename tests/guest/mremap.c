/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/mremap.c - mremap: a mapping grows, shrinks and moves, and its pages go with it
 *
 * Idea        every page bears a stamp; after a move the stamps are at the new address, and only there. The ranges lie
 *             alike in their 2 MiB units, or not; share units with neighbours; are shared with a child.
 * Invariants  see guest.h
 * Follow      to mm/mremap.c, mm/move.c, mm/rmap_move.c
 */
#include "guest.h"
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

typedef volatile unsigned char byte;

static const int rw = PROT_READ | PROT_WRITE;
static const int to_there = MREMAP_MAYMOVE | MREMAP_FIXED;

/* The call itself: the C library has opinions on its arguments. */
static long
remap(byte *old, size_t old_size, size_t new_size, int flags, byte *new)
{
	return syscall(SYS_mremap, old, old_size, new_size, flags, new);
}

/* The same, which must work. */
static byte *
moved(byte *old, size_t old_size, size_t new_size, int flags, byte *new)
{
	long at = remap(old, old_size, new_size, flags, new);

	check(at != -1);
	return (byte *)at;
}

static void
stamp_all(byte *p, int pages, uint64_t first)
{
	for (int i = 0; i < pages; i++)
		page_stamp(p + i * PAGE, first + i);
}

static bool
all_stamped(byte *p, int pages, uint64_t first)
{
	for (int i = 0; i < pages; i++)
		if (!page_stamped(p + i * PAGE, first + i))
			return false;
	return true;
}

static bool
all_zero(byte *p, int pages)
{
	for (int i = 0; i < pages; i++)
		if (p[i * PAGE] || p[i * PAGE + PAGE - 1])
			return false;
	return true;
}

/* ---- errors ---- */

static void
bad_arguments(void)
{
	byte *p = map_private(4 * PAGE);
	byte *q = map_private(4 * PAGE);

	check_errno(remap(p, PAGE, PAGE, 8, 0), EINVAL);
	check_errno(remap(p, PAGE, PAGE, -1, 0), EINVAL);
	check_errno(remap(p, PAGE, PAGE, MREMAP_FIXED, q), EINVAL);
	check_errno(remap(p, PAGE, PAGE, MREMAP_DONTUNMAP, q), EINVAL);
	check_errno(remap(p, PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, q), EINVAL);
	check_errno(remap(p + 1, PAGE, PAGE, MREMAP_MAYMOVE, 0), EINVAL);
	check_errno(remap(p, PAGE, 0, MREMAP_MAYMOVE, 0), EINVAL);
	check_errno(remap(p, PAGE, -(size_t)1, MREMAP_MAYMOVE, 0), EINVAL);
}

static void
bad_places(void)
{
	byte *p = map_private(8 * PAGE);

	check_errno(remap(p, PAGE, PAGE, to_there, p + 4 * PAGE + 1), EINVAL);
	check_errno(remap(p, 4 * PAGE, 4 * PAGE, to_there, p + 2 * PAGE), EINVAL);
	check_errno(remap(p + 2 * PAGE, 4 * PAGE, 4 * PAGE, to_there, p), EINVAL);
	check_errno(remap(p, PAGE, PAGE, to_there, p), EINVAL);
	check_errno(remap(p, PAGE, PAGE, to_there, (byte *)0x7ffffffff000), EINVAL);
	check_errno(remap(p, PAGE, 1UL << 47, to_there, (byte *)0x10000000), EINVAL);
	check_errno(remap(p, PAGE, PAGE, to_there, (byte *)0xffff800000000000), EINVAL);
	p[0] = p[7 * PAGE] = 1;
}

static void
nothing_there(void)
{
	byte *p = map_private(4 * PAGE);

	check(munmap((void *)p, PAGE) == 0);
	check_errno(remap(p, PAGE, 2 * PAGE, MREMAP_MAYMOVE, 0), EFAULT);
	check_errno(remap(p, PAGE, PAGE, 0, 0), EFAULT);
	check_errno(remap(p, 2 * PAGE, PAGE, 0, 0), EFAULT);
	check_errno(remap(p, PAGE, PAGE, to_there, p + 2 * PAGE), EFAULT);
	check_errno(remap((byte *)0xffff800000000000, PAGE, PAGE, 0, 0), EFAULT);
	check(can_write(p + PAGE) && can_write(p + 2 * PAGE));
}

/* What grows or goes to a place must be one mapping. */
static void
past_the_end(void)
{
	byte *p = map_private(8 * PAGE);

	check(mprotect((void *)(p + 2 * PAGE), PAGE, PROT_READ) == 0);
	check(munmap((void *)(p + 6 * PAGE), PAGE) == 0);
	check_errno(remap(p, 3 * PAGE, 4 * PAGE, MREMAP_MAYMOVE, 0), EFAULT);
	check_errno(remap(p + 3 * PAGE, 4 * PAGE, 5 * PAGE, MREMAP_MAYMOVE, 0), EFAULT);
	check_errno(remap(p, 3 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0), EFAULT);
}

static void
no_room(void)
{
	byte *p = map_private(3 * PAGE);

	stamp_all(p, 3, 1);
	check_errno(remap(p, PAGE, 2 * PAGE, 0, 0), ENOMEM);
	check(munmap((void *)(p + 2 * PAGE), PAGE) == 0);
	check_errno(remap(p, 2 * PAGE, 1UL << 46, 0, 0), ENOMEM);
	check(all_stamped(p, 2, 1));
}

static void
limit_of_addresses(void)
{
	byte *p = map_private(4 * PAGE);
	byte *q = map_private(4 * PAGE);
	struct rlimit limit;

	check(getrlimit(RLIMIT_AS, &limit) == 0);
	limit.rlim_cur = 4 * PAGE;
	stamp_all(p, 4, 1);
	check(setrlimit(RLIMIT_AS, &limit) == 0);
	check_errno(remap(p, 4 * PAGE, 5 * PAGE, MREMAP_MAYMOVE, 0), ENOMEM);
	check_errno(remap(p, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0), ENOMEM);
	check(all_stamped(p, 4, 1));
	check(moved(p, 4 * PAGE, 4 * PAGE, to_there, q) == q); /* needs no more than there was */
	check(all_stamped(q, 4, 1));
	check(moved(q, 4 * PAGE, 2 * PAGE, 0, 0) == q);
}

static void
private_twice(void)
{
	byte *p = map_private(2 * PAGE);

	check_errno(remap(p, 0, PAGE, MREMAP_MAYMOVE, 0), EINVAL);
	check_errno(remap(p, 0, PAGE, to_there, p + PAGE), EINVAL);
	p[0] = 1;
}

/* ---- growing and shrinking ---- */

static void
grows_in_place(void)
{
	byte *p = map_private(8 * PAGE);

	stamp_all(p, 8, 1);
	check(munmap((void *)(p + 2 * PAGE), 6 * PAGE) == 0);
	check(moved(p, 2 * PAGE, 5 * PAGE, 0, 0) == p);
	check(all_stamped(p, 2, 1) && all_zero(p + 2 * PAGE, 3) && can_write(p + 4 * PAGE));
	check(!can_read(p + 5 * PAGE));
	check(moved(p + 4 * PAGE, 1, PAGE + 1, MREMAP_MAYMOVE, 0) == p + 4 * PAGE); /* sizes are rounded up */
	check(can_write(p + 5 * PAGE) && !can_read(p + 6 * PAGE));
}

static void
grows_elsewhere(void)
{
	byte *p = map_private(6 * PAGE);
	byte *q;

	stamp_all(p, 6, 1);
	q = moved(p, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE, 0);
	check(q != p && all_stamped(q, 2, 1) && all_zero(q + 2 * PAGE, 2));
	check(!can_read(p) && !can_read(p + PAGE) && all_stamped(p + 2 * PAGE, 4, 3));
	page_stamp(q + 3 * PAGE, 9);
	check(can_write(q));
}

static void
shrinks(void)
{
	byte *p = map_private(6 * PAGE);

	stamp_all(p, 6, 1);
	check(moved(p, 4 * PAGE, 4 * PAGE, 0, 0) == p);
	check(moved(p, 4 * PAGE, 2 * PAGE, 0, 0) == p);
	check(all_stamped(p, 2, 1) && !can_read(p + 2 * PAGE) && !can_read(p + 3 * PAGE));
	check(all_stamped(p + 4 * PAGE, 2, 5));
	check(moved(p, 2 * PAGE, 1, MREMAP_MAYMOVE, 0) == p); /* never moves */
	check(all_stamped(p, 1, 1) && !can_read(p + PAGE));
}

/* Shrinking is munmap, which asks for no single mapping. */
static void
shrinks_over_several(void)
{
	byte *p = map_private(6 * PAGE);

	stamp_all(p, 6, 1);
	check(mprotect((void *)(p + 2 * PAGE), PAGE, PROT_READ) == 0);
	check(munmap((void *)(p + 3 * PAGE), PAGE) == 0);
	check(moved(p, 5 * PAGE, PAGE, 0, 0) == p);
	check(all_stamped(p, 1, 1) && !can_read(p + PAGE) && !can_read(p + 2 * PAGE) && !can_read(p + 4 * PAGE));
	check(all_stamped(p + 5 * PAGE, 1, 6));
}

/* ---- moving ---- */

static void
replaces_destination(void)
{
	byte *p = map_private(4 * PAGE);
	byte *q = map_private(6 * PAGE);

	stamp_all(p, 4, 1);
	stamp_all(q, 6, 11);
	check(moved(p, 4 * PAGE, 4 * PAGE, to_there, q + PAGE) == q + PAGE);
	check(all_stamped(q, 1, 11) && all_stamped(q + PAGE, 4, 1) && all_stamped(q + 5 * PAGE, 1, 16));
	check(!can_read(p) && !can_read(p + 3 * PAGE));
}

static void
other_size_there(void)
{
	byte *p = map_private(8 * PAGE);
	byte *q = map_private(8 * PAGE);

	stamp_all(p, 8, 1);
	check(moved(p, 4 * PAGE, 2 * PAGE, to_there, q) == q);
	check(all_stamped(q, 2, 1) && !can_read(p) && !can_read(p + 3 * PAGE) && all_stamped(p + 4 * PAGE, 4, 5));
	check(moved(p + 4 * PAGE, 2 * PAGE, 4 * PAGE, to_there, q + 4 * PAGE) == q + 4 * PAGE);
	check(all_stamped(q + 4 * PAGE, 2, 5) && all_zero(q + 6 * PAGE, 2));
	check(!can_read(p + 4 * PAGE) && all_stamped(p + 6 * PAGE, 2, 7));
}

/* Within the range of one page table, upwards and downwards. */
static void
nearby(void)
{
	byte *p = map_aligned(64 * PAGE, TABLE);

	stamp_all(p, 64, 1);
	check(moved(p, 8 * PAGE, 8 * PAGE, to_there, p + 40 * PAGE) == p + 40 * PAGE);
	check(all_stamped(p + 40 * PAGE, 8, 1) && !can_read(p + 7 * PAGE) && all_stamped(p + 8 * PAGE, 32, 9));
	check(moved(p + 40 * PAGE, 8 * PAGE, 8 * PAGE, to_there, p + 3 * PAGE) == p + 3 * PAGE);
	check(all_stamped(p + 3 * PAGE, 8, 1) && !can_read(p + 40 * PAGE) && all_stamped(p + 48 * PAGE, 16, 49));
}

static void
alike(void)
{
	byte *p = map_aligned(6 * TABLE, TABLE);
	byte *q = map_aligned(6 * TABLE, TABLE);

	for (int i = 0; i < 6 * TABLE / PAGE; i += 7)
		page_stamp(p + i * PAGE, i);
	check(munmap((void *)q, 6 * TABLE) == 0);
	check(moved(p, 6 * TABLE, 6 * TABLE, to_there, q) == q);
	for (int i = 0; i < 6 * TABLE / PAGE; i++)
		check(i % 7 ? !q[i * PAGE] : page_stamped(q + i * PAGE, i));
	check(!can_read(p) && !can_read(p + 5 * TABLE));
	for (int i = 0; i < 6 * TABLE / PAGE; i++)
		page_stamp(q + i * PAGE, i);
}

static void
not_alike(void)
{
	byte *p = map_aligned(4 * TABLE, TABLE);
	byte *q = map_aligned(6 * TABLE, TABLE);

	for (int i = 0; i < 4 * TABLE / PAGE; i += 3)
		page_stamp(p + i * PAGE, i);
	check(moved(p, 4 * TABLE, 4 * TABLE, to_there, q + 5 * PAGE) == q + 5 * PAGE);
	q += 5 * PAGE;
	for (int i = 0; i < 4 * TABLE / PAGE; i++)
		check(i % 3 ? !q[i * PAGE] : page_stamped(q + i * PAGE, i));
	check(!can_read(p + 3 * TABLE));
}

/* A page table at either end belongs to neighbours, too. */
static void
neighbours_stay(void)
{
	byte *p = map_aligned(3 * TABLE, TABLE);
	byte *q = map_aligned(3 * TABLE, TABLE);
	int pages = 2 * TABLE / PAGE;

	stamp_all(p, 3 * TABLE / PAGE, 1);
	page_stamp(q, 7);
	page_stamp(q + 3 * TABLE - PAGE, 8);
	check(moved(p + TABLE / 2, pages * PAGE, pages * PAGE, to_there, q + TABLE / 2) == q + TABLE / 2);
	check(all_stamped(p, TABLE / 2 / PAGE, 1) && all_stamped(p + 5 * TABLE / 2, TABLE / 2 / PAGE, 1281));
	check(all_stamped(q + TABLE / 2, pages, 257));
	check(page_stamped(q, 7) && page_stamped(q + 3 * TABLE - PAGE, 8));
}

static void
to_and_fro(void)
{
	byte *p = map_aligned(3 * TABLE, TABLE);
	byte *q = map_aligned(3 * TABLE, TABLE) + 2 * PAGE;
	size_t size = 3 * TABLE - 2 * PAGE;
	int pages = size / PAGE;

	stamp_all(p, pages, 1);
	for (int i = 0; i < 20; i++) {
		check(moved(p, size, size, to_there, q) == q);
		check(page_stamped(q + (i * 31 % pages) * PAGE, 1 + i * 31 % pages));
		check(moved(q, size, size, to_there, p) == p);
	}
	check(all_stamped(p, pages, 1));
}

/* Pages that were only read are the zero page: they move, and are written afterwards. */
static void
zero_pages(void)
{
	byte *p = map_private(4 * PAGE);
	byte *q = map_private(4 * PAGE);

	check(all_zero(p, 4));
	check(moved(p, 4 * PAGE, 4 * PAGE, to_there, q) == q);
	check(all_zero(q, 4));
	stamp_all(q, 4, 1);
	check(all_stamped(q, 4, 1));
}

static void
rights_go_along(void)
{
	byte *p = map_private(2 * PAGE);
	byte *q = map_private(2 * PAGE);

	stamp_all(p, 2, 1);
	check(mprotect((void *)p, 2 * PAGE, PROT_READ) == 0);
	check(moved(p, 2 * PAGE, 2 * PAGE, to_there, q) == q);
	check(can_read(q) && !can_write(q) && all_stamped(q, 2, 1));
	check(mprotect((void *)q, 2 * PAGE, PROT_NONE) == 0);
	check(moved(q, 2 * PAGE, 2 * PAGE, to_there, p) == p);
	check(!can_read(p));
	check(mprotect((void *)p, 2 * PAGE, rw) == 0);
	check(all_stamped(p, 2, 1) && can_write(p));
}

/* ---- the old range stays ---- */

static void
leaves_the_old(void)
{
	byte *p = map_private(4 * PAGE);
	byte *q;

	stamp_all(p, 4, 1);
	q = moved(p + PAGE, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0);
	check(q != p + PAGE && all_stamped(q, 2, 2));
	check(all_stamped(p, 1, 1) && all_zero(p + PAGE, 2) && all_stamped(p + 3 * PAGE, 1, 4));
	stamp_all(p + PAGE, 2, 11);
	check(all_stamped(q, 2, 2));
	check(moved(q, 2 * PAGE, 2 * PAGE, to_there | MREMAP_DONTUNMAP, p + PAGE) == p + PAGE);
	check(all_stamped(p + PAGE, 2, 2) && all_zero(q, 2));
}

static void
leaves_the_old_tables(void)
{
	byte *p = map_aligned(2 * TABLE, TABLE);
	byte *q = map_aligned(2 * TABLE, TABLE);
	int pages = 2 * TABLE / PAGE;

	stamp_all(p, pages, 1);
	check(moved(p, 2 * TABLE, 2 * TABLE, to_there | MREMAP_DONTUNMAP, q) == q);
	check(all_stamped(q, pages, 1) && all_zero(p, pages));
	stamp_all(p, pages, 5000);
	check(all_stamped(q, pages, 1) && all_stamped(p, pages, 5000));
}

static void
leaves_shared_memory(void)
{
	byte *p = map_shared(2 * PAGE);
	byte *q;

	stamp_all(p, 2, 1);
	q = moved(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0);
	check(q != p && all_stamped(q, 2, 1) && all_stamped(p, 2, 1));
	page_stamp(p, 9);
	check(page_stamped(q, 9));
}

static void
takes_a_hint(void)
{
	byte *p = map_private(PAGE);
	byte *q = map_private(4 * PAGE);

	page_stamp(p, 1);
	check(munmap((void *)(q + PAGE), PAGE) == 0);
	check(moved(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, q + PAGE) == q + PAGE);
	check(page_stamped(q + PAGE, 1));
	byte *r = moved(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, q + 2 * PAGE); /* not free */
	check(r != q + 2 * PAGE && can_write(q + 2 * PAGE));
}

/* ---- shared memory and files ---- */

static void
shared_twice(void)
{
	byte *p = map_shared(4 * PAGE);
	byte *q;

	stamp_all(p, 4, 1);
	q = moved(p + PAGE, 0, 2 * PAGE, MREMAP_MAYMOVE, 0);
	check(all_stamped(q, 2, 2) && all_stamped(p, 4, 1));
	page_stamp(q, 9);
	check(page_stamped(p + PAGE, 9));
	check_errno(remap(p, 0, PAGE, 0, 0), ENOMEM);
	q = map_private(PAGE);
	check(moved(p, 0, PAGE, to_there, q) == q);
	check(page_stamped(q, 1) && page_stamped(p, 1));
}

static void
shared_with_child(void *arg)
{
	byte *p = arg;
	byte *q = moved(p, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0);

	check(all_stamped(q, 4, 1));
	page_stamp(q + 2 * PAGE, 42);
}

static void
child_moves_shared(void)
{
	byte *p = map_shared(4 * PAGE);

	stamp_all(p, 4, 1);
	child_must_live(shared_with_child, (void *)p);
	check(page_stamped(p + 2 * PAGE, 42) && page_stamped(p, 1));
}

/* The offset goes along; and the file still knows where its pages are mapped. */
static void
file_moves(void)
{
	int fd = file_make("/tmp/mremap", 8 * PAGE);
	byte *p = mmap(NULL, 8 * PAGE, rw, MAP_SHARED, fd, 0);
	byte *q = map_private(2 * PAGE);

	check(p != MAP_FAILED);
	for (int i = 0; i < 8; i++)
		check(p[i * PAGE] == i + 1);
	check(moved(p + 3 * PAGE, 2 * PAGE, 2 * PAGE, to_there, q) == q);
	check(q[0] == 4 && q[PAGE] == 5 && p[2 * PAGE] == 3 && p[5 * PAGE] == 6 && !can_read(p + 3 * PAGE));
	q[1] = 77;
	unsigned char back = 0;
	check(pread(fd, &back, 1, 3 * PAGE + 1) == 1 && back == 77);
	check(ftruncate(fd, 4 * PAGE) == 0);
	check(can_read(q) && !can_read(q + PAGE));
	check(ftruncate(fd, 0) == 0);
	check(!can_read(q));
	close(fd);
	unlink("/tmp/mremap");
}

static void
file_grows(void)
{
	int fd = file_make("/tmp/mremap", 8 * PAGE);
	byte *p = map_private(16 * PAGE);

	check(munmap((void *)p, 16 * PAGE) == 0);
	check(mmap((void *)p, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0) == p);
	check(moved(p, 2 * PAGE, 9 * PAGE, 0, 0) == p);
	check(p[7 * PAGE] == 8 && !can_read(p + 8 * PAGE)); /* past the end of the file: SIGBUS */
	close(fd);
	unlink("/tmp/mremap");
}

static void
private_file_moves(void)
{
	int fd = file_make("/tmp/mremap", 4 * PAGE);
	byte *p = mmap(NULL, 4 * PAGE, rw, MAP_PRIVATE, fd, 0);
	byte *q;

	check(p != MAP_FAILED);
	p[PAGE] = 99;
	q = moved(p, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0);
	check(q[0] == 1 && q[PAGE] == 99 && q[3 * PAGE] == 4);
	check(p[0] == 1 && p[PAGE] == 2); /* as freshly mapped */
	close(fd);
	unlink("/tmp/mremap");
}

/* ---- with a child ---- */

struct family {
	byte *p, *q;
	size_t size;
	volatile int *step;
};

static void
child_stays(void *arg)
{
	struct family *f = arg;
	int pages = f->size / PAGE;

	await(f->step, 1); /* the parent has moved */
	check(all_stamped(f->p, pages, 1) && !can_read(f->q));
	stamp_all(f->p, pages, 9000);
	check(all_stamped(f->p, pages, 9000));
}

static void
parent_moves(struct family *f)
{
	int pages = f->size / PAGE;

	f->step = (volatile int *)map_shared(PAGE);
	stamp_all(f->p, pages, 1);
	check(munmap((void *)f->q, f->size) == 0);
	pid_t pid = child_start(child_stays, f);
	check(moved(f->p, f->size, f->size, to_there, f->q) == f->q);
	check(all_stamped(f->q, pages, 1));
	announce(f->step);
	check(child_wait(pid) == 0);
	check(all_stamped(f->q, pages, 1));
	stamp_all(f->q, pages, 5000);
	check(all_stamped(f->q, pages, 5000) && !can_read(f->p));
}

static void
parent_moves_tables(void)
{
	struct family f = {map_aligned(2 * TABLE, TABLE), map_aligned(2 * TABLE, TABLE), 2 * TABLE, NULL};

	parent_moves(&f);
}

static void
parent_moves_leaves(void)
{
	struct family f = {map_aligned(TABLE, TABLE), map_aligned(TABLE + PAGE, TABLE), TABLE, NULL};

	check(munmap((void *)f.q, PAGE) == 0);
	f.q += PAGE;
	parent_moves(&f);
}

static void
child_goes(void *arg)
{
	struct family *f = arg;
	int pages = f->size / PAGE;

	check(moved(f->p, f->size, f->size, to_there, f->q) == f->q);
	check(all_stamped(f->q, pages, 1) && !can_read(f->p));
	stamp_all(f->q, pages, 7000);
}

/* Into a table that is shared with the parent as well. */
static void
child_moves(void)
{
	byte *all = map_aligned(2 * TABLE, TABLE);
	struct family f = {all + 10 * PAGE, all + TABLE + 20 * PAGE, 100 * PAGE, NULL};

	stamp_all(all, 2 * TABLE / PAGE, 0);
	stamp_all(f.p, 100, 1);
	child_must_live(child_goes, &f);
	check(all_stamped(f.p, 100, 1) && all_stamped(f.q, 100, TABLE / PAGE + 20));
	check(all_stamped(all, 10, 0));
}

/* ---- with threads ---- */

struct writer {
	volatile uint64_t *word;
	volatile int stop;
	volatile uint64_t last;
};

static void *
write_on(void *arg)
{
	struct writer *w = arg;

	for (uint64_t n = 1; !w->stop; n++) {
		*w->word = n;
		w->last = n;
	}
	return NULL;
}

/* No write may reach a page through its old address once mremap has returned. */
static void
no_late_write(byte *p, byte *q, size_t size)
{
	struct writer w = {(volatile uint64_t *)(p + 8 * PAGE), 0, 0};
	pthread_t thread;

	for (size_t i = 0; i < size; i += PAGE)
		p[i] = 1;
	check(pthread_create(&thread, NULL, write_on, &w) == 0);
	for (int i = 0; i < 50; i++) {
		check(moved(p, size, size, to_there | MREMAP_DONTUNMAP, q) == q);
		volatile uint64_t *there = (volatile uint64_t *)(q + 8 * PAGE);
		uint64_t n = *there;
		uint64_t last = w.last;
		while (w.last < last + 2)
			sched_yield();
		check(*there == n);
	}
	w.stop = 1;
	check(pthread_join(thread, NULL) == 0);
}

static void
no_late_write_tables(void)
{
	no_late_write(map_aligned(TABLE, TABLE), map_aligned(TABLE, TABLE), TABLE);
}

static void
no_late_write_leaves(void)
{
	no_late_write(map_aligned(16 * PAGE, TABLE), map_aligned(17 * PAGE, TABLE) + PAGE, 16 * PAGE);
}

struct cutter {
	int fd;
	volatile int stop;
};

static void *
cut_on(void *arg)
{
	struct cutter *c = arg;

	while (!c->stop) {
		check(ftruncate(c->fd, PAGE) == 0);
		check(ftruncate(c->fd, 512 * PAGE) == 0);
	}
	return NULL;
}

/* Truncation takes the pages from the file's side, wherever they are at the moment. */
static void
truncated_on_the_way(void)
{
	struct cutter c = {file_make("/tmp/mremap", 512 * PAGE), 0};
	int sink = file_make("/tmp/mremap.sink", PAGE);
	byte *p = map_aligned(TABLE, TABLE);
	byte *q = map_aligned(TABLE, TABLE);
	pthread_t thread;

	check(mmap((void *)p, TABLE, rw, MAP_SHARED | MAP_FIXED, c.fd, 0) == p);
	check(pthread_create(&thread, NULL, cut_on, &c) == 0);
	for (int i = 0; i < 100; i++) {
		/* The kernel touches the pages for us: what is past the end gives EFAULT and kills nobody. */
		for (int k = 0; k < 512; k += 40)
			check(pwrite(sink, (void *)(p + k * PAGE), 1, 0) == 1 || errno == EFAULT);
		check(moved(p, TABLE, TABLE, to_there, q) == q);
		check(moved(q, TABLE, TABLE, to_there, p) == p);
	}
	c.stop = 1;
	check(pthread_join(thread, NULL) == 0);
	close(c.fd);
	close(sink);
	unlink("/tmp/mremap");
	unlink("/tmp/mremap.sink");
}

const struct test_case mremap_cases[] = {
	{"arguments that make no sense are refused", bad_arguments, 0, 0},
	{"a destination that overlaps, is odd or lies beyond user space is refused", bad_places, 0, 0},
	{"nothing is mapped at the old address: EFAULT", nothing_there, 0, 0},
	{"growing or moving what is more than one mapping: EFAULT", past_the_end, 0, 0},
	{"growing without room and without leave to move: ENOMEM", no_room, 0, 0},
	{"RLIMIT_AS holds for growing and for a second copy", limit_of_addresses, 0, 0},
	{"private memory cannot be had twice", private_twice, 0, 0},
	{"a mapping grows in place, and what is new is zero", grows_in_place, 0, 0},
	{"a mapping that cannot grow in place moves", grows_elsewhere, 0, 0},
	{"a mapping shrinks where it is", shrinks, 0, 0},
	{"shrinking unmaps whatever lies in the tail", shrinks_over_several, 0, 0},
	{"what was at the destination goes, its neighbours stay", replaces_destination, 0, 0},
	{"a mapping changes its size on the way", other_size_there, 0, 0},
	{"pages move within one page table", nearby, 0, 0},
	{"whole page tables move", alike, 0, 0},
	{"pages move to tables that they divide otherwise", not_alike, 0, 0},
	{"neighbours in the same page tables stay", neighbours_stay, 0, 0},
	{"moving to and fro loses nothing", to_and_fro, 0, 0},
	{"pages that were only read move", zero_pages, 0, 0},
	{"rights go along, and what PROT_NONE hides", rights_go_along, 0, 0},
	{"DONTUNMAP leaves the old range as if untouched", leaves_the_old, 0, 0},
	{"DONTUNMAP leaves the old range when whole tables move", leaves_the_old_tables, 0, 0},
	{"DONTUNMAP leaves shared memory mapped twice", leaves_shared_memory, 0, 0},
	{"DONTUNMAP takes its address as a hint", takes_a_hint, 0, 0},
	{"an old size of 0 maps shared memory twice", shared_twice, 0, 0},
	{"a child moves memory that it shares with its parent", child_moves_shared, 0, 0},
	{"a file's mapping moves with its offset, and truncation finds it", file_moves, 0, 0},
	{"a file's mapping grows over the file's end", file_grows, 0, 0},
	{"a private file mapping moves with what was written", private_file_moves, 0, 0},
	{"a parent moves whole tables that a child shares", parent_moves_tables, 0, CASE_SMP},
	{"a parent moves pages of tables that a child shares", parent_moves_leaves, 0, CASE_SMP},
	{"a child moves pages between tables that its parent shares", child_moves, 0, 0},
	{"no write reaches a page through its old address: tables", no_late_write_tables, 0, CASE_SMP},
	{"no write reaches a page through its old address: pages", no_late_write_leaves, 0, CASE_SMP},
	{"a file is truncated while its mapping moves", truncated_on_the_way, 0, CASE_SMP},
	{0},
};
