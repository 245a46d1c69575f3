"""Run the benchmarks named (default: all) and print a table."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from importlib import import_module
from importlib.metadata import version

from benchmarks.harness import table

MODULES = (
    "imports",
    "generation",
    "diff",
    "client",
    "walk",
    "rows",
    "xml",
    "push",
    "limits",
    "query",
    "predicate",
    "memory",
    "explorer",
    "simulator",
)
LONG = ("limits", "simulator")
ROUNDS = 7

parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of: {', '.join(MODULES)}")
parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"paired runs of each (default {ROUNDS})")
parser.add_argument("--quick", action="store_true", help=f"leave out what takes minutes: {', '.join(LONG)}")
args = parser.parse_args()
if unknown := set(args.names) - set(MODULES):
    parser.error(f"no benchmark is called {', '.join(sorted(unknown))}")

names = args.names or [name for name in MODULES if not (args.quick and name in LONG)]
rows = []
for name in names:
    print(f"{name} ...", file=sys.stderr)
    rows += import_module(f"benchmarks.{name}").rows(args.rounds)
print(f"digirm {version('digirm')}, Python {platform.python_version()}, {platform.system()}, {os.cpu_count()} cores\n")
print(table(rows))
