/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Three kinds of addresses that must not be mixed: host-physical, guest-physical
 * and (as plain pointers) the hypervisor's own virtual addresses.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_SHIFT	 12
#define PAGE_SIZE	 4096ull
#define LARGE_PAGE_SHIFT 21
#define LARGE_PAGE_SIZE	 (1ull << LARGE_PAGE_SHIFT)
#define HUGE_PAGE_SHIFT	 30
#define HUGE_PAGE_SIZE	 (1ull << HUGE_PAGE_SHIFT)

struct hpa { uint64_t v; };
struct gpa { uint64_t v; };

static inline struct hpa hpa(uint64_t v) { return (struct hpa){ v }; }
static inline struct gpa gpa(uint64_t v) { return (struct gpa){ v }; }
static inline struct hpa hpa_add(struct hpa a, uint64_t n) { return hpa(a.v + n); }
static inline struct gpa gpa_add(struct gpa a, uint64_t n) { return gpa(a.v + n); }
static inline struct hpa hpa_page(struct hpa a) { return hpa(a.v & ~(PAGE_SIZE - 1)); }
static inline struct gpa gpa_page(struct gpa a) { return gpa(a.v & ~(PAGE_SIZE - 1)); }

#define HPA_NONE hpa(~0ull)

static inline bool hpa_is_none(struct hpa a) { return a.v == ~0ull; }
