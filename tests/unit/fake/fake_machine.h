/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * A machine for the hypervisor's core on the host: 64 MiB of memory at host-physical
 * 0, four processors that are wherever the test puts them, a vendor whose VPs are a
 * file of registers, a scheduler that runs nothing. The core itself is real.
 *
 * fake_machine_setup() boots it: a root partition with two VPs whose map is identity
 * but for the hypervisor's own 4 MiB in the middle.
 */
#ifndef FAKE_MACHINE_H
#define FAKE_MACHINE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "core/cpu.h"
#include "core/event.h"
#include "core/exit.h"
#include "core/hypercall.h"
#include "core/numa.h"
#include "core/page_info.h"
#include "core/partition.h"
#include "core/platform.h"
#include "core/sched.h"
#include "core/vp.h"

#define FAKE_CPUS		4
#define FAKE_MEMORY_BYTES	(64ull << 20)
#define FAKE_PAGES		(FAKE_MEMORY_BYTES >> PAGE_SHIFT)
#define FAKE_HYPERVISOR		(32ull << 20)
#define FAKE_HYPERVISOR_BYTES	(4ull << 20)
/* Beyond the memory: mapped into the root as devices are. */
#define FAKE_DEVICE		(1ull << 30)
#define FAKE_TSC_HZ		1000000000ull
#define FAKE_REGISTERS		32

/* What the vendor holds of a VP. */
struct fake_vendor {
	struct { uint32_t name; uint64_t value[2]; } file[FAKE_REGISTERS];
	unsigned int count;
	unsigned int exceptions_injected;
	uint8_t last_exception;
	unsigned int shadows_cleared, flushes;
	uint32_t exception_intercepts;
	bool event_pending;
	uint8_t tpr;
};

struct fake_machine {
	uint8_t *memory;
	struct cpu cpu[FAKE_CPUS];
	unsigned int this_cpu;		/* of the test's own thread */
	bool threaded;			/* other threads are other processors */
	bool guests_leave;		/* that move their own entry_generation */
	uint64_t tsc, tsc_step;		/* every look at the clock moves it by the step */
	unsigned int kicks[FAKE_CPUS];
	uint64_t parked;
	unsigned int yields, wakes, notifications, waits;
	unsigned int relaxes;
	void (*on_relax)(void);		/* what the others do while somebody waits */
	bool debugger;			/* there is one, and how often it was entered */
	unsigned int debugged;
	bool panic_expected;
	jmp_buf panic_jump;
	struct vp *root_vp;
	uint8_t xmm[96];		/* XMM0 to XMM5 of the VP that calls */
};

extern struct fake_machine machine;

/* Which processor this thread is, when not 0. */
extern _Thread_local unsigned int fake_thread_cpu;

/* The statement must end in a panic. Its locks stay as they were. */
#define expect_panic(statement)						\
	do {								\
		machine.panic_expected = true;				\
		if (!setjmp(machine.panic_jump)) {			\
			statement;					\
			fail_msg("no panic: %s", #statement);		\
		}							\
		machine.panic_expected = false;				\
	} while (0)

int fake_machine_setup(void **state);
/* Every lock is free, every pool adds up. */
int fake_machine_teardown(void **state);
#define ON_FAKE_MACHINE(test) \
	cmocka_unit_test_setup_teardown(test, fake_machine_setup, fake_machine_teardown)

/* Memory of the root at a GPA, which is a host-physical address. */
void *root_memory(uint64_t at);
void fake_set_register(struct vp *vp, uint32_t name, uint64_t low, uint64_t high);
struct fake_vendor *fake_vendor(struct vp *vp);
/* The VP may make hypercalls: 64-bit code at CPL 0, and it said who it is. */
void fake_enlighten(struct vp *vp);

/* A hypercall as the VP's instruction, repeated while it continues; the result word. */
uint64_t fake_hypercall(struct vp *vp, uint64_t control, uint64_t in, uint64_t out);
/* How often the last one was executed. */
extern unsigned int fake_executions;

/*
 * From the root, through memory: input and output blocks lie at FAKE_IN and FAKE_OUT.
 * Returns the status.
 */
#define FAKE_IN		0x10000ull
#define FAKE_OUT	0x11000ull
enum pvn_status root_call(unsigned int code, const void *in, size_t in_bytes, void *out,
			  size_t out_bytes);
/* A rep call with so many elements; *done: how many were completed. */
enum pvn_status root_rep_call(unsigned int code, unsigned int count, const void *in, size_t in_bytes,
			      const void *list, size_t list_bytes, void *out, size_t out_bytes,
			      unsigned int *done);

/* Pages of the root that nobody uses yet, from 16 MiB up. */
uint64_t take_root_pages(unsigned int count);
enum pvn_status deposit(uint64_t partition_id, uint64_t page, unsigned int count, unsigned int *done);
enum pvn_status withdraw(uint64_t partition_id, unsigned int count, unsigned int *done);
enum pvn_status map_pages(uint64_t partition_id, uint64_t target, uint64_t source, unsigned int count,
			  uint32_t flags);
/* An active child with 96 pages deposited; with VPs if asked. */
uint64_t make_child(unsigned int vps);
struct partition *partition_of(uint64_t id);
/* SynIC on, pages at 0x200000 and up, and this SINT with this vector. */
void enable_synic(struct vp *vp, unsigned int sint, uint8_t vector);
bool is_raised(struct vp *vp, uint8_t vector);
enum pvn_status finalize_child(uint64_t id);
/* finalize, withdraw everything, delete. */
void remove_child(uint64_t id);

#endif
