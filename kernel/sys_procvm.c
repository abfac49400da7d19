/* SPDX-License-Identifier: MIT */
/*
 * kernel/sys_procvm.c - process_vm_readv, process_vm_writev: bytes between two address spaces
 *
 * Idea        The remote side goes page by page, by the same faults that its owner would take; the local side is an
 *             ordinary transfer (fs/io.h). Reading copies straight out of the remote page, which a reference keeps.
 *             Writing goes by way of a page of the kernel's, so that the remote page can be written under its mm->lock,
 *             which keeps a fork from making it somebody else's meanwhile.
 * Invariants  none
 * Locks       process_lock to find the process; mm->lock of the remote side inside mm, never over a local copy
 * Follow      from syscalls.def   to mm/fault_page.c, kernel/fs/io.h
 * Tests       tests/guest/procvm.c
 * See         process_vm_readv(2)
 */
#include <kernel/cred.h>
#include <kernel/fs/io.h>
#include <kernel/lib/errno.h>
#include <kernel/panic.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/syscall.h>
#include <kernel/task.h>
#include <kernel/uaccess.h>
#include <mm/fault.h>
#include <mm/mm.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>

#define VEC_INLINE 8        /* segments of each side that need no allocation */
#define IO_MAX 0x7ffff000UL /* Linux's MAX_RW_COUNT */

/* A list of segments, copied from the program. */
struct segments {
	struct iovec *vec; /* few, or allocated */
	u64 count;
	struct iovec few[VEC_INLINE];
};

/* One call under way. */
struct remote {
	struct mm *mm;       /* the other process's */
	struct io io;        /* the local side */
	struct page *bounce; /* writing: the way from the local side to the remote one */
	u64 done;            /* bytes that arrived */
};

static s64 move_segments(u64 pid, const struct segments *local, const struct segments *remote, bool write);
static int segments_get(struct segments *s, u64 user, u64 count);
static void segments_put(struct segments *s);
static s64 local_bytes(const struct segments *local);
static bool all_empty(const struct segments *s);
static int remote_mm(s32 pid, struct mm **out);
static s64 move_all(struct remote *r, const struct segments *remote);
static int move_segment(struct remote *r, u64 va, u64 len);
static int read_page(struct remote *r, u64 va, u64 n);
static int write_page(struct remote *r, u64 va, u64 n);

static s64
process_vm(const u64 args[6], bool write)
{
	struct segments local = {.vec = local.few};
	struct segments remote = {.vec = remote.few};
	s64 result;

	if (args[5])
		return -EINVAL;
	result = segments_get(&local, args[1], args[2]);
	if (!result)
		result = local_bytes(&local);
	if (result > 0) {
		result = segments_get(&remote, args[3], args[4]);
		if (!result)
			result = move_segments(args[0], &local, &remote, write);
	}
	segments_put(&remote);
	segments_put(&local);
	return result;
}

s64
sys_process_vm_readv(u64 pid, u64 lvec, u64 lcount, u64 rvec, u64 rcount, u64 flags)
{
	return process_vm((const u64[6]){pid, lvec, lcount, rvec, rcount, flags}, false);
}

s64
sys_process_vm_writev(u64 pid, u64 lvec, u64 lcount, u64 rvec, u64 rcount, u64 flags)
{
	return process_vm((const u64[6]){pid, lvec, lcount, rvec, rcount, flags}, true);
}

static s64
move_segments(u64 pid, const struct segments *local, const struct segments *remote, bool write)
{
	struct remote r = {.done = 0};
	s64 result;

	if (all_empty(remote))
		return 0;
	result = remote_mm((s32)pid, &r.mm);
	if (result)
		return result;
	result = -ENOMEM;
	if (write)
		r.bounce = page_alloc(0, ALLOC_KERNEL);
	if (!write || r.bounce) {
		io_init(&r.io, 0, (u64)local_bytes(local), 0);
		r.io.vec = local->vec;
		result = move_all(&r, remote);
	}
	if (r.bounce)
		page_put(r.bounce);
	mm_put(r.mm);
	return result;
}

/* Returns 0, -EINVAL, -EFAULT, -ENOMEM. */
static int
segments_get(struct segments *s, u64 user, u64 count)
{
	if (count > IOV_MAX)
		return -EINVAL;
	s->count = count;
	if (count > VEC_INLINE)
		s->vec = kmalloc(count * sizeof(*s->vec), ALLOC_KERNEL);
	if (!s->vec)
		return -ENOMEM;
	if (copy_from_user(s->vec, (const void __user *)user, count * sizeof(*s->vec)))
		return -EFAULT;
	for (u64 i = 0; i < count; i++)
		if ((s64)s->vec[i].len < 0)
			return -EINVAL;
	return 0;
}

static void
segments_put(struct segments *s)
{
	if (s->vec != s->few)
		kfree(s->vec);
}

/* The bytes of the local segments, cut to IO_MAX; -EFAULT: they do not lie in the program's half. */
static s64
local_bytes(const struct segments *local)
{
	u64 total = 0;

	for (u64 i = 0; i < local->count; i++) {
		if (!va_is_user_range(local->vec[i].base, local->vec[i].len))
			return -EFAULT;
		total = min_u64(total + local->vec[i].len, IO_MAX);
	}
	return (s64)total;
}

static bool
all_empty(const struct segments *s)
{
	for (u64 i = 0; i < s->count; i++)
		if (s->vec[i].len)
			return false;
	return true;
}

/* The address space of the process that thread @pid belongs to, with a use. Returns 0, -ESRCH, -EPERM. */
static int
remote_mm(s32 pid, struct mm **out)
{
	struct task *task;
	int err = -ESRCH;

	spin_lock(&process_lock);
	task = process_find_thread(pid);
	if (task && task->process && task->process->mm)
		err = cred_may_look(task->process) ? 0 : -EPERM;
	if (!err) {
		*out = task->process->mm;
		mm_get(*out);
	}
	spin_unlock(&process_lock);
	return err;
}

/* Returns the bytes that arrived; when there are none, the error. */
static s64
move_all(struct remote *r, const struct segments *remote)
{
	int err = 0;

	for (u64 i = 0; i < remote->count && r->io.left && !err; i++)
		err = move_segment(r, remote->vec[i].base, remote->vec[i].len);
	return r->done ? (s64)r->done : err;
}

static int
move_segment(struct remote *r, u64 va, u64 len)
{
	while (len && r->io.left) {
		u64 n = min_u64(min_u64(PAGE_SIZE - (va & ~PAGE_MASK), len), r->io.left);
		int err;

		if (!va_is_user_range(va, n))
			return -EFAULT;
		err = r->bounce ? write_page(r, va, n) : read_page(r, va, n);
		if (err)
			return err;
		va += n;
		len -= n;
		cond_resched();
		if (signal_state_fatal(&current->signal))
			return -EINTR;
	}
	return 0;
}

static int
read_page(struct remote *r, u64 va, u64 n)
{
	struct page *page;
	int err = fault_page_get(r->mm, va, FAULT_READ, &page);

	if (err)
		return err;
	r->done += io_put(&r->io, (char *)page_to_va(page) + (va & ~PAGE_MASK), n);
	page_put(page);
	return r->io.faulted ? -EFAULT : 0;
}

/* What was taken before a bad local address still arrives. */
static int
write_page(struct remote *r, u64 va, u64 n)
{
	void *buf = page_to_va(r->bounce);
	u64 got = io_take(&r->io, buf, n);
	int err = got ? fault_page_write(r->mm, va, buf, got) : 0;

	if (err)
		return err;
	r->done += got;
	return r->io.faulted ? -EFAULT : 0;
}
