/* SPDX-License-Identifier: MIT */
/*
 * mm/fault.h - what happens when a program touches memory that the hardware will not translate
 *
 * Idea        see fault.c
 * Invariants  see fault.c
 * Locks       fault_handle takes mm->lock
 * Follow      from arch/x86_64/trap.c   to fault.c
 * Tests       tests/host/fault_test.c, tests/guest/fault.c
 * See         docs/tour.md
 */
#pragma once

#include <arch/mmu.h>

struct mm;
struct page;

/* Kinds of access, as the error code of the processor and the callers in the kernel tell them. */
#define FAULT_READ 0x1u
#define FAULT_WRITE 0x2u
#define FAULT_EXEC 0x4u
#define FAULT_USER 0x8u /* the access came from user mode */
#define FAULT_ACCESS (FAULT_READ | FAULT_WRITE | FAULT_EXEC)

enum fault_result {
	FAULT_OK,       /* the access will now succeed: resume */
	FAULT_MAJOR,    /* likewise, after waiting for a disk */
	FAULT_SEGV_MAP, /* nothing is mapped there: SIGSEGV, SEGV_MAPERR */
	FAULT_SEGV_ACC, /* mapped, but not for this access: SIGSEGV, SEGV_ACCERR */
	FAULT_BUS,      /* past the end of the mapped object: SIGBUS, BUS_ADRERR */
	FAULT_OOM,      /* no memory even for a victim: a pending kill will end the task; resume otherwise */
	FAULT_RETRY,    /* inside mm only: state changed, start over */
	FAULT_UNSHARE,  /* inside mm only: the leaf table must become the address space's own first */
	FAULT_GROW,     /* inside mm only: the stack must grow first */
};

static inline bool
fault_is_ok(enum fault_result result)
{
	return result <= FAULT_MAJOR;
}

/*
 * fault_handle - make the access at @va legal, or say why it never will be
 *
 * Returns   one of the first six
 * Context   may sleep; the caller holds no lock; @va below USER_TOP or anything a program made up
 */
enum fault_result fault_handle(struct mm *mm, u64 va, u32 access);

/* fault_serve - the same, not watched by kernel/trace_latency.h, which calls it. Contract: fault_handle's. */
enum fault_result fault_serve(struct mm *mm, u64 va, u32 access);

/* What the table at the head of fault.c calls them. */
enum fault_kind {
	FAULT_KIND_DENY,
	FAULT_KIND_ZERO,
	FAULT_KIND_FILE,
	FAULT_KIND_SWAP,
	FAULT_KIND_COW,
	FAULT_KIND_SPURIOUS,
};
#define FAULT_KINDS (FAULT_KIND_SPURIOUS + 1)

/*
 * fault_classify - the table at the head of fault.c
 *
 * @vm_flags, @has_object   of the vma that contains the address
 *
 * Returns   the kind
 * Context   pure
 */
enum fault_kind fault_classify(pte_t entry, u32 vm_flags, bool has_object, u32 access);

/*
 * fault_foresee - what kind a fault at @va would be now
 *
 * Returns   the kind; FAULT_KIND_DENY where nothing is mapped
 * Context   may sleep; takes mm->lock; the answer may be old
 */
enum fault_kind fault_foresee(struct mm *mm, u64 va, u32 access);

/*
 * fault_populate - fault in every page of [start, end) as an access of the kind @access would
 *
 * Returns   0, -ENOMEM, -EFAULT where the access is not allowed, -EINTR when the task is to die
 * Context   may sleep; the caller holds no lock
 */
int fault_populate(struct mm *mm, u64 start, u64 end, u32 access);

/*
 * fault_page_get - the page behind @va after an access of the kind @access: the kernel's own look at a program's memory
 *
 * For FAULT_WRITE the page is one that @mm may write: private to it, or of a shared object.
 *
 * Returns   0 and the page in *out; -EFAULT where the access is not allowed, -ENOMEM
 * Context   may sleep; the caller holds no lock
 * Gives     one reference to the page (page_put); to the zero frame like to any other
 */
int fault_page_get(struct mm *mm, u64 va, u32 access, struct page **out);

/*
 * fault_page_write - copy @n bytes from @src to @va, within one page, as a write by the program would
 *
 * No other process sees them, but through memory that is shared: a fork comes before or after.
 *
 * Returns   0; -EFAULT where writing is not allowed, -ENOMEM
 * Context   may sleep; the caller holds no lock
 */
int fault_page_write(struct mm *mm, u64 va, const void *src, u64 n);
