"""What it costs a process to import the client, over what a bare interpreter costs."""

from __future__ import annotations

from importlib.metadata import version

from benchmarks.harness import Row, over_bare, paired

DIGIRM = "from digirm import Client, AsyncClient, check_query, fields"


def rows(rounds: int) -> list[Row]:
    """Ours against httpx, the library that any client of such an API would import."""
    pairs = paired(lambda: over_bare(DIGIRM), lambda: over_bare("import httpx"), rounds)
    return [Row(f"`{DIGIRM}`", f"`import httpx` ({version('httpx')})", pairs, 0.2)]
