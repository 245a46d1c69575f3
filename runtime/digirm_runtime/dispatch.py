"""How an operation of the tree is called: what its method takes, gives and says of itself.

The generator writes this down and the dynamic client uses it as it is, so that both have the same methods.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from digirm_runtime.tree import Operation

#: The type of an item of which no schema is known.
UNTYPED = "dict[str, Any]"
QUERY_FIELDS_SHOWN = 12

#: What the protocol's own parameters take, the names of the face marked; any other takes whatever can be sent.
_PARAM_TYPES = {
    "query": "{face}Query",
    "orderby": "str | None",
    "cursor": "str | None",
    "size": "int | None",
    "fields": "Sequence[str] | str | None",
}
_SETTING_TYPES: dict[str, tuple[str, bool | None]] = {
    "limit": ("int | None", None),
    "prefetch": ("bool", False),
    "typed": ("bool", False),
    "options": ("{face}Options | None", None),
}
_SETTINGS = {"list": ("limit", "prefetch"), "csv": ("typed",)}


class Parameter(NamedTuple):
    """A parameter of a method: `kind` is one of `inspect.Parameter` (a name); `default` counts where not `required`."""

    name: str
    kind: str
    annotation: str
    required: bool = False
    default: bool | None = None


def settings(operation: Operation) -> tuple[str, ...]:
    """digirm's own keywords of an operation; its method and `digirm_runtime.operation.Operation` both take them."""
    return ("options", *_SETTINGS.get(operation.kind, ()))


def parameters(operation: Operation, face: str = "", body: str = "Body") -> list[Parameter]:
    """The parameters of an operation's method in order.

    `face` stands before each name of `digirm_runtime.face`; `body` is the type of what can be sent.
    """
    found = [Parameter(arg.name, "POSITIONAL_ONLY", "str | int", required=True) for arg in operation.args]
    if operation.has_body:
        needed = operation.needs_body
        annotation = f"{face}{body}" if needed else f"{face}{body} | None"
        found.append(Parameter("body", "POSITIONAL_OR_KEYWORD", annotation, required=needed))
    for param in operation.params:
        annotation = _PARAM_TYPES.get(param.wire, "{face}Param").format(face=face)
        found.append(Parameter(param.name, "KEYWORD_ONLY", annotation))
    common, *own = settings(operation)
    for name in (*own, common):
        annotation, default = _SETTING_TYPES[name]
        found.append(Parameter(name, "KEYWORD_ONLY", annotation.format(face=face), default=default))
    return found


def endpoint_settings(operation: Operation) -> dict[str, Any]:
    """What `Endpoint` takes beside method, template and kind, without what is a default."""
    values = {
        "rivals": (operation.rivals, ()),
        "element": (operation.element, "list"),
        "media_type": (operation.media_type, None),
        "listed": (operation.path, operation.template),
        "uploads": (operation.uploads, False),
    }
    return {name: value for name, (value, default) in values.items() if value != default}


def result(operation: Operation, item: str, face: str = "") -> str:
    """The type T of the `Operation[T]` that a method makes; `item` is the type of one object of the answer."""
    if operation.kind == "create":
        return f"{face}Created[{item}]"
    if operation.kind in ("list", "describe"):
        return item
    if operation.kind == "csv":
        return UNTYPED
    if operation.kind != "get":
        return "Any"
    media_type = operation.media_type
    if media_type is None or "json" in media_type:
        return item
    return "str" if media_type.startswith("text/") or media_type.endswith("xml") else "bytes"


def doc(operation: Operation, provenance: str, fields: str | None = None) -> list[str]:
    """The paragraphs of a method's docstring; `fields` is how typed fields are written, where there are such."""
    request = f"`{operation.method} {operation.path}`"
    paragraphs = [operation.doc, request] if operation.doc else [request]
    if operation.gone is not None:
        paragraphs.insert(0, operation.gone.doc)
    paragraphs += [f"`{param.name}`: {param.gone.doc}" for param in operation.params if param.gone is not None]
    if provenance != "live" and operation.certainty is not None:
        paragraphs.append(f"Reconstructed ({operation.certainty}), not crawled from the service.")
    if operation.query:
        names = ", ".join(f"`{field.name}`" for field in operation.query[:QUERY_FIELDS_SHOWN])
        more = len(operation.query) - QUERY_FIELDS_SHOWN
        where = f" (`{fields}`)" if fields else ""
        paragraphs.append(f"Query fields{where}: {names}" + (f" and {more} more." if more > 0 else "."))
    return paragraphs
