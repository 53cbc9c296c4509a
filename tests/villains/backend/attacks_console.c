// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * A hostile console: counters of the two byte streams, and neither stream served.
 */
#include "attacks.h"

static int break_with(struct villain *v, pvn_u32 *word, uint32_t value)
{
	pvn_ring_store(word, value);
	v->silent = true;
	ring(v);
	return 0;
}

ATTACK(output_taken_ahead)
{
	return break_with(v, &v->page->out_head, pvn_ring_load(v->output.tail) + 4096);
}

ATTACK(output_head_backwards)
{
	return break_with(v, &v->page->out_head, v->output.taken - 100000);
}

ATTACK(output_head_of_all_ones)
{
	return break_with(v, &v->page->out_head, ~0u);
}

ATTACK(input_beyond_the_ring)
{
	return break_with(v, &v->page->in_tail, v->input.written + PVN_CONSOLE_IN_BYTES + 1);
}

ATTACK(input_backwards)
{
	return break_with(v, &v->page->in_tail, v->input.written - 1);
}

ATTACK(input_without_end)
{
	uint64_t end = now_ms() + 1000;
	bool notify;

	while (now_ms() < end) {
		pvn_bytes_write(&v->input, "0123456789abcdef0123456789abcde\n", 32, &notify);
		ring(v);
	}
	return 0;
}

ATTACK(output_never_taken)
{
	v->silent = true;
	return 0;
}

ATTACK(console_arm_words_of_ones)
{
	v->page->out_arm = ~0u;
	v->page->space_arm = ~0u;
	serve_for(v, 300);
	return 0;
}

ATTACK(console_storm_of_events)
{
	storm(v, VILLAIN_STORM);
	return 0;
}

ATTACK(console_state_2_in_use)
{
	put_state(v, "2");
	v->backend.state = PVN_XENBUS_INIT_WAIT;
	return 0;
}

ATTACK(console_states_random)
{
	states_at_random(v, 200);
	return 0;
}

ATTACK(console_death)
{
	die(v);
}

ATTACK(broken_and_then_honest)
{
	pvn_ring_store(&v->page->out_head, ~0u);
	ring(v);
	wait_ms(1500);		/* until the guest asks again, and its front-end sees it */
	die(v);
}
