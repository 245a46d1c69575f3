"""Payload types of the version before: schemas read from `previous.json`, and what of them a client still gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from digirm_codegen.models import GONE, GONE_PREFIX
from digirm_runtime import naming
from digirm_runtime.previous import FILE, LostClass, Previous, gone
from digirm_runtime.spec import DEVICE_NAMES, Spec

_SCALARS = ("string", "integer", "number", "boolean", "null")
_REF = "#/$defs/"
MAX_DEPTH = 40


def add(
    definitions: dict[str, dict[str, Any]],
    places: dict[str, tuple[str, str]],
    previous: Previous,
    spec: Spec,
    reserved: frozenset[str],
    is_key: Callable[[str, str], bool],
    problems: list[str],
) -> None:
    """Add the classes that the version before had, and places of all classes by `module.Class`.

    Each goes to a module of its own; what the module of that time holds for it is what its use warns of.
    """
    marked = {lost.name: lost for lost in previous.classes}
    for module, found in sorted(previous.types.items()):
        if naming.identifier(module) != module or module != module.lower() or module in DEVICE_NAMES:
            problems.append(f"{FILE}: {module!a} is no module of types; left out")
            continue
        classes = {}
        for name, schema in sorted(found.items()):
            if naming.identifier(name) != name or not name[0].isupper() or "_" in name or name in reserved:
                problems.append(f"{FILE}: {name!a} is no class name; left out")
            else:
                classes[name] = schema
        own = definitions.setdefault(module, {})
        lost = [name for name in classes if name not in own]
        if not lost:
            continue
        source = GONE_PREFIX + module
        definitions[source] = {name: _class(name, schema, classes, is_key) for name, schema in classes.items()}
        for name in lost:
            dotted = f"{module}.{name}"
            lost_class = marked.get(dotted) or LostClass(dotted)
            reason = "the spec describes no such object any more"
            own[name] = {GONE: gone(lost_class, spec, f"models.{dotted}", reason).message}
            places[dotted] = (source, name)
    for module, found in definitions.items():
        for name, schema in found.items():
            if GONE not in schema and not module.startswith(GONE_PREFIX):
                places[f"{module}.{name}"] = (module, name)


def _class(name: str, schema: Any, known: dict[str, Any], is_key: Callable[[str, str], bool]) -> dict[str, Any]:
    properties = schema.get("properties") if isinstance(schema, dict) else None
    required = schema.get("required") if isinstance(schema, dict) else None
    kept = {
        key: _schema(value, known, 0)
        for key, value in (properties if isinstance(properties, dict) else {}).items()
        if is_key(name, key)
    }
    return {
        "type": "object",
        "properties": kept,
        "required": [key for key in required if key in kept] if isinstance(required, list) else [],
    }


def _schema(schema: Any, known: dict[str, Any], depth: int) -> dict[str, Any]:
    """The small part of JSON Schema that this package writes itself; whatever else there is means anything."""
    if not isinstance(schema, dict) or depth > MAX_DEPTH:
        return {}
    match schema:
        case {"$ref": str(ref)}:
            return {"$ref": ref} if ref.removeprefix(_REF) in known and ref.startswith(_REF) else {}
        case {"anyOf": [*branches]}:
            read = [_schema(branch, known, depth + 1) for branch in branches]
            return {"anyOf": read} if read and all(read) else {}
        case {"type": "array"}:
            return {"type": "array", "items": _schema(schema.get("items"), known, depth + 1)}
        case {"type": "object"}:
            values = schema.get("additionalProperties")
            return {"type": "object", "additionalProperties": _schema(values, known, depth + 1) or True}
        case {"type": str(kind)} if kind in _SCALARS:
            return {"type": kind}
    return {}
