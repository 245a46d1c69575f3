"""What the page asks about a query while it is typed: faults, mends, meaning, completions, translations.

Offsets on the wire count UTF-16 units, as the page's strings do. Everything raises ValueError for data of another
shape, and SpecError for a spec that cannot be read.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from datetime import datetime
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import msgspec

from digirm_explorer.texts import sendable
from digirm_runtime.errors import QueryError, TranslationError
from digirm_runtime.query.lexer import SPACE
from digirm_runtime.text import time_text

if TYPE_CHECKING:
    from digirm_explorer.knowledge import Knowledge
    from digirm_runtime.query.ast import Expr
    from digirm_runtime.query.language import Language
    from digirm_runtime.query.report import Report

#: Characters of one parameter that are looked at.
LONGEST = 100_000
#: Beyond these UTF-16 takes two units.
_ASTRAL = 0xFFFF
_UNREADABLE = "the query cannot be read"
_NOTHING = "no condition is set"


class _Asked(msgspec.Struct):
    endpoint: str | None = None
    query: str | None = None
    orderby: str | None = None
    fields: str | None = None
    size: str | None = None


class _Place(msgspec.Struct):
    text: str
    cursor: int
    endpoint: str | None = None
    parameter: Literal["query", "orderby", "fields"] = "query"


class _Wanted(msgspec.Struct):
    query: str
    endpoint: str | None = None
    dialect: str = ""


T = TypeVar("T", _Asked, _Place, _Wanted)


def check(knowledge: Knowledge, data: object) -> dict[str, Any]:
    """`Checked` of the contract: what `digirm check` says of a query and its companions, and what the query means."""
    from digirm_runtime.query.explain import EVERYTHING, explain_report

    asked, language = _read(data, _Asked), knowledge.language
    report = language.check(asked.endpoint, asked.query, orderby=asked.orderby, fields=asked.fields, size=asked.size)
    units = {name: _Units(text) for name, text in report.texts.items()} if report.diagnostics else {}
    canonical = report.canonical
    none = not (asked.query or "").strip(SPACE)
    return {
        "ok": report.ok,
        "diagnostics": [
            {
                **found._asdict(),
                "message": sendable(found.message),
                "start": units[found.parameter].before(found.start),
                "end": units[found.parameter].before(found.end),
                "suggestion": None if found.suggestion is None else sendable(found.suggestion),
            }
            for found in report.diagnostics
        ],
        "canonical": None if canonical is None else sendable(canonical),
        "explanation": EVERYTHING if none else explain_report(language, report),
        "legacy": _legacy(language, asked.endpoint, report),
        "fixed": _fixed(language, asked, report),
        "spec": str(report.spec),
    }


def complete(knowledge: Knowledge, data: object) -> list[dict[str, Any]]:
    """`Completion[]` of the contract; of an endpoint that the spec lacks, what may stand in any query."""
    place, language = _read(data, _Place), knowledge.language
    units = _Units(place.text)
    cursor = units.at(place.cursor)
    try:
        found = language.complete(place.endpoint, place.text, cursor, parameter=place.parameter)
    except QueryError:
        found = language.complete(None, place.text, cursor, parameter=place.parameter)
    return [{**one._asdict(), "start": units.before(one.start), "end": units.before(one.end)} for one in found]


def sql(knowledge: Knowledge, data: object) -> dict[str, Any]:
    """A query as a condition of SQL: `sql` and `parameters`, or `why` there is none."""
    wanted, language = _read(data, _Wanted), knowledge.language
    report = language.check(wanted.endpoint, wanted.query)
    if report.query is None or not report.ok:
        faults = [found.message for found in report.diagnostics if found.severity == "error"]
        return _no_sql(faults[0] if faults else _NOTHING)
    try:
        return _sql(report.query, _kinds(language, wanted.endpoint), wanted.dialect)
    except (TranslationError, ImportError) as error:
        return _no_sql(str(error))


def _sql(query: Expr, kinds: Mapping[str, str], dialect: str) -> dict[str, Any]:
    from digirm_runtime.query.sql import to_sql

    made = to_sql(query, kinds, dialect=dialect)
    given = made.parameters.values() if isinstance(made.parameters, dict) else made.parameters
    values = [time_text(value) if isinstance(value, datetime) else _finite(value) for value in given]
    return {"sql": sendable(made.text), "parameters": values, "why": ""}


def _no_sql(why: str) -> dict[str, Any]:
    return {"sql": None, "parameters": [], "why": sendable(why)}


def _finite(value: Any) -> Any:
    """A value that JSON has, and that the page's numbers hold."""
    if isinstance(value, str):
        return sendable(value)
    beyond = isinstance(value, int | float) and not -(1 << 53) <= value <= 1 << 53
    return str(value) if beyond else value


def _kinds(language: Language, endpoint: str | None) -> Mapping[str, str]:
    try:
        return {} if endpoint is None else language.kinds(endpoint)
    except QueryError:
        return {}


def _legacy(language: Language, endpoint: str | None, report: Report) -> dict[str, Any]:
    """The condition of the older API: the object that it is for, the condition, and why one of both is missing."""
    from digirm_runtime.query.legacy import to_legacy

    object_ = None
    if endpoint is not None:
        try:
            object_ = language.legacy_object(endpoint)
        except QueryError as error:
            return {"object": None, "condition": None, "why": sendable(error.report.diagnostics[0].message)}
    if endpoint is None or object_ is None:
        return {"object": None, "condition": None, "why": "no older object is known to hold the same"}
    if report.query is None:
        why = _UNREADABLE if (report.text or "").strip(SPACE) else _NOTHING
        return {"object": object_, "condition": None, "why": why}
    try:
        condition = to_legacy(report.query, language.legacy(endpoint))
    except TranslationError as error:
        return {"object": object_, "condition": None, "why": sendable(str(error))}
    return {"object": object_, "condition": condition, "why": ""}


def _fixed(language: Language, asked: _Asked, report: Report) -> str | None:
    if asked.query is None or not any(found.parameter == "query" for found in report.diagnostics):
        return None
    from digirm_runtime.query.fix import fix

    # What would still have an error is given back as it was.
    fixed = fix(language, asked.endpoint, asked.query).text
    return None if fixed == asked.query else fixed


def _read(data: object, form: type[T]) -> T:
    """The data in its form. Raises ValueError."""
    asked = msgspec.convert(data, form)
    for name in asked.__struct_fields__:
        value = getattr(asked, name)
        if isinstance(value, str) and len(value) > LONGEST:
            raise ValueError(f"{name} has more than {LONGEST:,} characters")
    return asked


class _Units:
    """Offsets of one text, in characters and in UTF-16 units."""

    def __init__(self, text: str) -> None:
        self._length = len(text)
        # Where each character ends, where that is not its own number.
        wide = not text.isascii() and max(text) > chr(_ASTRAL)
        self._ends = [0, *accumulate(1 + (ord(char) > _ASTRAL) for char in text)] if wide else None

    def before(self, offset: int) -> int:
        """The units before a character."""
        return offset if self._ends is None else self._ends[offset]

    def at(self, units: int) -> int:
        """The character at so many units; within one, it. Raises ValueError for units outside the text."""
        whole = self._length if self._ends is None else self._ends[-1]
        if not 0 <= units <= whole:
            raise ValueError(f"the cursor {units} is outside the text, which has {whole} units")
        return units if self._ends is None else bisect_right(self._ends, units) - 1
