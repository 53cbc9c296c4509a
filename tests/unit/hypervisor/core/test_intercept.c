// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Intercept messages to the root.
 */
#include "fake_machine.h"

static struct vp *vp;

static void begin(void)
{
	vp = partition_of(make_child(1))->vps[0];
	vp->stop_reasons = 0;
	vp->regs.rip = 0x1234;
	vp->regs.rflags = 0x246;
	fake_set_register(vp, PVN_REG_CS, 0x10, 0x20fbull << 48 | 0x33ull << 32 | 0xffff);
	fake_set_register(vp, PVN_REG_CR0, 0x80000001, 0);
	fake_set_register(vp, PVN_REG_EFER, 0x500, 0);
}

static void send(uint16_t port)
{
	struct pvn_io_intercept io = { .port = port };

	intercept_send(vp, PVN_MESSAGE_IO_PORT_INTERCEPT, 1, 2, &io, sizeof(io));
}

static void the_message_tells_who_where_and_why(void **state)
{
	struct pvn_message *slot;
	struct pvn_io_intercept *io;

	(void)state;
	begin();
	enable_synic(machine.root_vp, PVN_SINT_INTERCEPTS, 0x50);
	send(0x70);
	slot = &machine.root_vp->synic.messages->sint[0];
	io = (void *)slot->payload;
	assert_int_equal(slot->type, PVN_MESSAGE_IO_PORT_INTERCEPT);
	assert_int_equal(slot->origin, vp->partition->id);
	assert_int_equal(slot->payload_bytes, sizeof(*io));
	assert_int_equal(io->port, 0x70);
	assert_int_equal(io->header.vp_index, 0);
	assert_int_equal(io->header.rip, 0x1234);
	assert_int_equal(io->header.rflags, 0x246);
	assert_int_equal(io->header.access_type, 1);
	assert_int_equal(io->header.instruction_bytes, 2);
	assert_int_equal(io->header.execution_state, 3 | 4 | 16);
	assert_int_equal(io->header.cs_base, 0x10);
	assert_int_equal(io->header.cs_limit, 0xffff);
	assert_int_equal(io->header.cs_selector, 0x33);
	assert_int_equal(io->header.cs_attributes, 0x20fb);
	assert_true(is_raised(machine.root_vp, 0x50));
}

static void the_vp_is_suspended_until_the_parent_clears_it(void **state)
{
	(void)state;
	begin();
	enable_synic(machine.root_vp, PVN_SINT_INTERCEPTS, 0x50);
	send(0x70);
	assert_int_equal(vp->stop_reasons, VP_STOP_INTERCEPT);
	assert_int_equal(vp_set_register(vp, PVN_REG_INTERCEPT_SUSPEND, (uint64_t[]){ 0, 0 }),
			 PVN_STATUS_SUCCESS);
	assert_int_equal(vp->stop_reasons, 0);
}

static void a_root_vp_that_cannot_take_it_is_passed_over(void **state)
{
	(void)state;
	begin();
	enable_synic(root_partition->vps[1], PVN_SINT_INTERCEPTS, 0x51);
	send(0x70);
	assert_int_equal(root_partition->vps[1]->synic.messages->sint[0].type,
			 PVN_MESSAGE_IO_PORT_INTERCEPT);
}

static void root_vps_take_turns(void **state)
{
	(void)state;
	begin();
	for (unsigned int i = 0; i < 2; i++)
		enable_synic(root_partition->vps[i], PVN_SINT_INTERCEPTS, 0x50);
	send(1);
	send(2);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(root_partition->vps[i]->synic.messages->sint[0].type,
				 PVN_MESSAGE_IO_PORT_INTERCEPT);
}

static void an_unread_message_is_replaced_by_the_next(void **state)
{
	struct pvn_message *slot;

	(void)state;
	begin();
	enable_synic(machine.root_vp, PVN_SINT_INTERCEPTS, 0x50);
	slot = &machine.root_vp->synic.messages->sint[0];
	slot->type = 5;
	send(0x70);
	send(0x71);
	slot->type = 0;
	synic_scan(machine.root_vp);
	assert_int_equal(((struct pvn_io_intercept *)slot->payload)->port, 0x71);
	slot->type = 0;
	synic_scan(machine.root_vp);
	assert_int_equal(slot->type, 0);
}

static void a_partition_that_goes_takes_its_message_out_of_the_queue(void **state)
{
	(void)state;
	begin();
	enable_synic(machine.root_vp, PVN_SINT_INTERCEPTS, 0x50);
	machine.root_vp->synic.messages->sint[0].type = 5;
	send(0x70);
	assert_false(list_is_empty(&machine.root_vp->synic.queue[0]));
	remove_child(vp->partition->id);
	assert_true(list_is_empty(&machine.root_vp->synic.queue[0]));
}

static void the_instruction_is_fetched_up_to_its_pages_end(void **state)
{
	uint64_t pages = take_root_pages(1);
	uint8_t bytes[16] = { 0 }, *memory = root_memory(pages << PAGE_SHIFT);

	(void)state;
	begin();
	fake_set_register(vp, PVN_REG_CR0, 1, 0);	/* no paging */
	fake_set_register(vp, PVN_REG_CS, 0, 0x20fbull << 48);
	assert_int_equal(map_pages(vp->partition->id, 1, pages, 1, GPA_ALL), PVN_STATUS_SUCCESS);
	for (unsigned int i = 0; i < PAGE_SIZE; i++)
		memory[i] = (uint8_t)i;
	assert_int_equal(intercept_instruction(vp, bytes), 16);
	assert_memory_equal(bytes, memory + 0x234, 16);
	vp->regs.rip = 0x1ffd;
	assert_int_equal(intercept_instruction(vp, bytes), 3);
	vp->regs.rip = 0x2000;
	assert_int_equal(intercept_instruction(vp, bytes), 0);
	/* With a segment's base, where there are segments. */
	fake_set_register(vp, PVN_REG_CS, 0x1000, 0xc09bull << 48);
	vp->regs.rip = 0x10;
	assert_int_equal(intercept_instruction(vp, bytes), 16);
	assert_int_equal(bytes[0], 0x10);
}

static void nobody_to_tell_leaves_the_vp_suspended(void **state)
{
	(void)state;
	begin();
	send(0x70);
	assert_int_equal(vp->stop_reasons, VP_STOP_INTERCEPT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_FAKE_MACHINE(the_message_tells_who_where_and_why),
		ON_FAKE_MACHINE(the_vp_is_suspended_until_the_parent_clears_it),
		ON_FAKE_MACHINE(a_root_vp_that_cannot_take_it_is_passed_over),
		ON_FAKE_MACHINE(root_vps_take_turns),
		ON_FAKE_MACHINE(an_unread_message_is_replaced_by_the_next),
		ON_FAKE_MACHINE(a_partition_that_goes_takes_its_message_out_of_the_queue),
		ON_FAKE_MACHINE(nobody_to_tell_leaves_the_vp_suspended),
		ON_FAKE_MACHINE(the_instruction_is_fetched_up_to_its_pages_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
