#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Copies PE files without their debug sections.

    strip-pe.py OUTPUT-DIRECTORY FILE...     files that are not PE are left out
    strip-pe.py --test                       checks itself

Only what is needed for that changes: trailing discardable `.debug*` sections leave the section
table, the file ends after the last section kept, SizeOfImage follows, the symbol table that lay
behind is gone from the header, long section names that pointed into it are cut to eight bytes, and
the checksum is made right again. Everything else, section flags and raw offsets included, stays as
it was (objcopy would rewrite the flags).
"""
import array
import multiprocessing
import os
import struct
import sys

DISCARDABLE = 0x02000000
SECTION = struct.Struct("<8sIIIIIIHHI")
SYMBOL_SIZE = 18


class NotPE(Exception):
    pass


class Headers:
    """Where the fields lie that have to change."""

    def __init__(self, data):
        if len(data) < 64 or data[:2] != b"MZ":
            raise NotPE
        self.pe = struct.unpack_from("<I", data, 60)[0]
        if self.pe > len(data) - 24 or data[self.pe:self.pe + 4] != b"PE\0\0":
            raise NotPE
        (_, self.count, _, self.symbols, self.nsymbols, optional_size, _) = struct.unpack_from(
            "<HHIIIHH", data, self.pe + 4)
        self.optional = self.pe + 24
        self.table = self.optional + optional_size
        if optional_size < 96 or self.table + self.count * SECTION.size > len(data):
            raise NotPE
        self.sections = [SECTION.unpack_from(data, self.table + i * SECTION.size)
                         for i in range(self.count)]
        self.alignment = struct.unpack_from("<I", data, self.optional + 32)[0]
        self.headers_size = struct.unpack_from("<I", data, self.optional + 60)[0]
        wide = struct.unpack_from("<H", data, self.optional)[0] == 0x20B
        self.directories = self.optional + (112 if wide else 96)

    def certificates(self, data):
        """File offset of the signature, 0 without one."""
        at = self.directories + 4 * 8
        return struct.unpack_from("<I", data, at)[0] if at + 8 <= self.table else 0


def section_name(data, headers, section):
    name = section[0].rstrip(b"\0")
    if name[:1] == b"/" and name[1:].isdigit() and headers.symbols:
        at = headers.symbols + headers.nsymbols * SYMBOL_SIZE + int(name[1:])
        return bytes(data[at:at + 64]).split(b"\0")[0]
    return name


def checksum(data, at):
    """The sum that the PE header holds at offset `at`, itself counted as zero."""
    words = array.array("H", data[:at] + bytes(4) + data[at + 4:] + bytes(len(data) % 2))
    if sys.byteorder == "big":
        words.byteswap()
    total = sum(words)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total + len(data)


def strip(data):
    """The bytes of the stripped file; `data` itself when there is nothing to drop."""
    headers = Headers(data)
    keep = headers.count
    while keep > 1:
        section = headers.sections[keep - 1]
        if not (section[9] & DISCARDABLE and
                section_name(data, headers, section).startswith(b".debug")):
            break
        keep -= 1
    if keep == headers.count or headers.certificates(data):
        return data
    kept = headers.sections[:keep]
    end = max([headers.headers_size] + [s[4] + s[3] for s in kept if s[3]])
    if end > len(data):
        raise NotPE
    image = max(s[2] + max(s[1], s[3] if not s[1] else 0) for s in kept)
    out = bytearray(data[:end])
    struct.pack_into("<H", out, headers.pe + 6, keep)
    struct.pack_into("<II", out, headers.pe + 12, 0, 0)
    struct.pack_into("<I", out, headers.optional + 56,
                     (image + headers.alignment - 1) // headers.alignment * headers.alignment)
    for i, section in enumerate(kept):
        struct.pack_into("<8s", out, headers.table + i * SECTION.size,
                         section_name(data, headers, section)[:8])
    dropped = (headers.count - keep) * SECTION.size
    tail = headers.table + keep * SECTION.size
    out[tail:tail + dropped] = bytes(dropped)
    if struct.unpack_from("<I", out, headers.optional + 64)[0]:
        struct.pack_into("<I", out, headers.optional + 64, checksum(out, headers.optional + 64))
    return out


def copy(job):
    source, target = job
    with open(source, "rb") as f:
        data = f.read()
    try:
        out = strip(data)
    except (NotPE, struct.error):
        return 0, 0
    with open(target, "wb") as f:
        f.write(out)
    return len(data), len(out)


def self_test():
    """A file of one code and one debug section loses the latter, and nothing else changes."""
    def build(names, symbols):
        out = bytearray(0x800)
        out[:2] = b"MZ"
        struct.pack_into("<I", out, 60, 64)
        out[64:68] = b"PE\0\0"
        struct.pack_into("<HHIIIHH", out, 68, 0x8664, len(names), 0, symbols, 0, 240, 0x22)
        struct.pack_into("<H", out, 88, 0x20B)
        struct.pack_into("<IIIIII", out, 88 + 32, 0x1000, 0x200, 0, 0, 0, 0)
        struct.pack_into("<III", out, 88 + 56, 0x1000 * (1 + len(names)), 0x200, 1)
        for i, (name, flags) in enumerate(names):
            SECTION.pack_into(out, 328 + i * SECTION.size, name, 0x100, 0x1000 * (i + 1), 0x200,
                              0x200 * (i + 1), 0, 0, 0, 0, flags)
        return bytes(out)

    whole = bytearray(build([(b".text", 0x60000020), (b"/4", 0x42100040)], 0x600))
    whole[0x604:0x60B] = b".debug\0"
    out = strip(bytes(whole))
    headers = Headers(out)
    assert len(out) == 0x400 and headers.count == 1 and headers.symbols == 0
    assert struct.unpack_from("<I", out, 88 + 56)[0] == 0x2000
    assert struct.unpack_from("<I", out, 88 + 64)[0] == checksum(out, 88 + 64)
    assert out[0x200:0x400] == whole[0x200:0x400] and headers.sections[0][9] == 0x60000020
    kept = bytearray(build([(b".text", 0x60000020), (b"/4", 0x42100040)], 0x600))
    kept[0x604:0x60E] = b".eh_frame\0"
    assert strip(bytes(kept)) == kept, "a section that is no debug section was dropped"
    both = bytearray(build([(b"/4", 0x40000040), (b"/14", 0x42000040)], 0x600))
    both[0x604:0x616] = b".eh_frame\0.debug_x\0"
    assert Headers(strip(bytes(both))).sections[0][0] == b".eh_fram"
    needed = build([(b".text", 0x60000020), (b".debug_x", 0x40000040)], 0)
    assert strip(needed) == needed, "a section that is not discardable was dropped"
    for size in range(328 + 2 * SECTION.size):
        try:
            strip(bytes(whole[:size]))
            raise AssertionError(f"{size} bytes passed for a PE file")
        except (NotPE, struct.error):
            pass
    print("ok")


def main():
    if sys.argv[1:] == ["--test"]:
        return self_test()
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    folder = sys.argv[1]
    jobs = [(path, os.path.join(folder, os.path.basename(path))) for path in sys.argv[2:]]
    with multiprocessing.Pool() as pool:
        sizes = pool.map(copy, jobs, chunksize=16)
    before, after = sum(s[0] for s in sizes), sum(s[1] for s in sizes)
    print(f"{sum(1 for s in sizes if s[0])} PE files, {before >> 20} MiB -> {after >> 20} MiB")


if __name__ == "__main__":
    main()
