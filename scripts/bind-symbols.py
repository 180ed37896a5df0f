#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""bind-symbols.py FILE OUTPUT: binds an x86-64 shared library's references to its own symbols.

What linking it with -Bsymbolic would have done: relocations that name a symbol which the library
itself defines become relative ones. Debian's libunicorn has 37,000 of the former, and the dynamic
linker spends more time on looking them up than many a guest program runs.
"""
import struct
import sys

SHT_RELA, SHT_DYNSYM = 4, 11
R_64, R_GLOB_DAT, R_JUMP_SLOT, R_RELATIVE = 1, 6, 7, 8
STT_NOTYPE, STT_OBJECT, STT_FUNC = 0, 1, 2
STB_GLOBAL = 1
SHN_ABS = 0xfff1


def sections(data):
    """Type, offset, size and link of each section."""
    if data[:6] != b"\x7fELF\2\1" or struct.unpack_from("<H", data, 18)[0] != 62:
        raise ValueError("not an x86-64 ELF file")
    start, = struct.unpack_from("<Q", data, 40)
    entry, count = struct.unpack_from("<HH", data, 58)
    for i in range(count):
        kind, = struct.unpack_from("<I", data, start + i * entry + 4)
        offset, size, link = struct.unpack_from("<QQI", data, start + i * entry + 24)
        yield kind, offset, size, link


def bind(data):
    """Changes `data` in place; the number of relocations changed."""
    table = list(sections(data))
    bound = 0
    for kind, offset, size, link in table:
        if kind != SHT_RELA or table[link][0] != SHT_DYNSYM:
            continue
        for at in range(offset, offset + size, 24):
            info, addend = struct.unpack_from("<Qq", data, at + 8)
            if info & 0xffffffff not in (R_64, R_GLOB_DAT, R_JUMP_SLOT):
                continue
            how, _, section, value = struct.unpack_from("<BBHQ", data,
                                                        table[link][1] + (info >> 32) * 24 + 4)
            own = section not in (0, SHN_ABS) and how >> 4 == STB_GLOBAL
            if not own or how & 15 not in (STT_NOTYPE, STT_OBJECT, STT_FUNC):
                continue
            if info & 0xffffffff == R_64:
                value += addend
            struct.pack_into("<Qq", data, at + 8, R_RELATIVE, value)
            bound += 1
    return bound


def main():
    """The command."""
    if len(sys.argv) != 3:
        sys.exit(__doc__.splitlines()[0])
    with open(sys.argv[1], "rb") as f:
        data = bytearray(f.read())
    try:
        bind(data)
    except (ValueError, struct.error, IndexError) as e:
        sys.exit(f"{sys.argv[1]}: {e}")
    with open(sys.argv[2], "wb") as f:
        f.write(data)


if __name__ == "__main__":
    main()
