// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Doorbells and messages out of a child [TLFS 2.0 14.10 "Event and Message Interfaces"].
 */
#include "testguest.h"

#define UNKNOWN 0x1234u

CASE(doorbell_of_the_store_rings)
{
	const struct pvn_signal_event_in in = { .connection_id = STORE_CHANNEL };

	expect_status("from memory", call_signal_event(&in, NULL), SUCCESS);
	expect_status("in registers",
		      hypercall(PVN_CALL_signal_event | PVN_CONTROL_FAST, STORE_CHANNEL, 0), SUCCESS);
}

CASE(unknown_doorbells_are_refused)
{
	static const uint32_t ids[] = { 0, UNKNOWN, 511, 512, 4095, 0xffffff, 0x1000000, 0xffffffff };

	for (unsigned int i = 0; i < ARRAY_COUNT(ids); i++) {
		const struct pvn_signal_event_in in = { .connection_id = ids[i] };

		expect_status("a connection that does not exist", call_signal_event(&in, NULL),
			      INVALID_CONNECTION_ID);
	}
}

CASE(flags_beyond_the_port_are_refused)
{
	struct pvn_signal_event_in in = { .connection_id = STORE_CHANNEL, .flag = 1 };

	expect_status("flag 1 of a port with one flag", call_signal_event(&in, NULL),
		      INVALID_PARAMETER);
	in.flag = 0xffff;
	expect_status("flag 65535", call_signal_event(&in, NULL), INVALID_PARAMETER);
}

CASE(bad_messages_are_refused)
{
	struct pvn_post_message_in in = { .connection_id = UNKNOWN, .message_type = 1 };

	expect_status("a connection that does not exist", call_post_message(&in, NULL),
		      INVALID_CONNECTION_ID);
	in.payload_bytes = 241;
	expect_status("241 bytes", call_post_message(&in, NULL), INVALID_PARAMETER);
	in.payload_bytes = ~0u;
	expect_status("4 GiB", call_post_message(&in, NULL), INVALID_PARAMETER);
	in.payload_bytes = 240;
	in.message_type = 0;
	expect_status("type 0", call_post_message(&in, NULL), INVALID_PARAMETER);
	in.message_type = 0x80000000;
	expect_status("a type of the hypervisor's", call_post_message(&in, NULL), INVALID_PARAMETER);
	in.message_type = 1;
	in.connection_id = STORE_CHANNEL;
	expect_status("to a doorbell", call_post_message(&in, NULL), INVALID_PORT_ID);
}

CASE(thousand_doorbells_do_no_harm)
{
	for (unsigned int i = 0; i < 1000; i++)
		expect_status("signal_event",
			      hypercall(PVN_CALL_signal_event | PVN_CONTROL_FAST, STORE_CHANNEL, 0),
			      SUCCESS);
}
