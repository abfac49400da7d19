/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/prog/libc.c - what a C library asks of a kernel, in one program
 *
 * Idea        compiled once for each way in which a program comes to Linux: glibc and musl, static,
 *             position-independent and with the dynamic loader. The exit status is 0, or the number of the part that
 *             went wrong.
 * Follow      from Makefile, tests/guest/programs.c
 */
#include <errno.h>
#include <pthread.h>
#include <regex.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	THREADS = 4,
	ROUNDS = 200,
	BLOCKS = 200
};

extern char **environ;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turned = PTHREAD_COND_INITIALIZER;
static int turn, rounds;
static __thread int mine;
static volatile sig_atomic_t got;
static sigjmp_buf back;

/* Text into a file, and numbers out of it again. */
static int
stdio_works(void)
{
	FILE *file = tmpfile();
	char line[64];
	int a, sum = 0;
	double d;

	if (!file)
		return 0;
	for (int i = 0; i < 1000; i++)
		fprintf(file, "%d %.3f\n", i, i / 8.0);
	rewind(file);
	while (fscanf(file, "%d %lf", &a, &d) == 2)
		sum += a + (d == a / 8.0);
	rewind(file);
	int good = sum == 999 * 1000 / 2 + 1000 && fgets(line, sizeof(line), file) && strcmp(line, "0 0.000\n") == 0;
	return fclose(file) == 0 && good;
}

/* Small blocks and large ones, grown, shrunk and given back in another order. */
static int
malloc_works(void)
{
	unsigned char *block[BLOCKS];

	for (int i = 0; i < BLOCKS; i++) {
		block[i] = malloc(i * i * 8 + 1);
		if (!block[i])
			return 0;
		memset(block[i], i, i * i * 8 + 1);
	}
	for (int i = 0; i < BLOCKS; i += 3) {
		block[i] = realloc(block[i], i % 2 ? 300000 : 1);
		if (!block[i] || block[i][0] != (unsigned char)i)
			return 0;
	}
	for (int i = BLOCKS - 1; i >= 0; i--)
		free(block[i]);
	unsigned char *zero = calloc(1, 1 << 20);
	int good = zero && !zero[0] && !zero[(1 << 20) - 1];
	free(zero);
	return good;
}

static void *
thread_run(void *arg)
{
	int number = (int)(long)arg;

	for (mine = 0; mine < ROUNDS; mine++) {
		pthread_mutex_lock(&mutex);
		while (turn != number)
			pthread_cond_wait(&turned, &mutex);
		rounds++;
		turn = (turn + 1) % THREADS;
		pthread_cond_broadcast(&turned);
		pthread_mutex_unlock(&mutex);
	}
	return (void *)(long)(mine + number);
}

/* Threads in turns, each with a variable of its own. */
static int
threads_work(void)
{
	pthread_t thread[THREADS];
	void *result;

	for (long i = 0; i < THREADS; i++)
		if (pthread_create(&thread[i], NULL, thread_run, (void *)i))
			return 0;
	for (long i = 0; i < THREADS; i++)
		if (pthread_join(thread[i], &result) || (long)result != ROUNDS + i)
			return 0;
	return rounds == THREADS * ROUNDS && mine == 0;
}

static int
regex_works(void)
{
	regex_t expression;
	regmatch_t match[2];

	if (regcomp(&expression, "^([a-z]+) [0-9]+$", REG_EXTENDED))
		return 0;
	int good = regexec(&expression, "pages 4096", 2, match, 0) == 0 && match[1].rm_eo == 5 &&
		   regexec(&expression, "pages none", 0, NULL, 0) == REG_NOMATCH;
	regfree(&expression);
	return good;
}

static void
on_signal(int signal)
{
	got = signal;
	if (signal == SIGSEGV)
		siglongjmp(back, 1);
}

static int
signals_work(void)
{
	struct sigaction action = {.sa_handler = on_signal};
	volatile char *nothing = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGSEGV, &action, NULL);
	if (raise(SIGUSR1) || got != SIGUSR1)
		return 0;
	if (sigsetjmp(back, 1) == 0)
		*nothing = 1;
	return got == SIGSEGV;
}

static int
spawn_works(char *self)
{
	char *words[] = {self, "child", NULL};
	int status;
	pid_t pid;

	if (posix_spawn(&pid, self, NULL, NULL, words, environ) || waitpid(pid, &status, 0) != pid)
		return 0;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 42)
		return 0;
	pid = fork();
	if (pid == 0)
		execve(self, words, environ);
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 42;
}

static int
time_works(void)
{
	struct timespec a, b, pause = {0, 1000000};

	clock_gettime(CLOCK_MONOTONIC, &a);
	nanosleep(&pause, NULL);
	clock_gettime(CLOCK_MONOTONIC, &b);
	return (b.tv_sec - a.tv_sec) * 1000000000L + b.tv_nsec - a.tv_nsec >= 1000000 && time(NULL) > 0;
}

int
main(int argc, char **argv)
{
	if (argc > 1)
		return 42;
	if (!stdio_works())
		return 1;
	if (!malloc_works())
		return 2;
	if (!threads_work())
		return 3;
	if (!regex_works())
		return 4;
	if (!signals_work())
		return 5;
	if (!spawn_works(argv[0]))
		return 6;
	if (!time_works())
		return 7;
	return 0;
}
