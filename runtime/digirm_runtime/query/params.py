"""Judges what goes beside a query: `orderby`, `size` and `fields`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from digirm_runtime.query.check import MAX_UNKNOWN, Judge
from digirm_runtime.query.diagnostics import HALF, ODD_BLANK, Diagnostic, quoted
from digirm_runtime.query.lexer import BLANK, SURROGATES
from digirm_runtime.query.spelling import suggest
from digirm_runtime.query.tables import literals

#: Digits of a size that are read as a number.
_LONGEST = 18
_DIRECTIONS = ("asc", "desc")
#: What lists of names are separated by elsewhere.
_SEPARATORS = re.compile(r"\s*[;|]\s*|\s+")
_CLAUSE = re.compile(r"(?:^|(?<=,))[^,]*", re.DOTALL)
_FOREIGN = re.compile(r"(?:([+-])\s*([\w.-]+)|([\w.-]+)\s*:\s*(asc|desc)|(asc|desc)\s+([\w.-]+))", re.IGNORECASE)


def orderby(judge: Judge, text: str) -> Iterable[Diagnostic]:
    """`field [asc|desc]`; several fields, joined by commas, are accepted with a warning."""
    yield from _characters(text, "orderby")
    clauses = list(_CLAUSE.finditer(text)) if text.strip() else []
    if not clauses:
        yield Diagnostic("Q401", "error", "a field is missing", 0, len(text), parameter="orderby")
    if all(clause[0].strip() for clause in clauses) and len(clauses) > 1:
        message = "ordering by several fields is not documented"
        yield Diagnostic("Q404", "warning", message, clauses[1].start() - 1, len(text), parameter="orderby")
    for clause in clauses:
        words = list(re.finditer(r"\S+", clause[0]))
        if words:
            yield from _clause(judge, text, clause.start(), words)
        else:
            yield Diagnostic("Q401", "error", "a field is missing", *clause.span(), parameter="orderby")


def _clause(judge: Judge, text: str, base: int, words: Sequence[re.Match[str]]) -> Iterable[Diagnostic]:
    """Judge one field and its direction; `base` is where the clause begins."""
    name, *rest = (word[0] for word in words)
    spans = [(base + word.start(), base + word.end()) for word in words]
    start, end = spans[0][0], spans[-1][1]
    row = judge.fields.get(name)
    if row is None and (meant := _foreign(judge, text[start:end])):
        message = "the direction follows the field, behind a blank"
        yield Diagnostic("Q403", "error", message, start, end, meant, parameter="orderby")
        return
    if row is None:
        yield judge.unknown_field(name, *spans[0], "orderby")
    elif not row.orderby:
        message = f"the answer cannot be ordered by '{name}'"
        yield Diagnostic("Q402", judge.severity(row), message, *spans[0], parameter="orderby")
    if rest and rest[0].lower() not in _DIRECTIONS:
        near = suggest(rest[0], ("asc", "desc", "ascending", "descending"))
        mend = None if near is None else near.removesuffix("ending")
        message = f"the direction is 'asc' or 'desc', not {quoted(rest[0])}"
        yield Diagnostic("Q403", "error", message, *spans[1], mend, "orderby")
    elif len(rest) > 1:
        yield Diagnostic("Q403", "error", "nothing follows the direction", spans[2][0], end, None, "orderby")


def _foreign(judge: Judge, clause: str) -> str | None:
    """What is meant by `-name`, `name:desc` or `desc name`."""
    found = _FOREIGN.fullmatch(clause)
    if found is None:
        return None
    sign, signed, name, behind, before, last = found.groups()
    direction = {"-": "desc", "+": "asc"}.get(sign) or (behind or before).lower()
    field = signed or name or last
    return f"{field} {direction}" if field in judge.fields else None


def size(text: str) -> Iterable[Diagnostic]:
    """A whole number from 1 on; more than the documented page is a warning."""
    if not re.fullmatch(r"0*+[1-9][0-9]*", text):
        bare = re.sub(r"[\s,_']", "", text[:_LONGEST])
        mend = bare if len(text) < _LONGEST and re.fullmatch(r"[1-9][0-9]*", bare) else None
        message = "the size is a whole number from 1 on"
        yield Diagnostic("Q411", "error", message, 0, len(text), mend, "size")
        return
    largest: int = literals()["largest_page"]
    if len(text) > _LONGEST or int(text) > largest:
        yield Diagnostic(
            "Q412", "warning", f"more than {largest} is not documented", 0, len(text), str(largest), "size"
        )


def fields(judge: Judge, text: str) -> Iterable[Diagnostic]:
    """Column names joined by commas."""
    yield from _characters(text, "fields")
    seen: set[str] = set()
    unknown = position = 0
    for part in text.split(","):
        name = part.strip()
        start = position + len(part) - len(part.lstrip())
        end = start + len(name)
        position += len(part) + 1
        if not name:
            yield Diagnostic("Q421", "error", "a column's name is missing", start, end, parameter="fields")
        elif name in seen:
            yield Diagnostic("Q422", "warning", f"'{name[:60]}' is named twice", start, end, parameter="fields")
        elif name not in judge.columns:
            several = [one for one in _SEPARATORS.split(name) if one]
            if len(several) > 1:
                # Of several names a near one would stand for all.
                mend = ",".join(several) if set(several) <= set(judge.columns) else None
                message = f"commas separate columns: {quoted(name)}"
                yield Diagnostic("Q423", "error", message, start, end, mend, "fields")
            else:
                yield judge.unknown_column(name, start, end)
            unknown += 1
            if unknown > MAX_UNKNOWN:
                message = f"more than {MAX_UNKNOWN} unknown columns: what follows was not judged"
                yield Diagnostic("Q124", "error", message, end, end, parameter="fields")
                return
        seen.add(name)


def _characters(text: str, parameter: str) -> Iterable[Diagnostic]:
    """What is refused wherever it stands, as it is in a query."""
    for found in re.finditer(BLANK, text):
        yield Diagnostic("Q125", "error", ODD_BLANK, *found.span(), " ", parameter)
    for found in re.finditer(SURROGATES, text):
        yield Diagnostic("Q126", "error", HALF, *found.span(), None, parameter)


def as_text(value: object) -> str:
    """A parameter as it is sent: a built query as text, a list of columns joined by commas."""
    return ",".join(map(str, value)) if isinstance(value, Sequence) and not isinstance(value, str) else str(value)
