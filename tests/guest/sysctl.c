/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/sysctl.c - /proc/sys: what can be set
 *
 * Idea        each setting is changed, its effect seen, and put back
 * Follow      to kernel/fs/procfs_sysctl.c, kernel/uts.c
 */
#include "guest.h"
#include "procfile.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

/* False, with a note: somebody else's machine, whose settings are not ours to change. */
static bool
may_change(const char *path)
{
	int fd = open(path, O_WRONLY);

	close(fd);
	if (fd >= 0 && (on_tidemark() || getpid() == 1 || getppid() == 1))
		return true;
	note("%s is not ours to change", path);
	return false;
}

static void
names_of_the_system(void)
{
	struct utsname name;
	char want[100];

	check(uname(&name) == 0);
	snprintf(want, sizeof(want), "%s\n", name.release);
	check(strcmp(proc_text("/proc/sys/kernel/osrelease"), want) == 0);
	snprintf(want, sizeof(want), "%s\n", name.sysname);
	check(strcmp(proc_text("/proc/sys/kernel/ostype"), want) == 0);
	snprintf(want, sizeof(want), "%s\n", name.version);
	check(strcmp(proc_text("/proc/sys/kernel/version"), want) == 0);
	check_errno(open("/proc/sys/kernel/ostype", O_WRONLY), EACCES);
}

static void
hostname(void)
{
	static const char path[] = "/proc/sys/kernel/hostname";
	struct utsname name;
	char old[70], domain[70];

	if (!may_change(path))
		return;
	check(gethostname(old, sizeof(old)) == 0);
	check(proc_write(path, "marsh\n") == 6);
	check(uname(&name) == 0 && strcmp(name.nodename, "marsh") == 0);
	check(sethostname("tide", 4) == 0);
	check(strcmp(proc_text(path), "tide\n") == 0);
	check_errno(sethostname("x", 65), EINVAL);
	check_errno(sethostname("x", -1), EINVAL);
	check_errno(sethostname((char *)8, 5), EFAULT);
	check(sethostname(old, strlen(old)) == 0);
	check(getdomainname(domain, sizeof(domain)) == 0);
	check(setdomainname("pool", 4) == 0);
	check(strcmp(proc_text("/proc/sys/kernel/domainname"), "pool\n") == 0);
	check_errno(setdomainname("x", 65), EINVAL);
	check(setdomainname(domain, strlen(domain)) == 0);
}

static void
watermarks_follow(void)
{
	static const char path[] = "/proc/sys/vm/min_free_kbytes";
	char old[32];
	long min = 0;

	if (!may_change(path))
		return;
	snprintf(old, sizeof(old), "%s", proc_text(path));
	check(proc_write(path, "4096") == 4);
	check(atol(proc_text(path)) == 4096);
	for (char *at = proc_text("/proc/zoneinfo"); (at = strstr(at, "        min ")); at++)
		min += atol(at + 12);
	check(labs(min - 1024) <= 4);
	check_errno(proc_write(path, "-1"), EINVAL);
	check_errno(proc_write(path, "many"), EINVAL);
	check_errno(proc_write(path, "1x"), EINVAL);
	check(proc_write(path, old) == (long)strlen(old));
}

static void
caches_drop(void)
{
	static const char path[] = "/proc/sys/vm/drop_caches";

	if (!may_change(path))
		return;
	check_errno(open(path, O_RDONLY), EACCES);
	check_errno(proc_write(path, "0"), EINVAL);
	check_errno(proc_write(path, "5"), EINVAL);
	check(proc_write(path, "3\n") == 2);
}

static void
mappings_are_bounded(void)
{
	static const char path[] = "/proc/sys/vm/max_map_count";
	char old[32];
	void *p = MAP_FAILED;
	int made = 0;

	if (!may_change(path))
		return;
	snprintf(old, sizeof(old), "%s", proc_text(path));
	check(atol(old) > 1000);
	check(proc_write(path, "100") == 3);
	/* Every second page: no two mappings can become one. */
	char *area = mmap(NULL, 400 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(area != MAP_FAILED);
	for (made = 0; made < 200; made++) {
		p = mmap(area + made * 2 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		if (p == MAP_FAILED)
			break;
	}
	int error = errno;
	check(proc_write(path, old) == (long)strlen(old));
	check(p == MAP_FAILED && error == ENOMEM && made > 20 && made < 100);
	check(mmap(area, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == area);
}

static void
lowest_address(void)
{
	static const char path[] = "/proc/sys/vm/mmap_min_addr";
	char old[32];

	if (!may_change(path))
		return;
	snprintf(old, sizeof(old), "%s", proc_text(path));
	check(proc_write(path, "131072") == 6 && atol(proc_text(path)) == 131072);
	char *p = mmap((void *)PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(p != MAP_FAILED && (uintptr_t)p >= 131072);
	check_errno(proc_write(path, "-4096"), EINVAL);
	check(proc_write(path, old) == (long)strlen(old));
}

static bool
is_uuid(const char *text)
{
	for (int i = 0; i < 36; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;
		if (dash ? text[i] != '-' : !strchr("0123456789abcdef", text[i]))
			return false;
	}
	return text[14] == '4' && strchr("89ab", text[19]) && text[36] == '\n' && !text[37];
}

static void
random_numbers(void)
{
	char first[64], boot[64];

	snprintf(first, sizeof(first), "%s", proc_text("/proc/sys/kernel/random/uuid"));
	check(is_uuid(first) && is_uuid(proc_text("/proc/sys/kernel/random/uuid")));
	check(strcmp(proc_text("/proc/sys/kernel/random/uuid"), first) != 0);
	snprintf(boot, sizeof(boot), "%s", proc_text("/proc/sys/kernel/random/boot_id"));
	check(is_uuid(boot) && strcmp(proc_text("/proc/sys/kernel/random/boot_id"), boot) == 0);
	check(atol(proc_text("/proc/sys/kernel/random/entropy_avail")) > 0);
}

static void
fixed_numbers(void)
{
	check(atol(proc_text("/proc/sys/kernel/pid_max")) >= 32768);
	check(atol(proc_text("/proc/sys/kernel/ngroups_max")) == 65536);
	check(atol(proc_text("/proc/sys/kernel/cap_last_cap")) >= 37);
	check(atol(proc_text("/proc/sys/fs/nr_open")) >= 65536);
	check(atol(proc_text("/proc/sys/fs/file-max")) > 1000);
	check_errno(open("/proc/sys/kernel/ngroups_max", O_RDWR), EACCES);
	check_errno(open("/proc/sys/kernel/nothing", O_RDONLY), ENOENT);
	check(open("/proc/sys/kernel/none", O_RDWR | O_CREAT, 0644) < 0);
}

static void
panic_timeout(void)
{
	static const char path[] = "/proc/sys/kernel/panic";
	char old[32];

	if (!may_change(path))
		return;
	snprintf(old, sizeof(old), "%s", proc_text(path));
	check(proc_write(path, "17") == 2 && atol(proc_text(path)) == 17);
	check(proc_write(path, "-1") == 2 && atol(proc_text(path)) == -1);
	check_errno(proc_write(path, "99999999999"), EINVAL);
	check(proc_write(path, old) == (long)strlen(old));
}

const struct test_case sysctl_cases[] = {
	{"ostype, osrelease and version are uname's, and nobody writes them", names_of_the_system, 0, 0},
	{"the host's name is set by system call and by file", hostname, 0, 0},
	{"min_free_kbytes moves the watermarks", watermarks_follow, 0, 0},
	{"drop_caches takes 1 to 4 and cannot be read", caches_drop, 0, 0},
	{"max_map_count bounds the mappings of a process", mappings_are_bounded, 0, 0},
	{"mmap_min_addr keeps mmap away from the lowest addresses", lowest_address, 0, 0},
	{"uuid is new each time, boot_id is not", random_numbers, 0, 0},
	{"what is fixed can be read only", fixed_numbers, 0, 0},
	{"the panic timeout is set, within its bounds", panic_timeout, 0, 0},
	{0},
};
