/* SPDX-License-Identifier: MIT */
/*
 * tests/host/machine_mm.c - the memory core, compiled as it is for the machine of machine.h
 *
 * Idea        One unit, so that what the kernel calls a lock, a CPU, a flush or a table access can mean the machine's.
 *             The kernel's headers come first, then the names change their meaning, then the kernel's files follow.
 * Follow      from machine.c   to mm/
 */
#include <stdio.h>
#include <string.h>

#include "machine.h"

#include <kernel/lib/atomic.h>
#include <kernel/lib/compiler.h>
#include <kernel/panic.h>
#include <kernel/percpu.h>
#include <kernel/spinlock.h>
#include <kernel/wait.h>

#undef DEFINE_PER_CPU
#undef DECLARE_PER_CPU
#undef this_cpu
#undef this_cpu_ptr
#undef per_cpu
#define DEFINE_PER_CPU(type, name) __typeof__(type) name[MAX_CPUS]
#define DECLARE_PER_CPU(type, name) extern __typeof__(type) name[MAX_CPUS]
#define this_cpu(name) (name)[machine_cpu()]
#define this_cpu_ptr(name) (&(name)[machine_cpu()])
#define per_cpu(name, cpu) (name)[cpu]
#define this_cpu_id() machine_cpu()

#define spin_lock(l) machine_spin_lock(l, false)
#define spin_lock_nested(l) machine_spin_lock(l, true)
#define spin_trylock(l) machine_spin_trylock(l)
#define spin_unlock(l) machine_spin_unlock(l)
#define may_sleep() machine_may_sleep()

#undef wait_event
#define wait_event(q, cond)              \
	do {                             \
		while (!(cond))          \
			machine_block(); \
	} while (0)

#undef wait_timed
#define wait_timed(q, cond, state, deadline_ns) \
	({                                      \
		while (!(cond))                 \
			machine_block();        \
		0;                              \
	})

#undef current
#define current (&machine_tasks[machine_cpu()])
extern struct task machine_tasks[MAX_CPUS];

#define mmu_flush_local_page(va) machine_flush_page(va)
#define mmu_flush_local_all() machine_flush_all()
#define mmu_root_switch(pa) machine_root_switch(pa)
#define frame_copy(to, from) machine_frame_copy(to, from)
#define pte_read(slot) (machine_point(), pte_read(slot))
#define pte_write(slot, e) (machine_point(), pte_write(slot, e))
#define pte_xchg(slot, e) (machine_point(), pte_xchg(slot, e))
#define pte_cas(slot, old, new) (machine_point(), pte_cas(slot, old, new))
#define pte_clear_bits(slot, bits) (machine_point(), pte_clear_bits(slot, bits))
#define atomic_read(a) (machine_point(), atomic_read(a))
#define atomic_dec_and_test(a) (machine_point(), atomic_dec_and_test(a))

#include "../../kernel/lib/bitmap.c"
#include "../../mm/advise_pages.c"
#include "../../mm/brk.c"
#include "../../mm/check.c"
#include "../../mm/commit.c"
#include "../../mm/evict_walk.c"
#include "../../mm/fault.c"
#include "../../mm/fault_page.c"
#include "../../mm/fork.c"
#include "../../mm/lazyfree.c"
#include "../../mm/lru.c"
#include "../../mm/lru_check.c"
#include "../../mm/lru_count.c"
#include "../../mm/lru_isolate.c"
#include "../../mm/lru_start.c"
#include "../../mm/madvise.c"
#include "../../mm/mlock.c"
#include "../../mm/mm.c"
#include "../../mm/mmap.c"
#include "../../mm/move.c"
#include "../../mm/mprotect.c"
#include "../../mm/mremap.c"
#include "../../mm/munmap.c"
#include "../../mm/oom.c"
#include "../../mm/oom_score.c"
#include "../../mm/page.c"
#include "../../mm/pagecache.c"
#include "../../mm/pagecache_drop.c"
#include "../../mm/pagecache_object.c"
#include "../../mm/pagetable.c"
#include "../../mm/reclaim.c"
#include "../../mm/reclaim_batch.c"
#include "../../mm/rmap.c"
#include "../../mm/rmap_age.c"
#include "../../mm/rmap_check.c"
#include "../../mm/rmap_lazy.c"
#include "../../mm/rmap_lock.c"
#include "../../mm/rmap_move.c"
#include "../../mm/rmap_unmap.c"
#include "../../mm/share.c"
#include "../../mm/shmem.c"
#include "../../mm/shmem_same.c"
#include "../../mm/shrinker.c"
#include "../../mm/swap.c"
#include "../../mm/swap_cache.c"
#include "../../mm/swap_check.c"
#include "../../mm/swap_discard.c"
#include "../../mm/swap_io.c"
#include "../../mm/swap_leaf.c"
#include "../../mm/swap_map.c"
#include "../../mm/swap_mend.c"
#include "../../mm/swap_same.c"
#include "../../mm/swapoff.c"
#include "../../mm/tlb.c"
#include "../../mm/truncate.c"
#include "../../mm/unmap.c"
#include "../../mm/vma.c"
#include "../../mm/vma_alloc.c"
#include "../../mm/vma_edit.c"
#include "../../mm/vmstat.c"
#include "../../mm/word_table.c"
#include "../../mm/workingset.c"

s64
machine_event(u32 item)
{
	return vmstat_sum(item);
}
