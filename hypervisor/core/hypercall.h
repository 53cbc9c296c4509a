/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * The dispatcher: everything that calls have in common, done once.
 */
#pragma once

#include "core/partition.h"

/* Elements of a rep call that are copied, and done, before the clock is looked at. */
#define HC_CHUNK 32

/*
 * One call in progress. Handlers get private copies and never touch guest memory.
 * rep handlers are called once per element. STATUS_CONTINUE from a simple call: the
 * guest executes it again.
 */
struct hc_call {
	struct vp *vp;			/* the caller */
	struct partition *caller;	/* its partition */
	unsigned int rep_index;		/* element this is, from 0 */
	unsigned int left;		/* elements from here on, this one too, that lie behind it */
	unsigned int completed;		/* of these by the handler: 1, unless it says more */
	const uint64_t *var;		/* the variable header */
	unsigned int var_count;		/* u64 of it */
	bool flushed;			/* by this execution: see hc_flush.c */
	bool slow;			/* set by a handler: look at the clock after this element */
	bool flush_needed;		/* set by memory handlers: flush_map at the end of a chunk */
	struct gpa_map *flush_map;
	struct partition *target;	/* that it is about: see HC_ABOUT() */
	struct vp *target_vp;
	struct partition *peer;		/* the other one that a port joins */
	/* Partitions named by this call, referenced until its end. */
	struct partition *held[2];
	/* Deposited pages: into this pool once no processor can reach them. */
	struct page_pool *deposit_pool;
	unsigned int deposit_count;
	struct hpa deposits[HC_CHUNK];
};

/* hc_memory.c: after each chunk: flushes, and finishes deposits. */
void hc_memory_finish(struct hc_call *call);

/*
 * EXIT_HYPERCALL of the current VP: reads registers, runs the call, sets RAX (and RCX and
 * RIP as continuation demands). Injects #UD where the TLFS says.
 */
void hypercall_exit(struct vp *vp, uint8_t insn_bytes);

/*
 * Head of the handler hc_<name>(call, in, elem, out, oelem) of a row, each argument of
 * the row's own type. A handler uses those that its row has.
 */
#define HC(name)								\
	enum pvn_status hc_##name(HC_MAY_USE struct hc_call *call,		\
				  HC_MAY_USE const struct pvn_##name##_in *in,	\
				  HC_MAY_USE const struct pvn_##name##_elem *elem, \
				  HC_MAY_USE struct pvn_##name##_out *out,	\
				  HC_MAY_USE struct pvn_##name##_oelem *oelem)
/*
 * As HC(), of a call about in->partition_id: the handler's target is what find() made of
 * it, once for all elements. Of a call about a virtual processor, in->vp_index, its vp too.
 * HC_WITH(): found says how.
 */
#define HC_ABOUT(name, find) HC_WITH(name, find(call, in->partition_id, &call->target))
#define HC_ABOUT_VP(name, find)								\
	HC_WITH(name, find(call, in->partition_id, &call->target) ?:			\
		      (call->target_vp = partition_vp(call->target, in->vp_index)) ?	\
		      PVN_STATUS_SUCCESS : PVN_STATUS_INVALID_VP_INDEX)
#define HC_WITH(name, found)								\
	static HC_BODY(name);								\
	HC(name)									\
	{										\
		enum pvn_status status = call->target ? PVN_STATUS_SUCCESS : (found);	\
											\
		return status ?: name##_body(call, in, elem, out, oelem, call->target, call->target_vp); \
	}										\
	static HC_BODY(name)
#define HC_BODY(name)								\
	enum pvn_status name##_body(HC_MAY_USE struct hc_call *call,		\
				    HC_MAY_USE const struct pvn_##name##_in *in, \
				    HC_MAY_USE const struct pvn_##name##_elem *elem, \
				    HC_MAY_USE struct pvn_##name##_out *out,	\
				    HC_MAY_USE struct pvn_##name##_oelem *oelem, \
				    HC_MAY_USE struct partition *target, HC_MAY_USE struct vp *vp)
#define HC_MAY_USE __attribute__((unused))
#define PVN_CALL(code, name, since, shape, form, privilege, in_, elem_, out_, oelem_, text) HC(name);
#include <hypercalls.def>
#undef PVN_CALL

#define HC_SELF_ID ~0ull	/* names the caller's own partition where it may be named */

/*
 * Which of the caller and its children may be named; the call holds the reference until
 * hc_release(). Who cannot have children learns nothing about other ids.
 */
enum pvn_status hc_find_child(struct hc_call *call, uint64_t id, struct partition **out);
enum pvn_status hc_find_self_or_child(struct hc_call *call, uint64_t id, struct partition **out);
/* As those two, and the partition is active. */
enum pvn_status hc_find_active_child(struct hc_call *call, uint64_t id, struct partition **out);
enum pvn_status hc_find_active(struct hc_call *call, uint64_t id, struct partition **out);
void hc_release(struct hc_call *call);
/*
 * hc_vp.c: the VP's registers lie still, since it is the caller, or it is stopped and off its
 * processor. OPERATION_DENIED: it is not stopped.
 */
enum pvn_status hc_settle(struct hc_call *call, struct vp *vp);
/* The VPs that a sparse set names, a bit each; its banks are the call's variable header. */
enum pvn_status hc_vp_set(const struct hc_call *call, uint64_t format, uint64_t banks, uint64_t *mask);

/*
 * hypercall_io.c: guest memory of a call. The block [at, at + bytes) is aligned, within a
 * page and the GPA space: INVALID_ALIGNMENT if not.
 */
enum pvn_status hc_check_block(uint64_t at, size_t bytes);
/* INVALID_HYPERCALL_INPUT: not there, or without the right. */
enum pvn_status hc_check_writable(struct hc_call *call, uint64_t at);
enum pvn_status hc_copy_in(struct hc_call *call, void *to, uint64_t from, size_t bytes);
enum pvn_status hc_copy_out(struct hc_call *call, uint64_t to, const void *from, size_t bytes);
