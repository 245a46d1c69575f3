"""What the page is told of a query while it is typed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digirm_cli.main import main
from digirm_explorer import queries
from digirm_explorer.knowledge import Knowledge
from tests.query.test_properties import scraps

KNOWLEDGE = Knowledge()
DEVICES = "devices/inventory"
GOOD = "connection_status = 'connected' and ip startswith '10.20.1.'"


def check(query: str | None = None, endpoint: str | None = DEVICES, **more: Any) -> dict[str, Any]:
    return queries.check(KNOWLEDGE, {"endpoint": endpoint, "query": query, **more})


def test_a_good_query() -> None:
    assert check(GOOD) == {
        "ok": True,
        "diagnostics": [],
        "canonical": "connection_status = 'connected' and ip startsWith '10.20.1.'",
        "explanation": "Everything where connection_status is 'connected' and ip starts with '10.20.1.'.",
        "legacy": {
            "object": "DeviceCore",
            "condition": "dpConnectionStatus = 1 and dpGlobalIP like '10.20.1.%'",
            "why": "",
        },
        "fixed": None,
        "spec": str(KNOWLEDGE.language.info),
    }


@pytest.mark.parametrize(
    "query",
    [GOOD, "nmae = 'x'", 'name == "x"', "name = ", "", "name = 'x' and (id = 5", "group = 'x'\u00a0and id = 'y'"],
)
def test_it_says_what_the_command_says(query: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["check", "--endpoint", DEVICES, "--format", "json", "--explain", query])
    said = json.loads(capsys.readouterr().out)
    found = check(query)
    assert {key: found[key] for key in ("ok", "diagnostics", "canonical")} == {
        key: said[key] for key in ("ok", "diagnostics", "canonical")
    }
    assert found["explanation"] == (said["explanation"] if query else "Everything: no condition is set.")
    main(["check", "--endpoint", DEVICES, "--format", "json", "--fix", query])
    fixed = json.loads(capsys.readouterr().out)["fixed"]
    assert found["fixed"] == (fixed if fixed != query else None)


def test_all_that_stands_beside_a_query_is_judged() -> None:
    found = check("name = 'x'", "devices/bulk", orderby="nmae", fields="id,,name", size="0")
    assert {(one["parameter"], one["start"], one["end"]) for one in found["diagnostics"]} == {
        ("orderby", 0, 4),
        ("fields", 3, 3),
        ("size", 0, 1),
    }
    assert not found["ok"]
    assert found["fixed"] is None
    assert found["canonical"] == "name = 'x'"


@pytest.mark.parametrize("query", [None, "", "  \n"])
def test_without_a_condition(query: str | None) -> None:
    found = check(query)
    assert found["ok"]
    assert found["explanation"] == "Everything: no condition is set."
    assert found["legacy"] == {"object": "DeviceCore", "condition": None, "why": "no condition is set"}
    assert (found["canonical"], found["fixed"]) == (None, None)


@pytest.mark.parametrize("query", ['name == "x" and id = ', 'name == "x" and nmae = 1', "nmae = 'x'"])
def test_what_would_still_have_an_error_is_not_mended(query: str) -> None:
    found = check(query)
    assert (found["ok"], found["fixed"]) == (False, None)


def test_offsets_count_utf16_units() -> None:
    found = check("name = '😀😀' and nmae = 'x' and id = 😀")
    spans = [(one["code"], one["start"], one["end"]) for one in found["diagnostics"]]
    assert ("Q201", 18, 22) in spans
    assert any(span[1:] == (38, 40) for span in spans)


def test_half_a_character_is_no_character() -> None:
    found = check("name = '\ud83d' and id = '\ude00'")
    assert "Q126" in {one["code"] for one in found["diagnostics"]}
    json.dumps(found, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("endpoint", "query", "why"),
    [
        (DEVICES, "name =", "the query cannot be read"),
        (DEVICES, "name = empty", "how a legacy condition asks for an unset field is not known"),
        (DEVICES, "nobody = 1", "no legacy column is known for the field 'nobody'"),
        ("jobs/inventory", "id = 1", "no older object is known to hold the same"),
        ("jobs/inventroy", "id = 1", "the spec has no endpoint 'jobs/inventroy'"),
        (None, "id = 1", "no older object is known to hold the same"),
    ],
)
def test_why_there_is_no_legacy_condition(endpoint: str | None, query: str, why: str) -> None:
    legacy = check(query, endpoint)["legacy"]
    assert legacy["condition"] is None
    assert legacy["object"] == ("DeviceCore" if endpoint == DEVICES else None)
    assert why in legacy["why"]


def test_a_long_query() -> None:
    query = " or ".join(f"name = 'device-{number}'" for number in range(440))
    found = check(query)
    assert found["ok"]
    assert len(query) > 9900
    assert found["explanation"].endswith("or 430 others.")


def complete(marked: str, **more: Any) -> list[dict[str, Any]]:
    text = marked.replace("|", "")
    cursor = len(marked.partition("|")[0].encode("utf-16-le")) // 2
    return queries.complete(KNOWLEDGE, {"endpoint": DEVICES, "text": text, "cursor": cursor, **more})


def test_completions() -> None:
    assert complete("name = '😀' and na|me2") == [
        {"text": "name", "kind": "field", "start": 16, "end": 21, "detail": "Text"}
    ]
    assert [item["text"] for item in complete("name d|", parameter="orderby")] == ["desc"]
    found = complete("id, na|", endpoint="devices/bulk", parameter="fields")
    assert [(item["text"], item["start"], item["end"]) for item in found] == [("name", 4, 6)]
    assert {item["kind"] for item in complete("|", endpoint="nowhere/at/all")} == {"connective", "bracket"}


def test_a_cursor_within_a_character_stands_before_it() -> None:
    assert queries.complete(KNOWLEDGE, {"endpoint": DEVICES, "text": "na😀", "cursor": 3})[0]["start"] == 0


def test_sql() -> None:
    asked = {"endpoint": DEVICES, "query": "name contains 'x' and vendor_id = 0xfffffffffffffff and last_update > -1d"}
    found = queries.sql(KNOWLEDGE, {**asked, "dialect": "postgres"})
    assert found["why"] == ""
    assert found["sql"].count("%s") == len(found["parameters"]) == 3
    assert found["parameters"][:1] == ["%x%"]
    # No number of the page holds it.
    assert str(0xFFFFFFFFFFFFFFF) in found["parameters"]
    named = queries.sql(KNOWLEDGE, {**asked, "dialect": "bigquery"})
    assert named["parameters"][0] == "%x%"
    json.dumps(named)


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("", "no condition is set"),
        ("name =", "a value is missing"),
        ("nmae = 1", "has no field 'nmae'"),
        ("geoposition within [1,2]", "what an area means is not documented"),
    ],
)
def test_why_there_is_no_sql(query: str, why: str) -> None:
    found = queries.sql(KNOWLEDGE, {"endpoint": DEVICES, "query": query, "dialect": ""})
    assert (found["sql"], found["parameters"]) == (None, [])
    assert why in found["why"]


@pytest.mark.parametrize("ask", [queries.check, queries.complete, queries.sql])
@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {"query": 5, "text": 5},
        {"query": "x" * 200_000, "text": "x" * 200_000, "cursor": 0},
        {"endpoint": 1, "query": "", "text": "", "cursor": 0},
    ],
)
def test_data_of_another_shape(ask: Any, data: object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        ask(KNOWLEDGE, data)


def test_what_there_is_not() -> None:
    for cursor in (-1, 3):
        with pytest.raises(ValueError, match="outside the text"):
            queries.complete(KNOWLEDGE, {"text": "😀", "cursor": cursor})
    with pytest.raises(ValueError, match="size"):
        queries.complete(KNOWLEDGE, {"text": "", "cursor": 0, "parameter": "size"})
    with pytest.raises(ValueError, match="nope"):
        queries.sql(KNOWLEDGE, {"query": "id = '1'", "dialect": "nope"})


@given(st.one_of(scraps, st.text(st.characters())), st.sampled_from([DEVICES, "jobs/bulk", "nowhere", None]))
def test_no_text_breaks_it(text: str, endpoint: str | None) -> None:
    found = check(text, endpoint, orderby=text, fields=text, size=text)
    units = len(text.encode("utf-16-le", "surrogatepass")) // 2
    for one in found["diagnostics"]:
        whole = len((endpoint or "").encode("utf-16-le")) // 2 if one["parameter"] == "endpoint" else units
        assert 0 <= one["start"] <= one["end"] <= whole
    for parameter in ("query", "orderby", "fields"):
        asked = {"endpoint": endpoint, "text": text, "cursor": units, "parameter": parameter}
        assert all(item["end"] == units for item in queries.complete(KNOWLEDGE, asked))
    json.dumps([found, queries.sql(KNOWLEDGE, {"endpoint": endpoint, "query": text})], ensure_ascii=False).encode()
