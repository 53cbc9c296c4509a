// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Walks a guest's page tables in software, all forms of them [APM2 ch. 5 "Page
 * Translation and Protection"]. Entries are read one at a time, under the lock of the
 * guest's map: the guest may change them meanwhile, as it may under a processor's walk.
 */
#include "core/exit.h"
#include "core/platform.h"

#define CR4_PAE		(1ull << 5)
#define CR4_LA57	(1ull << 12)
#define RFLAGS_AC	(1ull << 18)

#define PTE_PRESENT	(1ull << 0)
#define PTE_WRITE	(1ull << 1)
#define PTE_USER	(1ull << 2)
#define PTE_CACHE_SHIFT	3		/* PWT, PCD */
#define PTE_ACCESSED	(1ull << 5)
#define PTE_DIRTY	(1ull << 6)
#define PTE_LARGE	(1ull << 7)	/* PAT in the lowest level */
#define PTE_LARGE_PAT	(1ull << 12)
#define PTE_NX		(1ull << 63)
#define PTE_ADDRESS	0x000ffffffffff000ull

/* The form of the tables. */
struct walk {
	struct vp *vp;
	uint64_t cr0, cr4, efer;
	unsigned int levels, entry_bytes, index_bits;
	uint64_t rights;	/* PTE_WRITE, PTE_USER: of all levels; PTE_NX: of any */
};

static void choose_form(struct walk *w)
{
	bool pae = w->cr4 & CR4_PAE, wide = w->efer & EFER_LMA;

	w->levels = wide ? (w->cr4 & CR4_LA57 ? 5 : 4) : pae ? 3 : 2;
	w->entry_bytes = pae || wide ? 8 : 4;
	w->index_bits = pae || wide ? 9 : 10;
	w->rights = PTE_WRITE | PTE_USER;
}

static bool is_pdpte(const struct walk *w, unsigned int level) { return w->levels == 3 && level == 3; }

static bool is_leaf(const struct walk *w, unsigned int level, uint64_t entry)
{
	if (level == 1)
		return true;
	return entry & PTE_LARGE && level <= (w->levels > 3 ? 3u : 2u) &&
	       (w->entry_bytes == 8 || w->cr4 & CR4_PSE);
}

/* Bits that must be 0; a large bit where none is possible is one of them. */
static bool is_bad(const struct walk *w, unsigned int level, uint64_t entry)
{
	if (w->entry_bytes == 4)
		return false;
	if (entry & PTE_NX && (!(w->efer & EFER_NXE) || is_pdpte(w, level)))
		return true;
	return entry & PTE_LARGE && level > 1 && !is_leaf(w, level, entry);
}

/* [APM2 5.6 "Page-Protection Checks"] */
static bool is_allowed(const struct walk *w, uint64_t flags)
{
	bool as_user = (vp_vendor_register(w->vp, PVN_REG_SS, 1) >> 53 & 3) == 3, user = w->rights & PTE_USER;

	if (flags & PVN_TRANSLATE_NO_PRIVILEGE)
		return true;
	if (as_user && !user)
		return false;
	if (flags & PVN_TRANSLATE_WRITE && !(w->rights & PTE_WRITE) && (as_user || w->cr0 & CR0_WP))
		return false;
	if (flags & PVN_TRANSLATE_EXECUTE && (w->rights & PTE_NX || (!as_user && user && w->cr4 & CR4_SMEP)))
		return false;
	return !(flags & (PVN_TRANSLATE_READ | PVN_TRANSLATE_WRITE)) || as_user || !user ||
	       !(w->cr4 & CR4_SMAP) || w->vp->regs.rflags & RFLAGS_AC;
}

static unsigned int cache_type(struct walk *w, unsigned int level, uint64_t entry)
{
	unsigned int index = (entry >> PTE_CACHE_SHIFT & 3) |
			     (entry & (level == 1 ? PTE_LARGE : PTE_LARGE_PAT) ? 4 : 0);
	unsigned int type = vp_vendor_register(w->vp, PVN_REG_PAT, 0) >> index * 8 & 7;

	return type == 7 ? 0 : type;	/* UC- is UC without an MTRR that says otherwise */
}

/* As the processor does: never taken back, and only when the whole walk has succeeded. */
static void set_bits(struct walk *w, const struct gpa *entries, unsigned int level, uint64_t flags)
{
	struct gpa_map *map = &w->vp->partition->map;

	for (unsigned int i = w->levels; i >= level; i--) {
		SPIN_HOLD(&map->lock);
		uint8_t bits = PTE_ACCESSED | (i == level && flags & PVN_TRANSLATE_WRITE ? PTE_DIRTY : 0);
		struct hpa at = gpa_map_lookup_locked(map, entries[i], GPA_WRITE);

		if (!is_pdpte(w, i) && !hpa_is_none(at))
			__atomic_fetch_or((uint8_t *)plat_hva(at), bits, __ATOMIC_SEQ_CST);
	}
}

uint32_t guest_translate(struct vp *vp, uint64_t gva, uint64_t flags, struct gpa *at, unsigned int *cache)
{
	struct walk w = { .vp = vp, .cr0 = vp_vendor_register(vp, PVN_REG_CR0, 0),
			  .cr4 = vp_vendor_register(vp, PVN_REG_CR4, 0),
			  .efer = vp_vendor_register(vp, PVN_REG_EFER, 0) };
	uint64_t table = vp_vendor_register(vp, PVN_REG_CR3, 0), entry = 0, size;
	struct gpa entries[6];
	unsigned int level, shift;

	*at = gpa(gva);
	*cache = 6;
	if (!(w.cr0 & CR0_PG))
		return PVN_TRANSLATE_OK;
	choose_form(&w);
	if (w.levels > 3 && (uint64_t)((int64_t)gva >> (8 + 9 * w.levels + 3)) + 1 > 1)
		return PVN_TRANSLATE_NOT_PRESENT;	/* not canonical */
	/* Three levels: the first table is four entries, anywhere by 32 bytes. */
	table &= w.levels == 3 ? 0xffffffe0ull : w.levels == 2 ? 0xfffff000ull : PTE_ADDRESS;
	for (level = w.levels;; level--) {
		shift = PAGE_SHIFT + w.index_bits * (level - 1);
		*at = entries[level] = gpa(table + (gva >> shift & (is_pdpte(&w, level) ? 3 :
					   (1u << w.index_bits) - 1)) * w.entry_bytes);
		entry = 0;
		if (!gpa_map_copy_in(&vp->partition->map, &entry, *at, w.entry_bytes))
			return PVN_TRANSLATE_UNMAPPED;
		if (!(entry & PTE_PRESENT))
			return PVN_TRANSLATE_NOT_PRESENT;
		if (is_bad(&w, level, entry))
			return PVN_TRANSLATE_BAD_ENTRY;
		if (!is_pdpte(&w, level))
			w.rights = (w.rights & entry) | ((w.rights | entry) & PTE_NX);
		if (is_leaf(&w, level, entry))
			break;
		table = entry & PTE_ADDRESS;
	}
	if (!is_allowed(&w, flags))
		return PVN_TRANSLATE_PRIVILEGE;
	if (flags & PVN_TRANSLATE_SET_BITS)
		set_bits(&w, entries, level, flags);
	size = 1ull << shift;
	*cache = cache_type(&w, level, entry);
	/* A 4 MiB page has bits 39-32 of its address in 20-13. */
	if (w.entry_bytes == 4 && level == 2)
		entry = (entry & 0xffc00000) | (entry >> 13 & 0xff) << 32;
	*at = gpa((entry & PTE_ADDRESS & ~(size - 1)) | (gva & (size - 1)));
	return PVN_TRANSLATE_OK;
}
