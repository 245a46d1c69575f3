"""The simulator, against the same SELECTs run directly in SQLite and against a bare route of Starlette."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec

from benchmarks.harness import Row, paired, timed
from benchmarks.load import CONNECTIONS, PAGE, ROUTE
from digirm_simulator import Simulator
from digirm_simulator.clock import Clock
from digirm_simulator.contract_files import builtin
from digirm_simulator.values import stored_form

#: Devices of the large fleet, and of that which is searched for parts of texts.
DEVICES = int(os.environ.get("DIGIRM_BENCH_DEVICES", "1000000"))
SEARCHED = DEVICES // 10
NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)
INVENTORY = "/ws/v1/devices/inventory"
QUERY = "connection_status = 'connected' and last_update > -1d and ip startswith '10.20.1.'"
FULL = 1000
#: The columns of the plain table: every key of most devices whose value is no object or list.
COLUMNS = 30
AUTH = {"authorization": "Basic " + base64.b64encode(b"bench:bench").decode()}
PRAGMAS = ("journal_mode=WAL", "cache_size=-65536", "mmap_size=17179869184")


def rows(rounds: int) -> list[Row]:
    """Pages of a large fleet, many connections, searches, and what a simulator costs a test."""
    with TemporaryDirectory(prefix="digirm-bench-") as folder:
        return [*_large(Path(folder), rounds), *_many(rounds), *_search(rounds), *_ready(rounds)]


# A large fleet


def _large(folder: Path, rounds: int) -> Iterator[Row]:
    data = folder / "fleet.db"
    Simulator(devices=DEVICES, data=data, clock=Clock(NOW, speed=0)).close()
    with closing(_plain_table(folder / "plain.db", data)) as plain, _simulate(data) as url, closing(Get(url)) as get:
        first = get(query=QUERY)
        assert first["count"] == FULL, "the fleet is too small for a full page"
        ours = timed(lambda: get.raw(query=QUERY))
        pairs = paired(ours, timed(lambda: _select(plain)), 3 * rounds)
        what = f"first page of {FULL}, the query `{QUERY}`, {DEVICES:,} devices, over HTTP"
        peer = f"SELECT of {COLUMNS} columns from a plain table with the same indices, msgspec"
        yield Row(what, peer, pairs, 1.0)
        last = _last_full(get, first)
        later = timed(lambda: get.raw(query=QUERY, cursor=last))
        yield Row("last full page of this query", "its first page", paired(later, ours, 3 * rounds), 1.2)
        for query in ("name contains 'zzz'", "connection_status = 'connected' and name contains 'zzz'"):
            everything = timed(lambda query=query: get.raw(query=query))  # type: ignore[misc]
            pairs = paired(everything, timed(lambda: _scan(plain)), rounds)
            yield Row(f"`{query}`: reads all, O(n)", "the same condition on the plain table", pairs)


def _last_full(get: Get, first: dict[str, Any]) -> str:
    """The cursor of the last page that is full."""
    cursors = []
    page = first
    while "cursor" in page:
        cursors.append(page["cursor"])
        page = get(query=QUERY, cursor=cursors[-1])
    assert len(cursors) > 2, "the fleet is too small for several pages"
    return str(cursors[-2])


def _plain_table(file: Path, data: Path) -> sqlite3.Connection:
    """What one would write by hand: a column for each key, and an index for each that the simulator has."""
    path = builtin("22.7").paths[INVENTORY]
    source = sqlite3.connect(data)
    documents = (json.loads(body) for (body,) in source.execute(f'SELECT body FROM "{INVENTORY}" ORDER BY seq'))
    sample = [next(documents) for _ in range(1000)]
    counts: dict[str, int] = {}
    for key, value in chain.from_iterable(document.items() for document in sample):
        if not isinstance(value, list | dict) and not key.endswith("_uri"):
            counts[key] = counts.get(key, 0) + 1
    names = sorted(sorted(counts, key=lambda key: -counts[key])[:COLUMNS])
    assert {"connection_status", "last_update", "ip"} <= set(names)
    plain = sqlite3.connect(file, isolation_level=None)
    for pragma in PRAGMAS:
        plain.execute(f"PRAGMA {pragma}")
    columns = ", ".join(f'"{name}"' for name in names)
    plain.execute("BEGIN")
    plain.execute(f"CREATE TABLE devices ({columns})")
    plain.executemany(
        f"INSERT INTO devices VALUES ({', '.join('?' * len(names))})",
        ([document.get(name) for name in names] for document in chain(sample, documents)),
    )
    source.close()
    for name in path.indexed:
        if name in names:
            carried = ", ".join(f'"{other}"' for other in dict.fromkeys((name, *path.covering)))
            plain.execute(f'CREATE INDEX "by {name}" ON devices ({carried})')
    plain.execute("COMMIT")
    return plain


def _select(plain: sqlite3.Connection) -> bytes:
    since = (NOW - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    cursor = plain.execute(
        "SELECT * FROM devices INDEXED BY \"by ip\" WHERE connection_status = 'connected' AND last_update > ?"
        " AND ip >= '10.20.1.' AND ip < '10.20.1/' LIMIT ?",
        (since, FULL),
    )
    names = [column[0] for column in cursor.description]
    found = [dict(zip(names, row, strict=True)) for row in cursor]
    assert len(found) == FULL
    return msgspec.json.encode(found)


def _scan(plain: sqlite3.Connection) -> None:
    plain.execute("SELECT * FROM devices WHERE instr(lower(name), 'zzz') > 0 LIMIT ?", (FULL,)).fetchall()


class Get:
    """GETs of the inventory over one connection that stays open, without compression."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._socket = socket.create_connection((str(parts.hostname), int(parts.port or 80)))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._head = "".join(
            f"{name}: {value}\r\n"
            for name, value in {"host": parts.netloc, "accept-encoding": "identity", **AUTH}.items()
        )

    def __call__(self, **params: str) -> dict[str, Any]:
        """The decoded answer."""
        found: dict[str, Any] = json.loads(self.raw(**params))
        return found

    def raw(self, **params: str) -> bytes:
        """The body as it came."""
        self._socket.sendall(f"GET {INVENTORY}?{urlencode(params)} HTTP/1.1\r\n{self._head}\r\n".encode())
        data = bytearray()
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._received()
        found = re.search(rb"content-length: (\d+)", data[:end], re.IGNORECASE)
        assert found, bytes(data[:end])
        assert data.startswith(b"HTTP/1.1 200"), bytes(data)
        whole = end + 4 + int(found[1])
        while len(data) < whole:
            data += self._received()
        return bytes(data[end + 4 :])

    def _received(self) -> bytes:
        more = self._socket.recv(1 << 20)
        assert more, "the server closed the connection"
        return more

    def close(self) -> None:
        """End the connection."""
        self._socket.close()


@contextmanager
def _simulate(data: Path) -> Iterator[str]:
    """A `digirm simulate` whose clock stands: a fleet that lives would work beside."""
    options = ["--data", str(data), "--port", "0", "--start", NOW.isoformat(), "--speed", "0"]
    with _process(["digirm_cli.main", "simulate", *options]) as line:
        yield line.split()[-1]


@contextmanager
def _process(arguments: list[str]) -> Iterator[str]:
    """A module in a process of its own while the block runs; the first line that it prints."""
    command = [sys.executable, "-m", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
        assert child.stdout is not None
        try:
            yield child.stdout.readline().strip()
        finally:
            child.terminate()


# Many connections


def _many(rounds: int) -> Iterator[Row]:
    with TemporaryDirectory(prefix="digirm-bench-") as folder, ExitStack() as stack:
        data = Path(folder) / "fleet.db"
        Simulator(devices=1000, data=data, clock=Clock(NOW, speed=0)).close()
        copy = Path(shutil.copy(data, Path(folder) / "copy.db"))
        ours = stack.enter_context(_simulate(data))
        bare = stack.enter_context(_process(["benchmarks.load", "bare", str(copy)]))
        page = f"{INVENTORY}?size={PAGE}"
        pairs = paired(_rate(ours + page), _rate(bare + ROUTE), rounds)
    peer = "a bare Starlette route, same server settings: the same SELECT, stored JSON joined"
    yield Row(f"page of {PAGE} devices, {CONNECTIONS} connections", peer, pairs, 0.8, "requests/s", at_least=True)


def _rate(url: str) -> Callable[[], float]:
    """Requests per second that a server answers; who asks is a process of its own."""

    def measure() -> float:
        command = [sys.executable, "-m", "benchmarks.load", "ask", url, AUTH["authorization"]]
        return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    return measure


# Searches and tests


def _search(rounds: int) -> Iterator[Row]:
    from benchmarks.load import ask_in_process

    clock = Clock(NOW, speed=0)
    with (
        closing(Simulator(devices=SEARCHED, clock=clock, trigram=True)) as subject,
        closing(Simulator(devices=SEARCHED, clock=clock)) as peer,
    ):
        for query in ("name contains 'zzz'", "name contains 'warehouse gateway 99'"):
            pairs = paired(
                timed(lambda query=query: ask_in_process(subject, query, AUTH)),  # type: ignore[misc]
                timed(lambda query=query: ask_in_process(peer, query, AUTH)),  # type: ignore[misc]
                rounds,
            )
            yield Row(f"`{query}`, {SEARCHED:,} devices, `trigram=True`", "without", pairs)


def _ready(rounds: int) -> Iterator[Row]:
    with closing(Simulator(devices=100)) as simulator:
        documents = [dict(document) for document in simulator.devices]
    fields = builtin("22.7").paths[INVENTORY].requests["GET"].query
    kinds = {name: field.type.compares for name, field in fields.items()}
    prepared = [_prepared(document, kinds) for document in documents]
    queried = "".join(f", f{at}" for at in range(len(fields)))
    columns = f"seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE{queried}, body TEXT"
    marks = ", ".join("?" * len(prepared[0]))

    def fill() -> None:
        with closing(sqlite3.connect(":memory:")) as table:
            table.execute(f"CREATE TABLE devices ({columns})")
            table.executemany(f"INSERT INTO devices VALUES (NULL, {marks})", prepared)
            table.commit()

    pairs = paired(timed(lambda: Simulator(devices=100).close(), 20), timed(fill, 20), 3 * rounds)
    yield Row("a ready `Simulator(devices=100)`", "an SQLite table of this shape in memory with 100 rows", pairs, 3)


def _prepared(document: Mapping[str, Any], kinds: Mapping[str, str]) -> list[Any]:
    forms = [stored_form(kind, document.get(name)) for name, kind in kinds.items()]
    return [document["id"], *forms, json.dumps(document)]
