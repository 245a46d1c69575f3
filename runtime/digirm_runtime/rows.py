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


MAX_ROW = 16 * 1024 * 1024
# The standard library's limit of 128 KiB is less than what a cell of a service may hold.
csv.field_size_limit(max(csv.field_size_limit(), MAX_ROW))


class CsvRows:
    """A CSV parser that is fed bytes and gives rows; quotes, newlines in cells and a byte-order mark are understood."""

    def __init__(self) -> None:
        import codecs

        self._decode = codecs.getincrementaldecoder("utf-8-sig")(errors="strict").decode
        self._rest: list[str] = []  # the beginning of a row that is not complete
        self._length = 0
        self._quoted = False  # whether that ends within a quoted cell
        self._header: list[str] | None = None

    def feed(self, data: bytes, *, final: bool = False) -> list[dict[str, str]]:
        """The rows that `data` completes.

        Raises TransportError for text that is no UTF-8, ends within a cell, or has a row of more than 16 MiB.
        """
        try:
            text = self._decode(data, final)
        except UnicodeDecodeError as error:
            raise TransportError(f"the CSV is not UTF-8: {error}", body=data) from None
        end = len(text) if final else _last_row_end(text, self._quoted)
        rest = text[end:]
        quoted = (self._quoted + text.count('"')) % 2 == 1
        if final and quoted:
            raise TransportError("the CSV ends within a quoted cell", body=data)
        if not end and not final:
            complete = ""
            self._rest.append(rest)
            self._length += len(rest)
        else:
            complete = "".join(self._rest) + text[:end]
            self._rest, self._length = [rest], len(rest)
        self._quoted = quoted
        if self._length > MAX_ROW:
            raise TransportError("the CSV has a row of more than 16 MiB; is a quote missing?", body=data)
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
                if len(set(row)) < len(row):
                    raise TransportError("the CSV has two columns of one name")
                self._header = row
            elif row and len(row) != len(self._header):
                raise TransportError(f"the CSV has a row of {len(row)} cells under {len(self._header)} columns")
            elif row:
                yield dict(zip(self._header, row, strict=True))


def _last_row_end(text: str, quoted: bool) -> int:
    """Where the last complete row ends: behind a newline outside quotes; 0 where no row does.

    `quoted` says whether the text begins within a quoted cell. Every character is looked at twice at most.
    """
    end = text.rfind("\n")
    quotes = quoted + text.count('"', 0, max(end, 0))
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
            # Leaving a loop half-way must give back the connection, and the slot whatever happens to that.
            try:
                response.close()
            finally:
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
            async for chunk in response.stream:
                for row in parser.feed(chunk):
                    yield row
            for row in parser.feed(b"", final=True):
                yield row
        finally:
            try:
                await response.aclose()
            finally:
                release()
