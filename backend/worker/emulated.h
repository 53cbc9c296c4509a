/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * The emulated devices of a guest whose configuration asks for them: what connects
 * the register logic of emul/ with intercepts, image files, the console and time.
 */
#ifndef WORKER_EMULATED_H
#define WORKER_EMULATED_H

#include <event2/event.h>

#include <pvn/abi/event.h>

#include "worker/guest.h"

struct emulated;

/* How an access ended. */
enum emulated_outcome {
	EMULATED_NOT_MINE,	/* no emulated device is there */
	EMULATED_DONE,		/* the processor goes on */
	EMULATED_RESET,		/* the guest has reset its machine */
	EMULATED_ENDED,		/* or ended it, by a test device, with this code */
	EMULATED_FAILED,	/* *why says what; the guest cannot go on */
};

struct emulated_answer {
	enum emulated_outcome outcome;
	uint32_t code;
	char why[120];
};

/* NULL with *problem filled, or when the configuration wants none (problem->code is 0). */
struct emulated *emulated_create(struct guest *guest, struct event_base *base,
				 struct pvn_problem *problem);
/* A port access of a stopped processor. */
void emulated_port(struct emulated *emulated, unsigned int vp, const struct pvn_io_intercept *io,
		   struct emulated_answer *answer);
/* An access to memory where no RAM is. */
void emulated_memory(struct emulated *emulated, unsigned int vp,
		     const struct pvn_memory_intercept *memory, struct emulated_answer *answer);
/* An access to an MSR that the hypervisor refuses. */
void emulated_msr(struct emulated *emulated, unsigned int vp, const struct pvn_msr_intercept *msr,
		  struct emulated_answer *answer);

#endif
