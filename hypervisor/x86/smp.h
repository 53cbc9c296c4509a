/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Logical processors: their blocks, and how they are started.
 */
#pragma once

#include "core/cpu.h"

#define CPUS_MAX 64

/* The boot processor's own struct cpu, before anything that logs. */
void smp_init_boot_cpu(void);
/*
 * Starts the processors with these APIC ids (the caller's own is skipped); stacks is
 * memory for STACK_BYTES each, so aligned. All are in ap_main() when it returns.
 */
void smp_start(const uint32_t *apic_ids, unsigned int count, void *stacks);
/* The boot processor, which calls, is none of those that are used. Before they are released. */
void smp_forget_boot_cpu(void);
/* Lets the started processors go on into the scheduler. */
void smp_release(void);
