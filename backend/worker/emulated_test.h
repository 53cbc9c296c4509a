/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Test devices of a guest (emul/testdev.h), and what else test programs written for
 * other hypervisors take for granted: the page of an xAPIC, and an IA32_APIC_BASE that
 * may be written. The virtual APIC has x2APIC form only; here its registers are reached
 * through the page as well.
 */
#ifndef WORKER_EMULATED_TEST_H
#define WORKER_EMULATED_TEST_H

#include <pvn/abi/event.h>

#include "emul/testdev.h"
#include "worker/guest.h"

struct emulated_test {
	struct guest *guest;
	struct testdev device;
	struct bus_range apic;
	unsigned int vp;		/* that the access at hand comes from */
	uint32_t icr_high[CONFIG_VPS_MAX];
	bool has_ended;
	uint32_t end_code;
};

/* 0, or -1 with errno. */
int emulated_test_create(struct emulated_test *test, struct guest *guest, struct bus *bus);

/* A WRMSR or RDMSR that the hypervisor refuses; false: the processor does not go on. */
bool emulated_test_msr(struct emulated_test *test, unsigned int vp,
		       const struct pvn_msr_intercept *msr);

#endif
