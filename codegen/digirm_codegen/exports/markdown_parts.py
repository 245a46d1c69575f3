"""The parts of reference pages: tables of operations, query fields, payloads and sources."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from digirm_codegen.exports.operations import columns, operation_doc, parameter_doc
from digirm_codegen.exports.text import code, codes, prose
from digirm_runtime.spec import Field, Spec
from digirm_runtime.tree import Operation

_RESULTS = {
    "list": "iterable over pages",
    "get": "one object",
    "csv": "rows",
    "describe": "description",
    "create": "`Created`",
    "update": "as answered",
    "delete": "as answered",
    "update_all": "as answered",
    "delete_all": "as answered",
    "call": "as answered",
}


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """The lines of a table, whose cells are Markdown already."""
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield f"| {' | '.join(row)} |"


def section(heading: str, lines: Sequence[str]) -> list[str]:
    """Lines under a heading; nothing where there are none."""
    return ["", f"## {heading}", "", *lines] if lines else []


def operation_row(call: str, operation: Operation) -> tuple[str, ...]:
    """The cells that describe an operation: call, request, result, parameters, certainty."""
    # Without a required body, the body is one of the optional things that the dots stand for.
    body = ["body"] if operation.needs_body else []
    dots = ["..."] if operation.params or (operation.has_body and not body) else []
    arguments = ", ".join([*(arg.name for arg in operation.args), *body, *dots])
    result = _RESULTS[operation.kind]
    return (
        code(f"{call}({arguments})"),
        code(operation.wire),
        f"{result}, {code(operation.schema)}" if operation.schema else result,
        codes(param.name for param in operation.params),
        operation.certainty or "",
    )


def notes(spec: Spec, operations: Iterable[tuple[str, Operation]]) -> list[str]:
    """What is known of operations beyond what the service lists."""
    found: list[str] = []
    for _, operation in operations:
        doc = operation_doc(spec, operation)
        said = [prose(doc)] if doc else []
        if known := columns(spec, operation):
            said.append(f"Columns: {codes(known)}.")
        if said:
            found.append(f"- {code(operation.wire)}: {' '.join(said)}")
    return found


def parameters(spec: Spec, operations: Iterable[tuple[str, Operation]]) -> list[str]:
    """What is known of parameters; of one that is not everywhere the same, also where it is so."""
    found: dict[str, dict[str, list[str]]] = {}
    for _, operation in operations:
        for param in operation.params:
            if doc := parameter_doc(spec, operation, param.wire):
                found.setdefault(param.name, {}).setdefault(doc, []).append(operation.wire)
    return [
        f"- {code(name)}: {prose(doc)}{f' ({codes(wires)})' if len(docs) > 1 else ''}"
        for name, docs in sorted(found.items())
        for doc, wires in docs.items()
    ]


def query_fields(operations: Iterable[tuple[str, Operation]]) -> list[str]:
    """A table of fields for every set of requests that have the same."""
    alike: dict[tuple[Field, ...], list[str]] = {}
    for _, operation in operations:
        if operation.query:
            alike.setdefault(operation.query, []).append(operation.wire)
    lines: list[str] = []
    for fields, wires in alike.items():
        lines += ["", *(f"- {code(wire)}" for wire in wires), ""]
        lines += table(
            ("field", "type", "operators", "orderby", "values", "certainty", "description"),
            (
                (
                    code(field.name),
                    code(field.type),
                    codes(field.operators),
                    "yes" if field.orderby else "",
                    codes(field.values),
                    field.certainty or "",
                    prose(field.doc),
                )
                for field in fields
            ),
        )
    return lines[1:]


def payloads(spec: Spec, schemas: dict[str, dict[str, Any]]) -> list[str]:
    """A table of keys for every object, and where it is known from."""
    lines: list[str] = []
    for name, schema in schemas.items():
        entry = spec.overrides.schemas.get(name)
        known = f"From {prose(entry.source)}: {prose(entry.reason)}." if entry else "From samples."
        said = [prose(entry.doc)] if entry and entry.doc else []
        required = schema.get("required", ())
        lines += ["", f"### {name}", "", " ".join([*said, known]), ""]
        lines += table(
            ("key", "type", "always there"),
            (
                (code(key), type_words(value), "yes" if key in required else "")
                for key, value in schema.get("properties", {}).items()
            ),
        )
    return lines[1:]


def type_words(schema: dict[str, Any], name: Callable[[str], str] = code) -> str:
    """A schema in words; `name` writes the names of other schemas."""
    if isinstance(target := schema.get("$ref"), str):
        return name(target)
    kinds = schema.get("type", [])
    words = []
    for kind in [kinds] if isinstance(kinds, str) else kinds:
        if kind == "array":
            words.append(f"list of {type_words(schema.get('items', {}), name)}")
        elif kind == "object" and isinstance(schema.get("additionalProperties"), dict):
            words.append(f"object of {type_words(schema['additionalProperties'], name)}")
        elif kind != "null":
            words.append(kind)
    words += [type_words(one, name) for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    return " or ".join(words) or "any"


def sources(spec: Spec, operations: Iterable[tuple[str, Operation]]) -> list[str]:
    """Where the certainty of operations and fields is known from, one line for each source and reason."""
    wires = {(operation.path, method) for _, operation in operations for method in ("", operation.method)}
    alike: dict[tuple[str, str, str], list[str]] = {}
    for entry in spec.overrides.certainty:
        if (entry.path, entry.method) in wires:
            of = f"{entry.method} {entry.path}".strip()
            fields = f" ({codes(entry.fields)})" if entry.fields else ""
            alike.setdefault((entry.certainty, entry.source, entry.reason), []).append(code(of) + fields)
    return [
        f"- {certainty}, {prose(source)}, {prose(reason)}: {', '.join(of)}"
        for (certainty, source, reason), of in sorted(alike.items())
    ]
