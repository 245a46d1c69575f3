"""Requests and responses in plain types: what the flow yields, drivers send, and in-process transports answer."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol, runtime_checkable

from digirm_runtime.secrets import shown

#: Response header by which the simulator says that it is one; a crawl that sees it writes `reconstructed` specs.
SIMULATOR_HEADER = "x-digirm-simulator"


@runtime_checkable
class Source(Protocol):
    """A body too large to hold: read anew for each try.

    `size` is its length in bytes. `chunks()` raises OSError where it cannot be read, which ends the call. A source that
    has a method `passed(done)` is told, by who sends it, how many bytes of a try have left.
    """

    size: int

    def chunks(self) -> Iterator[bytes]:
        """Its bytes from the beginning, in pieces."""
        ...


class Request:
    """One HTTP request.

    `url` is absolute, or starts with `/` where it goes to an in-process handler. `headers` has lower-case names.
    `body` is bytes for a handler; what leaves over HTTP may be a Source.
    """

    __slots__ = ("body", "headers", "method", "url")

    def __init__(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes | Source = b""
    ) -> None:
        self.method = method
        self.url = url
        self.headers: dict[str, str] = {k.lower(): v for k, v in (headers or {}).items()}
        self.body = body

    def read(self) -> bytes:
        """The whole body."""
        return self.body if isinstance(self.body, bytes) else b"".join(self.body.chunks())

    def __repr__(self) -> str:
        # Neither headers (credentials) nor body (device passwords) belong in a log.
        return f"<Request {self.method} {shown(self.url)}>"


class Held(Protocol):
    """What a call holds while it lasts: a slot of the throttle."""

    owner: Any

    def release(self) -> None:
        """Give it back."""
        ...


class Response:
    """One HTTP response. `headers` has lower-case names; `body` is bytes, or an iterable of chunks while streamed.

    `held` is what closing gives back beside the body; `asked` the method, the URL as it may be shown, and which try it
    was.
    """

    __slots__ = ("asked", "body", "headers", "held", "status")

    def __init__(
        self, status: int, headers: Mapping[str, str] | None = None, body: bytes | Iterable[bytes] = b""
    ) -> None:
        self.status = status
        self.headers: dict[str, str] = {k.lower(): v for k, v in (headers or {}).items()}
        self.body = body
        self.held: Sequence[Held] = ()
        self.asked: tuple[str, str, int] = ("", "", 1)

    @property
    def charset(self) -> str | None:
        """The encoding that the content type names, in lower case; None where it names none."""
        kind = self.headers.get("content-type", "").lower()
        return kind.partition("charset=")[2].partition(";")[0].strip(" \"'") or None

    def read(self) -> bytes:
        """The whole body; a streamed one is read to its end and kept."""
        if not isinstance(self.body, bytes):
            self.body = b"".join(self.body)
        return self.body

    def chunks(self) -> Iterator[bytes]:
        """The body in pieces. Whoever reads them counts as the one who will give back what is held."""
        if isinstance(self.body, bytes):
            yield self.body
            return
        for chunk in self.body:
            self._touch()
            yield chunk

    def close(self) -> None:
        """Give back what a streamed body holds, read to its end or not."""
        try:
            close = getattr(self.body, "close", None)
            if close is not None:
                close()
        finally:
            self._release()

    def _touch(self) -> None:
        if self.held:
            from digirm_runtime.throttle import me

            owner = me()
            for held in self.held:
                held.owner = owner

    def _release(self) -> None:
        held, self.held = self.held, ()
        for one in held:
            one.release()

    def __repr__(self) -> str:
        return f"<Response {self.status}>"


class Stream(Protocol):
    """The chunks of a body on an event loop."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """The chunks, once."""
        ...

    async def aclose(self) -> None:
        """Give back what they hold, read to their end or not."""
        ...


#: Responses that are closed by those who cannot wait for it; an event loop does not keep its tasks alive.
_closing: set[object] = set()


class AsyncResponse(Response):
    """A response whose body is an asynchronous iterator of chunks, `stream`."""

    __slots__ = ("stream",)

    def __init__(self, status: int, headers: Mapping[str, str], stream: Stream) -> None:
        super().__init__(status, headers)
        self.stream = stream

    async def achunks(self) -> AsyncGenerator[bytes, None]:
        """The body in pieces. Whoever reads them counts as the one who will give back what is held."""
        async for chunk in self.stream:
            self._touch()
            yield chunk

    def close(self) -> None:
        """`aclose` in a task of its own, for those who run on the event loop and cannot wait."""
        import asyncio

        task = asyncio.get_running_loop().create_task(self.aclose())
        _closing.add(task)
        task.add_done_callback(_closing.discard)

    async def aclose(self) -> None:
        """Give back what the stream holds, read to its end or not."""
        try:
            # An event loop that ends closes all generators at once, in any order.
            with suppress(RuntimeError):
                await self.stream.aclose()
        finally:
            self._release()


class Handler(Protocol):
    """What the entry-point group `digirm.transports` gives for a URL: a server in this process."""

    def handle(self, request: Request) -> Response:
        """Answer one request; safe to call from several threads."""
        ...

    def close(self) -> None:
        """Give back what the handler holds; further requests are an error."""
        ...
