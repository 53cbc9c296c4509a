// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * A plug-in for the emulator that counts executed instructions by who executed them: the
 * hypervisor, or one of the virtual processors that it runs. docs/benchmarks.md tells the
 * method. What it sees:
 *
 *	VMRUN		the next instruction of this processor is a virtual processor's
 *	after VMRUN	the instruction behind it is executed first after an exit
 *	before VMRUN	the load of RDI in front of it (svm_entry.S) reads from the virtual
 *			processor's own registers: its address tells which one it is
 *	marks		marker.h: windows, between which is counted
 *
 * At the end of a window it writes a line to the file of argument out=FILE:
 *
 *	window ID HYPERVISOR SELF OTHERS EXITS PATH PATH-TIMES PROCESSOR
 *
 * SELF is the virtual processor that ended the window, OTHERS are all other ones. PATH is
 * the most frequent number of hypervisor instructions from an exit of SELF to its next
 * entry, with nobody else entered in between. Exact with one emulated processor, or
 * with thread=single: processors take turns there.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "marker.h"
#include "qemu_plugin_api.h"

#define VPS_MAX 16
#define PROCESSORS_MAX 8
#define WINDOWS_MAX 256
#define PATHS_MAX 4096

#define EXPORT __attribute__((visibility("default")))

struct counts {
	uint64_t hypervisor, vp[VPS_MAX], exits[VPS_MAX];
};

struct processor {
	bool in_guest;
	int vp;				/* running, or last one that ran */
	uint64_t loaded_from;		/* by the last instruction that looks like that load */
	uint64_t since_exit;		/* hypervisor instructions */
	bool path_whole;		/* since an exit in the window */
};

static FILE *out;
static struct processor processors[PROCESSORS_MAX];
static uint64_t vp_address[VPS_MAX];
static struct counts now, at_begin[WINDOWS_MAX];
static int path_window = -1, path_vp;
static uint32_t path_times[PATHS_MAX];

EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv);

/* Which virtual processor this is; the last number stands for all too many. */
static int vp_of(uint64_t address)
{
	for (int i = 0; i < VPS_MAX - 1; i++) {
		if (!vp_address[i])
			vp_address[i] = address;
		if (vp_address[i] == address)
			return i;
	}
	return VPS_MAX - 1;
}

static void on_instruction(unsigned int vcpu, void *data)
{
	struct processor *processor = &processors[vcpu];

	(void)data;
	if (processor->in_guest) {
		now.vp[processor->vp]++;
		return;
	}
	now.hypervisor++;
	processor->since_exit++;
}

static void on_load(unsigned int vcpu, qemu_plugin_meminfo_t info, uint64_t at, void *data)
{
	(void)info, (void)data;
	processors[vcpu].loaded_from = at;
}

/* on_instruction() has counted VMRUN itself, for the hypervisor. */
static void on_vmrun(unsigned int vcpu, void *data)
{
	struct processor *processor = &processors[vcpu];
	int vp = vp_of(processor->loaded_from);

	(void)data;
	if (!processor->loaded_from)
		fprintf(out, "unknown\n");
	if (path_window >= 0 && processor->path_whole && processor->vp == vp && vp == path_vp &&
	    processor->since_exit < PATHS_MAX)
		path_times[processor->since_exit]++;
	processor->vp = vp;
	processor->in_guest = true;
}

/* Called before on_instruction() of the same instruction. */
static void on_exit_landing(unsigned int vcpu, void *data)
{
	struct processor *processor = &processors[vcpu];

	(void)data;
	if (!processor->in_guest)
		return;
	processor->in_guest = false;
	processor->since_exit = 0;
	processor->path_whole = true;
	now.exits[processor->vp]++;
}

static void on_begin(unsigned int vcpu, void *data)
{
	int window = (int)(intptr_t)data;

	at_begin[window] = now;
	path_window = window;
	path_vp = processors[vcpu].vp;
	memset(path_times, 0, sizeof(path_times));
}

static void on_end(unsigned int vcpu, void *data)
{
	int window = (int)(intptr_t)data, self = processors[vcpu].vp;
	const struct counts *then = &at_begin[window];
	uint64_t others = 0, exits = 0;
	unsigned int path = 0;

	for (int i = 0; i < VPS_MAX; i++) {
		exits += now.exits[i] - then->exits[i];
		others += i == self ? 0 : now.vp[i] - then->vp[i];
	}
	for (unsigned int i = 1; i < PATHS_MAX; i++)
		if (path_times[i] > path_times[path])
			path = i;
	fprintf(out, "window %d %lu %lu %lu %lu %u %u %u\n", window, now.hypervisor - then->hypervisor,
		now.vp[self] - then->vp[self], others, exits, path, path_times[path], vcpu);
	fflush(out);
	path_window = -1;
}

static bool is(const struct qemu_plugin_insn *insn, const char *bytes, size_t count)
{
	return qemu_plugin_insn_size(insn) == count &&
	       !memcmp(qemu_plugin_insn_data(insn), bytes, count);
}

static bool is_vmrun(const struct qemu_plugin_insn *insn)
{
	return is(insn, "\x0f\x01\xd8", 3);
}

/* The number of a mark, or 0. */
static uint32_t mark_of(const struct qemu_plugin_insn *insn)
{
	const uint8_t *bytes = qemu_plugin_insn_data(insn);
	uint32_t number;

	if (qemu_plugin_insn_size(insn) != 7 || memcmp(bytes, "\x0f\x1f\x80", 3))
		return 0;
	memcpy(&number, bytes + 3, sizeof(number));
	return number >> 9 == MARK_BEGIN >> 9 ? number : 0;
}

/* Behind the hypervisor's only VMRUN. The emulator translates VMRUN before what follows. */
static uint64_t landing;

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t count = qemu_plugin_tb_n_insns(tb);

	(void)id;
	for (size_t i = 0; i < count; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uint64_t at = qemu_plugin_insn_vaddr(insn);
		uint32_t mark = mark_of(insn);
		void *window = (void *)(uintptr_t)(mark & 0xff);

		if (at == landing && landing)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_exit_landing,
							       QEMU_PLUGIN_CB_NO_REGS, NULL);
		qemu_plugin_register_vcpu_insn_exec_cb(insn, on_instruction, QEMU_PLUGIN_CB_NO_REGS,
						       NULL);
		/* mov 0x38(%rdi),%rdi */
		if (is(insn, "\x48\x8b\x7f\x38", 4))
			qemu_plugin_register_vcpu_mem_cb(insn, on_load, QEMU_PLUGIN_CB_NO_REGS,
							 QEMU_PLUGIN_MEM_RW, NULL);
		if (is_vmrun(insn)) {
			landing = at + 3;
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_vmrun,
							       QEMU_PLUGIN_CB_NO_REGS, NULL);
		}
		if (mark)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, mark < MARK_END ? on_begin : on_end,
							       QEMU_PLUGIN_CB_NO_REGS, window);
	}
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv)
{
	(void)info;
	for (int i = 0; i < argc; i++)
		if (!strncmp(argv[i], "out=", 4))
			out = fopen(argv[i] + 4, "w");
	if (!out) {
		fprintf(stderr, "count: out=FILE is missing or cannot be written\n");
		return 1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
	return 0;
}
