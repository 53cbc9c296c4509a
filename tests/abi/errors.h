/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * errors.def as a table, for the host and for the bare-metal guest alike. Sets of statuses
 * are bits, for which their numbers, less what is above 63, are different.
 */
#ifndef ABI_ERRORS_H
#define ABI_ERRORS_H

#include <pvn/abi/hypercall.h>

struct row_errors {
	unsigned short code;
	unsigned long long must, may;
};

#define ERRORS_BIT(status) (1ull << ((status) & 63))
#define E(name) | ERRORS_BIT(PVN_STATUS_##name)
#define PVN_ERRORS(name, must_, may_) { PVN_CALL_##name, 0 must_, 0 may_ },
static const struct row_errors row_errors[] = {
#include "errors.def"
};
#undef PVN_ERRORS
#undef E

/* NULL: the row is not in errors.def. */
static inline const struct row_errors *row_errors_of(unsigned int code)
{
	for (unsigned int i = 0; i < sizeof(row_errors) / sizeof(row_errors[0]); i++)
		if (row_errors[i].code == code)
			return &row_errors[i];
	return 0;
}

/* Of the calling convention, which any row returns; privilege is the row's. */
static inline unsigned long long row_errors_general(unsigned int privilege)
{
	unsigned long long set = ERRORS_BIT(PVN_STATUS_SUCCESS) |
		ERRORS_BIT(PVN_STATUS_INVALID_HYPERCALL_CODE) |
		ERRORS_BIT(PVN_STATUS_INVALID_HYPERCALL_INPUT) |
		ERRORS_BIT(PVN_STATUS_INVALID_ALIGNMENT);

	return privilege == PVN_PRIVILEGE_NONE ? set : set | ERRORS_BIT(PVN_STATUS_ACCESS_DENIED);
}

#endif
