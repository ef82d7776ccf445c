"""Reads dashboards as Grafana's own library understands them, and says what it did not understand.

Usage: dashboards.py FILE…, with `grafana-foundation-sdk` installed."""

import json
import sys

from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard


def lost(before, after, place=""):
    """Where `after` lacks what `before` has, or has something else."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in before.items():
            yield from lost(value, after.get(key), f"{place}/{key}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, value in enumerate(before):
            yield from lost(value, after[index], f"{place}/{index}")
    elif before != after:
        yield f"{place}: {json.dumps(before)} becomes {json.dumps(after)}"


def main():
    plugins.register_default_plugins()
    is_fine = True
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            before = json.load(file)
        after = json.loads(JSONEncoder().encode(Dashboard.from_json(before)))
        for what in lost(before, after):
            is_fine = False
            print(f"{path}: {what}", file=sys.stderr)
    sys.exit(0 if is_fine else 1)


if __name__ == "__main__":
    main()
