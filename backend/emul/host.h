/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * What emulated devices need from whoever runs them. They are register logic only:
 * no descriptors, no clocks, no processes. One thread calls them.
 *
 * A guest may program its devices with anything. What they do in return stays
 * within its own memory: every address that a device is given goes through memory().
 */
#ifndef EMUL_HOST_H
#define EMUL_HOST_H

#include <stdbool.h>
#include <stdint.h>

/* As an I/O APIC sends it [82093AA 3.2.4 "I/O Redirection Table Registers"]. */
struct emul_interrupt {
	uint8_t vector;
	uint8_t mode;		/* delivery mode: 0 fixed, 1 lowest priority, 4 NMI */
	bool logical;		/* destination is a set of processors */
	uint8_t destination;
};

struct emul_host {
	void *context;
	/* Where `bytes` (at least 1) of the guest's RAM at gpa are; NULL: not all of them are RAM. */
	void *(*memory)(void *context, uint64_t gpa, uint64_t bytes);
	void (*interrupt)(void *context, const struct emul_interrupt *interrupt);
	/* Accesses to these ports are wanted from now on, or no longer. */
	void (*ports)(void *context, uint16_t first, unsigned int count, bool on);
};

#endif
