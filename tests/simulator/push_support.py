"""The peers of pushing monitors: a client of the TCP protocol, and an HTTP server that answers as it is told."""

from __future__ import annotations

import http.server
import json
import queue
import select
import socket
import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, NamedTuple

from digirm_simulator import Simulator
from tests.simulator.support import Api

MONITORS = "/ws/v1/monitors/inventory"


def monitor(api: Api, *topics: str, **more: Any) -> int:
    """The number of a new TCP monitor, or of another type."""
    found = api("POST", MONITORS, {"type": "tcp", "batch_size": 1, "topics": list(topics), **more})
    assert found.status == 201, found.body
    return int(found.body["id"])


def status(api: Api, number: int) -> str:
    return str(api.get(f"{MONITORS}/{number}").body["status"])


def point(api: Api, value: str = "1.5", stream: str = "a/b") -> None:
    sent = {"stream_id": stream, "stream_type": "DOUBLE", "value": value}
    assert api("POST", "/ws/v1/streams/history", sent).status == 201


class Received(NamedTuple):
    block: int
    events: int
    compression: int
    payload: bytes

    @property
    def messages(self) -> list[dict[str, Any]]:
        found = json.loads(self.payload)["Document"]["Msg"]
        return found if isinstance(found, list) else [found]

    @property
    def values(self) -> list[float]:
        return [message["DataPoint"]["data"] for message in self.messages]


class Peer:
    """A client of the TCP protocol; a context manager."""

    def __init__(self, simulator: Simulator, number: int, user: str = "sim", password: str = "sim") -> None:
        self._socket = socket.create_connection(("127.0.0.1", simulator.push_port), timeout=20)
        self._file = self._socket.makefile("rb")
        pair = b"".join(struct.pack(">H", len(text)) + text for text in (user.encode(), password.encode()))
        self.send(frame(struct.pack(">H", 1) + pair + struct.pack(">I", number)))
        kind, length, self.status, _ = struct.unpack(">HIHH", self._file.read(10))
        assert (kind, length) == (2, 4)

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def read(self) -> Received:
        kind, length = struct.unpack(">HI", self._file.read(6))
        block, count, compression, _, size = struct.unpack(">HHBBI", self._file.read(10))
        payload = self._file.read(size)
        assert (kind, length, len(payload)) == (3, 10 + size, size)
        return Received(block, count, compression, zlib.decompress(payload) if compression else payload)

    def acknowledge(self, received: Received, status: int = 200) -> None:
        self.send(struct.pack(">HHH", 4, received.block, status))

    def take(self) -> Received:
        received = self.read()
        self.acknowledge(received)
        return received

    def has_more(self) -> bool:
        """Whether anything came that was not read."""
        return bool(select.select([self._socket], [], [], 0)[0])

    def is_closed(self) -> bool:
        try:
            return self._file.read(1) == b""
        except ConnectionError:
            return True

    def __enter__(self) -> Peer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()
        self._socket.close()


def frame(body: bytes, kind: int = 1) -> bytes:
    return struct.pack(">HI", kind, len(body)) + body


class Pushed(NamedTuple):
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """What an HTTP server on loopback was sent; `answers` are the statuses of the next answers, then 200."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.pushed: queue.Queue[Pushed] = queue.Queue()
        self.answers: list[int] = []

    def take(self) -> Pushed:
        return self.pushed.get(timeout=20)


@contextmanager
def receiving() -> Iterator[Receiver]:
    """An HTTP server on loopback."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
            self.send_header("content-length", "0")
            self.end_headers()
            receiver.pushed.put(Pushed(self.command, self.path, headers, body))

        do_POST = do_PUT  # noqa: N815 - the base class's names

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        receiver = Receiver(f"http://127.0.0.1:{server.server_port}")
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()
