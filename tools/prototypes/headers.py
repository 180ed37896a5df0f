# SPDX-License-Identifier: GPL-2.0-or-later
"""What mingw-w64's headers declare, for one processor, as plain data.

Types become expressions: a name, or `*T` pointer, `+T` const, `[n]T` array, `()` function;
`struct:N`, `union:N` and `enum:N` are tags. Nothing is spelled by libclang, whose spelling differs
from version to version.
"""
import ctypes
import fnmatch
import pathlib
import re
import sys

from clang import cindex
from clang.cindex import CursorKind, StorageClass, TypeKind

HERE = pathlib.Path(__file__).resolve().parent
DEFINES = {
    "_WIN32_WINNT": "0x0A00", "WINVER": "0x0A00", "NTDDI_VERSION": "0x0A000008", "_WIN32_IE": "0x0A00",
    "PSAPI_VERSION": "1", "__USE_MINGW_ANSI_STDIO": "0", "SECURITY_WIN32": "", "_CRT_RAND_S": "",
    "IN": '__attribute__((annotate("in")))', "OUT": '__attribute__((annotate("out")))',
}
ALWAYS_FIRST = ["winsock2.h", "ws2tcpip.h", "windows.h", "ole2.h"]
ARRAYS = (TypeKind.CONSTANTARRAY, TypeKind.INCOMPLETEARRAY, TypeKind.VARIABLEARRAY,
          TypeKind.DEPENDENTSIZEDARRAY)
CONVENTIONS = {1: "cdecl", 2: "stdcall", 3: "fastcall", 4: "thiscall"}
PRIMITIVES = {
    "VOID": "void", "BOOL": "_Bool", "CHAR_S": "char", "CHAR_U": "char", "SCHAR": "signed char",
    "UCHAR": "unsigned char", "SHORT": "short", "USHORT": "unsigned short", "INT": "int",
    "UINT": "unsigned int", "LONG": "long", "ULONG": "unsigned long", "LONGLONG": "long long",
    "ULONGLONG": "unsigned long long", "FLOAT": "float", "DOUBLE": "double",
    "LONGDOUBLE": "long double", "INT128": "__int128", "UINT128": "unsigned __int128",
    "WCHAR": "wchar_t", "CHAR16": "char16_t", "CHAR32": "char32_t",
}
RENAMED = {"WINBOOL": "BOOL", "PWINBOOL": "PBOOL", "LPWINBOOL": "LPBOOL"}


class Declarations:
    """types: name -> (size, expression); records: tag -> dict; enums: tag -> [(name, value)];
    functions: name -> dict."""

    def __init__(self):
        self.types, self.records, self.enums, self.functions = {}, {}, {}, {}
        self.constants = {}
        self.problems = []


def groups(include):
    """Translation units of headers.txt: (name, language, defines, headers)."""
    found, everything = [], sorted(p.name for p in include.glob("*.h"))
    for line in (HERE / "headers.txt").read_text().splitlines():
        words = line.split("#")[0].split()
        if not words:
            continue
        if words[0].startswith("["):
            found.append((words[0][1:-1], words[1], dict(w.partition("=")[::2] for w in words[2:]), []))
            continue
        headers = found[-1][3]
        for word in words:
            if word == "*":
                headers += everything
            elif word.startswith("-"):
                headers[:] = [h for h in headers if not fnmatch.fnmatchcase(h, word[1:])]
            elif word.startswith('"') or (include / word).exists():
                headers.append(word)
    return found


def library():
    lib = cindex.conf.lib
    lib.clang_getFunctionTypeCallingConv.argtypes = [cindex.Type]
    lib.clang_getFunctionTypeCallingConv.restype = ctypes.c_int
    lib.clang_Cursor_isFunctionInlined.argtypes = [cindex.Cursor]
    lib.clang_Cursor_isFunctionInlined.restype = ctypes.c_uint
    return lib


def include_line(header):
    return f"#include {header}" if header.startswith('"') else f"#include <{header}>"


def place(cursor):
    """What tells one declaration from others, in all translation units."""
    at = cursor.location
    return str(at.file), at.offset


def exported_name(cursor):
    """The name of a function, which the supplement gives as an assembler label when C has no way to
    declare it: mangled ones as they are, those that headers define otherwise after a mark."""
    for child in cursor.get_children():
        if child.kind == CursorKind.ASM_LABEL_ATTR and child.spelling.startswith("?"):
            return child.spelling.removeprefix("?pgr-export ")
    return cursor.spelling


class Spellings:
    """Names as the headers write them. The macros that choose between A and W rename parameters and
    fields too: a SearchPath becomes a SearchPathA wherever winbase.h was read before."""

    def __init__(self):
        self.texts = {}

    def of(self, cursor):
        name, (file, offset) = cursor.spelling, place(cursor)
        if name[-1:] not in ("A", "W") or file == "None":
            return name
        if file not in self.texts:
            path = pathlib.Path(file)
            self.texts[file] = path.read_bytes() if path.exists() else b""
        written = re.match(rb"\w*", self.texts[file][offset:offset + len(name)])[0].decode("latin-1")
        return written if written == name[:-1] else name


class Reader:
    def __init__(self, include, target):
        self.include, self.target = include, target
        self.spellings = Spellings()
        self.index, self.lib = cindex.Index.create(), library()
        self.out = Declarations()
        self.names = {}  # place of an unnamed record or enumeration -> its name
        self.last = None

    # ---- Translation units

    def arguments(self, language, defines):
        given = [f"-D{k}={v}" for k, v in {**DEFINES, **defines}.items()]
        return ["-x", language, "-target", f"{self.target}-w64-mingw32", "-nostdinc",
                "-isystem", str(self.include), "-isystem", str(self.include / "ddk"),
                "-idirafter", str(HERE / "include"), f"-I{HERE}",
                "-ferror-limit=0", "-fms-extensions", "-w", "-fno-builtin", *given]

    def parse(self, source, language, defines):
        unit = self.index.parse("all.c", self.arguments(language, defines),
                                unsaved_files=[("all.c", source)])
        return unit

    def read(self, name, language, defines, headers):
        alone = defines.pop("alone", None) is not None
        lines = [include_line(h) for h in ([] if alone else ALWAYS_FIRST) + headers]
        unit = self.parse("\n".join(lines) + "\n", language, defines)
        for d in unit.diagnostics:
            if d.severity >= cindex.Diagnostic.Error:
                where = pathlib.Path(str(d.location.file)).name
                self.out.problems.append(f"{name}: {where}:{d.location.line}: {d.spelling}")
            if d.severity >= cindex.Diagnostic.Fatal:
                print(f"[{name}] was read only up to {where}: {d.spelling}", file=sys.stderr)
        self.visit(unit.cursor)
        self.last = (lines, language, defines, unit)

    def visit(self, parent):
        for cursor in parent.get_children():
            kind = cursor.kind
            if kind == CursorKind.FUNCTION_DECL:
                self.function(cursor)
            elif kind == CursorKind.TYPEDEF_DECL:
                self.name_typedef(cursor)
            elif kind == CursorKind.ENUM_DECL:
                self.enumerators(cursor)
            elif kind in (CursorKind.LINKAGE_SPEC, CursorKind.NAMESPACE, CursorKind.UNEXPOSED_DECL):
                self.visit(cursor)

    # ---- Constants

    def enumerators(self, cursor):
        for e in cursor.get_children():
            if e.kind == CursorKind.ENUM_CONSTANT_DECL:
                self.out.constants.setdefault(e.spelling, e.enum_value)

    def macros(self, wanted):
        """Values of the macros that `wanted` accepts, as the last unit read sees them."""
        lines, language, defines, unit = self.last
        names = set()
        for included in [str(i.include) for i in unit.get_includes()]:
            text = pathlib.Path(included).read_text(errors="replace")
            names.update(n for n in re.findall(r"^[ \t]*#[ \t]*define[ \t]+(\w+)[ \t]+\S", text, re.M)
                         if wanted(n))
        order = sorted(names)
        tests = [f"#ifdef {n}\nenum {{ pgr_value_{n} = (long long)({n}) }};\n#endif" for n in order]
        start = len(lines)
        unit = self.parse("\n".join(lines + tests) + "\n", language, defines)
        bad = {(d.location.line - 1 - start) // 3 for d in unit.diagnostics
               if d.severity >= cindex.Diagnostic.Error and str(d.location.file) == "all.c"}
        refused = {order[i] for i in bad if 0 <= i < len(order)}
        for cursor in unit.cursor.get_children():
            if cursor.kind != CursorKind.ENUM_DECL:
                continue
            for e in cursor.get_children():
                name = e.spelling.removeprefix("pgr_value_")
                if name != e.spelling and name not in refused:
                    self.out.constants[name] = e.enum_value

    # ---- Types

    def name_typedef(self, cursor):
        """The name of a record or enumeration without tag is that of its typedef."""
        under = self.plain(cursor.underlying_typedef_type)
        if under.kind in (TypeKind.RECORD, TypeKind.ENUM):
            decl = under.get_declaration()
            if self.is_unnamed(decl):
                self.names.setdefault(place(decl), cursor.spelling)

    @staticmethod
    def is_unnamed(decl):
        return not decl.spelling or "(" in decl.spelling or " " in decl.spelling

    @staticmethod
    def plain(t):
        while t.kind == TypeKind.ELABORATED:
            t = t.get_named_type()
        return t

    def tag(self, t, hint):
        decl = t.get_declaration()
        if not self.is_unnamed(decl):
            return decl.spelling
        return self.names.setdefault(place(decl), hint)

    def expression(self, t, hint="unnamed", deep=True):
        """The expression of a type; what it is made of is noted on the way. `deep`: the fields of
        records behind a pointer are wanted too."""
        if t.kind == TypeKind.ELABORATED:
            const = t.is_const_qualified()
            text = self.expression(self.plain(t), hint, deep)
            return "+" + text if const and not text.startswith("+") else text
        const = "+" if t.is_const_qualified() else ""
        kind = t.kind
        if kind.name in PRIMITIVES:
            return const + self.primitive(t, PRIMITIVES[kind.name])
        if kind == TypeKind.COMPLEX:
            return const + self.primitive(t, self.expression(t.element_type) + " _Complex")
        if kind == TypeKind.TYPEDEF:
            return const + self.typedef(t, deep)
        if kind in (TypeKind.POINTER, TypeKind.LVALUEREFERENCE, TypeKind.BLOCKPOINTER):
            return const + self.pointer(t, hint, deep)
        if kind in (TypeKind.RECORD, TypeKind.ENUM):
            return const + self.tagged(t, hint, deep)
        if kind in ARRAYS:
            count = t.element_count if kind == TypeKind.CONSTANTARRAY else 0
            return f"[{count}]" + self.expression(t.element_type, hint, deep)
        if kind in (TypeKind.FUNCTIONPROTO, TypeKind.FUNCTIONNOPROTO):
            return "()"
        if kind.name in ("ATTRIBUTED", "UNEXPOSED", "AUTO") and t.get_canonical().kind != kind:
            return const + self.expression(t.get_canonical(), hint, deep)
        return const + self.primitive(t, "void")

    def primitive(self, t, name):
        # Windows' own libraries have no other long double than double.
        size = t.get_size() if not name.startswith(("long double", "long~double")) else 8 + 8 * name.endswith("_Complex")
        self.out.types.setdefault(name.replace(" ", "~"), (max(size, 0), "%"))
        return name.replace(" ", "~")

    def pointer(self, t, hint, deep):
        pointee = t.get_pointee()
        if pointee.get_canonical().kind in (TypeKind.FUNCTIONPROTO, TypeKind.FUNCTIONNOPROTO):
            return "*()"
        return "*" + self.expression(pointee, hint, deep and deep - 1)

    def typedef(self, t, deep):
        decl = t.get_declaration()
        name = RENAMED.get(decl.spelling, decl.spelling)
        known = self.out.types.get(name)
        size = max(t.get_size(), 0)
        if known and known[1] != "?" and (not deep or known[2:] == (True,)) and known[0] >= size:
            return name
        self.out.types[name] = (size, "?")  # a type may lead back to itself
        under = self.expression(decl.underlying_typedef_type, name, deep)
        self.out.types[name] = (size, under, bool(deep))
        return name

    def tagged(self, t, hint, deep):
        name = self.tag(t, hint)
        if t.kind == TypeKind.ENUM:
            if name not in self.out.enums:
                decl = t.get_declaration()
                self.out.enums[name] = [(e.spelling, e.enum_value) for e in decl.get_children()
                                        if e.kind == CursorKind.ENUM_CONSTANT_DECL]
            return "enum:" + name
        decl = t.get_declaration()
        record = self.out.records.setdefault(name, {
            "kind": "union" if decl.kind == CursorKind.UNION_DECL else "struct",
            "size": max(t.get_size(), 0), "fields": None})
        if record["size"] == 0:
            record["size"] = max(t.get_size(), 0)
        if deep and record["fields"] is None and t.get_size() > 0:
            record["fields"] = []
            self.fields(t, name, 0, record["fields"])
        return f"{record['kind']}:{name}"

    def fields(self, t, record, base, out):
        for field in t.get_fields():
            at = field.get_field_offsetof()
            if at < 0:
                continue
            ftype = self.plain(field.type)
            if self.is_unnamed(field) and ftype.kind == TypeKind.RECORD and not field.is_bitfield():
                self.fields(ftype, record, base + at, out)
            elif not self.is_unnamed(field):
                out.append(self.field(field, record, base + at))

    def field(self, field, record, bit):
        # What a field points to is not followed, what it contains is.
        name = self.spellings.of(field)
        kind = self.plain(field.type).get_canonical().kind
        inside = kind in (TypeKind.RECORD, TypeKind.CONSTANTARRAY)
        text = self.expression(field.type, f"{record}.{name}", 1 if inside else 0)
        if not field.is_bitfield():
            return (name, text, bit // 8, None)
        unit = max(field.type.get_size(), 1) * 8
        return (name, text, bit // unit * unit // 8, (bit % unit, field.get_bitfield_width()))

    # ---- Functions

    def function(self, cursor):
        name = exported_name(cursor)
        if name in self.out.functions or not self.is_exported(cursor, name):
            return
        t = self.plain(cursor.type)
        convention = self.lib.clang_getFunctionTypeCallingConv(t.get_canonical())
        args = [self.argument(i, a) for i, a in enumerate(cursor.get_arguments())]
        self.out.functions[name] = {
            "convention": CONVENTIONS.get(convention, "cdecl"),
            "result": self.expression(cursor.result_type, deep=2),
            "args": args,
            "variadic": t.kind == TypeKind.FUNCTIONPROTO and t.is_function_variadic(),
            "header": pathlib.Path(str(cursor.location.file)).name,
        }

    @staticmethod
    def is_exported(cursor, name):
        if cursor.storage_class == StorageClass.STATIC or name.startswith(("__builtin_", "operator")):
            return False
        # Marshalling code that midl puts into each program, not into DLLs.
        return not re.search(r"_(Proxy|Stub|ProxyThunk|StubThunk)$", name)

    def argument(self, i, cursor):
        name = self.spellings.of(cursor) or f"arg{i + 1}"
        notes = [c.spelling for c in cursor.get_children() if c.kind == CursorKind.ANNOTATE_ATTR]
        t = cursor.type
        if self.plain(t).kind == TypeKind.TYPEDEF and t.get_canonical().kind in ARRAYS:
            t = t.get_canonical()
        # Parameters of array type are pointers, which only the cursor's type still tells.
        text = re.sub(r"^\+?\[\d+\]", "*", self.expression(t, name, 2))
        return (name, text, notes, max(cursor.type.get_size(), 0))
