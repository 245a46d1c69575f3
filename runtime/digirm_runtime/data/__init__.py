"""Data streams in practice: uploads in batches, histories over long ranges of time, and roll-ups."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from typing import TYPE_CHECKING, Any, ParamSpec, cast

from digirm_runtime.data.answers import Refusal
from digirm_runtime.data.history import AsyncSeries, Range, Series, Walk
from digirm_runtime.data.points import Point as Point
from digirm_runtime.data.uploads import AnyPoint as AnyPoint
from digirm_runtime.data.uploads import Failure as Failure
from digirm_runtime.data.uploads import Report as Report
from digirm_runtime.data.uploads import Upload
from digirm_runtime.data.uploads import UploadError as UploadError
from digirm_runtime.errors import BadRequest
from digirm_runtime.face import Api, AsyncApi, Method
from digirm_runtime.operation import Endpoint, Operation

if TYPE_CHECKING:
    from digirm_runtime.options import Options
    from digirm_runtime.storage.sources import Progress

P = ParamSpec("P")

#: How many points go at a time: as many as the older API takes (outside code); for v1 nothing is documented.
BATCH = 250
#: How the values of an interval become one, and how long it is (outside code, for the older API; v1's documentation
#: shows `average` and `hour`).
METHODS = ("average", "count", "max", "min", "standarddev", "sum")
INTERVALS = ("half", "hour", "day", "week", "month")
_SHORT = ("half", "hour")

_HISTORY = Endpoint(
    "GET",
    "/ws/v1/streams/history/{stream_id:.+}",
    "list",
    rivals=("/ws/v1/streams/history/{device_id}/carrier/{sim_id}/usage/{usage_id}",),
    listed="/ws/v1/streams/history/{stream_id}",
)
_ROLLUPS = Endpoint("GET", "/ws/v1/streams/rollups/{stream_id:.+}", "list", listed="/ws/v1/streams/rollups/{stream_id}")


class _Ops:
    """What is asked for; it sends nothing."""

    @staticmethod
    def history(
        stream_id: str,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        span: timedelta | None = None,
        order: str = "asc",
        timeline: str | None = None,
        cursor: str | None = None,
        size: int | None = None,
        limit: int | None = None,
        prefetch: bool = False,
        options: Options | None = None,
    ) -> Walk:
        """The points of a stream from `start` on and before `end`, oldest first (`order="asc"`) or latest (`"desc"`).

        With `span` the range is asked for in windows of that length, which share no point: for ranges so long that one
        walk through them is more than the service or a connection bears. It needs a `start`; without an `end` it goes
        until now. Times count to the millisecond. `timeline` is `client` (when a point was taken) or `server` (when it
        came). `.cursor` resumes with the same arguments.

        Raises ValueError or TypeError for what cannot be asked, times without a zone included.
        """
        if timeline is not None:
            _one_of("timeline", timeline, ("client", "server"))
        down = _one_of("order", order, ("asc", "desc")) == "desc"
        return Walk(
            _HISTORY,
            stream_id,
            {"order": order, "timeline": timeline},
            Range(start, end, span, down=down),
            cursor=cursor,
            size=size,
            limit=limit,
            prefetch=prefetch,
            options=options,
        )

    @staticmethod
    def rollups(
        stream_id: str,
        *,
        method: str,
        interval: str,
        start: datetime | None = None,
        end: datetime | None = None,
        span: timedelta | None = None,
        timezone: str | tzinfo | None = None,
        order: str = "asc",
        cursor: str | None = None,
        size: int | None = None,
        limit: int | None = None,
        prefetch: bool = False,
        options: Options | None = None,
    ) -> Walk:
        """The values of a stream summed up: `method` of each `interval`.

        `method` is one of `METHODS`, `interval` of `INTERVALS`. `timezone` (`"Europe/Berlin"`, or a `ZoneInfo`) says
        when a day begins. `span` is as in `history`, whole hours, and for `half` and `hour` alone: of longer intervals
        one page holds years. `.cursor` resumes with the same arguments.

        Raises ValueError or TypeError for what cannot be asked, times without a zone included.
        """
        _one_of("method", method, METHODS)
        _one_of("interval", interval, INTERVALS)
        if span is not None and interval not in _SHORT:
            raise ValueError(f"windows would cut a {interval} in two, and one page holds 1000 of them: leave out span")
        down = _one_of("order", order, ("asc", "desc")) == "desc"
        return Walk(
            _ROLLUPS,
            stream_id,
            {"method": method, "interval": interval, "timezone": _zone_name(timezone), "order": order},
            Range(start, end, span, down=down, grain=timedelta(hours=1)),
            cursor=cursor,
            size=size,
            limit=limit,
            prefetch=prefetch,
            options=options,
        )


def _one_of(name: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise ValueError(f"{name} must be one of {', '.join(known)}, not {value!r}")
    return value


def _zone_name(zone: str | tzinfo | None) -> str | None:
    """A time zone as the service names it. Raises ValueError for one without such a name."""
    if zone is None or isinstance(zone, str):
        return zone
    name = "UTC" if zone is UTC else getattr(zone, "key", None)
    if not isinstance(name, str):
        raise ValueError(f"{zone!r} has no name that the service knows; use ZoneInfo or a text")
    return name


def _series(make: Callable[P, Walk]) -> Method[P, Any, Series]:
    """A method that returns an iterable over a range of time."""
    return Method(cast("Callable[P, Operation[Any]]", make), lambda client: _run(Series, client), "Series")


def _aseries(make: Callable[P, Walk]) -> Method[P, Any, AsyncSeries]:
    """A method that returns an async iterable over a range of time."""
    return Method(cast("Callable[P, Operation[Any]]", make), lambda client: _run(AsyncSeries, client), "AsyncSeries")


def _run(kind: Any, client: Any) -> Any:
    return partial(kind, client)


class Data(Api):
    """The data streams of an account, `rm.data`."""

    def upload(
        self,
        points: Iterable[AnyPoint],
        *,
        batch: int = BATCH,
        progress: Progress | None = None,
        options: Options | None = None,
    ) -> Report:
        """Upload data points, `batch` at a time, and say what has become of them.

        `points` is any iterable of `Point`s or of mappings with the keys of the service; it is read as it is sent, so
        that memory holds one batch. Values may be numbers, text, bytes (sent as Base64), datetimes (ISO 8601), truth
        values where the `stream_type` is given, and dicts and lists for a `JSON` stream. Points that the service
        refuses are `failures` of the report, and the rest goes on. `progress(done, total)` is called after each batch;
        `total` is None for an iterable without a length.

        A batch is repeated where it provably was not stored (the throttle refused it, or it did not leave), and not
        where nobody knows, unless `options` has `idempotent=True`. Raises UploadError, with how far it came, for
        whatever stops it: a point that cannot be sent, an error of the service or of the connection, or one that
        `points` raises. Raises ValueError for a `batch` that is none.
        """
        upload = Upload(points, batch, progress, options)
        with upload.stopping():
            for point in points:
                if (operation := upload.add(point)) is not None:
                    self._send(upload, operation)
            if (operation := upload.rest()) is not None:
                self._send(upload, operation)
        return upload.report

    def _send(self, upload: Upload, operation: Operation[list[Refusal]]) -> None:
        from digirm_runtime.drivers import run

        client = self._client
        flow, transport = client._flow(operation, operation.decode), client._transport
        upload.leaves()
        try:
            refused = run(flow, transport)
        except BadRequest as error:
            if not upload.refused(error):
                raise
        else:
            upload.settle(refused)

    history = _series(_Ops.history)
    rollups = _series(_Ops.rollups)


class AsyncData(AsyncApi):
    """`Data` for asyncio: `upload` is awaited, and `async for` goes over histories and roll-ups."""

    async def upload(
        self,
        points: Iterable[AnyPoint] | AsyncIterable[AnyPoint],
        *,
        batch: int = BATCH,
        progress: Progress | None = None,
        options: Options | None = None,
    ) -> Report:
        """`Data.upload`; `points` may be an asynchronous iterable, too."""
        upload = Upload(points, batch, progress, options)
        with upload.stopping():
            if isinstance(points, AsyncIterable):
                async for point in points:
                    if (operation := upload.add(point)) is not None:
                        await self._send(upload, operation)
            else:
                for point in points:
                    if (operation := upload.add(point)) is not None:
                        await self._send(upload, operation)
            if (operation := upload.rest()) is not None:
                await self._send(upload, operation)
        return upload.report

    async def _send(self, upload: Upload, operation: Operation[list[Refusal]]) -> None:
        from digirm_runtime.drivers import arun

        client = self._client
        flow, transport = client._flow(operation, operation.decode), client._transport
        upload.leaves()
        try:
            refused = await arun(flow, transport)
        except BadRequest as error:
            if not upload.refused(error):
                raise
        else:
            upload.settle(refused)

    history = _aseries(_Ops.history)
    rollups = _aseries(_Ops.rollups)
