"""Run the benchmarks named (default: all) and print a table."""

from __future__ import annotations

import argparse
import os
import platform
from importlib import import_module
from importlib.metadata import version

from benchmarks.harness import table

MODULES = ("imports", "query", "predicate", "memory")
ROUNDS = 7

parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of: {', '.join(MODULES)}")
parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"paired runs of each (default {ROUNDS})")
args = parser.parse_args()
if unknown := set(args.names) - set(MODULES):
    parser.error(f"no benchmark is called {', '.join(sorted(unknown))}")

rows = [row for name in args.names or MODULES for row in import_module(f"benchmarks.{name}").rows(args.rounds)]
print(f"digirm {version('digirm')}, Python {platform.python_version()}, {platform.system()}, {os.cpu_count()} cores\n")
print(table(rows))
