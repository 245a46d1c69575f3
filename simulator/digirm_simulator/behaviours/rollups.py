"""Roll-ups: the points of a stream summed up by intervals of time.

What is documented: intervals, methods, and that the time zone counts for a day and longer. Inferred: half hours and
hours begin by UTC, weeks on Monday; an interval is listed where its beginning is in the span; those without points are
left out.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo

from digirm_runtime.query.values import from_milliseconds, milliseconds
from digirm_runtime.wire import Response
from digirm_simulator.behaviours import timeline
from digirm_simulator.behaviours.points import FIRST_TIME, LAST_TIME, NUMERIC
from digirm_simulator.behaviours.timeline import Position, Read, Span
from digirm_simulator.collection import Row
from digirm_simulator.replies import Problem, dumps
from digirm_simulator.values import time_text
from digirm_simulator.world import Behaviour, Call, World

_FIXED = {"half": 30 * 60_000, "hour": 3_600_000}
_DAYS = ("day", "week", "month")
_METHODS = {
    "sum": "sum(number)",
    "average": "avg(number)",
    "min": "min(number)",
    "max": "max(number)",
    "count": "count(*)",
    "standarddev": "",  # not one expression
}


class Calendar:
    """The intervals of one length: each begins where the one before ends. Moments are milliseconds since 1970.

    A day begins at midnight of `zone`, whether it has 23, 24 or 25 hours; where a clock change leaves midnight out, at
    the change; where it comes twice, at the first.
    """

    def __init__(self, interval: str, zone: tzinfo = UTC) -> None:
        self.interval = interval
        self.zone = zone

    def floor(self, at: int) -> int:
        """The beginning of the interval that holds a moment."""
        if step := _FIXED.get(self.interval):
            return at - at % step
        day = self._first(from_milliseconds(at).astimezone(self.zone).date())
        # A clock set back over midnight shows the day before again: the new day goes on.
        following = self._midnight(self._next(day))
        return following if following <= at else self._midnight(day)

    def next(self, at: int) -> int:
        """The beginning of the next interval after the one that holds a moment."""
        if step := _FIXED.get(self.interval):
            return at - at % step + step
        day = self._first(from_milliseconds(at).astimezone(self.zone).date())
        while (found := self._midnight(day)) <= at:
            day = self._next(day)
        return found

    def ceil(self, at: int) -> int:
        """The first beginning at or after a moment."""
        return at if self.floor(at) == at else self.next(at)

    def _first(self, day: date) -> date:
        if self.interval == "week":
            return day - timedelta(days=day.weekday())
        return day.replace(day=1) if self.interval == "month" else day

    def _next(self, day: date) -> date:
        if self.interval == "month":
            return (day + timedelta(days=31)).replace(day=1)
        return day + timedelta(days=7 if self.interval == "week" else 1)

    def _midnight(self, day: date) -> int:
        return milliseconds(datetime(day.year, day.month, day.day, tzinfo=self.zone))


def rollups(call: Call) -> Response:
    """One page of roll-ups."""
    return timeline.page(call, _reader(call))


def bulk(call: Call) -> Response:
    """All roll-ups as CSV."""
    return timeline.bulk(call, _reader(call))


def _reader(call: Call) -> Read:
    calendar = Calendar(_choice(call, "interval", (*_FIXED, *_DAYS), "hour"), _zone(call.params.get("timezone")))
    method = _choice(call, "method", tuple(_METHODS), "average")
    down = timeline.descending(call)
    first, last = calendar.floor(FIRST_TIME), calendar.next(LAST_TIME)
    streams = call.world.resource("/streams/inventory")
    described = streams.collection.get(call.key) if streams is not None else None
    if described is not None and described.get("type") not in NUMERIC:
        raise Problem(400, f"A stream of type {described.get('type')} has no roll-ups")

    def read(call: Call, after: Position, size: int) -> list[Row]:
        low, high = (calendar.ceil(max(first, min(limit, last))) for limit in timeline.span(call))
        if after is not None:
            begin = max(first, min(after[0], last))
            low, high = (low, min(high, begin)) if down else (max(low, calendar.next(begin)), high)
        rows: list[Row] = []
        while len(rows) < size and (at := _nearest(call.world, call.key, Span(low, high), down)) is not None:
            begin = calendar.floor(at)
            end = calendar.next(at)
            value = _summed(call.world, call.key, Span(begin, end), method)
            document = {"stream_id": call.key, "timestamp": time_text(from_milliseconds(begin)), "value": value}
            rows.append(Row(dumps(document).encode(), (begin, 0)))
            low, high = (low, begin) if down else (end, high)
        return rows

    return read


def _choice(call: Call, name: str, known: tuple[str, ...], default: str) -> str:
    value = (call.params.get(name) or default).lower()
    if value not in known:
        raise Problem(400, f"Parameter '{name}' must be one of {', '.join(known)}")
    return value


def _zone(name: str | None) -> tzinfo:
    if not name or name.upper() in ("UTC", "Z"):
        return UTC
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, no name at all, and a folder of names
        raise Problem(400, "Parameter 'timezone' must be a name such as America/Chicago") from None


def _nearest(world: World, stream: str, span: Span, down: bool) -> int | None:
    """When the first point of a span was taken, or the last one."""
    found = world.store.sql(
        "SELECT at FROM x_points WHERE stream = ? AND at >= ? AND at < ?"  # noqa: S608
        f" ORDER BY at {'DESC' if down else 'ASC'} LIMIT 1",
        (stream, *span),
    )
    return found[0][0] if found else None


def _summed(world: World, stream: str, span: Span, method: str) -> float | int:
    """The points of a span as one number; there is at least one."""
    source = "FROM x_points WHERE stream = ? AND at >= ? AND at < ?"
    values = (stream, *span)
    if method == "standarddev":
        # In two steps: the difference of two large sums would lose the digits that count.
        mean = world.store.sql(f"SELECT avg(number) {source}", values)[0][0]
        squares = f"SELECT avg((number - ?) * (number - ?)) {source}"
        found = world.store.sql(squares, (mean, mean, *values))[0][0]
        return _finite(found if found is None else math.sqrt(found))
    found = world.store.sql(f"SELECT {_METHODS[method]} {source}", values)[0][0]
    return found if isinstance(found, int) else _finite(found)


def _finite(value: float | None) -> float:
    """A number that JSON can hold: sums beyond the largest are the largest (none at all: they cancelled out)."""
    return 0.0 if value is None else max(-sys.float_info.max, min(value, sys.float_info.max))


BEHAVIOURS: Mapping[str, Behaviour] = {"streams.rollups": rollups, "streams.bulk_rollups": bulk}
