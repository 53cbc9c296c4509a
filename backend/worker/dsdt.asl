/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * What a guest is told by ACPI's own language: how to switch itself off, and
 * where the store is. Everything else it finds in the store.
 * Addresses agree with layout.h.
 */
DefinitionBlock ("", "DSDT", 2, "PVANE", "PARAVANE", 1)
{
	/* Sleep type 5 for SLEEP_CONTROL (ports.c). */
	Name (\_S5, Package () { 5, 0, 0, 0 })

	Scope (\_SB)
	{
		/* The Paravane bus: page and channel of the store. */
		Device (PVNB)
		{
			Name (_HID, "PVNB0001")
			Name (_UID, Zero)
			Name (_CRS, ResourceTemplate ()
			{
				Memory32Fixed (ReadWrite, 0xFE000000, 0x00001000)
			})
			Name (CHAN, 1)		/* channel of the store */
			Name (VERS, 0x00010000)	/* of this announcement */
			Method (_STA, 0) { Return (0x0F) }
		}
	}
}
