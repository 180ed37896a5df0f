# SPDX-License-Identifier: GPL-2.0-or-later
"""What pack.py adds to each function: what it is about, and how its result tells of failure."""
import fnmatch
import pathlib
import re

HERE = pathlib.Path(__file__).resolve().parent
OUTCOMES = ["none", "zero", "minus_one", "ntstatus", "hresult", "winerror", "errno", "zero_errno",
            "minus_one_errno"]
ITS_KIND = {"ntstatus": "ntstatus", "hresult": "hresult", "winerror": "winerror"}
FAILS_WITH_ZERO = {"bool", "handle", "pointer"}
OF_THE_CRT = {"errno", "zero_errno", "minus_one_errno"}


class Names:
    """A set of names with wildcards; exact ones are looked up, the rest is one expression."""

    def __init__(self):
        self.exact, self.globs, self.compiled = set(), [], None

    def add(self, word):
        if re.search(r"[*?\[]", word):
            self.globs.append(word)
        else:
            self.exact.add(word)

    def __contains__(self, name):
        if name in self.exact:
            return True
        if self.compiled is None:
            self.compiled = re.compile("|".join(map(fnmatch.translate, self.globs)) or r"(?!)")
        return self.compiled.match(name) is not None


def read_rules(file, known):
    """[(label, names in, names out)] in order of the first line of each run, and header -> words."""
    rules, headers = [], {}
    for number, line in enumerate((HERE / file).read_text().splitlines(), 1):
        label, _, words = line.partition(":")
        if not words or line.startswith("#"):
            continue
        out = label.startswith("-")
        label = label.lstrip("-")
        if label not in known:
            raise ValueError(f"{file}:{number}: there is no {label}")
        if not rules or rules[-1][0] != label:
            rules.append((label, Names(), Names()))
        for word in words.split():
            header, dot_h, rest = word.partition(".h")
            if dot_h and (not rest or rest.startswith(":")):
                headers.setdefault(header + dot_h, []).append((label, rest.lstrip(":").split(",")))
            else:
                rules[-1][1 + out].add(word)
    return rules, headers


def first_match(rules, name):
    return next((label for label, inside, out in rules if name in inside and name not in out), None)


class Judge:
    def __init__(self, categories, services):
        """`services`: name -> category of the kernel's own."""
        self.categories, self.services = categories, services
        self.by_name, self.by_header = read_rules("categories.txt", categories)
        self.outcomes, self.outcome_headers = read_rules("outcomes.txt", OUTCOMES)

    def category(self, f):
        """Its number in categories.def."""
        name = f["name"]
        found = self.services.get("Nt" + name[2:] if name.startswith("Zw") else name)
        found = found or first_match(self.by_name, name)
        if not found and f["header"] in self.by_header:
            found = self.by_header[f["header"]][0][0]
        return self.categories.index(found or "unknown")

    def outcome(self, f, kind):
        """Its number; `kind` is that of the result's type."""
        return OUTCOMES.index(ITS_KIND.get(kind) or self.named_outcome(f, kind))

    def named_outcome(self, f, kind):
        if kind in ("void", "float"):
            return "none"
        found = first_match(self.outcomes, f["name"])
        if found in OF_THE_CRT and f["convention"] != "cdecl":
            found = None
        if found:
            return found
        excluded = {label for label, _, out in self.outcomes if f["name"] in out}
        for label, results in self.outcome_headers.get(f["header"], []):
            if label not in excluded and f["result"] in results:
                return label
        return "zero" if kind in FAILS_WITH_ZERO and f["convention"] == "stdcall" else "none"
