"""The one module that knows httpx, and the two drivers of the flow.

Moving to another httpx-compatible library is a change of this module. A URL with another scheme than http or https is
served by an in-process handler from the entry-point group `digirm.transports`.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from digirm_runtime.errors import RemoteManagerError, TransportError
from digirm_runtime.flow import Acquire, Flow, Send, Step, Wait
from digirm_runtime.wire import AsyncResponse, Handler, Response

if TYPE_CHECKING:
    import ssl

T = TypeVar("T")

# Failures before a byte of the request can have been acted upon.
_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.ProxyError,
)

# A host name that IDNA refuses comes as UnicodeError.
_FAULTS = (httpx.HTTPError, httpx.InvalidURL, UnicodeError)

_tls: ssl.SSLContext | None = None
_tls_lock = threading.Lock()


def _tls_context() -> ssl.SSLContext:
    """One TLS context for the process: making one takes some 20 ms."""
    global _tls
    with _tls_lock:
        if _tls is None:
            _tls = httpx.create_ssl_context()
        return _tls


def _fault(error: Exception) -> TransportError:
    if isinstance(error, httpx.LocalProtocolError):
        # Its text quotes the request, credentials included.
        return TransportError("the request cannot be written as HTTP", sent=False)
    if isinstance(error, UnicodeError):
        return TransportError("no such host name is possible", sent=False)
    message = str(error) or type(error).__name__
    return TransportError(f"{_plain_name(error)}: {message}", sent=not isinstance(error, _NOT_SENT))


def _plain_name(error: Exception) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "timed out"
    return "cannot connect" if isinstance(error, httpx.ConnectError) else "the connection broke"


def open_handler(url: str) -> Handler:
    """The in-process server for a URL such as `sim:`. Raises RemoteManagerError where none is installed."""
    from importlib.metadata import entry_points

    scheme = url.partition(":")[0]
    installed = entry_points(group="digirm.transports")
    found = installed.select(name=scheme)
    if not found:
        known = ", ".join(sorted({f"{point.name}:" for point in installed})) or "none, as no simulator is installed"
        raise RemoteManagerError(f"{url!r} does not begin with http:// or https:// (in process: {known})")
    try:
        open_url: Callable[[str], Handler] = next(iter(found)).load()
    except ModuleNotFoundError as error:
        raise RemoteManagerError(f"{scheme}: needs the module {error.name}: pip install 'digirm[simulator]'") from None
    try:
        return open_url(url)
    except ValueError as error:
        raise RemoteManagerError(f"{url}: {error}") from None


class Transport:
    """How a client's requests leave: over httpx, or to a handler in this process. Connections open at first use."""

    def __init__(
        self,
        origin: str,
        *,
        handler: Handler | None = None,
        transport: Any = None,
        auth: httpx.Auth | None = None,
    ) -> None:
        self._origin = origin
        self._handler = handler
        self._transport = transport
        self._auth = auth
        self._lock = threading.Lock()
        self._sync: httpx.Client | None = None
        self._finalizer: weakref.finalize[..., Any] | None = None
        # httpx binds its connections to the event loop that opened them.
        self._by_loop: weakref.WeakKeyDictionary[Any, httpx.AsyncClient] = weakref.WeakKeyDictionary()

    def _settings(self) -> dict[str, Any]:
        settings: dict[str, Any] = {"follow_redirects": False, "auth": self._auth, "transport": self._transport}
        if self._transport is None:
            settings["verify"] = _tls_context() if self._origin.startswith("https:") else False
        return settings

    # -- blocking -----------------------------------------------------------------------------------------------------

    def run(self, flow: Flow[T]) -> T:
        """Drive a flow with blocking calls."""
        try:
            step = next(flow)
            while True:
                try:
                    value = self._do(step)
                except TransportError as error:
                    step = flow.throw(error)
                else:
                    step = flow.send(value)
        except StopIteration as stop:
            result: T = stop.value
            return result
        finally:
            flow.close()

    def _do(self, step: Step) -> Response | None:
        if isinstance(step, Send):
            return self._send(step)
        if isinstance(step, Wait):
            time.sleep(step.seconds)
        else:
            _acquire(step)
        return None

    def _send(self, step: Send) -> Response:
        if self._handler is not None:
            return _whole(self._handler.handle(step.request), step.stream)
        with self._lock:
            if self._sync is None:
                self._sync = httpx.Client(**self._settings())
                self._finalizer = weakref.finalize(self, self._sync.close)
            client = self._sync
        try:
            response = client.send(_request(client, step), stream=True)
        except _FAULTS as error:
            raise _fault(error) from error
        except RuntimeError as error:
            if not client.is_closed:
                raise
            raise TransportError("the client was closed during the call", sent=False) from error
        answer = Response(
            response.status_code, response.headers, _chunks(response, None if step.stream else step.until)
        )
        if not step.stream or response.status_code >= 300:
            answer.read()
        return answer

    def close(self) -> None:
        """Close the connections of the blocking client and the handler."""
        with self._lock:
            client, self._sync = self._sync, None
            if self._finalizer is not None:
                self._finalizer.detach()
        if client is not None:
            client.close()
        if self._handler is not None:
            self._handler.close()

    # -- asyncio ------------------------------------------------------------------------------------------------------

    async def arun(self, flow: Flow[T]) -> T:
        """Drive a flow on the running asyncio loop."""
        try:
            step = next(flow)
            while True:
                try:
                    value = await self._ado(step)
                except TransportError as error:
                    step = flow.throw(error)
                else:
                    step = flow.send(value)
        except StopIteration as stop:
            result: T = stop.value
            return result
        finally:
            flow.close()

    async def _ado(self, step: Step) -> Response | None:
        import asyncio

        if isinstance(step, Send):
            return await self._asend(step)
        if isinstance(step, Wait):
            await asyncio.sleep(step.seconds)
        else:
            await _aacquire(step)
        return None

    async def _asend(self, step: Send) -> Response:
        import asyncio

        if self._handler is not None:
            # The handler is synchronous; a thread keeps the loop free while it works.
            answer = await asyncio.to_thread(self._handler.handle, step.request)
            if step.stream and answer.status < 300:
                return AsyncResponse(answer.status, answer.headers, _in_threads(answer))
            return _whole(answer, False)
        loop = asyncio.get_running_loop()
        client = self._by_loop.get(loop)
        if client is None:
            client = self._by_loop[loop] = httpx.AsyncClient(**self._settings())
        try:
            response = await client.send(_request(client, step), stream=True)
        except _FAULTS as error:
            raise _fault(error) from error
        except RuntimeError as error:
            if not client.is_closed:
                raise
            raise TransportError("the client was closed during the call", sent=False) from error
        if step.stream and response.status_code < 300:
            return AsyncResponse(response.status_code, response.headers, _achunks(response, None))
        body = b"".join([chunk async for chunk in _achunks(response, step.until)])
        return Response(response.status_code, response.headers, body)

    async def aclose(self) -> None:
        """Close the connections of the running loop, and the handler."""
        import asyncio

        client = self._by_loop.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()
        if self._handler is not None:
            self._handler.close()


def _whole(response: Response, stream: bool) -> Response:
    if not stream:
        response.read()
    return response


def _chunks(response: httpx.Response, until: float | None) -> Iterator[bytes]:
    try:
        for chunk in response.iter_bytes():
            _in_time(until)
            yield chunk
    except httpx.HTTPError as error:
        raise _fault(error) from error
    finally:
        response.close()


async def _in_threads(response: Response) -> AsyncGenerator[bytes, None]:
    import asyncio

    chunks = response.chunks()
    try:
        while True:
            step = asyncio.ensure_future(asyncio.to_thread(next, chunks, None))
            try:
                chunk = await asyncio.shield(step)
            finally:
                # A body cannot be closed while a thread is in it: one that is cancelled waits for its chunk.
                await asyncio.wait([step])
            if chunk is None:
                return
            yield chunk
    finally:
        response.close()


async def _achunks(response: httpx.Response, until: float | None) -> AsyncGenerator[bytes, None]:
    try:
        async for chunk in response.aiter_bytes():
            _in_time(until)
            yield chunk
    except httpx.HTTPError as error:
        raise _fault(error) from error
    finally:
        await response.aclose()


def _request(client: httpx.Client | httpx.AsyncClient, step: Send) -> httpx.Request:
    wire, timeout = step.request, step.timeout
    if step.until is not None:
        timeout = max(0.001, min(timeout, step.until - time.monotonic()))
    return client.build_request(wire.method, wire.url, headers=wire.headers, content=wire.body or None, timeout=timeout)


def _in_time(until: float | None) -> None:
    if until is not None and time.monotonic() > until:
        raise TransportError("the answer was not complete at the deadline")


def _patience(delay: float, until: float | None) -> float:
    """How long to wait for a slot. Raises TransportError where it cannot come before the deadline."""
    if until is None:
        return delay
    left = until - time.monotonic()
    if left <= 0:
        raise TransportError("no request was free under the throttle before the deadline", sent=False)
    return min(delay, left)


def _acquire(step: Acquire) -> None:
    while True:
        woken = threading.Event()
        delay = step.governor.enter(woken.set)
        if delay is None:
            return
        try:
            woken.wait(_patience(delay, step.until))
        finally:
            step.governor.forget(woken.set)


async def _aacquire(step: Acquire) -> None:
    import asyncio

    loop = asyncio.get_running_loop()
    while True:
        woken = asyncio.Event()

        def wake(woken: asyncio.Event = woken) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(woken.set)

        delay = step.governor.enter(wake)
        if delay is None:
            return
        try:
            async with asyncio.timeout(_patience(delay, step.until)):
                await woken.wait()
        except TimeoutError:
            pass
        finally:
            step.governor.forget(wake)
