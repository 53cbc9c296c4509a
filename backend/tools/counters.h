/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * The hypervisor's counters as JSON: {"hypervisor": {...}, "processors": [...],
 * "partitions": [{"id", "name", counters, "vps": [...]}]}. Times are in 100 ns.
 */
#ifndef PVN_COUNTERS_H
#define PVN_COUNTERS_H

#include <jansson.h>

/*
 * Reads the counters, of one partition only when `only` is not 0; NULL + errno. A VP's
 * "exits" are by reason with their "total", its "calls" by name, those never made left out.
 */
json_t *counters_read(int root, json_int_t only);

/*
 * What happened between two readings: counters that rise are subtracted, others are as
 * they are now. What came in between is there whole, what went is not.
 */
json_t *counters_since(const json_t *before, const json_t *now);

/* The sentence for a status of the hypervisor. */
const char *status_text(unsigned int status);

#endif
