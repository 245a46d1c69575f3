"""The parts of an OpenAPI document: parameters, bodies, answers, and the schemas of payloads."""

from __future__ import annotations

from typing import Any

from digirm_codegen.exports.language import Language
from digirm_codegen.exports.operations import hint
from digirm_codegen.exports.payloads import Payloads, unique
from digirm_runtime.spec import Spec
from digirm_runtime.template import Arg
from digirm_runtime.tree import Operation, Tree

_REF = "#/components/schemas/"
_ANY: dict[str, Any] = {}
_TEXT = {"type": "string"}
_SIZE = {"type": "integer", "minimum": 1, "maximum": 1000, "default": 1000}
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
_PAGE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "count": {"type": "integer", "description": "Objects on this page, not in all."},
        "list": {"type": "array", "items": _ANY},
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
#: The schemas of every document, whatever the spec.
_OWN: dict[str, dict[str, Any]] = {"Error": _ERROR, "Page": _PAGE, "SelfDocumentation": _SELF_DOCUMENTATION}


def argument(name: str, arg: Arg) -> dict[str, Any]:
    """A path argument; it is never empty."""
    found: dict[str, Any] = {"name": name, "in": "path", "required": True}
    if arg.multi:
        found["description"] = "May hold `/`, which is sent as it is."
        found["x-multi-segment"] = True
    return found | {"schema": {"type": "string", "minLength": 1}}


def parameter(spec: Spec, language: Language, operation: Operation, wire: str) -> dict[str, Any]:
    """A query parameter."""
    found: dict[str, Any] = {"name": wire, "in": "query"}
    if said := hint(spec, operation, wire):
        found["description"] = said
    found["schema"] = _SIZE if wire == "size" else _TEXT
    if wire == "query" and operation.query:
        found["x-query-fields"] = [language.field(field) for field in operation.query]
    return found


class Components:
    """What operations of a document refer to, and the references."""

    def __init__(self, spec: Spec, named: Tree, problems: list[str]) -> None:
        self._payloads = Payloads(spec, named, problems, root=_REF, taken=_OWN)
        self._schemas = {**_OWN, **self._payloads.schemas}
        self._used = set(self._schemas)
        self._wrapped: dict[tuple[str, str, str], str] = {}

    def document(self) -> dict[str, Any]:
        """The `components` of the document, for the operations that were asked for."""
        return {
            "schemas": {name: self._schemas[name] for name in sorted(self._schemas)},
            "responses": {name: _error(text) for name, text in _ERRORS.values()},
            "securitySchemes": _SECURITY,
        }

    def request_body(self, operation: Operation) -> dict[str, Any]:
        """The body that an operation takes: for a documented object any of its keys, for others anything."""
        name = self._payloads.taken(operation)
        content: dict[str, Any] = {"application/json": {"schema": _ANY}}
        if name is None:
            content["application/octet-stream"] = {"schema": _ANY}
        else:
            # The key that every stored object has need not be sent.
            schema: dict[str, Any] = {"type": "object", "properties": self._schemas[name].get("properties", {})}
            if operation.kind == "create":
                schema = {"anyOf": [schema, {"type": "array", "items": schema}]}
            content = {"application/json": {"schema": schema}}
        found: dict[str, Any] = {} if name else {"description": "Nothing is known of its form."}
        if operation.needs_body:
            found["required"] = True
        return found | {"content": content}

    def responses(self, operation: Operation) -> dict[str, Any]:
        """The answers of an operation by status."""
        found = {status: _answer(text, content) for status, text, content in self._successes(operation)}
        found |= {status: {"$ref": f"#/components/responses/{name}"} for status, (name, _) in _ERRORS.items()}
        return found | {"default": _error("Any other failure; a proxy on the way may answer with HTML.", html=True)}

    def _successes(self, operation: Operation) -> list[tuple[str, str, dict[str, Any] | None]]:
        name, kind = self._payloads.answered(operation), operation.kind
        item = _ANY if name is None else {"$ref": _REF + name}
        if kind == "list":
            return [("200", "A page of objects.", _json(self._page(name, operation.element)))]
        if kind == "describe":
            return [("200", "The paths below and what they take.", _json({"$ref": f"{_REF}SelfDocumentation"}))]
        if kind == "csv":
            return [("200", "Lines of CSV; the first holds the names of the columns.", {"text/csv": {"schema": _TEXT}})]
        if kind == "get":
            media = operation.media_type or "application/json"
            return [("200", "The object.", {media: {"schema": item if "json" in media else _ANY}})]
        if kind == "create":
            page = self._page(name)
            return [
                ("200", "What was stored.", _json(_ANY)),
                ("201", "What was created: a list, or the object itself.", _json({"anyOf": [page, item]})),
                ("207", "Some objects were created, others were refused.", _json(self._page(name, mixed=True))),
            ]
        if kind in ("delete", "delete_all"):
            return [("204", "Done.", None), ("2XX", "As answered.", None)]
        return [("2XX", "As answered.", None)]

    def _page(self, item: str | None, element: str = "list", *, mixed: bool = False) -> dict[str, Any]:
        """A reference to the schema of a page of objects, or of results where some may be errors."""
        if element == "list" and item is None:
            return {"$ref": f"{_REF}Page"}
        key = (item or "", element, "Results" if mixed else "Page")
        if key not in self._wrapped:
            # Whole, not as `allOf` of a page and more: generators of clients merge the two wrongly.
            schema: dict[str, Any] = _ANY if item is None else {"$ref": _REF + item}
            if mixed:
                schema = {"anyOf": [{"$ref": f"{_REF}Error"}, schema]}
            items = {"type": "array", "items": schema}
            self._wrapped[key] = unique(f"{key[0]}{key[2]}", "Some", self._used)
            self._schemas[self._wrapped[key]] = (
                {**_PAGE, "properties": {**_PAGE["properties"], "list": items}}
                if element == "list"
                else {"type": "object", "properties": {element: items}}
            )
        return {"$ref": _REF + self._wrapped[key]}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _answer(description: str, content: dict[str, Any] | None) -> dict[str, Any]:
    return {"description": description} | ({} if content is None else {"content": content})


def _error(description: str, *, html: bool = False) -> dict[str, Any]:
    other = {"text/html": {"schema": _TEXT}} if html else {}
    return _answer(description, _json({"$ref": f"{_REF}Error"}) | other)
