# SPDX-License-Identifier: GPL-2.0-only
"""A writer of "newc" cpio archives, the format of an initramfs.

Entries belong to root, carry no time, and are written in the order given, so
the same input gives the same archive. Archives may be concatenated.
"""

import os
import stat


class Archive:
    """Collects entries; write() stores them."""

    def __init__(self):
        self._chunks = []
        self._known = set()
        self._inode = 0

    def directory(self, name, mode=0o755):
        """Add a directory and those above it; twice is once."""
        name = name.strip("/")
        if name and name not in self._known:
            self._parents(name)
            self._entry(name, stat.S_IFDIR | mode)

    def file(self, name, data, mode=0o644):
        self._parents(name)
        self._entry(name, stat.S_IFREG | mode, data)

    def copy(self, name, path):
        """Add a file of the host under `name`, executable if it is so there."""
        self.file(name, path.read_bytes(), 0o755 if os.access(path, os.X_OK) else 0o644)

    def symlink(self, name, target):
        self._parents(name)
        self._entry(name, stat.S_IFLNK | 0o777, target.encode())

    def character_device(self, name, major, minor):
        self._parents(name)
        self._entry(name, stat.S_IFCHR | 0o600, device=(major, minor))

    def tree(self, name, top):
        """Add a directory of the host with all that is in it."""
        for path in sorted(top.rglob("*")):
            inside = f"{name}/{path.relative_to(top)}"
            if path.is_symlink():
                self.symlink(inside, os.readlink(path))
            elif path.is_dir():
                self.directory(inside)
            else:
                self.copy(inside, path)

    def bytes(self):
        """The finished archive, padded so that another may follow."""
        body = b"".join(self._chunks) + self._header("TRAILER!!!", 0, 0, (0, 0)) + b"TRAILER!!!\0"
        return body + bytes(-len(body) % 512)

    def write(self, path):
        scratch = path.with_name(f"{path.name}.{os.getpid()}")
        scratch.write_bytes(self.bytes())
        scratch.rename(path)

    def _parents(self, name):
        above = os.path.dirname(name.strip("/"))
        if above:
            self.directory(above)

    def _entry(self, name, mode, data=b"", device=(0, 0)):
        name = name.strip("/")
        self._known.add(name)
        head = self._header(name, mode, len(data), device) + name.encode() + b"\0"
        self._chunks += [head, bytes(-len(head) % 4), data, bytes(-len(data) % 4)]

    def _header(self, name, mode, size, device):
        self._inode += 1
        links = 2 if stat.S_ISDIR(mode) else 1
        fields = (self._inode, mode, 0, 0, links, 0, size, 0, 0, *device,
                  len(name.encode()) + 1, 0)
        return b"070701" + b"".join(b"%08X" % field for field in fields)
