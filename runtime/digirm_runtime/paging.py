"""Lists that span pages. The logic is written once, in `Pager`; the two listings only run it."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Generator, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import parse_qsl, urlsplit

from digirm_runtime.errors import RemoteManagerError, TransportError
from digirm_runtime.operation import encode_param, encode_params

if TYPE_CHECKING:
    from digirm_runtime.client import AsyncClient, Client
    from digirm_runtime.operation import Operation

T = TypeVar("T")
_TOKEN = "digirm1."  # noqa: S105 - a mark, no secret


class Pager(Generic[T]):
    """Walks the pages of one list operation: where it stands, what comes next, and where the limit cuts."""

    def __init__(self, operation: Operation[T]) -> None:
        params = dict(operation.params)
        limit = operation.limit
        if limit is not None and limit < 0:
            raise ValueError("limit must not be negative")
        given = params.get("cursor")
        if isinstance(given, str) and given.startswith(_TOKEN):
            params |= _unpack(given, params)
        elif "size" in params and params["size"] is None and limit is not None and 0 < limit < 1000:
            # A page of what is wanted spares the service the rest; 1000 is the documented maximum and default.
            params["size"] = limit
        self._operation = operation
        self._params = params
        self._place = params  # the parameters of the page that was handed out last
        self._left = limit

    @property
    def cursor(self) -> str:
        """Where to resume, with the query and size: at least once, as the page of the last item is fetched again."""
        text = json.dumps(dict(encode_params(self._place)), sort_keys=True)
        return _TOKEN + urlsafe_b64encode(text.encode()).decode().rstrip("=")

    def step(self) -> Generator[Operation[T], Any, None]:
        """One operation per page; sent that page's decoded answer, it yields the next."""
        seen: set[str] = set()
        params = dict(self._params)
        while self._left is None or self._left > 0:
            # Moves with the page that is handed out, not with the one that could follow.
            self._place = params
            answer = yield self._operation.with_params(params)
            following = _following(answer, params)
            if following is None:
                return
            mark = json.dumps(following, sort_keys=True, default=str)
            if mark in seen:
                raise RemoteManagerError("the server repeated a cursor: the rest of the list cannot be reached")
            seen.add(mark)
            params = following

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
    if isinstance(cursor, str | int) and not isinstance(cursor, bool) and str(cursor):
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
    if not isinstance(params, dict) or not all(isinstance(value, str) for value in params.values()):
        raise ValueError("this cursor was not made by digirm, or is damaged")
    for name, mine in given.items():
        if name != "cursor" and mine is not None and encode_param(name, mine) != params.get(name):
            was = f"{name}={params[name]!r}" if name in params else f"no {name}"
            raise ValueError(f"this cursor was made with {was}; parameters must not change between pages")
    return {"cursor": None, **params}


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
    copy.limit = limit if operation.limit is None else min(limit, operation.limit)
    return copy
