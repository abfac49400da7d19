/* SPDX-License-Identifier: MIT */
/*
 * kernel/sys_prctl.c - prctl and personality: small traits of a process
 *
 * Idea        One number, many meanings. What Tidemark has not is -EINVAL, as on a Linux built without it.
 *             Simple: traits that Linux keeps for each thread belong to the process here, but the name.
 * Invariants  none
 * Locks       process_lock
 * Follow      from syscall.c; read by exit.c (death signal, reaper), exec.c, cred.c
 * Tests       tests/guest/prctl.c
 * See         prctl(2), personality(2)
 */
#include <kernel/lib/errno.h>
#include <kernel/lib/string.h>
#include <kernel/process.h>
#include <kernel/signal.h>
#include <kernel/syscall.h>
#include <kernel/task.h>
#include <kernel/uaccess.h>

#define CAPABILITY_LAST 40
#define TIMING_STATISTICAL 0
#define TSC_READABLE 1
#define PERSONALITY_ASK 0xffffffffU

enum prctl_option {
	PR_SET_PDEATHSIG = 1,
	PR_GET_PDEATHSIG = 2,
	PR_GET_DUMPABLE = 3,
	PR_SET_DUMPABLE = 4,
	PR_GET_TIMING = 13,
	PR_SET_TIMING = 14,
	PR_SET_NAME = 15,
	PR_GET_NAME = 16,
	PR_CAPBSET_READ = 23,
	PR_GET_TSC = 25,
	PR_SET_TSC = 26,
	PR_GET_SECUREBITS = 27,
	PR_SET_TIMERSLACK = 29,
	PR_GET_TIMERSLACK = 30,
	PR_SET_CHILD_SUBREAPER = 36,
	PR_GET_CHILD_SUBREAPER = 37,
	PR_SET_NO_NEW_PRIVS = 38,
	PR_GET_NO_NEW_PRIVS = 39,
};

static s64 prctl_set(u32 option, u64 arg, u64 rest);
static s64 prctl_get(u32 option, u64 arg, u64 rest);
static s64 name_set(u64 from);
static s64 name_get(u64 to);
static s64 death_signal_set(u64 sig);

s64
sys_prctl(u64 option, u64 arg, u64 arg3, u64 arg4, u64 arg5)
{
	u64 rest = arg3 | arg4 | arg5;
	s64 result = prctl_get((u32)option, arg, rest);

	return result == -ENOSYS ? prctl_set((u32)option, arg, rest) : result;
}

/* -ENOSYS: it is no question. */
static s64
prctl_get(u32 option, u64 arg, u64 rest)
{
	const struct process *process = current->process;

	switch (option) {
	case PR_GET_PDEATHSIG:
		return put_user_u32((u32)process->traits.death_signal, (u32 __user *)arg);
	case PR_GET_DUMPABLE:
		return process->traits.dumpable;
	case PR_GET_TIMING:
		return TIMING_STATISTICAL;
	case PR_GET_NAME:
		return name_get(arg);
	case PR_CAPBSET_READ:
		return arg <= CAPABILITY_LAST ? 1 : -EINVAL;
	case PR_GET_TSC:
		return put_user_u32(TSC_READABLE, (u32 __user *)arg);
	case PR_GET_SECUREBITS:
		return 0;
	case PR_GET_TIMERSLACK:
		return (s64)current->timer_slack_ns;
	case PR_GET_CHILD_SUBREAPER:
		return put_user_u32(process->traits.reaper, (u32 __user *)arg);
	case PR_GET_NO_NEW_PRIVS:
		return arg || rest ? -EINVAL : process->cred.no_new_privs;
	default:
		return -ENOSYS;
	}
}

static s64
prctl_set(u32 option, u64 arg, u64 rest)
{
	struct process *process = current->process;

	switch (option) {
	case PR_SET_PDEATHSIG:
		return death_signal_set(arg);
	case PR_SET_DUMPABLE:
		if (arg > 1)
			return -EINVAL;
		WRITE_ONCE(process->traits.dumpable, (bool)arg);
		return 0;
	case PR_SET_TIMING:
		return arg == TIMING_STATISTICAL ? 0 : -EINVAL;
	case PR_SET_NAME:
		return name_set(arg);
	case PR_SET_TSC:
		return arg == TSC_READABLE ? 0 : -EINVAL;
	case PR_SET_TIMERSLACK:
		current->timer_slack_ns = (s64)arg > 0 ? arg : current->timer_slack_default_ns;
		return 0;
	case PR_SET_CHILD_SUBREAPER:
		WRITE_ONCE(process->traits.reaper, arg != 0);
		return 0;
	case PR_SET_NO_NEW_PRIVS:
		if (arg != 1 || rest)
			return -EINVAL;
		WRITE_ONCE(process->cred.no_new_privs, true);
		return 0;
	default:
		return -EINVAL;
	}
}

/* The name of the first thread is the name of the program. */
static s64
name_set(u64 from)
{
	char name[TASK_COMM_LEN] = "";
	s64 len = strncpy_from_user(name, (const char __user *)from, sizeof(name) - 1);

	if (len < 0)
		return len;
	name[len] = 0;
	spin_lock(&process_lock);
	task_set_comm(current, name);
	if (current->tid == current->process->pid)
		strlcpy(current->process->comm, name, sizeof(current->process->comm));
	spin_unlock(&process_lock);
	return 0;
}

/* Sixteen bytes, zeroes behind the name. */
static s64
name_get(u64 to)
{
	char name[TASK_COMM_LEN] = "";

	strlcpy(name, current->comm, sizeof(name));
	return copy_to_user((void __user *)to, name, sizeof(name));
}

static s64
death_signal_set(u64 sig)
{
	if (sig > SIGNAL_MAX)
		return -EINVAL;
	spin_lock(&process_lock);
	current->process->traits.death_signal = (u8)sig;
	spin_unlock(&process_lock);
	return 0;
}

/* Linux takes any number; here one that asks for something else than fixed addresses would be a promise not kept. */
s64
sys_personality(u64 persona_arg)
{
	struct process *process = current->process;
	u32 persona = (u32)persona_arg;
	u32 old;

	if (persona != PERSONALITY_ASK && persona & ~PERSONALITY_FIXED_ADDRESSES)
		return -EINVAL;
	spin_lock(&process_lock);
	old = process->traits.personality;
	if (persona != PERSONALITY_ASK)
		process->traits.personality = persona;
	spin_unlock(&process_lock);
	return old;
}
