"""A server in a process of its own that answers bytes prepared beforehand, so that the client is what is measured.

Every contestant asks the same server. A thread serves each connection, which stays open; nothing is compressed. With
limits, it refuses with 429 what an account (the `authorization` header) sends beyond them, counted at arrival.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import parse_qs

import msgspec

from digirm_simulator.csvform import row
from digirm_simulator.fleet import devices

PAGE = 1000
#: Distinct pages; a longer walk sees them again.
DISTINCT = 10
#: The columns of a CSV answer, and how many of its rows are sent at a time.
COLUMNS = ("id", "name", "type", "connection_status", "ip", "last_update", "firmware_version", "group")
BLOCK = 1000
AUTH = ("bench", "bench")
INVENTORY = "/ws/v1/devices/inventory"
BULK = "/ws/v1/devices/bulk"
#: Answers with what this account has made so far, and is not counted.
TALLY = "/tally"


#: Sliding windows as (requests, seconds).
Windows: TypeAlias = tuple[tuple[int, float], ...]


class Settings(NamedTuple):
    """What a server is like: pages of a walk, rows of a CSV answer, latency in seconds.

    `windows` and `concurrent` are an account's limits; its calls are counted for `span` seconds from the first on.
    """

    pages: int = 200
    rows: int = 1_000_000
    latency: float = 0.0
    windows: Windows = ()
    concurrent: int = 0
    span: float = 0.0


@contextmanager
def serve(settings: Settings) -> Iterator[str]:
    """Run a server while the block runs; its URL."""
    command = [sys.executable, "-m", "benchmarks.server", json.dumps(settings)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(child.stdout.readline())}"
        finally:
            # It ends with its input, also when this process is killed.
            child.stdin.close()


class Account:
    """What one account has sent: arrivals within the windows, and requests that are being answered."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._arrived: deque[float] = deque()
        self._in_flight = 0
        self._first: float | None = None
        self._made = 0
        self._refused = 0

    def enter(self) -> bool:
        """Count an arrival; whether it is allowed."""
        now = time.monotonic()
        with self._lock:
            longest = max(seconds for _, seconds in self._settings.windows)
            while self._arrived and self._arrived[0] <= now - longest:
                self._arrived.popleft()
            full = any(
                sum(1 for moment in self._arrived if moment > now - seconds) >= requests
                for requests, seconds in self._settings.windows
            )
            if full or self._in_flight >= self._settings.concurrent:
                self._refused += 1
                return False
            self._first = now if self._first is None else self._first
            if now < self._first + self._settings.span:
                self._made += 1
            self._arrived.append(now)
            self._in_flight += 1
            return True

    def leave(self) -> None:
        """A request is answered."""
        with self._lock:
            self._in_flight -= 1

    def tally(self) -> dict[str, int]:
        """Calls made within the span from the first arrival on, and calls refused."""
        with self._lock:
            return {"made": self._made, "refused": self._refused}


class Server:
    """The answers and the accounts."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        count = PAGE * min(DISTINCT, settings.pages)
        fleet = list(devices(count, 7, datetime(2024, 6, 1, 12, tzinfo=UTC)))
        self._device = msgspec.json.encode(fleet[-1])
        self._lists = [
            b'"list":' + msgspec.json.encode(list(islice(fleet, at, at + PAGE))) + b"}" for at in range(0, count, PAGE)
        ]
        self._header = (",".join(COLUMNS) + "\n").encode()
        self._block = b"".join(row(device, COLUMNS) for device in islice(fleet, BLOCK))
        self._accounts: defaultdict[str, Account] = defaultdict(lambda: Account(settings))

    def connection(self, wire: socket.socket) -> None:
        """Answer the requests of one connection, none of which has a body, until it is closed."""
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        data = b""
        with wire:
            while True:
                while (end := data.find(b"\r\n\r\n")) < 0:
                    more = wire.recv(65536)
                    if not more:
                        return
                    data += more
                head, data = data[:end].decode("latin-1"), data[end + 4 :]
                try:
                    self._answer(wire, head)
                except ConnectionError:
                    return

    def _answer(self, wire: socket.socket, head: str) -> None:
        path, _, query = head.split(" ", 2)[1].partition("?")
        if not self._settings.windows:
            self._send(wire, path, query)
            return
        account = self._accounts[_header(head, "authorization")]
        if path == TALLY:
            _json(wire, msgspec.json.encode(account.tally()))
        elif not account.enter():
            wire.sendall(b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n")
        else:
            try:
                time.sleep(self._settings.latency)
            finally:
                account.leave()
            _json(wire, self._device)

    def _send(self, wire: socket.socket, path: str, query: str) -> None:
        if self._settings.latency:
            time.sleep(self._settings.latency)
        if path == INVENTORY:
            number = int(parse_qs(query).get("cursor", ["0"])[0])
            after = number + 1
            more = f',"cursor":"{after}","next_uri":"{path}?cursor={after}"' if after < self._settings.pages else ""
            _json(wire, f'{{"count":{PAGE},"size":{PAGE}{more},'.encode(), self._lists[number % len(self._lists)])
        elif path == BULK:
            self._csv(wire)
        else:
            _json(wire, self._device)

    def _csv(self, wire: socket.socket) -> None:
        wire.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/csv\r\ntransfer-encoding: chunked\r\n\r\n")
        block = b"%x\r\n%b\r\n" % (len(self._block), self._block)
        wire.sendall(b"%x\r\n%b\r\n" % (len(self._header), self._header))
        for _ in range(self._settings.rows // BLOCK):
            wire.sendall(block)
        wire.sendall(b"0\r\n\r\n")


def _header(head: str, name: str) -> str:
    lines = (line.partition(":") for line in head.split("\r\n")[1:])
    return next((value.strip() for key, _, value in lines if key.lower() == name), "")


def _json(wire: socket.socket, *parts: bytes) -> None:
    length = sum(map(len, parts))
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n".encode()
    if length < 65536:
        wire.sendall(b"".join((head, *parts)))
    else:
        wire.sendall(head + parts[0])
        for part in parts[1:]:
            wire.sendall(part)


def main(argument: str) -> None:
    """Serve on a free port of loopback, which is printed, until the input ends."""
    given: dict[str, Any] = dict(zip(Settings._fields, json.loads(argument), strict=True))
    server = Server(Settings(**given))
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        print(listener.getsockname()[1], flush=True)

        def accept() -> None:
            while True:
                wire, _ = listener.accept()
                threading.Thread(target=server.connection, args=(wire,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1])
