"""The generated and the dynamic client of one spec are the same tree: node by node, operation by operation."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digirm_codegen.generate import generate
from digirm_runtime import dynamic
from digirm_runtime.face import Method
from digirm_runtime.operation import Endpoint
from tests.codegen.support import GOLDEN, NUMERIC, ROOT, field, listing, path, request, write_spec

NOWHERE: dict[str, Any] = {"url": "http://127.0.0.1:9", "auth": ("a", "b")}
PACKAGES = {"digirm": ROOT / "specs" / "22.7", "tests.golden.small.package": GOLDEN / "specs"}
#: A generated package may have objects instead of dicts; what it makes of an answer is not what it asks for.
COMPARED = [slot for slot in Endpoint.__slots__ if not slot.startswith("_") and slot != "model"]

#: The type of an item is a class only where it was generated.
ITEM = re.compile(r"dict\[str, Any\]|\b(?!(?:Async)?(?:Listing|Rows)\b|Created\b|Awaitable\b|Any\b|str\b|bytes\b)\w+")


def nodes(branch: Any, above: tuple[tuple[str, str], ...] = ()) -> Iterator[tuple[tuple[tuple[str, str], ...], Any]]:
    """Every node below `branch`, by the wire names and attributes that lead to it."""
    for wire, attribute in branch._children.items():
        child = branch[wire]
        assert getattr(branch, attribute) is child
        place = (*above, (wire, attribute))
        yield place, child
        yield from nodes(child, place)


def described(client: Any) -> dict[tuple[tuple[str, str], ...], dict[str, Any]]:
    """All that can be seen of a client's tree."""
    dir(client)  # a dynamic client learns its names when it is asked for one
    return {
        place: {
            "doc": inspect.getdoc(type(node)),
            "attributes": sorted(name for name in dir(node) if not name.startswith("_")),
            "operations": {
                name: operation(node, name) for name, found in vars(type(node)).items() if isinstance(found, Method)
            },
        }
        for place, node in nodes(client)
    }


def operation(node: Any, name: str) -> dict[str, Any]:
    """An operation's method as a user sees it, and what it would ask for."""
    method = getattr(node, name)
    signature = inspect.signature(method)
    needed = [p.name for p in signature.parameters.values() if p.default is p.empty]
    made = inspect.unwrap(method)(*needed)
    return {
        "name": method.__name__,
        "parameters": [(p.name, p.kind, p.default, str(p.annotation)) for p in signature.parameters.values()],
        "result": ITEM.sub("T", str(signature.return_annotation)),
        # A generated text is wrapped, and names the typed fields that only a generated package has.
        "doc": "".join(method.__doc__.split()).partition("Queryfields")[0],
        "endpoint": {slot: getattr(made.endpoint, slot) for slot in COMPARED},
        "sent": (made.args, dict(made.params), made.body, made.limit, made.prefetch, made.typed),
    }


def assert_one(made: Any, generated: Any) -> None:
    """Both clients have the same tree."""
    ours, theirs = described(made), described(generated)
    assert list(ours) == list(theirs)
    for place, node in theirs.items():
        for name, found in node["operations"].items():
            for part, value in found.items():
                assert ours[place]["operations"][name][part] == value, (place, name, part)
        assert ours[place] == node, place


@cache
def package(name: str, flavour: str) -> Any:
    return getattr(importlib.import_module(f"{name}.client"), flavour)(**NOWHERE)


@pytest.mark.parametrize("name", PACKAGES)
@pytest.mark.parametrize("flavour", ["Client", "AsyncClient"])
def test_the_generated_and_the_dynamic_tree_are_one(name: str, flavour: str) -> None:
    make = dynamic.client if flavour == "Client" else dynamic.async_client
    assert_one(make(PACKAGES[name], **NOWHERE), package(name, flavour))


@pytest.mark.parametrize("name", PACKAGES)
def test_spec_info_and_the_query_language_are_the_same(name: str) -> None:
    generated, made = package(name, "Client"), dynamic.client(PACKAGES[name], **NOWHERE)
    assert made.spec_info == generated.spec_info
    assert made._package is not None
    tables = dict(generated._package.language.tables)
    own = made._package.language.tables
    assert {key: tables[key] for key in own} == own


HOSTILE = [
    "2fa-tokens",
    "__class__",
    "__init__",
    "_client",
    "_children",
    "_api",
    "_package",
    "a-b",
    "a_b",
    "A.B",
    "class",
    "None",
    "request",
    "fields",
    "spec_info",
    "url",
    "close",
    "inventory",
    "bulk",
    "list",
    "get",
    "create",
    "delete",
    "options",
    "limit",
    "prefetch",
    "typed",
    "body",
    "query",
    "cursor",
    "self",
    "args",
    "given",
    "named",
    "str",
    "dict",
    "camelCase",
    "---",
    "x" * 100,
]


def assert_same(folder: Path, documents: dict[str, Any], name: str) -> None:
    """Generate and import a client, and compare it with the dynamic one of its spec."""
    specs = write_spec(folder / "specs", documents)
    generate(specs, folder, name)
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        assert_one(dynamic.client(specs, **NOWHERE), package.__wrapped__(name, "Client"))
    finally:
        sys.path.remove(str(folder))
        for module in [module for module in sys.modules if module.partition(".")[0] == name]:
            del sys.modules[module]


def test_names_that_collide_or_belong_to_python(tmp_path: Path) -> None:
    paths = [
        path(
            f"/ws/v1/parts/{name}{end}",
            request("GET", *HOSTILE, query=[field("id", "Numeric", *NUMERIC)]),
            request("POST", *HOSTILE),
            request("DELETE", name),
        )
        for name in HOSTILE
        for end in ("", "/{id}", "/{id}/{" + name + "}")
    ]
    others = {name: listing(path(f"/ws/v1/{name}", request("GET"))) for name in HOSTILE}
    assert_same(tmp_path, {**others, "parts": listing(*paths)}, "hostile_tree")


segments = st.sampled_from([*HOSTILE, "{id}", "{name:.+}", "{dry-run}"])
requests = st.builds(
    lambda method, params: request(method, *params),
    st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH"]),
    st.lists(st.sampled_from(HOSTILE), max_size=4, unique=True),
)
paths = st.builds(
    lambda below, found: path("/".join(("/ws/v1/parts", *below)), *found),
    st.lists(segments, max_size=4),
    st.lists(requests, max_size=3),
)


@settings(max_examples=25)
@given(st.lists(paths, max_size=6))
def test_any_spec_gives_one_tree(found: list[dict[str, Any]]) -> None:
    with TemporaryDirectory() as folder:
        assert_same(Path(folder), {"parts": listing(*found)}, "any_tree")
