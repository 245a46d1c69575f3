"""DeviceCore: the devices. `devId` is a device's number in the store, `devConnectwareId` its id in v1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from digirm_runtime.device_id import device_id
from digirm_runtime.wire import Response
from digirm_runtime.xmltext import Value
from digirm_simulator.behaviours.lookup import required
from digirm_simulator.legacy import groups
from digirm_simulator.legacy.columns import DEVICE_CORE, DEVICE_WRITABLE, GROUP_ID, GROUPS, SEQ
from digirm_simulator.legacy.condition import Operand
from digirm_simulator.legacy.forms import result_reply
from digirm_simulator.legacy.listing import Table, as_call, one, page
from digirm_simulator.other import Asked
from digirm_simulator.replies import Problem
from digirm_simulator.resources import Resource
from digirm_simulator.sql import Where
from digirm_simulator.world import Call, World
from digirm_simulator.xmlobjects import decimal, items_of, texts_of

_NAME = "/devices/inventory"
_OBJECT = "DeviceCore"
#: What names a device, the surest first.
_NAMES = ("devConnectwareId", "devMac", "devCellularModemId")
#: What a device may be sent with: whole objects that were read come back, and say more than can be set.
_KNOWN = frozenset({*(column.name for column in DEVICE_CORE), *DEVICE_WRITABLE})
#: The two coordinates in the order of v1, and how far each goes.
_COORDINATES: Final = (("dpMapLong", 180), ("dpMapLat", 90))


def read(asked: Asked) -> Response:
    """A page of devices, or the one whose id stands in the path."""
    devices = required(asked.world, _NAME)
    if len(asked.path) > 1:
        seq, document = _found(asked, devices)
        documents = [{**document, SEQ: seq}]
        _prepare(asked.world, documents)
        return one(asked, DEVICE_CORE, documents[0])
    special = {"grpid": _group_id(asked.world, devices)}
    table = Table.stored(devices.collection)
    return page(asked, table, DEVICE_CORE, lambda found: _prepare(asked.world, found), special=special)


def create(asked: Asked) -> Response:
    """Provision devices. A list is answered with 207, whatever comes of its items."""
    devices, call = required(asked.world, _NAME), as_call(asked, _NAME)
    items, listed = items_of(asked.body, _OBJECT)
    entries: list[tuple[str, str]] = []
    for item in items:
        try:
            key = _provision(devices, call, item)
            entries.append(("location", f"{_OBJECT}/{_number(asked.world, devices, key)}/0"))
        except Problem as problem:
            entries.append(("error", problem.message))
    kind, first = entries[0]
    if listed:
        return result_reply(asked, entries, 207)
    return (
        result_reply(asked, entries, 201, {"location": f"/ws/{first}"})
        if kind == "location"
        else result_reply(asked, entries, 400)
    )


def update(asked: Asked) -> Response:
    """Change devices: the one in the path, or those that the body names."""
    devices, call = required(asked.world, _NAME), as_call(asked, _NAME)
    items, _ = items_of(asked.body, _OBJECT)
    for item in items:
        changes = _changes(item)
        document = _found(asked, devices)[1] if len(asked.path) > 1 else _named(asked, devices, item)
        devices.apply(document, changes, call)
        devices.change(document["id"], document, asked.user.name)
    return result_reply(asked, [("message", f"{len(items)} items updated")])


def delete(asked: Asked) -> Response:
    """Remove the device in the path; none where there is none."""
    devices = required(asked.world, _NAME)
    if len(asked.path) < 2:
        raise Problem(400, "The path must end with the id of a device")
    try:
        _, document = _found(asked, devices)
    except Problem:
        return result_reply(asked, [("message", "0 items deleted")])
    devices.remove(document["id"], asked.user.name)
    return result_reply(asked, [("message", "1 items deleted")])


def _provision(devices: Resource, call: Call, item: Mapping[str, Value]) -> str:
    key = _key(item)
    if key is None:
        raise Problem(400, f"One of {', '.join(_NAMES)} is required")
    if devices.collection.get(key) is not None:
        raise Problem(400, f"The device {key} is already provisioned.")
    devices.make({"id": key, **_changes(item)}, call)
    return key


def _key(item: Mapping[str, Value]) -> str | None:
    """The id in v1 of the device that an object names. Raises Problem 400 for what is none."""
    for name in _NAMES:
        text = item.get(name)
        if isinstance(text, str) and text.strip():
            try:
                return text.strip().upper() if name == _NAMES[0] else device_id(text)
            except ValueError as problem:
                raise Problem(400, f"<{name}>: {problem}") from None
    return None


def _changes(item: Mapping[str, Value]) -> dict[str, Any]:
    """What an object sets, with v1's names. Raises Problem 400."""
    texts = texts_of({name: value for name, value in item.items() if name != "id"}, _KNOWN)
    found: dict[str, Any] = {DEVICE_WRITABLE[name]: text for name, text in texts.items() if name in DEVICE_WRITABLE}
    if "tags" in found:
        found["tags"] = [tag.strip() for tag in found["tags"].split(",") if tag.strip()]
    if any(name in texts for name, _ in _COORDINATES):
        found["geoposition"] = _geoposition(texts)
    # An element without text unsets what it names.
    return {name: value or None if isinstance(value, str) else value for name, value in found.items()}


def _geoposition(texts: Mapping[str, str]) -> dict[str, Any] | None:
    """The place of two coordinates; None where both are empty. Raises Problem 400, for one alone too."""
    sent = [texts.get(name, "").strip() for name, _ in _COORDINATES]
    if not any(sent):
        return None
    found = [decimal(text) for text in sent]
    for (name, most), degrees in zip(_COORDINATES, found, strict=True):
        if degrees is None or abs(degrees) > most:
            raise Problem(400, f"<{name}> must be degrees from -{most} to {most}, beside the other coordinate")
    return {"coordinates": found, "type": "Point"}


def _named(asked: Asked, devices: Resource, item: Mapping[str, Value]) -> dict[str, Any]:
    """The device that an object of a body names. Raises Problem 400 and 404."""
    inside = item.get("id")
    sent = inside.get("devId") if isinstance(inside, dict) else item.get("devId")
    wanted = _key(item) or (sent.strip() if isinstance(sent, str) else None)
    if not wanted:
        raise Problem(400, f"One of {', '.join(_NAMES)} is required")
    return _found(asked._replace(path=(asked.path[0], wanted)), devices)[1]


def _found(asked: Asked, devices: Resource) -> tuple[int, dict[str, Any]]:
    """The device that a path names by its number or its id in v1. Raises Problem 404."""
    wanted = asked.path[1]
    digits = wanted.isascii() and wanted.isdigit() and len(wanted) < 18
    condition = Where("seq = ?", (int(wanted),)) if digits else Where("id = ?", (wanted.upper(),))
    rows = Table.stored(devices.collection).rows(asked.world, condition, 0, 1)
    # Behind the number may stand a version, as in the location of a new device.
    if not rows or len(asked.path) > 3:
        raise Problem(404, f"There is no device '{wanted[:60]}'")
    return int(rows[0].pop(SEQ)), rows[0]


def _number(world: World, devices: Resource, key: str) -> int:
    rows = Table.stored(devices.collection).rows(world, Where("id = ?", (key,)), 0, 1)
    return int(rows[0][SEQ])


def _prepare(world: World, documents: list[dict[str, Any]]) -> None:
    """Look up the ids of the groups that devices are in."""
    ids = groups.ids(world)
    for document in documents:
        document[GROUP_ID] = str(ids.get(str(document.get("group", "")).strip("/").casefold(), GROUPS))


def _group_id(world: World, devices: Resource) -> Operand | None:
    """How a condition asks for the id of a device's group."""
    found, column = world.resource("/groups/inventory"), devices.collection.columns.get("group")
    if found is None or column is None or "path" not in found.collection.columns:
        return None
    table, path = found.collection.table, found.collection.columns["path"]
    inner = f"SELECT CAST(other.id AS INTEGER) + {GROUPS} FROM {table} AS other"  # noqa: S608 - names of ours
    device = f"{devices.collection.table}.{column}"
    return Operand("number", f"coalesce(({inner} WHERE ltrim(other.{path}, '/') = {device} LIMIT 1), {GROUPS})")


OBJECTS: Final = {_OBJECT: {"GET": read, "POST": create, "PUT": update, "DELETE": delete}}
