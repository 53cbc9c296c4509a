/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * The PCI bus of a guest with emulated disks or network cards. Slots 1 to 8 have an
 * interrupt each, to pins 16 to 23 of the I/O APIC; they are declared edge-triggered,
 * see emul/ioapic.h. Windows agree with emul/pci.h.
 */
DefinitionBlock ("", "SSDT", 2, "PVANE", "PVNPCI", 1)
{
	Scope (\_SB)
	{
		Device (PCI0)
		{
			Name (_HID, EisaId ("PNP0A03"))
			Name (_UID, Zero)
			Name (_BBN, Zero)
			Name (_CRS, ResourceTemplate ()
			{
				WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode,
					0, 0, 0, 0, 1)
				IO (Decode16, 0x0CF8, 0x0CF8, 1, 8)
				WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange,
					0, 0x0D00, 0xFFFF, 0, 0xF300)
				DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed,
					NonCacheable, ReadWrite,
					0, 0xC0000000, 0xFDFFFFFF, 0, 0x3E000000)
			})
			Name (_PRT, Package ()
			{
				Package () { 0x0001FFFF, 0, LNK1, 0 },
				Package () { 0x0002FFFF, 0, LNK2, 0 },
				Package () { 0x0003FFFF, 0, LNK3, 0 },
				Package () { 0x0004FFFF, 0, LNK4, 0 },
				Package () { 0x0005FFFF, 0, LNK5, 0 },
				Package () { 0x0006FFFF, 0, LNK6, 0 },
				Package () { 0x0007FFFF, 0, LNK7, 0 },
				Package () { 0x0008FFFF, 0, LNK8, 0 }
			})
		}

		Device (LNK1)
		{
			Name (_HID, EisaId ("PNP0C0F"))
			Name (_UID, 1)
			Name (_PRS, ResourceTemplate ()
			{
				Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 16 }
			})
			Method (_CRS, 0) { Return (_PRS) }
			Method (_STA, 0) { Return (0x0B) }
			Method (_DIS, 0) { }
			Method (_SRS, 1) { }
		}
		Device (LNK2)
		{
			Name (_HID, EisaId ("PNP0C0F"))
			Name (_UID, 2)
			Name (_PRS, ResourceTemplate ()
			{
				Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 17 }
			})
			Method (_CRS, 0) { Return (_PRS) }
			Method (_STA, 0) { Return (0x0B) }
			Method (_DIS, 0) { }
			Method (_SRS, 1) { }
		}
		Device (LNK3)
		{
			Name (_HID, EisaId ("PNP0C0F"))
			Name (_UID, 3)
			Name (_PRS, ResourceTemplate ()
			{
				Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 18 }
			})
			Method (_CRS, 0) { Return (_PRS) }
			Method (_STA, 0) { Return (0x0B) }
			Method (_DIS, 0) { }
			Method (_SRS, 1) { }
		}
		Device (LNK4)
		{
			Name (_HID, EisaId ("PNP0C0F"))
			Name (_UID, 4)
			Name (_PRS, ResourceTemplate ()
			{
				Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 19 }
			})
			Method (_CRS, 0) { Return (_PRS) }
			Method (_STA, 0) { Return (0x0B) }
			Method (_DIS, 0) { }
			Method (_SRS, 1) { }
		}
		Device (LNK5)
		{
			Name (_HID, EisaId ("PNP0C0F"))
			Name (_UID, 5)
			Name (_PRS, ResourceTemplate ()
			{
				Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 20 }
			})
			Method (_CRS, 0) { Return (_PRS) }
			Method (_STA, 0) { Return (0x0B) }
			Method (_DIS, 0) { }
			Method (_SRS, 1) { }
		}
		Device (LNK6)
		{
			Name (_HID, EisaId ("PNP0C0F"))
			Name (_UID, 6)
			Name (_PRS, ResourceTemplate ()
			{
				Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 21 }
			})
			Method (_CRS, 0) { Return (_PRS) }
			Method (_STA, 0) { Return (0x0B) }
			Method (_DIS, 0) { }
			Method (_SRS, 1) { }
		}
		Device (LNK7)
		{
			Name (_HID, EisaId ("PNP0C0F"))
			Name (_UID, 7)
			Name (_PRS, ResourceTemplate ()
			{
				Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 22 }
			})
			Method (_CRS, 0) { Return (_PRS) }
			Method (_STA, 0) { Return (0x0B) }
			Method (_DIS, 0) { }
			Method (_SRS, 1) { }
		}
		Device (LNK8)
		{
			Name (_HID, EisaId ("PNP0C0F"))
			Name (_UID, 8)
			Name (_PRS, ResourceTemplate ()
			{
				Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 23 }
			})
			Method (_CRS, 0) { Return (_PRS) }
			Method (_STA, 0) { Return (0x0B) }
			Method (_DIS, 0) { }
			Method (_SRS, 1) { }
		}
	}
}
