"""Data streams and their history.

A stream's id is a path, `<device id>/<name>/…`. Its category is the word behind the device id where that is `carrier`,
`management` or `metrics`; all else is data.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from digirm_runtime.query.values import from_milliseconds, instant, milliseconds
from digirm_runtime.wire import Response
from digirm_simulator import listing
from digirm_simulator.behaviours import points, timeline
from digirm_simulator.behaviours.lookup import required
from digirm_simulator.behaviours.points import Point
from digirm_simulator.behaviours.uploads import items_of
from digirm_simulator.collection import Collection
from digirm_simulator.replies import Problem, empty_reply, json_reply
from digirm_simulator.resources import SECRETS, Resource, without
from digirm_simulator.sql import ALL, Where
from digirm_simulator.values import time_text
from digirm_simulator.world import CUSTOMER_ID, Behaviour, Call, Change, World

NAME = "/streams/inventory"
HISTORY = "/streams/history"

_CATEGORIES = ("carrier", "data", "management", "metrics")
_TEXTS = ("description", "units", "forward_to")
_NUMBERS = ("ttl", "rollup_ttl")
_MAX_SECONDS = 1 << 40
# The first state: so many devices have streams, with so many hours of history, which is kept so many seconds.
_STREAMING = 4
_HOURS = 24
_HOUR = 3_600_000
_TTL = 31 * 86_400
_METRICS = {"signal_percent": "%", "signal_quality": "dB", "signal_strength": "dBm"}
_DEVICE_ID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{8}){3}")


class Streams(Resource):
    """Streams: what they hold comes from their points, the rest is the client's to set."""

    def fresh(self, item: Mapping[str, Any], call: Call) -> dict[str, Any]:
        """A stream of the id sent, of the type STRING unless another is."""
        document = super().fresh({"id": item.get("id") or item.get("stream_id")}, call)
        key = document["id"]
        if _DEVICE_ID.fullmatch(device := key.partition("/")[0]):
            document["device_id"] = device
        return document | {"history_uri": _history_uri(self.world, key), "type": "STRING"}

    def apply(self, document: dict[str, Any], changes: Any, call: Call) -> None:
        """Take what a client may set; the type only of a new stream, as the points must fit it."""
        if not isinstance(changes, dict):
            raise Problem(400, "Expected an object")
        wanted = {name: changes[name] for name in (*_TEXTS, *_NUMBERS) if name in changes}
        for name in _TEXTS:
            if not isinstance(wanted.get(name), str | None):
                raise Problem(400, f"'{name}' must be a text")
        for name in _NUMBERS:
            seconds = wanted.get(name)
            if seconds is not None and (type(seconds) is not int or not 0 <= seconds < _MAX_SECONDS):
                raise Problem(400, f"'{name}' must be a number of seconds")
        if (sent := changes.get("type", changes.get("stream_type"))) is not None:
            wanted["type"] = kind_of(sent)
            if wanted["type"] != type_of(document) and self.collection.get(document["id"]) is not None:
                raise Problem(400, f"The type of a stream cannot be changed; it is {type_of(document)}")
        super().apply(document, wanted, call)


def _history_uri(world: World, key: str) -> str:
    return f"{world.contract.base_path}{HISTORY}/{quote(key)}"


def kind_of(sent: Any) -> str:
    """The type of stream that was sent, in upper case. Raises Problem 400."""
    kind = sent.upper() if isinstance(sent, str) else None
    if kind not in points.TYPES:
        raise Problem(400, f"The type of a stream is one of {', '.join(points.TYPES)}")
    return kind


def type_of(stream: Mapping[str, Any]) -> str:
    """The type of a stored stream."""
    return str(stream.get("type", "STRING"))


def list_streams(call: Call) -> Response:
    """One page of streams, of one category where `category` names it."""
    return listing.page(call, _streams(call.world).collection, _chosen(call))


def bulk_streams(call: Call) -> Response:
    """Streams as CSV, of one category where `category` names it."""
    return listing.bulk(call, _streams(call.world).collection, _chosen(call))


def upload(call: Call) -> Response:
    """Store data points; a stream that does not exist is created. What fails is reported beside what does not."""
    streams = _streams(call.world)
    items = items_of(call.body)
    answers: list[dict[str, Any]] = []
    touched: dict[str, dict[str, Any]] = {}
    failed = False
    for item in items:
        try:
            answers.append(_upload(call, streams, touched, item))
        except Problem as problem:
            if len(items) == 1:
                raise
            failed = True
            answers.append(Problem(problem.status, problem.message, without(item, SECRETS)).document())
    for stream in touched.values():
        settle(call.world, streams, stream, call.now)
    return json_reply({"count": len(answers), "list": answers}, 207 if failed else 201)


def _upload(call: Call, streams: Resource, touched: dict[str, dict[str, Any]], item: Any) -> dict[str, Any]:
    """Store one point, as the history lists it; its stream is then among the touched ones."""
    if not isinstance(item, dict):
        raise Problem(400, "Expected an object")
    key = item.get("stream_id")
    if not isinstance(key, str) or not key.strip():
        raise Problem(400, "'stream_id' is required")
    stream = touched.get(key) or streams.collection.get(key)
    sent = item.get("stream_type")
    kind = kind_of(sent) if sent is not None else "STRING" if stream is None else type_of(stream)
    if stream is not None and kind != type_of(stream):
        raise Problem(400, f"The stream is of type {type_of(stream)}")
    # Only what can be stored creates its stream.
    point = points.point(key, kind, item, call.now)
    if stream is None:
        named = {"units": item.get("stream_units"), "description": item.get("description")}
        stream = streams.make({"id": key, "type": kind, **named}, call)
    touched[key] = stream
    return _store(call.world, point, call.now, call.user.name)


def _store(world: World, point: Point, now: datetime, by: str | None) -> dict[str, Any]:
    """Store a point and tell of it; as the history lists it."""
    document = point.document(points.append(world, point))
    world.changed(Change("create", HISTORY, point.stream, None, document, now, by))
    return document


def history(call: Call) -> Response:
    """One page of the points of a stream; of none where there is no such stream."""
    return timeline.page(call, _history(call, call.key))


def bulk_history(call: Call) -> Response:
    """The points of a stream as CSV."""
    return timeline.bulk(call, _history(call, call.key))


def usage(call: Call) -> Response:
    """The history of a stream of the carrier's: what a SIM has used."""
    args = call.args
    key = f"{args['device_id']}/carrier/{args['sim_id']}/usage/{args['usage_id']}"
    _streams(call.world).get(key)
    return timeline.page(call, _history(call, key))


def delete_history(call: Call) -> Response:
    """Delete the points of a stream from `start_time` until `end_time`, all without them."""
    streams = _streams(call.world)
    stream = streams.get(call.key)
    points.forget(call.world, call.key, timeline.span(call), points.timeline(call))
    settle(call.world, streams, stream, call.now)
    call.world.changed(Change("delete", HISTORY, call.key, None, None, call.now, call.user.name))
    return empty_reply()


def settle(world: World, streams: Resource, stream: dict[str, Any], now: datetime) -> None:
    """Bring a stream's last value up to its points, and drop those older than it keeps (`ttl`, in seconds)."""
    key = stream["id"]
    if isinstance(ttl := stream.get("ttl"), int) and ttl > 0:
        points.forget(world, key, timeline.Span(timeline.FIRST, milliseconds(now) - ttl * 1000), "server")
    for name in ("last_update", "server_timestamp", "timestamp", "value"):
        stream.pop(name, None)
    if last := points.last(world, key):
        stream |= {
            "last_update": time_text(from_milliseconds(last.newest)),
            "server_timestamp": time_text(from_milliseconds(last.server)),
            "timestamp": time_text(from_milliseconds(last.at)),
            "value": last.value,
        }
    streams.collection.replace(stream)


def _history(call: Call, key: str) -> timeline.Read:
    return points.reader(key, points.timeline(call), timeline.descending(call))


def _streams(world: World) -> Resource:
    return required(world, NAME)


def _chosen(call: Call) -> Where:
    """The condition for the streams of the category that is asked for."""
    category = call.params.get("category")
    if category is None:
        return ALL
    if category.lower() not in _CATEGORIES:
        raise Problem(400, f"Parameter 'category' must be one of {', '.join(_CATEGORIES)}")
    word = "substr(id, instr(id, '/') + 1, instr(substr(id, instr(id, '/') + 1), '/') - 1)"
    named = f"(id LIKE '%/%/%' AND {word} IN ('carrier', 'management', 'metrics'))"
    if category.lower() == "data":
        return Where(f"(NOT {named})")
    return Where(f"({named} AND {word} = ?)", (category.lower(),))


def observe(world: World, change: Change) -> None:
    """Points go with their stream; what a device reports becomes points of those of its metrics that have a stream."""
    if change.kind == "delete" and change.name == NAME:
        points.forget(world, change.key)
    elif change.kind == "report" and change.after is not None and (streams := world.resource(NAME)):
        for stream in _metrics(world, streams.collection, change.key):
            value = change.after.get(stream["id"].rpartition("/")[2])
            kind = type_of(stream)
            if kind in points.NUMERIC and isinstance(value, int | float):
                _store(world, points.point(stream["id"], kind, {"value": value}, change.at), change.at, None)
                settle(world, streams, stream, change.at)


def _metrics(world: World, collection: Collection, device: str) -> list[dict[str, Any]]:
    prefix = f"{device}/metrics/"
    found = world.store.sql(
        f"SELECT id FROM {collection.table} WHERE id >= ? AND id < ?",  # noqa: S608
        (prefix, prefix[:-1] + "0"),
    )
    return [stream for (key,) in found if (stream := collection.get(key))]


def seed(world: World) -> None:
    """Give the first devices that have ever connected a temperature, metrics, and what their SIM has used."""
    devices, streams = world.resource("/devices/inventory"), world.resource(NAME)
    if devices is None or streams is None:
        return
    for row in devices.collection.page(ALL, [], None, _STREAMING):
        device = json.loads(row.body)
        seen = instant(device.get("last_update"))
        if seen is None:
            continue
        dice = world.random("streams", device["id"])
        days = [round(dice.uniform(5e6, 5e7)) for _ in range(7)]
        values = [f"{20 + 4 * math.sin(hour / 24 * math.tau) + dice.random():.1f}" for hour in range(_HOURS)]
        _fill(world, streams, f"{device['id']}/temperature", ("DOUBLE", "Celsius"), values, seen, _HOUR)
        for name, units in _METRICS.items():
            if isinstance(now := device.get(name), int):
                steps = [*(str(now + dice.randint(-2, 2)) for _ in range(_HOURS - 1)), str(now)]
                _fill(world, streams, f"{device['id']}/metrics/{name}", ("INTEGER", units), steps, seen, _HOUR)
        if device.get("carrier"):
            key = f"{device['id']}/carrier/{dice.randrange(10**18, 10**19)}/usage/1"
            _fill(world, streams, key, ("LONG", "bytes"), list(map(str, days)), seen, 24 * _HOUR)


def _fill(
    world: World, streams: Resource, key: str, kind: tuple[str, str], values: Sequence[str], until: int, step: int
) -> None:
    """Store a stream with these values, the last one at `until`, the others `step` milliseconds apart before it."""
    stream = {
        "customer_id": CUSTOMER_ID,
        "device_id": key.partition("/")[0],
        "history_uri": _history_uri(world, key),
        "id": key,
        "ttl": _TTL,
        "type": kind[0],
        "units": kind[1],
    }
    streams.collection.insert([stream])
    for number, value in enumerate(values, 1 - len(values)):
        at = until + number * step
        points.append(world, Point(key, at, at, value, float(value)))
    settle(world, streams, stream, world.now())


RESOURCES: Mapping[str, type[Resource]] = {NAME: Streams}
TABLES = points.TABLES
BEHAVIOURS: Mapping[str, Behaviour] = {
    "streams.list": list_streams,
    "streams.csv": bulk_streams,
    "streams.upload": upload,
    "streams.history": history,
    "streams.history_csv": bulk_history,
    "streams.delete_history": delete_history,
    "streams.usage": usage,
}
