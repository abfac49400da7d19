/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/exec.c - a program starts with what it was given, and with nothing else
 *
 * Idea        this binary runs itself in a role: --role=NAME. The role looks at what it finds and answers by its exit
 *             status; 0 means that all is as it ought to be, else the status is the line of the check that failed,
 *             modulo 256.
 * Invariants  see guest.h
 * Follow      to kernel/exec.c
 */
#include "guest.h"
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* In a role nobody listens for a reason: the line number is the verdict. */
#define role_check(condition) ((condition) ? (void)0 : _exit(__LINE__ & 0xff ? __LINE__ & 0xff : 1))

enum {
	EXECS = 100,
	STATUS_SINGLE = 33
};

extern char **environ;
extern void _start(void);

/* ---- roles ---- */

static void
role_words(int argc, char **argv)
{
	role_check(argc == 5);
	role_check(strcmp(argv[2], "one") == 0 && strcmp(argv[3], "") == 0 && strcmp(argv[4], "three words") == 0);
	role_check(argv[5] == NULL);
	role_check(strcmp(getenv("A"), "1") == 0 && strcmp(getenv("EMPTY"), "") == 0 && getenv("C") == NULL);
	role_check(strcmp(environ[0], "A=1") == 0 && strcmp(environ[1], "EMPTY=") == 0 && environ[2] == NULL);
	_exit(0);
}

static void
role_auxv(int argc, char **argv)
{
	const Elf64_Phdr *phdr = (const Elf64_Phdr *)getauxval(AT_PHDR);
	const uint64_t *random = (const uint64_t *)getauxval(AT_RANDOM);

	(void)argc;
	role_check(getauxval(AT_PAGESZ) == PAGE);
	role_check(phdr && getauxval(AT_PHENT) == sizeof(*phdr));
	role_check(getauxval(AT_PHNUM) > 1 && getauxval(AT_PHNUM) < 20);
	bool load = false;
	for (unsigned long i = 0; i < getauxval(AT_PHNUM); i++)
		load |= phdr[i].p_type == PT_LOAD && phdr[i].p_flags & PF_X;
	role_check(load);
	role_check(getauxval(AT_ENTRY) == (uintptr_t)_start);
	role_check(getauxval(AT_BASE) == 0);
	role_check(random && (random[0] | random[1]));
	role_check(getauxval(AT_UID) == 0 && getauxval(AT_EUID) == 0 && getauxval(AT_SECURE) == 0);
	role_check(getauxval(AT_GID) == 0 && getauxval(AT_EGID) == 0);
	role_check(getauxval(AT_EXECFN) && strcmp((char *)getauxval(AT_EXECFN), self_path) == 0);
	role_check(getauxval(AT_PLATFORM) && strcmp((char *)getauxval(AT_PLATFORM), "x86_64") == 0);
	role_check(getauxval(AT_CLKTCK) == 100);
	/* The ABI wants 16-byte alignment where argc lies. */
	role_check((uintptr_t)(argv - 1) % 16 == 0);
	_exit(0);
}

static void
role_status(int argc, char **argv)
{
	_exit(argc > 2 ? atoi(argv[2]) : 0);
}

static void
role_single(int argc, char **argv)
{
	(void)argc, (void)argv;
	role_check(syscall(SYS_gettid) == getpid());
	_exit(STATUS_SINGLE);
}

static void
role_files(int argc, char **argv)
{
	char byte;

	role_check(argc == 4);
	role_check(read(atoi(argv[2]), &byte, 1) == 1 && byte == 1);
	role_check(fcntl(atoi(argv[3]), F_GETFD) == -1 && errno == EBADF);
	_exit(0);
}

static void
role_again(int argc, char **argv)
{
	char number[16];
	int left = argc > 2 ? atoi(argv[2]) : 0;
	char *again[] = {"guest-tests", "--role=again", number, NULL};

	(void)argv;
	if (left == 0)
		_exit(0);
	snprintf(number, sizeof(number), "%d", left - 1);
	execve(self_path, again, NULL);
	_exit(1);
}

/* Removes its own program, and runs it once more. */
static void
role_exe(int argc, char **argv)
{
	static char path[4096];
	char *again[] = {"exe", "--role=status", "0", NULL};
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 20);

	(void)argc, (void)argv;
	role_check(n > 0 && unlink(path) == 0);
	strcpy(path + n, " (deleted)");
	static char now[4096];
	role_check(readlink("/proc/self/exe", now, sizeof(now) - 1) == n + 10 && strcmp(now, path) == 0);
	execve("/proc/self/exe", again, NULL);
	_exit(1);
}

/* Says that it runs, by the second descriptor of "3,4", and waits for a word from the first. */
static void
role_wait(int argc, char **argv)
{
	int in, out;
	char byte;

	role_check(argc == 3 && sscanf(argv[2], "%d,%d", &in, &out) == 2);
	role_check(write(out, "x", 1) == 1 && read(in, &byte, 1) == 1);
	_exit(0);
}

static void
role_many(int argc, char **argv)
{
	role_check(argc == 102);
	for (int i = 2; i < argc; i++) {
		role_check(strlen(argv[i]) == 10000);
		for (int k = 0; k < 10000; k++)
			role_check(argv[i][k] == 'a' + i % 26);
	}
	_exit(0);
}

static void
role_fpu(int argc, char **argv)
{
	unsigned short control;
	unsigned int mxcsr;

	(void)argc, (void)argv;
	__asm__ volatile("fnstcw %0\n\t stmxcsr %1" : "=m"(control), "=m"(mxcsr));
	role_check(control == 0x37f);
	role_check(mxcsr == 0x1f80);
	_exit(0);
}

static void
role_heap(int argc, char **argv)
{
	volatile unsigned char *fresh = map_private(64 * PAGE);
	volatile unsigned char *old = (volatile unsigned char *)strtoul(argv[2], NULL, 16);

	(void)argc;
	for (int i = 0; i < 64 * PAGE; i++)
		role_check(fresh[i] == 0);
	munmap((void *)fresh, 64 * PAGE);
	/* What the old program mapped there is gone: only a child may try. */
	pid_t pid = fork();
	if (pid == 0) {
		(void)*old;
		_exit(0);
	}
	role_check(child_wait(pid) == SIGSEGV);
	_exit(0);
}

/* Whatever the arguments. */
static void
role_nothing(int argc, char **argv)
{
	(void)argc, (void)argv;
	_exit(0);
}

void role_signal_look(int argc, char **argv);
void role_await_alarm(int argc, char **argv);
void role_places(int argc, char **argv);
void role_nth(int argc, char **argv);

bool
role_run(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(int argc, char **argv);
	} roles[] = {
		{"nothing", role_nothing}, {"words", role_words},   {"auxv", role_auxv},
		{"status", role_status},   {"single", role_single}, {"files", role_files},
		{"again", role_again},     {"many", role_many},     {"fpu", role_fpu},
		{"heap", role_heap},       {"places", role_places}, {"signal_look", role_signal_look},
		{"exe", role_exe},         {"wait", role_wait},     {"await_alarm", role_await_alarm},
		{"nth", role_nth},
	};

	if (argc > 0 && strchr(argv[0], '/'))
		self_path = argv[0];
	if (argc < 2 || strncmp(argv[1], "--role=", 7) != 0)
		return false;
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if (strcmp(argv[1] + 7, roles[i].name) == 0)
			roles[i].run(argc, argv);
	_exit(98);
}

/* ---- cases ---- */

struct execution {
	const char *path;
	char **argv;
	char **envp;
};

static char *no_words[] = {NULL};

static void
executes(void *arg)
{
	struct execution *e = arg;

	execve(e->path, e->argv, e->envp ? e->envp : no_words);
	fail("execve of %s: errno %d (%s)", e->path, errno, strerror(errno));
}

static void
role_must_hold(char **argv, char **envp)
{
	struct execution e = {self_path, argv, envp};
	int status = child_run(executes, &e);

	if (status != 0)
		fail("role %s ended with status 0x%x (exit status: a line of exec.c)", argv[1], status);
}

static void
words(void)
{
	char *argv[] = {(char *)self_path, "--role=words", "one", "", "three words", NULL};
	char *envp[] = {"A=1", "EMPTY=", NULL};

	role_must_hold(argv, envp);
}

static void
auxv(void)
{
	for (int i = 0; i < 16; i++) {
		/* Words of all lengths: the alignment must hold for each. */
		char word[20] = "xxxxxxxxxxxxxxxxx";
		char *argv[] = {(char *)self_path, "--role=auxv", word + i, NULL};
		role_must_hold(argv, NULL);
	}
}

static void
files_inherited(void)
{
	int kept = file_make("/tmp/exec", 10);
	int closed = open("/tmp/exec", O_RDONLY | O_CLOEXEC);
	char a[16], b[16];
	char *argv[] = {(char *)self_path, "--role=files", a, b, NULL};

	check(lseek(kept, 0, SEEK_SET) == 0);
	snprintf(a, sizeof(a), "%d", kept);
	snprintf(b, sizeof(b), "%d", closed);
	role_must_hold(argv, NULL);
	close(kept), close(closed), unlink("/tmp/exec");
}

static void
keeps_its_number(void)
{
	char *argv[] = {(char *)self_path, "--role=status", "12", NULL};
	struct execution e = {self_path, argv, NULL};

	pid_t pid = child_start(executes, &e);
	check(child_wait(pid) == 12 << 8);
}

static void
hundred_execs(void)
{
	char number[16];
	char *argv[] = {(char *)self_path, "--role=again", number, NULL};

	snprintf(number, sizeof(number), "%d", EXECS);
	role_must_hold(argv, NULL);
}

static void
many_words(void)
{
	static char text[26][10001];
	char *argv[103] = {(char *)self_path, "--role=many"};

	for (int i = 0; i < 26; i++)
		memset(text[i], 'a' + i, 10000);
	for (int i = 2; i < 102; i++)
		argv[i] = text[i % 26];
	role_must_hold(argv, NULL);
}

static void
fpu_reset(void *arg)
{
	unsigned short control = 0x27f;
	unsigned int mxcsr = 0x9fc0;
	char *argv[] = {(char *)self_path, "--role=fpu", NULL};

	(void)arg;
	__asm__ volatile("fldcw %0\n\t ldmxcsr %1" : : "m"(control), "m"(mxcsr));
	execve(self_path, argv, no_words);
	_exit(99);
}

static void
fresh_fpu(void)
{
	check(child_run(fpu_reset, NULL) == 0);
}

static void
old_memory_goes(void *arg)
{
	char address[32];
	char *argv[] = {(char *)self_path, "--role=heap", address, NULL};
	uintptr_t at = 0x300000000000;
	volatile unsigned char *p =
		mmap((void *)at, 512 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	(void)arg;
	for (int i = 0; i < 512; i++)
		p[i * PAGE] = 0x55;
	snprintf(address, sizeof(address), "%lx", at);
	execve(self_path, argv, no_words);
	_exit(99);
}

static void
old_memory(void)
{
	check(child_run(old_memory_goes, NULL) == 0);
}

static void
too_big(void)
{
	size_t bytes = 4 * MIB;
	volatile unsigned char *memory = map_private(bytes);
	char *argv[40] = {(char *)self_path, (char *)memory, NULL};

	/* One word of more than 128 KiB; then words of 100 KiB that together pass a quarter of the stack's limit. */
	memset((void *)memory, 'x', bytes - 1);
	check_errno(execve(self_path, argv, no_words), E2BIG);
	memory[100 * 1024] = 0;
	for (int i = 1; i < 39; i++)
		argv[i] = (char *)memory;
	check_errno(execve(self_path, argv, no_words), E2BIG);
}

static void
stack_too_small(void)
{
	struct rlimit small = {64 * 1024, 64 * 1024};
	static char text[120 * 1024];
	char *argv[] = {(char *)self_path, text, text, NULL};

	/* Linux lets 128 KiB of words pass whatever the limit, and refuses the rest. */
	memset(text, 'x', sizeof(text) - 1);
	check(setrlimit(RLIMIT_STACK, &small) == 0);
	check_errno(execve(self_path, argv, no_words), E2BIG);
}

static void
errors(void)
{
	char *argv[] = {"x", NULL};
	char *bad[] = {"x", (char *)16, NULL};

	check_errno(syscall(SYS_execve, "/bin/nothing", argv, no_words), ENOENT);
	check_errno(syscall(SYS_execve, "", argv, no_words), ENOENT);
	check_errno(syscall(SYS_execve, "/tmp", argv, no_words), EACCES);
	check_errno(syscall(SYS_execve, "/init/below", argv, no_words), ENOTDIR);
	check_errno(syscall(SYS_execve, (char *)16, argv, no_words), EFAULT);
	check_errno(syscall(SYS_execve, self_path, (char **)16, no_words), EFAULT);
	check_errno(syscall(SYS_execve, self_path, bad, no_words), EFAULT);
	check_errno(syscall(SYS_execve, self_path, argv, (char **)0xffff800000000000), EFAULT);
	check_errno(syscall(SYS_execve, self_path, argv, bad), EFAULT);
	check_errno(syscall(SYS_execve, "/dev/null", argv, no_words), EACCES);
}

static void
not_executable(void)
{
	char *argv[] = {"x", NULL};
	int fd = file_make("/tmp/exec", 100);

	close(fd);
	check_errno(execve("/tmp/exec", argv, no_words), EACCES);
	check(chmod("/tmp/exec", 0755) == 0);
	check_errno(execve("/tmp/exec", argv, no_words), ENOEXEC);
	fd = open("/tmp/exec", O_RDWR | O_TRUNC);
	close(fd);
	check_errno(execve("/tmp/exec", argv, no_words), ENOEXEC);
	unlink("/tmp/exec");
}

static void
static_pie(void)
{
	char *argv[] = {"pie", "7", NULL};

	if (access("/bin/pie", F_OK) < 0)
		return;
	for (int i = 0; i < 5; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			execve("/bin/pie", argv, no_words);
			_exit(99);
		}
		check(child_wait(pid) == 77 << 8);
	}
}

/* A file is written or it runs. The copy is no program; what counts is the error. */
static void
text_busy(void)
{
	char *words[] = {"busy", NULL};

	check_errno(open("/proc/self/exe", O_RDWR), ETXTBSY);
	check_errno(open("/proc/self/exe", O_RDONLY | O_TRUNC), ETXTBSY);
	check_errno(truncate("/proc/self/exe", 0), ETXTBSY);
	int fd = file_make("/tmp/busy", 100);
	check(fchmod(fd, 0700) == 0);
	check_errno(execve("/tmp/busy", words, environ), ETXTBSY);
	close(fd);
	check_errno(execve("/tmp/busy", words, environ), ENOEXEC);
	check(truncate("/tmp/busy", 0) == 0 && unlink("/tmp/busy") == 0);
}

const struct test_case exec_cases[] = {
	{"a running program is not written, and what is open for writing does not run", text_busy, 0, 0},
	{"a program gets its words and its environment", words, 0, 0},
	{"a program gets the auxiliary vector and an aligned stack", auxv, 0, 0},
	{"a program inherits files, but not those that close on exec", files_inherited, 0, 0},
	{"a process keeps its number over exec", keeps_its_number, 0, 0},
	{"a process runs a hundred programs in a row", hundred_execs, 0, 0},
	{"a megabyte of words arrives unharmed", many_words, 0, 0},
	{"a new program starts with a fresh floating-point unit", fresh_fpu, 0, 0},
	{"a new program sees nothing of the old one's memory", old_memory, 0, 0},
	{"too many words give E2BIG", too_big, 0, 0},
	{"words too large for a small stack limit give E2BIG", stack_too_small, 0, 0},
	{"execve gives Linux's errno for each misuse, and the caller goes on", errors, 0, 0},
	{"a file that is no program gives EACCES or ENOEXEC", not_executable, 0, 0},
	{"a static-PIE program runs wherever it is put", static_pie, 0, 0},
	{0},
};
