// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The last of a parent's cases: what its calls have returned until then, against what
 * tests/abi/errors.def says that each row can return.
 */
#include "parent.h"

#include "../../abi/errors.h"

/* How many statuses are in the set; each is told. */
static unsigned int tell(const struct call_row *row, uint64_t set, const char *what)
{
	unsigned int count = 0;

#define PVN_STATUS(number, name_, error, text)					\
	if (set & ERRORS_BIT(number)) {						\
		print("note: %s " #name_ " %s\n", row->name, what);		\
		count++;							\
	}
#include <statuses.def>
#undef PVN_STATUS
	return count;
}

CASE(every_row_returned_what_it_can)
{
	unsigned int wrong = 0, pairs = 0;

	if (!returned_all_cases())
		test_skip("only after all other cases of a parent");
	for (unsigned int i = 0; i < call_row_count; i++) {
		const struct call_row *row = &call_rows[i];
		const struct row_errors *listed = row_errors_of(row->code);
		uint64_t tested = returned_in_cases[i], wanted;

		expect(listed, "%s is not in tests/abi/errors.def", row->name);
		wanted = listed->must | (ERRORS_BIT(PVN_STATUS_SUCCESS) & ~listed->may);
		wrong += tell(row, wanted & ~tested, "has never been returned");
		wrong += tell(row, (tested | returned_in_fuzz[i]) &
				   ~(wanted | listed->may | row_errors_general(row->privilege)),
			      "is not in errors.def");
		for (; wanted; wanted &= wanted - 1)
			pairs++;
	}
	expect(!wrong, "%u of what rows return is not as it should be", wrong);
	print("note: %u pairs of row and status\n", pairs);
}
