"""Paired runs: subject and peer in turn, so that whatever else the machine does falls on both."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from statistics import median
from typing import NamedTuple


class Row(NamedTuple):
    """One comparison. `pairs` are (subject, peer), one per round.

    `target` is the ratio that the median stays below, or above where it is `at_least`.
    """

    what: str
    peer: str
    pairs: list[tuple[float, float]]
    target: float | None = None
    unit: str = "s"
    at_least: bool = False

    @property
    def ratios(self) -> list[float]:
        """Subject over peer of each round, sorted."""
        return sorted(subject / peer for subject, peer in self.pairs)

    @property
    def goal(self) -> str:
        """The target in words, with a note where it is missed; empty where there is none."""
        if self.target is None:
            return ""
        ratio = median(self.ratios)
        met = ratio >= self.target if self.at_least else ratio <= self.target
        return f"{'≥' if self.at_least else '≤'} {self.target:.3g}{'' if met else ' **missed**'}"


def timed(run: Callable[[], object], count: int = 1) -> Callable[[], float]:
    """A measurement: the seconds of one call, of `count` made in a row."""

    def measure() -> float:
        started = time.perf_counter()
        for _ in range(count):
            run()
        return (time.perf_counter() - started) / count

    return measure


def paired(subject: Callable[[], float], peer: Callable[[], float], rounds: int) -> list[tuple[float, float]]:
    """Run both in turn, the other one first each time; one round before that warms caches and is not counted."""
    pairs = []
    for number in range(rounds + 1):
        if number % 2:
            first = subject()
            pairs.append((first, peer()))
        else:
            second = peer()
            pairs.append((subject(), second))
    return pairs[1:]


def process(statement: str, tries: int = 5, *, quiet: bool = False) -> float:
    """Seconds of a new process that runs a statement: the quickest of a few, as disturbances only ever slow it down.

    What it prints on stdout is dropped where it is to be `quiet`.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    times = []
    for _ in range(tries):
        started = time.perf_counter()
        output = subprocess.DEVNULL if quiet else None
        subprocess.run([sys.executable, "-c", statement], check=True, env=environment, stdout=output)
        times.append(time.perf_counter() - started)
    return min(times)


def over_bare(statement: str) -> float:
    """Seconds of a new process that runs a statement, less those of a bare interpreter."""
    return max(process(statement) - process("pass"), 1e-6)


def table(rows: Iterable[Row]) -> str:
    """The rows as a Markdown table."""
    lines = [
        "| what | peer | digirm | peer's | ratio (median, least to most) | rounds | target |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        subject, peer = (median(pair[side] for pair in row.pairs) for side in (0, 1))
        ratios = row.ratios
        lines.append(
            f"| {row.what} | {row.peer} | {_shown(subject, row.unit)} | {_shown(peer, row.unit)} | "
            f"{_ratio(median(ratios))} ({_ratio(ratios[0])} to {_ratio(ratios[-1])}) | {len(ratios)} | {row.goal} |"
        )
    return "\n".join(lines)


def _ratio(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio >= 0.01 else f"{ratio:.1g}"


def _shown(amount: float, unit: str) -> str:
    if unit != "s":
        return f"{amount:,.1f} {unit}" if amount % 1 else f"{amount:,.0f} {unit}"
    if amount < 0.001:
        return f"{amount * 1e6:.1f} µs"
    return f"{amount * 1e3:.1f} ms" if amount < 1 else f"{amount:.2f} s"
