/* SPDX-License-Identifier: MIT */
/*
 * tests/host/stub/kernel/mutex.h - mutexes of the fake machine
 *
 * Idea        see rwsem.h beside this file
 * Invariants  likewise
 * Locks       these are some
 * Follow      in place of <kernel/mutex.h>   to machine.c
 */
#pragma once

#include <kernel/lib/types.h>
#include <kernel/lock_rank.h>

struct mutex {
	bool held;
	u8 rank;
};

#define MUTEX_INIT(name, lock_rank) \
	{                           \
		.rank = (lock_rank) \
	}

void mutex_lock(struct mutex *m);
void mutex_unlock(struct mutex *m);
bool mutex_trylock(struct mutex *m);

/* Held, at least. */
static inline bool
mutex_is_mine(const struct mutex *m)
{
	return m->held;
}
