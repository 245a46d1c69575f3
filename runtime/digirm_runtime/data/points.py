"""Data points as the service takes them: `POST /ws/v1/streams/history`.

Known of its items are `stream_id`, `stream_type` and `value` (outside code); the other keys are those of the answers
and of streams, and inferred. Values are sent as text, the form in which the service gives them.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple, TypeAlias

from digirm_runtime.text import number_text, time_text

#: A value of a data point. A datetime is sent as ISO 8601, bytes as Base64.
Value: TypeAlias = "str | int | float | bool | Decimal | datetime | bytes | Mapping[str, Any] | list[Any]"

#: Types of streams whose values are numbers, and those whose values are JSON.
_NUMBERS: Final = frozenset({"INTEGER", "LONG", "FLOAT", "DOUBLE"})
_JSON: Final = frozenset({"JSON", "GEOJSON"})


class Point(NamedTuple):
    """A data point of the stream `stream_id`.

    `timestamp` is when it was taken; without it the service takes the time at which it comes. `quality` is a number of
    the device's own. `stream_type` (`INTEGER`, `LONG`, `FLOAT`, `DOUBLE`, `STRING`, `BINARY`, `JSON`, `GEOJSON`) is for
    a stream that this point may have to create.
    """

    stream_id: str
    value: Value
    timestamp: datetime | str | int | None = None
    quality: int | None = None
    stream_type: str | None = None
    stream_units: str | None = None
    description: str | None = None


def encode(point: Point | Mapping[str, Any]) -> dict[str, Any]:
    """A point as it is sent. Raises ValueError or TypeError for one that cannot be."""
    item = {name: value for name, value in _named(point).items() if value is not None}
    stream = item.get("stream_id")
    if not isinstance(stream, str) or not stream.strip():
        raise ValueError("the point has no stream_id")
    if "value" not in item:
        raise ValueError("the point has no value")
    kind = item.get("stream_type")
    if kind is not None and not isinstance(kind, str):
        raise TypeError(f"stream_type is a text, not {type(kind).__name__}")
    item["value"] = value_text(item["value"], (kind or "").upper())
    if isinstance(time := item.get("timestamp"), datetime):
        item["timestamp"] = time_text(time)
    elif isinstance(time, bool) or not isinstance(time, str | int | None):
        raise TypeError(f"timestamp is a datetime, ISO 8601 or epoch milliseconds, not {type(time).__name__}")
    return item


def _named(point: Point | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(point, Point):
        return point._asdict()
    if isinstance(point, Mapping):
        return dict(point)
    raise TypeError(f"a point is a Point or a mapping, not {type(point).__name__}")


def value_text(value: Value, kind: str = "") -> str:
    """A value as text for a stream of the type `kind`. Raises ValueError or TypeError for one that has no such text."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        if kind in _NUMBERS:
            return str(int(value))
        if kind not in ("STRING", "JSON"):
            raise ValueError("a truth value can be 1 or 'true': say which, or give the stream_type")
        return "true" if value else "false"
    if isinstance(value, int | float):
        return number_text(value)
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError(f"{value} is no number that can be sent")
        return format(value, "f")
    if isinstance(value, datetime):
        return time_text(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return b64encode(value).decode()
    if isinstance(value, Mapping | list) and kind in _JSON:
        return json.dumps(value, allow_nan=False)
    raise TypeError(f"a value cannot be {type(value).__name__}" + (f" in a stream of type {kind}" if kind else ""))
