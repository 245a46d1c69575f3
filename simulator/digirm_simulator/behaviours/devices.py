"""Devices: provisioning, changes, groups that come with them, CSV uploads, and what hangs below a device."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from digirm_runtime.query.ast import Condition, Literal
from digirm_runtime.wire import Response
from digirm_simulator import life, listing
from digirm_simulator.behaviours.device_resource import DeviceResource, every
from digirm_simulator.behaviours.device_upload import upload
from digirm_simulator.replies import Problem, json_reply
from digirm_simulator.resources import Resource
from digirm_simulator.sql import ALL, where
from digirm_simulator.world import Behaviour, Call, World

#: What the list of a kind shows of a device, and the time of it.
_STATE: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "management": {
        "connection_status": ("last_connect", "last_disconnect"),
        "firmware_status": ("last_update",),
        "maintenance_mode": (),
        "restricted_status": (),
    },
    "metrics": dict.fromkeys(
        ("health_status", "signal_percent", "signal_quality", "signal_strength"), ("last_update",)
    ),
}


def seed(world: World) -> None:
    """Let the fleet live."""
    life.settle(world)


def provision(call: Call) -> Response:
    """Store devices that connect for the first time some minutes later."""
    call.params.flag("bundle_device")
    return call.resource.create(call)


def update(call: Call) -> Response:
    """Change a device."""
    for name in ("update_only", "allow_swap"):
        call.params.flag(name)
    return call.resource.update(call)


def types(call: Call) -> Response:
    """The types of the devices that there are."""
    devices = call.world.resource("/devices/inventory")
    rows = devices.collection.tally(["vendor_id", "type"], ALL) if devices else []
    items = [{"type": kind, "vendor_id": vendor} for vendor, kind, _ in rows if kind and str(kind).strip()]
    return json_reply({"count": len(items), "list": items})


def of_config(call: Call) -> Response:
    """The devices that a configuration is for: those of its groups, type and vendor."""
    configs, devices = call.world.resource("/configs/inventory"), call.world.resource("/devices/inventory")
    if configs is None or devices is None:
        raise Problem(404, f"Nothing is stored at {call.raw_path}")
    config = configs.get(call.key)
    groups = config.get("groups")
    wanted = {str(group).strip("/") for group in groups} if isinstance(groups, list) else set()

    def fits(device: Mapping[str, Any]) -> bool:
        return str(device.get("group")) in wanted and all(
            config.get(name) in (None, device.get(name)) for name in ("type", "vendor_id")
        )

    return listing.computed(call, filter(fits, every(devices.collection)), devices.collection.key)


def below(call: Call) -> Response:
    """One of the three lists below a device, or one item of it by name."""
    kind = call.path.template.removeprefix(call.world.contract.base_path).split("/")[2]
    devices = call.world.resource("/devices/inventory")
    if devices is None:
        raise Problem(404, f"Nothing is stored at {call.raw_path}")
    key = call.args["id"]
    document = devices.get(key)
    items = list(_channels(call.world, key) if kind == "channels" else _state(document, kind))
    name = call.args.get("name")
    if name is None:
        return json_reply({"count": len(items), "list": items})
    for item in items:
        if item["name"] == name:
            return json_reply(item)
    raise Problem(404, f"There is no '{name}' in {kind} of {key}")


def _state(document: Mapping[str, Any], kind: str) -> Iterator[dict[str, Any]]:
    for name, times in _STATE[kind].items():
        if name in document:
            item = {"device_id": document["id"], "name": name, "value": document[name]}
            told = [document[time] for time in times if time in document]
            yield item | {"timestamp": max(map(str, told))} if told else item


def _channels(world: World, key: str) -> Iterator[dict[str, Any]]:
    """The data streams whose ids begin with the device's."""
    streams = world.resource("/streams/inventory")
    if streams is None or streams.collection.key not in streams.collection.fields:
        return
    collection = streams.collection
    begins = Condition(collection.key, "startsWith", Literal("text", f"{key}/"))
    condition = where(begins, collection.fields, collection.columns, world.now())
    for stream in every(collection, condition):
        name = str(stream[collection.key]).removeprefix(f"{key}/")
        if name.partition("/")[0] not in ("carrier", "management", "metrics"):
            shown: dict[str, Any] = {
                field: stream[field] for field in ("timestamp", "type", "units", "value") if field in stream
            }
            yield {"device_id": key, "name": name, "stream_id": stream[collection.key], **shown}


RESOURCES: Mapping[str, type[Resource]] = {"/devices/inventory": DeviceResource}
TABLES: Mapping[str, str] = {"life": life.TABLE}
BEHAVIOURS: Mapping[str, Behaviour] = {
    "devices.channels": below,
    "devices.management": below,
    "devices.metrics": below,
    "devices.of_config": of_config,
    "devices.provision": provision,
    "devices.types": types,
    "devices.update": update,
    "devices.upload": upload,
}
