// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Client of the store over the guest's shared page. One request at a time; its
 * reply is matched by number. Watch events go to a list, and a work item of
 * their own calls those who watch, so that they may make requests themselves.
 *
 * The server is not trusted with this kernel's memory: its counters and lengths
 * are checked, everything is copied out of the page first, and what it sends
 * without being asked is bounded. When it writes nonsense or stays silent, the
 * connection is made anew, if it offers that; otherwise requests fail.
 *
 * Locks, outer first: request_lock (one request), callback_lock (one callback),
 * list_lock (watches and events; also from the receiver).
 */
#define pr_fmt(fmt) "pvn_bus: " fmt

#include <linux/completion.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "pv-guest/bus_internal.h"
#include "pv-guest/pvn_bus.h"
#include "pv-guest/pvn_core.h"

#define REPLY_TIMEOUT	(5 * HZ)
#define EVENTS_MAX	1024

struct store_event {
	struct list_head list;
	u32 id;
	char path[];
};

static struct {
	struct pvn_store_page *page;
	u32 channel;
	bool stopping;
	bool broken;			/* make the connection anew before the next request */
	struct mutex request_lock;
	u32 request_id;
	struct completion replied;
	bool waiting;			/* for the reply to request_id; list_lock */
	struct pvn_store_header reply;
	char *reply_payload;		/* list_lock while waiting */

	wait_queue_head_t moved;	/* the server rang */
	struct workqueue_struct *receiver;
	struct work_struct receive;
	struct pvn_store_header header;	/* message being put together */
	u32 header_got;
	u32 payload_got;
	char *payload;

	struct workqueue_struct *caller;
	struct work_struct call;
	struct task_struct *calling;
	struct mutex callback_lock;
	spinlock_t list_lock;
	struct list_head watches;
	struct list_head events;
	unsigned int event_count;
	u32 last_watch_id;
} store;

static void ring_doorbell(void)
{
	pvn_signal_event(store.channel, 0);
}

static void hear_doorbell(void *context)
{
	wake_up(&store.moved);
	queue_work(store.receiver, &store.receive);
}

/* --- bytes out --- */

static bool can_send(u32 *room)
{
	u32 used = READ_ONCE(store.page->req_prod) - smp_load_acquire(&store.page->req_cons);

	if (used > PVN_STORE_RING_BYTES || READ_ONCE(store.page->error)) {
		store.broken = true;
		*room = 0;
		return true;
	}
	*room = PVN_STORE_RING_BYTES - used;
	return *room > 0;
}

static int send_bytes(const void *bytes, u32 count)
{
	u32 room, at, piece, prod;

	while (count) {
		if (!wait_event_timeout(store.moved, can_send(&room) || store.stopping,
					REPLY_TIMEOUT))
			return -ETIMEDOUT;
		if (store.stopping || store.broken)
			return -EIO;
		prod = READ_ONCE(store.page->req_prod);
		at = prod % PVN_STORE_RING_BYTES;
		piece = min3(count, room, PVN_STORE_RING_BYTES - at);
		memcpy(store.page->req + at, bytes, piece);
		smp_store_release(&store.page->req_prod, prod + piece);
		bytes += piece;
		count -= piece;
		if (!count || piece == room)
			ring_doorbell();
	}
	return 0;
}

/* --- bytes in --- */

/* Copies what is there, up to `count`; 0 when there is nothing or the ring is broken. */
static u32 receive_bytes(void *to, u32 count)
{
	u32 cons = READ_ONCE(store.page->rsp_cons);	/* the page is not ours alone */
	u32 used = smp_load_acquire(&store.page->rsp_prod) - cons;
	u32 at = cons % PVN_STORE_RING_BYTES;

	if (used > PVN_STORE_RING_BYTES) {
		store.broken = true;
		return 0;
	}
	count = min3(count, used, PVN_STORE_RING_BYTES - at);
	if (!count)
		return 0;
	memcpy(to, store.page->rsp + at, count);
	smp_store_release(&store.page->rsp_cons, cons + count);
	smp_mb();	/* the server: full? sleep; look at rsp_cons again */
	if (READ_ONCE(store.page->rsp_prod) - cons >= PVN_STORE_RING_BYTES)
		ring_doorbell();
	return count;
}

static bool event_is_queued(u32 id, const char *path)
{
	struct store_event *event;

	list_for_each_entry(event, &store.events, list)
		if (event->id == id && !strcmp(event->path, path))
			return true;
	return false;
}

/* Payload: path NUL token NUL; the token is the number of a watch. */
static void queue_event(const char *payload, u32 bytes)
{
	size_t path_bytes = strnlen(payload, bytes) + 1;
	struct store_event *event;
	u32 id;

	if (path_bytes >= bytes || payload[bytes - 1] ||
	    kstrtou32(payload + path_bytes, 10, &id))
		return;
	event = kmalloc(struct_size(event, path, path_bytes), GFP_KERNEL);
	if (!event)
		return;
	event->id = id;
	memcpy(event->path, payload, path_bytes);
	spin_lock(&store.list_lock);
	if (store.event_count < EVENTS_MAX && !event_is_queued(id, payload)) {
		list_add_tail(&event->list, &store.events);
		store.event_count++;
		event = NULL;
	}
	spin_unlock(&store.list_lock);
	kfree(event);
	queue_work(store.caller, &store.call);
}

static void take_message(void)
{
	char *payload = store.payload;
	bool wanted;

	store.payload = NULL;
	store.header_got = 0;
	store.payload_got = 0;
	payload[store.header.len] = '\0';
	if (store.header.type == PVN_STORE_WATCH_EVENT) {
		queue_event(payload, store.header.len);
		kfree(payload);
		return;
	}
	spin_lock(&store.list_lock);
	wanted = store.waiting && store.header.req_id == store.request_id;
	if (wanted) {
		store.waiting = false;
		store.reply = store.header;
		store.reply_payload = payload;
		payload = NULL;
	}
	spin_unlock(&store.list_lock);
	kfree(payload);	/* nobody waits for this one (any more) */
	if (wanted)
		complete(&store.replied);
}

/* One step of putting a message together; false when more bytes are needed. */
static bool receive_step(void)
{
	u32 missing = sizeof(store.header) - store.header_got;
	u32 got;

	if (missing) {
		got = receive_bytes((char *)&store.header + store.header_got, missing);
		store.header_got += got;
		if (got < missing)
			return got > 0;	/* the rest may be at the ring's beginning */
		if (store.header.len > PVN_STORE_PAYLOAD_MAX) {
			store.broken = true;
			return false;
		}
		store.payload = kmalloc(store.header.len + 1, GFP_KERNEL | __GFP_NOFAIL);
	}
	missing = store.header.len - store.payload_got;
	if (missing) {
		got = receive_bytes(store.payload + store.payload_got, missing);
		store.payload_got += got;
		if (got < missing)
			return got > 0;
	}
	take_message();
	return true;
}

static void receive(struct work_struct *work)
{
	while (!store.broken && !store.stopping && receive_step())
		cond_resched();
}

/* --- requests --- */

static int store_errno(const char *name)
{
	static const struct {
		const char *name;
		int error;
	} names[] = {
		{ "ENOENT", ENOENT }, { "EACCES", EACCES }, { "EINVAL", EINVAL },
		{ "EEXIST", EEXIST }, { "EISDIR", EISDIR }, { "ENOSPC", ENOSPC },
		{ "EQUOTA", EDQUOT }, { "E2BIG", E2BIG }, { "EAGAIN", EAGAIN },
		{ "EBUSY", EBUSY }, { "ENOMEM", ENOMEM }, { "ENOSYS", ENOSYS },
		{ "EROFS", EROFS },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i].name))
			return -names[i].error;
	return -EIO;
}

/* Payload in two parts. The reply's payload, kmalloc'ed with a NUL behind it, or ERR_PTR. */
static char *exchange(u32 type, const char *path, const char *rest, size_t rest_bytes,
		      size_t *reply_bytes)
{
	size_t path_bytes = strlen(path) + 1;
	struct pvn_store_header header = { .type = type, .len = path_bytes + rest_bytes };
	char *payload;
	int error;

	if (header.len > PVN_STORE_PAYLOAD_MAX)
		return ERR_PTR(-E2BIG);
	reinit_completion(&store.replied);
	spin_lock(&store.list_lock);
	header.req_id = ++store.request_id;
	store.waiting = true;
	spin_unlock(&store.list_lock);
	error = send_bytes(&header, sizeof(header));
	if (!error)
		error = send_bytes(path, path_bytes);
	if (!error && rest_bytes)
		error = send_bytes(rest, rest_bytes);
	if (!error && !wait_for_completion_timeout(&store.replied, REPLY_TIMEOUT))
		error = -ETIMEDOUT;
	spin_lock(&store.list_lock);
	if (error && !store.waiting)	/* it arrived at the last moment */
		kfree(store.reply_payload);
	store.waiting = false;
	spin_unlock(&store.list_lock);
	if (error) {
		/* Part of a request may be in the ring: only a new connection helps. */
		store.broken = true;
		return ERR_PTR(error);
	}
	payload = store.reply_payload;
	if (store.reply.type == PVN_STORE_ERROR) {
		error = store_errno(payload);
		kfree(payload);
		return ERR_PTR(error);
	}
	if (reply_bytes)
		*reply_bytes = store.reply.len;
	return payload;
}

static int exchange_watch(u32 type, const struct pvn_store_watch *watch)
{
	char token[16];
	char *reply;

	snprintf(token, sizeof(token), "%u", watch->id);
	reply = exchange(type, watch->path, token, strlen(token) + 1, NULL);
	if (IS_ERR(reply))
		return PTR_ERR(reply);
	kfree(reply);
	return 0;
}

static struct pvn_store_watch *watch_after(u32 id)
{
	struct pvn_store_watch *watch;

	spin_lock(&store.list_lock);
	list_for_each_entry(watch, &store.watches, list)
		if (watch->id > id)
			break;
	if (list_entry_is_head(watch, &store.watches, list))
		watch = NULL;
	spin_unlock(&store.list_lock);
	return watch;
}

static bool is_reconnected(void)
{
	return READ_ONCE(store.page->connection) == PVN_STORE_CONNECTED;
}

/*
 * Empties the rings together with the server and watches everything again: each
 * watch fires at once, so nothing that happened meanwhile is missed.
 * Called with request_lock; watches are added and removed under it only.
 */
static int reconnect(void)
{
	struct pvn_store_watch *watch = NULL;
	u32 id = 0;

	if (!(READ_ONCE(store.page->server_features) & PVN_STORE_FEATURE_RECONNECTION))
		return -EIO;
	flush_work(&store.receive);
	smp_store_release(&store.page->connection, PVN_STORE_RECONNECT);
	ring_doorbell();
	if (!wait_event_timeout(store.moved, is_reconnected() || store.stopping, REPLY_TIMEOUT))
		return -ETIMEDOUT;
	kfree(store.payload);
	store.payload = NULL;
	store.header_got = 0;
	store.payload_got = 0;
	store.broken = false;
	pr_info("connected to the store again\n");
	while ((watch = watch_after(id))) {
		id = watch->id;
		if (exchange_watch(PVN_STORE_WATCH, watch))
			return -EIO;
	}
	return 0;
}

static char *request(u32 type, const char *path, const char *rest, size_t rest_bytes,
		     size_t *reply_bytes)
{
	char *reply = ERR_PTR(-ENODEV);

	mutex_lock(&store.request_lock);
	if (store.page && !store.stopping) {
		int error = store.broken ? reconnect() : 0;

		reply = error ? ERR_PTR(error) :
			exchange(type, path, rest, rest_bytes, reply_bytes);
	}
	mutex_unlock(&store.request_lock);
	return reply;
}

static char *join(const char *directory, const char *key)
{
	return kasprintf(GFP_KERNEL, "%s/%s", directory, key);
}

char *pvn_store_read(const char *directory, const char *key)
{
	char *path = join(directory, key);
	char *reply;

	if (!path)
		return ERR_PTR(-ENOMEM);
	reply = request(PVN_STORE_READ, path, NULL, 0, NULL);
	kfree(path);
	return reply;
}
EXPORT_SYMBOL_GPL(pvn_store_read);

int pvn_store_read_u64(const char *directory, const char *key, u64 *value)
{
	char *text = pvn_store_read(directory, key);
	int error;

	if (IS_ERR(text))
		return PTR_ERR(text);
	error = kstrtou64(text, strncasecmp(text, "0x", 2) ? 10 : 16, value);
	kfree(text);
	return error;
}
EXPORT_SYMBOL_GPL(pvn_store_read_u64);

u64 pvn_store_number(const char *directory, const char *key, u64 low, u64 high, u64 fallback)
{
	u64 value = 0;
	int error = pvn_store_read_u64(directory, key, &value);

	if (!error && value >= low && value <= high)
		return value;
	/* What is not there is not offered; what is nonsense should be seen. */
	if (!error || error == -EINVAL || error == -ERANGE)
		pr_warn_ratelimited("%s/%s is no number from %llu to %llu; %llu is taken\n",
				    directory, key, low, high, fallback);
	return fallback;
}
EXPORT_SYMBOL_GPL(pvn_store_number);

int pvn_store_printf(const char *directory, const char *key, const char *format, ...)
{
	char *path = join(directory, key);
	char *value, *reply;
	va_list args;

	va_start(args, format);
	value = kvasprintf(GFP_KERNEL, format, args);
	va_end(args);
	if (path && value)
		reply = request(PVN_STORE_WRITE, path, value, strlen(value), NULL);
	else
		reply = ERR_PTR(-ENOMEM);
	kfree(path);
	kfree(value);
	if (IS_ERR(reply))
		return PTR_ERR(reply);
	kfree(reply);
	return 0;
}
EXPORT_SYMBOL_GPL(pvn_store_printf);

char *pvn_store_directory(const char *path, size_t *bytes)
{
	return request(PVN_STORE_DIRECTORY, path, NULL, 0, bytes);
}
EXPORT_SYMBOL_GPL(pvn_store_directory);

/* --- watches --- */

int pvn_store_watch(struct pvn_store_watch *watch)
{
	int error = -ENODEV;

	mutex_lock(&store.request_lock);
	if (store.page && !store.stopping) {
		error = store.broken ? reconnect() : 0;
		watch->id = ++store.last_watch_id;
		spin_lock(&store.list_lock);
		list_add_tail(&watch->list, &store.watches);
		spin_unlock(&store.list_lock);
		if (!error)
			error = exchange_watch(PVN_STORE_WATCH, watch);
		if (error) {
			spin_lock(&store.list_lock);
			list_del_init(&watch->list);
			spin_unlock(&store.list_lock);
		}
	}
	mutex_unlock(&store.request_lock);
	return error;
}
EXPORT_SYMBOL_GPL(pvn_store_watch);

void pvn_store_unwatch(struct pvn_store_watch *watch)
{
	mutex_lock(&store.request_lock);
	spin_lock(&store.list_lock);
	list_del_init(&watch->list);
	spin_unlock(&store.list_lock);
	if (store.page && !store.broken && !store.stopping)
		exchange_watch(PVN_STORE_UNWATCH, watch);
	mutex_unlock(&store.request_lock);
	/* A callback may be running: wait for its end, unless this is it. */
	if (READ_ONCE(store.calling) != current) {
		mutex_lock(&store.callback_lock);
		mutex_unlock(&store.callback_lock);
	}
}
EXPORT_SYMBOL_GPL(pvn_store_unwatch);

static struct store_event *next_event(struct pvn_store_watch **found)
{
	struct store_event *event;
	struct pvn_store_watch *watch;

	*found = NULL;
	spin_lock(&store.list_lock);
	event = list_first_entry_or_null(&store.events, struct store_event, list);
	if (event) {
		list_del(&event->list);
		store.event_count--;
		list_for_each_entry(watch, &store.watches, list)
			if (watch->id == event->id)
				*found = watch;
	}
	spin_unlock(&store.list_lock);
	return event;
}

static void call_watchers(struct work_struct *work)
{
	struct pvn_store_watch *watch;
	struct store_event *event;

	for (;;) {
		/* Under callback_lock from the look-up on: unwatch waits for us. */
		mutex_lock(&store.callback_lock);
		WRITE_ONCE(store.calling, current);
		event = next_event(&watch);
		if (event && watch)
			watch->changed(watch, event->path);
		WRITE_ONCE(store.calling, NULL);
		mutex_unlock(&store.callback_lock);
		if (!event)
			return;
		kfree(event);
	}
}

/* --- start and stop --- */

static void drop_events(void)
{
	struct store_event *event, *next;

	list_for_each_entry_safe(event, next, &store.events, list)
		kfree(event);
	INIT_LIST_HEAD(&store.events);
	store.event_count = 0;
}

int pvn_store_start(struct pvn_store_page *page, u32 channel)
{
	int error;

	memset(&store, 0, sizeof(store));
	mutex_init(&store.request_lock);
	mutex_init(&store.callback_lock);
	spin_lock_init(&store.list_lock);
	init_completion(&store.replied);
	init_waitqueue_head(&store.moved);
	INIT_LIST_HEAD(&store.watches);
	INIT_LIST_HEAD(&store.events);
	INIT_WORK(&store.receive, receive);
	INIT_WORK(&store.call, call_watchers);
	store.receiver = alloc_ordered_workqueue("pvn_store", WQ_HIGHPRI | WQ_MEM_RECLAIM);
	store.caller = alloc_ordered_workqueue("pvn_watch", 0);
	if (!store.receiver || !store.caller) {
		error = -ENOMEM;
		goto out;
	}
	store.page = page;
	store.channel = channel;
	/*
	 * A predecessor (this module loaded before, or the kernel that kexec'ed
	 * us) may have left half a message behind.
	 */
	store.broken = page->req_prod != page->req_cons || page->rsp_prod != page->rsp_cons;
	if (!(READ_ONCE(page->server_features) & PVN_STORE_FEATURE_RECONNECTION))
		store.broken = false;
	error = pvn_event_register(channel, hear_doorbell, NULL);
	if (!error)
		return 0;
out:
	if (store.receiver)
		destroy_workqueue(store.receiver);
	if (store.caller)
		destroy_workqueue(store.caller);
	store.page = NULL;
	return error;
}

void pvn_store_stop(void)
{
	store.stopping = true;
	wake_up_all(&store.moved);
	pvn_event_unregister(store.channel);
	destroy_workqueue(store.caller);
	destroy_workqueue(store.receiver);
	drop_events();
	kfree(store.payload);
	store.page = NULL;
}
