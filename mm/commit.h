/* SPDX-License-Identifier: MIT */
/*
 * mm/commit.h - what programs have been promised, before anyone touches it
 *
 * Idea        A mapping that may one day need frames of its own is a promise. Promises are counted in pages, in one
 *             number for the machine (Committed_AS), and vm.overcommit_memory says which of them the kernel may give:
 *
 *                 0  guess    any that alone is not more than RAM and swap together
 *                 1  always   any
 *                 2  never    as long as all of them stay below CommitLimit, less two reserves
 *
 *             What counts: private memory that is or was writable (VM_ACCOUNT, the flag that remembers it), shared
 *             anonymous memory as a whole, files in memory page by page. What does not: whatever a file on a disk can
 *             give again, and, unless the policy is `never`, what was mapped with MAP_NORESERVE.
 * Invariants  I1  Committed_AS is the sum of mm->account_vm of all address spaces, object->promised of all objects, and
 *                 the pages of the objects that pay page by page.                                     (mm_check)
 * Locks       none: one atomic. Who charges holds the lock of what he charges for: mm->lock, object->lock.
 * Follow      from mmap.c, brk.c, mremap.c, mprotect.c, fork.c, pagecache.c, swapoff.c   to nothing
 * Tests       tests/host/commit_test.c, tests/guest/overcommit.c
 * See         docs/mm.md section 11; Linux Documentation/mm/overcommit-accounting
 */
#pragma once

#include <kernel/lib/types.h>

struct mm;

enum commit_policy {
	OVERCOMMIT_GUESS,
	OVERCOMMIT_ALWAYS,
	OVERCOMMIT_NEVER,
};

/* Settings under /proc/sys/vm, each one word: READ_ONCE, WRITE_ONCE. */
extern s32 sysctl_overcommit_memory; /* enum commit_policy */
extern s32 sysctl_overcommit_ratio;  /* percent of RAM that may be promised beside swap, when kbytes is 0 */
extern u64 sysctl_overcommit_kbytes; /* the same as an amount */
extern u64 sysctl_user_reserve_kbytes;
extern u64 sysctl_admin_reserve_kbytes;

/* What the decision depends on. */
struct commit_facts {
	enum commit_policy policy;
	u64 pages;         /* asked for: the largest mapping of the request */
	s64 committed;     /* promised in all, this request included */
	u64 machine;       /* pages of RAM and of swap */
	s64 limit;         /* CommitLimit, in pages */
	s64 admin_reserve; /* pages that only root may be promised; 0: it is root who asks */
	s64 user_reserve;  /* pages kept so that a user can still act; 0: no program asks */
	u64 total_vm;      /* pages that the program has mapped: a small one leaves less of that reserve */
};

/* commit_allows - the table at the head of commit.c. Context: pure. */
bool commit_allows(const struct commit_facts *facts);

/* A request that is more than one number. */
struct commit_ask {
	u64 pages;   /* what is added */
	u64 largest; /* what `guess` looks at: Linux asks for one mapping after the other, and only for what grows */
	u64 credit;  /* pages promised already that are given back as soon as this succeeds */
};

/*
 * commit_charge - promise @mm, or the kernel when NULL, @pages more
 *
 * With 0 pages: are the promises made so far allowed?
 *
 * Returns   0; -ENOMEM: they may not be promised, and nothing was counted
 * Context   any
 */
int commit_charge(struct mm *mm, u64 pages);

/* commit_charge_as - the same for a request of several parts; ask->pages count until commit_uncharge. */
int commit_charge_as(struct mm *mm, const struct commit_ask *ask);

/* commit_uncharge - @pages are promised no more. Context: any. */
void commit_uncharge(u64 pages);

/* commit_flags - VM_ACCOUNT if a mapping with @flags must be promised when it is made, else 0. Context: pure. */
u32 commit_flags(u32 flags);

/* commit_pages, commit_limit - Committed_AS and CommitLimit, in pages. Context: any. */
u64 commit_pages(void);
u64 commit_limit(void);

/* commit_set_ratio, commit_set_kbytes - each takes the place of the other. Context: any. */
void commit_set_ratio(s32 percent);
void commit_set_kbytes(u64 kbytes);

/* commit_init - the reserves, as Linux derives them from free memory. Context: boot, once. */
void commit_init(void);

/* commit_check - proves I1 for the vmas' share, which its caller has summed. Returns violations printed. */
int commit_check(u64 found);
