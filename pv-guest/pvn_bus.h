/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * What pvn_bus.ko offers to front-ends: the store, and devices found in it.
 *
 * A front-end registers a struct pvn_driver. For each device/<type>/<id> in the
 * guest's part of the store the bus makes a device "<type>-<id>" and calls
 * probe(); then otherend_changed() whenever the back-end has written its state,
 * once at first in any case. These calls come one at a time, from process
 * context, and may use the store. remove() comes after the last of them.
 */
#ifndef PVN_BUS_H
#define PVN_BUS_H

#include <linux/device.h>
#include <linux/list.h>
#include <linux/types.h>

enum pvn_xenbus_state {
	PVN_XENBUS_UNKNOWN = 0,
	PVN_XENBUS_INITIALISING = 1,
	PVN_XENBUS_INIT_WAIT = 2,
	PVN_XENBUS_INITIALISED = 3,
	PVN_XENBUS_CONNECTED = 4,
	PVN_XENBUS_CLOSING = 5,
	PVN_XENBUS_CLOSED = 6,
};

/* --- store_client.c: all may sleep, none from interrupt context --- */

/* The text at directory/key, kmalloc'ed and NUL-terminated, or ERR_PTR. */
char *pvn_store_read(const char *directory, const char *key);
/* 0 and a number, decimal or 0x-hexadecimal; -errno, -EINVAL when it is none. */
int pvn_store_read_u64(const char *directory, const char *key, u64 *value);
/* Reads a number, or takes `fallback` when there is none between low and high. */
u64 pvn_store_number(const char *directory, const char *key, u64 low, u64 high, u64 fallback);
/* Writes text built as by printf. */
int pvn_store_printf(const char *directory, const char *key, const char *format, ...)
	__printf(3, 4);
/*
 * Names below a node, one NUL-terminated string after another in one kmalloc'ed
 * block of *bytes bytes; or ERR_PTR.
 */
char *pvn_store_directory(const char *path, size_t *bytes);

struct pvn_store_watch {
	const char *path;	/* relative to the guest's home, or absolute */
	/* Called with what changed, the watched path at first; one watch at a time. */
	void (*changed)(struct pvn_store_watch *watch, const char *path);
	struct list_head list;	/* the rest is the client's */
	u32 id;
};

int pvn_store_watch(struct pvn_store_watch *watch);
/* After return changed() is not running (unless it is the caller) and will not run. */
void pvn_store_unwatch(struct pvn_store_watch *watch);

/* --- store_bus.c --- */

#define PVN_DEVICE_PATH_MAX 128

struct pvn_device {
	struct device dev;
	struct list_head list;
	char type[32];
	unsigned int id;
	char node[PVN_DEVICE_PATH_MAX];		/* "device/blk/0" */
	char otherend[PVN_DEVICE_PATH_MAX];	/* the back-end's directory, absolute */
	char otherend_state[PVN_DEVICE_PATH_MAX + 8];
	enum pvn_xenbus_state state;		/* what we wrote last */
	struct pvn_store_watch watch;
	bool watched;
	bool present;				/* scratch of the scan */
};

struct pvn_driver {
	const char *type;
	int (*probe)(struct pvn_device *device);
	void (*remove)(struct pvn_device *device);
	void (*otherend_changed)(struct pvn_device *device, enum pvn_xenbus_state state);
	/*
	 * Before another kernel takes over (kexec): returns when the back-end uses no memory of
	 * this one any more, or does not answer. The device is not used afterwards.
	 */
	void (*quiesce)(struct pvn_device *device);
	struct device_driver driver;
};

#define to_pvn_device(d) container_of(d, struct pvn_device, dev)
#define to_pvn_driver(d) container_of(d, struct pvn_driver, driver)

int __pvn_driver_register(struct pvn_driver *driver, struct module *owner);
#define pvn_driver_register(driver) __pvn_driver_register(driver, THIS_MODULE)
void pvn_driver_unregister(struct pvn_driver *driver);

/* Writes the device's own state. */
int pvn_device_set_state(struct pvn_device *device, enum pvn_xenbus_state state);
/* Reads the back-end's state now. */
enum pvn_xenbus_state pvn_device_otherend_state(struct pvn_device *device);
/*
 * Says that the device is closed, and waits, 2 s at most, until the back-end is not
 * connected any more. False: it still is, and that has been said; what the device
 * shared with it must not be used for anything else.
 */
bool pvn_device_close(struct pvn_device *device);
/* Channel of a queue, as the toolstack gave it: 0, or -errno after saying what is wrong. */
int pvn_device_channel(struct pvn_device *device, unsigned int queue, u32 *channel);
/* Announces one ring of a queue, at `pages`, as <prefix>ring-gpa and -entries. */
int pvn_device_write_ring(struct pvn_device *device, unsigned int queue, const char *prefix,
			  const void *pages, u32 entries);

#endif
