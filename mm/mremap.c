/* SPDX-License-Identifier: MIT */
/*
 * mm/mremap.c - let a mapping grow, shrink or move
 *
 * Idea        Shrinking is munmap. Growing in place is a vma with another end. Moving is a second vma over the same
 *             contents, then the leaves (move.c), then munmap of what is left of the first.
 *
 *               old_len 0            a second mapping of shared memory: its pages follow by faults
 *               MREMAP_DONTUNMAP     the leaves move, the first vma stays and is as if nobody had touched it
 *               MREMAP_FIXED         what was at the destination goes
 *
 * Invariants  I1  An error leaves the address space as it was: all that may fail comes before anything changes. (Linux
 *                 has by then emptied the destination.)
 * Locks       mm->lock for writing
 * Follow      from kernel/sys_mm.c   to move.c, mmap.c, vma_edit.c
 * Tests       tests/host/mremap_test.c, tests/guest/mremap.c
 * See         docs/mm.md section 8; mremap(2)
 */
#include <kernel/lib/errno.h>
#include <kernel/panic.h>
#include <mm/commit.h>
#include <mm/mlock.h>
#include <mm/mm.h>
#include <mm/mmap.h>
#include <mm/move.h>
#include <mm/pagecache.h>
#include <mm/vma_alloc.h>
#include <mm/vma_edit.h>

#define COUNT_ROOM 3 /* vmas that a move may add for a while: Linux refuses it this far below the limit */

/* One mremap on its way: lengths are rounded up to pages. */
struct remap {
	struct mm *mm;
	u64 addr, old_len, new_len;
	u64 new_addr;
	u32 flags;
	u64 kept; /* how much moves: the smaller of both lengths */
};

static int remap_read(const struct mremap_request *request, struct remap *r);
static s64 remap_locked(const struct remap *r);
static s64 remap_to(struct remap *r, struct vma *vma);
static s64 shrink(const struct remap *r);
static s64 grow(struct remap *r, struct vma *vma);
static int check_resize(const struct remap *r, const struct vma *vma);
static bool can_grow_in_place(const struct remap *r, struct vma *vma);
static int grow_in_place(const struct remap *r, struct vma *vma);
static s64 place_alike(struct mm *mm, u64 from, u64 len);
static s64 move_vma(const struct remap *r, const struct vma *vma);
static u64 charge_move(const struct remap *r, const struct vma *vma, int *err);
static int prepare_move(const struct remap *r, struct move *move);
static void commit_move(const struct remap *r, struct move *move, const struct vma *wanted, struct vma *spare);
static void leave_behind(const struct remap *r);
static struct vma moved_vma(const struct remap *r, const struct vma *vma);

s64
do_mremap(struct mm *mm, const struct mremap_request *request)
{
	struct remap r = {.mm = mm};
	s64 result = remap_read(request, &r);

	if (result)
		return result;
	rwsem_write_lock(&mm->lock);
	result = remap_locked(&r);
	rwsem_write_unlock(&mm->lock);
	if (result > 0 && unlikely(READ_ONCE(mm->locked_vm)) && r.new_len > r.old_len)
		mlock_populate(mm, (u64)result + r.old_len, (u64)result + r.new_len, true);
	return result;
}

/* What can be said without looking at the address space. A length that overflows becomes 0, as in Linux. */
static int
remap_read(const struct mremap_request *request, struct remap *r)
{
	u32 flags = request->flags;

	if (flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP))
		return -EINVAL;
	if ((flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) && !(flags & MREMAP_MAYMOVE))
		return -EINVAL;
	if ((flags & MREMAP_DONTUNMAP) && request->old_len != request->new_len)
		return -EINVAL;
	r->addr = request->addr;
	r->old_len = round_up(request->old_len, PAGE_SIZE);
	r->new_len = round_up(request->new_len, PAGE_SIZE);
	r->new_addr = request->new_addr;
	r->flags = flags;
	r->kept = min_u64(r->old_len, r->new_len);
	return (r->addr & ~PAGE_MASK) || !r->new_len ? -EINVAL : 0;
}

static s64
remap_locked(const struct remap *r)
{
	struct vma *vma = vma_find(&r->mm->vmas, r->addr);
	struct remap m = *r;

	dassert(rwsem_write_is_mine(&r->mm->lock));
	if (!vma || vma->start > r->addr)
		return -EFAULT;
	if (r->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))
		return remap_to(&m, vma);
	return r->old_len >= r->new_len ? shrink(r) : grow(&m, vma);
}

/* The caller names the place, or a hint. */
static s64
remap_to(struct remap *r, struct vma *vma)
{
	int err;

	if ((r->new_addr & ~PAGE_MASK) || !va_is_user_range(r->new_addr, r->new_len))
		return -EINVAL;
	if (r->addr + r->old_len > r->new_addr && r->new_addr + r->new_len > r->addr)
		return -EINVAL;
	if (r->mm->vmas.count + 2 >= READ_ONCE(sysctl_max_map_count) - COUNT_ROOM)
		return -ENOMEM;
	if (r->old_len > r->new_len && !va_is_user_range(r->addr, r->old_len))
		return -EINVAL;
	err = check_resize(r, vma);
	if (err)
		return err;
	if (!(r->flags & MREMAP_FIXED)) {
		s64 found = r->new_addr ? mmap_place(r->mm, r->new_addr, r->new_len)
					: place_alike(r->mm, r->addr, r->new_len);

		if (found < 0)
			return found;
		r->new_addr = (u64)found;
	}
	return move_vma(r, vma);
}

static s64
shrink(const struct remap *r)
{
	int err = 0;

	if (r->old_len == r->new_len)
		return (s64)r->addr;
	if (!va_is_user_range(r->addr + r->new_len, r->old_len - r->new_len))
		return -EINVAL;
	err = munmap_locked(r->mm, r->addr + r->new_len, r->addr + r->old_len);
	return err ? err : (s64)r->addr;
}

static s64
grow(struct remap *r, struct vma *vma)
{
	s64 result = check_resize(r, vma);

	dassert(r->old_len < r->new_len);
	if (result)
		return result;
	if (can_grow_in_place(r, vma)) {
		result = grow_in_place(r, vma);
		return result ? result : (s64)r->addr;
	}
	if (!(r->flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	result = place_alike(r->mm, r->addr, r->new_len);
	if (result < 0)
		return result;
	r->new_addr = (u64)result;
	return move_vma(r, vma);
}

/* What the mapping and the limits say. What is unmapped on the way counts no more. */
static int
check_resize(const struct remap *r, const struct vma *vma)
{
	u64 pgoff = vma->pgoff + ((r->addr - vma->start) >> PAGE_SHIFT);
	u64 more = r->new_len - r->kept;
	u64 gone = r->flags & MREMAP_FIXED ? r->new_addr + r->new_len : 0;

	if (!r->old_len && !(vma->flags & VM_SHARED))
		return -EINVAL; /* private memory cannot be had twice */
	if (r->kept > vma->end - r->addr)
		return -EFAULT;
	if (more && pgoff + (r->new_len >> PAGE_SHIFT) < pgoff)
		return -EINVAL;
	if (r->flags & MREMAP_DONTUNMAP)
		more = r->new_len; /* the old range stays */
	if ((vma->flags & VM_LOCKED) && !mm_can_lock(r->mm, (r->new_len - r->kept) >> PAGE_SHIFT))
		return -EAGAIN;
	if (!more)
		return 0;
	return mmap_may_replace(r->mm, vma->flags, more >> PAGE_SHIFT, r->new_addr, gone) ? 0 : -ENOMEM;
}

/* True when the vma ends with the range, and the space behind it is free. */
static bool
can_grow_in_place(const struct remap *r, struct vma *vma)
{
	u64 end = r->addr + r->new_len;
	struct vma *next = vma_next(vma);

	return r->addr + r->old_len == vma->end && end >= vma->end && end <= USER_TOP && !(next && next->start < end);
}

static int
grow_in_place(const struct remap *r, struct vma *vma)
{
	u64 end = r->addr + r->new_len;
	struct vma *next = vma_next(vma);

	if ((vma->flags & VM_ACCOUNT) && commit_charge(r->mm, (end - vma->end) >> PAGE_SHIFT))
		return -ENOMEM;
	mm_count_vma(r->mm, vma->flags, (s64)((end - vma->end) >> PAGE_SHIFT));
	vma_resize(&r->mm->vmas, vma, vma->start, end);
	if (next)
		vma_join(r->mm, next);
	return 0;
}

/* A free place where whole tables can move (move.c): as far from a border of tables as @from, if there is room. */
static s64
place_alike(struct mm *mm, u64 from, u64 len)
{
	const u64 slack = TABLE_SPAN - PAGE_SIZE;
	s64 found = len >= TABLE_SPAN && len < USER_TOP ? mmap_place(mm, 0, len + slack) : -ENOMEM;
	u64 high = (u64)found + slack;

	if (found < 0)
		return mmap_place(mm, 0, len);
	return (s64)(high - ((high - from) & (TABLE_SPAN - 1)));
}

/* Three beats. */
static s64
move_vma(const struct remap *r, const struct vma *vma)
{
	const struct vma wanted = moved_vma(r, vma);
	struct move move = {.from = r->addr, .to = r->new_addr, .len = r->kept};
	struct vma *spare;
	u64 charged;
	int err;

	dassert(rwsem_write_is_mine(&r->mm->lock));
	if (r->mm->vmas.count >= READ_ONCE(sysctl_max_map_count) - COUNT_ROOM)
		return -ENOMEM;
	charged = charge_move(r, vma, &err);
	spare = err ? NULL : vma_alloc();
	if (!spare) {
		commit_uncharge(charged);
		return -ENOMEM;
	}
	err = prepare_move(r, &move);
	if (!err) {
		commit_move(r, &move, &wanted, spare);
	} else {
		commit_uncharge(charged);
		spare->object = NULL;
		vma_free(spare);
	}
	move_end(&move);
	/* Also after an error: preparing may have cut. */
	vma_join_around(r->mm, r->new_addr, r->new_addr + r->new_len);
	if (r->old_len && (err || (r->flags & MREMAP_DONTUNMAP)))
		vma_join_around(r->mm, r->addr, r->addr + r->old_len);
	return err ? err : (s64)r->new_addr;
}

/*
 * For a while both places are promised. What is unmapped on the way counts for the caller, as in Linux, which asks for
 * the difference. Returns the pages that were charged.
 */
static u64
charge_move(const struct remap *r, const struct vma *vma, int *err)
{
	struct commit_ask ask = {.pages = r->new_len >> PAGE_SHIFT};

	*err = 0;
	if (!(vma->flags & VM_ACCOUNT))
		return 0;
	ask.largest = r->flags & MREMAP_DONTUNMAP ? ask.pages : (r->new_len - r->kept) >> PAGE_SHIFT;
	if (r->old_len && !(r->flags & MREMAP_DONTUNMAP))
		ask.credit = mmap_promised(r->mm, r->addr, r->addr + r->old_len);
	if (r->flags & MREMAP_FIXED)
		ask.credit += mmap_promised(r->mm, r->new_addr, r->new_addr + r->new_len);
	*err = commit_charge_as(r->mm, &ask);
	return *err ? 0 : ask.pages;
}

static int
prepare_move(const struct remap *r, struct move *move)
{
	int err = 0;

	list_init(&move->pool.tables);
	if (r->flags & MREMAP_FIXED)
		err = munmap_prepare(r->mm, r->new_addr, r->new_addr + r->new_len);
	if (!err && r->old_len && !(r->flags & MREMAP_DONTUNMAP))
		err = munmap_prepare(r->mm, r->addr, r->addr + r->old_len);
	if (!err && r->kept)
		err = move_prepare(r->mm, move);
	return err;
}

static void
commit_move(const struct remap *r, struct move *move, const struct vma *wanted, struct vma *spare)
{
	if (r->flags & MREMAP_FIXED)
		munmap_commit(r->mm, r->new_addr, r->new_addr + r->new_len);
	if (wanted->object)
		pagecache_get(wanted->object);
	/* Why: apart. Joined with the old vma, which goes, it would have to be cut again, and that may fail. */
	vma_add_apart(r->mm, wanted, spare);
	if (r->kept)
		move_pages(r->mm, move);
	if (r->flags & MREMAP_DONTUNMAP)
		leave_behind(r);
	else if (r->old_len)
		munmap_commit(r->mm, r->addr, r->addr + r->old_len);
}

/* The old mapping is locked no more, as in Linux all of its vma; one that has moved as a whole is as if untouched. */
static void
leave_behind(const struct remap *r)
{
	struct vma *vma = vma_find(&r->mm->vmas, r->addr);

	if (vma->start == r->addr && vma->end == r->addr + r->old_len)
		WRITE_ONCE(vma->has_anon, false);
	if (vma->flags & VM_LOCKED)
		mlock_clear(r->mm, vma);
}

/* The vma at the destination. */
static struct vma
moved_vma(const struct remap *r, const struct vma *vma)
{
	struct vma wanted = *vma;

	wanted.start = r->new_addr;
	wanted.end = r->new_addr + r->new_len;
	wanted.pgoff += (r->addr - vma->start) >> PAGE_SHIFT;
	if (!vma->object && !vma->has_anon)
		wanted.pgoff = vma_home(r->new_addr); /* vma.h: nothing binds it to where it was */
	return wanted;
}
