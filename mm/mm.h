/* SPDX-License-Identifier: MIT */
/*
 * mm/mm.h - the address space of a process
 *
 * Idea        Vmas say what the program was promised, the page table says what it has. Both hang here, beside the few
 *             numbers that the kernel and its users ask for.
 * Invariants  I1  rss[k] is the sum of counts[k] over the level-1 tables that the address space uses.     (mm_check)
 *             I2  A CPU whose page-table root is this one has its bit in cpus.
 *             I3  total_vm is the sum of the pages of all vmas; locked_vm of those with VM_LOCKED, account_vm of those
 *                 with VM_ACCOUNT; data_vm, exec_vm and stack_vm of those of a kind.                  (mm_check)
 * Locks       lock (sleeping reader-writer): reading to fault, writing to change a vma or to unshare a table.
 *             table_lock: entries of levels 4 to 2 while lock is held for reading.
 * Follow      from kernel/fork.c, kernel/exec.c   to vma.c, pagetable.c, fork.c
 * Tests       tests/guest/cow.c, tests/guest/exec.c
 * See         docs/mm.md section 3
 */
#pragma once

#include <kernel/lib/atomic.h>
#include <kernel/lib/list.h>
#include <kernel/rwsem.h>
#include <kernel/spinlock.h>
#include <mm/page.h>
#include <mm/vma.h>

struct mm {
	struct rwsem lock;
	atomic_t users; /* tasks and borrowers; the last put tears down */
	pte_t *root;    /* the level-4 table; const after init */
	u64 cpus;       /* atomic mask: CPUs that may hold translations of this root */
	struct spinlock table_lock;
	struct vma_tree vmas;      /* lock */
	atomic64_t rss[RSS_KINDS]; /* pages; changed under a table lock, read racily */
	atomic64_t tables;         /* page-table pages of all levels that this address space alone, or shared, uses */
	u64 rss_peak;              /* pages; lock for writing, or racy and then a little low */
	u64 total_vm;              /* pages in all vmas; lock */
	u64 total_vm_peak;         /* the highest total_vm that has gone down since; lock */
	u64 locked_vm;             /* pages in VM_LOCKED vmas; lock */
	u64 data_vm;               /* of these: private and writable; lock */
	u64 exec_vm;               /* executable and not writable; lock */
	u64 stack_vm;              /* growing down; lock */
	u64 account_vm;            /* VM_ACCOUNT: what it has been promised (commit.h); lock */
	u64 stack_limit;           /* bytes a VM_GROWSDOWN vma may reach; set by exec and setrlimit, READ_ONCE */
	u64 as_limit;              /* bytes of total_vm allowed; likewise */
	u64 data_limit;            /* bytes of data_vm allowed; likewise */
	u64 lock_limit;            /* bytes of locked_vm allowed; likewise */
	bool is_root;              /* root's program: may use what is kept for root; set as the limits are, READ_ONCE */
	u32 def_flags;             /* VM_LOCK_FLAGS of every new vma: MCL_FUTURE; lock, READ_ONCE */
	u64 mmap_top;              /* the search for a free range starts below this; lock */
	u64 start_code, end_code, start_data, end_data; /* exec sets them before a task runs in it */
	u64 start_brk, brk;                             /* lock */
	u64 start_stack, arg_start, arg_end, env_start, env_end, auxv_start, auxv_end;
	u32 membarrier;      /* atomic: what kernel/membarrier.c was asked for; fork copies, exec starts with 0 */
	bool oom_victim;     /* set once: its users are being killed for its memory; atomic */
	bool oom_unstable;   /* set once, by the reaper, lock held for reading: what is empty may have been full */
	bool oom_skip;       /* set once: nothing more will come of it; atomic */
	struct mm *oom_next; /* the next that waits for the reaper to free it; oom_reap.c's lock */
	u64 oom_kept;        /* pages that its end would not free, when the OOM killer last looked; oom_lock */
	struct list all;     /* on the list of all address spaces; mm_list_lock */
};

/*
 * mm_kind_vm - the counter beside total_vm in which a vma with @flags counts, or NULL: what Linux shows as VmData,
 * VmExe and VmLib, and VmStk
 */
static inline u64 *
mm_kind_vm(struct mm *mm, u32 flags)
{
	if (flags & VM_GROWSDOWN)
		return &mm->stack_vm;
	if ((flags & (VM_WRITE | VM_SHARED)) == VM_WRITE)
		return &mm->data_vm;
	return (flags & (VM_WRITE | VM_EXEC)) == VM_EXEC ? &mm->exec_vm : NULL;
}

/* mm_count_vma - @pages of a vma with @flags came (or went, negative). Context: lock for writing. */
static inline void
mm_count_vma(struct mm *mm, u32 flags, s64 pages)
{
	u64 *kind = mm_kind_vm(mm, flags);

	mm->total_vm += pages;
	if (kind)
		*kind += pages;
	if (unlikely(flags & VM_LOCKED))
		mm->locked_vm += pages;
	if (flags & VM_ACCOUNT)
		mm->account_vm += pages;
	dassert((s64)mm->account_vm >= 0);
	dassert((s64)mm->total_vm >= 0 && (!kind || (s64)*kind >= 0));
}

/*
 * mm_is_private, mm_may_look, mm_may_change - for asserts: what the running task may do with @mm
 *
 * An address space that the last mm_put tears down is known to one task only, and no CPU translates through it: its
 * lock need not be held then. One that fork or exec is building is found by whoever walks all of them, as swapoff does.
 *
 * Returns   (private) true when nobody else can know @mm; (look) that, or mm->lock is held; (change) held for writing
 * Context   any
 */
static inline bool
mm_is_private(const struct mm *mm)
{
	return !atomic_read(&mm->users) && !READ_ONCE(mm->cpus);
}

static inline bool
mm_may_look(const struct mm *mm)
{
	return rwsem_is_held(&mm->lock) || mm_is_private(mm);
}

static inline bool
mm_may_change(const struct mm *mm)
{
	return rwsem_write_is_mine(&mm->lock) || mm_is_private(mm);
}

void mm_init(void);

/*
 * mm_create - an empty address space
 *
 * Returns   the mm, or NULL when memory ran out
 * Context   may sleep; holds no mm->lock
 * Gives     one use (mm_put)
 */
struct mm *mm_create(void);

void mm_get(struct mm *mm);

/*
 * mm_put - give up a use; the last one unmaps everything and frees the address space, or, of an OOM victim, lets the
 *          reaper do so: that a process is dead need not wait for it
 *
 * Context   may sleep; the last user's CPU must have left the address space (mm_activate)
 * Takes     one use
 */
void mm_put(struct mm *mm);

/* mm_destroy_victim - the last mm_put's work, later: for oom_reap.c, which was handed @mm. Context: may sleep. */
void mm_destroy_victim(struct mm *mm);

/*
 * mm_activate - let this CPU translate through @mm, or through the kernel's own root when NULL
 *
 * Context   interrupts on or off; the caller keeps @mm alive until the CPU leaves it
 */
void mm_activate(struct mm *mm);

/*
 * mm_fork - an address space like @parent: same vmas, leaf tables shared
 *
 * Returns   0 and the new address space in *out; -ENOMEM, nothing left behind
 * Context   may sleep; takes parent->lock for writing
 * Gives     one use of *out
 */
int mm_fork(struct mm *parent, struct mm **out);

/* Pages resident, of all kinds. Context: any. */
u64 mm_rss(struct mm *mm);

/* Highest mm_rss so far, in pages. Context: any. */
u64 mm_rss_peak(struct mm *mm);

/* Remembers the present rss as the peak if it is one: called before memory goes. Context: any. */
void mm_note_peak(struct mm *mm);

/* All vmas of the system, for the leak ledger. */
u64 mm_vmas_total(void);

/* Proves the invariants of one, called with mm->lock held for writing. Returns the number of violations printed. */
int mm_check_one(struct mm *mm);

/*
 * mm_for_each - call @fn for each address space there is, and each that fork makes meanwhile of one not visited yet,
 * with its lock held for writing
 *
 * Context   may sleep; holds no mm->lock
 */
void mm_for_each(void (*fn)(struct mm *mm, void *arg), void *arg);

/*
 * mm_next_get - walk all address spaces: the one after @prev, or the first
 *
 * Returns   the next that somebody uses; NULL after the last
 * Context   may sleep
 * Takes     the use of @prev (NULL: none)
 * Gives     one use
 */
struct mm *mm_next_get(struct mm *prev);

/* Calls @fn for each address space with its lock held for writing, all at once: the memory of programs stands still. */
int mm_for_all_locked(int (*fn)(struct mm *mm, void *arg), void *arg);
