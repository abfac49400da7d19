/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/signal.c - handlers: when they run, with what arguments and mask, and how they come back
 *
 * Idea        a handler notes what it saw in globals; the case looks afterwards
 * Invariants  see guest.h
 * Follow      to kernel/signal.c, kernel/signal_return.c, arch/x86_64/sigframe.c
 */
#include "guest.h"
#include <setjmp.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>

static volatile int runs;
static volatile int last_signal;
static siginfo_t last_info;
static sigset_t mask_inside;

static void
count(int sig)
{
	runs++;
	last_signal = sig;
}

static void
take_info(int sig, siginfo_t *info, void *context)
{
	(void)context;
	runs++;
	last_signal = sig;
	last_info = *info;
	sigprocmask(SIG_BLOCK, NULL, &mask_inside);
}

static void
handle(int sig, void (*handler)(int), int flags)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

	check(sigaction(sig, &action, NULL) == 0);
}

static void
handle_info(int sig, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction action = {.sa_sigaction = handler, .sa_flags = flags | SA_SIGINFO};

	check(sigaction(sig, &action, NULL) == 0);
}

static void
handler_runs(void)
{
	handle(SIGUSR1, count, 0);
	check(kill(getpid(), SIGUSR1) == 0);
	check(runs == 1 && last_signal == SIGUSR1);
	check(raise(SIGUSR1) == 0 && runs == 2);
}

static void
info_of_kill(void)
{
	handle_info(SIGUSR1, take_info, 0);
	check(kill(getpid(), SIGUSR1) == 0 && runs == 1);
	check(last_info.si_signo == SIGUSR1 && last_info.si_code == SI_USER && last_info.si_errno == 0);
	check(last_info.si_pid == getpid() && last_info.si_uid == getuid());
	check(syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR1) == 0 && runs == 2);
	check(last_info.si_code == SI_TKILL && last_info.si_pid == getpid());
}

static void
info_tail_is_zero(void)
{
	unsigned char *bytes = (unsigned char *)&last_info;

	handle_info(SIGUSR1, take_info, 0);
	memset(&last_info, 0xff, sizeof(last_info));
	check(kill(getpid(), SIGUSR1) == 0);
	for (size_t i = 24; i < sizeof(last_info); i++)
		check(bytes[i] == 0);
	check(bytes[12] == 0 && bytes[15] == 0);
}

static void
mask_in_handler(void)
{
	struct sigaction action = {.sa_sigaction = take_info, .sa_flags = SA_SIGINFO};
	sigset_t after;

	sigaddset(&action.sa_mask, SIGUSR2);
	check(sigaction(SIGUSR1, &action, NULL) == 0);
	check(raise(SIGUSR1) == 0 && runs == 1);
	check(sigismember(&mask_inside, SIGUSR1) == 1 && sigismember(&mask_inside, SIGUSR2) == 1);
	check(sigismember(&mask_inside, SIGTERM) == 0);
	check(sigprocmask(SIG_BLOCK, NULL, &after) == 0);
	check(sigismember(&after, SIGUSR1) == 0 && sigismember(&after, SIGUSR2) == 0);
}

static void
nodefer(void)
{
	handle_info(SIGUSR1, take_info, SA_NODEFER);
	check(raise(SIGUSR1) == 0 && runs == 1);
	check(sigismember(&mask_inside, SIGUSR1) == 0);
}

static void
resethand(void)
{
	struct sigaction now;

	handle(SIGUSR1, count, SA_RESETHAND);
	check(raise(SIGUSR1) == 0 && runs == 1);
	check(sigaction(SIGUSR1, NULL, &now) == 0 && now.sa_handler == SIG_DFL);
	raise(SIGUSR1);
}

static void
resethand_after_fork(void)
{
	struct sigaction now;
	int status;

	handle(SIGUSR1, count, SA_RESETHAND);
	pid_t pid = fork();
	if (pid == 0) {
		raise(SIGUSR1);
		_exit(runs == 1 && sigaction(SIGUSR1, NULL, &now) == 0 && now.sa_handler == SIG_DFL ? 0 : 1);
	}
	check(waitpid(pid, &status, 0) == pid && status == 0);
	check(sigaction(SIGUSR1, NULL, &now) == 0 && now.sa_handler == count);
}

static void
blocked_waits(void)
{
	sigset_t set;
	sigset_t pending;

	handle(SIGUSR1, count, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	check(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	check(raise(SIGUSR1) == 0 && raise(SIGUSR1) == 0 && runs == 0);
	check(sigpending(&pending) == 0 && sigismember(&pending, SIGUSR1) == 1);
	check(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
	check(runs == 1);
	check(sigpending(&pending) == 0 && sigismember(&pending, SIGUSR1) == 0);
}

static void
ignoring_drops_pending(void)
{
	sigset_t set;
	sigset_t pending;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGCHLD);
	check(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	check(raise(SIGUSR1) == 0 && raise(SIGCHLD) == 0);
	check(sigpending(&pending) == 0 && sigismember(&pending, SIGUSR1) == 1 && sigismember(&pending, SIGCHLD) == 1);
	handle(SIGUSR1, SIG_IGN, 0);
	handle(SIGCHLD, SIG_DFL, 0);
	check(sigpending(&pending) == 0 && sigismember(&pending, SIGUSR1) == 0 && sigismember(&pending, SIGCHLD) == 0);
}

static volatile int order[8];
static volatile int orders;

static void
note_order(int sig)
{
	order[orders++] = sig;
}

/* The frame of the highest is written last and runs first, unless its mask forbids the others. */
static void
several_nest(void)
{
	struct sigaction action = {.sa_handler = note_order};
	sigset_t set;

	sigfillset(&action.sa_mask);
	sigfillset(&set);
	check(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	check(sigaction(SIGUSR1, &action, NULL) == 0 && sigaction(SIGUSR2, &action, NULL) == 0);
	check(sigaction(SIGHUP, &action, NULL) == 0);
	check(raise(SIGUSR2) == 0 && raise(SIGHUP) == 0 && raise(SIGUSR1) == 0);
	check(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
	check(orders == 3 && order[0] == SIGHUP && order[1] == SIGUSR1 && order[2] == SIGUSR2);
	orders = 0;
	handle(SIGUSR1, note_order, 0);
	handle(SIGUSR2, note_order, 0);
	check(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	check(raise(SIGUSR1) == 0 && raise(SIGUSR2) == 0);
	check(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
	check(orders == 2 && order[0] == SIGUSR2 && order[1] == SIGUSR1);
}

static volatile int depth;

static void
recurse(int sig)
{
	int here = ++depth;

	if (here < 20)
		raise(sig);
	check(depth == 20);
	runs++;
}

static void
nested_deep(void)
{
	handle(SIGUSR1, recurse, SA_NODEFER);
	check(raise(SIGUSR1) == 0 && depth == 20 && runs == 20);
}

static sigjmp_buf jump;

static void
jumps(int sig)
{
	siglongjmp(jump, sig);
}

static void
longjmp_out(void)
{
	sigset_t now;

	handle(SIGUSR1, jumps, 0);
	for (volatile int i = 0; i < 1000; i++) {
		if (sigsetjmp(jump, 1) == 0) {
			raise(SIGUSR1);
			fail("the jump did not happen");
		}
		check(sigprocmask(SIG_BLOCK, NULL, &now) == 0 && sigismember(&now, SIGUSR1) == 0);
	}
}

static void
change_context(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	(void)info;
	runs++;
	sigaddset(&uc->uc_sigmask, SIGUSR2);
	uc->uc_mcontext.gregs[REG_RAX] = 4711;
	uc->uc_mcontext.gregs[REG_R12] ^= 0xff;
}

/* All registers come back, those that the handler changed as it left them. */
static void
registers_come_back(void)
{
	uint64_t r12 = 0x1234;
	uint64_t r13 = 0xdeadbeefcafe;
	int64_t rax = SYS_tgkill;
	pid_t tid = syscall(SYS_gettid);
	sigset_t now;

	handle_info(SIGUSR1, change_context, 0);
	register uint64_t in12 __asm__("r12") = r12;
	register uint64_t in13 __asm__("r13") = r13;
	__asm__ volatile("syscall"
			 : "+a"(rax), "+r"(in12), "+r"(in13)
			 : "D"(getpid()), "S"(tid), "d"(SIGUSR1)
			 : "rcx", "r11", "memory");
	check(runs == 1 && rax == 4711 && in12 == (r12 ^ 0xff) && in13 == r13);
	check(sigprocmask(SIG_BLOCK, NULL, &now) == 0 && sigismember(&now, SIGUSR2) == 1);
}

static uint64_t frame_rsp;
static uint64_t frame_sp_saved;
static uint64_t frame_fpstate;
static uint64_t frame_flags;
static uint64_t frame_cs;

static void
look_at_frame(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	runs++;
	/* In the frame ucontext is 8 behind pretcode, siginfo 304 behind that. */
	check((char *)info == (char *)context + 304);
	frame_rsp = (uint64_t)context - 8;
	frame_sp_saved = uc->uc_mcontext.gregs[REG_RSP];
	frame_fpstate = (uint64_t)uc->uc_mcontext.fpregs;
	frame_flags = uc->uc_flags;
	frame_cs = uc->uc_mcontext.gregs[REG_CSGSFS];
}

static void
frame_layout(void)
{
	handle_info(SIGUSR1, look_at_frame, 0);
	check(raise(SIGUSR1) == 0 && runs == 1);
	check(frame_rsp % 16 == 8);
	check(frame_fpstate % 64 == 0 && frame_fpstate > frame_rsp + 440 - 1);
	check(frame_sp_saved - 128 >= frame_fpstate + 512);
	check((frame_cs & 0xffff) == 0x33 && frame_cs >> 48 == 0x2b);
	check((frame_flags & 6) == 6);
	if (frame_flags & 1) {
		uint32_t *sw = (uint32_t *)(frame_fpstate + 464);

		check(frame_sp_saved - 128 >= frame_fpstate + 576);
		(void)sw;
	}
}

static uint32_t magic1, magic2, extended, size1;
static uint64_t components;

static void
look_at_fpu(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	char *fp = (char *)uc->uc_mcontext.fpregs;

	(void)sig;
	(void)info;
	memcpy(&magic1, fp + 464, 4);
	memcpy(&extended, fp + 468, 4);
	memcpy(&components, fp + 472, 8);
	memcpy(&size1, fp + 480, 4);
	if (magic1 == 0x46505853)
		memcpy(&magic2, fp + size1, 4);
	runs++;
}

static void
fpu_magic(void)
{
	handle_info(SIGUSR1, look_at_fpu, 0);
	check(raise(SIGUSR1) == 0 && runs == 1);
	if (!magic1)
		return; /* a processor without XSAVE */
	check(magic1 == 0x46505853 && magic2 == 0x46505845);
	check(size1 >= 576 && extended == size1 + 4 && (components & 3) == 3);
}

/* A leaf function's red zone: 128 bytes below rsp belong to it although rsp does not say so. */
static void
red_zone(void)
{
	uint64_t sum = 0;
	int64_t rax = SYS_tgkill;

	handle(SIGUSR1, count, 0);
	__asm__ volatile("movq $0x1111, -8(%%rsp)\n\tmovq $0x2222, -128(%%rsp)\n\tsyscall\n\t"
			 "movq -8(%%rsp), %1\n\taddq -128(%%rsp), %1"
			 : "+a"(rax), "=&r"(sum)
			 : "D"(getpid()), "S"(syscall(SYS_gettid)), "d"(SIGUSR1)
			 : "rcx", "r11", "memory");
	check(rax == 0 && runs == 1 && sum == 0x3333);
}

static void
flags_are_clean(int sig)
{
	uint64_t flags;

	(void)sig;
	__asm__ volatile("pushfq; popq %0" : "=r"(flags));
	check(!(flags & 0x400));
	runs++;
}

static void
direction_flag(void)
{
	int64_t rax = SYS_tgkill;
	uint64_t flags;

	handle(SIGUSR1, flags_are_clean, 0);
	__asm__ volatile("std\n\tsyscall\n\tpushfq\n\tpopq %1\n\tcld"
			 : "+a"(rax), "=&r"(flags)
			 : "D"(getpid()), "S"(syscall(SYS_gettid)), "d"(SIGUSR1)
			 : "rcx", "r11", "memory");
	check(runs == 1 && (flags & 0x400));
}

static void
bad_arguments(void)
{
	struct {
		void *handler;
		unsigned long flags;
		void *restorer;
		unsigned long mask;
	} action = {0};
	struct sigaction ours = {.sa_handler = count};

	check_errno(syscall(SYS_rt_sigaction, 0, &action, NULL, 8), EINVAL);
	check_errno(syscall(SYS_rt_sigaction, 65, &action, NULL, 8), EINVAL);
	check_errno(syscall(SYS_rt_sigaction, SIGUSR1, &action, NULL, 16), EINVAL);
	check_errno(syscall(SYS_rt_sigaction, SIGKILL, &action, NULL, 8), EINVAL);
	check_errno(syscall(SYS_rt_sigaction, SIGSTOP, &action, NULL, 8), EINVAL);
	check(syscall(SYS_rt_sigaction, SIGKILL, NULL, &action, 8) == 0);
	check_errno(syscall(SYS_rt_sigaction, SIGUSR1, (void *)8, NULL, 8), EFAULT);
	check_errno(syscall(SYS_rt_sigaction, SIGUSR1, NULL, (void *)8, 8), EFAULT);
	check_errno(sigaction(SIGKILL, &ours, NULL), EINVAL);
	check_errno(kill(getpid(), 65), EINVAL);
	check_errno(kill(getpid(), -1), EINVAL);
	check_errno(kill(999999, SIGUSR1), ESRCH);
	check_errno(kill(-999999, SIGUSR1), ESRCH);
	check_errno(syscall(SYS_tkill, 0, SIGUSR1), EINVAL);
	check_errno(syscall(SYS_tkill, 999999, SIGUSR1), ESRCH);
	check_errno(syscall(SYS_tgkill, getpid(), -1, SIGUSR1), EINVAL);
	check_errno(syscall(SYS_tgkill, getppid(), syscall(SYS_gettid), SIGUSR1), ESRCH);
	check_errno(syscall(SYS_rt_sigprocmask, 3, &action, NULL, 8), EINVAL);
	check_errno(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &action, NULL, 4), EINVAL);
	check(syscall(SYS_rt_sigprocmask, 77, NULL, NULL, 8) == 0);
}

static void
unknown_flags_vanish(void)
{
	struct {
		void *handler;
		unsigned long flags;
		void *restorer;
		unsigned long mask;
	} set = {.handler = (void *)1, .flags = 0x400 | 0x2000 | SA_RESTART | SA_NOCLDSTOP, .mask = ~0UL}, got;

	check(syscall(SYS_rt_sigaction, SIGUSR1, &set, NULL, 8) == 0);
	check(syscall(SYS_rt_sigaction, SIGUSR1, NULL, &got, 8) == 0);
	check(got.flags == (SA_RESTART | SA_NOCLDSTOP));
	check(got.mask == (~0UL & ~(1UL << (SIGKILL - 1)) & ~(1UL << (SIGSTOP - 1))));
}

/* Without SA_RESTORER there is no way back: the program gets SIGSEGV instead of its handler. */
static void
no_restorer(void)
{
	struct {
		void *handler;
		unsigned long flags;
		void *restorer;
		unsigned long mask;
	} set = {.handler = (void *)count};

	check(syscall(SYS_rt_sigaction, SIGUSR1, &set, NULL, 8) == 0);
	syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR1);
}

static void
exec_looks(void *arg)
{
	(void)arg;
	raise(SIGHUP);
	execl(self_path, self_path, "--role=signal_look", NULL);
	_exit(99);
}

/* execve: handlers become defaults, what is ignored and what is blocked stays. */
void role_signal_look(int argc, char **argv);

void
role_signal_look(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	struct sigaction action;
	stack_t stack;
	sigset_t set;

	check(sigaction(SIGUSR1, NULL, &action) == 0);
	_exit(action.sa_handler != SIG_DFL                                           ? 1
	      : action.sa_flags & SA_RESTART                                         ? 2
	      : sigaction(SIGUSR2, NULL, &action) || action.sa_handler != SIG_IGN    ? 3
	      : sigprocmask(SIG_BLOCK, NULL, &set) || sigismember(&set, SIGHUP) != 1 ? 4
	      : sigpending(&set) || sigismember(&set, SIGHUP) != 1                   ? 5
	      : sigaltstack(NULL, &stack) || !(stack.ss_flags & SS_DISABLE)          ? 6
	      : stack.ss_sp || stack.ss_size                                         ? 7
										     : 0);
}

static void
exec_resets(void)
{
	static char memory[16384];
	stack_t stack = {.ss_sp = memory, .ss_size = sizeof(memory)};
	sigset_t set;

	handle(SIGUSR1, count, SA_RESTART);
	handle(SIGUSR2, SIG_IGN, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	check(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	check(sigaltstack(&stack, NULL) == 0);
	child_must_live(exec_looks, NULL); /* shares the table of actions */
	exec_looks(NULL);                  /* owns it */
}

static void
fork_keeps_actions(void)
{
	int status;

	handle(SIGUSR1, count, 0);
	pid_t pid = fork();
	if (pid == 0) {
		raise(SIGUSR1);
		if (runs != 1)
			_exit(1);
		handle(SIGUSR1, SIG_IGN, 0);
		_exit(0);
	}
	check(waitpid(pid, &status, 0) == pid && status == 0);
	check(raise(SIGUSR1) == 0 && runs == 1);
}

static void
fork_inherits_no_pending(void)
{
	sigset_t set;
	sigset_t pending;
	int status;

	sigfillset(&set);
	check(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	check(raise(SIGUSR1) == 0 && kill(getpid(), SIGUSR2) == 0);
	pid_t pid = fork();
	if (pid == 0)
		_exit(sigpending(&pending) || !sigismember(&pending, SIGUSR1) - !sigismember(&pending, SIGUSR2) ||
		      sigismember(&pending, SIGUSR1));
	check(waitpid(pid, &status, 0) == pid && status == 0);
	check(sigpending(&pending) == 0 && sigismember(&pending, SIGUSR1) && sigismember(&pending, SIGUSR2));
}

static void
child_info(void)
{
	handle_info(SIGCHLD, take_info, 0);
	pid_t pid = fork();
	if (pid == 0)
		_exit(7);
	while (!runs)
		usleep(100);
	check(last_info.si_signo == SIGCHLD && last_info.si_code == CLD_EXITED && last_info.si_pid == pid);
	check(last_info.si_status == 7);
	check(waitpid(pid, NULL, 0) == pid);
	runs = 0;
	pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	check(kill(pid, SIGTERM) == 0);
	while (!runs)
		usleep(100);
	check(last_info.si_code == CLD_KILLED && last_info.si_status == SIGTERM && last_info.si_pid == pid);
	check(waitpid(pid, NULL, 0) == pid);
}

static void
nocldwait(void)
{
	handle(SIGCHLD, count, SA_NOCLDWAIT);
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	check_errno(wait(NULL), ECHILD);
	check(runs == 1);
	check_errno(kill(pid, 0), ESRCH);
}

static void
million(void)
{
	handle(SIGUSR1, count, 0);
	int rounds = cpus_online() ? 100000 : 0;
	pid_t pid = getpid();
	for (int i = 0; i < rounds; i++)
		kill(pid, SIGUSR1);
	check(runs == rounds);
}

static volatile double float_in_handler;

static void
uses_fpu(int sig)
{
	double x = sig;
	unsigned char ones[16];

	memset(ones, 0xff, sizeof(ones));
	for (int i = 0; i < 10; i++)
		x = x * 1.5 + 0.25;
	float_in_handler = x;
	__asm__ volatile("movups %0, %%xmm0; movups %0, %%xmm7; movups %0, %%xmm15; fldpi; fldpi"
			 :
			 : "m"(ones)
			 : "xmm0", "xmm7", "xmm15");
	runs++;
}

static void
fpu_survives(void)
{
	unsigned char in[16], out[48];
	double pi_in = 2.5, pi_out;
	int64_t rax = SYS_tgkill;

	for (int i = 0; i < 16; i++)
		in[i] = i * 17;
	handle(SIGUSR1, uses_fpu, 0);
	__asm__ volatile("fldl %[pi]\n\tmovups %[in], %%xmm0\n\tmovups %[in], %%xmm7\n\tmovups %[in], %%xmm15\n\t"
			 "syscall\n\t"
			 "movups %%xmm0, %[o0]\n\tmovups %%xmm7, %[o1]\n\tmovups %%xmm15, %[o2]\n\tfstpl %[po]"
			 : "+a"(rax), [o0] "=m"(out[0]), [o1] "=m"(out[16]), [o2] "=m"(out[32]), [po] "=m"(pi_out)
			 : [pi] "m"(pi_in), [in] "m"(in), "D"(getpid()), "S"(syscall(SYS_gettid)), "d"(SIGUSR1)
			 : "rcx", "r11", "memory", "xmm0", "xmm7", "xmm15");
	check(runs == 1 && pi_out == 2.5);
	check(!memcmp(out, in, 16) && !memcmp(out + 16, in, 16) && !memcmp(out + 32, in, 16));
}

static int
has_avx(void)
{
	uint32_t a = 1, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return (c & (1u << 27)) && (c & (1u << 28));
}

static void
clobbers_avx(int sig)
{
	static const unsigned char ones[32] = {0xff, 1, 2, 3};

	(void)sig;
	__asm__ volatile("vmovups %0, %%ymm3; vmovups %0, %%ymm15" : : "m"(ones) : "xmm3", "xmm15");
	runs++;
}

static void
avx_survives(void)
{
	unsigned char in[32], out[64];
	int64_t rax = SYS_tgkill;

	if (!has_avx())
		return;
	for (int i = 0; i < 32; i++)
		in[i] = i * 7 + 1;
	handle(SIGUSR1, clobbers_avx, 0);
	__asm__ volatile(
		"vmovups %[in], %%ymm3\n\tvmovups %[in], %%ymm15\n\tsyscall\n\t"
		"vmovups %%ymm3, %[o0]\n\tvmovups %%ymm15, %[o1]"
		: "+a"(rax), [o0] "=m"(*(unsigned char(*)[32])out), [o1] "=m"(*(unsigned char(*)[32])(out + 32))
		: [in] "m"(in), "D"(getpid()), "S"(syscall(SYS_gettid)), "d"(SIGUSR1)
		: "rcx", "r11", "memory", "xmm3", "xmm15");
	check(runs == 1 && !memcmp(out, in, 32) && !memcmp(out + 32, in, 32));
}

/* The handler sees the FPU control words as they were, as Linux has it; what it changes does not come back. */
static void
changes_mxcsr(int sig)
{
	uint32_t mxcsr = 0x7f80;

	(void)sig;
	__asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
	runs++;
}

static void
mxcsr_survives(void)
{
	uint32_t mine = 0x3f80, after = 0;

	handle(SIGUSR1, changes_mxcsr, 0);
	__asm__ volatile("ldmxcsr %0" : : "m"(mine));
	raise(SIGUSR1);
	__asm__ volatile("stmxcsr %0" : "=m"(after));
	check(runs == 1 && after == mine);
}

const struct test_case signal_cases[] = {
	{"a handler runs and its program goes on", handler_runs, 0, 0},
	{"siginfo says who sent it: kill and tgkill differ", info_of_kill, 0, 0},
	{"the unused part of siginfo is zero", info_tail_is_zero, 0, 0},
	{"a handler runs with its own signal and sa_mask blocked, and the old mask comes back", mask_in_handler, 0, 0},
	{"SA_NODEFER leaves the signal open", nodefer, 0, 0},
	{"SA_RESETHAND makes the second one fatal", resethand, SIGUSR1, 0},
	{"SA_RESETHAND in a child leaves the parent's handler alone", resethand_after_fork, 0, 0},
	{"a blocked signal waits, once", blocked_waits, 0, 0},
	{"to ignore a signal drops the one that waits", ignoring_drops_pending, 0, 0},
	{"several at once run by number, or nest", several_nest, 0, 0},
	{"handlers nest twenty deep", nested_deep, 0, 0},
	{"siglongjmp leaves a handler a thousand times", longjmp_out, 0, 0},
	{"registers come back, as the handler left them in its context", registers_come_back, 0, 0},
	{"the frame is laid out and aligned as Linux does it", frame_layout, 0, 0},
	{"the FPU image in the frame carries its magic numbers", fpu_magic, 0, 0},
	{"the red zone below rsp survives a handler", red_zone, 0, 0},
	{"a handler starts with the direction flag clear; it comes back set", direction_flag, 0, 0},
	{"bad arguments have their errno", bad_arguments, 0, 0},
	{"flags that the kernel does not know vanish, as do KILL and STOP from a mask", unknown_flags_vanish, 0, 0},
	{"a handler without SA_RESTORER is a SIGSEGV", no_restorer, SIGSEGV, 0},
	{"execve resets handlers and keeps what is ignored, blocked and pending", exec_resets, 0, 0},
	{"a child has its parent's handlers, and changes its own alone", fork_keeps_actions, 0, 0},
	{"a child inherits no pending signal", fork_inherits_no_pending, 0, 0},
	{"SIGCHLD tells how the child ended", child_info, 0, 0},
	{"SA_NOCLDWAIT: no zombie, but SIGCHLD all the same", nocldwait, 0, 0},
	{"a hundred thousand deliveries leak nothing", million, 0, 0},
	{"x87 and SSE registers survive a handler that uses them", fpu_survives, 0, 0},
	{"AVX registers survive a handler that uses them", avx_survives, 0, 0},
	{"MXCSR survives a handler that changes it", mxcsr_survives, 0, 0},
	{0},
};
