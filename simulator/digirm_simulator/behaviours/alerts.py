"""Alerts: definitions, and the state of each at the devices where it has fired.

Of all types only `Device Offline` fires: when a device in its scope has been disconnected as long as the alert says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from digirm_runtime.query.values import from_milliseconds, instant, milliseconds, number
from digirm_runtime.wire import Response
from digirm_simulator import listing
from digirm_simulator.behaviours import generic, timeline
from digirm_simulator.behaviours.lookup import in_group, required
from digirm_simulator.replies import Problem, dumps
from digirm_simulator.resources import Resource, is_texts
from digirm_simulator.sql import ALL
from digirm_simulator.values import time_text
from digirm_simulator.world import CUSTOMER_ID, NEVER, Behaviour, Call, Change, World

NAME, STATES, DEVICES = "/alerts/inventory", "/alerts/status", "/devices/inventory"
OFFLINE = "Device Offline"
TYPES = (
    "DataPoint condition",
    "DataPoint On Change",
    "Device Excessive Disconnects",
    "Device Name On Change",
    OFFLINE,
    "Dia channel data point condition match",
    "Missing DataPoint",
    "Missing DiaChannel DataPoint",
    "Missing Smart Energy DataPoint",
    "Smart energy data point condition match",
    "Subscription Usage",
    "XBeeNode Excessive Deactivations",
    "XBeeNode Offline",
)
_SCOPES = ("Group", "Device", "XbeeNode", "Resource", "Global")
_MAX_ROWS = 20_000
_MINUTE = 60_000
# What the state of an alert shows of its definition and of its device.
_OF_ALERT = ("description", "enabled", "name", "notes", "priority", "type")
_OF_DEVICE = ("firmware_version", "group", "ip", "maintenance_mode", "public_ip", "serial_number")
_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d", re.ASCII)
_DEFAULTS: Mapping[str, Any] = {
    "alerts": [],
    "at_time": "00:00:00",
    "daily_summary": False,
    "each_alert": False,
    "enabled": False,
    "groups": [],
    "recipients": [],
    "timezone": "UTC",
}

#: So many devices may have an alert in the first state: to ask each of a large fleet would take long.
SEEDED = 1000
_FIRST: Mapping[str, Any] = {
    "description": "A device in production is offline",
    "enabled": True,
    "name": "Production offline",
    "priority": "High",
    "scope": {"type": "Group", "value": "Production"},
    "type": OFFLINE,
}

TABLES: Mapping[str, str] = {
    # Devices that are offline, and when an alert is due for them. Times are milliseconds since 1970.
    "alerts_due": "alert INTEGER NOT NULL, source TEXT NOT NULL, due INTEGER NOT NULL, PRIMARY KEY (source, alert),"
    " UNIQUE (due, source, alert)",
    "alerts_history": "seq INTEGER PRIMARY KEY AUTOINCREMENT, alert INTEGER NOT NULL, source TEXT NOT NULL,"
    " at INTEGER NOT NULL, body TEXT NOT NULL, UNIQUE (alert, at, seq)",
}


def seed(world: World) -> None:
    """One definition, fired for those of the first devices that it is about and that are offline."""
    alerts, devices = world.resource(NAME), world.resource(DEVICES)
    if alerts is None or devices is None:
        return
    alert = {"customer_id": CUSTOMER_ID, "id": 1, **_FIRST}
    alerts.collection.insert([alert])
    for row in devices.collection.page(ALL, [], None, SEEDED):
        device = json.loads(row.body)
        lost = instant(device.get("last_disconnect"))
        if lost is not None and device["connection_status"] == "disconnected" and _concerns(alert, device):
            world.store.sql("INSERT INTO x_alerts_due VALUES (1, ?, ?)", (device["id"], lost + (_window(alert) or 0)))
    settle(world, world.now())


class Alerts(Resource):
    """Definitions: `enabled` is true unless they say otherwise."""

    def fresh(self, item: Mapping[str, Any], call: Call) -> dict[str, Any]:
        """A new one, with the defaults that it begins with."""
        return {**super().fresh(item, call), "enabled": True}

    def apply(self, document: dict[str, Any], changes: Any, call: Call) -> None:
        """Bring what was sent into one. Raises Problem 400 for what cannot be taken."""
        super().apply(document, changes, call)
        document.setdefault("enabled", True)
        if not isinstance(document["enabled"], bool):
            raise Problem(400, "'enabled' must be true or false")
        if "type" in document and document["type"] not in TYPES:
            raise Problem(400, f"'type' must be one of {', '.join(TYPES)}")
        for name in ("fire", "reset", "scope"):
            if not isinstance(document.get(name, {}), dict):
                raise Problem(400, f"'{name}' must be an object")
        scope = str(document.get("scope", {}).get("type", "Global"))
        if scope.lower() not in map(str.lower, _SCOPES):
            raise Problem(400, f"'scope.type' must be one of {', '.join(_SCOPES)}")
        if _window(document) is None:
            raise Problem(400, "'fire.parameters.reconnectWindowDuration' must be a number of minutes")


class NotificationConfigs(Resource):
    """Who is told of which alerts by mail: `name` is required, the rest has the documented defaults."""

    def fresh(self, item: Mapping[str, Any], call: Call) -> dict[str, Any]:
        """A new one, with the defaults that it begins with."""
        return {**super().fresh(item, call), **_DEFAULTS}

    def apply(self, document: dict[str, Any], changes: Any, call: Call) -> None:
        """Bring what was sent into one. Raises Problem 400 for what cannot be taken."""
        super().apply(document, changes, call)
        for name, default in _DEFAULTS.items():
            if type(document.setdefault(name, default)) is not type(default):
                raise Problem(400, f"'{name}' must be of the kind of its default, {dumps(default)}")
            if isinstance(default, list) and not is_texts(document[name]):
                raise Problem(400, f"'{name}' must be a list of texts")
        if not isinstance(document.get("name"), str) or not document["name"].strip():
            raise Problem(400, "'name' is required")
        if not _TIME_OF_DAY.fullmatch(document["at_time"]):
            raise Problem(400, "'at_time' must be a time of day such as 11:00:00")


RESOURCES: Mapping[str, type[Resource]] = {NAME: Alerts, "/notification_configs/inventory": NotificationConfigs}


def _window(alert: Mapping[str, Any]) -> int | None:
    """The milliseconds that a device must be offline for an alert to fire; None for what is no number of minutes."""
    fire = alert.get("fire")
    parameters = fire.get("parameters") if isinstance(fire, dict) else None
    found = parameters.get("reconnectWindowDuration", 0) if isinstance(parameters, dict) else 0
    minutes = number(found)
    return None if minutes is None or not 0 <= minutes <= 1_000_000 else round(minutes * _MINUTE)


def _disabled(alert: Mapping[str, Any], rule: str) -> bool:
    found = alert.get(rule)
    return isinstance(found, dict) and found.get("disabled") in (True, "true")


def _concerns(alert: Mapping[str, Any], device: Mapping[str, Any]) -> bool:
    """Whether a definition is one that fires when this device is offline."""
    if alert.get("type") != OFFLINE or alert.get("enabled") is not True or _disabled(alert, "fire"):
        return False
    scope = alert.get("scope")
    kind, value = (scope.get("type"), scope.get("value")) if isinstance(scope, dict) else (None, None)
    if str(kind).lower() == "device":
        return bool(str(value).upper() == device["id"])
    if str(kind).lower() == "group":
        return in_group(device.get("group"), value)
    return kind is None or str(kind).lower() == "global"


def observe(world: World, change: Change) -> None:
    """Note the devices that go offline, reset what comes back, and keep the states like what they show."""
    if change.name == DEVICES and change.kind in ("connect", "disconnect", "update", "delete"):
        _follow_device(world, change)
    elif change.name == NAME and change.kind in ("update", "delete"):
        _follow_alert(world, change)


def _follow_device(world: World, change: Change) -> None:
    sql, at = world.store.sql, milliseconds(change.at)
    was, now = (
        document is not None and document.get("connection_status") == "connected"
        for document in (change.before, change.after)
    )
    if was and not now and change.after is not None:
        for alert in _definitions(world):
            if _concerns(alert, change.after):
                due = at + (_window(alert) or 0)
                sql("INSERT OR REPLACE INTO x_alerts_due VALUES (?, ?, ?)", (alert["id"], change.key, due))
                world.wake(due)
        settle(world, change.at, change.key)
    elif now and not was:
        settle(world, change.at, change.key)
        sql("DELETE FROM x_alerts_due WHERE source = ?", (change.key,))
        for alert, state in _states_of(world, change.key):
            if state.get("status") != "reset" and not _disabled(alert, "reset"):
                set_state(world, alert, change.key, "reset", at)
    elif change.kind == "delete":
        sql("DELETE FROM x_alerts_due WHERE source = ?", (change.key,))
        for _, state in _states_of(world, change.key):
            required(world, STATES).remove(state["alert_id_source"], None)
    elif change.kind == "update" and change.after is not None:
        for alert, state in _states_of(world, change.key):
            _refresh(world, alert, state, change.after)


def _follow_alert(world: World, change: Change) -> None:
    states = world.resource(STATES)
    for state in states.collection.documents() if states else ():
        if states is None or str(state.get("id")) != change.key:
            continue
        if change.after is not None:
            _refresh(world, change.after, state, _device(world, str(state.get("source"))))
            continue
        states.remove(state["alert_id_source"], change.by)
        if state.get("status") == "fired":
            _count(world, str(state.get("source")), -1)
    if change.after is None:
        for table in ("x_alerts_due", "x_alerts_history"):
            world.store.sql(f"DELETE FROM {table} WHERE alert = ?", (change.key,))  # noqa: S608


def settle(world: World, now: datetime, source: str | None = None) -> None:
    """Fire what is due by now, everywhere or at one device. Cheap where nothing is."""
    one = "" if source is None else " AND source = ?"
    values = (milliseconds(now),) if source is None else (milliseconds(now), source)
    which = f"FROM x_alerts_due WHERE due <= ?{one}"
    if not world.store.sql(f"SELECT 1 {which} LIMIT 1", values):
        return
    with world.store.transaction():
        due = world.store.sql(f"SELECT alert, source, due {which} ORDER BY due, source, alert", values)
        world.store.sql(f"DELETE {which}", values)
        definitions = {str(alert["id"]): alert for alert in _definitions(world)}
        for alert, device, at in due:
            definition = definitions.get(str(alert))
            if definition and _concerns(definition, _device(world, device)):
                set_state(world, definition, device, "fired", at)


def _definitions(world: World) -> Iterator[dict[str, Any]]:
    alerts = world.resource(NAME)
    return alerts.collection.documents() if alerts else iter(())


def _device(world: World, key: str) -> dict[str, Any]:
    devices = world.resource(DEVICES)
    return (devices.collection.get(key) if devices else None) or {"id": key}


def _states_of(world: World, source: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """The definitions that have a state at a device, each with that state."""
    states = world.resource(STATES)
    for alert in _definitions(world) if states else ():
        if states and (state := states.collection.get(f"{alert['id']}_{source}")):
            yield alert, state


def _shown(alert: Mapping[str, Any], device: Mapping[str, Any]) -> dict[str, Any]:
    """What a state shows of its definition and its device."""
    found = {name: alert[name] for name in _OF_ALERT if name in alert}
    found |= {name: device[name] for name in _OF_DEVICE if name in device}
    return found | {"device_id": device["id"], **({"device_name": device["name"]} if "name" in device else {})}


def set_state(world: World, alert: Mapping[str, Any], source: str, status: str, at: int, by: str | None = None) -> None:
    """Store the state of an alert at a device from `at` on, in epoch milliseconds, and tell of it.

    Nothing where it is so already.
    """
    states, key = world.resource(STATES), f"{alert['id']}_{source}"
    before = states.collection.get(key) if states else None
    if states is None or (before or {}).get("status") == status:
        return
    moment = from_milliseconds(at)
    document = {
        **_shown(alert, _device(world, source)),
        "alert_id_source": key,
        "customer_id": CUSTOMER_ID,
        "id": alert["id"],
        "last_update": time_text(moment),
        "source": source,
        "status": status,
    }
    entry = {name: document[name] for name in ("customer_id", "id", "source", "status")}
    world.store.sql(
        "INSERT INTO x_alerts_history (alert, source, at, body) VALUES (?, ?, ?, ?)",
        (alert["id"], source, at, dumps({**entry, "timestamp": document["last_update"]})),
    )
    if before is None:
        states.collection.insert([document])
    else:
        states.collection.replace(document)
    if "fired" in (status, (before or {}).get("status")):
        _count(world, source, 1 if status == "fired" else -1)
    world.changed(Change("update" if before else "create", STATES, key, before, document, moment, by))


def _refresh(world: World, alert: Mapping[str, Any], state: Mapping[str, Any], device: Mapping[str, Any]) -> None:
    kept = {name: value for name, value in state.items() if name not in (*_OF_ALERT, *_OF_DEVICE, "device_name")}
    required(world, STATES).collection.replace({**kept, **_shown(alert, device)})


def _count(world: World, source: str, more: int) -> None:
    """Bring an alert that has fired, or has done so no longer, into the device's number of fired alerts."""
    devices, device = world.resource(DEVICES), _device(world, source)
    if devices and len(device) > 1:
        fired = number(device.get("alerts", 0)) or 0
        devices.collection.replace({**device, "alerts": max(0, int(fired) + more)})


def catch_up(world: World, now: datetime) -> int:
    """Fire what is due by now; when there will be more."""
    settle(world, now)
    found: int | None = world.store.sql("SELECT min(due) FROM x_alerts_due")[0][0]
    return NEVER if found is None else found


def _list(call: Call) -> Response:
    """The state of every alert that has fired."""
    return listing.page(call, required(call.world, STATES).collection)


def _csv(call: Call) -> Response:
    """As the list, as CSV of at most so many rows as is documented."""
    reply = listing.bulk(call, required(call.world, STATES).collection)
    if not isinstance(reply.body, bytes):
        reply.body = first_rows(reply.body, 1 + _MAX_ROWS)
    return reply


def first_rows(chunks: Iterable[bytes], left: int) -> Iterator[bytes]:
    """The first rows of a CSV, its header included: a row ends with the line that closes its quotes."""
    row = b""
    for chunk in chunks:
        rows = []
        for line in chunk.splitlines(keepends=True):
            row += line
            if not row.count(b'"') % 2 and left > 0:
                rows.append(row)
                row, left = b"", left - 1
        yield b"".join(rows)
        if left == 0:
            return


def _history(call: Call) -> Response:
    """When an alert fired and was reset: everywhere, or at the source that stands behind its id."""
    alert, _, _ = call.key.partition("_")
    required(call.world, NAME).get(alert)
    alert, _, source = call.key.partition("_")
    values = (alert, source, source)
    chosen = "alert = ? AND (? = '' OR source = ?)"
    return timeline.page(call, timeline.stored("x_alerts_history", chosen, values, timeline.descending(call)))


BEHAVIOURS: Mapping[str, Behaviour] = {
    "alerts.create": generic.create,
    "alerts.history": _history,
    "alerts.states": _list,
    "alerts.states_csv": _csv,
    "alerts.update": generic.update,
    "notification_configs.create": generic.create,
    "notification_configs.update": generic.update,
}
