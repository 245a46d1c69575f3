"""The transport to a server in this process, such as the simulator behind `sim:`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TYPE_CHECKING

from digirm_runtime.bodies import AsyncBody
from digirm_runtime.errors import RemoteManagerError
from digirm_runtime.wire import AsyncResponse

if TYPE_CHECKING:
    from digirm_runtime.flow import Send
    from digirm_runtime.wire import Handler, Response


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
    """Hands requests to a handler; on an event loop in a thread, since handlers are synchronous."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    def send(self, step: Send) -> Response:
        """Send one request."""
        answer = self._handler.handle(step.request)
        if not step.stream:
            answer.read()
        return answer

    async def asend(self, step: Send) -> Response:
        """`send` on the running event loop."""
        import asyncio

        answer = await asyncio.to_thread(self._handler.handle, step.request)
        if step.stream and answer.status < 300:
            return AsyncResponse(answer.status, answer.headers, AsyncBody(_in_threads(answer), _closer(answer)))
        answer.read()
        return answer

    def close(self) -> None:
        """Close the handler."""
        self._handler.close()

    async def aclose(self) -> None:
        """Close the handler."""
        self._handler.close()


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


def _closer(response: Response) -> Callable[[], Awaitable[None]]:
    async def close() -> None:
        response.close()

    return close
