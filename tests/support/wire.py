"""A server that writes raw bytes: for faults that no well-behaved HTTP server can produce."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from email.utils import formatdate
from typing import IO, Any, Literal, NamedTuple

from tests.support.server import Got

#: What happens to the connection behind the last byte. `hold` keeps it open and silent until the client leaves; `drip`
#: sends the last piece again and again, and gives up a client that does not leave.
Then = Literal["keep", "close", "reset", "hold", "drip"]


class Wire(NamedTuple):
    """What is written, piece by piece, and what then happens to the connection."""

    pieces: tuple[bytes, ...] = ()
    then: Then = "close"


def http(
    status: int | str = 200,
    body: bytes = b"",
    *headers: tuple[str, str],
    declared: int | None = None,
    then: Then = "keep",
) -> Wire:
    """An HTTP answer; `declared` is a Content-Length that may lie, below zero there is none."""
    names = {name.lower() for name, _ in headers}
    lines = [f"HTTP/1.1 {status} Words"] + [f"{name}: {value}" for name, value in headers]
    if "content-type" not in names:
        lines.append("content-type: application/json")
    if "transfer-encoding" not in names and (declared is None or declared >= 0):
        lines.append(f"content-length: {len(body) if declared is None else declared}")
    return Wire(("\r\n".join([*lines, "", ""]).encode("latin-1") + body,), then)


def document(value: Any, status: int = 200) -> Wire:
    """A JSON answer as it should be."""
    return http(status, json.dumps(value).encode())


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    """A body in chunks; `end` is what follows the last one."""
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + end


def past() -> str:
    """An HTTP date that is over."""
    return formatdate(946684800, usegmt=True)


_used: set[int] = set()


class WireServer:
    """A running server: `url`, every request in `got`, in order, and whether a client stayed to the end of a `drip`."""

    def __init__(self, reply: Callable[[Got], Wire]) -> None:
        self.reply = reply
        self.got: list[Got] = []
        self.outlasted = False
        self._port = 0
        self._lock = threading.Lock()
        self._listener: socket.socket | None = None
        self._over = threading.Event()
        self._ended = threading.Condition(self._lock)
        self._open = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def listen(self) -> None:
        """Take connections (again, at the same port)."""
        if self._listener is None:
            self._listener = self._bind()
            self._acceptor = threading.Thread(target=self._accept, args=(self._listener,), daemon=True)
            self._acceptor.start()

    def _bind(self) -> socket.socket:
        while True:
            listener = socket.create_server(("127.0.0.1", self._port), backlog=64)
            port = listener.getsockname()[1]
            # What clients remember of a host, such as its limits, must not meet another server at the same port.
            if self._port or port not in _used:
                _used.add(port)
                self._port = port
                return listener
            listener.close()

    def refuse(self) -> None:
        """Refuse new connections; those that are open go on."""
        listener, self._listener = self._listener, None
        if listener is not None:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits in accept()
            listener.close()
            if threading.current_thread() is not self._acceptor:
                self._acceptor.join()

    def wait_until_idle(self) -> bool:
        """Whether every connection is closed, by this side or the other; waited for, but not for ever."""
        with self._ended:
            return self._ended.wait_for(lambda: self._open == 0, 10)

    def __enter__(self) -> WireServer:
        self.listen()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.refuse()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with self._lock:
                self._open += 1
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            with connection, connection.makefile("rb") as reader, suppress(OSError):
                while (got := _read(reader)) is not None:
                    with self._lock:
                        self.got.append(got)
                    if not self._write(connection, reader, self.reply(got)):
                        return
        finally:
            with self._ended:
                self._open -= 1
                self._ended.notify_all()

    def _write(self, connection: socket.socket, reader: IO[bytes], wire: Wire) -> bool:
        """Write an answer; whether the connection goes on."""
        for piece in wire.pieces:
            connection.sendall(piece)
        if wire.then == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif wire.then == "hold":
            reader.read(1)
        elif wire.then == "drip":
            for _ in range(400):
                if self._over.wait(0.005):
                    return False
                connection.sendall(wire.pieces[-1])
            self.outlasted = True
        return wire.then == "keep"


def _read(reader: IO[bytes]) -> Got | None:
    """The next request of a connection; None where the client left."""
    line = reader.readline()
    if not line.endswith(b"\r\n"):
        return None
    method, target, _ = line.decode("latin-1").split(" ", 2)
    headers: dict[str, str] = {}
    while (line := reader.readline()) not in (b"\r\n", b""):
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    return Got(method, target, headers, reader.read(int(headers.get("content-length", 0))))
