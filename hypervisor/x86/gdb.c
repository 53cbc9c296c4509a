/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * GDB's remote protocol [GDB manual, appendix E "GDB Remote Serial Protocol"]: what GDB cannot
 * do without, and single steps. Breakpoints are GDB's own: it writes INT3 into memory.
 *
 * One processor talks, the others stand still (stop.c).
 */
#include "core/exit.h"
#include "core/page_info.h"
#include "x86/x86.h"

#define PACKET_BYTES	 1200
#define REGISTERS	 24		/* of GDB's x86-64: general, RIP, EFLAGS, segments */
#define REGISTER_RIP	 16
#define REGISTER_ORIG_RAX 57		/* of a Linux that GDB takes us for; no processor has it */
#define RFLAGS_TF	 0x100ull
#define VECTOR_BREAKPOINT 3
#define INT3		 0xcc

extern const char image_start[], image_end[];

static uint16_t port;

/* Of the processor that has stopped the others. */
static bool resumed;			/* GDB waits to be told of a stop */
static unsigned int last_signal;
static struct cpu *cpu;			/* the thread that GDB looks at: */
static struct vp *vp;			/* this one, or NULL: the processor */
static uint64_t next_partition;		/* in the list of threads */
static char packet[PACKET_BYTES], reply[PACKET_BYTES];
static size_t used;			/* of reply */

bool gdb_init(uint16_t at)
{
	port = serial_init(at) ? at : 0;
	return port;
}

uint16_t gdb_port(void) { return port; }
bool gdb_calls(void) { return port && serial_has(port); }

bool plat_debugger(void)
{
	if (port)
		asm volatile("int3");
	return port;
}

/* --- packets --- */

/* Below 0: it is none. */
static int digit(char c)
{
	char lower = c | 0x20;

	return c >= '0' && c <= '9' ? c - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static uint64_t number(const char **text)
{
	uint64_t value = 0;

	for (; digit(**text) >= 0; (*text)++)
		value = value << 4 | digit(**text);
	return value;
}

static void receive(void)
{
	for (;;) {
		uint8_t sum = 0, c, told;
		size_t n = 0;

		while (serial_read(port) != '$')
			;
		for (; (c = serial_read(port)) != '#'; sum += c)
			if (n < sizeof(packet) - 1)
				packet[n++] = (char)c;
		packet[n] = 0;
		told = digit(serial_read(port)) << 4;
		told |= digit(serial_read(port));
		serial_write(port, sum == told ? '+' : '-');
		if (sum == told)
			return;
	}
}

__attribute__((format(printf, 1, 2))) static void add(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	used += format_text_args(reply + used, sizeof(reply) - used, format, args);
	va_end(args);
	used = used < sizeof(reply) ? used : sizeof(reply) - 1;
}

static void add_bytes(const void *from, size_t bytes)
{
	for (const uint8_t *at = from; bytes--; at++)
		add("%02x", *at);
}

static void take_bytes(void *to, const char *text, size_t bytes)
{
	for (uint8_t *at = to; bytes-- && digit(text[0]) >= 0 && digit(text[1]) >= 0; text += 2)
		*at++ = digit(text[0]) << 4 | digit(text[1]);
}

static void send(void)
{
	do {
		uint8_t sum = 0;
		char check[4];

		serial_write(port, '$');
		for (size_t i = 0; i < used; sum += reply[i++])
			serial_write(port, reply[i]);
		format_text(check, sizeof(check), "#%02x", sum);
		for (size_t i = 0; i < 3; i++)
			serial_write(port, check[i]);
	} while (serial_read(port) == '-');
	used = 0;
}

/* --- threads --- */

static uint64_t thread_of(const struct cpu *c) { return c->index + 1; }
static uint64_t thread_of_vp(const struct vp *v) { return v->partition->id << 8 | (v->index + 1); }

/* 0: any. */
static bool select(uint64_t thread)
{
	struct partition *partition = thread >> 8 ? partition_peek(thread >> 8) : NULL;
	uint64_t index = (thread & 0xff) - 1;

	if (!thread || (!(thread >> 8) && index < plat_cpu_count())) {
		cpu = thread ? plat_cpu(index) : plat_this_cpu();
		vp = NULL;
		return true;
	}
	if (!partition || partition->id != thread >> 8 || !partition_vp(partition, index))
		return false;
	vp = partition_vp(partition, index);
	return true;
}

/* Processors first, then the VPs of a partition each time. */
static void list_threads(bool first)
{
	struct partition *partition;

	for (unsigned int i = 0; first && i < plat_cpu_count(); i++)
		add("%s%lx", i ? "," : "m", thread_of(plat_cpu(i)));
	if (first)
		next_partition = 0;
	while (!used && (partition = partition_peek(next_partition))) {
		next_partition = partition->id + 1;
		for_each_vp(each, partition)
			add("%s%lx", used ? "," : "m", thread_of_vp(each));
	}
	add(used ? "" : "l");
}

static void describe_thread(const char *text)
{
	static const char *const states[] = { "stopped", "halted", "waits", "running" };
	char line[80];

	if (select(number(&text)) && vp)
		format_text(line, sizeof(line), "partition %lu vp %u, %s", vp->partition->id, vp->index,
			    states[vp->state]);
	else
		format_text(line, sizeof(line), "processor %u", cpu->index);
	add_bytes(line, strlen(line));
}

/* --- registers and memory --- */

/* NULL: not to be had. In GDB's order RAX RBX RCX RDX RSI RDI RBP RSP R8-R15 RIP EFLAGS CS SS. */
static uint64_t *register_at(uint64_t n)
{
	static const uint8_t of_vp[] = { 0, 3, 1, 2, 6, 7, 5, 4, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17 };
	static const uint8_t of_frame[] = {
		14, 11, 13, 12, 9, 8, 10, 20, 7, 6, 5, 4, 3, 2, 1, 0, 17, 19, 18, 21,
	};
	struct irq_frame *frame = stop_frames[cpu->index];

	if (vp)
		return n < sizeof(of_vp) ? (uint64_t *)&vp->regs + of_vp[n] : NULL;
	return frame && n < sizeof(of_frame) ? (uint64_t *)frame + of_frame[n] : NULL;
}

static size_t register_bytes(uint64_t n) { return n <= REGISTER_RIP ? 8 : 4; }

static void read_registers(void)
{
	for (unsigned int n = 0; n < REGISTERS; n++) {
		if (register_at(n))
			add_bytes(register_at(n), register_bytes(n));
		else
			add(register_bytes(n) == 8 ? "xxxxxxxxxxxxxxxx" : "xxxxxxxx");
	}
}

static void write_register(const char *text)
{
	uint64_t n = number(&text), *at = register_at(n);

	if (at && *text == '=')
		take_bytes(at, text + 1, strlen(text + 1) / 2 < 8 ? 4 : 8);
	add(at || n == REGISTER_ORIG_RAX ? "OK" : "E01");
}

/*
 * Where the thread sees that address, up to the end of its page; NULL: nowhere, or it is a
 * device's. Of the image the direct map is taken, where it may be written.
 */
static void *reach(uint64_t at)
{
	struct hpa found = HPA_NONE;
	unsigned int cache;
	struct gpa in_guest;

	if (vp) {
		struct gpa_map *map = &vp->partition->map;

		/* Its holder stands still. */
		if (map->lock.next != map->lock.owner)
			return NULL;
		if (!guest_translate(vp, at, PVN_TRANSLATE_NO_PRIVILEGE, &in_guest, &cache))
			found = gpa_map_lookup(map, in_guest, GPA_READ);
	} else if (at >= (uint64_t)image_start && at < (uint64_t)image_end) {
		found = hpa(at - KERNEL_BASE);
	} else if (at >= DIRECT_MAP && at - DIRECT_MAP < plat_hpa_end()) {
		found = hpa(at - DIRECT_MAP);
	}
	return hpa_is_none(found) || page_info_kind(hpa_page(found)) == PAGE_DEVICE ? NULL : plat_hva(found);
}

static void access_memory(const char *text, bool write)
{
	uint64_t at = number(&text), left;

	left = *text == ',' ? (text++, number(&text)) : 0;
	text++;
	if (left > (PACKET_BYTES - 1) / 2)
		left = (PACKET_BYTES - 1) / 2;
	while (left) {
		uint64_t rest = PAGE_SIZE - (at & (PAGE_SIZE - 1)), bytes = rest < left ? rest : left;
		void *memory = reach(at);

		if (!memory)
			break;
		if (write)
			take_bytes(memory, text, bytes);
		else
			add_bytes(memory, bytes);
		text += write ? 2 * bytes : 0;
		at += bytes;
		left -= bytes;
	}
	if (write || !used)
		add(left ? "E0e" : write ? "OK" : "");
}

/* --- commands --- */

static void tell_stop(void)
{
	add("T%02xthread:%lx;", last_signal, thread_of(plat_this_cpu()));
}

static bool is(const char *word) { return !strncmp(packet, word, strlen(word)); }

static void query(void)
{
	if (is("qSupported"))
		add("PacketSize=%x", PACKET_BYTES);
	else if (is("qAttached"))
		add("1");
	else if (is("qC"))
		add("QC%lx", vp ? thread_of_vp(vp) : thread_of(cpu));
	else if (is("qfThreadInfo") || is("qsThreadInfo"))
		list_threads(packet[1] == 'f');
	else if (is("qThreadExtraInfo,"))
		describe_thread(packet + strlen("qThreadExtraInfo,"));
}

/* False: everything goes on. What is not known has an empty answer. */
static bool serve(struct irq_frame *frame)
{
	const char *text = packet + 1;
	struct cpu *was_cpu = cpu;
	struct vp *was_vp = vp;

	switch (packet[0]) {
	case '?': tell_stop(); break;
	case 'g': read_registers(); break;
	case 'P': write_register(text); break;
	case 'm':
	case 'M': access_memory(text, packet[0] == 'M'); break;
	case 'H':	/* whom 'g' and 'm' are about; who goes on is always everybody */
		text++;
		add(packet[1] != 'g' || *text == '-' || select(number(&text)) ? "OK" : "E01");
		break;
	case 'T':
	case 'q':	/* about any thread; GDB goes on to look at the one it chose */
		if (packet[0] == 'q')
			query();
		else
			add(select(number(&text)) ? "OK" : "E01");
		cpu = was_cpu;
		vp = was_vp;
		break;
	case 'D':
		add("OK");
		send();
		/* fallthrough */
	case 'k':
	case 'c':
	case 's':
		frame->rflags = packet[0] == 's' ? frame->rflags | RFLAGS_TF : frame->rflags & ~RFLAGS_TF;
		resumed = packet[0] == 'c' || packet[0] == 's';
		return false;
	}
	send();
	return true;
}

bool gdb_serve(struct irq_frame *frame, unsigned int signal)
{
	struct cpu *self = plat_this_cpu();
	uint32_t held = self->locks_held;

	if (!port)
		return false;
	self->locks_held = 0;
	last_signal = signal;
	select(0);
	if (resumed) {
		tell_stop();
		send();
	}
	do {
		receive();
	} while (serve(frame));
	self->locks_held = held;
	return true;
}

bool gdb_enter(struct irq_frame *frame, unsigned int signal)
{
	bool gone;

	if (!port || !stop_others(frame))
		return false;
	/* While another processor was served, what this one stopped for may have gone. */
	gone = frame->vector == VECTOR_BREAKPOINT && *((uint8_t *)frame->rip - 1) != INT3;
	frame->rip -= gone;
	if (!gone && (signal != SIGNAL_INTERRUPT || gdb_calls()))
		gdb_serve(frame, signal);
	stop_end();
	return true;
}
