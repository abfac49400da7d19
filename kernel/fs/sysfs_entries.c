/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/sysfs_entries.c - what stands in /sys
 *
 * Idea        one table a directory, the innermost first. kernel/mm is there and empty: huge pages, page sharing and
 *             swap settings come with what they set. All memory is one node, as on a Linux that finds no other.
 * Invariants  none
 * Locks       none
 * Follow      from sysfs.c   to arch/cpu.h
 * Tests       tests/guest/sysfs.c
 * See         Linux Documentation/ABI/stable/sysfs-devices-system-cpu, sysfs-devices-node
 */
#include <kernel/fs/sysfs.h>

#include <arch/cpu.h>
#include <arch/mmu.h>
#include <kernel/fs/seq.h>

static void cpus_show(struct seq *s);
static void no_cpus_show(struct seq *s);
static void cpu_most_show(struct seq *s);
static void node_show(struct seq *s);

static const struct sysfs_entry cpu_entries[] = {
	{"kernel_max", NULL, cpu_most_show}, {"offline", NULL, no_cpus_show}, {"online", NULL, cpus_show},
	{"possible", NULL, cpus_show},       {"present", NULL, cpus_show},    {},
};
static const struct sysfs_entry node_entries[] = {
	{"has_cpu", NULL, node_show}, {"has_memory", NULL, node_show}, {"has_normal_memory", NULL, node_show},
	{"online", NULL, node_show},  {"possible", NULL, node_show},   {},
};
static const struct sysfs_entry system_entries[] = {{"cpu", cpu_entries, NULL}, {"node", node_entries, NULL}, {}};
static const struct sysfs_entry devices_entries[] = {{"system", system_entries, NULL}, {}};
static const struct sysfs_entry mm_entries[] = {{}};
static const struct sysfs_entry kernel_entries[] = {{"mm", mm_entries, NULL}, {}};
static const struct sysfs_entry fs_entries[] = {{}};

const struct sysfs_entry sysfs_root_entries[] = {
	{"devices", devices_entries, NULL},
	{"fs", fs_entries, NULL},
	{"kernel", kernel_entries, NULL},
	{},
};

/* Every processor that was found runs from the boot to the end. */
static void
cpus_show(struct seq *s)
{
	if (cpu_count() > 1)
		seq_printf(s, "0-%u\n", cpu_count() - 1);
	else
		seq_puts(s, "0\n");
}

static void
no_cpus_show(struct seq *s)
{
	seq_puts(s, "\n");
}

static void
cpu_most_show(struct seq *s)
{
	seq_printf(s, "%u\n", MAX_CPUS - 1);
}

static void
node_show(struct seq *s)
{
	seq_puts(s, "0\n");
}
