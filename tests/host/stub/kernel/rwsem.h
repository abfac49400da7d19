/* SPDX-License-Identifier: MIT */
/*
 * tests/host/stub/kernel/rwsem.h - reader-writer semaphores of the fake machine
 *
 * Idea        The CPUs of machine.h take turns; who must wait lets another run. Writers that wait keep readers out.
 * Invariants  checked: nobody releases what is not held; ranks ascend; no spinlock is held by who may sleep
 * Locks       these are some
 * Follow      in place of <kernel/rwsem.h>   to machine.c
 */
#pragma once

#include <kernel/lib/types.h>
#include <kernel/lock_rank.h>

struct rwsem {
	u32 readers;
	u32 waiting; /* writers */
	bool writer;
	u8 holder; /* number of the writing CPU + 1 */
	u8 rank;
};

void rwsem_init(struct rwsem *s, enum lock_rank rank);
void rwsem_read_lock(struct rwsem *s);
bool rwsem_read_trylock(struct rwsem *s);
void rwsem_read_unlock(struct rwsem *s);
void rwsem_write_lock(struct rwsem *s);
void rwsem_write_lock_nested(struct rwsem *s);
void rwsem_write_unlock(struct rwsem *s);

/* For asserts. Outside machine_run the test does alone what it likes: it counts as the holder of every lock. */
bool rwsem_is_held(const struct rwsem *s);
bool rwsem_write_is_mine(const struct rwsem *s);
