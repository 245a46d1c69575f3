"""Stored objects: create, read, change and delete them as the contract says, and tell of each change."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from digirm_runtime.wire import Response
from digirm_simulator.collection import Collection, DuplicateError, open_collection
from digirm_simulator.contract import Path
from digirm_simulator.replies import Problem, empty_reply, json_reply
from digirm_simulator.world import CUSTOMER_ID, Call, Change, World

_MAX_ITEMS = 10_000
# Deeper ones could be read, but not written again inside an answer.
_MAX_DEPTH = 100
# Whatever the contract says, these are never stored, so that they can never come back.
SECRETS = frozenset({"auth_token", "install_code", "password", "secret"})


class Resource:
    """A stored collection and the rules for its objects. `name` is its path below the base path."""

    def __init__(self, world: World, path: Path, collection: Collection) -> None:
        self.world = world
        self.path = path
        self.collection = collection
        self.name = path.template.removeprefix(world.contract.base_path)
        self._hidden = SECRETS.union(path.write_only)

    def create(self, call: Call) -> Response:
        """Store one object or an array of them; what fails is reported beside what does not."""
        sent = read_json(call.body)
        items = sent if isinstance(sent, list) else [sent]
        if not items or len(items) > _MAX_ITEMS:
            raise Problem(400, f"The body must hold 1 to {_MAX_ITEMS} objects")
        made: list[dict[str, Any]] = []
        problems: list[Problem] = []
        for item in items:
            try:
                made.append(self.make(item, call))
            except Problem as problem:
                if len(items) == 1:
                    raise
                made.append(Problem(problem.status, problem.message, without(item, self._hidden)).document())
                problems.append(problem)
        if call.described.creates == "object" and not isinstance(sent, list):
            return json_reply(made[0], 201)
        return json_reply({"count": len(made), "list": made}, 207 if problems else 201)

    def read(self, call: Call) -> Response:
        """One object. Raises Problem 404."""
        return json_reply(self.get(call.key))

    def update(self, call: Call) -> Response:
        """Change the keys that were sent; null unsets one. Raises Problem 404."""
        changes = read_json(call.body)
        document = self.get(call.key)
        named = isinstance(changes, dict) and changes.get(self.collection.key, document[self.collection.key])
        if isinstance(changes, dict) and str(named) != call.key:
            raise Problem(400, f"'{self.collection.key}' cannot be changed")
        self.apply(document, changes, call)
        self.change(call.key, document, call.user.name)
        return json_reply(document)

    def delete(self, call: Call) -> Response:
        """Remove one object. Raises Problem 404."""
        self.remove(call.key, call.user.name)
        return empty_reply()

    def get(self, key: str) -> dict[str, Any]:
        """The object with this key, to be changed at will. Raises Problem 404."""
        found = self.collection.get(key)
        if found is None:
            raise Problem(404, f"There is no object with {self.collection.key} '{key}'")
        return found

    def make(self, item: Any, call: Call) -> dict[str, Any]:
        """Store one object that was sent. Raises Problem for one that cannot be."""
        if not isinstance(item, dict):
            raise Problem(400, "Expected an object")
        document = self.fresh(item, call)
        self.apply(document, {name: value for name, value in item.items() if name != self.collection.key}, call)
        return self.add(document, call.user.name)

    def fresh(self, item: Mapping[str, Any], call: Call) -> dict[str, Any]:  # noqa: ARG002 - for those who override it
        """A new object with its key: the one sent where it is text, else the next number."""
        key = self.collection.key
        field = self.collection.fields.get(key)
        if field is None or field.type.compares != "text":
            return {"customer_id": CUSTOMER_ID, key: self.collection.next_number()}
        if not isinstance(item.get(key), str) or not item[key].strip():
            raise Problem(400, f"'{key}' is required")
        return {key: item[key], "customer_id": CUSTOMER_ID}

    def apply(self, document: dict[str, Any], changes: Any, call: Call) -> None:  # noqa: ARG002 - as above
        """Bring the keys that were sent into an object. Raises Problem for what cannot be taken."""
        if not isinstance(changes, dict):
            raise Problem(400, "Expected an object")
        for name, value in changes.items():
            if name in self._hidden or name in (self.collection.key, "customer_id"):
                continue
            if value is None:
                document.pop(name, None)
            else:
                document[name] = value

    def add(self, document: dict[str, Any], by: str | None) -> dict[str, Any]:
        """Store a new object and tell of it. Raises Problem 400 where its key is taken."""
        key = str(document[self.collection.key])
        with self.world.store.transaction():
            try:
                self.collection.insert([document])
            except DuplicateError:
                raise Problem(400, f"'{key}' exists already") from None
            self._tell("create", key, None, document, by)
        return document

    def change(self, key: str, document: Mapping[str, Any], by: str | None) -> None:
        """Store an object over its former state and tell of it. Raises Problem 404."""
        with self.world.store.transaction():
            before = self.get(key)
            self.collection.replace(document, before)
            self._tell("update", key, before, document, by)

    def remove(self, key: str, by: str | None) -> None:
        """Remove an object and tell of it. Raises Problem 404."""
        with self.world.store.transaction():
            before = self.get(key)
            self.collection.delete(key)
            self._tell("delete", key, before, None, by)

    def _tell(
        self, kind: str, key: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None, by: str | None
    ) -> None:
        self.world.changed(Change(kind, self.name, key, before, after, self.world.now(), by))


def attach(world: World, classes: Mapping[str, type[Resource]]) -> None:
    """Give a world its stored collections; `classes` are those that have rules of their own, by name."""
    contract = world.contract
    for template, path in contract.paths.items():
        if path.key is None:
            continue
        fields = dict(path.requests["GET"].query) if "GET" in path.requests else {}
        if bulk := contract.paths.get(template.removesuffix("/inventory") + "/bulk"):
            for request in bulk.requests.values():
                fields |= request.query
        collection = open_collection(
            world.store, template, path.key, fields, indexed=path.indexed, covering=path.covering
        )
        made = classes.get(template.removeprefix(contract.base_path), Resource)
        world.resources[template] = made(world, path, collection)


def read_json(body: bytes) -> Any:
    """The JSON of a body. Raises Problem 400 for what is none, is nested too deep, or holds what cannot be stored."""
    try:
        value = json.loads(body)
        check_storable(value)
    except RecursionError:
        raise Problem(400, "The body is nested too deep") from None
    except ValueError:
        raise Problem(400, "The body is not valid JSON") from None
    return value


def check_storable(value: Any, depth: int = 0) -> None:
    """Raises ValueError for lone surrogates, which no UTF-8 can hold, and for NUL, which ends a text inside SQLite.

    Raises RecursionError for what is nested too deep.
    """
    if depth > _MAX_DEPTH:
        raise RecursionError("nested too deep")
    if isinstance(value, str):
        if b"\0" in value.encode():
            raise ValueError("NUL")
    elif isinstance(value, list):
        for item in value:
            check_storable(item, depth + 1)
    elif isinstance(value, dict):
        for name, item in value.items():
            check_storable(name)
            check_storable(item, depth + 1)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError("not finite")


def without(value: Any, names: frozenset[str]) -> Any:
    """A value without the keys that are never given back, however deep they are in it."""
    if isinstance(value, dict):
        return {key: without(item, names) for key, item in value.items() if key not in names}
    return [without(item, names) for item in value] if isinstance(value, list) else value


def is_texts(value: Any) -> bool:
    """Whether a value is a list of texts, or unset."""
    return value is None or (isinstance(value, list) and all(isinstance(item, str) for item in value))
