/* SPDX-License-Identifier: MIT */
/*
 * kernel/selftest.h - selftest=name on the command line: show what a kernel mistake looks like, or stress its base
 *
 * Idea        The reports are part of the course: a student should have seen each of them before needing it. Every mode
 *             ends the machine: by its panic, or with `selftest: name ok` and power off.
 * Invariants  none
 * Locks       none
 * Follow      from main.c   to selftest.c
 * Tests       tests/guest/test_guest.py (test_self)
 */
#pragma once

/*
 * selftest_run - do what selftest= asks for; nothing without that word
 *
 * Returns   only when there is no such word, or its value names no mode (which is said)
 * Context   boot, in a task (not idle), after everything is up
 */
void selftest_run(void);

/* selftest=disk. Context: may sleep. */
void selftest_disk(void);
