// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Virtual processors: registers, starting and stopping, and the intercept message
 * that a stopped one waits with. The hypervisor sends at most one at a time.
 */
#include <linux/anon_inodes.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "pv-guest/root/objects.h"

struct root_vp {
	struct root_partition *partition;	/* (c) */
	u32 index;				/* (c) */
	struct rcu_head rcu;
	spinlock_t lock;			/* hard interrupts take it */
	wait_queue_head_t wait;
	bool pending;				/* [v] */
	struct pvn_message message;		/* [v] */
};

struct get_list {
	struct pvn_get_vp_registers_in head;
	struct pvn_get_vp_registers_elem name[PVN_ROOT_REGISTERS_MAX];
};

struct set_list {
	struct pvn_set_vp_registers_in head;
	struct pvn_set_vp_registers_elem value[PVN_ROOT_REGISTERS_MAX];
};

void root_vp_message(struct root_vp *vp, const struct pvn_message *message)
{
	unsigned long flags;

	spin_lock_irqsave(&vp->lock, flags);
	vp->message = *message;
	vp->pending = true;
	spin_unlock_irqrestore(&vp->lock, flags);
	wake_up_interruptible_poll(&vp->wait, EPOLLIN);
}

void root_vp_orphan(struct root_vp *vp)
{
	wake_up_interruptible_poll(&vp->wait, EPOLLHUP | EPOLLERR);
}

static bool is_dead(const struct root_vp *vp)
{
	return READ_ONCE(vp->partition->dead);
}

static bool take_message(struct root_vp *vp, struct pvn_message *message)
{
	unsigned long flags;
	bool taken;

	spin_lock_irqsave(&vp->lock, flags);
	taken = vp->pending;
	if (taken)
		*message = vp->message;
	vp->pending = false;
	spin_unlock_irqrestore(&vp->lock, flags);
	return taken;
}

static ssize_t vp_read(struct file *file, char __user *to, size_t bytes, loff_t *offset)
{
	struct root_vp *vp = file->private_data;
	struct pvn_message message;

	if (bytes != sizeof(message))
		return -EINVAL;
	while (!take_message(vp, &message)) {
		if (is_dead(vp))
			return -ENODEV;
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(vp->wait, READ_ONCE(vp->pending) || is_dead(vp)))
			return -ERESTARTSYS;
	}
	return copy_to_user(to, &message, sizeof(message)) ? -EFAULT : sizeof(message);
}

static __poll_t vp_poll(struct file *file, poll_table *table)
{
	struct root_vp *vp = file->private_data;
	__poll_t events = 0;

	poll_wait(file, &vp->wait, table);
	if (READ_ONCE(vp->pending))
		events |= EPOLLIN | EPOLLRDNORM;
	if (is_dead(vp))
		events |= EPOLLHUP | EPOLLERR;
	return events;
}

/* The id of a deleted partition is never used again, so this cannot hit another one. */
static long vp_call(struct root_vp *vp, u16 code, const void *in, size_t in_bytes, void *out,
		    size_t out_bytes, unsigned int count)
{
	unsigned int done = 0;
	u64 result;

	do {
		result = pvn_call_memory(pvn_control_rep(code, count, done), in, in_bytes,
					 out, out_bytes);
		done = pvn_result_reps(result);
	} while (pvn_result_status(result) == PVN_STATUS_SUCCESS && done < count);
	if (is_dead(vp))
		return -ENODEV;
	return pvn_status_errno(pvn_result_status(result));
}

static struct pvn_root_register *copy_list(const struct pvn_root_registers *request)
{
	if (request->mbz || !request->count || request->count > PVN_ROOT_REGISTERS_MAX)
		return ERR_PTR(-EINVAL);
	return memdup_user(u64_to_user_ptr(request->address),
			   request->count * sizeof(struct pvn_root_register));
}

static long get_registers(struct root_vp *vp, struct pvn_root_register *list, unsigned int count)
{
	struct pvn_get_vp_registers_oelem *values;
	struct get_list *in;
	unsigned int i;
	long error = -ENOMEM;

	in = kzalloc(sizeof(*in), GFP_KERNEL);
	values = kcalloc(count, sizeof(*values), GFP_KERNEL);
	if (!in || !values)
		goto out;
	in->head.partition_id = vp->partition->id;
	in->head.vp_index = vp->index;
	for (i = 0; i < count; i++)
		in->name[i].name = list[i].name;
	error = vp_call(vp, PVN_CALL_get_vp_registers, in,
			sizeof(in->head) + count * sizeof(in->name[0]),
			values, count * sizeof(*values), count);
	for (i = 0; i < count && !error; i++) {
		list[i].low = values[i].low;
		list[i].high = values[i].high;
	}
out:
	kfree(values);
	kfree(in);
	return error;
}

static long set_registers(struct root_vp *vp, const struct pvn_root_register *list,
			  unsigned int count)
{
	struct set_list *in = kzalloc(sizeof(*in), GFP_KERNEL);
	unsigned int i;
	long error;

	if (!in)
		return -ENOMEM;
	in->head.partition_id = vp->partition->id;
	in->head.vp_index = vp->index;
	for (i = 0; i < count; i++) {
		in->value[i].name = list[i].name;
		in->value[i].low = list[i].low;
		in->value[i].high = list[i].high;
	}
	error = vp_call(vp, PVN_CALL_set_vp_registers, in,
			sizeof(in->head) + count * sizeof(in->value[0]), NULL, 0, count);
	kfree(in);
	return error;
}

static long ioctl_registers(struct root_vp *vp, bool get, const void __user *from)
{
	struct pvn_root_registers request;
	struct pvn_root_register *list;
	long error;

	if (copy_from_user(&request, from, sizeof(request)))
		return -EFAULT;
	list = copy_list(&request);
	if (IS_ERR(list))
		return PTR_ERR(list);
	error = get ? get_registers(vp, list, request.count) :
		      set_registers(vp, list, request.count);
	if (get && !error && copy_to_user(u64_to_user_ptr(request.address), list,
					  request.count * sizeof(*list)))
		error = -EFAULT;
	kfree(list);
	return error;
}

static long set_one(struct root_vp *vp, u32 name, u64 value)
{
	const struct pvn_root_register item = { .name = name, .low = value };

	return set_registers(vp, &item, 1);
}

static long vp_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	struct root_vp *vp = file->private_data;

	if (is_dead(vp))
		return -ENODEV;
	switch (command) {
	case PVN_VP_GET_REGISTERS:
		return ioctl_registers(vp, true, (void __user *)argument);
	case PVN_VP_SET_REGISTERS:
		return ioctl_registers(vp, false, (void __user *)argument);
	case PVN_VP_START:
		return set_one(vp, PVN_REG_EXPLICIT_SUSPEND, 0);
	case PVN_VP_SUSPEND:
		return set_one(vp, PVN_REG_EXPLICIT_SUSPEND, 1);
	case PVN_VP_RESUME:
		return set_one(vp, PVN_REG_INTERCEPT_SUSPEND, 0);
	default:
		return -ENOTTY;
	}
}

/* In a dead partition the hypervisor has deleted the VP already. */
static int vp_release(struct inode *inode, struct file *file)
{
	struct root_vp *vp = file->private_data;
	struct root_partition *partition = vp->partition;

	mutex_lock(&partition->lock);
	if (!partition->dead)
		pvn_call_fast(PVN_CALL_delete_vp, partition->id, vp->index);
	RCU_INIT_POINTER(partition->vps[vp->index], NULL);
	mutex_unlock(&partition->lock);
	atomic64_dec(&root_counts.vps);
	kfree_rcu(vp, rcu);
	root_partition_put(partition);
	return 0;
}

static const struct file_operations vp_operations = {
	.owner = THIS_MODULE,
	.release = vp_release,
	.read = vp_read,
	.poll = vp_poll,
	.unlocked_ioctl = vp_ioctl,
};

static int create_in_hypervisor(struct root_partition *partition, u32 index)
{
	const struct pvn_create_vp_in in = { .partition_id = partition->id, .vp_index = index };

	return root_call(partition, PVN_CALL_create_vp, &in, sizeof(in), NULL, 0);
}

int root_vp_create(struct root_partition *partition, u32 index)
{
	struct root_vp *vp;
	int result;

	if (index >= ROOT_VPS_MAX || rcu_access_pointer(partition->vps[index]))
		return -ENXIO;
	vp = kzalloc(sizeof(*vp), GFP_KERNEL);
	if (!vp)
		return -ENOMEM;
	vp->partition = partition;
	vp->index = index;
	spin_lock_init(&vp->lock);
	init_waitqueue_head(&vp->wait);
	result = create_in_hypervisor(partition, index);
	if (result)
		goto no_vp;
	result = anon_inode_getfd("paravane-vp", &vp_operations, vp, O_RDWR | O_CLOEXEC);
	if (result < 0)
		goto no_descriptor;
	/* Another thread may close the descriptor at once: its release waits for [p], held here. */
	root_partition_get(partition);
	atomic64_inc(&root_counts.vps);
	rcu_assign_pointer(partition->vps[index], vp);
	return result;

no_descriptor:
	pvn_call_fast(PVN_CALL_delete_vp, partition->id, index);
no_vp:
	kfree(vp);
	return result;
}
