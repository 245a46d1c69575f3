"""The simulator as an ASGI application.

It speaks ASGI's plain messages, as Starlette's requests and responses would take longer than most answers do. For the
same reason a request whose like was answered fast is answered on the event loop itself: handing it to a thread and back
takes about as long as a page of ten devices. All others, those not seen before, writes (which wait for the disk), those
before which the handler has something to catch up, and whatever comes while one of these is at work (which may hold
what the request would have to wait for), go to threads, so that a slow query stops nobody else.
"""

from __future__ import annotations

import asyncio
import re
import time
import zlib
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, TypeVar

from digirm_runtime.wire import Handler, Request, Response
from digirm_simulator.faults import Dropped, Faulty
from digirm_simulator.log import Lines
from digirm_simulator.replies import Problem, error_reply

T = TypeVar("T")
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

MAX_BODY = 64 * 1024 * 1024
#: How many times that size a body can be and yet be read to its end, for the sake of a client that listens only then.
_HOPELESS = 4
#: Where the state of a connection has its transport, by which alone a connection can be ended without an answer.
TRANSPORT = "digirm.transport"

_THREADS = 32
#: Seconds: what is answered on the event loop keeps all others waiting for so long.
_CHEAP = 0.002
_MOST_SHAPES = 4096
#: Characters of a URL from which on it is not looked at.
_LONG = 4096
#: What may differ between requests that cost about the same: cursors, quoted text, numbers and ids.
_VARYING = re.compile(r"(?<=cursor=)[^&]*|%27.*?%27|'.*?'|[0-9][0-9A-Za-z.:-]*")

_GZIP_FROM = 1024
_PACKED = ("application/json", "text/")
#: Characters of a header from which on it is not looked at.
_LONG_HEADER = 1000

#: Characters of a method and of a path that a line shows.
_SHOWN = 20, 1000


class Front:
    """An ASGI application in front of a handler. With `lines`, each request is one of them.

    A handler with a method `is_behind` is asked whether its next answer may take longer than those before.
    """

    def __init__(self, handler: Handler, lines: Lines | None = None) -> None:
        self._handler = handler
        self._is_behind: Callable[[], bool] = getattr(handler, "is_behind", lambda: False)
        self._lines = lines
        self._pool = ThreadPoolExecutor(_THREADS, "digirm-simulator")
        self._busy = 0
        self._costs: dict[str, float] = {}

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        target = scope["raw_path"].decode("latin-1")
        if query := scope["query_string"].decode("latin-1"):
            target += "?" + query
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        body = await _body(headers, receive)
        if isinstance(body, Gone):
            return
        try:
            if isinstance(body, Problem):
                reply = error_reply(body, {"connection": "close"})
            else:
                reply = await self._reply(Request(scope["method"], target, headers, body))
            self._say(scope, reply.status)
            await self._send(reply, scope, receive, send)
        except Dropped:
            self._say(scope, "dropped")
            await _hang_up(scope, receive)

    async def in_thread(self, work: Callable[..., T], *args: Any) -> T:
        """Do something that may take a while."""
        self._busy += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work, *args)
        finally:
            self._busy -= 1

    def close(self) -> None:
        """Let the threads end."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self._lines is not None:
            self._lines.close()

    async def _reply(self, request: Request) -> Response:
        if request.method not in ("GET", "HEAD") or len(request.url) > _LONG or self._is_behind():
            return (await self.in_thread(self._timed, request))[0]
        shape = _shape(request.url)
        known = self._costs.get(shape)
        if known is None or known >= _CHEAP:
            reply, cost = await self.in_thread(self._timed, request)
        elif self._busy:
            # Not counted as work that takes a while: else many cheap ones would keep each other off the loop for ever.
            run = asyncio.get_running_loop().run_in_executor
            reply, cost = await run(self._pool, self._timed, request)
        else:
            reply, cost = self._timed(request)
        if known is None and len(self._costs) >= _MOST_SHAPES:
            self._costs.clear()
        # What was slow once is thought of as slow for some time.
        self._costs[shape] = cost if known is None else max(cost, known * 0.9)
        return reply

    def _timed(self, request: Request) -> tuple[Response, float]:
        # Only the own work of a thread counts, not what it had to wait for: other threads, or a busy machine.
        started = time.thread_time()
        reply = self._handler.handle(request)
        _pack(request, reply)
        return reply, time.thread_time() - started

    async def _send(self, reply: Response, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        body, headers = reply.body, reply.headers
        if delay := getattr(body, "delay", 0.0):
            body.delay = 0.0  # type: ignore[union-attr]  # waited for here, where it keeps no thread
            if await _left_within(delay, receive):
                reply.close()
                return
        if isinstance(body, bytes) and reply.status not in (204, 304) and scope["method"] != "HEAD":
            headers.setdefault("content-length", str(len(body)))
        pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": reply.status, "headers": pairs})
        if isinstance(body, bytes):
            await send({"type": "http.response.body", "body": body})
            return
        chunks = iter(body)
        left = asyncio.ensure_future(_left(receive))
        try:
            while (chunk := await self.in_thread(next, chunks, None)) is not None:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
                if left.done():
                    return
        except Dropped:
            await _hang_up(scope, receive)
            return
        finally:
            left.cancel()
            reply.close()
        await send({"type": "http.response.body", "body": b""})

    def _say(self, scope: MutableMapping[str, Any], status: object) -> None:
        if self._lines is not None:
            # The path alone: a query may hold what its user would not want in a log.
            method, path = (scope[name][:most] for name, most in zip(("method", "path"), _SHOWN, strict=True))
            self._lines.say(f"{method} {ascii(path)[1:-1]} {status}")


class Gone:
    """In place of a body: the client left before it had sent all."""


async def _body(headers: dict[str, str], receive: Receive) -> bytes | Problem | Gone:
    length = headers.get("content-length", "")
    announced = int(length) if length.isdigit() and len(length) <= 20 else 0
    large = announced > MAX_BODY
    # Before it is received: to receive is to tell a client that asks first to send it.
    if large and (announced > _HOPELESS * MAX_BODY or "expect" in headers):
        return _too_large()
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body: bytes = message.get("body", b"")
        return body if len(body) <= MAX_BODY else _too_large()
    parts: list[bytes] = []
    size = 0
    while message["type"] == "http.request":
        part = message.get("body", b"")
        size += len(part)
        if size > MAX_BODY:
            large = True
            parts.clear()
        if not large:
            parts.append(part)
        if not message.get("more_body") or size > _HOPELESS * MAX_BODY:
            return _too_large() if large else b"".join(parts)
        message = await receive()
    return Gone()


def _too_large() -> Problem:
    return Problem(413, f"A body has at most {MAX_BODY >> 20} MiB")


async def _left_within(seconds: float, receive: Receive) -> bool:
    """Wait, but not for a client that is gone: whether it is."""
    try:
        async with asyncio.timeout(seconds):
            await _left(receive)
    except TimeoutError:
        return False
    return True


async def _left(receive: Receive) -> None:
    """Wait until the client leaves, or has its answer."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _hang_up(scope: MutableMapping[str, Any], receive: Receive) -> None:
    """End the connection where it is. Raises Dropped where the server does not say what the connection is."""
    transport = scope.get("state", {}).get(TRANSPORT)
    if transport is None:
        raise Dropped
    transport.close()
    await _left(receive)


def _pack(request: Request, reply: Response) -> None:
    """Compress what is worth it, for clients that ask for it."""
    headers = reply.headers
    head = request.method == "HEAD"
    if not headers.get("content-type", "").startswith(_PACKED) or ("content-length" in headers and not head):
        return
    headers["vary"] = "accept-encoding"
    body = reply.body
    wanted = request.headers.get("accept-encoding", "")
    if len(wanted) > _LONG_HEADER or not _takes_gzip(wanted):
        return
    if head:
        # How long it would be compressed is not known.
        if int(headers.get("content-length", 0)) >= _GZIP_FROM:
            del headers["content-length"]
        return
    if isinstance(body, bytes):
        if len(body) < _GZIP_FROM:
            return
        packer = _packer()
        reply.body = packer.compress(body) + packer.flush()
    elif isinstance(body, Faulty) or isinstance(getattr(body, "source", None), Faulty):
        return
    else:
        reply.body = _packed(body)
    headers["content-encoding"] = "gzip"


def _packer() -> Any:
    # The fastest level: what it saves on loopback is no time.
    return zlib.compressobj(1, zlib.DEFLATED, 16 + zlib.MAX_WBITS)


def _packed(chunks: Iterable[bytes]) -> Iterator[bytes]:
    packer = _packer()
    try:
        for chunk in chunks:
            if packed := packer.compress(chunk):
                yield packed
        yield packer.flush()
    finally:
        if (close := getattr(chunks, "close", None)) is not None:
            close()


@lru_cache(maxsize=1024)
def _shape(url: str) -> str:
    """A URL without what may differ between requests that cost about the same."""
    return _VARYING.sub("", url)


@lru_cache(maxsize=64)
def _takes_gzip(header: str) -> bool:
    for item in header.lower().split(","):
        name, _, weight = item.partition(";")
        if name.strip() in ("gzip", "x-gzip"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
