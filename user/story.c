/* SPDX-License-Identifier: MIT */
/*
 * user/story.c - a page's life, from the promise to the moment when nothing is left
 *
 * Idea        the program goes through the steps of the story: it does something to memory, says what it sees, and
 *             checks it, with numbers that the kernel itself reports. A number that a kernel does not offer is left
 *             out.
 * Invariants  the exit status is the number of claims that did not hold
 * Locks       none
 * Follow      from user/init.c   to mm/fault.c, one step at a time; user/hog.c
 * Tests       tests/guest/test_guest.py (test_story) reads what it prints
 * See         docs/tour.md follows one fault of this story through the kernel
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	MIB = 1 << 20,
	PROMISE_MIB = 64,
	TOUCHED_PAGES = 4096, /* 16 MiB */
	CHILD_PAGES = 256,    /* 1 MiB, of those */
	BYSTANDER_PAGES = 512,
	SLACK_KIB =
		512, /* page tables, the kernel's own books, and free pages that a processor keeps at hand uncounted */
};

/* What one look at the kernel's numbers gives. */
struct sight {
	long free_kib; /* sysinfo: RAM that nobody uses */
	long faults;   /* getrusage: faults of this process so far, without I/O */
	long rss_kib;  /* /proc/self/statm: frames this process maps; -1 where there is no such file */
};

/* What the child of step 5 tells its parent, through shared memory. */
struct message {
	struct sight at_birth;
	struct sight after_writes;
	long wrong_pages;
};

static void tell_machine(void);
static volatile char *tell_promise(void);
static void tell_touch(volatile char *memory);
static void tell_zero_frame(volatile char *memory);
static void tell_fork(volatile char *memory);
static void tell_fork_child(volatile char *memory, struct message *message);
static void tell_return(volatile char *memory);
static void tell_exhaustion(void);
static pid_t bystander_start(int *gate);
static struct sight sight_take(void);
static long rss_pages(void);
static void claim(int holds, const char *what);
static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int broken_claims;

int
main(void)
{
	tell_machine();
	volatile char *memory = tell_promise();
	tell_touch(memory);
	tell_zero_frame(memory);
	tell_fork(memory);
	tell_return(memory);
	tell_exhaustion();
	if (broken_claims)
		say("\n   %d claims of this story did not hold: look for !! above.\n", broken_claims);
	return broken_claims;
}

static void
tell_machine(void)
{
	struct sysinfo info = {0};

	sysinfo(&info);
	unsigned long total = info.totalram * info.mem_unit / 1024;
	struct sight now = sight_take();
	say("\n1. What there is\n"
	    "   %lu KiB of RAM are in the kernel's hands: %lu frames of 4 KiB. %ld KiB are free.\n",
	    total, total / 4, now.free_kib);
	claim(now.free_kib > 0 && (unsigned long)now.free_kib <= total,
	      "there is free memory, and not more than there is");
}

static volatile char *
tell_promise(void)
{
	struct sight before = sight_take();
	volatile char *memory =
		mmap(NULL, PROMISE_MIB * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED) {
		say("   mmap: %s\n", strerror(errno));
		_exit(1);
	}
	/* Linux would hand out 2 MiB at a time; the story counts single pages. */
	struct sight after = sight_take();
	say("\n2. A promise\n"
	    "   mmap gave us %d MiB at %p. Free memory: %ld KiB before, %ld KiB after.\n"
	    "   The kernel wrote down a promise and gave no frame.\n",
	    PROMISE_MIB, (void *)memory, before.free_kib, after.free_kib);
	claim(before.free_kib - after.free_kib < SLACK_KIB, "a promise costs no memory");
	return memory;
}

static void
tell_touch(volatile char *memory)
{
	struct sight before = sight_take();

	for (long i = 0; i < TOUCHED_PAGES; i++)
		memory[i * PAGE] = i % 100 + 1;
	struct sight after = sight_take();
	long faults = after.faults - before.faults;
	long taken = before.free_kib - after.free_kib;
	say("\n3. First touch\n"
	    "   We wrote one byte into each of %d pages. The processor found no frame there and asked the\n"
	    "   kernel: %ld page faults, and %ld KiB less free memory (%d KiB of frames, the rest page tables).\n",
	    TOUCHED_PAGES, faults, taken, TOUCHED_PAGES * 4);
	if (after.rss_kib >= 0)
		say("   This process now maps %ld KiB; it was %ld KiB.\n", after.rss_kib, before.rss_kib);
	claim(faults >= TOUCHED_PAGES && faults < TOUCHED_PAGES + 16, "one fault for each page");
	claim(labs(taken - TOUCHED_PAGES * 4) < SLACK_KIB, "one frame for each page");
}

static void
tell_zero_frame(volatile char *memory)
{
	struct sight before = sight_take();
	long sum = 0;

	for (long i = TOUCHED_PAGES; i < 2 * TOUCHED_PAGES; i++)
		sum += memory[i * PAGE];
	struct sight after = sight_take();
	long taken = before.free_kib - after.free_kib;
	say("\n4. Reading what nobody wrote\n"
	    "   We read %d further pages: %ld faults again, every byte 0, and only %ld KiB less free memory.\n"
	    "   All of them show the same frame, full of zeros, until somebody writes.\n",
	    TOUCHED_PAGES, after.faults - before.faults, taken);
	claim(sum == 0, "untouched memory reads as zero");
	claim(after.faults - before.faults >= TOUCHED_PAGES, "one fault for each page read");
	claim(taken < SLACK_KIB, "the zero frame costs nothing");
}

static void
tell_fork(volatile char *memory)
{
	struct message *message = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status = 0;
	long wrong = 0;

	message->wrong_pages = -1;
	struct sight before = sight_take();
	pid_t pid = fork();
	if (pid == 0) {
		tell_fork_child(memory, message);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	for (long i = 0; i < TOUCHED_PAGES; i++)
		wrong += memory[i * PAGE] != i % 100 + 1;

	long fork_kib = before.free_kib - message->at_birth.free_kib;
	long write_kib = message->at_birth.free_kib - message->after_writes.free_kib;
	long faults = message->after_writes.faults - message->at_birth.faults;
	say("\n5. fork, and copy on write\n"
	    "   A child was born with all our %d KiB, and free memory sank by %ld KiB only: parent and child\n"
	    "   share the frames, and even the page tables that list them.\n"
	    "   Then the child wrote to %d pages: %ld faults, %ld KiB. Who writes, pays, page by page.\n",
	    TOUCHED_PAGES * 4, fork_kib, CHILD_PAGES, faults, write_kib);
	say("   The child saw our data in its %d pages, and we still see ours: %ld pages changed.\n", TOUCHED_PAGES,
	    wrong);
	claim(status == 0 && message->wrong_pages == 0, "the child sees what the parent wrote");
	claim(fork_kib < TOUCHED_PAGES, "fork copies no data");
	claim(faults >= CHILD_PAGES, "one fault for each page the child writes");
	claim(labs(write_kib - CHILD_PAGES * 4) < SLACK_KIB, "one frame for each page written");
	claim(wrong == 0, "the parent never sees what the child writes");
	munmap(message, PAGE);
}

static void
tell_fork_child(volatile char *memory, struct message *message)
{
	struct sight first = sight_take(); /* Why: the look itself costs a few faults and pages; take it, then look. */

	message->at_birth = first;
	message->at_birth = sight_take();
	message->wrong_pages = 0;
	for (long i = 0; i < TOUCHED_PAGES; i++)
		message->wrong_pages += memory[i * PAGE] != i % 100 + 1;
	for (long i = 0; i < CHILD_PAGES; i++)
		memory[i * PAGE] = 127;
	for (long i = 0; i < CHILD_PAGES; i++)
		message->wrong_pages += memory[i * PAGE] != 127;
	message->after_writes = sight_take();
}

static void
tell_return(volatile char *memory)
{
	struct sight before = sight_take();

	munmap((void *)memory, PROMISE_MIB * MIB);
	struct sight after = sight_take();
	long returned = after.free_kib - before.free_kib;
	say("\n6. Giving it back\n"
	    "   munmap took the promise and all its frames back: %ld KiB more are free.\n",
	    returned);
	claim(returned > TOUCHED_PAGES * 4 - SLACK_KIB, "munmap gives every frame back");
}

static void
tell_exhaustion(void)
{
	char *hog_argv[] = {"hog", NULL};
	int hog_status = 0;
	int bystander_status = -1;
	int gate = -1;

	pid_t bystander = bystander_start(&gate);
	say("\n7. When nothing is left\n"
	    "   A bystander keeps 2 MiB with a checksum. Now the hog takes memory until somebody stops it:\n");
	pid_t hog = fork();
	if (hog == 0) {
		execv("/bin/hog", hog_argv);
		say("   /bin/hog: %s\n", strerror(errno));
		_exit(127);
	}
	waitpid(hog, &hog_status, 0);
	struct sight now = sight_take();
	if (write(gate, "x", 1) == 1)
		waitpid(bystander, &bystander_status, 0);
	say("   The hog %s. %ld KiB are free again.\n",
	    WIFSIGNALED(hog_status) && WTERMSIG(hog_status) == SIGKILL ? "was killed, by signal 9"
								       : "came to another end",
	    now.free_kib);
	say("   The bystander %s.\n", bystander_status == 0 ? "lives, and its checksum is right" : "was harmed");
	claim(WIFSIGNALED(hog_status) && WTERMSIG(hog_status) == SIGKILL, "the out-of-memory killer took the hog");
	claim(bystander_status == 0, "nobody else was harmed");
	close(gate);
}

/* A child that holds 2 MiB, sleeps until something arrives through @gate, and exits with 0 if its memory is intact. */
static pid_t
bystander_start(int *gate)
{
	int ends[2];

	if (pipe(ends) < 0) {
		say("   pipe: %s\n", strerror(errno));
		_exit(1);
	}
	*gate = ends[1];
	pid_t pid = fork();
	if (pid != 0) {
		close(ends[0]);
		return pid;
	}
	volatile uint64_t *memory =
		mmap(NULL, BYSTANDER_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t sum = 0;
	char word;
	for (long i = 0; i < BYSTANDER_PAGES * PAGE / 8; i++)
		sum += memory[i] = i * 0x9e3779b97f4a7c15u;
	if (read(ends[0], &word, 1) != 1)
		_exit(1);
	for (long i = 0; i < BYSTANDER_PAGES * PAGE / 8; i++)
		sum -= memory[i];
	_exit(sum != 0);
}

static struct sight
sight_take(void)
{
	struct sysinfo info = {0};
	struct rusage usage = {0};

	sysinfo(&info);
	getrusage(RUSAGE_SELF, &usage);
	long rss = rss_pages();
	return (struct sight){
		.free_kib = info.freeram * info.mem_unit / 1024,
		.faults = usage.ru_minflt,
		.rss_kib = rss < 0 ? -1 : rss * 4,
	};
}

/* The second number of /proc/self/statm; -1 where there is no such file. */
static long
rss_pages(void)
{
	char text[128];
	int fd = open("/proc/self/statm", O_RDONLY);

	if (fd < 0)
		return -1;
	long n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = 0;
	char *second = strchr(text, ' ');
	return second ? atol(second) : -1;
}

static void
claim(int holds, const char *what)
{
	if (holds)
		return;
	broken_claims++;
	say("   !! This does not hold: %s.\n", what);
}

static void
say(const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	int n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (int done = 0; done < n;) {
		long w = write(1, text + done, n - done);
		if (w <= 0)
			return;
		done += w;
	}
}
