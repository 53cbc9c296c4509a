/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Rates of the TSC and of the physical APIC timer.
 */
#ifndef X86_TSC_H
#define X86_TSC_H

#include <stdint.h>

/* Measures both against the PIT, once, on the boot processor. */
void tsc_calibrate(void);
void tsc_delay_us(uint64_t microseconds);
/* Starts the physical timer so that it fires at the TSC value, or as near as it reaches. */
void tsc_timer_set(uint64_t deadline);

#endif
