/* SPDX-License-Identifier: MIT */
/*
 * kernel/sys_cred.c - the system calls about users and groups
 *
 * Idea        Users and groups follow the same rules, written once for struct ids:
 *
 *                 call         without rights                        root
 *                 set          effective := real or saved            all four := any
 *                 setre        real := real, effective               any; a new real, or an effective that is not the
 *                              effective := any of the three         old real, becomes the saved one
 *                 setres       each := any of the three              any
 *                 setfs        file := any of the four               any; returns the old one, never an error
 *
 *             The number for files follows the effective one.
 * Invariants  none
 * Locks       process_lock
 * Follow      from syscall.c   to cred.c
 * Tests       tests/guest/ids.c
 * See         credentials(7), setresuid(2), setfsuid(2)
 */
#include <kernel/cred.h>
#include <kernel/lib/errno.h>
#include <kernel/process.h>
#include <kernel/rlimit.h>
#include <kernel/syscall.h>
#include <kernel/task.h>
#include <kernel/uaccess.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>

typedef s64 (*ids_change_fn)(struct ids *ids, u32 a, u32 b, u32 c, bool root);

static s64 users_change(ids_change_fn fn, u64 a, u64 b, u64 c);
static s64 groups_change(ids_change_fn fn, u64 a, u64 b, u64 c);
static s64 ids_change(struct ids *ids, ids_change_fn fn, u64 a, u64 b, u64 c);
static s64 ids_set(struct ids *ids, u32 id, u32 b, u32 c, bool root);
static s64 ids_setre(struct ids *ids, u32 real, u32 effective, u32 c, bool root);
static s64 ids_setres(struct ids *ids, u32 real, u32 effective, u32 saved, bool root);
static s64 ids_setfs(struct ids *ids, u32 file, u32 b, u32 c, bool root);
static bool ids_has(const struct ids *ids, u32 id);
static s64 ids_tell(const struct ids *ids, u64 real, u64 effective, u64 saved);
static int group_list_read(struct group_list **out, u64 from, u32 count);
static void group_list_sort(struct group_list *groups);

s64
sys_getuid(void)
{
	return READ_ONCE(current->process->cred.user.real);
}

s64
sys_geteuid(void)
{
	return READ_ONCE(current->process->cred.user.effective);
}

s64
sys_getgid(void)
{
	return READ_ONCE(current->process->cred.group.real);
}

s64
sys_getegid(void)
{
	return READ_ONCE(current->process->cred.group.effective);
}

/* ---- changes ---- */

s64
sys_setuid(u64 id)
{
	return users_change(ids_set, id, 0, 0);
}

s64
sys_setgid(u64 id)
{
	return groups_change(ids_set, id, 0, 0);
}

s64
sys_setreuid(u64 real, u64 effective)
{
	return users_change(ids_setre, real, effective, 0);
}

s64
sys_setregid(u64 real, u64 effective)
{
	return groups_change(ids_setre, real, effective, 0);
}

s64
sys_setresuid(u64 real, u64 effective, u64 saved)
{
	return users_change(ids_setres, real, effective, saved);
}

s64
sys_setresgid(u64 real, u64 effective, u64 saved)
{
	return groups_change(ids_setres, real, effective, saved);
}

s64
sys_setfsuid(u64 id)
{
	return users_change(ids_setfs, id, 0, 0);
}

s64
sys_setfsgid(u64 id)
{
	return groups_change(ids_setfs, id, 0, 0);
}

static s64
users_change(ids_change_fn fn, u64 a, u64 b, u64 c)
{
	s64 result = ids_change(&current->process->cred.user, fn, a, b, c);

	rlimit_apply_mm(current->process, current->mm); /* root may lock more memory than others */
	return result;
}

static s64
groups_change(ids_change_fn fn, u64 a, u64 b, u64 c)
{
	return ids_change(&current->process->cred.group, fn, a, b, c);
}

static s64
ids_change(struct ids *ids, ids_change_fn fn, u64 a, u64 b, u64 c)
{
	s64 result;

	spin_lock(&process_lock);
	result = fn(ids, (u32)a, (u32)b, (u32)c, cred_is_root());
	spin_unlock(&process_lock);
	return result;
}

static s64
ids_set(struct ids *ids, u32 id, u32 b, u32 c, bool root)
{
	if (id == ID_NONE)
		return -EINVAL;
	if (root)
		ids->real = ids->saved = id;
	else if (id != ids->real && id != ids->saved)
		return -EPERM;
	ids->effective = ids->file = id;
	return 0;
}

static s64
ids_setre(struct ids *ids, u32 real, u32 effective, u32 c, bool root)
{
	struct ids old = *ids;

	if (real != ID_NONE && !root && real != old.real && real != old.effective)
		return -EPERM;
	if (effective != ID_NONE && !root && !ids_has(&old, effective))
		return -EPERM;
	if (real != ID_NONE)
		ids->real = real;
	if (effective != ID_NONE)
		ids->effective = effective;
	if (real != ID_NONE || (effective != ID_NONE && effective != old.real))
		ids->saved = ids->effective;
	ids->file = ids->effective;
	return 0;
}

static s64
ids_setres(struct ids *ids, u32 real, u32 effective, u32 saved, bool root)
{
	struct ids old = *ids;

	if (!root &&
	    ((real != ID_NONE && !ids_has(&old, real)) || (effective != ID_NONE && !ids_has(&old, effective)) ||
	     (saved != ID_NONE && !ids_has(&old, saved))))
		return -EPERM;
	ids->real = real != ID_NONE ? real : old.real;
	ids->effective = effective != ID_NONE ? effective : old.effective;
	ids->saved = saved != ID_NONE ? saved : old.saved;
	ids->file = ids->effective;
	return 0;
}

static s64
ids_setfs(struct ids *ids, u32 file, u32 b, u32 c, bool root)
{
	u32 old = ids->file;

	if (file != ID_NONE && (root || ids_has(ids, file) || file == old))
		ids->file = file;
	return old;
}

static bool
ids_has(const struct ids *ids, u32 id)
{
	return id == ids->real || id == ids->effective || id == ids->saved;
}

s64
sys_getresuid(u64 real, u64 effective, u64 saved)
{
	return ids_tell(&current->process->cred.user, real, effective, saved);
}

s64
sys_getresgid(u64 real, u64 effective, u64 saved)
{
	return ids_tell(&current->process->cred.group, real, effective, saved);
}

static s64
ids_tell(const struct ids *ids, u64 real, u64 effective, u64 saved)
{
	struct ids copy;

	spin_lock(&process_lock);
	copy = *ids;
	spin_unlock(&process_lock);
	if (put_user_u32(copy.real, (u32 __user *)real) || put_user_u32(copy.effective, (u32 __user *)effective))
		return -EFAULT;
	return put_user_u32(copy.saved, (u32 __user *)saved);
}

/* ---- supplementary groups ---- */

s64
sys_getgroups(u64 size_arg, u64 to)
{
	s32 size = (s32)size_arg;
	struct group_list *groups;
	s64 result = 0;

	if (size < 0)
		return -EINVAL;
	spin_lock(&process_lock);
	groups = current->process->cred.groups;
	if (groups)
		atomic_inc(&groups->refs);
	spin_unlock(&process_lock);
	if (!groups)
		return 0;
	result = groups->count;
	if (size && (u32)size < groups->count)
		result = -EINVAL;
	else if (size && copy_to_user((void __user *)to, groups->gid, groups->count * sizeof(u32)))
		result = -EFAULT;
	if (atomic_dec_and_test(&groups->refs))
		kfree(groups);
	return result;
}

s64
sys_setgroups(u64 count_arg, u64 from)
{
	u32 count = (u32)count_arg;
	struct group_list *groups = NULL;
	struct group_list *old;
	int error;

	if (!cred_is_root())
		return -EPERM;
	if (count > GROUPS_MAX)
		return -EINVAL;
	error = count ? group_list_read(&groups, from, count) : 0;
	if (error)
		return error;
	spin_lock(&process_lock);
	old = current->process->cred.groups;
	current->process->cred.groups = groups;
	spin_unlock(&process_lock);
	if (old && atomic_dec_and_test(&old->refs))
		kfree(old);
	return 0;
}

static int
group_list_read(struct group_list **out, u64 from, u32 count)
{
	struct group_list *groups = kmalloc(sizeof(*groups) + count * sizeof(u32), ALLOC_KERNEL);

	if (!groups)
		return -ENOMEM;
	atomic_set(&groups->refs, 1);
	groups->count = count;
	if (copy_from_user(groups->gid, (const void __user *)from, count * sizeof(u32))) {
		kfree(groups);
		return -EFAULT;
	}
	group_list_sort(groups);
	*out = groups;
	return 0;
}

/* Shell's sort: the list may be long, and a program chooses its order. */
static void
group_list_sort(struct group_list *groups)
{
	u32 *gid = groups->gid;

	for (u32 gap = groups->count / 2; gap; gap /= 2) {
		for (u32 i = gap; i < groups->count; i++) {
			u32 id = gid[i];
			u32 j = i;

			for (; j >= gap && gid[j - gap] > id; j -= gap)
				gid[j] = gid[j - gap];
			gid[j] = id;
		}
	}
}
