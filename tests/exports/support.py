"""Specs to export, hostile and not, and readers of what is exported."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from hypothesis import strategies as st

from digirm_codegen.exports import Exported, export
from digirm_runtime import spec as specs
from digirm_runtime import tree
from digirm_runtime.overrides import Overrides, SchemaEntry
from digirm_runtime.spec import Spec
from tests.codegen.support import NUMERIC, ROOT, field, listing, path, request

SPECS = ROOT / "specs" / "22.7"

HOSTILE = (
    *("a|b", "a\\|b", "`", "``", "a`b|", "<script>alert(1)</script>", "<!--", "-->", "[x](https://evil.example)"),
    *("![x](y)", "&amp;", "\\", "\n### GET http://evil.example", "a\nb", "a\r\nX-Evil: 1", "\u2028", "\u2029", "\x85"),
    *("\u202eevil", "\u2066x", "\x00", "\x1b[31m", "\ud800", "# @name x", "@note", "{{host}}", "{{$processEnv HOME}}"),
    *("< /etc/passwd", "> {% client.log(1) %}", "%0d%0a", "?a=b&c=d", "#", ":x", "://", "../../etc", "/etc/passwd"),
    *("readme", "README", "con", "index", "host", "username", "$ref", "anyOf", "__proto__", "| a |\n|---|", "   ", "'"),
    *("https://evil.example", "www.evil.example", "a@evil.example", "{", "}", "}}", '"', "###", "a" * 150, "über"),
)
names = st.sampled_from(HOSTILE) | st.text(min_size=1, max_size=30)


class Hostile(NamedTuple):
    """Texts that a hostile server, or a hostile file of overrides, puts into every place."""

    segment: str
    argument: str
    param: str
    field: str
    key: str
    prose: str


hostiles = st.builds(Hostile, names, names, names, names, names, names)


def hostile_spec(texts: Hostile) -> Spec:
    """A spec with those texts in every place, and an innocent entry between them."""
    entry = request("GET", texts.param, "query", "orderby", query=[field(texts.field, texts.field, *NUMERIC)])
    documents = {
        "parts": listing(
            path(f"/ws/v1/parts/{texts.segment}", entry, request("POST", texts.param), request("DELETE")),
            path(f"/ws/v1/parts/{texts.segment}/{{{texts.argument}}}", entry, request("PUT", texts.param)),
            path(f"/ws/v1/parts/x{{{texts.argument}}}", entry, request("PUT")),
            path("/ws/v1/parts/good/{id}", request("GET", "size"), request("PUT")),
        )
    }
    category = texts.segment
    if _can_be_listed(category):
        documents[category] = listing(path(f"/ws/v1/{category}", request("GET")))
    said: dict[str, Any] = {"source": texts.prose, "reason": texts.prose}
    at = {**said, "path": "/ws/v1/parts/good/{id}"}
    return specs.from_documents(
        documents,
        api_version=texts.prose,
        base_path="/ws/v1",
        provenance="reconstructed",
        unavailable={texts.key: (500, texts.key)},
        schemas={"parts": {"$defs": {"Part": {"properties": {texts.key: {"type": "string"}}}}}},
        overrides=Overrides(
            certainty=(_entry("CertaintyEntry", **at, certainty="documented"),),
            operation=tuple(
                _entry("OperationEntry", **at, method=method, schema="Part", doc=texts.prose)
                for method in ("GET", "PUT")
            ),
            schemas={"Part": SchemaEntry(**said, category="parts", properties={"id": "any", texts.key: "string"})},
        ),
    )


def _entry(name: str, **values: Any) -> Any:
    from digirm_runtime import overrides

    return getattr(overrides, name)(**values)


def _can_be_listed(category: str) -> bool:
    named = tree.build(
        specs.from_documents(
            {"x": listing(path(f"/ws/v1/{category}", request("GET")))},
            api_version="1",
            base_path="/ws/v1",
            provenance="live",
        )
    )
    return bool(named.categories) and category not in ("x", "parts")


@cache
def loaded() -> Spec:
    return specs.load(SPECS)


@cache
def whole(name: str) -> Exported:
    """The default spec in a format, as one text."""
    found = export(loaded(), name)
    assert found.problems == []
    return found


class HttpRequest(NamedTuple):
    """A request of a `.http` file: what it is called, whether an editor asks first, what it sends, what it offers."""

    name: str
    asks: bool
    method: str
    url: str
    headers: dict[str, str]
    body: str
    offered: list[str]


def http_file(text: str) -> tuple[dict[str, str], list[HttpRequest]]:
    """(variables, requests) of a `.http` file, read as VS Code's REST Client reads it."""
    lines = re.split(r"\r\n|\r|\n", text)
    marks = [number for number, line in enumerate(lines) if re.match(r"#{3,}", line)]
    variables = dict(line[1:].split(" = ", 1) for line in lines[: marks[0]] if line.startswith("@"))
    assert all(line == "" or line[0] in "#@" for line in lines[: marks[0]])
    blocks = zip(marks, [*marks[1:], len(lines)], strict=True)
    return variables, [_http_request(lines[start].lstrip("# "), lines[start + 1 : end]) for start, end in blocks]


def _http_request(name: str, lines: list[str]) -> HttpRequest:
    assert not any(re.match(r"\s*(#+|//+)\s*@(?!note$)", line) for line in lines)
    offered = [found[1] for line in lines if (found := re.fullmatch(r"#\s+&(\S+)=", line))]
    asks = any(re.fullmatch(r"\s*#\s*@note\s*", line) for line in lines)
    sent = iter([line for line in lines if not re.match(r"\s*(#|//)", line)])
    method, _, url = next(sent).partition(" ")
    headers = {}
    for line in sent:
        if not line.strip():
            break
        key, colon, value = line.partition(": ")
        assert colon, line
        headers[key] = value
    return HttpRequest(name, asks, method, url, headers, "\n".join(sent).strip(), offered)


def filled(text: str, variables: dict[str, str]) -> str:
    """A text with its variables replaced."""
    return re.sub(r"\{\{(\w+)\}\}", lambda found: variables[found[1]], text)


def requests_of(items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The requests of a Postman collection's items."""
    for item in items:
        if "request" in item:
            yield item
        else:
            yield from requests_of(item["item"])
