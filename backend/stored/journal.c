// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The two files; see journal.h for what they are good for. A new image goes
 * into the file that is not current; when it is complete, its sequence number
 * makes it the current one: a single store. Files grow by fallocate() before
 * anything is written, so that a full disk is an error here and not a SIGBUS.
 */
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"

enum {
	FILE_COUNT = 2,
	HEADER_BYTES = 4096,
	RECORD_ALIGN = 8,
	RETRY_US = 1000000,	/* after there was no room */
};

/* Address space for each file; far more than any store needs. */
static const size_t map_bytes = 1ul << 30;

/* Smallest log, and the step by which files grow. */
static const size_t log_min_bytes = 2ul << 20;

static const uint64_t header_magic = 0x50564e5354415445ull;

enum call { CALL_NONE, CALL_RECV, CALL_SEND };

/* A system call under way. message.msg_len is written by the kernel. */
struct call_slot {
	uint32_t call;		/* enum call */
	uint64_t conn_id;
	uint64_t log_used;	/* when it began: unchanged if its record is missing */
	struct mmsghdr message;
	struct iovec piece;
};

struct header {
	uint64_t magic;
	uint64_t format;
	uint64_t sequence;	/* the larger one is current; 0: not valid */
	uint64_t image_bytes;
	uint64_t log_start, log_room, log_used;
	uint64_t running;	/* connection whose requests are being carried out */
	uint64_t incomplete;
	struct journal_owner owner;
	struct call_slot slot;
};

_Static_assert(sizeof(struct header) <= HEADER_BYTES, "the header has one page");
_Static_assert(sizeof(struct record) % RECORD_ALIGN == 0, "records are aligned");

struct journal {
	int fds[FILE_COUNT];
	uint8_t *maps[FILE_COUNT];
	size_t file_bytes[FILE_COUNT];
	int current;
	uint64_t retry_us;
	struct journal_owner owner;
};

static struct header *header_of(const struct journal *journal, int which)
{
	return (struct header *)journal->maps[which];
}

static struct header *current_header(const struct journal *journal)
{
	return header_of(journal, journal->current);
}

static size_t align_up(size_t bytes, size_t to)
{
	return (bytes + to - 1) / to * to;
}

static bool file_ensure(struct journal *journal, int which, size_t bytes)
{
	size_t *have = &journal->file_bytes[which];
	size_t want = align_up(bytes, log_min_bytes);

	if (bytes <= *have)
		return true;
	if (want > map_bytes)
		return false;
	errno = posix_fallocate(journal->fds[which], *have, want - *have);
	if (errno)
		return false;
	*have = want;
	return true;
}

static void read_boot_id(char *text, size_t size)
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? 0 : read(fd, text, size - 1);

	text[len > 0 ? len : 0] = '\0';
	if (fd >= 0)
		close(fd);
}

static bool header_is_good(const struct journal *journal, int which)
{
	const struct header *header = header_of(journal, which);
	size_t bytes = journal->file_bytes[which];
	char boot_id[sizeof(header->owner.boot_id)];

	if (bytes < HEADER_BYTES || header->magic != header_magic ||
	    header->format != IMAGE_FORMAT || !header->sequence)
		return false;
	read_boot_id(boot_id, sizeof(boot_id));
	return header->log_start <= bytes && header->log_room <= bytes - header->log_start &&
	       header->image_bytes <= header->log_start - HEADER_BYTES &&
	       header->log_used <= header->log_room && !strcmp(boot_id, header->owner.boot_id);
}

static int file_map(struct journal *journal, int which)
{
	void *map = mmap(NULL, map_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
			 journal->fds[which], 0);

	if (map == MAP_FAILED)
		return -1;
	journal->maps[which] = map;
	return 0;
}

void journal_reload(struct journal *journal, bool *found)
{
	struct stat status;
	uint64_t best = 0;

	for (int i = 0; i < FILE_COUNT; i++)
		if (!fstat(journal->fds[i], &status))
			journal->file_bytes[i] = status.st_size;
	for (int i = 0; i < FILE_COUNT; i++)
		if (header_is_good(journal, i) && header_of(journal, i)->sequence > best) {
			best = header_of(journal, i)->sequence;
			journal->current = i;
		}
	*found = best;
	if (best)
		journal->owner = current_header(journal)->owner;
}

struct journal *journal_adopt(int fd0, int fd1, bool *found)
{
	struct journal *journal = xcalloc(1, sizeof(*journal));

	journal->fds[0] = fd0;
	journal->fds[1] = fd1;
	if (file_map(journal, 0) || file_map(journal, 1)) {
		journal_close(journal);
		return NULL;
	}
	journal_reload(journal, found);
	return journal;
}

static void file_path(char *path, size_t size, const char *dir, int which)
{
	snprintf(path, size, "%s/state.%d", dir, which);
}

struct journal *journal_open(const char *dir, bool *found)
{
	char path[160];
	int fds[FILE_COUNT];

	for (int i = 0; i < FILE_COUNT; i++) {
		file_path(path, sizeof(path), dir, i);
		fds[i] = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fds[i] < 0) {
			if (i)
				close(fds[0]);
			return NULL;
		}
	}
	return journal_adopt(fds[0], fds[1], found);
}

void journal_close(struct journal *journal)
{
	for (int i = 0; i < FILE_COUNT; i++) {
		if (journal->maps[i])
			munmap(journal->maps[i], map_bytes);
		close(journal->fds[i]);
	}
	free(journal);
}

void journal_remove(const char *dir)
{
	char path[160];

	for (int i = 0; i < FILE_COUNT; i++) {
		file_path(path, sizeof(path), dir, i);
		unlink(path);
	}
}

int journal_fd(const struct journal *journal, int which)
{
	return journal->fds[which];
}

struct journal_owner *journal_owner(struct journal *journal)
{
	return &journal->owner;
}

struct image_reader journal_image(const struct journal *journal)
{
	const uint8_t *file = journal->maps[journal->current];

	return (struct image_reader){ file + HEADER_BYTES,
				      current_header(journal)->image_bytes, false };
}

static size_t record_bytes(size_t len)
{
	return sizeof(struct record) + align_up(len, RECORD_ALIGN);
}

const struct record *journal_next(const struct journal *journal, const struct record *last)
{
	const struct header *header = current_header(journal);
	const uint8_t *start = journal->maps[journal->current] + header->log_start;
	const uint8_t *next = last ? (const uint8_t *)last + record_bytes(last->len) : start;

	return (size_t)(next - start) < header->log_used ? (const struct record *)next : NULL;
}

bool journal_is_incomplete(const struct journal *journal)
{
	return header_is_good(journal, journal->current) && current_header(journal)->incomplete;
}

static struct record *log_tail(const struct journal *journal)
{
	const struct header *header = current_header(journal);

	return (struct record *)(journal->maps[journal->current] + header->log_start +
				 header->log_used);
}

/* False, and the log is worth nothing any more, when `len` bytes do not fit. */
static bool log_has_room(struct journal *journal, size_t len)
{
	struct header *header = current_header(journal);

	if (header->log_used + record_bytes(len) > header->log_room)
		header->incomplete = true;
	return !header->incomplete;
}

/* The data is in its place already. One store makes all of it count. */
static void log_commit(struct journal *journal, enum record_type type, uint64_t conn_id,
		       size_t len)
{
	struct header *header = current_header(journal);
	struct record *record = log_tail(journal);

	record->type = type;
	record->len = len;
	record->conn_id = conn_id;
	__atomic_store_n(&header->log_used, header->log_used + record_bytes(len),
			 __ATOMIC_RELEASE);
}

void journal_append(struct journal *journal, enum record_type type, uint64_t conn_id,
		    const void *data, size_t len)
{
	if (!log_has_room(journal, len))
		return;
	if (len)
		memcpy(log_tail(journal)->data, data, len);
	log_commit(journal, type, conn_id, len);
}

static struct call_slot *slot_begin(struct journal *journal, enum call call, uint64_t conn_id,
				    struct iovec *pieces, unsigned int count)
{
	struct header *header = current_header(journal);
	struct call_slot *slot = &header->slot;

	slot->conn_id = conn_id;
	slot->log_used = header->log_used;
	slot->message = (struct mmsghdr){
		.msg_hdr = { .msg_iov = pieces, .msg_iovlen = count },
	};
	__atomic_store_n(&slot->call, call, __ATOMIC_RELEASE);
	return slot;
}

static void slot_end(struct call_slot *slot)
{
	__atomic_store_n(&slot->call, CALL_NONE, __ATOMIC_RELEASE);
}

ssize_t journal_recv(struct journal *journal, uint64_t conn_id, int fd, void *data, size_t room)
{
	struct record *record = log_tail(journal);
	struct call_slot *slot;
	size_t len = 0;
	int count;

	if (!log_has_room(journal, room))
		return recv(fd, data, room, MSG_DONTWAIT);
	current_header(journal)->slot.piece = (struct iovec){ record->data, room };
	slot = slot_begin(journal, CALL_RECV, conn_id, &current_header(journal)->slot.piece, 1);
	count = recvmmsg(fd, &slot->message, 1, MSG_DONTWAIT, NULL);
	if (count == 1)
		len = slot->message.msg_len;
	if (len) {
		memcpy(data, record->data, len);
		log_commit(journal, RECORD_INPUT, conn_id, len);
	}
	slot_end(slot);
	return count < 0 ? -1 : (ssize_t)len;
}

ssize_t journal_send(struct journal *journal, uint64_t conn_id, int fd,
		     const struct iovec *pieces, unsigned int count)
{
	enum { FLAGS = MSG_NOSIGNAL | MSG_DONTWAIT };
	struct call_slot *slot;
	uint32_t len = 0;
	int done;

	if (!log_has_room(journal, sizeof(len))) {
		const struct msghdr message = { .msg_iov = (struct iovec *)pieces,
						.msg_iovlen = count };

		return sendmsg(fd, &message, FLAGS);
	}
	slot = slot_begin(journal, CALL_SEND, conn_id, (struct iovec *)pieces, count);
	done = sendmmsg(fd, &slot->message, 1, FLAGS);
	if (done == 1) {
		len = slot->message.msg_len;
		journal_append(journal, RECORD_SENT, conn_id, &len, sizeof(len));
	}
	slot_end(slot);
	return done < 0 ? -1 : (ssize_t)len;
}

void journal_finish_call(struct journal *journal)
{
	struct header *header = current_header(journal);
	struct call_slot *slot = &header->slot;
	uint32_t len = slot->message.msg_len;

	if (slot->call != CALL_NONE && slot->log_used == header->log_used && len) {
		if (slot->call == CALL_RECV)
			log_commit(journal, RECORD_INPUT, slot->conn_id, len);
		else
			journal_append(journal, RECORD_SENT, slot->conn_id, &len, sizeof(len));
	}
	slot_end(slot);
}

void journal_set_running(struct journal *journal, uint64_t conn_id)
{
	__atomic_store_n(&current_header(journal)->running, conn_id, __ATOMIC_RELEASE);
}

uint64_t journal_running(const struct journal *journal)
{
	return current_header(journal)->running;
}

bool journal_wants_image(const struct journal *journal, uint64_t now_us)
{
	const struct header *header = current_header(journal);

	return (header->incomplete || header->log_used > header->log_room / 2) &&
	       now_us >= journal->retry_us;
}

/* What the image writer is part of, to grow its file. */
struct file_writer {
	struct image_writer writer;
	struct journal *journal;
	int which;
};

static bool file_writer_grow(struct image_writer *writer, size_t bytes)
{
	struct file_writer *file = writer->owner;

	if (!file_ensure(file->journal, file->which, HEADER_BYTES + writer->used + bytes))
		return false;
	writer->room = file->journal->file_bytes[file->which] - HEADER_BYTES;
	return true;
}

static bool write_image(struct journal *journal, int which, size_t *image_bytes,
			void (*save)(void *arg, struct image_writer *writer), void *arg)
{
	struct file_writer file = { .journal = journal, .which = which };

	file.writer.base = journal->maps[which] + HEADER_BYTES;
	file.writer.room = journal->file_bytes[which] - HEADER_BYTES;
	file.writer.grow = file_writer_grow;
	file.writer.owner = &file;
	save(arg, &file.writer);
	*image_bytes = file.writer.used;
	return !file.writer.failed;
}

bool journal_new_image(struct journal *journal, uint64_t now_us,
		       void (*save)(void *arg, struct image_writer *writer), void *arg)
{
	int which = 1 - journal->current;
	size_t image_bytes, log_start, log_room;
	uint64_t sequence = 0;
	struct header *header;

	journal->retry_us = now_us + RETRY_US;
	/* Also a file of another boot or format may be the current one: its number counts. */
	if (journal->file_bytes[journal->current] >= HEADER_BYTES)
		sequence = current_header(journal)->sequence;
	if (!file_ensure(journal, which, HEADER_BYTES))
		return false;
	header = header_of(journal, which);
	__atomic_store_n(&header->sequence, 0, __ATOMIC_RELEASE);
	if (!write_image(journal, which, &image_bytes, save, arg))
		return false;
	/* As long as twice the image: so making images costs no more than logging. */
	log_start = align_up(HEADER_BYTES + image_bytes, HEADER_BYTES);
	log_room = 2 * image_bytes > log_min_bytes ? align_up(2 * image_bytes, HEADER_BYTES) :
						     log_min_bytes;
	if (!file_ensure(journal, which, log_start + log_room))
		return false;
	*header = (struct header){
		.magic = header_magic,
		.format = IMAGE_FORMAT,
		.image_bytes = image_bytes,
		.log_start = log_start,
		.log_room = log_room,
		.owner = journal->owner,
	};
	read_boot_id(header->owner.boot_id, sizeof(header->owner.boot_id));
	__atomic_store_n(&header->sequence, sequence + 1, __ATOMIC_RELEASE);
	journal->current = which;
	journal->retry_us = 0;
	return true;
}
