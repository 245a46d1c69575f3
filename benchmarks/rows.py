"""Streaming CSV: how fast rows come, and what stays in memory meanwhile."""

from __future__ import annotations

import csv
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import httpx

from benchmarks.harness import Row, paired, timed
from benchmarks.server import AUTH, BULK, COLUMNS, Settings, serve
from digirm import Client

ROWS = 1_000_000
FEW = 10_000
#: The bound in megabytes.
BOUND = 8.0


def rows(rounds: int) -> list[Row]:
    """Seconds of a million rows, and megabytes that they take more than a few."""
    with serve(Settings(pages=1, rows=ROWS)) as url:
        return [*_speed(url, min(rounds, 3)), _memory(url)]


def _speed(url: str, rounds: int) -> Iterator[Row]:
    with Client(url, auth=AUTH, throttle=None) as rm, httpx.Client(auth=AUTH, timeout=30) as peer:
        ours = timed(_whole(lambda: ours_streamed(rm)))
        theirs = timed(_whole(lambda: by_hand(peer, url)))
        name = f"`httpx.stream` {version('httpx')}, `iter_lines`, `csv.DictReader`"
        yield Row(f"stream {ROWS:,} CSV rows of {len(COLUMNS)} columns", name, paired(ours, theirs, rounds), 1)


def ours_streamed(client: Client) -> int:
    """How many rows a client gives."""
    return sum(1 for _ in client.devices.bulk.csv(fields=COLUMNS))


def by_hand(client: httpx.Client, url: str) -> int:
    """The obvious loop."""
    with client.stream("GET", url + BULK, params={"fields": ",".join(COLUMNS)}) as response:
        response.raise_for_status()
        return sum(1 for _ in csv.DictReader(response.iter_lines()))


def _whole(stream: Callable[[], int]) -> Callable[[], None]:
    def run() -> None:
        found = stream()
        assert found == ROWS, found

    return run


def _memory(url: str) -> Row:
    with serve(Settings(pages=1, rows=FEW)) as few:
        command = [sys.executable, "-c", f"from benchmarks.rows import measure; measure({few!r}, {url!r})"]
        grown = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    what = f"most memory in {ROWS:,} rows, over that in {FEW:,}"
    return Row(what, f"{BOUND:g} MB", [(grown, BOUND)], 1, "MB")


def measure(few: str, many: str) -> None:
    """In a process of its own: print the megabytes by which its peak has grown from few rows to many."""
    peaks = []
    for url, count in ((few, FEW), (many, ROWS)):
        with Client(url, auth=AUTH, throttle=None) as rm:
            assert ours_streamed(rm) == count
        peaks.append(_peak())
    print(peaks[1] - peaks[0])


def _peak() -> float:
    """The most megabytes that were in memory; other than ru_maxrss, VmHWM does not begin with the parent's."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024
