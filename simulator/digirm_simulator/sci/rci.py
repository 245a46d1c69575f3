"""`send_message`: the commands of an `<rci_request>` as a device answers them that no test has scripted."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from digirm_runtime import xmltext
from digirm_runtime.xmltext import Value
from digirm_simulator import link
from digirm_simulator.replies import dumps
from digirm_simulator.sci import xml
from digirm_simulator.sci.request import attribute, many
from digirm_simulator.sci.scripts import DeviceError, DeviceRequest
from digirm_simulator.world import World
from digirm_simulator.xmlchars import clean

#: Commands whose answers the service keeps, so that it can give them for devices that are not connected.
CACHED = ("query_setting", "query_state")
#: So many bytes of settings a device keeps in one group, and so many groups.
_MOST_BYTES, _MOST_GROUPS = 65_536, 200
_STATE = {
    "device_info": {"deviceid": "id", "mac": "mac", "product": "type", "firmwareversion": "firmware_version"},
    "device_stats": {"health": "health_status", "signal": "signal_percent"},
}
_SETTINGS = {"system": {"contact": "contact", "description": "description", "location": "location", "name": "name"}}


def answer(world: World, request: DeviceRequest) -> str:
    """The whole element that answers one command, which is an error inside it for those that no device knows."""
    name, payload = request.name, request.payload
    known: Mapping[str, Callable[[World, DeviceRequest], str]] = {
        "query_setting": _query_setting,
        "query_state": _query_state,
        "reboot": _reboot,
        "set_setting": _set_setting,
    }
    try:
        if name not in known:
            raise DeviceError(f"Unknown command '{name[:60]}'", 1)
        return wrapped(name, payload, known[name](world, request))
    except DeviceError as error:
        return wrapped(name, payload, error.xml())


def wrapped(name: str, payload: Value, content: str) -> str:
    """The element of a command around its answer; `target` is given back."""
    target = attribute(payload, "target")
    return xml.wrap(name, {} if target is None else {"target": target}, content)


def _query_state(_: World, request: DeviceRequest) -> str:
    found = _of_device(_STATE, request.device)
    found["device_stats"]["firmwarestate"] = "running"
    return _groups(found, request.payload)


def _query_setting(world: World, request: DeviceRequest) -> str:
    found = _of_device(_SETTINGS, request.device)
    rows = world.store.sql("SELECT name, body FROM x_device_settings WHERE device = ? ORDER BY name", (_key(request),))
    for name, body in rows:
        found[name] = {**found.get(name, {}), **json.loads(body)}
    return _groups(found, request.payload)


def _set_setting(world: World, request: DeviceRequest) -> str:
    groups = _asked(request.payload)
    if not groups:
        raise DeviceError("Nothing to set", 2)
    with world.store.transaction():
        for name, group in groups:
            key = _named(name, group)
            rows = world.store.sql(
                "SELECT body FROM x_device_settings WHERE device = ? AND name = ?", (_key(request), key)
            )
            sent = group if isinstance(group, dict) else {"#text": group} if group else {}
            body = dumps({**(json.loads(rows[0][0]) if rows else {}), **sent})
            [(count,)] = world.store.sql("SELECT count(*) FROM x_device_settings WHERE device = ?", (_key(request),))
            if len(body) > _MOST_BYTES or (not rows and count >= _MOST_GROUPS):
                raise DeviceError("The device has no room for more settings", 3)
            world.store.sql("INSERT OR REPLACE INTO x_device_settings VALUES (?, ?, ?)", (_key(request), key, body))
    return "".join(xmltext.build(name, _index(group)) for name, group in groups)


def _reboot(world: World, request: DeviceRequest) -> str:
    link.reboot(world, _key(request))
    return ""


def _key(request: DeviceRequest) -> str:
    return str(request.device["id"])


def _of_device(names: Mapping[str, Mapping[str, str]], device: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        group: {name: clean(str(device[key])) for name, key in keys.items() if key in device}
        for group, keys in names.items()
    }


def _asked(payload: Value) -> list[tuple[str, Value]]:
    """The groups that a command names."""
    if not isinstance(payload, dict):
        return []
    return [(name, item) for name, value in payload.items() if name[0] not in "@#" for item in many(value)]


def _named(name: str, group: Value) -> str:
    index = attribute(group, "index")
    return name if index in (None, "", "1") else f"{name}/{index}"


def _index(group: Value) -> dict[str, Value]:
    index = attribute(group, "index")
    return {} if index is None else {"@index": index}


def _groups(found: Mapping[str, Mapping[str, Any]], payload: Value) -> str:
    """The groups that are asked for; all, where none is named."""
    asked = _asked(payload)
    names = [_named(*one) for one in asked] if asked else list(found)
    unknown = DeviceError("There is no such group", 4).xml()
    built = ((name.partition("/")[0], found.get(name)) for name in names)
    return "".join(
        f"<{name}>{unknown}</{name}>" if group is None else xmltext.build(name, dict(group)) for name, group in built
    )
