"""Monitors: definitions, and the events of those that are persistent, or that somebody listens to (`push`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from digirm_runtime.query.values import milliseconds
from digirm_runtime.wire import Response
from digirm_simulator.behaviours import generic, timeline
from digirm_simulator.behaviours.device_resource import every
from digirm_simulator.behaviours.lookup import in_group, required
from digirm_simulator.replies import Problem, dumps
from digirm_simulator.resources import Resource, is_texts
from digirm_simulator.world import Behaviour, Call, Change, World

NAME = "/monitors/inventory"
#: The topics whose events are saved, and how one names its object, by the collection that changes.
TOPICS: Mapping[str, Mapping[str, str]] = {
    "/alerts/inventory": {"alarm": "Alarm"},
    "/alerts/status": {"alert_status": "alert_status", "alarmstatus": "AlarmStatus"},
    "/devices/inventory": {"devices": "device", "devicecore": "DeviceCore"},
    "/files/inventory": {"filedata": "FileData", "filedatacore": "FileDataCore"},
    "/jobs/inventory": {"jobs": "job", "job": "Job"},
    "/streams/history": {"datapoint": "DataPoint"},
    "/streams/inventory": {"datastream": "DataStream"},
}
#: The collections whose keys are paths, of which a topic may name any part.
_PATHS = ("/files/inventory", "/streams/history", "/streams/inventory")
_OPERATIONS = {"create": "C", "delete": "D"}
# `[group=a,b]DeviceCore/<path>[U]`; all but the name may be missing.
_TOPIC = re.compile(r"(?:\[group=([^\]]*)\])?([A-Za-z_]+)(/[^\[\]]*)?(?:\[([CUD,]+)\])?")
_TYPES = ("http", "polling", "tcp")
_CHOICES = {"format": ("json", "xml"), "schema_type": ("handlebars",), "type": _TYPES}
#: The whole numbers of a definition.
NUMBERS = ("batch_duration", "batch_size", "connect_timeout", "response_timeout")
_READ_ONLY = ("auth_token_set", "last_connect", "last_sent", "last_sent_uuid", "status")
_DEFAULTS: Mapping[str, Any] = {
    "batch_duration": 10,
    "batch_size": 100,
    "compression": "none",
    "format": "json",
    "persistent": False,
}
INACTIVE, ACTIVE, CONNECTING, SUSPENDED, DISABLED = "INACTIVE", "ACTIVE", "CONNECTING", "SUSPENDED", "DISABLED"
#: So many events of a monitor are kept; the oldest go.
KEPT = 10_000
_MAX_TOPICS = 100

TABLES: Mapping[str, str] = {
    # The topics whose events are saved; `groups` and `operations` are comma-separated, empty for all.
    "monitor_topics": "topic TEXT NOT NULL, monitor INTEGER NOT NULL, number INTEGER NOT NULL, groups TEXT NOT NULL,"
    " path TEXT NOT NULL, operations TEXT NOT NULL, PRIMARY KEY (topic, monitor, number)",
    # Numbered within each monitor.
    "monitor_events": "monitor INTEGER NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL, body TEXT NOT NULL,"
    " PRIMARY KEY (monitor, seq), UNIQUE (monitor, at, seq)",
    # The number of the last event that was sent.
    "monitor_sent": "monitor INTEGER PRIMARY KEY, seq INTEGER NOT NULL",
    # What is sent along to an address, and never given back to a client.
    "monitor_tokens": "monitor INTEGER PRIMARY KEY, token TEXT NOT NULL",
}


class Topic(NamedTuple):
    """One topic of a monitor, in lower case, and what it is narrowed to."""

    name: str
    groups: str
    path: str
    operations: str


def topic(text: str) -> Topic | None:
    """A topic as it is written; None for what is none."""
    found = _TOPIC.fullmatch(text.strip())
    if found is None:
        return None
    groups, name, path, operations = (part or "" for part in found.groups())
    return Topic(name.lower(), groups, path.strip("/"), operations.replace(",", ""))


class Monitors(Resource):
    """Definitions, whose token is never given back: `auth_token_set` says whether there is one."""

    def fresh(self, item: Mapping[str, Any], call: Call) -> dict[str, Any]:
        """A new one, with the defaults that it begins with."""
        return {**super().fresh(item, call), **_DEFAULTS, "auth_token_set": False, "status": INACTIVE}

    def apply(self, document: dict[str, Any], changes: Any, call: Call) -> None:
        """Bring what was sent into one. Raises Problem 400 for what cannot be taken."""
        kept = {name: document[name] for name in _READ_ONLY if name in document}
        super().apply(document, changes, call)
        for name in _READ_ONLY:
            document.pop(name, None)
        document |= kept
        if "auth_token" in changes:
            document["auth_token_set"] = bool(changes["auth_token"])
            self.world.store.sql(
                "INSERT OR REPLACE INTO x_monitor_tokens VALUES (?, ?)",
                (document["id"], str(changes["auth_token"] or "")),
            )
        for name, values in _CHOICES.items():
            if name in document and document[name] not in values:
                raise Problem(400, f"'{name}' must be one of {', '.join(values)}")
        for name in NUMBERS:
            if not _is_whole(document.get(name, 0)):
                raise Problem(400, f"'{name}' must be a whole number")
        if not isinstance(document.get("persistent", False), bool):
            raise Problem(400, "'persistent' must be true or false")
        topics = document.get("topics", [])
        if not is_texts(topics) or len(topics) > _MAX_TOPICS:
            raise Problem(400, f"'topics' must be a list of at most {_MAX_TOPICS} texts")
        if wrong := [text for text in topics if topic(text) is None]:
            raise Problem(400, f"'{wrong[0]}' is no topic")


RESOURCES: Mapping[str, type[Resource]] = {NAME: Monitors}


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def observe(world: World, change: Change) -> None:
    """Save what the persistent monitors listen to, and follow the changes of monitors themselves."""
    if change.name == NAME:
        _follow(world, change)
    names = TOPICS.get(change.name)
    if names is None:
        return
    marks = ", ".join("?" * len(names))
    rows = world.store.sql(
        f"SELECT monitor, topic, groups, path, operations FROM x_monitor_topics WHERE topic IN ({marks})"  # noqa: S608
        " ORDER BY monitor, number",
        tuple(names),
    )
    told: set[int] = set()
    for monitor, *narrowed in rows:
        if (
            monitor not in told
            and _wants(world, Topic(*narrowed), change)
            and _save(world, monitor, names[narrowed[0]], narrowed[0], change)
        ):
            told.add(monitor)


def _wants(world: World, wanted: Topic, change: Change) -> bool:
    document = change.after or change.before or {}
    if wanted.operations and _OPERATIONS.get(change.kind, "U") not in wanted.operations:
        return False
    if wanted.groups:
        own = _group(world, change, document)
        if not any(in_group(own, group) for group in wanted.groups.split(",") if group):
            return False
    parts = wanted.path.lower().split("/") if wanted.path else []
    if change.name in _PATHS:
        own_parts = change.key.lower().split("/")
        return len(parts) <= len(own_parts) and all(map(_fits, parts, own_parts))
    # What is behind the object is a part of it.
    return not parts or any(_fits(parts[0], key.lower()) for key in (change.key, str(document.get("device_id", ""))))


def _fits(wanted: str, part: str) -> bool:
    return wanted in ("*", part)


def _group(world: World, change: Change, document: Mapping[str, Any]) -> object:
    """The group of what has changed: its own, or that of its device."""
    devices = world.resource("/devices/inventory")
    if "group" in document or devices is None:
        return document.get("group")
    device = devices.collection.get(str(document.get("device_id") or change.key.partition("/")[0]))
    return device and device.get("group")


def _save(world: World, monitor: int, root: str, name: str, change: Change) -> bool:
    """Save the event for a change under one topic, and whether there is any."""
    from digirm_simulator.push.events import event

    found = event(world, root, name, change)
    if found is None:
        return False
    [(number,)] = world.store.sql(
        "INSERT INTO x_monitor_events (monitor, seq, at, body)"
        " SELECT ?1, max(coalesce((SELECT max(seq) FROM x_monitor_events WHERE monitor = ?1), 0),"
        " coalesce((SELECT seq FROM x_monitor_sent WHERE monitor = ?1), 0)) + 1, ?2, ?3 RETURNING seq",
        (monitor, milliseconds(change.at), dumps(found)),
    )
    world.store.sql("DELETE FROM x_monitor_events WHERE monitor = ? AND seq <= ?", (monitor, number - KEPT))
    if world.pushes is not None:
        world.pushes.told(monitor)
    return True


def _follow(world: World, change: Change) -> None:
    """Keep the table of topics as the definitions are; what was saved goes with its monitor only."""
    monitor = int(change.key)
    if change.after is None:
        for table in ("topics", "events", "sent", "tokens"):
            world.store.sql(f"DELETE FROM x_monitor_{table} WHERE monitor = ?", (monitor,))  # noqa: S608
    else:
        _note_topics(world, monitor, change.after)
    if world.pushes is None and (change.after or {}).get("type") == "http" and world.open_pushes is not None:
        world.open_pushes()
    if world.pushes is not None:
        world.pushes.changed(monitor)


def _note_topics(world: World, monitor: int, definition: Mapping[str, Any]) -> None:
    world.store.sql("DELETE FROM x_monitor_topics WHERE monitor = ?", (monitor,))
    if definition.get("persistent") is not True and monitor not in world.listening:
        return
    for number, text in enumerate(definition.get("topics") or ()):
        if (found := topic(text)) is not None:
            world.store.sql(
                "INSERT INTO x_monitor_topics (monitor, number, topic, groups, path, operations)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (monitor, number, *found),
            )


def listen(world: World, monitor: int) -> int:
    """Save a monitor's events for who listens to it from now on; the number of the last that is not to be sent.

    A persistent one goes on behind what was sent, others begin with what happens next.
    """
    definition = _definition(world, monitor)
    if monitor not in world.listening and definition.get("persistent") is not True:
        world.store.sql("DELETE FROM x_monitor_events WHERE monitor = ?", (monitor,))
    world.listening.add(monitor)
    _note_topics(world, monitor, definition)
    sent = world.store.sql("SELECT seq FROM x_monitor_sent WHERE monitor = ?", (monitor,))
    return sent[0][0] if sent else 0


def unlisten(world: World, monitor: int) -> None:
    """Nobody listens to a monitor any more: what waited for that is dropped, unless it is persistent."""
    world.listening.discard(monitor)
    definition = _definition(world, monitor)
    _note_topics(world, monitor, definition)
    if definition.get("persistent") is not True:
        world.store.sql("DELETE FROM x_monitor_events WHERE monitor = ?", (monitor,))


def token(world: World, monitor: int) -> str:
    """The secret that is sent along with a monitor's events; empty where there is none."""
    rows = world.store.sql("SELECT token FROM x_monitor_tokens WHERE monitor = ?", (monitor,))
    return rows[0][0] if rows else ""


def resume(world: World) -> None:
    """Take up monitors as the state was left: nobody is connected, and those that push over HTTP go on."""
    found = world.resource(NAME)
    for definition in list(every(found.collection)) if found is not None else ():
        assert found is not None
        if definition.get("status") in (ACTIVE, CONNECTING):
            status = SUSPENDED if definition.get("persistent") else INACTIVE
            with world.store.transaction():
                found.collection.replace({**definition, "status": status})
                unlisten(world, definition["id"])
        if definition.get("type") == "http" and definition.get("status") != DISABLED and world.open_pushes is not None:
            world.open_pushes().changed(definition["id"])


def _definition(world: World, monitor: int) -> dict[str, Any]:
    found = world.resource(NAME)
    return (found and found.collection.get(str(monitor))) or {}


def _history(call: Call) -> Response:
    required(call.world, NAME).get(call.key)
    if call.params.get("schema") is not None:
        raise Problem(403, "Not simulated: events in the form of a template")
    return timeline.page(call, timeline.stored("x_monitor_events", "monitor = ?", (call.key,), down=False))


BEHAVIOURS: Mapping[str, Behaviour] = {
    "monitors.create": generic.create,
    "monitors.history": _history,
    "monitors.update": generic.update,
}
