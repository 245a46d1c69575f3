"""Names of the version before: `previous.json` beside a spec, read, and put into the tree as names that warn.

A client keeps what a version bump takes away for one version. A name that the new spec uses itself is never touched:
the old one makes way, which is a problem line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from keyword import iskeyword
from typing import Any, TypeAlias

import msgspec

from digirm_runtime import template, tree
from digirm_runtime.errors import SpecError
from digirm_runtime.gone import Gone
from digirm_runtime.operation import CHECKED
from digirm_runtime.overrides import Kind
from digirm_runtime.query.builder import is_field
from digirm_runtime.query.diagnostics import one_line
from digirm_runtime.query.tables import METHODS, is_operator
from digirm_runtime.spec import MAX_ARGS, MAX_NAME, MAX_SEGMENTS, MAX_TEMPLATE, Field, Spec
from digirm_runtime.template import shape
from digirm_runtime.tree import GoneField, Node, Operation, Param, Tree

FORMAT = 1
FILE = "previous.json"

#: The templates that an argument must not reach, by a listed template and its segments.
Rivals: TypeAlias = "Callable[[str, tuple[template.Segment, ...]], tuple[str, ...]]"


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    pass


class Name(_Part, frozen=True):
    """A path argument or a parameter: as it is sent, and as Python spelt it."""

    wire: str
    name: str


class Lost(_Part, frozen=True, kw_only=True):
    """What is known of a loss.

    `recaptured` says that the version itself had the name, and lost it when it was captured again; `unavailable` is the
    category that the name is in, where that could not be captured.
    """

    recaptured: bool = False
    unavailable: str | None = None


class LostOperation(Lost, frozen=True):
    """An operation: its dotted name, the wire names of the nodes above it, and its request.

    `type` is the module and class of an object of its answer (`devices.Device`).
    """

    name: str
    wires: tuple[str, ...]
    method: str
    path: str
    template: str
    kind: Kind
    args: tuple[Name, ...] = ()
    params: tuple[Name, ...] = ()
    element: str = "list"
    media_type: str | None = None
    uploads: bool = False
    type: str | None = None


class LostParams(Lost, frozen=True):
    """Keywords of an operation that stays."""

    name: str
    method: str
    path: str
    params: tuple[Name, ...]


class LostField(Lost, frozen=True):
    """A query field: the dotted name of its node, that node's wire names, and the field."""

    node: str
    wires: tuple[str, ...]
    name: str
    wire: str
    type: str
    operators: tuple[str, ...]


class LostClass(Lost, frozen=True):
    """A payload type by its module and class (`devices.Device`)."""

    name: str


class Previous(_Part, frozen=True):
    """All of one `previous.json`.

    `types` are JSON Schemas by class, by module; `classes` are those of them of whose loss there is more to say.
    """

    format: int
    api_version: str
    operations: tuple[LostOperation, ...] = ()
    params: tuple[LostParams, ...] = ()
    fields: tuple[LostField, ...] = ()
    types: dict[str, dict[str, Any]] = {}
    classes: tuple[LostClass, ...] = ()


def read(document: Any) -> Previous | None:
    """What `Spec.previous` holds, None where that is None. Raises SpecError where it has another shape."""
    if document is None:
        return None
    try:
        found = msgspec.convert(document, Previous)
    except (msgspec.ValidationError, RecursionError) as error:
        raise SpecError(f"{FILE}: {error}") from None
    if found.format != FORMAT:
        raise SpecError(f"{FILE} is not of format {FORMAT}")
    return found


def gone(lost: Lost, spec: Spec, what: str, reason: str, still: str = "") -> Gone:
    """What is said of a name of the version before; `still` is what a use of it does nevertheless."""
    version = one_line(spec.api_version)
    if lost.unavailable in spec.unavailable:
        status, kind = spec.unavailable[lost.unavailable]
        why = one_line(kind) if status is None else f"status {status}"
        category = one_line(lost.unavailable)
        reason = f"the category {category} could not be captured in version {version} ({why})"
        return Gone(what, "unconfirmed", reason + still)
    again = " was captured again" if lost.recaptured else ""
    return Gone(what, f"gone since API version {version}{again}", reason + still)


def graft(found: Tree, spec: Spec, rivals: Rivals) -> None:
    """Put the names of the version before into a tree, beside the spec's own. Raises SpecError for a damaged file."""
    previous = read(spec.previous)
    if previous is not None:
        _Graft(found, spec, rivals).all(previous)


class _Place:
    """A node (None for the root) while names are put beside it, with what is looked up for each of them."""

    def __init__(self, node: Node | None, children: list[Node]) -> None:
        self.node = node
        self.nodes = children
        self.children = {child.attribute: _Place(child, child.children) for child in children}
        self.wires = {child.wire for child in children}
        self.operations = {} if node is None else {operation.name: operation for operation in node.operations}
        self.gone_fields: set[str] = set()

    @cached_property
    def fields(self) -> tuple[set[str], set[str]]:
        """The names of the spec's own query fields in Python, and on the wire."""
        known = {} if self.node is None else tree.query_fields(self.node)
        return set(known), {field.name for field in known.values()}

    def has(self, name: str) -> bool:
        own = tree.RESERVED_ON_CLIENT if self.node is None else self.operations
        return name in own or name in self.children

    def finish(self) -> None:
        """Put what was added into the tree."""
        self.nodes.sort(key=lambda node: node.attribute)
        if self.node is not None:
            self.node.operations[:] = sorted(self.operations.values(), key=lambda operation: operation.name)
        for child in self.children.values():
            child.finish()


class _Graft:
    def __init__(self, found: Tree, spec: Spec, rivals: Rivals) -> None:
        self.tree = found
        self.spec = spec
        self.rivals = rivals
        self.root = _Place(None, found.categories)
        self.own = dict(tree.dotted(found))
        self.by_request: dict[tuple[str, str], list[str]] = {}
        for name, operation in self.own.items():
            self.by_request.setdefault((operation.method, shape(operation.path)), []).append(name)

    def all(self, previous: Previous) -> None:
        for keywords in sorted(previous.params, key=lambda lost: lost.name):
            self.attempt(f"the keywords of rm.{keywords.name}", self.keywords, keywords)
        for operation in sorted(previous.operations, key=lambda lost: lost.name):
            self.attempt(f"rm.{operation.name}", self.operation, operation)
        for field in sorted(previous.fields, key=lambda lost: (lost.node, lost.name)):
            self.attempt(f"fields.{field.node}.{field.name}", self.field, field)
        self.root.finish()

    def attempt(self, what: str, add: Callable[[Any], None], lost: object) -> None:
        try:
            add(lost)
        except ValueError as error:
            self.tree.problems.append(f"{FILE}: {one_line(what)}: {error}; left out")

    def operation(self, lost: LostOperation) -> None:
        *parents, name = _names(lost.name, lost.wires)
        if not parents:
            raise ValueError("has no node to stand on")
        segments = _segments(lost.method, lost.path, lost.template)
        args, params = _params(lost.args), _params(lost.params)
        if tuple(arg.wire for arg in args) != tuple(arg.wire for arg in template.args(segments)):
            raise ValueError("its arguments are not those of its path")
        taken = [*tree.OWN_KEYWORDS, *(arg.name for arg in args), *(param.name for param in params)]
        if len(set(taken)) < len(taken):
            raise ValueError("two of its arguments have one name")
        place = self.place(parents, lost.wires)
        if place.has(name):
            raise ValueError("the name has another meaning now")
        heir = self.heir(lost)
        missing = [param.wire for param in lost.params if heir is None or param.wire not in self.takes(heir)]
        checked = heir is not None and not CHECKED.intersection(missing)
        unchecked = "" if checked or CHECKED.isdisjoint(param.wire for param in params) else ", its query unchecked"
        path = lost.path if heir is None else self.own[heir].path
        place.operations[name] = Operation(
            method=lost.method,
            path=path,
            template=lost.template,
            kind=lost.kind,
            name=name,
            args=args,
            params=params,
            query=(),
            rivals=self.rivals(path, segments) if args else (),
            schema=lost.type,
            element=lost.element,
            media_type=lost.media_type,
            uploads=lost.uploads,
            gone=self.gone(lost, heir, missing, unchecked),
            checked=checked,
        )

    def heir(self, lost: LostOperation) -> str | None:
        """The name of the same request in the new spec, whose path may call its arguments otherwise."""
        found = self.by_request.get((lost.method, shape(lost.path)), [])
        same = [name for name in found if self.own[name].path == lost.path] or found
        return same[0] if len(same) == 1 else None

    def takes(self, name: str) -> set[str]:
        return {param.wire for param in self.own[name].params if param.gone is None}

    def gone(self, lost: LostOperation, heir: str | None, missing: list[str], unchecked: str) -> Gone:
        """Why a name is gone; `missing` are the parameters that its request has no more."""
        what, request = f"rm.{lost.name}", f"{lost.method} {one_line(lost.path)}"
        still = f"; it is sent as before{unchecked}"
        if heir is None:
            return gone(lost, self.spec, what, f"{request} is no longer listed", still)
        found = msgspec.structs.replace(lost, unavailable=None)
        if not missing:
            return gone(found, self.spec, what, f"use rm.{heir}")
        # Not a hint to use it: without a filter that it no longer takes, it may reach everything.
        without = ", ".join(map(one_line, missing))
        return gone(found, self.spec, what, f"{request} is rm.{heir} now, which takes no {without}", still)

    def keywords(self, lost: LostParams) -> None:
        operation = self.own.get(lost.name)
        if operation is None or (operation.method, shape(operation.path)) != (lost.method, shape(lost.path)):
            raise ValueError(f"{lost.method} {one_line(lost.path)} is not listed under that name")
        *parents, last = lost.name.split(".")
        place = self.place(parents, ())
        known = {param.wire for param in operation.params}
        added = [param for param in _params(lost.params) if param.wire not in known]
        names = [*tree.OWN_KEYWORDS, *(param.name for param in operation.params), *(param.name for param in added)]
        if len(set(names)) < len(names):
            raise ValueError("one of the names has another meaning now")
        reason = f"{operation.method} {one_line(operation.path)} no longer lists the parameter"
        params = [
            Param(
                param.wire,
                param.name,
                gone(lost, self.spec, f"{param.name}= of rm.{lost.name}", reason, "; it is sent as before"),
            )
            for param in added
        ]
        changed = msgspec.structs.replace(
            operation,
            # Arguments are positional only, so that their names are free to make way.
            args=tree.named_params((arg.wire for arg in operation.args), names),
            params=(*operation.params, *params),
        )
        place.operations[last] = self.own[lost.name] = changed

    def field(self, lost: LostField) -> None:
        parents = _names(lost.node, lost.wires)
        if not _is_name(lost.name) or len(lost.wire) > MAX_NAME or not is_field(lost.wire):
            raise ValueError("has a name that cannot be used")
        if not all(map(is_operator, lost.operators)) or len(lost.type) > MAX_NAME:
            raise ValueError("has an operator that cannot be one")
        place = self.place(parents, lost.wires)
        names, wires = place.fields
        if lost.wire in wires:
            raise ValueError("the field has another name now")
        if lost.name in names or lost.name in place.gone_fields or lost.name in place.children:
            raise ValueError("the name has another meaning now")
        assert place.node is not None
        reason = f"{one_line('/'.join(place.node.path))} no longer lists the query field"
        field = Field(lost.wire, lost.type, lost.operators, orderby=False)
        told = gone(lost, self.spec, f"fields.{lost.node}.{lost.name}", reason)
        place.gone_fields.add(lost.name)
        place.node.gone_fields.append(GoneField(lost.name, field, told))

    def place(self, attributes: list[str], wires: Iterable[str]) -> _Place:
        """The node of that dotted name, made where it vanished. Raises ValueError where a name on the way is taken."""
        place = self.root
        wanted = dict(zip(attributes, wires, strict=False))
        for attribute in attributes:
            below = place.children.get(attribute)
            if below is None:
                # The segment may be there under another name: this node is then known by its old one alone.
                segments = (wanted.get(attribute), attribute)
                wire = next((wire for wire in segments if wire and wire not in place.wires), None)
                if wire is None or place.has(attribute):
                    raise ValueError(f"the name {attribute} has another meaning now")
                above = () if place.node is None else place.node.path
                node = Node(wire, attribute, (*above, wire), [], [], gone=True)
                below = place.children[attribute] = _Place(node, node.children)
                place.nodes.append(node)
                place.wires.add(wire)
            place = below
        return place


def _names(dotted: str, wires: tuple[str, ...]) -> list[str]:
    names = dotted.split(".")
    if not all(map(_is_name, names)):
        raise ValueError("is no Python name")
    if len(names) > MAX_SEGMENTS or len(wires) > len(names) or not all(0 < len(wire) <= MAX_NAME for wire in wires):
        raise ValueError("leads too deep")
    return names


def _is_name(name: str) -> bool:
    """Whether a name may be an attribute or a keyword: as `naming` makes them, so that none is the client's own."""
    return name.isascii() and name.isidentifier() and name[0] != "_" and not iskeyword(name) and len(name) <= MAX_NAME


def _segments(method: str, path: str, sent: str) -> tuple[template.Segment, ...]:
    if method not in METHODS:
        raise ValueError("has an unknown method")
    if max(len(path), len(sent)) > MAX_TEMPLATE:
        raise ValueError(f"its path is longer than {MAX_TEMPLATE} characters")
    segments = template.parse(sent)
    if shape(path) != shape(sent) or len(segments) > MAX_SEGMENTS or len(template.args(segments)) > MAX_ARGS:
        raise ValueError("its path cannot be used")
    return segments


def _params(names: tuple[Name, ...]) -> tuple[Param, ...]:
    for param in names:
        if not _is_name(param.name) or not param.wire or len(param.wire) > MAX_NAME or not param.wire.isprintable():
            raise ValueError("has a parameter that cannot be used")
    if len({param.wire for param in names}) < len(names):
        raise ValueError("has a parameter twice")
    return tuple(Param(param.wire, param.name) for param in names)
