"""A small HTTP server for tests: answers from a script, and breaks in the ways that networks break."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit


class Got(NamedTuple):
    """A request as the server saw it; `target` is the raw request target."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def params(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))


class Answer(NamedTuple):
    """What to send. `declared` is a Content-Length that may lie; `drop` closes the connection before any byte."""

    status: int = 200
    body: Any = b""
    headers: tuple[tuple[str, str], ...] = ()
    declared: int | None = None
    drop: bool = False

    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


def dropped() -> Answer:
    return Answer(drop=True)


def truncated(document: Any) -> Answer:
    """The connection ends before the promised length."""
    whole = json.dumps(document).encode()
    return Answer(body=whole[: len(whole) // 2], declared=len(whole))


def cut_json(document: Any) -> Answer:
    """A complete answer whose JSON ends early, with the right length."""
    whole = json.dumps(document).encode()
    return Answer(body=whole[:-1])


class Server:
    """A running server: `url`, every request in `got`, and the most that were in flight at once."""

    def __init__(self, reply: Callable[[Got], Answer]) -> None:
        self.reply = reply
        self.got: list[Got] = []
        self.most_at_once = 0
        self._now = 0
        self._lock = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Head and body are sent one after the other: with Nagle's algorithm an answer takes 40 ms.
            disable_nagle_algorithm = True

            def log_message(self, format: str, *args: Any) -> None:
                pass

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                got = Got(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
                with server._lock:
                    server.got.append(got)
                    server._now += 1
                    server.most_at_once = max(server.most_at_once, server._now)
                try:
                    answer = server.reply(got)
                finally:
                    with server._lock:
                        server._now -= 1
                if answer.drop:
                    self.close_connection = True
                    return
                content = answer.content()
                self.send_response(answer.status)
                names = {name.lower() for name, _ in answer.headers}
                for name, value in answer.headers:
                    self.send_header(name, value)
                if "content-type" not in names:
                    self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(content) if answer.declared is None else answer.declared))
                self.end_headers()
                self.wfile.write(content)
                if answer.declared is not None:
                    self.close_connection = True

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _serve  # noqa: N815

        class Threads(socketserver.ThreadingMixIn, socketserver.TCPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass

        self._server = Threads(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def script(*answers: Answer) -> Iterator[Server]:
    """A server that gives these answers in turn, then the last one for ever."""
    lock = threading.Lock()
    remaining = list(answers)

    def reply(_: Got) -> Answer:
        with lock:
            return remaining.pop(0) if len(remaining) > 1 else remaining[0]

    with Server(reply) as server:
        yield server
