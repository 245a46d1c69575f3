"""Lists that span pages. The logic is written once, in `Pager`; the two listings only run it."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import aclosing, closing
from copy import copy
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import parse_qsl, urlsplit

from digirm_runtime.errors import RemoteManagerError, TransportError
from digirm_runtime.operation import encode_param, encode_params
from digirm_runtime.prefetch import NOTHING, Ahead, AsyncAhead

if TYPE_CHECKING:
    from digirm_runtime.client import AsyncClient, Client
    from digirm_runtime.operation import Operation

T = TypeVar("T")
_TOKEN = "digirm1."  # noqa: S105 - a mark, no secret
#: Where no size is asked for, a page has as many items (documented, and the most that a page can have).
_PAGE = 1000
#: So many pages in a row may be empty, each with a cursor to another: a walk must end even if the server's does not.
_EMPTY_PAGES = 100


class Pager(Generic[T]):
    """Walks the pages of one list operation once: where it stands, what comes next, and where the limit cuts.

    `due` gives the operation of a page whose turn has come, `read` the items of its answer; between the two calls
    `ahead` names the page that could be fetched meanwhile.
    """

    def __init__(self, operation: Operation[T]) -> None:
        params = dict(operation.params)
        limit = operation.limit
        if limit is not None and limit < 0:
            raise ValueError("limit must not be negative")
        given = params.get("cursor")
        if isinstance(given, str) and given.startswith(_TOKEN):
            params |= _unpack(given, _target(operation), params)
        elif given is None and "size" in params and params["size"] is None and limit is not None and 0 < limit < _PAGE:
            # A page of what is wanted spares the service the rest. A cursor keeps the size that it was made with.
            params["size"] = limit
        self._operation = operation
        self._place = params  # the parameters of the page that was handed out last
        self._next: dict[str, Any] | None = params
        self._left = limit
        self._seen: set[tuple[tuple[str, str], ...]] = set()
        self._empty = 0  # pages in a row
        self._fault: str | None = None

    @property
    def cursor(self) -> str:
        """Where to resume, with path and all parameters: the page of the item that was handed out last."""
        place = {"of": _target(self._operation), "params": dict(encode_params(self._place))}
        text = json.dumps(place, sort_keys=True)
        return _TOKEN + urlsafe_b64encode(text.encode()).decode().rstrip("=")

    def due(self) -> Operation[T] | None:
        """The page whose turn it is; None behind the last.

        Raises RemoteManagerError where the walk would never end: the server gave a cursor for the second time, or only
        empty pages.
        """
        if self._next is None or self._left == 0:
            return None
        if self._fault is not None:
            raise RemoteManagerError(self._fault)
        # Moves with the page that is handed out, not with the one that could follow.
        self._place = self._next
        return self._page(self._next)

    def ahead(self) -> Operation[T] | None:
        """The page that `due` will give, if there is one to prefetch."""
        if not self._operation.prefetch or self._next is None or self._left == 0 or self._fault is not None:
            return None
        return self._page(self._next)

    def read(self, answer: Any) -> list[T]:
        """The items of a page, cut at the limit. Raises TransportError for an answer that holds no list."""
        endpoint = self._operation.endpoint
        items = answer.get(endpoint.element) if isinstance(answer, dict) else None
        if not isinstance(items, list):
            raise TransportError(
                f"the answer has no list under {endpoint.element!r}",
                method=endpoint.method,
                url=endpoint.path(self._operation.args),
            )
        self._empty = 0 if items else self._empty + 1
        if self._left is not None:
            items = items[: self._left]
            self._left -= len(items)
        self._seen.add(tuple(encode_params(self._place)))
        self._next = _following(answer, self._place)
        if self._next is not None and tuple(encode_params(self._next)) in self._seen:
            self._fault = "the server repeated a cursor: the rest of the list cannot be reached"
        elif self._empty == _EMPTY_PAGES:
            self._fault = f"the server sent {_EMPTY_PAGES} empty pages in a row, each with a cursor to another"
        if endpoint.model is not None:
            items = list(map(endpoint.model.read, items))
        return items

    def _page(self, params: Mapping[str, Any]) -> Operation[T]:
        page = self._operation.with_params(params)
        if self._seen:
            # The first page was judged, and nothing but the cursor has changed.
            page.options = copy(page.options)
            page.options.validate = "off"
        return page


def _following(answer: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any] | None:
    """The next page's parameters: the same with the new cursor, from `cursor` or from the query of `next_uri`."""
    cursor = answer.get("cursor")
    if isinstance(cursor, str | int) and not isinstance(cursor, bool) and str(cursor):
        return {**params, "cursor": str(cursor)}
    uri = answer.get("next_uri")
    if not isinstance(uri, str) or not uri:
        return None
    # Of an address that the server sends, only the query is used: credentials go nowhere else.
    try:
        sent = dict(parse_qsl(urlsplit(uri).query, keep_blank_values=True))
    except ValueError:
        raise TransportError(f"the server's next_uri is no address: {uri[:200]!r}") from None
    if "cursor" in sent:
        return {**params, "cursor": sent["cursor"]}
    return {**params, **sent} if sent else None


def _target(operation: Operation[Any]) -> str:
    """What a cursor belongs to: the same in every client, however its methods were made."""
    return f"{operation.endpoint.method} {operation.endpoint.path(operation.args)}"


def _unpack(token: str, target: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a token. Raises ValueError for one of another operation, object or list, and a damaged one."""
    body = token[len(_TOKEN) :]
    try:
        place = json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (ValueError, RecursionError):
        place = None
    made_for, params = (place.get("of"), place.get("params")) if isinstance(place, dict) else (None, None)
    if not isinstance(params, dict) or not all(isinstance(value, str) for value in (made_for, *params.values())):
        raise ValueError("this cursor was not made by digirm, or is damaged")
    if made_for != target:
        raise ValueError(f"this cursor belongs to {made_for}, not to {target}")
    for name, mine in given.items():
        if name != "cursor" and mine is not None and encode_param(name, mine) != params.get(name):
            was = f"{name}={params[name]!r}" if name in params else f"no {name}"
            raise ValueError(f"this cursor was made with {was}; parameters must not change between pages")
    return {"cursor": None, **params}


class _Listing(Generic[T]):
    """What the two listings share. Each iteration has a pager of its own."""

    def __init__(self, operation: Operation[T]) -> None:
        self._operation = operation
        self._pager = Pager(operation)

    @property
    def cursor(self) -> str:
        """Resume with `list(cursor=...)`: an opaque text that carries the place with query, size and all parameters.

        At least once: the page of the item that was handed out last is fetched again, so that its items come twice and
        none is lost. Before the first item it is the beginning. It belongs to the iteration that was begun last.
        """
        return self._pager.cursor

    def _begin(self) -> Pager[T]:
        self._pager = pager = Pager(self._operation)
        return pager

    def _only(self) -> Operation[T]:
        """The operation with a limit of one."""
        only = self._operation.with_params(self._operation.params)
        only.limit = 1 if only.limit is None else min(1, only.limit)
        return only


class Listing(_Listing[T]):
    """The items of a list operation, fetched page by page while iterated; each iteration starts anew.

    With `prefetch` the next page is fetched in a thread while this one is used, never more than one ahead and none
    beyond the limit; its errors are raised when its turn comes. Leaving the loop ends that thread.
    """

    def __init__(self, client: Client, operation: Operation[T]) -> None:
        super().__init__(operation)
        self._client = client

    def pages(self) -> Generator[list[T], None, None]:
        """The items, one list per page; a page without any is left out."""
        pager = self._begin()
        ahead = Ahead(self._client)
        try:
            while (operation := pager.due()) is not None:
                answer = ahead.take()
                page = pager.read(self._client._run(operation) if answer is NOTHING else answer)
                ahead.start(pager.ahead())
                if page:
                    yield page
                # Given back while the next page is waited for, not after that.
                del answer, page
        finally:
            ahead.close()

    def __iter__(self) -> Generator[T, None, None]:
        with closing(self.pages()) as pages:
            for page in pages:
                yield from page
                del page

    def first(self) -> T | None:
        """The first item, or None."""
        with closing(iter(Listing(self._client, self._only()))) as items:
            return next(items, None)


class AsyncListing(_Listing[T]):
    """`Listing` for `async for`. With `prefetch` a task fetches the next page.

    A loop that is left early gives back what it holds when its iterator is closed: at once within
    `async with contextlib.aclosing(...)`, else as soon as the event loop gets to it.
    """

    def __init__(self, client: AsyncClient, operation: Operation[T]) -> None:
        super().__init__(operation)
        self._client = client

    async def pages(self) -> AsyncGenerator[list[T], None]:
        """The items, one list per page; a page without any is left out."""
        pager = self._begin()
        ahead = AsyncAhead(self._client)
        try:
            while (operation := pager.due()) is not None:
                answer = await ahead.take()
                page = pager.read(await self._client._run(operation) if answer is NOTHING else answer)
                ahead.start(pager.ahead())
                if page:
                    yield page
                # Given back while the next page is waited for, not after that.
                del answer, page
        finally:
            await ahead.close()

    async def __aiter__(self) -> AsyncGenerator[T, None]:
        async with aclosing(self.pages()) as pages:
            async for page in pages:
                for item in page:
                    yield item
                del page

    async def first(self) -> T | None:
        """The first item, or None."""
        async with aclosing(aiter(AsyncListing(self._client, self._only()))) as items:
            return await anext(items, None)
