/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/proc.c - processes are born, die, are killed, and change parents
 *
 * Idea        fork, vfork, clone, exit and kill, seen through wait statuses and shared memory
 * Invariants  see guest.h
 * Follow      to kernel/fork.c, kernel/exit.c, kernel/signal.c
 */
#include "guest.h"
#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>

static volatile int *word; /* shared */

static void
word_make(void)
{
	word = (volatile int *)map_shared(PAGE);
}

static void
exits_with(void *arg)
{
	_exit((intptr_t)arg);
}

static void
exit_status(void)
{
	for (intptr_t i = 0; i < 256; i += 15)
		check(child_run(exits_with, (void *)i) == i << 8);
	check(child_run(exits_with, (void *)0x1234) == 0x34 << 8);
	check(child_run(exits_with, (void *)-1) == 0xff << 8);
}

static void
fork_numbers(void)
{
	pid_t me = getpid();

	word_make();
	pid_t pid = fork();
	if (pid == 0) {
		word[0] = getpid();
		word[1] = getppid();
		word[2] = syscall(SYS_gettid);
		_exit(0);
	}
	check(pid > me);
	check(child_wait(pid) == 0);
	check(word[0] == pid && word[1] == me && word[2] == pid);
}

static void
vfork_shares_and_waits(void)
{
	volatile int on_stack = 1;

	word_make();
	pid_t pid = vfork();
	if (pid == 0) {
		on_stack = 2;
		for (int i = 0; i < 20; i++)
			sched_yield();
		*word = 1;
		_exit(7);
	}
	check(*word == 1 && on_stack == 2);
	check(child_wait(pid) == 7 << 8);
}

static void
vfork_exec(void)
{
	char *argv[] = {"guest-tests", "--role=status", "5", NULL};

	pid_t pid = vfork();
	if (pid == 0) {
		execve(self_path, argv, NULL);
		_exit(99);
	}
	check(child_wait(pid) == 5 << 8);
}

static void
clone_is_fork(void)
{
	pid_t pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(3);
	check(child_wait(pid) == 3 << 8);
}

static void
clone_errors(void)
{
	/* CLONE_THREAD wants CLONE_SIGHAND, and that wants CLONE_VM. */
	check_errno(syscall(SYS_clone, CLONE_THREAD | SIGCHLD, 0, 0, 0, 0), EINVAL);
	check_errno(syscall(SYS_clone, CLONE_SIGHAND | SIGCHLD, 0, 0, 0, 0), EINVAL);
	check_errno(syscall(SYS_clone, CLONE_FS | CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0), EINVAL);
	/* Thread-local memory must be user memory: the CPU itself would not take the second address. */
	check_errno(syscall(SYS_clone, CLONE_SETTLS | SIGCHLD, 0, 0, 0, 0xffff800000000000), EPERM);
	check_errno(syscall(SYS_clone, CLONE_SETTLS | SIGCHLD, 0, 0, 0, 0x8000000000000000), EPERM);
}

static void
clone_tids(void)
{
	volatile int parent_tid = 0;
	long flags = CLONE_PARENT_SETTID | SIGCHLD;

	pid_t pid = syscall(SYS_clone, flags, 0, &parent_tid, 0, 0);
	if (pid == 0)
		_exit(0);
	check(parent_tid == pid);
	check(child_wait(pid) == 0);
	volatile int child_tid = 0;
	pid = syscall(SYS_clone, CLONE_CHILD_SETTID | SIGCHLD, 0, 0, &child_tid, 0);
	if (pid == 0)
		_exit(child_tid == getpid() ? 0 : 1);
	check(child_wait(pid) == 0 && child_tid == 0);
}

static void
sleeps_forever(void *arg)
{
	(void)arg;
	for (;;)
		pause();
}

static void
spins_forever(void *arg)
{
	announce(arg);
	for (;;)
		;
}

static void
kill_each(void)
{
	static const int fatal[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGABRT, SIGKILL, SIGUSR1,
				    SIGUSR2, SIGPIPE, SIGALRM, SIGTERM, SIGBUS,  SIGSEGV};

	for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++) {
		pid_t pid = child_start(sleeps_forever, NULL);
		check(kill(pid, fatal[i]) == 0);
		int status = child_wait(pid);
		check(WIFSIGNALED(status) && WTERMSIG(status) == fatal[i]);
	}
}

static void
kill_spinning(void)
{
	word_make();
	pid_t pid = child_start(spins_forever, (void *)word);
	await(word, 1);
	check(kill(pid, SIGKILL) == 0);
	check(child_wait(pid) == SIGKILL);
}

static void
kill_ignored_by_default(void)
{
	pid_t pid = child_start(sleeps_forever, NULL);

	check(kill(pid, SIGCHLD) == 0 && kill(pid, SIGWINCH) == 0 && kill(pid, SIGURG) == 0);
	check(kill(pid, 0) == 0);
	int status;
	check(waitpid(pid, &status, WNOHANG) == 0);
	check(kill(pid, SIGKILL) == 0);
	check(child_wait(pid) == SIGKILL);
}

static void
kill_errors(void)
{
	check_errno(kill(getpid(), 65), EINVAL);
	check_errno(kill(getpid(), -1), EINVAL);
	check_errno(kill(0x3fffffff, 0), ESRCH);
	check_errno(kill(0x3fffffff, SIGKILL), ESRCH);
	check_errno(syscall(SYS_tgkill, -1, 1, SIGKILL), EINVAL);
	check_errno(syscall(SYS_tkill, 0, SIGKILL), EINVAL);
	check(kill(getpid(), 0) == 0);
}

static void
kill_self(void)
{
	kill(getpid(), SIGKILL);
	for (;;)
		;
}

static void
abort_self(void)
{
	abort();
}

static void
kill_zombie(void)
{
	pid_t pid = child_start(exits_with, NULL);
	siginfo_t info;

	check(waitid(P_PID, pid, &info, WEXITED | WNOWAIT) == 0);
	check(kill(pid, SIGKILL) == 0 && kill(pid, 0) == 0);
	check(child_wait(pid) == 0);
	check_errno(kill(pid, 0), ESRCH);
}

static void
init_is_immune(void)
{
	check(kill(1, SIGTERM) == 0 && kill(1, SIGKILL) == 0 && kill(1, SIGSEGV) == 0);
	sched_yield();
	check(kill(1, 0) == 0);
}

/* ---- orphans ---- */

static void
grandchild_waits(void *arg)
{
	pid_t parent = (intptr_t)arg;

	while (getppid() == parent)
		sched_yield();
	word[1] = getppid();
	announce(word);
}

static void
parent_leaves(void *arg)
{
	(void)arg;
	child_start(grandchild_waits, (void *)(intptr_t)getpid());
}

static void
orphan_goes_to_init(void)
{
	word_make();
	child_must_live(parent_leaves, NULL);
	await(word, 1);
	check(word[1] == 1);
}

static void
leaves_zombies(void *arg)
{
	(void)arg;
	for (int i = 0; i < 10; i++)
		child_start(exits_with, (void *)1);
}

static void
zombies_go_to_init(void)
{
	child_must_live(leaves_zombies, NULL);
}

/* ---- many ---- */

static void
hundred_children(void)
{
	pid_t pid[100];

	word_make();
	for (intptr_t i = 0; i < 100; i++)
		pid[i] = child_start(exits_with, (void *)i);
	for (int i = 99; i >= 0; i--)
		check(child_wait(pid[i]) == i << 8);
}

static void
thousand_forks(void)
{
	for (intptr_t i = 0; i < 1000; i++)
		check(child_run(exits_with, (void *)(i & 127)) == (i & 127) << 8);
}

static void
deeper(void *arg)
{
	intptr_t depth = (intptr_t)arg;

	announce(word);
	if (depth > 0)
		child_must_live(deeper, (void *)(depth - 1));
}

static void
deep_chain(void)
{
	word_make();
	child_must_live(deeper, (void *)60);
	check(*word == 61);
}

static void
adds(void *arg)
{
	(void)arg;
	for (int i = 0; i < 1000; i++) {
		announce(word);
		if (i % 100 == 0)
			sched_yield();
	}
}

static void
all_make_progress(void)
{
	pid_t pid[12];

	word_make();
	for (int i = 0; i < 12; i++)
		pid[i] = child_start(adds, NULL);
	for (int i = 0; i < 12; i++)
		check(child_wait(pid[i]) == 0);
	check(*word == 12000);
}

static void
preempts(void)
{
	pid_t pid[8];

	/* More endless loops than processors: this process must get its turn all the same. */
	word_make();
	for (int i = 0; i < 8; i++)
		pid[i] = child_start(spins_forever, (void *)word);
	await(word, 8);
	for (int i = 0; i < 8; i++)
		check(kill(pid[i], SIGKILL) == 0);
	for (int i = 0; i < 8; i++)
		check(child_wait(pid[i]) == SIGKILL);
}

static void
nproc_limit(void *arg)
{
	struct rlimit limit = {40, 40};
	pid_t pid[64];
	int n = 0;

	(void)arg;
	check(setrlimit(RLIMIT_NPROC, &limit) == 0);
	/* Linux spares root; Tidemark knows nobody else and binds everyone. */
	while (n < 64 && (pid[n] = fork()) > 0)
		n++;
	if (n < 64 && pid[n] == 0)
		sleeps_forever(NULL);
	check(n == 64 || errno == EAGAIN);
	while (n-- > 0) {
		check(kill(pid[n], SIGKILL) == 0);
		child_wait(pid[n]);
	}
}

static void
nproc(void)
{
	child_must_live(nproc_limit, NULL);
}

static void
rusage_children(void)
{
	struct rusage usage;

	check(getrusage(RUSAGE_SELF, &usage) == 0);
	check(usage.ru_minflt > 0);
	check(getrusage(RUSAGE_CHILDREN, &usage) == 0);
	check_errno(getrusage(77, &usage), EINVAL);
	check_errno(getrusage(RUSAGE_SELF, (void *)16), EFAULT);
}

static void
groups(void)
{
	check(getpgrp() >= 0);
	pid_t pid = child_start(sleeps_forever, NULL);
	check(setpgid(pid, pid) == 0 && getpgid(pid) == pid);
	check(kill(-pid, SIGTERM) == 0);
	check(child_wait(pid) == SIGTERM);
	check_errno(kill(-pid, 0), ESRCH);
	check_errno(getpgid(0x3fffffff), ESRCH);
}

/* Process 1, the runner, and this one. */
static void
listed(void)
{
	DIR *dir = opendir("/proc");
	bool self = false;
	bool first = false;

	check(dir);
	for (struct dirent *e; (e = readdir(dir));) {
		self |= atoi(e->d_name) == getpid();
		first |= strcmp(e->d_name, "1") == 0;
	}
	check(closedir(dir) == 0);
	check(self && first);
}

const struct test_case proc_cases[] = {
	{"a parent learns the low byte of its child's exit status", exit_status, 0, 0},
	{"fork tells each side the right numbers", fork_numbers, 0, 0},
	{"vfork shares memory, and the parent waits for exit", vfork_shares_and_waits, 0, 0},
	{"vfork lets the parent go on at exec", vfork_exec, 0, 0},
	{"clone with SIGCHLD alone is fork", clone_is_fork, 0, 0},
	{"clone refuses flags that contradict, and a TLS in the kernel", clone_errors, 0, 0},
	{"clone writes the child's number where asked", clone_tids, 0, 0},
	{"each fatal signal kills, and the parent learns which", kill_each, 0, 0},
	{"SIGKILL ends a process that makes no system calls", kill_spinning, 0, CASE_SMP},
	{"signals ignored by default do nothing", kill_ignored_by_default, 0, 0},
	{"kill gives Linux's errno for each misuse", kill_errors, 0, 0},
	{"a process can kill itself", kill_self, SIGKILL, 0},
	{"abort ends in SIGABRT", abort_self, SIGABRT, 0},
	{"a zombie can be signalled until it is waited for", kill_zombie, 0, 0},
	{"process 1 survives every signal it does not handle", init_is_immune, 0, 0},
	{"an orphan's parent is process 1", orphan_goes_to_init, 0, 0},
	{"zombies whose parent exits are buried by process 1", zombies_go_to_init, 0, 0},
	{"a hundred children live at once", hundred_children, 0, CASE_SMP},
	{"a thousand children live one after another", thousand_forks, 0, CASE_SMP},
	{"sixty generations live at once", deep_chain, 0, 0},
	{"twelve processes on few processors all make progress", all_make_progress, 0, CASE_SMP},
	{"endless loops do not keep others from running", preempts, 0, CASE_SMP},
	{"RLIMIT_NPROC ends in EAGAIN or spares root", nproc, 0, 0},
	{"getrusage counts faults", rusage_children, 0, 0},
	{"a process group is signalled as one", groups, 0, 0},
	{"/proc lists every process", listed, 0, 0},
	{0},
};
