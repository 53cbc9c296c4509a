/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * The IDT and what each vector means: exceptions are our own bugs (panic), device
 * vectors belong to the root VP of this processor, 0xec and up are ours. Handlers run
 * only in the windows that the processor's loop opens, never inside other code.
 */
#include "core/sched.h"
#include "x86/x86.h"

struct idt_gate {
	uint16_t offset_low, selector;
	uint8_t ist, type;
	uint16_t offset_middle;
	uint32_t offset_high, reserved;
};

_Static_assert(sizeof(struct idt_gate) == 16, "gate [APM2 4.8.4]");

#define STUB_BYTES 16
#define GATE_INTERRUPT 0x8e
#define LONE_NMI "paravane: NMI that nobody sent\n"
#define CR4_MCE (1u << 6)

extern const char irq_stubs[];
static struct idt_gate idt[256];

void irq_init(void)
{
	for (unsigned int v = 0; v < 256; v++) {
		uint64_t at = (uint64_t)irq_stubs + v * STUB_BYTES;

		idt[v] = (struct idt_gate){
			.offset_low = at, .offset_middle = at >> 16, .offset_high = at >> 32,
			.selector = 0x08, .type = GATE_INTERRUPT,
		};
	}
}

void irq_load(void)
{
	struct table_pointer p = { sizeof(idt) - 1, (uint64_t)idt };

	lidt(&p);
	write_cr4(read_cr4() | CR4_MCE);	/* or a machine check would be a silent reset */
}

static void device_interrupt(unsigned int vector)
{
	struct vp *root = plat_this_cpu()->root_vp;
	bool level = apic_is_level(vector);

	plat_this_cpu()->stats.count[PVN_STAT_processor_hardware_interrupts]++;
	/*
	 * Edge: done with the processor's APIC at once. Level: its in-service bit stays
	 * until the root acknowledges, or the line would fire again and again.
	 */
	if (!level || !root)
		apic_eoi();
	if (root)
		lapic_raise_device(root, vector, level);
}

void irq_handle(struct irq_frame *frame)
{
	unsigned int vector = frame->vector;

	if (vector == 2) {
		/* The log's lock may be this processor's. */
		if (!stop_park(frame))
			plat_log_write(LONE_NMI, sizeof(LONE_NMI) - 1);
		return;
	}
	/* #DB, #BP: single steps and breakpoints. */
	if ((vector == 1 || vector == 3) && gdb_enter(frame, SIGNAL_TRAP))
		return;
	if (vector < 32)
		panic_exception(frame);
	if (vector < VECTOR_FIRST_OWN) {
		device_interrupt(vector);
		return;
	}
	switch (vector) {
	case VECTOR_TIMER:
		apic_eoi();
		plat_this_cpu()->stats.count[PVN_STAT_processor_timer_interrupts]++;
		sched_timer_fired();
		timer_run_queue();
		if (gdb_calls())
			gdb_enter(frame, SIGNAL_INTERRUPT);
		break;
	case VECTOR_KICK:
		plat_this_cpu()->stats.count[PVN_STAT_processor_ipis_received]++;
		apic_eoi();	/* the interrupt itself was the message */
		break;
	case VECTOR_STOP:
		apic_eoi();
		stop_park(frame);
		break;
	case VECTOR_SPURIOUS:
		break;
	default:
		log_warn("interrupt at vector 0x%x, which belongs to nobody", vector);
		apic_eoi();
	}
}
