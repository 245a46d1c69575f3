"""Judges what goes beside a query: `orderby`, `size` and `fields`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from digirm_runtime.query.check import Judge
from digirm_runtime.query.diagnostics import HALF, ODD_BLANK, Diagnostic
from digirm_runtime.query.lexer import BLANK, SURROGATES
from digirm_runtime.query.spelling import misspelt, suggest

#: The largest page that the service documents.
MAX_SIZE = 1000


def orderby(judge: Judge, text: str) -> Iterable[Diagnostic]:
    """`field [asc|desc]`; several fields, joined by commas, are accepted with a warning."""
    yield from _characters(text, "orderby")
    clauses = list(re.finditer(r"[^,]*", text)) if text.strip() else []
    clauses = [clause for clause in clauses if clause.start() == 0 or text[clause.start() - 1] == ","]
    if not clauses:
        yield Diagnostic("Q401", "error", "a field is missing", 0, len(text), parameter="orderby")
    if all(clause[0].strip() for clause in clauses) and len(clauses) > 1:
        message = "ordering by several fields is not documented"
        yield Diagnostic("Q404", "warning", message, clauses[1].start() - 1, len(text), parameter="orderby")
    for clause in clauses:
        words = list(re.finditer(r"\S+", clause[0]))
        if not words:
            yield Diagnostic("Q401", "error", "a field is missing", *clause.span(), parameter="orderby")
            continue
        base = clause.start()
        field, *rest = words
        start, end = base + field.start(), base + field.end()
        row = judge.fields.get(field[0])
        if row is None:
            yield judge.unknown_field(field[0], start, end, "orderby")
        elif not row.orderby:
            message = f"the answer cannot be ordered by '{field[0]}'"
            yield Diagnostic("Q402", judge.severity(row), message, start, end, parameter="orderby")
        if rest and rest[0][0].lower() not in ("asc", "desc"):
            meant = suggest(rest[0][0], ("asc", "desc", "ascending", "descending"))
            mend = None if meant is None else meant.removesuffix("ending")
            message = f"the direction is 'asc' or 'desc', not '{rest[0][0][:60]}'"
            yield Diagnostic(
                "Q403", "error", message, base + rest[0].start(), base + rest[0].end(), mend, parameter="orderby"
            )
        elif len(rest) > 1:
            yield Diagnostic(
                "Q403", "error", "nothing follows the direction", base + rest[1].start(), base + rest[-1].end(), None,
                "orderby",
            )  # fmt: skip


def size(text: str) -> Iterable[Diagnostic]:
    """A whole number from 1 on; more than the documented page is a warning."""
    if not re.fullmatch(r"[0-9]{1,18}", text) or int(text) < 1:
        message = "the size is a whole number from 1 on"
        yield Diagnostic("Q411", "error", message, 0, len(text), parameter="size")
    elif int(text) > MAX_SIZE:
        message = f"more than {MAX_SIZE} is not documented"
        yield Diagnostic("Q412", "warning", message, 0, len(text), str(MAX_SIZE), "size")


def fields(judge: Judge, text: str) -> Iterable[Diagnostic]:
    """Column names joined by commas. Columns are more than query fields, so only a slip of the pen is noted."""
    yield from _characters(text, "fields")
    seen: set[str] = set()
    position = 0
    for part in text.split(","):
        name = part.strip()
        start = position + len(part) - len(part.lstrip())
        end = start + len(name)
        position += len(part) + 1
        if not name:
            yield Diagnostic("Q421", "error", "a column's name is missing", start, end, parameter="fields")
        elif name in seen:
            yield Diagnostic("Q422", "warning", f"'{name[:60]}' is named twice", start, end, parameter="fields")
        elif name not in judge.fields and (slip := misspelt(name, judge.fields)):
            yield Diagnostic("Q423", "warning", f"'{name[:60]}' is no known column", start, end, slip, "fields")
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
