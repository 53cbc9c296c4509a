// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Calls the hypervisor, in registers or through parameter pages of this CPU.
 *
 * The instruction is issued here, not through Linux's hypercall page: that pointer
 * is not there for modules on all kernels, and the hypervisor takes both.
 */
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/gfp.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/string.h>

#include <asm/cpufeature.h>
#include <asm/io.h>

#include <pvn/abi/ring.h>

#include "pv-guest/hypercall.h"

/* One page each way. Taken with preemption off, so no lock; never from interrupts. */
struct parameter_pages {
	void *in;
	void *out;
};

static DEFINE_PER_CPU(struct parameter_pages, parameter_pages);

/*
 * [TLFS 2.0 4.8 "Register Mapping for Hypercall Inputs and Outputs"]: R9 to R11 may be lost too.
 * A long call returns here by itself: it is restarted, with a new start index in RCX.
 */
static u64 call(u64 control, u64 in1, u64 in2)
{
	register u64 r8 asm("r8") = in2;
	u64 result;

	if (boot_cpu_has(X86_FEATURE_VMMCALL))
		asm volatile("vmmcall" : "=a" (result), "+c" (control), "+d" (in1), "+r" (r8)
			     : : "cc", "memory", "r9", "r10", "r11");
	else
		asm volatile("vmcall" : "=a" (result), "+c" (control), "+d" (in1), "+r" (r8)
			     : : "cc", "memory", "r9", "r10", "r11");
	return result;
}

u64 pvn_call_fast(u16 code, u64 in1, u64 in2)
{
	return call(code | PVN_CONTROL_FAST, in1, in2);
}
EXPORT_SYMBOL_GPL(pvn_call_fast);

u32 pvn_poll_ceiling_ns(void)
{
	u64 least = U64_MAX;
	unsigned int i;

	/* A call without effect; the least of several, since we may be called away. */
	for (i = 0; i < 8; i++) {
		u64 start = ktime_get_ns();

		pvn_call_fast(PVN_CALL_notify_long_spin_wait, 0, 0);
		least = min(least, ktime_get_ns() - start);
	}
	return pvn_poll_ceiling(least);
}
EXPORT_SYMBOL_GPL(pvn_poll_ceiling_ns);

u64 pvn_call_memory(u64 control, const void *in, size_t in_bytes, void *out, size_t out_bytes)
{
	struct parameter_pages *pages;
	u64 result;

	if (WARN_ON_ONCE(in_bytes > PAGE_SIZE || out_bytes > PAGE_SIZE || in_interrupt()))
		return PVN_STATUS_INVALID_ALIGNMENT;
	pages = get_cpu_ptr(&parameter_pages);
	memcpy(pages->in, in, in_bytes);
	result = call(control, virt_to_phys(pages->in), virt_to_phys(pages->out));
	memcpy(out, pages->out, out_bytes);
	put_cpu_ptr(&parameter_pages);
	return result;
}
EXPORT_SYMBOL_GPL(pvn_call_memory);

static const struct {
	unsigned int status;
	int error;
	const char *name;
} statuses[] = {
#define PVN_STATUS(number, name, error, text) { number, error, #name },
#include "hypercall-abi/statuses.def"
#undef PVN_STATUS
};

int pvn_status_errno(unsigned int status)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(statuses); i++)
		if (statuses[i].status == status)
			return -statuses[i].error;
	return -EIO;
}
EXPORT_SYMBOL_GPL(pvn_status_errno);

const char *pvn_status_name(unsigned int status)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(statuses); i++)
		if (statuses[i].status == status)
			return statuses[i].name;
	return "unknown status";
}
EXPORT_SYMBOL_GPL(pvn_status_name);

void pvn_hypercall_exit(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		struct parameter_pages *pages = per_cpu_ptr(&parameter_pages, cpu);

		free_page((unsigned long)pages->in);
		free_page((unsigned long)pages->out);
	}
}

int pvn_hypercall_init(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		struct parameter_pages *pages = per_cpu_ptr(&parameter_pages, cpu);

		pages->in = (void *)get_zeroed_page(GFP_KERNEL);
		pages->out = (void *)get_zeroed_page(GFP_KERNEL);
		if (!pages->in || !pages->out) {
			pvn_hypercall_exit();
			return -ENOMEM;
		}
	}
	return 0;
}
