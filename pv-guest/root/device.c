// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * pvn_root.ko: the node /dev/paravane, from which partitions are made
 * (docs/root-device.md). Only in the root partition.
 */
#define pr_fmt(fmt) "pvn_root: " fmt

#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <pvn/abi/cpuid.h>

#include "pv-guest/root/objects.h"

struct root_counts root_counts;

static long device_info(void __user *to)
{
	const struct pvn_root_info info = {
		.abi = pvn_platform()->abi,
		.features = pvn_platform()->features,
		.partition_id = pvn_platform()->partition_id,
		.vps_max = ROOT_VPS_MAX,
		.channels_max = ROOT_CHANNELS_MAX,
	};

	return copy_to_user(to, &info, sizeof(info)) ? -EFAULT : 0;
}

static long device_census(void __user *to)
{
	struct pvn_get_census_out census;
	u64 result = pvn_call_memory(PVN_CALL_get_census, NULL, 0, &census, sizeof(census));

	if (pvn_result_status(result) != PVN_STATUS_SUCCESS)
		return pvn_status_errno(pvn_result_status(result));
	return copy_to_user(to, &census, sizeof(census)) ? -EFAULT : 0;
}

static long device_objects(void __user *to)
{
	const struct pvn_root_objects objects = {
		.partitions = atomic64_read(&root_counts.partitions),
		.vps = atomic64_read(&root_counts.vps),
		.memories = atomic64_read(&root_counts.memories),
		.channels = atomic64_read(&root_counts.channels),
		.pinned_pages = atomic64_read(&root_counts.pinned_pages),
		.deposited_pages = atomic64_read(&root_counts.deposited_pages),
	};

	return copy_to_user(to, &objects, sizeof(objects)) ? -EFAULT : 0;
}

/*
 * The id can be written only after the partition exists. When that fails the caller
 * sees EFAULT and owns a descriptor it does not know; it ends with the process.
 */
static long device_create_partition(struct pvn_root_create_partition __user *to)
{
	struct pvn_root_create_partition request;
	int fd;

	if (copy_from_user(&request, to, sizeof(request)))
		return -EFAULT;
	if (request.mbz_flags)
		return -EINVAL;
	fd = root_partition_create(&request.id);
	if (fd >= 0 && put_user(request.id, &to->id))
		return -EFAULT;
	return fd;
}

/* Calls that name no memory, and of objects that descriptors hold at most their properties. */
static bool may_be_called(u16 code)
{
	switch (code) {
	case PVN_CALL_get_census:
	case PVN_CALL_get_logical_processor_run_time:
	case PVN_CALL_park_logical_processors:
	case PVN_CALL_invoke_hypervisor_debugger:
	case PVN_CALL_get_next_child_partition:
	case PVN_CALL_get_partition_property:
	case PVN_CALL_set_partition_property:
		return true;
	default:
		return false;
	}
}

static long device_call(struct pvn_root_call __user *to)
{
	struct pvn_root_call request;
	u64 result;
	u8 *blocks;
	long error = 0;

	if (copy_from_user(&request, to, sizeof(request)))
		return -EFAULT;
	if (!may_be_called(request.code))
		return -EPERM;
	if (request.mbz || request.in_bytes > PVN_ROOT_CALL_BYTES || request.out_bytes > PVN_ROOT_CALL_BYTES)
		return -EINVAL;
	blocks = kzalloc(2 * PVN_ROOT_CALL_BYTES, GFP_KERNEL);
	if (!blocks)
		return -ENOMEM;
	if (copy_from_user(blocks, u64_to_user_ptr(request.in_address), request.in_bytes)) {
		error = -EFAULT;
		goto out;
	}
	result = pvn_call_memory(request.code, blocks, request.in_bytes,
				 blocks + PVN_ROOT_CALL_BYTES, request.out_bytes);
	if (put_user((u32)pvn_result_status(result), &to->status) ||
	    copy_to_user(u64_to_user_ptr(request.out_address), blocks + PVN_ROOT_CALL_BYTES,
			 request.out_bytes))
		error = -EFAULT;
out:
	kfree(blocks);
	return error;
}

static long device_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	void __user *at = (void __user *)argument;

	switch (command) {
	case PVN_ROOT_INFO:
		return device_info(at);
	case PVN_ROOT_CENSUS:
		return device_census(at);
	case PVN_ROOT_OBJECTS:
		return device_objects(at);
	case PVN_ROOT_STATS:
		return root_stats_read(at);
	case PVN_ROOT_CALL:
		return device_call(at);
	case PVN_ROOT_LOG:
		return root_eventlog_read(at);
	case PVN_ROOT_TRACE:
		return root_eventlog_trace(at);
	case PVN_ROOT_CREATE_PARTITION:
		return device_create_partition(at);
	default:
		return -ENOTTY;
	}
}

static const struct file_operations device_operations = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = device_ioctl,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "paravane",
	.fops = &device_operations,
	.mode = 0600,
};

/* Hard interrupt context. */
static void take_message(void *context, const struct pvn_message *message)
{
	if (message->type == PVN_MESSAGE_EVENT_LOG)
		root_eventlog_message(message);
	else
		root_partition_message(context, message);
}

static int __init root_init(void)
{
	int error;

	if (!(pvn_platform()->features & PVN_OWN_FEATURE_ROOT)) {
		pr_err("this is a guest; only the root partition can run guests\n");
		return -ENODEV;
	}
	error = pvn_message_register(take_message, NULL);
	if (error)
		return error;
	root_eventlog_init();
	error = misc_register(&device);
	if (error) {
		root_eventlog_exit();
		pvn_message_unregister();
	}
	return error;
}

/* Open descriptors hold the module, so no object is left by now. */
static void __exit root_exit(void)
{
	misc_deregister(&device);
	root_eventlog_exit();
	pvn_message_unregister();
	root_partition_exit();
	root_stats_forget(0);
}

module_init(root_init);
module_exit(root_exit);
MODULE_DESCRIPTION("Paravane: partitions, from the root partition (/dev/paravane)");
MODULE_LICENSE("GPL");
