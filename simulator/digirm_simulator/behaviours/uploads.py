"""The bodies that carry data points: JSON, CSV and XML, each as objects with the keys of JSON.

JSON is documented; CSV and XML are documented to exist. Their forms here are those of the older API as its clients
write them: a `DataPoint` per point in XML, a header line of names in CSV.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from digirm_simulator.replies import Problem
from digirm_simulator.resources import read_json

_MAX_ITEMS = 10_000
_MAX_BYTES = 4 << 20

#: The older API's names.
_NAMES: Final[Mapping[str, str]] = {
    "data": "value",
    "datatype": "stream_type",
    "streamid": "stream_id",
    "streamtype": "stream_type",
    "streamunits": "stream_units",
    "type": "stream_type",
    "units": "stream_units",
}
_KEYS = frozenset({"description", "quality", "stream_id", "stream_type", "stream_units", "timestamp", "value"})


def items_of(body: bytes) -> list[Any]:
    """The points that a body carries. Raises Problem for what is none of the three, or too large."""
    start = body.lstrip()[:1]
    if start in (b"{", b"["):
        sent = read_json(body)
        items = sent if isinstance(sent, list) else [sent]
    else:
        if len(body) > _MAX_BYTES:
            raise Problem(413, f"CSV and XML have at most {_MAX_BYTES} bytes")
        try:
            text = body.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise Problem(400, "The body is not UTF-8") from None
        if "\0" in text:
            raise Problem(400, "The body holds a NUL")
        items = [_named(item) for item in (_xml(text) if start == b"<" else _csv(text))]
    if not 1 <= len(items) <= _MAX_ITEMS:
        raise Problem(400, f"The body must hold 1 to {_MAX_ITEMS} data points")
    return items


def _named(item: Mapping[str, str]) -> dict[str, str]:
    """The known keys of a point, under their names in JSON."""
    lower = {name.strip().lower(): text for name, text in item.items()}
    named = {_NAMES.get(name, name): text for name, text in lower.items() if text}
    return {name: text for name, text in named.items() if name in _KEYS}


def _csv(text: str) -> Iterator[dict[str, str]]:
    import csv
    import io

    try:
        rows = csv.reader(io.StringIO(text.removeprefix("#"), newline=""), strict=True)
        header = next(rows, [])
        for row in rows:
            if len(row) > len(header):
                raise Problem(400, f"Line {rows.line_num} of the CSV has more cells than its header")
            if row:
                yield dict(zip(header, row, strict=False))
    except csv.Error:
        raise Problem(400, "The body is neither JSON nor XML nor CSV") from None


def _xml(text: str) -> Iterator[dict[str, str]]:
    from xml.etree import ElementTree

    # Without a document type there are no entities to expand: nothing grows, nothing else is read.
    if "<!DOCTYPE" in text:
        raise Problem(400, "The XML must not have a document type")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314
    except (ElementTree.ParseError, ValueError):
        raise Problem(400, "The body is not valid XML") from None
    found = [root] if root.tag == "DataPoint" else root.iter("DataPoint")
    return ({part.tag: (part.text or "").strip() for part in item} for item in found)
