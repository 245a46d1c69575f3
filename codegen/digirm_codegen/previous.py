"""What a version bump takes away from the names of a client: the content of the new version's `previous.json`."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from digirm_codegen import models, render, schemas
from digirm_runtime import tree
from digirm_runtime.previous import FORMAT, LostField, LostOperation, LostParams, Name, Previous, shape
from digirm_runtime.spec import Field, Spec, canonical
from digirm_runtime.tree import Node, Operation, Param

_REF = "#/$defs/"


class _Offer(NamedTuple):
    """What a client of one spec has: operations and nodes by dotted name, payload types by module, and their places."""

    operations: dict[str, Operation]
    nodes: dict[str, Node]
    types: dict[str, dict[str, Any]]
    places: schemas.Schemas


def previous(old: Spec, new: Spec) -> bytes | None:
    """The names that a client of `old` has and one of `new` lacks, as JSON; None where there are none.

    What `old` itself kept of the version before it is left behind: a name outlives one bump.
    """
    before, after = _offer(old), _offer(new)
    operations = [
        _operation(name, operation, before)
        for name, operation in before.operations.items()
        if name not in after.operations
    ]
    found = Previous(
        format=FORMAT,
        api_version=old.api_version,
        operations=tuple(operations),
        params=tuple(_params(before, after)),
        fields=tuple(_fields(before, after)),
        types=_types(before, after),
    )
    if not (found.operations or found.params or found.fields or found.types):
        return None
    return canonical(msgspec.to_builtins(found))


def _offer(spec: Spec) -> _Offer:
    # What a version itself kept of the one before it is no part of what it offers.
    spec = msgspec.structs.replace(spec, previous=None)
    found = tree.build(spec)
    nodes: dict[str, Node] = {}

    def walk(children: list[Node], above: str) -> None:
        for node in children:
            nodes[above + node.attribute] = node
            walk(node.children, f"{above}{node.attribute}.")

    walk(found.categories, "")
    typed = render.typed(spec, found.categories, render.modules(found.categories))
    types, places = schemas.definitions(spec, typed, [], models.KINDS[models.DEFAULT])
    return _Offer(dict(tree.dotted(found)), nodes, types, places)


def _operation(name: str, operation: Operation, before: _Offer) -> LostOperation:
    place = before.places.place(operation)
    return LostOperation(
        name=name,
        wires=before.nodes[name.rpartition(".")[0]].path,
        method=operation.method,
        path=operation.path,
        template=operation.template,
        kind=operation.kind,  # type: ignore[arg-type]
        args=_named(operation.args),
        params=_named(operation.params),
        element=operation.element,
        media_type=operation.media_type,
        uploads=operation.uploads,
        type=None if place is None else ".".join(place),
    )


def _named(params: tuple[Param, ...]) -> tuple[Name, ...]:
    return tuple(Name(wire=param.wire, name=param.name) for param in params)


def _params(before: _Offer, after: _Offer) -> list[LostParams]:
    """Keywords of operations that keep their name and request."""
    found = []
    for name, old in before.operations.items():
        new = after.operations.get(name)
        if new is None or (old.method, shape(old.path)) != (new.method, shape(new.path)):
            continue
        wires, names = {param.wire for param in new.params}, {param.name for param in new.params}
        lost = tuple(param for param in old.params if param.wire not in wires and param.name not in names)
        if lost:
            found.append(LostParams(name=name, method=new.method, path=new.path, params=_named(lost)))
    return found


def _fields(before: _Offer, after: _Offer) -> list[LostField]:
    found = []
    for dotted, node in before.nodes.items():
        known: dict[str, Field] = tree.query_fields(after.nodes[dotted]) if dotted in after.nodes else {}
        wires = {field.name for field in known.values()}
        found += [
            LostField(
                node=dotted,
                wires=node.path,
                name=name,
                wire=field.name,
                type=field.type,
                operators=field.operators,
            )
            for name, field in tree.query_fields(node).items()
            if name not in known and field.name not in wires
        ]
    return found


def _types(before: _Offer, after: _Offer) -> dict[str, dict[str, Any]]:
    """Classes that are lost, with those that they refer to."""
    found: dict[str, dict[str, Any]] = {}
    for module, classes in before.types.items():
        lost = [name for name in classes if name not in after.types.get(module, {})]
        if lost:
            found[module] = {name: classes[name] for name in sorted(_closure(lost, classes))}
    return found


def _closure(names: list[str], classes: dict[str, Any]) -> set[str]:
    found: set[str] = set()
    todo = list(names)
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += [ref for ref in _refs(classes[name]) if ref in classes]
    return found


def _refs(schema: Any) -> list[str]:
    if isinstance(schema, dict):
        ref = schema.get("$ref")
        own = [ref.removeprefix(_REF)] if isinstance(ref, str) else []
        return own + [ref for key, value in schema.items() if key != "$ref" for ref in _refs(value)]
    return [ref for item in schema for ref in _refs(item)] if isinstance(schema, list) else []
