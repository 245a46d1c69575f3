"""Requests and responses in plain types: what the flow yields, drivers send, and in-process transports answer."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping
from typing import Protocol

#: Response header by which the simulator says that it is one; a crawl that sees it writes `reconstructed` specs.
SIMULATOR_HEADER = "x-digirm-simulator"


class Request:
    """One HTTP request.

    `url` is absolute, or starts with `/` where it goes to an in-process handler. `headers` has lower-case names.
    """

    __slots__ = ("body", "headers", "method", "url")

    def __init__(self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> None:
        self.method = method
        self.url = url
        self.headers: dict[str, str] = {k.lower(): v for k, v in (headers or {}).items()}
        self.body = body

    def __repr__(self) -> str:
        # Neither headers (credentials) nor body (device passwords) belong in a log.
        return f"<Request {self.method} {self.url}>"


class Response:
    """One HTTP response. `headers` has lower-case names; `body` is bytes, or an iterable of chunks while streamed."""

    __slots__ = ("body", "headers", "status")

    def __init__(
        self, status: int, headers: Mapping[str, str] | None = None, body: bytes | Iterable[bytes] = b""
    ) -> None:
        self.status = status
        self.headers: dict[str, str] = {k.lower(): v for k, v in (headers or {}).items()}
        self.body = body

    def read(self) -> bytes:
        """The whole body; a streamed one is read to its end and kept."""
        if not isinstance(self.body, bytes):
            self.body = b"".join(self.body)
        return self.body

    def chunks(self) -> Iterator[bytes]:
        """The body in pieces."""
        if isinstance(self.body, bytes):
            yield self.body
        else:
            yield from self.body

    def close(self) -> None:
        """Give back what a streamed body holds, read to its end or not."""
        close = getattr(self.body, "close", None)
        if close is not None:
            close()

    def __repr__(self) -> str:
        return f"<Response {self.status}>"


class AsyncResponse(Response):
    """A response whose body is an asynchronous iterator of chunks, `stream`."""

    __slots__ = ("stream",)

    def __init__(self, status: int, headers: Mapping[str, str], stream: AsyncGenerator[bytes, None]) -> None:
        super().__init__(status, headers)
        self.stream = stream

    async def aclose(self) -> None:
        """Give back what the stream holds, read to its end or not."""
        await self.stream.aclose()


class Handler(Protocol):
    """What the entry-point group `digirm.transports` gives for a URL: a server in this process."""

    def handle(self, request: Request) -> Response:
        """Answer one request; safe to call from several threads."""
        ...

    def close(self) -> None:
        """Give back what the handler holds; further requests are an error."""
        ...
