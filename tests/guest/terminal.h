/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/terminal.h - what the cases about the terminal share
 *
 * Idea        The terminal is the serial line, /dev/ttyS0, which is also the console of the runner. Nobody types. Each
 *             case runs in a session of its own (terminal_case), and whatever it does to the terminal is undone.
 * Follow      from tty.c, jobs.c   to support_tty.c
 */
#pragma once

#include <sys/ioctl.h>
#include <termios.h>

/* Runs @body in a child that leads a session without terminal; then settings and size are as before. */
void terminal_case(void (*body)(void *));
/* An open descriptor; @flags beside O_RDWR. Without O_NOCTTY the session gets the terminal. */
int terminal_open(int flags);
/* Starts a child in a process group of its own, as a shell does; it begins when it is in its group. */
pid_t job_start(void (*run)(void *), void *arg);
/* Waits until the child stops; returns the signal that stopped it, 0 if it ended instead. */
int job_stop_signal(pid_t pid);
/* Ends a job that may be stopped. */
void job_end(pid_t pid);
