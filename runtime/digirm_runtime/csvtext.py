"""CSV as bulk operations answer it, parsed as it comes."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Mapping
from itertools import repeat
from typing import TYPE_CHECKING, Any, Protocol

from digirm_runtime.errors import TransportError

if TYPE_CHECKING:
    from digirm_runtime.columns import Reader
    from digirm_runtime.wire import Response

MAX_ROW = 16 * 1024 * 1024
#: How much is parsed at a time, in bytes: its rows stay in the processor's cache.
PIECE = 16 * 1024
#: How much is kept of an answer that is no CSV, in bytes.
KEPT = 64 * 1024
# The standard library's limit of 128 KiB is less than what a cell of a service may hold.
csv.field_size_limit(max(csv.field_size_limit(), MAX_ROW))

_OTHERS = ("json", "html", "xml")


class Parser(Protocol):
    """What is fed the bytes of an answer and gives its rows."""

    def feed(self, data: bytes, *, final: bool = False) -> list[dict[str, Any]]:
        """The rows that `data` completes. Raises TransportError."""
        ...


class CsvRows:
    """Rows of a CSV as dicts; quotes, newlines in cells and a byte-order mark are understood.

    Cells are text; what `readers` have for a column's name makes values of its cells, and where `readers` is given at
    all an empty cell is None.
    """

    def __init__(self, readers: Mapping[str, Reader] | None = None) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8-sig")(errors="strict").decode
        self._rest: list[str] = []  # the beginning of a row that is not complete
        self._length = 0
        self._quoted = False  # whether that ends within a quoted cell
        self._header: list[str] | None = None
        self._readers = readers
        self._typed: list[tuple[int, Reader]] = []

    def feed(self, data: bytes, *, final: bool = False) -> list[dict[str, Any]]:
        """The rows that `data` completes.

        Raises TransportError for text that is no UTF-8, ends within a cell or before its header, or has a row of more
        than 16 MiB, a row of more or fewer cells than there are columns, or two columns of one name.
        """
        try:
            text = self._decode(data, final)
        except UnicodeDecodeError as error:
            raise TransportError(f"the CSV is not UTF-8: {error}", body=data) from None
        complete = self._complete(text, final=final)
        if self._length > MAX_ROW:
            raise TransportError("the CSV has a row of more than 16 MiB; is a quote missing?", body=data)
        if not complete:
            return self._none(final=final)
        try:
            rows = list(csv.reader(_lines(complete), strict=True))
        except csv.Error as error:
            broken = "ends within a quoted cell" if "end of data" in str(error) else f"is damaged: {error}"
            raise TransportError(f"the CSV {broken}", body=data) from None
        return self._named(rows, data, final=final)

    def _none(self, *, final: bool) -> list[dict[str, Any]]:
        if final and self._header is None:
            # The service writes the header of a table without rows, too (recorded).
            raise TransportError("the CSV is empty: it has not even a header")
        return []

    def _complete(self, text: str, *, final: bool) -> str:
        """The rows that are complete with `text`; the rest is kept."""
        quotes = self._quoted + text.count('"')
        end = len(text) if final else _last_row_end(text, quotes)
        self._quoted = quotes % 2 == 1
        if not end and not final:
            self._rest.append(text)
            self._length += len(text)
            return ""
        complete = "".join([*self._rest, text[:end]])
        self._rest, self._length = [text[end:]], len(text) - end
        return complete

    def _named(self, rows: list[list[str]], data: bytes, *, final: bool) -> list[dict[str, Any]]:
        header = self._header
        if header is None:
            while rows and not rows[0]:
                del rows[0]
            if not rows:
                return self._none(final=final)
            header = self._header = rows.pop(0)
            if len(set(header)) < len(header):
                raise TransportError("the CSV has two columns of one name", body=data)
            readers = self._readers or {}
            self._typed = [(place, readers[name]) for place, name in enumerate(header) if name in readers]
        lengths = set(map(len, rows))
        if 0 in lengths:
            # In a CSV of one column an empty line is an empty cell.
            rows = [row or [""] for row in rows] if len(header) == 1 else [row for row in rows if row]
        if wrong := lengths - {0, len(header)}:
            raise TransportError(f"the CSV has a row of {min(wrong)} cells under {len(header)} columns", body=data)
        cells: list[Any] = rows if self._readers is None else [self._values(row) for row in rows]
        # Without a Python loop: this is most of the work.
        return list(map(dict, map(zip, repeat(header), cells)))

    def _values(self, row: list[str]) -> list[Any]:
        values: list[Any] = [cell or None for cell in row]
        for place, read in self._typed:
            if row[place]:
                values[place] = read(row[place])
        return values


class NotCsv:
    """Takes an answer that is something else by its content type, such as the error page of a proxy."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._body = b""

    def feed(self, data: bytes, *, final: bool = False) -> list[dict[str, Any]]:
        """Raise TransportError when enough of the answer is known."""
        self._body = (self._body + data)[:KEPT]
        if final or len(self._body) == KEPT:
            raise TransportError(f"the answer is no CSV but {self._kind}", body=self._body)
        return []


def parser(response: Response, readers: Mapping[str, Reader] | None = None) -> Parser:
    """The parser for an answer. Raises TransportError for a part of one, which nobody has asked for."""
    if response.status == 206:
        raise TransportError("answered 206: a part of the CSV")
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return NotCsv(kind) if kind.endswith(_OTHERS) else CsvRows(readers)


def pieces(chunk: bytes) -> tuple[bytes, ...]:
    """A chunk in pieces that can be parsed without much memory."""
    if len(chunk) <= PIECE:
        return (chunk,)
    return tuple(chunk[at : at + PIECE] for at in range(0, len(chunk), PIECE))


def _lines(text: str) -> Iterable[str]:
    """The lines of a text with their ends, as the csv module takes them."""
    # The quicker way knows more ends than CSV does.
    if text.isascii() and not any(end in text for end in "\v\f\x1c\x1d\x1e"):
        return text.splitlines(keepends=True)
    return io.StringIO(text, newline="")


def _last_row_end(text: str, quotes: int) -> int:
    """Where the last complete row ends: behind a newline outside quotes; 0 where no row does.

    `quotes` is how many there are, one more where the text begins within a quoted cell. Every character is looked at
    three times at most.
    """
    end = len(text)
    while (newline := text.rfind("\n", 0, end)) >= 0:
        quotes -= text.count('"', newline, end)
        if quotes % 2 == 0:
            return newline + 1
        # The newline is in a cell: only before the quote that opened it can a row end.
        end = text.rfind('"', 0, newline) + 1
        if not end:
            break
    return 0
