"""Rows of bulk operations: CSV, parsed as it comes."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

from digirm_runtime.errors import TransportError

if TYPE_CHECKING:
    from digirm_runtime.client import AsyncClient, Client
    from digirm_runtime.operation import Operation
    from digirm_runtime.transport import AsyncResponse
    from digirm_runtime.wire import Response


class CsvRows:
    """A CSV parser that is fed bytes and gives rows; quotes, newlines in cells and a byte-order mark are understood."""

    def __init__(self) -> None:
        import codecs

        self._decode = codecs.getincrementaldecoder("utf-8-sig")(errors="strict").decode
        self._rest = ""
        self._header: list[str] | None = None

    def feed(self, data: bytes, *, final: bool = False) -> list[dict[str, str]]:
        """The rows that `data` completes. Raises TransportError for text that is no UTF-8, or ends within a cell."""
        try:
            text = self._rest + self._decode(data, final)
        except UnicodeDecodeError as error:
            raise TransportError(f"the CSV is not UTF-8: {error}", body=data) from None
        if final:
            complete, self._rest = text, ""
            if complete.count('"') % 2:
                raise TransportError("the CSV ends within a quoted cell", body=data)
        else:
            end = _last_row_end(text)
            complete, self._rest = text[:end], text[end:]
        if not complete:
            return []
        rows = csv.reader(io.StringIO(complete, newline=""), strict=True)
        try:
            return list(self._named(rows))
        except csv.Error as error:
            raise TransportError(f"the CSV is damaged: {error}", body=data) from None

    def _named(self, rows: Iterator[list[str]]) -> Iterator[dict[str, str]]:
        for row in rows:
            if self._header is None:
                self._header = row
            elif row and len(row) != len(self._header):
                raise TransportError(f"the CSV has a row of {len(row)} cells under {len(self._header)} columns")
            elif row:
                yield dict(zip(self._header, row, strict=True))


def _last_row_end(text: str) -> int:
    """Where the last complete row ends: a newline outside quotes."""
    end = text.rfind("\n")
    quotes = text.count('"', 0, max(end, 0))
    while end >= 0 and quotes % 2:
        earlier = text.rfind("\n", 0, end)
        quotes -= text.count('"', max(earlier, 0), end)
        end = earlier
    return end + 1


class Rows:
    """The rows of a bulk operation as dicts of text, streamed: one request, started when iterated."""

    def __init__(self, client: Client, operation: Operation[Any]) -> None:
        self._client = client
        self._operation = operation

    def __iter__(self) -> Iterator[dict[str, str]]:
        response, release = self._client._stream(self._operation)
        parser = CsvRows()
        try:
            for chunk in response.chunks():
                yield from parser.feed(chunk)
            yield from parser.feed(b"", final=True)
        finally:
            _close(response)
            release()


class AsyncRows:
    """`Rows` for `async for`."""

    def __init__(self, client: AsyncClient, operation: Operation[Any]) -> None:
        self._client = client
        self._operation = operation

    async def __aiter__(self) -> AsyncIterator[dict[str, str]]:
        response, release = await self._client._stream(self._operation)
        parser = CsvRows()
        try:
            async for chunk in _achunks(response):
                for row in parser.feed(chunk):
                    yield row
            for row in parser.feed(b"", final=True):
                yield row
        finally:
            stream = getattr(response, "stream", None)
            if stream is not None:
                await stream.aclose()
            release()


async def _achunks(response: Response | AsyncResponse) -> AsyncIterator[bytes]:
    stream: AsyncIterator[bytes] | None = getattr(response, "stream", None)
    if stream is None:
        for chunk in response.chunks():
            yield chunk
    else:
        async for chunk in stream:
            yield chunk


def _close(response: Response) -> None:
    # Leaving a loop half-way must give the connection back.
    close = getattr(response.body, "close", None)
    if close is not None:
        close()
