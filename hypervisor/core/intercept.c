// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Intercept messages: a VP of a child stops and the root is told why, through
 * SINT 0 of one of its VPs [TLFS 2.0 14.5 "SynIC Message Page", 16 "Intercept
 * Messages"]. The VP goes on when the parent clears its InterceptSuspend register.
 */
#include "core/exit.h"
#include "lib/log.h"
#include "lib/string.h"

#define STATE_PROTECTED		(1u << 2)
#define STATE_ALIGNMENT		(1u << 3)
#define STATE_LONG		(1u << 4)
#define STATE_EVENT		(1u << 6)
#define CR0_AM			(1ull << 18)

/* The message and the root VP whose queue it was put into. */
struct intercept_buffer {
	struct queued_message message;
	struct vp *target;
};

_Static_assert(sizeof(struct vp) + sizeof(struct intercept_buffer) <= PAGE_SIZE,
	       "a VP and its intercept message are one page");

static struct intercept_buffer *buffer_of(struct vp *vp)
{
	return (struct intercept_buffer *)((char *)vp + PAGE_SIZE) - 1;
}

void intercept_init(struct vp *vp) { list_init(&buffer_of(vp)->message.node); }

void intercept_cancel(struct vp *vp)
{
	struct intercept_buffer *buffer = buffer_of(vp);

	if (buffer->target)
		synic_cancel(buffer->target, PVN_SINT_INTERCEPTS, &buffer->message);
	buffer->target = NULL;
}

struct pvn_message_segment intercept_segment(struct vp *vp, uint32_t name)
{
	union { uint64_t value[2]; struct pvn_message_segment segment; } v = { { 0, 0 } };

	virt->get_register(vp, name, v.value);
	return v.segment;
}

uint8_t intercept_instruction(struct vp *vp, uint8_t bytes[16])
{
	struct pvn_message_segment cs = intercept_segment(vp, PVN_REG_CS);
	uint64_t gva = vp->regs.rip + (cs.attributes & SEGMENT_LONG ? 0 : cs.base);
	uint64_t rest = PAGE_SIZE - (gva & (PAGE_SIZE - 1)), count = rest < 16 ? rest : 16;
	unsigned int cache;
	struct gpa at;

	if (guest_translate(vp, gva, PVN_TRANSLATE_EXECUTE, &at, &cache) != PVN_TRANSLATE_OK ||
	    !gpa_map_copy_in(&vp->partition->map, bytes, at, count))
		return 0;
	return (uint8_t)count;
}

static void fill_header(struct vp *vp, struct pvn_intercept_header *header, uint8_t access_type,
			uint8_t insn_bytes)
{
	struct pvn_message_segment cs = intercept_segment(vp, PVN_REG_CS);
	uint64_t cr0 = vp_vendor_register(vp, PVN_REG_CR0, 0);
	uint16_t state = cs.selector & SELECTOR_RPL;

	state |= (cr0 & CR0_PE ? STATE_PROTECTED : 0) | (cr0 & CR0_AM ? STATE_ALIGNMENT : 0);
	if (vp_vendor_register(vp, PVN_REG_EFER, 0) & EFER_LMA)
		state |= STATE_LONG;
	if (virt->event_pending(vp))
		state |= STATE_EVENT;
	*header = (struct pvn_intercept_header){
		.vp_index = vp->index, .instruction_bytes = insn_bytes, .access_type = access_type,
		.execution_state = state, .cs_base = cs.base, .cs_limit = cs.limit,
		.cs_selector = cs.selector, .cs_attributes = cs.attributes, .rip = vp->regs.rip,
		.rflags = vp->regs.rflags,
	};
}

/* One root VP after the other, from a different first one each time, until one can take it. */
static bool post_to_root(struct vp *vp, struct intercept_buffer *buffer)
{
	struct partition *partition = vp->partition;
	unsigned int first = __atomic_fetch_add(&partition->intercept_vp, 1, __ATOMIC_RELAXED);
	unsigned int count = root_partition->vp_count;

	for (unsigned int i = 0; i < count; i++) {
		struct vp *target = root_partition->vps[(first + i) % count];

		if (!target)
			continue;
		buffer->target = target;
		if (synic_post(target, PVN_SINT_INTERCEPTS, &buffer->message) == PVN_STATUS_SUCCESS)
			return true;
	}
	buffer->target = NULL;
	return false;
}

void intercept_send(struct vp *vp, uint32_t message_type, uint8_t access_type, uint8_t insn_bytes,
		    void *payload, unsigned int payload_bytes)
{
	ASSERT(payload_bytes >= sizeof(struct pvn_intercept_header));
	fill_header(vp, payload, access_type, insn_bytes);
	intercept_post(vp, message_type, payload, payload_bytes);
}

void intercept_post(struct vp *vp, uint32_t message_type, const void *payload, unsigned int payload_bytes)
{
	struct intercept_buffer *buffer = buffer_of(vp);
	struct pvn_message *message = &buffer->message.message;

	ASSERT(payload_bytes <= PVN_MESSAGE_PAYLOAD_MAX);
	vp->stats.count[PVN_STAT_vp_intercepts]++;
	/* The parent resumed it before it read the last one: that one is overwritten. */
	intercept_cancel(vp);
	*message = (struct pvn_message){
		.type = message_type, .payload_bytes = (uint8_t)payload_bytes, .origin = vp->partition->id,
	};
	memcpy(message->payload, payload, payload_bytes);
	/* Suspended before the message can be seen: the parent's resume comes after. */
	vp_stop(vp, VP_STOP_INTERCEPT);
	if (!post_to_root(vp, buffer))
		log_warn("partition %lu vp %u: nobody takes intercept message 0x%x",
			 vp->partition->id, vp->index, message_type);
}
