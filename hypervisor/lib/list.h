/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Doubly linked lists with the node inside the element.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct list { struct list *next, *prev; };

#define container_of(pointer, type, member) ((type *)((char *)(pointer) - offsetof(type, member)))
#define list_entry(node, type, member) container_of(node, type, member)
#define list_for_each(node, head) \
	for (struct list *node = (head)->next; node != (head); node = node->next)
#define list_for_each_entry(entry, head, type, member)				\
	for (type *entry = list_entry((head)->next, type, member); &entry->member != (head); \
	     entry = list_entry(entry->member.next, type, member))
/* The body may unlink (and free) the node itself. */
#define list_for_each_safe(node, head)						\
	for (struct list *node = (head)->next, *node##_next = node->next; node != (head); \
	     node = node##_next, node##_next = node->next)

static inline void list_init(struct list *head) { head->next = head->prev = head; }
static inline bool list_is_empty(const struct list *head) { return head->next == head; }

static inline void list_insert_before(struct list *at, struct list *node)
{
	node->next = at;
	node->prev = at->prev;
	at->prev->next = node;
	at->prev = node;
}

static inline void list_append(struct list *head, struct list *node) { list_insert_before(head, node); }

/* The node is left linked to itself: unlinking it twice is harmless. */
static inline void list_remove(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}
