"""The bodies that carry data points: JSON, CSV and XML, each as objects with the keys of JSON.

JSON is documented; CSV and XML are documented to exist. Their forms here are those of the older API as its clients
write them: a `DataPoint` per point in XML, a header line of names in CSV.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from digirm_simulator.replies import Problem
from digirm_simulator.resources import read_json
from digirm_simulator.xmlobjects import items_of as objects_of
from digirm_simulator.xmlobjects import texts_of

_MAX_ITEMS = 10_000
_MAX_BYTES = 4 << 20

#: What a point is sent with: by the older API's names, and by those of JSON.
_NAMES: Final[Mapping[str, str]] = {
    "data": "value",
    "dataType": "stream_type",
    "streamId": "stream_id",
    "streamType": "stream_type",
    "streamUnits": "stream_units",
    "type": "stream_type",
    "units": "stream_units",
    **{
        name: name
        for name in ("description", "quality", "stream_id", "stream_type", "stream_units", "timestamp", "value")
    },
}
# CSV has its names in capitals, too.
_IN_LOWER_CASE: Final = {name.lower(): key for name, key in _NAMES.items()}
#: What a point of the older API has beside, and v1 has no place for.
_IGNORED = ("cstId", "forwardTo", "id", "location", "serverTimestamp", "serverTimestampISO", "timestampISO")
_BLANK = b"\xef\xbb\xbf \t\r\n"


def items_of(body: bytes) -> list[Any]:
    """The points that a body carries. Raises Problem for what is none of the three, or too large."""
    start = body.lstrip(_BLANK)[:1]
    if start in (b"{", b"["):
        sent = read_json(body)
        items = sent if isinstance(sent, list) else [sent]
    elif len(body) > _MAX_BYTES:
        raise Problem(413, f"CSV and XML have at most {_MAX_BYTES} bytes")
    else:
        items = list(_xml(body) if start == b"<" else _csv(body))
    if not 1 <= len(items) <= _MAX_ITEMS:
        raise Problem(400, f"The body must hold 1 to {_MAX_ITEMS} data points")
    return items


def _csv(body: bytes) -> Iterator[dict[str, str]]:
    """The points of a table; columns that are not known say nothing, nor do empty cells."""
    import csv
    import io

    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Problem(400, "The body is not UTF-8") from None
    if "\0" in text:
        raise Problem(400, "The body holds a NUL")
    try:
        rows = csv.reader(io.StringIO(text.removeprefix("#"), newline=""), strict=True)
        header = [_IN_LOWER_CASE.get(name.strip().lower()) for name in next(rows, [])]
        for row in rows:
            if len(row) > len(header):
                raise Problem(400, f"Line {rows.line_num} of the CSV has more cells than its header")
            if row:
                yield {key: cell for key, cell in zip(header, row, strict=False) if key and cell}
    except csv.Error:
        raise Problem(400, "The body is neither JSON nor XML nor CSV") from None


def _xml(body: bytes) -> Iterator[dict[str, str]]:
    """The points of a `DataPoint`, or of a `list` of them; only a value may be an empty text."""
    known = {*_NAMES, *_IGNORED}
    for item in objects_of(body, "DataPoint")[0]:
        point = {_NAMES[name]: text for name, text in texts_of(item, known).items() if name in _NAMES}
        yield {
            key: text if key == "value" else text.strip()
            for key, text in point.items()
            if key == "value" or text.strip()
        }
