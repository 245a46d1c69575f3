"""Bodies in pieces, those of requests and those of httpx's responses, without knowing httpx."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterator
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING, Any

from digirm_runtime.errors import TransportError
from digirm_runtime.gzipped import Gzip

if TYPE_CHECKING:
    from digirm_runtime.wire import Source

LATE_UPLOAD = "the body was not sent to its end at the deadline"


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


class SourceError(Exception):
    """What a source, or what it tells how far it is, has raised: on its way through code that would misread it."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


@contextmanager
def own_faults() -> Iterator[None]:
    """Raise what a source has raised as it was."""
    try:
        yield
    except SourceError as wrapped:
        raise wrapped.error from wrapped.error.__cause__


class _Leaving:
    """What the two kinds of leaving bodies share: exactly as many bytes as announced, until the deadline."""

    def __init__(self, source: Source, until: float | None) -> None:
        self._source = source
        self._until = until
        self._passed: Callable[[int], object] | None = getattr(source, "passed", None)

    def _count(self, done: int, chunk: bytes) -> int:
        """The bytes that will be sent with this piece. Raises OSError where they are too many."""
        if self._until is not None and time.monotonic() > self._until:
            raise TransportError(LATE_UPLOAD)
        done += len(chunk)
        if done > self._source.size:
            raise OSError(f"the source has more than the {self._source.size} bytes that were announced")
        return done

    def _end(self, done: int) -> None:
        if done != self._source.size:
            raise OSError(f"the source has {done} bytes, not the {self._source.size} that were announced")

    def _note(self, done: int) -> None:
        if self._passed is not None:
            self._passed(done)


class Leaving(_Leaving):
    """A source as the body of a request; each iteration reads it anew.

    Raises SourceError: of OSError where it cannot be read, or has not the size it says, since a client that went on
    would send another's bytes as its own, or wait for ever; of TransportError at the deadline.
    """

    def __iter__(self) -> Generator[bytes, None, None]:
        done = 0
        try:
            for chunk in self._source.chunks():
                done = self._count(done, chunk)
                yield chunk
                self._note(done)
            self._end(done)
        except Exception as error:
            raise SourceError(error) from error


class AsyncLeaving(_Leaving):
    """`Leaving` for `async for`: the source is read in threads, and told on the event loop what has left."""

    async def __aiter__(self) -> AsyncGenerator[bytes, None]:
        done = 0
        try:
            async with aclosing(in_threads(self._source.chunks())) as chunks:
                async for chunk in chunks:
                    done = self._count(done, chunk)
                    yield chunk
                    self._note(done)
            self._end(done)
        except Exception as error:
            raise SourceError(error) from error


async def in_threads(chunks: Iterator[bytes]) -> AsyncGenerator[bytes, None]:
    """Pieces whose reading may block, each read in a thread."""
    import asyncio

    while True:
        step = asyncio.ensure_future(asyncio.to_thread(next, chunks, None))
        try:
            chunk = await asyncio.shield(step)
        finally:
            # Nothing can be closed while a thread is in it: a task that is cancelled waits for its piece.
            await asyncio.wait([step])
        if chunk is None:
            return
        yield chunk
