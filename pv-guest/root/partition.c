// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Partitions: their descriptor, life cycle, and the way of intercept messages to
 * their virtual processors.
 *
 * The end of a partition is the closing of its descriptor, whoever closes it: the
 * program, or the kernel when the program was killed. It cannot fail and finalizes
 * first, so that nothing runs when pages are taken back.
 */
#define pr_fmt(fmt) "pvn_root: " fmt

#include <linux/anon_inodes.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "pv-guest/root/objects.h"

/* All live partitions by id, for messages. */
static DEFINE_XARRAY(partitions);

void root_partition_get(struct root_partition *partition)
{
	kref_get(&partition->references);
}

static void partition_free(struct kref *references)
{
	struct root_partition *partition = container_of(references, struct root_partition,
							references);

	kfree_rcu(partition, rcu);
}

void root_partition_put(struct root_partition *partition)
{
	kref_put(&partition->references, partition_free);
}

void root_partition_exit(void)
{
	rcu_barrier();
}

void root_partition_message(void *context, const struct pvn_message *message)
{
	const struct pvn_intercept_header *header = (const void *)message->payload;
	struct root_partition *partition = xa_load(&partitions, message->origin);
	struct root_vp *vp;

	if (!partition || header->vp_index >= ROOT_VPS_MAX)
		return;
	vp = rcu_dereference(partition->vps[header->vp_index]);
	if (vp)
		root_vp_message(vp, message);
}

static void delete_in_hypervisor(struct root_partition *partition)
{
	u64 result;

	if (partition->initialized) {
		result = pvn_call_fast(PVN_CALL_finalize_partition, partition->id, 0);
		if (pvn_result_status(result) != PVN_STATUS_SUCCESS)
			pr_err("partition %llu does not end: %s\n", partition->id,
			       pvn_status_name(pvn_result_status(result)));
	}
	root_pool_withdraw(partition);
	result = pvn_call_fast(PVN_CALL_delete_partition, partition->id, 0);
	if (pvn_result_status(result) != PVN_STATUS_SUCCESS)
		pr_err("partition %llu stays: %s\n", partition->id,
		       pvn_status_name(pvn_result_status(result)));
	root_pool_destroy(partition);
	root_stats_forget(partition->id);
}

static int partition_release(struct inode *inode, struct file *file)
{
	struct root_partition *partition = file->private_data;
	unsigned int i;

	xa_erase(&partitions, partition->id);
	mutex_lock(&partition->lock);
	WRITE_ONCE(partition->dead, true);
	root_channels_disconnect(partition);
	delete_in_hypervisor(partition);
	for (i = 0; i < ROOT_VPS_MAX; i++) {
		struct root_vp *vp = rcu_dereference_protected(partition->vps[i],
							       lockdep_is_held(&partition->lock));

		if (vp)
			root_vp_orphan(vp);
	}
	mutex_unlock(&partition->lock);
	atomic64_dec(&root_counts.partitions);
	root_partition_put(partition);
	return 0;
}

static long get_property(struct root_partition *partition, struct pvn_root_property __user *to)
{
	struct pvn_get_partition_property_in in = { .partition_id = partition->id };
	struct pvn_get_partition_property_out out;
	struct pvn_root_property request;
	int error;

	if (copy_from_user(&request, to, sizeof(request)))
		return -EFAULT;
	if (request.mbz)
		return -EINVAL;
	in.property = request.property;
	error = root_call(partition, PVN_CALL_get_partition_property, &in, sizeof(in),
			  &out, sizeof(out));
	if (error)
		return error;
	return put_user(out.value, &to->value);
}

static long set_property(struct root_partition *partition, const void __user *from)
{
	struct pvn_set_partition_property_in in = { .partition_id = partition->id };
	struct pvn_root_property request;

	if (copy_from_user(&request, from, sizeof(request)))
		return -EFAULT;
	if (request.mbz)
		return -EINVAL;
	in.property = request.property;
	in.value = request.value;
	return root_call(partition, PVN_CALL_set_partition_property, &in, sizeof(in), NULL, 0);
}

/* The one call of a fast form that may need memory of the pool, so not called as one. */
static long initialize(struct root_partition *partition)
{
	const struct pvn_initialize_partition_in in = { .partition_id = partition->id };
	int error = root_call(partition, PVN_CALL_initialize_partition, &in, sizeof(in), NULL, 0);

	if (!error)
		partition->initialized = true;
	return error;
}

static long create_vp(struct root_partition *partition, const void __user *from)
{
	struct pvn_root_create_vp request;

	if (copy_from_user(&request, from, sizeof(request)))
		return -EFAULT;
	if (request.mbz)
		return -EINVAL;
	return root_vp_create(partition, request.index);
}

static long map(struct root_partition *partition, const void __user *from)
{
	struct pvn_root_map request;

	if (copy_from_user(&request, from, sizeof(request)))
		return -EFAULT;
	return root_memory_create(partition, &request);
}

static long create_channel(struct root_partition *partition, const void __user *from)
{
	struct pvn_root_create_channel request;

	if (copy_from_user(&request, from, sizeof(request)))
		return -EFAULT;
	return root_channel_create(partition, &request);
}

static long install_intercept(struct root_partition *partition, const void __user *from)
{
	struct pvn_install_intercept_in in = { .partition_id = partition->id };
	struct pvn_root_install_intercept request;

	if (copy_from_user(&request, from, sizeof(request)))
		return -EFAULT;
	in.access_type = request.access;
	in.intercept_type = request.type;
	in.parameter = request.parameter;
	return root_call(partition, PVN_CALL_install_intercept, &in, sizeof(in), NULL, 0);
}

static long interrupt(struct root_partition *partition, const void __user *from)
{
	struct pvn_assert_virtual_interrupt_in in = { .partition_id = partition->id };
	struct pvn_root_interrupt request;

	if (copy_from_user(&request, from, sizeof(request)))
		return -EFAULT;
	in.type = request.type;
	in.flags = request.flags;
	in.destination = request.destination;
	in.vector = request.vector;
	return root_call(partition, PVN_CALL_assert_virtual_interrupt, &in, sizeof(in), NULL, 0);
}

static long loop(struct root_partition *partition, const void __user *from, bool create)
{
	struct pvn_root_loop request;

	if (copy_from_user(&request, from, sizeof(request)))
		return -EFAULT;
	return create ? root_loop_create(partition, &request) : root_loop_delete(partition, &request);
}

static long dispatch(struct root_partition *partition, unsigned int command, void __user *at)
{
	switch (command) {
	case PVN_PARTITION_GET_PROPERTY:
		return get_property(partition, at);
	case PVN_PARTITION_SET_PROPERTY:
		return set_property(partition, at);
	case PVN_PARTITION_INITIALIZE:
		return initialize(partition);
	case PVN_PARTITION_CREATE_VP:
		return create_vp(partition, at);
	case PVN_PARTITION_MAP:
		return map(partition, at);
	case PVN_PARTITION_CREATE_CHANNEL:
		return create_channel(partition, at);
	case PVN_PARTITION_INSTALL_INTERCEPT:
		return install_intercept(partition, at);
	case PVN_PARTITION_INTERRUPT:
		return interrupt(partition, at);
	case PVN_PARTITION_CREATE_LOOP:
		return loop(partition, at, true);
	case PVN_PARTITION_DELETE_LOOP:
		return loop(partition, at, false);
	default:
		return -ENOTTY;
	}
}

static long partition_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	struct root_partition *partition = file->private_data;
	long result;

	if (mutex_lock_killable(&partition->lock))
		return -EINTR;
	result = dispatch(partition, command, (void __user *)argument);
	mutex_unlock(&partition->lock);
	return result;
}

static const struct file_operations partition_operations = {
	.owner = THIS_MODULE,
	.release = partition_release,
	.unlocked_ioctl = partition_ioctl,
};

static int create_in_hypervisor(u64 *id)
{
	const struct pvn_create_partition_in in = { 0 };
	struct pvn_create_partition_out out;
	u64 result = pvn_call_memory(PVN_CALL_create_partition, &in, sizeof(in), &out, sizeof(out));

	*id = out.partition_id;
	return pvn_status_errno(pvn_result_status(result));
}

int root_partition_create(u64 *id)
{
	struct root_partition *partition = kzalloc(sizeof(*partition), GFP_KERNEL);
	int result = -ENOMEM;

	if (!partition)
		return -ENOMEM;
	kref_init(&partition->references);
	mutex_init(&partition->lock);
	INIT_LIST_HEAD(&partition->channels);
	xa_init(&partition->deposits);
	INIT_LIST_HEAD(&partition->guards);
	result = create_in_hypervisor(&partition->id);
	if (result)
		goto no_partition;
	result = xa_err(xa_store(&partitions, partition->id, partition, GFP_KERNEL));
	if (result)
		goto not_listed;
	*id = partition->id;
	atomic64_inc(&root_counts.partitions);
	result = anon_inode_getfd("paravane-partition", &partition_operations, partition,
				  O_RDWR | O_CLOEXEC);
	if (result >= 0)
		return result;
	atomic64_dec(&root_counts.partitions);
	xa_erase(&partitions, partition->id);
not_listed:
	delete_in_hypervisor(partition);
no_partition:
	root_partition_put(partition);
	return result;
}
