/* SPDX-License-Identifier: MIT */
/*
 * tests/host/stub/kernel/printk.h - the kernel's log, for host tests: standard error
 *
 * Idea        pr_warn is in panic.h, where the kernel has it too.
 * Follow      in place of <kernel/printk.h>
 */
#pragma once

#include <kernel/panic.h>

#define printk(...) fprintf(stderr, __VA_ARGS__)
#define pr_info(...) printk(__VA_ARGS__)
#define pr_err(...) printk(__VA_ARGS__)
