"""Long ranges of time, asked for in windows: which comes next, and where a walk stands. The two walks only run it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Iterator, Mapping
from contextlib import aclosing, closing, suppress
from copy import copy
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from digirm_runtime.operation import Endpoint, Operation
from digirm_runtime.options import NO_OPTIONS
from digirm_runtime.paging import AsyncListing, Listing, Pager
from digirm_runtime.text import parse_time, time_text

if TYPE_CHECKING:
    from digirm_runtime.client import AsyncClient, Client
    from digirm_runtime.options import Options

_MILLISECOND = timedelta(milliseconds=1)


class Range:
    """What is asked for: the times from `start` on and before `end`, in windows of `span`, None for a single one.

    Windows end at multiples of `grain` since 1970. Raises TypeError or ValueError for what cannot be walked.
    """

    def __init__(
        self,
        start: datetime | None,
        end: datetime | None,
        span: timedelta | None,
        *,
        down: bool,
        grain: timedelta = _MILLISECOND,
    ) -> None:
        self.start, self.end = _moment("start", start), _moment("end", end)
        self.span, self.down, self._grain = span, down, grain
        if self.start is not None and self.end is not None and self.start > self.end:
            raise ValueError(f"start {time_text(self.start)} lies behind end {time_text(self.end)}")
        if span is None:
            return
        if not isinstance(span, timedelta):
            raise TypeError(f"span is a timedelta, not {type(span).__name__}")
        if span < grain or span % grain:
            raise ValueError(f"span must be a multiple of {grain}, not {span}")
        if self.start is None:
            raise ValueError("windows need a start")
        if self.end is None:
            # Said once, so that a walk ends.
            self.end = _moment("end", datetime.now(UTC))

    def windows(self, place: Mapping[str, Any] | None) -> Iterator[tuple[datetime | None, datetime | None]]:
        """Start and end of each window, behind that with the parameters `place`, where one is given.

        Raises ValueError where that window is none of this range.
        """
        start, end, span = self.start, self.end, self.span
        if span is None or start is None or end is None:
            return iter(() if place is not None else ((start, end),))
        if place is not None:
            low, high = (_edge(place, name) for name in ("start_time", "end_time"))
            if low < start or high > end:
                raise ValueError("this cursor belongs to another range of time")
            start, end = (start, low) if self.down else (high, end)
        return self._cut(start, end, span)

    def _cut(self, start: datetime, end: datetime, span: timedelta) -> Iterator[tuple[datetime, datetime]]:
        while start < end:
            if span >= end - start:
                yield start, end
                return
            if self.down:
                # Down to an edge: the first window may be the shorter one, as may be the last.
                over = (end - _EPOCH) % self._grain
                low = end - (span - (-over) % self._grain)
                yield low, end
                end = low
            else:
                high = start - (start - _EPOCH) % self._grain + span
                yield start, high
                start = high


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _moment(name: str, value: datetime | None) -> datetime | None:
    """A time in UTC, to the millisecond as it is sent. Raises TypeError or ValueError for what is none with a zone."""
    if value is None:
        return None
    if not isinstance(value, datetime):
        raise TypeError(f"{name} is a datetime with a zone, not {type(value).__name__}")
    return parse_time(time_text(value))


def _edge(place: Mapping[str, Any], name: str) -> datetime:
    with suppress(ValueError):
        if isinstance(text := place.get(name), str):
            return parse_time(text)
    raise ValueError("this cursor does not come from a walk in windows")


class Walk:
    """One request for a range of time: its operations, window by window."""

    def __init__(
        self,
        endpoint: Endpoint,
        stream_id: str,
        params: Mapping[str, Any],
        asked: Range,
        *,
        cursor: str | None,
        size: int | None,
        limit: int | None,
        prefetch: bool,
        options: Options | None,
    ) -> None:
        if limit is not None and limit < 0:
            raise ValueError("limit must not be negative")
        self.left = limit
        self._cursor = cursor
        self._asked = asked
        self._operation = Operation[Any](
            endpoint,
            (stream_id,),
            {"start_time": None, "end_time": None, **params, "size": size, "cursor": None},
            prefetch=prefetch,
            # No spec need know these paths for the client to use them.
            options=(options or NO_OPTIONS).unchecked(),
        )
        endpoint.path((stream_id,))  # refuses an id that cannot be sent, now and not in some loop

    def operations(self) -> Iterator[Operation[Any]]:
        """One list after the other, each with what is left of the limit. Raises ValueError for a foreign cursor."""
        windows = self._asked.windows(None)
        if self._cursor is not None:
            whole = self._asked.span is None
            times = (self._asked.start, self._asked.end) if whole else (None, None)
            resumed = self._window(*times, self._cursor)
            windows = self._asked.windows(Pager(resumed)._place)
            yield resumed
        for start, end in windows:
            if self.left == 0:
                return
            yield self._window(start, end, None)

    def _window(self, start: datetime | None, end: datetime | None, cursor: str | None) -> Operation[Any]:
        times = {"start_time": start, "end_time": end, "cursor": cursor}
        operation = self._operation.with_params({**self._operation.params, **times})
        operation.limit = self.left
        return operation

    def count(self, page: list[Any]) -> list[Any]:
        """Note that a page was handed out."""
        if self.left is not None:
            self.left -= len(page)
        return page


class _Series:
    """What the two kinds of series share."""

    def __init__(self, walk: Walk) -> None:
        self._walk = walk
        first = next(walk.operations(), None)  # refuses a foreign cursor at once
        self._pager: Pager[Any] | None = None if first is None else Pager(first)

    @property
    def cursor(self) -> str | None:
        """Resume with the same arguments and `cursor=...`: the place with window and page; None for an empty range.

        At least once: the page of the item that was handed out last is fetched again. Before the first item it is the
        beginning. It belongs to the iteration that was begun last.
        """
        return None if self._pager is None else self._pager.cursor


class Series(_Series):
    """The items of a range of time, fetched window by window and page by page while iterated; each iteration anew."""

    def __init__(self, client: Client, walk: Walk) -> None:
        super().__init__(walk)
        self._client = client

    def pages(self) -> Generator[list[dict[str, Any]], None, None]:
        """The items, one list per page; a page without any is left out."""
        walk = copy(self._walk)
        for operation in walk.operations():
            listing = Listing[dict[str, Any]](self._client, operation)
            with closing(listing.pages()) as pages:
                for page in pages:
                    self._pager = listing._pager
                    yield walk.count(page)

    def __iter__(self) -> Generator[dict[str, Any], None, None]:
        with closing(self.pages()) as pages:
            for page in pages:
                yield from page


class AsyncSeries(_Series):
    """`Series` for `async for`."""

    def __init__(self, client: AsyncClient, walk: Walk) -> None:
        super().__init__(walk)
        self._client = client

    async def pages(self) -> AsyncGenerator[list[dict[str, Any]], None]:
        """The items, one list per page; a page without any is left out."""
        walk = copy(self._walk)
        for operation in walk.operations():
            listing = AsyncListing[dict[str, Any]](self._client, operation)
            async with aclosing(listing.pages()) as pages:
                async for page in pages:
                    self._pager = listing._pager
                    yield walk.count(page)

    async def __aiter__(self) -> AsyncGenerator[dict[str, Any], None]:
        async with aclosing(self.pages()) as pages:
            async for page in pages:
                for item in page:
                    yield item
