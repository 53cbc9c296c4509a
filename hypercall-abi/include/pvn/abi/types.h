/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) The Paravane developers
 *
 * Fixed-width types and page size of the ABI. The only place in the tree that
 * asks which world it is compiled for.
 */
#ifndef PVN_ABI_TYPES_H
#define PVN_ABI_TYPES_H

#ifdef __KERNEL__
#include <linux/types.h>
#include <linux/build_bug.h>
typedef u8 pvn_u8;
typedef u16 pvn_u16;
typedef u32 pvn_u32;
typedef u64 pvn_u64;
typedef s32 pvn_s32;
typedef s64 pvn_s64;
#else
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
typedef uint8_t pvn_u8;
typedef uint16_t pvn_u16;
typedef uint32_t pvn_u32;
typedef uint64_t pvn_u64;
typedef int32_t pvn_s32;
typedef int64_t pvn_s64;
#endif

/* A GPA page number; prints and traces as such, otherwise a u64. */
typedef pvn_u64 pvn_gpn;

#define PVN_PAGE_SHIFT 12
#define PVN_PAGE_SIZE  4096

#define PVN_ABI_MAJOR 1
#define PVN_ABI_MINOR 0

#endif
