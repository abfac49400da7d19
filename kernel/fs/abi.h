/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/abi.h - the numbers and layouts of Linux's file interface on x86-64
 *
 * Idea        what programs were compiled with: values in octal where the manual page prints them so
 * Invariants  sizes of the structures, asserted below
 * Locks       none
 * Follow      kernel/sys_fs.c and everything under kernel/fs
 * Tests       every guest test that opens a file
 * See         open(2), stat(2), getdents64(2)
 */
#pragma once

#include <kernel/lib/types.h>

#define PATH_MAX 4096 /* bytes of a path, with its final 0 */
#define NAME_MAX 255  /* bytes of one component */
#define LINKS_MAX 40  /* symbolic links followed in one walk, then ELOOP */
#define PIPE_BUF 4096 /* a write of up to this many bytes to a pipe is not torn */
#define IOV_MAX 1024
#define IO_MAX 0x7ffff000UL /* one read or write moves at most this many bytes, as on Linux */

#define O_ACCMODE 03
#define O_RDONLY 00
#define O_WRONLY 01
#define O_RDWR 02
#define O_CREAT 0100
#define O_EXCL 0200
#define O_NOCTTY 0400
#define O_TRUNC 01000
#define O_APPEND 02000
#define O_NONBLOCK 04000
#define O_DSYNC 010000
#define O_ASYNC 020000
#define O_DIRECT 040000
#define O_LARGEFILE 0100000
#define O_DIRECTORY 0200000
#define O_NOFOLLOW 0400000
#define O_NOATIME 01000000
#define O_CLOEXEC 02000000
#define O_PATH 010000000
#define O_TMPFILE_BIT 020000000
#define O_TMPFILE (O_TMPFILE_BIT | O_DIRECTORY)

#define AT_FDCWD (-100)
#define AT_SYMLINK_NOFOLLOW 0x100
#define AT_REMOVEDIR 0x200
#define AT_EACCESS 0x200
#define AT_SYMLINK_FOLLOW 0x400
#define AT_NO_AUTOMOUNT 0x800
#define AT_EMPTY_PATH 0x1000

#define F_DUPFD 0
#define F_GETFD 1
#define F_SETFD 2
#define F_GETFL 3
#define F_SETFL 4
#define F_GETLK 5
#define F_SETLK 6
#define F_SETLKW 7
#define F_OFD_GETLK 36
#define F_OFD_SETLK 37
#define F_OFD_SETLKW 38
#define F_DUPFD_CLOEXEC 1030
#define F_SETPIPE_SZ 1031
#define F_GETPIPE_SZ 1032
#define F_ADD_SEALS 1033
#define F_GET_SEALS 1034
#define FD_CLOEXEC 1

#define F_SEAL_SEAL 1
#define F_SEAL_SHRINK 2
#define F_SEAL_GROW 4
#define F_SEAL_WRITE 8
#define F_SEAL_FUTURE_WRITE 16
#define F_SEALS_ALL 31

#define FALLOC_FL_KEEP_SIZE 1
#define FALLOC_FL_PUNCH_HOLE 2

#define SEEK_SET 0
#define SEEK_CUR 1
#define SEEK_END 2

#define RENAME_NOREPLACE 1

#define S_IFMT 0170000
#define S_IFIFO 0010000
#define S_IFCHR 0020000
#define S_IFDIR 0040000
#define S_IFBLK 0060000
#define S_IFREG 0100000
#define S_IFLNK 0120000
#define S_IFSOCK 0140000
#define S_ISUID 04000
#define S_ISGID 02000

#define MS_RDONLY 1
#define MS_NOSUID 2
#define MS_NODEV 4
#define MS_NOEXEC 8
#define MS_SYNCHRONOUS 16
#define MS_REMOUNT 32
#define MS_DIRSYNC 128
#define MS_NOSYMFOLLOW 256
#define MS_BIND 4096
#define MS_MOVE 8192
#define MS_PROPAGATION (15 << 17) /* UNBINDABLE, PRIVATE, SLAVE, SHARED */
#define MS_MAGIC 0xc0ed0000U      /* old programs put this in the upper half */

#define UTIME_NOW 0x3fffffff
#define UTIME_OMIT 0x3ffffffe

struct stat {
	u64 st_dev;
	u64 st_ino;
	u64 st_nlink;
	u32 st_mode;
	u32 st_uid;
	u32 st_gid;
	u32 pad0;
	u64 st_rdev;
	s64 st_size;
	s64 st_blksize;
	s64 st_blocks; /* of 512 bytes */
	u64 st_atime_sec, st_atime_nsec;
	u64 st_mtime_sec, st_mtime_nsec;
	u64 st_ctime_sec, st_ctime_nsec;
	s64 unused[3];
};

_Static_assert(sizeof(struct stat) == 144, "struct stat as programs know it");

struct statfs {
	s64 f_type, f_bsize, f_blocks, f_bfree, f_bavail, f_files, f_ffree;
	s32 f_fsid[2];
	s64 f_namelen, f_frsize, f_flags, f_spare[4];
};

_Static_assert(sizeof(struct statfs) == 120, "struct statfs as programs know it");

struct dirent64 {
	u64 d_ino;
	s64 d_off; /* where the next entry starts */
	u16 d_reclen;
	u8 d_type;
	char d_name[];
};

#define DIRENT64_HEADER 19 /* offsetof d_name */

_Static_assert(offsetof(struct dirent64, d_name) == DIRENT64_HEADER, "struct linux_dirent64 as programs know it");

struct iovec {
	u64 base; /* user address */
	u64 len;
};

/* Device numbers, in the encoding of st_rdev. */
static inline u64
dev_make(u32 major, u32 minor)
{
	return (minor & 0xffU) | ((u64)(major & 0xfffU) << 8) | ((u64)(minor & ~0xffU) << 12) |
	       ((u64)(major & ~0xfffU) << 32);
}

static inline u32
dev_major(u64 dev)
{
	return (dev >> 8 & 0xfff) | (dev >> 32 & ~0xfffU);
}

static inline u32
dev_minor(u64 dev)
{
	return (dev & 0xff) | (dev >> 12 & ~0xffU);
}

#define FIONREAD 0x541b
