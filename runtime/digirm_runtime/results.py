"""What calls give back: pages, CSV rows, created objects. The paging and CSV logic is written once, for both faces."""

from __future__ import annotations

import csv
import io
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Generator, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast
from urllib.parse import parse_qsl, urlsplit

from digirm_runtime.errors import APIError, RemoteManagerError, TransportError, api_error
from digirm_runtime.operation import encode_param, encode_params

if TYPE_CHECKING:
    from digirm_runtime.client import AsyncClient, Client
    from digirm_runtime.operation import Operation
    from digirm_runtime.transport import AsyncResponse
    from digirm_runtime.wire import Response

T = TypeVar("T")
_TOKEN = "digirm1."  # noqa: S105 - a mark, no secret


class Created(Generic[T]):
    """The answer to a POST: a single object, a list, or a mixture of created objects and failures.

    `items` are the created objects; `failures` the entries with `error_message`, `error_status` and `error_context`
    (the item as it was sent); `raw` is the decoded answer.
    """

    __slots__ = ("failures", "items", "raw")

    def __init__(self, raw: Any, element: str = "list") -> None:
        entries: Any = raw.get(element, [raw]) if isinstance(raw, dict) else raw if isinstance(raw, list) else []
        self.raw = raw
        self.items: list[T] = []
        self.failures: list[dict[str, Any]] = []
        for entry in entries if isinstance(entries, list) else [entries]:
            if isinstance(entry, dict) and "error_status" in entry:
                self.failures.append(entry)
            else:
                self.items.append(cast("T", entry))

    def one(self) -> T:
        """The only item. Raises APIError if it failed, RemoteManagerError where there is not exactly one."""
        self.raise_for_failures()
        if len(self.items) != 1:
            raise RemoteManagerError(f"expected one created object, the answer holds {len(self.items)}")
        return self.items[0]

    def raise_for_failures(self) -> None:
        """Raise APIError for the first failure, its message naming how many there are."""
        if self.failures:
            raise _failure(self.failures[0], len(self.failures))

    def __repr__(self) -> str:
        return f"<Created {len(self.items)} items, {len(self.failures)} failures>"


def _failure(entry: dict[str, Any], count: int) -> APIError:
    status = entry["error_status"] if isinstance(entry["error_status"], int) else 400
    error = api_error(
        status=status, headers={}, body=json.dumps(entry).encode(), method="POST", url=f"({count} items failed)"
    )
    error.error_context = entry.get("error_context")
    return error


class Pager(Generic[T]):
    """Walks the pages of one list operation: `step()` yields an operation per page and is sent its decoded answer."""

    def __init__(self, operation: Operation[T]) -> None:
        params = dict(operation.params)
        limit = operation.limit
        if limit is not None and limit < 0:
            raise ValueError("limit must not be negative")
        self._cursor: str | None = None
        given = params.get("cursor")
        if isinstance(given, str) and given.startswith(_TOKEN):
            params |= _unpack(given, params)
        elif "size" in params and params["size"] is None and limit is not None and 0 < limit < 1000:
            # A page of what is wanted spares the service the rest; 1000 is the documented maximum and default.
            params["size"] = limit
        self._operation = operation
        self._params = params
        self._cursor = params.get("cursor")
        self._left = limit

    @property
    def cursor(self) -> str:
        """Where to resume, with the query and size: at least once, as the page of the last item is fetched again."""
        text = json.dumps({**dict(encode_params(self._params)), "cursor": self._cursor}, sort_keys=True)
        return _TOKEN + urlsafe_b64encode(text.encode()).decode().rstrip("=")

    def step(self) -> Generator[Operation[T], Any, None]:
        """One operation per page; send `page()` of its answer before asking for the next."""
        seen: set[str] = set()
        params = dict(self._params)
        while self._left is None or self._left > 0:
            answer = yield self._operation.with_params(params)
            following = _following(answer, params)
            if following is None:
                return
            mark = json.dumps(following, sort_keys=True, default=str)
            if mark in seen:
                raise RemoteManagerError("the server repeated a cursor: the rest of the list cannot be reached")
            seen.add(mark)
            params = following
            self._cursor = following.get("cursor")

    def items(self, answer: Any) -> list[T]:
        """The items of a page, cut at the limit."""
        entries = answer.get(self._operation.endpoint.element) if isinstance(answer, dict) else None
        if not isinstance(entries, list):
            raise TransportError(f"the answer has no list under {self._operation.endpoint.element!r}")
        if self._left is not None:
            entries = entries[: self._left]
            self._left -= len(entries)
        return entries


def _following(answer: Any, params: Mapping[str, Any]) -> dict[str, Any] | None:
    """The next page's parameters: the same with the new cursor, from `cursor` or from the query of `next_uri`."""
    if not isinstance(answer, dict):
        return None
    cursor = answer.get("cursor")
    if isinstance(cursor, str | int) and str(cursor):
        return {**params, "cursor": str(cursor)}
    uri = answer.get("next_uri")
    if not isinstance(uri, str) or not uri:
        return None
    # Of an address that the server sends, only the query is used: credentials go nowhere else.
    sent = dict(parse_qsl(urlsplit(uri).query, keep_blank_values=True))
    if "cursor" in sent:
        return {**params, "cursor": sent["cursor"]}
    return {**params, **sent} if sent else None


def _unpack(token: str, given: Mapping[str, Any]) -> dict[str, Any]:
    body = token[len(_TOKEN) :]
    try:
        params = json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except ValueError:
        params = None
    if not isinstance(params, dict) or not all(isinstance(v, str | None) for v in params.values()):
        raise ValueError("this cursor was not made by digirm, or is damaged")
    for name, value in params.items():
        if name not in given:
            raise ValueError(f"this cursor belongs to another operation: it carries {name!r}")
        mine = given[name]
        if name != "cursor" and mine is not None and encode_param(name, mine) != value:
            raise ValueError(f"this cursor was made with {name}={value!r}; parameters must not change between pages")
    return params


class Listing(Generic[T]):
    """The items of a list operation, fetched page by page while iterated; each iteration starts anew."""

    def __init__(self, client: Client, operation: Operation[T]) -> None:
        self._client = client
        self._operation = operation
        self._pager = Pager(operation)

    def pages(self) -> Iterator[list[T]]:
        """The items, one list per page."""
        self._pager = pager = Pager(self._operation)
        steps = pager.step()
        operation = next(steps, None)
        while operation is not None:
            answer = self._client._run(operation)
            yield pager.items(answer)
            operation = _advance(steps, answer)

    def __iter__(self) -> Iterator[T]:
        for page in self.pages():
            yield from page

    def first(self) -> T | None:
        """The first item, or None."""
        return next(iter(Listing(self._client, _limited(self._operation, 1))), None)

    @property
    def cursor(self) -> str:
        """Resume with `list(cursor=...)`: carries query and size; the page of the last item is fetched again."""
        return self._pager.cursor


class AsyncListing(Generic[T]):
    """`Listing` for `async for`."""

    def __init__(self, client: AsyncClient, operation: Operation[T]) -> None:
        self._client = client
        self._operation = operation
        self._pager = Pager(operation)

    async def pages(self) -> AsyncIterator[list[T]]:
        """The items, one list per page."""
        self._pager = pager = Pager(self._operation)
        steps = pager.step()
        operation = next(steps, None)
        while operation is not None:
            answer = await self._client._run(operation)
            yield pager.items(answer)
            operation = _advance(steps, answer)

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.pages():
            for item in page:
                yield item

    async def first(self) -> T | None:
        """The first item, or None."""
        async for item in AsyncListing(self._client, _limited(self._operation, 1)):
            return item
        return None

    @property
    def cursor(self) -> str:
        """Resume with `list(cursor=...)`: carries query and size; the page of the last item is fetched again."""
        return self._pager.cursor


def _advance(steps: Generator[Operation[T], Any, None], answer: Any) -> Operation[T] | None:
    try:
        return steps.send(answer)
    except StopIteration:
        return None


def _limited(operation: Operation[T], limit: int) -> Operation[T]:
    copy = operation.with_params(operation.params)
    copy.limit = limit
    return copy


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
