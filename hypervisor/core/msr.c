/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Model-specific registers that exit: the synthetic ones, each behind its privilege
 * [TLFS 2.0 5.2.3 "Partition Privilege Flags"], the local APIC's, and the architectural
 * ones that a child is shown. For the root, what is not here reaches the hardware without
 * an exit. Runs on the VP's own processor; page registers take the partition's lock.
 */
#include "core/exit.h"
#include "core/platform.h"

#define HYPERCALL_LOCKED   0x2ull
#define SYNIC_VERSION	   1
#define GPA_BITS	   48
#define CRASH_CTL_SUPPORTED (PVN_CRASH_CTL_NOTIFY | PVN_CRASH_CTL_MESSAGE)

#define EFER_SCE	   (1ull << 0)
#define EFER_FFXSR	   (1ull << 14)

enum {
	MSR_TSC = 0x10, MSR_PAT = 0x277, MSR_X2APIC_TPR = 0x808, MSR_X2APIC_EOI = 0x80b,
	MSR_X2APIC_LAST = 0x83f,
};

/* Pages that registers name */

bool msr_move_overlay(struct vp *vp, uint64_t old, uint64_t value, void *page, unsigned int rights)
{
	struct gpa_map *map = &vp->partition->map;
	bool was = old & PVN_MSR_PAGE_ENABLE, is = value & PVN_MSR_PAGE_ENABLE;
	struct gpa from = gpa_page(gpa(old)), to = gpa_page(gpa(value));

	if (value >> GPA_BITS)
		return false;
	if ((!was && !is) || (was && is && from.v == to.v))
		return true;
	/* The half that may fail comes first. */
	if (is && gpa_map_overlay_add(map, to, plat_hpa(page), rights) != PVN_STATUS_SUCCESS)
		return false;
	if (was)
		gpa_map_overlay_remove(map, from);
	gpa_map_flush(map);
	return true;
}

bool msr_move_page(struct vp *vp, uint64_t *msr, uint64_t value, void *page, unsigned int rights)
{
	if (!msr_move_overlay(vp, *msr, value, page, rights))
		return false;
	__atomic_store_n(msr, value, __ATOMIC_RELEASE);
	return true;
}

/*
 * A page register of the whole partition. The overlay moves without the lock, since a flush
 * waits for other processors; VPs that write the register at the same time may leave an
 * overlay behind, which nobody but their own partition sees and which goes with its map.
 */
static bool move_partition_page(struct vp *vp, uint64_t *msr, uint64_t value, void *page, unsigned int rights)
{
	struct partition *partition = vp->partition;
	uint64_t old;

	spin_lock(&partition->lock);
	old = *msr;
	*msr = value;
	spin_unlock(&partition->lock);
	if (msr_move_overlay(vp, old, value, page, rights))
		return true;
	spin_lock(&partition->lock);
	if (*msr == value)
		*msr = old;
	spin_unlock(&partition->lock);
	return false;
}

static bool write_hypercall(struct vp *vp, uint64_t value)
{
	struct partition *partition = vp->partition;

	if (partition->hypercall_msr & HYPERCALL_LOCKED)
		return false;
	/* [TLFS 2.0 4.12 "Establishing the Hypercall Interface"]: an identity comes first. */
	if (!partition->guest_os_id)
		value &= ~PVN_MSR_PAGE_ENABLE;
	return move_partition_page(vp, &partition->hypercall_msr, value, partition->hypercall_page,
				   GPA_READ | GPA_EXECUTE);
}

static bool write_guest_os_id(struct vp *vp, uint64_t value)
{
	struct partition *partition = vp->partition;

	partition->guest_os_id = value;
	if (value)
		return true;
	return move_partition_page(vp, &partition->hypercall_msr,
				   partition->hypercall_msr & ~PVN_MSR_PAGE_ENABLE,
				   partition->hypercall_page, GPA_READ | GPA_EXECUTE);
}

static bool write_reference_tsc(struct vp *vp, uint64_t value)
{
	struct partition *partition = vp->partition;
	bool enable = value & PVN_MSR_PAGE_ENABLE;

	if (enable)
		partition_fill_tsc_page(partition, true);
	if (!move_partition_page(vp, &partition->reference_tsc_msr, value, partition->tsc_page, GPA_READ))
		return false;
	if (!enable)
		partition_fill_tsc_page(partition, false);
	return true;
}

static bool write_assist(struct vp *vp, uint64_t value)
{
	lapic_assist_off(vp);
	return msr_move_page(vp, &vp->assist_msr, value, vp->assist, GPA_READ | GPA_WRITE);
}

/* Both pages of a kind, retail and internal, are the same one [TLFS 2.0 21.4 "Statistics MSRs"]. */
static bool write_stats(struct vp *vp, uint32_t msr, uint64_t value)
{
	struct partition *partition = vp->partition;

	if (msr >= PVN_MSR_STATS_VP)
		return msr_move_page(vp, &vp->stats_msr[msr - PVN_MSR_STATS_VP], value,
				     vp->stats.count, GPA_READ);
	return move_partition_page(vp, &partition->stats_msr[msr - PVN_MSR_STATS_PARTITION], value,
				   partition->stats.count, GPA_READ);
}

/* Ends of a guest */

static bool write_reset(struct vp *vp, uint64_t value)
{
	struct pvn_intercept_header header = { 0 };

	if (value & ~1ull)
		return false;
	if (!value)
		return true;
	if (vp->partition->is_root)
		log_warn("root partition wrote the reset register: ignored, it has the machine's");
	else
		intercept_send(vp, PVN_MESSAGE_RESET, 1, 0, &header, sizeof(header));
	return true;
}

static bool write_crash_control(struct vp *vp, uint64_t value)
{
	struct partition *partition = vp->partition;
	struct pvn_crash_message message = { .control = value };

	partition->crash[5] = value;
	if (!(value & PVN_CRASH_CTL_NOTIFY))
		return true;
	for (unsigned int i = 0; i < 5; i++)
		message.p[i] = partition->crash[i];
	if (partition->is_root)
		log_error("root partition crashed: %lx %lx %lx %lx %lx", message.p[0], message.p[1],
			  message.p[2], message.p[3], message.p[4]);
	else
		intercept_send(vp, PVN_MESSAGE_CRASH, 1, 0, &message, sizeof(message));
	return true;
}

/* Synthetic registers */

/* The privilege that a synthetic register needs; PVN_PRIVILEGE_NONE: no such register. */
static enum pvn_privilege synthetic_privilege(uint32_t msr)
{
	switch (msr) {
#define PVN_TLFS_MSR(first, count, name, privilege, remark) \
	case (first) ... (first) + (count) - 1: return PVN_PRIVILEGE_##privilege;
#include <tlfs-v2.def>
	}
	return PVN_PRIVILEGE_NONE;
}

static bool may_access(const struct vp *vp, uint32_t msr)
{
	enum pvn_privilege privilege = synthetic_privilege(msr);

	return privilege != PVN_PRIVILEGE_NONE && partition_may(vp->partition, privilege);
}

/* ICR of [TLFS 2.0 10.3 "Virtual APIC MSRs"] names an 8-bit destination in its top byte. */
static uint64_t icr_from_synthetic(uint64_t icr)
{
	uint64_t to = icr >> 56;

	return (icr & 0xffffffff) | (to == 0xff ? 0xffffffffull : to) << 32;
}

static uint64_t icr_to_synthetic(uint64_t icr) { return (icr & 0xffffffff) | icr >> 32 << 56; }

static uint64_t vp_runtime(const struct vp *vp)
{
	/* It is running: what the scheduler has not added yet counts too. */
	return reference_units(vp->run_tsc + plat_tsc() - vp->charged);
}

static uint64_t guest_idle(struct vp *vp)
{
	/* [TLFS 2.0 9.4.2 "Virtual Processor Idle Sleep State"]: wakes with IF = 0 too. */
	vp->idle = true;
	vp->halted = true;
	return 0;
}

/* What is read as it was written; NULL: not one of these. */
static const uint64_t *plain_of(const struct vp *vp, uint32_t msr)
{
	const struct partition *partition = vp->partition;
	const struct synic *synic = &vp->synic;

	switch (msr) {
	case PVN_MSR_GUEST_OS_ID: return &partition->guest_os_id;
	case PVN_MSR_HYPERCALL: return &partition->hypercall_msr;
	case PVN_MSR_REFERENCE_TSC: return &partition->reference_tsc_msr;
	case PVN_MSR_VP_ASSIST_PAGE: return &vp->assist_msr;
	case PVN_MSR_SCONTROL: return &synic->control;
	case PVN_MSR_SIEFP: return &synic->event_msr;
	case PVN_MSR_SIMP: return &synic->message_msr;
	case PVN_MSR_SINT0 ... PVN_MSR_SINT0 + PVN_SINT_COUNT - 1: return &synic->sint[msr - PVN_MSR_SINT0];
	case PVN_MSR_STATS_PARTITION ... PVN_MSR_STATS_PARTITION + 1:
		return &partition->stats_msr[msr - PVN_MSR_STATS_PARTITION];
	case PVN_MSR_STATS_VP ... PVN_MSR_STATS_VP + 1: return &vp->stats_msr[msr - PVN_MSR_STATS_VP];
	case PVN_MSR_CRASH_P0 ... PVN_MSR_CRASH_CTL - 1: return &partition->crash[msr - PVN_MSR_CRASH_P0];
	}
	return NULL;
}

static bool synthetic_read(struct vp *vp, uint32_t msr, uint64_t *value)
{
	const uint64_t *plain = plain_of(vp, msr);

	if (plain) {
		*value = *plain;
		return true;
	}
	switch (msr) {
	case PVN_MSR_VP_INDEX: *value = vp->index; break;
	case PVN_MSR_RESET: *value = 0; break;
	case PVN_MSR_VP_RUNTIME: *value = vp_runtime(vp); break;
	case PVN_MSR_TIME_REF_COUNT: *value = partition_reference_time(vp->partition, plat_tsc()); break;
	case PVN_MSR_TSC_FREQUENCY: *value = plat_tsc_hz(); break;
	case PVN_MSR_APIC_FREQUENCY: *value = plat_apic_hz(); break;
	case PVN_MSR_ICR: *value = icr_to_synthetic(vp->lapic.icr); break;
	case PVN_MSR_TPR: *value = virt->get_tpr(vp); break;
	case PVN_MSR_SVERSION: *value = SYNIC_VERSION; break;
	case PVN_MSR_EOM: *value = 0; break;
	case PVN_MSR_GUEST_IDLE: *value = guest_idle(vp); break;
	case PVN_MSR_CRASH_CTL: *value = CRASH_CTL_SUPPORTED; break;
	default: return stimer_read_msr(vp, msr, value);
	}
	return true;
}

static bool synthetic_write(struct vp *vp, uint32_t msr, uint64_t value)
{
	switch (msr) {
	case PVN_MSR_GUEST_OS_ID: return write_guest_os_id(vp, value);
	case PVN_MSR_HYPERCALL: return write_hypercall(vp, value);
	case PVN_MSR_RESET: return write_reset(vp, value);
	case PVN_MSR_REFERENCE_TSC: return write_reference_tsc(vp, value);
	case PVN_MSR_EOI: return !(value >> 32) && lapic_write_msr(vp, MSR_X2APIC_EOI, 0);
	case PVN_MSR_TPR: return lapic_write_msr(vp, MSR_X2APIC_TPR, value);
	case PVN_MSR_ICR:
		lapic_write_icr(vp, icr_from_synthetic(value));
		return true;
	case PVN_MSR_VP_ASSIST_PAGE: return write_assist(vp, value);
	case PVN_MSR_STATS_PARTITION ... PVN_MSR_STATS_VP + 1: return write_stats(vp, msr, value);
	case PVN_MSR_CRASH_P0 ... PVN_MSR_CRASH_CTL - 1:
		vp->partition->crash[msr - PVN_MSR_CRASH_P0] = value;
		return true;
	case PVN_MSR_CRASH_CTL: return write_crash_control(vp, value);
	default:
		return msr >= PVN_MSR_SCONTROL && msr < PVN_MSR_GUEST_IDLE && synic_write_msr(vp, msr, value);
	}
}

/* Architectural registers */

static bool set(struct vp *vp, uint32_t name, uint64_t v)
{
	const uint64_t value[2] = { v };

	return virt->set_register(vp, name, value) == PVN_STATUS_SUCCESS;
}

static uint64_t read_efer(struct vp *vp)
{
	/* SVME is on because of us. */
	return vp_vendor_register(vp, PVN_REG_EFER, 0) & ~EFER_SVME;
}

static bool write_efer(struct vp *vp, uint64_t value)
{
	uint64_t old = read_efer(vp), valid = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE;
	uint32_t features[4];

	cpuid_values(vp, 0x80000001, 0, features);
	if (features[3] & 1u << 25)
		valid |= EFER_FFXSR;
	if (value & ~valid)
		return false;
	/* [APM2 3.1.7 "Extended Feature Enable Register"] */
	if ((value ^ old) & EFER_LME && vp_vendor_register(vp, PVN_REG_CR0, 0) & CR0_PG)
		return false;
	return set(vp, PVN_REG_EFER, (value & ~EFER_LMA) | (old & EFER_LMA));
}

static bool write_pat(struct vp *vp, uint64_t value)
{
	for (unsigned int i = 0; i < 8; i++) {
		unsigned int type = value >> i * 8 & 0xff;

		if (type > 7 || type == 2 || type == 3)
			return false;
	}
	return set(vp, PVN_REG_PAT, value);
}

/* What a stock kernel reads of a child's processor; writes change nothing. */
static bool child_constant(uint32_t msr, uint64_t *value)
{
	switch (msr) {
	case MSR_TSC: *value = plat_tsc(); return true;
#define PVN_CHILD_MSR(number, constant, name) case number: *value = constant; return true;
#include <processor.def>
	default: return false;
	}
}

static bool is_synthetic(uint32_t msr) { return msr >> 28 == 4; }

static bool is_lapic(uint32_t msr)
{
	return msr == MSR_APIC_BASE || msr == MSR_TSC_DEADLINE ||
	       (msr >= MSR_X2APIC && msr <= MSR_X2APIC_LAST);
}

/* Those of system calls and segments are the vendor's: they do not exit. */
bool msr_read(struct vp *vp, uint32_t msr, uint64_t *value)
{
	if (is_synthetic(msr))
		return may_access(vp, msr) && synthetic_read(vp, msr, value);
	if (is_lapic(msr))
		return lapic_read_msr(vp, msr, value);
	if (msr == MSR_EFER)
		*value = read_efer(vp);
	else if (vp->partition->is_root)
		return false;
	else if (msr == MSR_PAT)
		*value = vp_vendor_register(vp, PVN_REG_PAT, 0);
	else
		return child_constant(msr, value);
	return true;
}

bool msr_write(struct vp *vp, uint32_t msr, uint64_t value, bool *bad_value)
{
	uint64_t constant;
	bool done;

	*bad_value = false;
	if (is_synthetic(msr)) {
		if (!may_access(vp, msr))
			return false;
		done = synthetic_write(vp, msr, value);
	} else if (is_lapic(msr)) {
		done = lapic_write_msr(vp, msr, value);
	} else if (msr == MSR_EFER) {
		done = write_efer(vp, value);
	} else if (msr == MSR_PAT && !vp->partition->is_root) {
		done = write_pat(vp, value);
	} else {
		return !vp->partition->is_root && child_constant(msr, &constant);
	}
	/* A mode that the APIC does not have: its parent may know better than #GP. */
	*bad_value = !done && msr != MSR_APIC_BASE;
	return done;
}

bool msr_read_state(struct vp *vp, uint32_t msr, uint64_t *value)
{
	return is_synthetic(msr) ? synthetic_read(vp, msr, value) : child_constant(msr, value);
}

bool msr_write_state(struct vp *vp, uint32_t msr, uint64_t value)
{
	uint64_t constant;

	if (msr == PVN_MSR_ICR) {
		vp->lapic.icr = icr_from_synthetic(value);
		return true;
	}
	if (is_synthetic(msr))
		return synthetic_write(vp, msr, value);
	return child_constant(msr, &constant) && value == constant;
}
