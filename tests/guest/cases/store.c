// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The store through its page and doorbell: it answers, and takes no harm from nonsense.
 */
#include <pvn/abi/event.h>

#include "store.h"
#include "testguest.h"

#define VECTOR	0x71
#define TIME	(3000 * MSECS)

static struct pvn_event_page events PAGE_ALIGNED;

static void events_on(void)
{
	wrmsr(PVN_MSR_SIEFP, (uint64_t)&events | PVN_MSR_PAGE_ENABLE);
	wrmsr(PVN_MSR_SINT0 + PVN_SINT_EVENTS, VECTOR);
	wrmsr(PVN_MSR_SCONTROL, 1);
}

static bool answers(void)
{
	struct pvn_store_header answer;
	char text[128];

	return store_ask(PVN_STORE_DIRECTORY, ".", 2, &answer, text, sizeof(text));
}

CASE(store_answers)
{
	struct pvn_store_header answer;
	char text[128];

	events_on();
	expect(store_ask(PVN_STORE_READ, "name", 5, &answer, text, sizeof(text)), "it does not answer");
	expect(answer.type == PVN_STORE_READ, "the guest's name cannot be read: %s", text);
	expect(answer.len > 0, "the guest's name is empty");
	interrupts_on();
	expect(wait_until(interrupts_taken(0, VECTOR), TIME), "no doorbell rings for the answer");
	interrupts_off();
	expect(events.sint[PVN_SINT_EVENTS].word[0] >> STORE_CHANNEL & 1, "the flag is 0x%lx",
	       events.sint[PVN_SINT_EVENTS].word[0]);
}

CASE(store_refuses_what_it_must)
{
	struct pvn_store_header answer;
	char text[128];

	expect(store_ask(999, "", 0, &answer, text, sizeof(text)), "no answer to an unknown request");
	expect_equal("type of the answer", answer.type, PVN_STORE_ERROR);
	expect(store_ask(PVN_STORE_WRITE, "/tool/x\0y", 9, &answer, text, sizeof(text)),
	       "no answer to a write elsewhere");
	expect_equal("type of the answer", answer.type, PVN_STORE_ERROR);
	expect(answers(), "it does not answer any more");
}

CASE(store_survives_wild_indices)
{
	static const uint32_t jumps[] = { 1025, 0x80000000, 0xffffffff, 5000 };

	for (unsigned int i = 0; i < ARRAY_COUNT(jumps); i++) {
		store_page()->req_prod = store_page()->req_cons + jumps[i];
		ring_doorbell(STORE_CHANNEL);
		wait_for(20 * MSECS);
		store_page()->rsp_cons = store_page()->rsp_prod + jumps[i];
		ring_doorbell(STORE_CHANNEL);
		wait_for(20 * MSECS);
		if (store_page()->server_features & PVN_STORE_FEATURE_ERROR)
			expect(store_page()->error, "indices that are %u apart are no error", jumps[i]);
		if (!(store_page()->server_features & PVN_STORE_FEATURE_RECONNECTION))
			return;
		expect(store_reconnect(), "it does not take the guest back");
		expect(answers(), "it does not answer afterwards");
	}
}

CASE(store_survives_nonsense)
{
	struct random random = { 0x6a09e667f3bcc909ull };

	for (unsigned int turn = 0; turn < 20; turn++) {
		for (unsigned int i = 0; i < sizeof(struct pvn_store_page); i += 4)
			*(volatile uint32_t *)(STORE_PAGE + i) = (uint32_t)random_next(&random);
		ring_doorbell(STORE_CHANNEL);
	}
	wait_for(50 * MSECS);
	/* Bytes that were taken for a request may have cost the connection; not the store. */
	for (unsigned int i = 0; i < sizeof(struct pvn_store_page); i += 4)
		*(volatile uint32_t *)(STORE_PAGE + i) = 0;
	ring_doorbell(STORE_CHANNEL);
}
