/* SPDX-License-Identifier: MIT */
/*
 * kernel/sys_clone.c - the system calls that make processes and threads: fork, vfork, clone, clone3
 *
 * Idea        Four ways to fill in one struct fork_request. clone packs the exit signal into the flags and takes the
 *             rest in registers; clone3 reads a structure that has grown over the years, and says how large the
 *             caller's is: what is missing is 0, what is unknown must be 0.
 *             Simple: there are no namespaces, no control groups, and no descriptors of processes: flags that ask for
 *             one are -EINVAL, as Linux built without them says. clone3's choice of a number (set_tid) is -EINVAL too.
 * Invariants  none
 * Locks       none
 * Follow      from syscall.c   to fork.c
 * Tests       tests/guest/clone.c
 * See         clone(2)
 */
#include <kernel/fork.h>
#include <kernel/lib/errno.h>
#include <kernel/lib/string.h>
#include <kernel/signal.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>

/* The ABI's struct clone_args. */
struct clone_args {
	u64 flags;
	u64 pidfd;
	u64 child_tid;
	u64 parent_tid;
	u64 exit_signal;
	u64 stack; /* the lowest byte */
	u64 stack_size;
	u64 tls; /* the first version ends here */
	u64 set_tid;
	u64 set_tid_size;
	u64 cgroup;
};

#define CLONE_ARGS_MIN 64

_Static_assert(sizeof(struct clone_args) == 88, "struct clone_args as programs know it");

static int args_read(struct clone_args *args, u64 from, u64 size);
static int args_check(const struct clone_args *args);
static bool stack_valid(const struct clone_args *args);

s64
sys_fork(void)
{
	struct fork_request request = {.exit_signal = SIGCHLD};

	return fork_process(&request);
}

s64
sys_vfork(void)
{
	struct fork_request request = {.flags = CLONE_VM | CLONE_VFORK, .exit_signal = SIGCHLD};

	return fork_process(&request);
}

/* Any number may stand where the exit signal does; one that is no signal is never sent. */
s64
sys_clone(u64 flags, u64 stack, u64 parent_tid, u64 child_tid, u64 tls)
{
	s32 exit_signal = (s32)(flags & CLONE_SIGNAL_MASK);
	struct fork_request request = {
		.flags = (u32)flags & ~CLONE_SIGNAL_MASK,
		.exit_signal = signal_valid(exit_signal) ? exit_signal : 0,
		.stack = stack,
		.parent_tid = parent_tid,
		.child_tid = child_tid,
		.tls = tls,
	};

	return fork_process(&request);
}

s64
sys_clone3(u64 from, u64 size)
{
	struct clone_args args = {0};
	struct fork_request request;
	int error = args_read(&args, from, size);

	if (!error)
		error = args_check(&args);
	if (error)
		return error;
	request = (struct fork_request){
		.flags = args.flags,
		.exit_signal = (s32)args.exit_signal,
		.stack = args.stack + args.stack_size,
		.parent_tid = args.parent_tid,
		.child_tid = args.child_tid,
		.tls = args.tls,
	};
	return fork_process(&request);
}

static int
args_read(struct clone_args *args, u64 from, u64 size)
{
	u64 known = min_u64(size, sizeof(*args));

	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < CLONE_ARGS_MIN)
		return -EINVAL;
	for (u64 i = known; i < size; i++) {
		u8 byte;

		if (get_user_u8(&byte, (const u8 __user *)from + i))
			return -EFAULT;
		if (byte)
			return -E2BIG;
	}
	return copy_from_user(args, (const void __user *)from, known);
}

static int
args_check(const struct clone_args *args)
{
	if (args->set_tid || args->set_tid_size || args->cgroup)
		return -EINVAL;
	if (args->flags & (CLONE_SIGNAL_MASK | CLONE_DETACHED))
		return -EINVAL;
	if (args->exit_signal && !signal_valid((s64)args->exit_signal))
		return -EINVAL;
	if ((args->flags & (CLONE_THREAD | CLONE_PARENT)) && args->exit_signal)
		return -EINVAL;
	return stack_valid(args) ? 0 : -EINVAL;
}

static bool
stack_valid(const struct clone_args *args)
{
	if (!args->stack || !args->stack_size)
		return !args->stack && !args->stack_size;
	return va_is_user_range(args->stack, args->stack_size);
}
