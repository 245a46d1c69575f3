"""What is remembered of fine queries changes no verdict, and stays small."""

from __future__ import annotations

import gc
import re
from typing import Any

import pytest
from hypothesis import example as case
from hypothesis import given
from hypothesis import strategies as st

from digirm_runtime.query.language import Language
from digirm_runtime.query.report import Report
from digirm_runtime.query.shapes import LIMIT, LONGEST, split
from tests.query.query_api import PATH, a_field, a_spec, example, odd

LANGUAGES = {"reconstructed": example("reconstructed"), "live": example()}
#: Fields, with values of every kind that a text may have: right, doubtful, wrong and broken ones.
FIELDS = ("id", "name", "connection_status", "last_update", "enabled", "geoposition", "level", "network2", "nothing")
VALUES = (
    "'x'", "'CONNECTED'", "'conected'", "'it''s'", "''", "'", "'\ud800'", "'é'", "'\t'", "10", "-5", "1.5", "0x1F",
    "1.", "5x", "-1d", "+30s", "-1w", "-1D", "-1", "'-1d'", "'10'", "'2024-01-31T12:00:00.000Z'", "'2024-13-31'",
    "empty", "EMPTY", "true", "[1, 2]", "[-1,2]", "[1,", '"x"', "x", "(1", "1)", "1 or id = 2",
)  # fmt: skip
TEMPLATES = (
    "{f} = {}", "{f} <> {} and id > {}", "not {f} = {}", "({f} = {} or name contains {})", "{f} > {}", "{f}={}",
    "name startsWith {} and {f} < {}", "{f} = {} id = {}", "{f}\t= {}", "{f} contains {}and id = 1", " {f} = {} ",
    "{f} within {}", "{f} = {} or {f} = {} or {f} = {}",
)  # fmt: skip


def facts(report: Report) -> tuple[Any, ...]:
    return report.ok, report.diagnostics, report.query, report.canonical, report.texts, str(report), report.endpoint


def uncached(language: Language) -> Language:
    return Language((language.parser._grammar, language.tables))


FRESH = {name: uncached(language) for name, language in LANGUAGES.items()}


def same(name: str, text: str, *, strict: bool = False) -> None:
    """The verdict of a language that has seen much, and of one whose memory is empty."""
    fresh = FRESH[name]
    fresh._shapes._known = {}
    for _ in range(2):
        assert facts(LANGUAGES[name].check("devices/inventory", text, strict=strict)) == facts(
            fresh.check("devices/inventory", text, strict=strict)
        )
        fresh._shapes._known = {}


@given(
    st.sampled_from(sorted(LANGUAGES)),
    st.sampled_from(TEMPLATES),
    st.sampled_from(FIELDS),
    st.lists(st.lists(st.sampled_from(VALUES), min_size=3, max_size=3), min_size=2, max_size=6),
    st.booleans(),
)
def test_verdicts_are_those_of_an_empty_memory(
    name: str, template: str, field: str, values: list[list[str]], strict: bool
) -> None:
    for three in values:
        same(name, template.format(*three, f=field), strict=strict)


@given(st.text(), st.text(), st.text("'dhms+-0123456789.xX[], "))
@case("'", "'", "'")
@case("", "'", "'' or name = '")
def test_no_text_passes_for_another(before: str, after: str, value: str) -> None:
    same("reconstructed", "name = 'a' and id = 5")
    for text in (f"name = '{value}' and id = 5", f"name = {value} and id = {value}", f"{before}{value}{after}"):
        same("reconstructed", text)


@given(st.lists(st.tuples(st.sampled_from(("2fa", "a:b", "$size", "größe", "5", "a:5", "x 5", "-1d")), st.sampled_from(
    ("=", "~", "5")), st.sampled_from(("5", "'5'", "-1d", "55", "-5"))), min_size=1, max_size=4))  # fmt: skip
def test_names_that_look_like_values(conditions: list[tuple[str, str, str]]) -> None:
    names = ("2fa", "a:b", "$size", "größe", "5", "a:5", "x 5", "-1d", "a:+", "5 ~ 5")
    language = Language.from_spec(a_spec(*(a_field(name, "Number", ["=", "~"]) for name in names)))
    fresh = uncached(language)
    for join in (" and ", " "):
        text = join.join(f"{name} {op} {value}" for name, op, value in conditions)
        for variant in (text, text.replace("5", "6"), text.replace("55", "5"), text.replace("5", "-1d")):
            fresh._shapes._known = {}
            assert facts(language.check("devices/inventory", variant)) == facts(
                fresh.check("devices/inventory", variant)
            ), variant


def test_a_name_that_could_end_in_a_value() -> None:
    language = Language.from_spec(a_spec(a_field("a:+", "Time", ["="]), a_field("a", "Time", [":"])))
    assert language.check("devices/inventory", "a:-1d").ok
    assert not language.check("devices/inventory", "a:+1d").ok


def test_seen_shapes_are_not_parsed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    language = example()
    text = "connection_status = 'connected' and last_update > -1d and (ip startswith '10.' or id = {})"
    assert language.check("devices/inventory", text.format(1)).ok
    parsed: list[str] = []
    parse = type(language.parser).parse
    monkeypatch.setattr(type(language.parser), "parse", lambda self, text: (parsed.append(text), parse(self, text))[1])
    report = language.check("devices/inventory", text.format(0x7F))
    assert report.ok
    assert parsed == []
    assert report.canonical == text.format(127).replace("startswith", "startsWith")
    assert parsed == [text.format(127)]
    assert not language.check("devices/inventory", text.format("'x'")).ok


def test_the_parts_make_the_text() -> None:
    for text in ("name = 'it''s' and id=-5", "'", "''", "a'b'5", "é='é'", ""):
        assert "".join(split(text)) == text


def test_memory_is_bounded() -> None:
    language = example()
    for number in range(3000):
        blanks = " " * (number % 1000 + 1)
        assert language.check("devices/inventory", f"name{blanks}= 'a' or id = {number}").ok
        assert language.check("devices/inventory", " or ".join(["id = 1"] * (number % 50 + 1))).ok
    shapes = language._shapes
    gc.collect()
    held = sum(len("".join(key)) for known in shapes._known.values() for key in known)
    assert held < shapes._size <= LIMIT
    assert language.check("devices/inventory", "name = 'a'" + " " * LONGEST).ok
    assert all(len("".join(key)) <= LONGEST for known in shapes._known.values() for key in known)
    for number in range(3000):
        assert language.check("/" * number + PATH.removeprefix("/ws/v1"), "id = 1") is not None
    assert len(language._judges) <= 1000


def test_odd_languages_agree_too() -> None:
    language = odd()
    for text in ("not =~ 'x'", "2fa == 5", "2fa == 6", "$size ~ 5", "a:b == '5' or or.x == 'y'", "größe == 1"):
        fresh = uncached(language)
        for one in (text, re.sub(r"\b5\b", "7", text)):
            assert facts(language.check("devices/inventory", one)) == facts(fresh.check("devices/inventory", one))
