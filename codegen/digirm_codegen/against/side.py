"""One version of a contract as scanners ask for it: paths by address, methods and fields by Python name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import NamedTuple, TypeVar

from digirm_codegen.against.paths import Paths
from digirm_runtime import naming, tree
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

T = TypeVar("T")


class Name(NamedTuple):
    """A step of a chain of names: `.text`, or `["text"]` where it is a name on the wire."""

    text: str
    wire: bool = False


class FieldSet(NamedTuple):
    """A node's field objects, and the nodes below it that have some, by the names that lead to them."""

    fields: dict[Name, Field]
    below: dict[Name, Node]


class Side:
    """One version of a contract."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self._known: dict[str, Path | None] = {}
        self._below: dict[tuple[str, ...], dict[Name, Node]] = {}
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
    def _paths(self) -> Paths:
        paths = {path.template: path for category in self.spec.categories for path in category.paths}
        for category in self.spec.categories:
            paths.setdefault(category.path, Path(category.path, (Request("GET"),)))
        return Paths(paths.values(), self.spec.base_path)

    @cached_property
    def operations(self) -> dict[str, str]:
        """The dotted names of methods by request (`GET /ws/v1/parts`)."""
        return {operation.wire: name for name, operation in tree.dotted(self._tree)}

    def full(self, endpoint: str) -> str:
        """The path that an endpoint such as `parts/inventory` names."""
        base = self.spec.base_path
        return endpoint if endpoint.startswith(base + "/") else f"{base}/{endpoint.strip('/')}"

    def find(self, path: str) -> Path | None:
        """The path template that an address (with the base path) fits best; None where there is none."""
        if path not in self._known:
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            self._known[path] = self._find(path)
        return self._known[path]

    def _find(self, path: str) -> Path | None:
        path = path.rstrip("/")
        return self._paths.find(path) if len(path) <= _MAX_ADDRESS and path.count("/") <= _MAX_SEGMENTS else None

    def unavailable(self, path: str) -> str | None:
        """The category of an address where that could not be captured."""
        rest = path.removeprefix(self.spec.base_path + "/")
        name = rest.partition("/")[0]
        return name if rest != path and name in self.spec.unavailable else None

    def node(self, names: Sequence[Name]) -> Node | None:
        """The node of a chain of names from the client's root."""
        found: Node | None = None
        for name in names:
            found = self._children(found).get(name)
            if found is None:
                return None
        return found

    def _children(self, node: Node | None) -> dict[Name, Node]:
        """The nodes below one, or the root, by name."""
        path, nodes = ((), self.categories) if node is None else (node.path, node.children)
        if path not in self._below:
            self._below[path] = _named({each.attribute: each for each in nodes}, {each.wire: each for each in nodes})
        return self._below[path]

    def operation(self, names: Sequence[Name]) -> Operation | None:
        """The operation of a chain of names from the client's root."""
        node = self.node(names[:-1]) if len(names) > 1 and not names[-1].wire else None
        return None if node is None else next((op for op in node.operations if op.name == names[-1].text), None)

    def fields(self, names: Sequence[Name]) -> tuple[Field | None, int]:
        """The field object of a chain of names below `fields`, and how many of the names lead to it, or exist at all.

        The chain may go on behind a field: with the name of an operator.
        """
        current = FieldSet({}, self._children(None))
        for position, name in enumerate(names):
            if (field := current.fields.get(name)) is not None:
                return field, position + 1
            node = current.below.get(name)
            if node is None:
                return None, position
            current = self._set(node)
            if not current.fields and not current.below:
                return None, position
        return None, len(names)

    def _set(self, node: Node) -> FieldSet:
        if node.path not in self._sets:
            fields = tree.query_fields(node)
            children = [c for c in node.children if any(op.query for n in c.walk() for op in n.operations)]
            below = naming.settle({child.wire: child.attribute for child in node.children}, set(fields))
            self._sets[node.path] = FieldSet(
                _named(fields, {field.name: field for field in fields.values()}),
                _named({below[child.wire]: child for child in children}, {child.wire: child for child in children}),
            )
        return self._sets[node.path]

    def operators(self, field: Field) -> frozenset[str]:
        """The operators of a field object as Python writes them: `==`, `contains`, and `op` for any other sign."""
        planned = plan.plan(field.type, field.operators, self.language.tables)
        return frozenset(plan.COMPARISONS.get(base, "op") for base, _ in planned.bases) | {
            method for method, _, _ in planned.words
        }


def _named(attributes: Mapping[str, T], wires: Mapping[str, T]) -> dict[Name, T]:
    """The same things by attribute and by wire name."""
    return {
        Name(text, wire): one for wire, named in ((False, attributes), (True, wires)) for text, one in named.items()
    }


def request(path: Path | None, method: str) -> Request | None:
    """The request of a path with a method; without one that which comes first."""
    if path is None:
        return None
    requests = {one.method: one for one in path.requests or (Request("GET"),)}
    return next((requests[name] for name in ((method,) if method else METHODS) if name in requests), None)
