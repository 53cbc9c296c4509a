/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) The Paravane developers
 *
 * The two tables as data, for host programs that print, trace or check: pvn_calls[]
 * and pvn_statuses[], with the fields of every call in order. Include it in one file
 * of a program.
 */
#ifndef PVN_ABI_EXPAND_H
#define PVN_ABI_EXPAND_H

#include <pvn/abi/hypercall.h>
#include <pvn/abi/stats.h>

/* Fields lie one after the other: hypercall.h asserts that there is no padding. */
struct pvn_field {
	const char *type;	/* "u32", "gpn"; NULL ends a list */
	const char *name;
	unsigned int bytes;	/* of one */
	unsigned int count;	/* more than 1: an array */
};

/* The four blocks of a call. */
enum pvn_block { PVN_BLOCK_IN, PVN_BLOCK_ELEM, PVN_BLOCK_OUT, PVN_BLOCK_OELEM, PVN_BLOCKS };

struct pvn_call_info {
	unsigned int code;
	const char *name;
	unsigned int since;	/* 0xMMmm */
	bool rep;
	bool var;		/* a variable header follows the fixed input */
	bool fast;
	unsigned int privilege;	/* enum pvn_privilege */
	const char *privilege_name;
	const struct pvn_field *fields[PVN_BLOCKS];
	unsigned int bytes[PVN_BLOCKS];
	const char *text;
};

struct pvn_status_info {
	unsigned int number;
	const char *name;
	const char *error;	/* Linux errno, "0" for none */
	const char *text;
};

#define IN(...) __VA_ARGS__
#define ELEM(...) __VA_ARGS__
#define OUT(...) __VA_ARGS__
#define OELEM(...) __VA_ARGS__
#define F(type, name) { #type, #name, sizeof(pvn_##type), 1 },
#define FA(type, name, count) { #type, #name, sizeof(pvn_##type), count },
#define PVN_CALL(code, name, since, shape, form, privilege, in, elem, out, oelem, text)	\
	static const struct pvn_field pvn_##name##_fields[PVN_BLOCKS][24] = {		\
		{ in }, { elem }, { out }, { oelem } };
#include "../../../hypercalls.def"
#undef PVN_CALL
#undef IN
#undef ELEM
#undef OUT
#undef OELEM
#undef F
#undef FA

#define PVN_SHAPE_SIMPLE  .rep = false, .var = false
#define PVN_SHAPE_REP	  .rep = true, .var = false
#define PVN_SHAPE_VAR	  .rep = false, .var = true
#define PVN_SHAPE_VAR_REP .rep = true, .var = true
#define PVN_FORM_MEMORY	 false
#define PVN_FORM_FAST	 true
#define PVN_CALL(code_, name_, since_, shape_, form_, privilege_, in_, elem_, out_, oelem_, text_) \
	{										\
		.code = code_, .name = #name_, .since = since_,				\
		PVN_SHAPE_##shape_, .fast = PVN_FORM_##form_,			\
		.privilege = PVN_PRIVILEGE_##privilege_, .privilege_name = #privilege_,	\
		.fields = { pvn_##name_##_fields[0], pvn_##name_##_fields[1],		\
			    pvn_##name_##_fields[2], pvn_##name_##_fields[3] },		\
		.bytes = { sizeof(struct pvn_##name_##_in), sizeof(struct pvn_##name_##_elem), \
			   sizeof(struct pvn_##name_##_out), sizeof(struct pvn_##name_##_oelem) }, \
		.text = text_,								\
	},
static const struct pvn_call_info pvn_calls[] = {
#include "../../../hypercalls.def"
};
#undef PVN_CALL

#define PVN_STATUS(number_, name_, error_, text_)	\
	{ .number = number_, .name = #name_, .error = #error_, .text = text_ },
static const struct pvn_status_info pvn_statuses[] = {
#include "../../../statuses.def"
};
#undef PVN_STATUS

/* The rows of statistics.def in order; each slot of a page is one, but an array is one row. */
enum pvn_stats_kind { PVN_STATS_IS_PAGE, PVN_STATS_IS_GROUP, PVN_STATS_IS_COUNTER, PVN_STATS_IS_ARRAY };

struct pvn_stats_row {
	enum pvn_stats_kind kind;
	const char *object;
	const char *name;
	unsigned int number;	/* type of a page, id of a group, slots of an array */
	const char *unit;	/* "n", "now", "time" */
	const char *text;
};

#define PVN_STATS_PAGE(object, type) { PVN_STATS_IS_PAGE, #object, #object, type, "", "" },
#define PVN_STATS_GROUP(object, name, id) { PVN_STATS_IS_GROUP, #object, #name, id, "", "" },
#define PVN_STATS_COUNTER(object, name, unit, text) \
	{ PVN_STATS_IS_COUNTER, #object, #name, 1, #unit, text },
#define PVN_STATS_ARRAY(object, name, count, unit, text) \
	{ PVN_STATS_IS_ARRAY, #object, #name, count, #unit, text },
static const struct pvn_stats_row pvn_stats_rows[] = {
#include "../../../statistics.def"
};
#undef PVN_STATS_PAGE
#undef PVN_STATS_GROUP
#undef PVN_STATS_COUNTER
#undef PVN_STATS_ARRAY

#define PVN_STATS_ROW_COUNT (sizeof(pvn_stats_rows) / sizeof(pvn_stats_rows[0]))
#define PVN_CALL_COUNT	 (sizeof(pvn_calls) / sizeof(pvn_calls[0]))
#define PVN_STATUS_COUNT (sizeof(pvn_statuses) / sizeof(pvn_statuses[0]))

#endif
