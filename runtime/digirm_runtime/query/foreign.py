"""What people bring along from other languages: connectives, nulls, units of time, lists and ranges.

Nothing here knows a spec: operators are those that the caller hands over.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from digirm_runtime.query.printer import print_text
from digirm_runtime.query.spelling import misspelt

#: Foreign and misspelt connectives, by the one that is meant.
CONNECTIVES = {
    **dict.fromkeys(("&&", "&", "adn", "nad", "an", "ad", "amd", "annd", "andd", "und"), "and"),
    **dict.fromkeys(("||", "|", "ro", "orr", "oor", "oder"), "or"),
    **dict.fromkeys((",", ";", "+"), "and"),
}
SIGN_CONNECTIVES = {"&&", "&", "||", "|"}
#: Those of them that stand at the end of a text in other languages, where they mean nothing.
ENDINGS = {";", ","}
NEGATION = "!"
NULLS = {"null", "nil", "undefined"}
#: Words that may be meant as a null, or be a value themselves.
NONES = {"none", "nothing", "unset", "blank", "n/a"}
#: Words that are one of `is null` and `is not null`; whether they negate.
NULL_TESTS = {"isnull": False, "isempty": False, "notnull": True, "isnotnull": True, "notempty": True}
#: Parts of a statement that are parameters of their own here.
CLAUSES = {"order": "orderby", "sort": "orderby", "limit": "size", "top": "size", "select": "fields"}

UNITS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), "m"),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), "h"),
    **dict.fromkeys(("d", "day", "days"), "d"),
}
WEEKS = {"w", "wk", "wks", "week", "weeks"}
#: Units that are no slips of those above.
_OTHERS = {
    "mo",
    "mon",
    "month",
    "months",
    "y",
    "yr",
    "yrs",
    "year",
    "years",
    "ms",
    "us",
    "ns",
    "millis",
    "milliseconds",
}
_DURATION = re.compile(r"([+-]?)\s*([0-9]+)(\.[0-9]+)?\s*([^\W\d_]+)(\s+ago)?", re.IGNORECASE)
_NOW = re.compile(r"now(?:\s*\(\s*\))?(?:\s*([+-])\s*([0-9]{1,18})\s*([^\W\d_]+)|(?![\w.-]))", re.IGNORECASE)

_PIECE = r"""(?:'(?:[^']++|'')*+'|"[^"]*+"|[^\s,()'"\[\]]++)"""
_LIST = re.compile(rf"\s*+\(\s*+({_PIECE}(?:(?:\s*+,\s*+|\s++or\s++){_PIECE})*+)\s*+\)", re.IGNORECASE)
_RANGE = re.compile(rf"\s*+({_PIECE})\s++and\s++({_PIECE})", re.IGNORECASE)
_NOT_VALUE = re.compile(rf"\s*+not\s++({_PIECE})", re.IGNORECASE)
_DOES_NOT = re.compile(rf"does\s++not\s++(\w++)\s*+((?:with|to)\s++)?({_PIECE})", re.IGNORECASE)
_ONE = re.compile(_PIECE)
#: Longer lists are not written out in a suggestion.
_MANY = 100


class Duration(NamedTuple):
    """A relative time that is not written as it should be.

    `mend` is what is meant, where that is known; `certain`: whether it can be nothing else.
    """

    fault: str
    mend: str | None = None
    certain: bool = False


def duration(raw: str) -> Duration | None:
    """What is wrong with a text that looks like a relative time; None for what does not."""
    found = _DURATION.fullmatch(raw)
    if found is None:
        return None
    sign, number, fraction, unit, past = found.groups()
    word = unit.lower()
    meant = UNITS.get(word)
    if raw[0].isdigit() and not meant and word not in WEEKS | _OTHERS:
        return None
    if fraction:
        return Duration("has a fraction")
    if sign == "+" and past:
        return Duration("lies ahead by its sign, but is 'ago'")
    signed = bool(sign or past)
    certain = signed and unit != "M"  # which may be months
    sign = sign or "-"
    if word in WEEKS and len(number) < 10:
        return Duration(f"has the unknown unit '{unit}'", f"{sign}{int(number) * 7}d", certain)
    if meant is None:
        near = None if word in _OTHERS else _near(word)
        return Duration(f"has the unknown unit '{unit[:30]}'", f"{sign}{number}{near}" if near else None)
    fault = f"has the unknown unit '{unit}'" if meant != unit else "has blanks in it" if signed else "has no sign"
    return Duration(fault, f"{sign}{number}{meant}", certain)


def _near(unit: str) -> str | None:
    """The unit of which a word is a slip of the pen."""
    slip = misspelt(unit, UNITS)
    if slip is not None:
        return UNITS[slip]
    # Misspelt words have four letters at least; of shorter ones, a day's letters swapped or one of them doubled.
    same = {UNITS[known] for known in UNITS if sorted(known) == sorted(unit) or (len(unit) == 2 and unit == known * 2)}
    return same.pop() if len(same) == 1 else None


class Now(NamedTuple):
    """`now`, `now()` or `now() - 1d`: where it ends, the relative time that is meant, whether that is certain."""

    end: int
    mend: str | None
    certain: bool


def now(text: str, start: int) -> Now | None:
    """What begins with `now` at an offset."""
    found = _NOW.match(text, start)
    if found is None:
        return None
    sign, number, unit = found.groups()
    if sign is None:
        return Now(found.end(), "-0s", certain=True)
    meant = duration(f"{sign}{number}{unit}")
    return Now(found.end(), meant and meant.mend, certain=meant is not None and meant.certain)


class Phrase(NamedTuple):
    """A phrase behind a field: where it ends, and its values as literals (None for one that is no literal).

    `words` are its operator, or the `or` that joins its values.
    """

    end: int
    values: tuple[str | None, ...]
    words: str = ""


class Phrases:
    """Recognises phrases of other languages in a text; `form` says whether a piece of text is a literal."""

    def __init__(self, text: str, form: Callable[[str], str | None]) -> None:
        self._text = text
        self._form = form

    def list_at(self, start: int) -> Phrase | None:
        """`('a', 'b')` or `('a' or 'b')`."""
        found = _LIST.match(self._text, start)
        if found is None:
            return None
        pieces = _ONE.findall(found[1])
        values = [piece for piece in pieces if piece.lower() != "or"]
        joined = len(pieces) == 2 * len(values) - 1 > 1
        if not joined:
            values = pieces
        if len(values) > _MANY:
            return Phrase(found.end(), (None,))
        return Phrase(found.end(), tuple(map(self._literal, values)), "or" if joined else "")

    def range_at(self, start: int) -> Phrase | None:
        """`1 and 5` after `between`; only if both ends are literals, for else they may be conditions."""
        found = _RANGE.match(self._text, start)
        values = tuple(map(self._literal, found.groups())) if found else (None,)
        return Phrase(found.end(), values) if found and None not in values else None

    def not_value_at(self, start: int) -> Phrase | None:
        """`not 'x'` after an operator."""
        found = _NOT_VALUE.match(self._text, start)
        return Phrase(found.end(), (self._literal(found[1]),)) if found and self._form(found[1]) else None

    def does_not_at(self, start: int) -> Phrase | None:
        """`does not contain 'x'`."""
        found = _DOES_NOT.match(self._text, start)
        if found is None:
            return None
        words = found[1] if not found[2] else f"{found[1]} {found[2].strip()}"
        return Phrase(found.end(), (self._literal(found[3]),), words.lower())

    def _literal(self, piece: str) -> str | None:
        if self._form(piece):
            return piece
        if piece[0] == '"' or re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[0-9TZ:.+-]*", piece):
            return print_text(piece[1:-1] if piece[0] == '"' else piece)
        return None


def joined(conditions: Sequence[str], word: str, *, negated: bool = False) -> str:
    """Conditions joined by a connective, in brackets, so that they can stand anywhere."""
    text = f" {word} ".join(conditions)
    return ("not " if negated else "") + (f"({text})" if len(conditions) > 1 else text)
