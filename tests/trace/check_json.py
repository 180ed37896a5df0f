#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Validates JSON traces against docs/trace-schema.json.

  tests/trace/check_json.py FILE...     exit status 77 where python3-jsonschema is not installed
"""
import json
import sys
from pathlib import Path

SCHEMA = Path(__file__).parents[2] / "docs" / "trace-schema.json"


def main():
    try:
        import jsonschema
    except ImportError:
        print("skipped: python3-jsonschema is not installed")
        return 77
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator, seen, failed = jsonschema.Draft202012Validator(schema), {}, 0
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as f:
            for number, line in enumerate(f, 1):
                event = json.loads(line)
                # One of each kind of event: the validator is slow.
                shape = json.dumps([event.get("event"), event.get("module"), event.get("function"),
                                    event.get("result") if isinstance(event.get("result"), str) else None,
                                    sorted(event)])
                seen[shape] = seen.get(shape, 0) + 1
                if seen[shape] > 3:
                    continue
                for error in validator.iter_errors(event):
                    failed += 1
                    print(f"{path}:{number}: {error.json_path}: {error.message}"[:300])
                    break
    print(f"{sum(seen.values())} lines, {len(seen)} kinds, {failed} wrong")
    return 1 if failed or not seen else 0


if __name__ == "__main__":
    sys.exit(main())
