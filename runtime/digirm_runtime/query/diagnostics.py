"""What is said of a query: diagnostics with codes and spans, and how they are shown under the text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple, TypeAlias

Severity: TypeAlias = Literal["error", "warning"]

#: What is said of characters, wherever they stand.
ODD_BLANK = "this white space is no plain blank"
HALF = "half a character (a lone surrogate) cannot be sent"
#: Columns of query text that are shown round a fault.
_WIDTH = 100
_TAB = 4
#: Characters of a word that a message repeats.
_WORD = 60


class Diagnostic(NamedTuple):
    """One fault. `start` and `end` are 0-based, half-open offsets into the text of `parameter`.

    `code` is stable (`docs/diagnostics.md`); `suggestion` is the text to put in place of the span, where one is known.
    """

    code: str
    severity: Severity
    message: str
    start: int
    end: int
    suggestion: str | None = None
    parameter: str = "query"


def show(diagnostic: Diagnostic, texts: Mapping[str, str]) -> Iterable[str]:
    """The lines that show a diagnostic of one of some texts, by parameter."""
    place = "" if diagnostic.parameter == "query" else f"{diagnostic.parameter}: "
    yield f"{diagnostic.severity} {diagnostic.code}: {place}{one_line(diagnostic.message)}"
    text = texts.get(diagnostic.parameter, "")
    if text:
        yield from (f"  {line}" for line in excerpt(text, diagnostic.start, diagnostic.end))
    mend = diagnostic.suggestion
    if mend is not None:
        yield f"  did you mean: {one_line(mend).strip() or 'a blank'}" if mend else "  leave it out"


def excerpt(text: str, start: int, end: int) -> tuple[str, str]:
    """The line that holds a span, and carets under it; long lines are cut, wide characters and tabs aligned."""
    # Only the neighbourhood is looked at: a report on a megabyte must not take a megabyte's time for each fault.
    low = text.rfind("\n", max(0, start - _WIDTH), start) + 1
    if min(end, start + _WIDTH // 2) - low > _WIDTH:
        low = max(low, start - _WIDTH // 2)
    stop = text.find("\n", start, low + _WIDTH)
    high = min(len(text), low + _WIDTH) if stop < 0 else stop
    end = min(max(end, start + 1), max(high, start + 1))
    cells = [_cell(char) for char in text[low:high]]
    before = "…" if low and text[low - 1] != "\n" else ""
    after = "…" if high < len(text) and text[high] != "\n" else ""
    pad = len(before) + sum(width for _, width in cells[: start - low])
    carets = sum(width for _, width in cells[start - low : end - low])
    return before + "".join(shown for shown, _ in cells) + after, " " * pad + "^" * max(carets, 1)


def _cell(char: str) -> tuple[str, int]:
    """A character as it is shown, and the columns that it takes."""
    if " " <= char <= "~":
        return char, 1
    if char == "\t":
        return " " * _TAB, _TAB
    if not char.isprintable():
        return ("�", 1) if char != "\xa0" else (" ", 1)
    from unicodedata import combining, east_asian_width

    return char, 0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1


def quoted(text: str) -> str:
    """A word of the query for a message: in quotes unless it has them, and not longer than a line."""
    shown = text if len(text) <= _WORD else f"{text[:_WORD]}…"
    return shown if shown.startswith(("'", '"')) else f"'{shown}'"


def one_line(text: str) -> str:
    """Text in one line, without control characters, not longer than a few lines of a terminal."""
    shown = "".join(char if char.isprintable() else "�" for char in text[:400])
    return shown if len(text) <= 400 else shown + "…"
