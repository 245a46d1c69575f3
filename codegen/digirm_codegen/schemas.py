"""JSON Schemas of payloads: what is documented by hand, refined by what samples showed.

Only a small part of JSON Schema is read, and nothing but that part comes out, under names that are made here: a sample
is as untrusted as the server that it came from.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from digirm_codegen import gone_types
from digirm_codegen.models import Kind
from digirm_codegen.templating import name as checked
from digirm_runtime import naming, previous
from digirm_runtime.dispatch import UNTYPED
from digirm_runtime.overrides import SchemaEntry
from digirm_runtime.spec import Spec, file_stem
from digirm_runtime.tree import Node, Operation

_WORDS: dict[str, dict[str, Any]] = {
    "string": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "object": {"type": "object"},
    "any": {},
}
_SCALARS = ("string", "integer", "number", "boolean")
MAX_DEPTH = 20
_CONSTANTS = frozenset(("None", "True", "False"))


class Schemas(NamedTuple):
    """Where payload types are: (module, class) by a schema's name, or by the operation of a sample."""

    places: dict[str, tuple[str, str]]

    def place(self, operation: Operation) -> tuple[str, str] | None:
        """(module, class) of an object that the operation answers, where anything is known of it."""
        return self.places.get(operation.schema or operation.wire)

    def annotation(self, operation: Operation) -> str:
        """The type of an object that the operation answers."""
        place = self.place(operation)
        return UNTYPED if place is None else f"_m_{checked(place[0])}.{checked(place[1])}"

    def within(self, modules: Collection[str]) -> Schemas:
        """Those of some modules."""
        return Schemas({name: place for name, place in self.places.items() if place[0] in modules})


class Category(NamedTuple):
    """A category that has a node: its name, the module of its types, its node."""

    name: str
    module: str
    node: Node


def definitions(
    spec: Spec, categories: list[Category], problems: list[str], kind: Kind
) -> tuple[dict[str, dict[str, Any]], Schemas]:
    """Per module the JSON Schemas of its classes, and where the class of each documented or sampled object is.

    What cannot be used, or not in types of this kind, is a problem, and left out.
    """
    reserved = kind.imported | _CONSTANTS
    modules = {category.name: category.module for category in categories}
    usable = {}
    for name, entry in sorted(spec.overrides.schemas.items()):
        if naming.identifier(name) != name or not name[0].isupper() or "_" in name or name in reserved:
            problems.append(f"schemas: {name!a} is no class name; skipped")
        elif entry.category in modules:
            usable[name] = entry
    places = {name: (modules[entry.category], name) for name, entry in usable.items()}
    found: dict[str, dict[str, Any]] = {}
    for category in categories:
        taken = found.setdefault(category.module, {})
        objects = _Objects(taken, usable, reserved, kind.signs, problems)
        samples = _samples(spec, category.name)
        for name, entry in usable.items():
            if entry.category == category.name:
                taken[name] = objects.documented(name, entry, samples.get(name))
        for name, operation in _unnamed(category.node, ()):
            seen = objects.sampled_object((name,), samples[operation.wire], 0) if operation.wire in samples else {}
            if "$ref" in seen:
                places[operation.wire] = (category.module, seen["$ref"].rpartition("/")[2])
    former = previous.read(spec.previous)
    if former is not None:
        checked = _Objects({}, {}, reserved, kind.signs, problems).is_key
        gone_types.add(found, places, former, spec, reserved, checked, problems)
    return found, Schemas(places)


def _samples(spec: Spec, category: str) -> dict[str, Any]:
    """The schemas that samples of a category gave, by schema name or operation."""
    document = spec.schemas.get(file_stem(category))
    found = document.get("$defs") if isinstance(document, dict) else None
    return {str(k): v for k, v in found.items() if isinstance(v, dict)} if isinstance(found, dict) else {}


def _unnamed(node: Node, above: tuple[str, ...]) -> Iterator[tuple[str, Operation]]:
    """Operations that no schema is documented for, with the name that a sampled class would have."""
    path = (*above, node.attribute)
    for operation in node.operations:
        if operation.schema is None and operation.kind in ("list", "get") and not operation.args and not operation.gone:
            yield naming.camel(path), operation
    for child in node.children:
        yield from _unnamed(child, path)


class _Objects:
    """Makes the classes of one module; nested objects become classes beside it."""

    def __init__(
        self,
        taken: dict[str, Any],
        entries: dict[str, SchemaEntry],
        reserved: frozenset[str],
        signs: frozenset[str],
        problems: list[str],
    ) -> None:
        self.taken = taken
        self.entries = entries
        self.reserved = reserved
        self.signs = signs
        self.problems = problems

    def documented(self, name: str, entry: SchemaEntry, sample: Any) -> dict[str, Any]:
        seen = sample.get("properties") if isinstance(sample, dict) else None
        seen = seen if isinstance(seen, dict) else {}
        properties: dict[str, Any] = {}
        for key in dict.fromkeys((*entry.properties, *sorted(map(str, seen)))):
            if not self.is_key(name, key):
                continue
            word = entry.properties.get(key)
            schema = self.word(name, word, entry.category) if word is not None else {}
            # A documented type that says something stands; a sample fills what the documents leave open.
            schema = schema or self.sampled((name, key), seen.get(key), 0)
            properties[key] = schema if key == entry.key else _nullable(schema)
        return {
            "type": "object",
            "properties": properties,
            "required": [entry.key] if entry.key in properties else [],
        }

    def word(self, name: str, word: str, category: str) -> dict[str, Any]:
        if word.endswith("[]"):
            return {"type": "array", "items": self.word(name, word[:-2], category)}
        if word in _WORDS:
            return dict(_WORDS[word])
        other = self.entries.get(word)
        if other is not None and other.category == category:
            return {"$ref": f"#/$defs/{word}"}
        self.problems.append(f"schemas: {name}: {word!a} is no type word and no schema of {category!a}; taken as any")
        return {}

    def sampled(self, path: tuple[str, ...], schema: Any, depth: int) -> dict[str, Any]:
        """What a sample's schema says, in our own words."""
        if not isinstance(schema, dict) or depth > MAX_DEPTH:
            return {}
        kinds = schema.get("type")
        kinds = [kinds] if isinstance(kinds, str) else kinds if isinstance(kinds, list) else []
        kinds = [kind for kind in kinds if kind != "null"]
        branches: list[dict[str, Any]] = []
        for kind in kinds:
            if kind in _SCALARS:
                branches.append({"type": kind})
            elif kind == "array":
                items = self.sampled((*path, "item"), schema.get("items"), depth + 1)
                branches.append({"type": "array", "items": items})
            elif kind == "object":
                branches.append(self.sampled_object(path, schema, depth))
            else:
                return {}
        return {} if not branches else branches[0] if len(branches) == 1 else {"anyOf": branches}

    def sampled_object(self, path: tuple[str, ...], schema: dict[str, Any], depth: int) -> dict[str, Any]:
        properties = schema.get("properties")
        if not isinstance(properties, dict) or not properties:
            values = schema.get("additionalProperties")
            return {"type": "object", "additionalProperties": self.sampled((*path, "value"), values, depth + 1) or True}
        name = self.class_name(path)
        self.taken[name] = {}
        self.taken[name] = {
            "type": "object",
            "properties": {
                key: _nullable(self.sampled((*path, key), value, depth + 1))
                for key, value in sorted(properties.items())
                if self.is_key(name, key)
            },
        }
        return {"$ref": f"#/$defs/{name}"}

    def class_name(self, path: tuple[str, ...]) -> str:
        parts = [naming.snake(part) or naming.tag(part) for part in path[1:]]
        name = path[0] + naming.camel(parts)
        while name in self.taken or name in self.entries or name in self.reserved:
            # No underscore: datamodel-code-generator would take it out.
            name += naming.camel([naming.tag("/".join((*path, name)))])
        return name

    def is_key(self, name: str, key: str) -> bool:
        """Whether a class can have a key; a problem where not."""
        # In a class body Python changes names that begin with two underscores, and those with ligatures and the like.
        kept = not key.isidentifier() or unicodedata.normalize("NFKC", key) == key
        usable = bool(key) and key.isprintable() and not key.startswith("__") and self.signs.isdisjoint(key) and kept
        if not usable:
            self.problems.append(f"schemas: {name}: the key {key!a} cannot be declared; skipped")
        return usable


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    """The same, or null; what takes anything takes that too."""
    return {"anyOf": [schema, {"type": "null"}]} if schema else {}
