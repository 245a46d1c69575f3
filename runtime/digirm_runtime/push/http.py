"""Receiving over HTTP: an ASGI application that a monitor's `url` leads to.

Source: Digi's `devicecloud` 0.5.10 for PUT and POST and for the token, `user:password` sent as Basic. How v1's
`auth_token` is sent is not known; a token is taken as Basic, as Bearer, and as it is (inferred).
"""

from __future__ import annotations

import asyncio
import logging
from base64 import b64encode
from collections.abc import Awaitable, Callable, MutableMapping
from hmac import compare_digest
from typing import Any, TypeAlias

from digirm_runtime.push.events import Batch
from digirm_runtime.push.framing import MAX_BODY, MAX_MESSAGE, PushError, TooLargeError, inflate
from digirm_runtime.push.tcp import Handler, handle

log = logging.getLogger("digirm")

_Message: TypeAlias = MutableMapping[str, Any]
_Receive: TypeAlias = Callable[[], Awaitable[_Message]]
_Send: TypeAlias = Callable[[_Message], Awaitable[None]]

_GZIP = b"\x1f\x8b"


class _RefusedError(Exception):
    """A request that is answered with an error; `headers` are added."""

    def __init__(self, status: int, text: str, *headers: tuple[bytes, bytes]) -> None:
        super().__init__(text)
        self.status = status
        self.headers = headers


class HttpReceiver:
    """An ASGI application that hands what a monitor pushes to `handler`, and answers 200 when that has returned.

    Mount it in Starlette or FastAPI, or serve it with uvicorn. `auth` is the monitor's token, or `(user, password)`;
    None lets everybody in, for where something before it checks. A `handler` that raises is logged and answered with
    500, upon which the service sends the batch again; one that blocks runs in a thread. It has one batch at a time.
    `max_bytes` bounds a request, `max_body` what it unpacks to.

    Answers 401 for other credentials, 405 for what is neither PUT nor POST, and 413 for what is too long. By its
    content type JSON or XML, a body is answered with 413 where it holds too much, and with 400 where it is broken, as
    is what cannot be unpacked. Any other text is a batch: a template may say anything.
    """

    def __init__(
        self,
        handler: Handler,
        *,
        auth: str | tuple[str, str] | None,
        max_bytes: int = MAX_MESSAGE,
        max_body: int = MAX_BODY,
    ) -> None:
        self._handler = handler
        self._expected = _expected(auth)
        self._max_bytes = max_bytes
        self._max_body = max_body
        self._lock = asyncio.Lock()

    async def __call__(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        """One request, as ASGI has it."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] != "http":
            await receive()
            await send({"type": "websocket.close", "code": 1003})
        else:
            await self._answer(scope, receive, send)

    async def _answer(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        status, text = 200, ""
        more: tuple[tuple[bytes, bytes], ...] = ()
        try:
            batch = await self._read(scope, receive)
            if batch is None:
                return
            async with self._lock:
                await handle(self._handler, batch)
        except _RefusedError as refusal:
            status, text, more = refusal.status, str(refusal), refusal.headers
        except Exception:
            # The answer must be that of a server that could not take the batch, whatever went wrong.
            log.exception("a batch of a monitor was not taken")
            status, text = 500, "The batch was not taken."
        body = text.encode()
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": [*headers, *more]})
        await send({"type": "http.response.body", "body": body})

    async def _read(self, scope: _Message, receive: _Receive) -> Batch | None:
        """The batch of a request; None where the client has left. Raises _RefusedError."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        if not self._knows(headers.get(b"authorization", b"")):
            raise _RefusedError(401, "Not the monitor's credentials.", (b"www-authenticate", b'Basic realm="monitor"'))
        if scope["method"] not in ("PUT", "POST"):
            raise _RefusedError(405, "Monitors send PUT or POST.", (b"allow", b"PUT, POST"))
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or len(length) > 18 or int(length) > self._max_bytes:
            raise _RefusedError(413, "Too long.", (b"connection", b"close"))
        body = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            body += message.get("body", b"")
            if len(body) > self._max_bytes:
                raise _RefusedError(413, "Too long.", (b"connection", b"close"))
            more = message.get("more_body", False)
        kind = headers.get(b"content-type", b"").partition(b";")[0].lower()
        return await asyncio.to_thread(self._batch, bytes(body), b"json" in kind or b"xml" in kind)

    def _batch(self, body: bytes, structured: bool) -> Batch:
        # Whether a compressed push says so in a header is not known; no JSON or XML begins like this.
        if _is_packed(body):
            try:
                body = inflate(body, self._max_body)
            except PushError as error:
                # `x^2` begins as zlib data may, too.
                if not _is_text(body):
                    raise _RefusedError(413 if isinstance(error, TooLargeError) else 400, f"{error}.") from None
        batch = Batch(body)
        if structured and batch.fault is not None:
            raise _RefusedError(413 if batch.too_large else 400, f"{batch.fault}.")
        return batch

    def _knows(self, given: bytes) -> bool:
        return not self._expected or any(compare_digest(given, expected) for expected in self._expected)


def _is_packed(body: bytes) -> bool:
    """Whether this begins as gzip data, or with the two bytes of zlib, which together are divisible by 31."""
    return body.startswith(_GZIP) or (body[:1] == b"x" and int.from_bytes(body[:2]) % 31 == 0)


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _expected(auth: str | tuple[str, str] | None) -> list[bytes]:
    """The values of the header `Authorization` that are let in. Raises ValueError for credentials that are none."""
    if auth is None:
        return []
    token = auth if isinstance(auth, str) else ":".join(auth)
    if not token.strip(" :"):
        raise ValueError("the token is empty; auth=None lets everybody in")
    basic = b"Basic " + b64encode(token.encode())
    return [basic] if isinstance(auth, tuple) else [basic, b"Bearer " + token.encode(), token.encode()]


async def _live(receive: _Receive, send: _Send) -> None:
    """Start and end with the server."""
    while True:
        event = (await receive())["type"]
        await send({"type": f"{event}.complete"})
        if event == "lifespan.shutdown":
            return
