/* SPDX-License-Identifier: MIT */
/*
 * kernel/wait_child.h - wait4 and waitid: learn what became of a child
 *
 * Idea        One request describes whom and what to wait for; one scan under process_lock answers it: an event was
 *             taken, not yet, or there is nobody to wait for.
 * Invariants  see wait_child.c
 * Locks       process_lock
 * Follow      from sys_proc.c   to process_unlink
 * Tests       tests/guest/wait.c
 */
#pragma once

#include <kernel/process.h>

#define WNOHANG 1u
#define WUNTRACED 2u
#define WSTOPPED 2u
#define WEXITED 4u
#define WCONTINUED 8u
#define WNOWAIT 0x01000000u
#define WNOTHREAD 0x20000000u /* __WNOTHREAD */
#define WALL 0x40000000u      /* __WALL */
#define WCLONE 0x80000000u    /* __WCLONE */

enum wait_whom {
	WAIT_ANY,
	WAIT_PID,
	WAIT_GROUP,
};

struct wait_request {
	/* What the caller wants. */
	enum wait_whom whom;
	s32 id;      /* process or group */
	u32 options; /* W*, with at least one of WEXITED, WSTOPPED, WCONTINUED */

	/* What it gets. */
	s32 pid;            /* of the child; 0: none, with WNOHANG */
	s32 status;         /* wait4's form */
	struct usage usage; /* of the child and its own waited-for children */
};

/*
 * wait_child - wait as @request says, and take the event unless WNOWAIT
 *
 * Returns   the child's number; 0: nothing yet (WNOHANG); -ECHILD: no such child; -ERESTARTSYS
 * Context   may sleep; takes process_lock
 */
s64 wait_child(struct wait_request *request);
