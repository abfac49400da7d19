/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/isolation.c - nothing of one program, and nothing of the kernel, is ever visible to another
 *
 * Idea        memory: a child writes a pattern all over and dies; whatever way its frames come back, they are zero.
 *             Structures: a call fills a buffer that held 0xaa; the bytes which Linux's layout does not use are zero,
 *             or still 0xaa where Linux does not touch them, and the rest does not depend on what was there before.
 *             Numbers: no file shows an address of the kernel.
 * Invariants  see guest.h
 * Follow      to mm/page_alloc.c, kernel/uaccess.h, tests/guest/prog/bare.c
 */
#include "guest.h"
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <ucontext.h>

enum {
	DIRTY = 24 * MIB,
	CLEAN = 16 * MIB,
	BUFFER = 512,
	FILL = 0xaa,
	OTHER_FILL = 0x55,
	TEXT_MAX = 1 << 17
};

#define PATTERN 0x5ec2e75ec2e75ec2ul

/* ---- memory ---- */

static void
memory_dirty(void *arg)
{
	uint64_t *memory = (uint64_t *)map_private(DIRTY);

	(void)arg;
	for (size_t i = 0; i < DIRTY / 8; i++)
		memory[i] = PATTERN;
}

static bool
all_zero(const volatile void *memory, size_t bytes)
{
	const volatile uint64_t *words = memory;

	for (size_t i = 0; i < bytes / 8; i++)
		if (words[i])
			return false;
	return true;
}

static void
fresh_mappings(void)
{
	child_must_live(memory_dirty, NULL);
	volatile unsigned char *memory = map_private(CLEAN);
	check(all_zero(memory, CLEAN));
	munmap((void *)memory, CLEAN);
	child_must_live(memory_dirty, NULL);
	memory = map_shared(CLEAN);
	check(all_zero(memory, CLEAN));
	munmap((void *)memory, CLEAN);
	child_must_live(memory_dirty, NULL);
	/* Written first: then it is a frame of its own, and not the zero frame that shows. */
	memory = map_private(CLEAN);
	for (size_t i = 0; i < CLEAN; i += PAGE) {
		memory[i] = 1;
		memory[i] = 0;
	}
	check(all_zero(memory, CLEAN));
}

static void
fresh_heap(void)
{
	child_must_live(memory_dirty, NULL);
	unsigned char *heap = (unsigned char *)syscall(SYS_brk, 0);
	unsigned char *end = heap + 4 * MIB;
	check((unsigned char *)syscall(SYS_brk, end) == end);
	unsigned char *page = (unsigned char *)(((uintptr_t)heap + PAGE - 1) & ~(uintptr_t)(PAGE - 1));
	for (unsigned char *p = page; p < end; p += PAGE)
		check(all_zero(p, PAGE < end - p ? PAGE : 0));
	check((unsigned char *)syscall(SYS_brk, heap) == heap);
}

static void stack_look(void) __attribute__((noinline));

static void
stack_look(void)
{
	volatile unsigned char deep[2 * MIB];
	uintptr_t start = ((uintptr_t)deep + PAGE - 1) & ~(uintptr_t)(PAGE - 1);

	check(all_zero((void *)start, MIB));
	deep[0] = 0;
}

static void
fresh_stack(void)
{
	child_must_live(memory_dirty, NULL);
	stack_look();
}

/* Holes, what a longer file gains, and the rest of a file's last page, read and mapped. */
static void
fresh_files(void)
{
	static char text[PAGE];
	int fd = open("/tmp/fresh", O_RDWR | O_CREAT | O_TRUNC, 0600);

	child_must_live(memory_dirty, NULL);
	check(fd >= 0 && pwrite(fd, "x", 1, 64 * PAGE) == 1);
	for (int i = 0; i < 64; i++)
		check(pread(fd, text, PAGE, i * PAGE) == PAGE && all_zero(text, PAGE));
	check(ftruncate(fd, 2 * MIB) == 0);
	unsigned char *map = mmap(NULL, 2 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	check(map != MAP_FAILED && map[64 * PAGE] == 'x');
	map[64 * PAGE] = 0;
	check(all_zero(map, 2 * MIB));
	/* Cut in the middle of a page and made longer again: what was cut off is gone. */
	memset(map, 7, PAGE);
	check(ftruncate(fd, 100) == 0 && ftruncate(fd, PAGE) == 0);
	check(map[99] == 7 && map[100] == 0 && all_zero(map + 104, PAGE - 104));
	munmap(map, 2 * MIB);
	close(fd), unlink("/tmp/fresh");
}

static void *
thread_look(void *arg)
{
	(void)arg;
	stack_look();
	return NULL;
}

static void
fresh_thread_stack(void)
{
	pthread_attr_t attributes;
	pthread_t thread;

	child_must_live(memory_dirty, NULL);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 4 * MIB);
	check(pthread_create(&thread, &attributes, thread_look, NULL) == 0 && pthread_join(thread, NULL) == 0);
}

/* ---- structures ---- */

static unsigned char first[BUFFER], second[BUFFER];

/* The bytes from @from up to @to, of what lay in a buffer full of FILL. */
static void
must_be_zero(const char *what, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (first[i])
			fail("%s: byte %zu is 0x%x", what, i, first[i]);
}

static void
must_be_untouched_or_zero(const char *what, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (first[i] && first[i] != FILL)
			fail("%s: byte %zu is 0x%x", what, i, first[i]);
}

/* The call's results of both rounds: all @bytes were written by the kernel, none behind them. */
static void
must_be_whole(const char *what, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if (first[i] != second[i])
			fail("%s: byte %zu was not written", what, i);
	for (size_t i = bytes; i < BUFFER; i++)
		if (first[i] != FILL || second[i] != OTHER_FILL)
			fail("%s: byte %zu lies behind it, and was written", what, i);
}

/* Twice the same call, into buffers with different contents. */
#define BOTH(call_first, call_second)                           \
	do {                                                    \
		memset(first, FILL, BUFFER);                    \
		memset(second, OTHER_FILL, BUFFER);             \
		check((call_first) >= 0 && (call_second) >= 0); \
	} while (0)

static void
stat_padding(void)
{
	int fd = file_make("/tmp/padding", 100);

	BOTH(syscall(SYS_fstat, fd, first), syscall(SYS_fstat, fd, second));
	must_be_whole("fstat", 144);
	must_be_zero("fstat", 36, 40);
	must_be_zero("fstat", 120, 144);
	BOTH(syscall(SYS_newfstatat, AT_FDCWD, "/tmp/padding", first, 0), syscall(SYS_stat, "/tmp/padding", second));
	must_be_whole("stat", 144);
	must_be_zero("stat", 36, 40);
	must_be_zero("stat", 120, 144);
	BOTH(syscall(SYS_statx, AT_FDCWD, "/tmp/padding", 0, 0x7ff, first),
	     syscall(SYS_statx, AT_FDCWD, "/tmp/padding", 0, 0x7ff, second));
	must_be_whole("statx", 256);
	must_be_zero("statx", 30, 32);
	for (size_t time = 64; time < 128; time += 16)
		must_be_zero("statx: a time", time + 12, time + 16);
	must_be_zero("statx", 160, 256);
	BOTH(syscall(SYS_fstatfs, fd, first), syscall(SYS_fstatfs, fd, second));
	must_be_whole("fstatfs", 120);
	must_be_zero("fstatfs", 88, 120);
	close(fd), unlink("/tmp/padding");
}

static void
system_padding(void)
{
	BOTH(syscall(SYS_sysinfo, first), syscall(SYS_sysinfo, second));
	must_be_zero("sysinfo", 82, 88);
	must_be_zero("sysinfo", 108, 112);
	must_be_untouched_or_zero("sysinfo", 112, BUFFER);
	BOTH(syscall(SYS_uname, first), syscall(SYS_uname, second));
	must_be_whole("uname", 390);
	for (size_t field = 0; field < 390; field += 65)
		must_be_zero("uname", field + strnlen((char *)first + field, 65), field + 65);
	BOTH(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, first), syscall(SYS_clock_getres, CLOCK_MONOTONIC, second));
	must_be_untouched_or_zero("clock_gettime", 16, BUFFER);
	BOTH(syscall(SYS_gettimeofday, first, NULL), syscall(SYS_gettimeofday, second, NULL));
	must_be_untouched_or_zero("gettimeofday", 16, BUFFER);
	BOTH(syscall(SYS_getrlimit, RLIMIT_STACK, first), syscall(SYS_prlimit64, 0, RLIMIT_STACK, NULL, second));
	must_be_whole("getrlimit", 16);
	BOTH(syscall(SYS_times, first), syscall(SYS_times, second));
	must_be_untouched_or_zero("times", 32, BUFFER);
}

static void
child_exit(void *arg)
{
	_exit((int)(long)arg);
}

/* Linux writes six fields of waitid's siginfo and leaves the rest; rusage is whole. */
static void
wait_padding(void)
{
	pid_t pid = child_start(child_exit, (void *)7);

	memset(first, FILL, BUFFER);
	memset(second, OTHER_FILL, BUFFER);
	check(syscall(SYS_waitid, P_PID, pid, first, WEXITED | WNOWAIT, NULL) == 0);
	check(*(int *)first == SIGCHLD && *(int *)(first + 16) == pid && *(int *)(first + 24) == 7);
	must_be_untouched_or_zero("waitid", 12, 16);
	must_be_untouched_or_zero("waitid", 28, BUFFER);
	memset(first, FILL, BUFFER);
	check(syscall(SYS_wait4, pid, NULL, 0, first) == pid);
	must_be_zero("rusage: what Linux does not count", 40, 64);
	must_be_untouched_or_zero("rusage", 144, BUFFER);
}

static void
signal_padding(void)
{
	struct timespec now = {0};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	check(sigprocmask(SIG_BLOCK, &set, NULL) == 0 && kill(getpid(), SIGUSR1) == 0);
	memset(first, FILL, BUFFER);
	check(syscall(SYS_rt_sigtimedwait, &set, first, &now, 8) == SIGUSR1);
	check(*(int *)first == SIGUSR1 && *(int *)(first + 16) == getpid());
	must_be_zero("siginfo", 12, 16);
	must_be_zero("siginfo", 24, 128);
	must_be_untouched_or_zero("siginfo", 128, BUFFER);
	BOTH(syscall(SYS_sigaltstack, NULL, first), syscall(SYS_sigaltstack, NULL, second));
	must_be_whole("sigaltstack", 24);
	must_be_zero("sigaltstack", 12, 16);
	BOTH(syscall(SYS_rt_sigaction, SIGUSR2, NULL, first, 8), syscall(SYS_rt_sigaction, SIGUSR2, NULL, second, 8));
	must_be_whole("rt_sigaction", 32);
	if (syscall(SYS_getitimer, ITIMER_REAL, first) < 0 && errno == ENOSYS)
		return;
	BOTH(syscall(SYS_getitimer, ITIMER_REAL, first), syscall(SYS_getitimer, ITIMER_REAL, second));
	must_be_whole("getitimer", 32);
}

/* A name's end up to the next entry: Linux does not touch these bytes. */
static void
directory_padding(void)
{
	int fd = open("/proc/self", O_RDONLY | O_DIRECTORY);

	memset(first, FILL, BUFFER);
	long n = syscall(SYS_getdents64, fd, first, BUFFER);
	check(fd >= 0 && n > 0);
	for (long at = 0; at < n; at += *(unsigned short *)(first + at + 16)) {
		size_t end = at + 19 + strlen((char *)first + at + 19);
		must_be_untouched_or_zero("getdents64", end, at + *(unsigned short *)(first + at + 16));
	}
	must_be_untouched_or_zero("getdents64", n, BUFFER);
	close(fd);
}

static void
terminal_padding(void)
{
	int fd = open("/dev/console", O_RDWR | O_NOCTTY | O_NONBLOCK);

	if (fd < 0 || !isatty(fd)) {
		note("there is no console here");
		return;
	}
	BOTH(syscall(SYS_ioctl, fd, TCGETS, first), syscall(SYS_ioctl, fd, TCGETS, second));
	must_be_whole("TCGETS", 36);
	BOTH(syscall(SYS_ioctl, fd, TIOCGWINSZ, first), syscall(SYS_ioctl, fd, TIOCGWINSZ, second));
	must_be_whole("TIOCGWINSZ", 8);
	close(fd);
}

/* ---- the frame of a signal ---- */

static volatile int frame_wrong;

static void
on_signal(int signal, siginfo_t *info, void *context)
{
	ucontext_t *u = context;
	const unsigned char *bytes = (const unsigned char *)info;

	(void)signal;
	for (int i = 24; i < 128; i++)
		if (bytes[i])
			frame_wrong = i;
	bytes = (const unsigned char *)u->uc_mcontext.__reserved1;
	for (size_t i = 0; i < sizeof(u->uc_mcontext.__reserved1); i++)
		if (bytes[i] && bytes[i] != FILL)
			frame_wrong = 1000 + i;
}

static void stack_fill(void) __attribute__((noinline));

static void
stack_fill(void)
{
	volatile unsigned char deep[64 * 1024];

	for (size_t i = 0; i < sizeof(deep); i++)
		deep[i] = FILL;
}

static void
frame_padding(void)
{
	struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};

	check(sigaction(SIGUSR1, &action, NULL) == 0);
	stack_fill();
	check(kill(getpid(), SIGUSR1) == 0);
	if (frame_wrong)
		fail("byte %d of siginfo (1000 and up: of the context) is not clean", frame_wrong);
}

/* ---- a new program, and the kernel's addresses ---- */

/* Runs the program that looks at its registers; 16 random bytes of it go to @random. */
static void
bare_run(unsigned char *random)
{
	char *words[] = {"/bin/bare", NULL};
	char *none[] = {NULL};
	int ends[2];

	check(pipe(ends) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		/* Something in every register that C code can fill; the pattern in the vector registers as well. */
		dup2(ends[1], 1);
		__asm__ volatile(
			"pcmpeqd %%xmm0, %%xmm0\n\tmovdqa %%xmm0, %%xmm7\n\tmovdqa %%xmm0, %%xmm15\n\tstd\n\tcld" ::
				: "xmm0", "xmm7", "xmm15");
		execve(words[0], words, none);
		_exit(99);
	}
	close(ends[1]);
	check(read(ends[0], random, 16) == 16);
	close(ends[0]);
	int status = child_wait(pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		fail("a register is not clean at the start of a program: status 0x%x (prog/bare.c)", status);
}

static void
clean_start(void)
{
	unsigned char one[16], two[16];

	if (access("/bin/bare", X_OK) < 0) {
		note("/bin/bare is not here");
		return;
	}
	bare_run(one);
	bare_run(two);
	check(memcmp(one, two, 16) != 0);
}

/* Is there a number of 16 digits that begins with ffff8 to fffff? The page of vsyscall is where it always is. */
static void
text_look(const char *path, const char *text)
{
	for (const char *at = text; (at = strstr(at, "ffff")); at++) {
		size_t digits = strspn(at, "0123456789abcdef");
		bool begins = at == text || !strchr("0123456789abcdef", at[-1]);
		const char *line = at;
		while (line > text && line[-1] != '\n')
			line--;
		if (memcmp(line, "Sig", 3) == 0 || memcmp(line, "Shd", 3) == 0 || memcmp(line, "Cap", 3) == 0)
			continue; /* sets of signals and of rights */
		if (begins && digits == 16 && strspn(at, "f") < 16 && at[4] >= '8' &&
		    strncmp(at, "ffffffffff60", 12) != 0)
			fail("%s shows an address of the kernel: %.16s", path, at);
	}
}

static void
directory_look(const char *path)
{
	static const char *const left_out[] = {"kmsg",        "kcore",   "kallsyms",   "sysrq-trigger", "mem",
					       "stack",       "syscall", "timer_list", "iomem",         "ioports",
					       "modules",     "pagemap", "kpagecount", "kpageflags",    "wchan",
					       "vmallocinfo", "net",     "mm_check",   "sched_debug"};
	static char text[TEXT_MAX];
	char name[300];
	DIR *dir = opendir(path);
	struct dirent *entry;

	check(dir != NULL);
	while ((entry = readdir(dir))) {
		bool skip = entry->d_type != DT_REG;
		for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++)
			skip |= strcmp(entry->d_name, left_out[i]) == 0;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		int fd = skip ? -1 : open(name, O_RDONLY | O_NONBLOCK);
		ssize_t n = fd < 0 ? 0 : read(fd, text, TEXT_MAX - 1);
		close(fd);
		text[n > 0 ? n : 0] = 0;
		text_look(name, text);
	}
	closedir(dir);
}

static void
no_kernel_addresses(void)
{
	directory_look("/proc");
	directory_look("/proc/self");
}

const struct test_case isolation_cases[] = {
	{"fresh memory is zero, though its frames were another program's", fresh_mappings, 0, 0},
	{"a fresh heap is zero", fresh_heap, 0, 0},
	{"a fresh stack is zero", fresh_stack, 0, 0},
	{"what a thread finds on its stack is zero", fresh_thread_stack, 0, 0},
	{"holes and new ends of files are zero, read and mapped", fresh_files, 0, 0},
	{"stat, statx and statfs leave nothing of the kernel in their padding", stat_padding, 0, 0},
	{"sysinfo, uname, clocks and limits leave nothing in their padding", system_padding, 0, 0},
	{"waitid and rusage leave nothing in their padding", wait_padding, 0, 0},
	{"siginfo, sigaltstack, sigaction and timers leave nothing in their padding", signal_padding, 0, 0},
	{"getdents64 leaves nothing between names", directory_padding, 0, 0},
	{"termios and window sizes are written whole", terminal_padding, 0, 0},
	{"a signal's frame holds nothing of the kernel", frame_padding, 0, 0},
	{"a program starts with clean registers, and random bytes of its own", clean_start, 0, 0},
	{"no file shows an address of the kernel", no_kernel_addresses, 0, 0},
	{0},
};
