/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Decimal numbers in messages, strictly: digits only, no sign, no blank, no
 * overflow. Each returns 0 or EINVAL and leaves the result alone on EINVAL.
 */
#ifndef STORED_NUMBER_H
#define STORED_NUMBER_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

static inline int number_parse(const char *text, size_t len, uint64_t max, uint64_t *number)
{
	uint64_t sum = 0;

	if (!len || len > 20)
		return EINVAL;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return EINVAL;
		if (__builtin_mul_overflow(sum, 10, &sum) ||
		    __builtin_add_overflow(sum, text[i] - '0', &sum) || sum > max)
			return EINVAL;
	}
	*number = sum;
	return 0;
}

static inline int number_parse_domid(const char *text, size_t len, uint16_t *domid)
{
	uint64_t number;

	if (number_parse(text, len, UINT16_MAX, &number))
		return EINVAL;
	*domid = number;
	return 0;
}

static inline int number_parse_u32(const char *text, size_t len, uint32_t *number)
{
	uint64_t wide;

	if (number_parse(text, len, UINT32_MAX, &wide))
		return EINVAL;
	*number = wide;
	return 0;
}

#endif
