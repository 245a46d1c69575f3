"""Reports: figures computed from what is stored.

The shapes of the counts of devices and of the data usage are those that Digi's own app reads. All others are not
public: they have the least that a report of their name must have.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from digirm_runtime.query.values import milliseconds
from digirm_runtime.wire import Response
from digirm_simulator import listing
from digirm_simulator.behaviours import events, timeline
from digirm_simulator.behaviours.timeline import Position, Read
from digirm_simulator.collection import Row
from digirm_simulator.paging import size_of, window
from digirm_simulator.replies import Problem, dumps, json_reply
from digirm_simulator.resources import Resource
from digirm_simulator.sql import ALL, Where
from digirm_simulator.world import Behaviour, Call

_DAY = 86_400_000
_MEGABYTE = 1_000_000
_MOST = 1 << 62
_GROUPINGS = ("device_id", "carrier", "group")


def _devices(call: Call) -> tuple[Resource, Where]:
    """The devices, and which of them the parameters select."""
    devices = call.world.resource("/devices/inventory")
    if devices is None:
        raise Problem(404, "This version has no devices")
    return devices, listing.selection(call, call.described.query, devices.collection.columns) or ALL


def _count(*keys: str, unset: str | None = None) -> Behaviour:
    """How many devices share each value, or each combination of values, of `keys`; `unset` stands for no value."""

    def answer(call: Call) -> Response:
        devices, condition = _devices(call)
        items = []
        for *values, count in devices.collection.tally(keys, condition):
            named = dict(zip(keys, (unset if value is None else value for value in values), strict=True))
            if None not in named.values():
                items.append({"count": count} | ({"value": named[keys[0]]} if len(keys) == 1 else {"values": named}))
        return _listed(items)

    return answer


def availability(call: Call) -> Response:
    """For each device, the part of a time (the last day, unless told) in which it was connected."""
    now = milliseconds(call.now)
    start, end = timeline.moment(call, "start_time"), timeline.moment(call, "end_time")
    last = now if end is None else min(end, now)
    first = last - _DAY if start is None else start
    if first >= last:
        raise Problem(400, "'start_time' must be before 'end_time' and in the past")
    devices, condition = _devices(call)
    found = devices.collection.page(condition, [], None, size_of(call.params.get("size")))
    links: dict[str, list[tuple[int, bool]]] = {}
    for device, at, connected in events.links(call.world, first):
        links.setdefault(device, []).append((at, connected))
    items = []
    for row in found:
        device = json.loads(row.body)
        connected = device.get("connection_status") == "connected"
        there = _connected(connected, links.get(device["id"].casefold(), ()), first, last, now)
        items.append({"availability": round(100 * there / (last - first), 2), "device_id": device["id"]})
    return _listed(items)


def _connected(connected: bool, links: Iterable[tuple[int, bool]], first: int, last: int, now: int) -> int:
    """How long a device was connected between two times, from what it is now and its links, the latest first."""
    total, until = 0, now
    for at, began in links:
        if connected:
            total += max(0, min(until, last) - max(at, first))
        connected, until = not began, at
    return total + (max(0, min(until, last) - first) if connected else 0)


def utilization(call: Call) -> Response:
    """What the SIMs of the devices used, by device, carrier or group."""
    # All pages are of the time of the first one.
    call = call._replace(now=window(call).now)
    return listing.computed(_selected(call), *_used(call))


def utilization_csv(call: Call) -> Response:
    """The same as CSV."""
    documents, by = _used(call)
    return timeline.bulk(call, _reader(documents), (by, "usage"))


def summary(call: Call) -> Response:
    """What the SIMs of the devices used altogether."""
    return _listed([_total(call)])


def summary_csv(call: Call) -> Response:
    """The same as CSV."""
    return timeline.bulk(call, _reader([_total(call)]))


def _total(call: Call) -> dict[str, Any]:
    _grouping(call)
    used = _by_device(call)
    return {"devices": len(used), "usage": sum(used.values())}


def _grouping(call: Call) -> str:
    by = call.params.get("groupby") or _GROUPINGS[0]
    if by not in _GROUPINGS:
        raise Problem(400, f"Parameter 'groupby' must be one of {', '.join(_GROUPINGS)}")
    return by


def _selected(call: Call) -> Call:
    """The call without what has selected the devices already."""
    params = tuple(name for name in call.described.params if name != "query")
    return call._replace(described=call.described._replace(params=params))


def _used(call: Call) -> tuple[list[dict[str, Any]], str]:
    """The usage in bytes by what `groupby` names, and that name."""
    by = _grouping(call)
    used = _by_device(call)
    if by != _GROUPINGS[0]:
        devices, _ = _devices(call)
        sums: dict[str, int] = {}
        for key, usage in used.items():
            name = str((devices.collection.get(key) or {}).get(by, ""))
            sums[name] = sums.get(name, 0) + usage
        used = sums
    return [{by: name, "usage": usage} for name, usage in sorted(used.items())], by


def _by_device(call: Call) -> dict[str, int]:
    """Device id to bytes."""
    devices, condition = _devices(call)
    streams = call.world.resource("/streams/inventory")
    if streams is None:
        return {}
    chosen = None if condition is ALL else set(devices.collection.keys(condition))
    span = timeline.span(call)
    used: dict[str, int] = {}
    ids = f"SELECT id FROM {streams.collection.table} WHERE id LIKE '%/carrier/%/usage/%' ORDER BY seq"  # noqa: S608
    for (stream,) in call.world.store.sql(ids):
        device = stream.partition("/")[0]
        if chosen is None or device in chosen:
            total = "SELECT coalesce(sum(number), 0) FROM x_points WHERE stream = ? AND at >= ? AND at < ?"
            found = call.world.store.sql(total, (stream, *span))[0][0]
            used[device] = used.get(device, 0) + round(max(-_MOST, min(found, _MOST)))
    return used


def data_summary(call: Call) -> Response:
    """The size of the data that devices and web services have stored."""
    device, web = _stored(call, "sum(length(value)) FROM x_points"), _stored(call, "sum(length(content)) FROM x_files")
    return _listed(
        [
            {
                "device_data_usage_mb": device / _MEGABYTE,
                "total_data_usage_mb": (device + web) / _MEGABYTE,
                "web_service_data_usage_mb": web / _MEGABYTE,
            }
        ]
    )


def data_details(call: Call) -> Response:
    """The size of the data that is stored, by device, and that of web services."""
    rows = call.world.store.sql(
        "SELECT substr(stream, 1, instr(stream || '/', '/') - 1) AS device, sum(length(value))"
        " FROM x_points GROUP BY device ORDER BY device"
    )
    items: list[dict[str, Any]] = [
        {"device_id": device, "service_description": "Data streams", "usage": usage} for device, usage in rows
    ]
    if web := _stored(call, "sum(length(content)) FROM x_files"):
        items.append({"service_description": "WebService messaging", "usage": web})
    return _listed(items)


def _stored(call: Call, what: str) -> int:
    return call.world.store.sql(f"SELECT {what}")[0][0] or 0


def _reader(documents: list[dict[str, Any]]) -> Read:
    def read(_: Call, after: Position, size: int) -> list[Row]:
        start = 0 if after is None else after[0] + 1
        part = documents[start : start + size]
        return [Row(dumps(document).encode(), (number, 0)) for number, document in enumerate(part, start)]

    return read


def _listed(items: list[dict[str, Any]]) -> Response:
    return json_reply({"count": len(items), "list": items})


BEHAVIOURS: Mapping[str, Behaviour] = {
    "reports.connection_status": _count("connection_status"),
    "reports.maintenance_window": _count("in_maintenance_window", unset="no"),
    "reports.vendor_id_and_type": _count("vendor_id", "type"),
    "reports.alerts": _count("alerts"),
    "reports.connections": _count("connection_status"),
    "reports.device_availability": availability,
    "reports.cellular_utilization": utilization,
    "reports.cellular_utilization_csv": utilization_csv,
    "reports.cellular_summary": summary,
    "reports.cellular_summary_csv": summary_csv,
    "reports.data_summary": data_summary,
    "reports.data_details": data_details,
}
