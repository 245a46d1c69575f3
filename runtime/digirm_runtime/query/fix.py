"""Mends queries where the mend is certain: where no sensible reading of the text means other objects.

`CERTAIN` is the one list of these codes (the column "mended" of `docs/diagnostics.md`). A misspelt field or value is a
guess, however near a known one is, and so is a missing connective: their suggestions are for people.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from digirm_runtime.query import foreign
from digirm_runtime.query.ast import Expr, conditions
from digirm_runtime.query.lexer import SPACE
from digirm_runtime.query.printer import print_text
from digirm_runtime.text import time_text

if TYPE_CHECKING:
    from digirm_runtime.query.diagnostics import Diagnostic
    from digirm_runtime.query.language import Language
    from digirm_runtime.query.report import Report

#: Rounds of mending, each of which finds what the one before it uncovered.
_ROUNDS = 12
_ODD_SPACE = re.compile(rf"[{SPACE}]*[{SPACE[1:]}][{SPACE}]*")
_JOINT = re.compile(r"[()]|\w+|\s+")
_OFFSET_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d([.,]\d{1,6})?)?([+-]\d\d:?\d\d|Z)", re.ASCII)
_WORD = re.compile(r"(\w+|[^\w\s'\"]+)\s*(.*)", re.DOTALL)
_VALUE = re.compile(r"\s*(?:'[^']{0,300}|\"[^\"]{0,300}|\S{0,300})")
_MIXED = re.compile(r"\b(?:and|not)\b|<>|!=", re.IGNORECASE)
#: Operators that other languages give other meanings, and those whose values may be patterns.
_AMBIGUOUS = {":", "has", "matches"}
_PATTERNS = {
    "like": "%_*?",
    "ilike": "%_*?",
    "~": r".*+?^$[](){}|\%",
    "=~": r".*+?^$[](){}|\%",
    "~=": r".*+?^$[](){}|\%",
}
_UNSURE_JOINTS = {",", ";", "+"}


class Fixed(NamedTuple):
    """A text, mended or not: `report` is of `text`, `mended` what was mended; nothing where the text is as given.

    The spans of `mended` are those of the text in the round that found them.
    """

    text: str
    report: Report
    mended: tuple[Diagnostic, ...]


def fix(language: Language, endpoint: str | None, text: str, *, strict: bool = False) -> Fixed:
    """Mend a query as far as that is certain. A text that would still have an error is given back as it was.

    What is given back mends to itself.
    """
    given = report = language.check(endpoint, text, strict=strict)
    mended: list[Diagnostic] = []
    for _ in range(_ROUNDS):
        current = report.text or ""
        edits = [(found, new) for found in report.diagnostics if (new := _mend(found, current, report)) is not None]
        changed = _apply(current, edits, mended)
        if report.query is not None and changed == current:
            spaced = [found for found in report.diagnostics if found.code in SPACING]
            changed = _respaced(current, report.query) if spaced else current
            mended += spaced
        if changed == current:
            doubtful = any(found.code in _DOUBT.get(old.code, ()) for old in mended for found in report.diagnostics)
            # What selects nothing in particular is no mend: a write by it would reach everything.
            doubtful = doubtful or not report.ok or report.query is None
            return Fixed(text, given, ()) if doubtful else Fixed(current, report, tuple(mended))
        report = language.check(endpoint, changed, strict=strict)
    return Fixed(text, given, ())


def _apply(text: str, edits: list[tuple[Diagnostic, str]], mended: list[Diagnostic]) -> str:
    """The text with its edits, each of which keeps clear of those before it; what was done is added to `mended`."""
    parts: list[str] = []
    position = 0
    for found, new in sorted(edits, key=lambda edit: (edit[0].start, -edit[0].end)):
        if found.start >= position:
            parts += (text[position : found.start], new)
            position = found.end
            mended.append(found)
    return "".join([*parts, text[position:]])


def _mend(found: Diagnostic, text: str, report: Report) -> str | None:
    """What to put in place of a diagnostic's span; None where that is not certain."""
    rule = CERTAIN.get(found.code) if found.parameter == "query" else None
    new = _in_utc(found, text) if found.code == "Q304" else found.suggestion
    if rule is None or new is None or "\n" in new or "\r" in new:  # a mended line of a file is one line
        return None
    return new if rule(found, text, report) else None


def _in_utc(found: Diagnostic, text: str) -> str | None:
    """A time with an offset as the same time in UTC."""
    raw = text[found.start + 1 : found.end - 1]
    if not _OFFSET_TIME.fullmatch(raw):
        return None
    from datetime import datetime

    try:
        return print_text(time_text(datetime.fromisoformat(raw)))
    except (ValueError, OverflowError):
        return None


def _respaced(text: str, expr: Expr) -> str:
    """A good query with blanks for other white space, and with a blank on each side of connectives."""
    parts: list[str] = []
    position = 0
    for condition in conditions(expr):
        a, b, c, d, e, f = condition.spans or (0, 0, 0, 0, 0, 0)
        _joint(text[position:a], parts)
        if parts and parts[-1].isalpha():
            parts.append(" ")
        parts += (text[a:b], _plain(text[b:c]), text[c:d], _plain(text[d:e]), text[e:f])
        position = f
    _joint(text[position:], parts)
    return "".join(parts)


def _joint(text: str, parts: list[str]) -> None:
    """Add what stands between two conditions: brackets, connectives, white space."""
    words = _JOINT.findall(_plain(text))
    for index, word in enumerate(words):
        joins = word.lower() in ("and", "or")
        before = words[index - 1] if index else ""
        if (joins and not before.isspace()) or (before.isalpha() and not word.isspace()):
            parts.append(" ")
        parts.append(word)


def _plain(space: str) -> str:
    return _ODD_SPACE.sub(" ", space)


def _always(found: Diagnostic, text: str, report: Report) -> bool:  # noqa: ARG001
    return True


def _one_word(found: Diagnostic, text: str, report: Report) -> bool:  # noqa: ARG001
    """A quote that ends behind one word: of several, some might not belong to the text."""
    return not any(char.isspace() for char in text[found.start : found.end])


def _unquoted(found: Diagnostic, text: str, report: Report) -> bool:
    """One word that is no pattern and no other word's name; `now() - 1d`; `1and`."""
    raw = text[found.start : found.end]
    if found.suggestion != print_text(raw):
        return True
    return _one_word(found, text, report) and any(map(str.isalnum, raw)) and not set(raw) & set("*%?$(){}")


def _closed(found: Diagnostic, text: str, report: Report) -> bool:
    """Double quotes that end, round text without doubled single ones: those may have been doubled already."""
    raw = text[found.start : found.end]
    return "''" not in raw and (raw[-1] == '"' or _one_word(found, text, report))


def _same_letters(found: Diagnostic, text: str, report: Report) -> bool:  # noqa: ARG001
    """Typographic quotes round text, not in it: one in it may belong there."""
    return "''" not in (found.suggestion or "")


def _apostrophe(found: Diagnostic, text: str, report: Report) -> bool:  # noqa: ARG001
    return text[found.start - 1].isalnum()


def _signed(found: Diagnostic, text: str, report: Report) -> bool:  # noqa: ARG001
    """A relative time with a sign and a unit that is known: without a sign it may lie before or after now."""
    time = foreign.duration(text[found.start : found.end])
    return time is not None and time.certain


def _known_joint(found: Diagnostic, text: str, report: Report) -> bool:  # noqa: ARG001
    return text[found.start : found.end] not in _UNSURE_JOINTS


def _next_to_value(found: Diagnostic, text: str, report: Report) -> bool:  # noqa: ARG001
    """A quoted field, unless the value lacks quotes: then the two may be the wrong way round."""
    return not any(other.code == "Q110" for other in report.diagnostics)


def _case_only(found: Diagnostic, text: str, report: Report) -> bool:  # noqa: ARG001
    return found.suggestion is not None and found.suggestion.lower() == text[found.start : found.end].lower()


def _value_alone(found: Diagnostic, text: str, report: Report) -> bool:  # noqa: ARG001
    """The `'y'` of `name = 'x' or 'y'`, unless something negates or joins: then more may be meant."""
    before = text[: found.start].rstrip()
    return before[-2:].lower() == "or" and not _MIXED.search(text)


def _no_pattern(found: Diagnostic, text: str, report: Report) -> bool:  # noqa: ARG001
    """A foreign operator that has one meaning, whatever the value behind it."""
    span = _WORD.match(text[found.start : found.end])
    word, pattern = span.groups() if span else ("", "")
    behind = _VALUE.match(text, found.end)
    value = pattern.strip("'\"%") if pattern else behind[0] if behind else ""
    return word.lower() not in _AMBIGUOUS and not set(value) & set(_PATTERNS.get(word.lower(), ""))


def _exact_unit(found: Diagnostic, text: str, report: Report) -> bool:  # noqa: ARG001
    """`-1w`, `-1D`; `-1M` may be months."""
    return text[found.end - 1] != "M" and found.end - found.start < 12


#: Code -> whether its suggestion is certain in one text. What is not here never is.
CERTAIN: dict[str, Callable[[Diagnostic, str, Report], bool]] = {
    "Q102": _one_word,
    "Q109": _value_alone,
    "Q110": _unquoted,
    "Q111": _closed,
    "Q112": _same_letters,
    "Q113": _apostrophe,
    "Q114": _always,
    "Q115": _always,
    "Q117": _always,
    "Q118": _signed,
    "Q121": _always,
    "Q122": _known_joint,
    "Q123": _next_to_value,
    "Q125": _always,
    "Q201": _case_only,
    "Q202": _no_pattern,
    "Q206": _always,
    "Q302": _always,
    "Q304": _always,
    "Q305": _exact_unit,
}
#: White space is mended in one go, once the query can be read.
SPACING = ("Q119", "Q120")
#: Code that was mended -> codes that show that something else was meant.
_DOUBT = {"Q110": ("Q301", "Q304", "Q306"), "Q123": ("Q201",), "Q206": ("Q201",)}
