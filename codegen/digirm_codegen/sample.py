"""Sampling: what payloads look like, as JSON Schemas of types and key names, without a single value.

`schemas/<category>.json` holds `$defs`: an object's schema under the name that `overrides.toml` gives it, else under
its operation (`GET /ws/v1/...`). Samples only ever add: a later one widens what an earlier one saw.
"""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from digirm_codegen.files import Changes
from digirm_runtime import tree
from digirm_runtime.errors import APIError, SpecError, TransportError
from digirm_runtime.spec import Spec, canonical, file_stem

if TYPE_CHECKING:
    from digirm_runtime.client import AsyncClient

Schema: TypeAlias = dict[str, Any]
#: Schemas by category, then by name.
Samples: TypeAlias = dict[str, dict[str, Schema]]

MAX_DEPTH = 16
MAX_KEYS = 500
_PLAIN_KEY = re.compile(r"[A-Za-z_$@][A-Za-z_$@-]*(?:[0-9]{1,3}[A-Za-z_$@-]*){0,3}")
MAX_KEY_LENGTH = 48


async def sample(client: AsyncClient, spec: Spec, size: int, *, concurrency: int = 4) -> tuple[Samples, list[str]]:
    """(schemas, what could not be sampled) of up to `size` objects of each list without arguments.

    Only GET is sent. An operation that refuses or fails is reported and does not stop the others.
    """
    slots = asyncio.Semaphore(concurrency)
    found: Samples = {}
    problems: list[str] = []

    async def one(category: str, operation: tree.Operation) -> None:
        params = {"size": size} if any(param.wire == "size" for param in operation.params) else {}
        try:
            async with slots:
                data = await client.request("GET", operation.path, params=params)
        except Exception as error:
            # Whatever a server can provoke, it costs this operation and no other.
            said = str(error) if isinstance(error, APIError | TransportError) else repr(error)
            problems.append(f"{operation.path} could not be sampled: {' '.join(said.split())}")
            return
        if operation.kind == "list":
            data = data.get(operation.element) if isinstance(data, dict) else None
        items = [item for item in (data if isinstance(data, list) else [data])[:size] if isinstance(item, dict)]
        if items:
            name = operation.schema or operation.wire
            schema = merge_all([infer_object(item, top=True) for item in items])
            schemas = found.setdefault(category, {})
            schemas[name] = merge(schemas[name], schema) if name in schemas else schema

    async with asyncio.TaskGroup() as group:
        for node in tree.build(spec).nodes():
            for operation in node.operations:
                if operation.kind in ("list", "get") and not operation.args and operation.media_type is None:
                    group.create_task(one(node.path[0], operation))
    return found, sorted(problems)


def update(folder: Path, found: Samples) -> list[str]:
    """Merge samples into `folder`'s `schemas/`, and return the files that changed. Raises SpecError."""
    changes = Changes()
    changed = []
    for category, schemas in sorted(found.items()):
        file = folder / "schemas" / f"{file_stem(category)}.json"
        old = _read(file)
        try:
            for name, schema in schemas.items():
                if name in old and not _is_schema(old[name]):
                    raise SpecError(f"{file} is not what a sample wrote: {name!a}")
                schemas[name] = merge(old[name], schema) if name in old else schema
            data = canonical({"$defs": {**old, **schemas}})
        except (ValueError, RecursionError):
            raise SpecError(f"{file} is not what a sample wrote") from None
        if data != canonical({"$defs": old}):
            changes.write(folder, f"schemas/{file.name}", data)
            changed.append(f"schemas/{file.name}")
    try:
        changes.apply()
    except OSError as error:
        raise SpecError(f"cannot write {folder / 'schemas'}: {error.strerror}") from None
    return changed


def infer(value: Any, depth: int = 0) -> Schema:
    """The schema of one JSON value; {} takes anything."""
    if value is None:
        return {"type": "null"}
    for kind, name in ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "string")):
        if isinstance(value, kind):
            return {"type": name}
    if depth >= MAX_DEPTH:
        return {}
    if isinstance(value, list):
        # An empty list says nothing about its items.
        items = {"items": merge_all([infer(item, depth + 1) for item in value])} if value else {}
        return {"type": "array", **items}
    return infer_object(value, depth) if isinstance(value, dict) else {}


def infer_object(value: dict[str, Any], depth: int = 0, *, top: bool = False) -> Schema:
    """The schema of an object; one whose keys are data becomes a map, a `top` one leaves such keys out."""
    properties = {key: infer(item, depth + 1) for key, item in value.items() if not top or is_name(key)}
    if top or (all(map(is_name, properties)) and not _alike(properties)):
        return _record(properties)
    return _map(properties)


def merge_all(schemas: list[Schema]) -> Schema:
    """What all of them together say; {} for none."""
    merged: Schema | None = None
    for schema in schemas:
        merged = schema if merged is None else merge(merged, schema)
    return merged or {}


def merge(one: Schema, two: Schema) -> Schema:
    """A schema that takes what either takes; commutative, associative, and `merge(x, x) == x`."""
    kinds = _kinds(one) | _kinds(two)
    if not _kinds(one) or not _kinds(two):
        return {}
    if {"integer", "number"} <= kinds:
        kinds -= {"integer"}
    merged: Schema = {"type": min(kinds) if len(kinds) == 1 else sorted(kinds)}
    items = [schema["items"] for schema in (one, two) if "items" in schema]
    if items:
        merged["items"] = merge_all(items)
    values = [schema["additionalProperties"] for schema in (one, two) if "additionalProperties" in schema]
    records = [schema["properties"] for schema in (one, two) if "properties" in schema]
    if values:
        merged["additionalProperties"] = merge_all(values + [item for record in records for item in record.values()])
    elif records:
        properties = dict(records[0])
        for key, item in records[-1].items():
            properties[key] = merge(properties[key], item) if key in properties else item
        merged |= _record(properties) | {"type": merged["type"]}
    return merged


def is_name(key: str) -> bool:
    """Whether a key looks like a name that a programmer chose rather than like data (an address, an id, a path)."""
    return len(key) <= MAX_KEY_LENGTH and _PLAIN_KEY.fullmatch(key) is not None


def _record(properties: dict[str, Schema]) -> Schema:
    # So many keys are nobody's choice of names.
    return {"type": "object", "properties": properties} if len(properties) <= MAX_KEYS else _map(properties)


def _map(properties: dict[str, Schema]) -> Schema:
    return {"type": "object", "additionalProperties": merge_all(list(properties.values()))}


def _alike(properties: dict[str, Schema]) -> bool:
    """Whether all values are objects with the same keys: a map, whatever its own keys look like."""
    shapes = {tuple(sorted(schema.get("properties", ()))) for schema in properties.values()}
    return len(properties) > 1 and len(shapes) == 1 and shapes != {()}


def _kinds(schema: Schema) -> set[str]:
    kinds = schema.get("type", ())
    return {kinds} if isinstance(kinds, str) else {kind for kind in kinds if isinstance(kind, str)}


def _is_schema(value: Any) -> bool:
    """Whether a value has the shape of what `infer` makes, as far as `merge` looks at it."""
    if not isinstance(value, dict) or not isinstance(value.get("type", ""), str | list):
        return False
    properties = value.get("properties", {})
    inner = [value[key] for key in ("items", "additionalProperties") if key in value]
    return isinstance(properties, dict) and all(map(_is_schema, [*inner, *properties.values()]))


def _read(file: Path) -> dict[str, Any]:
    try:
        document = json.loads(file.read_bytes())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SpecError(f"cannot read {file}: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise SpecError(f"{file} is not JSON") from None
    found = document.get("$defs") if isinstance(document, dict) else None
    if not isinstance(found, dict):
        raise SpecError(f"{file} has no $defs: it is not what a sample wrote")
    return found
