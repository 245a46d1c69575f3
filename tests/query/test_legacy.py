"""Legacy conditions: the documented pair, the meaning kept, and no value that could change a structure."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digirm_runtime.errors import SpecError, TranslationError
from digirm_runtime.overrides import LegacyEntry, Overrides, TypeEntry, load
from digirm_runtime.query.ast import And, Condition, Expr, Literal, Not, Or
from digirm_runtime.query.legacy import LegacyColumn, to_legacy
from digirm_runtime.query.predicate import predicate
from tests.query.query_api import PATH, a_field, a_spec
from tests.query.translations import HOSTILE, UNPRINTABLE, chain, combined, nested, parse
from tests.simulator.support import NOW

SPECS = Path(__file__).resolve().parents[2] / "specs"
MAPPING: dict[str, LegacyColumn] = {
    "status": {"column": "dpStatus", "values": {"connected": 1, "disconnected": 0, "lost": "gone"}},
    "name": {"column": "dpName", "escape": ""},
    "size": {"column": "dpSize", "compares": "number"},
    "seen": {"column": "dpSeen", "compares": "timestamp"},
}


def test_the_documented_pair() -> None:
    """doc-remotemanager.digi.com/pages/discovering-apis prints both."""
    for file in SPECS.glob("*/overrides.toml"):
        columns = load(file).legacy_columns()["/ws/v1/devices/inventory"]
        query = parse(
            "connection_status = 'connected' and last_update > '2021-02-17T21:15:01.410Z' and ip like '10.20.1.'"
        )
        assert isinstance(query, And)
        *first, last = query.items
        assert isinstance(last, Condition)
        query = And([*first, Condition(last.field, "startsWith", last.value)])
        assert columns["object"] == "DeviceCore"
        assert to_legacy(query, columns["fields"]) == (
            "dpConnectionStatus = 1 and dpLastUpdateTime > '2021-02-17T21:15:01.410Z' and dpGlobalIP like '10.20.1.%'"
        )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("status = 'CONNECTED'", "dpStatus = 1"),
        ("status <> 'lost'", "dpStatus <> 'gone'"),
        ("name = 'it''s'", "dpName = 'it''s'"),
        ("name contains '10.2'", "dpName like '%10.2%'"),
        ("name endsWith 'x'", "dpName like '%x'"),
        ("size >= 0x10", "dpSize >= 16"),
        ("size < -1.50", "dpSize < -1.5"),
        ("seen > -1d", "dpSeen > '2022-07-14T12:00:00.000Z'"),
        ("seen <= '2022-07-14'", "dpSeen <= '2022-07-14T00:00:00.000Z'"),
        ("name = 'a' or size = 1 and size = 2", "dpName = 'a' or dpSize = 1 and dpSize = 2"),
        ("(name = 'a' or size = 1) and size = 2", "(dpName = 'a' or dpSize = 1) and dpSize = 2"),
        ("not name = 'a'", "dpName <> 'a'"),
        ("not not name = 'a'", "dpName = 'a'"),
        ("not (size < 1 and not size >= 2)", "dpSize >= 1 or dpSize >= 2"),
        ("name = 'a' and not (size < 1 and size > 2)", "dpName = 'a' and (dpSize >= 1 or dpSize <= 2)"),
        ("name = 'a' or not (size < 1 or size > 2)", "dpName = 'a' or dpSize >= 1 and dpSize <= 2"),
        ("not (not name contains 'a' or size = 1)", "dpName like '%a%' and dpSize <> 1"),
    ],
)
def test_the_text(text: str, expected: str) -> None:
    assert to_legacy(parse(text), MAPPING, NOW) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("other = 1", "no legacy column"),
        ("name = empty", "unset"),
        ("name = ''", "unset"),
        ("not name contains 'a'", "no opposite"),
        ("status = 'asleep'", "only for connected, disconnected, lost"),
        ("status > 'connected'", "= and <> only"),
        ("status contains 'conn'", "= and <> only"),
        ("status startsWith 'conn'", "= and <> only"),
        ("not status endsWith 'ed'", "= and <> only"),
        ("name contains '50%'", "wildcards"),
        ("name startsWith 'a_b'", "wildcards"),
        ("name endsWith '[x]'", "wildcards"),
        ("name = 'a\\'", "backslashes"),
        ("name = 'a\tb'", "control characters"),
        ("size = 'many'", "not a number"),
        ("size = " + "9" * 400 + ".5", "cannot be written"),
        ("name within [1,2,3,4]", "area"),
        ("odd = 1", "is no legacy column"),
        ("sub = 1", "is no legacy column"),
        ("none = 1", "is no legacy column"),
    ],
)
def test_what_has_no_legacy_form_is_refused(text: str, reason: str) -> None:
    mapping: dict[str, LegacyColumn] = {
        **MAPPING,
        "odd": {"column": "1 = 1 or x"},
        "sub": {"column": "dpSub", "compares": "tags"},
        "none": {},  # type: ignore[typeddict-item]
    }
    query = Or([parse("name = 'a'"), parse(text)])
    with pytest.raises(TranslationError, match=reason) as caught:
        to_legacy(query, mapping, NOW)
    assert isinstance(caught.value.condition, Condition)


def test_what_is_no_mapping_or_no_time_is_an_error() -> None:
    columns: dict[str, Any] = {"name": "dpName"}
    with pytest.raises(TypeError, match="the legacy column of the field 'name' is 'dpName'"):
        to_legacy(parse("name = 'a'"), columns)
    for wrong in ("2022-07-15", date(2022, 7, 15)):
        with pytest.raises(TypeError, match="now is a datetime"):
            to_legacy(parse("name = 'a'"), MAPPING, wrong)  # type: ignore[arg-type]


def test_an_escape_is_used_where_one_is_known() -> None:
    assert (
        to_legacy(parse("name startsWith 'a_b%'"), {"name": {"column": "dpName"}}) == "dpName like 'a!_b!%%' escape '!'"
    )
    for escape, expected in (
        ("!", "dpName like '%a!!b!%!_![c%' escape '!'"),
        ("\\", "dpName like '%a!b\\%\\_\\[c%' escape '\\'"),
    ):
        mapping: dict[str, LegacyColumn] = {"name": {"column": "dpName", "escape": escape}}
        assert to_legacy(parse("name contains 'a!b%_[c'"), mapping) == expected
        assert to_legacy(parse("name contains 'ab'"), mapping) == "dpName like '%ab%'"
    for escape in ("'", "%", "ab", "\0"):
        with pytest.raises(TranslationError, match="wildcards"):
            to_legacy(parse("name contains '%'"), {"name": {"column": "dpName", "escape": escape}})


def queried(condition: str) -> Expr:
    """A legacy condition as a query: but for `like` it is one."""
    parsed = parse(condition)
    items = parsed.items if isinstance(parsed, And | Or) else ()
    if isinstance(parsed, Condition) and parsed.operator == "like":
        text = parsed.value.text
        start, end = text.startswith("%"), text.endswith("%")
        sign = "contains" if start and end else "startsWith" if end else "endsWith"
        return Condition(parsed.field, sign, Literal("text", text[start : len(text) - end]))
    if not items:
        return parsed
    return (And if isinstance(parsed, And) else Or)([queried(str(item)) for item in items])


plain = st.text("abAB'1.", min_size=1, max_size=3)
ordered = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])
legacy_conditions: st.SearchStrategy[Expr] = st.one_of(
    st.builds(Condition, st.just("name"), ordered, plain.map(lambda text: Literal("text", text))),
    st.builds(Condition, st.just("size"), ordered, st.integers(-2, 2).map(lambda n: Literal("number", str(n)))),
    st.builds(Condition, st.just("seen"), ordered, st.sampled_from(["-1d", "+0s", "-0h"]).map(
        lambda text: Literal("relative", text)
    )),
    st.builds(Condition, st.just("status"), st.sampled_from(["=", "<>"]), st.sampled_from(["connected", "lost"]).map(
        lambda text: Literal("text", text)
    )),
)  # fmt: skip
likes: st.SearchStrategy[Expr] = st.builds(
    lambda sign, text: Condition("name", sign, Literal("text", text)),
    st.sampled_from(["contains", "startsWith", "endsWith"]),
    plain,
)
full = st.fixed_dictionaries(
    {
        "name": plain,
        "size": st.integers(-2, 2),
        "seen": st.sampled_from(["2022-07-14T12:00:00.000Z", "2022-07-15T12:00:00.000Z", "2022-07-13T00:00:00.000Z"]),
        "status": st.sampled_from(["connected", "disconnected", "lost"]),
    }
)


@settings(max_examples=100, deadline=None)
@given(combined(legacy_conditions | st.builds(Or, st.lists(likes, min_size=2, max_size=2))), full)
def test_the_meaning_is_kept(expr: Expr, row: dict[str, Any]) -> None:
    try:
        text = to_legacy(expr, MAPPING, NOW)
    except TranslationError:
        assert "not" in str(expr)
        return
    assert "not" not in text
    columns = {
        "dpName": row["name"],
        "dpSize": row["size"],
        "dpSeen": row["seen"],
        "dpStatus": {"connected": 1, "disconnected": 0, "lost": "gone"}[row["status"]],
    }
    kinds = {"status": "text", "name": "text", "size": "number", "seen": "timestamp"}
    legacy_kinds = {"dpName": "text", "dpSize": "number", "dpSeen": "timestamp", "dpStatus": "text"}
    assert predicate(queried(text), legacy_kinds)(columns) == predicate(expr, kinds, NOW)(row)


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(), st.sampled_from([*HOSTILE, *UNPRINTABLE])), st.sampled_from(["=", ">", "contains"]))
def test_no_value_changes_the_structure(value: str, sign: str) -> None:
    query = And([Condition("name", sign, Literal("text", value)), Condition("size", "=", Literal("number", "1"))])
    try:
        text = to_legacy(query, MAPPING)
    except TranslationError:
        return
    assert queried(text) == And(
        [Condition("dpName", sign, Literal("text", value)), Condition("dpSize", "=", Literal("number", "1"))]
    )


def test_long_chains_and_deep_nesting() -> None:
    assert to_legacy(chain(100_000, "=", "contains"), MAPPING).count(" or ") == 99_999
    assert to_legacy(Not(chain(1_000, "=")), MAPPING).count(" and ") == 999
    assert to_legacy(nested(9_000), MAPPING).count("dpName") == 6_001


KNOWN = {"source": "the tests", "reason": "an example"}


def test_entries_that_no_longer_fit_are_errors() -> None:
    good = LegacyEntry(object="Core", field="name", column="cName", paths=(PATH,), **KNOWN)
    a_spec(a_field("name"), overrides=Overrides(legacy=(good,)))
    assert Overrides(legacy=(good,)).legacy_columns() == {
        PATH: {"object": "Core", "fields": {"name": {"column": "cName", "compares": "text"}}}
    }
    wrong = (
        LegacyEntry(object="Core", field="nome", column="c", paths=(PATH,), **KNOWN),
        LegacyEntry(object="Core", field="name", column="c d", paths=("/ws/v1/x",), **KNOWN),
        LegacyEntry(object="Other", field="name", column="c", compares="tags", paths=(PATH,), **KNOWN),
    )
    types = {"Text": TypeEntry(literals=("text",), compares="roman", **KNOWN)}
    with pytest.raises(SpecError) as caught:
        a_spec(a_field("name"), overrides=Overrides(legacy=(good, *wrong), types=types))
    for message in (
        f"{PATH} has no query field 'nome'",
        "/ws/v1/x has no query field 'name'",
        "'c d' cannot be a column",
        "'tags' is no way to compare",
        f"{PATH} stands for Core and for Other",
        "'roman' is no way to compare",
    ):
        assert message in str(caught.value)
