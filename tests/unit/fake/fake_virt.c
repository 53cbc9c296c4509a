// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * A vendor: VPs are files of registers, nested page tables have a format of their own
 * that looks like neither manufacturer's.
 */
#include "fake_machine.h"

static const struct nested_pt_format format = {
	.present = 1ull << 63,
	.table = 1ull << 63,
	.leaf = 3ull << 62,
	.large = 1ull << 62,
	.write = 1ull << 57,
	.execute = 1ull << 58,
	.huge_pages = true,
};

struct fake_vendor *fake_vendor(struct vp *vp) { return vp->vendor; }

static void vp_reset_(struct vp *vp) { fake_vendor(vp)->count = 0; }

static void inject_exception(struct vp *vp, uint8_t vector, bool has_code, uint32_t code)
{
	(void)has_code;
	(void)code;
	fake_vendor(vp)->exceptions_injected++;
	fake_vendor(vp)->last_exception = vector;
}

static bool is_vendor_register(uint32_t name)
{
	return (name >= PVN_REG_CR0 && name <= PVN_REG_CR4) ||
	       (name >= PVN_REG_DR0 && name < PVN_REG_DR0 + 6) ||
	       (name >= PVN_REG_ES && name < PVN_REG_ES + 8) || name == PVN_REG_EFER ||
	       name == PVN_REG_GDTR || name == PVN_REG_IDTR || name == PVN_REG_INTERRUPT_STATE ||
	       name == PVN_REG_LSTAR || name == PVN_REG_PAT || name == PVN_REG_STAR;
}

static enum pvn_status get_register(struct vp *vp, uint32_t name, uint64_t value[2])
{
	struct fake_vendor *vendor = fake_vendor(vp);

	value[0] = value[1] = 0;
	if (!is_vendor_register(name))
		return PVN_STATUS_INVALID_PARAMETER;
	for (unsigned int i = 0; i < vendor->count; i++)
		if (vendor->file[i].name == name)
			memcpy(value, vendor->file[i].value, sizeof(vendor->file[i].value));
	return PVN_STATUS_SUCCESS;
}

static enum pvn_status set_register(struct vp *vp, uint32_t name, const uint64_t value[2])
{
	struct fake_vendor *vendor = fake_vendor(vp);
	unsigned int i;

	/* One that every vendor checks. */
	if (!is_vendor_register(name) || (name == PVN_REG_CR0 && value[0] >> 32))
		return PVN_STATUS_INVALID_PARAMETER;
	for (i = 0; i < vendor->count && vendor->file[i].name != name; i++)
		;
	assert_true(i < FAKE_REGISTERS);
	vendor->file[i].name = name;
	memcpy(vendor->file[i].value, value, sizeof(vendor->file[i].value));
	if (i == vendor->count)
		vendor->count++;
	return PVN_STATUS_SUCCESS;
}

void fake_set_register(struct vp *vp, uint32_t name, uint64_t low, uint64_t high)
{
	assert_int_equal(set_register(vp, name, (uint64_t[]){ low, high }), PVN_STATUS_SUCCESS);
}

static void flush(struct vp *vp) { fake_vendor(vp)->flushes++; }
static void clear_shadow(struct vp *vp) { fake_vendor(vp)->shadows_cleared++; }
static bool event_pending(struct vp *vp) { return fake_vendor(vp)->event_pending; }
static uint8_t get_tpr(struct vp *vp) { return fake_vendor(vp)->tpr; }
static void set_tpr(struct vp *vp, uint8_t tpr) { fake_vendor(vp)->tpr = tpr; }

static void set_exception_intercepts(struct vp *vp, uint32_t vectors)
{
	fake_vendor(vp)->exception_intercepts = vectors;
}

static const struct virt_ops ops = {
	.npt = &format,
	.hypercall_code = { 0x0f, 0x01, 0xd9, 0xc3 },
	.vp_reset = vp_reset_,
	.inject_exception = inject_exception,
	.clear_shadow = clear_shadow,
	.flush = flush,
	.event_pending = event_pending,
	.get_register = get_register,
	.set_register = set_register,
	.get_tpr = get_tpr,
	.set_tpr = set_tpr,
	.set_exception_intercepts = set_exception_intercepts,
};

const struct virt_ops *virt = &ops;
