/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Synthetic interrupt controller: message slots and their queues
 * [TLFS 2.0 ch. 14 "Inter-Partition Communication"]. Event flags are doorbell.h's, ports and
 * connections event.c's, the timers stimer.c's.
 *
 * synic.lock covers the queues and the writing of slots; event flags need no lock. The
 * guest writes both pages at any time: what is read from them decides nothing but whether
 * a slot is free.
 */
#include "core/exit.h"
#include "core/platform.h"


static uint64_t load(const uint64_t *field) { return __atomic_load_n(field, __ATOMIC_ACQUIRE); }
static void store(uint64_t *field, uint64_t v) { __atomic_store_n(field, v, __ATOMIC_RELEASE); }

static bool messages_enabled(struct synic *synic)
{
	return load(&synic->control) & load(&synic->message_msr) & PVN_MSR_PAGE_ENABLE;
}

/*
 * If the slot is not free the guest is asked for an EOM; it may have emptied the slot
 * before it could see that, hence the second look.
 */
static bool slot_is_free(struct pvn_message *slot)
{
	if (__atomic_load_n(&slot->type, __ATOMIC_ACQUIRE) == PVN_MESSAGE_NONE)
		return true;
	__atomic_fetch_or(&slot->flags, PVN_MESSAGE_FLAG_PENDING, __ATOMIC_SEQ_CST);
	return __atomic_load_n(&slot->type, __ATOMIC_SEQ_CST) == PVN_MESSAGE_NONE;
}

static void slot_write(struct pvn_message *slot, const struct pvn_message *message, bool more)
{
	slot->payload_bytes = message->payload_bytes;
	__atomic_store_n(&slot->flags, more ? PVN_MESSAGE_FLAG_PENDING : 0, __ATOMIC_RELAXED);
	slot->origin = message->origin;
	memcpy(slot->payload, message->payload, message->payload_bytes);
	/* Pairs with the guest's read of type: the rest is there when it is not 0. */
	__atomic_store_n(&slot->type, message->type, __ATOMIC_RELEASE);
}

/* lock held: the next message for the SINT, a timer's or else the queue's first. */
static bool take_message(struct vp *vp, unsigned int sint, struct pvn_message *out, bool *more)
{
	struct list *queue = &vp->synic.queue[sint];
	struct queued_message *first;

	if (stimer_take_message(vp, sint, out, more)) {
		*more |= !list_is_empty(queue);
		return true;
	}
	if (list_is_empty(queue))
		return false;
	first = list_entry(queue->next, struct queued_message, node);
	*out = first->message;
	list_remove(&first->node);
	first->queued = false;
	*more = !list_is_empty(queue);
	return true;
}

/* lock held. A slot takes at most one message; true: its interrupt is due. */
static bool deliver(struct vp *vp, unsigned int sint)
{
	struct pvn_message *slot = &vp->synic.messages->sint[sint], message;
	bool more = false, taken;

	/* Free, and only we fill it: what is taken now cannot get lost. */
	if (!messages_enabled(&vp->synic) || !slot_is_free(slot))
		return false;
	taken = take_message(vp, sint, &message, &more);
	if (taken)
		slot_write(slot, &message, more);
	if (!more)
		__atomic_fetch_and(&vp->synic.waiting, ~(1u << sint), __ATOMIC_RELEASE);
	return taken;
}

/* The message is in its slot; masked or polled SINTs have no interrupt. */
static void raise_sint(struct vp *vp, unsigned int sint)
{
	uint64_t config = load(&vp->synic.sint[sint]);

	if (!(config & (PVN_SINT_MASKED | PVN_SINT_POLLING)))
		lapic_raise(vp, config & PVN_SINT_VECTOR_MASK);
}

/* lock held, and given up: something waits for the SINT's slot. */
static void offer(struct vp *vp, unsigned int sint)
{
	bool raise;

	__atomic_fetch_or(&vp->synic.waiting, 1u << sint, __ATOMIC_RELEASE);
	raise = deliver(vp, sint);
	spin_unlock(&vp->synic.lock);
	if (raise)
		raise_sint(vp, sint);
}

void synic_message_owed(struct vp *vp, unsigned int sint)
{
	spin_lock(&vp->synic.lock);
	offer(vp, sint);
}

enum pvn_status synic_post(struct vp *vp, unsigned int sint, struct queued_message *message)
{
	struct synic *synic = &vp->synic;

	if (sint >= PVN_SINT_COUNT || message->message.payload_bytes > PVN_MESSAGE_PAYLOAD_MAX)
		return PVN_STATUS_INVALID_PARAMETER;
	spin_lock(&synic->lock);
	if (!messages_enabled(synic)) {
		spin_unlock(&synic->lock);
		return PVN_STATUS_INVALID_SYNIC_STATE;
	}
	ASSERT(!message->queued);
	message->queued = true;
	list_append(&synic->queue[sint], &message->node);
	offer(vp, sint);
	return PVN_STATUS_SUCCESS;
}

void synic_cancel(struct vp *vp, unsigned int sint, struct queued_message *message)
{
	SPIN_HOLD(&vp->synic.lock);

	ASSERT(sint < PVN_SINT_COUNT);
	if (message->queued)
		list_remove(&message->node);
	message->queued = false;
}

void synic_scan(struct vp *vp)
{
	struct synic *synic = &vp->synic;
	uint32_t raise = 0;

	/* Every EOI of a SINT comes here, and mostly nothing waits. */
	if (!__atomic_load_n(&synic->waiting, __ATOMIC_ACQUIRE))
		return;
	spin_lock(&synic->lock);
	for (unsigned int sint = 0; sint < PVN_SINT_COUNT; sint++) {
		if (synic->waiting & 1u << sint && deliver(vp, sint))
			raise |= 1u << sint;
	}
	spin_unlock(&synic->lock);
	for (; raise; raise &= raise - 1)
		raise_sint(vp, __builtin_ctz(raise));
}

/* The two bitmaps of vectors follow from the SINTs. */
static void index_vectors(struct synic *synic)
{
	for (unsigned int i = 0; i < 4; i++)
		synic->vectors[i] = synic->auto_eoi[i] = 0;
	for (unsigned int i = 0; i < PVN_SINT_COUNT; i++) {
		uint64_t config = synic->sint[i], vector = config & PVN_SINT_VECTOR_MASK;

		if (config & PVN_SINT_MASKED)
			continue;
		vector_set(synic->vectors, vector);
		if (config & PVN_SINT_AUTO_EOI)
			vector_set(synic->auto_eoi, vector);
	}
}

static bool write_sint(struct vp *vp, unsigned int sint, uint64_t value)
{
	if (!(value & PVN_SINT_MASKED) && (value & PVN_SINT_VECTOR_MASK) < 16)
		return false;
	store(&vp->synic.sint[sint], value);
	index_vectors(&vp->synic);
	return true;
}

static bool write_page(struct vp *vp, uint64_t *msr, uint64_t value, void *page)
{
	return msr_move_page(vp, msr, value, page, GPA_READ | GPA_WRITE);
}

bool synic_write_msr(struct vp *vp, uint32_t msr, uint64_t value)
{
	struct synic *synic = &vp->synic;

	if (msr >= PVN_MSR_STIMER0_CONFIG)
		return stimer_write_msr(vp, msr, value);
	if (msr >= PVN_MSR_SINT0 && msr < PVN_MSR_SINT0 + PVN_SINT_COUNT)
		return write_sint(vp, msr - PVN_MSR_SINT0, value);
	switch (msr) {
	case PVN_MSR_SCONTROL: store(&synic->control, value); break;
	case PVN_MSR_SIEFP: return write_page(vp, &synic->event_msr, value, synic->events);
	case PVN_MSR_SIMP:
		if (!write_page(vp, &synic->message_msr, value, synic->messages))
			return false;
		break;
	case PVN_MSR_EOM: break;
	default: return false;
	}
	/* EOM; and messages that waited for the SynIC to be on. */
	synic_scan(vp);
	return true;
}

void synic_init(struct vp *vp)
{
	spinlock_init(&vp->synic.lock, LOCK_MESSAGES);
	for (unsigned int i = 0; i < PVN_SINT_COUNT; i++)
		list_init(&vp->synic.queue[i]);
	vp_timers_init(vp);
}

void synic_reset(struct vp *vp)
{
	struct synic *synic = &vp->synic;

	/* First, so that nobody writes into the pages from here on. */
	store(&synic->control, 0);
	stimer_reset(vp);
	write_page(vp, &synic->event_msr, 0, synic->events);
	write_page(vp, &synic->message_msr, 0, synic->messages);
	for (unsigned int i = 0; i < PVN_SINT_COUNT; i++)
		store(&synic->sint[i], PVN_SINT_MASKED);
	index_vectors(synic);
	spin_lock(&synic->lock);
	memset(synic->events, 0, PAGE_SIZE);
	memset(synic->messages, 0, PAGE_SIZE);
	spin_unlock(&synic->lock);
}

void synic_shutdown(struct vp *vp)
{
	struct synic *synic = &vp->synic;

	synic_reset(vp);
	timer_cancel_wait(&vp->timer);
	/* The senders own the buffers: they only leave our queue. */
	spin_lock(&synic->lock);
	for (unsigned int i = 0; i < PVN_SINT_COUNT; i++) {
		list_for_each_safe(node, &synic->queue[i]) {
			list_entry(node, struct queued_message, node)->queued = false;
			list_remove(node);
		}
	}
	spin_unlock(&synic->lock);
}
