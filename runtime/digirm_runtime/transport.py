"""The one module that knows httpx. Moving to another httpx-compatible library is a change of this module.

Requests go to httpx's transports directly: a client talks to one host, follows no redirects and keeps no cookies, so
that the rest of an `httpx.Client` would only cost time.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import AsyncGenerator, Generator, Iterator
from typing import TYPE_CHECKING, Any

import httpx

from digirm_runtime.errors import RemoteManagerError, TransportError
from digirm_runtime.gzipped import DAMAGED, Gzip
from digirm_runtime.wire import AsyncResponse, Response

if TYPE_CHECKING:
    import ssl

    from digirm_runtime.flow import Send

# Failures before a byte of the request can have been acted upon.
_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.ProxyError,
)

LATE = "the answer was not complete at the deadline"

# A host name that IDNA refuses comes as UnicodeError.
_FAULTS = (httpx.HTTPError, httpx.InvalidURL, UnicodeError, DAMAGED)

_tls: ssl.SSLContext | None = None
_tls_lock = threading.Lock()


def _tls_context() -> ssl.SSLContext:
    """One TLS context for the process: making one takes some 20 ms."""
    global _tls
    with _tls_lock:
        if _tls is None:
            _tls = httpx.create_ssl_context()
        return _tls


class HttpTransport:
    """How requests to one origin leave over HTTP. `transport` is an httpx transport to send through instead."""

    def __init__(
        self,
        origin: str,
        *,
        transport: httpx.BaseTransport | httpx.AsyncBaseTransport | None = None,
        auth: httpx.Auth | None = None,
    ) -> None:
        self._origin = origin
        self._given = transport
        self._auth = auth
        self._host = httpx.URL(origin).netloc
        #: The headers of the last request, and the same as httpx has them: most requests of a client send the same.
        self._headers: tuple[dict[str, str], httpx.Headers] = ({}, httpx.Headers())
        self._lock = threading.Lock()
        self._blocking: httpx.BaseTransport | None = None
        self._finalizer: weakref.finalize[..., Any] | None = None
        # Connections belong to the event loop that opened them.
        self._by_loop: weakref.WeakKeyDictionary[Any, httpx.AsyncBaseTransport] = weakref.WeakKeyDictionary()

    def _settings(self) -> dict[str, Any]:
        verify = _tls_context() if self._origin.startswith("https:") else False
        return {"verify": verify, "proxy": _proxy(self._origin)}

    def _request(self, step: Send) -> httpx.Request:
        wire, timeout = step.request, step.timeout
        if step.until is not None:
            timeout = max(0.001, min(timeout, step.until - time.monotonic()))
        known, headers = self._headers
        if known != wire.headers:
            # With the host, which httpx would else add to each request anew.
            raw = [(name.encode("ascii"), value.encode("ascii")) for name, value in wire.headers.items()]
            headers = httpx.Headers([(b"host", self._host), *raw])
            self._headers = wire.headers, headers
        limits = {"connect": timeout, "read": timeout, "write": timeout, "pool": timeout}
        return httpx.Request(
            wire.method, wire.url, headers=headers, content=wire.body or None, extensions={"timeout": limits}
        )

    def send(self, step: Send) -> Response:
        """Send one request. Raises TransportError."""
        transport = self._blocking or self._open()
        try:
            request = self._request(step)
            if self._auth is None:
                response = transport.handle_request(request)
            else:
                response = _authorized(transport, self._auth, request)
        except _FAULTS as error:
            raise _fault(error) from error
        except RuntimeError as error:
            raise self._broken(error, transport) from error
        if step.stream and response.status_code < 300:
            return Response(response.status_code, _headers(response), _chunks(response))
        return Response(response.status_code, _headers(response), _read(response, step.until))

    def _open(self) -> httpx.BaseTransport:
        # Threads that share a client must share its connections: those of one that lost a race would be closed in use.
        with self._lock:
            if self._blocking is None:
                if self._given is not None and not isinstance(self._given, httpx.BaseTransport):
                    raise TypeError("a blocking client needs an httpx.BaseTransport")
                self._blocking = self._given or httpx.HTTPTransport(**self._settings())
                self._finalizer = weakref.finalize(self, self._blocking.close)
            return self._blocking

    def close(self) -> None:
        """Close the connections of blocking calls."""
        with self._lock:
            transport, self._blocking = self._blocking, None
            if self._finalizer is not None:
                self._finalizer.detach()
        if transport is not None:
            transport.close()

    def _broken(self, error: RuntimeError, transport: object) -> Exception:
        if transport is self._blocking or any(transport is one for one in self._by_loop.values()):
            return error
        return TransportError("the client was closed during the call", sent=True)

    async def asend(self, step: Send) -> Response:
        """`send` on the running event loop, where a deadline bounds everything."""
        import asyncio

        parts: list[bytes] = []
        if step.until is None:
            return await self._asend(step, parts)
        try:
            async with asyncio.timeout(step.until - time.monotonic()):
                return await self._asend(step, parts)
        except TimeoutError:
            raise TransportError(LATE, body=b"".join(parts)) from None

    async def _asend(self, step: Send, parts: list[bytes]) -> Response:
        import asyncio

        loop = asyncio.get_running_loop()
        transport = self._by_loop.get(loop)
        if transport is None:
            if self._given is not None and not isinstance(self._given, httpx.AsyncBaseTransport):
                raise TypeError("an async client needs an httpx.AsyncBaseTransport")
            transport = self._by_loop[loop] = self._given or httpx.AsyncHTTPTransport(**self._settings())
        try:
            request = self._request(step)
            if self._auth is None:
                response = await transport.handle_async_request(request)
            else:
                response = await _aauthorized(transport, self._auth, request)
        except _FAULTS as error:
            raise _fault(error) from error
        except RuntimeError as error:
            raise self._broken(error, transport) from error
        if step.stream and response.status_code < 300:
            return AsyncResponse(response.status_code, _headers(response), _achunks(response))
        return Response(response.status_code, _headers(response), await _aread(response, step.until, parts))

    async def aclose(self) -> None:
        """Close the connections of the running event loop."""
        import asyncio

        transport = self._by_loop.pop(asyncio.get_running_loop(), None)
        if transport is not None:
            await transport.aclose()


def _proxy(origin: str) -> str | None:
    """The proxy that the environment names for this origin, as httpx's own clients would use it.

    Raises RemoteManagerError for one of a kind that cannot be used.
    """
    from urllib.parse import urlsplit
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(origin)
    proxies = getproxies()
    found = proxies.get(parts.scheme) or proxies.get("all")
    if not found or proxy_bypass(parts.netloc):
        return None
    address = found if "://" in found else f"http://{found}"
    if address.partition(":")[0].lower() not in ("http", "https", "socks5", "socks5h"):
        # It may hold a password: it is not shown.
        raise RemoteManagerError(f"the environment names a proxy for {parts.scheme}: that is not http, https or socks5")
    return address


def _headers(response: httpx.Response) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in response.headers.raw}


def _authorized(transport: httpx.BaseTransport, auth: httpx.Auth, request: httpx.Request) -> httpx.Response:
    flow: Generator[httpx.Request, httpx.Response, None] = auth.sync_auth_flow(request)
    try:
        request = next(flow)
        while True:
            response = transport.handle_request(request)
            response.request = request
            try:
                request = flow.send(response)
            except StopIteration:
                return response
            response.close()
    finally:
        flow.close()


async def _aauthorized(transport: httpx.AsyncBaseTransport, auth: httpx.Auth, request: httpx.Request) -> httpx.Response:
    flow = auth.async_auth_flow(request)
    try:
        request = await anext(flow)
        while True:
            response = await transport.handle_async_request(request)
            response.request = request
            try:
                request = await flow.asend(response)
            except StopAsyncIteration:
                return response
            await response.aclose()
    finally:
        await flow.aclose()


def _read(response: httpx.Response, until: float | None) -> bytes:
    parts: list[bytes] = []
    try:
        for chunk in _pieces(response):
            parts.append(chunk)
            _in_time(until, parts)
    except _FAULTS as error:
        # An error status says what went wrong, whatever became of its body.
        if response.status_code < 300:
            raise _fault(error, b"".join(parts)) from error
    finally:
        response.close()
    return b"".join(parts)


def _chunks(response: httpx.Response) -> Iterator[bytes]:
    try:
        yield from _pieces(response)
    except _FAULTS as error:
        raise _fault(error) from error
    finally:
        response.close()


def _pieces(response: httpx.Response) -> Iterator[bytes]:
    encoding = _encoding(response)
    if encoding not in ("", "gzip"):
        return response.iter_bytes()
    # As it comes: httpx would only copy it.
    stream: Any = response.stream
    return _unpacked(stream) if encoding else iter(stream)


def _unpacked(stream: Iterator[bytes]) -> Iterator[bytes]:
    packed = Gzip()
    for chunk in stream:
        yield from packed.feed(chunk)
    packed.end()


def _encoding(response: httpx.Response) -> str:
    """What a body must be freed of: `gzip`, which was asked for, nothing, or what is left to httpx."""
    if response.is_stream_consumed:
        return "read already"
    encoding: str = response.headers.get("content-encoding", "")
    return encoding.strip().lower()


async def _aread(response: httpx.Response, until: float | None, parts: list[bytes]) -> bytes:
    try:
        async for chunk in _apieces(response):
            parts.append(chunk)
            _in_time(until, parts)
    except _FAULTS as error:
        # An error status says what went wrong, whatever became of its body.
        if response.status_code < 300:
            raise _fault(error, b"".join(parts)) from error
    finally:
        await response.aclose()
    return b"".join(parts)


async def _achunks(response: httpx.Response) -> AsyncGenerator[bytes, None]:
    try:
        async for chunk in _apieces(response):
            yield chunk
    except _FAULTS as error:
        raise _fault(error) from error
    finally:
        await response.aclose()


def _apieces(response: httpx.Response) -> Any:
    encoding = _encoding(response)
    if encoding not in ("", "gzip"):
        return response.aiter_bytes()
    return _aunpacked(response.stream) if encoding else response.stream


async def _aunpacked(stream: Any) -> AsyncGenerator[bytes, None]:
    packed = Gzip()
    async for chunk in stream:
        for piece in packed.feed(chunk):
            yield piece
    packed.end()


def _in_time(until: float | None, parts: list[bytes]) -> None:
    if until is not None and time.monotonic() > until:
        raise TransportError(LATE, body=b"".join(parts))


def _fault(error: Exception, body: bytes = b"") -> TransportError:
    if isinstance(error, httpx.LocalProtocolError):
        # Its text quotes the request, credentials included.
        return TransportError("the request cannot be written as HTTP", sent=False)
    if isinstance(error, UnicodeError):
        return TransportError("no such host name is possible", sent=False)
    return TransportError(_plain(error), sent=not isinstance(error, _NOT_SENT), body=body)


def _plain(error: Exception) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "timed out while connecting" if isinstance(error, httpx.ConnectTimeout) else "timed out"
    if isinstance(error, DAMAGED):
        return f"the compressed answer is damaged: {error}"
    what = "cannot connect" if isinstance(error, httpx.ConnectError) else "the connection broke"
    return f"{what}: {error}" if str(error) else what
