/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/fpu.c - x87, SSE and AVX registers of tasks
 *
 * Idea        The kernel itself uses none of these registers, so they always belong to the task that runs: saved when
 *             it is switched out, loaded when it is switched in. XSAVEOPT writes only what changed since the load;
 *             CPUs without XSAVE use FXSAVE.
 *             Simple: not lazy. A trap at the first use costs more than the two instructions, and leaks (LazyFP).
 * Invariants  I1  The header of every area is valid: bytes 512..575 are zero but for the component bits XSAVE writes.
 *             I2  A load replaces every component that is switched on: nothing of the last task stays.
 * Locks       none; owner only
 * Follow      from switch.c, cpu.c, sigframe.c   to uaccess.S
 * Tests       tests/guest/cpu.c, tests/guest/signal_frame.c
 * See         Intel SDM volume 1, chapter 13
 */
#include <arch/features.h>
#include <arch/fpu.h>
#include <arch/x86.h>
#include <kernel/lib/errno.h>
#include <kernel/lib/string.h>
#include <kernel/panic.h>
#include <kernel/uaccess.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>

#define XCR0_X87 BIT(0)
#define XCR0_SSE BIT(1)
#define XCR0_AVX BIT(2)
#define XCR0_AVX512 (BIT(5) | BIT(6) | BIT(7))
#define FXSAVE_SIZE 512
#define XSAVE_HEADER 64
#define MXCSR_DEFAULT 0x1f80
#define FCW_DEFAULT 0x37f

/* The part of an area that FXSAVE defines, and XSAVE's header. */
struct fpu_area {
	u16 fcw;
	u8 unused[22];
	u32 mxcsr;
	u8 registers[FXSAVE_SIZE - 28];
	u64 header[XSAVE_HEADER / 8];
} __aligned(64);

static struct kmem_cache *fpu_cache; /* const once the first program runs */

/* Components in their initial state: XRSTOR takes only the control words from memory. */
static const struct fpu_area fpu_initial = {.fcw = FCW_DEFAULT, .mxcsr = MXCSR_DEFAULT};

/* What Linux keeps in the last 48 bytes of FXSAVE's part, which the CPU leaves alone: how to read what is behind. */
#define SW_OFFSET 464
#define MAGIC1 0x46505853u
#define MAGIC2 0x46505845u /* behind the image */
struct fpu_sw {
	u32 magic1;
	u32 extended_size; /* with magic2 */
	u64 components;
	u32 size;
	u32 padding[7];
};

_Static_assert(SW_OFFSET + sizeof(struct fpu_sw) == FXSAVE_SIZE, "the last bytes of FXSAVE's part");

static u64 fpu_components(void);
static u64 user_components(u64 va);
static int load_user(u64 va, u64 components);
static void fpu_load_some(const void *area, u64 components);

void
fpu_init_cpu(void)
{
	struct cpu_features *f = &cpu_features;

	if (f->xsave) {
		u64 xcr0 = fpu_components();

		__asm__ volatile("xsetbv" : : "c"(0), "a"((u32)xcr0), "d"((u32)(xcr0 >> 32)));
		f->xcr0 = xcr0;
	}
	f->fpu_size = f->xsave ? cpuid(0xd, 0).ebx : FXSAVE_SIZE;
	fpu_load_initial();
}

/*
 * AVX-512's three components come together or not at all. Others (MPX, PKRU, AMX) stay off: programs see no CPUID
 * bit.
 */
static u64
fpu_components(void)
{
	u64 supported = cpuid(0xd, 0).eax;
	u64 xcr0 = supported & (XCR0_X87 | XCR0_SSE | XCR0_AVX);

	if ((supported & XCR0_AVX512) == XCR0_AVX512 && (xcr0 & XCR0_AVX))
		xcr0 |= XCR0_AVX512;
	return xcr0;
}

void *
fpu_alloc(void)
{
	struct fpu_area *area;

	if (!fpu_cache)
		fpu_cache = kmem_cache_create("fpu", max_u64(cpu_features.fpu_size, sizeof(*area)), 64);
	area = fpu_cache ? kmem_cache_alloc(fpu_cache, ALLOC_KERNEL) : NULL;
	if (area)
		memset(area->header, 0, sizeof(area->header));
	return area;
}

void
fpu_free(void *area)
{
	if (area)
		kmem_cache_free(fpu_cache, area);
}

void
fpu_save(void *area)
{
	if (likely(cpu_features.xsaveopt))
		__asm__ volatile("xsaveopt64 (%0)" : : "r"(area), "a"(-1), "d"(-1) : "memory");
	else
		fpu_save_copy(area);
}

/* Why not XSAVEOPT: it may leave out what it believes this address still holds from an earlier load. */
void
fpu_save_copy(void *area)
{
	if (cpu_features.xsave)
		__asm__ volatile("xsave64 (%0)" : : "r"(area), "a"(-1), "d"(-1) : "memory");
	else
		__asm__ volatile("fxsave64 (%0)" : : "r"(area) : "memory");
}

void
fpu_load(const void *area)
{
	if (likely(cpu_features.xsave))
		__asm__ volatile("xrstor64 (%0)" : : "r"(area), "a"(-1), "d"(-1) : "memory");
	else
		__asm__ volatile("fxrstor64 (%0)" : : "r"(area) : "memory");
}

void
fpu_load_initial(void)
{
	fpu_load(&fpu_initial);
}

/* ---- signal frames ---- */

u64
fpu_user_size(void)
{
	return cpu_features.fpu_size + (cpu_features.xsave ? sizeof(u32) : 0);
}

/* Why the header is cleared first: XSAVE writes one word of it, and XRSTOR refuses other bits than zero. */
int
fpu_to_user(u64 va)
{
	struct fpu_sw sw = {.magic1 = MAGIC1,
			    .extended_size = (u32)fpu_user_size(),
			    .components = cpu_features.xcr0,
			    .size = cpu_features.fpu_size};

	dassert(va_is_user_range(va, fpu_user_size()));
	if (!cpu_features.xsave)
		return uaccess_fxsave((void *)va) || uaccess_clear((void *)(va + SW_OFFSET), sizeof(sw)) ? -EFAULT : 0;
	if (uaccess_clear((void *)(va + FXSAVE_SIZE), XSAVE_HEADER) || uaccess_xsave((void *)va) ||
	    uaccess_copy((void *)(va + SW_OFFSET), &sw, sizeof(sw)))
		return -EFAULT;
	return uaccess_put32((u32 *)(va + sw.size), MAGIC2);
}

int
fpu_from_user(u64 va)
{
	int error = 0;

	if (va && !va_is_user_range(va, FXSAVE_SIZE))
		error = -EFAULT;
	else if (va)
		error = load_user(va, user_components(va));
	if (!va || error)
		fpu_load_initial();
	return error;
}

/* Race: other threads may change the image meanwhile. Only the CPU's own checks count; these choose what it reads. */
static u64
user_components(u64 va)
{
	struct fpu_sw sw;
	u32 magic2;

	if (!cpu_features.xsave || uaccess_copy(&sw, (const void *)(va + SW_OFFSET), sizeof(sw)))
		return 0;
	if (sw.magic1 != MAGIC1 || sw.size < FXSAVE_SIZE + XSAVE_HEADER || sw.size > cpu_features.fpu_size ||
	    sw.size > sw.extended_size)
		return 0;
	if (get_user_u32(&magic2, (const u32 __user *)(va + sw.size)) || magic2 != MAGIC2)
		return 0;
	if (!va_is_user_range(va, cpu_features.fpu_size))
		return 0;
	return sw.components & cpu_features.xcr0;
}

/* No @components: FXSAVE's part is all there is. What the image does not hold becomes initial. */
static int
load_user(u64 va, u64 components)
{
	int error = components ? uaccess_xrstor((const void *)va, components) : uaccess_fxrstor((const void *)va);

	if (!components)
		components = XCR0_X87 | XCR0_SSE;
	if (!error && cpu_features.xsave && components != cpu_features.xcr0)
		fpu_load_some(&fpu_initial, cpu_features.xcr0 & ~components);
	return error;
}

static void
fpu_load_some(const void *area, u64 components)
{
	__asm__ volatile("xrstor64 (%0)" : : "r"(area), "a"((u32)components), "d"((u32)(components >> 32)) : "memory");
}

/* ---- exceptions ---- */

u32
fpu_x87_faults(void)
{
	u16 control;
	u16 status;

	__asm__ volatile("fnstcw %0; fnstsw %1" : "=m"(control), "=m"(status));
	return status & ~control & 0x3f;
}

u32
fpu_simd_faults(void)
{
	u32 mxcsr;

	__asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
	return ~(mxcsr >> 7) & mxcsr & 0x3f;
}
