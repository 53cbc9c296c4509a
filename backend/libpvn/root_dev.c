// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * /dev/paravane from C; see root_dev.h.
 */
#include "libpvn/root_dev.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

int pvn_root_open(void)
{
	const char *path = getenv("PVN_DEVICE");

	return open(path && *path ? path : PVN_ROOT_DEVICE, O_RDWR | O_CLOEXEC);
}

int pvn_root_info(int root, struct pvn_root_info *info)
{
	return ioctl(root, PVN_ROOT_INFO, info);
}

int pvn_root_census(int root, struct pvn_get_census_out *census)
{
	return ioctl(root, PVN_ROOT_CENSUS, census);
}

int pvn_root_objects(int root, struct pvn_root_objects *objects)
{
	return ioctl(root, PVN_ROOT_OBJECTS, objects);
}

int pvn_root_stats(int root, uint32_t type, uint64_t object_id, uint32_t index, uint64_t *words)
{
	const struct pvn_root_stats request = {
		.type = type, .index = index, .object_id = object_id, .address = (uintptr_t)words };

	return ioctl(root, PVN_ROOT_STATS, &request);
}

int pvn_root_call(int root, uint16_t code, const void *in, uint32_t in_bytes, void *out,
		  uint32_t out_bytes)
{
	struct pvn_root_call request = {
		.code = code, .in_bytes = in_bytes, .out_bytes = out_bytes,
		.in_address = (uintptr_t)in, .out_address = (uintptr_t)out };

	return ioctl(root, PVN_ROOT_CALL, &request) ? -1 : (int)request.status;
}

long pvn_root_log(int root, void *to, uint32_t bytes)
{
	const struct pvn_root_log request = { .address = (uintptr_t)to, .bytes = bytes };

	return ioctl(root, PVN_ROOT_LOG, &request);
}

int pvn_root_trace(int root, uint32_t buffers)
{
	const struct pvn_root_trace request = { .buffers = buffers };
	int fd = ioctl(root, PVN_ROOT_TRACE, &request);

	if (fd >= 0)
		fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

int pvn_root_create_partition(int root, uint64_t *id)
{
	struct pvn_root_create_partition request = { 0 };
	int fd = ioctl(root, PVN_ROOT_CREATE_PARTITION, &request);

	*id = request.id;
	return fd;
}

int pvn_partition_set_property(int partition, uint32_t property, uint64_t value)
{
	const struct pvn_root_property request = { .property = property, .value = value };

	return ioctl(partition, PVN_PARTITION_SET_PROPERTY, &request);
}

int pvn_partition_initialize(int partition)
{
	return ioctl(partition, PVN_PARTITION_INITIALIZE);
}

int pvn_partition_create_vp(int partition, uint32_t index)
{
	const struct pvn_root_create_vp request = { .index = index };

	return ioctl(partition, PVN_PARTITION_CREATE_VP, &request);
}

int pvn_partition_map(int partition, uint64_t gpa, void *address, uint64_t bytes,
		      uint32_t rights)
{
	const struct pvn_root_map request = {
		.gpa = gpa,
		.user_address = (uintptr_t)address,
		.bytes = bytes,
		.rights = rights,
	};

	return ioctl(partition, PVN_PARTITION_MAP, &request);
}

int pvn_partition_create_channel(int partition, uint32_t channel, uint32_t target_vp, int in_fd,
				 int out_fd)
{
	const struct pvn_root_create_channel request = {
		.channel = channel,
		.target_vp = target_vp,
		.in_fd = in_fd,
		.out_fd = out_fd,
		.root_cpu = PVN_CPU_ANY,
	};

	return ioctl(partition, PVN_PARTITION_CREATE_CHANNEL, &request);
}

int pvn_partition_intercept_port(int partition, uint16_t port, uint32_t access)
{
	const struct pvn_root_install_intercept request = {
		.type = PVN_INTERCEPT_IO_PORT,
		.access = access,
		.parameter = port,
	};

	return ioctl(partition, PVN_PARTITION_INSTALL_INTERCEPT, &request);
}

int pvn_partition_intercept_msrs(int partition, uint32_t access)
{
	const struct pvn_root_install_intercept request = {
		.type = PVN_INTERCEPT_MSR,
		.access = access,
	};

	return ioctl(partition, PVN_PARTITION_INSTALL_INTERCEPT, &request);
}

int pvn_partition_create_loop(int partition, const struct pvn_root_loop *request)
{
	return ioctl(partition, PVN_PARTITION_CREATE_LOOP, request);
}

int pvn_partition_delete_loop(int partition, uint32_t connection)
{
	const struct pvn_root_loop request = { .connection = connection };

	return ioctl(partition, PVN_PARTITION_DELETE_LOOP, &request);
}

int pvn_partition_interrupt(int partition, const struct pvn_root_interrupt *request)
{
	return ioctl(partition, PVN_PARTITION_INTERRUPT, request);
}

int pvn_vp_get_registers(int vp, struct pvn_root_register *registers, unsigned int count)
{
	const struct pvn_root_registers request = {
		.count = count,
		.address = (uintptr_t)registers,
	};

	return ioctl(vp, PVN_VP_GET_REGISTERS, &request);
}

int pvn_vp_set_registers(int vp, const struct pvn_root_register *registers, unsigned int count)
{
	const struct pvn_root_registers request = {
		.count = count,
		.address = (uintptr_t)registers,
	};

	return ioctl(vp, PVN_VP_SET_REGISTERS, &request);
}

int pvn_vp_start(int vp)
{
	return ioctl(vp, PVN_VP_START);
}

int pvn_vp_suspend(int vp)
{
	return ioctl(vp, PVN_VP_SUSPEND);
}

int pvn_vp_resume(int vp)
{
	return ioctl(vp, PVN_VP_RESUME);
}

int pvn_vp_read(int vp, struct pvn_message *message)
{
	ssize_t got = read(vp, message, sizeof(*message));

	if (got == sizeof(*message))
		return 1;
	return got < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}
