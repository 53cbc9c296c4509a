/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * A store without transport for the unit tests: connections are asked directly,
 * replies come back as text with '|' for NUL and '!' in front of an error.
 */
#ifndef TEST_STORED_FIXTURE_H
#define TEST_STORED_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store.h"

/* A string literal with every byte that was written, and no NUL added. */
#define BYTES(literal) (literal), sizeof(literal) - 1

struct fixture {
	struct store *store;
	struct conn *root;		/* privileged, as on the local socket */
};

int fixture_setup(void **state);
int fixture_teardown(void **state);

/* The connection of a guest that is introduced if need be, with a home that it owns. */
struct conn *guest(struct fixture *fixture, uint16_t domid);
struct conn *another_socket(struct fixture *fixture);

/* Sends one request and returns its reply; events are kept for events(). */
const char *ask(struct conn *conn, uint32_t type, uint32_t tx, const char *payload, size_t len);

/* Puts raw bytes into the input and has them processed. */
enum conn_state feed(struct conn *conn, const void *bytes, size_t len);

/* What is queued for a connection: "path=token path=token ", oldest first. */
const char *events(struct conn *conn);

uint32_t start(struct conn *conn);
const char *commit(struct conn *conn, uint32_t tx);

#define ASK(conn, type, literal) ask(conn, PVN_STORE_##type, 0, BYTES(literal))
#define ASK_TX(conn, tx, type, literal) ask(conn, PVN_STORE_##type, tx, BYTES(literal))

/* The accounting of every domain agrees with the tree. */
void assert_accounting_is_right(struct fixture *fixture);

#endif
