"""One version of a contract as scanners ask for it: paths by address, methods and fields by Python name."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from digirm_runtime import naming, template, tree
from digirm_runtime.query import plan
from digirm_runtime.query.language import Language
from digirm_runtime.query.tables import METHODS
from digirm_runtime.spec import Field, Path, Request, Spec
from digirm_runtime.tree import Node, Operation

#: Addresses whose templates are kept at hand.
_MAX_KNOWN = 10_000
#: Longer addresses are none of this API's.
_MAX_ADDRESS = 2000
_MAX_SEGMENTS = 40


class Name(NamedTuple):
    """A step of a chain of names: `.text`, or `["text"]` where it is a name on the wire."""

    text: str
    wire: bool = False


class FieldSet(NamedTuple):
    """A node's field objects, and the sets below it, each by attribute and by wire name."""

    fields: dict[str, Field]
    wired: dict[str, Field]
    below: dict[str, Node]
    wires: dict[str, Node]


class Side:
    """One version of a contract."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self._known: dict[str, Path | None] = {}
        self._sets: dict[tuple[str, ...], FieldSet] = {}

    @cached_property
    def language(self) -> Language:
        """The query language."""
        return Language.from_spec(self.spec)

    @cached_property
    def _tree(self) -> tree.Tree:
        return tree.build(self.spec)

    @property
    def categories(self) -> list[Node]:
        """The tree of names, without those that are kept of the version before."""
        return self._tree.categories

    @cached_property
    def _paths(self) -> dict[str, list[tuple[tuple[template.Segment, ...], Path]]]:
        """Templates by their first segment below the base path, those with the fewest arguments first."""
        depth = self.spec.base_path.count("/")
        found: dict[str, list[tuple[tuple[template.Segment, ...], Path]]] = {}
        paths = {path.template: path for category in self.spec.categories for path in category.paths}
        for category in self.spec.categories:
            paths.setdefault(category.path, Path(category.path, (Request("GET"),)))
        for text, path in paths.items():
            try:
                segments = template.parse(text)
            except ValueError:  # the path of a category is not checked when a spec is read
                continue
            first = segments[depth] if len(segments) > depth else ()
            key = first[0] if len(first) == 1 and isinstance(first[0], str) else ""
            found.setdefault(key, []).append((segments, path))
        for listed in found.values():
            listed.sort(key=lambda entry: (len(template.args(entry[0])), entry[1].template))
        return found

    @cached_property
    def operations(self) -> dict[str, str]:
        """The dotted names of methods by request (`GET /ws/v1/parts`)."""
        return {operation.wire: name for name, operation in tree.dotted(self._tree)}

    def full(self, endpoint: str) -> str:
        """The path that an endpoint such as `parts/inventory` names."""
        base = self.spec.base_path
        return endpoint if endpoint.startswith(base + "/") else f"{base}/{endpoint.strip('/')}"

    def find(self, path: str) -> Path | None:
        """The path template that an address (with the base path) fits, the most exact one; None where there is none."""
        if path not in self._known:
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            self._known[path] = self._find(path)
        return self._known[path]

    def _find(self, path: str) -> Path | None:
        base = self.spec.base_path
        pieces = template.split(path.rstrip("/")) if len(path) <= _MAX_ADDRESS else []
        depth = base.count("/")
        if not path.startswith(base + "/") or not depth < len(pieces) <= _MAX_SEGMENTS:
            return None
        for key in (pieces[depth], ""):
            for segments, found in self._paths.get(key, ()):
                if found.template == path or template.matches(segments, pieces):
                    return found
        return None

    def unavailable(self, path: str) -> str | None:
        """The category of an address where that could not be captured."""
        rest = path.removeprefix(self.spec.base_path + "/")
        name = rest.partition("/")[0]
        return name if rest != path and name in self.spec.unavailable else None

    def node(self, names: Sequence[Name]) -> Node | None:
        """The node of a chain of names from the client's root."""
        nodes, found = self.categories, None
        for name in names:
            found = next((node for node in nodes if (node.wire if name.wire else node.attribute) == name.text), None)
            if found is None:
                return None
            nodes = found.children
        return found

    def operation(self, names: Sequence[Name]) -> Operation | None:
        """The operation of a chain of names from the client's root."""
        node = self.node(names[:-1]) if len(names) > 1 and not names[-1].wire else None
        return None if node is None else next((op for op in node.operations if op.name == names[-1].text), None)

    def fields(self, names: Sequence[Name]) -> tuple[Field | None, int]:
        """The field object of a chain of names below `fields`, and how many of the names lead to it, or exist at all.

        The chain may go on behind a field: with the name of an operator.
        """
        below, wires = {node.attribute: node for node in self.categories}, {node.wire: node for node in self.categories}
        current: FieldSet | None = None
        for position, name in enumerate(names):
            if current is not None:
                fields = current.wired if name.wire else current.fields
                if (field := fields.get(name.text)) is not None:
                    return field, position + 1
            node = (wires if name.wire else below).get(name.text)
            if node is None:
                return None, position
            current = self._set(node)
            if not current.fields and not current.below:
                return None, position
            below, wires = current.below, current.wires
        return None, len(names)

    def _set(self, node: Node) -> FieldSet:
        if node.path not in self._sets:
            fields = tree.query_fields(node)
            children = [c for c in node.children if any(op.query for n in c.walk() for op in n.operations)]
            below = naming.settle({child.wire: child.attribute for child in node.children}, set(fields))
            self._sets[node.path] = FieldSet(
                fields,
                {field.name: field for field in fields.values()},
                {below[child.wire]: child for child in children},
                {child.wire: child for child in children},
            )
        return self._sets[node.path]

    def operators(self, field: Field) -> frozenset[str]:
        """The operators of a field object as Python writes them: `==`, `contains`, and `op` for any other sign."""
        planned = plan.plan(field.type, field.operators, self.language.tables)
        return frozenset(_SIGNS[base] for base, _ in planned.bases) | {method for method, _, _ in planned.words}


_SIGNS = {
    "Equal": "==",
    "NotEqual": "!=",
    "Less": "<",
    "LessEqual": "<=",
    "Greater": ">",
    "GreaterEqual": ">=",
    "Signs": "op",
}


def request(path: Path | None, method: str) -> Request | None:
    """The request of a path with a method; without one that which comes first."""
    if path is None:
        return None
    requests = {one.method: one for one in path.requests or (Request("GET"),)}
    return next((requests[name] for name in ((method,) if method else METHODS) if name in requests), None)
