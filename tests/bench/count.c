/* SPDX-License-Identifier: MIT */
/*
 * tests/bench/count.c - a QEMU plug-in that counts executed instructions, of the kernel and of programs
 *
 * Idea        With a disk, the guest's clock counts the waiting too, even under -icount. So the emulator itself counts:
 *             one addition for each instruction, by the half of the address space it lies in. Whenever the guest
 *             executes mmbench's marker, a no-op with a number in it, a line goes to the file: MARK number user kernel.
 *             Two markers frame single accesses: a line WORST tells of each that needed more than all before it,
 *             whoever executed what was executed meanwhile.
 *             Each iteration of a rep instruction is one. Declared here and not included: the header is no part of
 *             QEMU's package. Simple: one virtual processor.
 * Invariants  none
 * Locks       none
 * Follow      from press.py, user/mmbench.c   to QEMU
 * Tests       none
 * See         QEMU docs/devel/tcg-plugins.rst, API version 1
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
#define INLINE_ADD 0
#define CALLBACK_NO_REGISTERS 0
#define MARK_BYTES 7 /* 0f 1f 80 and the number: nopl number(%rax) */
#define MARK_BASE 0x4d420000U
#define MARK_OPEN 1000 /* two that frame one access; from here on no line each */
#define MARK_CLOSE 1001

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, void (*cb)(plugin_id id, struct qemu_plugin_tb *tb));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn, int op, void *ptr, uint64_t n);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, void (*cb)(unsigned cpu, void *arg),
					    int flags, void *arg);

EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv);

static uint64_t count[2]; /* programs, kernel */
static uint64_t opened, worst;
static FILE *out;

static void
mark(unsigned cpu, void *number)
{
	uint64_t now = count[0] + count[1];

	(void)cpu;
	if ((uintptr_t)number == MARK_OPEN)
		opened = now;
	if ((uintptr_t)number == MARK_CLOSE && now - opened > worst)
		fprintf(out, "WORST %lu\n", (unsigned long)(worst = now - opened));
	if ((uintptr_t)number >= MARK_OPEN)
		return;
	fprintf(out, "MARK %lu %lu %lu\n", (unsigned long)number, (unsigned long)count[0], (unsigned long)count[1]);
	fflush(out);
}

static void
translated(plugin_id id, struct qemu_plugin_tb *tb)
{
	static const uint8_t marker[] = {0x0f, 0x1f, 0x80};
	size_t n = qemu_plugin_tb_n_insns(tb);

	(void)id;
	for (size_t i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		const uint8_t *bytes = qemu_plugin_insn_data(insn);
		uint64_t kernel = qemu_plugin_insn_vaddr(insn) >> 63;
		uint32_t number;

		qemu_plugin_register_vcpu_insn_exec_inline(insn, INLINE_ADD, &count[kernel], 1);
		if (kernel || qemu_plugin_insn_size(insn) != MARK_BYTES || memcmp(bytes, marker, sizeof(marker)))
			continue;
		memcpy(&number, bytes + sizeof(marker), sizeof(number));
		if (number >= MARK_BASE && number < MARK_BASE + 0x10000)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, mark, CALLBACK_NO_REGISTERS,
							       (void *)(uintptr_t)(number - MARK_BASE));
	}
}

int
qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
	(void)info;
	out = argc == 1 && !strncmp(argv[0], "out=", 4) ? fopen(argv[0] + 4, "w") : NULL;
	if (!out)
		return 1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
