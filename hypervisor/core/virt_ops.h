/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * The vendor contract: what core needs from SVM or VMX. What crosses is neutral.
 * One constant table, chosen by probe() at boot; besides hypercall dispatch the
 * hypervisor's only function pointers.
 */
#pragma once

#include "core/gpa_map.h"

struct cpu;
struct vp;
struct vp_exit;

struct virt_ops {
	const struct nested_pt_format *npt;
	uint8_t hypercall_code[4];	/* the instruction that calls the hypervisor, and RET */

	/* Can this processor do it? NULL, or one sentence why it cannot. */
	const char *(*probe)(void);
	/* Turns virtualization on, on the calling processor. */
	void (*cpu_enable)(struct cpu *cpu);

	/*
	 * The vendor's state of a VP is a page, vp->vendor, zero at first.
	 * Architectural reset of the vendor's registers (vp->regs and vp->fpu are reset
	 * already); vp_start_at(): 16-bit start at vector << 12.
	 */
	void (*vp_reset)(struct vp *vp);
	void (*vp_start_at)(struct vp *vp, uint8_t sipi_vector);

	/* The VP becomes, or is no longer, what this processor's registers hold. */
	void (*vp_load)(struct vp *vp);
	void (*vp_unload)(struct vp *vp);
	/*
	 * Enters the guest until the next exit, interrupts of the processor off on
	 * return. The caller has set vp->regs; guest state crosses in vp->regs.
	 */
	void (*vp_run)(struct vp *vp, struct vp_exit *exit);

	/* May an external interrupt be delivered at the next entry? (IF, shadow, no event pending) */
	bool (*interrupt_window)(struct vp *vp);
	/* Delivers at the next entry. */
	void (*inject_interrupt)(struct vp *vp, uint8_t vector);
	void (*inject_exception)(struct vp *vp, uint8_t vector, bool has_code, uint32_t code);
	void (*inject_nmi)(struct vp *vp);
	/* Exit with EXIT_WINDOW as soon as interrupt_window() would be true. */
	void (*request_window)(struct vp *vp, bool on);
	bool (*event_pending)(struct vp *vp);
	/* An instruction was completed for the guest: its interrupt shadow is over. */
	void (*clear_shadow)(struct vp *vp);
	/* Translations of this VP are dropped before its next entry. */
	void (*flush)(struct vp *vp);

	/*
	 * Registers that only the vendor holds: CRs, segments, tables, system MSRs
	 * (PVN_REG_*, value low/high as in the ABI). INVALID_PARAMETER: not one of
	 * them, or not settable to that. The VP is not running.
	 */
	enum pvn_status (*get_register)(struct vp *vp, uint32_t name, uint64_t value[2]);
	enum pvn_status (*set_register)(struct vp *vp, uint32_t name, const uint64_t value[2]);
	/* Task priority (CR8 << 4) as the guest may have changed it without an exit. */
	uint8_t (*get_tpr)(struct vp *vp);
	void (*set_tpr)(struct vp *vp, uint8_t tpr);
	/* Which exceptions (bit per vector) exit. */
	void (*set_exception_intercepts)(struct vp *vp, uint32_t vectors);
	/* State of a VP for the log when something is wrong. */
	void (*dump)(struct vp *vp);
};

extern const struct virt_ops *virt;
