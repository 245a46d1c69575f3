"""The points of data streams: a private table, with an index for each of the two timelines."""

from __future__ import annotations

import base64
import binascii
import json
import re
import sys
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from digirm_runtime.query.values import from_milliseconds, instant, milliseconds, number
from digirm_runtime.text import number_text
from digirm_simulator.behaviours.timeline import ALWAYS, Position, Read, Span, beyond, parsed, span
from digirm_simulator.collection import Row
from digirm_simulator.replies import Problem, dumps
from digirm_simulator.values import time_text
from digirm_simulator.world import Call, World

TABLES: Final = {
    "points": "seq INTEGER PRIMARY KEY AUTOINCREMENT, stream TEXT NOT NULL, at INTEGER NOT NULL,"
    " server INTEGER NOT NULL, value TEXT NOT NULL, number REAL, quality INTEGER NOT NULL,"
    " UNIQUE (stream, at, seq), UNIQUE (stream, server, seq)",
}

_TIMELINES = {"client": "at", "server": "server"}
_INTEGERS = {"INTEGER": 31, "LONG": 63}
_DECIMALS = {"FLOAT": 3.4028234663852886e38, "DOUBLE": sys.float_info.max}
NUMERIC = frozenset({*_INTEGERS, *_DECIMALS})
_JSON = ("JSON", "GEOJSON")
TYPES = (*_INTEGERS, *_DECIMALS, "STRING", "BINARY", *_JSON)
# Roll-ups must be able to go on from each point by a month, whatever the time zone.
FIRST_TIME, LAST_TIME = 0, milliseconds(datetime.fromisoformat("9998-01-01T00:00:00Z"))
_INT = re.compile(r"[+-]?[0-9]{1,19}")
_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


class Point(NamedTuple):
    """One data point; times are milliseconds since 1970."""

    stream: str
    at: int
    server: int
    value: str
    number: float | None
    quality: int = 0

    def document(self, seq: int) -> dict[str, Any]:
        """The point as a history lists it."""
        return {
            "id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self.stream}/{seq}")),
            "quality": self.quality,
            "server_timestamp": time_text(from_milliseconds(self.server)),
            "stream_id": self.stream,
            "timestamp": time_text(from_milliseconds(self.at)),
            "value": self.value,
        }


def point(stream: str, kind: str, item: Mapping[str, Any], now: datetime) -> Point:
    """The point that was sent for a stream of the type `kind`. Raises Problem 400."""
    text = value_text(kind, item.get("value"))
    sent, server = item.get("timestamp"), milliseconds(now)
    if sent in (None, ""):
        at: int | None = server
    else:
        at = parsed(sent, now) if isinstance(sent, str) else instant(sent)
    if at is None or not FIRST_TIME <= at < LAST_TIME:
        raise Problem(400, "'timestamp' is no time: ISO 8601, or milliseconds since 1970")
    quality = number(item.get("quality") or 0)
    if not isinstance(quality, int) or abs(quality) >= 1 << 31:
        raise Problem(400, "'quality' must be a whole number")
    return Point(stream, at, server, text, float(text) if kind in NUMERIC else None, quality)


def value_text(kind: str, value: Any) -> str:
    """A value as the text that a stream of this type holds. Raises Problem 400 for one that does not fit."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = number_text(value)
    if not isinstance(value, str):
        raise Problem(400, "'value' is required: text or a number")
    text: str = value.strip() if kind in NUMERIC else value
    if kind in NUMERIC and not _numeric(kind, text):
        raise Problem(400, f"{text[:60]!r} is no value of a stream of type {kind}")
    if kind == "BINARY":
        try:
            base64.b64decode(text.encode(), validate=True)
        except binascii.Error:
            raise Problem(400, "A value of type BINARY must be Base64") from None
    if kind in _JSON:
        try:
            json.loads(text)
        except (ValueError, RecursionError):
            raise Problem(400, f"A value of type {kind} must be JSON") from None
    return text


def _numeric(kind: str, text: str) -> bool:
    if bits := _INTEGERS.get(kind):
        return bool(_INT.fullmatch(text)) and -(1 << bits) <= int(text) < 1 << bits
    return bool(_DECIMAL.fullmatch(text)) and abs(float(text)) <= _DECIMALS[kind]


class Last(NamedTuple):
    """The latest point of a stream, and when the newest one came."""

    at: int
    server: int
    value: str
    newest: int


def append(world: World, found: Point) -> int:
    """Store a point; its number."""
    rows = world.store.sql(
        "INSERT INTO x_points (stream, at, server, value, number, quality) VALUES (?, ?, ?, ?, ?, ?) RETURNING seq",
        found,
    )
    return int(rows[0][0])


def last(world: World, stream: str) -> Last | None:
    """The latest point of a stream."""
    found = world.store.sql(
        "SELECT at, server, value, (SELECT max(server) FROM x_points WHERE stream = ?1)"
        " FROM x_points WHERE stream = ?1 ORDER BY at DESC, seq DESC LIMIT 1",
        (stream,),
    )
    return Last(*found[0]) if found else None


def forget(world: World, stream: str, limits: Span = ALWAYS, column: str = "at") -> None:
    """Delete the points of a stream within a span of the timeline that `column` holds."""
    world.store.sql(
        f"DELETE FROM x_points WHERE stream = ? AND {column} >= ? AND {column} < ?",  # noqa: S608
        (stream, *limits),
    )


def timeline(call: Call) -> str:
    """The column that the parameter `timeline` names: when a point was taken (client), or when it came (server)."""
    name = (call.params.get("timeline") or "client").lower()
    if name not in _TIMELINES:
        raise Problem(400, "Parameter 'timeline' must be client or server")
    return _TIMELINES[name]


def reader(stream: str, column: str, down: bool) -> Read:
    """What reads the history of a stream on one timeline."""

    def read(call: Call, after: Position, size: int) -> list[Row]:
        condition, values, order = beyond(column, after, span(call), down)
        found = call.world.store.sql(
            f"SELECT {column}, seq, at, server, value, number, quality FROM x_points"  # noqa: S608
            f" WHERE stream = ? AND {condition} ORDER BY {order} LIMIT ?",
            (stream, *values, size),
        )
        return [Row(dumps(Point(stream, *rest).document(seq)).encode(), (at, seq)) for at, seq, *rest in found]

    return read
