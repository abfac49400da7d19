/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/signal_frame.c - faults that a handler sees, alternate stacks, and frames that were tampered with
 *
 * Idea        what a program does to the frame may kill the program, and nobody else: each attack runs in a child
 * Invariants  see guest.h
 * Follow      to arch/x86_64/sigframe.c, kernel/signal_stack.c, kernel/signal_fault.c
 */
#include "guest.h"
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>

#define SS_AUTODISARM_FLAG (1u << 31)

static volatile int runs;
static siginfo_t last_info;
static ucontext_t last_context;
static sigjmp_buf jump;
static volatile int *volatile nowhere = (void *)8;

static void
handle(int sig, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction action = {.sa_sigaction = handler, .sa_flags = flags | SA_SIGINFO};

	check(sigaction(sig, &action, NULL) == 0);
}

static void
note_and_jump(int sig, siginfo_t *info, void *context)
{
	runs++;
	last_info = *info;
	last_context = *(ucontext_t *)context;
	siglongjmp(jump, sig);
}

static long
reg(int number)
{
	return last_context.uc_mcontext.gregs[number];
}

/* ---- faults ---- */

static void
segv_maperr(void)
{
	volatile unsigned char *p = map_private(PAGE);

	check(munmap((void *)p, PAGE) == 0);
	handle(SIGSEGV, note_and_jump, 0);
	if (!sigsetjmp(jump, 1))
		p[123] = 1;
	check(runs == 1 && last_info.si_signo == SIGSEGV && last_info.si_code == SEGV_MAPERR);
	check(last_info.si_addr == (void *)(p + 123));
	check(reg(REG_CR2) == (long)(p + 123) && reg(REG_TRAPNO) == 14 && reg(REG_ERR) == 6);
	if (!sigsetjmp(jump, 1))
		(void)p[45];
	check(runs == 2 && last_info.si_addr == (void *)(p + 45) && reg(REG_ERR) == 4);
}

static void
segv_accerr(void)
{
	volatile unsigned char *p = map_private(PAGE);

	p[0] = 1;
	check(mprotect((void *)p, PAGE, PROT_READ) == 0);
	handle(SIGSEGV, note_and_jump, 0);
	if (!sigsetjmp(jump, 1))
		p[7] = 1;
	check(runs == 1 && last_info.si_code == SEGV_ACCERR && last_info.si_addr == (void *)(p + 7));
	check(reg(REG_ERR) == 7);
}

/* The kernel's half: the address is told, but not whether anything is mapped there. */
static void
segv_kernel(void)
{
	volatile unsigned char *kernel = (void *)0xffffffff80100000;
	volatile unsigned char *hole = (void *)0xffff900000000000;

	handle(SIGSEGV, note_and_jump, 0);
	if (!sigsetjmp(jump, 1))
		(void)*kernel;
	check(runs == 1 && last_info.si_code == SEGV_MAPERR && last_info.si_addr == (void *)kernel);
	check(reg(REG_ERR) == 5);
	if (!sigsetjmp(jump, 1))
		(void)*hole;
	check(runs == 2 && last_info.si_code == SEGV_MAPERR && reg(REG_ERR) == 5);
}

static void
segv_noncanonical(void)
{
	volatile unsigned char *hole = (void *)0x8000000000001234;

	handle(SIGSEGV, note_and_jump, 0);
	if (!sigsetjmp(jump, 1))
		(void)*hole;
	check(runs == 1 && last_info.si_code == SI_KERNEL && last_info.si_addr == NULL && reg(REG_TRAPNO) == 13);
}

static void
divide(void)
{
	handle(SIGFPE, note_and_jump, 0);
	if (!sigsetjmp(jump, 1))
		__asm__ volatile("xorl %%ecx, %%ecx; movl $1, %%eax; cltd; idivl %%ecx" : : : "eax", "ecx", "edx");
	check(runs == 1 && last_info.si_signo == SIGFPE && last_info.si_code == FPE_INTDIV);
	check(last_info.si_addr == (void *)reg(REG_RIP) && reg(REG_TRAPNO) == 0);
}

/* Why x87: QEMU's emulator raises no SSE exceptions. */
static void
float_fault(void)
{
	uint16_t control = 0x37f & ~0x4; /* division by zero unmasked */

	handle(SIGFPE, note_and_jump, 0);
	if (!sigsetjmp(jump, 1))
		__asm__ volatile("fldcw %0; fld1; fldz; fdivrp; fwait" : : "m"(control));
	check(runs == 1 && last_info.si_code == FPE_FLTDIV && reg(REG_TRAPNO) == 16);
}

static void
illegal(void)
{
	handle(SIGILL, note_and_jump, 0);
	if (!sigsetjmp(jump, 1))
		__asm__ volatile("ud2");
	check(runs == 1 && last_info.si_code == ILL_ILLOPN && last_info.si_addr == (void *)reg(REG_RIP));
}

static void
goes_on(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	runs++;
	last_info = *info;
	last_context = *(ucontext_t *)context;
}

static void
breakpoint(void)
{
	handle(SIGTRAP, goes_on, 0);
	__asm__ volatile("int3");
	check(runs == 1 && last_info.si_signo == SIGTRAP && last_info.si_code == SI_KERNEL && reg(REG_TRAPNO) == 3);
}

static void
single_step(void)
{
	handle(SIGTRAP, goes_on, 0);
	__asm__ volatile("pushfq; orl $0x100, (%%rsp); popfq; nop; nop; pushfq; andl $~0x100, (%%rsp); popfq"
			 :
			 :
			 : "memory");
	check(runs >= 3 && last_info.si_code == TRAP_TRACE && last_info.si_addr == (void *)reg(REG_RIP));
}

static void
bus_past_end(void)
{
	int fd = file_make("/tmp/signal-bus", PAGE);
	volatile unsigned char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	check(p != MAP_FAILED && unlink("/tmp/signal-bus") == 0);
	handle(SIGBUS, note_and_jump, 0);
	if (!sigsetjmp(jump, 1))
		p[PAGE + 5] = 1;
	check(runs == 1 && last_info.si_signo == SIGBUS && last_info.si_code == BUS_ADRERR);
	check(last_info.si_addr == (void *)(p + PAGE + 5));
}

static volatile unsigned char *lazy;

static void
pages_in(int sig, siginfo_t *info, void *context)
{
	char *page = (char *)((uintptr_t)info->si_addr & ~(uintptr_t)(PAGE - 1));

	(void)sig;
	(void)context;
	runs++;
	check(mprotect(page, PAGE, PROT_READ | PROT_WRITE) == 0);
	*page = (page - (char *)lazy) / PAGE;
}

static void
user_paging(void)
{
	lazy = mmap(NULL, 200 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	handle(SIGSEGV, pages_in, 0);
	for (int i = 199; i >= 0; i--)
		check(lazy[i * PAGE] == i);
	for (int i = 0; i < 200; i++)
		lazy[i * PAGE + 1] = i;
	check(runs == 200);
}

static void
blocked_fault_kills(void)
{
	sigset_t set;

	handle(SIGSEGV, note_and_jump, 0);
	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	*nowhere = 1;
}

static void
ignored_fault_kills(void)
{
	signal(SIGSEGV, SIG_IGN);
	*nowhere = 1;
}

static void
faults_again(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)info;
	(void)context;
	*nowhere = 1;
}

static void
fault_in_handler_kills(void)
{
	handle(SIGSEGV, faults_again, 0);
	*nowhere = 1;
}

/* ---- alternate stacks ---- */

static char stack_memory[65536] __attribute__((aligned(PAGE)));

static void
stack_install(unsigned int flags)
{
	stack_t stack = {.ss_sp = stack_memory, .ss_size = sizeof(stack_memory), .ss_flags = (int)flags};

	check(sigaltstack(&stack, NULL) == 0);
}

static bool
on_alt(const void *p)
{
	return (const char *)p >= stack_memory && (const char *)p < stack_memory + sizeof(stack_memory);
}

static stack_t inside;
static volatile int errors[3];

static void
looks_at_stack(int sig, siginfo_t *info, void *context)
{
	stack_t disable = {.ss_flags = SS_DISABLE};

	(void)sig;
	check(on_alt(&disable) && on_alt(info) && on_alt(context));
	check(sigaltstack(NULL, &inside) == 0);
	errors[0] = sigaltstack(&disable, NULL) ? errno : 0;
	last_context = *(ucontext_t *)context;
	runs++;
}

static void
onstack(void)
{
	stack_t now;

	check(sigaltstack(NULL, &now) == 0 && now.ss_flags == SS_DISABLE);
	stack_install(0);
	handle(SIGUSR1, looks_at_stack, SA_ONSTACK);
	check(raise(SIGUSR1) == 0 && runs == 1);
	check(inside.ss_flags == SS_ONSTACK && inside.ss_sp == stack_memory && errors[0] == EPERM);
	check(last_context.uc_stack.ss_sp == stack_memory && last_context.uc_stack.ss_size == sizeof(stack_memory));
	check(sigaltstack(NULL, &now) == 0 && now.ss_flags == 0);
}

static void
looks_elsewhere(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)info;
	(void)context;
	check(!on_alt(&sig));
	runs++;
}

static void
without_onstack(void)
{
	stack_install(0);
	handle(SIGUSR1, looks_elsewhere, 0);
	check(raise(SIGUSR1) == 0 && runs == 1);
}

static void
nests_on_stack(int sig, siginfo_t *info, void *context)
{
	int here = ++runs;

	(void)info;
	(void)context;
	check(on_alt(&here));
	if (here < 5)
		raise(sig);
}

static void
onstack_nested(void)
{
	stack_install(0);
	handle(SIGUSR1, nests_on_stack, SA_ONSTACK | SA_NODEFER);
	check(raise(SIGUSR1) == 0 && runs == 5);
}

static void
stack_errors(void)
{
	stack_t stack = {.ss_sp = stack_memory, .ss_size = 2047};

	check_errno(syscall(SYS_sigaltstack, &stack, NULL), ENOMEM);
	stack.ss_size = 4096;
	stack.ss_flags = 4;
	check_errno(syscall(SYS_sigaltstack, &stack, NULL), EINVAL);
	stack.ss_flags = SS_ONSTACK;
	check(syscall(SYS_sigaltstack, &stack, NULL) == 0);
	check_errno(syscall(SYS_sigaltstack, (void *)8, NULL), EFAULT);
	check_errno(syscall(SYS_sigaltstack, NULL, (void *)8), EFAULT);
	stack.ss_flags = SS_DISABLE;
	stack.ss_size = 0;
	check(syscall(SYS_sigaltstack, &stack, NULL) == 0);
	check(sigaltstack(NULL, &stack) == 0 && stack.ss_flags == SS_DISABLE && !stack.ss_sp && !stack.ss_size);
}

static void
disarmed_inside(int sig, siginfo_t *info, void *context)
{
	stack_t mine = {.ss_sp = stack_memory, .ss_size = 4096, .ss_flags = 0};

	(void)sig;
	(void)info;
	check(on_alt(&mine));
	check(sigaltstack(NULL, &inside) == 0);
	/* Allowed, because there is none now. */
	errors[0] = sigaltstack(&mine, NULL) ? errno : 0;
	last_context = *(ucontext_t *)context;
	mine.ss_flags = SS_DISABLE;
	mine.ss_sp = NULL;
	runs++;
}

static void
autodisarm(void)
{
	stack_t now;

	stack_install(SS_AUTODISARM_FLAG);
	handle(SIGUSR1, disarmed_inside, SA_ONSTACK);
	check(sigaltstack(NULL, &now) == 0 && (unsigned int)now.ss_flags == SS_AUTODISARM_FLAG);
	check(raise(SIGUSR1) == 0 && runs == 1 && errors[0] == 0);
	check(inside.ss_flags & SS_DISABLE && !inside.ss_size);
	check((unsigned int)last_context.uc_stack.ss_flags == SS_AUTODISARM_FLAG);
	check(sigaltstack(NULL, &now) == 0 && (unsigned int)now.ss_flags == SS_AUTODISARM_FLAG);
	check(now.ss_size == sizeof(stack_memory));
}

static volatile int sink;

static __attribute__((noinline)) int
dig(int depth)
{
	volatile char hole[1000];

	hole[depth % 1000] = depth;
	sink += hole[0];
	return sink < -100000000 ? 0 : dig(depth + 1) + hole[1];
}

static void
stack_overflow(void)
{
	stack_install(0);
	handle(SIGSEGV, note_and_jump, SA_ONSTACK);
	for (int i = 0; i < 3; i++)
		if (!sigsetjmp(jump, 1))
			dig(0);
	check(runs == 3 && last_info.si_signo == SIGSEGV);
}

/* Without an alternate stack there is no place for the frame. */
static void
stack_overflow_kills(void)
{
	handle(SIGSEGV, note_and_jump, 0);
	dig(0);
}

static char small_stack[2048];

static void
fills_stack(int sig, siginfo_t *info, void *context)
{
	(void)info;
	(void)context;
	raise(sig);
}

/* The alternate stack runs over: the frame is not written below it. */
static void
alt_overflow_kills(void)
{
	static char guard[PAGE];
	stack_t stack = {.ss_sp = small_stack, .ss_size = sizeof(small_stack)};

	memset(guard, 0, sizeof(guard));
	check(sigaltstack(&stack, NULL) == 0);
	handle(SIGUSR1, fills_stack, SA_ONSTACK | SA_NODEFER);
	raise(SIGUSR1);
}

static void *
thread_handles(void *arg)
{
	stack_t now;

	check(sigaltstack(NULL, &now) == 0 && now.ss_flags == SS_DISABLE);
	stack_install(0);
	check(syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR1) == 0);
	return arg;
}

static void
thread_stack(void)
{
	pthread_t thread;

	handle(SIGUSR1, looks_at_stack, SA_ONSTACK);
	static char other[8192];
	stack_t mine = {.ss_sp = other, .ss_size = sizeof(other)};
	check(sigaltstack(&mine, NULL) == 0);
	check(pthread_create(&thread, NULL, thread_handles, NULL) == 0);
	check(pthread_join(thread, NULL) == 0);
	check(runs == 1 && inside.ss_flags == SS_ONSTACK);
	check(sigaltstack(NULL, &mine) == 0 && mine.ss_sp == other);
}

static void
fork_keeps_stack(void)
{
	int status;
	stack_t now;

	stack_install(0);
	pid_t pid = fork();
	if (pid == 0)
		_exit(sigaltstack(NULL, &now) || now.ss_sp != stack_memory || now.ss_flags);
	check(waitpid(pid, &status, 0) == pid && status == 0);
}

/* ---- tampering ---- */

enum attack {
	BAD_CS,
	BAD_SS,
	KERNEL_CS,
	BAD_RIP,
	BAD_RSP,
	KERNEL_RIP,
	BAD_FPSTATE,
	UNALIGNED_FPSTATE,
	KERNEL_FPSTATE,
	BAD_MXCSR,
	BAD_XSTATE_BV,
	BAD_XCOMP,
	BAD_RESERVED,
	ATTACKS
};

static volatile int attack;

static void
tampers(int sig, siginfo_t *info, void *context)
{
	greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
	char *fp = (char *)((ucontext_t *)context)->uc_mcontext.fpregs;
	uint64_t *header = (uint64_t *)(fp + 512);

	(void)sig;
	(void)info;
	switch (attack) {
	case BAD_CS:
		r[REG_CSGSFS] = (r[REG_CSGSFS] & ~0xffffL) | 0x43;
		break;
	case BAD_SS:
		r[REG_CSGSFS] = (r[REG_CSGSFS] & ~(0xffffL << 48)) | 0x1bL << 48;
		break;
	case KERNEL_CS:
		r[REG_CSGSFS] = (r[REG_CSGSFS] & ~0xffffL) | 0x10;
		break;
	case BAD_RIP:
		r[REG_RIP] = 0x8000000000000000;
		break;
	case BAD_RSP:
		r[REG_RSP] = 0x8000000000000000;
		break;
	case KERNEL_RIP:
		r[REG_RIP] = 0xffffffff80100000;
		break;
	case BAD_FPSTATE:
		((ucontext_t *)context)->uc_mcontext.fpregs = (void *)64;
		break;
	case UNALIGNED_FPSTATE:
		memmove(fp + 8, fp, 512);
		((ucontext_t *)context)->uc_mcontext.fpregs = (void *)(fp + 8);
		break;
	case KERNEL_FPSTATE:
		((ucontext_t *)context)->uc_mcontext.fpregs = (void *)0xffff888000000000;
		break;
	case BAD_MXCSR:
		*(uint32_t *)(fp + 24) = ~0u;
		break;
	case BAD_XSTATE_BV:
		header[0] = ~0UL;
		break;
	case BAD_XCOMP:
		header[1] = 1;
		break;
	case BAD_RESERVED:
		header[2] = 1;
		break;
	default:
		break;
	}
}

static void
attacked(void *arg)
{
	attack = (intptr_t)arg;
	handle(SIGUSR1, tampers, 0);
	raise(SIGUSR1);
	/* Whoever gets here has lost its stack pointer on the way. */
	_exit(0);
}

static bool
has_xsave(void)
{
	uint32_t a = 1, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return c & (1u << 27);
}

static void
tampered_frames(void)
{
	for (intptr_t i = BAD_CS; i < ATTACKS; i++) {
		/* Emulators differ from processors in what they check of an FXSAVE image's alignment and MXCSR. */
		if (i == UNALIGNED_FPSTATE || i == BAD_MXCSR || (i >= BAD_XSTATE_BV && !has_xsave())) {
			child_run(attacked, (void *)i);
			continue;
		}
		int status = child_run(attacked, (void *)i);
		/* A bad stack pointer may be a stack fault. */
		if (WIFSIGNALED(status) && i == BAD_RSP && WTERMSIG(status) == SIGBUS)
			continue;
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSEGV)
			fail("attack %d ended with status 0x%x", (int)i, status);
	}
}

static void
no_frame(void *arg)
{
	__asm__ volatile("movq %0, %%rsp; movl $15, %%eax; syscall; ud2" : : "r"(arg) : "memory");
}

static void
sigreturn_without_frame(void)
{
	child_must_die(no_frame, (void *)0x1000, SIGSEGV);
	child_must_die(no_frame, (void *)0x7ffffffff000, SIGSEGV);
	child_must_die(no_frame, (void *)0xffff888000000000, SIGSEGV);
	child_must_die(no_frame, (void *)0x8000000000000000, SIGSEGV);
	child_must_die(no_frame, NULL, SIGSEGV);
}

static uint64_t seed = 88172645463325252;

static uint64_t
rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static void
scrambles(int sig, siginfo_t *info, void *context)
{
	unsigned char *bytes = (unsigned char *)context;
	size_t size = (rnd() & 1) ? 304 : 304 + 128 + 600;

	(void)sig;
	(void)info;
	for (int i = rnd() % 16; i >= 0; i--)
		bytes[rnd() % size] = rnd();
	if (rnd() % 8 == 0)
		for (size_t i = 0; i < size; i++)
			bytes[i] = rnd();
}

static void
scrambled(void *arg)
{
	struct sigaction ignore = {.sa_handler = SIG_DFL};

	seed += (uintptr_t)arg * 7919;
	for (int i = 0; i < 8; i++)
		rnd();
	sigaction(SIGSEGV, &ignore, NULL);
	handle(SIGUSR1, scrambles, 0);
	raise(SIGUSR1);
	_exit(0);
}

/* A child that runs wild may also loop for ever: it is killed after a while. */
static void
random_frames(void)
{
	for (intptr_t i = 0; i < 300; i++) {
		pid_t pid = child_start(scrambled, (void *)i);

		for (int tries = 0; waitpid(pid, NULL, WNOHANG) == 0; tries++) {
			if (tries == 50)
				kill(pid, SIGKILL);
			usleep(200);
		}
	}
}

static void
new_flags(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)info;
	runs++;
	((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] = ~0L & ~0x100;
}

/* IOPL, IF, NT, VM and the like are not a program's to set. */
static void
flags_filtered(void)
{
	uint64_t flags = 0;
	int64_t rax = SYS_tgkill;

	handle(SIGUSR1, new_flags, 0);
	__asm__ volatile("syscall\n\tpushfq\n\tpopq %1\n\tcld\n\tpushfq\n\tandl $~0x40000, (%%rsp)\n\tpopfq"
			 : "+a"(rax), "=&r"(flags)
			 : "D"(getpid()), "S"(syscall(SYS_gettid)), "d"(SIGUSR1)
			 : "rcx", "r11", "memory");
	check(runs == 1 && (flags & 0x200) && !(flags & 0x3000) && !(flags & 0x4000) && !(flags & 0x1a0000));
	check((flags & 0xcd5) == 0xcd5);
}

const struct test_case signal_frame_cases[] = {
	{"SIGSEGV tells the address, and why in the error code", segv_maperr, 0, 0},
	{"SEGV_ACCERR: something is there, but not for writing", segv_accerr, 0, 0},
	{"an access to the kernel's half tells nothing of what is there", segv_kernel, 0, 0},
	{"a non-canonical address is a general protection fault without address", segv_noncanonical, 0, 0},
	{"a division by zero is SIGFPE at the instruction", divide, 0, 0},
	{"an unmasked floating-point exception says which one", float_fault, 0, 0},
	{"an illegal instruction is SIGILL at the instruction", illegal, 0, 0},
	{"int3 is SIGTRAP, and the program goes on behind it", breakpoint, 0, 0},
	{"single step traps behind each instruction", single_step, 0, 0},
	{"SIGBUS past the end of a mapped file tells the address", bus_past_end, 0, 0},
	{"a SIGSEGV handler pages 200 pages in", user_paging, 0, 0},
	{"a fault whose signal is blocked kills", blocked_fault_kills, SIGSEGV, 0},
	{"a fault whose signal is ignored kills", ignored_fault_kills, SIGSEGV, 0},
	{"a fault in its own handler kills", fault_in_handler_kills, SIGSEGV, 0},
	{"SA_ONSTACK: the handler runs on the alternate stack", onstack, 0, 0},
	{"without SA_ONSTACK it does not", without_onstack, 0, 0},
	{"on the alternate stack handlers nest", onstack_nested, 0, 0},
	{"sigaltstack has its errno", stack_errors, 0, 0},
	{"SS_AUTODISARM takes the stack away while the handler runs", autodisarm, 0, 0},
	{"a stack overflow is caught on the alternate stack, again and again", stack_overflow, 0, 0},
	{"a stack overflow without one kills", stack_overflow_kills, SIGSEGV, 0},
	{"an alternate stack that runs over kills", alt_overflow_kills, SIGSEGV, 0},
	{"each thread has an alternate stack of its own", thread_stack, 0, CASE_SMP},
	{"a child keeps its parent's alternate stack", fork_keeps_stack, 0, 0},
	{"frames that were tampered with kill their program alone", tampered_frames, 0, 0},
	{"rt_sigreturn without a frame is SIGSEGV", sigreturn_without_frame, 0, 0},
	{"three hundred scrambled frames do not hurt the kernel", random_frames, 0, CASE_SMP},
	{"a handler sets only the flags that are a program's", flags_filtered, 0, 0},
	{0},
};
