#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks that a file is a trace in Chrome's JSON format, by the rules that Perfetto's importer has.

  tests/trace/check_perfetto.py FILE...       exit status 1 when one is not

Every event has its keys; slices end on the thread that began them, innermost first, and all of them;
the time of a thread never goes back.
"""
import json
import sys

NEEDED = {"B": {"name", "cat", "pid", "tid", "ts"}, "E": {"pid", "tid", "ts"},
          "i": {"name", "cat", "pid", "tid", "ts", "s"}, "M": {"name", "pid", "tid", "args"}}
METADATA = {"process_name", "thread_name"}


def event_complaints(event, open_slices, times, named):
    kind = event.get("ph")
    if kind not in NEEDED:
        yield f"has phase {kind!r}"
        return
    missing = NEEDED[kind] - event.keys()
    if missing:
        yield f"lacks {', '.join(sorted(missing))}"
        return
    if not isinstance(event["pid"], int) or not isinstance(event["tid"], int):
        yield "has a pid or tid that is no integer"
        return
    thread = event["pid"], event["tid"]
    if kind == "M":
        if event["name"] not in METADATA or not isinstance(event["args"].get("name"), str):
            yield "is no metadata that names something"
        if event["name"] == "thread_name":
            named.add(thread)
        return
    if not isinstance(event["ts"], (int, float)) or isinstance(event["ts"], bool) or event["ts"] < 0:
        yield "has a time that is no number"
        return
    if event["ts"] < times.get(thread, 0):
        yield f"goes back in time, from {times[thread]} to {event['ts']}"
    times[thread] = event["ts"]
    if not isinstance(event.get("args", {}), dict):
        yield "has args that are no object"
    if kind == "B":
        open_slices[thread] = open_slices.get(thread, 0) + 1
        if thread not in named:
            yield "is on a thread without a name"
    elif kind == "E":
        if not open_slices.get(thread):
            yield "ends a slice that nobody began"
        else:
            open_slices[thread] -= 1
    elif event["s"] not in "gpt":
        yield f"has scope {event['s']!r}"


def complaints(path):
    def refuse(constant):
        raise ValueError(f"{constant} is not JSON")
    try:
        with open(path, encoding="utf-8") as f:
            trace = json.load(f, parse_constant=refuse)
        json.dumps(trace, ensure_ascii=False).encode("utf-8")  # fails for lone surrogates
    except (ValueError, UnicodeError) as e:
        yield f"is not JSON: {e}"
        return
    if not isinstance(trace, dict) or not isinstance(trace.get("traceEvents"), list):
        yield "has no list of traceEvents"
        return
    open_slices, times, named = {}, {}, set()
    for number, event in enumerate(trace["traceEvents"]):
        for text in event_complaints(event, open_slices, times, named):
            yield f"event {number} {text}"
    for thread, n in open_slices.items():
        if n:
            yield f"{n} slices of thread {thread[1]} have no end"


def main():
    failed = False
    for path in sys.argv[1:]:
        for number, text in enumerate(complaints(path)):
            failed = True
            if number < 10:
                print(f"{path}: {text}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
