"""A spec as an OpenAPI 3.1 document: what other people's tools read.

The operations are those of the tree that clients show, so `operationId` is the name of the client's method
(`devices.inventory.list`). Everything else is what the spec and its overrides say; what they do not say stays open.
What OpenAPI has no word for stands in extensions: `x-certainty` tells how sure an operation or a query field is,
`x-provenance` whether the spec was crawled (`live`) or `reconstructed`, `x-unavailable` what could not be captured,
`x-query-language` how a `query` is written and `x-query-fields` what it can ask for; `x-multi-segment` marks an
argument that takes `/` as it is.
"""

from __future__ import annotations

import json
import re
from typing import Any

from digirm_codegen.exports import openapi_schemas as parts
from digirm_codegen.exports.language import Language
from digirm_codegen.exports.operations import arguments, listed, operation_doc, origin, path_with, title
from digirm_runtime import tree
from digirm_runtime.spec import Spec
from digirm_runtime.template import Arg, shape
from digirm_runtime.tree import Operation

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_.-]+")


def export(spec: Spec, server: str, problems: list[str]) -> str:
    """The document for the service at `server` as JSON; what is left out of it is added to `problems`."""
    # Escaped, so that whatever a server put into a name can be written.
    return json.dumps(document(spec, server, problems), indent=2, allow_nan=False) + "\n"


def document(spec: Spec, server: str, problems: list[str]) -> dict[str, Any]:
    """The document, with its keys in the order to write them. Raises SpecError where an override makes no sense."""
    named = tree.build(spec)
    problems += named.problems
    language = Language(spec)
    components = parts.Components(spec, named, problems)
    paths = _Paths(spec, language, components, problems)
    # In the order of their templates, so that it depends on nothing else which of two has its names of arguments.
    for found in sorted(listed(named), key=lambda found: (found.operation.path, found.operation.method)):
        paths.add(*found)
    unavailable = {name: {"status": status, "kind": kind} for name, (status, kind) in sorted(spec.unavailable.items())}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": title(spec),
            "version": spec.api_version,
            "description": " ".join(origin(spec)),
            "x-provenance": spec.provenance,
            "x-fingerprint": spec.fingerprint,
            **({"x-unavailable": unavailable} if unavailable else {}),
        },
        "servers": [{"url": server}],
        "security": [{"basic": []}, {"apiKeyId": [], "apiKeySecret": []}],
        "tags": [{"name": category.wire} for category in named.categories],
        "paths": {key: paths.items[key] for key in sorted(paths.items)},
        "components": components.document(),
        **({"x-query-language": language.document()} if language.operators else {}),
    }


class _Paths:
    """The path items; templates that differ in nothing but the names of arguments are one path in OpenAPI."""

    def __init__(self, spec: Spec, language: Language, components: parts.Components, problems: list[str]) -> None:
        self.items: dict[str, dict[str, Any]] = {}
        self._spec = spec
        self._language = language
        self._components = components
        self._problems = problems
        self._by_shape: dict[str, tuple[str, list[str]]] = {}

    def add(self, category: str, dotted: str, operation: Operation) -> None:
        segments, args = arguments(operation)
        own = [arg.wire if _PLAIN_NAME.fullmatch(arg.wire) else arg.name for arg in operation.args]
        key, names = self._by_shape.setdefault(shape(operation.template), (path_with(segments, own), own))
        item = self.items.setdefault(key, {})
        if operation.method.lower() in item:
            self._problems.append(f"{operation.wire}: OpenAPI cannot tell it from {operation.method} {key}; left out")
            return
        item[operation.method.lower()] = self._operation(category, dotted, operation, names, args)

    def _operation(
        self, category: str, dotted: str, operation: Operation, names: list[str], args: tuple[Arg, ...]
    ) -> dict[str, Any]:
        described: dict[str, Any] = {"operationId": dotted, "tags": [category]}
        if said := operation_doc(self._spec, operation):
            described["summary"] = said
        if operation.certainty is not None:
            described["x-certainty"] = operation.certainty
        parameters = [parts.argument(name, arg) for name, arg in zip(names, args, strict=True)]
        parameters += [parts.parameter(self._spec, self._language, operation, p.wire) for p in operation.params]
        if parameters:
            described["parameters"] = parameters
        if operation.has_body:
            described["requestBody"] = self._components.request_body(operation)
        described["responses"] = self._components.responses(operation)
        return described
