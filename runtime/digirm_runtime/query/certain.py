"""Which mends are certain: `CERTAIN`, the one list of their codes (the column "by `--fix`" of `docs/diagnostics.md`).

A misspelt field or value is a guess, however near a known one is, and so is a missing connective: their suggestions are
for people.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, NamedTuple

from digirm_runtime.query import foreign
from digirm_runtime.query.ast import Condition, Expr, Or
from digirm_runtime.query.printer import print_text
from digirm_runtime.query.tables import EQUALITY

if TYPE_CHECKING:
    from digirm_runtime.query.diagnostics import Diagnostic
    from digirm_runtime.query.report import Report

_WORD = re.compile(r"(\w+|[^\w\s'\"]+)\s*(.*)", re.DOTALL)
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_NEGATION = re.compile(r"\bnot\b", re.IGNORECASE)
_VALUE = re.compile(r"\s*(?:'[^']{0,300}|\"[^\"]{0,300}|\S{0,300})")
#: Operators that other languages give other meanings, those whose values are patterns as a whole, and those whose
#: values match anywhere unless they hold such a sign.
_AMBIGUOUS = {":", "has", "matches"}
_LIKE = {"like", "ilike"}
_WILDCARDS = "%_*?"
_EXPRESSIONS = {"~", "=~", "~="}
_SPECIAL = r".*+?^$[](){}|\%"
_UNEQUAL = EQUALITY - {"=", "=="}
_UNSURE_JOINTS = {",", ";", "+"}
#: Characters of an unquoted word that may be more than text: a pattern, a variable, a list, an operator, a line's end.
_UNSURE_SIGNS = "*%?$(){},;\\<>=!~"


class Case(NamedTuple):
    """One fault of a text, as the rules see it.

    `fields` are the endpoint's, none where they are not known; `operators` those of the language and foreign ones, in
    lower case.
    """

    found: Diagnostic
    text: str
    report: Report
    fields: Collection[str]
    operators: Collection[str]

    @property
    def raw(self) -> str:
        """What is at fault."""
        return self.text[self.found.start : self.found.end]

    @property
    def suggestion(self) -> str:
        """What is suggested in its place."""
        return self.found.suggestion or ""


def _always(case: Case) -> bool:  # noqa: ARG001
    return True


def _one_word(case: Case) -> bool:
    """A quote that ends behind one word: of several, some might not belong to the text."""
    return not any(map(str.isspace, case.raw))


def _unquoted(case: Case) -> bool:
    """One word that is no pattern, no operator and no field; `now() - 1d`; `1and`."""
    now = foreign.now(case.text, case.found.start)
    if now is not None:
        return now.certain
    if case.suggestion != print_text(case.raw):
        return True
    if not _one_word(case) or not any(map(str.isalnum, case.raw)) or set(case.raw) & set(_UNSURE_SIGNS):
        return False
    word = case.raw.lower()
    return word not in case.operators and word not in foreign.NULL_TESTS and word not in map(str.lower, case.fields)


def _closed(case: Case) -> bool:
    """Double quotes that end, round text without doubled single ones: those may have been doubled already."""
    return "''" not in case.raw and (case.raw[-1] == '"' or _one_word(case))


def _same_letters(case: Case) -> bool:
    """Typographic quotes round text, not in it: one in it may belong there."""
    return "''" not in case.suggestion


def _apostrophe(case: Case) -> bool:
    return case.text[case.found.start - 1].isalnum()


def _one_sign(case: Case) -> bool:
    """`> =`, `= =`; of `<> <>`, each may negate."""
    return "".join(case.raw.split()) != case.suggestion * 2 or case.suggestion not in _UNEQUAL


def _signed(case: Case) -> bool:
    """A relative time with a sign and a unit that is known: without a sign it may lie before or after now."""
    time = foreign.duration(case.raw)
    return time is not None and time.certain


def _known_joint(case: Case) -> bool:
    return case.raw not in _UNSURE_JOINTS


def _known_field(case: Case) -> bool:
    """A quoted field that the endpoint has, unless the value lacks quotes: then the two may be the wrong way round."""
    return case.suggestion in case.fields and all(other.code != "Q110" for other in case.report.diagnostics)


def _case_only(case: Case) -> bool:
    """A field's name in another case, unless the endpoint has several such names."""
    word = case.raw.lower()
    return case.suggestion.lower() == word and sum(name.lower() == word for name in case.fields) == 1


def _value_alone(case: Case) -> bool:
    """The `'y'` of `name = 'x' or 'y'`; behind `id < 5 or` it may be meant as equal."""
    added = case.suggestion.removesuffix(case.raw)
    return case.text[: case.found.start].rstrip()[-2:].lower() == "or" and not set(added) & set("<>!")


def _one_meaning(case: Case) -> bool:
    """A foreign operator that has one meaning, whatever the value behind it: `like` has it with `%` at an end only."""
    span = _WORD.match(case.raw)
    word, pattern = span.groups() if span else ("", "")
    behind = _VALUE.match(case.text, case.found.end)
    value = pattern or (behind[0] if behind else "")
    if word.lower() in _LIKE:
        return "%" in pattern and not set(pattern.strip("'\"%")) & set(_WILDCARDS)
    if word in _EXPRESSIONS:
        return not set(value) & set(_SPECIAL)
    return word.lower() not in _AMBIGUOUS


def _value_first(case: Case) -> bool:
    """`5 < id` and `startsWith(name, 'x')`, without a `not` between; of `'x' = name`, either side may be the field."""
    return (case.raw[0].isalnum() or case.raw[0] in "+-") and not _NEGATION.search(_QUOTED.sub("", case.raw))


def _exact_unit(case: Case) -> bool:
    """`-1w`, `-1D`; `-1M` may be months."""
    return case.raw[-1] != "M"


def is_choice(expr: Expr) -> bool:
    """Whether nothing in a query negates or joins by `and`."""
    items = expr.items if isinstance(expr, Or) else (expr,)
    return all(isinstance(item, Condition) and item.operator not in _UNEQUAL for item in items)


#: Code -> whether its suggestion is certain in one text. What is not here never is.
CERTAIN: dict[str, Callable[[Case], bool]] = {
    "Q102": _one_word,
    "Q109": _value_alone,
    "Q110": _unquoted,
    "Q111": _closed,
    "Q112": _same_letters,
    "Q113": _apostrophe,
    "Q114": _always,
    "Q115": _one_sign,
    "Q117": _always,
    "Q118": _signed,
    "Q121": _always,
    "Q122": _known_joint,
    "Q123": _known_field,
    "Q125": _always,
    "Q201": _case_only,
    "Q202": _one_meaning,
    "Q206": _value_first,
    "Q302": _always,
    "Q304": _always,
    "Q305": _exact_unit,
}
#: Those of them that judge a condition that can be read, or could be once its syntax is mended.
JUDGED = ("Q201", "Q302", "Q304", "Q305")
#: White space is mended in one go, once the query can be read.
SPACING = ("Q119", "Q120")
#: Code that was mended -> codes that show that something else was meant.
DOUBT = {"Q110": ("Q301", "Q304", "Q306"), "Q123": ("Q201",), "Q206": ("Q201",)}
