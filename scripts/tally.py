#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Counts test results.

    tally.py meson SUITE TESTLOG.json     one line "SUITE passed failed skipped" of meson's log
    tally.py corpus RESULTS.json KNOWN    the same for the corpus runner's results
    tally.py sum RESULTS.tsv              a table of such lines, and the total as last line;
                                          exit status 1 when something failed

A cmocka program counts as its test cases, anything else as one. KNOWN lists corpus cases that are
known to fail, a line "ID #CASE reason" each; they count as skipped, and as failed once they pass,
so that the list stays true.
"""
import json
import os
import re
import sys

CMOCKA = {key: re.compile(r"^\[\s*%s\s*\] (\d+) test\(s\)" % word, re.M)
          for key, word in (("passed", "PASSED"), ("failed", "FAILED"), ("skipped", "SKIPPED"))}
GOOD = ("OK", "EXPECTEDFAIL")


def meson_test(test):
    """(passed, failed, skipped) of one line of the log."""
    output = test.get("stdout", "") + "\n" + test.get("stderr", "")
    result = test["result"]
    if result == "SKIP":
        return 0, 0, 1
    counts = [sum(map(int, CMOCKA[key].findall(output))) for key in ("passed", "failed", "skipped")]
    if not any(counts):
        return (1, 0, 0) if result in GOOD else (0, 1, 0)
    # A program that crashes prints no count of what it did not reach.
    if result not in GOOD:
        counts[1] = max(counts[1], 1)
    return tuple(counts)


def meson(suite, path):
    total = [0, 0, 0]
    with open(path, encoding="utf-8", errors="replace") as log:
        for line in log:
            test = json.loads(line)
            counts = meson_test(test)
            total = [a + b for a, b in zip(total, counts)]
            if counts[1]:
                print(f"failed: {suite}: {test['name']} ({test['result']})", file=sys.stderr)
    return suite, *total


def known_failures(path):
    if not os.path.exists(path):
        return set()
    with open(path, encoding="utf-8") as f:
        rows = [line.split() for line in f if line.strip() and not line.startswith("#")]
    return {(row[0], int(row[1].lstrip("#"))) for row in rows}


def corpus(path, known_path):
    known = known_failures(known_path)
    passed = failed = skipped = 0
    with open(path, encoding="utf-8") as f:
        for case in json.load(f):
            is_known = (case["id"], case["case"]) in known
            if case["ok"] and is_known:
                print(f"failed: corpus: {case['id']} #{case['case']} passes: take it out of "
                      f"{known_path}", file=sys.stderr)
            passed += case["ok"] and not is_known
            skipped += is_known and not case["ok"]
            failed += case["ok"] == is_known
    return "corpus", passed, failed, skipped


def summary(path):
    total = [0, 0, 0]
    print(f"{'suite':<16}{'passed':>8}{'failed':>8}{'skipped':>8}")
    with open(path, encoding="utf-8") as f:
        for line in f:
            suite, *counts = line.split("\t")
            total = [a + int(b) for a, b in zip(total, counts)]
            print(f"{suite:<16}" + "".join(f"{int(c):>8}" for c in counts))
    print(f"{total[0]} passed, {total[1]} failed, {total[2]} skipped")
    return 1 if total[1] or not total[0] else 0


def main():
    verb, *rest = sys.argv[1:] or [""]
    verbs = {"meson": (meson, 2), "corpus": (corpus, 2), "sum": (summary, 1)}
    if verb not in verbs or len(rest) != verbs[verb][1]:
        sys.exit(__doc__)
    result = verbs[verb][0](*rest)
    if verb == "sum":
        return result
    print("\t".join(map(str, result)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
