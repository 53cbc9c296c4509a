// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * A guest that floods the store: every quota refuses in time, and the devices, whose
 * keys live there too, go on.
 */
#include "device.h"

#define MANY 3000u

static struct disk *connected(void)
{
	struct disk *disk = disk_find(0);

	disk_connect(disk);
	return disk;
}

static bool ask(uint32_t type, const char *payload, uint32_t bytes)
{
	static struct pvn_store_header answer;
	static char text[PVN_STORE_PAYLOAD_MAX + 1];

	expect(store_ask(type, payload, bytes, &answer, text, sizeof(text)),
	       "the store does not answer");
	return answer.type != PVN_STORE_ERROR;
}

static uint32_t format_key(char *to, size_t room, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static uint32_t format_key(char *to, size_t room, const char *format, ...)
{
	va_list arguments;
	size_t length;

	va_start(arguments, format);
	length = format_text(to, room, format, arguments);
	va_end(arguments);
	return (uint32_t)length;
}

CASE(writes_without_end)
{
	struct disk *disk = connected();

	for (unsigned int i = 0; i < 2000; i++)
		device_put(&disk->device, "state", STATE_CONNECTED);
	disk_expect_service(disk);
}

CASE(nodes_without_end)
{
	struct disk *disk = connected();
	unsigned int made = 0;
	char path[64];

	for (; made < MANY; made++) {
		format_key(path, sizeof(path), "data/flood/%u", made);
		if (!store_write(path, "%u", made))
			break;
	}
	expect(made < MANY, "%u nodes and no end", made);
	expect(text_equal(store_error(), "ENOSPC"), "refused with %s", store_error());
	expect(store_remove("data/flood"), "the nodes cannot be removed: %s", store_error());
	disk_expect_service(disk);
}

CASE(watches_without_end)
{
	struct disk *disk = connected();
	unsigned int made = 0;
	char payload[64];

	for (; made < MANY; made++) {
		uint32_t length = format_key(payload, sizeof(payload), "data") + 1;

		length += format_key(payload + length, sizeof(payload) - length, "%u", made) + 1;
		if (!ask(PVN_STORE_WATCH, payload, length))
			break;
	}
	expect(made < MANY, "%u watches and no end", made);
	expect(ask(PVN_STORE_RESET_WATCHES, "", 1), "the watches cannot be removed");
	disk_expect_service(disk);
}

CASE(transactions_without_end)
{
	struct disk *disk = connected();
	unsigned int made = 0;

	while (made < MANY && ask(PVN_STORE_TRANSACTION_START, "", 1))
		made++;
	expect(made < MANY, "%u transactions and no end", made);
	expect(store_reconnect(), "the store does not take the guest back");
	disk_expect_service(disk);
}

CASE(value_too_large)
{
	static char payload[PVN_STORE_RING_BYTES - 64];
	struct disk *disk = connected();
	const uint32_t length = format_key(payload, sizeof(payload), "data/large") + 1;

	memset(payload + length, 'x', sizeof(payload) - length);
	for (unsigned int i = 0; i < 200; i++) {
		format_key(payload, sizeof(payload), "data/l%03u", i);
		if (!ask(PVN_STORE_WRITE, payload, sizeof(payload)))
			break;
	}
	for (unsigned int i = 0; i < 200; i++) {
		format_key(payload, sizeof(payload), "data/l%03u", i);
		store_remove(payload);
	}
	disk_expect_service(disk);
}

CASE(message_longer_than_allowed)
{
	const struct pvn_store_header header = { .type = PVN_STORE_WRITE, .req_id = 1,
						 .len = PVN_STORE_PAYLOAD_MAX + 1 };
	struct disk *disk = connected();

	store_send(&header, sizeof(header));
	ring_doorbell(STORE_CHANNEL);
	expect(wait_until(store_page()->error, DEVICE_TIME), "the store accepts it");
	expect(store_reconnect(), "the store does not take the guest back");
	disk_expect_service(disk);
}

CASE(folder_of_the_device_removed)
{
	struct disk *disk = connected();
	struct device *device = &disk->device;

	store_remove(device->front);
	wait_for(30 * MSECS);
	if (store_number(front_key(device, "queue-0/channel")) == ~0ull)
		print("note: the guest has no disk any more\n");
	else
		disk_expect_service(disk);
}
