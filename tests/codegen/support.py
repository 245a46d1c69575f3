"""Spec folders made from documents, as a crawl would write them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from digirm_runtime import spec as specs

GOLDEN = Path(__file__).parent.parent / "golden" / "small"
ROOT = Path(__file__).parent.parent.parent


def write_spec(
    folder: Path,
    documents: Mapping[str, Any],
    *,
    overrides: str = "",
    base_path: str = "/ws/v1",
    api_version: str = "9.1",
    provenance: str = "reconstructed",
) -> Path:
    """Write category documents as a spec folder."""
    folder.mkdir(parents=True, exist_ok=True)
    categories = {}
    for name, document in documents.items():
        normal = specs.normalise(document)
        (folder / f"{specs.file_stem(name)}.json").write_bytes(specs.canonical(normal))
        categories[name] = {"path": f"{base_path}/{name}", "fingerprint": specs.fingerprint(normal)}
    index = {
        "format": specs.FORMAT,
        "api_version": api_version,
        "base_path": base_path,
        "provenance": provenance,
        "fingerprint": specs.fingerprint({entry["path"]: entry["fingerprint"] for entry in categories.values()}),
        "categories": categories,
        "unavailable": {},
    }
    (folder / "index.json").write_bytes(specs.canonical(index))
    if overrides:
        (folder / "overrides.toml").write_text(overrides, "utf-8")
    return folder


def listing(*paths: dict[str, Any], **extra: Any) -> dict[str, Any]:
    """A category's document."""
    return {"count": len(paths), "list": list(paths), **extra}


def path(template: str, *requests: dict[str, Any], **extra: Any) -> dict[str, Any]:
    """An entry of a category's document."""
    return {"path": template, "requests": list(requests), **extra}


def request(method: str, *params: str, query: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """A request of a path."""
    return {"method": method, "params": list(params), **({} if query is None else {"query": query})}


def field(name: str, kind: str, *operators: str, orderby: bool = True) -> dict[str, Any]:
    """A query field of a request."""
    return {"field": name, "operators": list(operators), "orderby": orderby, "type": kind}


def tree_of(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, caches aside."""
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and "__pycache__" not in file.parts
    }


NUMERIC = ("=", "<>", "<", "<=", ">", ">=")
TEXT = ("=", "contains", "startsWith", "endsWith", "<>", "<", "<=", ">", ">=")

#: The API of the golden package: five endpoints, each of another kind.
SMALL = {
    "parts": listing(
        path(
            "/ws/v1/parts/inventory",
            request(
                "GET",
                "query",
                "orderby",
                "size",
                "cursor",
                query=[
                    field("id", "Numeric", *NUMERIC),
                    field("name", "Text", *TEXT),
                    field("state", "Enumerated", "=", "<>"),
                    field("made", "Timestamp", *NUMERIC),
                ],
            ),
            request("POST", "dry-run"),
        ),
        path("/ws/v1/parts/inventory/{partId}", request("GET"), request("PUT"), request("DELETE")),
        path(
            "/ws/v1/parts/bulk",
            request("GET", "query", "fields", query=[field("name", "Text", *TEXT)]),
        ),
        path("/ws/v1/parts/labels/{name:.+}", request("GET")),
        path("/ws/v1/parts/recount/{id}", request("POST", "limit")),
    )
}
SMALL_OVERRIDES = """\
format = 1

certainty = [
    { path = "/ws/v1/parts/inventory", method = "GET", certainty = "recorded", source = "seen", reason = "printed" },
]

[names]
"POST /ws/v1/parts/recount/{id}" = { name = "parts.recount", source = "the manual", reason = "an action" }

[[operation]]
method = "GET"
path = "/ws/v1/parts/inventory"
schema = "Part"
doc = "Parts in stock."
source = "the manual"
reason = "described"

[[operation]]
method = "POST"
path = "/ws/v1/parts/inventory"
schema = "Part"
source = "the manual"
reason = "described"

[[operation]]
method = "GET"
path = "/ws/v1/parts/inventory/{partId}"
schema = "Part"
source = "the manual"
reason = "described"

[[operation]]
method = "GET"
path = "/ws/v1/parts/labels/{name:.+}"
media_type = "image/png"
source = "the manual"
reason = "described"

[[operation]]
method = "POST"
path = "/ws/v1/parts/recount/{id}"
kind = "call"
source = "the manual"
reason = "an action"

[[values]]
field = "state"
values = ["new", "used"]
paths = ["/ws/v1/parts/inventory"]
source = "the manual"
reason = "listed"

[schemas.Part]
category = "parts"
key = "id"
source = "the manual"
reason = "described"

[schemas.Part.properties]
id = "integer"
name = "string"
sha-512 = "string"
maker = "Maker"
tags = "string[]"
notes = "any"

[schemas.Maker]
category = "parts"
source = "the manual"
reason = "part of a part"

[schemas.Maker.properties]
name = "string"
"""
