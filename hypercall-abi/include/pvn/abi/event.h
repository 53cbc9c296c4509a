/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) The Paravane developers
 *
 * Event-flag and message pages of the SynIC, and the messages that the
 * hypervisor itself sends [TLFS 2.0 ch. 14 "Inter-Partition Communication"].
 */
#ifndef PVN_ABI_EVENT_H
#define PVN_ABI_EVENT_H

#include <pvn/abi/types.h>

#define PVN_EVENT_FLAGS_PER_SINT 2048

/* A SINT's 2048 flags: flag f is bit f % 64 of word f / 64. */
struct pvn_event_flags {
	pvn_u64 word[PVN_EVENT_FLAGS_PER_SINT / 64];
};

struct pvn_event_page {
	struct pvn_event_flags sint[16];
};

_Static_assert(sizeof(struct pvn_event_page) == 4096, "event flag page");

/*
 * What the hypervisor looks at now and then on behalf of a monitor port
 * [TLFS 2.0 14.8.10 "Monitored Notifications"]: triggers in groups of 32. Who wants to signal
 * sets a trigger's pending bit and clears its armed bit, in one step. A look that finds it
 * pending arms it; one that finds it armed too makes the signal_event that the trigger's
 * parameter is, as from the connection's partition, and clears both bits.
 */
#define PVN_MONITOR_GROUPS	4
#define PVN_MONITOR_TRIGGERS	32
#define PVN_MONITOR_ENABLED	0xfu	/* of the state: a bit per group that is looked at */
#define PVN_MONITOR_DISABLED	0x10u	/* none is */

struct pvn_monitor_page {
	pvn_u32 state, reserved;
	pvn_u64 group[PVN_MONITOR_GROUPS];	/* [31:0] pending, [63:32] armed */
	pvn_u64 reserved1[67];
	/* Looks are as far apart as the lowest of enabled groups says; 100 ns, 0: it says nothing. */
	pvn_u16 latency[PVN_MONITOR_GROUPS][PVN_MONITOR_TRIGGERS];
	pvn_u64 reserved2[32];
	/* As signal_event's input: [31:0] connection, [47:32] flag. */
	pvn_u64 parameter[PVN_MONITOR_GROUPS][PVN_MONITOR_TRIGGERS];
	pvn_u8 reserved3[1984];
};

_Static_assert(sizeof(struct pvn_monitor_page) == 4096, "monitor page");

#define PVN_MESSAGE_PAYLOAD_MAX 240

struct pvn_message {
	pvn_u32 type;		/* 0: slot empty */
	pvn_u8 payload_bytes;
	pvn_u8 flags;		/* [0] more queued */
	pvn_u16 reserved;
	pvn_u64 origin;		/* partition id (intercepts) or port id */
	pvn_u8 payload[PVN_MESSAGE_PAYLOAD_MAX];
};

struct pvn_message_page {
	struct pvn_message sint[16];
};

_Static_assert(sizeof(struct pvn_message_page) == 4096, "message page");

#define PVN_MESSAGE_FLAG_PENDING		0x1u

#define PVN_MESSAGE_NONE			0x00000000u
#define PVN_MESSAGE_UNMAPPED_GPA		0x80000000u
#define PVN_MESSAGE_GPA_INTERCEPT		0x80000001u
#define PVN_MESSAGE_TIMER_EXPIRED		0x80000010u
#define PVN_MESSAGE_INVALID_VP_REGISTER		0x80000020u
#define PVN_MESSAGE_UNRECOVERABLE_EXCEPTION	0x80000021u
#define PVN_MESSAGE_EVENT_LOG			0x80000040u	/* type and index of a complete buffer */
#define PVN_MESSAGE_IO_PORT_INTERCEPT		0x80010000u
#define PVN_MESSAGE_MSR_INTERCEPT		0x80010001u
#define PVN_MESSAGE_CPUID_INTERCEPT		0x80010002u
#define PVN_MESSAGE_EXCEPTION_INTERCEPT		0x80010003u
#define PVN_MESSAGE_APIC_EOI			0x80010004u	/* of a level-triggered vector */
#define PVN_MESSAGE_HALT			0x80010007u	/* every VP halted, none can wake */
/* Paravane's own: guest defined messages end at 0x7fffffff. */
#define PVN_MESSAGE_RESET			0x8f000001u	/* guest wrote the RESET MSR */
#define PVN_MESSAGE_CRASH			0x8f000002u	/* guest wrote CRASH_CTL with notify */

/* Start of the payload of every intercept message. */
struct pvn_intercept_header {
	pvn_u32 vp_index;
	pvn_u8 instruction_bytes;	/* 0 when not known */
	pvn_u8 access_type;		/* 0 read, 1 write, 2 execute */
	pvn_u16 execution_state;	/* [1:0] CPL [2] CR0.PE [3] CR0.AM [4] EFER.LMA [6] event pending */
	pvn_u64 cs_base;
	pvn_u32 cs_limit;
	pvn_u16 cs_selector;
	pvn_u16 cs_attributes;
	pvn_u64 rip;
	pvn_u64 rflags;
};

_Static_assert(sizeof(struct pvn_intercept_header) == 40, "intercept header");

struct pvn_message_segment {
	pvn_u64 base;
	pvn_u32 limit;
	pvn_u16 selector;
	pvn_u16 attributes;
};

/* Instruction bytes are those from RIP to the end of its page, none if they cannot be read. */
struct pvn_memory_intercept {
	struct pvn_intercept_header header;
	pvn_u32 cache_type;
	pvn_u8 instruction_byte_count;
	pvn_u8 access_info;		/* [0] gva valid */
	pvn_u8 tpr;
	pvn_u8 reserved;
	pvn_u64 gva;
	pvn_u64 gpa;
	pvn_u8 instruction[16];
	struct pvn_message_segment ds, ss;
	pvn_u64 gpr[16];		/* RAX RCX RDX RBX RSP RBP RSI RDI R8..R15 */
};

struct pvn_io_intercept {
	struct pvn_intercept_header header;
	pvn_u16 port;
	pvn_u8 access_info;		/* [2:0] bytes 1 2 4, [3] string, [4] rep */
	pvn_u8 instruction_byte_count;
	pvn_u32 reserved;
	pvn_u64 rax;
	pvn_u8 instruction[16];
	struct pvn_message_segment ds, es;
	pvn_u64 rcx, rsi, rdi;
};

#define PVN_IO_BYTES_MASK	0x7u
#define PVN_IO_STRING		0x8u
#define PVN_IO_REP		0x10u

struct pvn_msr_intercept {
	struct pvn_intercept_header header;
	pvn_u32 msr;
	pvn_u32 reserved;
	pvn_u64 rdx, rax;
};

struct pvn_cpuid_intercept {
	struct pvn_intercept_header header;
	pvn_u64 rax, rcx, rdx, rbx;
	pvn_u64 default_rax, default_rcx, default_rdx, default_rbx;
};

struct pvn_exception_intercept {
	struct pvn_intercept_header header;
	pvn_u16 vector;
	pvn_u8 info;			/* [0] error code valid */
	pvn_u8 instruction_byte_count;
	pvn_u32 error_code;
	pvn_u64 parameter;
	pvn_u64 reserved;
	pvn_u8 instruction[16];
	struct pvn_message_segment ds, ss;
	pvn_u64 gpr[16];
};

_Static_assert(sizeof(struct pvn_memory_intercept) == PVN_MESSAGE_PAYLOAD_MAX, "all of a message");
_Static_assert(sizeof(struct pvn_exception_intercept) == PVN_MESSAGE_PAYLOAD_MAX, "all of a message");

/* Has no header; the VP waits to be resumed like after any other intercept. */
struct pvn_eoi_message {
	pvn_u32 vp_index;
	pvn_u32 vector;
};

struct pvn_crash_message {
	struct pvn_intercept_header header;
	pvn_u64 p[5];
	pvn_u64 control;
};

struct pvn_timer_message {
	pvn_u32 timer;
	pvn_u32 reserved;
	pvn_u64 expired_at;		/* reference time it was due */
	pvn_u64 delivered_at;		/* reference time of this message */
};

/* Fixed use of SINTs by Paravane's own drivers. */
#define PVN_SINT_INTERCEPTS	0	/* root: intercept messages of children */
#define PVN_SINT_EVENTS		2	/* root and children: doorbells */

/* VP assist page; word 0, bit 0: no EOI needed. */
struct pvn_vp_assist {
	pvn_u32 apic_assist;
	pvn_u32 reserved;
};

#define PVN_APIC_ASSIST_NO_EOI 0x1u

struct pvn_reference_tsc_page {
	pvn_u32 sequence;	/* 0: use the MSR */
	pvn_u32 reserved;
	pvn_u64 scale;
	pvn_s64 offset;
};

#endif
