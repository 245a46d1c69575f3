"""DataStream: the data streams. Pages follow each other by `pageCursor`, in the order of ids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from digirm_runtime.query.values import instant
from digirm_runtime.wire import Response
from digirm_runtime.xmltext import Value
from digirm_simulator.behaviours.lookup import required
from digirm_simulator.behaviours.points import TYPES, Point
from digirm_simulator.behaviours.streams import NAME
from digirm_simulator.legacy.columns import CURRENT, DATA_STREAM, STREAM_WRITABLE, operands, row
from digirm_simulator.legacy.condition import compiled
from digirm_simulator.legacy.forms import Row, page_reply, result_reply
from digirm_simulator.legacy.listing import Table, as_call, next_cursor, position_of
from digirm_simulator.other import Asked
from digirm_simulator.paging import size_of
from digirm_simulator.replies import Problem
from digirm_simulator.sql import Where, both
from digirm_simulator.world import World
from digirm_simulator.xmlobjects import decimal, items_of, texts_of

_OBJECT = "DataStream"
_KNOWN = frozenset(column.name for column in DATA_STREAM)
# The service's word for a stream without a type.
_UNKNOWN = "UNKNOWN"


def read(asked: Asked) -> Response:
    """A page of streams: all, or the one that the path names and those below it."""
    table = Table.stored(required(asked.world, NAME).collection)
    condition = compiled(asked.params.get("condition"), operands(DATA_STREAM, table.columns))
    named = _named(asked)
    if named:
        condition = both(condition, Where("(id = ? OR (id >= ? AND id < ?))", (named, f"{named}/", f"{named}0")))
    size, after = size_of(asked.params.get("size")), position_of(asked, str)
    documents = table.rows(asked.world, both(condition, Where("id > ?", after or ("",))), 0, size, order="id")
    if named and not documents and not after:
        raise missing(named)
    head = {
        "resultSize": str(len(documents)),
        "requestedSize": str(size),
        "pageCursor": next_cursor(asked, (documents[-1]["id"],) if documents else after),
    }
    rows = [row(DATA_STREAM, {**document, CURRENT: _current(asked.world, document["id"])}) for document in documents]
    return page_reply(asked, _OBJECT, head, rows)


def create(asked: Asked) -> Response:
    """Store streams."""
    streams, call = required(asked.world, NAME), as_call(asked, NAME)
    made: list[str] = []
    for item in items_of(asked.body, _OBJECT)[0]:
        key = _id(item) or _named(asked)
        if not key:
            raise Problem(400, "<streamId> is required")
        streams.make({"id": key, **_changes(item)}, call)
        made.append(key)
    return result_reply(asked, [("location", key) for key in made], 201, {"location": f"/ws/{_OBJECT}/{made[0]}"})


def update(asked: Asked) -> Response:
    """Change streams: the one in the path, or those that the body names."""
    streams, call = required(asked.world, NAME), as_call(asked, NAME)
    items, _ = items_of(asked.body, _OBJECT)
    for item in items:
        key = _named(asked) or _id(item)
        document = streams.collection.get(key)
        if document is None:
            raise missing(key)
        streams.apply(document, _changes(item), call)
        streams.change(key, document, asked.user.name)
    return result_reply(asked, [("message", f"{len(items)} items updated")])


def delete(asked: Asked) -> Response:
    """Remove the stream in the path, its points with it."""
    streams, key = required(asked.world, NAME), _named(asked)
    if streams.collection.get(key) is None:
        raise missing(key)
    streams.remove(key, asked.user.name)
    return result_reply(asked, [("message", "1 items deleted")])


def missing(key: str) -> Problem:
    """What is said of a stream that there is not."""
    return Problem(404, f"Error reading Stream does not exist entity id='{key}'")


def point_row(document: Mapping[str, Any]) -> Row:
    """A point, as v1 lists it, with the columns that every point has."""
    times = {
        "timestamp": document["timestamp"],
        "serverTimestamp": document.get("server_timestamp", document["timestamp"]),
    }
    shown = {key: str(instant(text)) for key, text in times.items()} | {
        f"{key}ISO": text for key, text in times.items()
    }
    order = ("timestamp", "timestampISO", "serverTimestamp", "serverTimestampISO")
    return {
        **({"id": str(document["id"])} if "id" in document else {}),
        **{key: shown[key] for key in order},
        "data": str(document.get("value", "")),
        "description": "",
        "quality": str(document.get("quality", 0)),
    }


def _current(world: World, key: str) -> Row | None:
    """The latest point of a stream; None for one without points."""
    found = world.store.sql(
        "SELECT seq, stream, at, server, value, number, quality FROM x_points WHERE stream = ?"
        " ORDER BY at DESC, seq DESC LIMIT 1",
        (key,),
    )
    return point_row(Point(*found[0][1:]).document(found[0][0])) if found else None


def _named(asked: Asked) -> str:
    return "/".join(asked.path[1:])


def _id(item: Mapping[str, Value]) -> str:
    found = item.get("streamId")
    return found.strip() if isinstance(found, str) else ""


def _changes(item: Mapping[str, Value]) -> dict[str, Any]:
    """What an object sets, with v1's names. Raises Problem 400."""
    kept = {name: value for name, value in item.items() if name != "currentValue"}
    texts = texts_of(kept, _KNOWN)
    found: dict[str, Any] = {STREAM_WRITABLE[name]: text for name, text in texts.items() if name in STREAM_WRITABLE}
    kind = str(found.pop("type", "")).strip()
    if kind and kind.upper() != _UNKNOWN:
        if kind.upper() not in TYPES:
            raise Problem(400, f"Invalid dataType: {kind[:60]}")
        found["type"] = kind
    for name in ("ttl", "rollup_ttl"):
        if name in found:
            seconds = decimal(found[name].strip() or "0")
            if not isinstance(seconds, int):
                raise Problem(400, f"'{found[name][:60]}' is no number of seconds")
            found[name] = seconds or None
    return found


OBJECTS: Final = {_OBJECT: {"GET": read, "POST": create, "PUT": update, "DELETE": delete}}
