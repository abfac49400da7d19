/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/procfs_sys.c - the system as a whole: version, uptime, cmdline, stat, filesystems, mounts
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
#include <kernel/wall_clock.h>

#define TICK_NS 10000000UL /* of the clock that /proc counts in: 100 Hz */
#define SECOND_NS 1000000000UL

static void version_show(struct seq *s);
static void uptime_show(struct seq *s);
static void cmdline_show(struct seq *s);
static void stat_show(struct seq *s);
static void stat_cpu(struct seq *s, const char *name, u64 busy_ns, u64 idle_ns);
static void filesystems_show(struct seq *s);
static void mounts_show(struct seq *s);
static void mount_line(struct seq *s, const struct superblock *sb, char *buf);

const struct proc_entry procfs_sys_entries[] = {
	{.name = "version", .show = version_show},          {.name = "uptime", .show = uptime_show},
	{.name = "cmdline", .show = cmdline_show},          {.name = "stat", .show = stat_show},
	{.name = "filesystems", .show = filesystems_show},  {.name = "mounts", .show = mounts_show},
	{.name = "syscalls", .show = procfs_syscalls_show}, {.name = "diskstats", .show = diskstats_show},
	{.name = "partitions", .show = partitions_show},    {},
};

static void
version_show(struct seq *s)
{
	seq_puts(s, "Linux version 6.1.0-tidemark (tidemark) (" __VERSION__ ") #1 SMP Tidemark\n");
}

static void
uptime_show(struct seq *s)
{
	u64 up = clock_ns() / TICK_NS;
	u64 idle = 0;

	for (u32 cpu = 0; cpu < cpu_count(); cpu++)
		idle += sched_idle_ns(cpu);
	idle /= TICK_NS;
	seq_printf(s, "%lu.%02lu %lu.%02lu\n", up / 100, up % 100, idle / 100, idle % 100);
}

static void
cmdline_show(struct seq *s)
{
	seq_printf(s, "%s\n", cmdline_whole());
}

/* Simple: user and system time are not told apart; all time that was not idle stands under user. */
static void
stat_show(struct seq *s)
{
	u64 now = clock_ns();
	u64 idle = 0;
	char name[8] = "cpu";
	u64 one;

	for (u32 cpu = 0; cpu < cpu_count(); cpu++)
		idle += min_u64(sched_idle_ns(cpu), now);
	stat_cpu(s, "cpu ", now * cpu_count() - idle, idle);
	for (u32 cpu = 0; cpu < cpu_count(); cpu++) {
		one = min_u64(sched_idle_ns(cpu), now);
		name[3] = cpu < 10 ? '0' + cpu : '1';
		name[4] = cpu < 10 ? 0 : '0' + cpu - 10;
		stat_cpu(s, name, now - one, one);
	}
	seq_printf(s, "ctxt %lu\n", sched_switch_count());
	seq_printf(s, "btime %lu\n", wall_clock_ahead_ns() / SECOND_NS);
	seq_printf(s, "processes %lu\n", process_fork_count());
	seq_printf(s, "procs_running %lu\n", sched_runnable_count());
	seq_puts(s, "procs_blocked 0\n");
}

static void
stat_cpu(struct seq *s, const char *name, u64 busy_ns, u64 idle_ns)
{
	seq_printf(s, "%s %lu 0 0 %lu 0 0 0 0 0 0\n", name, busy_ns / TICK_NS, idle_ns / TICK_NS);
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
static void
mounts_show(struct seq *s)
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
