/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Synthetic interrupt controller and synthetic timers of one VP
 * [TLFS 2.0 ch. 14 "Inter-Partition Communication", ch. 15 "Timers"].
 */
#pragma once

#include <pvn/abi/event.h>
#include <pvn/abi/hypercall.h>
#include <pvn/abi/msr.h>
#include "core/addr.h"
#include "lib/list.h"
#include "lib/spinlock.h"

struct vp;

struct stimer {
	uint64_t config;	/* [vp->timer_lock] */
	uint64_t count;		/* [vp->timer_lock] */
	uint64_t deadline;	/* [vp->timer_lock] reference time, ~0 off */
	uint64_t expired_at;	/* [vp->timer_lock] reference time of the message owed */
	bool message_owed;	/* [vp->timer_lock] not in its slot yet */
};

/* A message waiting for its slot; lives in the sender's buffers. */
struct queued_message {
	struct list node;
	bool queued;
	struct pvn_message message;
};

struct synic {
	uint64_t control;	/* [a] SCONTROL */
	uint64_t event_msr;	/* (o) SIEFP */
	uint64_t message_msr;	/* (o) SIMP */
	uint64_t sint[16];	/* [a] */
	struct pvn_event_page *events;		/* (c) from the pool; overlaid where the guest says */
	struct pvn_message_page *messages;	/* (c) */
	struct spinlock lock;	/* LOCK_MESSAGES */
	struct list queue[16];	/* [lock] queued_message per SINT */
	uint32_t waiting;	/* [a] SINTs with messages that found their slot busy */
	uint64_t vectors[4];	/* (o) vectors of unmasked SINTs */
	uint64_t auto_eoi[4];	/* (o) those with auto-EOI */
	struct stimer timer[4];
};

void synic_init(struct vp *vp);		/* its two pages are there; synic_reset() follows */
void synic_shutdown(struct vp *vp);	/* before the VP goes: whoever queued messages has them back */
void synic_reset(struct vp *vp);

/* Synthetic MSRs of SynIC and timers (0x40000080-0x4000009f, 0x400000b0-b7). False: #GP. */
bool synic_write_msr(struct vp *vp, uint32_t msr, uint64_t value);

/* Queues a message and delivers it when its slot is free. The buffer must stay until dequeued. */
enum pvn_status synic_post(struct vp *vp, unsigned int sint, struct queued_message *message);
/* Takes the message out of the queue if it is still there. */
void synic_cancel(struct vp *vp, unsigned int sint, struct queued_message *message);
/* Guest wrote EOM or EOIed the vector of a SINT: tries to deliver what waits. */
void synic_scan(struct vp *vp);
/* A timer owes this SINT a message: delivers it when its slot is free. */
void synic_message_owed(struct vp *vp, unsigned int sint);

/* stimer.c: registers 0x400000b0-b7; what a timer owes goes to its slot (lock held). */
bool stimer_read_msr(struct vp *vp, uint32_t msr, uint64_t *value);
bool stimer_write_msr(struct vp *vp, uint32_t msr, uint64_t value);
void stimer_reset(struct vp *vp);
/* Takes the message that a timer owes this SINT, if any; more: another timer does too. */
bool stimer_take_message(struct vp *vp, unsigned int sint, struct pvn_message *out, bool *more);

/* All timers of a new VP are off. */
void vp_timers_init(struct vp *vp);
/* A deadline of any timer (synthetic or APIC) of vp passed: deliver and re-arm. */
void vp_timers_expired(struct vp *vp);
/* Arms vp's one timer-queue entry for the earliest of its timers; timer_lock held. */
void vp_timers_rearm(struct vp *vp);
