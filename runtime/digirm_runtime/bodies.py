"""Reading the bodies of httpx's responses, whole or in pieces, without knowing httpx."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterator
from typing import Any

from digirm_runtime.gzipped import Gzip


class Body:
    """A streamed body. Closing it calls `close` even where nothing was read, which a generator alone would not do."""

    __slots__ = ("_chunks", "_close")

    def __init__(self, chunks: Generator[bytes, None, None], close: Callable[[], None]) -> None:
        self._chunks = chunks
        self._close = close

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks

    def close(self) -> None:
        """Give back what the body holds, read to its end or not."""
        self._chunks.close()
        self._close()


class AsyncBody:
    """`Body` on an event loop."""

    __slots__ = ("_chunks", "_close")

    def __init__(self, chunks: AsyncGenerator[bytes, None], close: Callable[[], Awaitable[None]]) -> None:
        self._chunks = chunks
        self._close = close

    def __aiter__(self) -> AsyncGenerator[bytes, None]:
        return self._chunks

    async def aclose(self) -> None:
        """Give back what the body holds, read to its end or not."""
        # Raises RuntimeError where another task is closing it already, and then nothing is left to do here.
        await self._chunks.aclose()
        await self._close()


def pieces(response: Any) -> Iterator[bytes]:
    """The body of an httpx response, unpacked. Raises what httpx raises, and gzipped.DAMAGED."""
    encoding = _encoding(response)
    if encoding not in ("", "gzip"):
        unpacked: Iterator[bytes] = response.iter_bytes()
        return unpacked
    # As it comes: httpx would only copy it.
    return _unpacked(response.stream) if encoding else iter(response.stream)


def apieces(response: Any) -> Any:
    """`pieces` on an event loop."""
    encoding = _encoding(response)
    if encoding not in ("", "gzip"):
        return response.aiter_bytes()
    return _aunpacked(response.stream) if encoding else response.stream


def _encoding(response: Any) -> str:
    """What a body must be freed of: `gzip`, which was asked for, nothing, or what is left to httpx."""
    if response.is_stream_consumed:
        return "read already"
    encoding: str = response.headers.get("content-encoding", "")
    return encoding.strip().lower()


def _unpacked(stream: Iterator[bytes]) -> Iterator[bytes]:
    packed = Gzip()
    for chunk in stream:
        yield from packed.feed(chunk)
    packed.end()


async def _aunpacked(stream: Any) -> AsyncGenerator[bytes, None]:
    packed = Gzip()
    async for chunk in stream:
        for piece in packed.feed(chunk):
            yield piece
    packed.end()
