/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/fs.c - file systems as a whole: when one is full, how one is mounted, and what must not be changed
 *
 * Idea        files in memory may take only half of it, else one program could fill what all others live on
 * Invariants  see guest.h
 * Follow      to kernel/fs/tmpfs.c, kernel/fs/vfs.c, mm/pagecache.c (the quota)
 */
#include "guest.h"
#include <fcntl.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

static const char *const path = "/tmp/fs";
static unsigned char chunk[MIB];

static void
does_nothing(void *arg)
{
	(void)arg;
}

static void
full(void)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	ssize_t n;

	check(fd >= 0);
	chunk[0] = 1;
	while ((n = write(fd, chunk, MIB)) > 0)
		;
	check(n == -1 && errno == ENOSPC);
	/* The others go on. */
	child_must_live(does_nothing, NULL);
	*map_private(PAGE) = 1;
	check(ftruncate(fd, PAGE) == 0 && pwrite(fd, chunk, MIB, PAGE) == MIB);
	check(close(fd) == 0 && unlink(path) == 0);
}

/* Holes take their pages when they are touched; nobody can be told then but by a signal. */
static void
full_under_a_mapping(void)
{
	const size_t bytes = (size_t)1 << 40;
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	check(fd >= 0 && unlink(path) == 0 && ftruncate(fd, bytes) == 0);
	volatile unsigned char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	check(p != MAP_FAILED);
	for (size_t i = 0; i < bytes; i += PAGE)
		p[i] = 1;
}

static void
killed_while_writing(void *arg)
{
	int fd = *(int *)arg;

	for (;;)
		(void)!pwrite(fd, chunk, MIB, 0);
}

static void
writer_is_killed(void)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	int status;

	check(fd >= 0 && unlink(path) == 0);
	for (int i = 0; i < 20; i++) {
		pid_t pid = child_start(killed_while_writing, &fd);
		usleep(1000);
		check(kill(pid, SIGKILL) == 0);
		status = child_wait(pid);
		check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	}
	close(fd);
}

static void
mounted_without(void)
{
	static char *const argv[] = {"program", NULL};
	const unsigned long flags = MS_NODEV | MS_NOEXEC | MS_NOSUID;

	check(mkdir("/tmp/fs.d", 0700) == 0);
	check(mount("none", "/tmp/fs.d", "tmpfs", flags, NULL) == 0);
	check(mknod("/tmp/fs.d/null", S_IFCHR | 0666, makedev(1, 3)) == 0);
	check_errno(open("/tmp/fs.d/null", O_RDWR), EACCES);
	int fd = open("/tmp/fs.d/program", O_RDWR | O_CREAT, 0700);
	check(fd >= 0 && ftruncate(fd, PAGE) == 0);
	check_errno(execve("/tmp/fs.d/program", argv, NULL), EACCES);
	check_errno(mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0), EPERM);
	void *p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	check(p != MAP_FAILED);
	check_errno(mprotect(p, PAGE, PROT_READ | PROT_EXEC), EACCES);
	check(munmap(p, PAGE) == 0);
	check_errno(umount("/tmp/fs.d"), EBUSY);
	check(close(fd) == 0 && umount("/tmp/fs.d") == 0);
	/* The source may be left out. */
	check(mount(NULL, "/tmp/fs.d", "tmpfs", 0, NULL) == 0 && umount("/tmp/fs.d") == 0);
	check_errno(mount("none", "/tmp/fs.d", "nothing", 0, NULL), ENODEV);
	check(rmdir("/tmp/fs.d") == 0);
}

static void
only_a_place(void)
{
	int file = file_make(path, 1);
	int fd = open(path, O_PATH);
	char byte;

	check(fd >= 0);
	check_errno(read(fd, &byte, 1), EBADF);
	check_errno(write(fd, &byte, 1), EBADF);
	check_errno(lseek(fd, 0, SEEK_SET), EBADF);
	check_errno(fsync(fd), EBADF);
	check_errno(ftruncate(fd, 0), EBADF);
	check_errno(syscall(SYS_fchmod, fd, 0600), EBADF);
	check_errno(syscall(SYS_fchown, fd, 0, 0), EBADF);
	check_errno(syscall(SYS_utimensat, fd, NULL, NULL, 0), EBADF);
	check_errno(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0), EBADF);
	close(fd), close(file), unlink(path);
}

static void
ends_of_positions(void)
{
	int fd = file_make(path, 8);
	char text[16] = {0};

	check_errno(pread(fd, text, 1, INT64_MAX), EINVAL);
	check_errno(pwrite(fd, text, 16, INT64_MAX - 7), EINVAL);
	check_errno(write(fd, text, SIZE_MAX), EFAULT);
	check(lseek(fd, INT64_MAX, SEEK_SET) == INT64_MAX);
	check_errno(lseek(fd, 1, SEEK_CUR), EINVAL);
	check_errno(read(fd, text, 1), EINVAL);
	check_errno(write(fd, text, 1), EINVAL);
	close(fd), unlink(path);
}

static void
nothing_to_change(void)
{
	int null = open("/dev/null", O_RDWR);

	check_errno(chmod("/proc/self/stat", 0600), EPERM);
	check_errno(fsync(null), EINVAL);
	check_errno(syscall(SYS_utimensat, AT_FDCWD, NULL, NULL, 0), EFAULT);
	close(null);
}

const struct test_case fs_cases[] = {
	{"files that want all memory get ENOSPC, and everybody goes on", full, 0, 0},
	{"a hole touched when its file system is full is SIGBUS", full_under_a_mapping, SIGBUS, 0},
	{"a process is killed in the midst of large writes", writer_is_killed, 0, CASE_SMP},
	{"a file system mounted without devices and programs has none", mounted_without, 0, 0},
	{"a descriptor of O_PATH gives EBADF where it is more than a place", only_a_place, 0, 0},
	{"positions end where a signed number does", ends_of_positions, 0, 0},
	{"what cannot be changed or synchronised says so", nothing_to_change, 0, 0},
	{0},
};
