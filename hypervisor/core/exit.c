/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Exits: what the hypervisor answers itself and what goes to the parent. And the other
 * way: what goes into a VP before it enters.
 */
#include "core/cpu.h"
#include "core/exit.h"
#include "core/hypercall.h"
#include "core/platform.h"

#define VECTOR_UD 6
#define VECTOR_GP 13
#define VECTOR_MC 18
#define ANY_RAX	  0xffffffffffffffffull

static void skip(struct vp *vp, uint8_t bytes)
{
	vp_skip_instruction(vp, bytes);
	virt->clear_shadow(vp);
}

static void fault(struct vp *vp) { virt->inject_exception(vp, VECTOR_GP, true, 0); }

/* --- before an entry --- */

/* What comes past priorities; in system management mode it waits for RSM, but for an 8259. */
static uint32_t events_of(const struct vp *vp)
{
	uint32_t events = __atomic_load_n(&vp->lapic.events, __ATOMIC_SEQ_CST);

	return vp->in_smm ? events & LAPIC_EXTINT : events;
}

/*
 * Outside of the span in which entry_generation is odd: a reset moves overlays, which
 * waits for other processors to leave their guests, and one of these may wait for us.
 */
void exit_take_init(struct vp *vp)
{
	if (!__atomic_load_n(&vp->init_pending, __ATOMIC_SEQ_CST)) {
		if (events_of(vp) & LAPIC_SMI)
			smm_enter(vp);
		return;
	}
	/* INIT parks all but the boot processor; the order is send_startup()'s in lapic.c. */
	if (vp->index)
		__atomic_fetch_or(&vp->stop_reasons, VP_STOP_SIPI, __ATOMIC_SEQ_CST);
	vp_reset(vp);
	__atomic_store_n(&vp->init_pending, false, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&vp->sipi_vector, __ATOMIC_SEQ_CST) >= 0)
		vp_resume(vp, VP_STOP_SIPI);
}

static void take_sipi(struct vp *vp)
{
	int vector = __atomic_exchange_n(&vp->sipi_vector, -1, __ATOMIC_SEQ_CST);

	if (vector >= 0)
		virt->vp_start_at(vp, vector);
}

static void offer_interrupt(struct vp *vp)
{
	int vector = lapic_pending(vp);

	if (vector >= 0 && virt->interrupt_window(vp)) {
		virt->inject_interrupt(vp, vector);
		lapic_accept(vp, vector);
		vp->stats.count[PVN_STAT_vp_interrupts_injected]++;
		vp->halted = vp->idle = false;
		vector = lapic_pending(vp);
	}
	virt->request_window(vp, vector >= 0 || events_of(vp));
}

bool exit_has_work(struct vp *vp)
{
	uint32_t events = events_of(vp);

	if (__atomic_load_n(&vp->init_pending, __ATOMIC_SEQ_CST) || events & ~LAPIC_EXTINT)
		return true;
	/*
	 * HLT with interrupts off waits for NMI or INIT only. The idle MSR does not mind, nor
	 * does it mind priorities: Linux waits in it for a lock with its event interrupt in
	 * service, and is woken by a vector of the same class.
	 */
	if (vp->idle)
		return events || lapic_has_any(vp);
	return vp->regs.rflags & RFLAGS_IF && (events || lapic_has_wakeup(vp));
}

/* What no priority holds back. */
static void take_events(struct vp *vp)
{
	uint32_t events = events_of(vp);
	int vector;

	/* Came just now, or something is in delivery: the guest is left again soon. */
	if (events & LAPIC_SMI)
		plat_this_cpu()->nudge = plat_tsc() + plat_tsc_hz() / 50000;
	if (events & LAPIC_NMI && !virt->event_pending(vp)) {
		__atomic_fetch_and(&vp->lapic.events, ~LAPIC_NMI, __ATOMIC_SEQ_CST);
		vp->halted = vp->idle = false;
		virt->inject_nmi(vp);
	}
	if (events & LAPIC_EXTINT && virt->interrupt_window(vp) && (vector = lapic_take_extint(vp)) >= 0) {
		vp->halted = vp->idle = false;
		virt->inject_interrupt(vp, vector);
	}
}

bool exit_prepare_entry(struct vp *vp)
{
	if (__atomic_load_n(&vp->init_pending, __ATOMIC_SEQ_CST))
		return true;	/* came just now, with a kick: the guest is left at once */
	if (vp->sipi_vector >= 0)
		take_sipi(vp);
	if (vp->lapic.events)
		take_events(vp);
	if (vp->halted && exit_has_work(vp))
		vp->halted = vp->idle = false;
	if (vp->halted)
		return false;
	offer_interrupt(vp);
	return true;
}

/* --- halt --- */

static bool sleeps_forever(const struct vp *vp)
{
	if (__atomic_load_n(&vp->stop_reasons, __ATOMIC_RELAXED) & VP_STOP_SIPI)
		return true;
	return vp->halted && !vp->idle && !(vp->regs.rflags & RFLAGS_IF);
}

static bool partition_sleeps_forever(const struct partition *partition)
{
	for_each_vp(vp, partition)
		if (!sleeps_forever(vp))
			return false;
	return true;
}

static void handle_halt(struct vp *vp, const struct vp_exit *exit)
{
	struct pvn_intercept_header header;

	skip(vp, exit->insn_bytes);
	vp->halted = true;
	if (!vp->partition->is_root && !(vp->regs.rflags & RFLAGS_IF) &&
	    partition_sleeps_forever(vp->partition))
		intercept_send(vp, PVN_MESSAGE_HALT, 2, 0, &header, sizeof(header));
}

/* --- I/O ports --- */

static bool io_intercepted(const struct partition *partition, const struct vp_exit *exit)
{
	uint8_t want = exit->io.in ? PVN_ACCESS_READ : PVN_ACCESS_WRITE;

	for (unsigned int i = 0; i < partition->io.count; i++)
		if (partition->io.at[i].access & want &&
		    partition->io.at[i].what - exit->io.port < exit->io.bytes)
			return true;
	return false;
}

static void send_io(struct vp *vp, const struct vp_exit *exit)
{
	struct pvn_io_intercept m = {
		.port = exit->io.port,
		.access_info = exit->io.bytes | (exit->io.string ? PVN_IO_STRING : 0) |
			       (exit->io.rep ? PVN_IO_REP : 0),
		.rax = vp->regs.gpr[RAX], .rcx = vp->regs.gpr[RCX],
		.rsi = vp->regs.gpr[RSI], .rdi = vp->regs.gpr[RDI],
		.ds = intercept_segment(vp, PVN_REG_ES + 3), .es = intercept_segment(vp, PVN_REG_ES),
	};

	m.instruction_byte_count = intercept_instruction(vp, m.instruction);
	intercept_send(vp, PVN_MESSAGE_IO_PORT_INTERCEPT, !exit->io.in, exit->insn_bytes, &m, sizeof(m));
}

/* Nobody is there: reads give ones, writes are lost; a string operation ends at once. */
static void absent_port(struct vp *vp, const struct vp_exit *exit)
{
	uint64_t mask = exit->io.bytes == 4 ? ANY_RAX : (1ull << 8 * exit->io.bytes) - 1;

	if (exit->io.string) {
		if (exit->io.rep)
			vp->regs.gpr[RCX] = 0;
	} else if (exit->io.in) {
		vp->regs.gpr[RAX] = exit->io.bytes == 4 ? 0xffffffff : vp->regs.gpr[RAX] | mask;
	}
	skip(vp, exit->insn_bytes);
}

static void handle_io(struct vp *vp, const struct vp_exit *exit)
{
	if (io_intercepted(vp->partition, exit))
		send_io(vp, exit);
	else
		absent_port(vp, exit);
}

/* --- MSRs and CPUID --- */

static void send_msr(struct vp *vp, const struct vp_exit *exit, bool write)
{
	struct pvn_msr_intercept m = {
		.msr = exit->msr.index, .rdx = vp->regs.gpr[RDX], .rax = vp->regs.gpr[RAX],
	};

	intercept_send(vp, PVN_MESSAGE_MSR_INTERCEPT, write, exit->insn_bytes, &m, sizeof(m));
}

/* A value that a register does not take is the guest's fault, not the parent's to judge. */
static void handle_msr(struct vp *vp, const struct vp_exit *exit, bool write)
{
	uint64_t *low = &vp->regs.gpr[RAX], *high = &vp->regs.gpr[RDX], value = *high << 32 | (uint32_t)*low;
	bool bad_value = false;

	if (write ? msr_write(vp, exit->msr.index, value, &bad_value) :
		    msr_read(vp, exit->msr.index, &value)) {
		*low = write ? *low : (uint32_t)value;
		*high = write ? *high : value >> 32;
		skip(vp, exit->insn_bytes);
	} else if (!bad_value && vp->partition->msr_access & (write ? PVN_ACCESS_WRITE : PVN_ACCESS_READ)) {
		send_msr(vp, exit, write);
	} else {
		log_debug("partition %lu vp %u: %s of MSR 0x%x refused, value 0x%lx", vp->partition->id,
			  vp->index, write ? "write" : "read", exit->msr.index, value);
		fault(vp);
	}
}

static void send_cpuid(struct vp *vp, const struct vp_exit *exit)
{
	uint32_t r[4];

	cpuid_values(vp, vp->regs.gpr[RAX], vp->regs.gpr[RCX], r);
	struct pvn_cpuid_intercept m = {
		.rax = vp->regs.gpr[RAX], .rcx = vp->regs.gpr[RCX], .rdx = vp->regs.gpr[RDX],
		.rbx = vp->regs.gpr[RBX], .default_rax = r[0], .default_rbx = r[1],
		.default_rcx = r[2], .default_rdx = r[3],
	};
	intercept_send(vp, PVN_MESSAGE_CPUID_INTERCEPT, 2, exit->insn_bytes, &m, sizeof(m));
}

static void handle_cpuid(struct vp *vp, const struct vp_exit *exit)
{
	const struct partition *partition = vp->partition;

	for (unsigned int i = 0; i < partition->cpuid.count; i++)
		if (partition->cpuid.at[i].what == (uint32_t)vp->regs.gpr[RAX])
			return send_cpuid(vp, exit);
	cpuid_emulate(vp);
	skip(vp, exit->insn_bytes);
}

static void handle_xsetbv(struct vp *vp, const struct vp_exit *exit)
{
	uint64_t value = vp->regs.gpr[RDX] << 32 | (uint32_t)vp->regs.gpr[RAX], ss[2] = { 0 };

	/* The intercept may come before the processor's own check of the CPL: SS's DPL. */
	if (vp_get_register(vp, PVN_REG_SS, ss) != PVN_STATUS_SUCCESS || ss[1] >> 53 & 3 ||
	    (uint32_t)vp->regs.gpr[RCX] || !cpuid_xcr0_is_valid(vp, value))
		return fault(vp);
	vp->xcr0 = value;
	plat_set_xcr0(value);
	skip(vp, exit->insn_bytes);
}

/* --- memory --- */

/* The root sees all physical memory but ours; device memory is mapped when first touched. */
static void handle_root_memory(struct vp *vp, const struct vp_exit *exit)
{
	struct gpa at = gpa(exit->memory.at.v & ~(LARGE_PAGE_SIZE - 1));
	bool replaced;

	if (at.v >= plat_hpa_end() && at.v < GPA_SPACE_BYTES &&
	    gpa_map_insert(&vp->partition->map, at, hpa(at.v), LARGE_PAGE_SIZE, GPA_ALL, &replaced) ==
		    PVN_STATUS_SUCCESS)
		return;
	log_warn("root vp %u: access to 0x%lx refused, rip %lx", vp->index, exit->memory.at.v, vp->regs.rip);
	fault(vp);
}

static void handle_memory(struct vp *vp, const struct vp_exit *exit)
{
	struct pvn_memory_intercept m = { .cache_type = 6, .gpa = exit->memory.at.v };
	unsigned int access = exit->memory.access;
	bool mapped;

	if (vp->partition->is_root)
		return handle_root_memory(vp, exit);
	mapped = !hpa_is_none(gpa_map_lookup(&vp->partition->map, exit->memory.at, GPA_READ));
	/* Mapped in the meantime (or by another VP's fault): just try again. */
	if (!hpa_is_none(gpa_map_lookup(&vp->partition->map, exit->memory.at, access)))
		return virt->flush(vp);
	/* [TLFS 2.0 4.12]: a write to the hypercall page is the guest's own fault. */
	if (gpa_map_has_overlay(&vp->partition->map, exit->memory.at))
		return fault(vp);
	m.tpr = virt->get_tpr(vp);
	m.ds = intercept_segment(vp, PVN_REG_ES + 3);
	m.ss = intercept_segment(vp, PVN_REG_SS);
	memcpy(m.gpr, vp->regs.gpr, sizeof(m.gpr));
	if (access != GPA_EXECUTE)
		m.instruction_byte_count = intercept_instruction(vp, m.instruction);
	intercept_send(vp, mapped ? PVN_MESSAGE_GPA_INTERCEPT : PVN_MESSAGE_UNMAPPED_GPA,
		       access == GPA_EXECUTE ? 2 : access == GPA_WRITE, 0, &m, sizeof(m));
}

/* --- the rest --- */

static void handle_exception(struct vp *vp, const struct vp_exit *exit)
{
	struct pvn_exception_intercept m = {
		.vector = exit->exception.vector, .info = exit->exception.has_code,
		.error_code = exit->exception.code, .parameter = exit->exception.parameter,
	};

	if (m.vector == VECTOR_MC)
		panic("machine check while partition %lu ran", vp->partition->id);
	if (vp->partition->exceptions >> m.vector & 1) {
		m.ds = intercept_segment(vp, PVN_REG_ES + 3);
		m.ss = intercept_segment(vp, PVN_REG_SS);
		memcpy(m.gpr, vp->regs.gpr, sizeof(m.gpr));
		m.instruction_byte_count = intercept_instruction(vp, m.instruction);
		intercept_send(vp, PVN_MESSAGE_EXCEPTION_INTERCEPT, 2, 0, &m, sizeof(m));
	} else if (!virt->event_pending(vp)) {	/* what is in delivery comes first, and raises it anew */
		virt->inject_exception(vp, m.vector, exit->exception.has_code, m.error_code);
	}
}

static void handle_fatal(struct vp *vp, const struct vp_exit *exit)
{
	struct pvn_intercept_header header;

	if (vp->partition->is_root) {
		/* What a kernel does that knows no other way to reboot. */
		if (exit->reason == EXIT_TRIPLE_FAULT) {
			log_info("root vp %u: triple fault at rip %lx, resetting the machine", vp->index,
				 vp->regs.rip);
			plat_reset();
		}
		panic("the processor refused the state of the root's vp %u: code 0x%lx info 0x%lx", vp->index,
		      exit->failed.code, exit->failed.info);
	}
	intercept_send(vp, exit->reason == EXIT_TRIPLE_FAULT ? PVN_MESSAGE_UNRECOVERABLE_EXCEPTION :
							       PVN_MESSAGE_INVALID_VP_REGISTER,
		       2, 0, &header, sizeof(header));
}

void exit_handle(struct vp *vp, struct vp_exit *exit)
{
	if (exit->done)
		return;
	switch (exit->reason) {
	case EXIT_INTERRUPT:
	case EXIT_NMI:
	case EXIT_WINDOW:
		break;
	case EXIT_HALT: handle_halt(vp, exit); break;
	case EXIT_CPUID: handle_cpuid(vp, exit); break;
	case EXIT_MSR_READ:
	case EXIT_MSR_WRITE: handle_msr(vp, exit, exit->reason == EXIT_MSR_WRITE); break;
	case EXIT_IO: handle_io(vp, exit); break;
	case EXIT_HYPERCALL: hypercall_exit(vp, exit->insn_bytes); break;
	case EXIT_MEMORY: handle_memory(vp, exit); break;
	case EXIT_EXCEPTION: handle_exception(vp, exit); break;
	case EXIT_XSETBV: handle_xsetbv(vp, exit); break;
	case EXIT_UNDEFINED:
		if (exit->rsm && vp->in_smm)
			smm_leave(vp);
		else
			virt->inject_exception(vp, VECTOR_UD, false, 0);
		break;
	case EXIT_IGNORE: skip(vp, exit->insn_bytes); break;
	case EXIT_TRIPLE_FAULT:
	case EXIT_FAILED:
	case EXIT_REASON_COUNT: handle_fatal(vp, exit); break;
	}
}
