"""Adding to, removing from and replacing in what was crawled: the effective spec changes, the captured one does not."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digirm_runtime import spec, tree
from tests.codegen.support import field, listing, path, request
from tests.support.overriding import KNOWN, spec_of, stale_of

INVENTORY = "/ws/v1/parts/inventory"
PARTS = {
    "parts": listing(
        path(INVENTORY, request("GET", "query", "size", query=[field("id", "Numeric", "=", "<")]), request("POST")),
        path("/ws/v1/parts/tape", request("GET"), note="as it was"),
        path("/ws/v1/parts/{id}", request("GET")),
    ),
    "bins": listing(path("/ws/v1/bins/inventory", request("GET"))),
    "odd": {"list": ["text", {"path": 5}, {"path": "/ws/v1/odd/x", "requests": ["text", {"method": 5}]}]},
}


def shape(found: spec.Spec) -> dict[str, Any]:
    """What a spec says, without fingerprints: method and path → parameters and fields; None for a bare path."""
    shown: dict[str, Any] = {}
    for category in found.categories:
        for listed in category.paths:
            if listed.requests is None:
                shown[listed.template] = None
            for described in listed.requests or ():
                fields = {f.name: (f.type, f.operators, f.orderby, f.certainty) for f in described.query}
                shown[f"{described.method} {listed.template}"] = (described.params, fields)
    return shown


PLAIN = shape(spec_of(PARTS))
GET = f"GET {INVENTORY}"
ID = {"id": ("Numeric", ("=", "<"), True, "inferred")}
AT = f'path = "{INVENTORY}", method = "GET"'


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ('add = [{ path = "/ws/v1/parts/new", KNOWN }]', {"/ws/v1/parts/new": None}),
        (
            f'add = [{{ path = "{INVENTORY}", method = "PUT", params = ["a"], KNOWN }}]',
            {f"PUT {INVENTORY}": (("a",), {})},
        ),
        ('add = [{ AT, parameter = "cursor", KNOWN }]', {GET: (("query", "size", "cursor"), ID)}),
        (
            'add = [{ AT, field = "age", type = "Numeric", operators = ["=", ">"], KNOWN }]',
            {GET: (("query", "size"), {"age": ("Numeric", ("=", ">"), False, "inferred"), **ID})},
        ),
        (
            'add = [{ AT, certainty = "documented", field = "z", type = "T", operators = ["="], orderby=true, KNOWN }]',
            {GET: (("query", "size"), {**ID, "z": ("T", ("=",), True, "documented")})},
        ),
        (f'remove = [{{ path = "{INVENTORY}", KNOWN }}]', {GET: "gone", f"POST {INVENTORY}": "gone"}),
        (f'remove = [{{ path = "{INVENTORY}", method = "POST", KNOWN }}]', {f"POST {INVENTORY}": "gone"}),
        ('remove = [{ AT, parameter = "size", KNOWN }]', {GET: (("query",), ID)}),
        ('remove = [{ AT, field = "id", KNOWN }]', {GET: (("query", "size"), {})}),
        (
            'remove = [{ AT, field = "id", operator = "<", KNOWN }]',
            {GET: (("query", "size"), {"id": ("Numeric", ("=",), True, "inferred")})},
        ),
        ('replace = [{ AT, params = ["size", "page"], KNOWN }]', {GET: (("size", "page"), ID)}),
        ("replace = [{ AT, params = [], KNOWN }]", {GET: ((), ID)}),
        (
            'replace = [{ AT, field = "id", type = "Text", KNOWN }]',
            {GET: (("query", "size"), {"id": ("Text", ("=", "<"), True, "inferred")})},
        ),
        (
            'replace = [{ AT, field = "id", operators = ["="], orderby = false, certainty = "recorded", KNOWN }]',
            {GET: (("query", "size"), {"id": ("Numeric", ("=",), False, "recorded")})},
        ),
        # What is removed can be added anew, and what is added built upon.
        (
            'remove = [{ AT, field = "id", KNOWN }]\n'
            'add = [{ AT, field = "id", type = "Text", operators = ["="], KNOWN }]',
            {GET: (("query", "size"), {"id": ("Text", ("=",), False, "inferred")})},
        ),
        (
            'add = [{ path = "/ws/v1/parts/new", KNOWN }, { path = "/ws/v1/parts/new", method = "GET", KNOWN }, '
            '{ path = "/ws/v1/parts/new", method = "GET", parameter = "size", KNOWN }]',
            {"GET /ws/v1/parts/new": (("size",), {})},
        ),
    ],
)
def test_an_edit_changes_what_it_names_and_nothing_else(text: str, changed: dict[str, Any]) -> None:
    before = copy.deepcopy(PARTS)
    found = spec_of(PARTS, text.replace("AT,", f"{AT},").replace("KNOWN", KNOWN))
    expected = {key: value for key, value in {**PLAIN, **changed}.items() if value != "gone"}
    assert shape(found) == expected
    assert before == PARTS
    plain = spec_of(PARTS)
    assert found.fingerprint == plain.fingerprint
    assert [c.fingerprint for c in found.categories] == [c.fingerprint for c in plain.categories]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f'add = [{{ path = "{INVENTORY}", KNOWN }}]', f"add: {INVENTORY}: it is in the spec already"),
        ("add = [{ AT, KNOWN }]", f"add: {GET}: it is in the spec already"),
        ('add = [{ AT, parameter = "size", KNOWN }]', f"add: {GET} parameter 'size': it is in the spec already"),
        (
            'add = [{ AT, field = "id", type = "T", operators = ["="], KNOWN }]',
            f"add: {GET} query field 'id': it is in the spec already",
        ),
        (
            'add = [{ path = "/ws/v1/none", method = "GET", KNOWN }]',
            "add: GET /ws/v1/none: the path is not in the spec",
        ),
        (
            'add = [{ path = "/ws/v1/parts/tape", method = "PUT", parameter = "a", KNOWN }]',
            "add: PUT /ws/v1/parts/tape parameter 'a': the request is not in the spec",
        ),
        ('add = [{ path = "/ws/v1/none/x", KNOWN }]', "add: /ws/v1/none/x: there is no category 'none'"),
        ('add = [{ path = "/etc/passwd", KNOWN }]', "add: /etc/passwd: the path does not begin with /ws/v1/"),
        ('add = [{ path = "/ws/v1/parts/../x", KNOWN }]', "add: /ws/v1/parts/../x: the path has a dot segment"),
        ('remove = [{ path = "/ws/v1/none", KNOWN }]', "remove: /ws/v1/none is not in the spec"),
        (
            f'remove = [{{ path = "{INVENTORY}", method = "PUT", KNOWN }}]',
            f"remove: PUT {INVENTORY} is not in the spec",
        ),
        ('remove = [{ AT, parameter = "a", KNOWN }]', f"remove: {GET} parameter 'a' is not in the spec"),
        ('remove = [{ AT, field = "a", KNOWN }]', f"remove: {GET} query field 'a' is not in the spec"),
        (
            'remove = [{ AT, field = "id", operator = ">", KNOWN }]',
            f"remove: {GET} query field 'id' operator '>' is not in the spec",
        ),
        ('replace = [{ AT, field = "a", type = "T", KNOWN }]', f"replace: {GET} query field 'a' is not in the spec"),
        (
            'replace = [{ path = "/ws/v1/none", method = "GET", params = [], KNOWN }]',
            "replace: GET /ws/v1/none is not in the spec",
        ),
    ],
)
def test_an_edit_that_does_not_apply_is_told(text: str, message: str) -> None:
    (stale,) = stale_of(PARTS, text.replace("AT,", f"{AT},").replace("KNOWN", KNOWN))
    assert stale[:2] == ((text.partition(" ")[0], 0), message)


def test_one_that_was_removed_is_not_there_to_be_replaced() -> None:
    text = (
        f'remove = [{{ path = "{INVENTORY}", {KNOWN} }}]\n'
        f"replace = [{{ {AT}, params = [], {KNOWN} }}]\n"
        f'names = {{ "{GET}" = {{ name = "parts.all", {KNOWN} }} }}'
    )
    assert [entry.address for entry in stale_of(PARTS, text)] == [("replace", 0), ("names", GET)]


def test_what_a_server_lists_twice_is_removed_twice() -> None:
    twice = {"parts": listing(*PARTS["parts"]["list"], path(INVENTORY, request("get")))}
    found = spec_of(twice, f'remove = [{{ path = "{INVENTORY}", {KNOWN} }}]')
    assert INVENTORY not in found.templates()
    assert not any("twice" in problem for problem in found.problems)


def test_an_added_path_can_be_called_and_says_how_sure_it_is() -> None:
    text = f"""
    add = [
        {{ path = "/ws/v1/parts/new", certainty = "documented", {KNOWN} }},
        {{ path = "/ws/v1/parts/new", method = "GET", certainty = "recorded", {KNOWN} }},
        {{ path = "/ws/v1/parts/new", method = "PUT", {KNOWN} }},
    ]
    """
    found = spec_of(PARTS, text)
    sure = {
        operation.wire: operation.certainty
        for node in tree.build(found).nodes()
        for operation in node.operations
        if operation.path == "/ws/v1/parts/new"
    }
    assert sure == {"GET /ws/v1/parts/new": "recorded", "PUT /ws/v1/parts/new": "inferred"}


def test_what_the_file_says_of_certainty_stands_before_the_edit_s_own() -> None:
    text = f"""
    certainty = [{{ {AT}, fields = ["id"], certainty = "documented", {KNOWN} }}]
    replace = [{{ {AT}, field = "id", type = "Text", certainty = "recorded", {KNOWN} }}]
    """
    assert shape(spec_of(PARTS, text))[GET][1] == {"id": ("Text", ("=", "<"), True, "documented")}


@given(st.data())
def test_what_is_removed_and_added_again_is_as_it_was(data: st.DataObject) -> None:
    kept = data.draw(st.lists(st.sampled_from(["id", "name", "age"]), unique=True, min_size=1))
    documents = {"parts": listing(path(INVENTORY, request("GET", *kept, query=[field(f, "T", "=") for f in kept])))}
    gone = data.draw(st.sampled_from(kept))
    text = (
        f'remove = [{{ {AT}, field = "{gone}", {KNOWN} }}]\n'
        f'add = [{{ {AT}, field = "{gone}", type = "T", operators = ["="], orderby = true, {KNOWN} }}]'
    )
    assert shape(spec_of(documents, text)) == shape(spec_of(documents))
