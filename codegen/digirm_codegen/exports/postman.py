"""A spec as a Postman collection, format 2.1.0.

Folders are the segments of paths, requests the operations of the client. Credentials are variables without a value.
"""

from __future__ import annotations

import json
import uuid
from typing import Any
from urllib.parse import quote

from digirm_codegen.exports.operations import arguments, hint, operation_doc, origin, title, variable
from digirm_codegen.exports.payloads import Payloads
from digirm_codegen.exports.text import code, plain, prose
from digirm_runtime import tree
from digirm_runtime.spec import Spec
from digirm_runtime.template import Arg
from digirm_runtime.tree import Node, Operation

SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
_BASE = "base_url"
_SECRETS = {
    "username": "Of a user, for basic authentication.",
    "password": "Belongs into the current value or a vault, not into a shared collection.",
    "api_key_id": "Of an API key; its requests have the two headers enabled, and no authorization.",
    "api_key_secret": "Belongs into the current value or a vault, not into a shared collection.",
}
_KEY_HEADERS = {"X-API-KEY-ID": "{{api_key_id}}", "X-API-KEY-SECRET": "{{api_key_secret}}"}
_MULTI = "May hold `/`, which the service takes as it is."
_SPACE = uuid.uuid5(uuid.NAMESPACE_URL, SCHEMA)


def export(spec: Spec, server: str, problems: list[str]) -> str:
    """The collection for the service at `server` as JSON; what is left out of it is added to `problems`."""
    named = tree.build(spec)
    problems += named.problems
    folders = _Folders(spec, Payloads(spec, named, problems))
    about = [
        f"API version {code(spec.api_version)} ({code(spec.provenance)}, {code(spec.fingerprint)}).",
        *origin(spec),
    ]
    collection = {
        "info": {
            "_postman_id": _id(spec.base_path, spec.api_version),
            "name": plain(f"{title(spec)} ({spec.api_version})"),
            "description": " ".join(about),
            "schema": SCHEMA,
        },
        "item": [folders.folder(category) for category in named.categories],
        "auth": {
            "type": "basic",
            "basic": [{"key": key, "value": f"{{{{{key}}}}}", "type": "string"} for key in ("username", "password")],
        },
        "variable": [
            {"key": _BASE, "value": server.rstrip("/"), "description": "The service."},
            *({"key": key, "value": "", "description": said} for key, said in _SECRETS.items()),
        ],
    }
    return json.dumps(collection, indent=2, allow_nan=False) + "\n"


class _Folders:
    """Makes the folders and requests of one spec."""

    def __init__(self, spec: Spec, payloads: Payloads) -> None:
        self._spec = spec
        self._payloads = payloads

    def folder(self, node: Node) -> dict[str, Any]:
        return {
            "name": plain(node.wire),
            "id": _id(*node.path),
            "item": [*map(self._item, node.operations), *map(self.folder, node.children)],
        }

    def _item(self, operation: Operation) -> dict[str, Any]:
        request: dict[str, Any] = {"method": operation.method, "header": _headers(operation)}
        if operation.has_body:
            body = self._payloads.body(operation)
            request["body"] = {"mode": "raw", "raw": body, "options": {"raw": {"language": "json"}}}
        request["url"] = self._url(operation)
        if said := _description(self._spec, operation):
            request["description"] = said
        return {"name": operation.name, "id": _id(operation.method, operation.path), "request": request, "response": []}

    def _url(self, operation: Operation) -> dict[str, Any]:
        segments, args = arguments(operation)
        names = {arg.wire: param.name for arg, param in zip(args, operation.args, strict=True)}
        # A path variable is a whole segment; an argument that is only part of one becomes an ordinary variable.
        path = ["".join(_part(part, names, whole=len(segment) == 1) for part in segment) for segment in segments]
        found: dict[str, Any] = {
            "raw": f"{{{{{_BASE}}}}}/{'/'.join(path)}",
            "host": [f"{{{{{_BASE}}}}}"],
            "path": path,
        }
        if operation.params:
            found["query"] = [self._param(operation, param.wire) for param in operation.params]
        variables = [segment[0] for segment in segments if len(segment) == 1 and isinstance(segment[0], Arg)]
        if variables:
            found["variable"] = [
                {"key": names[arg.wire], "value": "", **({"description": _MULTI} if arg.multi else {})}
                for arg in variables
            ]
        return found

    def _param(self, operation: Operation, wire: str) -> dict[str, Any]:
        said = hint(self._spec, operation, wire)
        found = {"key": quote(wire, safe=""), "value": "", "disabled": True}
        return found | {"description": said} if said else found


def _part(part: str | Arg, names: dict[str, str], *, whole: bool) -> str:
    if isinstance(part, str):
        return "%3A" + part[1:] if part.startswith(":") else part
    return f":{names[part.wire]}" if whole else f"{{{{{variable(names[part.wire])}}}}}"


def _headers(operation: Operation) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"key": key, "value": value, "description": "Instead of the authorization.", "disabled": True}
        for key, value in _KEY_HEADERS.items()
    ]
    return [{"key": "Content-Type", "value": "application/json"}, *found] if operation.has_body else found


def _description(spec: Spec, operation: Operation) -> str:
    certainty = f"Certainty: {operation.certainty}." if operation.certainty else ""
    return " ".join(filter(None, (prose(operation_doc(spec, operation)), certainty)))


def _id(*parts: str) -> str:
    """An id that is always the same for the same thing."""
    return str(uuid.uuid5(_SPACE, ascii(parts)))
