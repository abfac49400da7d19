/* SPDX-License-Identifier: MIT */
/*
 * kernel/siginfo.c - siginfo in and out of programs
 *
 * Idea        see siginfo.h
 * Invariants  none
 * Locks       none
 * Follow      from sys_signal.c, signal_return.c   to uaccess.h
 * Tests       tests/guest/signal_rt.c
 */
#include <kernel/lib/errno.h>
#include <kernel/process.h>
#include <kernel/siginfo.h>
#include <kernel/signal.h>
#include <kernel/task.h>
#include <kernel/uaccess.h>

#define TAIL_SIZE (SIGINFO_SIZE - sizeof(struct siginfo))
#define CODES_POLL 6 /* of SIGIO; every signal may bear them */

static bool layout_known(const struct siginfo *info);
static int codes_of(int sig);

struct siginfo
siginfo_sent(int sig, int code)
{
	const struct process *self = current->process;

	return (struct siginfo){.signo = sig, .code = code, .pid = self->pid, .uid = self->cred.user.real};
}

int
siginfo_to_user(const struct siginfo *info, u64 to)
{
	if (!va_is_user_range(to, SIGINFO_SIZE))
		return -EFAULT;
	if (uaccess_copy((void *)to, info, sizeof(*info)) || uaccess_clear((void *)(to + sizeof(*info)), TAIL_SIZE))
		return -EFAULT;
	return 0;
}

int
siginfo_from_user(struct siginfo *info, u64 from, int sig)
{
	u64 tail[TAIL_SIZE / sizeof(u64)];

	if (copy_from_user(info, (const void __user *)from, sizeof(*info)))
		return -EFAULT;
	info->signo = sig;
	if (layout_known(info))
		return 0;
	if (copy_from_user(tail, (const void __user *)(from + sizeof(*info)), TAIL_SIZE))
		return -EFAULT;
	for (u32 i = 0; i < TAIL_SIZE / sizeof(u64); i++)
		if (tail[i])
			return -E2BIG;
	return 0;
}

/* Linux's table of what may stand in si_code without surprise. */
static bool
layout_known(const struct siginfo *info)
{
	s32 code = info->code;

	if (code == SI_KERNEL || code == SI_USER)
		return true;
	if (code > 0)
		return code <= codes_of(info->signo) || code <= CODES_POLL;
	return code >= SI_DETHREAD || code == SI_ASYNCNL;
}

static int
codes_of(int sig)
{
	switch (sig) {
	case SIGILL:
		return 11;
	case SIGFPE:
		return 15;
	case SIGSEGV:
		return 9;
	case SIGBUS:
		return 5;
	case SIGTRAP:
	case SIGCHLD:
		return 6;
	case SIGSYS:
		return 2;
	default:
		return 0;
	}
}
