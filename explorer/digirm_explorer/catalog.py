"""Everything that can be asked of the service, as the page's tree shows it: v1 by the spec, and what lies beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from digirm_explorer import titles
from digirm_explorer.texts import sendable_all

if TYPE_CHECKING:
    from digirm_codegen.exports.payloads import Payloads
    from digirm_explorer.knowledge import Knowledge
    from digirm_runtime.query.language import Language
    from digirm_runtime.spec import Field, Spec
    from digirm_runtime.tree import Node, Operation

_JSON = "application/json"
#: Parameters that make a request one of the query language.
_QUERYING = frozenset(("query", "orderby", "fields"))


def catalog(knowledge: Knowledge) -> dict[str, Any]:
    """`Catalog` of the page's `types.ts`, made anew. Raises SpecError for a spec that cannot be read."""
    from digirm_explorer import beside

    v1 = _V1(knowledge.spec, knowledge.language)
    made = {
        "spec": knowledge.info,
        "groups": [
            {
                "id": "v1",
                "title": f"API {knowledge.spec.base_path}",
                "doc": "What the service documents of itself: start here.",
                "categories": v1.categories(),
            },
            *beside.groups(),
        ],
        "field_tables": v1.field_tables(),
        "unavailable": [
            {"name": name, "why": f"{kind} ({status})" if status else kind}
            for name, (status, kind) in sorted(knowledge.spec.unavailable.items())
        ],
    }
    return sendable_all(made)


class _V1:
    """The operations of one spec."""

    def __init__(self, spec: Spec, language: Language) -> None:
        from digirm_codegen.exports.payloads import Payloads
        from digirm_runtime import tree

        self._spec = spec
        self._language = language
        self._named = tree.build(spec)
        self._payloads: Payloads = Payloads(spec, self._named, [])
        self._examples = _bodies()
        self._tables: dict[tuple[Field, ...], int] = {}
        # As reference pages have it: of entries for the same thing the later stands.
        self._sources = {
            (entry.path, entry.method): f"{entry.source}: {entry.reason}"
            for entry in spec.overrides.certainty
            if not entry.fields
        }

    def categories(self) -> list[dict[str, Any]]:
        """`Category[]`, in the order of the client's tree."""
        return [self._category(node) for node in self._named.categories]

    def field_tables(self) -> list[list[dict[str, Any]]]:
        """`Field[][]`: those that the operations refer to, once these were made."""
        return [[_field(field) for field in table] for table in self._tables]

    def _category(self, node: Node) -> dict[str, Any]:
        return {
            "name": node.wire,
            "title": titles.heading(node.wire),
            "doc": self._spec.overrides.docs_of(f"{self._spec.base_path}/{node.wire}", "GET"),
            "operations": [
                self._operation(dotted, operation) for dotted, at in node.named() for operation in at.operations
            ],
        }

    def _operation(self, dotted: str, operation: Operation) -> dict[str, Any]:
        from digirm_codegen.exports.operations import operation_doc, parameter_doc
        from digirm_runtime import template

        spec, wires = self._spec, {param.wire for param in operation.params}
        source = self._sources.get((operation.path, operation.method)) or self._sources.get((operation.path, ""))
        table = self._tables.setdefault(operation.query, len(self._tables)) if operation.query else None
        asks = bool(operation.query or wires & _QUERYING)
        endpoint = self._language.endpoint(operation.method, operation.path) if asks else None
        return {
            "id": operation.wire,
            "method": operation.method,
            "path": operation.template,
            "title": titles.title(operation, self._spec.base_path),
            "doc": operation_doc(spec, operation),
            "client": f"rm.{dotted}.{operation.name}",
            "kind": operation.kind,
            "certainty": operation.certainty,
            "source": source or "",
            "path_params": [
                {"name": arg.wire, "doc": parameter_doc(spec, operation, arg.wire)}
                for arg in template.args(template.parse(operation.template))
            ],
            "params": [
                {"name": param.wire, "doc": parameter_doc(spec, operation, param.wire)} for param in operation.params
            ],
            "endpoint": endpoint,
            "fields": table,
            "columns": list(self._language.columns(endpoint)) if endpoint and "fields" in wires else [],
            "body": self._body(operation) if operation.has_body else None,
        }

    def _body(self, operation: Operation) -> dict[str, Any]:
        from digirm_codegen.exports.markdown_parts import type_words

        docs = self._spec.overrides.docs_of
        media_type = operation.media_type or _JSON
        name = self._payloads.taken(operation)
        found = self._payloads.schemas[name].get("properties", {}) if name else {}
        is_json = media_type == _JSON and (operation.needs_body or name is not None)
        return {
            "media_type": media_type,
            "fields": [
                {"name": key, "type": type_words(schema, str), "doc": docs(operation.path, operation.method, field=key)}
                for key, schema in found.items()
            ],
            "example": self._examples.get(
                (operation.wire, media_type), self._payloads.body(operation) if is_json else ""
            ),
        }


def _bodies() -> dict[tuple[str, str], str]:
    """The first example of a body for each operation and media type: what works is a better start than all keys."""
    from digirm_explorer.examples import examples

    found: dict[tuple[str, str], str] = {}
    for example in examples():
        sent = example["request"]
        if sent["body"]:
            found.setdefault((example["operation"], sent["content_type"] or _JSON), sent["body"])
    return found


def _field(field: Field) -> dict[str, Any]:
    return {
        "name": field.name,
        "type": field.type,
        "operators": list(field.operators),
        "orderby": field.orderby,
        "values": list(field.values),
        "certainty": field.certainty,
        "doc": field.doc,
    }
