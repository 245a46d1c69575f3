"""The package `fields`: the query fields of every node, typed by the operators that the spec lists for each."""

from __future__ import annotations

from typing import Any, NamedTuple

from digirm_codegen import api
from digirm_codegen.templating import Code, docstring, fitted, literal, name, render
from digirm_runtime import naming, tree
from digirm_runtime.query import plan, tables
from digirm_runtime.spec import Spec
from digirm_runtime.tree import GoneField, Node


class FieldModules(NamedTuple):
    """Files below `fields/`, and the dotted path of the field set of each node that has one."""

    files: dict[str, str]
    dotted: dict[tuple[str, ...], str]


class Attribute(NamedTuple):
    """A query field of a set: its attribute, class and wire name, and the string below it that editors show, if any."""

    name: str
    cls: str
    wire: str
    doc: Code | None


class Gone(NamedTuple):
    """A query field that only the version before had: its attribute, and what makes it."""

    name: str
    made: Code


class Child(NamedTuple):
    """A set below a set: its attribute and class."""

    name: str
    cls: str


class FieldSet(NamedTuple):
    """One node's fields, and the sets below it."""

    cls: str
    path: str
    attributes: list[Attribute]
    gone: list[Gone]
    children: list[Child]


class FieldClass(NamedTuple):
    """A class of fields that share type and operators."""

    header: Code
    doc: str
    attributes: list[Code]


def render_modules(spec: Spec, categories: list[Node], stems: dict[str, str]) -> FieldModules:
    """The files, for categories whose module names are `stems`. A category without query fields has none."""
    classes = _classes(spec, categories)
    files: dict[str, str] = {}
    dotted: dict[tuple[str, ...], str] = {}
    shown: list[tuple[str, str]] = []
    for category in categories:
        sets = _Sets(category, classes, dotted)
        if sets.add(category, category.attribute):
            files[f"_{stems[category.wire]}.py"] = render("fields.py.jinja", path=f"/{category.wire}", sets=sets.done)
            shown.append((category.attribute, f"_{stems[category.wire]}"))
    files["_types.py"] = render("field_types.py.jinja", classes=_field_classes(spec, classes))
    files["__init__.py"] = render("fields_init.py.jinja", categories=[(a, Code(module)) for a, module in shown])
    return FieldModules(files, dotted)


class _Sets:
    """Collects the field sets of one category, those below before those above."""

    def __init__(
        self, category: Node, classes: dict[tuple[str, tuple[str, ...]], str], dotted: dict[tuple[str, ...], str]
    ) -> None:
        self.bases = api.class_names(category)
        self.classes = classes
        self.dotted = dotted
        self.done: list[FieldSet] = []

    def add(self, node: Node, dotted: str) -> str | None:
        """Add a node's set, reachable as `dotted`; its class, or None where there are no fields at or below it."""
        fields = tree.query_fields(node)
        # A field keeps its name: it is what people come for. A node below of that name makes way.
        children = naming.settle({child.wire: child.attribute for child in node.children}, set(fields))
        below = []
        for child in node.children:
            cls = self.add(child, f"{dotted}.{children[child.wire]}")
            if cls is not None:
                below.append(Child(children[child.wire], cls))
        gone = [Gone(each.name, self.gone(each)) for each in node.gone_fields]
        if not fields and not below and not gone:
            return None
        if fields:
            self.dotted[node.path] = dotted
        attributes = [
            Attribute(
                attribute,
                self.classes[field.type, field.operators],
                field.name,
                docstring([field.doc], indent=4) if field.doc else None,
            )
            for attribute, field in fields.items()
        ]
        cls = f"_{self.bases[node.path]}Fields"
        self.done.append(FieldSet(cls, "/".join(("", *node.path)), attributes, gone, below))
        return cls

    def gone(self, lost: GoneField) -> Code:
        cls = self.classes[lost.field.type, lost.field.operators]
        parts = [Code(f"_t.{name(cls)}({literal(lost.field.name)})"), literal(lost.gone.message)]
        return fitted("_b.gone(", parts, ")", indent=4)


def _classes(spec: Spec, categories: list[Node]) -> dict[tuple[str, tuple[str, ...]], str]:
    """A class name for every distinct pair of type and operators."""
    pairs = {
        (field.type, field.operators)
        for category in spec.categories
        for path in category.paths
        for request in path.requests or ()
        for field in request.query
    }
    gone = {
        (each.field.type, each.field.operators)
        for category in categories
        for node in category.walk()
        for each in node.gone_fields
    }
    named: dict[tuple[str, tuple[str, ...]], str] = {}
    # Classes that only the version before had take no name from the others.
    for found in (pairs, gone - pairs):
        keys = {" ".join((kind, *operators)): (kind, operators) for kind, operators in sorted(found)}
        wanted = {key: naming.camel([naming.snake(kind) or ""]) for key, (kind, _) in keys.items()}
        names = naming.settle(wanted, set(named.values()))
        named |= {pair: names[key] for key, pair in keys.items()}
    return {pair: f"{base}Field" for pair, base in named.items()}


def _field_classes(spec: Spec, classes: dict[tuple[str, tuple[str, ...]], str]) -> list[FieldClass]:
    built: dict[str, Any] = tables.build(spec)
    return [
        _field_class(cls, kind, operators, plan.plan(kind, operators, built))
        for (kind, operators), cls in sorted(classes.items(), key=lambda item: item[1])
    ]


def _field_class(cls: str, kind: str, operators: tuple[str, ...], planned: plan.Plan) -> FieldClass:
    attributes = [Code(f"{name(attribute)} = {literal(operator)}") for attribute, operator in planned.spellings]
    if planned.signs:
        attributes.append(Code(f"_signs = {literal(planned.signs)}"))
    attributes += [
        Code(f"{name(method)} = _b.word[_b.{name(value)}]({literal(operator)})")
        for method, operator, value in planned.words
    ]
    bases = [Code(f"_b.{name(base)}[_b.{name(value)}]") for base, value in planned.bases]
    return FieldClass(
        doc=f"{kind or 'A type without a name'}: {' '.join(operators) or 'no operators'}",
        header=fitted(f"class {name(cls)}(", bases or [Code("_b.Field")], "):", indent=0),
        attributes=attributes,
    )
