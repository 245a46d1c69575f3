"""The parts of an OpenAPI document: parameters, bodies, answers, and the schemas of payloads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from digirm_codegen import models, render, schemas
from digirm_runtime import naming
from digirm_runtime.spec import Field, Spec
from digirm_runtime.template import Arg
from digirm_runtime.tree import Operation, Tree

_REF = "#/components/schemas/"
_ANY: dict[str, Any] = {}
_TEXT = {"type": "string"}
_TIME = "ISO 8601, milliseconds since 1970, or relative as `-1d`."
#: What the protocol says of parameters, the same for every path that takes them.
_PARAMETERS: dict[str, dict[str, Any]] = {
    "size": {
        "description": "Objects on a page.",
        "schema": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 1000},
    },
    "cursor": {
        "description": "The `cursor` of the page before; all other parameters must stay as they were.",
        "schema": _TEXT,
    },
    "start_time": {"description": f"From this time on: {_TIME}", "schema": _TEXT},
    "end_time": {"description": f"Up to this time, exclusive: {_TIME}", "schema": _TEXT},
}
_ERRORS = {
    "400": ("BadRequest", "What was sent is wrong."),
    "401": ("Unauthorized", "The credentials are missing or wrong."),
    "403": ("Forbidden", "The user must not do this, or the account is not subscribed to it."),
    "404": ("NotFound", "There is no such object, or no such path."),
    "429": ("Throttled", "More requests than the account allows."),
}
_SECURITY = {
    "basic": {"type": "http", "scheme": "basic", "description": "User name and password."},
    "apiKeyId": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-KEY-ID",
        "description": "Id of an API key; goes together with its secret.",
    },
    "apiKeySecret": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-KEY-SECRET",
        "description": "Secret of an API key; goes together with its id.",
    },
}
_ERROR = {
    "type": "object",
    "properties": {
        "error_message": {"type": "string"},
        "error_status": {"type": "integer", "description": "The HTTP status."},
        "error_context": {"description": "In a list of several results: the item as it was sent."},
    },
    "required": ["error_message"],
}
_PAGE = {
    "type": "object",
    "properties": {
        "count": {"type": "integer", "description": "Objects on this page, not in all."},
        "list": {"type": "array"},
        "size": {"type": "integer", "description": "Objects that a page holds at most."},
        "cursor": {"type": "string", "description": "For the next page; a page that is not full has none."},
        "next_uri": {"type": "string", "description": "Path and query of the next page."},
    },
    "required": ["count", "list"],
}
_SELF_DOCUMENTATION = {
    "type": "object",
    "properties": {
        "count": {"type": "integer"},
        "list": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"path": _TEXT, "requests": {"type": "array", "items": {"type": "object"}}},
                "required": ["path"],
            },
        },
    },
    "required": ["count", "list"],
}
_OWN: dict[str, dict[str, Any]] = {"Error": _ERROR, "Page": _PAGE, "SelfDocumentation": _SELF_DOCUMENTATION}


def argument(name: str, arg: Arg) -> dict[str, Any]:
    """A path argument; it is never empty."""
    found: dict[str, Any] = {"name": name, "in": "path", "required": True}
    if arg.multi:
        found["description"] = "May hold `/`, which is sent as it is."
        found["x-multi-segment"] = True
    return found | {"schema": {"type": "string", "minLength": 1}}


def parameter(wire: str, operation: Operation, columns: Sequence[str]) -> dict[str, Any]:
    """A query parameter; `columns` are those that a CSV answer is known to have."""
    found: dict[str, Any] = {"name": wire, "in": "query"}
    if wire == "query":
        return found | _query(operation)
    if wire == "orderby":
        sortable = ", ".join(f"`{field.name}`" for field in operation.query if field.orderby)
        known = f" Fields: {sortable}." if sortable else ""
        return found | {"description": f"Fields to sort by, each with `asc` or `desc`.{known}", "schema": _TEXT}
    if wire == "fields":
        known = f" Known: {', '.join(f'`{column}`' for column in columns)}." if columns else ""
        return found | {"description": f"Columns of the answer, with commas between them.{known}", "schema": _TEXT}
    return found | _PARAMETERS.get(wire, {"schema": _TEXT})


def _query(operation: Operation) -> dict[str, Any]:
    names = ", ".join(f"`{field.name}`" for field in operation.query)
    known = f" Fields: {names}." if names else ""
    found: dict[str, Any] = {"description": f"A condition in the API's query language.{known}", "schema": _TEXT}
    if operation.query:
        found["x-query-fields"] = [_field(field) for field in operation.query]
    return found


def _field(field: Field) -> dict[str, Any]:
    described: dict[str, Any] = {
        "field": field.name,
        "type": field.type,
        "operators": list(field.operators),
        "orderby": field.orderby,
    }
    if field.values:
        described["values"] = list(field.values)
    return described if field.certainty is None else described | {"x-certainty": field.certainty}


class Components:
    """The schemas of a spec's payloads under unique names, and what refers to them."""

    def __init__(self, spec: Spec, named: Tree, problems: list[str]) -> None:
        stems = render.modules(named.categories)
        nodes = {node.wire: node for node in named.categories}
        wires = {c.name: c.path.removeprefix(spec.base_path + "/").partition("/")[0] for c in spec.categories}
        found, self._places = schemas.definitions(
            spec,
            [schemas.Category(name, stems[wire], nodes[wire]) for name, wire in wires.items() if wire in nodes],
            problems,
            models.KINDS[models.DEFAULT],
        )
        # What can be changed of an object is what is read of it.
        self._read = {o.path: o for node in named.nodes() for o in node.operations if o.kind == "get"}
        self._names: dict[tuple[str, str], str] = {}
        taken = set(_OWN)
        for module, classes in sorted(found.items()):
            for name in sorted(classes):
                chosen = name
                while chosen in taken:
                    chosen = naming.camel((module, chosen))
                taken.add(chosen)
                self._names[module, name] = chosen
        self._schemas = {
            self._names[module, name]: self._moved(schema, module)
            for module, classes in found.items()
            for name, schema in classes.items()
        }

    def document(self) -> dict[str, Any]:
        """The `components` of the document."""
        everything = _OWN | self._schemas
        return {
            "schemas": {name: everything[name] for name in sorted(everything)},
            "responses": {name: _error(text) for name, text in _ERRORS.values()},
            "securitySchemes": _SECURITY,
        }

    def request_body(self, operation: Operation) -> dict[str, Any]:
        """The body that an operation takes: for a documented object any of its keys, for others anything."""
        place = self._places.place(operation)
        if place is None and operation.kind == "update" and operation.path in self._read:
            place = self._places.place(self._read[operation.path])
        content: dict[str, Any] = {"application/json": {"schema": _ANY}}
        if place is None:
            content["application/octet-stream"] = {"schema": _ANY}
        else:
            # The key that every stored object has need not be sent.
            stored = self._schemas[self._names[place]]
            schema: dict[str, Any] = {"type": "object", "properties": stored.get("properties", {})}
            if operation.kind == "create":
                schema = {"anyOf": [schema, {"type": "array", "items": schema}]}
            content = {"application/json": {"schema": schema}}
        found: dict[str, Any] = {} if place else {"description": "Nothing is known of its form."}
        if operation.needs_body:
            found["required"] = True
        return found | {"content": content}

    def responses(self, operation: Operation) -> dict[str, Any]:
        """The answers of an operation by status."""
        found = {status: _answer(text, content) for status, text, content in self._successes(operation)}
        found |= {status: {"$ref": f"#/components/responses/{name}"} for status, (name, _) in _ERRORS.items()}
        return found | {"default": _error("Any other failure; a proxy on the way may answer with HTML.", html=True)}

    def _successes(self, operation: Operation) -> list[tuple[str, str, dict[str, Any] | None]]:
        item, kind = self._item(operation), operation.kind
        if kind == "list":
            return [("200", "A page of objects.", _json(_page(item, operation.element)))]
        if kind == "describe":
            return [("200", "The paths below and what they take.", _json({"$ref": f"{_REF}SelfDocumentation"}))]
        if kind == "csv":
            return [("200", "Lines of CSV; the first holds the names of the columns.", {"text/csv": {"schema": _TEXT}})]
        if kind == "get":
            media = operation.media_type or "application/json"
            return [("200", "The object.", {media: {"schema": item if "json" in media else _ANY}})]
        if kind == "create":
            error = {"$ref": f"{_REF}Error"}
            mixed = _page({"anyOf": [error, item]} if item else _ANY)
            return [
                ("200", "What was stored.", _json(_ANY)),
                ("201", "What was created: a list, or the object itself.", _json({"anyOf": [_page(item), item]})),
                ("207", "Some objects were created, others were refused.", _json(mixed)),
            ]
        if kind in ("delete", "delete_all"):
            return [("204", "Done.", None), ("2XX", "As answered.", None)]
        return [("2XX", "As answered.", None)]

    def _item(self, operation: Operation) -> dict[str, Any]:
        place = self._places.place(operation)
        return _ANY if place is None else {"$ref": _REF + self._names[place]}

    def _moved(self, schema: Any, module: str) -> Any:
        """A schema whose references lead to the names given here."""
        if isinstance(schema, list):
            return [self._moved(item, module) for item in schema]
        if not isinstance(schema, dict):
            return schema
        if isinstance(target := schema.get("$ref"), str):
            return {"$ref": _REF + self._names[module, target.rpartition("/")[2]]}
        match schema.get("anyOf"):
            case [{"type": str(kind), **rest}, {"type": "null"}] if not rest:
                return {"type": [kind, "null"]}
        return {key: self._moved(value, module) for key, value in schema.items()}


def _page(item: dict[str, Any], element: str = "list") -> dict[str, Any]:
    page: dict[str, Any] = {"$ref": f"{_REF}Page"}
    if element != "list":
        return {"type": "object", "properties": {element: {"type": "array", "items": item}}}
    return {"allOf": [page, {"properties": {"list": {"type": "array", "items": item}}}]} if item else page


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _answer(description: str, content: dict[str, Any] | None) -> dict[str, Any]:
    return {"description": description} | ({} if content is None else {"content": content})


def _error(description: str, *, html: bool = False) -> dict[str, Any]:
    other = {"text/html": {"schema": _TEXT}} if html else {}
    return _answer(description, _json({"$ref": f"{_REF}Error"}) | other)
