"""The rules for stored devices: how they are provisioned and changed, and the groups that come with them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from digirm_runtime.query.ast import Condition, Literal
from digirm_simulator import fleet
from digirm_simulator.collection import Collection
from digirm_simulator.contract import Path
from digirm_simulator.replies import Problem
from digirm_simulator.resources import Resource, is_texts, without
from digirm_simulator.sql import ALL, Where, where
from digirm_simulator.world import CUSTOMER_ID, Call, World

_DEVICE_ID = re.compile(r"[0-9A-F]{8}(-[0-9A-F]{8}){3}")
_TEXTS = ("contact", "description", "group", "install_code", "key", "location", "name", "notes", "password")
LISTS = ("tags", "add_tags", "remove_tags")
_PAGE = 500


class DeviceResource(Resource):
    """Devices: their id is given, only some of their keys are the client's to set, and their group comes to be."""

    def __init__(self, world: World, path: Path, collection: Collection) -> None:
        super().__init__(world, path, collection)
        bulk = world.contract.paths.get(path.template.replace("/inventory", "/bulk"))
        columns = (bulk.requests["GET"].columns if bulk and "GET" in bulk.requests else None) or ()
        #: Every field that devices have, write-only ones included.
        self.known = frozenset({*collection.fields, *path.write_only, *columns, *(path.writable or ()), "capabilities"})

    def fresh(self, item: Mapping[str, Any], call: Call) -> dict[str, Any]:  # noqa: ARG002 - the base class's signature
        """A device that has never connected. Raises Problem 400 for an id that is none."""
        return fleet.new_device(device_id(item.get("id")))

    def make(self, item: Any, call: Call) -> dict[str, Any]:
        """Provision one device; where that fails, its group does not come to be either."""
        with self.world.store.transaction():
            return super().make(item, call)

    def refused(self, item: Any, problem: Problem) -> dict[str, Any]:
        """What a list of results says of an item that failed: the item as it was sent, without secrets."""
        return Problem(problem.status, problem.message, without(item, self._hidden)).document()

    def apply(self, document: dict[str, Any], changes: Any, call: Call) -> None:
        """Bring what was sent into a device: keys that are the service's own are ignored, unknown ones refused."""
        if not isinstance(changes, dict):
            raise Problem(400, "Expected an object")
        if unknown := sorted(changes.keys() - self.known - document.keys()):
            raise Problem(400, f"Unknown field '{unknown[0]}'")
        for name in LISTS:
            if not is_texts(changes.get(name)):
                raise Problem(400, f"'{name}' must be a list of texts")
        for name in _TEXTS:
            if not isinstance(changes.get(name), str | None):
                raise Problem(400, f"'{name}' must be a text")
        if changes.get("install_code") is not None and not changes["install_code"].strip():
            raise Problem(400, "'install_code' is empty")
        writable = set(self.path.writable or changes)
        super().apply(document, {name: value for name, value in changes.items() if name in writable}, call)
        tags = [*document.get("tags", ()), *(changes.get("add_tags") or ())]
        document["tags"] = [tag for tag in dict.fromkeys(tags) if tag not in (changes.get("remove_tags") or ())]
        if not document["tags"]:
            del document["tags"]

    def add(self, document: dict[str, Any], by: str | None) -> dict[str, Any]:
        """Store a new device and, where it is new, its group. Raises Problem 400 where the device exists."""
        with self.world.store.transaction():
            self._settle_group(document, by)
            return super().add(document, by)

    def change(self, key: str, document: Mapping[str, Any], by: str | None) -> None:
        """Store a device over its former state and, where it is new, its group. Raises Problem 404."""
        with self.world.store.transaction():
            if isinstance(document, dict):
                self._settle_group(document, by)
            super().change(key, document, by)

    def _settle_group(self, document: dict[str, Any], by: str | None) -> None:
        if group := str(document.get("group", "")).strip("/"):
            document["group"] = group
            add_group(self.world, group, by)
        else:
            document.pop("group", None)


def device_id(value: Any) -> str:
    """A device id as it is stored. Raises Problem 400 for what is none."""
    if not isinstance(value, str) or not _DEVICE_ID.fullmatch(value.upper()):
        raise Problem(400, "'id' is required, as 00000000-00000000-00000000-00000000")
    return value.upper()


def add_group(world: World, group: str, by: str | None) -> None:
    """Store a group and those above it, where they are not there yet.

    A group's own `path` begins with a slash, as in the queries that people write on it.
    """
    groups = world.resource("/groups/inventory")
    if groups is None or "path" not in groups.collection.fields:
        return
    parts = group.split("/")
    for depth in range(1, len(parts) + 1):
        path = "/" + "/".join(parts[:depth])
        if not any(found["path"] == path for found in _stored(world, groups.collection, "path", path)):
            groups.add({"customer_id": CUSTOMER_ID, "id": groups.collection.next_number(), "path": path}, by)


def every(collection: Collection, condition: Where = ALL) -> Iterator[dict[str, Any]]:
    """The stored objects that meet a condition, read page by page."""
    rows = collection.page(condition, [], None, _PAGE)
    while rows:
        for row in rows:
            yield json.loads(row.body)
        rows = collection.page(condition, [], rows[-1].position, _PAGE) if len(rows) == _PAGE else []


def _stored(world: World, collection: Collection, field: str, value: str) -> Iterator[dict[str, Any]]:
    same = Condition(field, "=", Literal("text", value))
    return every(collection, where(same, collection.fields, collection.columns, world.now()))
