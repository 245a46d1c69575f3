"""DataPoint: the points of a stream, their roll-ups, and what is uploaded."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from digirm_runtime.query.values import instant
from digirm_runtime.wire import Response
from digirm_simulator.behaviours import points, rollups, timeline
from digirm_simulator.behaviours import streams as v1
from digirm_simulator.behaviours.lookup import required
from digirm_simulator.behaviours.uploads import items_of
from digirm_simulator.legacy import forms
from digirm_simulator.legacy.listing import as_call, next_cursor, position_of
from digirm_simulator.legacy.streams import missing, point_row
from digirm_simulator.other import Asked
from digirm_simulator.paging import size_of
from digirm_simulator.replies import Problem

_OBJECT = "DataPoint"
_ORDERS: Final[Mapping[str, str]] = {"ascending": "asc", "asc": "asc", "descending": "desc", "desc": "desc"}
#: Parameters that v1 has too, by its names.
_PARAMS: Final[Mapping[str, str]] = {
    "endTime": "end_time",
    "pageCursor": "cursor",
    "rollupInterval": "interval",
    "rollupMethod": "method",
    "size": "size",
    "startTime": "start_time",
    "timeline": "timeline",
    "timezone": "timezone",
}
_HISTORY, _ROLLUPS = "/streams/history/{stream_id}", "/streams/rollups/{stream_id}"
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def read(asked: Asked) -> Response:
    """A page of the points of the stream in the path, or of their roll-ups."""
    stream = _stream(asked)
    size = size_of(asked.params.get("size"))
    if asked.params.get("rollupInterval") or asked.params.get("rollupMethod"):
        documents, cursor = _rolled_up(asked, stream, size)
    else:
        documents, cursor = _history(asked, stream, size)
    head = {"resultSize": str(len(documents)), "requestedSize": str(size)}
    if cursor is not None:
        head["pageCursor"] = cursor
    head |= {f"requested{name}": _requested(asked, name) for name in ("StartTime", "EndTime")}
    return forms.page_reply(asked, _OBJECT, head, [_row(stream, document) for document in documents])


def _history(asked: Asked, stream: Mapping[str, Any], size: int) -> tuple[list[dict[str, Any]], str]:
    """Points, and the cursor behind the last of them."""
    call = as_call(asked, _HISTORY, {"stream_id": stream["id"]}, _params(asked))
    reader = points.reader(stream["id"], points.timeline(call), timeline.descending(call))
    after = position_of(asked, int, int)
    rows = reader(call, (after[0], after[1]) if after else None, size)
    return [json.loads(row.body) for row in rows], next_cursor(asked, rows[-1].position if rows else after)


def _rolled_up(asked: Asked, stream: Mapping[str, Any], size: int) -> tuple[list[dict[str, Any]], str | None]:
    """Roll-ups, and the cursor behind the last of them; none where there is nothing more."""
    params = _params(asked) | {"size": str(size)}
    found = json.loads(rollups.rollups(as_call(asked, _ROLLUPS, {"stream_id": stream["id"]}, params)).read())
    return found["list"], found.get("cursor")


def create(asked: Asked) -> Response:
    """Store points, of the stream in the path where they name none; a stream that does not exist is created."""
    named = "/".join(asked.path[1:])
    items = items_of(asked.body)
    for item in items:
        if named and isinstance(item, dict):
            item.setdefault("stream_id", named)
    call = as_call(asked, v1.NAME, body=json.dumps(items).encode())
    reply = v1.upload(call)
    answers = json.loads(reply.read())["list"]
    entries = [
        ("error", item["error_message"]) if "error_message" in item else ("location", _location(item))
        for item in answers
    ]
    first = {"location": f"/ws/{entries[0][1]}"} if entries[0][0] == "location" else {}
    return forms.result_reply(asked, entries, reply.status, first)


def delete(asked: Asked) -> Response:
    """Delete the points of a stream from `startTime` until `endTime`, all without them, or the one in the path."""
    streams, *above = required(asked.world, v1.NAME), *asked.path[1:]
    whole, last = "/".join(above), above[-1] if above else ""
    if streams.collection.get(whole) is None and _ID.fullmatch(last):
        return _delete_one(asked, "/".join(above[:-1]), last)
    stream = _stream(asked)
    call = as_call(asked, _HISTORY, {"stream_id": stream["id"]}, _params(asked))
    count = "SELECT count(*) FROM x_points WHERE stream = ?"
    before = asked.world.store.sql(count, (stream["id"],))[0][0]
    v1.delete_history(call)
    gone = before - asked.world.store.sql(count, (stream["id"],))[0][0]
    return forms.result_reply(asked, [("message", f"{gone} items deleted")])


def _delete_one(asked: Asked, key: str, wanted: str) -> Response:
    streams = required(asked.world, v1.NAME)
    stream = streams.collection.get(key)
    if stream is None:
        raise missing(key)
    rows = asked.world.store.sql(
        "SELECT seq, stream, at, server, value, number, quality FROM x_points WHERE stream = ?", (key,)
    )
    for seq, *rest in rows:
        if points.Point(*rest).document(seq)["id"] == wanted:
            asked.world.store.sql("DELETE FROM x_points WHERE seq = ?", (seq,))
            v1.settle(asked.world, streams, stream, asked.now)
            return forms.result_reply(asked, [("message", "1 items deleted")])
    return forms.result_reply(asked, [("message", "0 items deleted")])


def _stream(asked: Asked) -> dict[str, Any]:
    """The stream in the path. Raises Problem 400 and 404."""
    key = "/".join(asked.path[1:])
    if not key:
        raise Problem(400, "The path must end with the id of a stream")
    found = required(asked.world, v1.NAME).collection.get(key)
    if found is None:
        raise missing(key)
    return found


def _params(asked: Asked) -> dict[str, str]:
    """What is asked for, with v1's names. Raises Problem 400 for an order that is none."""
    given = asked.params.values
    found = {_PARAMS[name]: text for name, text in given.items() if name in _PARAMS}
    if (order := given.get("order")) is not None:
        if order.lower() not in _ORDERS:
            raise Problem(400, "Parameter 'order' must be ascending or descending")
        found["order"] = _ORDERS[order.lower()]
    # The client library calls the hour so in its description.
    if found.get("interval", "").lower() == "hourly":
        found["interval"] = "hour"
    return found


def _requested(asked: Asked, name: str) -> str:
    text = asked.params.get(name[0].lower() + name[1:])
    if text is None:
        return "-1"
    found = instant(text)
    return text if found is None else str(found)


def _row(stream: Mapping[str, Any], document: Mapping[str, Any]) -> forms.Row:
    shown = dict(point_row(document))
    first = {"id": shown.pop("id")} if "id" in shown else {}
    return {**first, "cstId": str(stream.get("customer_id", "")), "streamId": str(stream["id"]), **shown}


def _location(item: Mapping[str, Any]) -> str:
    return f"{_OBJECT}/{item['stream_id']}/{item['id']}"


OBJECTS: Final = {_OBJECT: {"GET": read, "POST": create, "DELETE": delete}}
