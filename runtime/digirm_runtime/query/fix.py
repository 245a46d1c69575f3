"""Mends queries where the mend is certain: where no sensible reading of the text means other objects.

`certain.py` says which mends are. All of a query is mended or nothing: what is doubtful together is given up.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from digirm_runtime.errors import QueryError
from digirm_runtime.query.ast import Expr, conditions
from digirm_runtime.query.certain import CERTAIN, DOUBT, JUDGED, SPACING, Case, is_choice
from digirm_runtime.query.lexer import SPACE
from digirm_runtime.query.spacing import MAX_FAULTS

if TYPE_CHECKING:
    from digirm_runtime.query.diagnostics import Diagnostic
    from digirm_runtime.query.language import Language
    from digirm_runtime.query.report import Report
    from digirm_runtime.query.tokens import Token

#: Rounds of mending, each of which finds what the one before it uncovered.
_ROUNDS = 12
_TOO_MANY = f"it has {MAX_FAULTS} faults or more, and not all of them can be mended"
#: Tokens of a part of a query that has more faults than one report holds.
_PART = 100
_ODD_SPACE = re.compile(rf"[{SPACE}]*[{SPACE[1:]}][{SPACE}]*")
_JOINT = re.compile(r"[()]|\w+|\s+")


class Fixed(NamedTuple):
    """A text, mended or not: `report` is of `text`, `mended` what was mended; nothing where the text is as given.

    `given` is the report on the text as it was; `why` says why mends that were begun were given up. The spans of
    `mended` are those of the text in the round that found them.
    """

    text: str
    report: Report
    mended: tuple[Diagnostic, ...]
    given: Report
    why: str = ""


class _GivenUpError(Exception):
    """A query is not mended; the text says why."""


def fix(language: Language, endpoint: str | None, text: str, *, strict: bool = False) -> Fixed:
    """Mend a query as far as that is certain. A text that would still have an error is given back as it was.

    What is given back mends to itself. Takes time in proportion to the text's length.
    """
    mender = _Mender(language, endpoint, strict=strict)
    given = mender.check(text)
    try:
        report = mender.mend(given)
    except _GivenUpError as reason:
        return Fixed(text, given, (), given, str(reason))
    return Fixed(report.text or "", report, tuple(mender.mended), given)


class _Mender:
    """Mends one query; `mended` is what was mended so far."""

    def __init__(self, language: Language, endpoint: str | None, *, strict: bool) -> None:
        self._language = language
        self._endpoint = endpoint
        self._strict = strict
        self.mended: list[Diagnostic] = []

    @cached_property
    def _fields(self) -> frozenset[str]:
        try:
            return frozenset(self._language.kinds(self._endpoint) if self._endpoint is not None else ())
        except QueryError:
            return frozenset()

    @cached_property
    def _operators(self) -> frozenset[str]:
        tables = self._language.tables
        return frozenset(word.lower() for word in (*tables["operators"], *tables["mends"]))

    def check(self, text: str) -> Report:
        return self._language.check(self._endpoint, text, strict=self._strict)

    def mend(self, given: Report) -> Report:
        """The report on the mended text. Raises _GivenUpError."""
        report = given
        if len(given.diagnostics) >= MAX_FAULTS:
            report = self.check(self._in_parts(given.text or ""))
        report = self._rounds(report)
        if self.mended:
            self._ensure(report)
        return report

    def _ensure(self, report: Report) -> None:
        """Raise _GivenUpError where what was mended shows that more, or something else, was meant."""
        if not report.ok:
            (first, *_) = (found for found in report.diagnostics if found.severity == "error")
            raise _GivenUpError(f"it would still have the error {first.code}: {first.message}")
        if report.query is None:
            # A write by what selects nothing in particular would reach everything.
            raise _GivenUpError("nothing would be left of it")
        codes = {found.code for found in self.mended}
        left = {found.code for found in report.diagnostics}
        for code in sorted(codes):
            if doubt := left.intersection(DOUBT.get(code, ())):
                raise _GivenUpError(f"mended, it would have the fault {min(doubt)}: something else may be meant")
        if codes >= {"Q110", "Q123"}:
            raise _GivenUpError("field and value may be the wrong way round")
        if "Q109" in codes and not is_choice(report.query):
            raise _GivenUpError("it is not certain what the value alone belongs to")

    def _rounds(self, report: Report) -> Report:
        for _ in range(_ROUNDS):
            current = report.text or ""
            changed = self._round(report, current)
            if changed == current:
                return report
            report = self.check(changed)
        raise _GivenUpError("mending it comes to no end")

    def _round(self, report: Report, text: str) -> str:
        edits = []
        cut = any(found.code == "Q124" for found in report.diagnostics)
        for found in report.diagnostics:
            new = _edit(Case(found, text, report, self._fields, self._operators))
            if new is not None:
                edits.append((found, new))
            elif cut and found.severity == "error" and found.code != "Q124":
                raise _GivenUpError(_TOO_MANY)
        if report.query is None:
            # What is said of a condition that cannot be read yet may be another thing once it can.
            edits = [edit for edit in edits if edit[0].code not in JUDGED]
        if edits:
            return self._apply(text, edits)
        spaced = [found for found in report.diagnostics if found.code in SPACING]
        if report.query is None or not spaced:
            return text
        self.mended += spaced
        return _respaced(text, report.query)

    def _apply(self, text: str, edits: Sequence[tuple[Diagnostic, str]]) -> str:
        """The text with its edits. Of two that touch the same words, one might drop what the other means."""
        parts: list[str] = []
        position = 0
        for found, new in sorted(edits, key=lambda edit: (edit[0].start, -edit[0].end)):
            if found.start < position:
                raise _GivenUpError(f"the fault {found.code} overlaps another one")
            parts += (text[position : found.start], new)
            position = found.end
            self.mended.append(found)
        return "".join([*parts, text[position:]])

    def _in_parts(self, text: str) -> str:
        """Mend a text that has more faults than one report holds, between its connectives."""
        parts: list[str] = []
        position = depth = 0
        tokens = self._language.parser.lexer.tokens(text)
        begin = 0
        for index, token in enumerate(tokens):
            if index - begin >= _PART and token.kind in ("AND", "OR") and _begins(tokens[index + 1 : index + 3]):
                inner, depth = depth, depth + _levels(tokens[begin:index])
                # One bracket more, so that nothing in it looks like the end of the query.
                part = self._part(text, position, token.start, inner + 1, depth + 1)
                parts += (part, text[token.start : token.end])
                position, begin = token.end, index + 1
        return "".join([*parts, self._part(text, position, len(text), depth, 0)])

    def _part(self, text: str, start: int, end: int, before: int, after: int) -> str:
        """Mend a part of a query, before and behind which so many brackets are open."""
        opened, closed = "(" * before, ")" * after
        known = len(self.mended)
        report = self._rounds(self.check(f"{opened}{text[start:end]}{closed}"))
        mended = report.text or ""
        shift = start - before
        self.mended[known:] = [
            found._replace(start=found.start + shift, end=found.end + shift) for found in self.mended[known:]
        ]
        if not report.ok or not (mended.startswith(opened) and mended.endswith(closed)):
            raise _GivenUpError(_TOO_MANY)
        return mended[before : len(mended) - after]


def _begins(tokens: Sequence[Token]) -> bool:
    """Whether a condition begins here, and no second end of a range or a list."""
    if len(tokens) < 2 or tokens[0].kind != "WORD":
        return bool(tokens) and tokens[0].kind in ("FIELD", "LPAR", "NOT")
    return tokens[1].kind in ("SIGNS", "WORD")


def _levels(tokens: Sequence[Token]) -> int:
    """How many brackets more are opened than closed."""
    return sum((token.kind == "LPAR") - (token.kind == "RPAR") for token in tokens)


def _edit(case: Case) -> str | None:
    """What to put in place of a diagnostic's span; None where that is not certain."""
    found = case.found
    rule = CERTAIN.get(found.code) if found.parameter == "query" else None
    new = found.suggestion
    if rule is None or new is None or "\n" in new or "\r" in new:  # a mended line of a file is one line
        return None
    return new if rule(case) else None


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
