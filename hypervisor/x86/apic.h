/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * The physical local APIC, in xAPIC or x2APIC form, whichever firmware left on.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

void apic_init_cpu(void);
void apic_accept_all(void); /* task priority 0 */
uint32_t apic_id(void);
/* Can interrupts be sent there? An xAPIC has 8 bits for the target. */
bool apic_reaches(uint32_t id);
void apic_eoi(void);
/* Was the vector that is in service level-triggered? */
bool apic_is_level(unsigned int vector);
/* Delivery mode; with it a vector, or the page that a processor starts at. */
enum { APIC_FIXED = 0, APIC_NMI = 0x400, APIC_INIT = 0x500, APIC_STARTUP = 0x600 };
void apic_send(uint32_t apic_id, uint32_t command);
/* One-shot timer, counts of apic_timer_hz(); 0 stops it. */
void apic_timer_start(uint32_t count);
uint32_t apic_timer_count(void);
