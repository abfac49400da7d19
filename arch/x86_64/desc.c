/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/desc.c - descriptor tables: segments, task state, interrupt gates
 *
 * Idea        Long mode leaves little of segmentation: two code and two data descriptors, in the order that syscall
 *             and sysret demand, and per CPU one task state segment for the stacks. All 256 gates are interrupt gates
 *             (IF off on entry), because GS must be sorted out first. Only breakpoint and overflow may be raised by
 *             the program itself; any other `int n` is a general protection fault, which is a SIGSEGV.
 *
 *                 0x10 kernel code   0x18 kernel data   0x20 empty (32-bit user code)   0x28 user data   0x30 user code
 *                 0x38 task state (16 bytes)   0x48 the CPU's number (vdso/vdso.c)
 * Invariants  I1  The topmost word of each private stack is the CPU's per-CPU offset (paranoid_entry).
 * Locks       none; each CPU owns its tables
 * Follow      from cpu.c, smp.c   to entry.S
 * Tests       every boot; selftest=stack_overflow
 * See         Intel SDM volume 3, chapters 3, 6 and 7
 */
#include <arch/cpu.h>
#include <arch/desc.h>
#include <arch/mmu.h>
#include <arch/vdso.h>

#define GDT_ENTRIES 10
#define TSS_SELECTOR 0x38
#define SEGMENT_KERNEL_CODE 0x00209b0000000000UL
#define SEGMENT_KERNEL_DATA 0x0000930000000000UL
#define SEGMENT_USER_DATA 0x0000f30000000000UL
#define SEGMENT_USER_CODE 0x0020fb0000000000UL
#define SEGMENT_TSS 0x0000890000000000UL
#define SEGMENT_CPU 0x0000f50000000000UL /* user data, read-only; nobody loads it: its limit is what it is for */
#define GATE_INTERRUPT 0x8e00
#define GATE_USER 0x6000 /* privilege level 3 may raise it */
#define STUB_SIZE 16

struct gate {
	u16 offset0;
	u16 selector;
	u16 flags; /* IST in bits 0..2, type, privilege, present */
	u16 offset1;
	u32 offset2;
	u32 reserved;
};

struct table_pointer {
	u16 limit;
	u64 base;
} __packed;

struct cpu_tables {
	u64 gdt[GDT_ENTRIES];
	struct tss tss;
} __aligned(64);

DEFINE_PER_CPU(struct tss *, cpu_tss);
DEFINE_PER_CPU(struct trap_stacks *, cpu_private_stacks);

static struct cpu_tables cpu_tables[MAX_CPUS];
static struct gate idt[256] __aligned(16); /* const after the boot CPU's desc_init */

extern const u8 trap_stubs[256][STUB_SIZE];

static void desc_gdt_fill(struct cpu_tables *t);
static void desc_tss_fill(struct tss *tss, struct trap_stacks *stacks, u64 gs);
static void desc_load(const struct cpu_tables *t);
static void desc_idt_fill(void);
static u16 desc_gate_flags(u32 vector);

void
desc_init(u32 cpu, struct trap_stacks *stacks, u64 gs)
{
	struct cpu_tables *t = &cpu_tables[cpu];

	if (!idt[0].flags)
		desc_idt_fill();
	desc_tss_fill(&t->tss, stacks, gs);
	desc_gdt_fill(t);
	desc_load(t);
	/* Why: loading the segment registers may have cleared the GS base. */
	cpu_percpu_set(gs);
	this_cpu(cpu_tss) = &t->tss;
}

static void
desc_gdt_fill(struct cpu_tables *t)
{
	u64 base = (u64)&t->tss;

	t->gdt[KERNEL_CS / 8] = SEGMENT_KERNEL_CODE;
	t->gdt[KERNEL_DS / 8] = SEGMENT_KERNEL_DATA;
	t->gdt[USER_DS / 8] = SEGMENT_USER_DATA;
	t->gdt[USER_CS / 8] = SEGMENT_USER_CODE;
	t->gdt[TSS_SELECTOR / 8] =
		SEGMENT_TSS | (sizeof(struct tss) - 1) | (base & 0xffffff) << 16 | (base >> 24 & 0xff) << 56;
	t->gdt[TSS_SELECTOR / 8 + 1] = base >> 32;
	t->gdt[VDSO_CPU_SELECTOR / 8] = SEGMENT_CPU | (u64)(t - cpu_tables);
}

static void
desc_tss_fill(struct tss *tss, struct trap_stacks *stacks, u64 gs)
{
	for (u32 i = 0; i < IST_COUNT; i++) {
		u64 *top = (u64 *)stacks->s[i + 1] - 2;

		*top = gs;
		tss->ist[i] = (u64)top;
	}
	tss->io_bitmap = sizeof(*tss);
}

static void
desc_load(const struct cpu_tables *t)
{
	struct table_pointer gdtr = {sizeof(t->gdt) - 1, (u64)t->gdt};
	struct table_pointer idtr = {sizeof(idt) - 1, (u64)idt};

	__asm__ volatile("lgdt %0\n\t"
			 "pushq %2\n\t"
			 "leaq 1f(%%rip), %%rax\n\t"
			 "pushq %%rax\n\t"
			 "lretq\n"
			 "1:\tmovl %3, %%eax\n\t"
			 "movl %%eax, %%ss\n\t"
			 "xorl %%eax, %%eax\n\t"
			 "movl %%eax, %%ds\n\t"
			 "movl %%eax, %%es\n\t"
			 "movl %%eax, %%fs\n\t"
			 "movl %%eax, %%gs\n\t"
			 "lldt %%ax\n\t"
			 "lidt %1\n\t"
			 "movw %4, %%ax\n\t"
			 "ltr %%ax"
			 :
			 : "m"(gdtr), "m"(idtr), "i"(KERNEL_CS), "i"(KERNEL_DS), "i"(TSS_SELECTOR)
			 : "rax", "memory");
}

static void
desc_idt_fill(void)
{
	for (u32 i = 0; i < 256; i++) {
		u64 stub = (u64)trap_stubs[i];

		idt[i].offset0 = stub;
		idt[i].selector = KERNEL_CS;
		idt[i].flags = desc_gate_flags(i);
		idt[i].offset1 = stub >> 16;
		idt[i].offset2 = stub >> 32;
	}
}

static u16
desc_gate_flags(u32 vector)
{
	switch (vector) {
	case 2:
		return GATE_INTERRUPT | IST_NMI;
	case 3:
	case 4:
		return GATE_INTERRUPT | GATE_USER;
	case 8:
		return GATE_INTERRUPT | IST_DOUBLE_FAULT;
	case 18:
		return GATE_INTERRUPT | IST_MACHINE_CHECK;
	}
	return GATE_INTERRUPT;
}
