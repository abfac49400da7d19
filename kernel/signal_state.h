/* SPDX-License-Identifier: MIT */
/*
 * kernel/signal_state.h - what every task carries of signals and of its number
 *
 * Idea        A header of its own with no includes but the library's, so that struct task can embed it.
 *             A signal set is one word: bit n-1 is signal n, as in the ABI.
 * Invariants  I1  task->signal_pending is true if the task has work in user_return_work(): an unblocked pending signal
 *                 or a stop of its process. It may be true without work (a race), never false with work.
 * Locks       process_lock (kernel/process.h) for each field; own fields may be read by the task itself without it
 * Follow      from kernel/task.h   to kernel/signal.c, kernel/signal_queue.c, kernel/pid.c
 * Tests       none
 */
#pragma once

#include <kernel/lib/list.h>

#define SIGKILL 9
#define SIGNAL_BIT(sig) (1UL << ((sig)-1))

/* A number in use: of a thread, a process, a group or a session. See kernel/pid.h. */
struct pid_node {
	struct list link; /* bucket of the pid table; process_lock */
	s32 nr;           /* const while attached */
	u32 kind;         /* enum pid_kind; const */
};

/* Signals that were sent and not taken yet. See kernel/signal_queue.h. */
struct signal_queue {
	u64 set;           /* which; process_lock, read racily */
	u64 from_kernel;   /* of these, standard ones without siginfo that the kernel sent; process_lock */
	struct list infos; /* what they brought along, in the order they came; process_lock */
};

/* Where handlers with SA_ONSTACK run. */
struct signal_stack {
	u64 start;
	u64 size;  /* 0: there is none */
	u64 flags; /* SS_* as the program set them */
};

struct signal_state {
	struct signal_queue queue; /* sent to this thread alone, or SIGKILL for a dying process; process_lock */
	u64 blocked;               /* the thread's mask; owner only, read by senders */
	u64 waiting;       /* of these, what sigtimedwait() waits for: it takes them though blocked; process_lock */
	u64 saved_mask;    /* the mask to go back to when a call changed it for its duration; owner only */
	bool restore_mask; /* on the way out: the next handler's frame, or nobody, brings saved_mask back; owner */
	struct signal_stack stack; /* owner only */
	bool parked;               /* waits for the end of a stop; process_lock, read racily */
	struct pid_node tid;       /* the thread's number; process_lock */
	bool cpu_check;    /* CPU time was sampled and somebody wants to know: itimer_cpu_check(); owner, interrupts */
	u64 set_child_tid; /* user address, or 0: where a new thread first writes its number; owner only */
};

static inline void
signal_queue_init(struct signal_queue *queue)
{
	queue->set = 0;
	list_init(&queue->infos);
}

/* Is the task about to die? Context: any; racy unless the caller has just stored its task state with a full barrier. */
static inline bool
signal_state_fatal(const struct signal_state *signal)
{
	return __atomic_load_n(&signal->queue.set, __ATOMIC_RELAXED) & SIGNAL_BIT(SIGKILL);
}
