// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Names of partitions; see names.h.
 */
#include "tools/names.h"

#include <string.h>

#include <pvn/abi/types.h>

#include "libpvn/guests.h"

#define ROOT_PARTITION	1u
/* Where a page of events has the number of its bytes, which is never so large. */
#define PAGE_MAGIC	"PVNNAME:"
#define MAGIC_BYTES	(sizeof(PAGE_MAGIC) - 1)

json_t *names_new(void)
{
	return json_array();
}

const char *names_find(const json_t *names, uint64_t partition)
{
	json_t *one;
	size_t i;

	if (partition == ROOT_PARTITION)
		return "root";
	json_array_foreach(names, i, one)
		if ((uint64_t)json_integer_value(json_object_get(one, "partition")) == partition)
			return json_string_value(json_object_get(one, "name"));
	return NULL;
}

/* From a file that anybody may have written: what it prints has to be a name. */
static void add(json_t *names, const json_t *from)
{
	json_int_t partition = json_integer_value(json_object_get(from, "partition"));
	const char *name = json_string_value(json_object_get(from, "name"));

	if (partition > 0 && name && pvn_name_is_good(name) && !names_find(names, (uint64_t)partition))
		json_array_append_new(names, json_pack("{s:I, s:s}", "partition", partition,
						       "name", name));
}

unsigned int names_learn(json_t *names)
{
	json_t *states = pvn_guests_states(), *state;
	size_t before = json_array_size(names), i;

	json_array_foreach(states, i, state)
		add(names, state);
	json_decref(states);
	return (unsigned int)(json_array_size(names) - before);
}

void names_to_page(const json_t *names, unsigned int index, uint8_t *page)
{
	memset(page, 0, PVN_PAGE_SIZE);
	memcpy(page, PAGE_MAGIC, MAGIC_BYTES);
	/* Of at most 100 bytes: a number and a name. */
	json_dumpb(json_array_get(names, index), (char *)page + MAGIC_BYTES,
		   PVN_PAGE_SIZE - MAGIC_BYTES, JSON_COMPACT);
}

bool names_from_page(json_t *names, const uint8_t *page)
{
	json_t *one;

	if (memcmp(page, PAGE_MAGIC, MAGIC_BYTES))
		return false;
	one = json_loadb((const char *)page + MAGIC_BYTES,
			 strnlen((const char *)page + MAGIC_BYTES, PVN_PAGE_SIZE - MAGIC_BYTES),
			 0, NULL);
	add(names, one);
	json_decref(one);
	return true;
}
