"""The modules `api/<category>.py`: typed bodies of operations, and their two faces."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from digirm_codegen.models import Kind
from digirm_codegen.schemas import Schemas
from digirm_codegen.templating import Code, fitted, literal, name, part, render
from digirm_runtime import dispatch, naming
from digirm_runtime.face import FACES, PLAIN, gone_messages
from digirm_runtime.spec import Spec
from digirm_runtime.tree import Node, Operation

#: Before the names of `digirm_runtime.face`.
_FACE = "_face."
#: Names that a class of bodies uses itself: a method must not hide them.
_USED = frozenset(("str", "int", "bytes", "dict", "Any", "Sequence", "staticmethod"))
#: Kinds whose answers are of the operation's schema.
_TYPED = frozenset(("create", "describe", "get", "list"))


class Body(NamedTuple):
    """One operation as the template prints it: method and function names, and the parts of the function."""

    name: str
    function: str
    endpoint: Code
    signature: Code
    doc: list[str]
    returned: Code
    look: Code
    async_look: Code


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


class Context(NamedTuple):
    """What the modules of one package have in common; `attributes` are the dotted paths of nodes with query fields."""

    spec: Spec
    schemas: Schemas
    payloads: Kind
    attributes: dict[tuple[str, ...], str]


def module(category: Node, context: Context) -> str:
    """The text of one category's module."""
    bases = class_names(category)
    payloads = context.payloads
    nodes = [_class(node, bases, context) for node in category.walk()]
    used = {context.schemas.place(operation) for node in category.walk() for operation in node.operations}
    bodies = [body for node in nodes for body in node.bodies]
    signatures = "".join(body.signature for body in bodies)
    objects = payloads.base is not None and any("_models." in body.endpoint + body.returned for body in bodies)
    return render(
        "api.py.jinja",
        path="/".join(("", *category.path)),
        nodes=nodes,
        models=sorted({place[0] for place in used if place is not None}),
        base=payloads.base if payloads.base is not None and payloads.base[1] in signatures else None,
        objects=objects,
        needs=payloads.needs if objects else None,
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
    dotted: dict[bool, dict[str, str]] = {False: {}, True: {}}
    names: dict[tuple[str, ...], list[str]] = {}

    def visit(node: Node, above: list[str]) -> None:
        names[node.path] = [*above, node.attribute]
        dotted[node.gone]["/".join(node.path)] = naming.camel(names[node.path])
        for child in node.children:
            visit(child, names[node.path])

    visit(category, [])
    reserved = {base for attribute in attributes for base in _bases(attribute)}
    reserved |= {f"Async{base}" for found in dotted.values() for base in found.values()}
    settled = naming.settle(dotted[False], reserved)
    # A node of the version before takes no name from one of this.
    settled |= naming.settle(dotted[True], reserved | set(settled.values()))
    return {path: settled["/".join(path)] for path in names}


def _bases(attribute: str) -> Iterable[str]:
    if attribute.endswith("Api"):
        yield attribute.removesuffix("Api")
        yield attribute.removesuffix("Api").removeprefix("Async")


def _class(node: Node, bases: dict[tuple[str, ...], str], context: Context) -> Class:
    fields = context.attributes.get(node.path)
    return Class(
        base=bases[node.path],
        path="/".join(("", *node.path)),
        bodies=[_body(operation, bases[node.path], context, fields) for operation in node.operations],
        children=[
            Child(child.wire, child.attribute, "/".join(("", *child.path)), bases[child.path])
            for child in node.children
        ],
    )


def _body(operation: Operation, base: str, context: Context, fields: str | None) -> Body:
    function = f"{operation.name}_" if operation.name in _USED else operation.name
    base_class = context.payloads.base
    place = context.schemas.place(operation) if base_class and operation.kind in _TYPED else None
    result = dispatch.result(operation, context.schemas.annotation(operation), _FACE)
    shown = None if fields is None else f"fields.{fields}"
    return Body(
        name=operation.name,
        function=function,
        endpoint=_endpoint(operation, function, place),
        signature=_signature(operation, function, result, f"Body | {base_class[1]}" if base_class else "Body"),
        doc=dispatch.doc(operation, context.spec.provenance, shown),
        returned=_returned(operation, f"_{part(base)}Ops._{name(function)}", base_class is not None),
        look=_look(operation, f"_{part(base)}Ops.{name(function)}", awaited=False),
        async_look=_look(operation, f"_{part(base)}Ops.{name(function)}", awaited=True),
    )


def _look(operation: Operation, function: str, *, awaited: bool) -> Code:
    """The descriptor that gives a body one of its two looks, as `digirm_runtime.face.look` makes it."""
    method = Code(f"{_FACE}{name(FACES.get(operation.kind, PLAIN)[awaited])}({function})")
    if operation.gone is not None:
        parts = [method, literal(operation.gone.message)]
        parts += [] if operation.checked else [Code("checked=False")]
        return fitted(f"{_FACE}gone(", parts, ")", indent=4)
    messages = gone_messages(operation)
    if messages:
        texts = [Code(f"{literal(key)}: {literal(message)}") for key, message in messages.items()]
        return fitted(f"{_FACE}gone_keywords(", [method, fitted("{", texts, "}", indent=8)], ")", indent=4)
    return method


def _signature(operation: Operation, function: str, result: str, body: str) -> Code:
    parts: list[Code] = []
    above = ""
    for param in dispatch.parameters(operation, _FACE, body):
        if above == "POSITIONAL_ONLY" != param.kind:
            parts.append(Code("/"))
        if above != "KEYWORD_ONLY" == param.kind:
            parts.append(Code("*"))
        above = param.kind
        default = Code("") if param.required else Code(f" = {literal(param.default)}")
        parts.append(Code(f"{name(param.name)}: {param.annotation}{default}"))
    return fitted(f"def {name(function)}(", parts, f") -> {_FACE}Operation[{result}]:", indent=4)


def _returned(operation: Operation, endpoint: str, objects: bool) -> Code:
    args = [name(arg.name) for arg in operation.args]
    sent = [Code(f"{literal(param.wire)}: {name(param.name)}") for param in operation.params]
    parts = [Code(endpoint), Code(f"({', '.join(args)}{',' * (len(args) == 1)})"), fitted("{", sent, "}", indent=12)]
    if operation.has_body:
        parts.append(Code("body=_models.plain(body)" if objects else "body=body"))
    parts += [Code(f"{own}={own}") for own in dispatch.settings(operation)]
    return fitted(f"return {_FACE}Operation(", parts, ")", indent=8)


def _endpoint(operation: Operation, function: str, place: tuple[str, str] | None) -> Code:
    """The operation's `Endpoint`, without what is a default; `place` is that of the class to make objects of."""
    parts = [literal(operation.method), literal(operation.template), literal(operation.kind)]
    parts += [Code(f"{key}={literal(value)}") for key, value in dispatch.endpoint_settings(operation).items()]
    if place is not None:
        parts.append(Code(f"model=_models.Reader(__package__, {literal(place[0])}, {literal(place[1])})"))
    return fitted(f"_{name(function)} = {_FACE}Endpoint(", parts, ")", indent=4)
