"""From a spec to the tree of named operations that a client shows: the same for generated and dynamic clients."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from digirm_runtime import naming, template
from digirm_runtime.gone import Gone
from digirm_runtime.spec import Category, Field, Path, Request, Spec

#: What the client itself needs on its root, and digirm's own keywords beside the server's parameters.
RESERVED_ON_CLIENT = (
    "request",
    "fetch",
    "close",
    "aclose",
    "url",
    "origin",
    "credentials_source",
    "allowance",
    "spec_info",
    "legacy",
    "sci",
    "data",
    "storage",
    "push",
)
OWN_KEYWORDS = ("options", "limit", "prefetch", "typed", "body")

_PAGING = frozenset(("cursor", "size", "query", "orderby"))
_VERBS = {"POST": "create", "PUT": "update", "DELETE": "delete", "PATCH": "patch", "HEAD": "head"}


class Param(msgspec.Struct, frozen=True):
    """A path argument or parameter: as it is sent, and as Python spells it.

    `gone` says that only the version before listed it.
    """

    wire: str
    name: str
    gone: Gone | None = None


class GoneField(msgspec.Struct, frozen=True):
    """A query field of the version before, under its Python name."""

    name: str
    field: Field
    gone: Gone


class Operation(msgspec.Struct, frozen=True):
    """One method of one path under its Python name.

    `path` is the template as listed, `template` the same with multi-segment arguments marked `{x:.+}`. `kind` decides
    the result: `list`, `get`, `csv`, `describe`, `create`, `update`, `delete`, `update_all`, `delete_all` or `call`
    (decoded as it comes). `rivals` are the templates that a value of an argument must not reach. `uploads` marks an
    upload of device data, which has limits of its own. `gone` says that only the version before had the name, `checked`
    whether the spec knows enough of the request to judge a query.
    """

    method: str
    path: str
    template: str
    kind: str
    name: str
    args: tuple[Param, ...]
    params: tuple[Param, ...]
    query: tuple[Field, ...]
    rivals: tuple[str, ...]
    schema: str | None = None
    element: str = "list"
    media_type: str | None = None
    certainty: str | None = None
    uploads: bool = False
    doc: str = ""
    gone: Gone | None = None
    checked: bool = True

    @property
    def wire(self) -> str:
        """`METHOD path`, the operation's identity."""
        return f"{self.method} {self.path}"

    @property
    def has_body(self) -> bool:
        """Whether the method carries a body."""
        return self.method in ("POST", "PUT", "PATCH")

    @property
    def needs_body(self) -> bool:
        """Whether the body must be given."""
        return self.has_body and self.kind in ("create", "update")


class Node(msgspec.Struct):
    """A literal path segment: `attribute` is its Python name, `wire` its own.

    `gone` says that it is there for names of the version before alone; `gone_fields` are that version's query fields.
    """

    wire: str
    attribute: str
    path: tuple[str, ...]
    children: list[Node]
    operations: list[Operation]
    gone: bool = False
    gone_fields: list[GoneField] = []

    def walk(self) -> Iterator[Node]:
        """This node and all below it, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()

    def named(self, above: str = "") -> Iterator[tuple[str, Node]]:
        """The same, each with its dotted name; `above` stands before all of them."""
        name = above + self.attribute
        yield name, self
        for child in self.children:
            yield from child.named(f"{name}.")


class Tree(msgspec.Struct):
    """The categories of a spec as nodes, and what could not be named."""

    categories: list[Node]
    problems: list[str]

    def nodes(self) -> Iterator[Node]:
        """Every node."""
        for category in self.categories:
            yield from category.walk()


class _Draft:
    """A node while it is being filled: children by wire name, operations without their final names."""

    def __init__(self) -> None:
        self.children: dict[str, _Draft] = {}
        self.operations: list[tuple[str, str, Operation]] = []  # wanted verb, fixed name or "", operation

    def at(self, path: Iterable[str]) -> _Draft:
        draft = self
        for wire in path:
            draft = draft.children.setdefault(wire, _Draft())
        return draft


def build(spec: Spec) -> Tree:
    """Name every operation of `spec`. What has no usable name is a problem, and left out."""
    return _build(_Builder(spec))


def for_client(spec: Spec) -> Tree:
    """`build`, and for one version the names that the version before had: what a client of `spec` shows.

    Raises SpecError where `Spec.previous` is damaged.
    """
    builder = _Builder(spec)
    found = _build(builder)
    if spec.previous is not None:
        from digirm_runtime import previous

        previous.graft(found, spec, builder.rivals)
    return found


def _build(builder: _Builder) -> Tree:
    problems: list[str] = []
    root = _Draft()
    for category in builder.spec.categories:
        builder.place(category, root, problems)
    return Tree(_children(root, (), RESERVED_ON_CLIENT, problems), problems)


def dotted(found: Tree) -> Iterator[tuple[str, Operation]]:
    """Every operation by its dotted name from the client's root."""
    for category in found.categories:
        for name, node in category.named():
            yield from ((f"{name}.{operation.name}", operation) for operation in node.operations)


def query_fields(node: Node) -> dict[str, Field]:
    """The query fields of all requests of a node by Python name, sorted by wire name.

    The first description of a field stands.
    """
    fields: dict[str, Field] = {}
    for operation in sorted(node.operations, key=lambda op: (op.method != "GET", op.method, op.path)):
        for field in operation.query:
            fields.setdefault(field.name, field)
    names = naming.settle({wire: naming.identifier(wire) or f"x_{naming.tag(wire)}" for wire in sorted(fields)})
    return {names[wire]: fields[wire] for wire in sorted(fields)}


class _Builder:
    """Turns paths into operations; knows all templates, since what an argument may reach depends on them."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.depth = spec.base_path.count("/")
        multi: dict[str, set[str]] = {}
        for entry in spec.overrides.operation:
            multi.setdefault(entry.path, set()).update(entry.multi_segment)
        self.segments = {
            listed: template.widen(template.parse(listed), multi.get(listed, ())) for listed in spec.templates()
        }
        # By category and the segment below it, None for one with an argument: most templates need not be compared.
        self.shelves: dict[tuple[object, object], list[str]] = {}
        for listed, segments in self.segments.items():
            self.shelves.setdefault(self.shelf(segments), []).append(listed)

    def shelf(self, segments: tuple[template.Segment, ...]) -> tuple[object, object]:
        keys = [segment if _is_literal(segment) else None for segment in segments[self.depth : self.depth + 2]]
        return (keys[0], keys[1] if len(keys) > 1 else ())

    def rivals(self, listed: str, segments: tuple[template.Segment, ...]) -> tuple[str, ...]:
        """The templates that no argument of the template `listed` may reach."""
        category, below = self.shelf(segments)
        if category is None or below is None:
            others = [
                other
                for shelf, found in self.shelves.items()
                if category is None or shelf[0] in (category, None)
                for other in found
            ]
        else:
            others = [*self.shelves.get((category, below), ()), *self.shelves.get((category, None), ())]
            others += [other for shelf, found in self.shelves.items() if shelf[0] is None for other in found]
        return template.rivals(segments, {other: self.segments[other] for other in others if other != listed})

    def place(self, category: Category, root: _Draft, problems: list[str]) -> None:
        todo = list(category.paths)
        if category.path not in self.segments:
            # The category's own path always answers its listing, listed or not.
            try:
                self.segments[category.path] = template.parse(category.path)
            except ValueError as error:
                problems.append(f"category {category.name!a}: the path {error}; skipped")
                return
            todo.append(Path(category.path, None))
        literal_parents: set[tuple[template.Segment, ...]] = set()
        argument_parents: set[tuple[template.Segment, ...]] = set()
        for path in category.paths:
            segments = self.segments[path.template]
            for end in range(1, len(segments)):
                (literal_parents if _is_literal(segments[end]) else argument_parents).add(segments[:end])
        for path in todo:
            segments = self.segments[path.template]
            names = template.literals(segments[self.depth :])
            if not names:
                problems.append(f"{path.template}: no segment of the path can name it; skipped")
                continue
            groups = path.template == category.path or _is_grouping(path, segments, segments in literal_parents)
            for operation in self.operations(path, groups, segments in argument_parents):
                fixed = self.spec.overrides.names.get(operation.wire)
                if fixed is not None:
                    *parents, name = fixed.name.split(".")
                    root.at(parents).operations.append((operation.kind, name, operation))
                else:
                    root.at(names).operations.append((_verb(operation.method, operation.kind), "", operation))

    def operations(self, path: Path, groups: bool, has_argument_child: bool) -> Iterator[Operation]:
        segments = self.segments[path.template]
        wires = [arg.wire for arg in template.args(segments)]
        rivals = self.rivals(path.template, segments) if wires else ()
        overrides = self.spec.overrides
        for request in path.requests or (Request("GET"),):
            entry = overrides.operation_entry(request.method, path.template)
            kind = (entry.kind if entry else None) or _kind(
                request.method, request.params, segments, groups, has_argument_child
            )
            params = named_params(request.params, OWN_KEYWORDS)
            # Arguments are positional only, so that their names are free to make way.
            args = named_params(wires, (*OWN_KEYWORDS, *(param.name for param in params)))
            yield Operation(
                method=request.method,
                path=path.template,
                template=template.render(segments),
                kind=kind,
                name="",
                args=args,
                params=params,
                query=request.query,
                rivals=rivals,
                schema=entry.schema if entry else None,
                element=(entry.element if entry else "") or "list",
                media_type=entry.media_type if entry else None,
                certainty=overrides.certainty_of(request.method, path.template, self.spec.provenance),
                uploads=entry.uploads if entry else False,
                doc=(entry.doc if entry else "") or overrides.docs_of(path.template, request.method),
            )


def _is_grouping(path: Path, segments: tuple[template.Segment, ...], has_literal_children: bool) -> bool:
    if path.requests is None:
        return True
    only_plain_get = len(path.requests) == 1 and path.requests[0].method == "GET" and not path.requests[0].params
    return (not path.requests or only_plain_get) and has_literal_children and _is_literal(segments[-1])


def _is_literal(segment: template.Segment) -> bool:
    return all(isinstance(part, str) for part in segment)


def _kind(
    method: str,
    params: tuple[str, ...],
    segments: tuple[template.Segment, ...],
    groups: bool,
    has_argument_child: bool,
) -> str:
    if method == "GET":
        if groups:
            return "describe"
        if ("bulk",) in segments:
            return "csv"
        if not _is_literal(segments[-1]):
            return "list" if "cursor" in params else "get"
        if has_argument_child or segments[-1] == ("inventory",) or _PAGING.intersection(params):
            return "list"
        return "get"
    if method in ("PUT", "DELETE") and params and not template.args(segments):
        return "update_all" if method == "PUT" else "delete_all"
    return _VERBS[method] if method in ("POST", "PUT", "DELETE") else "call"


def _verb(method: str, kind: str) -> str:
    return _VERBS.get(method, method.lower()) if kind == "call" else kind


def named_params(wires: Iterable[str], reserved: Iterable[str] = ()) -> tuple[Param, ...]:
    """Arguments or parameters under Python names, none of which is reserved."""
    wanted = {wire: naming.snake(wire) or f"x_{naming.tag(wire)}" for wire in wires}
    names = naming.settle(wanted, frozenset(reserved))
    return tuple(Param(wire, names[wire]) for wire in wanted)


def _children(draft: _Draft, path: tuple[str, ...], reserved: Iterable[str], problems: list[str]) -> list[Node]:
    wanted: dict[str, str] = {}
    for wire in draft.children:
        name = naming.identifier(wire)
        if name is None:
            problems.append(f"/{'/'.join((*path, wire))}: the segment {wire!a} leaves no Python name; skipped")
        else:
            wanted[wire] = name
    names = naming.settle(wanted, frozenset(reserved))
    nodes = []
    for wire in sorted(wanted, key=lambda wire: names[wire]):
        child = draft.children[wire]
        below = (*path, wire)
        # Segments are settled first: on a collision the segment's exact wire name wins over a verb of ours.
        children = _children(child, below, (), problems)
        operations = _named(child.operations, {node.attribute for node in children}, problems)
        nodes.append(Node(wire, names[wire], below, children, operations))
    return nodes


def _named(drafts: list[tuple[str, str, Operation]], taken: set[str], problems: list[str]) -> list[Operation]:
    """Final names within one node: names by hand, then verbs; the operation with fewer arguments keeps the verb."""
    by_wire = {operation.wire: (verb, fixed, operation) for verb, fixed, operation in drafts}
    fixed_names = {wire: fixed for wire, (_, fixed, _) in by_wire.items() if fixed}
    for name in sorted(set(fixed_names.values())):
        holders = sorted(wire for wire, fixed in fixed_names.items() if fixed == name)
        if name in taken or len(holders) > 1 or naming.identifier(name) != name:
            problems.append(
                f"names: {name!r} of {', '.join(holders)} is taken or no Python name; the rule's name is used"
            )
            for wire in holders:
                del fixed_names[wire]
    wanted: dict[str, str] = {}
    shortest: dict[str, int] = {}
    for wire, (verb, _, operation) in by_wire.items():
        if wire not in fixed_names:
            shortest[verb] = min(shortest.get(verb, 99), len(operation.args))
    for wire, (verb, _, operation) in by_wire.items():
        if wire in fixed_names:
            continue
        peers = [
            other
            for other, (its_verb, _, op) in by_wire.items()
            if other not in fixed_names and its_verb == verb and len(op.args) == len(operation.args)
        ]
        keeps = len(operation.args) == shortest[verb] and len(peers) == 1
        wanted[wire] = verb if keeps or not operation.args else f"{verb}_{operation.args[-1].name}"
        if wanted[wire] in taken:
            # A segment has this name: the operation's own wire name is its method.
            wanted[wire] = f"{wanted[wire]}_{operation.method.lower()}"
    names = naming.settle(wanted, taken | set(fixed_names.values())) | fixed_names
    done = [msgspec.structs.replace(op, name=names[wire]) for wire, (_, _, op) in by_wire.items()]
    return sorted(done, key=lambda op: op.name)
