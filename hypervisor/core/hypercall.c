// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The dispatcher: rows of the table become descriptors, and everything that calls
 * have in common is checked and done here, once. Order of the checks: may the
 * processor call at all (#UD), code, privilege, control word, parameter blocks,
 * fields that must be zero; then the handler. Takes no locks.
 */
#include "core/hypercall.h"
#include "core/platform.h"
#include "lib/log.h"
#include "lib/string.h"

#define VECTOR_UNDEFINED	6
#define CS_LONG			(1u << 13)
#define SELECTOR_RPL		3u

#define OWN_CODES		0x4000u
#define PUBLIC_SLOTS		0x100u
#define OWN_SLOTS		0x10u
#define FAST_BYTES		16u
/* Largest fixed input, list element and output of any row; asserted below. */
#define IN_MAX			256u
#define ELEM_MAX		32u
#define OUT_MAX			64u
#define OELEM_MAX		16u

#define CODE_TO_SLOT(code) ((code) < OWN_CODES ? (code) : PUBLIC_SLOTS + (code) - OWN_CODES)

typedef enum pvn_status hc_adapter(struct hc_call *call, const void *in, const void *elem,
				   void *out, void *oelem);

struct hc_descriptor {
	hc_adapter *call;	/* NULL: a hole */
	uint16_t in_bytes, elem_bytes, out_bytes, oelem_bytes;
	bool rep, fast;
	uint8_t privilege;
};

/* A field whose name starts with mbz must be zero; the names are constants to the compiler. */
#define IS_MBZ(name) ((name)[0] == 'm' && (name)[1] == 'b' && (name)[2] == 'z')
#define IN(...) __VA_ARGS__
#define ELEM(...)
#define OUT(...)
#define OELEM(...)
#define F(type, name) || (IS_MBZ(#name) && in->name)
#define FA(type, name, count)
#define PVN_CALL(code, name, since, shape, form, privilege, in_, elem_, out_, oelem_, text)	\
	static enum pvn_status call_##name(struct hc_call *call, const void *in_block,		\
					   const void *elem, void *out, void *oelem)		\
	{											\
		const struct pvn_##name##_in *in = in_block;					\
												\
		(void)in;									\
		if (false in_)									\
			return PVN_STATUS_INVALID_PARAMETER;					\
		return hc_##name(call, in, elem, out, oelem);					\
	}											\
	_Static_assert(CODE_TO_SLOT(code) < PUBLIC_SLOTS + OWN_SLOTS, #name " code");		\
	_Static_assert(sizeof(struct pvn_##name##_in) <= IN_MAX &&				\
		       sizeof(struct pvn_##name##_elem) <= ELEM_MAX &&				\
		       sizeof(struct pvn_##name##_out) <= OUT_MAX &&				\
		       sizeof(struct pvn_##name##_oelem) <= OELEM_MAX, #name " sizes");
#include <hypercalls.def>
#undef PVN_CALL
#undef IN
#undef ELEM
#undef OUT
#undef OELEM
#undef F
#undef FA

#define SHAPE_SIMPLE	false
#define SHAPE_REP	true
#define FORM_MEMORY	false
#define FORM_FAST	true
#define PVN_CALL(code_, name, since, shape, form, privilege_, in_, elem_, out_, oelem_, text)	\
	[CODE_TO_SLOT(code_)] = {								\
		.call = call_##name,								\
		.in_bytes = sizeof(struct pvn_##name##_in),					\
		.elem_bytes = sizeof(struct pvn_##name##_elem),					\
		.out_bytes = sizeof(struct pvn_##name##_out),					\
		.oelem_bytes = sizeof(struct pvn_##name##_oelem),				\
		.rep = SHAPE_##shape,								\
		.fast = FORM_##form,								\
		.privilege = PVN_PRIVILEGE_##privilege_,					\
	},
static const struct hc_descriptor descriptors[PUBLIC_SLOTS + OWN_SLOTS] = {
#include <hypercalls.def>
};
#undef PVN_CALL

/* One execution of the hypercall instruction. */
struct invocation {
	struct hc_call call;
	const struct hc_descriptor *row;
	uint64_t control, in_at, out_at;
	unsigned int count, done;	/* elements asked for, elements done from 0 */
	union { uint8_t bytes[IN_MAX]; uint64_t align; } in;
};

static const struct hc_descriptor *find_row(uint64_t control)
{
	unsigned int code = control & PVN_CONTROL_CODE_MASK, slot = CODE_TO_SLOT(code);

	if ((code < OWN_CODES && code >= PUBLIC_SLOTS) || slot >= PUBLIC_SLOTS + OWN_SLOTS)
		return NULL;
	return descriptors[slot].call ? &descriptors[slot] : NULL;
}

/* PARENT rows: the handler looks at the partition named. */
static bool has_privilege(const struct partition *caller, unsigned int privilege)
{
	return privilege >= PVN_PRIVILEGE_NONE || partition_may(caller, privilege);
}

/* [TLFS 2.0 4.4 "Hypercall Inputs"] */
static enum pvn_status check_control(struct invocation *v)
{
	unsigned int start = v->control >> PVN_CONTROL_REP_START_SHIFT & PVN_CONTROL_REP_MASK;
	bool fast = v->control & PVN_CONTROL_FAST;

	v->count = v->control >> PVN_CONTROL_REP_COUNT_SHIFT & PVN_CONTROL_REP_MASK;
	if (v->control & (PVN_CONTROL_RESERVED | PVN_CONTROL_VARHEAD_MASK))
		return PVN_STATUS_INVALID_HYPERCALL_INPUT;
	if (v->row->rep ? start >= v->count : start || v->count)
		return PVN_STATUS_INVALID_HYPERCALL_INPUT;
	if (fast && (!v->row->fast || v->row->in_bytes > FAST_BYTES))
		return PVN_STATUS_INVALID_HYPERCALL_INPUT;
	v->done = start;
	return PVN_STATUS_SUCCESS;
}

static size_t pad8(size_t bytes)
{
	return (bytes + 7) & ~(size_t)7;
}

static size_t in_block_bytes(const struct invocation *v)
{
	return pad8(pad8(v->row->in_bytes) + (size_t)v->count * v->row->elem_bytes);
}

static size_t out_block_bytes(const struct invocation *v)
{
	return pad8(v->row->out_bytes + (size_t)v->count * v->row->oelem_bytes);
}

/*
 * [TLFS 2.0 4.6 "Memory-based Parameters"]: both blocks are checked whole before
 * anything is done, for a continued call too; blocks a call does not use are ignored.
 */
static enum pvn_status check_blocks(struct invocation *v)
{
	size_t in_bytes = in_block_bytes(v), out_bytes = out_block_bytes(v);
	enum pvn_status status = PVN_STATUS_SUCCESS;

	if (in_bytes)
		status = hc_check_block(v->in_at, in_bytes);
	if (status == PVN_STATUS_SUCCESS && out_bytes)
		status = hc_check_block(v->out_at, out_bytes);
	if (status != PVN_STATUS_SUCCESS)
		return status;
	if (in_bytes && out_bytes && v->in_at < v->out_at + out_bytes &&
	    v->out_at < v->in_at + in_bytes)
		return PVN_STATUS_INVALID_ALIGNMENT;
	return out_bytes ? hc_check_writable(&v->call, v->out_at) : PVN_STATUS_SUCCESS;
}

static enum pvn_status fetch_input(struct invocation *v)
{
	const struct vp_regs *regs = &v->call.vp->regs;
	enum pvn_status status;

	if (v->control & PVN_CONTROL_FAST) {
		memcpy(v->in.bytes, &regs->gpr[RDX], sizeof(uint64_t));
		memcpy(v->in.bytes + sizeof(uint64_t), &regs->gpr[R8], sizeof(uint64_t));
		return PVN_STATUS_SUCCESS;
	}
	v->in_at = regs->gpr[RDX];
	v->out_at = regs->gpr[R8];
	status = check_blocks(v);
	if (status != PVN_STATUS_SUCCESS || !v->row->in_bytes)
		return status;
	return hc_copy_in(&v->call, v->in.bytes, v->in_at, v->row->in_bytes);
}

static enum pvn_status run_simple(struct invocation *v)
{
	union { uint8_t bytes[OUT_MAX]; uint64_t align; } out;
	enum pvn_status status;

	memset(out.bytes, 0, v->row->out_bytes);
	status = v->row->call(&v->call, v->in.bytes, NULL, out.bytes, NULL);
	if (status == PVN_STATUS_SUCCESS && v->row->out_bytes)
		status = hc_copy_out(&v->call, v->out_at, out.bytes, v->row->out_bytes);
	return status;
}

/* Up to HC_CHUNK elements: in, each through the handler, what was completed out. */
static enum pvn_status run_chunk(struct invocation *v)
{
	const struct hc_descriptor *row = v->row;
	union { uint8_t bytes[HC_CHUNK * ELEM_MAX]; uint64_t align; } elem;
	union { uint8_t bytes[HC_CHUNK * OELEM_MAX]; uint64_t align; } oelem;
	unsigned int first = v->done, count = v->count - first;
	enum pvn_status status = PVN_STATUS_SUCCESS, copied = PVN_STATUS_SUCCESS;

	if (count > HC_CHUNK)
		count = HC_CHUNK;
	if (row->elem_bytes)
		status = hc_copy_in(&v->call, elem.bytes,
				    v->in_at + pad8(row->in_bytes) + first * row->elem_bytes,
				    count * row->elem_bytes);
	for (unsigned int i = 0; i < count && status == PVN_STATUS_SUCCESS; i++) {
		v->call.rep_index = v->done;
		status = row->call(&v->call, v->in.bytes, elem.bytes + i * row->elem_bytes, NULL,
				   oelem.bytes + i * row->oelem_bytes);
		if (status == PVN_STATUS_SUCCESS)
			v->done++;
	}
	hc_memory_finish(&v->call);
	if (row->oelem_bytes && v->done > first)
		copied = hc_copy_out(&v->call, v->out_at + first * row->oelem_bytes, oelem.bytes,
				     (v->done - first) * row->oelem_bytes);
	return status == PVN_STATUS_SUCCESS ? copied : status;
}

static enum pvn_status run_rep(struct invocation *v)
{
	uint64_t deadline = partition_time_slice_end();
	enum pvn_status status;

	do {
		status = run_chunk(v);
	} while (status == PVN_STATUS_SUCCESS && v->done < v->count && plat_tsc() < deadline);
	if (status == PVN_STATUS_SUCCESS && v->done < v->count)
		status = STATUS_CONTINUE;
	return status;
}

static enum pvn_status run(struct invocation *v)
{
	enum pvn_status status;

	v->row = find_row(v->control);
	if (!v->row)
		return PVN_STATUS_INVALID_HYPERCALL_CODE;
	if (!has_privilege(v->call.caller, v->row->privilege))
		return PVN_STATUS_ACCESS_DENIED;
	status = check_control(v);
	if (status == PVN_STATUS_SUCCESS)
		status = fetch_input(v);
	if (status == PVN_STATUS_SUCCESS)
		status = v->row->rep ? run_rep(v) : run_simple(v);
	hc_release(&v->call);
	return status;
}

/*
 * 64-bit code at CPL 0 only, which implies protected mode; and the guest has said who
 * it is, without which there is no hypercall page [TLFS 2.0 4.5, 4.11]. The CPL is in
 * CS's selector: SS's DPL is not to be trusted after SYSRET [APM3 "SYSRET"].
 */
static bool may_call(struct vp *vp)
{
	struct pvn_segment cs;
	uint64_t value[2];

	if (!vp->partition->guest_os_id ||
	    virt->get_register(vp, PVN_REG_CS, value) != PVN_STATUS_SUCCESS)
		return false;
	memcpy(&cs, value, sizeof(cs));
	return (cs.attributes & CS_LONG) && !(cs.selector & SELECTOR_RPL);
}

void hypercall_exit(struct vp *vp, uint8_t insn_bytes)
{
	struct invocation v;
	enum pvn_status status;

	if (!may_call(vp)) {
		virt->inject_exception(vp, VECTOR_UNDEFINED, false, 0);
		return;
	}
	/* Not the whole of v: its buffers are written before they are read. */
	v.call.vp = vp;
	v.call.caller = vp->partition;
	v.call.rep_index = 0;
	v.call.flush_needed = false;
	v.call.deposit_count = 0;
	v.call.held[0] = v.call.held[1] = NULL;
	v.control = vp->regs.gpr[RCX];
	v.in_at = v.out_at = 0;
	v.count = v.done = 0;
	status = run(&v);
	if (status == STATUS_CONTINUE) {
		/* RIP stays: after pending interrupts the guest executes the call again. */
		vp->regs.gpr[RCX] = (v.control & ~(PVN_CONTROL_REP_MASK << PVN_CONTROL_REP_START_SHIFT)) |
				    (uint64_t)v.done << PVN_CONTROL_REP_START_SHIFT;
		return;
	}
	vp->regs.gpr[RAX] = (uint64_t)status | (uint64_t)v.done << PVN_RESULT_REPS_SHIFT;
	vp_skip_instruction(vp, insn_bytes);
	virt->clear_shadow(vp);
}
