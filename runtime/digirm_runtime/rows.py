"""Rows of bulk operations: streamed, or saved to a file."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import aclosing, closing
from typing import TYPE_CHECKING, Any

from digirm_runtime.csvtext import parser, pieces
from digirm_runtime.errors import TransportError

if TYPE_CHECKING:
    from os import PathLike
    from typing import BinaryIO

    from digirm_runtime.client import AsyncClient, Client
    from digirm_runtime.columns import Reader
    from digirm_runtime.operation import Operation

#: Parameters by which an operation gives its answer in parts.
_PARTS = ("cursor", "size")


class _Rows:
    """What the two kinds of rows share."""

    def __init__(self, operation: Operation[Any]) -> None:
        self._operation = operation
        self._complete: bool | None = None

    @property
    def complete(self) -> bool | None:
        """Whether the rows are all there are: None until an iteration or `to_csv` has come to the end of the answer.

        Then True; but False where the operation takes a `cursor` or `size`: a CSV cannot say whether more would follow.
        """
        return self._complete

    def _end(self) -> None:
        self._complete = not any(name in self._operation.params for name in _PARTS)

    def _readers(self, client: Client | AsyncClient) -> Mapping[str, Reader] | None:
        if not self._operation.typed:
            return None
        if client._package is None:
            return {}
        from digirm_runtime.columns import readers

        return readers(client._package.language, self._operation.endpoint)


class Rows(_Rows):
    """The rows of a bulk operation as dicts, streamed in constant memory; each iteration is a request of its own.

    Cells are text. With `typed=True` an empty cell is None, and columns that the spec knows as query fields, of the
    operation or of the inventory beside it, hold values: a number is an int where it is whole and else a float, as in
    JSON answers; a time is an aware datetime in UTC; a truth value a bool. A cell that does not fit stays text.

    Iterating raises TransportError for an answer that breaks off, is damaged, has not even a header, or is no CSV by
    its content type; what was handed out by then is right, and incomplete.
    """

    def __init__(self, client: Client, operation: Operation[Any]) -> None:
        super().__init__(operation)
        self._client = client

    def _batches(self, copy: BinaryIO | None = None) -> Generator[list[dict[str, Any]], None, None]:
        """The rows as they come; with `copy` as text, and the bytes go there."""
        self._complete = None
        readers = self._readers(self._client) if copy is None else None
        response = self._client._stream(self._operation)
        try:
            table = parser(response, readers)
            for chunk in response.chunks():
                for piece in pieces(chunk):
                    if copy is not None:
                        copy.write(piece)
                    yield table.feed(piece)
            yield table.feed(b"", final=True)
        except TransportError as error:
            error.method, error.url, error.attempts = response.asked
            raise
        finally:
            # Leaving a loop half-way gives back the connection and the slot.
            response.close()
        self._end()

    def __iter__(self) -> Generator[dict[str, Any], None, None]:
        with closing(self._batches()) as batches:
            for rows in batches:
                yield from rows

    def to_csv(self, path: str | PathLike[str]) -> int:
        """Save the answer to a file as it comes, byte by byte, and return the number of its rows.

        It is written beside `path` and takes its place when it is complete; nothing is left of one that is not. Raises
        OSError before anything is sent where the file cannot be written, and TransportError as iterating does.
        """
        from digirm_runtime.saving import beside

        with beside(path) as file, closing(self._batches(file)) as batches:
            return sum(map(len, batches))


class AsyncRows(_Rows):
    """`Rows` for `async for`.

    A loop that is left early gives back the connection and the slot when its iterator is closed: at once within
    `async with contextlib.aclosing(...)`, else as soon as the event loop gets to it.
    """

    def __init__(self, client: AsyncClient, operation: Operation[Any]) -> None:
        super().__init__(operation)
        self._client = client

    async def _batches(self, copy: BinaryIO | None = None) -> AsyncGenerator[list[dict[str, Any]], None]:
        self._complete = None
        readers = self._readers(self._client) if copy is None else None
        response = await self._client._stream(self._operation)
        try:
            table = parser(response, readers)
            async with aclosing(response.achunks()) as chunks:
                async for chunk in chunks:
                    for piece in pieces(chunk):
                        if copy is not None:
                            copy.write(piece)
                        yield table.feed(piece)
            yield table.feed(b"", final=True)
        except TransportError as error:
            error.method, error.url, error.attempts = response.asked
            raise
        finally:
            await response.aclose()
        self._end()

    async def __aiter__(self) -> AsyncGenerator[dict[str, Any], None]:
        async with aclosing(self._batches()) as batches:
            async for rows in batches:
                for row in rows:
                    yield row

    async def to_csv(self, path: str | PathLike[str]) -> int:
        """`Rows.to_csv`. The event loop stands still while a piece of 16 KiB is written."""
        from digirm_runtime.saving import beside

        count = 0
        with beside(path) as file:
            async with aclosing(self._batches(file)) as batches:
                async for rows in batches:
                    count += len(rows)
        return count
