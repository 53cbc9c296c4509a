/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * What a domain uses and may use. Limits bind unprivileged domains only; 0 is
 * no limit. A domain's own limit goes before the global one. Also the price of
 * making other people's transactions fail.
 */
#ifndef STORED_QUOTA_H
#define STORED_QUOTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum quota {
	QUOTA_NODES,		/* owned */
	QUOTA_WATCHES,
	QUOTA_TRANSACTIONS,	/* open at once */
	QUOTA_NODE_SIZE,	/* value and permissions, bytes */
	QUOTA_NODE_PERMISSIONS,
	QUOTA_TRANSACTION_NODES, /* requests in one transaction */
	QUOTA_PATH_MAX,
	QUOTA_OUTSTANDING,	/* unread replies: no request is taken beyond */
	QUOTA_EVENTS,		/* unread events: collapse beyond */
	QUOTA_MEMORY,		/* bytes of everything kept for the domain */
	QUOTA_COUNT,
};

struct quota_limits {
	uint32_t set;		/* bit per enum quota */
	uint32_t value[QUOTA_COUNT];
};

struct quota_use {
	int64_t nodes;
	int64_t node_bytes;
	int64_t other_bytes;	/* watches, transactions, unread output */
	int64_t watches;
	int64_t transactions;
	int64_t credit;		/* 1/1000 changes; may be negative */
	uint64_t credit_us;	/* when credit was counted */
};

extern const char *const quota_names[QUOTA_COUNT];

void quota_init(struct quota_limits *global);

/* The enum quota of a name, or -1. */
int quota_by_name(const char *name, size_t len);

/* The limit that binds, UINT32_MAX for none. */
uint32_t quota_limit(const struct quota_limits *global, const struct quota_limits *own,
		     enum quota quota);

/* A domain changed the tree while somebody else's transaction was open: it pays. */
void quota_pay_change(struct quota_use *use, uint64_t now_us);

/* How long the domain has to wait before its next request, 0: not at all. */
uint64_t quota_pause_us(const struct quota_use *use, uint64_t now_us);

#endif
