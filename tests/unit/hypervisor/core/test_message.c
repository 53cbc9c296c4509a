// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Message ports.
 */
#include "fake_machine.h"

static struct partition *child;
static struct pvn_post_message_in in;

/* From the root to a port of the child for any of its VPs. */
static void begin(uint32_t target_vp)
{
	struct port port = { .id = 33, .type = PVN_PORT_MESSAGE, .sint = 4,
			     .connection_partition = root_partition->id };

	port.target_vp = target_vp;
	child = partition_of(make_child(2));
	assert_int_equal(event_create_port(child, &port), PVN_STATUS_SUCCESS);
	assert_int_equal(event_connect(root_partition, 6, child, 33, PVN_PORT_MESSAGE, 0),
			 PVN_STATUS_SUCCESS);
	in = (struct pvn_post_message_in){ .connection_id = 6, .message_type = 1, .payload_bytes = 5,
					   .payload = "hello" };
}

static enum pvn_status post(void)
{
	return root_call(PVN_CALL_post_message, &in, sizeof(in), NULL, 0);
}

static void a_message_arrives_in_its_slot_with_an_interrupt(void **state)
{
	struct pvn_message *slot;

	(void)state;
	begin(1);
	enable_synic(child->vps[1], 4, 0x70);
	assert_int_equal(post(), PVN_STATUS_SUCCESS);
	slot = &child->vps[1]->synic.messages->sint[4];
	assert_int_equal(slot->type, 1);
	assert_int_equal(slot->payload_bytes, 5);
	assert_int_equal(slot->origin, 33);
	assert_memory_equal(slot->payload, "hello", 5);
	assert_true(is_raised(child->vps[1], 0x70));
}

static void sixteen_messages_wait_and_the_next_is_refused(void **state)
{
	(void)state;
	begin(0);
	enable_synic(child->vps[0], 4, 0x70);
	assert_int_equal(post(), PVN_STATUS_SUCCESS);
	for (unsigned int i = 0; i < PORT_MESSAGES; i++)
		assert_int_equal(post(), PVN_STATUS_SUCCESS);
	assert_int_equal(post(), PVN_STATUS_INSUFFICIENT_BUFFERS);
	/* The guest empties its slot and asks for more: one buffer is free again. */
	child->vps[0]->synic.messages->sint[4].type = 0;
	synic_scan(child->vps[0]);
	assert_int_equal(post(), PVN_STATUS_SUCCESS);
	assert_int_equal(post(), PVN_STATUS_INSUFFICIENT_BUFFERS);
}

static void messages_arrive_in_the_order_they_were_posted(void **state)
{
	struct pvn_message *slot;

	(void)state;
	begin(0);
	enable_synic(child->vps[0], 4, 0x70);
	slot = &child->vps[0]->synic.messages->sint[4];
	for (unsigned int i = 1; i <= 10; i++) {
		in.message_type = i;
		assert_int_equal(post(), PVN_STATUS_SUCCESS);
	}
	for (unsigned int i = 1; i <= 10; i++) {
		assert_int_equal(slot->type, i);
		slot->type = 0;
		synic_scan(child->vps[0]);
	}
	assert_int_equal(slot->type, 0);
}

static void any_vp_means_one_that_can_take_it(void **state)
{
	(void)state;
	begin(PVN_VP_ANY);
	assert_int_equal(post(), PVN_STATUS_INVALID_SYNIC_STATE);
	enable_synic(child->vps[1], 4, 0x70);
	assert_int_equal(post(), PVN_STATUS_SUCCESS);
	assert_true(is_raised(child->vps[1], 0x70));
}

static void types_of_the_hypervisor_and_long_payloads_are_refused(void **state)
{
	(void)state;
	begin(0);
	enable_synic(child->vps[0], 4, 0x70);
	in.message_type = 0;
	assert_int_equal(post(), PVN_STATUS_INVALID_PARAMETER);
	in.message_type = 0x80000000;
	assert_int_equal(post(), PVN_STATUS_INVALID_PARAMETER);
	in.message_type = 1;
	in.payload_bytes = 241;
	assert_int_equal(post(), PVN_STATUS_INVALID_PARAMETER);
	in.payload_bytes = 240;
	assert_int_equal(post(), PVN_STATUS_SUCCESS);
	in.connection_id = 7;
	assert_int_equal(post(), PVN_STATUS_INVALID_CONNECTION_ID);
}

static void a_doorbell_port_takes_no_messages_and_the_other_way_round(void **state)
{
	struct port port = { .id = 34, .type = PVN_PORT_EVENT, .sint = 4, .flag_count = 1,
			     .connection_partition = root_partition->id };

	(void)state;
	begin(0);
	event_create_port(child, &port);
	event_connect(root_partition, 8, child, 34, PVN_PORT_EVENT, 0);
	in.connection_id = 8;
	assert_int_equal(post(), PVN_STATUS_INVALID_PORT_ID);
	assert_int_equal(event_signal(root_partition, 6, 0), PVN_STATUS_INVALID_PORT_ID);
}

static void deleting_the_port_frees_what_is_queued(void **state)
{
	(void)state;
	begin(0);
	enable_synic(child->vps[0], 4, 0x70);
	for (unsigned int i = 0; i < 5; i++)
		assert_int_equal(post(), PVN_STATUS_SUCCESS);
	assert_int_equal(event_delete_port(child, 33), PVN_STATUS_SUCCESS);
	assert_true(list_is_empty(&child->vps[0]->synic.queue[4]));
	assert_int_equal(post(), PVN_STATUS_INVALID_PORT_ID);
}

static void a_port_has_two_pages_of_buffers(void **state)
{
	uint64_t used;

	(void)state;
	begin(0);
	used = page_pool_used_count(&child->pool);
	event_delete_port(child, 33);
	assert_int_equal(page_pool_used_count(&child->pool), used - 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_FAKE_MACHINE(a_message_arrives_in_its_slot_with_an_interrupt),
		ON_FAKE_MACHINE(sixteen_messages_wait_and_the_next_is_refused),
		ON_FAKE_MACHINE(messages_arrive_in_the_order_they_were_posted),
		ON_FAKE_MACHINE(any_vp_means_one_that_can_take_it),
		ON_FAKE_MACHINE(types_of_the_hypervisor_and_long_payloads_are_refused),
		ON_FAKE_MACHINE(a_doorbell_port_takes_no_messages_and_the_other_way_round),
		ON_FAKE_MACHINE(deleting_the_port_frees_what_is_queued),
		ON_FAKE_MACHINE(a_port_has_two_pages_of_buffers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
