"""Managed configurations: their settings, those of single devices, and which devices comply. Health configurations."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from digirm_runtime.query.ast import And, Condition, Literal
from digirm_runtime.wire import Response
from digirm_simulator import csvform, listing
from digirm_simulator.behaviours import generic
from digirm_simulator.behaviours.lookup import in_group, required
from digirm_simulator.replies import Problem, csv_reply, dumps, empty_reply, json_reply
from digirm_simulator.resources import Resource, is_texts, read_json
from digirm_simulator.sql import where
from digirm_simulator.values import LiteralError, time_text
from digirm_simulator.world import CUSTOMER_ID, Behaviour, Call, Change, World

NAME, SETTINGS = "/configs/inventory", "/configs/settings"
HEALTH, DEVICES = "/health_configs/inventory", "/devices/inventory"
# For example FE00000A/DIGI TX64: the vendor in hexadecimal, and the type of device in capitals.
_HEALTH_ID = re.compile(r"[0-9A-F]{8}/[^a-z/]+")
_SUMMARY = ("customer_id", "groups", "id", "name", "type", "vendor_id")
_BULK = ("device_id", "device_name", "settings")

TABLES: Mapping[str, str] = {
    # The trees of settings; `device` is empty for that of all devices.
    "config_settings": "config INTEGER NOT NULL, device TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (config, device)"
}


class Configs(Resource):
    """Configurations: a group has only one enabled configuration for a type and vendor id."""

    def fresh(self, item: Mapping[str, Any], call: Call) -> dict[str, Any]:
        """A new one, with the defaults that it begins with."""
        return {**super().fresh(item, call), "created": time_text(call.now)}

    def apply(self, document: dict[str, Any], changes: Any, call: Call) -> None:
        """Bring what was sent into one. Raises Problem 400 for what cannot be taken."""
        created = document.get("created")
        super().apply(document, changes, call)
        document |= {"last_update": time_text(call.now)} | ({"created": created} if created else {})
        if not is_texts(document.get("groups", [])):
            raise Problem(400, "'groups' must be a list of texts")
        if not isinstance(document.get("enabled", False), bool):
            raise Problem(400, "'enabled' must be true or false")
        if document.get("enabled"):
            for other in self.collection.documents():
                if other["id"] != document["id"] and (group := _shared(document, other)) is not None:
                    raise Problem(400, f"Group '{group}' has an enabled config of this type and vendor id already")


def _shared(one: Mapping[str, Any], other: Mapping[str, Any]) -> str | None:
    """A group in which two enabled configurations would meet."""
    if other.get("enabled") is not True or any(one.get(name) != other.get(name) for name in ("type", "vendor_id")):
        return None
    for group, taken in product(one.get("groups", []), other.get("groups", [])):
        if group.strip("/").casefold() == taken.strip("/").casefold():
            return str(group)
    return None


class HealthConfigs(Resource):
    """Health configurations, one for a vendor and type."""

    def update(self, call: Call) -> Response:
        """Change the keys that are sent, or all of them with `replace`; one that is not there yet is made."""
        changes, replace = read_json(call.body), call.params.flag("replace")
        if not isinstance(changes, dict):
            raise Problem(400, "Expected an object")
        if str(changes.get("id", call.key)) != call.key:
            raise Problem(400, "'id' cannot be changed")
        if not _HEALTH_ID.fullmatch(call.key):
            raise Problem(400, "A health configuration is named by vendor and type, such as FE00000A/DIGI TX64")
        stored = self.collection.get(call.key)
        document = {"customer_id": CUSTOMER_ID, "id": call.key} if replace or stored is None else stored
        self.apply(document, changes, call)
        if not isinstance(document.get("enabled", False), bool):
            raise Problem(400, "'enabled' must be true or false")
        rules = document.get("rules", [])
        if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
            raise Problem(400, "'rules' must be a list of objects")
        document["last_modified"] = time_text(call.now)
        if stored is None:
            self.add(document, call.user.name)
        else:
            self.change(call.key, document, call.user.name)
        return json_reply(document)


RESOURCES: Mapping[str, type[Resource]] = {NAME: Configs, HEALTH: HealthConfigs}


def observe(world: World, change: Change) -> None:
    """Remove the settings of a configuration that is removed."""
    if change.name == NAME and change.kind == "delete":
        world.store.sql("DELETE FROM x_config_settings WHERE config = ?", (change.key,))


def _list(call: Call) -> Response:
    """Configurations, those of a group with `group`."""
    # Not as a stored list: a query on `groups` asks each of them.
    return listing.computed(call, _of_group(call), "id")


def _of_group(call: Call) -> Iterator[dict[str, Any]]:
    group = call.params.get("group")
    wanted = None if group is None else group.strip("/").casefold()
    for document in required(call.world, NAME).collection.documents():
        groups = {str(one).strip("/").casefold() for one in document.get("groups", [])}
        if wanted is None or wanted in groups:
            yield document


def _key(call: Call) -> str:
    """The key of the configuration whose settings are asked for. Raises Problem 404."""
    return str(required(call.world, NAME).get(call.args["id"])["id"])


def _settings(call: Call) -> Response:
    return json_reply(_tree(call, _key(call), ""))


def _put_settings(call: Call) -> Response:
    return _put(call, _key(call), "")


def _delete_settings(call: Call) -> Response:
    return _delete(call, _key(call), "device = ''", ())


def _tree(call: Call, config: str, device: str) -> Any:
    rows = call.world.store.sql("SELECT body FROM x_config_settings WHERE config = ? AND device = ?", (config, device))
    return json.loads(rows[0][0]) if rows else {}


def _put(call: Call, config: str, device: str) -> Response:
    """Store the tree of settings that is sent in place of the former one."""
    tree = read_json(call.body)
    if not isinstance(tree, dict):
        raise Problem(400, "Expected an object")
    sql, values = call.world.store.sql, (config, device)
    rows = sql("SELECT body FROM x_config_settings WHERE config = ? AND device = ?", values)
    sql("INSERT OR REPLACE INTO x_config_settings VALUES (?, ?, ?)", (*values, dumps(tree)))
    _tell(call, config, device, json.loads(rows[0][0]) if rows else None, tree)
    return json_reply(tree)


def _delete(call: Call, config: str, which: str, values: tuple[str, ...]) -> Response:
    """Remove the trees of settings that a condition on `device` selects."""
    rows = call.world.store.sql(
        f"DELETE FROM x_config_settings WHERE config = ? AND {which} RETURNING device, body",  # noqa: S608
        (config, *values),
    )
    for device, body in sorted(rows):
        _tell(call, config, device, json.loads(body), None)
    return empty_reply()


def _tell(call: Call, config: str, device: str, before: Any, after: Any) -> None:
    kind = "create" if before is None else "delete" if after is None else "update"
    named = {"id": config} | ({"device_id": device} if device else {})
    was, now = (None if tree is None else {**named, "settings": tree} for tree in (before, after))
    key = f"{config}/{device}" if device else config
    call.world.changed(Change(kind, SETTINGS, key, was, now, call.now, call.user.name))


def _named_device(call: Call) -> str | None:
    """The device that `device_id` or `device_name` names; None without them. Raises Problem 404 and 400."""
    devices, key, name = required(call.world, DEVICES), call.params.get("device_id"), call.params.get("device_name")
    if key is not None:
        return str(devices.get(key.upper())["id"])
    if name is None:
        return None
    found = _devices(call, {"name": name})
    if len(found) != 1:
        raise Problem(400 if found else 404, f"{len(found) or 'No'} devices have the name '{name}'")
    return found[0]


def _devices(call: Call, values: Mapping[str, Any]) -> list[str]:
    """The ids of the devices that have these values. Raises Problem 403 where the contract has no such fields."""
    collection = required(call.world, DEVICES).collection
    conditions = [
        Condition(name, "=", Literal("number" if isinstance(value, int) else "text", str(value)))
        for name, value in values.items()
    ]
    try:
        wanted = And(conditions) if len(conditions) > 1 else conditions[0]
        found = where(wanted, collection.fields, collection.columns, call.now)
    except LiteralError:
        raise Problem(403, "Not simulated: this contract does not name devices") from None
    return collection.keys(found)


def _device_settings(call: Call) -> Response:
    """The settings of one device, or without a parameter those of every device that has some."""
    config, device = _key(call), _named_device(call)
    if device is not None:
        return json_reply(_tree(call, config, device))
    found = [{"device_id": key, "settings": tree} for key, tree in _all_trees(call, config)]
    return json_reply({"count": len(found), "list": found})


def _all_trees(call: Call, config: str) -> list[tuple[str, Any]]:
    rows = call.world.store.sql(
        "SELECT device, body FROM x_config_settings WHERE config = ? AND device <> '' ORDER BY device", (config,)
    )
    return [(device, json.loads(body)) for device, body in rows]


def _put_device_settings(call: Call) -> Response:
    config, device = _key(call), _named_device(call)
    if device is None:
        raise Problem(400, "Parameter 'device_id' or 'device_name' is required")
    return _put(call, config, device)


def _delete_device_settings(call: Call) -> Response:
    config, device = _key(call), _named_device(call)
    if device is None:
        return _delete(call, config, "device <> ''", ())
    return _delete(call, config, "device = ?", (device,))


def _device_settings_csv(call: Call) -> Response:
    """The settings of every device that has some, each as JSON in one cell."""
    devices, lines = required(call.world, DEVICES), [csvform.line(_BULK)]
    for key, tree in _all_trees(call, _key(call)):
        name = (devices.collection.get(key) or {}).get("name", "")
        lines.append(csvform.line((key, str(name), dumps(tree))))
    return csv_reply(lines)


def _compliance(call: Call) -> Response:
    """How many devices of each configuration comply, by what the devices say of themselves."""
    return listing.computed(call, (_counted(call, config) for config in _of_group(call)), "id")


def _counted(call: Call, config: Mapping[str, Any]) -> dict[str, Any]:
    shown = {name: config[name] for name in _SUMMARY if name in config}
    counts = {"compliant": 0, "noncompliant": 0, "unknown": 0}
    names = {"yes": "compliant", "no": "noncompliant"}
    devices = required(call.world, DEVICES)
    kind = {name: config[name] for name in ("type", "vendor_id") if isinstance(config.get(name), str | int)}
    for key in _devices(call, kind) if kind and config.get("enabled") is True else ():
        device = devices.get(key)
        if _applies(config, device):
            counts[names.get(str(device.get("compliant")), "unknown")] += 1
    return {**shown, **counts}


def _applies(config: Mapping[str, Any], device: Mapping[str, Any]) -> bool:
    """Whether a device is managed by a configuration: in one of its groups, and of its type and vendor."""
    same = all(str(config.get(name)) == str(device.get(name)) for name in ("type", "vendor_id") if name in config)
    groups = [group for group in config.get("groups", []) if in_group(device.get("group"), group)]
    return config.get("enabled") is True and same and bool(groups)


def _device_compliance(call: Call) -> Response:
    """What a device says of its compliance, and the configurations that manage it."""
    device = required(call.world, DEVICES).get(call.key.upper())
    names = ("compliant", "customer_id", "last_compliant", "last_noncompliant", "last_noncompliant_reason")
    shown = {name: device[name] for name in names if name in device}
    configs = [config["id"] for config in required(call.world, NAME).collection.documents() if _applies(config, device)]
    return json_reply({**shown, "configs": configs, "device_id": device["id"]})


BEHAVIOURS: Mapping[str, Behaviour] = {
    "configs.compliance": _compliance,
    "configs.create": generic.create,
    "configs.delete_device_settings": _delete_device_settings,
    "configs.delete_settings": _delete_settings,
    "configs.device_compliance": _device_compliance,
    "configs.device_settings": _device_settings,
    "configs.device_settings_csv": _device_settings_csv,
    "configs.list": _list,
    "configs.put_device_settings": _put_device_settings,
    "configs.put_settings": _put_settings,
    "configs.settings": _settings,
    "configs.update": generic.update,
    "health_configs.update": generic.update,
}
