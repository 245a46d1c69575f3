"""What is remembered of fine queries changes no verdict, and stays small."""

from __future__ import annotations

import gc
from typing import Any

import pytest
from hypothesis import example as case
from hypothesis import given
from hypothesis import strategies as st

from digirm_runtime.query.language import MAX_SPELLINGS, Language
from digirm_runtime.query.report import Report
from digirm_runtime.query.shapes import LIMIT, LONGEST, Shapes, split
from tests.query.query_api import EXAMPLE, NUMERIC, OVERRIDES, a_field, a_spec, example

#: A field that ends in a digit looks as if a value began in it.
SPEC_FIELDS = (*EXAMPLE, a_field("network2"), a_field("size", "Numeric", [*NUMERIC, "isnt"]))
LANGUAGES = {
    "live": Language.from_spec(a_spec(*SPEC_FIELDS, overrides=OVERRIDES)),
    "reconstructed": Language.from_spec(a_spec(*SPEC_FIELDS, provenance="reconstructed", overrides=OVERRIDES)),
}
FIELDS = ("id", "name", "connection_status", "last_update", "enabled", "level", "network2", "network3", "size")
#: Values of every kind that a text may have: right, doubtful, wrong and broken ones.
VALUES = (
    "'x'", "'CONNECTED'", "'conected'", "'it''s'", "''", "'", "'\ud800'", "'é'", "'\t'", "10", "-5", "5", "1.5", "0x1F",
    "1.", "5x", "-1d", "+30s", "-1w", "-1D", "-1", "'-1d'", "'10'", "'2024-01-31T12:00:00.000Z'", "'2024-13-31'",
    "'2024-02-30T12:00:00.000Z'", "empty", "EMPTY", "true", "[1, 2]", "[-1,2]", "[1,", '"x"', "x", "(1", "1)", "",
)  # fmt: skip
TEMPLATES = (
    "{f} = {}",
    "not {f} <> {} and id > 5",
    "{f}>{}",
    "{f} contains{}",
    "({f} isnt{} or size <> {} or network2 = 'x')",
)


def facts(report: Report) -> tuple[Any, ...]:
    return report.ok, report.diagnostics, report.query, report.canonical, report.texts, str(report), report.endpoint


def uncached(language: Language) -> Language:
    return Language((language.parser._grammar, language.tables))


def forgetful(language: Language) -> Language:
    """A language that shares the tables of another, and remembers no shape."""
    fresh = uncached(language)
    fresh._shapes._sound = False
    return fresh


def hits(language: Language, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that the memory answered for, from now on."""
    answered: list[str] = []
    knows = Shapes.knows

    def noted(self: Shapes, judge: Any, text: str, parts: Any) -> bool:
        known = knows(self, judge, text, parts)
        if known and self is language._shapes:
            answered.append(text)
        return known

    monkeypatch.setattr(Shapes, "knows", noted)
    return answered


@pytest.mark.parametrize("name", LANGUAGES)
@pytest.mark.parametrize("template", TEMPLATES)
def test_verdicts_are_those_of_an_empty_memory(name: str, template: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each value after each other one, in the place of every field."""
    language, fresh = LANGUAGES[name], forgetful(LANGUAGES[name])
    assert language._shapes._sound
    answered = hits(language, monkeypatch)
    for field in FIELDS:
        texts = [template.format(value, value, f=field) for value in VALUES]
        expected = {text: facts(fresh.check("devices/inventory", text)) for text in texts}
        for first in texts:
            if not expected[first][0] or expected[first][1]:
                continue  # nothing is learnt of it
            language._shapes._known = {}
            for _ in range(2):  # a shape is remembered when it comes the second time
                assert facts(language.check("devices/inventory", first)) == expected[first]
            for second in texts:
                assert facts(language.check("devices/inventory", second)) == expected[second], (first, second)
    assert answered


@given(st.lists(st.text("'dhms+-0123456789.xX[], éa\ud800"), min_size=1, max_size=4), st.booleans())
@case(["'", "'' or name = '"], True)
def test_no_value_passes_for_another(values: list[str], strict: bool) -> None:
    language = LANGUAGES["reconstructed"]
    fresh = forgetful(language)
    for value in ("a", "5", "b", "6", *values):
        for text in (f"name = '{value}' and size = 5", f"level = {value} and network2 = 'x'", f"level contains{value}"):
            assert facts(language.check("devices/inventory", text, strict=strict)) == facts(
                fresh.check("devices/inventory", text, strict=strict)
            )


NAMES = {True: ("2fa", "größe", "5", "a-5", "net2", "-1d"), False: ("a:b", "$size", "a:5", "x 5", "a:+", "5 ~ 5")}


@pytest.mark.parametrize("sound", [True, False])
def test_names_that_look_like_values(sound: bool) -> None:
    """Nothing is remembered where a name may be more than a word; everywhere else verdicts do not change."""
    language = Language.from_spec(a_spec(*(a_field(name, "Number", ["=", "~"]) for name in NAMES[sound])))
    fresh = forgetful(language)
    assert language._shapes._sound is sound
    for name in NAMES[sound]:
        for op in ("=", " ~ "):
            texts = [f"{name}{op}{value}" for value in ("5", "'5'", "-1d", "55", "-5", "+5d")]
            for text in texts + [one.replace("5", "6") for one in texts]:
                assert facts(language.check("devices/inventory", text)) == facts(
                    fresh.check("devices/inventory", text)
                ), text


def test_a_name_that_could_end_in_a_value() -> None:
    language = Language.from_spec(a_spec(a_field("a:+", "Time", ["="]), a_field("a", "Time", [":"])))
    assert language.check("devices/inventory", "a:-1d").ok
    assert not language.check("devices/inventory", "a:+1d").ok


def test_seen_shapes_are_not_parsed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    language = example()
    text = "connection_status = 'connected' and last_update > -1d and (ip startswith '10.' or id = {})"
    for value in (1, 2):  # a shape is remembered when it comes the second time
        assert language.check("devices/inventory", text.format(value)).ok
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
    spellings = ["/" * number + "devices/inventory" for number in range(3000)]
    for endpoint in spellings:
        assert language.check(endpoint, "id = 1").endpoint == endpoint
    assert len(language._judges) <= MAX_SPELLINGS + 1
    assert len(set(map(id, language._judges.values()))) == 1
    (judge,) = set(language._judges.values())
    for number in range(1000):
        assert language.check("devices/inventory", f"connection_status = '{bin(number)}' or id = 1") is not None
        moment = f"'2024-01-31T12:00:{number % 60:02}.{number:03}Z'"
        assert language.check("devices/inventory", f"last_update > {moment}").ok
    slot = judge._known["last_update", ">", "text"][1]
    (seen,) = [cell.cell_contents for cell in slot.__closure__ if isinstance(cell.cell_contents, set)]
    assert 0 < len(seen) <= 64
