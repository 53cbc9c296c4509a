/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * The physical local APIC, in xAPIC or x2APIC form, whichever firmware left on.
 */
#ifndef X86_APIC_H
#define X86_APIC_H

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
void apic_send_fixed(uint32_t apic_id, unsigned int vector);
void apic_send_nmi(uint32_t apic_id);
void apic_send_init(uint32_t apic_id);
void apic_send_startup(uint32_t apic_id, unsigned int page);
/* One-shot timer, counts of apic_timer_hz(); 0 stops it. */
void apic_timer_start(uint32_t count);
uint32_t apic_timer_count(void);

#endif
