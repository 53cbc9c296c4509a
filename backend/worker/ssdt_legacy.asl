/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * What every guest with emulated devices has: a clock with an interrupt.
 */
DefinitionBlock ("", "SSDT", 2, "PVANE", "PVNLEGCY", 1)
{
	Scope (\_SB)
	{
		Device (RTC0)
		{
			Name (_HID, EisaId ("PNP0B00"))
			Name (_CRS, ResourceTemplate ()
			{
				IO (Decode16, 0x0070, 0x0070, 1, 2)
				Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 8 }
			})
		}
	}
}
