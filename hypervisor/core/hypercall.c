// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The dispatcher: rows of the table become descriptors, and everything that calls
 * have in common is checked and done here, once. Order of the checks: may the
 * processor call at all (#UD), code, privilege, control word, parameter blocks,
 * fields that must be zero; then the handler. Takes no locks.
 */
#include "core/eventlog.h"
#include "core/hypercall.h"
#include "core/platform.h"

#define VECTOR_UNDEFINED	6

#define FAST_PLAIN_BYTES	16u	/* what needs no XMM register */
/* Largest fixed input, list element and output of any row; asserted below. */
#define IN_MAX			256u
#define ELEM_MAX		32u
#define OUT_MAX			64u
#define OELEM_MAX		16u
#define VAR_MAX			64u	/* banks of the largest set of VPs */

typedef enum pvn_status hc_adapter(struct hc_call *call, const void *in, const void *elem,
				   void *out, void *oelem);

struct hc_descriptor {
	hc_adapter *call;	/* NULL: a hole */
	uint16_t in_bytes, elem_bytes, out_bytes, oelem_bytes;
	bool rep, var, fast;
	uint8_t privilege;
};

/* A field whose name starts with mbz must be zero; the names are constants to the compiler. */
#define IS_MBZ(name) ((name)[0] == 'm' && (name)[1] == 'b' && (name)[2] == 'z')
#define IN(...) __VA_ARGS__
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
	_Static_assert(PVN_CALL_TO_SLOT(code) < PVN_CALL_SLOTS, #name " code");		\
	_Static_assert(sizeof(struct pvn_##name##_in) <= IN_MAX &&				\
		       sizeof(struct pvn_##name##_elem) <= ELEM_MAX &&				\
		       sizeof(struct pvn_##name##_out) <= OUT_MAX &&				\
		       sizeof(struct pvn_##name##_oelem) <= OELEM_MAX, #name " sizes");
#include <hypercalls.def>
#undef PVN_CALL
#undef IN
#undef F
#undef FA

#define SHAPE_SIMPLE	.rep = false, .var = false
#define SHAPE_REP	.rep = true, .var = false
#define SHAPE_VAR	.rep = false, .var = true
#define SHAPE_VAR_REP	.rep = true, .var = true
#define FORM_MEMORY	false
#define FORM_FAST	true
#define PVN_CALL(code_, name, since, shape, form, privilege_, in_, elem_, out_, oelem_, text)	\
	[PVN_CALL_TO_SLOT(code_)] = {								\
		.call = call_##name,								\
		.in_bytes = sizeof(struct pvn_##name##_in),					\
		.elem_bytes = sizeof(struct pvn_##name##_elem),					\
		.out_bytes = sizeof(struct pvn_##name##_out),					\
		.oelem_bytes = sizeof(struct pvn_##name##_oelem),				\
		SHAPE_##shape,									\
		.fast = FORM_##form,								\
		.privilege = PVN_PRIVILEGE_##privilege_,					\
	},
static const struct hc_descriptor descriptors[PVN_CALL_SLOTS] = {
#include <hypercalls.def>
};
#undef PVN_CALL

union fast_block { uint8_t bytes[PVN_FAST_BYTES]; uint64_t word[PVN_FAST_BYTES / 8]; };

/* One execution of the hypercall instruction. */
struct invocation {
	struct hc_call call;
	const struct hc_descriptor *row;
	uint64_t control, in_at, out_at;	/* of the fast form: the first two parameters */
	unsigned int count, done;	/* elements asked for, elements done from 0 */
	unsigned int fast_out;		/* where in fast the output begins */
	bool wide;			/* a 64-bit caller */
	const void *in;			/* the fixed input: in copy, or in fast */
	union { uint8_t bytes[IN_MAX]; uint64_t align; } copy;
	uint64_t var[VAR_MAX];
	union fast_block fast;
};

static const struct hc_descriptor *find_row(struct vp *vp, uint64_t control)
{
	unsigned int code = control & PVN_CONTROL_CODE_MASK, slot = PVN_CALL_TO_SLOT(code);

	if ((code < PVN_CALL_OWN_FIRST && code >= PVN_CALL_PUBLIC_SLOTS) || slot >= PVN_CALL_SLOTS)
		return NULL;
	vp->stats.count[PVN_STAT_vp_calls + slot]++;
	return descriptors[slot].call ? &descriptors[slot] : NULL;
}

/* PARENT rows: the handler looks at the partition named. */
static bool has_privilege(const struct partition *caller, unsigned int privilege)
{
	return privilege >= PVN_PRIVILEGE_NONE || partition_may(caller, privilege);
}

static size_t pad8(size_t bytes) { return (bytes + 7) & ~(size_t)7; }

static size_t list_offset(const struct invocation *v)
{
	return pad8(v->row->in_bytes) + v->call.var_count * sizeof(uint64_t);
}

static size_t in_block_bytes(const struct invocation *v)
{
	return pad8(list_offset(v) + (size_t)v->count * v->row->elem_bytes);
}

static size_t out_block_bytes(const struct invocation *v)
{
	return pad8(v->row->out_bytes + (size_t)v->count * v->row->oelem_bytes);
}

static bool is_fast(const struct invocation *v) { return v->control & PVN_CONTROL_FAST; }

/* [TLFS 2.0 4.4 "Hypercall Inputs"], [TLFS 6.0b 3.4 "Variable Sized Hypercall Input Headers"] */
static enum pvn_status check_control(struct invocation *v)
{
	unsigned int start = v->control >> PVN_CONTROL_REP_START_SHIFT & PVN_CONTROL_REP_MASK;

	v->count = v->control >> PVN_CONTROL_REP_COUNT_SHIFT & PVN_CONTROL_REP_MASK;
	v->call.var_count = (v->control & PVN_CONTROL_VARHEAD_MASK) >> PVN_CONTROL_VARHEAD_SHIFT;
	if (v->control & PVN_CONTROL_RESERVED || v->call.var_count > (v->row->var ? VAR_MAX : 0))
		return PVN_STATUS_INVALID_HYPERCALL_INPUT;
	if (v->row->rep ? start >= v->count : start || v->count)
		return PVN_STATUS_INVALID_HYPERCALL_INPUT;
	v->done = start;
	return PVN_STATUS_SUCCESS;
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
	if (out_bytes)
		status = status ?: hc_check_block(v->out_at, out_bytes);
	if (status != PVN_STATUS_SUCCESS)
		return status;
	if (in_bytes && out_bytes && v->in_at < v->out_at + out_bytes && v->out_at < v->in_at + in_bytes)
		return PVN_STATUS_INVALID_ALIGNMENT;
	return out_bytes ? hc_check_writable(&v->call, v->out_at) : PVN_STATUS_SUCCESS;
}

/* [TLFS 6.0b 3.7.1 "XMM Fast Hypercall Input", 3.7.2 "XMM Fast Hypercall Output"] */
static enum pvn_status fetch_fast(struct invocation *v)
{
	size_t bytes = in_block_bytes(v), out_bytes = out_block_bytes(v);

	v->fast_out = (bytes + 15) & ~15ull;
	if (!v->row->fast || (out_bytes ? v->fast_out + out_bytes : bytes) > sizeof(v->fast))
		return PVN_STATUS_INVALID_HYPERCALL_INPUT;
	v->fast.word[0] = v->in_at;
	v->fast.word[1] = v->out_at;
	if (bytes + out_bytes > FAST_PLAIN_BYTES)
		plat_xmm_read(v->fast.bytes + FAST_PLAIN_BYTES);
	v->in = v->fast.bytes;
	v->call.var = &v->fast.word[pad8(v->row->in_bytes) / 8];
	return PVN_STATUS_SUCCESS;
}

static enum pvn_status fetch_memory(struct invocation *v)
{
	enum pvn_status status = check_blocks(v);

	v->in = v->copy.bytes;
	v->call.var = v->var;
	if (status == PVN_STATUS_SUCCESS && v->row->in_bytes)
		status = hc_copy_in(&v->call, v->copy.bytes, v->in_at, v->row->in_bytes);
	if (status == PVN_STATUS_SUCCESS && v->call.var_count)
		status = hc_copy_in(&v->call, v->var, v->in_at + pad8(v->row->in_bytes),
				    v->call.var_count * sizeof(uint64_t));
	return status;
}

static enum pvn_status fetch_elements(struct invocation *v, void *to, unsigned int first, unsigned int count)
{
	size_t at = list_offset(v) + first * v->row->elem_bytes, bytes = count * v->row->elem_bytes;

	if (!is_fast(v))
		return hc_copy_in(&v->call, to, v->in_at + at, bytes);
	memcpy(to, v->fast.bytes + at, bytes);
	return PVN_STATUS_SUCCESS;
}

static enum pvn_status put_output(struct invocation *v, size_t at, const void *from, size_t bytes)
{
	if (!is_fast(v))
		return hc_copy_out(&v->call, v->out_at + at, from, bytes);
	memcpy(v->fast.bytes + v->fast_out + at, from, bytes);
	return PVN_STATUS_SUCCESS;
}

static enum pvn_status run_simple(struct invocation *v)
{
	union { uint8_t bytes[OUT_MAX]; uint64_t align; } out;
	enum pvn_status status;

	memset(out.bytes, 0, v->row->out_bytes);
	status = v->row->call(&v->call, v->in, NULL, out.bytes, NULL);
	if (status == PVN_STATUS_SUCCESS && v->row->out_bytes)
		status = put_output(v, 0, out.bytes, v->row->out_bytes);
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
		status = fetch_elements(v, elem.bytes, first, count);
	v->call.slow = false;
	for (unsigned int i = 0; i < count && status == PVN_STATUS_SUCCESS && !v->call.slow;
	     i += v->call.completed) {
		v->call.rep_index = v->done;
		v->call.left = count - i;
		v->call.completed = 1;
		status = row->call(&v->call, v->in, elem.bytes + i * row->elem_bytes, NULL,
				   oelem.bytes + i * row->oelem_bytes);
		if (status == PVN_STATUS_SUCCESS)
			v->done += v->call.completed;
	}
	hc_memory_finish(&v->call);
	if (row->oelem_bytes && v->done > first)
		copied = put_output(v, first * row->oelem_bytes, oelem.bytes,
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

	v->row = find_row(v->call.vp, v->control);
	if (!v->row)
		return PVN_STATUS_INVALID_HYPERCALL_CODE;
	if (!has_privilege(v->call.caller, v->row->privilege))
		return PVN_STATUS_ACCESS_DENIED;
	status = check_control(v) ?: (is_fast(v) ? fetch_fast(v) : fetch_memory(v)) ?:
		 (v->row->rep ? run_rep(v) : run_simple(v));
	hc_release(&v->call);
	return status;
}

/*
 * Protected-mode code at CPL 0, and the guest has said who it is, without which there is
 * no hypercall page [TLFS 2.0 4.5, 4.11]. The CPL is in CS's selector: SS's DPL is not to
 * be trusted after SYSRET [APM3 "SYSRET"].
 */
static bool may_call(struct vp *vp, bool *wide)
{
	struct pvn_segment cs;
	uint64_t value[2];

	if (!vp->partition->guest_os_id || virt->get_register(vp, PVN_REG_CS, value) != PVN_STATUS_SUCCESS)
		return false;
	memcpy(&cs, value, sizeof(cs));
	*wide = cs.attributes & SEGMENT_LONG;
	if (cs.selector & SELECTOR_RPL)
		return false;
	return *wide || (virt->get_register(vp, PVN_REG_CR0, value) == PVN_STATUS_SUCCESS &&
			 value[0] & CR0_PE);
}

/* [TLFS 2.0 4.8 "Register Mapping for Hypercall Inputs and Outputs"] */
static uint64_t get_pair(const struct vp *vp, enum gpr high, enum gpr low)
{
	return vp->regs.gpr[high] << 32 | (uint32_t)vp->regs.gpr[low];
}

static void set_pair(struct vp *vp, enum gpr high, enum gpr low, uint64_t value)
{
	vp->regs.gpr[high] = value >> 32;
	vp->regs.gpr[low] = (uint32_t)value;
}

static void set_word(struct vp *vp, bool wide, enum gpr reg, uint64_t value)
{
	if (wide)
		vp->regs.gpr[reg] = value;
	else
		set_pair(vp, RDX, RAX, value);
}

static void return_fast_output(struct invocation *v)
{
	struct vp *vp = v->call.vp;

	if (!v->fast_out && v->wide) {
		vp->regs.gpr[RDX] = v->fast.word[0];
		vp->regs.gpr[R8] = v->fast.word[1];
	} else if (!v->fast_out) {
		set_pair(vp, RBX, RCX, v->fast.word[0]);
		set_pair(vp, RDI, RSI, v->fast.word[1]);
	}
	if (v->fast_out + out_block_bytes(v) > FAST_PLAIN_BYTES)
		plat_xmm_write(v->fast.bytes + FAST_PLAIN_BYTES);
}

void hypercall_exit(struct vp *vp, uint8_t insn_bytes)
{
	struct invocation v;
	enum pvn_status status;

	if (!may_call(vp, &v.wide))
		return virt->inject_exception(vp, VECTOR_UNDEFINED, false, 0);
	/* Not the whole of v: its buffers are written before they are read. */
	v.call.vp = vp;
	v.call.caller = vp->partition;
	v.call.rep_index = 0;
	v.call.flush_needed = v.call.flushed = false;
	v.call.deposit_count = 0;
	v.call.target = v.call.held[0] = v.call.held[1] = NULL;
	v.control = v.wide ? vp->regs.gpr[RCX] : get_pair(vp, RDX, RAX);
	v.in_at = v.wide ? vp->regs.gpr[RDX] : get_pair(vp, RBX, RCX);
	v.out_at = v.wide ? vp->regs.gpr[R8] : get_pair(vp, RDI, RSI);
	v.count = v.done = 0;
	v.in = NULL;
	status = run(&v);
	if ((status == PVN_STATUS_SUCCESS || status == STATUS_CONTINUE) && is_fast(&v) && out_block_bytes(&v))
		return_fast_output(&v);
	if (status == STATUS_CONTINUE) {
		/* RIP stays: after pending interrupts the guest executes the call again. */
		set_word(vp, v.wide, RCX,
			 (v.control & ~(PVN_CONTROL_REP_MASK << PVN_CONTROL_REP_START_SHIFT)) |
			 (uint64_t)v.done << PVN_CONTROL_REP_START_SHIFT);
		return;
	}
	if (eventlog_wants(vp->cpu->traced, v.control & PVN_CONTROL_CODE_MASK))
		eventlog_call(vp, v.control, (uint64_t)status | (uint64_t)v.done << PVN_RESULT_REPS_SHIFT,
			      v.in, v.in ? v.row->in_bytes : 0);
	set_word(vp, v.wide, RAX, (uint64_t)status | (uint64_t)v.done << PVN_RESULT_REPS_SHIFT);
	vp_skip_instruction(vp, insn_bytes);
	virt->clear_shadow(vp);
}
