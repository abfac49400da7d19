/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/uname.c - what the machine is called, what it tells of itself, and that not everybody may restart it
 *
 * Idea        see guest.h. Names are put back: on Linux this may be somebody's machine.
 * Invariants  see guest.h
 * Follow      to kernel/uts.c, kernel/sys_info.c
 */
#include "guest.h"
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <time.h>

static void
release_parses(void)
{
	struct utsname u;
	int a, b, c;

	memset(&u, 0xff, sizeof(u));
	check(uname(&u) == 0);
	check(strcmp(u.sysname, "Linux") == 0 && strcmp(u.machine, "x86_64") == 0);
	check(sscanf(u.release, "%d.%d.%d", &a, &b, &c) == 3 && a >= 5);
	check(memchr(u.nodename, 0, sizeof(u.nodename)) && memchr(u.version, 0, sizeof(u.version)));
	check(memchr(u.domainname, 0, sizeof(u.domainname)));
	check_errno(syscall(SYS_uname, 16), EFAULT);
}

static void
names_set(void)
{
	struct utsname before, now;
	char long_name[65];

	memset(long_name, 'x', sizeof(long_name));
	check(uname(&before) == 0);
	check(sethostname("flood", 5) == 0 && uname(&now) == 0 && strcmp(now.nodename, "flood") == 0);
	check(sethostname("ebb", 3) == 0 && uname(&now) == 0 && strcmp(now.nodename, "ebb") == 0);
	check(sethostname(long_name, 64) == 0 && uname(&now) == 0 && strlen(now.nodename) == 64);
	check(sethostname("", 0) == 0 && uname(&now) == 0 && !now.nodename[0]);
	check(setdomainname("sea", 3) == 0 && uname(&now) == 0 && strcmp(now.domainname, "sea") == 0);
	check_errno(sethostname(long_name, 65), EINVAL);
	check_errno(syscall(SYS_sethostname, "x", -1), EINVAL);
	check_errno(setdomainname(long_name, 65), EINVAL);
	check_errno(syscall(SYS_sethostname, 16, 5), EFAULT);
	check(sethostname(before.nodename, strlen(before.nodename)) == 0);
	check(setdomainname(before.domainname, strlen(before.domainname)) == 0);
}

static void
sums_of_the_machine(void)
{
	struct sysinfo before, after;
	struct timespec t;

	memset(&before, 0xff, sizeof(before));
	check(sysinfo(&before) == 0);
	check(before.mem_unit >= 1 && before.totalram > before.freeram && before.procs >= 1);
	check(before.totalhigh == 0 && before.freehigh == 0);
	check(clock_gettime(CLOCK_BOOTTIME, &t) == 0 && (long)before.uptime <= t.tv_sec + 1 &&
	      (long)before.uptime + 5 >= t.tv_sec);
	volatile unsigned char *p = map_private(8 * MIB);
	for (int i = 0; i < 8 * MIB; i += PAGE)
		p[i] = 1;
	check(sysinfo(&after) == 0);
	check((before.freeram - after.freeram) * before.mem_unit >= 4 * MIB);
	check_errno(syscall(SYS_sysinfo, 16), EFAULT);
}

static void
restart_refused(void)
{
	check_errno(syscall(SYS_reboot, 1, 672274793, 0x01234567, 0), EINVAL);
	check_errno(syscall(SYS_reboot, 0xfee1dead, 5, 0x01234567, 0), EINVAL);
	check_errno(syscall(SYS_reboot, 0xfee1dead, 672274793, 0x11111111, 0), EINVAL);
}

const struct test_case uname_cases[] = {
	{"uname tells a release of three numbers", release_parses, 0, 0},
	{"root names the machine and its domain", names_set, 0, 0},
	{"sysinfo adds up", sums_of_the_machine, 0, 0},
	{"reboot wants the right words", restart_refused, 0, 0},
	{0},
};
