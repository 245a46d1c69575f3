"""The simulator over HTTP: a thin Starlette front, served by uvicorn."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HTTPRequest
from starlette.responses import Response as HTTPResponse
from starlette.responses import StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from digirm_runtime.wire import Handler, Request
from digirm_simulator.replies import Problem, error_reply

MAX_BODY = 64 * 1024 * 1024


class ServeError(OSError):
    """The address cannot be used; the text says why."""


def application(handler: Handler, *, log: bool = False) -> ASGIApp:
    """An ASGI application in front of a handler. With `log`, one line per request goes to stderr."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = HTTPRequest(scope, receive)
        try:
            response = await _respond(handler, request)
        except ClientDisconnect:
            return
        if log:
            # The path alone: a query may hold what its user would not want in a log.
            print(f"{request.method} {ascii(scope['path'])[1:-1]} {response.status_code}", file=sys.stderr, flush=True)
        await response(scope, receive, send)

    return app


async def _respond(handler: Handler, request: HTTPRequest) -> HTTPResponse:
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY:
            reply = error_reply(Problem(413, f"A body has at most {MAX_BODY >> 20} MiB"), {"connection": "close"})
            return HTTPResponse(reply.read(), reply.status, reply.headers)
        chunks.append(chunk)
    body = b"".join(chunks)
    target = request.scope["raw_path"].decode("latin-1")
    if query := request.scope["query_string"].decode("latin-1"):
        target += "?" + query
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.scope["headers"]}
    reply = await run_in_threadpool(handler.handle, Request(request.method, target, headers, body))
    if isinstance(reply.body, bytes):
        return HTTPResponse(reply.body, reply.status, reply.headers)
    return StreamingResponse(reply.body, reply.status, reply.headers)


class _Server(uvicorn.Server):
    """A server that tells when it is ready, and whose end by a signal is a normal end."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self.announce: str | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.announce:
            print(self.announce, flush=True)
        self.ready.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn's own raises the signal again after the end, which would make the exit code one of failure.
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        import signal

        former = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, action in former.items():
                signal.signal(number, action)


def serve(handler: Handler, host: str = "127.0.0.1", port: int = 8080) -> None:
    """Serve until Ctrl-C or SIGTERM; `Serving http://...` goes to stdout once it is ready. Port 0 takes a free one.

    Raises ServeError where the address cannot be used.
    """
    bound = _bind(host, port)
    server = _server(handler, log=True)
    server.announce = f"Serving {_url(bound)}"
    with bound:
        server.run(sockets=[bound])


@contextmanager
def running(handler: Handler, port: int = 0) -> Iterator[str]:
    """Serve from a thread of this process, on loopback; gives the URL. Raises ServeError as `serve` does."""
    bound = _bind("127.0.0.1", port)
    server = _server(handler, log=False)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, name="digirm-simulator", daemon=True)
    with bound:
        thread.start()
        try:
            if not server.ready.wait(30):
                raise ServeError("the server did not start")
            yield _url(bound)
        finally:
            server.should_exit = True
            thread.join()


def _server(handler: Handler, *, log: bool) -> _Server:
    settings: MutableMapping[str, Any] = {"http": "h11", "ws": "none", "lifespan": "off", "server_header": False}
    return _Server(
        uvicorn.Config(
            application(handler, log=log),
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=2,
            # A query that names many devices makes a long request line.
            h11_max_incomplete_event_size=1024 * 1024,
            **settings,
        )
    )


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise ServeError(f"cannot serve on {host} port {port}: {error.strerror or error}") from None
    except OverflowError:
        bound.close()
        raise ServeError(f"there is no port {port}") from None
    return bound


def _url(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
