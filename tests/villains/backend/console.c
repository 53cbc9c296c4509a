// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The honest half of a villain's console: takes what is printed, and answers "heard" to
 * each question mark.
 */
#include <string.h>

#include "villaind.h"

int console_publish(struct villain *v)
{
	return pvn_backend_publish_number(&v->backend, "protocol", PVN_CONSOLE_PROTOCOL);
}

int console_connect(struct villain *v, uint32_t epoch)
{
	uint64_t gpa, bytes;
	void *base;

	if (!pvn_backend_queue_number(&v->backend, 0, "ring-bytes", PVN_CONSOLE_OUT_MIN,
				      PVN_CONSOLE_OUT_MAX, &bytes) ||
	    !pvn_backend_queue_number(&v->backend, 0, "ring-gpa", 0, UINT64_MAX, &gpa))
		return -1;
	base = pvn_memory_at(&v->backend.memory, gpa, pvn_console_bytes((uint32_t)bytes));
	if (!base)
		return -1;
	v->front_page = base;
	v->page = (struct pvn_console_back *)((char *)base + PVN_PAGE_SIZE + bytes);
	pvn_console_back_init(base, (uint32_t)bytes, &v->input, &v->output);
	pvn_ring_store(&v->page->epoch, epoch);
	return 0;
}

bool console_turn(struct villain *v, bool hold)
{
	static const char answer[] = "heard\n";
	bool notify = false;
	char bytes[512];
	uint32_t count, i;

	if (hold && pvn_ring_load(v->output.tail) != v->output.taken)
		return true;
	while ((count = pvn_bytes_read(&v->output, bytes, sizeof(bytes), &notify)) > 0)
		for (i = 0; i < count; i++)
			if (bytes[i] == '?')
				pvn_bytes_write(&v->input, answer, sizeof(answer) - 1, &notify);
	pvn_bytes_arm(&v->output);
	if (notify)
		ring(v);
	return false;
}
