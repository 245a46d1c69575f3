"""Running at an account's limits against servers that enforce them: how many calls are made, and none refused."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

from benchmarks.harness import Row
from benchmarks.server import INVENTORY, TALLY, Settings, Windows, serve
from digirm import AsyncClient, Client, Options, Throttle, Throttled, TransportError

#: Seconds of a run, and of the server's work on each call.
SPAN = 60.0
LATENCY = 0.01
CONCURRENT = 4
LIMITS: tuple[Windows, ...] = (((60, 10),), ((120, 60), (40, 10)))
#: Who calls: threads that share a client, and tasks that share an async one.
CALLERS = {"1 client": (1, 0), "8 threads": (8, 0), "8 tasks": (0, 8), "8 threads and 8 tasks": (8, 8)}


def rows(rounds: int) -> list[Row]:  # noqa: ARG001 - a minute of each says it: nothing is timed
    """All cases at once, each with a process and an account of its own, as they mostly wait."""
    return list(_rows())


def _rows() -> Iterator[Row]:
    refused = total = 0
    for windows, who, tally in _tallies():
        made = tally["made"]
        refused, total = refused + tally["refused"], total + made
        limits = " and ".join(f"{requests} per {seconds:g} s" for requests, seconds in windows)
        what = f"{SPAN:g} s against a server that enforces {limits}: {who}"
        yield Row(what, "calls that the windows allow", [(made, allowed(windows))], 0.99, "calls", at_least=True)
    yield Row("429 answers in all of these", "calls", [(refused, total)], 0, "calls")


def _tallies() -> Iterator[tuple[Windows, str, dict[str, int]]]:
    with ExitStack() as stack:
        runs = []
        for windows in LIMITS:
            settings = Settings(pages=1, latency=LATENCY, windows=windows, concurrent=CONCURRENT, span=SPAN)
            url = stack.enter_context(serve(settings))
            for who, (threads, tasks) in CALLERS.items():
                statement = f"from benchmarks.limits import run; run({url!r}, {who!r}, {windows}, {threads}, {tasks})"
                command = [sys.executable, "-c", statement]
                child = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
                runs.append((windows, who, child))
        for windows, who, child in runs:
            out, _ = child.communicate()
            assert child.returncode == 0, f"{who} failed"
            yield windows, who, json.loads(out)


def allowed(windows: Windows) -> int:
    """How many calls fit into a span that begins with the first: each as early as the windows allow."""
    times: list[float] = []
    while True:
        moment = max((times[-requests] + seconds for requests, seconds in windows if len(times) >= requests), default=0)
        if moment >= SPAN:
            return len(times)
        times.append(max(moment, times[-1]) if times else moment)


def run(url: str, name: str, windows: Windows, threads: int, tasks: int) -> None:
    """In a process of its own: call from threads and tasks until the span is over, and print the server's tally."""
    auth, throttle = (name, name), Throttle(*windows, concurrent=CONCURRENT)
    until = time.monotonic() + SPAN
    with Client(url, auth=auth, throttle=throttle) as rm:
        running = [threading.Thread(target=_calls, args=(rm, until)) for _ in range(threads)]
        for thread in running:
            thread.start()
        if tasks:
            client = AsyncClient(url, auth=auth, throttle=throttle)
            asyncio.run(_tasks(client, tasks, until))
        for thread in running:
            thread.join()
    with Client(url, auth=auth, throttle=None) as rm:
        print(json.dumps(rm.request("GET", TALLY)))


def _options(until: float) -> Options | None:
    """What remains, as a deadline: a call that no slot comes for in time ends with TransportError."""
    left = until - time.monotonic()
    return Options(deadline=left, retries=0) if left > 0 else None


def _calls(rm: Client, until: float) -> None:
    while options := _options(until):
        try:
            rm.request("GET", INVENTORY, options=options)
        except Throttled:
            continue  # the server has counted it
        except TransportError:
            return  # where that was something else, calls are missing


async def _tasks(client: AsyncClient, count: int, until: float) -> None:
    async def calls() -> None:
        while options := _options(until):
            try:
                await client.request("GET", INVENTORY, options=options)
            except Throttled:
                continue
            except TransportError:
                return

    await asyncio.gather(*(calls() for _ in range(count)))
    await client.aclose()
