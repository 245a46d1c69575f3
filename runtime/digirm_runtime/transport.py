"""The one module that knows httpx. Moving to another httpx-compatible library is a change of this module.

Requests go to httpx's transports directly: a client talks to one host, follows no redirects and keeps no cookies, so
that the rest of an `httpx.Client` would only cost time.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import AsyncGenerator, Callable, Generator
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from digirm_runtime.bodies import AsyncBody, AsyncLeaving, Body, Leaving, SourceError, apieces, pieces
from digirm_runtime.errors import RemoteManagerError, TooLarge, TransportError
from digirm_runtime.gzipped import DAMAGED
from digirm_runtime.pools import Lease, Pools
from digirm_runtime.proxies import proxy_for
from digirm_runtime.wire import AsyncResponse, Response

if TYPE_CHECKING:
    import ssl

    from digirm_runtime.flow import Send

T = TypeVar("T")

# Failures before a byte of the request can have been acted upon.
_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.ProxyError,
)

#: Said of a large body: a server that closes at once leaves an event loop no time to see why.
REFUSED = " (a service that refuses a body may close before its end)"
LATE = "the answer was not complete at the deadline"

# A host name that IDNA refuses comes as UnicodeError.
_FAULTS = (httpx.HTTPError, UnicodeError, DAMAGED)

#: What a forked process has of its parent's connections: closing them could wait for a thread that is not here.
_inherited: list[object] = []
_tls: ssl.SSLContext | None = None


def _tls_context() -> ssl.SSLContext:
    """One TLS context for the process: making one takes some 20 ms. Threads at once make two, which does no harm."""
    global _tls
    if _tls is None:
        _tls = httpx.create_ssl_context()
    return _tls


class HttpTransport:
    """How requests to one origin leave over HTTP. `transport` is an httpx transport to send through instead.

    Raises ValueError for an origin that no URL can have.
    """

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
        try:
            self._host = httpx.URL(origin).netloc
        except httpx.InvalidURL:
            raise ValueError("the address of the service is none that can be sent to") from None
        #: The headers of the last request, and the same as httpx has them: most requests of a client send the same.
        self._headers: tuple[dict[str, str], httpx.Headers] = ({}, httpx.Headers())
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._blocking: httpx.BaseTransport | None = None
        self._finalizer: weakref.finalize[..., Any] | None = None
        # Connections belong to the event loop that opened them.
        self._pools = Pools(_AsyncOpener(self._origin, self._given), renews=self._given is None)
        # Last: who reads it relies on the rest.
        self._pid = os.getpid()

    def _forked(self) -> None:
        """Leave the connections to the process that opened them: answers must not cross."""
        if self._finalizer is not None:
            self._finalizer.detach()
        _inherited.append((self._blocking, self._pools))
        self._begin()

    def _request(self, step: Send, leaving: type[Leaving] | type[AsyncLeaving]) -> httpx.Request:
        wire, timeout = step.request, step.timeout
        if step.until is not None:
            timeout = max(0.001, min(timeout, step.until - time.monotonic()))
        known, headers = self._headers
        if known != wire.headers:
            # With the host, which httpx would else add to each request anew.
            raw = {name.encode("ascii"): value.encode("ascii") for name, value in wire.headers.items()}
            headers = httpx.Headers([*({b"host": self._host} | raw).items()])
            self._headers = wire.headers, headers
        limits = {"connect": timeout, "read": timeout, "write": timeout, "pool": timeout}
        content: Any = wire.body or None
        if not isinstance(wire.body, bytes):
            content = leaving(wire.body, step.until)
            headers = httpx.Headers(headers)
            headers["content-length"] = str(wire.body.size)
        try:
            return httpx.Request(
                wire.method, wire.url, headers=headers, content=content, extensions={"timeout": limits}
            )
        except httpx.InvalidURL:
            raise ValueError("the URL is too long, or holds what no URL can") from None

    def send(self, step: Send) -> Response:
        """Send one request. Raises TransportError; ValueError for a URL that cannot be sent."""
        if self._pid != os.getpid():
            self._forked()
        transport = self._blocking or self._open()
        try:
            request = self._request(step, Leaving)
            if self._auth is None:
                response = transport.handle_request(request)
            else:
                response = _authorized(transport, self._auth, request)
        except SourceError as wrapped:
            raise wrapped.error from wrapped.error.__cause__
        except _FAULTS as error:
            raise _fault(error, origin=self._origin, step=step) from error
        except RuntimeError as error:
            raise _broken(error, closed=transport is not self._blocking) from error
        if step.stream and response.status_code < 300:
            return Response(response.status_code, _headers(response), Body(_chunks(response), response.close))
        return Response(response.status_code, _headers(response), _read(response, step))

    def _open(self) -> httpx.BaseTransport:
        # Threads that share a client must share its connections: those of one that lost a race would be closed in use.
        with self._lock:
            if self._blocking is None:
                if self._given is not None and not isinstance(self._given, httpx.BaseTransport):
                    raise TypeError("a blocking client needs an httpx.BaseTransport")
                self._blocking = self._given or _opened(httpx.HTTPTransport, self._origin)
                if self._given is None:  # the caller's own may serve others
                    self._finalizer = weakref.finalize(self, self._blocking.close)
            return self._blocking

    def close(self) -> None:
        """Close the connections of blocking calls."""
        if self._pid != os.getpid():
            self._forked()
        with self._lock:
            transport, self._blocking = self._blocking, None
            if self._finalizer is not None:
                self._finalizer.detach()
        if transport is not None:
            transport.close()

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
        if self._pid != os.getpid():
            self._forked()
        lease = self._pools.lease()
        try:
            response = await self._head(step, lease)
            if step.stream and response.status_code < 300:
                close = partial(_aclose, response, lease)
                return AsyncResponse(
                    response.status_code, _headers(response), AsyncBody(_achunks(response, lease), close)
                )
            body = await _aread(response, step, parts)
        except BaseException as error:
            lease.failed(error)
            lease.end()
            raise
        lease.end()
        return Response(response.status_code, _headers(response), body)

    async def _head(self, step: Send, lease: Lease[httpx.AsyncBaseTransport]) -> httpx.Response:
        transport = lease.pool.transport
        request = self._request(step, AsyncLeaving)
        try:
            if self._auth is None:
                return await transport.handle_async_request(request)
            return await _aauthorized(transport, self._auth, request)
        except SourceError as wrapped:
            raise wrapped.error from wrapped.error.__cause__
        except _FAULTS as error:
            raise _fault(error, origin=self._origin, step=step) from error
        except RuntimeError as error:
            raise _broken(error, closed=lease.pool.closed) from error

    async def aclose(self) -> None:
        """Close the connections of the running event loop."""
        if self._pid != os.getpid():
            self._forked()
        await self._pools.aclose()


class _AsyncOpener:
    """Makes the transports of event loops; it knows no HttpTransport, which can go when its last user has gone."""

    def __init__(self, origin: str, given: object) -> None:
        self._origin = origin
        self._given = given

    def __call__(self) -> httpx.AsyncBaseTransport:
        if self._given is None:
            return _opened(httpx.AsyncHTTPTransport, self._origin)
        if not isinstance(self._given, httpx.AsyncBaseTransport):
            raise TypeError("an async client needs an httpx.AsyncBaseTransport")
        return self._given


def _opened(kind: Callable[..., T], origin: str) -> T:
    """A transport. Raises RemoteManagerError for a proxy of the environment that cannot be used, which is not shown."""
    proxy = proxy_for(origin)
    verify = _tls_context() if origin.startswith("https:") else False
    try:
        return kind(verify=verify, proxy=proxy)
    except ImportError:
        raise RemoteManagerError(
            "a SOCKS proxy, as the environment names one, needs: pip install 'httpx[socks]'"
        ) from None
    except (httpx.InvalidURL, ValueError):
        if proxy is None:
            raise
        raise RemoteManagerError("the environment names a proxy whose address is none") from None


def _broken(error: RuntimeError, *, closed: bool) -> Exception:
    return TransportError("the client was closed during the call", sent=True) if closed else error


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


def _read(response: httpx.Response, step: Send) -> bytes:
    parts: list[bytes] = []
    size = 0
    try:
        for chunk in pieces(response):
            parts.append(chunk)
            size += len(chunk)
            step.takes(size)
            _in_time(step.until, parts)
    except TooLarge:
        if response.status_code < 300:
            raise
    except _FAULTS as error:
        # An error status says what went wrong, whatever became of its body.
        if response.status_code < 300:
            raise _fault(error, b"".join(parts)) from error
    finally:
        response.close()
    return b"".join(parts)


def _chunks(response: httpx.Response) -> Generator[bytes, None, None]:
    try:
        yield from pieces(response)
    except _FAULTS as error:
        raise _fault(error) from error
    finally:
        response.close()


async def _aread(response: httpx.Response, step: Send, parts: list[bytes]) -> bytes:
    size = 0
    try:
        async for chunk in apieces(response):
            parts.append(chunk)
            size += len(chunk)
            step.takes(size)
            _in_time(step.until, parts)
    except TooLarge:
        if response.status_code < 300:
            raise
    except _FAULTS as error:
        # An error status says what went wrong, whatever became of its body.
        if response.status_code < 300:
            raise _fault(error, b"".join(parts)) from error
    finally:
        await response.aclose()
    return b"".join(parts)


async def _achunks(response: httpx.Response, lease: Lease[httpx.AsyncBaseTransport]) -> AsyncGenerator[bytes, None]:
    try:
        async for chunk in apieces(response):
            yield chunk
    except _FAULTS as error:
        raise _fault(error) from error
    except BaseException as error:
        lease.failed(error)
        raise
    finally:
        await _aclose(response, lease)


async def _aclose(response: httpx.Response, lease: Lease[httpx.AsyncBaseTransport]) -> None:
    try:
        await response.aclose()
    except BaseException as error:
        lease.failed(error)
        raise
    finally:
        lease.end()


def _in_time(until: float | None, parts: list[bytes]) -> None:
    if until is not None and time.monotonic() > until:
        raise TransportError(LATE, body=b"".join(parts))


def _fault(
    error: Exception, body: bytes = b"", origin: str = "the service", step: Send | None = None
) -> TransportError:
    if isinstance(error, httpx.LocalProtocolError):
        # Its text quotes the request, credentials included.
        return TransportError("the request cannot be written as HTTP", sent=False)
    if isinstance(error, UnicodeError):
        return TransportError("no such host name is possible", sent=False)
    message, sent = _plain(error, origin), not isinstance(error, _NOT_SENT)
    if sent and step is not None and not isinstance(step.request.body, bytes):
        message += REFUSED * isinstance(error, httpx.NetworkError)
    return TransportError(message, sent=sent, body=body)


#: What httpx says of a connection that ended early. All else that it says of a protocol quotes the other side.
_ENDED = ("Server disconnected", "peer closed connection")


def _plain(error: Exception, origin: str) -> str:
    if isinstance(error, httpx.TimeoutException):
        return f"timed out while connecting to {origin}" if isinstance(error, httpx.ConnectTimeout) else "timed out"
    if isinstance(error, DAMAGED):
        return f"the compressed answer is damaged: {error}"
    if isinstance(error, httpx.ProxyError):
        return "the proxy refused"
    if isinstance(error, httpx.RemoteProtocolError) and not str(error).startswith(_ENDED):
        return "the answer is no HTTP"
    what = f"cannot connect to {origin}" if isinstance(error, httpx.ConnectError) else "the connection broke"
    return f"{what}: {error}" if str(error) else what
