// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Ways to end a guest, each in a guest of its own. The host looks at the reason. A case
 * that returns has failed.
 */
#include "testguest.h"

CASE(power_off_is_a_shutdown)
{
	power_off();
}

CASE(reset_port_is_a_reboot)
{
	outb(PORT_RESET, 1);
	wait_for(1000 * MSECS);
}

CASE(reset_register_is_a_reboot)
{
	wrmsr(PVN_MSR_RESET, 1);
	wait_for(1000 * MSECS);
}

CASE(triple_fault_is_told)
{
	triple_fault();
}

CASE(halt_for_ever_is_told)
{
	/* Virtual processor 1 was never started: nobody is left. */
	interrupts_off();
	__asm__ volatile("hlt");
	wait_for(1000 * MSECS);
}

static void halt_for_ever(void *context)
{
	(void)context;
	interrupts_off();
	__asm__ volatile("hlt");
}

CASE(halt_of_all_processors_is_told)
{
	vp_need_second();
	vp_begin(halt_for_ever, NULL);
	/* One of two is no reason to end. */
	wait_for(50 * MSECS);
	interrupts_off();
	__asm__ volatile("hlt");
	wait_for(1000 * MSECS);
}

CASE(read_of_nothing_is_told)
{
	(void)*(volatile uint32_t *)UNMAPPED_GPA;
	wait_for(1000 * MSECS);
}

CASE(write_to_nothing_is_told)
{
	*(volatile uint32_t *)(UNMAPPED_GPA + 0x10) = 1;
	wait_for(1000 * MSECS);
}

CASE(jump_into_nothing_is_told)
{
	((void (*)(void))UNMAPPED_GPA)();
}

CASE(jump_into_the_store_page_is_told)
{
	((void (*)(void))STORE_PAGE)();
}

CASE(crash_is_a_panic)
{
	static const char text[] = "Kernel panic - not syncing: test guest";

	wrmsr(PVN_MSR_CRASH_P0, 0x11);
	wrmsr(PVN_MSR_CRASH_P0 + 3, (uint64_t)text);
	wrmsr(PVN_MSR_CRASH_P0 + 4, sizeof(text) - 1);
	wrmsr(PVN_MSR_CRASH_CTL, PVN_CRASH_CTL_NOTIFY | PVN_CRASH_CTL_MESSAGE);
	wait_for(1000 * MSECS);
}

CASE(crash_with_a_wild_text_is_a_panic)
{
	wrmsr(PVN_MSR_CRASH_P0 + 3, ~0xfffull);
	wrmsr(PVN_MSR_CRASH_P0 + 4, ~0ull);
	wrmsr(PVN_MSR_CRASH_CTL, PVN_CRASH_CTL_NOTIFY | PVN_CRASH_CTL_MESSAGE);
	wait_for(1000 * MSECS);
}

CASE(busy_guest_can_be_destroyed)
{
	print("note: busy\n");
	interrupts_off();
	for (;;)
		relax();
}

static void fault_thrice(void *context)
{
	struct { uint16_t limit; uint64_t base; } __attribute__((packed)) none = { 0, 0 };

	(void)context;
	__asm__ volatile("lidt %0; int3" : : "m"(none));
}

CASE(triple_fault_of_the_second_is_told)
{
	vp_need_second();
	vp_begin(fault_thrice, NULL);
	wait_for(2000 * MSECS);
}

CASE(string_to_a_port_is_told)
{
	static const char text[] = "text";
	const char *at = text;
	uint64_t count = sizeof(text);

	__asm__ volatile("rep outsb" : "+S"(at), "+c"(count) : "d"(PORT_DEBUG) : "memory");
	wait_for(1000 * MSECS);
}
