"""The modules `api/<category>.py`: typed bodies of operations, and their two faces."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from digirm_codegen.schemas import UNTYPED, Schemas
from digirm_codegen.templating import Code, fitted, literal, name, part, render
from digirm_runtime import naming
from digirm_runtime.spec import Spec
from digirm_runtime.tree import Node, Operation

#: What the protocol's own parameters take; every other one takes whatever can be sent.
_PARAM_TYPES = {
    "query": "_face.Query",
    "orderby": "str | None",
    "cursor": "str | None",
    "size": "int | None",
    "fields": "Sequence[str] | str | None",
}
#: Names that a class of bodies uses itself: a method must not hide them.
_USED = frozenset(("str", "int", "bytes", "dict", "Any", "Sequence", "staticmethod"))
_FACES = {"list": ("listing", "alisting"), "csv": ("rows", "arows")}
_QUERY_FIELDS_SHOWN = 12


class Body(NamedTuple):
    """One operation as the template prints it: method and function names, and the parts of the function."""

    name: str
    function: str
    endpoint: Code
    signature: Code
    doc: list[str]
    returned: Code
    face: str
    async_face: str


class Child(NamedTuple):
    """A child node: wire name, attribute, path, and the first part of its classes' names."""

    wire: str
    attribute: str
    path: str
    base: str


class Class(NamedTuple):
    """One node: the first part of its classes' names, its path, operations and children."""

    base: str
    path: str
    bodies: list[Body]
    children: list[Child]


def module(spec: Spec, category: Node, schemas: Schemas, attributes: dict[tuple[str, ...], str]) -> str:
    """The text of one category's module; `attributes` are the dotted paths of nodes that have query fields."""
    bases = class_names(category)
    nodes = [_class(spec, node, bases, schemas, attributes) for node in category.walk()]
    used = {schemas.place(operation) for node in category.walk() for operation in node.operations}
    signatures = "".join(body.signature for node in nodes for body in node.bodies)
    return render(
        "api.py.jinja",
        path="/".join(("", *category.path)),
        nodes=nodes,
        models=sorted({place[0] for place in used if place is not None}),
        typing=Code("TYPE_CHECKING, Any" if "Any" in signatures else "TYPE_CHECKING"),
        any="Any" in signatures,
        sequence="Sequence[" in signatures,
        cached=any(node.children for node in nodes),
        flavours=(Code(""), Code("Async")),
    )


def class_names(category: Node) -> dict[tuple[str, ...], str]:
    """The first part of the class names of every node, by path: unique in the module, and no attribute's name."""
    attributes = {node.attribute for node in category.walk()}
    attributes |= {operation.name for node in category.walk() for operation in node.operations}
    # `settle` works on wire names; a path is one for this purpose. The category's own names come first in each.
    dotted: dict[str, str] = {}
    names: dict[tuple[str, ...], list[str]] = {}

    def visit(node: Node, above: list[str]) -> None:
        names[node.path] = [*above, node.attribute]
        dotted["/".join(node.path)] = naming.camel(names[node.path])
        for child in node.children:
            visit(child, names[node.path])

    visit(category, [])
    reserved = {base for attribute in attributes for base in _bases(attribute)}
    reserved |= {f"Async{base}" for base in dotted.values()}
    settled = naming.settle(dotted, reserved)
    return {path: settled["/".join(path)] for path in names}


def _bases(attribute: str) -> Iterable[str]:
    if attribute.endswith("Api"):
        yield attribute.removesuffix("Api")
        yield attribute.removesuffix("Api").removeprefix("Async")


def _class(
    spec: Spec,
    node: Node,
    bases: dict[tuple[str, ...], str],
    schemas: Schemas,
    attributes: dict[tuple[str, ...], str],
) -> Class:
    return Class(
        base=bases[node.path],
        path="/".join(("", *node.path)),
        bodies=[
            _body(spec, operation, bases[node.path], schemas, attributes.get(node.path))
            for operation in node.operations
        ],
        children=[
            Child(child.wire, child.attribute, "/".join(("", *child.path)), bases[child.path])
            for child in node.children
        ],
    )


def _body(spec: Spec, operation: Operation, base: str, schemas: Schemas, fields: str | None) -> Body:
    face, async_face = _FACES.get(operation.kind, ("call", "acall"))
    function = f"{operation.name}_" if operation.name in _USED else operation.name
    args = [name(arg.name) for arg in operation.args]
    return Body(
        name=operation.name,
        function=function,
        endpoint=_endpoint(operation, function),
        signature=_signature(operation, function, args, _result(operation, schemas)),
        doc=_doc(spec, operation, fields),
        returned=_returned(operation, f"_{part(base)}Ops._{name(function)}", args),
        face=face,
        async_face=async_face,
    )


def _signature(operation: Operation, function: str, args: list[Code], result: str) -> Code:
    parts = [Code(f"{arg}: str | int") for arg in args]
    if args:
        parts.append(Code("/"))
    if operation.has_body:
        parts.append(Code("body: _face.Body" if operation.needs_body else "body: _face.Body | None = None"))
    parts.append(Code("*"))
    parts += [
        Code(f"{name(param.name)}: {_PARAM_TYPES.get(param.wire, '_face.Param')} = None") for param in operation.params
    ]
    if operation.kind == "list":
        parts.append(Code("limit: int | None = None"))
    parts.append(Code("options: _face.Options | None = None"))
    return fitted(f"def {name(function)}(", parts, f") -> _face.Operation[{result}]:", indent=4)


def _returned(operation: Operation, endpoint: str, args: list[Code]) -> Code:
    sent = [Code(f"{literal(param.wire)}: {name(param.name)}") for param in operation.params]
    parts = [Code(endpoint), Code(f"({', '.join(args)}{',' * (len(args) == 1)})"), fitted("{", sent, "}", indent=12)]
    if operation.has_body:
        parts.append(Code("body=body"))
    parts.append(Code("options=options"))
    if operation.kind == "list":
        parts.append(Code("limit=limit"))
    return fitted("return _face.Operation(", parts, ")", indent=8)


def _endpoint(operation: Operation, function: str) -> Code:
    """The operation's `Endpoint`, without what is a default."""
    parts = [literal(operation.method), literal(operation.template), literal(operation.kind)]
    if operation.rivals:
        parts.append(Code(f"rivals={literal(operation.rivals)}"))
    if operation.element != "list":
        parts.append(Code(f"element={literal(operation.element)}"))
    if operation.media_type is not None:
        parts.append(Code(f"media_type={literal(operation.media_type)}"))
    if operation.template != operation.path:
        parts.append(Code(f"listed={literal(operation.path)}"))
    return fitted(f"_{name(function)} = _face.Endpoint(", parts, ")", indent=4)


def _result(operation: Operation, schemas: Schemas) -> str:
    item = schemas.annotation(operation)
    if operation.kind == "create":
        return f"_face.Created[{item}]"
    if operation.kind in ("list", "describe"):
        return item
    if operation.kind == "csv":
        return UNTYPED
    if operation.kind == "get":
        return _decoded(operation.media_type, item)
    return "Any"


def _decoded(media_type: str | None, item: str) -> str:
    if media_type is None or "json" in media_type:
        return item
    return "str" if media_type.startswith("text/") or media_type.endswith("xml") else "bytes"


def _doc(spec: Spec, operation: Operation, fields: str | None) -> list[str]:
    """Paragraphs of an operation's docstring."""
    request = f"`{operation.method} {operation.path}`"
    paragraphs = [operation.doc, request] if operation.doc else [request]
    if spec.provenance != "live" and operation.certainty is not None:
        paragraphs.append(f"Reconstructed ({operation.certainty}), not crawled from the service.")
    if operation.query and fields is not None:
        names = ", ".join(f"`{field.name}`" for field in operation.query[:_QUERY_FIELDS_SHOWN])
        more = len(operation.query) - _QUERY_FIELDS_SHOWN
        paragraphs.append(f"Query fields (`fields.{fields}`): {names}" + (f" and {more} more." if more > 0 else "."))
    return paragraphs
