/* SPDX-License-Identifier: MIT */
/*
 * mm/fault.c - one page fault, from the address to the frame: start reading here
 *
 * Idea        The processor could not translate an address. The vma says what was promised there, the leaf says what
 *             there is; both together give the kind of the fault, and each kind has one handler.
 *
 *               entry          access   mapping                      kind
 *               any            not allowed by the vma                DENY       SIGSEGV
 *               empty          any      anonymous                    ZERO       read: the zero frame; write: a new one
 *               empty          any      file or shared memory        FILE       private and write: a copy at once
 *               swap entry     any      any                          SWAP       brought back, then looked at again
 *               frame, r/o     write    private, vma writable        COW        last owner: only make it writable
 *               frame, r/o     write    shared, vma writable         FILE       make writable
 *               frame          allowed by the entry                  SPURIOUS   another CPU was first
 *
 *             A handler has three beats: prepare (may sleep, may fail, touches nothing shared); lock and look again;
 *             commit. When the second look shows something new, it undoes its preparation and returns FAULT_RETRY: the
 *             fault starts over. No code here repairs anything.
 * Invariants  I1  FAULT_OK means that the access was legal at some moment after the fault.
 *             I2  Only the one user of a leaf table adds to it: a fault in a shared one unshares (pagetable.h I2).
 * Locks       mm->lock for reading; for writing to unshare a table or grow a stack. What a handler takes is in rmap.c.
 * Follow      from arch/x86_64/trap.c   to vma.c, pagetable.c, page_alloc.c, rmap.c, share.c, pagecache.c
 * Tests       tests/host/fault_test.c, tests/guest/fault.c
 * See         docs/tour.md; docs/mm.md section 4
 */
#include <kernel/lib/errno.h>
#include <kernel/panic.h>
#include <kernel/signal_state.h>
#include <kernel/task.h>
#include <kernel/trace.h>
#include <kernel/trace_latency.h>
#include <mm/fault.h>
#include <mm/mm.h>
#include <mm/mmap.h>
#include <mm/page_alloc.h>
#include <mm/pagecache.h>
#include <mm/rmap.h>
#include <mm/share.h>
#include <mm/swap_cache.h>
#include <mm/swap_leaf.h>
#include <mm/torture.h>
#include <mm/vmstat.h>

/* One fault on its way down: on the stack, seen by nobody else. */
struct fault {
	struct mm *mm;
	u64 va;          /* of the first byte of the page */
	u32 access;      /* FAULT_* */
	struct vma *vma; /* the mapping that contains va */
	pte_t *slot;     /* the leaf */
	pte_t entry;     /* what it held at the first look */
	bool major;      /* it waited for a disk */
};

/* For the trace only. */
static const char *const kind_names[] = {"DENY", "ZERO", "FILE", "SWAP", "COW", "SPURIOUS"};
static const char *const result_names[] = {
	"resume",       "resume, after reading a disk", "SIGSEGV, nothing mapped", "SIGSEGV, not allowed", "SIGBUS",
	"out of memory"};

static enum fault_result fault_locked(struct fault *f);
static enum fault_result fault_leaf(struct fault *f);
static bool access_allowed(u32 vm_flags, u32 access);
static void note_anon(struct vma *vma);
static enum fault_result fault_zero(struct fault *f);
static enum fault_result fault_file(struct fault *f);
static enum fault_result fault_file_private(struct fault *f, struct page *page);
static enum fault_result fault_file_map(struct fault *f, struct page *page);
static enum fault_result fault_swap(struct fault *f);
static enum fault_result fault_cow(struct fault *f);
static bool fault_cow_disown(struct fault *f, struct page *page);
static enum fault_result fault_cow_copy(struct fault *f, struct page *old);
static enum fault_result fault_spurious(struct fault *f);
static enum fault_result fault_change(struct fault *f, enum fault_result why);

enum fault_result
fault_handle(struct mm *mm, u64 va, u32 access)
{
	if (trace_latency_or(fault_handle))
		return trace_fault_watched(mm, va, access);
	return fault_serve(mm, va, access);
}

enum fault_result
fault_serve(struct mm *mm, u64 va, u32 access)
{
	struct fault f = {.mm = mm, .va = va & PAGE_MASK, .access = access};
	enum fault_result result;

	may_sleep();
	dassert(atomic_read(&mm->users) > 0);
	dassert(access & FAULT_ACCESS);
	count_event(VM_PGFAULT);
	do {
		rwsem_read_lock(&mm->lock);
		result = fault_locked(&f);
		rwsem_read_unlock(&mm->lock);
		if (unlikely(result > FAULT_RETRY))
			result = fault_change(&f, result);
		if (unlikely(result == FAULT_RETRY) && READ_ONCE(mm->oom_unstable))
			result = FAULT_BUS; /* the OOM reaper was here: what should be there is gone (oom.h I3) */
	} while (unlikely(result == FAULT_RETRY));
	dassert(result <= FAULT_OOM);
	if (unlikely(READ_ONCE(torture_every)))
		torture_fault();
	if (unlikely(f.major) && result == FAULT_OK)
		result = FAULT_MAJOR;
	trace(fault_done, va, result, result_names[result]);
	return result;
}

enum fault_kind
fault_classify(pte_t entry, u32 vm_flags, bool has_object, u32 access)
{
	if (!access_allowed(vm_flags, access))
		return FAULT_KIND_DENY;
	if (leaf_is_swap(entry))
		return FAULT_KIND_SWAP;
	if (pte_none(entry))
		return has_object ? FAULT_KIND_FILE : FAULT_KIND_ZERO;
	if ((access & FAULT_WRITE) && !pte_has(entry, PTE_WRITE))
		return vm_flags & VM_SHARED ? FAULT_KIND_FILE : FAULT_KIND_COW;
	return FAULT_KIND_SPURIOUS;
}

enum fault_kind
fault_foresee(struct mm *mm, u64 va, u32 access)
{
	enum fault_kind kind = FAULT_KIND_DENY;
	struct vma *vma;

	rwsem_read_lock(&mm->lock);
	vma = vma_find(&mm->vmas, va);
	if (vma && (vma->start <= va || vma->flags & VM_GROWSDOWN)) {
		struct leaf_path path = pagetable_walk(mm, va & PAGE_MASK);

		kind = fault_classify(path.slot ? pte_read(path.slot) : (pte_t){0}, vma->flags, vma->object, access);
	}
	rwsem_read_unlock(&mm->lock);
	return kind;
}

int
fault_populate(struct mm *mm, u64 start, u64 end, u32 access)
{
	dassert(start <= end);
	dassert(access & FAULT_ACCESS);
	for (u64 va = start; va < end; va += PAGE_SIZE) {
		enum fault_result result = fault_handle(mm, va, access);

		if (result == FAULT_OOM)
			return -ENOMEM;
		if (!fault_is_ok(result))
			return -EFAULT;
		if (va + PAGE_SIZE < end && signal_state_fatal(&current->signal))
			return -EINTR;
	}
	return 0;
}

/* Finds the vma and the leaf. Changes nothing but missing tables. */
static enum fault_result
fault_locked(struct fault *f)
{
	struct leaf_path path;

	dassert(rwsem_is_held(&f->mm->lock));
	dassert(!(f->va & ~PAGE_MASK));
	f->vma = vma_find(&f->mm->vmas, f->va);
	if (unlikely(!f->vma))
		return FAULT_SEGV_MAP;
	if (unlikely(f->va < f->vma->start))
		return f->vma->flags & VM_GROWSDOWN ? FAULT_GROW : FAULT_SEGV_MAP;
	trace(fault_locked, f->vma->start, f->vma->end, f->vma->flags);
	path = pagetable_walk(f->mm, f->va);
	if (unlikely(!path.slot)) {
		if (!access_allowed(f->vma->flags, f->access))
			return FAULT_SEGV_ACC;
		if (pagetable_extend(f->mm, f->va, 1))
			return FAULT_OOM;
		path = pagetable_walk(f->mm, f->va);
		dassert(path.slot);
	}
	f->slot = path.slot;
	f->entry = pte_read(path.slot);
	/* I2. A level-2 entry without its write bit belongs to a table that is, or was until now, shared. */
	if (unlikely(!pte_has(pte_read(path.entry2), PTE_WRITE)) && (pte_none(f->entry) || (f->access & FAULT_WRITE)) &&
	    access_allowed(f->vma->flags, f->access) && !table_claim(f->mm, path.entry2))
		return FAULT_UNSHARE;
	return fault_leaf(f);
}

/* One handler a kind. */
static enum fault_result
fault_leaf(struct fault *f)
{
	enum fault_kind kind = fault_classify(f->entry, f->vma->flags, f->vma->object, f->access);

	dassert(f->vma->start <= f->va && f->va < f->vma->end);
	dassert(slot_va(f->slot) == f->va);
	trace(fault_classify, f->entry.value, f->access, kind_names[kind]);
	switch (kind) {
	case FAULT_KIND_ZERO:
		return fault_zero(f);
	case FAULT_KIND_FILE:
		return fault_file(f);
	case FAULT_KIND_SWAP:
		return fault_swap(f);
	case FAULT_KIND_COW:
		return fault_cow(f);
	case FAULT_KIND_SPURIOUS:
		return fault_spurious(f);
	case FAULT_KIND_DENY:
		return FAULT_SEGV_ACC;
	}
	panic("fault_classify gave %d", kind);
}

/*
 * Reading needs what any right gives: the processor cannot map a page for writing or executing alone.
 */
static bool
access_allowed(u32 vm_flags, u32 access)
{
	if (access & FAULT_WRITE)
		return vm_flags & VM_WRITE;
	if (access & FAULT_EXEC)
		return vm_flags & VM_EXEC;
	return vm_flags & VM_ACCESS;
}

/* A private page is about to enter @vma (vma.h). */
static void
note_anon(struct vma *vma)
{
	if (likely(READ_ONCE(vma->has_anon)))
		return;
	if (vma->object)
		pagecache_note_copy(vma->object); /* first: who sees has_anon may rely on it */
	__atomic_store_n(&vma->has_anon, true, __ATOMIC_RELEASE);
}

/* First touch of anonymous memory. */
static enum fault_result
fault_zero(struct fault *f)
{
	struct chain_pool none = {NULL, 0};
	u64 bits = leaf_bits(f->vma->flags);
	struct page *page;

	dassert(pte_none(f->entry) && !f->vma->object);
	trace(fault_zero, f->va, !!(f->access & FAULT_WRITE), 0);
	if (!(f->access & FAULT_WRITE))
		return rmap_map_zero(f->slot, bits) ? FAULT_OK : FAULT_RETRY;
	page = page_alloc(0, ALLOC_USER | ALLOC_ZERO);
	if (!page)
		return FAULT_OOM;
	page_become_user(page, PAGE_ANON, NULL, 0);
	note_anon(f->vma);
	if (rmap_map(f->slot, page, bits | PTE_DIRTY, &none))
		return FAULT_OK;
	page_put(page);
	return FAULT_RETRY;
}

/* A page of an object: mapped itself, or copied at once when the first access to a private mapping is a write. */
static enum fault_result
fault_file(struct fault *f)
{
	struct pagecache *object = f->vma->object;
	u64 index = f->vma->pgoff + ((f->va - f->vma->start) >> PAGE_SHIFT);
	bool copies = (f->access & FAULT_WRITE) && !(f->vma->flags & VM_SHARED);
	bool major = false;
	struct page *page;
	int err;

	dassert(object && index >= f->vma->pgoff);
	dassert(pte_none(f->entry) || f->vma->flags & VM_SHARED);
	trace(fault_file, f->va, index, 0);
	if (!pte_none(f->entry))
		return rmap_make_writable(f->slot, f->entry, true) ? FAULT_OK : FAULT_RETRY;
	if (copies)
		note_anon(f->vma); /* before the page is looked for: see pagecache_set_size */
	err = pagecache_fault_page(object, index, &major, &page);
	if (unlikely(major)) {
		count_event(VM_PGMAJFAULT);
		f->major = true;
	}
	if (err)
		return err == -ENOMEM ? FAULT_OOM : FAULT_BUS;
	if (copies)
		return fault_file_private(f, page); /* consumes the reference */
	return fault_file_map(f, page);             /* consumes the reference */
}

/* Takes a reference to @page. */
static enum fault_result
fault_file_private(struct fault *f, struct page *page)
{
	struct chain_pool none = {NULL, 0};
	struct page *copy = page_alloc(0, ALLOC_USER);

	dassert(pte_none(f->entry) && !(f->vma->flags & VM_SHARED));
	dassert(page_is_user(page) && page->kind != PAGE_ANON);
	if (!copy) {
		page_put(page);
		return FAULT_OOM;
	}
	frame_copy(page_to_va(copy), page_to_va(page));
	page_put(page);
	page_become_user(copy, PAGE_ANON, NULL, 0);
	if (rmap_map(f->slot, copy, leaf_bits(f->vma->flags) | PTE_DIRTY, &none))
		return FAULT_OK;
	page_put(copy);
	return FAULT_RETRY;
}

/* Takes a reference to @page. A read maps read-only even where writing is allowed: the first write must be noticed. */
static enum fault_result
fault_file_map(struct fault *f, struct page *page)
{
	u64 bits = leaf_bits(f->vma->flags) & ~(f->access & FAULT_WRITE ? 0 : PTE_WRITE);
	struct chain_pool pool = {NULL, 0};
	bool mapped;

	dassert(pte_none(f->entry));
	dassert(page->kind == f->vma->object->kind);
	if (rmap_reserve(&pool, CHAIN_ADD_MAX)) {
		page_put(page);
		return FAULT_OOM;
	}
	mapped = rmap_map(f->slot, page, bits, &pool);
	rmap_release(&pool);
	if (!mapped)
		page_put(page);
	return mapped ? FAULT_OK : FAULT_RETRY;
}

/*
 * A page that has left memory. It comes back read-only, whatever the access: a write then finds a leaf as any other,
 * and COW decides. When this was the last leaf that named the slot, the slot goes now, and COW has nothing to copy.
 */
static enum fault_result
fault_swap(struct fault *f)
{
	bool write = f->access & FAULT_WRITE;
	bool major = false;
	int err;

	trace(fault_swap, f->va, f->entry.value, 0);
	err = swap_leaf_in(f->slot, f->entry, leaf_bits(f->vma->flags) & ~PTE_WRITE, ALLOC_USER,
			   write || swap_cache_is_full(), &major);
	if (major) {
		count_event(VM_PGMAJFAULT);
		f->major = true;
	}
	if (err == -ENOMEM)
		return FAULT_OOM;
	if (err == -EIO)
		return FAULT_BUS;
	return err || write ? FAULT_RETRY : FAULT_OK;
}

/* A write to a private page that others may still see. */
static enum fault_result
fault_cow(struct fault *f)
{
	struct page *old = leaf_page(f->entry);
	enum fault_result result;

	dassert(f->access & FAULT_WRITE && f->vma->flags & VM_WRITE && !(f->vma->flags & VM_SHARED));
	dassert(leaf_has_frame(f->entry) && !pte_has(f->entry, PTE_WRITE));
	trace(fault_cow, f->va, page_to_pfn(old), old == zero_frame ? 0 : old->mapcount);
	if (old == zero_frame)
		return fault_cow_copy(f, old);
	if (page_is_cached(old) && !fault_cow_disown(f, old))
		return FAULT_RETRY;
	if (rmap_is_alone(old)) {
		count_event(VM_PGREUSE);
		return rmap_make_writable(f->slot, f->entry, false) ? FAULT_OK : FAULT_RETRY;
	}
	/* Why: with a reference the frame cannot be freed and come back as another page while it is copied. */
	if (!rmap_get(f->slot, f->entry))
		return FAULT_RETRY;
	dassert(page_is_user(old));
	result = fault_cow_copy(f, old);
	page_put(old);
	return result;
}

/* A page of the swap cache that only this leaf wants gives up its slot. False: the leaf changed meanwhile. */
static bool
fault_cow_disown(struct fault *f, struct page *page)
{
	if (READ_ONCE(page->mapcount) != 1)
		return true;
	if (!rmap_get(f->slot, f->entry))
		return false;
	page_lock(page);
	swap_cache_disown(page);
	page_unlock(page);
	page_put(page);
	return true;
}

static enum fault_result
fault_cow_copy(struct fault *f, struct page *old)
{
	bool from_zero = old == zero_frame;
	struct page *new = page_alloc(0, ALLOC_USER | (from_zero ? ALLOC_ZERO : 0));

	dassert(new != old &&atomic_read(&old->refs) > 0);
	if (!new)
		return FAULT_OOM;
	if (!from_zero)
		frame_copy(page_to_va(new), page_to_va(old));
	page_become_user(new, PAGE_ANON, NULL, 0);
	note_anon(f->vma);
	if (!rmap_replace(f->slot, f->entry, old, new, leaf_bits(f->vma->flags) | PTE_DIRTY)) {
		page_put(new);
		return FAULT_RETRY;
	}
	count_event(VM_COW_BREAK);
	if (!from_zero)
		page_put(old); /* the leaf's reference */
	return FAULT_OK;
}

/* The entry allows the access already: prove it, and forget what this CPU remembers. */
static enum fault_result
fault_spurious(struct fault *f)
{
	u64 need = PTE_PRESENT | PTE_USER | (f->access & FAULT_WRITE ? PTE_WRITE : 0);
	u64 missing = need & ~f->entry.value;
	u64 excess = f->access & FAULT_EXEC ? f->entry.value & PTE_NX : 0;

	trace(fault_spurious, f->va, f->entry.value, 0);
	assertf(!missing && !excess,
		"fault at %lx, access %x: entry %lx lacks bits %lx and has %lx too much; vma %lx-%lx flags %x", f->va,
		f->access, f->entry.value, missing, excess, f->vma->start, f->vma->end, f->vma->flags);
	mmu_flush_local_page(f->va);
	return FAULT_OK;
}

/* What only the writer of mm->lock may do: afterwards the fault starts over. */
static enum fault_result
fault_change(struct fault *f, enum fault_result why)
{
	int err;

	may_sleep();
	dassert(why == FAULT_GROW || why == FAULT_UNSHARE);
	if (why == FAULT_GROW)
		return mmap_grow_stack(f->mm, f->va) ? FAULT_RETRY : FAULT_SEGV_MAP;
	rwsem_write_lock(&f->mm->lock);
	err = table_unshare(f->mm, f->va);
	rwsem_write_unlock(&f->mm->lock);
	return err ? FAULT_OOM : FAULT_RETRY;
}
