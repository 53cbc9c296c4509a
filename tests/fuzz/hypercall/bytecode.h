/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Programs of random calls, for the host's dispatcher under sanitizers and for the test
 * guest as root of a running hypervisor alike. A program is a stream of bytes; each step
 * takes some of them and makes one call: mostly of the table, mostly with fields that
 * mean something (a partition that is there, a page that may be given), so that it comes
 * far, and now and then with any value or any control word.
 *
 * What the steps name is kept to pages that the caller can spare; what comes back of the
 * caller's own pool is given again at once. bytecode_end() takes down all there is.
 * Include it in one file of a program.
 */
#ifndef FUZZ_HYPERCALL_BYTECODE_H
#define FUZZ_HYPERCALL_BYTECODE_H

#include <pvn/abi/eventlog.h>
#include <pvn/abi/hypercall.h>
#include <pvn/abi/msr.h>

enum {
	BYTECODE_CHILDREN = 6,
	BYTECODE_PORTS = 12,		/* ids that steps name, from 1 on */
	BYTECODE_POOL = 40,		/* pages that a whole child gets first */
	BYTECODE_CHILD_PAGES = 8,
};

struct bytecode {
	pvn_u64 root;			/* partition id of the caller */
	pvn_u64 child[BYTECODE_CHILDREN];	/* 0: none */
	pvn_u64 pool_page, pool_count;	/* the caller's, to be deposited */
	pvn_u64 memory_page, memory_count;	/* and to be mapped */
	pvn_u64 in_gpa, out_gpa;	/* its parameter pages */
	unsigned char *in, *out;
	unsigned int processors;
	pvn_u64 calls, good;		/* so far; those that succeeded */
	pvn_u64 (*next)(struct bytecode *program);	/* 64 bits of the stream */
	/* caller: index of a child, or BYTECODE_CHILDREN: the root. Returns the result word. */
	pvn_u64 (*call)(struct bytecode *program, unsigned int caller, pvn_u64 control, pvn_u64 in,
			pvn_u64 out);
};

/* What a field is about, by its name. */
enum bytecode_kind { KIND_ANY, KIND_PARTITION, KIND_VP, KIND_PORT, KIND_SOURCE, KIND_TARGET,
		     KIND_POOL, KIND_REGISTER, KIND_PROPERTY, KIND_PERIOD, KIND_PORT_TYPE,
		     KIND_ZERO };

struct bytecode_field { unsigned char bytes, kind; unsigned short count; };

#define IS(name, what) (!__builtin_strcmp(name, what))
#define KIND_OF(name) (								\
	IS(name, "partition_id") || IS(name, "port_partition") || IS(name, "parent_id") || \
	IS(name, "connection_partition") || IS(name, "previous_id") ||		\
	IS(name, "object_id") ? KIND_PARTITION :				\
	IS(name, "vp_index") || IS(name, "target_vp") || IS(name, "index") ? KIND_VP :	\
	IS(name, "port_id") || IS(name, "connection_id") ? KIND_PORT :		\
	IS(name, "source_page") ? KIND_SOURCE : IS(name, "target_page") ? KIND_TARGET : \
	IS(name, "page") ? KIND_POOL : IS(name, "name") ? KIND_REGISTER :	\
	IS(name, "property") ? KIND_PROPERTY : IS(name, "period") ? KIND_PERIOD :	\
	IS(name, "port_type") ? KIND_PORT_TYPE :				\
	(name)[0] == 'm' && (name)[1] == 'b' && (name)[2] == 'z' ? KIND_ZERO : KIND_ANY)

#define IN(...) { __VA_ARGS__ }
#define ELEM(...) { __VA_ARGS__ }
#define OUT(...)
#define OELEM(...)
#define F(type, name) { sizeof(pvn_##type), KIND_OF(#name), 1 },
#define FA(type, name, count) { sizeof(pvn_##type), KIND_OF(#name), count },
struct bytecode_row {
	unsigned short code;
	unsigned char rep, var, fast;
	unsigned short in_bytes, elem_bytes;
	struct bytecode_field fields[2][16];
};
#define BYTECODE_SIMPLE 0, 0
#define BYTECODE_REP 1, 0
#define BYTECODE_VAR 0, 1
#define BYTECODE_VAR_REP 1, 1
#define BYTECODE_MEMORY 0
#define BYTECODE_FAST 1
#define PVN_CALL(code, name, since, shape, form, privilege, in, elem, out, oelem, text)	\
	{ code, BYTECODE_##shape, BYTECODE_##form, sizeof(struct pvn_##name##_in),	\
	  sizeof(struct pvn_##name##_elem), { in, elem } },
static const struct bytecode_row bytecode_rows[] = {
#include <hypercalls.def>
};
#undef PVN_CALL
#undef IN
#undef ELEM
#undef OUT
#undef OELEM
#undef F
#undef FA
#undef IS

#define BYTECODE_ROWS (sizeof(bytecode_rows) / sizeof(bytecode_rows[0]))

static inline pvn_u64 bytecode_wild(struct bytecode *program)
{
	pvn_u64 noise = program->next(program);

	switch (noise & 7) {
	case 0:
		return program->next(program);
	case 1:
		return 1ull << (noise >> 8 & 63);
	case 2:
		return ~0ull >> (noise >> 8 & 63);
	default:
		return noise >> 8 & (noise & 8 ? 0xf : 3);
	}
}

/* Never one of the caller's pages that it needs: beyond its memory, or of the two runs. */
static inline pvn_u64 bytecode_page(struct bytecode *program, pvn_u64 first, pvn_u64 count)
{
	pvn_u64 noise = program->next(program);

	return noise & 0xf ? first + (noise >> 8) % count : noise | 1ull << 40;
}

/* A register that starts or stops a VP half of the time, so that children run. */
static inline pvn_u64 bytecode_register(struct bytecode *program)
{
	static const pvn_u32 first[] = {
		PVN_REG_EXPLICIT_SUSPEND, PVN_REG_INTERCEPT_SUSPEND, PVN_REG_RAX, PVN_REG_XMM0,
		PVN_REG_CR0, PVN_REG_DR0, PVN_REG_ES, PVN_REG_TSC, PVN_REG_X2APIC, PVN_REG_VP_RUNTIME,
		PVN_REG_EOI, PVN_REG_SINT0, PVN_REG_STIMER0_CONFIG, PVN_REG_PENDING_INTERRUPTION,
	};
	pvn_u64 noise = program->next(program);

	if (noise & 1)
		return noise >> 8 & 1;
	return first[(noise >> 8) % (sizeof(first) / sizeof(first[0]))] + (noise >> 16 & 0x1f);
}

static inline pvn_u64 bytecode_value(struct bytecode *program, unsigned int kind)
{
	static const pvn_u32 properties[] = { 0x10000, 0x20000, 0x30000, 0x60000 };
	pvn_u64 noise = program->next(program);

	/* Wild ids of ports are none, so that the end knows which there may be. */
	if (!(noise & 0x1f) && kind == KIND_PORT)
		return bytecode_wild(program) | 1u << 24;
	if (!(noise & 0x1f) && kind != KIND_SOURCE && kind != KIND_POOL)
		return bytecode_wild(program);
	noise >>= 8;
	switch (kind) {
	case KIND_PARTITION:
		return noise & 0xf ? program->child[(noise >> 8) % BYTECODE_CHILDREN] : program->root;
	case KIND_VP:
		return noise & 1;
	case KIND_PORT:
		return 1 + noise % BYTECODE_PORTS;
	case KIND_SOURCE:
		return bytecode_page(program, program->memory_page, program->memory_count);
	case KIND_POOL:
		return bytecode_page(program, program->pool_page, program->pool_count);
	case KIND_TARGET:
		return noise & 0x1f;
	case KIND_REGISTER:
		return bytecode_register(program);
	case KIND_PROPERTY:
		return properties[noise & 3] + (noise >> 8 & 7);
	case KIND_PERIOD:	/* TSC ticks */
		return 1ull << 20 | (noise & 0xffffff);
	case KIND_PORT_TYPE:
		return 1 + noise % 3;
	case KIND_ZERO:
		return 0;
	default:
		return bytecode_wild(program);
	}
}

static inline unsigned int bytecode_fill(struct bytecode *program, const struct bytecode_field *field,
					 unsigned int at)
{
	for (; field->bytes; field++)
		for (unsigned int i = 0; i < field->count; i++, at += field->bytes) {
			pvn_u64 value = i < 8 ? bytecode_value(program, field->kind) : 0;

			for (unsigned int j = 0; j < field->bytes; j++)
				program->in[at + j] = (unsigned char)(value >> 8 * j);
		}
	return at;
}

/* By its number, or as "the caller". */
static inline int bytecode_is_root(const struct bytecode *program, pvn_u64 id)
{
	return id == program->root || id == ~0ull;
}

/* Where a monitor page may lie: see bytecode_spare(). */
static inline pvn_u64 bytecode_overlaid(struct bytecode *program, pvn_u64 partition)
{
	pvn_u64 noise = program->next(program);

	if (bytecode_is_root(program, partition))
		return bytecode_page(program, program->memory_page, program->memory_count) << 12;
	return (noise & 0x1f) << 12 | (noise & 0xf00 ? 0 : noise >> 32);
}

/*
 * Steps that would take something from the caller that it cannot spare: its own shares of
 * processors, pages that it gives to itself (there is no way to get the same ones back),
 * and statistics or a monitor port laid over any of its pages.
 */
static inline void bytecode_spare(struct bytecode *program, const struct bytecode_row *row)
{
	pvn_u64 *block = (pvn_u64 *)program->in;

	if ((row->code == PVN_CALL_set_partition_property || row->code == PVN_CALL_deposit_memory) &&
	    bytecode_is_root(program, block[0]))
		block[0] = program->child[0];
	if (row->code == PVN_CALL_map_stats_page)
		block[3] = bytecode_page(program, program->memory_page, program->memory_count);
	if (row->code == PVN_CALL_create_port && (pvn_u32)block[3] == PVN_PORT_MONITOR) {
		block[4] = bytecode_overlaid(program, block[0]);
		block[5] = 0;
	}
	if (row->code == PVN_CALL_connect_port && (pvn_u32)block[4] == PVN_PORT_MONITOR)
		block[5] = bytecode_overlaid(program, block[0]);
}

static inline pvn_u64 bytecode_plain(struct bytecode *program, pvn_u64 control)
{
	program->calls++;
	return program->call(program, BYTECODE_CHILDREN, control, program->in_gpa, program->out_gpa);
}

static inline pvn_u64 bytecode_by_id(struct bytecode *program, unsigned int code, pvn_u64 id)
{
	*(pvn_u64 *)program->in = id;
	return bytecode_plain(program, code);
}

/* Pages that came out of the caller's own pool go back. */
static inline void bytecode_give_back(struct bytecode *program, const pvn_u64 *pages,
				      unsigned int count)
{
	pvn_u64 *block = (pvn_u64 *)program->in;

	block[0] = program->root;
	for (unsigned int i = 0; i < count && i < 511; i++)
		block[1 + i] = pages[i];
	bytecode_plain(program, pvn_control_rep(PVN_CALL_deposit_memory, count < 511 ? count : 511, 0));
	if (count == 512) {
		block[1] = pages[511];
		bytecode_plain(program, pvn_control_rep(PVN_CALL_deposit_memory, 1, 0));
	}
}

static inline void bytecode_remove(struct bytecode *program, pvn_u64 id)
{
	struct pvn_withdraw_memory_in *withdraw = (void *)program->in;
	pvn_u64 result;

	bytecode_by_id(program, PVN_CALL_finalize_partition, id);
	do {
		*withdraw = (struct pvn_withdraw_memory_in) { .partition_id = id };
		result = bytecode_plain(program, pvn_control_rep(PVN_CALL_withdraw_memory, 64, 0));
	} while (pvn_result_status(result) == PVN_STATUS_SUCCESS);
	bytecode_by_id(program, PVN_CALL_delete_partition, id);
}

/* The id is the caller's to keep, in a place that becomes free for it. */
static inline void bytecode_keep(struct bytecode *program, pvn_u64 id)
{
	unsigned int place = 0;

	while (place < BYTECODE_CHILDREN - 1 && program->child[place])
		place++;
	if (program->child[place])
		bytecode_remove(program, program->child[place]);
	program->child[place] = id;
}

/* A monitor port from the child to the caller, connected, over pages that steps may take away. */
static inline void bytecode_make_port(struct bytecode *program, pvn_u64 id)
{
	pvn_u64 number = 1 + program->next(program) % BYTECODE_PORTS;
	pvn_u64 at = bytecode_overlaid(program, program->root);

	*(struct pvn_create_port_in *)(void *)program->in = (struct pvn_create_port_in) {
		.port_partition = program->root, .port_id = (pvn_u32)number, .connection_partition = id,
		.port_type = PVN_PORT_MONITOR, .target_sint = (pvn_u32)at, .target_vp = (pvn_u32)(at >> 32) };
	bytecode_plain(program, PVN_CALL_create_port);
	*(struct pvn_connect_port_in *)(void *)program->in = (struct pvn_connect_port_in) {
		.connection_partition = id, .connection_id = (pvn_u32)number, .port_partition = program->root,
		.port_id = (pvn_u32)number, .port_type = PVN_PORT_MONITOR,
		.monitor_gpa = bytecode_overlaid(program, id) };
	bytecode_plain(program, PVN_CALL_connect_port);
}

/* From the end of the pool's run, which random deposits have mostly left alone. */
static inline void bytecode_make_child(struct bytecode *program)
{
	pvn_u64 *block = (pvn_u64 *)program->in, noise = program->next(program), id;
	struct pvn_map_gpa_pages_in *map = (void *)program->in;
	struct pvn_create_vp_in *vp = (void *)program->in;
	pvn_u64 first = noise % (program->pool_count - BYTECODE_POOL);

	*(struct pvn_create_partition_in *)(void *)program->in = (struct pvn_create_partition_in) { 0 };
	if (pvn_result_status(bytecode_plain(program, PVN_CALL_create_partition)) != PVN_STATUS_SUCCESS)
		return;
	id = *(pvn_u64 *)program->out;
	bytecode_keep(program, id);
	block[0] = id;
	for (unsigned int i = 0; i < BYTECODE_POOL; i++)
		block[1 + i] = program->pool_page + first + i;
	bytecode_plain(program, pvn_control_rep(PVN_CALL_deposit_memory, BYTECODE_POOL, 0));
	bytecode_by_id(program, PVN_CALL_initialize_partition, id);
	*map = (struct pvn_map_gpa_pages_in) { .partition_id = id, .map_flags = 7 };
	first = (noise >> 32) % (program->memory_count - BYTECODE_CHILD_PAGES);
	for (unsigned int i = 0; i < BYTECODE_CHILD_PAGES; i++)
		((pvn_u64 *)(map + 1))[i] = program->memory_page + first + i;
	bytecode_plain(program, pvn_control_rep(PVN_CALL_map_gpa_pages, BYTECODE_CHILD_PAGES, 0));
	for (unsigned int i = 0; i < 2; i++) {
		*vp = (struct pvn_create_vp_in) { .partition_id = id, .vp_index = i };
		bytecode_plain(program, PVN_CALL_create_vp);
	}
	bytecode_make_port(program, id);
}

/* A port of one partition and its connection of another. */
static inline void bytecode_channel(struct bytecode *program, pvn_u64 of, pvn_u64 peer, pvn_u64 noise)
{
	struct pvn_create_port_in *port = (void *)program->in;
	struct pvn_connect_port_in *connect = (void *)program->in;
	pvn_u64 id = 1 + (noise >> 8) % BYTECODE_PORTS;
	pvn_u32 type = noise & 0x200000 ? PVN_PORT_EVENT : PVN_PORT_MESSAGE;

	*port = (struct pvn_create_port_in) {
		.port_partition = of, .port_id = (pvn_u32)id, .connection_partition = peer,
		.port_type = type, .target_sint = 1 + (noise >> 24) % 15, .target_vp = noise >> 32 & 1,
		.base_flag = 0, .flag_count = type == PVN_PORT_EVENT ? 8 : 0 };
	bytecode_plain(program, PVN_CALL_create_port);
	*connect = (struct pvn_connect_port_in) {
		.connection_partition = peer, .connection_id = (pvn_u32)id, .port_partition = of,
		.port_id = (pvn_u32)id, .port_type = type };
	bytecode_plain(program, PVN_CALL_connect_port);
}

/* In either direction, or back to the child: fields by themselves hardly ever agree. */
static inline void bytecode_make_channel(struct bytecode *program)
{
	pvn_u64 noise = program->next(program), child = program->child[noise % BYTECODE_CHILDREN];

	bytecode_channel(program, noise & 0x300000 ? child : program->root,
			 noise & 0x100000 ? program->root : child, noise >> 22);
}

/* Mostly as the row wants it; the noise decides what is wrong with it. */
static inline pvn_u64 bytecode_control(const struct bytecode_row *row, pvn_u64 noise)
{
	pvn_u64 control = row->code;
	unsigned int count = 1 + (noise & 7);

	if (row->rep)
		control = pvn_control_rep(row->code, noise >> 56 & 0xf ? count : count * 31,
					  noise & 0xe00 ? 0 : noise >> 12 & 7);
	if (row->var)
		control |= (noise >> 16 & 3) << PVN_CONTROL_VARHEAD_SHIFT;
	if (row->fast && noise & 0x300000)
		control |= PVN_CONTROL_FAST;
	/* Not another code: the fields would not be its own. But one that has no row. */
	if (!(noise >> 24 & 0x1f))
		control |= 1ull << (15 + (noise >> 32) % 49);
	return control;
}

/*
 * Within the parameter page, or where nothing is: never where the caller has something.
 * Input that begins elsewhere would name pages by accident, so that it begins at an odd place.
 */
static inline pvn_u64 bytecode_block(pvn_u64 page, pvn_u64 noise, unsigned int odd)
{
	if (noise & 0xf)
		return page;
	return noise & 0x10 ? page + (noise >> 8 & 0xfff) + odd : noise | 1ull << 60;
}

static inline void bytecode_learn(struct bytecode *program, const struct bytecode_row *row,
				  pvn_u64 control, pvn_u64 named, pvn_u64 out, pvn_u64 result)
{
	const pvn_u64 *output = (pvn_u64 *)(program->out + (out - program->out_gpa) % 4096);

	unsigned int start = control >> PVN_CONTROL_REP_START_SHIFT & PVN_CONTROL_REP_MASK;

	if (row->code == PVN_CALL_create_partition && pvn_result_status(result) == PVN_STATUS_SUCCESS)
		bytecode_keep(program, *output);
	if (row->code == PVN_CALL_withdraw_memory && bytecode_is_root(program, named) &&
	    pvn_result_reps(result) > start)
		bytecode_give_back(program, output + start, pvn_result_reps(result) - start);
}

static inline void bytecode_step(struct bytecode *program)
{
	pvn_u64 noise = program->next(program), control, in, out, named, result;
	const struct bytecode_row *row = &bytecode_rows[(noise >> 8) % BYTECODE_ROWS];
	unsigned int caller = noise >> 48 & 3 ? BYTECODE_CHILDREN : (noise >> 50) % BYTECODE_CHILDREN;
	unsigned int at;

	if (!(noise & 0x7f)) {
		bytecode_make_child(program);
		return;
	}
	if (!(noise & 0x7e)) {
		bytecode_make_channel(program);
		return;
	}
	noise = program->next(program);
	control = bytecode_control(row, noise);
	at = (bytecode_fill(program, row->fields[0], 0) + 7) & ~7u;
	/* All elements that there may be: old ones would name pages by accident. */
	for (unsigned int i = 0; row->elem_bytes && at + row->elem_bytes <= 4096 &&
	     i < (control >> PVN_CONTROL_REP_COUNT_SHIFT & PVN_CONTROL_REP_MASK); i++)
		at = bytecode_fill(program, row->fields[1], at);
	bytecode_spare(program, row);
	named = ((pvn_u64 *)program->in)[0];
	in = bytecode_block(program->in_gpa, noise >> 40 & ~0x100ull, 1);
	out = bytecode_block(program->out_gpa, noise >> 44, 0);
	/* In registers the block is the two words themselves. */
	if (control & PVN_CONTROL_FAST) {
		in = ((pvn_u64 *)program->in)[0];
		out = ((pvn_u64 *)program->in)[1];
	}
	program->calls++;
	result = program->call(program, caller, control, in, out);
	program->good += pvn_result_status(result) == PVN_STATUS_SUCCESS;
	if (caller == BYTECODE_CHILDREN)
		bytecode_learn(program, row, control, named, out, result);
}

static inline void bytecode_end_logs(struct bytecode *program)
{
	pvn_u64 *block = (pvn_u64 *)program->in;

	*(struct pvn_set_system_property_in *)(void *)program->in = (struct pvn_set_system_property_in) { 0 };
	bytecode_plain(program, PVN_CALL_set_system_property);
	for (pvn_u64 type = 0; type < PVN_EVENTLOG_GROUPS; type++) {
		block[0] = type;
		block[1] = 0;
		bytecode_plain(program, PVN_CALL_set_event_log_group_sources);
		for (pvn_u64 i = 0; i < PVN_EVENTLOG_BUFFERS_MAX; i++) {
			bytecode_by_id(program, PVN_CALL_unmap_event_log_buffer, type | i << 32);
			bytecode_by_id(program, PVN_CALL_delete_event_log_buffer, type | i << 32);
		}
		bytecode_by_id(program, PVN_CALL_finalize_event_log_buffer_group, type);
	}
}

/*
 * What the hypervisor makes once and keeps, so that a count of its pages begins after it:
 * tables for the places of buffers, an index of connections.
 */
static inline void bytecode_begin(struct bytecode *program)
{
	pvn_u64 *block = (pvn_u64 *)program->in;

	for (pvn_u64 type = 0; type < PVN_EVENTLOG_GROUPS; type++) {
		*(struct pvn_initialize_event_log_buffer_group_in *)(void *)program->in =
			(struct pvn_initialize_event_log_buffer_group_in) {
				.type = (pvn_u32)type, .buffer_pages = 1,
				.buffers_max = PVN_EVENTLOG_BUFFERS_MAX };
		bytecode_plain(program, PVN_CALL_initialize_event_log_buffer_group);
		for (pvn_u64 i = 0; i < PVN_EVENTLOG_BUFFERS_MAX; i++) {
			block[1] = 0;
			bytecode_by_id(program, PVN_CALL_create_event_log_buffer, type | i << 32);
			bytecode_by_id(program, PVN_CALL_map_event_log_buffer, type | i << 32);
		}
	}
	bytecode_end_logs(program);
	bytecode_make_child(program);
	bytecode_channel(program, program->child[0], program->root, 0);
}

/* Everything that steps can have made is taken away again. */
static inline void bytecode_end(struct bytecode *program)
{
	struct pvn_get_next_child_partition_in *next = (void *)program->in;
	struct pvn_unmap_stats_page_in *stats = (void *)program->in;
	pvn_u64 *block = (pvn_u64 *)program->in;

	for (;;) {
		*next = (struct pvn_get_next_child_partition_in) { .parent_id = program->root };
		if (pvn_result_status(bytecode_plain(program, PVN_CALL_get_next_child_partition)) !=
			    PVN_STATUS_SUCCESS || !*(pvn_u64 *)program->out)
			break;
		bytecode_remove(program, *(pvn_u64 *)program->out);
	}
	for (unsigned int i = 1; i <= BYTECODE_PORTS; i++) {
		block[0] = program->root;
		block[1] = i;
		bytecode_plain(program, PVN_CALL_disconnect_port);
		block[0] = program->root;
		block[1] = i;
		bytecode_plain(program, PVN_CALL_delete_port);
	}
	for (unsigned int i = 0; i < 4 * program->processors; i++) {
		static const pvn_u32 types[] = { 1, 2, 0x10001, 0x10002 };

		*stats = (struct pvn_unmap_stats_page_in) {
			.stats_type = types[i % 4],
			.object_id = i % 4 > 1 ? program->root : i / 4,
			.index = i % 4 == 3 ? i / 4 : 0,
		};
		bytecode_plain(program, PVN_CALL_unmap_stats_page);
	}
	bytecode_end_logs(program);
	block[0] = 0;
	bytecode_plain(program, PVN_CALL_park_logical_processors);
	for (unsigned int i = 0; i < BYTECODE_CHILDREN; i++)
		program->child[i] = 0;
}

#endif
