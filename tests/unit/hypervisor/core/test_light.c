// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Light exits: which are, what they do, and that they do what the long way does.
 */
#include <pvn/abi/cpuid.h>
#include "core/doorbell.h"
#include "core/light.h"
#include "fake_machine.h"

#define VECTOR 0x60
#define FAST(name) (PVN_CONTROL_FAST | PVN_CALL_##name)

static struct vp *caller, *other;

/* A child with two VPs that has a doorbell to the root, connection 1; VP 0 runs on processor 0. */
static void a_guest(void)
{
	struct port port = { .id = 1, .type = PVN_PORT_EVENT, .sint = 2, .flag_count = 1 };
	struct partition *child = partition_of(make_child(2));

	caller = child->vps[0];
	other = child->vps[1];
	port.connection_partition = child->id;
	enable_synic(machine.root_vp, 2, VECTOR);
	assert_int_equal(event_create_port(root_partition, &port), PVN_STATUS_SUCCESS);
	assert_int_equal(event_connect(child, 1, root_partition, 1, PVN_PORT_EVENT, 0), PVN_STATUS_SUCCESS);
	fake_enlighten(caller);
	caller->cpu = &machine.cpu[0];
	machine.cpu[0].current = caller;
	other->lapic.spurious = APIC_SPURIOUS_ENABLE;
	other->stop_reasons = 0;	/* started */
}

static enum light call(uint64_t control, uint64_t in, uint64_t out)
{
	caller->regs.gpr[RCX] = control;
	caller->regs.gpr[RDX] = in;
	caller->regs.gpr[R8] = out;
	return light_hypercall(caller);
}

/* The receiver has taken what was rung. */
static void take(struct vp *vp)
{
	vp->synic.events->sint[2].word[0] = 0;
	memset(vp->lapic.irr, 0, sizeof(vp->lapic.irr));
}

static uint64_t counted(unsigned int slot) { return caller->stats.count[slot]; }

static void a_doorbell_is_light_and_rings(void **state)
{
	(void)state;
	a_guest();
	assert_int_equal(call(FAST(signal_event), 1, 0), LIGHT_AGAIN);
	assert_true(is_raised(machine.root_vp, VECTOR));
	assert_int_equal(counted(PVN_STAT_vp_exit_hypercall), 1);
	assert_int_equal(counted(PVN_STAT_vp_calls + PVN_CALL_TO_SLOT(PVN_CALL_signal_event)), 1);
}

static void a_doorbell_that_cannot_be_rung_takes_the_long_way_and_counts_nothing(void **state)
{
	(void)state;
	a_guest();
	assert_int_equal(call(FAST(signal_event), 2, 0), LIGHT_NOT);
	assert_int_equal(call(FAST(signal_event), DOORBELLS + 1, 0), LIGHT_NOT);
	assert_int_equal(call(FAST(signal_event), 1 | 1ull << 32, 0), LIGHT_NOT);
	machine.root_vp->stop_reasons |= VP_STOP_DYING;
	assert_int_equal(call(FAST(signal_event), 1, 0), LIGHT_NOT);
	machine.root_vp->stop_reasons &= ~VP_STOP_DYING;
	machine.root_vp->synic.sint[2] |= PVN_SINT_MASKED;
	assert_int_equal(call(FAST(signal_event), 1, 0), LIGHT_NOT);
	assert_int_equal(counted(PVN_STAT_vp_exit_hypercall), 0);
	assert_int_equal(machine.notifications, 0);
	assert_int_equal(machine.root_vp->synic.events->sint[2].word[0], 0);
}

static void a_message_port_is_no_doorbell(void **state)
{
	struct port port = { .id = 2, .type = PVN_PORT_MESSAGE, .sint = 2 };

	(void)state;
	a_guest();
	port.connection_partition = caller->partition->id;
	assert_int_equal(event_create_port(root_partition, &port), PVN_STATUS_SUCCESS);
	assert_int_equal(event_connect(caller->partition, 2, root_partition, 2, PVN_PORT_MESSAGE, 0),
			 PVN_STATUS_SUCCESS);
	assert_int_equal(call(FAST(signal_event), 2, 0), LIGHT_NOT);
	assert_int_equal(event_delete_port(root_partition, 2), PVN_STATUS_SUCCESS);
	assert_int_equal(call(FAST(signal_event), 2, 0), LIGHT_NOT);
}

static void who_runs_the_receiver_is_kicked_and_told_once(void **state)
{
	(void)state;
	a_guest();
	machine.root_vp->cpu = &machine.cpu[2];
	machine.cpu[2].current = machine.root_vp;
	machine.cpu[2].entry_generation = 7;
	assert_int_equal(call(FAST(signal_event), 1, 0), LIGHT_AGAIN);
	assert_int_equal(machine.kicks[2], 1);
	assert_int_equal(machine.notifications, 0);
	/* The flag stands: merged. The interrupt stands: whoever set it has told. */
	assert_int_equal(call(FAST(signal_event), 1, 0), LIGHT_AGAIN);
	assert_int_equal(counted(PVN_STAT_vp_events_merged), 1);
	machine.root_vp->synic.events->sint[2].word[0] = 0;
	assert_int_equal(call(FAST(signal_event), 1, 0), LIGHT_AGAIN);
	assert_int_equal(machine.kicks[2], 1);
	assert_int_equal(counted(PVN_STAT_vp_exit_hypercall), 3);
	machine.cpu[2].current = NULL;
	/* Nobody runs it: the scheduler has to look. */
	take(machine.root_vp);
	assert_int_equal(call(FAST(signal_event), 1, 0), LIGHT_AGAIN);
	assert_int_equal(machine.kicks[2], 1);
	assert_int_equal(machine.notifications, 1);
}

/* A parent may lead a child's connection back to the child. */
static void who_rings_itself_leaves_the_guest_to_find_its_interrupt(void **state)
{
	struct port port = { .id = 7, .type = PVN_PORT_EVENT, .sint = 2, .flag_count = 1 };

	(void)state;
	a_guest();
	port.connection_partition = caller->partition->id;
	enable_synic(caller, 2, VECTOR);
	assert_int_equal(event_create_port(caller->partition, &port), PVN_STATUS_SUCCESS);
	assert_int_equal(event_connect(caller->partition, 3, caller->partition, 7, PVN_PORT_EVENT, 0),
			 PVN_STATUS_SUCCESS);
	assert_int_equal(call(FAST(signal_event), 3, 0), LIGHT_LEAVE);
	assert_true(is_raised(caller, VECTOR));
}

static void who_woke_another_on_its_processor_leaves_the_guest(void **state)
{
	(void)state;
	a_guest();
	machine.cpu[0].ready_count = 1;
	assert_int_equal(call(FAST(signal_event), 1, 0), LIGHT_LEAVE);
	/* The call is counted here, the exit by the processor's loop. */
	assert_int_equal(counted(PVN_STAT_vp_calls + PVN_CALL_TO_SLOT(PVN_CALL_signal_event)), 1);
	assert_int_equal(counted(PVN_STAT_vp_exit_hypercall), 0);
	/* Its slice has an end already. */
	machine.cpu[0].slice_end = 1000;
	take(machine.root_vp);
	assert_int_equal(call(FAST(signal_event), 1, 0), LIGHT_AGAIN);
	machine.cpu[0].slice_end = machine.cpu[0].cap_end;
	machine.cpu[0].ready_count = 0;
	machine.cpu[0].resched = true;
	assert_int_equal(call(FAST(send_synthetic_cluster_ipi), VECTOR, 2), LIGHT_LEAVE);
	machine.cpu[0].resched = false;
}

static void interrupts_for_others_are_light_and_those_for_itself_are_not(void **state)
{
	(void)state;
	a_guest();
	assert_int_equal(call(FAST(send_synthetic_cluster_ipi), VECTOR, 2), LIGHT_AGAIN);
	assert_true(is_raised(other, VECTOR));
	assert_int_equal(call(FAST(send_synthetic_cluster_ipi), 15, 2), LIGHT_NOT);
	assert_int_equal(call(FAST(send_synthetic_cluster_ipi), VECTOR, 3), LIGHT_NOT);
	assert_false(is_raised(caller, VECTOR));
}

static void what_the_dispatcher_would_refuse_takes_the_long_way_and_counts_nothing(void **state)
{
	(void)state;
	a_guest();
	/* Reserved bits of the input, of the control word; memory form; a rep count; other rows. */
	assert_int_equal(call(FAST(signal_event), 1 | 1ull << 48, 0), LIGHT_NOT);
	assert_int_equal(call(FAST(signal_event) | 1ull << 27, 1, 0), LIGHT_NOT);
	assert_int_equal(call(PVN_CALL_signal_event, 1, 0), LIGHT_NOT);
	assert_int_equal(call(FAST(signal_event) | 1ull << PVN_CONTROL_REP_COUNT_SHIFT, 1, 0),
			 LIGHT_NOT);
	assert_int_equal(call(FAST(get_partition_id), 0, 0), LIGHT_NOT);
	caller->partition->privileges &= ~(1ull << PVN_PRIVILEGE_SIGNAL_EVENTS);
	assert_int_equal(call(FAST(signal_event), 1, 0), LIGHT_NOT);
	caller->partition->privileges |= 1ull << PVN_PRIVILEGE_SIGNAL_EVENTS;
	caller->partition->guest_os_id = 0;
	assert_int_equal(call(FAST(signal_event), 1, 0), LIGHT_NOT);
	assert_int_equal(counted(PVN_STAT_vp_exit_hypercall), 0);
	assert_false(is_raised(machine.root_vp, VECTOR));
}

static void a_long_spin_is_light_while_nobody_waits_for_the_processor(void **state)
{
	(void)state;
	a_guest();
	caller->regs.gpr[RCX] = FAST(notify_long_spin_wait);
	assert_true(light_yield(caller));
	machine.cpu[0].ready_count = 1;
	assert_false(light_yield(caller));
	machine.cpu[0].ready_count = 0;
	caller->partition->guest_os_id = 0;
	assert_false(light_yield(caller));
	assert_int_equal(counted(PVN_STAT_vp_exit_hypercall), 1);
}

static void a_light_cpuid_says_what_cpuid_says(void **state)
{
	static const uint32_t leaves[] = { 0, 1, 7, 0xd, PVN_CPUID_VENDOR, PVN_CPUID_FEATURES, 0x80000008 };

	(void)state;
	a_guest();
	for (unsigned int i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++) {
		uint64_t rax = leaves[i] | 1ull << 40;
		uint32_t out[4];

		caller->regs.gpr[RCX] = 0;
		cpuid_values(caller, leaves[i], 0, out);
		assert_int_equal(light_cpuid(caller, &rax), LIGHT_AGAIN);
		assert_int_equal(rax, out[0]);
		assert_int_equal(caller->regs.gpr[RBX], out[1]);
		assert_int_equal(caller->regs.gpr[RCX], out[2]);
		assert_int_equal(caller->regs.gpr[RDX], out[3]);
		assert_int_equal(counted(PVN_STAT_vp_exit_cpuid), i + 1);
	}
}

static void a_cpuid_that_the_parent_may_want_is_not_light(void **state)
{
	uint64_t rax = 1;

	(void)state;
	a_guest();
	caller->partition->cpuid.count = 1;
	assert_int_equal(light_cpuid(caller, &rax), LIGHT_NOT);
	assert_int_equal(rax, 1);
	caller->partition->cpuid.count = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_FAKE_MACHINE(a_doorbell_is_light_and_rings),
		ON_FAKE_MACHINE(a_doorbell_that_cannot_be_rung_takes_the_long_way_and_counts_nothing),
		ON_FAKE_MACHINE(a_message_port_is_no_doorbell),
		ON_FAKE_MACHINE(who_runs_the_receiver_is_kicked_and_told_once),
		ON_FAKE_MACHINE(who_rings_itself_leaves_the_guest_to_find_its_interrupt),
		ON_FAKE_MACHINE(who_woke_another_on_its_processor_leaves_the_guest),
		ON_FAKE_MACHINE(interrupts_for_others_are_light_and_those_for_itself_are_not),
		ON_FAKE_MACHINE(what_the_dispatcher_would_refuse_takes_the_long_way_and_counts_nothing),
		ON_FAKE_MACHINE(a_long_spin_is_light_while_nobody_waits_for_the_processor),
		ON_FAKE_MACHINE(a_light_cpuid_says_what_cpuid_says),
		ON_FAKE_MACHINE(a_cpuid_that_the_parent_may_want_is_not_light),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
