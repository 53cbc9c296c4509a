// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * One run of a guest, from the hypervisor's side; see guest.h.
 */
#include "worker/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libpvn/root_dev.h"
#include "worker/log.h"
#include "worker/ports.h"
#include "worker/start.h"

#define LARGE (2ull << 20)
#define SHMEM_HUGE "/sys/kernel/mm/transparent_hugepage/shmem_enabled"

static int failed(struct pvn_problem *problem, const char *what)
{
	return pvn_fail(problem, PVN_EXIT_FAILED, PVN_ROOT_DEVICE, NULL, "%s: %s", what,
			strerror(errno));
}

/* Lets shared memory have 2 MiB pages where a program asks for them, as is the default for others. */
static void allow_large_pages(void)
{
	char text[128] = "";
	int fd = open(SHMEM_HUGE, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return;
	if (read(fd, text, sizeof(text) - 1) > 0 && strstr(text, "[never]") &&
	    pwrite(fd, "advise", 6, 0) != 6)
		log_line("guest memory gets small pages: %s: %s", SHMEM_HUGE, strerror(errno));
	close(fd);
}

/* Address space of `bytes`, starting on a 2 MiB boundary as large pages must. */
static uint8_t *reserve_aligned(uint64_t bytes)
{
	uint8_t *start = mmap(NULL, bytes + LARGE, PROT_NONE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (start == MAP_FAILED)
		return NULL;
	return start + (-(uintptr_t)start & (LARGE - 1));
}

static int make_memory(struct guest *guest, struct pvn_problem *problem)
{
	uint64_t bytes = guest->admission->layout.memory_bytes;

	allow_large_pages();
	guest->memory_fd = memfd_create("paravane-guest", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (guest->memory_fd < 0 || ftruncate(guest->memory_fd, bytes))
		return failed(problem, "the guest's memory cannot be made");
	/* Back-ends map it: it must not shrink under them. */
	fcntl(guest->memory_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
	guest->memory = reserve_aligned(bytes);
	if (!guest->memory ||
	    mmap(guest->memory, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		 guest->memory_fd, 0) == MAP_FAILED)
		return failed(problem, "the guest's memory cannot be mapped");
	madvise(guest->memory, bytes, MADV_HUGEPAGE);
	return 0;
}

static int make_store_page(struct guest *guest, struct pvn_problem *problem)
{
	guest->store_fd = memfd_create("paravane-store", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (guest->store_fd < 0 || ftruncate(guest->store_fd, PVN_PAGE_SIZE) ||
	    fcntl(guest->store_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW))
		return failed(problem, "the page of the store cannot be made");
	return 0;
}

static int read_into(uint8_t *to, uint64_t bytes, int fd, uint64_t at)
{
	while (bytes) {
		ssize_t got = pread(fd, to, bytes, at);

		if (got <= 0) {
			if (got < 0 && errno == EINTR)
				continue;
			errno = got ? errno : EIO;
			return -1;
		}
		to += got;
		at += got;
		bytes -= got;
	}
	return 0;
}

static int read_failed(struct pvn_problem *problem, const char *path, const char *what)
{
	return pvn_fail(problem, PVN_EXIT_FAILED, path, NULL, "the %s cannot be read: %s", what,
			strerror(errno));
}

/* The memory is fresh: what the file does not fill is zero. */
static int load_payload(struct guest *guest, const struct acpi_machine *machine,
			struct pvn_problem *problem)
{
	const struct admission *admission = guest->admission;
	const char *module = guest->config->initrd;
	unsigned int i;

	for (i = 0; i < admission->payload.segment_count; i++) {
		const struct multiboot_segment *segment = &admission->payload.segment[i];

		if (read_into(guest->memory + segment->gpa, segment->file_bytes,
			      admission->kernel_fd, segment->file_at))
			return read_failed(problem, guest->config->kernel, "kernel");
	}
	/* Linux's usual words mean nothing to it. */
	if (multiboot_write(guest->memory, &admission->layout, guest->config->kernel,
			    guest->config->has_cmdline ? guest->config->cmdline : "", module,
			    problem))
		return -1;
	return start_write_multiboot(guest->memory, machine, problem);
}

static int load(struct guest *guest, struct pvn_problem *problem)
{
	const struct admission *admission = guest->admission;
	const struct layout *layout = &admission->layout;
	const struct bzimage *kernel = &admission->kernel;
	const struct acpi_machine machine = {
		.vps = guest->config->vps,
		.emulated = config_is_emulated(guest->config),
		.pci = config_has_pci(guest->config),
		.serial = guest->config->serial,
	};

	if (read_into(guest->memory + layout->initrd, layout->initrd_bytes, admission->initrd_fd, 0))
		return read_failed(problem, guest->config->initrd, "initrd");
	if (admission->is_multiboot)
		return load_payload(guest, &machine, problem);
	if (read_into(guest->memory + layout->kernel, kernel->kernel_bytes, admission->kernel_fd,
		      kernel->kernel_at))
		return read_failed(problem, guest->config->kernel, "kernel");
	return start_write(guest->memory, layout, kernel, admission->kernel_start,
			   guest->config->cmdline, &machine, problem);
}

static int open_root(struct pvn_problem *problem)
{
	int root = pvn_root_open();

	if (root < 0)
		pvn_fail(problem, PVN_EXIT_FAILED, PVN_ROOT_DEVICE,
			 errno == EACCES ? "run it as root" :
			 "guests run under Paravane only: boot it, and modprobe pvn_root",
			 "the hypervisor cannot be reached: %s", strerror(errno));
	return root;
}

/* A number that the configuration does not give (0) is left as it is. */
static int set_share(struct guest *guest, uint32_t property, unsigned int value)
{
	return value ? pvn_partition_set_property(guest->partition, property, value) : 0;
}

static int make_partition(struct guest *guest, struct pvn_problem *problem)
{
	int root = open_root(problem);

	if (root < 0)
		return -1;
	guest->partition = pvn_root_create_partition(root, &guest->partition_id);
	close(root);
	if (guest->partition < 0)
		return failed(problem, "no partition can be made");
	if (set_share(guest, PVN_PROPERTY_CPU_WEIGHT, guest->config->weight))
		return failed(problem, "the weight cannot be set");
	/* Percents of a processor, which is 0x10000 to the hypervisor. */
	if (set_share(guest, PVN_PROPERTY_CPU_CAP, (guest->config->cap << 16) / 100) ||
	    set_share(guest, PVN_PROPERTY_CPU_RESERVE, (guest->config->reserve << 16) / 100))
		return failed(problem, "cap and reserve cannot be set");
	if (pvn_partition_initialize(guest->partition))
		return failed(problem, "the partition cannot be initialized");
	return 0;
}

static int map_range(struct guest *guest, uint64_t gpa, void *address, uint64_t bytes,
		     uint32_t rights, struct pvn_problem *problem)
{
	int fd;

	if (!bytes)
		return 0;
	/* The descriptor is the mapping: it stays open, unnamed, until this process ends. */
	fd = pvn_partition_map(guest->partition, gpa, address, bytes, rights);
	return fd < 0 ? failed(problem, "memory cannot be mapped into the guest") : 0;
}

static int map_all(struct guest *guest, struct pvn_problem *problem)
{
	const uint32_t all = PVN_MAP_READ | PVN_MAP_WRITE | PVN_MAP_EXECUTE;
	const struct layout *layout = &guest->admission->layout;
	void *page = mmap(NULL, PVN_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			  guest->store_fd, 0);

	if (page == MAP_FAILED)
		return failed(problem, "the page of the store cannot be mapped");
	if (map_range(guest, 0, guest->memory, layout->low_bytes, all, problem) ||
	    map_range(guest, LAYOUT_HIGH, guest->memory + layout->low_bytes, layout->high_bytes,
		      all, problem))
		return -1;
	return map_range(guest, LAYOUT_STORE_PAGE, page, PVN_PAGE_SIZE,
			 PVN_MAP_READ | PVN_MAP_WRITE, problem);
}

static int make_vps(struct guest *guest, struct pvn_problem *problem)
{
	unsigned int i;

	for (i = 0; i < guest->config->vps; i++) {
		guest->vp[i] = pvn_partition_create_vp(guest->partition, i);
		if (guest->vp[i] < 0 || fcntl(guest->vp[i], F_SETFL, O_NONBLOCK))
			return failed(problem, "a virtual processor cannot be made");
	}
	for (i = 0; ports_intercepted[i].port; i++)
		if (pvn_partition_intercept_port(guest->partition, ports_intercepted[i].port,
						 ports_intercepted[i].access))
			return failed(problem, "an I/O port cannot be intercepted");
	if (guest->config->debug_port &&
	    pvn_partition_intercept_port(guest->partition, PORT_DEBUG, PVN_ACCESS_WRITE))
		return failed(problem, "the debug port cannot be intercepted");
	return 0;
}

int guest_add_channel(struct guest *guest, struct doorbell *doorbell, uint32_t target_vp,
		      struct pvn_problem *problem)
{
	doorbell->channel = guest->next_channel++;
	doorbell->target_vp = target_vp;
	doorbell->in_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	doorbell->out_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (doorbell->in_fd < 0 || doorbell->out_fd < 0 ||
	    pvn_partition_create_channel(guest->partition, doorbell->channel, target_vp,
					 doorbell->in_fd, doorbell->out_fd) < 0)
		return failed(problem, "a channel cannot be made");
	return 0;
}

static int make_line(int type, int ends[2], const char *what, struct pvn_problem *problem)
{
	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends))
		return failed(problem, what);
	return 0;
}

/* Between emulated devices and the processes that serve them. */
static int make_lines(struct guest *guest, struct pvn_problem *problem)
{
	const struct config *config = guest->config;
	unsigned int i;

	if (config->serial && make_line(SOCK_STREAM, guest->serial_fd,
					"the serial port's line cannot be made", problem))
		return -1;
	for (i = 0; i < CONFIG_NETS_MAX; i++)
		if (config->net[i].e1000 && config->net[i].user &&
		    make_line(SOCK_SEQPACKET, guest->net_fd[i],
			      "the network card's line cannot be made", problem))
			return -1;
	return 0;
}

int guest_create(struct guest *guest, const struct config *config,
		 const struct admission *admission, const char *uuid, struct pvn_problem *problem)
{
	*guest = (struct guest) {
		.config = config,
		.admission = admission,
		.uuid = uuid,
		.next_channel = LAYOUT_CHANNEL_STORE,
	};
	if (make_partition(guest, problem) || make_memory(guest, problem) ||
	    make_store_page(guest, problem) || load(guest, problem) || map_all(guest, problem) ||
	    make_vps(guest, problem) || make_lines(guest, problem))
		return -1;
	return guest_add_channel(guest, &guest->store, 0, problem);
}

int guest_start(struct guest *guest, struct pvn_problem *problem)
{
	struct pvn_root_register registers[START_REGISTERS];
	const struct admission *admission = guest->admission;
	unsigned int i, count;

	count = admission->is_multiboot ?
			start_registers_multiboot(registers, &admission->payload) :
			start_registers(registers, &admission->layout);

	if (pvn_vp_set_registers(guest->vp[0], registers, count))
		return failed(problem, "the registers of the boot processor cannot be set");
	/* The boot processor last: the others wait for it to start them. */
	for (i = guest->config->vps; i--;)
		if (pvn_vp_start(guest->vp[i]))
			return failed(problem, "a virtual processor does not start");
	return 0;
}

void guest_stop(struct guest *guest)
{
	unsigned int i;

	for (i = 0; i < guest->config->vps; i++)
		pvn_vp_suspend(guest->vp[i]);
}

void *guest_memory_at(const struct guest *guest, uint64_t gpa, uint64_t bytes)
{
	const struct layout *layout = &guest->admission->layout;

	if (gpa < layout->low_bytes && bytes <= layout->low_bytes - gpa)
		return guest->memory + gpa;
	if (gpa < LAYOUT_HIGH)
		return NULL;
	gpa -= LAYOUT_HIGH;
	if (gpa < layout->high_bytes && bytes <= layout->high_bytes - gpa)
		return guest->memory + layout->low_bytes + gpa;
	return NULL;
}
