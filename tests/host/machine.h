/* SPDX-License-Identifier: MIT */
/*
 * tests/host/machine.h - a machine in a program: RAM, CPUs that take turns, and TLBs that remember too much
 *
 * Idea        The memory core of the kernel (machine_mm.c includes its files as they are) runs on frames in a mapped
 *             arena. Each CPU is a coroutine. At every lock, every page-table access and every allocation another CPU
 *             may get its turn, by a fixed random sequence: races happen, and the same ones each time.
 *             A program's access goes through a software MMU that is as forgetful as a real one at best: it caches
 *             leaves and level-2 entries, fills its caches on speculation, forgets only what the kernel flushes, and
 *             stops the test when a walk meets a table, or an access a frame, that was freed.
 *
 *                 machine_access --> TLB --> level-2 cache --> tables --fault--> fault_handle
 *
 * Invariants  I1  A free frame holds a pattern; whoever takes it proves that nobody wrote to it.
 *             I2  Locks are taken in ascending rank; who may sleep holds no spinlock.
 *             I3  At the end all frames and all objects are back (machine_stop).
 * Locks       none; one CPU runs at a time
 * Follow      from mm_test.c, share_test.c, ...   to machine.c, machine_mm.c
 * See         Intel SDM volume 3, section 4.10 (what a processor may cache)
 */
#pragma once

#include <arch/mmu.h>
#include <kernel/lib/types.h>
#include <mm/fault.h>

struct mm;
struct page;

#define MACHINE_CPUS 4

/* Sets up RAM of @frames frames and the memory core; @seed begins the random sequence. */
void machine_start(u32 frames, u64 seed);

/* Ends it: fails unless all frames and objects but those of the core itself are back. */
void machine_stop(void);

/* Runs @fn(cpu) on the first @cpus CPUs, taking turns, until each has returned. */
void machine_run(u32 cpus, void (*fn)(u32 cpu));

/* Outside machine_run: which CPU the code runs on. */
void machine_on(u32 cpu);
u32 machine_cpu(void);

/* Another CPU may run now; or must: the caller waits for something. */
void machine_point(void);
void machine_block(void);

/* From now on one of @n allocations fails; 0: none. */
void machine_fail_every(u32 n);

/* Called, unless NULL, by each allocation of a frame. */
extern void (*machine_alloc_hook)(void);

/* Addresses that the MMUs speculate about: [start, end). */
void machine_speculate(u64 start, u64 end);

/*
 * machine_access - a program on this CPU, which has @mm active, reads or writes the word at @va
 *
 * Returns   FAULT_OK and for a read the word in *value; else what fault_handle said last
 */
enum fault_result machine_access(struct mm *mm, u64 va, u32 access, u64 *value);

/* Does the TLB of this CPU hold a translation for @va? */
bool machine_tlb_has(u64 va);

/* Frames that are free; objects of all caches that are in use; flushes so far. */
u64 machine_free_frames(void);
s64 machine_objects(void);
u64 machine_flushes(void);

/*
 * A disk of @slots pages becomes a swap area; 0: the area goes, and every page must come back. A transfer ends some
 * turns after it began, on whichever CPU runs then.
 */
void machine_swap(u32 slots);

/* This CPU reclaims @pages pages, or as many as it can. */
void machine_reclaim(u32 pages);

/* What the core has counted under this name (enum vmstat_item) so far. */
s64 machine_event(u32 item);

/* The random sequence of the machine. */
u64 machine_random(void);

/* What machine_mm.c lets the kernel's names mean. */
struct spinlock;
void machine_spin_lock(struct spinlock *l, bool nested);
bool machine_spin_trylock(struct spinlock *l);
void machine_spin_unlock(struct spinlock *l);
void machine_may_sleep(void);
void machine_flush_page(u64 va);
void machine_flush_all(void);
void machine_root_switch(u64 root_pa);
void machine_frame_copy(void *to, const void *from);
