/* SPDX-License-Identifier: MIT */
/*
 * kernel/sys_poll.c - poll, ppoll, select, pselect6
 *
 * Idea        All four fill an array of items (fs/poll.h) and hand it to poll_files(). A relative time becomes a
 *             deadline first. Who gives a timespec or timeval finds in it afterwards what is left of the time, as on
 *             Linux; so these calls can begin anew after a signal without handler, while poll, whose time is a plain
 *             number, goes on by restart_syscall.
 * Invariants  none
 * Locks       none here; items hold references to their files
 * Follow      from syscall.c   to fs/poll.c, signal.h (masks), restart.h
 * Tests       tests/guest/poll.c
 * See         poll(2), select(2)
 */
#include <kernel/fs/file.h>
#include <kernel/fs/files.h>
#include <kernel/fs/poll.h>
#include <kernel/process.h>
#include <kernel/restart.h>
#include <kernel/signal.h>
#include <kernel/sys_abi.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>

#define FEW 4 /* items that need no allocation */
#define SELECT_SETS 3
#define SELECT_BITS 64
#define SELECT_FEW 16 /* words of a set that need no allocation: descriptors 0 to 1023, as in programs' fd_set */
#define SIGSET_SIZE sizeof(u64)

struct pollfd {
	s32 fd;
	u16 events;
	u16 revents;
};

/* What pselect6 has for a sixth argument. */
struct select_mask {
	u64 set; /* user address */
	u64 size;
};

enum time_form {
	TIME_SPEC,
	TIME_VAL,
};

/* The time that a program grants, and where what is left of it goes. */
struct patience {
	u64 deadline_ns;
	u64 user; /* 0: nowhere */
	enum time_form form;
};

/* The sets of a select call: of the program, then of what is ready. */
struct select {
	u32 n;
	u32 words; /* of each set */
	u64 *set[SELECT_SETS];
};

static s64 poll_again(const u64 arg[RESTART_ARGS]);
static s64 do_poll(u64 fds, u64 n, u64 deadline_ns);
static s64 poll_with(struct poll_item *items, u64 fds, u32 n, u64 deadline_ns);
static s64 items_get(struct poll_item *items, u64 fds, u32 n);
static s64 items_tell(const struct poll_item *items, u64 fds, u32 n);
static void items_put(struct poll_item *items, u32 n);
static s64 do_select(u64 n, const u64 user[SELECT_SETS], u64 deadline_ns);
static s64 select_sets(struct select *s, const u64 user[SELECT_SETS], u64 deadline_ns);
static int sets_get(struct select *s, const u64 user[SELECT_SETS]);
static int sets_put(const struct select *s, const u64 user[SELECT_SETS]);
static s64 select_with(struct select *s, struct poll_item *items, u64 deadline_ns);
static s64 select_items(const struct select *s, struct poll_item *items);
static s64 select_result(struct select *s, const struct poll_item *items);
static u32 sets_at(const struct select *s, u32 fd);
static int patience_get(struct patience *p, u64 user, enum time_form form);
static s64 patience_end(const struct patience *p, s64 result);
static int mask_take(u64 set, u64 size);

/* ---- poll ---- */

s64
sys_poll(u64 fds, u64 n, u64 timeout)
{
	u64 deadline_ns = (s32)timeout < 0 ? TIMER_NEVER : ns_add(clock_ns(), (u32)timeout * NS_PER_MS);
	u64 arg[RESTART_ARGS] = {fds, n, (s32)timeout ? deadline_ns : 0};

	return poll_again(arg);
}

static s64
poll_again(const u64 arg[RESTART_ARGS])
{
	s64 result = do_poll(arg[0], arg[1], arg[2]);

	return result == -ERESTARTSYS ? restart_later(poll_again, 3, arg[0], arg[1], arg[2]) : result;
}

s64
sys_ppoll(u64 fds, u64 n, u64 time, u64 set, u64 size)
{
	struct patience p;
	s64 result = patience_get(&p, time, TIME_SPEC);

	if (!result && set)
		result = mask_take(set, size);
	if (result)
		return result;
	result = restart_unless_handler(do_poll(fds, n, p.deadline_ns));
	if (set)
		result = signal_mask_back(result);
	return patience_end(&p, result);
}

static s64
do_poll(u64 fds, u64 n, u64 deadline_ns)
{
	struct poll_item few[FEW] = {0};
	struct poll_item *items = few;
	s64 result;

	n = (u32)n;
	if (n > rlimit_get(current->process, RLIMIT_NOFILE))
		return -EINVAL;
	if (n > FEW)
		items = kmalloc(n * sizeof(*items), ALLOC_KERNEL | ALLOC_ZERO);
	if (!items)
		return -ENOMEM;
	result = poll_with(items, fds, n, deadline_ns);
	items_put(items, n);
	if (items != few)
		kfree(items);
	return result;
}

/* A descriptor that is not open is news: then there is nothing to wait for. */
static s64
poll_with(struct poll_item *items, u64 fds, u32 n, u64 deadline_ns)
{
	s64 invalid = items_get(items, fds, n);
	s64 result;

	if (invalid < 0)
		return invalid;
	result = poll_files(items, n, invalid ? 0 : deadline_ns);
	if (result < 0)
		return result;
	return items_tell(items, fds, n);
}

/* Returns how many descriptors are not open. */
static s64
items_get(struct poll_item *items, u64 fds, u32 n)
{
	struct pollfd p;
	s64 invalid = 0;

	for (u32 i = 0; i < n; i++) {
		if (copy_from_user(&p, (const void __user *)(fds + i * sizeof(p)), sizeof(p)))
			return -EFAULT;
		items[i].events = p.events;
		if (p.fd < 0)
			continue;
		items[i].file = file_get((u32)p.fd);
		if (items[i].file && (items[i].file->flags & O_PATH)) {
			file_put(items[i].file);
			items[i].file = NULL;
		}
		invalid += !items[i].file;
	}
	return invalid;
}

/* Why the descriptor is read again: of what has no file only it tells whether nothing was asked, or nothing is open. */
static s64
items_tell(const struct poll_item *items, u64 fds, u32 n)
{
	s64 ready = 0;
	u32 revents;
	u32 fd;

	for (u32 i = 0; i < n; i++) {
		u64 at = fds + i * sizeof(struct pollfd);

		revents = items[i].revents;
		if (!items[i].file) {
			if (get_user_u32(&fd, (const u32 __user *)at))
				return -EFAULT;
			revents = (s32)fd < 0 ? 0 : POLLNVAL;
		}
		if (copy_to_user((void __user *)(at + offsetof(struct pollfd, revents)), &(u16){revents}, sizeof(u16)))
			return -EFAULT;
		ready += revents != 0;
	}
	return ready;
}

static void
items_put(struct poll_item *items, u32 n)
{
	for (u32 i = 0; i < n; i++)
		if (items[i].file)
			file_put(items[i].file);
}

/* ---- select ---- */

s64
sys_select(u64 n, u64 in, u64 out, u64 except, u64 time)
{
	struct patience p;
	s64 result = patience_get(&p, time, TIME_VAL);

	if (result)
		return result;
	result = do_select(n, (u64[]){in, out, except}, p.deadline_ns);
	return patience_end(&p, restart_unless_handler(result));
}

s64
sys_pselect6(u64 n, u64 in, u64 out, u64 except, u64 time, u64 mask)
{
	struct select_mask sigmask = {0};
	struct patience p;
	s64 result;

	if (mask && copy_from_user(&sigmask, (const void __user *)mask, sizeof(sigmask)))
		return -EFAULT;
	result = patience_get(&p, time, TIME_SPEC);
	if (!result && sigmask.set)
		result = mask_take(sigmask.set, sigmask.size);
	if (result)
		return result;
	result = restart_unless_handler(do_select(n, (u64[]){in, out, except}, p.deadline_ns));
	if (sigmask.set)
		result = signal_mask_back(result);
	return patience_end(&p, result);
}

/* Descriptors that cannot be open are not looked at, as on Linux: a program may name more bits than it means. */
static s64
do_select(u64 n, const u64 user[SELECT_SETS], u64 deadline_ns)
{
	u64 few[SELECT_SETS * SELECT_FEW] = {0};
	struct select s = {.n = min_u64((u32)n, FILES_MAX)};
	u64 *words = few;
	s64 result;

	if ((s32)n < 0)
		return -EINVAL;
	s.words = (s.n + SELECT_BITS - 1) / SELECT_BITS;
	if (s.words > SELECT_FEW)
		words = kmalloc(SELECT_SETS * s.words * sizeof(u64), ALLOC_KERNEL | ALLOC_ZERO);
	if (!words)
		return -ENOMEM;
	for (u32 k = 0; k < SELECT_SETS; k++)
		s.set[k] = words + k * s.words;
	result = select_sets(&s, user, deadline_ns);
	if (words != few)
		kfree(words);
	return result;
}

static s64
select_sets(struct select *s, const u64 user[SELECT_SETS], u64 deadline_ns)
{
	struct poll_item few[FEW] = {0};
	struct poll_item *items = few;
	u32 count = 0;
	s64 result;

	if (sets_get(s, user))
		return -EFAULT;
	for (u32 fd = 0; fd < s->n; fd++)
		count += sets_at(s, fd) != 0;
	if (count > FEW)
		items = kmalloc(count * sizeof(*items), ALLOC_KERNEL | ALLOC_ZERO);
	if (!items)
		return -ENOMEM;
	result = select_with(s, items, deadline_ns);
	items_put(items, count);
	if (items != few)
		kfree(items);
	return result >= 0 && sets_put(s, user) ? -EFAULT : result;
}

static int
sets_get(struct select *s, const u64 user[SELECT_SETS])
{
	for (u32 k = 0; k < SELECT_SETS; k++)
		if (user[k] && copy_from_user(s->set[k], (const void __user *)user[k], s->words * sizeof(u64)))
			return -EFAULT;
	return 0;
}

static int
sets_put(const struct select *s, const u64 user[SELECT_SETS])
{
	for (u32 k = 0; k < SELECT_SETS; k++)
		if (user[k] && copy_to_user((void __user *)user[k], s->set[k], s->words * sizeof(u64)))
			return -EFAULT;
	return 0;
}

static s64
select_with(struct select *s, struct poll_item *items, u64 deadline_ns)
{
	s64 n = select_items(s, items);
	s64 result;

	if (n < 0)
		return n;
	result = poll_files(items, n, deadline_ns);
	return result < 0 ? result : select_result(s, items);
}

/* Items in the order of their descriptors. What a set means in terms of poll is select(2)'s table. */
static s64
select_items(const struct select *s, struct poll_item *items)
{
	u32 n = 0;

	for (u32 fd = 0; fd < s->n; fd++) {
		u32 sets = sets_at(s, fd);

		if (!sets)
			continue;
		items[n].file = file_get(fd);
		if (!items[n].file || (items[n].file->flags & O_PATH))
			return -EBADF;
		items[n].events = (sets & 1 ? POLL_READABLE | POLLRDBAND : 0) |
				  (sets & 2 ? POLL_WRITABLE | POLLWRBAND : 0) | (sets & 4 ? POLLPRI : 0);
		n++;
	}
	return n;
}

/* Turns the sets into those of what is ready; returns the number of bits in them. */
static s64
select_result(struct select *s, const struct poll_item *items)
{
	static const u32 means[SELECT_SETS] = {POLL_READABLE | POLLRDBAND | POLLHUP | POLLERR,
					       POLL_WRITABLE | POLLWRBAND | POLLERR, POLLPRI};
	s64 bits = 0;

	for (u32 fd = 0; fd < s->n; fd++) {
		u32 sets = sets_at(s, fd);

		if (!sets)
			continue;
		for (u32 k = 0; k < SELECT_SETS; k++) {
			if (!(sets & 1U << k))
				continue;
			if (items->revents & means[k])
				bits++;
			else
				s->set[k][fd / SELECT_BITS] &= ~(1UL << fd % SELECT_BITS);
		}
		items++;
	}
	return bits;
}

/* In which sets is @fd? One bit each. */
static u32
sets_at(const struct select *s, u32 fd)
{
	u32 sets = 0;

	for (u32 k = 0; k < SELECT_SETS; k++)
		sets |= (s->set[k][fd / SELECT_BITS] >> fd % SELECT_BITS & 1) << k;
	return sets;
}

/* ---- time and masks ---- */

/* The time at user address @user; 0: for ever. */
static int
patience_get(struct patience *p, u64 user, enum time_form form)
{
	struct timespec time;

	*p = (struct patience){.deadline_ns = TIMER_NEVER, .user = user, .form = form};
	if (!user)
		return 0;
	if (copy_from_user(&time, (const void __user *)user, sizeof(time)))
		return -EFAULT;
	if (form == TIME_VAL) {
		if (time.sec < 0 || time.nsec < 0)
			return -EINVAL;
		time.sec += time.nsec / 1000000; /* select takes more than a second of microseconds */
		time.nsec = time.nsec % 1000000 * 1000;
	}
	if (!timespec_valid(&time))
		return -EINVAL;
	p->deadline_ns = time.sec || time.nsec ? ns_add(clock_ns(), timespec_to_ns(&time)) : 0;
	return 0;
}

/* What is left goes back. Without that the call cannot begin anew: then a signal ends it. */
static s64
patience_end(const struct patience *p, s64 result)
{
	struct timespec left = {0};
	u64 now = clock_ns();

	if (!p->user)
		return result;
	if (p->deadline_ns > now)
		left = timespec_from_ns(p->deadline_ns - now);
	if (p->form == TIME_VAL)
		left.nsec /= 1000;
	if (copy_to_user((void __user *)p->user, &left, sizeof(left)) && result == -ERESTARTNOHAND)
		return -EINTR;
	return result;
}

static int
mask_take(u64 set, u64 size)
{
	u64 mask;

	if (size != SIGSET_SIZE)
		return -EINVAL;
	if (get_user_u64(&mask, (const u64 __user *)set))
		return -EFAULT;
	signal_mask_swap(mask);
	return 0;
}
