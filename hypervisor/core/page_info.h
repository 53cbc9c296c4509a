/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * What a physical page is used for, and how often children map it. Two words
 * decide, both changed by compare-and-swap, so that a page can never be at once
 * in the hypervisor's hands and within a child's reach:
 *
 *	per 4 KiB page	kind and number of small leaves of children that name it
 *	per 2 MiB page	number of large leaves of children, number of its 4 KiB
 *			pages that are not PAGE_NORMAL
 *
 * A small leaf needs a NORMAL page; a large leaf needs all 512 to be NORMAL; a
 * page leaves NORMAL only when neither kind of leaf names it. No locks.
 */
#pragma once

#include "core/addr.h"

enum page_kind {
	PAGE_NORMAL,		/* the root's */
	PAGE_HYPERVISOR,	/* the image's, and the root's pool at boot */
	PAGE_DEPOSITED,		/* in some partition's pool */
	PAGE_DEVICE,		/* no memory: never touched, deposited or given to a child */
};

size_t page_info_bytes(uint64_t pages);
/* At boot, before the root's partition; memory is zeroed here. All pages are NORMAL. */
void page_info_init(void *memory, uint64_t pages);
/* At boot: the image, the hypervisor's memory, and what is not RAM. */
void page_info_reserve(struct hpa first, uint64_t pages, enum page_kind kind);

/* Pages beyond those that page_info_init() was told of are PAGE_DEVICE. */
enum page_kind page_info_kind(struct hpa page);

/* A child's leaf of level 1, 2 or 3 will name the page. False: not to be given to a child. */
bool page_info_map(struct hpa page, unsigned int level);
/* As many of the first as small leaves may name, as many calls of level 1 would. */
unsigned int page_info_map_list(const struct hpa *pages, unsigned int count);
void page_info_unmap(struct hpa page, unsigned int level);
/* A leaf of level 2 became 512 of level 1; to be split into those, level 3 needs no word. */
void page_info_split(struct hpa large);

/* NORMAL to DEPOSITED. False: a child maps it (*in_use) or it is not NORMAL. */
bool page_info_deposit(struct hpa page, bool *in_use);
/* DEPOSITED to NORMAL. */
void page_info_withdraw(struct hpa page);
