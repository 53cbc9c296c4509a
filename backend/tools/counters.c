// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Counters: see counters.h. What a page holds is known from the ABI's table.
 */
#include "tools/counters.h"

#include <errno.h>
#include <string.h>

#include <pvn/abi/expand.h>

#include "libpvn/guests.h"
#include "libpvn/root_dev.h"
#include "tools/names.h"
#include "tools/pvn.h"

#define EXIT_PREFIX	"exit_"
#define PROCESSORS_MAX	4096
#define VPS_MAX		64

const char *status_text(unsigned int status)
{
	for (size_t i = 0; i < PVN_STATUS_COUNT; i++)
		if (pvn_statuses[i].number == status)
			return pvn_statuses[i].text;
	return "a status that is in no table";
}

static const char *call_name(unsigned int slot)
{
	for (size_t i = 0; i < PVN_CALL_COUNT; i++)
		if (PVN_CALL_TO_SLOT(pvn_calls[i].code) == slot)
			return pvn_calls[i].name;
	return "unknown";
}

static json_t *calls(const uint64_t *words, unsigned int count)
{
	json_t *made = json_object();

	for (unsigned int i = 0; i < count; i++) {
		json_int_t sum = number_of(made, call_name(i)) + (json_int_t)words[i];

		if (words[i])
			json_object_set_new(made, call_name(i), json_integer(sum));
	}
	return made;
}

/* One counter into the object; exits go into an object of their own. */
static void put(json_t *to, const struct pvn_stats_row *row, const uint64_t *words)
{
	json_t *exits = json_object_get(to, "exits");
	size_t prefix = strlen(EXIT_PREFIX);

	if (row->kind == PVN_STATS_IS_ARRAY) {
		json_object_set_new(to, row->name, calls(words, row->number));
		return;
	}
	if (strncmp(row->name, EXIT_PREFIX, prefix)) {
		json_object_set_new(to, row->name, json_integer((json_int_t)*words));
		return;
	}
	if (!exits) {
		exits = json_pack("{s:i}", "total", 0);
		json_object_set_new(to, "exits", exits);
	}
	json_object_set_new(exits, row->name + prefix, json_integer((json_int_t)*words));
	json_object_set_new(exits, "total", json_integer(number_of(exits, "total") + (json_int_t)*words));
}

/* An object's counters into `to`; -1 + errno. */
static int read_page(int root, const char *object, json_int_t id, unsigned int index, json_t *to)
{
	uint64_t words[PVN_STATS_SLOTS];
	unsigned int slot = 0;

	for (size_t i = 0; i < PVN_STATS_ROW_COUNT; i++) {
		const struct pvn_stats_row *row = &pvn_stats_rows[i];

		if (strcmp(row->object, object))
			continue;
		if (row->kind == PVN_STATS_IS_PAGE) {
			if (pvn_root_stats(root, row->number, (uint64_t)id, index, words))
				return -1;
			continue;
		}
		if (row->kind != PVN_STATS_IS_GROUP)
			put(to, row, words + slot);
		slot += row->kind == PVN_STATS_IS_GROUP ? 1 : row->number;
	}
	return 0;
}

static json_t *read_processors(int root)
{
	json_t *all = json_array(), *one;

	for (int i = 0; i < PROCESSORS_MAX; i++) {
		one = json_pack("{s:i}", "index", i);
		if (read_page(root, "processor", i, 0, one)) {
			json_decref(one);
			break;
		}
		json_array_append_new(all, one);
	}
	return all;
}

static json_t *read_partition(int root, const json_t *states, json_int_t id)
{
	const char *name = names_find(states, (uint64_t)id);
	json_t *partition = json_pack("{s:I, s:s}", "id", id, "name", name ? name : "");
	json_t *vps = json_array();
	json_int_t left;

	if (read_page(root, "partition", id, 0, partition)) {
		json_decref(partition);
		json_decref(vps);
		return NULL;
	}
	left = number_of(partition, "virtual_processors");
	for (unsigned int i = 0; i < VPS_MAX && left; i++) {
		json_t *vp = json_pack("{s:i}", "index", i);

		if (read_page(root, "vp", id, i, vp)) {
			json_decref(vp);
			continue;
		}
		json_array_append_new(vps, vp);
		left--;
	}
	json_object_set_new(partition, "vps", vps);
	return partition;
}

/* The next partition after `id`, in the order of creation; 0: no more. */
static json_int_t next_partition(int root, json_int_t id)
{
	const struct pvn_get_next_child_partition_in in = { .parent_id = 1, .previous_id = (uint64_t)id };
	struct pvn_get_next_child_partition_out out = { 0 };

	if (!id)
		return 1;
	if (pvn_root_call(root, PVN_CALL_get_next_child_partition, &in, sizeof(in), &out, sizeof(out)))
		return 0;
	return (json_int_t)out.next_id;
}

json_t *counters_read(int root, json_int_t only)
{
	json_t *all = json_object(), *hypervisor = json_object(), *partitions = json_array();
	json_t *states = pvn_guests_states(), *partition;

	json_object_set_new(all, "hypervisor", hypervisor);
	if (read_page(root, "hypervisor", 0, 0, hypervisor)) {
		int error = errno;

		json_decref(all);
		json_decref(partitions);
		json_decref(states);
		errno = error;
		return NULL;
	}
	json_object_set_new(all, "processors", read_processors(root));
	for (json_int_t id = next_partition(root, 0); id; id = next_partition(root, id)) {
		/* One that is not active has no counters. */
		partition = !only || only == id ? read_partition(root, states, id) : NULL;
		if (partition)
			json_array_append_new(partitions, partition);
	}
	json_object_set_new(all, "partitions", partitions);
	json_decref(states);
	return all;
}

/* What does not rise: numbers of things, and what names an object. */
static bool is_state(const char *key)
{
	if (!strcmp(key, "id") || !strcmp(key, "index"))
		return true;
	for (size_t i = 0; i < PVN_STATS_ROW_COUNT; i++)
		if (!strcmp(pvn_stats_rows[i].name, key) && !strcmp(pvn_stats_rows[i].unit, "now"))
			return true;
	return false;
}

static json_t *match(const json_t *list, const json_t *item)
{
	json_t *other;
	size_t i;

	json_array_foreach(list, i, other)
		if (number_of(other, "id") == number_of(item, "id") &&
		    number_of(other, "index") == number_of(item, "index"))
			return other;
	return NULL;
}

static json_t *since(const char *key, const json_t *before, const json_t *now)
{
	const char *name;
	json_t *value, *result;
	size_t i;

	if (json_is_integer(now) && before && !is_state(key))
		return json_integer(json_integer_value(now) - json_integer_value(before));
	if (json_is_object(now)) {
		result = json_object();
		json_object_foreach((json_t *)now, name, value)
			json_object_set_new(result, name,
					    since(name, json_object_get(before, name), value));
		return result;
	}
	if (json_is_array(now)) {
		result = json_array();
		json_array_foreach(now, i, value)
			json_array_append_new(result, since("", match(before, value), value));
		return result;
	}
	return json_deep_copy(now);
}

json_t *counters_since(const json_t *before, const json_t *now)
{
	return since("", before, now);
}
