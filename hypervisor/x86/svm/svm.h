/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Shared by the files of this folder; svm_ops is all that others see.
 */
#pragma once

#include "core/light.h"
#include "x86/svm/vmcb.h"

extern const struct virt_ops svm_ops;

/* What this machine's SVM has; constant after probe. */
struct svm_features {
	bool next_rip;		/* NRIPS */
	bool branch_barrier;	/* IBPB */
	uint32_t asid_count;
	/* QEMU's TCG forgets the interrupt shadow at VMRUN (fixed in 9.1). */
	bool loses_shadow;
};

extern struct svm_features svm_features;
extern struct nested_pt_format npt_format;	/* constant after probe */

/* What a processor remembers between VPs. */
struct svm_cpu {
	uint64_t asids;		/* see take_asid() */
	uint64_t partition;	/* whose code trained its branch predictors */
};

static inline struct vmcb *svm_vmcb(const struct vp *vp) { return vp->vendor; }

/* svm_enable.c */
const char *svm_probe(void);
void svm_cpu_enable(struct cpu *cpu);
struct hpa svm_io_map(bool root);
struct hpa svm_msr_map(bool root);

/* svm_exit.c: VMCB after #VMEXIT -> neutral exit. */
void svm_decode_exit(struct vp *vp, struct vp_exit *exit);

/* svm_regs.c */
enum pvn_status svm_get_register(struct vp *vp, uint32_t name, uint64_t value[2]);
enum pvn_status svm_set_register(struct vp *vp, uint32_t name, const uint64_t value[2]);

/* svm_run.c; also brings the lazily held registers into the VMCB. */
void svm_sync_from_cpu(struct vp *vp);
void svm_sync_to_cpu(struct vp *vp);

/*
 * svm_entry.S: guest registers from and to vp->regs, until the next #VMEXIT that is not a
 * light one. What svm_light() said of it.
 */
enum light svm_enter(struct vp *vp, uint64_t vmcb);
/* svm_light.c: called by svm_enter() with GIF clear. */
enum light svm_light(struct vp *vp);

static inline void svm_vmload(uint64_t vmcb) { asm volatile("vmload %%rax" :: "a"(vmcb) : "memory"); }
static inline void svm_vmsave(uint64_t vmcb) { asm volatile("vmsave %%rax" :: "a"(vmcb) : "memory"); }
