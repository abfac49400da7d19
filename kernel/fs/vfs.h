/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/vfs.h - inodes, mounted file systems, and the one tree that they form
 *
 *              superblock "/" (tmpfs)                     superblock of proc
 *                     | root                                   | root
 *        inode / --------------------- inode /proc <--covers-- inode (root of proc)
 *          |  entries: name -> inode      | mounted ---------> superblock of proc
 *        inode /init
 *
 * Idea        There is no cache of names: a directory of every file system here is in memory and answers lookup
 *             itself. A path is therefore an inode, nothing more; an inode knows the directory of its first name,
 *             which is how ".." works, and how paths are made of inodes (names.h). A file system is mounted at one
 *             place only, so a mounted directory and the root that covers it point at each other. Simple: Linux keeps
 *             a dentry cache and a mount tree apart from inodes, for file systems on disks, for bind mounts and for
 *             namespaces; none of them exists here.
 * Invariants  I1  A file system's own references (one for each entry that names an inode, one from each inode to
 *                 its parent) are taken with inode_hold; all others with inode_get, which also counts in
 *                 superblock->pins.
 *             I2  pins == 0 means that the file system is mounted nowhere and nobody outside of it can reach an inode;
 *                 who takes the last pin ends it. Whoever maps a file pins it, through its object (pagecache.h I3).
 *             I3  The last reference to an inode frees it with its contents at once.
 * Locks       tree_lock (sleeping, reader-writer), one for all names of all file systems: entries, parent, nlink,
 *             mounted, covers. Simple: Linux locks each directory. name_lock (spin): what paths are made of, for
 *             those who cannot sleep for tree_lock. inode->lock (sleeping): size and contents of a file against other
 *             writers. Order: tree_lock < inode->lock < mm->lock.
 * Follow      from kernel/sys_fs.c, exec, initrd   to path.c, mount.h, tmpfs.c, procfs.c
 * Tests       tests/guest/file.c, tests/guest/names.c
 */
#pragma once

#include <kernel/fs/abi.h>
#include <kernel/lib/atomic.h>
#include <kernel/lib/list.h>
#include <kernel/mutex.h>
#include <kernel/rwsem.h>
#include <mm/pagecache.h>

struct file;
struct file_ops;
struct inode;
struct mount_options;
struct pipe;
struct process;
struct seq;
struct superblock;

/* The kind of a new inode, for inode_ops->create. */
struct inode_kind {
	u32 mode;           /* S_IFREG ... and permission bits */
	u64 rdev;           /* of device nodes */
	const char *target; /* of symbolic links */
};

/* What iterate hands each entry to; false: no room, stop before this entry. */
struct dir_emit {
	bool (*add)(struct dir_emit *, const char *name, u32 len, u64 ino, u32 mode, u64 next_pos);
};

/* What a file system does. An absent operation gives the errno beside it. All but read_link run under tree_lock. */
struct inode_ops {
	/* Finds @name and gives one pinned reference (inode_get). -ENOENT. Absent: -ENOTDIR. */
	int (*lookup)(struct inode *dir, const char *name, u32 len, struct inode **out);
	/* Makes a new entry, which the caller knows to be absent; gives a pinned reference. Absent: -ENOENT. */
	int (*create)(struct inode *dir, const char *name, u32 len, const struct inode_kind *kind, struct inode **out);
	/* Makes a file without a name, which link may give one; gives it pinned. Absent: -EOPNOTSUPP. */
	int (*tmpfile)(struct inode *dir, const struct inode_kind *kind, struct inode **out);
	/* One more name for @target. Absent: -EPERM. */
	int (*link)(struct inode *dir, const char *name, u32 len, struct inode *target);
	/* Removes the entry @name, which leads to @child; directories are known to be unmounted. Absent: -EPERM. */
	int (*remove)(struct inode *dir, const char *name, u32 len, struct inode *child);
	/* Moves @child; @victim (NULL: nobody) has the new name now and gives way. Absent: -EPERM. */
	int (*rename)(struct inode *old_dir, const char *old_name, u32 old_len, struct inode *child,
		      struct inode *new_dir, const char *new_name, u32 new_len, struct inode *victim);
	/* Hands entries from position @pos on (never "." and "..") to @emit. Positions start at 2. */
	int (*iterate)(struct inode *dir, u64 pos, struct dir_emit *emit);
	/* The name of @child in its parent @dir, of up to NAME_MAX bytes and a 0. Under name_lock alone. */
	int (*name_of)(struct inode *dir, struct inode *child, char *name);
	/* Of inodes in no directory: "pipe" makes pipe:[number] of their path. */
	const char *label;
	/* Copies the target of a symbolic link, without a 0: its length, or -errno. Absent: -EINVAL. */
	s64 (*read_link)(struct inode *inode, char *buf, u32 size);
	/* A link that leads to a place, whatever its path says: gives *out, pinned. Absent: read_link says where. */
	int (*jump)(struct inode *link, struct inode **out);
	/* Bytes of a symbolic link's target. Absent: 0. */
	u64 (*link_size)(struct inode *inode);
	/* The last reference is gone: free what the inode owns, neither itself nor its parent. Absent: nothing. */
	void (*evict)(struct inode *inode);
};

struct inode {
	atomic_t refs;
	atomic_t writers;            /* above 0: open for writing; below: programs that run from it (inode_claim) */
	u32 mode;                    /* tree_lock (chmod); the type bits are const after init */
	u32 uid, gid;                /* tree_lock */
	u32 nlink;                   /* tree_lock */
	u64 ino;                     /* const after init */
	u64 rdev;                    /* const after init */
	const struct inode_ops *ops; /* const after init */
	const struct file_ops *fops; /* const after init; NULL: cannot be opened (ENXIO) */
	struct superblock *sb;       /* const after init */
	struct inode *parent;        /* tree_lock and name_lock: of its first name; one held reference, or NULL */
	struct list names;           /* tree_lock and name_lock: tmpfs entries that name it, or the last that did */
	struct superblock *mounted;  /* tree_lock: what covers this directory, or NULL */
	struct pagecache *object;    /* const after init: contents of a regular file that has pages, else NULL */
	u32 seals;                   /* lock: F_SEAL_* of a regular file of tmpfs */
	struct list locks;           /* advisory locks; its own lock (file_lock.c) */
	bool linkable;               /* const after init: made by O_TMPFILE, and link may name it */
	struct mutex lock;           /* rank INODE */
	u64 atime_ns, mtime_ns, ctime_ns; /* since 1970; written without a guard: each is one word */
	union {                           /* of the file system's own, but for the first */
		struct pipe *fifo;        /* named pipe: lock. See fifo.c */
		struct list entries;      /* tmpfs directory: tree_lock */
		char *target;             /* tmpfs symbolic link: const after init */
		struct {                  /* procfs: const after init */
			const void *entry;
			struct process *process;
			u64 number; /* of a thread, of a descriptor */
		};
	};
	u64 next_pos; /* tmpfs directory: position that the next new entry gets; tree_lock */
};

struct fs_type {
	const char *name;
	bool single; /* every mount shows the same: a second one on top of the first is -EBUSY */
	u64 magic;   /* f_type of statfs */
	/* Fills a fresh superblock: sets root with one held reference. -ENOMEM. */
	int (*fill)(struct superblock *sb);
	/* Takes what was said with mount -o; @again: of a mounted one. -EINVAL. Absent: nothing may be said. */
	int (*configure)(struct superblock *sb, const struct mount_options *options, bool again);
	/* Writes ",word=value" for its line in /proc/mounts. Absent: nothing. */
	void (*show)(const struct superblock *sb, struct seq *s);
	/* Drops the whole tree: held references only are left, the last of the root included. */
	void (*drop)(struct superblock *sb);
};

struct superblock {
	const struct fs_type *type;
	struct inode *root;   /* const after init; one held reference */
	struct inode *covers; /* tree_lock and name_lock: the directory it is mounted on, or NULL; one pin */
	atomic_t pins;        /* references to its inodes from outside the file system, and 1 while it is mounted */
	atomic_t writers;     /* regular files that are open for writing */
	atomic64_t next_ino;
	struct pagecache_quota quota; /* tmpfs: of the files' pages */
	u64 names;                    /* tmpfs: entries of all directories; tree_lock */
	u64 names_most;               /* as many there may be; tree_lock to change */
	u32 said;                     /* tmpfs: enum mount_option that /proc/mounts shows; tree_lock */
	u32 flags;                    /* MS_RDONLY, MS_NODEV, MS_NOEXEC, MS_NOSUID ...; tree_lock to change */
	u64 dev;                      /* const after init: st_dev */
	char source[32];              /* const after init: first word of its line in /proc/mounts */
	struct list link;             /* tree_lock: in mount_list */
	struct inode *was_on;         /* of vfs_umount, between the two halves of its work */
};

/* Where Linux keeps files that are in no directory: st_dev of memfd files, and of anonymous shared memory. */
#define ANON_DEV 1

extern struct rwsem tree_lock;    /* rank TREE */
extern struct spinlock name_lock; /* rank NAMES; with tree_lock to change, either to read: parent, names, covers */
extern struct inode *root_inode;  /* const after init: of the root file system; pinned for ever */

/*
 * vfs_init - make the caches, mount the root tmpfs, and build the mount points and device nodes of a fresh system
 *
 * Returns   nothing; panics without memory
 * Context   boot, once, after the slab caches work; before initrd_unpack and before the first process
 */
void vfs_init(void);

/* vfs_disks_found - make the nodes of disks in /dev. Context: boot, once, after the disks are known; may sleep. */
void vfs_disks_found(void);

/*
 * inode_alloc - a new inode of @sb with a fresh number, refs == 1 (held, not pinned), nlink 1, and the present time
 *
 * Returns   the inode; NULL: no memory
 * Context   may sleep
 * Gives     one held reference (inode_drop)
 */
struct inode *inode_alloc(struct superblock *sb, const struct inode_kind *kind);

/*
 * inode_own_object - @object is the contents of @inode from now on
 *
 * Context   before anybody else knows the inode
 * Takes     the creator's reference to @object; evict gives it back (pagecache_put)
 */
void inode_own_object(struct inode *inode, struct pagecache *object);

/* The inode that @object is the contents of; NULL: anonymous shared memory. No reference: valid with the object. */
struct inode *inode_of_object(const struct pagecache *object);

/* A file system's own reference: see I1. The last inode_drop frees; may sleep then. */
void inode_hold(struct inode *inode);
void inode_drop(struct inode *inode);

/* A reference from outside: a walk, an open file, a working directory. inode_put may free, and may sleep then. */
struct inode *inode_get(struct inode *inode);
void inode_put(struct inode *inode);

/* Whether names and properties of @inode may not change: -EROFS. Context: any; what changes them holds tree_lock. */
static inline bool
inode_is_read_only(const struct inode *inode)
{
	return READ_ONCE(inode->sb->flags) & MS_RDONLY;
}

/* Nanoseconds since 1970. */
u64 inode_now_ns(void);

static inline bool
inode_is_dir(const struct inode *inode)
{
	return (inode->mode & S_IFMT) == S_IFDIR;
}

static inline bool
inode_is_regular(const struct inode *inode)
{
	return (inode->mode & S_IFMT) == S_IFREG;
}

static inline bool
inode_is_device(const struct inode *inode)
{
	return (inode->mode & S_IFMT) == S_IFCHR || (inode->mode & S_IFMT) == S_IFBLK;
}

/* What has a driver or a reader behind it, rather than contents. */
static inline bool
inode_is_special(const struct inode *inode)
{
	return inode_is_device(inode) || (inode->mode & S_IFMT) == S_IFIFO || (inode->mode & S_IFMT) == S_IFSOCK;
}

static inline bool
inode_is_link(const struct inode *inode)
{
	return (inode->mode & S_IFMT) == S_IFLNK;
}

/*
 * inode_stat - fill @st as stat(2) does
 *
 * Returns   nothing
 * Context   no lock needed: each figure is true at some moment
 */
void inode_stat(struct inode *inode, struct stat *st);

/* Bytes of the file (a regular one with pages), else 0. */
u64 inode_size(struct inode *inode);

/*
 * inode_claim - as a writer (@step 1) or as a running program (-1): a file is never both at once
 *
 * A writer also keeps the file system from becoming read-only.
 *
 * Returns   0; -ETXTBSY: the other kind is there; -EROFS: a writer, and the file system is read-only
 * Context   any; the caller has a pin until inode_unclaim
 */
int inode_claim(struct inode *inode, s32 step);

/* inode_unclaim - the claim @step ends. Context: any. */
void inode_unclaim(struct inode *inode, s32 step);

/*
 * inode_truncate - set the size of a regular file
 *
 * Returns   0; -EISDIR, -EINVAL (no such file can be truncated), -EFBIG, -EPERM (sealed), -ETXTBSY, -EROFS,
 *           -EINTR (killed while waiting)
 * Context   may sleep; takes inode->lock
 */
int inode_truncate(struct inode *inode, u64 size);
