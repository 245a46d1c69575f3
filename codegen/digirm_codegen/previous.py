"""What a version bump takes away from the names of a client: the content of the new version's `previous.json`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, TypeVar

import msgspec

from digirm_codegen import models, render, schemas
from digirm_runtime import tree
from digirm_runtime.errors import SpecError
from digirm_runtime.previous import (
    FILE,
    FORMAT,
    Lost,
    LostClass,
    LostField,
    LostOperation,
    LostParams,
    Name,
    Previous,
    read,
)
from digirm_runtime.spec import Spec, canonical
from digirm_runtime.template import shape
from digirm_runtime.tree import Operation, Param

_REF = "#/$defs/"

L = TypeVar("L", bound=Lost)


class _Names(NamedTuple):
    """The names that a client has, each as it would be lost.

    Operations by dotted name, fields by that of their node and their own, classes by module and name; `types` are
    schemas by class, by module.
    """

    operations: dict[str, LostOperation]
    params: tuple[LostParams, ...]
    fields: dict[tuple[str, str], LostField]
    classes: dict[str, LostClass]
    types: dict[str, dict[str, Any]]


def previous(old: Spec, new: Spec, kept: Any = None) -> bytes | None:
    """The names that a client of `old` has and one of `new` lacks, as JSON; None where there are none.

    What `old` itself kept of the version before it is left behind, since a name outlives one bump; all but what it kept
    for a category that could not be captured, of which nobody knows yet. `kept` is what the `previous.json` of the same
    version holds already: its names stay until `new` offers them. Raises SpecError where either is damaged.
    """
    again = old.api_version == new.api_version
    own, before, after = read(kept), read(old.previous), _offered(new, recaptured=False)
    names = _offered(old, recaptured=again)
    if before is not None and not again:
        names = _joined(names, _unconfirmed(before))
    if own is not None:
        names = _joined(names, _kept(own))
    classes = {name: lost for name, lost in names.classes.items() if name not in after.classes}
    found = Previous(
        format=FORMAT,
        api_version=old.api_version if own is None else own.api_version,
        operations=tuple(_told(lost, new) for lost in _operations(names, after)),
        params=tuple(_params(names, after)),
        fields=tuple(_told(lost, new) for lost in _fields(names, after)),
        types=_types(names, classes),
        classes=tuple(_marked({name: _told(lost, new) for name, lost in sorted(classes.items())}).values()),
    )
    if not (found.operations or found.params or found.fields or found.types):
        return None
    try:
        return canonical(msgspec.to_builtins(found))
    except (ValueError, RecursionError):
        raise SpecError(f"{FILE}: what it holds cannot be written as JSON") from None


def _offered(spec: Spec, *, recaptured: bool) -> _Names:
    # What a version itself kept of the one before it is no part of what it offers.
    spec = msgspec.structs.replace(spec, previous=None)
    found = tree.build(spec)
    homes = {path.template: category.name for category in spec.categories for path in category.paths}
    homes |= {category.path: category.name for category in spec.categories}
    typed = render.typed(spec, found.categories, render.modules(found.categories))
    types, places = schemas.definitions(spec, typed, [], models.KINDS[models.DEFAULT])
    names = _Names({}, (), {}, {}, types)
    for dotted, node in (named for category in found.categories for named in category.named()):
        home = {field.name: homes[operation.path] for operation in node.operations for field in operation.query}
        for name, field in tree.query_fields(node).items():
            names.fields[dotted, name] = LostField(
                node=dotted,
                wires=node.path,
                name=name,
                wire=field.name,
                type=field.type,
                operators=field.operators,
                recaptured=recaptured,
                unavailable=home[field.name],
            )
        for operation in node.operations:
            place = places.place(operation)
            cls = None if place is None else ".".join(place)
            lost = _operation(f"{dotted}.{operation.name}", node.path, operation, cls)
            lost = msgspec.structs.replace(lost, recaptured=recaptured, unavailable=homes[operation.path])
            names.operations[lost.name] = lost
    for category in typed:
        for cls in types.get(category.module, {}):
            name = f"{category.module}.{cls}"
            names.classes[name] = LostClass(name, recaptured=recaptured, unavailable=category.name)
    return names


def _operation(name: str, wires: tuple[str, ...], operation: Operation, cls: str | None) -> LostOperation:
    return LostOperation(
        name=name,
        wires=wires,
        method=operation.method,
        path=operation.path,
        template=operation.template,
        kind=operation.kind,  # type: ignore[arg-type]
        args=_named(operation.args),
        params=_named(operation.params),
        element=operation.element,
        media_type=operation.media_type,
        uploads=operation.uploads,
        type=cls,
    )


def _named(params: tuple[Param, ...]) -> tuple[Name, ...]:
    return tuple(Name(wire=param.wire, name=param.name) for param in params)


def _kept(file: Previous) -> _Names:
    """All names of a file."""
    marked = {lost.name: lost for lost in file.classes}
    names = [f"{module}.{cls}" for module, classes in file.types.items() for cls in classes]
    return _Names(
        {lost.name: lost for lost in file.operations},
        file.params,
        {(lost.node, lost.name): lost for lost in file.fields},
        {name: marked.get(name) or LostClass(name) for name in names},
        file.types,
    )


def _unconfirmed(file: Previous) -> _Names:
    """Those names of a file whose category could not be captured."""

    def waiting(lost: tuple[L, ...]) -> tuple[L, ...]:
        return tuple(msgspec.structs.replace(each, recaptured=False) for each in lost if each.unavailable is not None)

    found = _kept(
        msgspec.structs.replace(
            file, operations=waiting(file.operations), params=waiting(file.params), fields=waiting(file.fields)
        )
    )
    return found._replace(classes={lost.name: lost for lost in waiting(file.classes) if lost.name in found.classes})


def _joined(names: _Names, known: _Names) -> _Names:
    """Both; what is `known` of a name stands."""
    modules = {**names.types, **known.types}
    return _Names(
        names.operations | known.operations,
        (*names.params, *known.params),
        names.fields | known.fields,
        # A class of which no more is known may be there for another's sake alone, which refers to it.
        known.classes | names.classes | _marked(known.classes),
        {module: names.types.get(module, {}) | known.types.get(module, {}) for module in modules},
    )


def _marked(classes: dict[str, LostClass]) -> dict[str, LostClass]:
    """Those of whose loss there is more to say."""
    return {name: lost for name, lost in classes.items() if lost.recaptured or lost.unavailable is not None}


def _told(lost: L, new: Spec) -> L:
    """The loss, its category named only where that could not be captured."""
    return lost if lost.unavailable in new.unavailable else msgspec.structs.replace(lost, unavailable=None)


def _operations(names: _Names, after: _Names) -> Iterator[LostOperation]:
    """Operations that are lost, with the keywords that were kept for them."""
    kept: dict[str, list[Name]] = {}
    for offer in names.params:
        kept.setdefault(offer.name, []).extend(offer.params)
    for name, lost in sorted(names.operations.items()):
        if name not in after.operations:
            taken = {param.name for param in (*lost.args, *lost.params)} | {param.wire for param in lost.params}
            more = (param for param in kept.get(name, ()) if taken.isdisjoint((param.name, param.wire)))
            yield msgspec.structs.replace(lost, params=(*lost.params, *more))


def _params(names: _Names, after: _Names) -> Iterator[LostParams]:
    """Keywords of operations that keep their name and request."""
    seen: set[tuple[str, str]] = set()
    own = (
        LostParams(lost.name, lost.method, lost.path, lost.params, recaptured=lost.recaptured)
        for lost in names.operations.values()
    )
    for offer in sorted((*names.params, *own), key=lambda lost: lost.name):
        new = after.operations.get(offer.name)
        if new is None or (offer.method, shape(offer.path)) != (new.method, shape(new.path)):
            continue
        taken = {param.wire for param in new.params}, {param.name for param in new.params}
        lost = tuple(
            param
            for param in offer.params
            if param.wire not in taken[0] and param.name not in taken[1] and (offer.name, param.wire) not in seen
        )
        seen.update((offer.name, param.wire) for param in lost)
        if lost:
            yield msgspec.structs.replace(offer, method=new.method, path=new.path, params=lost)


def _fields(names: _Names, after: _Names) -> Iterator[LostField]:
    wires = {(field.node, field.wire) for field in after.fields.values()}
    for key, field in sorted(names.fields.items()):
        if key not in after.fields and (field.node, field.wire) not in wires:
            yield field


def _types(names: _Names, lost: dict[str, LostClass]) -> dict[str, dict[str, Any]]:
    """The schemas of classes that are lost, with those that they refer to."""
    found: dict[str, dict[str, Any]] = {}
    for module, classes in names.types.items():
        roots = [name for name in classes if f"{module}.{name}" in lost]
        if roots:
            found[module] = {name: classes[name] for name in sorted(_closure(roots, classes))}
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


def _refs(schema: Any) -> Iterator[str]:
    """The classes that a schema refers to; it may be nested as deep as a file can be."""
    todo = [schema]
    while todo:
        match todo.pop():
            case dict() as found:
                ref = found.get("$ref")
                if isinstance(ref, str):
                    yield ref.removeprefix(_REF)
                todo += found.values()
            case list() as found:
                todo += found
