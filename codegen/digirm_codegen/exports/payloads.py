"""The payloads of a spec as JSON Schemas under unique names, and examples of what can be sent."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from digirm_codegen import models, render, schemas
from digirm_runtime import naming
from digirm_runtime.spec import Spec
from digirm_runtime.tree import Operation, Tree

_EXAMPLES: dict[str, Any] = {"string": "", "integer": 0, "number": 0, "boolean": False, "array": [], "object": {}}
#: Kinds of operations that answer what they were sent.
_STORING = ("create", "update", "update_all")
#: Of an example: what is nested deeper is left empty.
MAX_DEPTH = 3


class Payloads:
    """Every documented or sampled object, and which of them an operation answers or takes.

    `schemas` holds them by name; where one refers to another, `$ref` is `root` and its name. No name is one of `taken`.
    What cannot be used is added to `problems`.
    """

    def __init__(
        self, spec: Spec, named: Tree, problems: list[str], *, root: str = "", taken: Collection[str] = ()
    ) -> None:
        stems = render.modules(named.categories)
        nodes = {node.wire: node for node in named.categories}
        wires = {c.name: c.path.removeprefix(spec.base_path + "/").partition("/")[0] for c in spec.categories}
        found, self._places = schemas.definitions(
            spec,
            [schemas.Category(name, stems[wire], nodes[wire]) for name, wire in wires.items() if wire in nodes],
            problems,
            models.KINDS[models.DEFAULT],
        )
        # What can be changed of an object is what is read of it.
        self._read = {o.path: o for node in named.nodes() for o in node.operations if o.kind == "get"}
        self._root = root
        self._names: dict[tuple[str, str], str] = {}
        self._modules = {stems[wire]: wire for wire in nodes}
        used = set(taken)
        for module, classes in sorted(found.items()):
            for name in sorted(classes):
                self._names[module, name] = unique(name, module, used)
        self.schemas = {
            self._names[module, name]: self._moved(schema, module)
            for module, classes in found.items()
            for name, schema in classes.items()
        }

    def answered(self, operation: Operation) -> str | None:
        """The name of the object that an operation answers, where anything is known of it."""
        place = self._places.place(operation)
        return None if place is None else self._names[place]

    def taken(self, operation: Operation) -> str | None:
        """The name of the object that an operation takes: of its own answer, or of the GET of the same path.

        What an operation of another kind answers says nothing of what it takes.
        """
        if operation.kind not in _STORING:
            return None
        name = self.answered(operation)
        if name is None and operation.kind == "update" and operation.path in self._read:
            return self.answered(self._read[operation.path])
        return name

    def of_category(self, wire: str) -> dict[str, dict[str, Any]]:
        """The schemas of one category by name."""
        names = [name for (module, _), name in self._names.items() if self._modules.get(module) == wire]
        return {name: self.schemas[name] for name in names}

    def body(self, operation: Operation) -> str:
        """An example of what an operation takes, as JSON: every known key, and an empty value of its type for each.

        No key can be taken for a variable (`{{...}}`).
        """
        name = self.taken(operation)
        example = {} if name is None else self._example(self.schemas[name], 0)
        return json.dumps(example, indent=2).replace("{{", "{\\u007b")

    def _example(self, schema: dict[str, Any], depth: int) -> Any:
        target = schema.get("$ref")
        if isinstance(target, str):
            return {} if depth == MAX_DEPTH else self._example(self.schemas[target.removeprefix(self._root)], depth)
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = kind[0]
        if kind == "object":
            return {key: self._example(value, depth + 1) for key, value in schema.get("properties", {}).items()}
        if "anyOf" in schema:
            return self._example(schema["anyOf"][0], depth)
        return _EXAMPLES.get(str(kind))

    def _moved(self, schema: Any, module: str) -> Any:
        """A schema whose references lead to the names given here."""
        if isinstance(schema, list):
            return [self._moved(item, module) for item in schema]
        if not isinstance(schema, dict):
            return schema
        if isinstance(target := schema.get("$ref"), str):
            return {"$ref": self._root + self._names[module, target.rpartition("/")[2]]}
        match schema.get("anyOf"):
            case [{"type": str(kind), **rest}, {"type": "null"}] if not rest:
                return {"type": [kind, "null"]}
        return {key: self._moved(value, module) for key, value in schema.items()}


def unique(name: str, prefix: str, used: set[str]) -> str:
    """`name`, with `prefix` before it until it is none of `used`, to which it is added."""
    while name in used:
        name = naming.camel((prefix, name))
    used.add(name)
    return name
