/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * From a neutral exit to its handler, and what must happen before an entry.
 */
#pragma once

#include "core/partition.h"

/* Handles one exit of the current VP. */
void exit_handle(struct vp *vp, struct vp_exit *exit);
/*
 * An INIT or SMI that was sent to the VP: resets it, or begins its handler. Not between
 * entry_generation's two steps.
 */
void exit_take_init(struct vp *vp);
/* smm.c: into system management mode, and back from it by RSM. */
void smm_enter(struct vp *vp);
void smm_leave(struct vp *vp);
/* SIPI, NMI, interrupts: what is pending goes into the next entry. False: VP is not to run now. */
bool exit_prepare_entry(struct vp *vp);

/* Would exit_prepare_entry() find a reason to run the halted VP? Any processor. */
bool exit_has_work(struct vp *vp);

/* cpuid.c: what the VP sees; in: regs RAX, RCX; out: RAX RBX RCX RDX. */
void cpuid_emulate(struct vp *vp);
/* Same as a pure function, for the parent's message and for tests. */
void cpuid_values(struct vp *vp, uint32_t leaf, uint32_t subleaf, uint32_t out[4]);
/* XCR0 bits the partition may use. */
uint64_t cpuid_xcr0_mask(struct vp *vp);
/* What this processor has of the features that a property of that name (XSAVE's: 1) names. */
uint64_t cpuid_features(unsigned int set);
/* Would the processor take it as XCR0? */
bool cpuid_xcr0_is_valid(struct vp *vp, uint64_t value);

/* msr.c: false: nobody virtualizes it or the value is bad (then *bad_value): #GP or intercept. */
bool msr_read(struct vp *vp, uint32_t msr, uint64_t *value);
bool msr_write(struct vp *vp, uint32_t msr, uint64_t value, bool *bad_value);
/* As above for a register by its name: whatever the privileges, without side effects. */
bool msr_read_state(struct vp *vp, uint32_t msr, uint64_t *value);
bool msr_write_state(struct vp *vp, uint32_t msr, uint64_t value);
/*
 * msr.c: a register that names a page goes from old to value: moves the overlay and
 * flushes. False, nothing changed: the page cannot be there. No locks held.
 */
bool msr_move_overlay(struct vp *vp, uint64_t old, uint64_t value, void *page, unsigned int rights);

/* The same for a register of the VP itself, kept at msr. */
bool msr_move_page(struct vp *vp, uint64_t *msr, uint64_t value, void *page, unsigned int rights);

/*
 * intercept.c: stops the VP (VP_STOP_INTERCEPT) and sends the message to SINT 0 of a
 * root VP. payload starts with struct pvn_intercept_header, which it fills.
 */
void intercept_send(struct vp *vp, uint32_t message_type, uint8_t access_type, uint8_t insn_bytes,
		    void *payload, unsigned int payload_bytes);
/* For messages: a segment register; the instruction's bytes, of which it returns how many. */
struct pvn_message_segment intercept_segment(struct vp *vp, uint32_t name);
uint8_t intercept_instruction(struct vp *vp, uint8_t bytes[16]);
/* At creation of the VP: its one message buffer is the end of its own page. */
void intercept_init(struct vp *vp);
/* Before destruction: takes the message back if nobody has read it. */
void intercept_cancel(struct vp *vp);
/* As intercept_send(), of a message without that header. */
void intercept_post(struct vp *vp, uint32_t message_type, const void *payload, unsigned int payload_bytes);

/*
 * guest_walk.c: what a guest's own page tables say. Translates an address as the VP would,
 * for the accesses in flags (PVN_TRANSLATE_*).
 * Returns PVN_TRANSLATE_OK and where it leads, or why not; *at is then the table's or
 * page's GPA that was in the way. *cache: the guest's memory type for it. The VP is
 * stopped, or the one that has just exited here.
 */
uint32_t guest_translate(struct vp *vp, uint64_t gva, uint64_t flags, struct gpa *at, unsigned int *cache);
