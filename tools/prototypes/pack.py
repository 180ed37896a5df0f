#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""pack.py PROTOTYPES SERVICES_DIR NAMES_DEF OUTPUT: the table as src/api/table.h lays it out.

Part of the build: it needs neither libclang nor headers. What the kernel's own list of services
says about their arguments and categories goes before what headers and rules say.
"""
import pathlib
import re
import struct
import sys

sys.dont_write_bytecode = True
import judge  # pylint: disable=wrong-import-position

KINDS = ["void", "bool", "int", "uint", "char", "wchar", "float", "handle", "ntstatus", "hresult",
         "winerror", "pointer", "code", "struct", "union", "interface", "guid", "enum", "array",
         "opaque"]
CONVENTIONS = ["cdecl", "stdcall", "fastcall", "thiscall"]
DIRECTIONS = ["in", "out", "inout"]
SIZES = ["", "bytes", "elements"]
NOWHERE, NO_ARGUMENT = 0xFFFFFFFF, 0xFF
VARIADIC, ON_32, ON_64 = 1, 2, 4
CONST, OVERLAPS = 1, 1


# ---- The text

class Text:
    def __init__(self, path):
        self.types, self.groups, self.enums, self.records, self.functions = {}, {}, {}, {}, []
        self.source = ""
        for number, line in enumerate(path.read_text().splitlines(), 1):
            word, _, rest = line.partition(" ")
            if word.startswith("#"):
                continue
            try:
                getattr(self, "read_" + word)(rest)
            except (ValueError, IndexError, AttributeError) as e:
                sys.exit(f"{path}:{number}: {e}")

    def read_source(self, rest):
        self.source = " ".join(rest.split()[:2])

    def read_type(self, rest):
        name, s32, s64, text = rest.split()
        self.types[name] = (int(s32), int(s64), text)

    def read_enum(self, rest):
        name, kind, *values = rest.split()
        self.enums[name] = (kind, constants(values))

    def read_group(self, rest):
        name, kind, *values = rest.split()
        self.groups[name] = (kind, constants(values))

    def read_record(self, rest):
        head, *fields = rest.split("; ")
        name, kind, s32, s64 = head.split()
        self.records[name] = (kind, int(s32), int(s64), [read_field(f) for f in fields])

    def read_function(self, rest):
        head, *args = rest.split("; ")
        name, bits, convention, header, result, *more = head.split()
        group = next((w[1:] for w in more if w.startswith("@")), None)
        self.functions.append({
            "name": name, "bits": bits, "convention": convention, "header": header, "result": result,
            "group": group, "variadic": "..." in more, "args": [read_argument(a) for a in args]})


def constants(words):
    return [(name, int(value, 0)) for name, _, value in (w.rpartition("=") for w in words)]


def read_field(text):
    name, expression, at32, at64, *more = text.split()
    bits = next((tuple(map(int, w.split(":"))) for w in more if ":" in w), (0, 0))
    group = next((w[1:] for w in more if w.startswith("@")), None)
    place = [NOWHERE if at == "-" else int(at) for at in (at32, at64)]
    return {"name": name, "type": expression, "at": place, "bits": bits, "group": group}


def read_argument(text):
    direction, expression, name, *more = text.split()
    arg = {"name": name, "type": expression, "direction": direction, "group": None, "sizes": {}}
    for word in more:
        if word.startswith("@"):
            arg["group"] = word[1:]
        else:
            key, _, value = word.partition("=")
            arg["sizes"][key] = value
    return arg


# ---- The kernel's services

SERVICE_TYPES = {
    "TID": "HANDLE", "PPVOID": "*PVOID", "PTIMEOUT": "PLARGE_INTEGER", "PSYSTEMTIME": "PLARGE_INTEGER",
    "PREG_DISPOSITION": "PULONG", "PPAGE_PROTECTION": "PULONG", "BUFFER": "PVOID", "PGUID": "*GUID",
    "HANDLE_ARRAY": "*HANDLE", "PPVOID_ARRAY": "*PVOID", "PSECURITY_DESCRIPTOR": "PSECURITY_DESCRIPTOR",
}


def categories(folder):
    return re.findall(r"^CATEGORY\((\w+)\)", (folder / "categories.def").read_text(), re.M)


def services(folder):
    """Name -> (is core, category, arguments) from services.def and services_win32k.def."""
    found, known = {}, categories(folder)
    for file in ("services.def", "services_win32k.def"):
        text = re.sub(r"/\*.*?\*/", "", (folder / file).read_text(), flags=re.S)
        for m in re.finditer(r"^(?:SERVICE|CONSTANT|MISSING)\((\w+),((?:[^()]|\([^()]*\))*)\)", text, re.M):
            args, category = [], next(w.strip() for w in m[2].split(",") if w.strip() in known)
            for kind, one, two in re.findall(r"\b(IN|OUT|INOUT|INBUF|OUTBUF)\(\s*(\w+),\s*(\w+)\s*\)", m[2]):
                buffer = kind.endswith("BUF")
                args.append({"direction": kind.removesuffix("BUF").lower(), "def": "BUFFER" if buffer else one,
                             "name": one if buffer else two, "sizes": {"bytes": two} if buffer else {}})
            found[m[1]] = (file == "services.def", category, args)
    return found


def service_widths(folder):
    text = (folder / "types.def").read_text()
    return {name: int(width) for name, width in re.findall(r"^ARGTYPE\((\w+), (\d)\)", text, re.M)}


def service_groups(path):
    """Constants by service type, from the tracer's own list."""
    text = path.read_text()
    text = text[text.index("*/", text.index("GROUP(")):]
    groups = {}
    for name, kind, body in re.findall(r"^GROUP\((\w+), (\w+)\)(.*?)^END", text, re.S | re.M):
        values = [(n, int(v, 0)) for n, v in re.findall(r"NAME\((\w+),\s*(\w+)\)", body)]
        groups[name] = ("enum" if kind == "ENUM" else "flags", values)
    return groups


def service_type(text, widths, name):
    if name in SERVICE_TYPES:
        return SERVICE_TYPES[name]
    if name.endswith("_ACCESS"):
        return "ACCESS_MASK"
    if name in text.types:
        return name
    width = widths.get(name, 4)
    return "PVOID" if width == 0 else "ULONG" if width == 4 else "ULONGLONG" if width == 8 else "UCHAR"


def merge_services(text, folder, names_def):
    """Returns name -> category."""
    listed = services(folder)
    widths, known = service_widths(folder), {f["name"]: f for f in text.functions}
    for name, group in service_groups(names_def).items():
        text.groups.setdefault(name, group)
    for name, (core, _, args) in sorted(listed.items()):
        f = known.get(name)
        if not f:
            f = {"name": name, "bits": "both", "convention": "stdcall", "variadic": False, "group": None,
                 "header": "", "result": "NTSTATUS" if core else "ULONG_PTR",
                 "args": [{"name": a["name"], "type": service_type(text, widths, a["def"]), "group": None,
                           "direction": "in", "sizes": {}} for a in args]}
            text.functions.append(f)
        elif not core or len(f["args"]) != len(args):
            continue
        names = [a["name"] for a in f["args"]]
        for arg, told in zip(f["args"], args):
            arg["direction"] = told["direction"]
            arg["group"] = told["def"] if told["def"] in text.groups else arg["group"]
            if "bytes" in told["sizes"]:
                at = [a["name"] for a in args].index(told["sizes"]["bytes"])
                arg["sizes"] = {"bytes": names[at]}
    return {name: category for name, (_, category, _) in listed.items()}


# ---- The table

class Packer:
    def __init__(self, text, judge_of):
        self.text, self.judge = text, judge_of
        self.strings, self.string_at = bytearray(b"\0"), {"": 0}
        self.type_at, self.types = {}, []
        self.fields, self.groups, self.constants = [], [], []
        self.group_at, self.fields_of = {None: 0}, {}
        self.add_group(None, "enum", [])
        self.type("void")

    def string(self, s):
        if s not in self.string_at:
            self.string_at[s] = len(self.strings)
            self.strings += s.encode() + b"\0"
        return self.string_at[s]

    def add_group(self, name, kind, values):
        self.group_at[name] = len(self.groups)
        self.groups.append((self.string(name or ""), len(self.constants), len(values), kind == "flags"))
        for constant, value in values:
            self.constants.append((value & 0xFFFFFFFFFFFFFFFF, self.string(constant), 0))

    def group(self, name):
        if name not in self.group_at:
            self.add_group(name, *self.text.groups[name])
        return self.group_at[name]

    def enum_group(self, name):
        key = "enum " + name
        if key not in self.group_at:
            kind, values = self.text.enums[name]
            self.add_group(key, kind, values)
            self.groups[-1] = (self.string(name),) + self.groups[-1][1:]
        return self.group_at[key]

    # Types are numbered when first met; a type may lead back to itself.
    def type(self, expression):
        if expression not in self.type_at:
            self.type_at[expression] = len(self.types)
            self.types.append(None)
            self.types[self.type_at[expression]] = self.describe(expression)
        return self.type_at[expression]

    def describe(self, expression):
        t = {"name": self.string(spelled(expression)), "sizes": (0, 0), "kind": "void", "target": 0,
             "group": 0, "fields": (0, 0), "flags": CONST if expression.startswith("+") else 0}
        bare = expression.lstrip("+")
        if bare.startswith("*"):
            t.update(kind="code" if bare == "*()" else "pointer", sizes=(4, 8))
            t["target"] = 0 if bare == "*()" else self.type(bare[1:])
        elif bare.startswith("["):
            count, _, element = bare[1:].partition("]")
            t.update(kind="array", target=self.type(element))
            t["sizes"] = tuple(int(count) * s for s in self.sizes(element))
        elif bare == "()":
            t["kind"] = "code"
        elif bare.startswith("enum:"):
            t.update(kind="enum", sizes=(4, 4), group=self.enum_group(bare[5:]))
        elif ":" in bare:
            self.describe_record(t, bare.partition(":")[2])
        else:
            self.describe_named(t, bare)
        return t

    def describe_named(self, t, name):
        s32, s64, under = self.text.types[name]
        if under.startswith("%"):
            t["kind"] = under[1:]
        else:
            below = self.describe(under)
            t.update({k: below[k] for k in ("kind", "target", "group", "fields")})
            t["flags"] |= below["flags"]
        t["sizes"] = (s32, s64)

    def describe_record(self, t, name):
        kind, s32, s64, fields = self.text.records[name]
        t.update(kind=kind if s32 or s64 or fields else "opaque", sizes=(s32, s64))
        t["fields"] = self.record_fields(name, fields)

    def record_fields(self, name, fields):
        if name not in self.fields_of:
            first = len(self.fields)
            self.fields_of[name] = (first, len(fields))
            self.fields += [None] * len(fields)
            end = [0, 0]
            for i, f in enumerate(fields):
                self.fields[first + i] = self.field(f, end)
        return self.fields_of[name]

    def field(self, f, end):
        """`end`: where the fields before it end; what begins earlier is another view of the same."""
        sizes, overlaps = self.sizes(f["type"]), True
        for i in (0, 1):
            if f["at"][i] != NOWHERE:
                overlaps &= f["at"][i] < end[i]
                end[i] = max(end[i], f["at"][i] + (0 if f["bits"][1] else sizes[i]))
        return (self.string(f["name"]), *f["at"], self.type(f["type"]), self.group(f["group"]), *f["bits"],
                OVERLAPS if overlaps else 0)

    def sizes(self, expression):
        at = self.type(expression)
        return self.types[at]["sizes"] if self.types[at] else (0, 0)

    # ---- Bytes

    def function(self, f, first):
        on = {"both": ON_32 | ON_64, "32": ON_32, "64": ON_64}[f["bits"]]
        stack = sum((self.sizes(a["type"])[0] + 3) // 4 * 4 for a in f["args"])
        flags = on | (VARIADIC if f["variadic"] else 0)
        result = self.type(f["result"])
        outcome = self.judge.outcome(f, self.types[result]["kind"])
        group = f["group"] or ("ERROR" if judge.OUTCOMES[outcome] == "winerror" else None)
        return struct.pack("<IIIHHHBBBBBx", self.string(f["name"]), self.string(f["header"]), first, result,
                           self.group(group), stack, len(f["args"]), CONVENTIONS.index(f["convention"]),
                           flags, self.judge.category(f), outcome)

    def argument(self, f, a):
        names = [x["name"] for x in f["args"]]
        kind = next((k for k in ("bytes", "elements") if k in a["sizes"]), "")

        def index(name):
            return names.index(name) if name in names else NO_ARGUMENT
        size = index(a["sizes"].get(kind))
        return struct.pack("<IHHBBBB", self.string(a["name"]), self.type(a["type"]), self.group(a["group"]),
                           DIRECTIONS.index(a["direction"]), SIZES.index(kind) if size != NO_ARGUMENT else 0,
                           size, index(a["sizes"].get("filled")))

    def pack(self):
        functions, args = [], []
        for f in sorted(self.text.functions, key=lambda f: (f["name"].encode(), f["bits"])):
            functions.append(self.function(f, len(args)))
            args += [self.argument(f, a) for a in f["args"]]
        source, named = self.string(self.text.source), len(self.groups)
        self.add_group(None, "enum", [(c, i) for i, c in enumerate(self.judge.categories)])
        types = [struct.pack("<IIIIHHBBH", t["name"], *t["sizes"], *t["fields"], t["target"],
                             KINDS.index(t["kind"]), t["flags"], t["group"]) for t in self.types]
        fields = [struct.pack("<IIIHHBBBx", *f) for f in self.fields]
        groups = [struct.pack("<IIII", *g) for g in self.groups]
        values = [struct.pack("<QII", *c) for c in self.constants]
        sections = [functions, args, types, fields, groups, values]
        return self.join(source, named, [(len(s), b"".join(s)) for s in sections])

    def join(self, source, named, sections):
        sections.append((len(self.strings), bytes(self.strings)))
        head, body, at = b"", b"", 24 + 8 * len(sections)
        for count, data in sections:
            data += bytes(-len(data) % 8)
            head += struct.pack("<II", at, count)
            body += data
            at += len(data)
        return struct.pack("<8sIIII", b"PGRAPI2\0", at, source, named, 0) + head + body


def spelled(expression):
    """As C writes it: "*+char" is "const char *"."""
    if expression.startswith("+*"):
        return spelled(expression[1:]) + "const"
    if expression.startswith("+"):
        return "const " + spelled(expression[1:])
    if expression == "*()":
        return "void (*)()"
    if expression.startswith("*"):
        under = spelled(expression[1:])
        return under + ("*" if under.endswith("*") else " *")
    if expression.startswith("["):
        count, _, element = expression[1:].partition("]")
        return f"{spelled(element)}[{count}]"
    return expression.replace("~", " ").replace(":", " ")


def main():
    prototypes, folder, names_def, output = map(pathlib.Path, sys.argv[1:])
    text = Text(prototypes)
    by_service = merge_services(text, folder, names_def)
    output.write_bytes(Packer(text, judge.Judge(categories(folder), by_service)).pack())


if __name__ == "__main__":
    main()
