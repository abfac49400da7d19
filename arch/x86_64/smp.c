/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/smp.c - the other CPUs: starting, calling, stopping them
 *
 * Idea        A CPU is started by INIT and a start-up message that names a page below 1 MiB. There lies a copy of
 *             trampoline.S; root tables of its own map that page executable (and read-only) only while CPUs start.
 *             One CPU starts at a time, on the stack of its idle task.
 *
 *             A call to other CPUs puts a pointer to a struct on the caller's stack into a place for (target,
 *             caller), sets the caller's bit in the target's mask, and interrupts. While it waits, the caller serves
 *             calls of others, so that two CPUs may call each other.
 *
 *                 caller                                target
 *                 slot[target][me] = &call
 *                 pending[target] |= me    --IPI-->     mask = take pending[me]
 *                 wait until left == 0                  call->fn(call->arg); left--
 * Invariants  I1  A CPU has at most one call under way: slot[t][me] is free whenever cpu_call_many() is not running
 *             on `me`.
 *             I2  Numbers of CPUs that run are 0 .. cpu_online - 1.
 * Locks       none; masks and counts are atomic
 * Follow      from kernel/main.c, mm/tlb.c, kernel/panic.c   to apic.c, trap.c
 * Tests       boots with CPUS=1, 2 and 4; tests/guest/unshare.c (shoot-down)
 * See         Intel SDM volume 3, 8.4
 */
#include <arch/acpi.h>
#include <arch/apic.h>
#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/desc.h>
#include <arch/features.h>
#include <arch/mmu.h>
#include <arch/smp.h>
#include <arch/trap.h>
#include <kernel/boot_info.h>
#include <kernel/lib/atomic.h>
#include <kernel/lib/string.h>
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <kernel/sched.h>
#include <kernel/timer.h>
#include <mm/memblock.h>
#include <mm/page_alloc.h>

#define LOW_MEMORY_END 0xa0000
#define INIT_WAIT_NS (10 * NS_PER_MS)
#define STARTUP_WAIT_NS (1 * NS_PER_MS)  /* before the second start-up message, for old CPUs that miss the first */
#define ONLINE_WAIT_NS (10 * NS_PER_SEC) /* as Linux: a host that is busy elsewhere may take seconds */
#define CALL_WARN_NS (10 * NS_PER_SEC)
#define CALL_SPIN_NS (20 * NS_PER_US)
#define STOP_SPINS 10000000
#define STACKS_ORDER 3 /* struct trap_stacks is 24 KiB */

/* The end of trampoline.S as C sees it. */
struct trampoline_data {
	u64 gdt[2];
	u16 gdt_limit;
	u32 gdt_base;
	u16 unused;
	u32 far_offset;
	u16 far_selector;
	u16 unused2;
	u64 root_pa;
	u64 stack;
	u64 entry;
	u32 cpu;
	u32 wanted; /* atomic; 1: a CPU may take all of this and start */
} __packed;

/* One cpu_call_many, on the caller's stack. */
struct cpu_call {
	void (*fn)(void *arg);
	void *arg;
	atomic_t left; /* CPUs that have not finished */
};

u32 cpu_online = 1;

static u64 trampoline_pa;                              /* const after mmu_init; 0: no page for it */
static struct cpu_call *call_slot[MAX_CPUS][MAX_CPUS]; /* [target][caller]; see I1 */
static u32 call_pending[MAX_CPUS];                     /* atomic: bit n, CPU n waits for this one */
static u32 call_asleep[MAX_CPUS];                      /* atomic: the caller waits halted */
static bool stop_requested;                            /* atomic */
static atomic_t stopped;                               /* CPUs that obeyed */

extern const u8 trampoline_start[], trampoline_long[], trampoline_data[], trampoline_end[];

_Static_assert(sizeof(struct trap_stacks) <= PAGE_SIZE << STACKS_ORDER, "one block holds a CPU's private stacks");

static bool smp_page_usable(const struct boot_info *info, u64 pa);
static struct trampoline_data *smp_trampoline_fill(struct page *tables);
static void smp_trampoline_tables(struct page *tables);
static void smp_start_all(struct trampoline_data *data, u32 max);
static bool smp_start_one(struct trampoline_data *data, u32 apic);
static void smp_wait_ns(u64 ns);
static bool smp_wait_online(struct trampoline_data *data, u32 count);
static __noreturn void smp_cpu_main(u32 cpu);
static void smp_call_send(struct cpu_call *call, u64 mask);
static void smp_call_wait(struct cpu_call *call, u64 mask);
static s32 smp_call_left(const struct cpu_call *call);
static void smp_call_sleep(const struct cpu_call *call);

/* The highest page will do: boot loaders leave their things low. */
void __init
smp_trampoline_reserve(const struct boot_info *info)
{
	for (u64 pa = LOW_MEMORY_END - PAGE_SIZE; pa >= PAGE_SIZE; pa -= PAGE_SIZE) {
		if (!smp_page_usable(info, pa))
			continue;
		trampoline_pa = pa;
		memblock_reserve(pa, PAGE_SIZE);
		return;
	}
}

static bool __init
smp_page_usable(const struct boot_info *info, u64 pa)
{
	if (pa + PAGE_SIZE > info->initrd_pa && pa < info->initrd_pa + info->initrd_size)
		return false;
	return memblock_is_ram(pa);
}

u32
cpu_possible_count(void)
{
	return max_u64(acpi_machine.cpu_count, 1);
}

void __init
smp_start(u32 max)
{
	u32 wanted = min_u64(cpu_possible_count(), max);
	struct page *tables;

	if (wanted <= 1)
		return;
	/* Four tables below 16 MiB: CR3 has 32 bits where it is loaded first. */
	tables = trampoline_pa ? page_alloc(2, ALLOC_KERNEL | ALLOC_DMA | ALLOC_ZERO) : NULL;
	if (!tables) {
		pr_warn("no memory below 16 MiB to start other CPUs with");
		return;
	}
	smp_start_all(smp_trampoline_fill(tables), wanted);
	page_free(tables, 2);
	pr_info("smp: %u of %u CPUs run", cpu_count(), cpu_possible_count());
}

static struct trampoline_data *__init
smp_trampoline_fill(struct page *tables)
{
	u8 *code = pa_to_va(trampoline_pa);
	struct trampoline_data *data = (void *)(code + (trampoline_data - trampoline_start));

	smp_trampoline_tables(tables);
	memcpy(code, trampoline_start, trampoline_end - trampoline_start);
	data->gdt_base = trampoline_pa + (trampoline_data - trampoline_start);
	data->far_offset = trampoline_pa + (trampoline_long - trampoline_start);
	data->root_pa = page_to_pa(tables);
	data->entry = (u64)smp_cpu_main;
	return data;
}

/* The kernel's half, and the one page at its own address: executable, not writable. */
static void __init
smp_trampoline_tables(struct page *tables)
{
	pte_t *root = page_to_va(tables);
	const pte_t *kernel = pa_to_va(mmu_kernel_root());
	u64 pfn = page_to_pfn(tables);

	memcpy(root + KERNEL_FIRST_ENTRY, kernel + KERNEL_FIRST_ENTRY, KERNEL_FIRST_ENTRY * sizeof(pte_t));
	for (u32 level = LEVELS; level > 1; level--) {
		pte_write(root + level_index(trampoline_pa, level), pte_make(++pfn, PTE_TABLE));
		root += TABLE_ENTRIES;
	}
	pte_write(root + level_index(trampoline_pa, 1), pte_make(trampoline_pa >> PAGE_SHIFT, PTE_PRESENT));
}

static void __init
smp_start_all(struct trampoline_data *data, u32 max)
{
	u32 self = apic_id_read();

	for (u32 i = 0; i < acpi_machine.cpu_count; i++) {
		if (acpi_machine.apic_ids[i] != self)
			apic_ipi(acpi_machine.apic_ids[i], IPI_INIT);
	}
	smp_wait_ns(INIT_WAIT_NS);
	for (u32 i = 0; i < acpi_machine.cpu_count && cpu_count() < max; i++) {
		u32 apic = acpi_machine.apic_ids[i];

		if (apic != self && !smp_start_one(data, apic))
			pr_warn("the CPU with APIC number %u did not start", apic);
	}
}

static bool __init
smp_start_one(struct trampoline_data *data, u32 apic)
{
	u32 cpu = cpu_count();
	struct page *stacks = page_alloc(STACKS_ORDER, ALLOC_KERNEL);
	struct task *idle = sched_idle_task(cpu);

	if (!stacks || !idle) {
		if (stacks)
			page_free(stacks, STACKS_ORDER);
		return false;
	}
	per_cpu(cpu_private_stacks, cpu) = page_to_va(stacks);
	data->cpu = cpu;
	data->stack = task_stack_top(idle);
	__atomic_store_n(&data->wanted, 1, __ATOMIC_SEQ_CST);
	apic_ipi(apic, IPI_STARTUP | trampoline_pa >> PAGE_SHIFT);
	smp_wait_ns(STARTUP_WAIT_NS);
	if (cpu_count() == cpu)
		apic_ipi(apic, IPI_STARTUP | trampoline_pa >> PAGE_SHIFT);
	if (smp_wait_online(data, cpu + 1))
		return true;
	per_cpu(cpu_private_stacks, cpu) = NULL;
	page_free(stacks, STACKS_ORDER);
	return false;
}

static void
smp_wait_ns(u64 ns)
{
	u64 until = clock_ns() + ns;

	while (clock_ns() < until)
		cpu_relax();
}

/*
 * False: nobody came in time. One that comes later finds that it is not wanted any more, or takes the next one's place.
 * Why not INIT to hold it back: that may leave a start-up message pending, as in QEMU.
 */
static bool __init
smp_wait_online(struct trampoline_data *data, u32 count)
{
	u64 until = clock_ns() + ONLINE_WAIT_NS;

	while (__atomic_load_n(&data->wanted, __ATOMIC_ACQUIRE)) {
		cpu_relax();
		if (clock_ns() >= until && __atomic_exchange_n(&data->wanted, 0, __ATOMIC_SEQ_CST))
			return false;
	}
	while (cpu_count() < count)
		cpu_relax();
	return true;
}

/* The first C code of another CPU, on its idle task's stack, interrupts off. */
static __noreturn void
smp_cpu_main(u32 cpu)
{
	cpu_percpu_set(percpu_offset[cpu]);
	mmu_root_switch(mmu_kernel_root());
	mmu_flush_local_global();
	desc_init(cpu, this_cpu(cpu_private_stacks), percpu_offset[cpu]);
	cpu_init();
	apic_init_cpu();
	clock_init_cpu();
	WRITE_ONCE(cpu_online, cpu + 1);
	sched_cpu_start();
}

void
cpu_call_many(u64 mask, void (*fn)(void *), void *arg)
{
	u64 others = mask & (BIT(cpu_count()) - 1) & ~BIT(this_cpu_id());

	if (others) {
		struct cpu_call call = {.fn = fn, .arg = arg};

		assertf(irq_enabled(), "CPU %u calls CPUs %#lx with interrupts off", this_cpu_id(), others);
		smp_call_send(&call, others);
		if (mask & BIT(this_cpu_id()))
			fn(arg);
		smp_call_wait(&call, others);
	} else if (mask & BIT(this_cpu_id())) {
		fn(arg);
	}
}

static void
smp_call_send(struct cpu_call *call, u64 mask)
{
	u32 self = this_cpu_id();
	u32 count = 0;

	for (u64 left = mask; left; left &= left - 1)
		count++;
	atomic_set(&call->left, count);
	for (u64 left = mask; left; left &= left - 1) {
		u32 cpu = __builtin_ctzll(left);

		WRITE_ONCE(call_slot[cpu][self], call);
		__atomic_fetch_or(&call_pending[cpu], 1U << self, __ATOMIC_SEQ_CST);
		apic_ipi(per_cpu(apic_id, cpu), IPI_FIXED | VECTOR_CALL);
	}
}

/*
 * Why not just spin: in a virtual machine with more CPUs than the host has, the CPU that should answer may be waiting
 * for the very host CPU that we spin on.
 */
static void
smp_call_wait(struct cpu_call *call, u64 mask)
{
	u64 start = clock_ns();
	u64 warn = start + CALL_WARN_NS;

	while (smp_call_left(call)) {
		u64 now = clock_ns();

		if (now - start > CALL_SPIN_NS)
			smp_call_sleep(call);
		else
			cpu_relax();
		if (likely(now < warn))
			continue;
		pr_warn("CPU %u waits for %d of the CPUs %#lx to answer a call", this_cpu_id(), smp_call_left(call),
			mask);
		warn = now + CALL_WARN_NS;
	}
}

static s32
smp_call_left(const struct cpu_call *call)
{
	return __atomic_load_n(&call->left.value, __ATOMIC_ACQUIRE);
}

/*
 * Halts until any interrupt comes.
 * Race: we say that we sleep, then look once more; the last CPU to finish says so, then looks whether we sleep. At
 * least one sees the other, and an interrupt that comes between look and halt ends the halt at once.
 */
static void
smp_call_sleep(const struct cpu_call *call)
{
	u32 *asleep = &call_asleep[this_cpu_id()];

	irq_disable();
	__atomic_store_n(asleep, 1, __ATOMIC_SEQ_CST);
	if (smp_call_left(call))
		cpu_halt_until_interrupt();
	else
		irq_enable();
	__atomic_store_n(asleep, 0, __ATOMIC_SEQ_CST);
}

void
smp_call_interrupt(void)
{
	u32 self = this_cpu_id();
	u32 callers = __atomic_exchange_n(&call_pending[self], 0, __ATOMIC_SEQ_CST);

	for (; callers; callers &= callers - 1) {
		u32 caller = __builtin_ctz(callers);
		struct cpu_call *call = READ_ONCE(call_slot[self][caller]);

		call->fn(call->arg);
		/* The caller's stack, and call with it, is gone right after the count reaches 0. */
		if (atomic_dec_and_test(&call->left) && __atomic_load_n(&call_asleep[caller], __ATOMIC_SEQ_CST))
			apic_ipi(per_cpu(apic_id, caller), IPI_FIXED | VECTOR_CALL);
	}
}

void
cpu_kick(u32 cpu)
{
	apic_ipi(per_cpu(apic_id, cpu), IPI_FIXED | VECTOR_KICK);
}

void
cpu_stop_others(void)
{
	u32 online = cpu_count();

	__atomic_store_n(&stop_requested, true, __ATOMIC_SEQ_CST);
	for (u32 cpu = 0; cpu < online; cpu++) {
		if (cpu != this_cpu_id())
			apic_ipi(per_cpu(apic_id, cpu), IPI_NMI);
	}
	/* About 100 ms. The clock may be what is broken. */
	for (u32 i = 0; i < STOP_SPINS && atomic_read(&stopped) + 1 < (s32)online; i++)
		cpu_relax();
}

bool
smp_stop_requested(void)
{
	return __atomic_load_n(&stop_requested, __ATOMIC_SEQ_CST);
}

void
smp_stop_self(void)
{
	atomic_inc(&stopped);
	machine_halt();
}
