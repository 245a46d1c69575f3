"""Events as they are told: those of the older API's topics in its forms, all others as v1 has their objects."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from digirm_runtime.query.values import instant, number
from digirm_simulator.behaviours.points import NUMERIC
from digirm_simulator.values import time_text
from digirm_simulator.world import CUSTOMER_ID, HOME, Change, World

_OPERATIONS = {"create": "INSERTION", "delete": "DELETION"}
#: What makes the form of an object of its key and document; None where there is none to tell.
_Form: TypeAlias = Callable[[World, str, Mapping[str, Any]], "dict[str, Any] | None"]
#: A file's content is told up to so many bytes.
_MOST_CONTENT = 120_000


def event(world: World, root: str, name: str, change: Change) -> dict[str, Any] | None:
    """The event for a change under the topic `name`, whose object is called `root`; None where nothing is told."""
    document = change.after or change.before
    if document is None:
        return None
    operation = _OPERATIONS.get(change.kind, "UPDATE")
    when = time_text(change.at)
    if root in _FORMS:
        if change.after is None and root in ("FileData", "FileDataCore"):
            return None
        told = _FORMS[root](world, change.key, document)
        topic = f"{CUSTOMER_ID}/{root}/{change.key}"
        return told and {root: told, "group": "*", "operation": operation, "timestamp": when, "topic": topic}
    return {root: document, "operation": operation, "timestamp": when, "topic": f"{name}/{change.key}"}


def _point(world: World, key: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """A data point, with the keys that the official library prints of one."""
    streams = world.resource("/streams/inventory")
    stream = (streams and streams.collection.get(key)) or {}
    value = document.get("value")
    return {
        "cstId": CUSTOMER_ID,
        "data": number(value) if stream.get("type") in NUMERIC else value,
        "description": stream.get("description", ""),
        "id": document.get("id"),
        "quality": document.get("quality", 0),
        "serverTimestamp": instant(document.get("server_timestamp")),
        "streamId": key,
        "streamUnits": stream.get("units", ""),
        "timestamp": instant(document.get("timestamp")),
    }


def _device(world: World, key: str, document: Mapping[str, Any]) -> dict[str, Any]:
    from digirm_simulator.legacy import columns, groups

    devices = world.resource("/devices/inventory")
    rows = devices and world.store.sql(f"SELECT seq FROM {devices.collection.table} WHERE id = ?", (key,))  # noqa: S608
    group = groups.ids(world).get(str(document.get("group", "")).strip("/").casefold(), columns.GROUPS)
    # One that was removed has a number no longer.
    number = rows[0][0] if rows else 0
    return dict(columns.row(columns.DEVICE_CORE, {**document, columns.SEQ: number, columns.GROUP_ID: str(group)}))


def _by(columns: str) -> _Form:
    """The form that the older API gives an object when it lists it; these have all that it needs in themselves."""

    def form(_: World, __: str, document: Mapping[str, Any]) -> dict[str, Any]:
        from digirm_simulator.legacy import columns as known

        return dict(known.row(getattr(known, columns), document))

    return form


def _file(_: World, key: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """A file without its content."""
    fileset, __, name = key.partition("/")
    folder, slash, name = name.rpartition("/")
    return {
        "cstId": CUSTOMER_ID,
        "fdContentType": document.get("content_type", ""),
        "fdCreatedDate": document.get("created"),
        "fdLastModifiedDate": document.get("last_modified"),
        "fdSize": document.get("size", 0),
        "fdType": "file",
        "id": {"fdName": name, "fdPath": (HOME if fileset == "~" else f"/{fileset}/") + folder + slash},
    }


def _content(world: World, key: str, document: Mapping[str, Any]) -> dict[str, Any] | None:
    if document.get("size", 0) > _MOST_CONTENT:
        return None
    fileset, _, name = key.partition("/")
    rows = world.store.sql("SELECT content FROM x_files WHERE fileset = ? AND name = ?", (fileset, name))
    return {**_file(world, key, document), "fdData": base64.b64encode(rows[0][0]).decode()} if rows else None


_FORMS: Mapping[str, _Form] = {
    "Alarm": _by("ALARM"),
    "AlarmStatus": _by("ALARM_STATUS"),
    "DataPoint": _point,
    "DataStream": _by("DATA_STREAM"),
    "DeviceCore": _device,
    "FileData": _content,
    "FileDataCore": _file,
}
