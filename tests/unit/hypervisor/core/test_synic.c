// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * SynIC: event flags, message slots and their queues, the rules of the registers.
 */
#include "core/doorbell.h"
#include "fake_vhw.h"

#include <string.h>

#define SIEF 0x7000
#define SIM  0x8000

static void synic_on(struct vp *vp, unsigned int sint, uint64_t config)
{
	fake_wrmsr(vp, PVN_MSR_SIEFP, SIEF | PVN_MSR_PAGE_ENABLE);
	fake_wrmsr(vp, PVN_MSR_SIMP, SIM | PVN_MSR_PAGE_ENABLE);
	fake_wrmsr(vp, PVN_MSR_SINT0 + sint, config);
	fake_wrmsr(vp, PVN_MSR_SCONTROL, 1);
}

static struct queued_message text(const char *payload)
{
	struct queued_message m = { .message = { .type = 1, .origin = 9 } };

	list_init(&m.node);
	m.message.payload_bytes = strlen(payload) + 1;
	memcpy(m.message.payload, payload, m.message.payload_bytes);
	return m;
}

static void sints_are_masked_and_registers_zero_after_reset(void **state)
{
	struct vp *vp = fake.vp[0];

	(void)state;
	for (unsigned int i = 0; i < PVN_SINT_COUNT; i++)
		assert_int_equal(fake_rdmsr(vp, PVN_MSR_SINT0 + i), PVN_SINT_MASKED);
	assert_int_equal(fake_rdmsr(vp, PVN_MSR_SCONTROL), 0);
	assert_int_equal(fake_rdmsr(vp, PVN_MSR_SIMP), 0);
	assert_int_equal(fake_rdmsr(vp, PVN_MSR_SIEFP), 0);
	assert_int_equal(fake_rdmsr(vp, PVN_MSR_SVERSION), 1);
	assert_int_equal(fake_rdmsr(vp, PVN_MSR_EOM), 0);
	assert_true(fake_wrmsr_faults(vp, PVN_MSR_SVERSION, 1));
}

static void an_unmasked_sint_with_a_vector_below_16_faults(void **state)
{
	(void)state;
	assert_true(fake_wrmsr_faults(fake.vp[0], PVN_MSR_SINT0 + 2, 15));
	assert_false(fake_wrmsr_faults(fake.vp[0], PVN_MSR_SINT0 + 2, PVN_SINT_MASKED | 15));
	assert_false(fake_wrmsr_faults(fake.vp[0], PVN_MSR_SINT0 + 2, 16));
}

static void pages_are_overlaid_moved_and_taken_away(void **state)
{
	struct vp *vp = fake.vp[0];

	(void)state;
	fake_wrmsr(vp, PVN_MSR_SIMP, 0x1000 | PVN_MSR_PAGE_ENABLE);
	assert_int_equal(fake_overlay_of(vp->synic.messages), 0x1000);
	fake_wrmsr(vp, PVN_MSR_SIMP, 0x2000 | PVN_MSR_PAGE_ENABLE);
	assert_int_equal(fake_overlay_of(vp->synic.messages), 0x2000);
	assert_int_equal(fake.flushes, 2);
	fake_wrmsr(vp, PVN_MSR_SIMP, 0x2000);
	assert_int_equal(fake_overlay_of(vp->synic.messages), ~0ull);
	assert_int_equal(fake_rdmsr(vp, PVN_MSR_SIMP), 0x2000);
}

static void a_page_that_cannot_be_overlaid_faults_and_changes_nothing(void **state)
{
	struct vp *vp = fake.vp[0];

	(void)state;
	fake_wrmsr(vp, PVN_MSR_SIMP, 0x1000 | PVN_MSR_PAGE_ENABLE);
	fake.overlay_refusals = 1;
	assert_true(fake_wrmsr_faults(vp, PVN_MSR_SIMP, 0x2000 | PVN_MSR_PAGE_ENABLE));
	assert_int_equal(fake_rdmsr(vp, PVN_MSR_SIMP), 0x1000 | PVN_MSR_PAGE_ENABLE);
	assert_int_equal(fake_overlay_of(vp->synic.messages), 0x1000);
	assert_true(fake_wrmsr_faults(vp, PVN_MSR_SIMP, 1ull << 52 | PVN_MSR_PAGE_ENABLE));
}

static void a_flag_raises_its_sint_only_when_it_was_clear(void **state)
{
	struct vp *vp = fake.vp[1];

	(void)state;
	synic_on(vp, 2, 0x90);
	assert_int_equal(synic_ring(vp, EVENT(2, 1000)), RUNG_LOUD);
	assert_true(vp->synic.events->sint[2].word[1000 / 64] >> 1000 % 64 & 1);
	assert_int_equal(lapic_pending(vp), 0x90);
	lapic_accept(vp, 0x90);
	lapic_eoi(vp);
	assert_int_equal(synic_ring(vp, EVENT(2, 1000)), RUNG_MERGED);
	assert_int_equal(lapic_pending(vp), -1);
	vp->synic.events->sint[2].word[1000 / 64] = 0;
	synic_ring(vp, EVENT(2, 1000));
	assert_int_equal(lapic_pending(vp), 0x90);
}

static void a_flag_for_a_synic_that_is_off_is_refused(void **state)
{
	struct vp *vp = fake.vp[1];

	(void)state;
	assert_int_equal(synic_ring(vp, EVENT(2, 0)), RUNG_NOT);
	synic_on(vp, 2, PVN_SINT_MASKED | 0x90);
	assert_int_equal(synic_ring(vp, EVENT(2, 0)), RUNG_NOT);
	fake_wrmsr(vp, PVN_MSR_SINT0 + 2, 0x90);
	fake_wrmsr(vp, PVN_MSR_SIEFP, SIEF);
	assert_int_equal(synic_ring(vp, EVENT(2, 0)), RUNG_NOT);
	assert_int_equal(vp->synic.events->sint[2].word[0], 0);
}

static void a_polled_sint_has_flags_and_no_interrupt(void **state)
{
	struct vp *vp = fake.vp[1];

	(void)state;
	synic_on(vp, 2, PVN_SINT_POLLING | 0x90);
	assert_int_equal(synic_ring(vp, EVENT(2, 5)), RUNG_QUIET);
	assert_int_equal(vp->synic.events->sint[2].word[0], 1u << 5);
	assert_int_equal(lapic_pending(vp), -1);
}

static void an_auto_eoi_sint_never_stays_in_service(void **state)
{
	struct vp *vp = fake.vp[1];

	(void)state;
	synic_on(vp, 2, PVN_SINT_AUTO_EOI | 0x90);
	synic_ring(vp, EVENT(2, 0));
	lapic_accept(vp, 0x90);
	lapic_raise(vp, 0x40);
	assert_int_equal(lapic_pending(vp), 0x40);
}

static void a_message_fills_a_free_slot_and_interrupts(void **state)
{
	struct vp *vp = fake.vp[1];
	struct queued_message m = text("hello");
	struct pvn_message *slot = &vp->synic.messages->sint[3];

	(void)state;
	synic_on(vp, 3, 0x91);
	assert_int_equal(synic_post(vp, 3, &m), PVN_STATUS_SUCCESS);
	assert_int_equal(slot->type, 1);
	assert_int_equal(slot->flags, 0);
	assert_int_equal(slot->origin, 9);
	assert_string_equal((char *)slot->payload, "hello");
	assert_false(m.queued);
	assert_int_equal(lapic_pending(vp), 0x91);
}

static void a_second_message_waits_for_end_of_message(void **state)
{
	struct vp *vp = fake.vp[1];
	struct queued_message a = text("a"), b = text("b");
	struct pvn_message *slot = &vp->synic.messages->sint[3];

	(void)state;
	synic_on(vp, 3, 0x91);
	synic_post(vp, 3, &a);
	lapic_accept(vp, 0x91);
	synic_post(vp, 3, &b);
	assert_true(b.queued);
	assert_int_equal(slot->flags, PVN_MESSAGE_FLAG_PENDING);
	assert_string_equal((char *)slot->payload, "a");
	lapic_eoi(vp);
	assert_int_equal(lapic_pending(vp), -1);	/* still busy */
	slot->type = PVN_MESSAGE_NONE;
	fake_wrmsr(vp, PVN_MSR_EOM, 0);
	assert_false(b.queued);
	assert_string_equal((char *)slot->payload, "b");
	assert_int_equal(slot->flags, 0);
	assert_int_equal(lapic_pending(vp), 0x91);
}

static void the_eoi_of_a_sint_delivers_what_waits(void **state)
{
	struct vp *vp = fake.vp[1];
	struct queued_message a = text("a"), b = text("b");

	(void)state;
	synic_on(vp, 3, 0x91);
	synic_post(vp, 3, &a);
	lapic_accept(vp, 0x91);
	synic_post(vp, 3, &b);
	vp->synic.messages->sint[3].type = PVN_MESSAGE_NONE;
	lapic_eoi(vp);
	assert_false(b.queued);
	assert_int_equal(lapic_pending(vp), 0x91);
}

static void messages_keep_their_order_and_say_that_more_come(void **state)
{
	struct vp *vp = fake.vp[1];
	struct queued_message a = text("a"), b = text("b"), c = text("c");
	struct pvn_message *slot = &vp->synic.messages->sint[3];

	(void)state;
	synic_on(vp, 3, 0x91);
	synic_post(vp, 3, &a);
	synic_post(vp, 3, &b);
	synic_post(vp, 3, &c);
	slot->type = PVN_MESSAGE_NONE;
	fake_wrmsr(vp, PVN_MSR_EOM, 0);
	assert_string_equal((char *)slot->payload, "b");
	assert_int_equal(slot->flags, PVN_MESSAGE_FLAG_PENDING);
	slot->type = PVN_MESSAGE_NONE;
	fake_wrmsr(vp, PVN_MSR_EOM, 0);
	assert_string_equal((char *)slot->payload, "c");
	assert_int_equal(vp->synic.waiting, 0);
}

static void a_masked_sint_takes_messages_without_an_interrupt(void **state)
{
	struct vp *vp = fake.vp[1];
	struct queued_message m = text("m");

	(void)state;
	synic_on(vp, 3, PVN_SINT_MASKED);
	assert_int_equal(synic_post(vp, 3, &m), PVN_STATUS_SUCCESS);
	assert_int_equal(vp->synic.messages->sint[3].type, 1);
	assert_int_equal(fake.notified[1], 0);
}

static void a_message_for_a_synic_that_is_off_is_refused(void **state)
{
	struct vp *vp = fake.vp[1];
	struct queued_message m = text("m");

	(void)state;
	assert_int_equal(synic_post(vp, 3, &m), PVN_STATUS_INVALID_SYNIC_STATE);
	synic_on(vp, 3, 0x91);
	fake_wrmsr(vp, PVN_MSR_SIMP, SIM);
	assert_int_equal(synic_post(vp, 3, &m), PVN_STATUS_INVALID_SYNIC_STATE);
	assert_false(m.queued);
}

static void queued_messages_outlive_a_synic_that_is_off_for_a_while(void **state)
{
	struct vp *vp = fake.vp[1];
	struct queued_message a = text("a"), b = text("b");
	struct pvn_message *slot = &vp->synic.messages->sint[3];

	(void)state;
	synic_on(vp, 3, 0x91);
	synic_post(vp, 3, &a);
	synic_post(vp, 3, &b);
	fake_wrmsr(vp, PVN_MSR_SCONTROL, 0);
	slot->type = PVN_MESSAGE_NONE;
	fake_wrmsr(vp, PVN_MSR_EOM, 0);
	assert_true(b.queued);
	fake_wrmsr(vp, PVN_MSR_SCONTROL, 1);
	assert_false(b.queued);
	assert_string_equal((char *)slot->payload, "b");
}

static void a_cancelled_message_is_not_delivered(void **state)
{
	struct vp *vp = fake.vp[1];
	struct queued_message a = text("a"), b = text("b");

	(void)state;
	synic_on(vp, 3, 0x91);
	synic_post(vp, 3, &a);
	synic_post(vp, 3, &b);
	synic_cancel(vp, 3, &b);
	assert_false(b.queued);
	vp->synic.messages->sint[3].type = PVN_MESSAGE_NONE;
	fake_wrmsr(vp, PVN_MSR_EOM, 0);
	assert_int_equal(vp->synic.messages->sint[3].type, PVN_MESSAGE_NONE);
	synic_cancel(vp, 3, &b);
}

static void a_synic_that_is_shut_down_lets_go_of_its_senders_messages(void **state)
{
	struct vp *vp = fake.vp[1];
	struct queued_message a = text("a"), b = text("b");

	(void)state;
	synic_on(vp, 3, 0x91);
	synic_post(vp, 3, &a);
	synic_post(vp, 3, &b);
	synic_shutdown(vp);
	assert_false(b.queued);
	assert_int_equal(fake_overlay_of(NULL), 0);	/* every slot is free again */
}

static void a_reset_takes_the_overlays_away_and_clears_the_pages(void **state)
{
	struct vp *vp = fake.vp[1];

	(void)state;
	synic_on(vp, 2, 0x90);
	synic_ring(vp, EVENT(2, 7));
	synic_reset(vp);
	assert_int_equal(fake_overlay_of(vp->synic.events), ~0ull);
	assert_int_equal(fake_overlay_of(vp->synic.messages), ~0ull);
	assert_int_equal(vp->synic.events->sint[2].word[0], 0);
	assert_false(vector_test(vp->synic.vectors, 0x90));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fake_vhw_setup, fake_vhw_teardown)
	const struct CMUnitTest tests[] = {
		T(sints_are_masked_and_registers_zero_after_reset),
		T(an_unmasked_sint_with_a_vector_below_16_faults),
		T(pages_are_overlaid_moved_and_taken_away),
		T(a_page_that_cannot_be_overlaid_faults_and_changes_nothing),
		T(a_flag_raises_its_sint_only_when_it_was_clear),
		T(a_flag_for_a_synic_that_is_off_is_refused),
		T(a_polled_sint_has_flags_and_no_interrupt),
		T(an_auto_eoi_sint_never_stays_in_service),
		T(a_message_fills_a_free_slot_and_interrupts),
		T(a_second_message_waits_for_end_of_message),
		T(the_eoi_of_a_sint_delivers_what_waits),
		T(messages_keep_their_order_and_say_that_more_come),
		T(a_masked_sint_takes_messages_without_an_interrupt),
		T(a_message_for_a_synic_that_is_off_is_refused),
		T(queued_messages_outlive_a_synic_that_is_off_for_a_while),
		T(a_cancelled_message_is_not_delivered),
		T(a_synic_that_is_shut_down_lets_go_of_its_senders_messages),
		T(a_reset_takes_the_overlays_away_and_clears_the_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
