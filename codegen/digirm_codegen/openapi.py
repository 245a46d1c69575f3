"""A spec as an OpenAPI 3.1 document: what other people's tools read.

The operations are those of the tree that clients show, so `operationId` is the name of the client's method
(`devices.inventory.list`). Everything else is what the spec and its overrides say; what they do not say stays open.
`x-certainty` tells how sure an operation or a query field is, `x-provenance` whether the spec was crawled (`live`) or
`reconstructed`, `x-query-fields` what can be asked for; `x-multi-segment` marks an argument that takes `/` as it is.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from digirm_codegen import openapi_schemas as parts
from digirm_runtime import template, tree
from digirm_runtime.credentials import DEFAULT_URL
from digirm_runtime.spec import Spec
from digirm_runtime.template import Arg, Segment
from digirm_runtime.tree import Node, Operation

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_.-]+")


class Exported(NamedTuple):
    """The document, with its keys in the order to write them, and sentences about what was left out of it."""

    document: dict[str, Any]
    problems: list[str]

    def text(self) -> str:
        """The document as JSON; the same spec gives the same bytes."""
        # Escaped, so that whatever a server put into a name can be written.
        return json.dumps(self.document, indent=2, allow_nan=False) + "\n"


def export(spec: Spec, server: str = DEFAULT_URL) -> Exported:
    """The OpenAPI document of `spec` for the service at `server`."""
    named = tree.build(spec)
    problems = [*spec.problems, *named.problems]
    components = parts.Components(spec, named, problems)
    paths = _Paths(spec, components, problems)
    found = [(category.wire, *entry) for category in named.categories for entry in _walk(category, "")]
    # In the order of their templates, so that it depends on nothing else which of two has its names of arguments.
    for tag, dotted, operation in sorted(found, key=lambda entry: (entry[2].path, entry[2].method)):
        paths.add(tag, dotted, operation)
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": f"Remote Manager {spec.base_path}",
            "version": spec.api_version,
            "description": _DESCRIPTION[spec.provenance == "live"],
            "x-provenance": spec.provenance,
            "x-fingerprint": spec.fingerprint,
        },
        "servers": [{"url": server}],
        "security": [{"basic": []}, {"apiKeyId": [], "apiKeySecret": []}],
        "tags": [{"name": category.wire} for category in named.categories],
        "paths": {key: paths.items[key] for key in sorted(paths.items)},
        "components": components.document(),
    }
    return Exported(document, problems)


_DESCRIPTION = {
    True: "Made by digirm from what the service says about itself.",
    False: "Made by digirm from a specification that was reconstructed from public sources; `x-certainty` says of each "
    "operation how sure it is.",
}


def _walk(node: Node, above: str) -> list[tuple[str, Operation]]:
    """The operations of a node and of all below it under their dotted names."""
    dotted = f"{above}{node.attribute}."
    own = [(f"{dotted}{operation.name}", operation) for operation in node.operations]
    return own + [found for child in node.children for found in _walk(child, dotted)]


class _Paths:
    """The path items; templates that differ in nothing but the names of arguments are one path in OpenAPI."""

    def __init__(self, spec: Spec, components: parts.Components, problems: list[str]) -> None:
        self.items: dict[str, dict[str, Any]] = {}
        self._spec = spec
        self._components = components
        self._problems = problems
        self._by_shape: dict[str, tuple[str, list[str]]] = {}

    def add(self, tag: str, dotted: str, operation: Operation) -> None:
        segments = template.parse(operation.template)
        own = [arg.wire if _PLAIN_NAME.fullmatch(arg.wire) else arg.name for arg in operation.args]
        key, names = self._by_shape.setdefault(_text(segments, [""] * len(own)), (_text(segments, own), own))
        item = self.items.setdefault(key, {})
        if operation.method.lower() in item:
            self._problems.append(f"{operation.wire}: OpenAPI cannot tell it from {operation.method} {key}; left out")
            return
        item[operation.method.lower()] = self._operation(tag, dotted, operation, names, template.args(segments))

    def _operation(
        self, tag: str, dotted: str, operation: Operation, names: list[str], args: tuple[Arg, ...]
    ) -> dict[str, Any]:
        described: dict[str, Any] = {"operationId": dotted, "tags": [tag]}
        if operation.doc:
            described["summary"] = operation.doc
        if operation.certainty is not None:
            described["x-certainty"] = operation.certainty
        parameters = [parts.argument(name, arg) for name, arg in zip(names, args, strict=True)]
        columns = self._spec.overrides.columns_entry(operation.path)
        parameters += [parts.parameter(p.wire, operation, columns.columns if columns else ()) for p in operation.params]
        if parameters:
            described["parameters"] = parameters
        if operation.has_body:
            described["requestBody"] = self._components.request_body(operation)
        described["responses"] = self._components.responses(operation)
        return described


def _text(segments: tuple[Segment, ...], names: list[str]) -> str:
    """A template with `names` for its arguments."""
    rest = iter(names)
    return "".join(
        "/" + "".join(part if isinstance(part, str) else f"{{{next(rest)}}}" for part in segment)
        for segment in segments
    )
