"""The event log: one event for every change, the newest first.

An action (a run, a cancel) is the change of the job that it starts or ends. Keys are documented, with CREATE, UPDATE
and DELETE as modifications, HTTP and EDP as protocols. Inferred: the facility (the category in upper case; CONNECTION),
what `source` and `details` say, and the order.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Final

from digirm_runtime.query.values import milliseconds
from digirm_runtime.wire import Response
from digirm_simulator import listing
from digirm_simulator.behaviours import timeline
from digirm_simulator.behaviours.timeline import Position, Read
from digirm_simulator.collection import Row
from digirm_simulator.replies import dumps
from digirm_simulator.sql import ALL
from digirm_simulator.values import stored_form, time_text
from digirm_simulator.world import CUSTOMER_ID, Behaviour, Call, Change, World

#: So many are kept; the oldest go.
KEPT = 100_000
TABLES: Final = {
    "events": "seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, facility TEXT NOT NULL, device TEXT,"
    " kind TEXT NOT NULL, body TEXT NOT NULL, UNIQUE (at, seq)",
}

_FIELDS = {"facility": "facility", "device_id": "device"}
_VERBS = {"create": "created", "update": "changed", "delete": "deleted"}
_LINKS = ("connect", "disconnect")
# Data points are no events: they have a history of their own.
_SILENT = ("create", "/streams/history")


def inventory(call: Call) -> Response:
    """One page of events."""
    return timeline.page(call, _reader(call))


def bulk(call: Call) -> Response:
    """Events as CSV."""
    return timeline.bulk(call, _reader(call))


def _reader(call: Call) -> Read:
    fields = {name: field for name, field in call.described.query.items() if name in _FIELDS}

    def read(call: Call, after: Position, size: int) -> list[Row]:
        # In here, as a page behind a cursor counts relative times from the first page's.
        chosen = listing.selection(call, fields, _FIELDS) or ALL
        condition, values, order = timeline.beyond("at", after, timeline.span(call), True)
        found = call.world.store.sql(
            f"{chosen.cte('x_events')}SELECT CAST(body AS BLOB), at, seq FROM x_events"  # noqa: S608
            f" WHERE {chosen.sql} AND {condition} ORDER BY {order} LIMIT ?",
            (*chosen.bound(), *values, size),
        )
        return [Row(body, (at, seq)) for body, at, seq in found]

    return read


def observe(world: World, change: Change) -> None:
    """Write down a change."""
    if change.kind == "report" or (change.kind, change.name) == _SILENT:
        return
    event = _event(change)
    device = event.get("device_id")
    seq = world.store.sql(
        "INSERT INTO x_events (at, facility, device, kind, body) VALUES (?, ?, ?, ?, '') RETURNING seq",
        (milliseconds(change.at), stored_form("text", event["facility"]), stored_form("text", device), change.kind),
    )[0][0]
    event["id"] = str(uuid.UUID(int=world.random("event", seq).getrandbits(128), version=4))
    world.store.sql("UPDATE x_events SET body = ? WHERE seq = ?", (dumps(event), seq))
    world.store.sql("DELETE FROM x_events WHERE seq <= ?", (seq - KEPT,))


def _event(change: Change) -> dict[str, Any]:
    at = time_text(change.at)
    state = change.after or change.before or {}
    event: dict[str, Any] = {"customer_id": CUSTOMER_ID, "duration": 0, "end_time": at, "start_time": at}
    if change.kind in _LINKS:
        event |= {"details": f"{change.kind}ed", "facility": "CONNECTION", "protocol": "EDP", "source": change.key}
    else:
        category = change.name.split("/")[1]
        event |= {
            "details": f"{change.name}/{change.key} {_VERBS[change.kind]}",
            "facility": category.upper(),
            "modification_type": change.kind.upper(),
            "source": change.by or "fleet",
        }
        if change.by is not None:
            event["protocol"] = "HTTP"
    device = change.key if change.name.startswith("/devices/") else state.get("device_id")
    if isinstance(device, str):
        event["device_id"] = device
    if change.kind in _LINKS and isinstance(ip := state.get("ip"), str):
        event["ip"] = ip
    return event


def links(world: World, since: int) -> list[tuple[str, int, bool]]:
    """Which devices (ids in lower case) connected or disconnected since a time in milliseconds, the latest first."""
    return world.store.sql(
        "SELECT device, at, kind = 'connect' FROM x_events WHERE at >= ? AND kind IN ('connect', 'disconnect')"
        " ORDER BY at DESC, seq DESC",
        (since,),
    )


BEHAVIOURS: Mapping[str, Behaviour] = {"events.list": inventory, "events.csv": bulk}
