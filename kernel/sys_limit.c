/* SPDX-License-Identifier: MIT */
/*
 * kernel/sys_limit.c - the system calls about resource limits
 *
 * Idea        One exchange behind three calls. Root may raise a hard limit, everybody may lower one; the limits of
 *             others are for root and for their own user.
 * Invariants  I1 of rlimit.h
 * Locks       process_lock
 * Follow      from syscall.c   to rlimit.c, itimer.c
 * Tests       tests/guest/rlimits.c
 * See         prlimit(2)
 */
#include <kernel/cred.h>
#include <kernel/fs/files.h>
#include <kernel/lib/errno.h>
#include <kernel/process.h>
#include <kernel/rlimit.h>
#include <kernel/syscall.h>
#include <kernel/task.h>
#include <kernel/uaccess.h>

static s64 limit_exchange(s32 pid, u32 resource, const struct rlimit *new, struct rlimit *old);
static int limit_check(u32 resource, const struct rlimit *new);
static s64 exchange_locked(struct process *process, u32 resource, const struct rlimit *new, struct rlimit *old);
static bool may_limit(const struct process *process);

s64
sys_getrlimit(u64 resource, u64 to)
{
	struct rlimit old;

	if ((u32)resource >= RLIMIT_COUNT)
		return -EINVAL;
	(void)limit_exchange(0, (u32)resource, NULL, &old);
	return copy_to_user((void __user *)to, &old, sizeof(old));
}

s64
sys_setrlimit(u64 resource, u64 from)
{
	struct rlimit new;

	if (copy_from_user(&new, (const void __user *)from, sizeof(new)))
		return -EFAULT;
	return limit_exchange(0, (u32)resource, &new, NULL);
}

s64
sys_prlimit64(u64 pid, u64 resource, u64 from, u64 to)
{
	struct rlimit new;
	struct rlimit old;
	s64 error;

	if (from && copy_from_user(&new, (const void __user *)from, sizeof(new)))
		return -EFAULT;
	error = limit_exchange((s32)pid, (u32)resource, from ? &new : NULL, &old);
	if (!error && to && copy_to_user((void __user *)to, &old, sizeof(old)))
		error = -EFAULT;
	return error;
}

static s64
limit_exchange(s32 pid, u32 resource, const struct rlimit *new, struct rlimit *old)
{
	struct process *process;
	s64 error = -ESRCH;

	spin_lock(&process_lock);
	process = pid ? process_find_any(pid) : current->process;
	if (process && !may_limit(process))
		error = -EPERM;
	else if (process)
		error = resource < RLIMIT_COUNT ? exchange_locked(process, resource, new, old) : -EINVAL;
	spin_unlock(&process_lock);
	return error;
}

static s64
exchange_locked(struct process *process, u32 resource, const struct rlimit *new, struct rlimit *old)
{
	struct rlimit *limit = &process->limits[resource];
	int error = new ? limit_check(resource, new) : 0;

	if (!error && new &&new->hard > limit->hard && !cred_is_root())
		error = -EPERM;
	if (error)
		return error;
	if (old)
		*old = *limit;
	if (new)
		*limit = *new;
	if (new && process->mm)
		rlimit_apply_mm(process, process->mm);
	return 0;
}

static int
limit_check(u32 resource, const struct rlimit *new)
{
	if (new->soft > new->hard)
		return -EINVAL;
	return resource == RLIMIT_NOFILE && new->hard > FILES_MAX ? -EPERM : 0;
}

/* One's own, and those of a process all of whose numbers are one's real ones. */
static bool
may_limit(const struct process *process)
{
	const struct cred *own = &current->process->cred;
	const struct cred *its = &process->cred;
	u32 uid = own->user.real;
	u32 gid = own->group.real;

	must_hold(&process_lock);
	if (process == current->process || cred_is_root())
		return true;
	return uid == its->user.real && uid == its->user.effective && uid == its->user.saved &&
	       gid == its->group.real && gid == its->group.effective && gid == its->group.saved;
}
