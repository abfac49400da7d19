/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/procfs_syscalls.c - /proc/syscalls: the system calls that there are, and which were used
 *
 * Idea        a file of Tidemark's own. A line for each call: number, name, how much of Linux's it is, and in the debug
 *             kernel how often it was made and how often it gave no error since the boot. With it the guest tests prove
 *             that each call was tried; a person sees what a program asks for.
 * Invariants  none
 * Locks       none: the counters are atomic, and the lines are of slightly different moments
 * Follow      from procfs_sys.c   to kernel/syscall.c
 * Tests       tests/guest/abi.c
 */
#include <kernel/fs/procfs.h>

#include <kernel/fs/seq.h>
#include <kernel/lib/compiler.h>
#include <kernel/syscall.h>

static const struct {
	u16 nr;
	const char *name;
	const char *status;
} calls[] = {
#define SYSCALL(nr, name, nargs, status) {nr, #name, #status},
#include <kernel/syscalls.def>
#undef SYSCALL
};

void
procfs_syscalls_show(struct seq *s)
{
	const struct syscall_count *count;

	for (u32 i = 0; i < ARRAY_SIZE(calls); i++) {
		count = &syscall_counts[calls[i].nr];
		seq_printf(s, "%3u %-24s %s", calls[i].nr, calls[i].name, calls[i].status);
		if (CONFIG_DEBUG)
			seq_printf(s, " %ld %ld", atomic64_read(&count->made), atomic64_read(&count->good));
		seq_puts(s, "\n");
	}
}
