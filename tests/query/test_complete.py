"""What is offered at a place of a query is what may stand there."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digirm import QueryError, complete
from digirm_runtime.query.complete import Completion
from tests.query.query_api import EXAMPLE, NUMERIC, TEXT, example
from tests.query.test_properties import expressions, scraps

LANGUAGE = example()
FIELDS = sorted(field["field"] for field in EXAMPLE)
AFTER = ["and", "or"]
OPENING = [*FIELDS, "not", "("]
TIMES = ["'2024-01-31T12:00:00.000Z'", "-1d", "-1h"]


def at(marked: str, endpoint: str | None = "devices/inventory") -> list[Completion]:
    """The completions at the bar."""
    cursor = marked.index("|")
    return LANGUAGE.complete(endpoint, marked.replace("|", "", 1), cursor)


@pytest.mark.parametrize(
    ("marked", "texts"),
    [
        ("|", OPENING),
        ("n|", ["name", "not"]),
        ("NA|", ["name"]),
        ("name |", TEXT),
        ("name c|", ["contains"]),
        ("name cont|ains 'x'", ["contains"]),
        ("id |", NUMERIC),
        ("unknown_field |", sorted({*TEXT, *NUMERIC, "within"})),
        ("name = |", ["''", "empty"]),
        ("name contains |", ["''"]),
        ("connection_status = |", ["'connected'", "'disconnected'", "empty"]),
        ("connection_status = 'dis|", ["'disconnected'"]),
        ("connection_status = 'dis|connected' and id = 1", ["'disconnected'"]),
        ("last_update > |", TIMES),
        ("last_update > -|", ["-1d", "-1h"]),
        ("last_update > -3|", ["d", "h", "m", "s", " and", " or"]),
        ("last_update >|", [">", ">=", *TIMES]),
        ("enabled = |", ["true", "false", "empty"]),
        ("enabled = t|", ["true"]),
        ("geoposition within |", ["[-122.5, 37.5, -122.0, 38.0]"]),
        ("id = 1 |", AFTER),
        ("id = 1|", [" and", " or"]),
        ("id = 1 a|", ["and"]),
        ("id = 1 and |", OPENING),
        ("not |", OPENING),
        ("(id = 1 |", [*AFTER, ")"]),
        ("(id = 1) |", AFTER),
        ("name = 'x|", []),
        # in the middle of broken queries
        ('nmae == "x" and (foo bar baz) or name |', TEXT),
        ("id = 1 name |", TEXT),
        ("(id = 1 and ((name like 'x' |", [*AFTER, ")"]),
        ("id = = 5 and n|", ["name", "not"]),
        ("name == |", ["''", "empty"]),
        ("name is not null and |", OPENING),
        ("id = 1)) and connection_status = |", ["'connected'", "'disconnected'", "empty"]),
    ],
)
def test_what_is_offered(marked: str, texts: list[str]) -> None:
    assert [completion.text for completion in at(marked)] == texts


def test_a_completion_says_what_it_replaces_and_is() -> None:
    (name,) = at("id = 1 and na|me2 = 'x'")
    assert name == Completion("name", "field", 11, 16, "Text")
    assert at("name c|")[0] == Completion("contains", "operator", 5, 6)
    assert [(item.kind, item.detail) for item in at("connection_status = |")] == [
        ("value", "text"),
        ("value", "text"),
        ("value", "empty"),
    ]
    assert at("name = |")[0] == Completion("''", "form", 7, 7, "text")
    assert [item.kind for item in at("(id = 1 |")] == ["connective", "connective", "bracket"]


def test_without_an_endpoint() -> None:
    assert [item.text for item in at("|", None)] == ["not", "("]
    assert [item.text for item in at("anything |", None)] == sorted({*TEXT, *NUMERIC, "within"})


def test_wrong_arguments() -> None:
    with pytest.raises(QueryError, match=r"devices/inventory"):
        LANGUAGE.complete("devices/inventry", "")
    for cursor in (-1, 2):
        with pytest.raises(ValueError, match="outside"):
            LANGUAGE.complete(None, "a", cursor)


def test_the_generated_client_completes() -> None:
    texts = [completion.text for completion in complete("devices/inventory", "connection_status = 'c")]
    assert texts == ["'connected'"]
    assert "contains" in [completion.text for completion in complete("devices/inventory", "name = 'x' and name c", 21)]


@given(st.one_of(scraps, st.text()), st.data())
def test_no_text_breaks_it(text: str, data: st.DataObject) -> None:
    cursor = data.draw(st.integers(0, len(text)))
    for completion in LANGUAGE.complete("devices/inventory", text, cursor):
        assert 0 <= completion.start <= cursor <= completion.end <= len(text)
        assert completion.text


@given(expressions, st.data())
def test_every_offer_leads_somewhere(expr: object, data: st.DataObject) -> None:
    """What is offered at a place of a good query makes the text before it one that can be gone on with."""
    text = str(expr)
    cursor = data.draw(st.integers(0, len(text)))
    for item in LANGUAGE.complete("devices/inventory", text, cursor)[:5]:
        begun = text[: item.start] + item.text
        # After a fault there would be more of them than the one that the text is not finished.
        faults = [fault for fault in LANGUAGE.check(None, begun).diagnostics if fault.severity == "error"]
        missing = {"Q102", "Q103", "Q105", "Q107", "Q108", "Q110", "Q117"}
        assert {fault.code for fault in faults} <= missing, begun


@given(expressions, st.data())
def test_what_replaces_a_word_leaves_the_rest_as_good_as_it_was(expr: object, data: st.DataObject) -> None:
    text = str(expr)
    cursor = data.draw(st.integers(0, len(text)))
    for item in LANGUAGE.complete("devices/inventory", text, cursor):
        replaced = text[item.start : item.end]
        if replaced and replaced not in ("and", "or", "not") and item.kind not in ("connective", "bracket"):
            changed = text[: item.start] + item.text + text[item.end :]
            assert LANGUAGE.check(None, changed).query is not None, (text, cursor, item)


def accepted(text: str, item: Completion) -> str:
    return text[: item.start] + item.text + text[item.end :]


def spans(text: str) -> set[tuple[int, int]]:
    return {(token.start, token.end) for token in LANGUAGE.parser.lexer.tokens(text)}


def connectives(text: str) -> list[str]:
    """The tokens, of which only connectives keep their names."""
    kinds = (token.kind for token in LANGUAGE.parser.lexer.tokens(text))
    return [kind if kind in ("AND", "OR", "NOT") else "-" for kind in kinds]


def doubled(kinds: list[str]) -> set[tuple[str, str]]:
    """The pairs of connectives of which the second joins nothing."""
    return {(a, b) for a, b in pairwise(kinds) if a != "-" and b in ("AND", "OR")}


@given(expressions, st.booleans(), st.data())
def test_no_offer_runs_together_with_what_is_there(expr: object, compact: bool, data: st.DataObject) -> None:
    """Whatever stands beside an accepted offer is the token that it was, and no connective is doubled."""
    text = str(expr)
    if compact:
        tight = re.sub(r" ?(<=|>=|<>|=|<|>) ?(?=['\[+-])", r"\1", text)
        text = tight if LANGUAGE.check(None, tight).query == expr else text
    cursor = data.draw(st.integers(0, len(text)))
    before = spans(text)
    for item in LANGUAGE.complete("devices/inventory", text, cursor):
        changed = accepted(text, item)
        shift = len(changed) - len(text)
        kept = {span for span in before if span[1] <= item.start}
        kept |= {(start + shift, end + shift) for start, end in before if start >= item.end}
        assert kept <= spans(changed), (text, item, changed)
        cut = [span for span in before if span[0] < item.start < span[1] or span[0] < item.end < span[1]]
        assert not cut or item.text in tuple("dhms"), (text, item, changed)
        if item.kind == "connective":
            was, now = connectives(text), connectives(changed)
            assert not doubled(now) - doubled(was), (text, item, changed)
            assert now.count("NOT") <= was.count("NOT") + (not text[cursor:].lstrip().startswith("not ")), changed


@pytest.mark.parametrize(
    ("marked", "results"),
    [
        ("name = 'x' |or id = 1", ["name = 'x' and id = 1", "name = 'x' or id = 1"]),
        ("name = 'x'| and id = 1", ["name = 'x' and id = 1", "name = 'x' or id = 1"]),
        ("name = 'x' |  and id = 1", ["name = 'x' and id = 1", "name = 'x' or id = 1"]),
        ("name = 'x' a| or id = 1", ["name = 'x' and id = 1"]),
        ("name = 'x' a|nd id = 1", ["name = 'x' and id = 1"]),
        ("name = 'x' |id = 1", ["name = 'x' and id = 1", "name = 'x' or id = 1"]),
        ("id = 1|name = 'x'", ["id = 1 and name = 'x'", "id = 1 or name = 'x'"]),
        ("(id = 1)|and(id = 2)", ["(id = 1) and (id = 2)", "(id = 1) or (id = 2)"]),
        ("(id = 1)|(id = 2)", ["(id = 1) and (id = 2)", "(id = 1) or (id = 2)"]),
        ("id = 1|2 and ip = 'x'", []),
        ("name = 'it'|'s' and id = 1", []),
        ("nobody |=5", [f"nobody {sign}5" for sign in sorted({*TEXT, *NUMERIC, "within"})]),
        ("no|t id = 1", ["not id = 1"]),
        ("last_update > -1|h", ["last_update > -1d", "last_update > -1h", "last_update > -1m", "last_update > -1s"]),
    ],
)
def test_what_stands_behind_the_cursor(marked: str, results: list[str]) -> None:
    text = marked.replace("|", "", 1)
    expected = [re.sub(r"([a-z])5$", r"\1 5", result) for result in results]
    assert [accepted(text, item) for item in at(marked)] == expected


def test_what_goes_before_a_condition_leaves_it() -> None:
    found = [accepted("name = 'x'", item) for item in at("|name = 'x'")]
    assert found[-2:] == ["not name = 'x'", "(name = 'x'"]
    assert "not name = 'x'" in [accepted("not name = 'x'", item) for item in at("|not name = 'x'")]
    assert "ip not name = 'x'" in [accepted("not name = 'x'", item) for item in at("|not name = 'x'")]


@pytest.mark.parametrize(
    ("marked", "results"),
    [
        ("name=|'x'", ["name='x'", "name=''", "name=empty"]),
        ("last_update>|'2024-01-31T12:00:00.000Z'", ["last_update>'2024-01-31T12:00:00.000Z'", "last_update>=-1d"]),
        ("last_update >|= -1d", ["last_update > -1d", "last_update >= -1d"]),
        ("name startswith|'x'", ["name startsWith'x'"]),
        ("name cont|ains'x'", ["name contains'x'"]),
        ("name = |'x'", ["name = ''", "name = empty"]),
        ("|name = 'x'", ["ip = 'x'"]),
        ("connection_status = con|", ["connection_status = 'connected'"]),
    ],
)
def test_values_that_touch_the_cursor(marked: str, results: list[str]) -> None:
    text = marked.replace("|", "")
    found = [text[: item.start] + item.text + text[item.end :] for item in at(marked)]
    assert set(results) & set(found), found
    assert all(LANGUAGE.check(None, one).query is not None for one in found if "not" not in one and "(" not in one), (
        found
    )


def test_nothing_is_offered_where_nesting_ends() -> None:
    assert LANGUAGE.complete("devices/inventory", "(" * 201) == []


COLUMNS = sorted(FIELDS)
ORDERED = [field["field"] for field in sorted(EXAMPLE, key=lambda field: str(field["field"])) if field["orderby"]]


def of(parameter: str, marked: str, endpoint: str | None = "devices/inventory") -> list[Completion]:
    cursor = marked.index("|")
    return LANGUAGE.complete(endpoint, marked.replace("|", "", 1), cursor, parameter=parameter)


@pytest.mark.parametrize(
    ("marked", "texts"),
    [
        ("|", ORDERED),
        ("  |", ORDERED),
        ("na|", ["name"]),
        ("NA|", ["name"]),
        ("name|", ["name", " asc", " desc"]),
        ("name|x", ["name"]),
        ("name |", ["asc", "desc"]),
        ("name D|", ["desc"]),
        ("name de|sc", ["desc"]),
        ("name | desc", ["asc", "desc"]),
        ("name desc |", []),
        ("name desc x|", []),
        ("name desc, |", [name for name in ORDERED if name != "name"]),
        ("i|, id desc", ["ip"]),
        ("last_up|", []),
        ("nobody |", ["asc", "desc"]),
    ],
)
def test_what_is_offered_to_order_by(marked: str, texts: list[str]) -> None:
    assert [item.text for item in of("orderby", marked)] == texts


@pytest.mark.parametrize(
    ("marked", "texts"),
    [
        ("|", COLUMNS),
        ("na|", ["name"]),
        ("id,|", [name for name in COLUMNS if name != "id"]),
        ("id, i|,name", ["ip"]),
        ("id, |na, ip", [name for name in COLUMNS if name not in ("id", "ip")]),
        ("i|d", ["id", "ip"]),
        ("x|", []),
    ],
)
def test_which_columns_are_offered(marked: str, texts: list[str]) -> None:
    assert [item.text for item in of("fields", marked)] == texts


def test_what_completions_beside_a_query_replace() -> None:
    assert of("orderby", "id, na|me2 desc") == [Completion("name", "field", 4, 9, "Text")]
    assert of("orderby", "name |") == [
        Completion("asc", "direction", 5, 5),
        Completion("desc", "direction", 5, 5),
    ]
    assert of("orderby", "name | desc")[0] == Completion("asc", "direction", 5, 10)
    assert of("orderby", "| name desc, id")[-1].end == 5
    assert of("fields", "id, na|me2 , ip") == [Completion("name", "field", 4, 9, "Text")]


def test_beside_a_query_without_an_endpoint() -> None:
    assert of("orderby", "|", None) == of("fields", "|", None) == []
    assert [item.text for item in of("orderby", "anything |", None)] == ["asc", "desc"]
    with pytest.raises(QueryError):
        of("fields", "|", "devices/inventry")
    with pytest.raises(ValueError, match="no completion of 'size'"):
        of("size", "|")


@given(st.sampled_from(["orderby", "fields"]), st.one_of(scraps, st.text("name id,\t ", max_size=20)), st.data())
def test_every_offer_beside_a_query_is_known(parameter: str, text: str, data: st.DataObject) -> None:
    """What is offered is a known name or a direction, and takes the place of one word at most."""
    cursor = data.draw(st.integers(0, len(text)))
    for item in LANGUAGE.complete("devices/inventory", text, cursor, parameter=parameter):
        assert 0 <= item.start <= cursor <= item.end <= len(text)
        assert "," not in text[item.start : item.end]
        assert item.text in FIELDS or item.kind == "direction"
