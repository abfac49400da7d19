/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/swaprace.c - what else happens while pages leave memory and come back
 *
 * Idea        The machine and the disks of swap.c. Pages go out and come back while their program forks, while their
 *             area is turned off, and while the kernel builds a signal's frame on them; swapoff itself is interrupted.
 * Invariants  see guest.h
 * Locks       none
 * Follow      from test_guest.py   to mm/swapoff.c, mm/swap_leaf.c, mm/reclaim_batch.c, arch/x86_64/sigframe.c
 * Tests       none
 */
#include "guest.h"
#include "procfile.h"
#include "swapping.h"
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <ucontext.h>

typedef volatile unsigned char bytes_t;

enum {
	FEW = 64,
	MANY = 16 * MIB / PAGE,
	ROOM = 8 * MIB / PAGE,
	PRESS = 12 * MIB / PAGE,
	FORKS = 30,
	AT_ONCE = 3,
	OFFS = 4,
	WORKERS = 3,
	TRIES = 20,
	STACK_PAGES = 16,
	PROOFS = 10
};

/* ---- swapoff is interrupted ---- */

static volatile sig_atomic_t signals;

static void
on_signal(int sig)
{
	(void)sig;
	signals++;
}

/* Waits until pages come in (Linux may have them in its swap cache: until it begins), and sends a signal there. */
static void
interrupts(void *arg)
{
	const char *moves = on_tidemark() ? "pswpin" : "SwapTotal:";
	long before = figure(moves);

	announce(arg);
	while (figure(moves) == before)
		sched_yield();
	check(kill(getppid(), SIGUSR1) == 0);
}

/* Until it happens: on a host that is busy elsewhere all may be back before the signal comes. */
static void
off_is_interrupted(void)
{
	struct sigaction action = {.sa_handler = on_signal};
	volatile int *ready = (volatile int *)map_shared(PAGE);
	bytes_t *p = map_private(MANY * PAGE);
	int result = 0;

	check(sigaction(SIGUSR1, &action, NULL) == 0);
	pages_stamp(p, MANY * PAGE, 100);
	swap_on("/dev/vda");
	for (int i = 1; !result && i <= TRIES; i++) {
		page_out(p, MANY * PAGE);
		pid_t child = child_start(interrupts, (void *)ready);
		await(ready, i);
		result = swapoff("/dev/vda") ? errno : 0;
		check(child_wait(child) == 0 && signals == i);
		if (!result)
			swap_on("/dev/vda");
	}
	check(result == EINTR);
	check(strstr(proc_text("/proc/swaps"), "/dev/vda"));
	check(proc_value("/proc/meminfo", "SwapTotal") == 256 * 1024 - 4);
	must_be_stamped(p, MANY * PAGE, 100);
	/* And it is on as before: pages go out to it. */
	long out = figure("pswpout");
	pages_stamp(p, FEW * PAGE, 50000);
	page_out(p, FEW * PAGE);
	check(figure("pswpout") >= out + FEW);
	swap_off("/dev/vda");
	must_be_stamped(p, FEW * PAGE, 50000);
	must_be_stamped(p + FEW * PAGE, (MANY - FEW) * PAGE, 100 + FEW);
	check(munmap((void *)p, MANY * PAGE) == 0 && munmap((void *)ready, PAGE) == 0);
}

/* ---- eviction and fork ---- */

struct race {
	bytes_t *p;
	uint64_t who[FEW]; /* of each page, as this process has it */
	volatile int stop;
};

/* Needs more than there is, so that all else leaves; and those pages by name. */
static void *
evicts(void *arg)
{
	struct race *r = arg;
	bytes_t *fresh = map_private(PRESS * PAGE);

	for (size_t i = 0; !r->stop; i = (i + FEW) % PRESS) {
		pages_stamp(fresh + i * PAGE, FEW * PAGE, i);
		check(madvise((void *)r->p, FEW * PAGE, MADV_PAGEOUT) == 0);
		sched_yield();
	}
	check(munmap((void *)fresh, PRESS * PAGE) == 0);
	return NULL;
}

/* Locks all free memory but ROOM. */
static bytes_t *
room_make(size_t *bytes)
{
	*bytes = (size_t)(free_pages() > ROOM ? free_pages() - ROOM : 1) * PAGE;
	bytes_t *p = map_private(*bytes);

	check(mlock((void *)p, *bytes) == 0);
	return p;
}

static void
race_check(const struct race *r)
{
	for (size_t i = 0; i < FEW; i++)
		check(page_stamped(r->p + i * PAGE, r->who[i]));
}

static void
race_write(struct race *r, size_t first, size_t step, uint64_t who)
{
	for (size_t i = first; i < FEW; i += step)
		page_stamp(r->p + i * PAGE, r->who[i] = who + i);
}

static void
inherits(void *arg)
{
	struct race *r = arg;

	race_check(r);
	race_write(r, (size_t)getpid() % 5, 5, 900000 + (uint64_t)getpid() * FEW);
	check(madvise((void *)r->p, FEW * PAGE, MADV_PAGEOUT) == 0);
	race_check(r);
}

/* A thread evicts while another forks, and writes; each child finds what was there when it came, and writes too. */
static void
eviction_and_fork(void)
{
	static struct race r;
	pid_t pid[AT_ONCE] = {0};
	pthread_t thread;

	swap_on("/dev/vda");
	long out = figure("pswpout");
	size_t bytes;
	bytes_t *locked = room_make(&bytes);
	r.p = map_private(FEW * PAGE);
	race_write(&r, 0, 1, 1000);
	check(pthread_create(&thread, NULL, evicts, &r) == 0);
	for (size_t n = 0; n < FORKS; n++) {
		pid_t *child = &pid[n % AT_ONCE];

		check(!*child || child_wait(*child) == 0);
		*child = child_start(inherits, &r);
		race_write(&r, n % 3, 3, 2000 + n * FEW);
		race_check(&r);
	}
	for (size_t n = 0; n < AT_ONCE; n++)
		check(child_wait(pid[n]) == 0);
	r.stop = 1;
	check(pthread_join(thread, NULL) == 0);
	race_check(&r);
	check(figure("pswpout") > out + FEW);
	check(munmap((void *)r.p, FEW * PAGE) == 0 && munmap((void *)locked, bytes) == 0);
	swap_off("/dev/vda");
}

/* ---- private memory and swapoff ---- */

/* Shared: how many workers have begun, and whether they may stop. */
struct turns {
	volatile int ready, stop, rounds;
};

static void
goes_in_and_out(void *arg)
{
	struct turns *t = arg;
	static struct race r;

	r.p = map_private(FEW * PAGE);
	bytes_t *fresh = map_private(PRESS / WORKERS * PAGE);
	race_write(&r, 0, 1, (uint64_t)getpid() << 20);
	announce(&t->ready);
	for (size_t n = 0; !t->stop; n++) {
		check(madvise((void *)r.p, FEW * PAGE, MADV_PAGEOUT) == 0);
		/* So that frames are wanted. */
		pages_stamp(fresh + n * FEW % (PRESS / WORKERS - FEW) * PAGE, FEW * PAGE, n);
		if (n % 4 == 0)
			child_must_live(inherits, &r);
		race_check(&r);
		race_write(&r, n % 7, 7, ((uint64_t)getpid() << 20) + n * FEW);
		announce(&t->rounds);
	}
	race_check(&r);
}

/* Until each worker has gone round, more or less. */
static void
rounds_await(struct turns *t)
{
	int want = t->rounds + WORKERS;

	while (__atomic_load_n(&t->rounds, __ATOMIC_SEQ_CST) < want) {
		if (waitpid(-1, NULL, WNOHANG) != 0) {
			t->stop = 1;
			fail("a worker ended before its time");
		}
		sched_yield();
	}
}

/* An area goes and comes, beside a second one that stays, while several use it; each round meets all at work. */
static void
private_and_off(void)
{
	struct turns *t = (struct turns *)map_shared(PAGE);
	pid_t pid[WORKERS];

	swap_on("/dev/vda");
	swap_on("/dev/vdb");
	size_t bytes;
	bytes_t *locked = room_make(&bytes);
	long in = figure("pswpin");
	for (int i = 0; i < WORKERS; i++)
		pid[i] = child_start(goes_in_and_out, t);
	await(&t->ready, WORKERS);
	for (int i = 0; i < OFFS; i++) {
		rounds_await(t);
		swap_off("/dev/vda");
		swap_on("/dev/vda");
	}
	t->stop = 1;
	for (int i = 0; i < WORKERS; i++)
		check(child_wait(pid[i]) == 0);
	check(figure("pswpin") > in + FEW);
	check(munmap((void *)t, PAGE) == 0 && munmap((void *)locked, bytes) == 0);
	swap_off("/dev/vdb");
	swap_off("/dev/vda");
}

/* ---- a signal's frame ---- */

static bytes_t *stack;
static volatile int runs;

/* The frame's upper end, with the registers of the FPU, is on a page that nobody touches here: it stays out. */
static void
frame_goes_out(int sig, siginfo_t *info, void *context)
{
	check(sig == SIGUSR1 && info->si_code == SI_TKILL && info->si_pid == getpid());
	check((bytes_t *)&sig > stack && (bytes_t *)context > stack);
	__asm__ volatile("movq %0, %%xmm8" : : "r"(~0UL) : "xmm8");
	page_out(stack, (STACK_PAGES + 1) * PAGE);
	must_be_out(stack + STACK_PAGES * PAGE, PAGE);
	runs++;
}

/* The whole stack is out before each signal; its top lies a bit above the border of a page. */
static void
frame_on_stack_that_is_out(void)
{
	const uint64_t mark = 0x1122334455667788;
	struct sigaction action = {.sa_sigaction = frame_goes_out, .sa_flags = SA_SIGINFO | SA_ONSTACK};

	swap_on("/dev/vda");
	stack = map_private((STACK_PAGES + 1) * PAGE);
	stack_t alternate = {.ss_sp = (void *)stack, .ss_size = STACK_PAGES * PAGE + 256};
	check(sigaltstack(&alternate, NULL) == 0 && sigaction(SIGUSR1, &action, NULL) == 0);
	pages_stamp(stack, (STACK_PAGES + 1) * PAGE, 70000);
	for (int i = 1; i <= 3; i++) {
		uint64_t found;
		long result;

		page_out(stack, (STACK_PAGES + 1) * PAGE);
		must_be_out(stack + (STACK_PAGES - 1) * PAGE, 2 * PAGE);
		__asm__ volatile("movq %6, %%xmm8\n\tsyscall\n\tmovq %%xmm8, %1"
				 : "=a"(result), "=&r"(found)
				 : "a"((long)SYS_tgkill), "D"((long)getpid()), "S"((long)gettid()), "d"((long)SIGUSR1),
				   "r"(mark)
				 : "rcx", "r11", "memory", "xmm8");
		check(result == 0 && runs == i && found == mark);
	}
	must_be_stamped(stack, PAGE, 70000); /* where no frame comes, all is as it was */
	stack_t none = {.ss_flags = SS_DISABLE};
	check(sigaltstack(&none, NULL) == 0 && munmap((void *)stack, (STACK_PAGES + 1) * PAGE) == 0);
	swap_off("/dev/vda");
}

/* What it finds is not asked: it is exact on a quiet machine only. */
static void
read_proofs(void *arg)
{
	(void)arg;
	for (int i = 0; i < PROOFS && on_tidemark(); i++)
		proc_text("/proc/mm_check");
}

static void
proofs_and_off(void)
{
	bytes_t *p = map_private(FEW * PAGE);
	pid_t readers[WORKERS];

	for (int i = 0; i < WORKERS; i++)
		readers[i] = child_start(read_proofs, NULL);
	pages_stamp(p, FEW * PAGE, 80000);
	for (int i = 0; i < PROOFS; i++) {
		swap_on("/dev/vda");
		page_out(p, FEW * PAGE);
		swap_off("/dev/vda");
	}
	must_be_stamped(p, FEW * PAGE, 80000);
	for (int i = 0; i < WORKERS; i++)
		check(child_wait(readers[i]) == 0);
	check(munmap((void *)p, FEW * PAGE) == 0);
}

#define SWAP CASE_NAMED
#define SWAP_SMP (CASE_NAMED | CASE_SMP)

const struct test_case swaprace_cases[] = {
	{"swapoff that a signal interrupts is EINTR; the area is on, and every page right", off_is_interrupted, 0,
	 SWAP},
	{"a thread evicts while another forks: each has its own pages", eviction_and_fork, 0, SWAP_SMP},
	{"private memory goes in and out while its area is turned off", private_and_off, 0, SWAP_SMP},
	{"several read /proc/mm_check while areas come and go", proofs_and_off, 0, SWAP_SMP},
	{"a signal's frame on a stack that is out, and out again before sigreturn", frame_on_stack_that_is_out, 0,
	 SWAP},
	{0},
};
