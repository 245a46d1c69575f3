"""A server of the TCP protocol on loopback that does what a test says, one script for each connection."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from digirm_runtime.push.framing import (
    TO_SERVER,
    ConnectionRequest,
    ConnectionResponse,
    Decoder,
    Frame,
    PublishMessage,
    PublishMessageReceived,
)

#: A certificate for loopback that nobody vouches for, with its key.
PEM = Path(__file__).with_name("loopback.pem")
F = TypeVar("F", bound=Frame)
WAIT = 20.0


class Peer:
    """The server's side of one connection."""

    def __init__(self, connected: socket.socket) -> None:
        connected.settimeout(WAIT)
        self._socket = connected
        self._decoder = Decoder(TO_SERVER)
        self._frames: list[Frame] = []

    def welcome(self, status: int = 200) -> ConnectionRequest:
        request = self.next(ConnectionRequest)
        self.send(ConnectionResponse(status).encode())
        return request

    def next(self, kind: type[F]) -> F:
        while not self._frames:
            data = self._socket.recv(65536)
            if not data:
                raise EOFError
            self._frames += self._decoder.feed(data)
        frame = self._frames.pop(0)
        assert isinstance(frame, kind), frame
        return frame

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def publish(self, block: int, *events: Any, compress: bool = False) -> None:
        self.send(message(block, events, compress=compress).encode())

    def acknowledged(self) -> int:
        received = self.next(PublishMessageReceived)
        assert received.status == 200
        return received.block

    def left(self) -> list[Frame]:
        """What comes until the client is gone."""
        with suppress(EOFError, ConnectionError):
            while True:
                data = self._socket.recv(65536)
                if not data:
                    break
                self._frames += self._decoder.feed(data)
        frames, self._frames = self._frames, []
        return frames


Script = Callable[[Peer], None]


def payload(events: Sequence[Any]) -> bytes:
    """As `devicecloud` shows it: one event as an object, several as a list."""
    return json.dumps({"Document": {"Msg": events[0] if len(events) == 1 else list(events)}}).encode()


def message(block: int, events: Sequence[Any], *, compress: bool = False) -> PublishMessage:
    body = payload(events)
    return PublishMessage(block, len(events), zlib.compress(body) if compress else body, int(compress))


def point(number: int) -> dict[str, Any]:
    """An event as in the documentation of `devicecloud`."""
    return {
        "DataPoint": {"cstId": 7603, "data": number, "streamId": "test", "timestamp": 1434307047694},
        "group": "*",
        "operation": "INSERTION",
        "timestamp": "2015-06-14T18:37:27.815Z",
        "topic": "7603/DataPoint/test",
    }


class Server:
    """Runs a script for each connection, in turn; what goes wrong in one is raised at the end of the test."""

    def __init__(self, scripts: Sequence[Script], tls: ssl.SSLContext | None = None) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.wrong: list[BaseException] = []
        self._scripts = scripts
        self._tls = tls
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            for script in self._scripts:
                connected, _ = self._listener.accept()
                with connected if self._tls is None else self._tls.wrap_socket(connected, server_side=True) as talking:
                    script(Peer(talking))
        except BaseException as error:
            self.wrong.append(error)

    def finish(self) -> None:
        """Every script has run to its end."""
        self._thread.join(WAIT)
        assert not self._thread.is_alive(), "a script was not run to its end"
        if self.wrong:
            raise self.wrong[0]

    def close(self) -> None:
        self._listener.close()


def tls_server() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM)
    return context


@contextmanager
def serving(*scripts: Script, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """A server, all of whose scripts must come to their end."""
    server = Server(scripts, tls)
    try:
        yield server
        server.finish()
    finally:
        server.close()
