# SPDX-License-Identifier: GPL-2.0-or-later
"""What the headers do not say: directions and sizes of arguments, constants by argument or type."""
import fnmatch
import pathlib
import re

HERE = pathlib.Path(__file__).resolve().parent


def lines_of(name):
    for line in (HERE / name).read_text().splitlines():
        line = line.split("#")[0].strip()
        if line:
            yield line


def pattern(globs):
    return re.compile("|".join(f"(?:{fnmatch.translate(g)})" for g in globs))


# ---- kinds.txt: types whose values mean more than their C type says

def kinds():
    return {name: kind for line in lines_of("kinds.txt")
            for kind, names in [line.split(":")] for name in names.split()}


# ---- conventions.txt: what declarations forget

class Conventions:
    def __init__(self):
        self.lines = []
        for line in lines_of("conventions.txt"):
            convention, words = line.split(":")
            globs = words.split()
            self.lines.append((convention, {g for g in globs if g.endswith(".h")},
                               pattern([g for g in globs if not g.endswith(".h")] or ["-"])))

    def of(self, name, f):
        if f["convention"] == "cdecl" and not f["variadic"]:
            for convention, headers, names in self.lines:
                if f["header"] in headers or names.match(name):
                    return convention
        return f["convention"]


# ---- flags.txt: sets of constants and where they belong

class Group:
    def __init__(self, name, kind):
        self.name, self.kind, self.globs, self.places, self.values = name, kind, [], [], []

    def __lt__(self, other):
        return self.name < other.name

    def compile(self):
        """fnmatch forgets what it compiled when there are as many patterns as here."""
        self.order = [(pattern([g.lstrip("-")]), not g.startswith("-")) for g in self.globs]
        self.any = pattern([g.lstrip("-") for g in self.globs])

    def wants(self, constant):
        inside = False
        if self.any.match(constant):
            for glob, into in self.order:
                if glob.match(constant):
                    inside = into
        return inside

    def collect(self, constants):
        """One name for each value: the one that the earliest pattern of the list finds."""
        best = {}
        for name, value in constants.items():
            if not self.wants(name) or not -(1 << 31) <= value < 1 << 32:
                continue
            rank = next(i for i, (g, _) in enumerate(self.order) if g.match(name))
            key = value & 0xFFFFFFFF
            if key not in best or (rank, name) < best[key]:
                best[key] = (rank, name)
        self.values = in_order(self.kind, [(name, value) for value, (_, name) in best.items()])


def in_order(kind, values):
    """In sets a name for several bits comes before those for single ones."""
    if kind == "flags":
        return sorted(values, key=lambda v: (-bin(v[1] & 0xFFFFFFFFFFFFFFFF).count("1"), v[1], v[0]))
    return sorted(values, key=lambda v: (v[1], v[0]))


class Groups:
    """Entries `Function.argument`, `Structure.field` (both with wildcards) or `type:NAME`."""

    def __init__(self):
        self.all, current = [], None
        for line in lines_of("flags.txt"):
            if line.startswith("["):
                name, kind = line[1:].split("]")
                current = Group(name, kind.strip())
                self.all.append(current)
            elif line.startswith("for "):
                current.places += line.split()[1:]
            else:
                current.globs += line.split()
        for g in self.all:
            g.compile()
        self.any = pattern([g.lstrip("-") for group in self.all for g in group.globs])
        self.by_type = {p[5:]: g for g in self.all for p in g.places if p.startswith("type:")}
        self.by_member = {}  # argument pattern -> [(function pattern, group)]
        self.cache = {}
        for g in self.all:
            for place in g.places:
                if not place.startswith("type:"):
                    owner, member = place.split(".")
                    self.by_member.setdefault(member, []).append((owner, g))

    def wants(self, constant):
        return self.any.match(constant) is not None

    def candidates(self, member):
        if member not in self.cache:
            self.cache[member] = [(pattern([o]), g) for m, rows in self.by_member.items()
                                  if fnmatch.fnmatchcase(member, m) for o, g in rows]
        return self.cache[member]

    def find(self, owner, member, type_name):
        for where, group in self.candidates(member):
            if where.match(owner):
                return group
        return self.by_type.get(type_name)


def is_flag_enum(values):
    """Whether an enumeration is a set: bits, combinations of them, and values that force its size"""
    numbers = {v & 0xFFFFFFFF for _, v in values} - {0, 0xFFFFFFFF, 0x7FFFFFFF}
    bits = {v for v in numbers if v & (v - 1) == 0}
    union = 0
    for b in bits:
        union |= b
    mostly_bits = len(bits) >= 2 and len(bits) * 2 >= len(numbers)
    return mostly_bits and max(bits) >= 4 and len(numbers) < max(numbers) and \
        all(v & ~union == 0 for v in numbers)


# ---- arguments.txt: directions and sizes

class Rule:
    def __init__(self, line):
        words = line.split()
        self.functions, self.arguments = words[0].split(","), words[1].split(",")
        self.type, self.direction, self.sizes = None, None, {}
        for word in words[2:]:
            key, _, value = word.partition("=")
            if key == "type":
                self.type = pattern(value.split(","))
            elif value:
                self.sizes[key] = value
            else:
                self.direction = key
        self.function, self.argument = pattern(self.functions), pattern(self.arguments)


class Arguments:
    def __init__(self):
        self.rules = [Rule(line) for line in lines_of("arguments.txt")]
        self.cache = {}

    def named(self, argument):
        if argument not in self.cache:
            self.cache[argument] = [r for r in self.rules if r.argument.match(argument)]
        return self.cache[argument]

    def apply(self, function, args, shape):
        """Directions and sizes of a function's arguments [(name, type, notes)]; `shape` tells of a
        type what it points to. Returns [(direction, {relation: argument})]."""
        names = [a[0] for a in args]
        out = []
        for i, (name, text, notes) in enumerate(args):
            direction, sizes = from_notes(notes)
            for rule in self.named(name):
                if not rule.function.match(function) or rule.type and not rule.type.match(text):
                    continue
                direction = direction or rule.direction
                for key, value in rule.sizes.items():
                    target = relative(value, i, names)
                    if target:
                        sizes.setdefault(key, target)
            s = shape(text)
            if not s.pointer:
                direction, sizes = "in", {}
            out.append((direction or guess(function, name, s), sizes))
        return out


def relative(value, i, names):
    """`next` and `next2` are the arguments after this one, `prev` the one before; else a name."""
    at = {"prev": i - 1, "next": i + 1, "next2": i + 2}.get(value)
    if at is not None:
        return names[at] if 0 <= at < len(names) else None
    return value if value in names else None


def from_notes(notes):
    """From annotations: "in", "out", or what the supplement's own SAL says ("out:bytes=n")."""
    direction, sizes = None, {}
    for note in notes:
        word, _, relation = note.partition(":")
        if relation:
            key, _, value = relation.partition("=")
            sizes[key] = value.strip("*() ")
        if word:
            direction = word if direction in (None, word) else "inout"
    return direction, sizes


READS = re.compile(r"(Get|Query|Enum|Find|Read|Peek|Recv|Receive|Load|Retrieve|Lookup|Wait|Open|"
                   r"Create|Begin|Init)(?![a-z])|^(get|read|recv|_get|f?scanf)")


def guess(function, name, s):
    """Nothing is known but names and types."""
    if s.const or s.code or s.interface or s.handle:
        return "in"
    if s.void or s.text:
        return "in"
    if s.record:
        return "out" if READS.search(function) else "inout" if not name.startswith("lpc") else "in"
    if s.scalar and re.search(r"(?i)cb|cch|size|len|count", name) and not \
            re.search(r"(?i)return|written|read|needed|result|required", name):
        return "inout"
    return "out"
