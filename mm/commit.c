/* SPDX-License-Identifier: MIT */
/*
 * mm/commit.c - may this be promised?
 *
 * Idea        Count first, then look: two programs that ask at once see each other, and the limit is kept to the page.
 *
 *               policy   a request is granted when
 *               GUESS    its largest mapping is not more than RAM and swap together
 *               ALWAYS   always
 *               NEVER    all promises, this one included, are less than
 *                            CommitLimit - admin reserve (unless root) - min(total_vm / 32, user reserve)
 *
 *             One atomic for the machine. Why not a counter per CPU, as a bigger kernel has (and then decides by a sum
 *             that may be some hundred pages old): an addition with a lock prefix is one instruction in a call of a
 *             thousand, and the border is exact.
 * Invariants  I1 of commit.h
 * Locks       none
 * Follow      see commit.h
 * Tests       tests/host/commit_test.c, tests/guest/overcommit.c
 * See         docs/mm.md section 11; Linux mm/util.c, __vm_enough_memory()
 */
#include <mm/commit.h>

#include <kernel/lib/atomic.h>
#include <kernel/lib/errno.h>
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <mm/mm.h>
#include <mm/page_alloc.h>
#include <mm/swap.h>

#define RATIO_DEFAULT 50
#define RESERVE_SHARE 32            /* of free memory at boot, up to: */
#define USER_RESERVE_MOST (1 << 17) /* KiB: for a shell and the command that ends the culprit */
#define ADMIN_RESERVE_MOST (1 << 13)
#define KIB_SHIFT (PAGE_SHIFT - 10)
#define TOTAL_VM_SHARE 32 /* a program leaves 3 % of its own size to others */

s32 sysctl_overcommit_memory = OVERCOMMIT_GUESS;
s32 sysctl_overcommit_ratio = RATIO_DEFAULT;
u64 sysctl_overcommit_kbytes;
u64 sysctl_user_reserve_kbytes;
u64 sysctl_admin_reserve_kbytes;

static atomic64_t committed; /* I1 */
static u64 ram_at_boot;      /* pages: RAM was never less. const after init */

static bool may_promise(struct mm *mm, const struct commit_ask *ask, s64 all);

void
commit_init(void)
{
	u64 free = nr_free_pages() << KIB_SHIFT;

	sysctl_user_reserve_kbytes = min_u64(free / RESERVE_SHARE, USER_RESERVE_MOST);
	sysctl_admin_reserve_kbytes = min_u64(free / RESERVE_SHARE, ADMIN_RESERVE_MOST);
	ram_at_boot = total_pages();
}

int
commit_charge(struct mm *mm, u64 pages)
{
	const struct commit_ask ask = {.pages = pages, .largest = pages};

	return commit_charge_as(mm, &ask);
}

int
commit_charge_as(struct mm *mm, const struct commit_ask *ask)
{
	s64 all = atomic64_add_return(&committed, (s64)ask->pages);
	s32 policy = READ_ONCE(sysctl_overcommit_memory);

	if (policy == OVERCOMMIT_ALWAYS || (policy == OVERCOMMIT_GUESS && ask->largest <= ram_at_boot))
		return 0;
	if (may_promise(mm, ask, all))
		return 0;
	commit_uncharge(ask->pages);
	return -ENOMEM;
}

void
commit_uncharge(u64 pages)
{
	s64 left = atomic64_add_return(&committed, -(s64)pages);

	dassert(left >= 0);
}

static bool
may_promise(struct mm *mm, const struct commit_ask *ask, s64 all)
{
	const struct commit_facts facts = {
		.policy = (enum commit_policy)READ_ONCE(sysctl_overcommit_memory),
		.pages = ask->largest,
		.committed = all - (s64)ask->credit,
		.machine = total_pages() + swap_steady_pages(),
		.limit = (s64)commit_limit(),
		.admin_reserve =
			mm && !READ_ONCE(mm->is_root) ? READ_ONCE(sysctl_admin_reserve_kbytes) >> KIB_SHIFT : 0,
		.user_reserve = mm ? READ_ONCE(sysctl_user_reserve_kbytes) >> KIB_SHIFT : 0,
		.total_vm = mm ? READ_ONCE(mm->total_vm) : 0,
	};

	return commit_allows(&facts);
}

/* Signed, as in Linux: reserves that are more than the limit leave nothing. */
bool
commit_allows(const struct commit_facts *f)
{
	s64 own = (s64)(f->total_vm / TOTAL_VM_SHARE);

	if (f->policy == OVERCOMMIT_ALWAYS)
		return true;
	if (f->policy == OVERCOMMIT_GUESS)
		return f->pages <= f->machine;
	return f->committed < f->limit - f->admin_reserve - (own < f->user_reserve ? own : f->user_reserve);
}

u32
commit_flags(u32 flags)
{
	return (flags & (VM_NORESERVE | VM_SHARED | VM_WRITE)) == VM_WRITE ? VM_ACCOUNT : 0;
}

u64
commit_pages(void)
{
	s64 pages = atomic64_read(&committed);

	return pages > 0 ? (u64)pages : 0;
}

u64
commit_limit(void)
{
	u64 kbytes = READ_ONCE(sysctl_overcommit_kbytes);
	u64 base = kbytes ? kbytes >> KIB_SHIFT : total_pages() * (u64)READ_ONCE(sysctl_overcommit_ratio) / 100;

	return base + swap_steady_pages();
}

/* In both the new word comes first: a reader between the two finds one that is meant. */
void
commit_set_ratio(s32 percent)
{
	WRITE_ONCE(sysctl_overcommit_ratio, percent);
	WRITE_ONCE(sysctl_overcommit_kbytes, 0);
}

void
commit_set_kbytes(u64 kbytes)
{
	WRITE_ONCE(sysctl_overcommit_kbytes, kbytes);
	WRITE_ONCE(sysctl_overcommit_ratio, 0);
}

int
commit_check(u64 found)
{
	if (commit_pages() == found)
		return 0;
	pr_err("mm_check: %lu pages are promised, and mappings and objects come to %lu\n", commit_pages(), found);
	return 1;
}
