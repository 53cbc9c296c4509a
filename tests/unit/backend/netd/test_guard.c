// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Which frames the spoof guard lets out (backend/netd/guard.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "netd/guard.h"

#define OWN_MAC		"02:00:5e:10:20:30"
#define IP4		0x0800
#define ARP		0x0806
#define VLAN		0x8100
#define IP6		0x86dd

static struct net_guard guard;
static uint8_t frame[128];
static size_t payload;		/* where it starts */

static int setup(void **state)
{
	(void)state;
	memset(&guard, 0, sizeof(guard));
	guard.on = true;
	assert_true(net_guard_mac(&guard, OWN_MAC));
	assert_true(net_guard_addresses(&guard, "192.0.2.5 2001:db8::5"));
	return 0;
}

/* A frame of the right address, with `tags` tags. */
static void begin(unsigned int type, unsigned int tags)
{
	memset(frame, 0, sizeof(frame));
	memcpy(frame + 6, guard.mac, 6);
	for (payload = 12; tags--; payload += 4)
		frame[payload] = VLAN >> 8;
	frame[payload] = (uint8_t)(type >> 8);
	frame[payload + 1] = (uint8_t)type;
	payload += 2;
}

static bool allows(size_t bytes)
{
	uint8_t *exact = malloc(bytes ? bytes : 1);	/* a byte too far is found */
	bool allowed;

	memcpy(exact, frame, bytes);
	allowed = net_guard_allows(&guard, exact, bytes);
	free(exact);
	return allowed;
}

static bool allows_ip4_from(const char *address)
{
	frame[payload] = 0x45;
	inet_pton(AF_INET, address, frame + payload + 12);
	return allows(payload + 60);
}

static bool allows_ip6_from(const char *address)
{
	frame[payload] = 0x60;
	inet_pton(AF_INET6, address, frame + payload + 8);
	return allows(payload + 60);
}

static bool allows_arp_of(const char *mac, const char *address)
{
	static const uint8_t head[] = { 0, 1, 8, 0, 6, 4, 0, 1 };
	struct net_guard other = { 0 };

	memcpy(frame + payload, head, sizeof(head));
	assert_true(net_guard_mac(&other, mac));
	memcpy(frame + payload + 8, other.mac, 6);
	inet_pton(AF_INET, address, frame + payload + 14);
	return allows(payload + 28);
}

static void only_its_own_address_goes_out(void **state)
{
	(void)state;
	begin(IP4, 0);
	assert_true(allows_ip4_from("192.0.2.5"));
	frame[11] ^= 1;
	assert_false(allows(payload + 60));
	guard.on = false;
	assert_true(allows(payload + 60));
}

static void only_listed_addresses_go_out(void **state)
{
	(void)state;
	begin(IP4, 0);
	assert_false(allows_ip4_from("192.0.2.6"));
	assert_false(allows_ip4_from("0.0.0.0"));
	begin(IP6, 0);
	assert_true(allows_ip6_from("2001:db8::5"));
	assert_false(allows_ip6_from("2001:db8::6"));
	begin(0x88cc, 0);
	assert_false(allows(60));
	/* Without a list only the address of the interface counts. */
	assert_true(net_guard_addresses(&guard, ""));
	assert_true(allows(60));
	begin(IP4, 0);
	assert_true(allows_ip4_from("192.0.2.6"));
}

static void arp_does_not_lie(void **state)
{
	(void)state;
	begin(ARP, 0);
	assert_true(allows_arp_of(OWN_MAC, "192.0.2.5"));
	assert_true(allows_arp_of(OWN_MAC, "0.0.0.0"));		/* a probe */
	assert_false(allows_arp_of(OWN_MAC, "192.0.2.1"));
	assert_false(allows_arp_of("02:00:5e:10:20:31", "192.0.2.5"));
	assert_true(net_guard_addresses(&guard, ""));
	assert_false(allows_arp_of("02:00:5e:10:20:31", "192.0.2.5"));
}

static void tags_hide_nothing(void **state)
{
	(void)state;
	begin(IP4, 1);
	assert_true(allows_ip4_from("192.0.2.5"));
	assert_false(allows_ip4_from("192.0.2.6"));
	begin(ARP, 2);
	assert_false(allows_arp_of(OWN_MAC, "192.0.2.1"));
	begin(IP4, 3);
	assert_false(allows_ip4_from("192.0.2.5"));
}

static void what_comes_before_there_is_an_address_goes_out(void **state)
{
	(void)state;
	begin(IP4, 0);
	frame[payload + 9] = 17;		/* UDP */
	frame[payload + 20 + 3] = 67;		/* to a DHCP server */
	assert_true(allows_ip4_from("0.0.0.0"));
	frame[payload + 7] = 1;			/* a later fragment has no ports */
	assert_false(allows_ip4_from("0.0.0.0"));
	begin(IP6, 0);
	assert_true(allows_ip6_from("::"));
	assert_true(allows_ip6_from("fe80::5eff:fe10:2030"));
	assert_false(allows_ip6_from("fe80::1"));
}

static void a_short_frame_goes_nowhere(void **state)
{
	size_t bytes;

	(void)state;
	begin(IP4, 2);
	frame[payload] = 0x45;
	memcpy(frame + payload + 12, guard.ip4[0], 4);
	for (bytes = 0; bytes < payload + 20; bytes++)
		assert_false(allows(bytes));
	assert_true(allows(payload + 20));
}

static void lists_that_are_none_are_refused(void **state)
{
	(void)state;
	assert_false(net_guard_addresses(&guard, "192.0.2"));
	assert_false(net_guard_addresses(&guard, "192.0.2.5,192.0.2.6"));
	assert_false(net_guard_mac(&guard, "02:00:5e:10:20"));
	assert_false(net_guard_mac(&guard, OWN_MAC ":40"));
	memset(guard.mac, 0, sizeof(guard.mac));
	begin(IP4, 0);
	assert_false(allows_ip4_from("192.0.2.5"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(only_its_own_address_goes_out, setup),
		cmocka_unit_test_setup(only_listed_addresses_go_out, setup),
		cmocka_unit_test_setup(arp_does_not_lie, setup),
		cmocka_unit_test_setup(tags_hide_nothing, setup),
		cmocka_unit_test_setup(what_comes_before_there_is_an_address_goes_out, setup),
		cmocka_unit_test_setup(a_short_frame_goes_nowhere, setup),
		cmocka_unit_test_setup(lists_that_are_none_are_refused, setup),
	};

	return cmocka_run_group_tests_name("netd guard", tests, NULL, NULL);
}
