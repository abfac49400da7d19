/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/abi.c - the table of system calls keeps its word
 *
 * Idea        what is absent must be ENOSYS, and nothing else happens; what is called full must have been called with
 *             success by some other case of this run. The second comes from the counters of the debug kernel
 *             (/proc/syscalls): calls_note() is called around each group, except those which call everything whether it
 *             makes sense or not. So this group is the last, and judges only a run of all cases.
 * Follow      from main.c   to kernel/syscalls.def, kernel/syscalls_linux.def, kernel/fs/procfs_syscalls.c
 */
#include "guest.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

enum {
	NUMBERS = 512,
	TEXT_MAX = 32768
};

static const struct {
	int nr;
	const char *name;
} linux_calls[] = {
#define LINUX(nr, name) {nr, #name},
#define LINUX_NAME(nr, name) {nr, #name},
#include "../../kernel/syscalls_linux.def"
};

static const char full[] = "FULL";
static const char *const built[NUMBERS] = {
#define SYSCALL(nr, name, nargs, status) [nr] = #status,
#include "../../kernel/syscalls.def"
};

/* Calls that never return, or never with success; having been made is all one can ask of them. */
static const int never_good[] = {SYS_exit,         SYS_exit_group,      SYS_pause, SYS_rt_sigsuspend,
				 SYS_rt_sigreturn, SYS_restart_syscall, SYS_reboot};

struct counts {
	long made[NUMBERS];
	long good[NUMBERS];
};

static struct counts *total; /* shared with the cases: what all groups have done so far */
static struct counts before;
static bool run_is_whole;

static bool
counts_read(struct counts *counts)
{
	static char text[TEXT_MAX];
	FILE *file = fopen("/proc/syscalls", "r");
	int nr;
	long made, good;

	if (!file)
		return false;
	size_t length = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[length] = 0;
	memset(counts, 0, sizeof(*counts));
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		if (sscanf(line, "%d %*s %*s %ld %ld", &nr, &made, &good) != 3)
			return false;
		counts->made[nr] = made;
		counts->good[nr] = good;
	}
	return true;
}

/* The first call, with group "", pays for what all later ones touch, so that the ledger stays as it is. */
void
calls_note(const char *group, bool ended, bool whole)
{
	static struct counts now;

	run_is_whole = whole;
	if (!total) {
		total = mmap(NULL, sizeof(*total), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		memset(total, 0, sizeof(*total));
		counts_read(&before);
		counts_read(&now);
		before = now;
		return;
	}
	if (!whole || strcmp(group, "wild") == 0 || strcmp(group, "abi") == 0)
		return;
	if (!ended) {
		counts_read(&before);
		return;
	}
	if (!counts_read(&now))
		return;
	for (int nr = 0; nr < NUMBERS; nr++) {
		total->made[nr] += now.made[nr] - before.made[nr];
		total->good[nr] += now.good[nr] - before.good[nr];
	}
}

static bool
on_tidemark(void)
{
	struct utsname name;

	check(uname(&name) == 0);
	return strstr(name.release, "tidemark") != NULL;
}

/* On Linux most of them exist; that of all numbers nobody has is left. */
static void
absent_is_enosys(void)
{
	bool tidemark = on_tidemark();

	for (size_t i = 0; tidemark && i < sizeof(linux_calls) / sizeof(linux_calls[0]); i++) {
		int nr = linux_calls[i].nr;
		if (built[nr])
			continue;
		errno = 0;
		if (syscall(nr, 0, 0, 0, 0, 0, 0) != -1 || errno != ENOSYS)
			fail("%s (%d) is absent from the table, but gives errno %d", linux_calls[i].name, nr, errno);
	}
	for (int nr = 335; nr <= 423; nr++)
		check_errno(syscall(nr, 0, 0, 0, 0, 0, 0), ENOSYS);
	check_errno(syscall(NUMBERS - 1, 0, 0, 0, 0, 0, 0), ENOSYS);
	check_errno(syscall(NUMBERS, 0, 0, 0, 0, 0, 0), ENOSYS);
	check_errno(syscall(-1, 0, 0, 0, 0, 0, 0), ENOSYS);
}

static bool
may_never_succeed(int nr)
{
	for (size_t i = 0; i < sizeof(never_good) / sizeof(never_good[0]); i++)
		if (never_good[i] == nr)
			return true;
	return false;
}

/* Of the names in the list, those that no case calls with success; the count. */
static int
untried_note(void)
{
	int count = 0;

	for (size_t i = 0; i < sizeof(linux_calls) / sizeof(linux_calls[0]); i++) {
		int nr = linux_calls[i].nr;
		bool tried = may_never_succeed(nr) ? total->made[nr] : total->good[nr];
		if (built[nr] && strcmp(built[nr], full) == 0 && !tried) {
			note("no case calls %s with success", linux_calls[i].name);
			count++;
		}
	}
	return count;
}

static void
full_has_a_case(void)
{
	int untried;

	if (!run_is_whole || !total->made[SYS_exit_group]) {
		note("only a run of all cases on the debug kernel shows it");
		return;
	}
	untried = untried_note();
	if (untried)
		fail("%d calls are FULL in the table, and no case calls them with success: the lines above", untried);
}

const struct test_case abi_cases[] = {
	{"every call that the table does not have is ENOSYS", absent_is_enosys, 0, 0},
	{"every call that the table calls full was made, with success, by some case", full_has_a_case, 0, 0},
	{0},
};
