/* SPDX-License-Identifier: MIT */
/*
 * user/sysfuzz/calls.c - what is called, how often, and with what kinds of arguments
 *
 * Idea        the memory calls have the weight. Left out is what would reach beyond the batch: reboot, the clock, the
 *             names and limits of others, mounts outside of the playground; calls that only wait are rare.
 * Invariants  letters in `args` are those of args.c
 * Locks       none
 * Follow      from worker.c
 * Tests       tests/guest/test_guest.py (test_sysfuzz)
 */
#include "sysfuzz.h"
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>

#define CALL(name, weight, args)                \
	{                                       \
#name, SYS_##name, weight, args \
	}

static const struct call calls[] = {
	/* memory */
	CALL(mmap, 120, "AZPFfO"),
	CALL(munmap, 70, "AZ"),
	CALL(mprotect, 70, "AZP"),
	CALL(mremap, 70, "AZZRA"),
	CALL(madvise, 80, "AZM"),
	CALL(mincore, 20, "AZb"),
	CALL(msync, 15, "AZS"),
	CALL(mlock, 15, "AZ"),
	CALL(mlock2, 10, "AZL"),
	CALL(munlock, 15, "AZ"),
	CALL(mlockall, 2, "L"),
	CALL(munlockall, 3, ""),
	CALL(brk, 25, "B"),
	CALL(remap_file_pages, 1, "AZPOF"),
	CALL(process_vm_readv, 12, "ivnvn0"),
	CALL(process_vm_writev, 12, "ivnvn0"),
	CALL(memfd_create, 12, "pr"),
	CALL(process_madvise, 3, "fvnM0"),
	/* files, as far as they hold memory or move it */
	CALL(open, 20, "hom"),
	CALL(openat, 8, "Dhom"),
	CALL(close, 25, "f"),
	CALL(close_range, 1, "ffr"),
	CALL(read, 25, "fAn"),
	CALL(write, 25, "fAn"),
	CALL(pread64, 20, "fAnO"),
	CALL(pwrite64, 20, "fAnO"),
	CALL(readv, 12, "fvn"),
	CALL(writev, 12, "fvn"),
	CALL(preadv, 6, "fvnO"),
	CALL(pwritev, 6, "fvnO"),
	CALL(sendfile, 8, "ffbn"),
	CALL(copy_file_range, 4, "fbfbn0"),
	CALL(lseek, 8, "fOw"),
	CALL(truncate, 8, "pO"),
	CALL(ftruncate, 20, "fO"),
	CALL(fallocate, 10, "fxOZ"),
	CALL(fsync, 2, "f"),
	CALL(stat, 4, "hb"),
	CALL(fstat, 4, "fb"),
	CALL(newfstatat, 4, "Dhbr"),
	CALL(statx, 4, "Dhrrb"),
	CALL(statfs, 2, "hb"),
	CALL(getdents64, 6, "fAn"),
	CALL(getcwd, 2, "An"),
	CALL(chdir, 3, "h"),
	CALL(mkdir, 5, "pm"),
	CALL(rmdir, 3, "p"),
	CALL(unlink, 6, "p"),
	CALL(unlinkat, 3, "Dpx"),
	CALL(rename, 5, "pp"),
	CALL(renameat2, 3, "DpDpx"),
	CALL(link, 4, "pp"),
	CALL(symlink, 4, "pp"),
	CALL(readlink, 4, "hAn"),
	CALL(chmod, 2, "pm"),
	CALL(mknod, 2, "pmr"),
	CALL(access, 2, "hx"),
	CALL(utimensat, 2, "Dpbx"),
	CALL(fcntl, 8, "fxn"),
	CALL(flock, 2, "fx"),
	CALL(ioctl, 4, "fIb"),
	CALL(dup, 6, "f"),
	CALL(dup2, 5, "ff"),
	CALL(dup3, 3, "ffr"),
	CALL(pipe, 5, "b"),
	CALL(pipe2, 5, "br"),
	CALL(socketpair, 2, "xx0b"),
	CALL(poll, 5, "bnx"),
	CALL(ppoll, 3, "bntb8"),
	CALL(select, 3, "xbbbt"),
	CALL(umask, 1, "m"),
	CALL(fadvise64, 2, "fOZx"),
	/* processes, threads, signals */
	CALL(fork, 8, ""),
	CALL(clone, 4, "C0000"),
	CALL(clone3, 2, "bn"),
	CALL(wait4, 12, "ibqb"),
	CALL(waitid, 5, "xibqb"),
	CALL(execve, 2, "hvv"),
	CALL(exit, 1, "x"),
	CALL(exit_group, 1, "x"),
	CALL(kill, 3, "is"),
	CALL(tgkill, 3, "iis"),
	CALL(rt_sigaction, 6, "sbb8"),
	CALL(rt_sigprocmask, 5, "xbb8"),
	CALL(rt_sigpending, 2, "b8"),
	CALL(rt_sigtimedwait, 2, "bbt8"),
	CALL(rt_sigqueueinfo, 2, "isb"),
	CALL(sigaltstack, 3, "bb"),
	CALL(setitimer, 1, "xbb"),
	CALL(getitimer, 1, "xb"),
	CALL(futex, 30, "kUntkn"),
	CALL(set_robust_list, 2, "An"),
	CALL(get_robust_list, 2, "ibb"),
	CALL(set_tid_address, 2, "A"),
	CALL(membarrier, 3, "xxx"),
	CALL(sched_yield, 5, ""),
	CALL(sched_getaffinity, 3, "inb"),
	CALL(sched_setaffinity, 3, "inb"),
	CALL(getcpu, 2, "bbb"),
	CALL(prctl, 4, "nrrrr"),
	CALL(arch_prctl, 1, "xA"),
	CALL(prlimit64, 2, "ilbb"),
	CALL(getrlimit, 2, "lb"),
	CALL(getrusage, 3, "xb"),
	CALL(times, 1, "b"),
	CALL(sysinfo, 2, "b"),
	CALL(uname, 1, "b"),
	CALL(nanosleep, 2, "tb"),
	CALL(clock_nanosleep, 2, "x0tb"),
	CALL(clock_gettime, 3, "xb"),
	CALL(getrandom, 5, "Anx"),
	CALL(getppid, 2, ""),
	CALL(setpriority, 1, "0ix"),
	CALL(sync, 1, ""),
	{0},
};

static int weight[sizeof(calls) / sizeof(calls[0])]; /* 0: left out */
static int total;

/* Is @name one of the words between the commas? */
static bool
listed(const char *words, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = words; (at = strstr(at, name)); at += length)
		if ((at == words || at[-1] == ',') && (at[length] == 0 || at[length] == ','))
			return true;
	return false;
}

void
calls_choose(const char *words)
{
	total = 0;
	for (size_t i = 0; calls[i].name; i++) {
		weight[i] = !words || listed(words, calls[i].name) ? calls[i].weight : 0;
		total += weight[i];
	}
}

const struct call *
call_pick(struct player *p)
{
	int64_t point = random_below(p, total);
	size_t i = 0;

	while (point >= weight[i])
		point -= weight[i++];
	return &calls[i];
}
