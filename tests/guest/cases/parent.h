/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * What the cases of a parent share: a child with sixteen pages of memory from GPA 0 up,
 * whose virtual processors run programs of child.S.
 */
#ifndef CASES_PARENT_H
#define CASES_PARENT_H

#include <pvn/abi/event.h>

#include "testguest.h"

/* The root's own memory, far from this image. */
#define POOL_PAGE	0x9000ull	/* pages for pools from 144 MiB up */
#define POOL_PAGES	128
#define MEMORY_PAGE	0x8000ull	/* the child's memory, from 128 MiB up */
#define MEMORY_PAGES	16
#define CHILD_CODE	0x1000ull	/* GPA of a program, with its segment */
#define CHILD_OTHER	0x2000ull	/* of VP 1's */
#define CHILD_DATA	0x3000ull
#define HANDLER_AT	0x800u		/* in the page of the code */

#define PROGRAM(name) extern const uint8_t child_##name[], child_##name##_end[]
PROGRAM(ports);
PROGRAM(cpuid);
PROGRAM(msr);
PROGRAM(undefined);
PROGRAM(memory);
PROGRAM(vectors);
PROGRAM(wait);
PROGRAM(wait_without_apic);
PROGRAM(handler);
PROGRAM(handler_eoi);
PROGRAM(boot_other);
PROGRAM(other);
PROGRAM(spin);
PROGRAM(monitor);
PROGRAM(smm);
PROGRAM(halts);
PROGRAM(smi_to_self);
PROGRAM(smi_handler);
#undef PROGRAM

/* Uninitialized; with its pool; with memory and so many VPs, stopped. Each is ended by end_child(). */
uint64_t create_child(void);
uint64_t create_active(void);
uint64_t create_whole(unsigned int vps);
void end_child(uint64_t id);
/* A fast call whose only word is the partition; takes the pool's free pages, tells how many. */
uint64_t call_by_id(uint16_t code, uint64_t id);
unsigned int withdraw_all(uint64_t id);
/* The child's memory. */
void *child_at(uint64_t gpa);

/* A rep call of so many elements. */
uint64_t rep_call(uint16_t code, unsigned int count, const void *in, size_t in_bytes,
		  const void *list, size_t list_bytes);
uint64_t deposit(uint64_t id, uint64_t page, unsigned int count);
uint64_t map_run(uint64_t id, uint64_t target, uint64_t source, unsigned int count, uint32_t flags);
uint64_t install(uint64_t id, uint32_t type, uint32_t access, uint64_t parameter);
uint64_t set_register(uint64_t id, uint32_t vp, uint32_t name, uint64_t low, uint64_t high);
uint64_t get_register(uint64_t id, uint32_t vp, uint32_t name, uint64_t value[2]);

/* Copies the program and lets the VP begin with it. */
#define run_program(id, vp, name) start_program(id, vp, child_##name, child_##name##_end)
void start_program(uint64_t id, uint32_t vp, const uint8_t *from, const uint8_t *end);
/* The handler of a vector in real mode. */
void set_child_handler(unsigned int vector, const uint8_t *from, const uint8_t *end);
/* The next message, which must be of this type; and the VP goes on behind the instruction. */
const struct pvn_message *wait_message(uint32_t type);
void go_on(uint64_t id, const struct pvn_message *message);
/* The child must come to this port. */
void expect_port(uint64_t id, uint16_t port);

#endif
