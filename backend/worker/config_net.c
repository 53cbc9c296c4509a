// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * One network interface in a guest's configuration. Pure.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libpvn/tap.h"
#include "worker/config.h"
#include "worker/config_value.h"

#define MTU_MIN 68
#define MTU_MAX 9000
#define MTU_DEFAULT 1500
#define QUEUES_MAX 8

static const char *const keys[] = {
	"type", "tap", "bridge", "mac", "mtu", "queues", "forward", "host_loopback", "model", "link",
	"spoof_guard", "addresses", "limits", NULL,
};

static const char *const limit_keys[] = {
	"tx_bytes_per_second", "tx_packets_per_second", "tx_bytes_burst",
	"rx_bytes_per_second", "rx_packets_per_second", "rx_bytes_burst", NULL,
};

/* Six bytes, not of a group: "02:00:5e:10:20:30". */
static bool is_mac(const char *text)
{
	unsigned int i;

	if (strlen(text) != 17)
		return false;
	for (i = 0; i < 17; i++)
		if (i % 3 == 2 ? text[i] != ':' : !isxdigit((unsigned char)text[i]))
			return false;
	return !(strtoul(text, NULL, 16) & 1) && strcmp(text, "00:00:00:00:00:00");
}

/* Without "type": a tap if anything of a tap is said. */
static int take_type(struct config_net *to, json_t *object, const char *path,
		     struct pvn_problem *problem)
{
	const char *type;

	if (config_take_string(path, object, "type", &type, problem))
		return -1;
	if (type && strcmp(type, "user") && strcmp(type, "tap"))
		return config_wrong(path, problem, "type", "must be \"tap\" or \"user\"");
	to->user = type ? !strcmp(type, "user") : !to->tap && !to->bridge;
	if (to->user && (to->tap || to->bridge))
		return config_wrong(path, problem, to->tap ? "tap" : "bridge",
				    "is for a network of type \"tap\"");
	return 0;
}

/* "tcp:8080:80": what follows the protocol is two port numbers. */
static bool is_forward(const char *text)
{
	unsigned int host, guest;
	int end = 0;

	if (!text || (strncmp(text, "tcp:", 4) && strncmp(text, "udp:", 4)))
		return false;
	return sscanf(text + 4, "%5u:%5u%n", &host, &guest, &end) == 2 && !text[4 + end] &&
	       host && guest && host <= UINT16_MAX && guest <= UINT16_MAX;
}

/* Keys that only a user network has. */
static int take_user(struct config_net *to, json_t *object, const char *path,
		     struct pvn_problem *problem)
{
	bool host = true;
	json_t *rule;
	size_t i;

	to->forward = json_object_get(object, "forward");
	if (to->forward && !to->user)
		return config_wrong(path, problem, "forward", "is for a network of type \"user\"");
	if (json_object_get(object, "host_loopback") && !to->user)
		return config_wrong(path, problem, "host_loopback",
				    "is for a network of type \"user\"");
	if (to->forward && (!json_is_array(to->forward) ||
			    json_array_size(to->forward) > CONFIG_FORWARDS_MAX))
		return config_wrong(path, problem, "forward", "must be a list of up to 16 rules");
	json_array_foreach(to->forward, i, rule)
		if (!is_forward(json_string_value(rule)))
			return config_wrong(path, problem, "forward",
					    "must hold rules such as \"tcp:8080:80\": port of the "
					    "root, port of the guest");
	if (config_take_bool(path, object, "host_loopback", &host, problem))
		return -1;
	to->no_host = !host;
	return 0;
}

static bool is_address(const char *text)
{
	uint8_t address[16];

	return text && (inet_pton(AF_INET, text, address) == 1 ||
			inet_pton(AF_INET6, text, address) == 1);
}

static int take_guard(struct config_net *to, json_t *object, const char *path,
		      struct pvn_problem *problem)
{
	bool link = true;
	json_t *address;
	size_t i;

	if (config_take_bool(path, object, "link", &link, problem) ||
	    config_take_bool(path, object, "spoof_guard", &to->spoof_guard, problem))
		return -1;
	to->unplugged = !link;
	to->addresses = json_object_get(object, "addresses");
	if (!to->addresses)
		return 0;
	if (!to->spoof_guard)
		return config_wrong(path, problem, "addresses", "is for \"spoof_guard\": true");
	if (!json_is_array(to->addresses) ||
	    json_array_size(to->addresses) > CONFIG_ADDRESSES_MAX)
		return config_wrong(path, problem, "addresses",
				    "must be a list of up to 16 addresses");
	json_array_foreach(to->addresses, i, address)
		if (!is_address(json_string_value(address)))
			return config_wrong(path, problem, "addresses",
					    "must hold addresses such as \"192.0.2.5\"");
	return 0;
}

static int take_limits(struct config_net *to, json_t *object, const char *path,
		       struct pvn_problem *problem)
{
	json_t *limits = json_object_get(object, "limits");
	const uint64_t most = INT64_MAX;

	if (!limits)
		return 0;
	if (!json_is_object(limits))
		return config_wrong(path, problem, "limits", "must be an object");
	if (config_check_keys(path, limits, limit_keys, "\"limits\"", problem) ||
	    config_take_size(path, limits, "tx_bytes_per_second", &to->tx_bytes, problem) ||
	    config_take_size(path, limits, "tx_bytes_burst", &to->tx_burst, problem) ||
	    config_take_size(path, limits, "rx_bytes_per_second", &to->rx_bytes, problem) ||
	    config_take_size(path, limits, "rx_bytes_burst", &to->rx_burst, problem))
		return -1;
	return config_take_integer(path, limits, "tx_packets_per_second", 1, most,
				   &to->tx_packets, problem) ||
	       config_take_integer(path, limits, "rx_packets_per_second", 1, most,
				   &to->rx_packets, problem) ? -1 : 0;
}

static int take_number(json_t *object, const char *key, unsigned int low, unsigned int high,
		       unsigned int otherwise, unsigned int *to, const char *path,
		       struct pvn_problem *problem)
{
	uint64_t number = otherwise;

	if (config_take_integer(path, object, key, low, high, &number, problem))
		return -1;
	*to = (unsigned int)number;
	return 0;
}

/* An emulated card is a wire, and nobody watches over it. */
static int check_emulated(const struct config_net *net, json_t *object, const char *path,
			  struct pvn_problem *problem)
{
	static const char *const known[] = {
		"type", "tap", "bridge", "mac", "mtu", "queues", "forward", "host_loopback",
		"model", NULL,
	};

	if (!net->e1000)
		return 0;
	if (net->queues > 1)
		return config_wrong(path, problem, "queues", "must be 1 with model \"e1000\"");
	return config_check_keys(path, object, known, "a network of model \"e1000\"", problem);
}

int config_parse_net(struct config_net *to, json_t *object, const char *path,
		     struct pvn_problem *problem)
{
	*to = (struct config_net){ 0 };
	if (!json_is_object(object))
		return config_wrong(path, problem, "nets", "must hold objects");
	if (config_check_keys(path, object, keys, "a network", problem) ||
	    config_take_string(path, object, "tap", &to->tap, problem) ||
	    config_take_string(path, object, "bridge", &to->bridge, problem) ||
	    config_take_string(path, object, "mac", &to->mac, problem) ||
	    take_number(object, "mtu", MTU_MIN, MTU_MAX, MTU_DEFAULT, &to->mtu, path, problem) ||
	    take_number(object, "queues", 1, QUEUES_MAX, 0, &to->queues, path, problem) ||
	    take_type(to, object, path, problem) || take_user(to, object, path, problem) ||
	    take_guard(to, object, path, problem) || take_limits(to, object, path, problem) ||
	    config_take_model(path, object, "e1000", &to->e1000, problem) ||
	    check_emulated(to, object, path, problem))
		return -1;
	if (to->tap && !pvn_interface_name_is_good(to->tap))
		return config_wrong(path, problem, "tap", "is no name of an interface");
	if (to->bridge && !pvn_interface_name_is_good(to->bridge))
		return config_wrong(path, problem, "bridge", "is no name of an interface");
	if (to->mac && !is_mac(to->mac))
		return config_wrong(path, problem, "mac",
				    "must be an address of one interface such as "
				    "\"02:00:5e:10:20:30\"");
	to->there = true;
	return 0;
}

const char *config_net_name(unsigned int index)
{
	static char name[16];

	snprintf(name, sizeof(name), "net%u", index);
	return name;
}
