// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * System management mode of a child's VP, in software [APM2 ch. 10 "System-Management Mode"].
 * SMRAM is ordinary memory of the guest; what the handler leaves in the save area is copied
 * once, and a register that cannot have its value shuts the VP down. Runs on the VP's own
 * processor, between two entries; takes the map's lock.
 */
#include "core/exit.h"
#include "core/partition.h"

#define AREA		0xfe00u		/* of the save area, from SMBASE on */
#define HANDLER		0x8000u
#define REVISION	0x20064ull	/* AMD64, SMBASE moves */
#define CR0_CLEARED	0x8000000dull	/* PE EM TS PG */
#define FLAT		0xffffffffull	/* limit */
#define CODE		(0x809bull << 48)
#define DATA		(0x8093ull << 48)

#define WORD(at)	(((at) - AREA) / 8)
#define FLAGS		WORD(0xfec8)	/* a byte each: I/O restart, auto-halt, NMI mask, shadow */
#define HALTED		0xff00ull
#define SHADOW_SHIFT	24

enum form { PLAIN, SEGMENT, TABLE };

/* Registers of consecutive names, step bytes apart [APM2 10.2.3 "SMRAM State-Save Area"]. */
static const struct { uint16_t at; int8_t step; uint8_t form, count; uint32_t name; } rows[] = {
	{ 0xfe00, 16, SEGMENT, 6, PVN_REG_ES },
	{ 0xfe60, 16, TABLE, 1, PVN_REG_GDTR }, { 0xfe70, 16, SEGMENT, 1, PVN_REG_ES + 6 },
	{ 0xfe80, 16, TABLE, 1, PVN_REG_IDTR }, { 0xfe90, 16, SEGMENT, 1, PVN_REG_ES + 7 },
	{ 0xfed0, 8, PLAIN, 1, PVN_REG_EFER }, { 0xff48, 8, PLAIN, 1, PVN_REG_CR4 },
	{ 0xff50, 8, PLAIN, 1, PVN_REG_CR3 }, { 0xff58, 8, PLAIN, 1, PVN_REG_CR0 },
	{ 0xff60, 8, PLAIN, 1, PVN_REG_DR0 + 5 }, { 0xff68, 8, PLAIN, 1, PVN_REG_DR0 + 4 },
	{ 0xfff8, -8, PLAIN, 18, PVN_REG_RAX },	/* down to RIP and RFLAGS */
};

/* Selector, attributes and limit are one word there, as they are here, in another order. */
static uint64_t swap(uint64_t word) { return word << 32 | word >> 32; }

static void save(struct vp *vp, uint32_t name, enum form form, uint64_t *at)
{
	uint64_t value[2] = { 0 };

	vp_get_register(vp, name, value);
	at[0] = form == SEGMENT ? swap(value[1]) : form == TABLE ? value[0] >> 16 : value[0];
	if (form != PLAIN)
		at[1] = value[form == TABLE];
}

static bool restore(struct vp *vp, uint32_t name, enum form form, const uint64_t *at)
{
	uint64_t second = form == PLAIN ? 0 : at[1];
	const uint64_t value[2] = { form == SEGMENT ? second : form == TABLE ? at[0] << 16 : at[0],
				    form == SEGMENT ? swap(at[0]) : second };

	return vp_set_register(vp, name, value) == PVN_STATUS_SUCCESS;
}

static bool move(struct vp *vp, uint64_t *area, bool out)
{
	for (unsigned int r = 0; r < sizeof(rows) / sizeof(rows[0]); r++)
		for (unsigned int i = 0; i < rows[r].count; i++) {
			uint64_t *at = area + WORD(rows[r].at + (int)i * rows[r].step);

			if (out)
				save(vp, rows[r].name + i, rows[r].form, at);
			else if (!restore(vp, rows[r].name + i, rows[r].form, at))
				return false;
		}
	return true;
}

static void shut_down(struct vp *vp)
{
	struct pvn_intercept_header header;

	intercept_send(vp, PVN_MESSAGE_UNRECOVERABLE_EXCEPTION, 2, 0, &header, sizeof(header));
}

static struct gpa area_of(const struct vp *vp) { return gpa((uint64_t)vp->smbase + AREA); }

static void begin_handler(struct vp *vp)
{
	const struct { uint32_t name; uint64_t value[2]; } state[] = {
		{ PVN_REG_CR0, { vp_vendor_register(vp, PVN_REG_CR0, 0) & ~CR0_CLEARED } },
		{ PVN_REG_CR4, { 0 } }, { PVN_REG_EFER, { 0 } }, { PVN_REG_DR0 + 5, { 0x400 } },
		{ PVN_REG_RFLAGS, { 2 } }, { PVN_REG_RIP, { HANDLER } }, { PVN_REG_INTERRUPT_STATE, { 0 } },
		{ PVN_REG_CS, { vp->smbase, CODE | (vp->smbase >> 4 & 0xffffull) << 32 | FLAT } },
		{ PVN_REG_ES, { 0, DATA | FLAT } }, { PVN_REG_SS, { 0, DATA | FLAT } },
		{ PVN_REG_ES + 3, { 0, DATA | FLAT } }, { PVN_REG_ES + 4, { 0, DATA | FLAT } },
		{ PVN_REG_ES + 5, { 0, DATA | FLAT } },
	};

	for (unsigned int i = 0; i < sizeof(state) / sizeof(state[0]); i++)
		vp_set_register(vp, state[i].name, state[i].value);
	virt->flush(vp);
}

void smm_enter(struct vp *vp)
{
	uint64_t area[64] = { 0 };

	if (virt->event_pending(vp))	/* it comes first */
		return;
	__atomic_fetch_and(&vp->lapic.events, ~LAPIC_SMI, __ATOMIC_SEQ_CST);
	move(vp, area, true);
	area[FLAGS] = (vp->halted && !vp->idle ? HALTED : 0) |
		      vp_vendor_register(vp, PVN_REG_INTERRUPT_STATE, 0) << SHADOW_SHIFT;
	area[WORD(0xfef8)] = REVISION << 32;
	area[WORD(0xff00)] = vp->smbase;
	if (!gpa_map_copy_out(&vp->partition->map, area_of(vp), area, sizeof(area)))
		return shut_down(vp);
	vp->in_smm = true;
	vp->halted = vp->idle = false;
	begin_handler(vp);
}

void smm_leave(struct vp *vp)
{
	uint64_t area[64], shadow[2] = { 0 };

	if (!gpa_map_copy_in(&vp->partition->map, area, area_of(vp), sizeof(area)) ||
	    area[WORD(0xff00)] & (PAGE_SIZE - 1) || !move(vp, area, false))
		return shut_down(vp);
	shadow[0] = area[FLAGS] >> SHADOW_SHIFT & 1;
	vp_set_register(vp, PVN_REG_INTERRUPT_STATE, shadow);
	vp->smbase = (uint32_t)area[WORD(0xff00)];
	vp->halted = area[FLAGS] & HALTED;
	vp->in_smm = false;
	virt->flush(vp);
}
