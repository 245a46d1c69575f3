"""Each kind of change: one small pair of captures, what is said of it, and what of the same pair turned round."""

from __future__ import annotations

import re

import pytest

from digirm_codegen.diff.compare import compare
from digirm_codegen.diff.documents import address, below
from digirm_codegen.diff.findings import CHECKS, LEVELS, MAX_LISTED, counted, listed, quoted
from digirm_codegen.spec_files import Capture
from tests.diff.support import capture, document, field, get, item, parts
from tests.house.snippets import ROOT

LIST = document(item("/ws/v1/parts/inventory", get(field("id")), get(method="POST", params=())))
AT_V1 = capture(parts=LIST)
AT_V2 = capture(base_path="/ws/v2", parts=document(item("/ws/v2/parts/inventory", *LIST["list"][0]["requests"])))
NOTHING = capture()

#: Id, before, now, the message of the only finding, and its `values`.
PAIRS: list[tuple[str, Capture, Capture, str, tuple[str, ...]]] = [
    (
        "base-path-changed", AT_V1, AT_V2,
        "the base path was `/ws/v1`, it is `/ws/v2`", ("/ws/v1", "/ws/v2"),
    ),
    (
        "provenance-changed", AT_V1, capture(provenance="reconstructed", parts=LIST),
        "the provenance was `live`, it is `reconstructed`", ("live", "reconstructed"),
    ),
    (
        "category-removed", AT_V1, NOTHING,
        "the category `parts` is gone; it had 1 path and 2 requests", (),
    ),
    (
        "category-added", NOTHING, AT_V1,
        "the category `parts` is new; it has 1 path and 2 requests", (),
    ),
    (
        "category-unavailable", AT_V1, capture("parts"),
        "the category `parts` is unavailable (forbidden, status 403): what became of it is not known", (),
    ),
    (
        "category-available", capture("parts"), AT_V1,
        "the category `parts` was unavailable (forbidden, status 403), and has 1 path and 2 requests now", (),
    ),
    (
        "path-removed", AT_V1, capture(parts=document()),
        "`/ws/v1/parts/inventory` is gone (`GET`, `POST`)", (),
    ),
    (
        "path-added", capture(parts=document()), AT_V1,
        "`/ws/v1/parts/inventory` is new (`GET`, `POST`)", (),
    ),
    (
        "method-removed", AT_V1, parts(get(method="POST", params=())),
        "`GET /ws/v1/parts/inventory` is gone, with 1 query field", (),
    ),
    (
        "method-added", parts(get(field("id"))), AT_V1,
        "`POST /ws/v1/parts/inventory` is new", (),
    ),
    (
        "parameter-removed", parts(get(params=("size", "query"))), parts(get(params=("query",))),
        "`GET /ws/v1/parts/inventory` no longer takes the parameter `size`", (),
    ),
    (
        "parameter-added", parts(get(params=("query",))), parts(get(params=("size", "query"))),
        "`GET /ws/v1/parts/inventory` takes the new parameter `size`", (),
    ),
    (
        "field-removed", parts(get(field("id"), field("bin"))), parts(get(field("id"))),
        "`GET /ws/v1/parts/inventory`: the query field `bin` is gone (of type `Text`)", (),
    ),
    (
        "field-added", parts(get(field("id"))), parts(get(field("id"), field("bin"))),
        "`GET /ws/v1/parts/inventory`: the query field `bin` is new (of type `Text`)", (),
    ),
    (
        "operator-removed", parts(get(field("id", "=", "<", ">"))), parts(get(field("id", "="))),
        "`GET /ws/v1/parts/inventory`: the query field `id` no longer takes `<`, `>`", ("<", ">"),
    ),
    (
        "operator-added", parts(get(field("id", "="))), parts(get(field("id", "=", "contains"))),
        "`GET /ws/v1/parts/inventory`: the query field `id` now takes `contains`", ("contains",),
    ),
    (
        "field-type-changed", parts(get(field("id", type="Text"))), parts(get(field("id", type="Numeric"))),
        "`GET /ws/v1/parts/inventory`: the query field `id` was of type `Text`, it is of type `Numeric`",
        ("Text", "Numeric"),
    ),
    (
        "orderby-lost", parts(get(field("id"))), parts(get(field("id", orderby=False))),
        "`GET /ws/v1/parts/inventory`: the query field `id` can no longer be ordered by", (),
    ),
    (
        "orderby-gained", parts(get(field("id", orderby=False))), parts(get(field("id"))),
        "`GET /ws/v1/parts/inventory`: the query field `id` can now be ordered by", (),
    ),
    (
        "unknown-keys-changed", parts(get(old=1, kept=1, same=1)), parts(get(new=1, kept=2, same=1)),
        "`GET /ws/v1/parts/inventory` keys that digirm does not know: removed `old`; added `new`; changed `kept`",
        ("kept", "new", "old"),
    ),
    (
        "order-changed", parts(get(field("id", "=", "<", ">"))), parts(get(field("id", ">", "=", "<"))),
        "`GET /ws/v1/parts/inventory`: the query field `id` has its operators in another order", (),
    ),
    (
        "document-changed", parts(get(field("id"))), parts(get(field("id"), field("id"))),
        "`GET /ws/v1/parts/inventory` differs in query fields that are malformed or described twice", (),
    ),
]  # fmt: skip


def ids(old: Capture, new: Capture) -> list[str]:
    return [finding.id for finding in compare(old, new).findings]


def test_each_kind_has_a_pair() -> None:
    assert [pair[0] for pair in PAIRS] == list(CHECKS)


@pytest.mark.parametrize(("id", "old", "new", "message", "values"), PAIRS, ids=[pair[0] for pair in PAIRS])
def test_the_finding(id: str, old: Capture, new: Capture, message: str, values: tuple[str, ...]) -> None:
    [finding] = compare(old, new).findings
    assert (finding.id, finding.level) == (id, CHECKS[id].level)
    assert (finding.message, finding.values, finding.notes) == (message, values, ())
    if id.startswith(("parameter", "field", "operator", "orderby")):
        assert finding.place == ("parts", "/ws/v1/parts/inventory", "GET", finding.name)
        assert f"`{finding.name}`" in message
    [mirrored] = compare(new, old).findings
    assert (mirrored.id, CHECKS[mirrored.id].mirror) == (CHECKS[id].mirror, id)


def test_levels_are_as_agreed() -> None:
    for id, check in CHECKS.items():
        grave = id.endswith("-removed") or id in ("field-type-changed", "base-path-changed")
        expected = "breaking" if grave else "warning" if id in ("orderby-lost", "category-unavailable") else "info"
        assert check.level == expected, id


def test_the_documentation_lists_every_kind() -> None:
    page = (ROOT / "docs" / "diff.md").read_text("utf-8")
    rows = re.findall(rf"^\| `([a-z-]+)` \| ({'|'.join(LEVELS)}) \| (.+) \| `([a-z-]+)` \|$", page, re.MULTILINE)
    assert rows == [(id, check.level, check.says, check.mirror) for id, check in CHECKS.items()]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param(capture("parts"), NOTHING, ["category-removed"], id="was unavailable and is gone"),
        pytest.param(NOTHING, capture("parts"), ["category-added"], id="is new and unavailable"),
        pytest.param(capture("parts"), capture("parts"), [], id="unavailable both times"),
        pytest.param(
            parts(get(params=("a", "b", "c"))), parts(get(params=("c", "d", "a"))),
            ["order-changed", "parameter-removed", "parameter-added"], id="order of what both have",
        ),
        pytest.param(
            AT_V1, capture(base_path="/ws/v2", parts=document(item("/ws/v2/parts/inventory", get(field("id"))))),
            ["base-path-changed", "method-removed"], id="moved, and something else",
        ),
        pytest.param(
            capture(parts=document(item("/ws/v2/x"))), capture(base_path="/ws/v2", parts=document(item("/ws/v2/y"))),
            ["base-path-changed", "path-removed", "path-added"], id="what was outside the base path is not below it",
        ),
        pytest.param(capture(root={"a": 1}), NOTHING, ["unknown-keys-changed"], id="keys of the root"),
        pytest.param(
            capture(parts=document(), extras={"parts": {"a": 1}}), capture(parts=document(b=1)),
            ["unknown-keys-changed"], id="keys of a category in its two places are one finding",
        ),
        pytest.param(parts(get(a=1)), parts(get(a=True)), ["unknown-keys-changed"], id="1 is not true"),
        pytest.param(parts(get(field("x"))), parts(get(field("x", orderby=1))), ["orderby-lost"], id="only true"),
        pytest.param(
            parts(get(field("x", orderby=False))), parts(get(field("x", orderby=0))), ["document-changed"], id="none"
        ),
        pytest.param(capture(parts={**LIST, "count": 7}), AT_V1, ["document-changed"], id="a count that is wrong"),
        pytest.param(
            capture(parts={**LIST, "count": 7}), capture(parts=document()), ["document-changed", "path-removed"],
            id="a count that was wrong",
        ),
        pytest.param(
            capture(parts=document({"path": "/ws/v1/parts"})), capture(parts=document(item("/ws/v1/parts"))),
            ["document-changed"], id="no requests, and a list of none",
        ),
        pytest.param(
            capture(parts=document({"path": "/ws/v1/parts"})), capture(parts=document(item("/ws/v1/parts", get()))),
            ["method-added"], id="a node that only grouped",
        ),
        pytest.param(parts(get()), parts(get(method="get")), ["document-changed"], id="spelling of a method"),
        pytest.param(parts(get()), parts({"method": "GET"}), ["parameter-removed"], id="all parameters are gone"),
        pytest.param(parts(get(field("x"))), parts(get(field("x", type=None))), ["field-type-changed"], id="no type"),
        pytest.param(capture(parts=[]), capture(parts={}), ["document-changed"], id="no documents at all"),
        pytest.param(capture(parts=LIST), capture(parts=None), ["document-changed"], id="a document that is none now"),
    ],
)  # fmt: skip
def test_cases(old: Capture, new: Capture, expected: list[str]) -> None:
    assert ids(old, new) == expected


def test_unavailable_both_times_is_not_compared() -> None:
    compared = compare(capture("a", "b", parts=LIST), capture("b", "c", parts=LIST))
    assert [finding.id for finding in compared.findings] == ["category-removed", "category-added"]
    assert compared.not_compared == ("b",)


def test_only_the_outermost_thing_is_a_finding() -> None:
    rich = document(*(item(f"/ws/v1/parts/{name}", get(field("id"))) for name in "abc"))
    assert ids(capture(parts=rich), NOTHING) == ["category-removed"]
    assert ids(capture(parts=rich), capture(parts=document(rich["list"][0]))) == ["path-removed", "path-removed"]


HERE = "`GET /ws/v1/parts/inventory`"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (parts(get()), parts(get(method="get")), f"{HERE} differs in the spelling of its method"),
        (parts(get()), parts(get(), 5), "`/ws/v1/parts/inventory` differs in requests that are malformed"),
        (parts(get()), parts(get(params=("query", "query"))), f"{HERE} differs in parameters that are malformed"),
        (parts(get(field("x"))), parts(get(field("x"), None)), f"{HERE} differs in query fields that are malformed"),
        (
            parts(get(field("x", "="))), parts(get(field("x", "=", "="))),
            f"{HERE}: the query field `x` differs in operators that are malformed",
        ),
        (
            parts(get(field("x", orderby=False))), parts(get(field("x", orderby=0))),
            f"{HERE}: the query field `x` differs in how it says that it cannot be ordered by",
        ),
        (
            capture(parts=document()), capture(parts={"count": 1, "list": [{}]}),
            "the category `parts` differs in entries that are malformed or listed twice",
        ),
        (
            capture(parts=document()), capture(parts={"count": 2, "list": []}),
            "the category `parts` differs in its count",
        ),
        (capture(parts=document()), capture(parts="x"), "the category `parts` differs in its document"),
    ],
)  # fmt: skip
def test_what_has_no_name_is_told_where_it_is(old: Capture, new: Capture, message: str) -> None:
    for found in (compare(old, new).findings, compare(new, old).findings):
        assert [finding.id for finding in found] == ["document-changed"]
        assert found[0].message.startswith(message)


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/ws/v1", ""), ("/ws/v1/parts", "/parts"), ("/ws/v10/parts", "/ws/v10/parts"), ("/api/parts", "/api/parts")],
)
def test_a_path_is_below_whole_segments(path: str, expected: str) -> None:
    assert below(path, "/ws/v1") == expected


def test_the_address_of_what_is_no_template_is_its_text() -> None:
    assert address("/parts/{id:[0-9]{2}}/bins") == "/parts/{}/bins"
    assert address("no/{id}") == "no/{id}"
    assert address("/parts/{id") == "/parts/{id"


def test_numbers_and_lists_in_words() -> None:
    assert [counted(number, "path") for number in (0, 1, 2000)] == ["0 paths", "1 path", "2,000 paths"]
    assert listed(["a", "b"]) == "a, b"
    assert listed(["a", "b", "c"], 2) == "a, b and 1 more"
    assert listed(["a"] * (MAX_LISTED + 1000)).endswith("a and 1,000 more")


def test_long_text_is_quoted_in_part() -> None:
    for text in ("x" * 200, "x" * 201, "`" * 500):
        assert quoted(text) == quoted(text)
    assert quoted("x" * 200) == f"`{'x' * 200}`"
    assert quoted("x" * 201) == f"`{'x' * 197}...`"
    assert quoted("  ") == "`'  '`"
