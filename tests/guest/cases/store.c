// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The store through its page and doorbell: it answers, and takes no harm from nonsense.
 */
#include <pvn/abi/event.h>
#include <pvn/abi/store.h>

#include "testguest.h"

#define VECTOR	0x71
#define TIME	(3000 * MSECS)

static struct pvn_event_page events PAGE_ALIGNED;

static volatile struct pvn_store_page *store(void)
{
	return (volatile struct pvn_store_page *)STORE_PAGE;
}

static void ring(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	hypercall(PVN_CALL_signal_event | PVN_CONTROL_FAST, STORE_CHANNEL, 0);
}

static void events_on(void)
{
	wrmsr(PVN_MSR_SIEFP, (uint64_t)&events | PVN_MSR_PAGE_ENABLE);
	wrmsr(PVN_MSR_SINT0 + PVN_SINT_EVENTS, VECTOR);
	wrmsr(PVN_MSR_SCONTROL, 1);
}

static void send(const void *bytes, uint32_t count)
{
	uint32_t at = store()->req_prod;

	for (uint32_t i = 0; i < count; i++)
		store()->req[(at + i) % PVN_STORE_RING_BYTES] = ((const uint8_t *)bytes)[i];
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	store()->req_prod = at + count;
}

static bool take(void *to, uint32_t count)
{
	uint32_t at = store()->rsp_cons;

	if (!wait_until(store()->rsp_prod - at >= count, TIME))
		return false;
	for (uint32_t i = 0; i < count; i++)
		((uint8_t *)to)[i] = store()->rsp[(at + i) % PVN_STORE_RING_BYTES];
	store()->rsp_cons = at + count;
	return true;
}

/* One request and its answer: false if none comes. */
static bool ask(uint32_t type, const char *payload, uint32_t bytes, struct pvn_store_header *answer,
		char *text, size_t room)
{
	const struct pvn_store_header header = { .type = type, .req_id = 7, .len = bytes };

	send(&header, sizeof(header));
	send(payload, bytes);
	ring();
	if (!take(answer, sizeof(*answer)) || answer->len >= room)
		return false;
	text[answer->len] = 0;
	return take(text, answer->len);
}

static bool answers(void)
{
	struct pvn_store_header answer;
	char text[128];

	return ask(PVN_STORE_DIRECTORY, ".", 2, &answer, text, sizeof(text)) && answer.req_id == 7;
}

CASE(store_answers)
{
	struct pvn_store_header answer;
	char text[128];

	events_on();
	expect(ask(PVN_STORE_READ, "name", 5, &answer, text, sizeof(text)), "it does not answer");
	expect_equal("request id", answer.req_id, 7);
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

	expect(ask(999, "", 0, &answer, text, sizeof(text)), "no answer to an unknown request");
	expect_equal("type of the answer", answer.type, PVN_STORE_ERROR);
	expect(ask(PVN_STORE_WRITE, "/tool/x\0y", 9, &answer, text, sizeof(text)),
	       "no answer to a write elsewhere");
	expect_equal("type of the answer", answer.type, PVN_STORE_ERROR);
	expect(answers(), "it does not answer any more");
}

/* The page back to its start, as a guest does that begins anew. */
static bool reconnect(void)
{
	store()->connection = PVN_STORE_RECONNECT;
	ring();
	return wait_until(store()->connection == PVN_STORE_CONNECTED, TIME);
}

CASE(store_survives_wild_indices)
{
	static const uint32_t jumps[] = { 1025, 0x80000000, 0xffffffff, 5000 };

	for (unsigned int i = 0; i < ARRAY_COUNT(jumps); i++) {
		store()->req_prod = store()->req_cons + jumps[i];
		ring();
		wait_for(20 * MSECS);
		store()->rsp_cons = store()->rsp_prod + jumps[i];
		ring();
		wait_for(20 * MSECS);
		if (store()->server_features & PVN_STORE_FEATURE_ERROR)
			expect(store()->error, "indices that are %u apart are no error", jumps[i]);
		if (!(store()->server_features & PVN_STORE_FEATURE_RECONNECTION))
			return;
		expect(reconnect(), "it does not take the guest back");
		expect(answers(), "it does not answer afterwards");
	}
}

CASE(store_survives_nonsense)
{
	struct random random = { 0x6a09e667f3bcc909ull };

	for (unsigned int turn = 0; turn < 20; turn++) {
		for (unsigned int i = 0; i < sizeof(struct pvn_store_page); i += 4)
			*(volatile uint32_t *)(STORE_PAGE + i) = (uint32_t)random_next(&random);
		ring();
	}
	wait_for(50 * MSECS);
	/* Bytes that were taken for a request may have cost the connection; not the store. */
	for (unsigned int i = 0; i < sizeof(struct pvn_store_page); i += 4)
		*(volatile uint32_t *)(STORE_PAGE + i) = 0;
	ring();
}
