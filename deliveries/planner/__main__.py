"""``python -m deliveries.planner INSTANCE.json --time SECONDS [--seed N] > plan.json``."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path


def main(arguments: list[str] | None = None) -> int:
    """Plan one instance; the time limit counts from when it is read. Exit 2 with a sentence if it cannot be."""
    parser = argparse.ArgumentParser(prog="python -m deliveries.planner", description="Plan one store's evening.")
    parser.add_argument("instance", nargs="?", help="a store-evening/1 file, or - for standard input")
    parser.add_argument("--time", type=float, default=10.0, metavar="SECONDS", help="time limit (default 10)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the search (default 0)")
    parser.add_argument("--warm", action="store_true", help="compile the kernels ahead of time, and stop")
    options = parser.parse_args(arguments)
    if options.warm:
        from deliveries.planner import compiled

        return 0 if compiled.warm() else 1
    if options.instance is None:
        parser.error("an instance is needed")
    if not options.time >= 0:
        parser.error("--time must not be negative")

    from deliveries.planner import Problem, Stop, ready, solve

    ready()
    try:
        text = sys.stdin.read() if options.instance == "-" else Path(options.instance).read_text()
        problem = Problem.from_json(json.loads(text))
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{options.instance}: {error}\n")
        return 2
    plan = solve(problem, stop=Stop.after(options.time), seed=options.seed)
    json.dump(plan.to_json(), sys.stdout, indent=1)
    sys.stdout.write("\n")
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    # The plan is out. Nobody waits for what was still searched at the deadline, nor for memory to be given back.
    os._exit(code)
