"""Monitors: definitions, and what the persistent ones have saved. Nothing is pushed anywhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from digirm_runtime.query.values import milliseconds
from digirm_runtime.wire import Response
from digirm_simulator.behaviours import generic, timeline
from digirm_simulator.behaviours.lookup import in_group, required
from digirm_simulator.replies import Problem, dumps
from digirm_simulator.resources import Resource, is_texts
from digirm_simulator.values import time_text
from digirm_simulator.world import Behaviour, Call, Change, World

NAME = "/monitors/inventory"
#: The topics whose events are saved, and how one names its object, by the collection that changes.
TOPICS: Mapping[str, Mapping[str, str]] = {
    "/alerts/inventory": {"alarm": "Alarm"},
    "/alerts/status": {"alert_status": "alert_status", "alarmstatus": "AlarmStatus"},
    "/devices/inventory": {"devices": "device", "devicecore": "DeviceCore"},
    "/jobs/inventory": {"jobs": "job", "job": "Job"},
}
_OPERATIONS = {"create": "C", "delete": "D"}
# `[group=a,b]DeviceCore/<path>[U]`; all but the name may be missing.
_TOPIC = re.compile(r"(?:\[group=([^\]]*)\])?([A-Za-z_]+)(/[^\[\]]*)?(?:\[([CUD,]+)\])?")
_TYPES = ("http", "polling", "tcp")
_CHOICES = {"format": ("json", "xml"), "schema_type": ("handlebars",), "type": _TYPES}
_NUMBERS = ("batch_duration", "batch_size", "connect_timeout", "response_timeout")
_READ_ONLY = ("auth_token_set", "last_connect", "last_sent", "last_sent_uuid", "status")
_DEFAULTS: Mapping[str, Any] = {
    "batch_duration": 10,
    "batch_size": 100,
    "compression": "none",
    "format": "json",
    "persistent": False,
}
# Nobody ever connects to a simulated monitor.
_STATUS = "INACTIVE"
#: So many events of a monitor are kept; the oldest go.
KEPT = 10_000
_MAX_TOPICS = 100

TABLES: Mapping[str, str] = {
    # The topics of persistent monitors; `groups` and `operations` are comma-separated, empty for all.
    "monitor_topics": "topic TEXT NOT NULL, monitor INTEGER NOT NULL, number INTEGER NOT NULL, groups TEXT NOT NULL,"
    " path TEXT NOT NULL, operations TEXT NOT NULL, PRIMARY KEY (topic, monitor, number)",
    # Numbered within each monitor.
    "monitor_events": "monitor INTEGER NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL, body TEXT NOT NULL,"
    " PRIMARY KEY (monitor, seq), UNIQUE (monitor, at, seq)",
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
        return {**super().fresh(item, call), **_DEFAULTS, "auth_token_set": False, "status": _STATUS}

    def apply(self, document: dict[str, Any], changes: Any, call: Call) -> None:
        """Bring what was sent into one. Raises Problem 400 for what cannot be taken."""
        kept = {name: document[name] for name in _READ_ONLY if name in document}
        super().apply(document, changes, call)
        for name in _READ_ONLY:
            document.pop(name, None)
        document |= kept
        if "auth_token" in changes:
            document["auth_token_set"] = bool(changes["auth_token"])
        for name, values in _CHOICES.items():
            if name in document and document[name] not in values:
                raise Problem(400, f"'{name}' must be one of {', '.join(values)}")
        for name in _NUMBERS:
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
        if monitor not in told and _wants(Topic(*narrowed), change):
            told.add(monitor)
            _save(world, monitor, names[narrowed[0]], narrowed[0], change)


def _wants(wanted: Topic, change: Change) -> bool:
    document = change.after or change.before or {}
    if wanted.operations and _OPERATIONS.get(change.kind, "U") not in wanted.operations:
        return False
    if wanted.groups and not any(in_group(document.get("group"), group) for group in wanted.groups.split(",") if group):
        return False
    key = wanted.path.partition("/")[0]
    return key in ("", "*") or key.lower() in (change.key.lower(), str(document.get("device_id", "")).lower())


def _save(world: World, monitor: int, root: str, name: str, change: Change) -> None:
    operation = {"create": "INSERTION", "delete": "DELETION"}.get(change.kind, "UPDATE")
    event = {
        "operation": operation,
        root: change.after or change.before,
        "timestamp": time_text(change.at),
        "topic": f"{name}/{change.key}",
    }
    [(number,)] = world.store.sql(
        "INSERT INTO x_monitor_events (monitor, seq, at, body)"
        " SELECT ?1, coalesce(max(seq), 0) + 1, ?2, ?3 FROM x_monitor_events WHERE monitor = ?1 RETURNING seq",
        (monitor, milliseconds(change.at), dumps(event)),
    )
    world.store.sql("DELETE FROM x_monitor_events WHERE monitor = ? AND seq <= ?", (monitor, number - KEPT))


def _follow(world: World, change: Change) -> None:
    """Keep the table of topics as the definitions are; what was saved goes with its monitor only."""
    world.store.sql("DELETE FROM x_monitor_topics WHERE monitor = ?", (change.key,))
    if change.after is None:
        world.store.sql("DELETE FROM x_monitor_events WHERE monitor = ?", (change.key,))
    elif change.after.get("persistent") is True:
        for number, text in enumerate(change.after.get("topics", [])):
            if (found := topic(text)) is not None:
                world.store.sql(
                    "INSERT INTO x_monitor_topics (monitor, number, topic, groups, path, operations)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    (change.key, number, *found),
                )


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
