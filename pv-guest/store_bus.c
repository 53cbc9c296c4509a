// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * pvn_bus.ko: the ACPI device PVNB0001 names the store's page and channel; below
 * "device" the store lists what this guest has, and each entry becomes a Linux
 * device on which a front-end driver may bind. See pvn_bus.h.
 *
 * Everything that waits for the store runs from its watch work item, so loading
 * the module does not delay a boot, whether back-ends are there or not; those
 * that are missing after two seconds are named in the log. Front-end modules wait
 * for the first look at the store, no longer than that.
 *
 * bus.lock protects the list of devices. It is taken from the watch work item
 * and when the module goes; never in a callback of a driver.
 */
#define pr_fmt(fmt) "pvn_bus: " fmt

#include <linux/acpi.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/slab.h>

#include <pvn/abi/event.h>

#include "pv-guest/bus_internal.h"
#include "pv-guest/pvn_bus.h"
#include "pv-guest/pvn_core.h"

#define BUS_MAJOR	1	/* of VERS: major << 16 | minor */
#define PATIENCE	(2 * HZ)

static struct {
	struct mutex lock;
	struct list_head devices;
	struct completion scanned;	/* what is there from the start is on the list */
	struct delayed_work report;
	struct platform_device *platform;
	struct pvn_store_page *page;
} bus;

/* --- states --- */

int pvn_device_set_state(struct pvn_device *device, enum pvn_xenbus_state state)
{
	device->state = state;
	return pvn_store_printf(device->node, "state", "%d", state);
}
EXPORT_SYMBOL_GPL(pvn_device_set_state);

enum pvn_xenbus_state pvn_device_otherend_state(struct pvn_device *device)
{
	return pvn_store_number(device->otherend, "state", 0, PVN_XENBUS_CLOSED,
				PVN_XENBUS_UNKNOWN);
}
EXPORT_SYMBOL_GPL(pvn_device_otherend_state);

static bool wait_released(struct pvn_device *device)
{
	unsigned long end = jiffies + PATIENCE;

	while (pvn_device_otherend_state(device) == PVN_XENBUS_CONNECTED) {
		if (time_after(jiffies, end))
			return false;
		msleep(10);
	}
	return true;
}

bool pvn_device_close(struct pvn_device *device)
{
	pvn_device_set_state(device, PVN_XENBUS_CLOSED);
	if (wait_released(device))
		return true;
	dev_warn(&device->dev, "the back-end does not let go: the memory it has is given up\n");
	return false;
}
EXPORT_SYMBOL_GPL(pvn_device_close);

/* --- queues --- */

int pvn_device_channel(struct pvn_device *device, unsigned int queue, u32 *channel)
{
	char key[32];
	u64 value;
	int error;

	snprintf(key, sizeof(key), "queue-%u/channel", queue);
	error = pvn_store_read_u64(device->node, key, &value);
	if (!error && value >= PVN_EVENT_FLAGS_PER_SINT)
		error = -EINVAL;
	if (error)
		dev_err(&device->dev, "%s/%s names no channel\n", device->node, key);
	else
		*channel = value;
	return error;
}
EXPORT_SYMBOL_GPL(pvn_device_channel);

int pvn_device_write_ring(struct pvn_device *device, unsigned int queue, const char *prefix,
			  const void *pages, u32 entries)
{
	char key[48];
	int error;

	snprintf(key, sizeof(key), "queue-%u/%sring-gpa", queue, prefix);
	error = pvn_store_printf(device->node, key, "0x%llx", (u64)__pa(pages));
	if (error)
		return error;
	snprintf(key, sizeof(key), "queue-%u/%sring-entries", queue, prefix);
	return pvn_store_printf(device->node, key, "%u", entries);
}
EXPORT_SYMBOL_GPL(pvn_device_write_ring);

/* --- Linux's view --- */

static void otherend_changed(struct pvn_store_watch *watch, const char *path)
{
	struct pvn_device *device = container_of(watch, struct pvn_device, watch);
	struct pvn_driver *driver = to_pvn_driver(device->dev.driver);

	driver->otherend_changed(device, pvn_device_otherend_state(device));
}

static int bus_match(struct device *dev, struct device_driver *driver)
{
	return !strcmp(to_pvn_device(dev)->type, to_pvn_driver(driver)->type);
}

static int bus_uevent(struct device *dev, struct kobj_uevent_env *env)
{
	return add_uevent_var(env, "MODALIAS=pvn:%s", to_pvn_device(dev)->type);
}

static int bus_probe(struct device *dev)
{
	struct pvn_device *device = to_pvn_device(dev);
	struct pvn_driver *driver = to_pvn_driver(dev->driver);
	int error = driver->probe(device);

	if (error)
		return error;
	device->watch.path = device->otherend_state;
	device->watch.changed = otherend_changed;
	error = pvn_store_watch(&device->watch);
	if (error) {
		dev_err(dev, "the state of the back-end cannot be watched (%d)\n", error);
		driver->remove(device);
	}
	device->watched = !error;
	return error;
}

static void bus_remove(struct device *dev)
{
	struct pvn_device *device = to_pvn_device(dev);

	if (device->watched)
		pvn_store_unwatch(&device->watch);
	device->watched = false;
	to_pvn_driver(dev->driver)->remove(device);
}

static struct bus_type pvn_bus_type = {
	.name = "pvn",
	.match = bus_match,
	.uevent = bus_uevent,
	.probe = bus_probe,
	.remove = bus_remove,
};

/*
 * Devices that are there from the start are probed in the order of their numbers. A driver
 * that came during the scan would race with it, and Linux counts hvc0 and eth0 as they come.
 */
int __pvn_driver_register(struct pvn_driver *driver, struct module *owner)
{
	if (READ_ONCE(bus.platform))
		wait_for_completion_timeout(&bus.scanned, PATIENCE);
	driver->driver.bus = &pvn_bus_type;
	driver->driver.owner = owner;
	return driver_register(&driver->driver);
}
EXPORT_SYMBOL_GPL(__pvn_driver_register);

void pvn_driver_unregister(struct pvn_driver *driver)
{
	driver_unregister(&driver->driver);
}
EXPORT_SYMBOL_GPL(pvn_driver_unregister);

/* --- devices from the store --- */

static void release_device(struct device *dev)
{
	kfree(to_pvn_device(dev));
}

static struct pvn_device *find_device(const char *type, unsigned int id)
{
	struct pvn_device *device;

	list_for_each_entry(device, &bus.devices, list)
		if (device->id == id && !strcmp(device->type, type))
			return device;
	return NULL;
}

/* The toolstack writes the state last: with it, the directory is complete. */
static char *complete_backend_path(const char *node)
{
	u64 state;
	int error = pvn_store_read_u64(node, "state", &state);

	return error ? ERR_PTR(error) : pvn_store_read(node, "backend");
}

static void add_device(const char *type, unsigned int id)
{
	struct pvn_device *device = kzalloc(sizeof(*device), GFP_KERNEL);
	char *otherend;

	if (!device)
		return;
	strscpy(device->type, type, sizeof(device->type));
	device->id = id;
	snprintf(device->node, sizeof(device->node), "device/%s/%u", type, id);
	otherend = complete_backend_path(device->node);
	if (IS_ERR(otherend) || otherend[0] != '/' ||
	    strscpy(device->otherend, otherend, sizeof(device->otherend)) < 0) {
		if (!IS_ERR(otherend))
			kfree(otherend);
		kfree(device);
		return;
	}
	kfree(otherend);
	snprintf(device->otherend_state, sizeof(device->otherend_state), "%s/state",
		 device->otherend);
	device->state = PVN_XENBUS_INITIALISING;
	device->present = true;
	device->dev.bus = &pvn_bus_type;
	device->dev.parent = &bus.platform->dev;
	device->dev.release = release_device;
	dev_set_name(&device->dev, "%s-%u", type, id);
	if (device_register(&device->dev)) {
		put_device(&device->dev);
		return;
	}
	list_add_tail(&device->list, &bus.devices);
}

static void scan_type(const char *type)
{
	char path[PVN_DEVICE_PATH_MAX];
	struct pvn_device *device;
	char *names, *name;
	unsigned int id;
	size_t bytes;

	if (strlen(type) >= sizeof(device->type))
		return;
	snprintf(path, sizeof(path), "device/%s", type);
	names = pvn_store_directory(path, &bytes);
	if (IS_ERR(names))
		return;
	for (name = names; name < names + bytes; name += strlen(name) + 1) {
		if (kstrtouint(name, 10, &id))
			continue;
		device = find_device(type, id);
		if (device)
			device->present = true;
		else
			add_device(type, id);
	}
	kfree(names);
}

static void remove_absent(void)
{
	struct pvn_device *device, *next;

	list_for_each_entry_safe(device, next, &bus.devices, list) {
		if (device->present)
			continue;
		list_del(&device->list);
		device_unregister(&device->dev);
	}
}

static void scan(void)
{
	struct pvn_device *device;
	char *types, *type;
	size_t bytes = 0;

	mutex_lock(&bus.lock);
	types = pvn_store_directory("device", &bytes);
	/* No answer says nothing about devices; "there is none" does. */
	if (IS_ERR(types) && PTR_ERR(types) != -ENOENT)
		goto out;
	list_for_each_entry(device, &bus.devices, list)
		device->present = false;
	if (!IS_ERR(types)) {
		for (type = types; type < types + bytes; type += strlen(type) + 1)
			scan_type(type);
		kfree(types);
	}
	remove_absent();
out:
	mutex_unlock(&bus.lock);
	complete_all(&bus.scanned);
}

/* A key of a device that is known already, such as those we write ourselves. */
static bool is_inside_known(const char *path)
{
	char type[sizeof(((struct pvn_device *)0)->type)];
	struct pvn_device *device;
	unsigned int id;
	int after = 0;

	if (sscanf(path, "device/%31[^/]/%u/%n", type, &id, &after) < 2 || !after)
		return false;
	mutex_lock(&bus.lock);
	device = find_device(type, id);
	mutex_unlock(&bus.lock);
	return device;
}

static void devices_changed(struct pvn_store_watch *watch, const char *path)
{
	if (!is_inside_known(path))
		scan();
}

static struct pvn_store_watch devices_watch = {
	.path = "device",
	.changed = devices_changed,
};

static void report_missing(struct work_struct *work)
{
	struct pvn_device *device;

	complete_all(&bus.scanned);	/* whoever waited has waited long enough */
	mutex_lock(&bus.lock);
	list_for_each_entry(device, &bus.devices, list) {
		if (!device->dev.driver)
			dev_info(&device->dev, "no driver is loaded for it\n");
		else if (device->state != PVN_XENBUS_CONNECTED)
			dev_warn(&device->dev, "its back-end %s is not there (state %d)\n",
				 device->otherend, pvn_device_otherend_state(device));
	}
	mutex_unlock(&bus.lock);
}

/* --- before another kernel --- */

static void quiesce_device(struct pvn_device *device)
{
	if (!device->dev.driver)
		return;
	if (device->watched)
		pvn_store_unwatch(&device->watch);
	device->watched = false;
	to_pvn_driver(device->dev.driver)->quiesce(device);
}

static void quiesce(void)
{
	struct pvn_device *device;

	/* A callback that looks at the list would wait for us, and unwatching for it. */
	cancel_delayed_work_sync(&bus.report);
	pvn_store_unwatch(&devices_watch);
	mutex_lock(&bus.lock);
	list_for_each_entry(device, &bus.devices, list)
		quiesce_device(device);
	mutex_unlock(&bus.lock);
}

/* --- the ACPI device --- */

static int map_store(struct platform_device *platform, u32 *channel)
{
	struct resource *memory = platform_get_resource(platform, IORESOURCE_MEM, 0);
	acpi_handle handle = ACPI_HANDLE(&platform->dev);
	unsigned long long value;

	if (!memory || resource_size(memory) < PAGE_SIZE || !PAGE_ALIGNED(memory->start)) {
		dev_err(&platform->dev, "_CRS names no page for the store\n");
		return -EINVAL;
	}
	if (ACPI_SUCCESS(acpi_evaluate_integer(handle, "VERS", NULL, &value)) &&
	    value >> 16 != BUS_MAJOR) {
		dev_err(&platform->dev, "version %llu.%llu is not known, only %u\n", value >> 16,
			value & 0xffff, BUS_MAJOR);
		return -EINVAL;
	}
	if (ACPI_FAILURE(acpi_evaluate_integer(handle, "CHAN", NULL, &value)) ||
	    value >= PVN_EVENT_FLAGS_PER_SINT) {
		dev_err(&platform->dev, "CHAN names no channel\n");
		return -EINVAL;
	}
	*channel = value;
	bus.page = memremap(memory->start, PAGE_SIZE, MEMREMAP_WB);
	return bus.page ? 0 : -ENOMEM;
}

static int platform_probe(struct platform_device *platform)
{
	u32 channel;
	int error;

	if (bus.platform)
		return -EBUSY;
	error = map_store(platform, &channel);
	if (error)
		return error;
	bus.platform = platform;
	error = pvn_store_start(bus.page, channel);
	if (error)
		goto unmap;
	pvn_control_start();
	error = pvn_store_watch(&devices_watch);
	if (error) {
		dev_err(&platform->dev, "the store does not answer (%d)\n", error);
		goto stop;
	}
	pvn_kexec_set_prepare(quiesce);
	schedule_delayed_work(&bus.report, PATIENCE);
	return 0;

stop:
	pvn_control_stop();
	pvn_store_stop();
unmap:
	memunmap(bus.page);
	bus.platform = NULL;
	return error;
}

static int platform_remove(struct platform_device *platform)
{
	struct pvn_device *device;

	pvn_kexec_set_prepare(NULL);
	cancel_delayed_work_sync(&bus.report);
	pvn_store_unwatch(&devices_watch);
	mutex_lock(&bus.lock);
	list_for_each_entry(device, &bus.devices, list)
		device->present = false;
	remove_absent();
	mutex_unlock(&bus.lock);
	pvn_control_stop();
	pvn_store_stop();
	memunmap(bus.page);
	bus.platform = NULL;
	return 0;
}

static const struct acpi_device_id ids[] = {
	{ "PVNB0001" },
	{ }
};
MODULE_DEVICE_TABLE(acpi, ids);

static struct platform_driver platform_driver = {
	.probe = platform_probe,
	.remove = platform_remove,
	.driver = {
		.name = "pvn_bus",
		.acpi_match_table = ids,
		/* Unbinding by hand would leave front-end modules without a store. */
		.suppress_bind_attrs = true,
	},
};

static int __init bus_init(void)
{
	int error;

	mutex_init(&bus.lock);
	INIT_LIST_HEAD(&bus.devices);
	init_completion(&bus.scanned);
	INIT_DELAYED_WORK(&bus.report, report_missing);
	error = bus_register(&pvn_bus_type);
	if (error)
		return error;
	error = platform_driver_register(&platform_driver);
	if (error)
		bus_unregister(&pvn_bus_type);
	return error;
}

static void __exit bus_exit(void)
{
	platform_driver_unregister(&platform_driver);
	bus_unregister(&pvn_bus_type);
}

module_init(bus_init);
module_exit(bus_exit);
MODULE_LICENSE("GPL");
MODULE_AUTHOR("The Paravane developers");
MODULE_DESCRIPTION("Paravane store and device bus");
