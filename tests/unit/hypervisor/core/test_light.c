// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Light exits: which are, what they do, and that they do what the long way does.
 */
#include <pvn/abi/cpuid.h>
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

static enum light call(uint64_t control, uint64_t in, uint64_t out, uint64_t *result)
{
	*result = ~0ull;
	caller->regs.gpr[RCX] = control;
	caller->regs.gpr[RDX] = in;
	caller->regs.gpr[R8] = out;
	return light_hypercall(caller, result);
}

static uint64_t counted(unsigned int slot) { return caller->stats.count[slot]; }

static void a_doorbell_is_light_and_rings(void **state)
{
	uint64_t result;

	(void)state;
	a_guest();
	assert_int_equal(call(FAST(signal_event), 1, 0, &result), LIGHT_AGAIN);
	assert_int_equal(result, PVN_STATUS_SUCCESS);
	assert_true(is_raised(machine.root_vp, VECTOR));
	assert_int_equal(counted(PVN_STAT_vp_exit_hypercall), 1);
	assert_int_equal(counted(PVN_STAT_vp_calls + PVN_CALL_TO_SLOT(PVN_CALL_signal_event)), 1);
}

static void a_doorbell_to_nobody_has_the_status_of_the_long_way(void **state)
{
	uint64_t result;

	(void)state;
	a_guest();
	assert_int_equal(call(FAST(signal_event), 2, 0, &result), LIGHT_AGAIN);
	assert_int_equal(result, PVN_STATUS_INVALID_CONNECTION_ID);
	assert_int_equal(call(FAST(signal_event), 1 | 1ull << 32, 0, &result), LIGHT_AGAIN);
	assert_int_equal(result, PVN_STATUS_INVALID_PARAMETER);
}

static void who_woke_another_on_its_processor_leaves_the_guest(void **state)
{
	uint64_t result;

	(void)state;
	a_guest();
	machine.cpu[0].ready_count = 1;
	assert_int_equal(call(FAST(signal_event), 1, 0, &result), LIGHT_LEAVE);
	assert_int_equal(result, PVN_STATUS_SUCCESS);
	/* The call is counted here, the exit by the processor's loop. */
	assert_int_equal(counted(PVN_STAT_vp_calls + PVN_CALL_TO_SLOT(PVN_CALL_signal_event)), 1);
	assert_int_equal(counted(PVN_STAT_vp_exit_hypercall), 0);
	/* Its slice has an end already. */
	machine.cpu[0].slice_end = 1000;
	assert_int_equal(call(FAST(signal_event), 1, 0, &result), LIGHT_AGAIN);
	machine.cpu[0].slice_end = machine.cpu[0].cap_end;
	machine.cpu[0].ready_count = 0;
	machine.cpu[0].resched = true;
	assert_int_equal(call(FAST(send_synthetic_cluster_ipi), VECTOR, 2, &result), LIGHT_LEAVE);
	machine.cpu[0].resched = false;
}

static void interrupts_for_others_are_light_and_those_for_itself_are_not(void **state)
{
	uint64_t result;

	(void)state;
	a_guest();
	assert_int_equal(call(FAST(send_synthetic_cluster_ipi), VECTOR, 2, &result), LIGHT_AGAIN);
	assert_int_equal(result, PVN_STATUS_SUCCESS);
	assert_true(is_raised(other, VECTOR));
	assert_int_equal(call(FAST(send_synthetic_cluster_ipi), 15, 2, &result), LIGHT_AGAIN);
	assert_int_equal(result, PVN_STATUS_INVALID_PARAMETER);
	assert_int_equal(call(FAST(send_synthetic_cluster_ipi), VECTOR, 3, &result), LIGHT_NOT);
	assert_int_equal(result, ~0ull);
	assert_false(is_raised(caller, VECTOR));
}

static void what_the_dispatcher_would_refuse_takes_the_long_way_and_counts_nothing(void **state)
{
	uint64_t result;

	(void)state;
	a_guest();
	/* Reserved bits of the input, of the control word; memory form; a rep count; other rows. */
	assert_int_equal(call(FAST(signal_event), 1 | 1ull << 48, 0, &result), LIGHT_NOT);
	assert_int_equal(call(FAST(signal_event) | 1ull << 27, 1, 0, &result), LIGHT_NOT);
	assert_int_equal(call(PVN_CALL_signal_event, 1, 0, &result), LIGHT_NOT);
	assert_int_equal(call(FAST(signal_event) | 1ull << PVN_CONTROL_REP_COUNT_SHIFT, 1, 0, &result),
			 LIGHT_NOT);
	assert_int_equal(call(FAST(get_partition_id), 0, 0, &result), LIGHT_NOT);
	caller->partition->privileges &= ~(1ull << PVN_PRIVILEGE_SIGNAL_EVENTS);
	assert_int_equal(call(FAST(signal_event), 1, 0, &result), LIGHT_NOT);
	caller->partition->privileges |= 1ull << PVN_PRIVILEGE_SIGNAL_EVENTS;
	caller->partition->guest_os_id = 0;
	assert_int_equal(call(FAST(signal_event), 1, 0, &result), LIGHT_NOT);
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
		ON_FAKE_MACHINE(a_doorbell_to_nobody_has_the_status_of_the_long_way),
		ON_FAKE_MACHINE(who_woke_another_on_its_processor_leaves_the_guest),
		ON_FAKE_MACHINE(interrupts_for_others_are_light_and_those_for_itself_are_not),
		ON_FAKE_MACHINE(what_the_dispatcher_would_refuse_takes_the_long_way_and_counts_nothing),
		ON_FAKE_MACHINE(a_long_spin_is_light_while_nobody_waits_for_the_processor),
		ON_FAKE_MACHINE(a_light_cpuid_says_what_cpuid_says),
		ON_FAKE_MACHINE(a_cpuid_that_the_parent_may_want_is_not_light),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
