/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/proc_sys.c - the files of the system: stat, loadavg, interrupts, cpuinfo, and everything else that opens
 *
 * Idea        each number is moved by what it names; then every file of /proc is read and written in odd ways
 * Follow      to kernel/fs/procfs_cpu.c, kernel/fs/procfs_sys.c
 */
#include "guest.h"
#include "procfile.h"
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <time.h>

static volatile int *word; /* shared */

/* Column @n (from 0) of the line of /proc/stat that begins with @name. */
static long
stat_column(const char *name, int n)
{
	char *at = proc_text("/proc/stat");
	size_t length = strlen(name);

	while (at && !(strncmp(at, name, length) == 0 && at[length] == ' '))
		at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL;
	check(at);
	at += length;
	for (; n >= 0; n--)
		at += strspn(at, " "), at += n ? strcspn(at, " ") : 0;
	return strtol(at, NULL, 10);
}

static void
spin_cpu(long nanoseconds)
{
	struct timespec from, to;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	do
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	while ((to.tv_sec - from.tv_sec) * 1000000000 + to.tv_nsec - from.tv_nsec < nanoseconds);
}

static void
cpu_time_moves(void)
{
	long busy = stat_column("cpu", 0) + stat_column("cpu", 1) + stat_column("cpu", 2);

	spin_cpu(200000000);
	long grown = stat_column("cpu", 0) + stat_column("cpu", 1) + stat_column("cpu", 2) - busy;
	/* Linux looks at each tick, and an emulated one may come late. */
	check(grown >= (on_tidemark() ? 15 : 3));
}

static void
cpus_add_up(void)
{
	long sum = 0;
	int lines = 0;

	for (int i = 0; i < cpus_online(); i++) {
		char name[16];
		snprintf(name, sizeof(name), "cpu%d", i);
		sum += stat_column(name, 3);
		lines++;
	}
	long idle = stat_column("cpu", 3);
	check(lines == cpus_online() && labs(idle - sum) < 100);
}

static void
dies(void *arg)
{
	(void)arg;
}

static void
forks_and_switches(void)
{
	long forks = stat_column("processes", 0);
	long switches = stat_column("ctxt", 0);

	for (int i = 0; i < 10; i++)
		check(child_run(dies, NULL) == 0);
	check(stat_column("processes", 0) >= forks + 10);
	check(stat_column("ctxt", 0) >= switches + 10);
	check(stat_column("procs_running", 0) >= 1);
	long boot = stat_column("btime", 0);
	check(labs(time(NULL) - boot - (long)atof(proc_text("/proc/uptime"))) <= 2);
}

static void
spins(void *arg)
{
	(void)arg;
	announce(word);
	while (*word < 100)
		;
}

static void
running_are_counted(void)
{
	int running, total, last;
	pid_t pid[4];

	word = (volatile int *)map_shared(PAGE);
	for (int i = 0; i < 4; i++)
		pid[i] = child_start(spins, NULL);
	await(word, 4);
	check(sscanf(proc_text("/proc/loadavg"), "%*f %*f %*f %d/%d %d", &running, &total, &last) == 3);
	/* On Linux the children may be on their way to another processor; a few are seen in any case. */
	check(running >= (on_tidemark() ? 5 : 2) && total >= 5 && last >= pid[3]);
	check(stat_column("procs_running", 0) >= (on_tidemark() ? 5 : 2));
	*word = 100;
	for (int i = 0; i < 4; i++)
		child_wait(pid[i]);
}

static void
load_average(void)
{
	double one, five, fifteen, before;
	struct sysinfo info;

	/* A sample is taken every 5 s: with somebody running at that moment the average of a minute grows. */
	check(sscanf(proc_text("/proc/loadavg"), "%lf", &before) == 1);
	struct timespec from, to;
	clock_gettime(CLOCK_MONOTONIC, &from);
	do {
		spin_cpu(50000000);
		clock_gettime(CLOCK_MONOTONIC, &to);
	} while (to.tv_sec - from.tv_sec < 7);
	check(sscanf(proc_text("/proc/loadavg"), "%lf %lf %lf", &one, &five, &fifteen) == 3);
	check(one > before || one >= 0.9);
	check(one > 0.05 && one < 1000 && five <= 1000 && fifteen <= 1000);
	check(sysinfo(&info) == 0);
	double told = info.loads[0] / 65536.0;
	check(told > one - 0.2 && told < one + 0.2);
}

static void
interrupts_count(void)
{
	char *text = proc_text("/proc/interrupts");
	long before = 0, after = 0;
	char *line = strstr(text, "LOC:");

	check(strstr(text, "CPU0") && line);
	for (char *at = line + 4; *at != '\n' && strspn(at, " 0123456789"); at += strcspn(at + 1, " \n") + 1)
		before += strtol(at, NULL, 10);
	long total = stat_column("intr", 0);
	for (int i = 0; i < 20; i++)
		nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
	line = strstr(proc_text("/proc/interrupts"), "LOC:");
	for (char *at = line + 4; *at != '\n' && strspn(at, " 0123456789"); at += strcspn(at + 1, " \n") + 1)
		after += strtol(at, NULL, 10);
	check(after >= before + 20);
	check(stat_column("intr", 0) >= total + (on_tidemark() ? 20 : 0));
	check(!on_tidemark() || strstr(proc_text("/proc/interrupts"), "ttyS0"));
}

static void
cpuinfo_names(void)
{
	char *text = proc_text("/proc/cpuinfo");
	int processors = 0;

	for (char *at = text; (at = strstr(at, "processor\t: ")); at++)
		processors++;
	check(processors == cpus_online());
	check(strstr(text, "\nvendor_id\t: ") && strstr(text, "\nmodel name\t: ") && strstr(text, "\ncpu MHz\t\t: "));
	char *flags = strstr(text, "\nflags\t\t: ");
	check(flags && strstr(flags, " sse2 ") && strstr(flags, " nx ") && strstr(flags, " lm "));
}

static void
version_is_uname(void)
{
	struct utsname name;
	char want[200];

	check(uname(&name) == 0);
	snprintf(want, sizeof(want), "Linux version %s ", name.release);
	check(strncmp(proc_text("/proc/version"), want, strlen(want)) == 0);
	check(strstr(proc_text("/proc/version"), name.version));
	check(strstr(proc_text("/proc/filesystems"), "nodev\tproc\n"));
	check(strstr(proc_text("/proc/mounts"), " /proc proc "));
	check(strlen(proc_text("/proc/cmdline")) > 1);
}

/* What ends the machine, or every program in it. */
static bool
is_dangerous(const char *path)
{
	static const char *const names[] = {"sysrq-trigger", "kmsg",    "mm_check", "mem",         "panic",
					    "oom_score_adj", "oom_adj", "kcore",    "kpagecgroup", "pagemap"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(strrchr(path, '/') + 1, names[i]) == 0)
			return true;
	return false;
}

/* Reads with odd sizes and offsets; nothing that comes back may be negative without a reason. */
static void
read_oddly(const char *path)
{
	static char buf[3 * PAGE];
	int fd = open(path, O_RDONLY | O_NONBLOCK);

	if (fd < 0)
		return;
	if (read(fd, buf, 1) >= 0)
		for (int i = 0; i < 40 && read(fd, buf, 61 * i + 7) > 0; i++)
			;
	pread(fd, buf, 100, 3);
	pread(fd, buf, 8, 0x7ffffffffffff000);
	pread(fd, buf, sizeof(buf), 4096);
	pread(fd, (void *)8, 100, 0);
	read(fd, (void *)-4096, 100);
	lseek(fd, -1, SEEK_END);
	read(fd, buf, 10);
	close(fd);
}

/* What no file takes: a write fails, or sets no more than the first number in it. A setting is put back. */
static void
write_oddly(const char *path)
{
	bool setting = strncmp(path, "/proc/sys/", 10) == 0;
	static const char *const garbage[] = {
		"",          "\n", "x", "-", "99999999999999999999", "-99999999999999999999", "0x", "1 2 3 garbage",
		"\1\2\3\377"};
	static char big[2 * PAGE], old[PAGE];
	int fd = open(path, O_WRONLY | O_NONBLOCK);
	int from = setting ? open(path, O_RDONLY) : -1;
	ssize_t n = from < 0 ? 0 : read(from, old, sizeof(old));

	close(from);
	if (fd < 0)
		return;
	for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++)
		if (write(fd, garbage[i], strlen(garbage[i])) < 0)
			errno = 0;
	memset(big, 'A', sizeof(big));
	if (write(fd, big, sizeof(big)) < 0 && write(fd, (void *)8, 10) < 0)
		errno = 0;
	check(n <= 0 || write(fd, old, n) == n);
	close(fd);
}

static int
sweep(const char *path, int depth)
{
	char child[512];
	struct dirent *e;
	struct stat st;
	int files = 0;
	DIR *dir = opendir(path);

	if (!dir)
		return 0;
	while ((e = readdir(dir))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(child, sizeof(child), "%s/%s", path, e->d_name);
		if (lstat(child, &st) < 0 || is_dangerous(child))
			continue;
		files++;
		if (S_ISDIR(st.st_mode) && depth < 4)
			files += sweep(child, depth + 1);
		else if (S_ISLNK(st.st_mode) && readlink(child, child + 256, 200) < 0)
			errno = 0;
		else if (S_ISREG(st.st_mode)) {
			read_oddly(child);
			write_oddly(child);
		}
	}
	closedir(dir);
	return files;
}

static void
sweep_in_child(void *arg)
{
	const char *path = arg;

	check(sweep(path, 0) > 20);
}

static void
everything_is_poked(void)
{
	char name[65];

	if (!on_tidemark()) {
		note("not with the settings of somebody else's machine");
		return;
	}
	check(gethostname(name, sizeof(name)) == 0);
	child_must_live(sweep_in_child, "/proc/self");
	child_must_live(sweep_in_child, "/proc");
	check(sethostname(name, strlen(name)) == 0);
}

const struct test_case proc_sys_cases[] = {
	{"time that is spent shows in the cpu line of stat", cpu_time_moves, 0, 0},
	{"the lines of all processors add up to the first", cpus_add_up, 0, CASE_SMP},
	{"stat counts forks and switches, and knows when the system started", forks_and_switches, 0, 0},
	{"who runs is counted in loadavg and stat", running_are_counted, 0, CASE_SMP},
	{"the load average grows while somebody runs", load_average, 0, 0},
	{"timer interrupts are counted by processor", interrupts_count, 0, 0},
	{"cpuinfo names every processor and its features", cpuinfo_names, 0, CASE_SMP},
	{"version is what uname says; mounts and filesystems name /proc", version_is_uname, 0, 0},
	{"every file of /proc takes odd reads and garbage", everything_is_poked, 0, CASE_SMP},
	{0},
};
