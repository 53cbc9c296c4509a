// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Serial port, by the rules of the PC16550D's data sheet.
 */
#include "machine.h"

#include "emul/uart.h"

enum { DATA = UART_BASE, IER, IIR, LCR, MCR, LSR, MSR, SCR, FCR = IIR };

static struct uart uart;
static uint8_t sent[64];
static unsigned int sent_count;

static void transmit(void *context, uint8_t byte)
{
	(void)context;
	sent[sent_count++ % sizeof(sent)] = byte;
}

static int setup(void **state)
{
	machine_setup(state);
	sent_count = 0;
	uart_init(&uart, &machine.bus, &machine.ioapic, transmit, NULL);
	enable_pin(UART_PIN);
	out(MCR, 1, 0x08);	/* OUT2: interrupts go through */
	return 0;
}

static void what_is_written_is_sent(void **state)
{
	(void)state;
	assert_int_equal(in(LSR, 1), 0x60);
	out(DATA, 1, 'x');
	assert_int_equal(sent_count, 1);
	assert_int_equal(sent[0], 'x');
	assert_int_equal(in(LSR, 1), 0x60);
	assert_int_equal(interrupts(), 0);
}

static void divisor_hides_data_and_interrupt_enable(void **state)
{
	(void)state;
	out(LCR, 1, 0x83);
	out(DATA, 1, 0x34);
	out(IER, 1, 0x12);
	assert_int_equal(in(DATA, 1), 0x34);
	assert_int_equal(in(IER, 1), 0x12);
	out(LCR, 1, 0x03);
	assert_int_equal(in(IER, 1), 0);
	assert_int_equal(sent_count, 0);
}

static void an_empty_transmitter_interrupts_when_enabled_and_after_each_send(void **state)
{
	(void)state;
	out(IER, 1, 0x02);
	assert_int_equal(interrupts(), 1);
	assert_int_equal(in(IIR, 1), 0x02);
	assert_int_equal(in(IIR, 1), 0x01);
	out(DATA, 1, 'a');
	out(DATA, 1, 'b');
	assert_int_equal(interrupts(), 1);
	assert_int_equal(in(IIR, 1), 0x02);
}

static void what_comes_interrupts_until_it_is_read(void **state)
{
	(void)state;
	out(IER, 1, 0x01);
	uart_receive(&uart, 'k');
	assert_int_equal(interrupts(), 1);
	assert_int_equal(in(IIR, 1), 0x04);
	assert_int_equal(in(LSR, 1), 0x61);
	assert_int_equal(in(DATA, 1), 'k');
	assert_int_equal(in(IIR, 1), 0x01);
	assert_int_equal(in(LSR, 1), 0x60);
}

static void without_fifo_the_second_character_overruns_the_first(void **state)
{
	(void)state;
	out(IER, 1, 0x05);
	uart_receive(&uart, '1');
	assert_int_equal(uart_room(&uart), 0);
	uart_receive(&uart, '2');
	assert_int_equal(in(IIR, 1), 0x06);
	assert_int_equal(in(LSR, 1), 0x63);
	assert_int_equal(in(LSR, 1), 0x61);
	assert_int_equal(in(DATA, 1), '2');
}

static void the_fifo_holds_16_in_order(void **state)
{
	unsigned int i;

	(void)state;
	out(FCR, 1, 0x81);
	assert_int_equal(in(IIR, 1) & 0xc0, 0xc0);
	assert_int_equal(uart_room(&uart), 16);
	for (i = 0; i < 17; i++)
		uart_receive(&uart, 'a' + i);
	assert_int_equal(in(LSR, 1), 0x63);
	for (i = 0; i < 16; i++)
		assert_int_equal(in(DATA, 1), 'a' + i);
	assert_int_equal(in(LSR, 1), 0x60);
}

static void below_its_trigger_the_fifo_reports_a_time_out(void **state)
{
	unsigned int i;

	(void)state;
	out(FCR, 1, 0x81);	/* trigger at 8 */
	out(IER, 1, 0x01);
	uart_receive(&uart, 'a');
	assert_int_equal(in(IIR, 1), 0xcc);
	for (i = 0; i < 7; i++)
		uart_receive(&uart, 'a');
	assert_int_equal(in(IIR, 1), 0xc4);
	out(FCR, 1, 0x83);
	assert_int_equal(in(IIR, 1), 0xc1);
}

static void loop_connects_lines_and_data(void **state)
{
	(void)state;
	out(MCR, 1, 0x1a);	/* RTS and OUT2: what Linux tries */
	assert_int_equal(in(MSR, 1) & 0xf0, 0x90);
	out(MCR, 1, 0x10);
	out(DATA, 1, 0x5a);
	assert_int_equal(sent_count, 0);
	assert_int_equal(in(DATA, 1), 0x5a);
	uart_receive(&uart, 'x');
	assert_int_equal(in(LSR, 1) & 1, 0);
}

static void changes_of_modem_lines_are_noted_once(void **state)
{
	(void)state;
	in(MSR, 1);
	out(MCR, 1, 0x18);	/* loop: CTS and DSR go, DCD stays */
	assert_int_equal(in(MSR, 1), 0x83);
	assert_int_equal(in(MSR, 1), 0x80);
	out(MCR, 1, 0x1c);
	assert_int_equal(in(MSR, 1), 0xc0);
	out(MCR, 1, 0x18);	/* the end of RING is noted, its beginning is not */
	assert_int_equal(in(MSR, 1), 0x84);
}

static void without_out2_no_interrupt_goes_through(void **state)
{
	(void)state;
	out(MCR, 1, 0);
	out(IER, 1, 0x01);
	uart_receive(&uart, 'k');
	assert_int_equal(interrupts(), 0);
	out(MCR, 1, 0x08);
	assert_int_equal(interrupts(), 1);
}

static void the_scratch_register_is_memory(void **state)
{
	(void)state;
	out(SCR, 1, 0xa5);
	assert_int_equal(in(SCR, 1), 0xa5);
	out(IER, 1, 0xff);
	assert_int_equal(in(IER, 1), 0x0f);
	out(MCR, 1, 0xff);
	assert_int_equal(in(MCR, 1), 0x1f);
}

#define ON_UART(test) cmocka_unit_test_setup(test, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_UART(what_is_written_is_sent),
		ON_UART(divisor_hides_data_and_interrupt_enable),
		ON_UART(an_empty_transmitter_interrupts_when_enabled_and_after_each_send),
		ON_UART(what_comes_interrupts_until_it_is_read),
		ON_UART(without_fifo_the_second_character_overruns_the_first),
		ON_UART(the_fifo_holds_16_in_order),
		ON_UART(below_its_trigger_the_fifo_reports_a_time_out),
		ON_UART(loop_connects_lines_and_data),
		ON_UART(changes_of_modem_lines_are_noted_once),
		ON_UART(without_out2_no_interrupt_goes_through),
		ON_UART(the_scratch_register_is_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
