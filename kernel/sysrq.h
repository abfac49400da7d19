/* SPDX-License-Identifier: MIT */
/*
 * kernel/sysrq.h - one letter, one deed: what an operator does when nothing else helps
 *
 * Idea        see sysrq.c
 * Invariants  none
 * Locks       those of the deeds
 * Follow      from fs/procfs_mm.c   to sysrq.c
 * Tests       tests/guest/kmsg.c
 * See         Linux Documentation/admin-guide/sysrq.rst
 */
#pragma once

/*
 * sysrq_handle - do what @key stands for, and say so in the log; an unknown key prints what there is
 *
 * Returns   nothing; not at all from b and c
 * Context   may sleep
 */
void sysrq_handle(char key);
