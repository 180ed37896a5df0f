# SPDX-License-Identifier: GPL-2.0-or-later
"""Declarations for both bitnesses, put together, judged by the rules, and written as text."""
import re
import types as py

from . import rules

SKIPPED_HEADERS = {"intsafe.h", "strsafe.h", "intrin.h", "intrin-impl.h", "ntintsafe.h", "ntstrsafe.h",
                   "d3dx9math.inl", "windowsx.h"}
FIELDS_MAX = 96


def split(text):
    """An expression's prefixes and its last name: "*+WCHAR" -> ("*+", "WCHAR")."""
    prefix = re.match(r"(?:\*|\+|\[\d+\])*", text)[0]
    return prefix, text[len(prefix):]


class Table:
    def __init__(self, by_bits):
        self.by_bits = by_bits
        self.kinds, self.groups, self.arguments = rules.kinds(), rules.Groups(), rules.Arguments()
        self.conventions = rules.Conventions()
        self.types, self.records, self.enums, self.functions = {}, {}, {}, []
        constants = {**by_bits[32].constants, **by_bits[64].constants}
        for group in self.groups.all:
            group.collect(constants)
        self.merge_functions()
        for f in self.functions:
            for text in [f.result] + [a.type for a in f.args]:
                self.reach(text)

    def each(self, kind, name):
        """What the 32-bit and the 64-bit side say; None where one lacks it."""
        return tuple(getattr(self.by_bits[b], kind).get(name) for b in (32, 64))

    # ---- Functions

    def merge_functions(self):
        names = set(self.by_bits[32].functions) | set(self.by_bits[64].functions)
        for name in sorted(names):
            f32, f64 = self.each("functions", name)
            if (f64 or f32)["header"] in SKIPPED_HEADERS:
                continue
            if f32 and f64 and signature(f32) == signature(f64):
                self.functions.append(self.function(name, "both", f32, f32))
                continue
            if f32:
                self.functions.append(self.function(name, "32", f32, f32))
            if f64:
                self.functions.append(self.function(name, "64", f64, None))

    def function(self, name, bits, f, f32):
        told = self.arguments.apply(name, [a[:3] for a in f["args"]], lambda t: self.shape(t, f["bits"]))
        args = []
        for (arg, text, _, _), (direction, sizes) in zip(f["args"], told):
            group = self.groups.find(name, arg, split(text)[1])
            args.append(py.SimpleNamespace(name=arg, type=text, direction=direction, sizes=sizes, group=group))
        group = self.groups.find(name, "return", split(f["result"])[1])
        convention = self.conventions.of(name, f32) if f32 else "cdecl"
        return py.SimpleNamespace(name=name, bits=bits, result=f["result"], group=group, args=args,
                                  convention=convention, variadic=f["variadic"], header=f["header"])

    # ---- Types

    def target(self, text, bits):
        """An expression with typedefs replaced, until a kind of its own or no typedef is left."""
        types = self.by_bits[bits].types
        for _ in range(32):
            prefix, name = split(text)
            if name in self.kinds or name not in types or types[name][1] in "%?":
                return text
            text = prefix + types[name][1]
        return text

    def is_handle(self, text, bits):
        prefix, name = split(text)
        if self.kinds.get(name) == "handle":
            return "*" not in prefix
        under = self.by_bits[bits].types.get(name)
        return "*" not in prefix and bool(under) and under[1] == f"*struct:{name}__"

    def shape(self, text, bits):
        """What an argument of this type leads to."""
        s = py.SimpleNamespace(pointer=False, const=False, code=False, interface=False, handle=False,
                               void=False, text=False, record=False, scalar=False)
        prefix, name = split(self.until_handle(text, bits))
        bare = prefix.lstrip("+")
        if not bare.startswith("*"):
            s.handle = not bare and self.is_handle(name, bits)
            return s
        s.pointer = True
        inner = bare[1:]
        s.const = inner.startswith("+")
        inner = inner.lstrip("+")
        if inner:
            s.scalar = True  # a pointer or an array behind the pointer
            return s
        s.code, s.void = name == "()", name in ("void", "VOID")
        s.text = self.kinds.get(name) in ("char", "wchar")
        if name.startswith(("struct:", "union:")):
            record = self.by_bits[bits].records.get(name.split(":")[1], {})
            # Of what has no fields nothing could be shown: its address is what counts.
            s.interface = is_interface(record) or not record.get("fields")
            s.record = not s.interface
        s.scalar = not (s.code or s.void or s.text or s.record or s.interface)
        return s

    def until_handle(self, text, bits):
        types = self.by_bits[bits].types
        for _ in range(32):
            prefix, name = split(text)
            if self.is_handle(name, bits) or name in self.kinds or name not in types or \
                    types[name][1] in "%?":
                return text
            text = prefix + types[name][1]
        return text

    # ---- What functions need

    def reach(self, text):
        """Notes the types, records and enumerations that an expression mentions."""
        name = split(text)[1]
        if name == "()" or name in self.types:
            return
        if ":" in name:
            self.reach_tag(*name.split(":", 1))
            return
        t32, t64 = self.each("types", name)
        one = t64 or t32
        definition = self.definition(name, one)
        self.types[name] = (t32[0] if t32 else 0, t64[0] if t64 else 0, definition)
        if not definition.startswith("%"):
            self.reach(definition)

    def definition(self, name, one):
        if name in self.kinds:
            return "%" + self.kinds[name]
        if one[1] in "%?":
            return "%" + primitive(name)
        prefix, under = split(one[1])
        if one[1] == f"*struct:{name}__":
            return "%handle"
        return one[1]

    def reach_tag(self, kind, name):
        if kind == "enum":
            if name not in self.enums:
                self.enums[name] = next(v for v in reversed(self.each("enums", name)) if v is not None)
            return
        if name in self.records:
            return
        r32, r64 = self.each("records", name)
        one = r64 or r32
        kind = "guid" if name == "_GUID" else "interface" if is_interface(one) else one["kind"]
        record = self.records[name] = py.SimpleNamespace(
            kind=kind, sizes=(r32["size"] if r32 else 0, r64["size"] if r64 else 0), fields=[])
        if kind not in ("guid", "interface"):
            record.fields = self.fields(name, r32, r64)
            for f in record.fields:
                self.reach(f.type)

    def fields(self, record, r32, r64):
        """Fields in 64-bit order, then what only the 32-bit structure has."""
        sides = [dict_of_fields(r) for r in (r32, r64)]
        order = list(sides[1]) + [n for n in sides[0] if n not in sides[1]]
        out = []
        for name in order[:FIELDS_MAX]:
            _, text, _, bits = sides[1].get(name) or sides[0][name]
            at = tuple(str(s[name][2]) if name in s else "-" for s in sides)
            group = self.groups.find(record, name, split(text)[1])
            out.append(py.SimpleNamespace(name=name, type=text, at=at, bits=bits, group=group))
        return out

    # ---- Text

    def write(self, out):
        for name, (s32, s64, text) in sorted(self.types.items()):
            out.write(f"type {name} {s32} {s64} {text}\n")
        for name, values in sorted(self.enums.items()):
            kind = "flags" if rules.is_flag_enum(values) else "enum"
            out.write(f"enum {name} {kind}{constants(unique(kind, values))}\n")
        used = {x.group for f in self.functions for x in f.args + [f]}
        used |= {x.group for r in self.records.values() for x in r.fields}
        for group in sorted(self.groups.all):
            out.write(f"group {group.name} {group.kind}{constants(group.values)}\n")
        for name, r in sorted(self.records.items()):
            out.write(f"record {name} {r.kind} {r.sizes[0]} {r.sizes[1]}{''.join(map(field, r.fields))}\n")
        for f in self.functions:
            dots = " ..." if f.variadic else ""
            out.write(f"function {f.name} {f.bits} {f.convention} {f.header} {f.result}{at(f.group)}{dots}"
                      f"{''.join(map(argument, f.args))}\n")
        return [g.name for g in self.groups.all if g not in used]


def signature(f):
    return f["result"], f["variadic"], [(a[0], a[1]) for a in f["args"]]


def is_interface(record):
    fields = record.get("fields") or []
    return len(fields) == 1 and fields[0][0] == "lpVtbl"


def dict_of_fields(record):
    return {f[0]: f for f in record["fields"] or []} if record else {}


def primitive(name):
    if name == "void":
        return "void"
    if name.endswith("_Complex"):
        return "opaque"
    if name in ("float", "double", "long~double"):
        return "float"
    return "uint" if name.startswith("unsigned") or name == "char32_t" else "int"


def unique(kind, values):
    seen, out = set(), []
    for name, value in values:
        if value not in seen:
            seen.add(value)
            out.append((name, value))
    return rules.in_order(kind, out)


def constants(values):
    return "".join(f" {name}={value:#x}" if value > 9 else f" {name}={value}" for name, value in values)


def at(group):
    return f" @{group.name}" if group else ""


def field(f):
    bits = f" {f.bits[0]}:{f.bits[1]}" if f.bits else ""
    return f"; {f.name} {f.type} {f.at[0]} {f.at[1]}{bits}{at(f.group)}"


def argument(a):
    sizes = "".join(f" {k}={v}" for k, v in sorted(a.sizes.items()))
    return f"; {a.direction} {a.type} {a.name}{sizes}{at(a.group)}"
