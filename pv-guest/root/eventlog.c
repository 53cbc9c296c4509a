// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The hypervisor's event log for programs of the root. The group of system events is
 * recorded from when this module is loaded; its oldest buffer is given back when all are
 * full, so that the youngest events are always there. That of diagnostics is recorded
 * while somebody has it open, who reads it away.
 */
#define pr_fmt(fmt) "pvn_root: " fmt

#include <linux/anon_inodes.h>
#include <linux/io.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <pvn/abi/eventlog.h>

#include "pv-guest/root/objects.h"

#define SYSTEM_BUFFERS 8

struct event_log {
	u32 type;			/* (c) PVN_EVENTLOG_* */
	struct mutex lock;
	bool open;			/* [lock] */
	u32 count;			/* [lock] */
	struct pvn_eventlog_buffer *buffer[PVN_EVENTLOG_BUFFERS_MAX];	/* [lock], also read by messages */
	wait_queue_head_t wait;
};

static struct event_log logs[PVN_EVENTLOG_GROUPS];

static u64 buffer_call(u16 code, u32 type, u32 index)
{
	return pvn_result_status(pvn_call_fast(code, type | (u64)index << 32, 0));
}

/* The hypervisor writes while we read. */
static u32 state_of(const struct pvn_eventlog_buffer *buffer)
{
	return buffer ? smp_load_acquire(&buffer->state) : PVN_EVENTLOG_STANDBY;
}

/* The oldest buffer in this state; -1: none is. */
static int oldest(const struct event_log *log, u32 state)
{
	const struct pvn_eventlog_buffer *first = NULL;
	int found = -1;
	u32 i;

	/* Without the lock in an interrupt: each pointer is read once, it may be gone the next time. */
	for (i = 0; i < PVN_EVENTLOG_BUFFERS_MAX; i++) {
		const struct pvn_eventlog_buffer *buffer = READ_ONCE(log->buffer[i]);

		if (state_of(buffer) != state ||
		    (first && READ_ONCE(buffer->time) >= READ_ONCE(first->time)))
			continue;
		first = buffer;
		found = i;
	}
	return found;
}

/* Hard interrupt context. A buffer of the system's is given back when it was the last. */
void root_eventlog_message(const struct pvn_message *message)
{
	const u32 type = *(const u32 *)message->payload;
	struct event_log *log = &logs[type < PVN_EVENTLOG_GROUPS ? type : 0];
	int index;

	if (type == PVN_EVENTLOG_DIAGNOSTICS)
		wake_up_interruptible(&log->wait);
	if (type != PVN_EVENTLOG_SYSTEM || oldest(log, PVN_EVENTLOG_FREE) >= 0)
		return;
	index = oldest(log, PVN_EVENTLOG_COMPLETE);
	if (index >= 0)
		buffer_call(PVN_CALL_release_event_log_buffer, type, index);
}

static int add_buffer(struct event_log *log, u32 index)
{
	const struct pvn_create_event_log_buffer_in in = { .type = log->type, .index = index };
	const struct pvn_map_event_log_buffer_in map = { .type = log->type, .index = index };
	struct pvn_map_event_log_buffer_out where;
	struct pvn_eventlog_buffer *buffer;
	int error = root_call_own(PVN_CALL_create_event_log_buffer, &in, sizeof(in));
	u64 result;

	if (error)
		return error;
	result = pvn_call_memory(PVN_CALL_map_event_log_buffer, &map, sizeof(map), &where, sizeof(where));
	error = pvn_status_errno(pvn_result_status(result));
	if (!error) {
		buffer = memremap(PFN_PHYS(where.page), PAGE_SIZE, MEMREMAP_WB);
		if (buffer) {
			WRITE_ONCE(log->buffer[index], buffer);
			return 0;
		}
		error = -ENOMEM;
		buffer_call(PVN_CALL_unmap_event_log_buffer, log->type, index);
	}
	buffer_call(PVN_CALL_delete_event_log_buffer, log->type, index);
	return error;
}

/* [lock] */
static void log_close(struct event_log *log)
{
	u32 i;

	if (!log->open)
		return;
	log->open = false;
	pvn_call_fast(PVN_CALL_set_event_log_group_sources, log->type, 0);
	for (i = 0; i < PVN_EVENTLOG_BUFFERS_MAX; i++) {
		struct pvn_eventlog_buffer *buffer = log->buffer[i];

		if (!buffer)
			continue;
		WRITE_ONCE(log->buffer[i], NULL);
		/* A message that is being handled still reads it. */
		synchronize_rcu();
		memunmap(buffer);
		buffer_call(PVN_CALL_unmap_event_log_buffer, log->type, i);
		buffer_call(PVN_CALL_delete_event_log_buffer, log->type, i);
	}
	if (pvn_result_status(pvn_call_fast(PVN_CALL_finalize_event_log_buffer_group, log->type, 0)))
		pr_err("event log %u does not end\n", log->type);
}

/* [lock] */
static int log_open(struct event_log *log, u32 buffers, u64 sources)
{
	const struct pvn_initialize_event_log_buffer_group_in in = {
		.type = log->type, .buffers_max = buffers, .buffer_pages = 1 };
	int error;
	u32 i;

	if (log->open)
		return -EBUSY;
	error = root_call_own(PVN_CALL_initialize_event_log_buffer_group, &in, sizeof(in));
	if (error)
		return error;
	log->open = true;
	log->count = buffers;
	for (i = 0; i < buffers && !error; i++)
		error = add_buffer(log, i);
	if (!error)
		error = pvn_status_errno(pvn_result_status(
			pvn_call_fast(PVN_CALL_set_event_log_group_sources, log->type, sources)));
	if (error)
		log_close(log);
	return error;
}

/* Buffers one after the other, oldest first, as pages; how many bytes. [lock] */
static long copy_all(struct event_log *log, void __user *to, u32 bytes)
{
	static const u32 states[] = { PVN_EVENTLOG_COMPLETE, PVN_EVENTLOG_IN_USE };
	u64 after = 0;
	long done = 0;
	u32 i, n;

	for (n = 0; n < log->count && done + PAGE_SIZE <= bytes; n++) {
		int next = -1;

		for (i = 0; i < 2 * log->count; i++) {
			const struct pvn_eventlog_buffer *b = log->buffer[i / 2];

			if (state_of(b) == states[i % 2] && b->time > after &&
			    (next < 0 || b->time < log->buffer[next]->time))
				next = i / 2;
		}
		if (next < 0)
			break;
		after = log->buffer[next]->time;
		if (copy_to_user(to + done, log->buffer[next], PAGE_SIZE))
			return -EFAULT;
		done += PAGE_SIZE;
	}
	return done;
}

long root_eventlog_read(const void __user *from)
{
	struct event_log *log = &logs[PVN_EVENTLOG_SYSTEM];
	struct pvn_root_log request;
	long result;

	if (copy_from_user(&request, from, sizeof(request)))
		return -EFAULT;
	if (request.mbz)
		return -EINVAL;
	if (mutex_lock_killable(&log->lock))
		return -EINTR;
	result = log->open ? copy_all(log, u64_to_user_ptr(request.address), request.bytes) : -ENODATA;
	mutex_unlock(&log->lock);
	return result;
}

static bool has_data(const struct event_log *log)
{
	return oldest(log, PVN_EVENTLOG_COMPLETE) >= 0;
}

/* One page is one buffer, which is free again then. [lock] */
static long take_buffer(struct event_log *log, void __user *to)
{
	int index = oldest(log, PVN_EVENTLOG_COMPLETE);

	if (index < 0)
		return -EAGAIN;
	if (copy_to_user(to, log->buffer[index], PAGE_SIZE))
		return -EFAULT;
	buffer_call(PVN_CALL_release_event_log_buffer, log->type, index);
	return PAGE_SIZE;
}

/* What is in the buffer at hand counts too, when nothing else comes. [lock] */
static void flush(struct event_log *log)
{
	int index = oldest(log, PVN_EVENTLOG_IN_USE);

	if (index >= 0)
		buffer_call(PVN_CALL_flush_event_log_buffer, log->type, index);
}

static ssize_t trace_read(struct file *file, char __user *to, size_t bytes, loff_t *offset)
{
	struct event_log *log = &logs[PVN_EVENTLOG_DIAGNOSTICS];
	long result;

	if (bytes < PAGE_SIZE)
		return -EINVAL;
	for (;;) {
		if (mutex_lock_killable(&log->lock))
			return -EINTR;
		if (!has_data(log))
			flush(log);
		result = take_buffer(log, to);
		mutex_unlock(&log->lock);
		if (result != -EAGAIN || file->f_flags & O_NONBLOCK)
			return result;
		if (wait_event_interruptible_timeout(log->wait, has_data(log), HZ / 10) < 0)
			return -ERESTARTSYS;
	}
}

static __poll_t trace_poll(struct file *file, poll_table *table)
{
	struct event_log *log = &logs[PVN_EVENTLOG_DIAGNOSTICS];

	poll_wait(file, &log->wait, table);
	return has_data(log) ? EPOLLIN | EPOLLRDNORM : 0;
}

static int trace_release(struct inode *inode, struct file *file)
{
	struct event_log *log = &logs[PVN_EVENTLOG_DIAGNOSTICS];

	mutex_lock(&log->lock);
	log_close(log);
	mutex_unlock(&log->lock);
	return 0;
}

static const struct file_operations trace_operations = {
	.owner = THIS_MODULE,
	.release = trace_release,
	.read = trace_read,
	.poll = trace_poll,
};

long root_eventlog_trace(const void __user *from)
{
	struct event_log *log = &logs[PVN_EVENTLOG_DIAGNOSTICS];
	struct pvn_root_trace request;
	long result;

	if (copy_from_user(&request, from, sizeof(request)))
		return -EFAULT;
	if (request.mbz || !request.buffers || request.buffers > PVN_EVENTLOG_BUFFERS_MAX)
		return -EINVAL;
	if (mutex_lock_killable(&log->lock))
		return -EINTR;
	result = log_open(log, request.buffers, PVN_EVENTLOG_PERFORMANCE);
	if (!result) {
		result = anon_inode_getfd("paravane-trace", &trace_operations, log, O_RDONLY | O_CLOEXEC);
		if (result < 0)
			log_close(log);
	}
	mutex_unlock(&log->lock);
	return result;
}

/* Without it the module is as good: an older hypervisor has no event log. */
void root_eventlog_init(void)
{
	struct event_log *log;
	u32 i;

	for (i = 0; i < PVN_EVENTLOG_GROUPS; i++) {
		logs[i].type = i;
		mutex_init(&logs[i].lock);
		init_waitqueue_head(&logs[i].wait);
	}
	log = &logs[PVN_EVENTLOG_SYSTEM];
	mutex_lock(&log->lock);
	if (log_open(log, SYSTEM_BUFFERS, PVN_EVENTLOG_SUCCESS | PVN_EVENTLOG_FAILURE))
		pr_warn("no event log\n");
	mutex_unlock(&log->lock);
}

void root_eventlog_exit(void)
{
	mutex_lock(&logs[PVN_EVENTLOG_SYSTEM].lock);
	log_close(&logs[PVN_EVENTLOG_SYSTEM]);
	mutex_unlock(&logs[PVN_EVENTLOG_SYSTEM].lock);
}
