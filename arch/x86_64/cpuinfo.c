/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/cpuinfo.c - what this CPU says of itself, for /proc/cpuinfo
 *
 * Idea        Answers of CPUID, in Linux's lines and with Linux's names for features. Programs look for the names: one
 *             that the CPU has and that a program can use is listed.
 * Invariants  none
 * Locks       none
 * Follow      from kernel/fs/procfs_cpu.c   to features.h
 * Tests       tests/guest/proc_sys.c
 * See         Intel SDM volume 2, CPUID
 */
#include <arch/apic.h>
#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/features.h>
#include <arch/x86.h>
#include <kernel/lib/compiler.h>
#include <kernel/lib/format.h>
#include <kernel/lib/string.h>
#include <kernel/percpu.h>

/* A register of a CPUID leaf, and the names of its 32 bits: "" for bits without. */
struct flag_word {
	u32 leaf;
	u8 reg; /* 0 to 3: eax to edx */
	const char *const *names;
};

static const char *const names_1_edx[32] = {
	"fpu",  "vme",  "de",   "pse", "tsc",  "msr", "pae",   "mce", "cx8",     "apic", "",
	"sep",  "mtrr", "pge",  "mca", "cmov", "pat", "pse36", "pn",  "clflush", "",     "dts",
	"acpi", "mmx",  "fxsr", "sse", "sse2", "ss",  "ht",    "tm",  "ia64",    "pbe",
};
static const char *const names_ext_edx[32] = {
	[11] = "syscall", [20] = "nx", [22] = "mmxext",   [25] = "fxsr_opt", [26] = "pdpe1gb",
	[27] = "rdtscp",  [29] = "lm", [30] = "3dnowext", [31] = "3dnow",
};
static const char *const names_1_ecx[32] = {
	"pni",    "pclmulqdq",  "dtes64", "monitor", "ds_cpl",
	"vmx",    "smx",        "est",    "tm2",     "ssse3",
	"cid",    "sdbg",       "fma",    "cx16",    "xtpr",
	"pdcm",   "",           "pcid",   "dca",     "sse4_1",
	"sse4_2", "x2apic",     "movbe",  "popcnt",  "tsc_deadline_timer",
	"aes",    "xsave",      "",       "avx",     "f16c",
	"rdrand", "hypervisor",
};
static const char *const names_ext_ecx[32] = {
	"lahf_lm", "cmp_legacy", "svm", "extapic", "cr8_legacy", "abm", "sse4a", "misalignsse", "3dnowprefetch",
	"osvw",    "ibs",        "xop", "skinit",  "wdt",        "",    "lwp",   "fma4",
};
static const char *const names_7_ebx[32] = {
	"fsgsbase", "tsc_adjust", "sgx",      "bmi1",     "hle",      "avx2",       "",         "smep",
	"bmi2",     "erms",       "invpcid",  "rtm",      "cqm",      "",           "mpx",      "rdt_a",
	"avx512f",  "avx512dq",   "rdseed",   "adx",      "smap",     "avx512ifma", "",         "clflushopt",
	"clwb",     "intel_pt",   "avx512pf", "avx512er", "avx512cd", "sha_ni",     "avx512bw", "avx512vl",
};
static const char *const names_7_ecx[32] = {
	"",     "avx512vbmi", "umip",        "pku",          "", "waitpkg", "avx512_vbmi2", "", "gfni",
	"vaes", "vpclmulqdq", [16] = "la57", [22] = "rdpid",
};

static const struct flag_word flag_words[] = {
	{1, 3, names_1_edx}, {0x80000001, 3, names_ext_edx},
	{1, 2, names_1_ecx}, {0x80000001, 2, names_ext_ecx},
	{7, 1, names_7_ebx}, {7, 2, names_7_ecx},
};

static void put_model(cpu_info_fn put, void *arg);
static void put_flags(cpu_info_fn put, void *arg);
static u32 flags_of(const struct flag_word *w);

void
cpu_info_each(u32 cpu, cpu_info_fn put, void *arg)
{
	struct cpuid sizes = cpuid(0x80000008, 0);
	u64 khz = clock_tsc_khz();
	char text[80];

	put_model(put, arg);
	format(text, sizeof(text), "%lu.%03lu\n", khz / 1000, khz % 1000);
	put("cpu MHz\t\t", text, arg);
	format(text, sizeof(text), "%u\n", per_cpu(apic_id, cpu));
	put("apicid\t\t", text, arg);
	put("fpu\t\t", "yes\n", arg);
	format(text, sizeof(text), "%u\n", cpuid(0, 0).eax);
	put("cpuid level\t", text, arg);
	put_flags(put, arg);
	format(text, sizeof(text), "%u\n", (cpuid(1, 0).ebx >> 8 & 0xff) * 8);
	put("clflush size\t", text, arg);
	format(text, sizeof(text), "%u bits physical, %u bits virtual\n", sizes.eax & 0xff, sizes.eax >> 8 & 0xff);
	put("address sizes\t", text, arg);
}

static void
put_model(cpu_info_fn put, void *arg)
{
	struct cpuid id = cpuid(0, 0);
	u32 version = cpuid(1, 0).eax;
	u32 family = version >> 8 & 15;
	u32 model = version >> 4 & 15;
	char text[80];

	if (family == 6 || family == 15)
		model |= version >> 12 & 0xf0;
	if (family == 15)
		family += version >> 20 & 0xff;
	format(text, sizeof(text), "%.4s%.4s%.4s\n", (const char *)&id.ebx, (const char *)&id.edx,
	       (const char *)&id.ecx);
	put("vendor_id\t", text, arg);
	format(text, sizeof(text), "%u\n", family);
	put("cpu family\t", text, arg);
	format(text, sizeof(text), "%u\n", model);
	put("model\t\t", text, arg);
	format(text, sizeof(text), "%s\n", cpu_features.name);
	put("model name\t", text, arg);
	format(text, sizeof(text), "%u\n", version & 15);
	put("stepping\t", text, arg);
}

/* What the kernel has switched off it does not list: XSAVE and all that lives in it. */
static void
put_flags(cpu_info_fn put, void *arg)
{
	bool first = true;

	put("flags\t\t", "", arg);
	for (u32 i = 0; i < ARRAY_SIZE(flag_words); i++) {
		u32 word = flags_of(&flag_words[i]);

		for (u32 bit = 0; bit < 32; bit++) {
			const char *name = flag_words[i].names[bit];

			if (!(word & BIT(bit)) || !name || !*name)
				continue;
			if (!cpu_features.xsave && (!strcmp(name, "xsave") || !strcmp(name, "avx")))
				continue;
			put(NULL, first ? "" : " ", arg);
			put(NULL, name, arg);
			first = false;
		}
	}
	put(NULL, "\n", arg);
}

static u32
flags_of(const struct flag_word *w)
{
	struct cpuid r = cpuid(w->leaf, 0);
	const u32 regs[4] = {r.eax, r.ebx, r.ecx, r.edx};

	if ((w->leaf & 0x7fffffff) > (cpuid(w->leaf & 0x80000000, 0).eax & 0x7fffffff))
		return 0;
	return regs[w->reg];
}
