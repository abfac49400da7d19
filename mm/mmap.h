/* SPDX-License-Identifier: MIT */
/*
 * mm/mmap.h - promise, change and take back ranges of an address space
 *
 * Idea        The mmap family of Linux without its file descriptors: kernel/sys_mm.c turns those into objects.
 * Invariants  An error leaves the address space as it was, except that munmap and mprotect may have split a vma.
 * Locks       each takes mm->lock for writing
 * Follow      from kernel/sys_mm.c, kernel/exec.c   to vma.c, unmap.c, share.c
 * Tests       tests/guest/mmap.c, tests/guest/brk.c
 * See         docs/mm.md section 3
 */
#pragma once

#include <kernel/lib/types.h>

struct mm;
struct pagecache;

#define PROT_READ 0x1u
#define PROT_WRITE 0x2u
#define PROT_EXEC 0x4u
#define PROT_SEM 0x8u
#define PROT_ACCESS (PROT_READ | PROT_WRITE | PROT_EXEC)
#define PROT_GROWSDOWN 0x01000000u

#define MAP_SHARED 0x01u
#define MAP_PRIVATE 0x02u
#define MAP_SHARED_VALIDATE 0x03u
#define MAP_TYPE 0x0fu
#define MAP_FIXED 0x10u
#define MAP_ANONYMOUS 0x20u
#define MAP_32BIT 0x40u
#define MAP_GROWSDOWN 0x0100u
#define MAP_DENYWRITE 0x0800u
#define MAP_EXECUTABLE 0x1000u
#define MAP_LOCKED 0x2000u
#define MAP_NORESERVE 0x4000u
#define MAP_POPULATE 0x8000u
#define MAP_NONBLOCK 0x10000u
#define MAP_STACK 0x20000u
#define MAP_HUGETLB 0x40000u
#define MAP_SYNC 0x80000u
#define MAP_FIXED_NOREPLACE 0x100000u

#define MREMAP_MAYMOVE 1u
#define MREMAP_FIXED 2u
#define MREMAP_DONTUNMAP 4u

#define PROT_GROWSUP 0x02000000u

#define MMAP_MIN_ADDR 0x10000UL /* Linux's default: a null pointer with an offset faults */
#define MMAP_MAX_COUNT 65530u   /* likewise */

/* Settings under /proc/sys/vm, each one word: READ_ONCE, WRITE_ONCE. */
extern u32 sysctl_max_map_count; /* vmas an address space may have */
extern u64 sysctl_mmap_min_addr; /* page aligned: mmap chooses nothing below; who is root may ask for it by MAP_FIXED */

#define STACK_ROOM_MIN \
	(128UL << 20) /* the search for free ranges starts at least this far below the stack's top, as Linux's */

/* What a caller asks do_mmap for. */
struct mmap_request {
	u64 addr;                 /* hint, or the address with MAP_FIXED */
	u64 len;                  /* bytes, rounded up to pages by do_mmap */
	u32 prot;                 /* PROT_* */
	u32 flags;                /* MAP_* */
	struct pagecache *object; /* what is mapped, or NULL: anonymous. do_mmap takes its own reference */
	u64 pgoff;                /* first page of object */
	bool may_write;           /* a shared mapping of object may be written (the file is open for writing) */
	bool zeroes;              /* /dev/zero: no object, but may_write and no_exec count */
	bool no_exec;             /* nobody may execute object, now or after mprotect (its file system forbids it) */
};

/*
 * do_mmap - map what @request describes
 *
 * Returns   the address; -EINVAL -ENOMEM -EEXIST -EACCES -EPERM -EAGAIN -EOVERFLOW as mmap(2) documents. Locked memory
 *           is not populated yet: mlock_populate
 * Context   may sleep; takes mm->lock
 */
s64 do_mmap(struct mm *mm, const struct mmap_request *request);

/* Returns 0, -EINVAL, -ENOMEM. Context: may sleep; takes mm->lock. */
int do_munmap(struct mm *mm, u64 addr, u64 len);

/* The same for [start, end), page aligned, with mm->lock held for writing. Returns 0, -ENOMEM. */
int munmap_locked(struct mm *mm, u64 start, u64 end);

/*
 * munmap_prepare, munmap_commit - the same in two beats: all that may fail; and all that changes, which cannot fail
 *
 * Returns   (prepare) 0, -ENOMEM: vmas may have been cut, vma_join_around heals that
 * Context   mm->lock for writing, held from one to the other; (prepare) may sleep, (commit) flushes
 */
int munmap_prepare(struct mm *mm, u64 start, u64 end);
void munmap_commit(struct mm *mm, u64 start, u64 end);

/* Returns 0, -EINVAL, -ENOMEM, -EACCES. Context: may sleep; takes mm->lock. */
int do_mprotect(struct mm *mm, u64 addr, u64 len, u32 prot);

/* What a caller asks do_mremap for: the arguments of mremap(2). */
struct mremap_request {
	u64 addr;
	u64 old_len; /* 0: a second mapping of shared memory */
	u64 new_len;
	u32 flags;    /* MREMAP_* */
	u64 new_addr; /* with MREMAP_FIXED the place, with MREMAP_DONTUNMAP a hint */
};

/*
 * do_mremap - let a mapping grow, shrink or move
 *
 * Returns   the address of the mapping afterwards; -EINVAL -EFAULT -ENOMEM -EAGAIN as mremap(2) documents
 * Context   may sleep; takes mm->lock
 */
s64 do_mremap(struct mm *mm, const struct mremap_request *request);

/*
 * do_brk - move the end of the heap to @brk, when that is possible
 *
 * Returns   the end of the heap afterwards, as the system call does: unchanged means refused
 * Context   may sleep; takes mm->lock
 */
u64 do_brk(struct mm *mm, u64 brk);

/*
 * mmap_grow_stack - extend the stack whose guard gap holds @va downwards to @va
 *
 * Returns   true; false: there is no such stack, or its limit or its neighbour forbids
 * Context   may sleep; takes mm->lock
 */
bool mmap_grow_stack(struct mm *mm, u64 va);

/*
 * mmap_set_base - where the search for free ranges starts: below the stack's limit, as Linux computes it
 *
 * @stack_room  how far below USER_TOP the stack may end
 * @random      how much lower than that the search starts
 *
 * Context   may sleep; takes mm->lock
 */
void mmap_set_base(struct mm *mm, u64 stack_room, u64 random);

/*
 * mmap_stack - the vma of the first stack, [top - size, top), growing down
 *
 * Returns   0, -ENOMEM
 * Context   may sleep; takes mm->lock
 */
int mmap_stack(struct mm *mm, u64 top, u64 size);

/*
 * mmap_place - a free place for @len bytes: @hint if it is one, else the highest below the stack's room, else any
 *
 * Returns   the address, -ENOMEM
 * Context   mm->lock for writing
 */
s64 mmap_place(struct mm *mm, u64 hint, u64 len);

/* mmap_place_low - the same below 2 GiB and not below 1 GiB, unless @hint is free: MAP_32BIT. Context: likewise. */
s64 mmap_place_low(struct mm *mm, u64 hint, u64 len);

/*
 * mmap_may_expand - may @pages more with @flags be mapped: RLIMIT_AS for all, RLIMIT_DATA for private writable memory
 *
 * Context   mm->lock
 */
bool mmap_may_expand(struct mm *mm, u32 flags, u64 pages);

/* mmap_may_expand when [gone_start, gone_end) is unmapped first. Context: mm->lock for writing. */
bool mmap_may_replace(struct mm *mm, u32 flags, u64 pages, u64 gone_start, u64 gone_end);

/* mmap_promised - pages of [start, end) that count as promised (VM_ACCOUNT). Context: mm->lock for writing. */
u64 mmap_promised(struct mm *mm, u64 start, u64 end);

/* VM_READ, VM_WRITE, VM_EXEC for PROT_*. Context: pure. */
u32 vma_prot_flags(u32 prot);
