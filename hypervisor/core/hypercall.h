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

/*
 * One call in progress. Handlers get private copies and never touch guest memory.
 * rep handlers are called once per element.
 */
struct hc_call {
	struct vp *vp;			/* the caller */
	struct partition *caller;	/* its partition */
	unsigned int rep_index;		/* element this is, from 0 */
	bool flush_needed;		/* set by memory handlers: dispatcher flushes flush_map at the end */
	struct gpa_map *flush_map;
};

/*
 * EXIT_HYPERCALL of the current VP: reads registers, runs the call, sets RAX (and RCX and
 * RIP as continuation demands). Injects #UD where the TLFS says.
 */
void hypercall_exit(struct vp *vp, uint8_t insn_bytes);

/* Every handler of the table, expanded: hc_<name>(call, in, elem, out, oelem). */
#define PVN_CALL(code, name, since, shape, form, privilege, in_, elem_, out_, oelem_, text) \
	enum pvn_status hc_##name(struct hc_call *call, const struct pvn_##name##_in *in,	\
				  const struct pvn_##name##_elem *elem,				\
				  struct pvn_##name##_out *out, struct pvn_##name##_oelem *oelem);
#include <hypercalls.def>
#undef PVN_CALL

/* Which of the caller and its children may be named; reference held in *out on success. */
enum pvn_status hc_find_child(struct hc_call *call, uint64_t id, struct partition **out);
enum pvn_status hc_find_self_or_child(struct hc_call *call, uint64_t id, struct partition **out);

#endif
