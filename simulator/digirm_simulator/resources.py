"""Stored objects: create, read, change and delete them as the contract says."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from digirm_runtime.wire import Response
from digirm_simulator import fleet
from digirm_simulator.contract import Contract, Path
from digirm_simulator.contract import Request as Described
from digirm_simulator.replies import Problem, empty_reply, json_reply
from digirm_simulator.sql import ALL
from digirm_simulator.store import Collection, DuplicateError, Store

_DEVICE_ID = re.compile(r"[0-9A-F]{8}(-[0-9A-F]{8}){3}")
_MAX_ITEMS = 10_000
# Deeper ones could be read, but not written again inside an answer.
_MAX_DEPTH = 100
# Whatever the contract says, these are never stored, so that they can never come back.
_SECRETS = frozenset({"auth_token", "install_code", "password", "secret"})


class Resource:
    """A stored collection and the rules for its objects."""

    def __init__(self, path: Path, collection: Collection) -> None:
        self.path = path
        self.collection = collection
        self._hidden = _SECRETS.union(path.write_only)

    def read(self, key: str) -> Response:
        """One object. Raises Problem 404."""
        return json_reply(self._get(key))

    def create(self, body: bytes, how: str) -> Response:
        """Store one object or an array of them; what fails is reported beside what does not."""
        sent = read_json(body)
        items = sent if isinstance(sent, list) else [sent]
        if not items or len(items) > _MAX_ITEMS:
            raise Problem(400, f"The body must hold 1 to {_MAX_ITEMS} objects")
        made: list[dict[str, Any]] = []
        problems: list[Problem] = []
        for item in items:
            try:
                made.append(self._create(item))
            except Problem as problem:
                if len(items) == 1:
                    raise
                made.append(Problem(problem.status, problem.message, without(item, self._hidden)).document())
                problems.append(problem)
        if how == "object" and not isinstance(sent, list):
            return json_reply(made[0], 201)
        return json_reply({"count": len(made), "list": made}, 207 if problems else 201)

    def update(self, key: str, body: bytes) -> Response:
        """Change the keys that were sent; null unsets one. Raises Problem 404."""
        changes = read_json(body)
        with self.collection.store.lock:
            document = self._get(key)
            named = isinstance(changes, dict) and changes.get(self.collection.key, document[self.collection.key])
            if isinstance(changes, dict) and str(named) != key:
                raise Problem(400, f"'{self.collection.key}' cannot be changed")
            self._apply(document, changes)
            self.collection.replace(document)
        return json_reply(document)

    def delete(self, key: str) -> Response:
        """Remove one object. Raises Problem 404."""
        if not self.collection.delete(key):
            raise self._missing(key)
        return empty_reply()

    def _get(self, key: str) -> dict[str, Any]:
        found = self.collection.get(key)
        if found is None:
            raise self._missing(key)
        return found

    def _missing(self, key: str) -> Problem:
        return Problem(404, f"There is no object with {self.collection.key} '{key}'")

    def _create(self, item: Any) -> dict[str, Any]:
        if not isinstance(item, dict):
            raise Problem(400, "Expected an object")
        with self.collection.store.lock:
            document = self._fresh(item)
            self._apply(document, {name: value for name, value in item.items() if name != self.collection.key})
            try:
                self.collection.insert([document])
            except DuplicateError:
                raise Problem(400, f"'{document[self.collection.key]}' exists already") from None
        return document

    def _fresh(self, item: Mapping[str, Any]) -> dict[str, Any]:
        """A new object with its key: the one sent where it is text, else the next number."""
        key = self.collection.key
        field = self.collection.fields.get(key)
        if field is None or field.type.compares != "text":
            return {"customer_id": fleet.CUSTOMER_ID, key: self.collection.next_number()}
        if not isinstance(item.get(key), str) or not item[key].strip():
            raise Problem(400, f"'{key}' is required")
        return {key: item[key], "customer_id": fleet.CUSTOMER_ID}

    def _apply(self, document: dict[str, Any], changes: Any) -> None:
        if not isinstance(changes, dict):
            raise Problem(400, "Expected an object")
        for name, value in changes.items():
            if name in self._hidden or name in (self.collection.key, "customer_id"):
                continue
            if value is None:
                document.pop(name, None)
            else:
                document[name] = value


class Devices(Resource):
    """Devices: their id is given, and only some of their keys are the client's to set."""

    def __init__(self, path: Path, collection: Collection, known: frozenset[str], groups: Collection | None) -> None:
        super().__init__(path, collection)
        self._known = known
        self._groups = groups

    def _fresh(self, item: Mapping[str, Any]) -> dict[str, Any]:
        device_id = item.get("id")
        if not isinstance(device_id, str) or not _DEVICE_ID.fullmatch(device_id.upper()):
            raise Problem(400, "'id' is required, as 00000000-00000000-00000000-00000000")
        return fleet.new_device(device_id.upper())

    def _apply(self, document: dict[str, Any], changes: Any) -> None:
        if not isinstance(changes, dict):
            raise Problem(400, "Expected an object")
        if unknown := sorted(changes.keys() - self._known - document.keys()):
            raise Problem(400, f"Unknown field '{unknown[0]}'")
        for name in ("tags", "add_tags", "remove_tags"):
            if not is_texts(changes.get(name, [])):
                raise Problem(400, f"'{name}' must be a list of texts")
        for name in ("group", "name", "description", "notes", "contact", "location"):
            if not isinstance(changes.get(name), str | None):
                raise Problem(400, f"'{name}' must be a text")
        writable = set(self.path.writable or changes)
        super()._apply(document, {name: value for name, value in changes.items() if name in writable})
        tags = [*document.get("tags", ()), *(changes.get("add_tags") or ())]
        document["tags"] = [tag for tag in dict.fromkeys(tags) if tag not in (changes.get("remove_tags") or ())]
        if not document["tags"]:
            del document["tags"]
        if group := str(document.get("group", "")).strip("/"):
            document["group"] = group
            if self._groups is not None:
                add_groups(self._groups, [group])
        else:
            document.pop("group", None)


def resources(contract: Contract, store: Store) -> dict[str, Resource]:
    """The stored collections of a contract by path template."""
    made: dict[str, Resource] = {}
    groups: Collection | None = None
    # Groups come first: devices add theirs to them.
    ordered = sorted(contract.paths.items(), key=lambda entry: not entry[0].endswith("/groups/inventory"))
    for template, path in ordered:
        if path.key is None:
            continue
        fields = dict(path.requests["GET"].query) if "GET" in path.requests else {}
        if bulk := contract.paths.get(template.removesuffix("/inventory") + "/bulk"):
            for request in bulk.requests.values():
                fields |= request.query
        collection = store.collection(template, path.key, fields)
        if template.endswith("/groups/inventory"):
            groups = collection
        if template.endswith("/devices/inventory"):
            known = frozenset({*fields, *path.write_only, *_columns(bulk), "capabilities", *(path.writable or ())})
            made[template] = Devices(path, collection, known, groups)
        else:
            made[template] = Resource(path, collection)
    return made


def _columns(path: Path | None) -> tuple[str, ...]:
    described: Described | None = path.requests.get("GET") if path else None
    return (described.columns if described else None) or ()


def add_groups(groups: Collection, paths: list[str]) -> None:
    """Store groups and those above them, where they are not there yet.

    A group's own `path` begins with a slash, as in the queries that people write on it.
    """
    with groups.store.lock:
        known = {json.loads(row.body)["path"] for row in groups.page(ALL, [], None, 1_000_000)}
        for path in paths:
            parts = path.split("/")
            for depth in range(1, len(parts) + 1):
                name = "/" + "/".join(parts[:depth])
                if parts[0] and name not in known:
                    known.add(name)
                    groups.insert([{"customer_id": fleet.CUSTOMER_ID, "id": groups.next_number(), "path": name}])


def read_json(body: bytes) -> Any:
    """The JSON of a body. Raises Problem 400 for what is none, is nested too deep, or holds what cannot be stored."""
    try:
        value = json.loads(body)
        _check(value)
    except (ValueError, RecursionError):
        raise Problem(400, "The body is not valid JSON") from None
    return value


def _check(value: Any, depth: int = 0) -> None:
    """Raises ValueError for lone surrogates, which no UTF-8 can hold, and for NUL, which ends a text inside SQLite."""
    if depth > _MAX_DEPTH:
        raise ValueError("nested too deep")
    if isinstance(value, str):
        if b"\0" in value.encode():
            raise ValueError("NUL")
    elif isinstance(value, list):
        for item in value:
            _check(item, depth + 1)
    elif isinstance(value, dict):
        for name, item in value.items():
            _check(name)
            _check(item, depth + 1)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError("not finite")


def without(value: Any, names: frozenset[str]) -> Any:
    """An object without the keys that are never given back."""
    return {key: item for key, item in value.items() if key not in names} if isinstance(value, dict) else value


def is_texts(value: Any) -> bool:
    """Whether a value is a list of texts, or unset."""
    return value is None or (isinstance(value, list) and all(isinstance(item, str) for item in value))
