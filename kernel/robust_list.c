/* SPDX-License-Identifier: MIT */
/*
 * kernel/robust_list.c - walk a dead thread's locks
 *
 * Idea        head: { next, offset, pending }. Entries form a ring that ends at the head; the futex word of an entry
 *             lies `offset` bytes behind it. Bit 0 of a pointer says that the lock lends priority. `pending` is the
 *             lock that was just being taken or given up: perhaps on the list, perhaps not.
 *
 *                 word: | waiters | owner died | number of the thread (30 bits) |
 *
 *             A ring that never ends, pointers to nowhere, words that somebody changes meanwhile: the walk stops at
 *             what it cannot read and after 2048 entries.
 * Invariants  none
 * Locks       none
 * Follow      from exit.c, exec.c   to futex.c, uaccess.h
 * Tests       tests/guest/robust.c
 */
#include <kernel/futex.h>
#include <kernel/robust_list.h>
#include <kernel/sched.h>
#include <kernel/task.h>
#include <kernel/uaccess.h>

#define ENTRIES_MAX 2048
#define WORD_WAITERS 0x80000000U
#define WORD_OWNER_DIED 0x40000000U
#define WORD_TID 0x3fffffffU

/* The ABI's struct robust_list_head. */
struct robust_list_head {
	u64 next;
	u64 offset;
	u64 pending;
};

_Static_assert(sizeof(struct robust_list_head) == ROBUST_LIST_HEAD_SIZE, "as programs know it");

static void walk(u64 head_va, const struct robust_list_head *head);
static int word_release(u64 va, bool lends, bool pending);
static void wake_next(u64 va);

void
robust_list_exit(void)
{
	u64 va = current->robust_list;
	struct robust_list_head head;

	current->robust_list = 0;
	if (likely(!va) || !current->mm)
		return;
	if (copy_from_user(&head, (const void __user *)va, sizeof(head)))
		return;
	walk(va, &head);
}

/* Why the next pointer is read before the word is released: whoever gets the lock may free the entry. */
static void
walk(u64 head_va, const struct robust_list_head *head)
{
	u64 pending = head->pending & ~1UL;
	u64 entry = head->next;

	for (u32 i = 0; i < ENTRIES_MAX && (entry & ~1UL) != head_va; i++) {
		u64 next;
		bool end = get_user_u64(&next, (const u64 __user *)(entry & ~1UL));

		if ((entry & ~1UL) != pending && word_release((entry & ~1UL) + head->offset, entry & 1, false))
			return;
		if (end)
			return;
		entry = next;
		cond_resched();
	}
	if (pending)
		(void)word_release(pending + head->offset, head->pending & 1, true);
}

/* Returns 0; -EFAULT: the list is broken, stop. */
static int
word_release(u64 va, bool lends, bool pending)
{
	u32 word;
	u32 seen;

	if (va % sizeof(u32) || get_user_u32(&word, (const u32 __user *)va))
		return -EFAULT;
	/* Given up already, but perhaps nobody was woken yet. */
	if (pending && !lends && !word)
		wake_next(va);
	while ((word & WORD_TID) == (u32)current->tid) {
		if (uaccess_cas32((u32 *)va, word, (word & WORD_WAITERS) | WORD_OWNER_DIED, &seen))
			return -EFAULT;
		if (seen == word) {
			if (!lends && (word & WORD_WAITERS))
				wake_next(va);
			return 0;
		}
		word = seen;
	}
	return 0;
}

static void
wake_next(u64 va)
{
	(void)futex_wake(va, 1);
}
