// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Doorbells and messages: sets up the SynIC of every CPU and turns its interrupt
 * into calls of whoever registered.
 *
 * In the life of a write: comes after core/event.c of the hypervisor, and hands on
 * to root/channel.c (root) or to a front-end (guest).
 *
 * Registration takes handlers_lock; the interrupt takes no lock, handlers are
 * protected by RCU.
 */
#define pr_fmt(fmt) "pvn_core: " fmt

#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/gfp.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/printk.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include <asm/irq_vectors.h>
#include <asm/mshyperv.h>

#include <pvn/abi/cpuid.h>
#include <pvn/abi/msr.h>

#include "pv-guest/compat.h"
#include "pv-guest/core_internal.h"

#define FLAG_WORDS (PVN_EVENT_FLAGS_PER_SINT / 64)

struct event_handler {
	void (*fn)(void *context);
	void *context;
	struct rcu_head rcu;
};

struct message_handler {
	void (*fn)(void *context, const struct pvn_message *message);
	void *context;
};

/* Pages are written by the hypervisor at any time: read once, clear atomically. */
struct event_cpu {
	struct pvn_event_page *events;
	struct pvn_message_page *messages;
	u32 vp;
};

static DEFINE_PER_CPU(struct event_cpu, event_cpus);
static DEFINE_MUTEX(handlers_lock);
static struct event_handler __rcu *event_handlers[PVN_EVENT_FLAGS_PER_SINT];
static struct message_handler __rcu *message_handler;
static int hotplug_state;

static void deliver_flags(unsigned int word, u64 bits)
{
	while (bits) {
		unsigned int bit = __ffs64(bits);
		struct event_handler *handler = rcu_dereference(event_handlers[word * 64 + bit]);

		if (handler)
			handler->fn(handler->context);
		bits &= bits - 1;
	}
}

/*
 * xchg: a flag set after it raises a new interrupt, because the hypervisor sees
 * the flag clear; one set before it is seen here. So no doorbell is lost.
 */
static void take_events(struct pvn_event_flags *flags)
{
	unsigned int word;

	for (word = 0; word < FLAG_WORDS; word++)
		if (READ_ONCE(flags->word[word]))
			deliver_flags(word, xchg(&flags->word[word], 0));
}

/*
 * The slot is given back only after the copy. When more messages wait, the
 * hypervisor must be told that the slot is free; mb(): it must see that first
 * [TLFS 2.0 14.8.2 "SIM Page"].
 */
static void take_message(struct pvn_message *slot)
{
	struct message_handler *handler = rcu_dereference(message_handler);
	struct pvn_message message;

	if (READ_ONCE(slot->type) == PVN_MESSAGE_NONE)
		return;
	memcpy(&message, slot, sizeof(message));
	WRITE_ONCE(slot->type, PVN_MESSAGE_NONE);
	mb();
	if (READ_ONCE(slot->flags) & PVN_MESSAGE_FLAG_PENDING)
		wrmsrl(PVN_MSR_EOM, 0);
	if (handler)
		handler->fn(handler->context, &message);
}

/* Linux's handler of vector 0xf3 calls this, interrupts off, and acknowledges for us. */
static void event_interrupt(void)
{
	struct event_cpu *cpu = this_cpu_ptr(&event_cpus);

	rcu_read_lock();
	take_message(&cpu->messages->sint[PVN_SINT_INTERCEPTS]);
	take_events(&cpu->events->sint[PVN_SINT_EVENTS]);
	rcu_read_unlock();
}

int pvn_event_register(u32 flag, void (*fn)(void *context), void *context)
{
	struct event_handler *handler;
	int error = 0;

	if (flag >= PVN_EVENT_FLAGS_PER_SINT)
		return -EINVAL;
	handler = kzalloc(sizeof(*handler), GFP_KERNEL);
	if (!handler)
		return -ENOMEM;
	handler->fn = fn;
	handler->context = context;
	mutex_lock(&handlers_lock);
	if (rcu_access_pointer(event_handlers[flag]))
		error = -EBUSY;
	else
		rcu_assign_pointer(event_handlers[flag], handler);
	mutex_unlock(&handlers_lock);
	if (error)
		kfree(handler);
	return error;
}
EXPORT_SYMBOL_GPL(pvn_event_register);

void pvn_event_unregister(u32 flag)
{
	struct event_handler *handler;

	mutex_lock(&handlers_lock);
	handler = rcu_dereference_protected(event_handlers[flag],
					    lockdep_is_held(&handlers_lock));
	RCU_INIT_POINTER(event_handlers[flag], NULL);
	mutex_unlock(&handlers_lock);
	synchronize_rcu_expedited();
	kfree(handler);
}
EXPORT_SYMBOL_GPL(pvn_event_unregister);

int pvn_message_register(void (*fn)(void *context, const struct pvn_message *message),
			 void *context)
{
	struct message_handler *handler;
	int error = 0;

	if (!(pvn_platform()->features & PVN_OWN_FEATURE_ROOT))
		return -EOPNOTSUPP;
	handler = kzalloc(sizeof(*handler), GFP_KERNEL);
	if (!handler)
		return -ENOMEM;
	handler->fn = fn;
	handler->context = context;
	mutex_lock(&handlers_lock);
	if (rcu_access_pointer(message_handler))
		error = -EBUSY;
	else
		rcu_assign_pointer(message_handler, handler);
	mutex_unlock(&handlers_lock);
	if (error)
		kfree(handler);
	return error;
}
EXPORT_SYMBOL_GPL(pvn_message_register);

void pvn_message_unregister(void)
{
	struct message_handler *handler;

	mutex_lock(&handlers_lock);
	handler = rcu_dereference_protected(message_handler, lockdep_is_held(&handlers_lock));
	RCU_INIT_POINTER(message_handler, NULL);
	mutex_unlock(&handlers_lock);
	synchronize_rcu();
	kfree(handler);
}
EXPORT_SYMBOL_GPL(pvn_message_unregister);

u32 pvn_event_vp(unsigned int cpu)
{
	return per_cpu(event_cpus, cpu).vp;
}
EXPORT_SYMBOL_GPL(pvn_event_vp);

/*
 * Linux acknowledges the callback vector itself exactly when the hypervisor hints
 * that auto-EOI is deprecated; otherwise nobody would, so ask for auto-EOI then.
 */
static u64 sint_value(void)
{
	u64 value = HYPERVISOR_CALLBACK_VECTOR;

	if (!(pvn_platform()->hints & PVN_HINT_NO_AUTO_EOI))
		value |= PVN_SINT_AUTO_EOI;
	return value;
}

static int synic_start(unsigned int number)
{
	struct event_cpu *cpu = per_cpu_ptr(&event_cpus, number);
	u64 vp;

	rdmsrl(PVN_MSR_VP_INDEX, vp);
	cpu->vp = vp;
	wrmsrl(PVN_MSR_SIMP, virt_to_phys(cpu->messages) | PVN_MSR_PAGE_ENABLE);
	wrmsrl(PVN_MSR_SIEFP, virt_to_phys(cpu->events) | PVN_MSR_PAGE_ENABLE);
	wrmsrl(PVN_MSR_SINT0 + PVN_SINT_EVENTS, sint_value());
	if (pvn_platform()->features & PVN_OWN_FEATURE_ROOT)
		wrmsrl(PVN_MSR_SINT0 + PVN_SINT_INTERCEPTS, sint_value());
	wrmsrl(PVN_MSR_SCONTROL, 1);
	return 0;
}

static int synic_stop(unsigned int number)
{
	u64 masked = sint_value() | PVN_SINT_MASKED;

	wrmsrl(PVN_MSR_SINT0 + PVN_SINT_EVENTS, masked);
	if (pvn_platform()->features & PVN_OWN_FEATURE_ROOT)
		wrmsrl(PVN_MSR_SINT0 + PVN_SINT_INTERCEPTS, masked);
	wrmsrl(PVN_MSR_SCONTROL, 0);
	wrmsrl(PVN_MSR_SIEFP, 0);
	wrmsrl(PVN_MSR_SIMP, 0);
	return 0;
}

static void free_pages_of_cpus(void)
{
	unsigned int number;

	for_each_possible_cpu(number) {
		struct event_cpu *cpu = per_cpu_ptr(&event_cpus, number);

		free_page((unsigned long)cpu->events);
		free_page((unsigned long)cpu->messages);
	}
}

static int allocate_pages_of_cpus(void)
{
	unsigned int number;

	for_each_possible_cpu(number) {
		struct event_cpu *cpu = per_cpu_ptr(&event_cpus, number);

		cpu->events = (void *)get_zeroed_page(GFP_KERNEL);
		cpu->messages = (void *)get_zeroed_page(GFP_KERNEL);
		if (!cpu->events || !cpu->messages) {
			free_pages_of_cpus();
			return -ENOMEM;
		}
	}
	return 0;
}

int pvn_event_init(void)
{
	int error = allocate_pages_of_cpus();

	if (error)
		return error;
	hv_setup_vmbus_handler(event_interrupt);
	hotplug_state = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "paravane/event:online",
					  synic_start, synic_stop);
	if (hotplug_state >= 0)
		return 0;
	pr_err("the synthetic interrupt controller cannot be set up: error %d\n", hotplug_state);
	hv_remove_vmbus_handler();
	free_pages_of_cpus();
	return hotplug_state;
}

void pvn_event_leave(void)
{
	cpuhp_remove_state(hotplug_state);
}

void pvn_event_exit(void)
{
	pvn_event_leave();
	hv_remove_vmbus_handler();
	/* An interrupt that was under way on another CPU has ended after this. */
	synchronize_rcu();
	free_pages_of_cpus();
}
