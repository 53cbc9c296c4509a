// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Workloads of ./run bench: what devices do.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "marker.h"
#include "work.h"

#define BLOCK 4096u
#define DEPTH_MAX 32
#define WARM 100u
#define PORT 5301

struct disk {
	aio_context_t context;
	uint64_t blocks;
	struct iocb requests[DEPTH_MAX];
};

static uint64_t next_random(void)
{
	static uint64_t state = 0x9e3779b97f4a7c15ull;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void work_print_latencies(double *microseconds, size_t count)
{
	qsort(microseconds, count, sizeof(*microseconds), compare);
	printf("%.2f %.2f %.2f %.2f %.2f %zu\n", microseconds[count / 2],
	       microseconds[count * 9 / 10], microseconds[count * 99 / 100],
	       microseconds[count * 999 / 1000], microseconds[count - 1], count);
}

static void submit(struct disk *disk, struct iocb *request)
{
	request->aio_offset = next_random() % disk->blocks * BLOCK;
	if (syscall(SYS_io_submit, disk->context, 1, &request) != 1)
		fail("io_submit");
}

/* Keeps `depth` transfers going until `count` are done. */
static void transfer(struct disk *disk, unsigned int depth, unsigned int count)
{
	struct io_event events[DEPTH_MAX];
	unsigned int begun = 0, done = 0;

	while (begun < depth && begun < count)
		submit(disk, &disk->requests[begun++]);
	while (done < count) {
		long got = syscall(SYS_io_getevents, disk->context, 1, DEPTH_MAX, events, NULL);

		if (got < 0)
			fail("io_getevents");
		done += got;
		while (got--) {
			if (events[got].res != BLOCK) {
				errno = -events[got].res;
				fail("transfer");
			}
			if (begun < count) {
				submit(disk, (struct iocb *)(uintptr_t)events[got].obj);
				begun++;
			}
		}
	}
}

void work_disk(const char *path, bool write, unsigned int depth, unsigned int count)
{
	int fd = open(path, (write ? O_RDWR : O_RDONLY) | O_DIRECT);
	struct disk disk = { 0 };
	uint64_t bytes;
	uint8_t *buffers = mmap(NULL, DEPTH_MAX * BLOCK, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	double began;
	unsigned int i;

	if (depth > DEPTH_MAX)
		exit(2);
	if (fd < 0 || ioctl(fd, BLKGETSIZE64, &bytes))
		fail(path);
	if (buffers == MAP_FAILED || syscall(SYS_io_setup, DEPTH_MAX, &disk.context))
		fail("io_setup");
	disk.blocks = bytes / BLOCK;
	memset(buffers, 0x5a, DEPTH_MAX * BLOCK);
	for (i = 0; i < depth; i++)
		disk.requests[i] = (struct iocb){
			.aio_lio_opcode = write ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD,
			.aio_fildes = fd,
			.aio_buf = (uintptr_t)(buffers + i * BLOCK),
			.aio_nbytes = BLOCK,
		};
	transfer(&disk, depth, WARM);
	began = work_now();
	WINDOW_BEGIN(WINDOW_DISK);
	transfer(&disk, depth, count);
	WINDOW_END(WINDOW_DISK);
	printf("%.1f %u\n", count / (work_now() - began), count);
}

void work_console(const char *path, size_t bytes)
{
	static const char line[] = "................................................."
				   "..............................\n";
	int fd = open(path, O_WRONLY | O_NOCTTY);
	size_t done = 0;
	double began, seconds;

	if (fd < 0)
		fail(path);
	began = work_now();
	while (done < bytes) {
		ssize_t put = write(fd, line, sizeof(line) - 1);

		if (put < 0 && errno != EINTR && errno != EAGAIN)
			fail(path);
		done += put > 0 ? put : 0;
	}
	tcdrain(fd);
	seconds = work_now() - began;
	printf("%.3f %zu\n", done / seconds / 1e3, done);
	close(fd);
}

static struct sockaddr_in address_of(const char *text)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(PORT) };

	if (text && inet_pton(AF_INET, text, &address.sin_addr) != 1)
		exit(2);
	return address;
}

static void set_no_delay(int fd)
{
	const int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

void work_serve(void)
{
	const struct sockaddr_in address = address_of(NULL);
	const int on = 1;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	signal(SIGCHLD, SIG_IGN);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (listener < 0 || bind(listener, (const struct sockaddr *)&address, sizeof(address)) ||
	    listen(listener, 8))
		fail("listen");
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		char byte;

		if (fd < 0)
			fail("accept");
		set_no_delay(fd);
		if (!fork()) {
			while (read(fd, &byte, 1) == 1 && write(fd, &byte, 1) == 1)
				;
			_exit(0);
		}
		close(fd);
	}
}

static void ask_once(int fd)
{
	char byte = 1;

	if (write(fd, &byte, 1) != 1 || read(fd, &byte, 1) != 1)
		fail("request and response");
}

void work_ask(const char *server, unsigned int count)
{
	const struct sockaddr_in address = address_of(server);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	double *took = calloc(count, sizeof(*took));
	unsigned int i;

	if (fd < 0 || !took || connect(fd, (const struct sockaddr *)&address, sizeof(address)))
		fail(server);
	set_no_delay(fd);
	for (i = 0; i < WARM; i++)
		ask_once(fd);
	for (i = 0; i < count; i++) {
		double began = work_now();

		ask_once(fd);
		took[i] = (work_now() - began) * 1e6;
	}
	work_print_latencies(took, count);
	free(took);
	close(fd);
}
