"""What a million distinct queries leave behind in the process that checked them."""

from __future__ import annotations

import gc
import resource
import subprocess
import sys
from pathlib import Path

from benchmarks.harness import Row
from digirm.query import check_query

COUNT = 1_000_000
SHAPE = "connection_status = 'connected' and last_update > -{n}d and (ip startsWith '10.{n}.' or name contains 'x{n}')"
#: The bound in megabytes.
BOUND = 2.0


def rows(rounds: int) -> list[Row]:  # noqa: ARG001 - one run says it: nothing here is timed
    """Megabytes that stay, over the bound; a process of its own measures."""
    command = [sys.executable, "-c", "from benchmarks.memory import measure; measure()"]
    left = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return [Row(f"memory after {COUNT:,} distinct queries", f"{BOUND:g} MB", [(left, BOUND)], 1, "MB")]


def query(number: int) -> str:
    """A query that no other number gives; every tenth has one of 32,768 shapes."""
    text = SHAPE.format(n=number)
    if number % 10:
        return text
    bits = number // 10
    return "".join(word + " " * (1 + (bits >> place & 1)) for place, word in enumerate(text.split(" ")))


def measure() -> None:
    """Print the megabytes that the process has grown by, a tenth of the queries being of shapes never seen before."""
    for number in range(100):
        assert check_query("devices/inventory", query(number)).ok
    gc.collect()
    before = _resident()
    for number in range(COUNT):
        check_query("devices/inventory", query(number))
    gc.collect()
    print(_resident() - before)


def _resident() -> float:
    """Megabytes in memory now; where the system does not say, the most there were."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
