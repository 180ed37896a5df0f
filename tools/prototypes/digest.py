# SPDX-License-Identifier: GPL-2.0-or-later
"""Which headers these are."""
import hashlib
import re


def of(include):
    """A digest of all of them."""
    total = hashlib.sha256()
    for path in sorted(include.rglob("*")):
        if path.is_file():
            total.update(f"{path.relative_to(include)}\0".encode())
            total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def version(include):
    text = (include / "_mingw_mac.h").read_text()
    parts = [re.search(rf"define __MINGW64_VERSION_{p} (\d+)", text)
             for p in ("MAJOR", "MINOR", "BUGFIX")]
    return ".".join(p[1] for p in parts if p)
