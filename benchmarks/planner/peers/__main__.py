"""Solve one instance with one peer in this process and print the plan; see the package's docstring."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from pathlib import Path

from . import PEERS
from .evening import Evening


def main() -> None:
    """Keep standard output for the plan alone: some solvers write there."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.planner.peers")
    parser.add_argument("peer", choices=sorted(PEERS))
    parser.add_argument("instance", type=Path)
    parser.add_argument("--time", type=float, required=True, metavar="SECONDS")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    adapter = importlib.import_module(f".{PEERS[options.peer].module}", __package__)
    evening = Evening(json.loads(options.instance.read_text(encoding="utf-8")))
    plan = evening.plan(adapter.solve(evening, options.time, options.seed))
    json.dump(plan, out)
    out.flush()


if __name__ == "__main__":
    main()
