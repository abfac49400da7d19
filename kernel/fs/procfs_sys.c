/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/procfs_sys.c - the system as a whole: version, cmdline, filesystems, mounts
 *
 * Idea        see procfs.h
 * Invariants  none
 * Locks       tree_lock for the list of mounts, whose lines are gathered in a buffer first
 * Follow      from procfs.c   to sched.h, vfs.h
 * Tests       none
 * See         proc(5)
 */
#include <kernel/fs/procfs.h>

#include <arch/cpu.h>
#include <arch/mmu.h>
#include <kernel/cmdline.h>
#include <kernel/fs/block_file.h>
#include <kernel/fs/mount.h>
#include <kernel/fs/names.h>
#include <kernel/fs/path.h>
#include <kernel/fs/seq.h>
#include <kernel/fs/vfs.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/uts.h>
#include <kernel/wall_clock.h>

static void version_show(struct seq *s);
static void cmdline_show(struct seq *s);
static void filesystems_show(struct seq *s);
static void mount_line(struct seq *s, const struct superblock *sb, char *buf);

const struct proc_entry procfs_sys_entries[] = {
	{.name = "version", .show = version_show},          {.name = "cmdline", .show = cmdline_show},
	{.name = "filesystems", .show = filesystems_show},  {.name = "mounts", .show = procfs_mounts_show},
	{.name = "syscalls", .show = procfs_syscalls_show}, {.name = "diskstats", .show = diskstats_show},
	{.name = "partitions", .show = partitions_show},    {},
};

static void
version_show(struct seq *s)
{
	seq_puts(s, UTS_SYSNAME " version " UTS_RELEASE " (tidemark) (" __VERSION__ ") " UTS_VERSION "\n");
}

static void
cmdline_show(struct seq *s)
{
	seq_printf(s, "%s\n", cmdline_whole());
}

static void
filesystems_show(struct seq *s)
{
	const struct fs_type *type;

	for (u32 i = 0; (type = fs_type_at(i)); i++)
		seq_printf(s, "nodev\t%s\n", type->name);
}

/*
 * Why only try: the reader holds the locks of its file, which stand behind tree_lock in the order. No harm can come of
 * that, since who holds tree_lock never waits for those of a file of /proc.
 */
void
procfs_mounts_show(struct seq *s)
{
	char *buf = path_buf_alloc();
	struct superblock *sb;

	s->failed = !buf;
	if (!buf)
		return;
	while (!rwsem_read_trylock(&tree_lock))
		sched_yield_current();
	list_for_each (sb, &mount_list, link)
		mount_line(s, sb, buf);
	rwsem_read_unlock(&tree_lock);
	path_buf_free(buf);
}

static void
mount_line(struct seq *s, const struct superblock *sb, char *buf)
{
	const char *path = path_of_inode(sb->root, buf, PATH_MAX);

	seq_escape(s, sb->source, " \t\n\\");
	seq_puts(s, " ");
	seq_escape(s, path ? path : "?", " \t\n\\");
	seq_printf(s, " %s %s%s%s%s%s%s%s", sb->type->name, sb->flags & MS_RDONLY ? "ro" : "rw",
		   sb->flags & MS_SYNCHRONOUS ? ",sync" : "", sb->flags & MS_DIRSYNC ? ",dirsync" : "",
		   sb->flags & MS_NOSUID ? ",nosuid" : "", sb->flags & MS_NODEV ? ",nodev" : "",
		   sb->flags & MS_NOEXEC ? ",noexec" : "", sb->flags & MS_NOSYMFOLLOW ? ",nosymfollow" : "");
	seq_puts(s, ",noatime"); /* nothing here keeps times of access */
	if (sb->type->show)
		sb->type->show(sb, s);
	seq_puts(s, " 0 0\n");
}
