// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Channels: doorbells between a guest and a program of the root, as eventfds.
 *
 *	guest signals connection n -> port of the root -> flag -> in eventfd
 *	out eventfd written -> signal_event -> port n of the guest -> its flag n
 *
 * The root's ends of both carry one number of the root's own, `port`: id of its
 * port, flag of that port, id of its connection.
 *
 * In the life of a write: in comes from pv-guest/event.c and wakes the back-end;
 * out is written by the back-end and ends in core/hc_event.c of the hypervisor.
 */
#define pr_fmt(fmt) "pvn_root: " fmt

#include <linux/anon_inodes.h>
#include <linux/cpumask.h>
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/idr.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>

#include "pv-guest/root/compat.h"
#include "pv-guest/root/objects.h"

struct root_channel {
	struct root_partition *partition;	/* (c) */
	struct list_head siblings;		/* [p] */
	u32 number;				/* (c) in the guest */
	u32 port;				/* (c) in the root */
	bool connected;				/* [p] */
	struct eventfd_ctx *in, *out;		/* (c) */
	struct wait_queue_entry wait;		/* on out */
	poll_table table;
};

static DEFINE_IDA(ports);
static atomic_t next_cpu = ATOMIC_INIT(0);

/* From pv-guest/event.c, hard interrupt context. */
static void guest_rang(void *context)
{
	struct root_channel *channel = context;

	compat_eventfd_signal(channel->in);
}

/*
 * Whoever writes to the eventfd runs this, with the eventfd's lock held and
 * interrupts off: taking the count and one fast call are all it does.
 * A guest that listens to nothing loses the doorbell; it looks when it starts to.
 */
static int root_rings(struct wait_queue_entry *wait, unsigned int mode, int sync, void *key)
{
	struct root_channel *channel = container_of(wait, struct root_channel, wait);
	u64 count;

	if (key_to_poll(key) & EPOLLIN) {
		eventfd_ctx_do_read(channel->out, &count);
		pvn_signal_event(channel->port, 0);
	}
	return 0;
}

static void add_to_eventfd(struct file *file, wait_queue_head_t *head, poll_table *table)
{
	struct root_channel *channel = container_of(table, struct root_channel, table);

	add_wait_queue(head, &channel->wait);
}

static u32 choose_vp(u32 cpu)
{
	if (cpu == PVN_CPU_ANY || cpu >= nr_cpu_ids || !cpu_online(cpu)) {
		unsigned int nth = (unsigned int)atomic_inc_return(&next_cpu) % num_online_cpus();

		for_each_online_cpu(cpu)
			if (!nth--)
				break;
	}
	return pvn_event_vp(cpu < nr_cpu_ids ? cpu : cpumask_first(cpu_online_mask));
}

static int connect_guest_to_root(struct root_channel *channel, u32 root_vp)
{
	struct root_partition *partition = channel->partition;
	const u64 root = pvn_platform()->partition_id;
	const struct pvn_create_port_in port = {
		.port_partition = root,
		.port_id = channel->port,
		.connection_partition = partition->id,
		.port_type = PVN_PORT_EVENT,
		.target_sint = PVN_SINT_EVENTS,
		.target_vp = root_vp,
		.base_flag = channel->port,
		.flag_count = 1,
	};
	const struct pvn_connect_port_in connection = {
		.connection_partition = partition->id,
		.connection_id = channel->number,
		.port_partition = root,
		.port_id = channel->port,
		.port_type = PVN_PORT_EVENT,
	};
	int error = root_call_own(PVN_CALL_create_port, &port, sizeof(port));

	if (error)
		return error;
	return root_call(partition, PVN_CALL_connect_port, &connection, sizeof(connection),
			 NULL, 0);
}

static int connect_root_to_guest(struct root_channel *channel, u32 guest_vp)
{
	struct root_partition *partition = channel->partition;
	const u64 root = pvn_platform()->partition_id;
	const struct pvn_create_port_in port = {
		.port_partition = partition->id,
		.port_id = channel->number,
		.connection_partition = root,
		.port_type = PVN_PORT_EVENT,
		.target_sint = PVN_SINT_EVENTS,
		.target_vp = guest_vp,
		.base_flag = channel->number,
		.flag_count = 1,
	};
	const struct pvn_connect_port_in connection = {
		.connection_partition = root,
		.connection_id = channel->port,
		.port_partition = partition->id,
		.port_id = channel->number,
		.port_type = PVN_PORT_EVENT,
	};
	int error = root_call(partition, PVN_CALL_create_port, &port, sizeof(port), NULL, 0);

	if (error)
		return error;
	return root_call_own(PVN_CALL_connect_port, &connection, sizeof(connection));
}

/* Ends whatever there is; what was never made, or has gone with the guest, is refused. */
static void disconnect(struct root_channel *channel)
{
	const u64 root = pvn_platform()->partition_id, guest = channel->partition->id;

	if (!channel->connected)
		return;
	channel->connected = false;
	pvn_call_fast(PVN_CALL_disconnect_port, root, channel->port);
	pvn_call_fast(PVN_CALL_delete_port, guest, channel->number);
	pvn_call_fast(PVN_CALL_disconnect_port, guest, channel->number);
	pvn_call_fast(PVN_CALL_delete_port, root, channel->port);
}

void root_channels_disconnect(struct root_partition *partition)
{
	struct root_channel *channel;

	list_for_each_entry(channel, &partition->channels, siblings)
		disconnect(channel);
}

static int connect(struct root_channel *channel, const struct pvn_root_create_channel *request)
{
	int error;

	channel->connected = true;
	error = connect_guest_to_root(channel, choose_vp(request->root_cpu));
	if (!error)
		error = connect_root_to_guest(channel, request->target_vp);
	if (error)
		disconnect(channel);
	return error;
}

/* A write that came before the wait-queue entry counts too. */
static int listen_to_out(struct root_channel *channel, int fd)
{
	struct file *file = eventfd_fget(fd);

	if (IS_ERR(file))
		return PTR_ERR(file);
	channel->out = eventfd_ctx_fileget(file);
	init_waitqueue_func_entry(&channel->wait, root_rings);
	init_poll_funcptr(&channel->table, add_to_eventfd);
	if (vfs_poll(file, &channel->table) & EPOLLIN)
		pvn_signal_event(channel->port, 0);
	fput(file);
	return 0;
}

static void stop_listening(struct root_channel *channel)
{
	u64 count;

	eventfd_ctx_remove_wait_queue(channel->out, &channel->wait, &count);
	eventfd_ctx_put(channel->out);
}

static void channel_free(struct root_channel *channel)
{
	ida_free(&ports, channel->port);
	kfree(channel);
}

static int channel_release(struct inode *inode, struct file *file)
{
	struct root_channel *channel = file->private_data;
	struct root_partition *partition = channel->partition;

	stop_listening(channel);
	mutex_lock(&partition->lock);
	disconnect(channel);
	list_del(&channel->siblings);
	mutex_unlock(&partition->lock);
	pvn_event_unregister(channel->port);
	eventfd_ctx_put(channel->in);
	channel_free(channel);
	atomic64_dec(&root_counts.channels);
	root_partition_put(partition);
	return 0;
}

static const struct file_operations channel_operations = {
	.owner = THIS_MODULE,
	.release = channel_release,
};

static struct root_channel *channel_new(struct root_partition *partition, u32 number)
{
	struct root_channel *channel = kzalloc(sizeof(*channel), GFP_KERNEL);
	int port;

	if (!channel)
		return ERR_PTR(-ENOMEM);
	port = ida_alloc_range(&ports, 1, ROOT_CHANNELS_MAX, GFP_KERNEL);
	if (port < 0) {
		kfree(channel);
		return ERR_PTR(port);
	}
	channel->partition = partition;
	channel->number = number;
	channel->port = port;
	return channel;
}

static bool number_is_free(const struct root_partition *partition, u32 number)
{
	const struct root_channel *channel;

	list_for_each_entry(channel, &partition->channels, siblings)
		if (channel->number == number)
			return false;
	return true;
}

int root_channel_create(struct root_partition *partition,
			const struct pvn_root_create_channel *request)
{
	struct root_channel *channel;
	int result;

	if (request->mbz || !request->channel || request->channel > ROOT_CHANNELS_MAX)
		return -EINVAL;
	/* The hypervisor would refuse too, but undoing would then end the other channel. */
	if (!number_is_free(partition, request->channel))
		return -EEXIST;
	channel = channel_new(partition, request->channel);
	if (IS_ERR(channel))
		return PTR_ERR(channel);
	channel->in = eventfd_ctx_fdget(request->in_fd);
	if (IS_ERR(channel->in)) {
		result = PTR_ERR(channel->in);
		goto no_in;
	}
	result = pvn_event_register(channel->port, guest_rang, channel);
	if (result)
		goto not_registered;
	result = connect(channel, request);
	if (result)
		goto not_connected;
	result = listen_to_out(channel, request->out_fd);
	if (result)
		goto no_out;
	result = anon_inode_getfd("paravane-channel", &channel_operations, channel,
				  O_RDWR | O_CLOEXEC);
	if (result < 0)
		goto no_descriptor;
	root_partition_get(partition);
	list_add(&channel->siblings, &partition->channels);
	atomic64_inc(&root_counts.channels);
	return result;

no_descriptor:
	stop_listening(channel);
no_out:
	disconnect(channel);
not_connected:
	pvn_event_unregister(channel->port);
not_registered:
	eventfd_ctx_put(channel->in);
no_in:
	channel_free(channel);
	return result;
}

/*
 * Loops have the numbers of channels: a port and a connection of the guest. The
 * hypervisor takes them back when the partition ends.
 */
long root_loop_create(struct root_partition *partition, const struct pvn_root_loop *request)
{
	const u64 guest = partition->id;
	const bool event = request->type == PVN_PORT_EVENT;
	const struct pvn_create_port_in port = {
		.port_partition = guest,
		.port_id = request->connection,
		.connection_partition = guest,
		.port_type = request->type,
		.target_sint = request->sint,
		.target_vp = request->vp,
		.base_flag = event ? request->connection : 0,
		.flag_count = event,
	};
	const struct pvn_connect_port_in connection = {
		.connection_partition = guest,
		.connection_id = request->connection,
		.port_partition = guest,
		.port_id = request->connection,
		.port_type = request->type,
	};
	int error;

	if (!request->connection || request->connection > ROOT_CHANNELS_MAX)
		return -EINVAL;
	if (!number_is_free(partition, request->connection))
		return -EEXIST;
	error = root_call(partition, PVN_CALL_create_port, &port, sizeof(port), NULL, 0);
	if (error)
		return error;
	error = root_call(partition, PVN_CALL_connect_port, &connection, sizeof(connection), NULL, 0);
	if (error)
		pvn_call_fast(PVN_CALL_delete_port, guest, request->connection);
	return error;
}

long root_loop_delete(struct root_partition *partition, const struct pvn_root_loop *request)
{
	const u64 guest = partition->id;
	u64 result;

	if (!number_is_free(partition, request->connection))
		return -EINVAL;
	pvn_call_fast(PVN_CALL_disconnect_port, guest, request->connection);
	result = pvn_call_fast(PVN_CALL_delete_port, guest, request->connection);
	return pvn_status_errno(pvn_result_status(result));
}
