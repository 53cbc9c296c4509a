// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Limits and the credit for changes. Pure arithmetic on what it is given.
 */
#include "quota.h"

#include <string.h>

const char *const quota_names[QUOTA_COUNT] = {
	[QUOTA_NODES] = "nodes",
	[QUOTA_WATCHES] = "watches",
	[QUOTA_TRANSACTIONS] = "transactions",
	[QUOTA_NODE_SIZE] = "node-size",
	[QUOTA_NODE_PERMISSIONS] = "node-permissions",
	[QUOTA_TRANSACTION_NODES] = "transaction-nodes",
	[QUOTA_PATH_MAX] = "path-max",
	[QUOTA_OUTSTANDING] = "outstanding",
	[QUOTA_EVENTS] = "events",
	[QUOTA_MEMORY] = "memory",
};

static const uint32_t quota_defaults[QUOTA_COUNT] = {
	[QUOTA_NODES] = 1000,
	[QUOTA_WATCHES] = 128,
	[QUOTA_TRANSACTIONS] = 10,
	[QUOTA_NODE_SIZE] = 2048,
	[QUOTA_NODE_PERMISSIONS] = 5,
	[QUOTA_TRANSACTION_NODES] = 1024,
	[QUOTA_PATH_MAX] = 2048,
	[QUOTA_OUTSTANDING] = 20,
	[QUOTA_EVENTS] = 1024,
	[QUOTA_MEMORY] = 2560 * 1024,
};

/*
 * A domain may change the tree 10 times at once and 200 times a second after
 * that while others have transactions open, so that those get a chance to
 * commit. Alone, it is not limited.
 */
enum {
	CREDIT_PER_CHANGE = 1000,
	CREDIT_BURST = 10 * CREDIT_PER_CHANGE,
	CREDIT_PER_SECOND = 200 * CREDIT_PER_CHANGE,
};

void quota_init(struct quota_limits *global)
{
	global->set = (1u << QUOTA_COUNT) - 1;
	memcpy(global->value, quota_defaults, sizeof(quota_defaults));
}

int quota_by_name(const char *name, size_t len)
{
	for (int i = 0; i < QUOTA_COUNT; i++)
		if (strlen(quota_names[i]) == len && !memcmp(quota_names[i], name, len))
			return i;
	return -1;
}

uint32_t quota_limit(const struct quota_limits *global, const struct quota_limits *own,
		     enum quota quota)
{
	const struct quota_limits *limits = own->set & 1u << quota ? own : global;

	return limits->value[quota] ? limits->value[quota] : UINT32_MAX;
}

static int64_t credit_at(const struct quota_use *use, uint64_t now_us)
{
	uint64_t elapsed_us = now_us - use->credit_us;
	int64_t credit;

	if (!use->credit_us || elapsed_us > 1000000)
		return CREDIT_BURST;
	credit = use->credit + (int64_t)elapsed_us * CREDIT_PER_SECOND / 1000000;
	return credit > CREDIT_BURST ? CREDIT_BURST : credit;
}

void quota_pay_change(struct quota_use *use, uint64_t now_us)
{
	use->credit = credit_at(use, now_us) - CREDIT_PER_CHANGE;
	use->credit_us = now_us;
}

uint64_t quota_pause_us(const struct quota_use *use, uint64_t now_us)
{
	int64_t credit = credit_at(use, now_us);

	if (credit >= 0)
		return 0;
	return (uint64_t)-credit * 1000000 / CREDIT_PER_SECOND + 1;
}
