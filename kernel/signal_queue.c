/* SPDX-License-Identifier: MIT */
/*
 * kernel/signal_queue.c - signals that wait, and what they brought along
 *
 * Idea        see signal_queue.h. One list for all signals of a queue (Simple: finding one's siginfo is a walk, which
 *             the limit on their number bounds).
 * Invariants  see signal_queue.h
 * Locks       process_lock
 * Follow      from signal.c, signal_return.c   to mm/slab.h
 * Tests       tests/guest/signal_rt.c
 */
#include <kernel/lib/errno.h>
#include <kernel/panic.h>
#include <kernel/process.h>
#include <kernel/signal.h>
#include <kernel/signal_queue.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>

/* An instruction caused them: they are taken first, so that the handler finds the registers of that moment. */
#define SIGNALS_OF_FAULTS                                                                                           \
	(SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGTRAP) | SIGNAL_BIT(SIGFPE) | \
	 SIGNAL_BIT(SIGSYS))

/* One siginfo that waits. */
struct waiting_info {
	struct list link; /* process_lock */
	struct siginfo info;
};

static struct kmem_cache *info_cache; /* const after init */
static atomic64_t info_count;

static struct waiting_info *info_alloc(u64 limit);
static void info_free(struct waiting_info *w);
static struct waiting_info *info_find(struct signal_queue *queue, int sig);

void
signal_queue_boot(void)
{
	info_cache = kmem_cache_create("siginfo", sizeof(struct waiting_info), 0);
}

int
signal_queue_add(struct signal_queue *queue, const struct siginfo *info, u64 limit)
{
	bool standard = info->signo < SIGRTMIN;
	struct waiting_info *w;

	must_hold(&process_lock);
	if (standard && (queue->set & SIGNAL_BIT(info->signo)))
		return 0;
	if (standard && info->code == SI_KERNEL && !info->addr) {
		queue->from_kernel |= SIGNAL_BIT(info->signo);
		WRITE_ONCE(queue->set, queue->set | SIGNAL_BIT(info->signo));
		return 0;
	}
	/* Why: what the kernel or kill() sends of the standard signals costs the receiver nothing of its limit. */
	w = info_alloc(standard && info->code >= 0 ? RLIMIT_INFINITY : limit);
	if (w) {
		w->info = *info;
		list_add_tail(&w->link, &queue->infos);
	} else if (!standard && info->code != SI_USER) {
		return -EAGAIN;
	}
	WRITE_ONCE(queue->set, queue->set | SIGNAL_BIT(info->signo));
	return 0;
}

static struct waiting_info *
info_alloc(u64 limit)
{
	struct waiting_info *w;

	if ((u64)atomic64_read(&info_count) >= limit)
		return NULL;
	w = kmem_cache_alloc(info_cache, ALLOC_ATOMIC);
	if (w)
		atomic64_add(&info_count, 1);
	return w;
}

static void
info_free(struct waiting_info *w)
{
	list_del(&w->link);
	kmem_cache_free(info_cache, w);
	atomic64_add(&info_count, -1);
}

int
signal_queue_next(const struct signal_queue *thread, const struct signal_queue *process, u64 set)
{
	u64 open = thread->set & set;

	must_hold(&process_lock);
	if (open & SIGNALS_OF_FAULTS)
		open &= SIGNALS_OF_FAULTS;
	if (!open)
		open = process->set & set;
	return open ? __builtin_ctzl(open) + 1 : 0;
}

/* The signal's bit goes with its last siginfo. */
void
signal_queue_take_from(struct signal_queue *thread, struct signal_queue *process, int sig, struct siginfo *info)
{
	u64 bit = SIGNAL_BIT(sig);
	struct signal_queue *queue = thread->set & bit ? thread : process;
	struct waiting_info *w = info_find(queue, sig);

	must_hold(&process_lock);
	*info = w ? w->info : (struct siginfo){.signo = sig, .code = queue->from_kernel & bit ? SI_KERNEL : SI_USER};
	queue->from_kernel &= ~bit;
	if (w)
		info_free(w);
	if (sig < SIGRTMIN || !info_find(queue, sig))
		WRITE_ONCE(queue->set, queue->set & ~bit);
}

static struct waiting_info *
info_find(struct signal_queue *queue, int sig)
{
	struct waiting_info *w;

	list_for_each (w, &queue->infos, link)
		if (w->info.signo == sig)
			return w;
	return NULL;
}

void
signal_queue_forget(struct signal_queue *queue, u64 set)
{
	struct waiting_info *w;
	struct waiting_info *next;

	must_hold(&process_lock);
	if (!(queue->set & set))
		return;
	WRITE_ONCE(queue->set, queue->set & ~set);
	queue->from_kernel &= ~set;
	list_for_each_safe (w, next, &queue->infos, link)
		if (SIGNAL_BIT(w->info.signo) & set)
			info_free(w);
}

u64
signal_queue_count(void)
{
	return (u64)atomic64_read(&info_count);
}
