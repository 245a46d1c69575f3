"""Walking a list page by page, against the loops that somebody would write without a client."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec

from benchmarks.harness import Row, paired, timed
from benchmarks.server import AUTH, INVENTORY, PAGE, Settings, serve
from digirm import AsyncClient, Client

PAGES = 200
#: Pages that a walk goes on by before it is another's turn.
SLICE = 10
#: With latency and work, as many pages are enough; both in seconds a page.
SLOW_PAGES = 40
LATENCY = WORK = 0.03


def rows(rounds: int) -> list[Row]:
    """The whole walk, and the walk with latency and work."""
    return [*_walks(min(rounds, 5)), *_prefetch(min(rounds, 3))]


def _walks(rounds: int) -> Iterator[Row]:
    with serve(Settings(pages=PAGES)) as url, Client(url, auth=AUTH, throttle=None) as rm, asyncio.Runner() as runner:
        client = AsyncClient(url, auth=AUTH, throttle=None)
        with httpx.Client(auth=AUTH) as peer, Raw(url) as raw:
            walks = (
                lambda: _sliced(_counted(rm)),
                lambda: _sliced(by_hand(peer, url)),
                lambda: _sliced(on_socket(raw)),
                lambda: _in_tasks(client, runner),
            )
            taken = [_in_turn(walks, number) for number in range(rounds + 1)][1:]
        runner.run(client.aclose())
    what = f"walk {PAGES} pages of {PAGE:,} devices"
    by_httpx = [(one[0], one[1]) for one in taken]
    by_socket = [(one[0], one[2]) for one in taken]
    by_task = [(one[3], one[0]) for one in taken]
    yield Row(what, f"`httpx.Client` {version('httpx')} + `.json()`", by_httpx, 1 / 1.45)
    yield Row(what, f"raw socket + msgspec {version('msgspec')}", by_socket, 1.5)
    yield Row("the same with `AsyncClient`", "digirm's `Client`", by_task, 1 / 0.75)


def _in_turn(walks: Sequence[Callable[[], Iterator[int]]], number: int) -> list[float]:
    """Seconds of each walk; all go on by a slice in turn, so that a disturbance of a second falls on all."""
    running = [walk() for walk in walks]
    taken = [0.0] * len(walks)
    for part in range(1, PAGES // SLICE + 1):
        for place in range(len(walks))[:: 1 if (part + number) % 2 else -1]:
            started = time.perf_counter()
            count = next(running[place])
            taken[place] += time.perf_counter() - started
            assert count == part * SLICE * PAGE, count
    return taken


def _sliced(pages: Iterator[int]) -> Iterator[int]:
    return islice(pages, SLICE - 1, None, SLICE)


def _counted(client: Client) -> Iterator[int]:
    items = iter(client.devices.inventory.list())
    count = 0
    while True:
        for _ in islice(items, PAGE):
            count += 1
        yield count


def _in_tasks(client: AsyncClient, runner: asyncio.Runner) -> Iterator[int]:
    items = aiter(client.devices.inventory.list())

    async def go_on(count: int) -> int:
        end = count + SLICE * PAGE
        async for _ in items:
            count += 1
            if count == end:
                break
        return count

    count = 0
    while True:
        count = runner.run(go_on(count))
        yield count


def by_hand(client: httpx.Client, url: str) -> Iterator[int]:
    """The obvious loop; how many devices there were after each page."""
    count = 0
    params: dict[str, str] = {}
    while True:
        response = client.get(url + INVENTORY, params=params)
        response.raise_for_status()
        answer = response.json()
        for _ in answer["list"]:
            count += 1
        yield count
        if "cursor" not in answer:
            return
        params = {"cursor": answer["cursor"]}


class Raw:
    """As little HTTP as will do: one connection, one buffer, answers with a content length."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._wire = socket.create_connection((parts.hostname, parts.port))
        self._wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._host = parts.netloc
        self._bytes = bytearray(4 * 2**20)
        self._buffer = memoryview(self._bytes)

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *_: object) -> None:
        self._wire.close()

    def get(self, target: str) -> Any:
        """The JSON of an answer."""
        self._wire.sendall(f"GET {target} HTTP/1.1\r\nhost: {self._host}\r\n\r\n".encode())
        buffer, got, end = self._buffer, 0, -1
        while end < 0:
            got += self._wire.recv_into(buffer[got:])
            end = self._bytes.find(b"\r\n\r\n", 0, got)
        head = bytes(buffer[:end])
        assert head.startswith(b"HTTP/1.1 200 ")
        full = end + 4 + int(head.partition(b"content-length: ")[2].partition(b"\r")[0])
        while got < full:
            got += self._wire.recv_into(buffer[got:full])
        return msgspec.json.decode(buffer[end + 4 : full])


def on_socket(raw: Raw) -> Iterator[int]:
    """The least that a walk can be."""
    count = 0
    target = INVENTORY
    while True:
        answer = raw.get(target)
        for _ in answer["list"]:
            count += 1
        yield count
        if "cursor" not in answer:
            return
        target = f"{INVENTORY}?cursor={answer['cursor']}"


def _prefetch(rounds: int) -> Iterator[Row]:
    what = f"walk {SLOW_PAGES} pages with 30 ms latency and 30 ms of work each, `prefetch=True`; the work "
    settings = Settings(pages=SLOW_PAGES, latency=LATENCY)
    with serve(settings) as url, Client(url, auth=AUTH, throttle=None) as rm:
        for kind, work in (("sleeps", time.sleep), ("computes", _busy)):

            def walk(prefetch: bool, work: Callable[[float], object] = work) -> None:
                for _ in rm.devices.inventory.list(prefetch=prefetch).pages():
                    work(WORK)

            pairs = paired(timed(lambda: walk(True)), timed(lambda: walk(False)), rounds)
            yield Row(what + kind, "the same, `prefetch=False`", pairs, 0.6)


def _busy(seconds: float) -> None:
    """Keep the interpreter busy for as long as this takes where nobody else wants it."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass
