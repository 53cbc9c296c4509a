// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Instructions on devices; see insn.h.
 */
#include "emul/insn.h"

#include <Zydis/Zydis.h>

#define RFLAGS_DIRECTION 0x400ull
/* Repetitions at a time: the processor must see its interrupts in between. */
#define REPEAT_MAX	 4096u

struct insn {
	ZydisMachineMode mode;
	ZydisDecodedInstruction is;
	ZydisDecodedOperand operand[ZYDIS_MAX_OPERAND_COUNT];
};

static uint64_t mask_of(unsigned int bytes)
{
	return bytes >= 8 ? ~0ull : (1ull << 8 * bytes) - 1;
}

static bool decode(const struct cpu *cpu, const struct emul_host *host, struct insn *insn)
{
	ZydisStackWidth width = cpu->is_64_bit ? ZYDIS_STACK_WIDTH_64 :
				cpu->is_32_bit ? ZYDIS_STACK_WIDTH_32 : ZYDIS_STACK_WIDTH_16;
	ZydisDecoder decoder;
	uint8_t code[15];

	insn->mode = cpu->is_64_bit ? ZYDIS_MACHINE_MODE_LONG_64 :
		     cpu->is_32_bit ? ZYDIS_MACHINE_MODE_LEGACY_32 : ZYDIS_MACHINE_MODE_LEGACY_16;
	return ZYAN_SUCCESS(ZydisDecoderInit(&decoder, insn->mode, width)) &&
	       ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, code, cpu_fetch(cpu, host, code),
						   &insn->is, insn->operand));
}

/* --- registers --- */

static bool is_high_byte(ZydisRegister name)
{
	return name >= ZYDIS_REGISTER_AH && name <= ZYDIS_REGISTER_BH;
}

static unsigned int register_bytes(const struct insn *insn, ZydisRegister name)
{
	return ZydisRegisterGetWidth(insn->mode, name) / 8;
}

/* NULL: not a general register. */
static uint64_t *gpr(struct cpu *cpu, const struct insn *insn, ZydisRegister name)
{
	ZydisRegister whole = ZydisRegisterGetLargestEnclosing(insn->mode, name);
	ZydisRegisterClass class = ZydisRegisterGetClass(whole);
	ZyanI8 id = ZydisRegisterGetId(whole);

	if ((class != ZYDIS_REGCLASS_GPR64 && class != ZYDIS_REGCLASS_GPR32) || id < 0 ||
	    id >= CPU_GPRS)
		return NULL;
	return &cpu->gpr[id];
}

static uint64_t read_gpr(const uint64_t *gpr, const struct insn *insn, ZydisRegister name)
{
	return (is_high_byte(name) ? *gpr >> 8 : *gpr) & mask_of(register_bytes(insn, name));
}

/* [SDM 1 3.4.1.1 "General-Purpose Registers in 64-Bit Mode"] */
static void write_gpr(uint64_t *gpr, unsigned int bytes, bool high, uint64_t value)
{
	if (high)
		*gpr = (*gpr & ~0xff00ull) | (value & 0xff) << 8;
	else if (bytes >= 4)
		*gpr = value & mask_of(bytes);
	else
		*gpr = (*gpr & ~mask_of(bytes)) | (value & mask_of(bytes));
}

static uint64_t sign_extend(uint64_t value, unsigned int bytes)
{
	unsigned int shift = 64 - 8 * bytes;

	return (uint64_t)((int64_t)(value << shift) >> shift);
}

/* --- moves --- */

static enum cpu_outcome unknown(struct cpu_fault *fault, const struct insn *insn)
{
	fault->why = ZydisMnemonicGetString(insn->is.mnemonic);
	return CPU_FAILED;
}

static enum cpu_outcome move_from(struct cpu *cpu, struct bus *bus, const struct insn *insn,
				  uint64_t gpa, struct cpu_fault *fault)
{
	ZydisRegister name = insn->operand[0].reg.value;
	unsigned int bytes = insn->operand[1].size / 8;
	uint64_t *to = gpr(cpu, insn, name), value;

	if (!to || bytes > 8)
		return unknown(fault, insn);
	value = bus_read(bus, BUS_MEMORY, gpa, bytes);
	if (insn->is.mnemonic == ZYDIS_MNEMONIC_MOVSX || insn->is.mnemonic == ZYDIS_MNEMONIC_MOVSXD)
		value = sign_extend(value, bytes);
	write_gpr(to, register_bytes(insn, name), is_high_byte(name), value);
	return CPU_DONE;
}

static enum cpu_outcome move_to(struct cpu *cpu, struct bus *bus, const struct insn *insn,
				uint64_t gpa, struct cpu_fault *fault)
{
	const ZydisDecodedOperand *source = &insn->operand[1];
	unsigned int bytes = insn->operand[0].size / 8;
	const uint64_t *from;

	if (bytes > 8)
		return unknown(fault, insn);
	if (source->type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
		bus_write(bus, BUS_MEMORY, gpa, bytes, source->imm.value.u);
		return CPU_DONE;
	}
	from = gpr(cpu, insn, source->reg.value);
	if (!from)
		return unknown(fault, insn);
	bus_write(bus, BUS_MEMORY, gpa, bytes, read_gpr(from, insn, source->reg.value));
	return CPU_DONE;
}

static enum cpu_outcome move(struct cpu *cpu, struct bus *bus, const struct insn *insn,
			     uint64_t gpa, struct cpu_fault *fault)
{
	bool to_memory = insn->operand[0].type == ZYDIS_OPERAND_TYPE_MEMORY;
	enum cpu_outcome outcome = to_memory ? move_to(cpu, bus, insn, gpa, fault) :
					       move_from(cpu, bus, insn, gpa, fault);

	if (outcome == CPU_DONE)
		cpu->rip += insn->is.length;
	return outcome;
}

/* --- strings --- */

struct string {
	unsigned int bytes;		/* of an element */
	uint64_t mask;			/* of addresses and counts */
	int64_t step;
	uint64_t source_base, target_base;
};

static unsigned int segment_of(ZydisRegister name)
{
	return name >= ZYDIS_REGISTER_ES && name <= ZYDIS_REGISTER_GS ?
		       (unsigned int)(name - ZYDIS_REGISTER_ES) : CPU_DS;
}

/* In 64-bit code only FS and GS have a base. */
static uint64_t base_of(const struct cpu *cpu, unsigned int segment)
{
	return cpu->is_64_bit && segment < CPU_FS ? 0 : cpu->base[segment];
}

static struct string string_of(const struct cpu *cpu, const struct insn *insn)
{
	unsigned int bytes = insn->is.operand_width / 8, segment = CPU_DS, i;

	for (i = 0; i < insn->is.operand_count; i++) {
		const ZydisDecodedOperand *operand = &insn->operand[i];

		if (operand->type != ZYDIS_OPERAND_TYPE_MEMORY)
			continue;
		bytes = operand->size / 8;
		if (operand->actions & ZYDIS_OPERAND_ACTION_READ)
			segment = segment_of(operand->mem.segment);
	}
	return (struct string) {
		.bytes = bytes,
		.mask = mask_of(insn->is.address_width / 8),
		.step = cpu->rflags & RFLAGS_DIRECTION ? -(int64_t)bytes : (int64_t)bytes,
		.source_base = base_of(cpu, segment),
		.target_base = base_of(cpu, CPU_ES),
	};
}

/* Registers of narrow addresses change as registers of that width do. */
static void advance(uint64_t *gpr, const struct string *string, int64_t step)
{
	uint64_t value = (*gpr + step) & string->mask;

	*gpr = string->mask == 0xffff ? (*gpr & ~0xffffull) | value : value;
}

static uint64_t source_at(const struct cpu *cpu, const struct string *string)
{
	return string->source_base + (cpu->gpr[CPU_RSI] & string->mask);
}

static uint64_t target_at(const struct cpu *cpu, const struct string *string)
{
	return string->target_base + (cpu->gpr[CPU_RDI] & string->mask);
}

static enum cpu_outcome one_ins(struct cpu *cpu, struct bus *bus, const struct string *string,
				uint16_t port, struct cpu_fault *fault)
{
	enum cpu_outcome outcome;
	uint64_t gpa, last, value;

	/* Looked at first: what was read from a port cannot be put back. */
	outcome = cpu_translate(cpu, bus->host, target_at(cpu, string), true, &gpa, fault);
	if (outcome == CPU_DONE)
		outcome = cpu_translate(cpu, bus->host, target_at(cpu, string) + string->bytes - 1,
					true, &last, fault);
	if (outcome != CPU_DONE)
		return outcome;
	value = bus_read(bus, BUS_PORTS, port, string->bytes);
	outcome = cpu_write(cpu, bus, target_at(cpu, string), string->bytes, value, fault);
	if (outcome == CPU_DONE)
		advance(&cpu->gpr[CPU_RDI], string, string->step);
	return outcome;
}

static enum cpu_outcome one_outs(struct cpu *cpu, struct bus *bus, const struct string *string,
				 uint16_t port, struct cpu_fault *fault)
{
	uint64_t value;
	enum cpu_outcome outcome = cpu_read(cpu, bus, source_at(cpu, string), string->bytes, &value,
					    fault);

	if (outcome != CPU_DONE)
		return outcome;
	bus_write(bus, BUS_PORTS, port, string->bytes, value);
	advance(&cpu->gpr[CPU_RSI], string, string->step);
	return CPU_DONE;
}

static enum cpu_outcome one_stos(struct cpu *cpu, struct bus *bus, const struct string *string,
				 uint16_t port, struct cpu_fault *fault)
{
	enum cpu_outcome outcome = cpu_write(cpu, bus, target_at(cpu, string), string->bytes,
					     cpu->gpr[CPU_RAX], fault);

	(void)port;
	if (outcome == CPU_DONE)
		advance(&cpu->gpr[CPU_RDI], string, string->step);
	return outcome;
}

static enum cpu_outcome one_lods(struct cpu *cpu, struct bus *bus, const struct string *string,
				 uint16_t port, struct cpu_fault *fault)
{
	uint64_t value;
	enum cpu_outcome outcome = cpu_read(cpu, bus, source_at(cpu, string), string->bytes, &value,
					    fault);

	(void)port;
	if (outcome != CPU_DONE)
		return outcome;
	write_gpr(&cpu->gpr[CPU_RAX], string->bytes, false, value);
	advance(&cpu->gpr[CPU_RSI], string, string->step);
	return CPU_DONE;
}

static enum cpu_outcome one_movs(struct cpu *cpu, struct bus *bus, const struct string *string,
				 uint16_t port, struct cpu_fault *fault)
{
	uint64_t value;
	enum cpu_outcome outcome = cpu_read(cpu, bus, source_at(cpu, string), string->bytes, &value,
					    fault);

	(void)port;
	if (outcome == CPU_DONE)
		outcome = cpu_write(cpu, bus, target_at(cpu, string), string->bytes, value, fault);
	if (outcome != CPU_DONE)
		return outcome;
	advance(&cpu->gpr[CPU_RSI], string, string->step);
	advance(&cpu->gpr[CPU_RDI], string, string->step);
	return CPU_DONE;
}

static enum cpu_outcome repeat(struct cpu *cpu, struct bus *bus, const struct insn *insn,
			       uint16_t port,
			       enum cpu_outcome (*one)(struct cpu *, struct bus *,
						       const struct string *, uint16_t,
						       struct cpu_fault *),
			       struct cpu_fault *fault)
{
	const struct string string = string_of(cpu, insn);
	bool is_repeated = insn->is.attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE |
						  ZYDIS_ATTRIB_HAS_REPNE);
	enum cpu_outcome outcome;
	unsigned int done;

	for (done = 0; done < REPEAT_MAX; done++) {
		if (is_repeated && !(cpu->gpr[CPU_RCX] & string.mask))
			break;
		outcome = one(cpu, bus, &string, port, fault);
		if (outcome != CPU_DONE)
			return outcome;
		if (!is_repeated)
			break;
		advance(&cpu->gpr[CPU_RCX], &string, -1);
	}
	if (!is_repeated || !(cpu->gpr[CPU_RCX] & string.mask))
		cpu->rip += insn->is.length;
	return CPU_DONE;
}

static bool is_string(const struct insn *insn)
{
	return insn->is.meta.category == ZYDIS_CATEGORY_STRINGOP ||
	       insn->is.meta.category == ZYDIS_CATEGORY_IOSTRINGOP;
}

enum cpu_outcome insn_memory(struct cpu *cpu, struct bus *bus, uint64_t gpa,
			     struct cpu_fault *fault)
{
	struct insn insn;

	if (!decode(cpu, bus->host, &insn)) {
		fault->why = "an instruction that cannot be decoded";
		return CPU_FAILED;
	}
	switch (insn.is.mnemonic) {
	case ZYDIS_MNEMONIC_MOV:
	case ZYDIS_MNEMONIC_MOVZX:
	case ZYDIS_MNEMONIC_MOVSX:
	case ZYDIS_MNEMONIC_MOVSXD:
	case ZYDIS_MNEMONIC_MOVNTI:
		return move(cpu, bus, &insn, gpa, fault);
	case ZYDIS_MNEMONIC_STOSB:
	case ZYDIS_MNEMONIC_STOSW:
	case ZYDIS_MNEMONIC_STOSD:
	case ZYDIS_MNEMONIC_STOSQ:
		return repeat(cpu, bus, &insn, 0, one_stos, fault);
	case ZYDIS_MNEMONIC_LODSB:
	case ZYDIS_MNEMONIC_LODSW:
	case ZYDIS_MNEMONIC_LODSD:
	case ZYDIS_MNEMONIC_LODSQ:
		return repeat(cpu, bus, &insn, 0, one_lods, fault);
	case ZYDIS_MNEMONIC_MOVSB:
	case ZYDIS_MNEMONIC_MOVSW:
	case ZYDIS_MNEMONIC_MOVSD:
	case ZYDIS_MNEMONIC_MOVSQ:
		if (is_string(&insn))
			return repeat(cpu, bus, &insn, 0, one_movs, fault);
		return unknown(fault, &insn);
	default:
		return unknown(fault, &insn);
	}
}

enum cpu_outcome insn_port(struct cpu *cpu, struct bus *bus, uint16_t port,
			   struct cpu_fault *fault)
{
	struct insn insn;

	if (!decode(cpu, bus->host, &insn)) {
		fault->why = "an instruction that cannot be decoded";
		return CPU_FAILED;
	}
	switch (insn.is.mnemonic) {
	case ZYDIS_MNEMONIC_INSB:
	case ZYDIS_MNEMONIC_INSW:
	case ZYDIS_MNEMONIC_INSD:
		return repeat(cpu, bus, &insn, port, one_ins, fault);
	case ZYDIS_MNEMONIC_OUTSB:
	case ZYDIS_MNEMONIC_OUTSW:
	case ZYDIS_MNEMONIC_OUTSD:
		return repeat(cpu, bus, &insn, port, one_outs, fault);
	default:
		return unknown(fault, &insn);
	}
}
