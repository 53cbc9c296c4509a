/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * The dispatcher: everything that calls have in common, done once.
 */
#ifndef CORE_HYPERCALL_H
#define CORE_HYPERCALL_H

#include <pvn/abi/hypercall.h>
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
	bool flush_needed;		/* set by memory handlers: flush_map at the end of a chunk */
	struct gpa_map *flush_map;
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
/* As hc_find_child(), and the child is active. */
enum pvn_status hc_find_active_child(struct hc_call *call, uint64_t id, struct partition **out);
void hc_release(struct hc_call *call);

/*
 * hypercall_io.c: guest memory of a call. The block [at, at + bytes) is aligned, within a
 * page and the GPA space: INVALID_ALIGNMENT if not.
 */
enum pvn_status hc_check_block(uint64_t at, size_t bytes);
/* INVALID_HYPERCALL_INPUT: not there, or without the right. */
enum pvn_status hc_check_writable(struct hc_call *call, uint64_t at);
enum pvn_status hc_copy_in(struct hc_call *call, void *to, uint64_t from, size_t bytes);
enum pvn_status hc_copy_out(struct hc_call *call, uint64_t to, const void *from, size_t bytes);

#endif
