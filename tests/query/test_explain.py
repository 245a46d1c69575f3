"""What a query means, in a sentence."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digirm_runtime.query.ast import And, Condition, Expr, Literal, Not, Or
from digirm_runtime.query.explain import LONGEST, explain, explain_report
from digirm_runtime.query.predicate import predicate
from digirm_runtime.query.values import KINDS
from tests.query.query_api import a_field, a_spec, example, odd
from tests.query.test_properties import expressions
from tests.query.translations import combined

NUMERIC = ["=", "<>", "<", "<=", ">", ">="]
WORDS = ["contains", "startsWith", "endsWith"]
LANGUAGE = type(example()).from_spec(
    a_spec(
        a_field("id", "Numeric", NUMERIC),
        a_field("name"),
        a_field("ip"),
        a_field("last_update", "Timestamp", NUMERIC),
        a_field("enabled", "Boolean", ["=", "<>"]),
        a_field("geoposition", "Geoposition", ["within"]),
        a_field("group", "Group"),
        a_field("tags", "Tags", ["=", "<>", *WORDS]),
        a_field("other", "Made Up"),
    )
)
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def said(query: str, endpoint: str | None = "devices/inventory") -> str:
    sentence = explain_report(LANGUAGE, LANGUAGE.check(endpoint, query))
    assert sentence is not None
    return sentence.removeprefix("Everything where ").removesuffix(".")


@pytest.mark.parametrize(
    ("query", "meaning"),
    [
        ("name = 'x'", "name is 'x'"),
        ("name <> 'x'", "name is not 'x' (or has no value)"),
        ("name < 'x'", "name sorts before 'x'"),
        ("name <= 'x'", "name is or sorts before 'x'"),
        ("name > 'x'", "name sorts after 'x'"),
        ("name >= 'x'", "name is or sorts after 'x'"),
        ("name contains 'x'", "name contains 'x'"),
        ("name startswith 'isn''t'", "name starts with 'isn''t'"),
        ("name endsWith 'x'", "name ends with 'x'"),
        ("name = empty", "name has no value"),
        ("name <> EMPTY", "name has a value"),
        ("name = ''", "name has no value ('' is the same as none)"),
        ("name contains ''", "name has a value (contains '' asks no more)"),
        ("name = 5", "name is 5 (as text)"),
        ("id = 0x1F", "id is 0x1F (31)"),
        ("id <> -5", "id is not -5 (or has no value)"),
        ("id < 1.5", "id is less than 1.5"),
        ("id <= 5", "id is at most 5"),
        ("id > 5", "id is more than 5"),
        ("id >= 5", "id is at least 5"),
        ("enabled = true", "enabled is true"),
        ("enabled <> false", "enabled is not false (or has no value)"),
        ("group = '/a'", "group is exactly '/a' (not one below it)"),
        ("group <> '/a'", "group is not exactly '/a' (it may be one below it, or none)"),
        (
            "group startsWith '/a'",
            "group starts with '/a' (that group, all others that begin so, and any below it)",
        ),
        ("group startsWith 'a/'", "group starts with 'a/' (any group below it)"),
        ("group contains 'a'", "group contains 'a'"),
        ("group = '/'", "group has no value ('/' is the same as none)"),
        ("tags = 'x'", "one of tags is 'x'"),
        ("tags <> 'x'", "none of tags is 'x'"),
        ("tags startsWith 'x'", "one of tags starts with 'x'"),
        ("last_update > -1d", "last_update is less than 1 day ago (after now - 1 day)"),
        ("last_update >= -2h", "last_update is at most 2 hours ago (now - 2 hours or later)"),
        ("last_update < -30m", "last_update is more than 30 minutes ago (before now - 30 minutes)"),
        ("last_update <= -1W", "last_update is at least 1 week ago (now - 1 week or earlier)"),
        ("last_update = -5s", "last_update is exactly 5 seconds ago (now - 5 seconds)"),
        ("last_update <> -1d", "last_update is not exactly 1 day ago (now - 1 day) (or has no value)"),
        ("last_update > -0d", "last_update is less than 0 days ago (after now - 0 days)"),
        ("last_update > -01d", "last_update is less than 1 day ago (after now - 1 day)"),
        ("last_update > +1d", "last_update is more than 1 day from now (after now + 1 day)"),
        ("last_update < +2d", "last_update is earlier than 2 days from now (before now + 2 days)"),
        ("last_update > '-1d'", "last_update is less than 1 day ago (after now - 1 day, written '-1d')"),
        (
            "last_update < '2019-02-04T15:02:00.000Z'",
            "last_update is before '2019-02-04T15:02:00.000Z' (4 February 2019, 15:02:00 UTC)",
        ),
        (
            "last_update >= '2019-02-04T15:02:00.250+01:00'",
            "last_update is at or after '2019-02-04T15:02:00.250+01:00' (4 February 2019, 14:02:00.250 UTC)",
        ),
        ("last_update <> 0", "last_update is not exactly 0 (1 January 1970, 00:00:00 UTC) (or has no value)"),
        (f"last_update > {10**20}", f"last_update is after {10**20} (beyond the calendar)"),
        ("last_update > 'soon'", "last_update > 'soon' (of which no meaning is known: 'soon' is not a time)"),
        (
            "geoposition within [-122.5, 37.5, -122.0, 38.0]",
            "geoposition is within the area [-122.5, 37.5, -122.0, 38.0] "
            "(presumably its west, south, east and north edge)",
        ),
        ("geoposition within [1]", "geoposition is within the area [1]"),
        ("other = true", "other is true"),
        ("nobody > -1d", "nobody is less than 1 day ago (after now - 1 day)"),
    ],
)
def test_every_condition(query: str, meaning: str) -> None:
    assert said(query) == meaning


@pytest.mark.parametrize(
    ("query", "meaning"),
    [
        ("a = 1 and b = 2", "a is 1 and b is 2"),
        ("a = 1 or b = 2", "a is 1 or b is 2"),
        ("not a = 1", "it is not true that a is 1"),
        ("not not a = 1", "it is not true that it is not true that a is 1"),
        ("not (a = 1 or b = 2)", "it is not true that (a is 1 or b is 2)"),
        ("not a = 1 and b = 2", "it is not true that a is 1, and b is 2"),
        ("a = 1 and b = 2 or c = 3", "either a is 1 and b is 2, or c is 3"),
        ("(a = 1 or b = 2) and c = 3", "either a is 1 or b is 2, and c is 3"),
        (
            "a = 1 and (b = 2 or c = 3 and (d = 4 or e = 5))",
            "a is 1, and (either b is 2, or (c is 3, and either d is 4 or e is 5))",
        ),
        (
            "not (a = 1 and (b = 2 or c = 3))",
            "it is not true that (a is 1, and either b is 2 or c is 3)",
        ),
        ("a = 1 or a = 2", "a is either 1 or 2"),
        ("a = 'x' or a = 'y' or a = 'z' or b = 1", "either a is one of 'x', 'y' or 'z', or b is 1"),
        ("(a = 1 or a = 2) and b = 3", "a is either 1 or 2, and b is 3"),
        ("a = 'x' or a = 'y' or a = ''", "either a is either 'x' or 'y', or a has no value ('' is the same as none)"),
    ],
)
def test_what_belongs_together(query: str, meaning: str) -> None:
    assert said(query, None) == meaning


def test_times_that_are_written_as_text_are_not_listed_as_words() -> None:
    day, next_day = "2019-02-04T00:00:00Z", "2019-02-05T00:00:00Z"
    assert said(f"last_update = '{day}' or last_update = '{next_day}'") == (
        f"last_update is exactly '{day}' (4 February 2019, 00:00:00 UTC)"
        f" or last_update is exactly '{next_day}' (5 February 2019, 00:00:00 UTC)"
    )


def test_brackets_are_not_saved_where_one_expression_stands_twice() -> None:
    twice = LANGUAGE.parse("a = 1 or b = 2 and c = 3")
    own = "(either a is 1, or b is 2 and c is 3)"
    assert explain(And((Not(twice), twice))) == f"Everything where it is not true that {own}, and {own}."
    assert explain(And((twice, Not(twice)))) == f"Everything where {own}, and it is not true that {own}."


def test_long_lists_and_texts_are_summarised() -> None:
    assert said(" or ".join(f"name = 'd{n}'" for n in range(1000))).endswith("'d8', 'd9' or 990 others")
    assert said(" and ".join(f"name contains 'd{n}'" for n in range(12))).endswith("name contains 'd9' and 2 more")
    assert said(f"name = '{'x' * 1234}'") == f"name is '{'x' * 60}…' (1,234 characters)"
    nested = "(" * 150 + "a = 1 or b = 2" + ") and c = 3 or d = 4" * 150
    sentence = said(nested, None)
    assert len(sentence) < LONGEST
    assert sentence.endswith("… (shortened: it has 302 conditions in all)")


def test_what_cannot_be_seen_is_written_out() -> None:
    assert explain(Condition("name", "=", Literal("text", "a\n\u202eb"))) == (
        "Everything where name is 'a<U+000A><U+202E>b'."
    )


def test_of_what_cannot_be_read_nothing_is_said() -> None:
    for query in ("", "name =", None):
        assert explain_report(LANGUAGE, LANGUAGE.check("devices/inventory", query)) is None
    report = LANGUAGE.check("devices/nowhere", "name > -1d")
    assert explain_report(LANGUAGE, report) == "Everything where name is less than 1 day ago (after now - 1 day)."


def test_other_languages_are_explained_as_far_as_they_are_known() -> None:
    language = odd()
    report = language.check("devices/inventory", "from resembles 'x' and größe == 5")
    sentence = explain_report(language, report)
    assert sentence is not None
    assert sentence.startswith("Everything where from resembles 'x' (of which no meaning is known: ")
    assert sentence.endswith(" and größe is 5.")


@pytest.mark.parametrize(
    ("operator", "seconds"),
    [("=", (0,)), ("<", (-1,)), ("<=", (-1, 0)), (">", (1,)), (">=", (0, 1)), ("<>", (-1, 1))],
)
@pytest.mark.parametrize("literal", ["-1d", "+1d"])
def test_a_relative_time_means_what_the_predicate_takes_it_for(
    operator: str, seconds: tuple[int, ...], literal: str
) -> None:
    """The words in brackets name one side of a moment, and say whether it belongs to it."""
    expr = Condition("t", operator, Literal("relative", literal))
    moment = NOW + timedelta(days=1 if literal[0] == "+" else -1)
    holds = predicate(expr, {"t": "timestamp"}, NOW)
    found = tuple(n for n in (-1, 0, 1) if holds({"t": (moment + timedelta(seconds=n)).isoformat()}))
    assert found == seconds
    words = re.search(r"\((before|after)? ?now [-+] 1 day ?(or earlier|or later)?\)", explain(expr, {"t": "timestamp"}))
    assert words is not None
    sides = {("before", None): (-1,), ("after", None): (1,), (None, "or earlier"): (-1, 0), (None, "or later"): (0, 1)}
    equal = (-1, 1) if operator == "<>" else (0,)
    assert sides.get((words[1], words[2]), equal) == seconds


kinds = st.dictionaries(st.sampled_from(["name", "id", "last_update", "a", "b"]), st.sampled_from([*KINDS, "odd"]))


@given(expressions, kinds)
def test_anything_has_one_bounded_sentence(expr: Expr, known: dict[str, str]) -> None:
    sentence = explain(expr, known)
    assert sentence == explain(expr, known)
    assert sentence.startswith("Everything where ")
    assert sentence.endswith(".")
    assert sentence.isprintable()
    assert len(sentence) <= LONGEST


LITERALS = [
    *(Literal("text", text) for text in ("", "x", "/x", "x/", "-1d", "1", "x' and a is 'x", "2024-01-01", "true", "/")),
    *(Literal("number", text) for text in ("1", "1.0", "0x1", "-1")),
    *(Literal("relative", text) for text in ("-1d", "+1d", "-24h")),
    *(Literal("area", text) for text in ("[1,2,3,4]", "[1]")),
    Literal("empty", "empty"),
    Literal("boolean", "true"),
]


@pytest.mark.parametrize("kind", [None, *KINDS])
def test_different_conditions_have_different_sentences(kind: str | None) -> None:
    found: dict[str, Expr] = {}
    for operator in (*NUMERIC, *WORDS, "within", "resembles"):
        for literal in LITERALS:
            for plain in (Condition("a", operator, literal), Condition("b", operator, literal)):
                for expr in (plain, Not(plain)):
                    sentence = explain(expr, {"a": kind} if kind else {})
                    assert found.setdefault(sentence, expr) == expr, sentence


leaves = st.builds(Condition, st.sampled_from("ab"), st.just("="), st.builds(Literal, st.just("number"), st.just("1")))


@given(combined(leaves, 6), combined(leaves, 6))
def test_different_structures_have_different_sentences(one: Expr, other: Expr) -> None:
    assert (explain(one) == explain(other)) == (str(one) == str(other))


def test_no_depth_is_too_deep() -> None:
    leaf = Condition("a", "=", Literal("number", "1"))
    denied: Expr = leaf
    nested: Expr = leaf
    for _ in range(5000):
        denied = Not(denied)
        nested = And((Or((nested, leaf)), leaf))
    for expr in (denied, nested):
        assert len(explain(expr)) <= LONGEST
