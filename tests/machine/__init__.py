# SPDX-License-Identifier: GPL-2.0-only
"""The development machine: set-up, images, QEMU, and the commands ./run and ./test."""
