/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * What pvn_core.ko offers to the other Paravane modules of a kernel, guest or
 * root: the hypervisor found, calls to it, doorbells and messages from it.
 * The module loads under Paravane only, so its users need not ask again.
 */
#ifndef PVN_CORE_H
#define PVN_CORE_H

#include <linux/types.h>

#include <pvn/abi/event.h>
#include <pvn/abi/hypercall.h>

/* --- detect.c --- */

struct pvn_platform {
	u32 leaf;		/* base of Paravane's own CPUID block */
	u32 abi;		/* major << 16 | minor */
	u32 features;		/* PVN_OWN_FEATURE_* */
	u32 hints;		/* leaf 0x40000004, EAX */
	u64 partition_id;	/* the caller's own */
};

/* Where we run; never changes after the module has loaded. */
const struct pvn_platform *pvn_platform(void);

/* --- hypercall.c --- */

/*
 * One call with parameters in registers. Any context. Returns the result word.
 * `in1` and `in2` are ignored by calls that take less.
 */
u64 pvn_call_fast(u16 code, u64 in1, u64 in2);

/*
 * One call with parameters in memory: `in_bytes` at `in`, then, for rep calls,
 * `reps` elements that lie behind them already (in_bytes counts them too).
 * Copies through pages of this CPU. Process context; at most a page each way.
 * Returns the result word; `out` is filled when the status is success, and for
 * rep calls with as many bytes in any case.
 */
u64 pvn_call_memory(u64 control, const void *in, size_t in_bytes, void *out, size_t out_bytes);

/* The doorbell: sets flag of the port that this partition's connection leads to. Any context. */
static inline unsigned int pvn_signal_event(u32 connection, u16 flag)
{
	return pvn_result_status(pvn_call_fast(PVN_CALL_signal_event,
					       connection | (u64)flag << 32, 0));
}

/*
 * How long, in ns, an end of a queue looks at most before it sleeps, where nobody says
 * otherwise: goes by what an exit costs here.
 */
u32 pvn_poll_ceiling_ns(void);

/* 0 or -errno, from the status table. */
int pvn_status_errno(unsigned int status);
/* "INVALID_PORT_ID", for messages to people. */
const char *pvn_status_name(unsigned int status);

/* --- event.c --- */

/*
 * Calls fn(context) in hard interrupt context, interrupts off, each time that
 * `flag` (0 to 2047) of PVN_SINT_EVENTS has been set on any CPU. One call may
 * stand for several doorbells. -EBUSY: somebody has it. May sleep.
 */
int pvn_event_register(u32 flag, void (*fn)(void *context), void *context);
/* After return fn is not running and will not run. May sleep. */
void pvn_event_unregister(u32 flag);

/*
 * Calls fn(context, message) in hard interrupt context for each message that
 * arrives at PVN_SINT_INTERCEPTS; `message` is a private copy. One user, root only.
 */
int pvn_message_register(void (*fn)(void *context, const struct pvn_message *message),
			 void *context);
void pvn_message_unregister(void);

/* --- kexec.c --- */

/*
 * Before another kernel takes this one's place, fn() is called: after it nobody must read
 * or write this kernel's memory any more but by the pages that pvn_core.ko gave away
 * itself. Guests only; one user. NULL: none, and fn() is not running after return.
 */
void pvn_kexec_set_prepare(void (*fn)(void));

/* The hypervisor's index of the virtual processor that is this kernel's CPU `cpu`. */
u32 pvn_event_vp(unsigned int cpu);

#endif
