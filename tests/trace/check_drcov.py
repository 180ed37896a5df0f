#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads a drcov file, as Lighthouse does, and complains about what does not fit.

  tests/trace/check_drcov.py FILE                 prints blocks and bytes by module
  tests/trace/check_drcov.py FILE MODULE=EXE...   and checks that the blocks lie in EXE's code
"""
import struct
import sys
from pathlib import Path

HEADER = [b"DRCOV VERSION: 2", b"DRCOV FLAVOR: drcov"]
COLUMNS = b"Columns: id, base, end, entry, checksum, timestamp, path"


class Wrong(Exception):
    pass


def expect(good, text):
    if not good:
        raise Wrong(text)


def read(data):
    """-> [(base, end, path)], [(start, size, module)]"""
    lines = data.split(b"\n", 4)
    expect(len(lines) == 5 and lines[:2] == HEADER, "does not begin as drcov")
    expect(lines[2].startswith(b"Module Table: version 2, count "), "has no module table of version 2")
    expect(lines[3] == COLUMNS, "has other columns")
    count, rest, modules = int(lines[2].rsplit(b" ", 1)[1]), lines[4], []
    for number in range(count):
        line, rest = rest.split(b"\n", 1)
        fields = line.split(b", ", 6)
        expect(len(fields) == 7 and int(fields[0]) == number, f"module {number} is not in its place")
        base, end, entry, _, _ = (int(f, 16) for f in fields[1:6])
        expect(base < end and (not entry or base <= entry < end), f"module {number} is nowhere")
        modules.append((base, end, fields[6].decode("utf-8")))
    line, rest = rest.split(b"\n", 1)
    expect(line.startswith(b"BB Table: ") and line.endswith(b" bbs"), "has no block table")
    count = int(line[10:-4])
    expect(len(rest) == 8 * count, f"has {len(rest)} bytes of blocks instead of {8 * count}")
    blocks = list(struct.iter_unpack("<IHH", rest))
    expect(len(set((b[2], b[0]) for b in blocks)) == len(blocks), "has a block twice")
    for start, size, module in blocks:
        expect(module < len(modules), f"a block is in module {module}")
        base, end, path = modules[module]
        expect(size and start + size <= end - base, f"a block of {path} is outside of it")
    return modules, blocks


def code_sections(exe):
    data = Path(exe).read_bytes()
    pe = struct.unpack_from("<I", data, 0x3C)[0]
    count, optional = struct.unpack_from("<H12xH", data, pe + 6)
    for i in range(count):
        at = pe + 24 + optional + 40 * i
        size, rva = struct.unpack_from("<II", data, at + 8)
        if struct.unpack_from("<I", data, at + 36)[0] & 0x20000000:
            yield rva, rva + size


def main():
    path, *wanted = sys.argv[1:]
    try:
        modules, blocks = read(Path(path).read_bytes())
        for number, (_, _, name) in enumerate(modules):
            mine = [b for b in blocks if b[2] == number]
            print(f"{len(mine):6} blocks {sum(b[1] for b in mine):8} bytes  {name}")
            for want in wanted:
                ending, exe = want.split("=", 1)
                if not name.lower().endswith(ending.lower()):
                    continue
                expect(mine, f"no block of {name} was executed")
                sections = list(code_sections(exe))
                for start, size, _ in mine:
                    expect(any(a <= start and start + size <= b for a, b in sections),
                           f"the block at {start:#x} of {name} is not code")
    except (Wrong, ValueError, struct.error) as e:
        print(f"{path}: {e}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
