"""What it costs a process to import the client, over what a bare interpreter costs."""

from __future__ import annotations

import subprocess
import sys
import time
from importlib.metadata import version

from benchmarks.harness import Row, paired

DIGIRM = "from digirm import Client, AsyncClient, check_query, fields"


def rows(rounds: int) -> list[Row]:
    """Ours against httpx, the library that any client of such an API would import."""
    pairs = paired(lambda: _over_bare(DIGIRM), lambda: _over_bare("import httpx"), rounds)
    return [Row(f"`{DIGIRM}`", f"`import httpx` ({version('httpx')})", pairs)]


def _over_bare(statement: str) -> float:
    # The quickest of a few: what disturbs a process only ever makes it slower.
    tries = [(_process(statement), _process("pass")) for _ in range(5)]
    return max(min(t[0] for t in tries) - min(t[1] for t in tries), 1e-6)


def _process(statement: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - started
