"""All faults of a query are reported at once, each at its place, and none of them twice."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import example as case
from hypothesis import given, settings
from hypothesis import strategies as st

from digirm_runtime.query.diagnostics import Diagnostic
from tests.query.query_api import example

LANGUAGE = example()


def faults(query: str, endpoint: str | None = "devices/inventory") -> list[Diagnostic]:
    return list(LANGUAGE.check(endpoint, query).diagnostics)


def shown(query: str, endpoint: str | None = "devices/inventory") -> list[tuple[str, str]]:
    """(code, the text at fault) of each fault."""
    return [(found.code, query[found.start : found.end]) for found in faults(query, endpoint)]


def applied(query: str, found: list[Diagnostic]) -> str:
    """The query with all suggestions; of two for one place the last, which knows more."""
    position = len(query)
    for fault in sorted(found, key=lambda fault: (fault.end, fault.start), reverse=True):
        if fault.suggestion is not None and fault.end <= position:
            query = query[: fault.start] + fault.suggestion + query[fault.end :]
            position = fault.start
    return query


@pytest.mark.parametrize(
    ("query", "found"),
    [
        # a broken condition does not hide that a connective is missing behind it
        ("name == 'x' ip = 'y'", [("Q202", "=="), ("Q106", "ip")]),
        ("name == 'x' (ip = 'y')", [("Q202", "=="), ("Q106", "(")]),
        ("name == 'x' not ip = 'y'", [("Q202", "=="), ("Q106", "not")]),
        ("name = \"x\" ip = 'y'", [("Q111", '"x"'), ("Q106", "ip")]),
        ("name = foo ip = 'y'", [("Q110", "foo"), ("Q106", "ip")]),
        ("name is null ip = 'y'", [("Q202", "is null"), ("Q106", "ip")]),
        ("name = = 'x' ip = 'y'", [("Q115", "= ="), ("Q106", "ip")]),
        ("name = ('x') ip = 'y'", [("Q117", "name = ('x')"), ("Q106", "ip")]),
        ("5 < id ip = 'y'", [("Q206", "5 < id"), ("Q106", "ip")]),
        ("name like 'x%' ip = 'y'", [("Q202", "like 'x%'"), ("Q106", "ip")]),
        ("name = 'x' or 'y' ip = 'z'", [("Q109", "'y'"), ("Q106", "ip")]),
        ("last_update > -5 minutes ip = 'y'", [("Q118", "-5 minutes"), ("Q106", "ip")]),
        # where the fault itself may be what should join, nothing else is said
        ("name = ip = 'y'", [("Q108", "=")]),
        ("id = 1 2 ip = 'y'", [("Q117", "2")]),
        ("! name = 'x'", [("Q122", "!")]),
        # a value that is none ends before the next condition
        ("name = \u2018x\u2019 && ip == 'y'", [("Q112", "\u2018x\u2019"), ("Q122", "&&"), ("Q202", "==")]),
        ("name = \u2018x\u2019 ip == 'y'", [("Q112", "\u2018x\u2019"), ("Q106", "ip"), ("Q202", "==")]),
        ("name = 'a'b' && ip == 'y'", [("Q113", "'"), ("Q122", "&&"), ("Q202", "==")]),
        ("name = 'a\\'b' and ip == 'y'", [("Q114", "\\'"), ("Q202", "==")]),
        ("name = 'O'Brien's' and nmae = 'D'Arcy'", [("Q113", "'"), ("Q113", "'"), ("Q201", "nmae"), ("Q113", "'")]),
        ("name = 'a'b' and ip = 'c'd' and nmae = 'z'", [("Q113", "'"), ("Q113", "'"), ("Q201", "nmae")]),
        ("name = x , ip = 'y'", [("Q110", "x"), ("Q122", ",")]),
        ("name = x, ip like 'y'", [("Q110", "x"), ("Q122", ","), ("Q202", "like")]),
        ("id == 1, ip == 'x';", [("Q202", "=="), ("Q122", ","), ("Q202", "=="), ("Q117", ";")]),
        ("name = Daffy, Duck", [("Q110", "Daffy, Duck")]),
        ("name = foo adn ip = 'y'", [("Q110", "foo"), ("Q122", "adn")]),
        ("name = foo ip != 'y'", [("Q110", "foo"), ("Q106", "ip"), ("Q202", "!=")]),
        ("name = foo ip like 'y'", [("Q110", "foo"), ("Q106", "ip"), ("Q202", "like")]),
        ("name = foo ip is equal to 'y'", [("Q110", "foo"), ("Q106", "ip"), ("Q202", "is equal to")]),
        (
            "name = \u2018x\u2019 id greater than 5",
            [("Q112", "\u2018x\u2019"), ("Q106", "id"), ("Q202", "greater than")],
        ),
        ("name = Joe is here", [("Q110", "Joe is here")]),
        ("last_update > -1days , ip = 'y'", [("Q118", "-1days"), ("Q122", ",")]),
        ("last_update > -5 minutes && ip == 'y'", [("Q118", "-5 minutes"), ("Q122", "&&"), ("Q202", "==")]),
        ("id == 1 && )", [("Q202", "=="), ("Q122", "&&"), ("Q104", ")"), ("Q105", "")]),
        # nor does what follows a condition
        (
            "name = 'x' nmae contians \"y\" id != 3",
            [("Q106", "nmae"), ("Q201", "nmae"), ("Q202", "contians"), ("Q111", '"y"'), ("Q106", "id"), ("Q202", "!=")],
        ),
        ("id = 1 foo ip == 'y'", [("Q117", "foo"), ("Q202", "==")]),
        ("id = 1 order by name", [("Q117", "order by name")]),
        # white space is noted once, whatever stands behind it
        ("id = 1\xa0&&\xa0name = 'x'", [("Q125", "\xa0"), ("Q122", "&&"), ("Q125", "\xa0")]),
    ],
)
def test_one_fault_hides_no_other(query: str, found: list[tuple[str, str]]) -> None:
    assert shown(query) == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("connection_status == 'conected'", [("Q202", "=="), ("Q303", "'conected'")]),
        ("connection_status is 'conected'", [("Q202", "is"), ("Q303", "'conected'")]),
        ("connection_status = = 'conected'", [("Q115", "= ="), ("Q303", "'conected'")]),
        ('connection_status = "conected"', [("Q111", '"conected"'), ("Q303", '"conected"')]),
        (
            "connection_status = \u2018conected\u2019",
            [("Q112", "\u2018conected\u2019"), ("Q303", "\u2018conected\u2019")],
        ),
        ("connection_status = conected", [("Q110", "conected"), ("Q303", "conected")]),
        ('connection_status == "conected"', [("Q202", "=="), ("Q111", '"conected"'), ("Q303", '"conected"')]),
        ("id == 'abc'", [("Q202", "=="), ("Q301", "'abc'")]),
        ("id contians 5", [("Q202", "contians"), ("Q203", "contians")]),
        ("connection_status like '%x'", [("Q202", "like '%x'"), ("Q203", "like")]),
        ("nmae == 'x'", [("Q201", "nmae"), ("Q202", "==")]),
        ("'x' <> nmae", [("Q206", "'x' <> nmae"), ("Q201", "nmae")]),
        ("5 < nmae", [("Q206", "5 < nmae"), ("Q201", "nmae")]),
        ("startsWith(id, 'x')", [("Q206", "startsWith(id, 'x')"), ("Q203", "startsWith")]),
    ],
)
def test_names_and_values_are_judged_as_they_are_meant(query: str, found: list[tuple[str, str]]) -> None:
    assert sorted(shown(query)) == sorted(found)


@pytest.mark.parametrize(
    ("query", "mended"),
    [
        ("startsWith(name, 'x')", "name startsWith 'x'"),
        ('not STARTSWITH ( name ,"x" )', "not name startsWith 'x'"),
        ("id = 1 and contains(name, 'it''s') or id = 2", "id = 1 and name contains 'it''s' or id = 2"),
        ("id = 1 && contains(name, 'x')", "id = 1 and name contains 'x'"),
        ("id == 1 && contains(name, 'x') && id = 2", "id = 1 and name contains 'x' and id = 2"),
        ("'10.0.0.1' = ip", "ip = '10.0.0.1'"),
        ("5 < id && id > 7", "id > 5 and id > 7"),
        ("'name' = 'x'", "name = 'x'"),
    ],
)
def test_what_stands_in_another_order(query: str, mended: str) -> None:
    assert applied(query, faults(query)) == mended


def test_a_text_before_a_field_is_one_fault() -> None:
    """Which of the two is the field is not certain where the text looks like a name."""
    assert [(found.code, found.suggestion) for found in faults("'x' = name")] == [("Q206", None)]
    assert "name = 'x'" in faults("'x' = name")[0].message


@pytest.mark.parametrize(
    "query", ["like(name, 'x')", "startsWith(name, x)", "startsWith(name)", "startsWith(name, 'x'"]
)
def test_what_is_no_call_that_is_known_is_an_error_all_the_same(query: str) -> None:
    assert not LANGUAGE.check(None, query).ok


class Slip(NamedTuple):
    """What is written instead of a part of a query, and the code of its fault; without one, the part as it is."""

    text: str
    code: str = ""


EQUAL = [Slip("="), Slip("==", "Q202"), Slip("eq", "Q202"), Slip("is equal to", "Q202"), Slip("= =", "Q115")]
CONDITIONS: list[tuple[list[Slip], list[Slip], list[Slip]]] = [
    (
        [Slip("name"), Slip("nmae", "Q201"), Slip('"name"', "Q123")],
        [*EQUAL, Slip("!=", "Q202"), Slip("contains"), Slip("contians", "Q202"), Slip("starts with", "Q202")],
        [Slip("'it''s'"), Slip('"x y"', "Q111"), Slip("\u2018x\u2019", "Q112"), Slip("Rochester", "Q110")],
    ),
    (
        [Slip("id"), Slip('"id"', "Q123")],
        [*EQUAL, Slip("=>", "Q202"), Slip("\u2265", "Q202"), Slip("> =", "Q115")],
        [Slip("5"), Slip("'abc'", "Q301"), Slip("+5", "Q110"), Slip("1d", "Q118")],
    ),
    (
        [Slip("last_update"), Slip("last_udpate", "Q201")],
        [Slip(">"), Slip("gt", "Q202"), Slip("=<", "Q202")],
        [Slip("-1d"), Slip("-1days", "Q118"), Slip("-5 minutes", "Q118"), Slip("-2 hours ago", "Q118")],
    ),
    (
        [Slip("connection_status"), Slip("conection_status", "Q201")],
        EQUAL,
        [Slip("'connected'"), Slip("'conected'", "Q303"), Slip('"connected"', "Q111")],
    ),
]
JOINTS = [Slip("and"), Slip("or"), Slip("&&", "Q122"), Slip(",", "Q122"), Slip("adn", "Q122"), Slip("", "Q106")]
BEFORE = [Slip("")] * 4 + [Slip("not"), Slip("("), Slip("!", "Q122")]
AFTER = [Slip("")] * 6 + [Slip(")", "Q104")]
PLANS = st.lists(
    st.tuples(
        st.sampled_from(JOINTS),
        st.sampled_from(BEFORE),
        st.sampled_from(CONDITIONS).flatmap(lambda parts: st.tuples(*map(st.sampled_from, parts))),
        st.sampled_from(AFTER),
    ),
    min_size=2,
    max_size=5,
)
Plan = list[tuple[Slip, Slip, tuple[Slip, Slip, Slip], Slip]]


def planted(plan: Plan) -> tuple[str, list[tuple[str, int, int]]]:
    """A query, and the faults that it must have."""
    text, found = "", []
    for index, (joint, before, (name, operator, value), after) in enumerate(plan):
        closing = Slip(")") if before.text == "(" else after
        if index and plan[index - 1][2][2].text == "Rochester" and not joint.text:
            joint = JOINTS[0]  # unquoted text may go on with any words
        if (name.code == "Q123" and joint.text != "or") or (before.text == "!" and not joint.text):
            joint = JOINTS[0]  # what a quoted word or a `!` behind a condition begins cannot be told
        missing = index > 0 and not joint.text
        # Nothing is said of the value of a field that is not known.
        value = Slip("'connected'") if name.code == "Q201" and value.code == "Q303" else value
        for part in (joint if index else Slip(""), before, name, operator, value, closing):
            if not part.text:
                continue
            text += " " if text else ""
            if part.code:
                found.append((part.code, len(text), len(text) + len(part.text)))
            if missing:
                # What a connective is missing before is one word.
                word = part.text.split()[0]
                found.append(("Q106", len(text), len(text) + len(word)))
                missing = False
            text += part.text
    return text, found


# The same plans each time: some that nobody can tell apart may be left among the others.
@settings(derandomize=True)
@given(PLANS)
@case([(JOINTS[0], BEFORE[0], (Slip("id"), EQUAL[1], Slip("1")), AFTER[0])] * 2)
def test_planted_faults_are_found_at_once(plan: Plan) -> None:
    query, expected = planted(plan)
    found = {(fault.code, fault.start, fault.end) for fault in faults(query)}
    assert set(expected) <= found, query
    # Of one slip nothing is said that is not there: what is added judges what was meant.
    assert {code for code, _, _ in found} <= {code for code, _, _ in expected} | {"Q203", "Q301", "Q302", "Q304"}, query


@settings(derandomize=True)
@given(PLANS)
def test_what_mending_uncovers_was_reported(plan: Plan) -> None:
    query, _ = planted(plan)
    found = faults(query)
    again = faults(applied(query, found))
    assert {fault.code for fault in again} <= {fault.code for fault in found}, applied(query, found)


@pytest.mark.parametrize(
    "piece",
    ["word ", "x 'y' ", "a&b ", "-5 minutes ", "'x' = y ", "5 < x ", "f(x, 'y') ", "startsWith(x, 'y') ",
     "name = 'a'b' and ", "name = 'a\\'b' and ", "x, ", "adn ", "a = b, ", "id == 1 ", "\xa0&& "],
    ids=ascii,
)  # fmt: skip
@pytest.mark.parametrize("start", ["", "name = ", "name == 'x' ", "id = 1 "])
def test_long_runs_are_explained(start: str, piece: str) -> None:
    text = start + piece * (20_000 // len(piece))
    report = LANGUAGE.check("devices/inventory", text)
    assert not report.ok
    assert all(0 <= found.start <= found.end <= len(text) for found in report.diagnostics)
