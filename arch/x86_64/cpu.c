/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/cpu.c - finds what the CPU can do, and switches it on
 *
 * Idea        A protection that exists is used: NX, WP, SMEP (the kernel executes no user page), SMAP (it touches
 *             none but in uaccess.S), UMIP (programs cannot read descriptor table addresses), PGE (kernel
 *             translations survive). NX alone is required: every x86-64 CPU since 2005 has it, and an entry with its
 *             bit would fault without.
 * Invariants  I1  stac and clac are in place if and only if CR4.SMAP is set.
 * Locks       none
 * Follow      from kernel/main.c (arch_early_init), smp.c   to desc.c, fpu.c
 * Tests       boots with -cpu qemu64 and -cpu max
 * See         Intel SDM volume 3, 2.5 and 4.6; AMD APM volume 2, 6.1
 */
#include <arch/asm.h>
#include <arch/cpu.h>
#include <arch/desc.h>
#include <arch/features.h>
#include <arch/fpu.h>
#include <arch/mmu.h>
#include <arch/serial.h>
#include <arch/vga.h>
#include <arch/x86.h>
#include <kernel/boot_info.h>
#include <kernel/lib/string.h>
#include <kernel/panic.h>
#include <kernel/percpu.h>
#include <kernel/syscall.h>

#define RANDOM_TRIES 10 /* Intel's advice */

/* One place in the text where SMAP's instruction goes. */
struct smap_site {
	u64 at;
	u64 opcode; /* 3 bytes */
};

struct cpu_features cpu_features;

extern const struct smap_site __smap_sites_start[], __smap_sites_end[];
extern const u8 syscall_entry[];

static struct trap_stacks boot_stacks __aligned(16);

_Static_assert(SYSCALL_LAST == SYSCALL_TABLE_SIZE - 1, "entry.S must know the last slot");
_Static_assert(USER_DS_SELECTOR == USER_DS && USER_CS_SELECTOR == USER_CS, "entry.S and cpu.h must agree");
_Static_assert(DIRECT_INDEX == (DIRECT_BASE >> 39 & 511), "boot.S must map the direct map");

static void cpu_features_find(struct cpu_features *f);
static void cpu_extended_find(struct cpu_features *f);
static void cpu_smap_patch(void);
static bool rdseed(u64 *out);
static bool rdrand(u64 *out);

void __init
arch_early_init(const struct boot_info *info)
{
	serial_init();
	if (info->screen == BOOT_SCREEN_TEXT)
		vga_init();
	desc_init(0, &boot_stacks, 0);
	cpu_features_find(&cpu_features);
	if (cpu_features.smap)
		cpu_smap_patch();
	cpu_init();
}

void
cpu_init(void)
{
	const struct cpu_features *f = &cpu_features;
	u64 cr4 = cr4_read();

	cr4 |= CR4_PAE | CR4_DE | CR4_OSFXSR | CR4_OSXMMEXCPT;
	cr4 |= (f->pge ? CR4_PGE : 0) | (f->smep ? CR4_SMEP : 0) | (f->smap ? CR4_SMAP : 0);
	cr4 |= (f->umip ? CR4_UMIP : 0) | (f->xsave ? CR4_OSXSAVE : 0);
	cr4_write(cr4);
	/* AM lets a program ask for alignment checks, as Linux does. */
	cr0_write((cr0_read() | CR0_WP | CR0_MP | CR0_NE | CR0_AM) & ~(CR0_EM | CR0_TS));
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_NXE | EFER_SCE);
	/* syscall takes CS and SS from bits 32..47, sysret from bits 48..63: +16 and +8. */
	wrmsr(MSR_STAR, (u64)KERNEL_CS << 32 | (u64)(USER_DS - 8) << 48);
	wrmsr(MSR_LSTAR, (u64)syscall_entry);
	wrmsr(MSR_FMASK, RFLAGS_IF | RFLAGS_TF | RFLAGS_DF | RFLAGS_AC | 0x7000 /* IOPL, NT */);
	fpu_init_cpu();
}

static void __init
cpu_features_find(struct cpu_features *f)
{
	struct cpuid basic = cpuid(1, 0);
	struct cpuid seven = cpuid(7, 0);
	bool has_seven = cpuid(0, 0).eax >= 7;

	f->hwcap = basic.edx;
	f->pge = basic.edx & BIT(13);
	f->x2apic = basic.ecx & BIT(21);
	f->tsc_deadline = basic.ecx & BIT(24);
	f->xsave = basic.ecx & BIT(26);
	f->rdrand = basic.ecx & BIT(30);
	f->rdseed = has_seven && seven.ebx & BIT(18);
	f->smep = has_seven && seven.ebx & BIT(7);
	f->smap = has_seven && seven.ebx & BIT(20);
	f->umip = has_seven && seven.ecx & BIT(2);
	f->xsaveopt = f->xsave && cpuid(0xd, 1).eax & BIT(0);
	cpu_extended_find(f);
}

static void __init
cpu_extended_find(struct cpu_features *f)
{
	struct cpuid extended = cpuid(0x80000001, 0);

	if (!(extended.edx & BIT(20)))
		panic("this CPU has no NX (execute disable) bit: boot QEMU with a CPU that has it, such as -cpu "
		      "qemu64");
	f->gib_pages = extended.edx & BIT(26);
	if (cpuid(0x80000000, 0).eax < 0x80000004)
		return;
	for (u32 i = 0; i < 3; i++) {
		struct cpuid part = cpuid(0x80000002 + i, 0);

		memcpy(f->name + 16 * i, &part, 16);
	}
}

/* Context: boot page tables, whose text is writable. */
static void __init
cpu_smap_patch(void)
{
	for (const struct smap_site *s = __smap_sites_start; s < __smap_sites_end; s++)
		memcpy((void *)s->at, &s->opcode, 3);
}

u64
cpu_hwcap(void)
{
	return cpu_features.hwcap;
}

/* Both may be dry for a moment; rdrand is stretched out of rdseed's source and hardly ever is. */
bool
cpu_random(u64 *out)
{
	for (u32 i = 0; i < RANDOM_TRIES; i++) {
		if (cpu_features.rdseed && rdseed(out))
			return true;
		if (cpu_features.rdrand && rdrand(out))
			return true;
	}
	return false;
}

static bool
rdseed(u64 *out)
{
	bool good;

	__asm__ volatile("rdseed %0" : "=r"(*out), "=@ccc"(good));
	return good;
}

static bool
rdrand(u64 *out)
{
	bool good;

	__asm__ volatile("rdrand %0" : "=r"(*out), "=@ccc"(good));
	return good;
}

u64
cpu_ticks(void)
{
	return rdtsc();
}
