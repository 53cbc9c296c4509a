/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * The hypervisor's own serial line.
 */
#pragma once

#include <stdint.h>

#define CONSOLE_PORT_COUNT 8

/* 115200 8N1 at that I/O port; 0: no line. */
void console_init(uint16_t port);
uint16_t console_port(void);
