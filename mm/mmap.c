/* SPDX-License-Identifier: MIT */
/*
 * mm/mmap.c - promise ranges of an address space
 *
 * Idea        A mapping is a promise: one vma, no frame. All that may fail comes first: the place, the count of what is
 *             promised, the vma; and what was there before goes only then (munmap.c).
 * Invariants  see mmap.h
 * Locks       mm->lock for writing
 * Follow      from kernel/sys_mm.c, kernel/exec.c   to vma_edit.c, munmap.c
 * Tests       tests/host/mmap_test.c, tests/guest/mmap.c
 * See         docs/mm.md section 3; mmap(2), munmap(2)
 */
#include <kernel/lib/errno.h>
#include <kernel/panic.h>
#include <mm/commit.h>
#include <mm/mlock.h>
#include <mm/mm.h>
#include <mm/mmap.h>
#include <mm/pagecache.h>
#include <mm/vma_alloc.h>
#include <mm/vma_edit.h>

/* Where Linux looks for MAP_32BIT. */
#define LOW_START 0x40000000UL
#define LOW_END 0x80000000UL

u32 sysctl_max_map_count = MMAP_MAX_COUNT;
u64 sysctl_mmap_min_addr = MMAP_MIN_ADDR;

static u64 hinted_place(struct mm *mm, u64 hint, u64 len);
static u64 lowest_address(void);
static void count_range(struct mm *mm, u64 start, u64 end, s64 sign);
static bool stack_may_grow(struct mm *mm, struct vma *stack, u64 start);
static bool charge_growth(struct mm *mm, const struct vma *stack, u64 start);
static s64 check_request(const struct mmap_request *request, u64 *len);
static s64 mmap_locked(struct mm *mm, const struct mmap_request *request, u64 len, struct pagecache *object);
static int map_promised(struct mm *mm, const struct mmap_request *request, struct vma *wanted);
static int map_over(struct mm *mm, const struct vma *wanted);
static s64 choose_address(struct mm *mm, const struct mmap_request *request, u64 len);
static s64 fixed_address(struct mm *mm, const struct mmap_request *request, u64 len);
static bool range_is_free(struct mm *mm, u64 start, u64 len);
static u32 request_flags(const struct mmap_request *request);
static struct pagecache *request_object(const struct mmap_request *request, u64 len);

s64
do_mmap(struct mm *mm, const struct mmap_request *request)
{
	struct pagecache *object;
	u64 len = 0;
	s64 result = check_request(request, &len);

	if (result)
		return result;
	object = request_object(request, len);
	if (!object && (request->object || (request->flags & MAP_TYPE) == MAP_SHARED))
		return -ENOMEM;
	rwsem_write_lock(&mm->lock);
	result = mmap_locked(mm, request, len, object); /* consumes the reference when it succeeds */
	rwsem_write_unlock(&mm->lock);
	if (result < 0 && object)
		pagecache_put(object);
	return result;
}

void
mmap_set_base(struct mm *mm, u64 stack_room, u64 random)
{
	u64 pad = stack_room + STACK_GUARD_GAP;
	u64 limit = READ_ONCE(mm->stack_limit);
	u64 room = limit + pad > limit ? limit + pad : limit;

	room = min_u64(max_u64(room, STACK_ROOM_MIN), USER_TOP / 6 * 5);
	rwsem_write_lock(&mm->lock);
	mm->mmap_top = round_up(USER_TOP - room - random, PAGE_SIZE);
	rwsem_write_unlock(&mm->lock);
}

int
mmap_stack(struct mm *mm, u64 top, u64 size)
{
	const struct vma wanted = {.start = top - size, .end = top, .flags = VM_STACK, .pgoff = vma_home(top - size)};
	int err;

	assert(size && size < top && top <= USER_TOP);
	rwsem_write_lock(&mm->lock);
	err = mmap_may_expand(mm, wanted.flags, size >> PAGE_SHIFT) ? commit_charge(mm, size >> PAGE_SHIFT) : -ENOMEM;
	if (!err) {
		err = vma_add(mm, &wanted);
		if (err)
			commit_uncharge(size >> PAGE_SHIFT);
	}
	rwsem_write_unlock(&mm->lock);
	return err;
}

bool
mmap_grow_stack(struct mm *mm, u64 va)
{
	u64 start = round_down(va, PAGE_SIZE);
	struct vma *vma;
	bool covered;

	rwsem_write_lock(&mm->lock);
	vma = vma_find(&mm->vmas, va);
	covered = vma && vma->start <= va; /* another thread was first */
	if (vma && !covered && stack_may_grow(mm, vma, start) && charge_growth(mm, vma, start)) {
		mm_count_vma(mm, vma->flags, (s64)((vma->start - start) >> PAGE_SHIFT));
		vma->pgoff -= (vma->start - start) >> PAGE_SHIFT;
		vma_resize(&mm->vmas, vma, start, vma->end);
		covered = true;
	}
	dassert(!covered || (vma->start <= start && va < vma->end));
	rwsem_write_unlock(&mm->lock);
	return covered;
}

/* As Linux: who sets the soft RLIMIT_DATA to 0 is held to the hard one (rlimit.c). */
bool
mmap_may_expand(struct mm *mm, u32 flags, u64 pages)
{
	dassert(mm_may_look(mm));
	if (mm->total_vm + pages > READ_ONCE(mm->as_limit) >> PAGE_SHIFT)
		return false;
	return mm_kind_vm(mm, flags) != &mm->data_vm || mm->data_vm + pages <= READ_ONCE(mm->data_limit) >> PAGE_SHIFT;
}

bool
mmap_may_replace(struct mm *mm, u32 flags, u64 pages, u64 gone_start, u64 gone_end)
{
	bool may;

	if (gone_start >= gone_end)
		return mmap_may_expand(mm, flags, pages);
	count_range(mm, gone_start, gone_end, -1);
	may = mmap_may_expand(mm, flags, pages);
	count_range(mm, gone_start, gone_end, 1);
	return may;
}

s64
mmap_place(struct mm *mm, u64 hint, u64 len)
{
	u64 low = lowest_address();
	u64 found;

	dassert(mm_may_change(mm));
	dassert(len && !(len & ~PAGE_MASK));
	found = hint ? hinted_place(mm, hint, len) : 0;
	if (found || len > USER_TOP - low)
		return found ? (s64)found : -ENOMEM;
	found = vma_find_gap(&mm->vmas, len, low, mm->mmap_top);
	if (!found)
		found = vma_find_gap(&mm->vmas, len, low, USER_TOP);
	return found ? (s64)found : -ENOMEM;
}

/* Simple: Linux takes the lowest place there. */
s64
mmap_place_low(struct mm *mm, u64 hint, u64 len)
{
	u64 found;

	dassert(mm_may_change(mm));
	if (len > LOW_END)
		return -ENOMEM;
	found = hint && hint <= LOW_END - len ? hinted_place(mm, hint, len) : 0;
	if (!found)
		found = vma_find_gap(&mm->vmas, len, LOW_START, LOW_END);
	return found ? (s64)found : -ENOMEM;
}

/* @hint, raised to the lowest address that may be chosen, if it is free; else 0. */
static u64
hinted_place(struct mm *mm, u64 hint, u64 len)
{
	hint = max_u64(round_up(hint, PAGE_SIZE), lowest_address());
	return va_is_user_range(hint, len) && range_is_free(mm, hint, len) ? hint : 0;
}

static u64
lowest_address(void)
{
	return max_u64(READ_ONCE(sysctl_mmap_min_addr), PAGE_SIZE);
}

/* What the parts of vmas in [start, end) count, @sign times. */
static void
count_range(struct mm *mm, u64 start, u64 end, s64 sign)
{
	dassert(mm_may_change(mm));
	for (struct vma *vma = vma_find(&mm->vmas, start); vma && vma->start < end; vma = vma_next(vma)) {
		u64 bytes = min_u64(vma->end, end) - max_u64(vma->start, start);

		mm_count_vma(mm, vma->flags, sign * (s64)(bytes >> PAGE_SHIFT));
	}
}

/* Limits, and the guard gap to a neighbour below, unless that is a guard itself. */
static bool
stack_may_grow(struct mm *mm, struct vma *stack, u64 start)
{
	struct vma *prev = vma_prev(stack);
	u64 gap = prev && (prev->flags & VM_ACCESS) ? STACK_GUARD_GAP : 0;

	dassert(rwsem_write_is_mine(&mm->lock));
	dassert(start < stack->start);
	if (!(stack->flags & VM_GROWSDOWN) || start < READ_ONCE(sysctl_mmap_min_addr))
		return false;
	if (stack->end - start > READ_ONCE(mm->stack_limit) ||
	    !mmap_may_expand(mm, stack->flags, (stack->start - start) >> PAGE_SHIFT))
		return false;
	if ((stack->flags & VM_LOCKED) && !mm_can_lock(mm, (stack->start - start) >> PAGE_SHIFT))
		return false;
	return !prev || prev->end + gap <= start;
}

/* Linux charges also a stack that was mapped with MAP_NORESERVE, and never gives that back. */
static bool
charge_growth(struct mm *mm, const struct vma *stack, u64 start)
{
	return !(stack->flags & VM_ACCOUNT) || !commit_charge(mm, (stack->start - start) >> PAGE_SHIFT);
}

/* What can be said without looking at the address space: 0 and the rounded length, or an error, in Linux's order. */
static s64
check_request(const struct mmap_request *request, u64 *len)
{
	u32 type = request->flags & MAP_TYPE;

	if (!request->len)
		return -EINVAL;
	*len = round_up(request->len, PAGE_SIZE);
	if (!*len)
		return -ENOMEM;
	if (request->pgoff + (*len >> PAGE_SHIFT) < request->pgoff)
		return -EOVERFLOW;
	if (*len > USER_TOP)
		return -ENOMEM;
	if (request->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
		if (request->addr > USER_TOP - *len)
			return -ENOMEM;
		if (request->addr & ~PAGE_MASK)
			return -EINVAL;
	}
	if (type != MAP_PRIVATE && type != MAP_SHARED)
		return -EINVAL;
	if (!request->object && type == MAP_SHARED && (request->flags & MAP_GROWSDOWN))
		return -EINVAL;
	return 0;
}

static s64
mmap_locked(struct mm *mm, const struct mmap_request *request, u64 len, struct pagecache *object)
{
	struct vma wanted = {.object = object, .flags = request_flags(request)};
	s64 addr;
	int err;

	dassert(rwsem_write_is_mine(&mm->lock));
	dassert(len && len <= USER_TOP && !(len & ~PAGE_MASK));
	if (mm->vmas.count > READ_ONCE(sysctl_max_map_count)) /* so one more than the setting: as Linux */
		return -ENOMEM;
	addr = choose_address(mm, request, len);
	if (addr < 0)
		return addr;
	wanted.flags |= mm->def_flags;
	if ((request->flags & MAP_LOCKED) && !mm_may_lock(mm))
		return -EPERM;
	if ((wanted.flags & VM_LOCKED) && !mm_can_lock(mm, len >> PAGE_SHIFT))
		return -EAGAIN;
	wanted.start = addr;
	wanted.end = addr + len;
	wanted.pgoff = object ? request->pgoff : vma_home(addr);
	dassert(!(wanted.start & ~PAGE_MASK) && wanted.end <= USER_TOP);
	if (unlikely(!mmap_may_expand(mm, wanted.flags, len >> PAGE_SHIFT)) &&
	    !mmap_may_replace(mm, wanted.flags, len >> PAGE_SHIFT, wanted.start, wanted.end))
		return -ENOMEM;
	err = map_promised(mm, request, &wanted);
	return err ? err : addr;
}

/* Charges for what must be promised, then maps. What is replaced is given back by then: it counts for the caller. */
static int
map_promised(struct mm *mm, const struct mmap_request *request, struct vma *wanted)
{
	bool whole = pagecache_pays_whole(wanted->object) && !request->object;
	u64 pages = whole || (wanted->flags & VM_ACCOUNT) ? vma_pages(wanted) : 0;
	struct commit_ask ask = {.pages = pages, .largest = pages};
	int err;

	if (request->flags & MAP_FIXED)
		ask.credit = mmap_promised(mm, wanted->start, wanted->end);
	err = pages ? commit_charge_as(mm, &ask) : 0;
	if (err)
		return err;
	err = request->flags & MAP_FIXED ? map_over(mm, wanted) : vma_add(mm, wanted);
	if (err)
		commit_uncharge(pages);
	else if (whole)
		wanted->object->promised = pages;
	return err;
}

u64
mmap_promised(struct mm *mm, u64 start, u64 end)
{
	u64 pages = 0;

	dassert(mm_may_change(mm));
	for (struct vma *vma = vma_find(&mm->vmas, start); vma && vma->start < end; vma = vma_next(vma))
		if (vma->flags & VM_ACCOUNT)
			pages += (min_u64(vma->end, end) - max_u64(vma->start, start)) >> PAGE_SHIFT;
	return pages;
}

/* Replaces what is mapped in the range. The new vma comes first: then nothing can fail once the old ones are gone. */
static int
map_over(struct mm *mm, const struct vma *wanted)
{
	struct vma *spare = vma_alloc();
	int err;

	if (!spare)
		return -ENOMEM;
	err = munmap_locked(mm, wanted->start, wanted->end);
	if (err) {
		spare->object = NULL;
		vma_free(spare);
		return err;
	}
	vma_add_prepared(mm, wanted, spare);
	return 0;
}

/* The address that was fixed, or a free place. */
static s64
choose_address(struct mm *mm, const struct mmap_request *request, u64 len)
{
	if (request->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE))
		return fixed_address(mm, request, len);
	return request->flags & MAP_32BIT ? mmap_place_low(mm, request->addr, len) : mmap_place(mm, request->addr, len);
}

static s64
fixed_address(struct mm *mm, const struct mmap_request *request, u64 len)
{
	struct vma *vma = vma_find(&mm->vmas, request->addr);

	dassert(!(request->addr & ~PAGE_MASK) && va_is_user_range(request->addr, len));
	if ((request->flags & MAP_FIXED_NOREPLACE) && vma && vma->start < request->addr + len)
		return -EEXIST;
	return request->addr;
}

/* Whether nothing is mapped in the range, and no guard gap of a stack reaches into it. */
static bool
range_is_free(struct mm *mm, u64 start, u64 len)
{
	struct vma *vma = vma_find(&mm->vmas, start);

	return !vma || start + len <= vma_low(vma);
}

static u32
request_flags(const struct mmap_request *request)
{
	u32 flags = VM_MAYACCESS | vma_prot_flags(request->prot);

	if ((request->flags & MAP_TYPE) == MAP_SHARED) {
		flags |= VM_SHARED;
		if ((request->object || request->zeroes) && !request->may_write)
			flags &= ~VM_MAYWRITE;
	}
	if (request->no_exec)
		flags &= ~VM_MAYEXEC;
	if ((request->flags & MAP_GROWSDOWN) && !request->object)
		flags |= VM_GROWSDOWN;
	if ((request->flags & MAP_NORESERVE) && READ_ONCE(sysctl_overcommit_memory) != OVERCOMMIT_NEVER)
		flags |= VM_NORESERVE;
	flags |= commit_flags(flags);
	if (request->flags & MAP_LOCKED)
		flags |= VM_LOCKED;
	return flags;
}

/* A reference to what is mapped; NULL for private anonymous memory, or without memory for a new shared object. */
static struct pagecache *
request_object(const struct mmap_request *request, u64 len)
{
	struct pagecache *object = request->object;

	may_sleep();
	if (object) {
		pagecache_get(object);
	} else if ((request->flags & MAP_TYPE) == MAP_SHARED) {
		object = pagecache_create(PAGE_SHMEM);
		if (object) {
			pagecache_set_size(object, len);
			if (request_flags(request) & VM_NORESERVE)
				pagecache_pay_by_page(object);
		}
	}
	return object;
}

u32
vma_prot_flags(u32 prot)
{
	return (prot & PROT_READ ? VM_READ : 0) | (prot & PROT_WRITE ? VM_WRITE : 0) | (prot & PROT_EXEC ? VM_EXEC : 0);
}
