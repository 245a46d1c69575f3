"""The transport to a server in this process, such as the simulator behind `sim:`."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterator
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING

from digirm_runtime.bodies import AsyncBody, AsyncLeaving, Body, Leaving, in_threads, own_faults
from digirm_runtime.errors import RemoteManagerError, TooLarge, TransportError
from digirm_runtime.wire import AsyncResponse, Request, Response

if TYPE_CHECKING:
    from digirm_runtime.flow import Send
    from digirm_runtime.wire import Handler


def open_handler(url: str) -> Handler:
    """The server for a URL such as `sim:`, from the entry-point group `digirm.transports`.

    Raises RemoteManagerError where none is installed.
    """
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


class HandlerTransport:
    """Hands requests to a handler; on an event loop in a thread, since handlers are synchronous.

    A handler that raises ConnectionError, for an answer or within one, stands for a connection that broke. A body with
    a `delay` (seconds) stands for an answer that comes so late, and not in time where the call does not wait so long.
    """

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    def send(self, step: Send) -> Response:
        """Send one request. Raises TransportError."""
        request = step.request
        if not isinstance(request.body, bytes):
            with own_faults():
                request = _whole(request, b"".join(Leaving(request.body, step.until)))
        answer = self._ask(step, request)
        if _delay(answer):
            with _late(answer, step) as seconds:
                time.sleep(seconds)
            _settle(answer, step)
        if isinstance(answer.body, bytes):
            return answer
        return Response(answer.status, answer.headers, Body(_chunks(answer), answer.close))

    async def asend(self, step: Send) -> Response:
        """`send` on the running event loop."""
        import asyncio

        request = step.request
        if not isinstance(request.body, bytes):
            with own_faults():
                async with aclosing(aiter(AsyncLeaving(request.body, step.until))) as chunks:
                    request = _whole(request, b"".join([chunk async for chunk in chunks]))
        answer = await asyncio.to_thread(self._ask, step, request)
        if _delay(answer):
            # Waited for here, where it keeps no thread and can be cancelled.
            with _late(answer, step) as seconds:
                await asyncio.sleep(seconds)
            await asyncio.to_thread(_settle, answer, step)
        if step.stream and answer.status < 300:
            return AsyncResponse(answer.status, answer.headers, AsyncBody(_in_threads(answer), _closer(answer)))
        return answer

    def _ask(self, step: Send, request: Request) -> Response:
        """The answer, read to its end where it is there at once and not to be streamed."""
        try:
            answer = self._handler.handle(request)
        except ConnectionError as error:
            raise TransportError(str(error)) from error
        if not _delay(answer):
            _settle(answer, step)
        return answer

    def close(self) -> None:
        """Close the handler."""
        self._handler.close()

    async def aclose(self) -> None:
        """Close the handler."""
        self._handler.close()


def _whole(request: Request, body: bytes) -> Request:
    """The request as a handler gets it, which knows no sources."""
    return Request(request.method, request.url, request.headers, body)


def _delay(answer: Response) -> float:
    delay: float = getattr(answer.body, "delay", 0.0)
    return delay


@contextmanager
def _late(answer: Response, step: Send) -> Iterator[float]:
    """Around the wait for a late answer, of so many seconds. Raises TransportError where it does not come in time."""
    delay, most = _delay(answer), step.timeout
    answer.body.delay = 0.0  # type: ignore[union-attr]  # taken by the one who waits
    if step.until is not None:
        most = min(most, step.until - time.monotonic())
    try:
        yield max(0.0, min(delay, most))
        if delay > most:
            raise TransportError("timed out")
    except BaseException:
        answer.close()
        raise


def _settle(answer: Response, step: Send) -> None:
    """Read the answer to its end where it is not to be streamed."""
    if not (step.stream and answer.status < 300):
        answer.body = _read(answer, step)


def _read(answer: Response, step: Send) -> bytes:
    parts: list[bytes] = []
    size = 0
    try:
        for chunk in answer.chunks():
            parts.append(chunk)
            size += len(chunk)
            step.takes(size)
    except TooLarge:
        if answer.status < 300:
            raise
    except ConnectionError as error:
        # An error status says what went wrong, whatever became of its body.
        if answer.status < 300:
            raise TransportError(str(error), body=b"".join(parts)) from error
    finally:
        answer.close()
    return b"".join(parts)


def _chunks(answer: Response) -> Generator[bytes, None, None]:
    try:
        yield from answer.chunks()
    except ConnectionError as error:
        raise TransportError(str(error)) from error


async def _in_threads(answer: Response) -> AsyncGenerator[bytes, None]:
    try:
        async with aclosing(in_threads(_chunks(answer))) as chunks:
            async for chunk in chunks:
                yield chunk
    finally:
        answer.close()


def _closer(answer: Response) -> Callable[[], Awaitable[None]]:
    async def close() -> None:
        answer.close()

    return close
