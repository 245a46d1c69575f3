"""What is said about a query: diagnostics with codes and spans, and the report that shows them under the text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from digirm_runtime.query.ast import Expr

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


class SpecInfo(NamedTuple):
    """The spec that judged: `provenance` is `live` or `reconstructed`."""

    api_version: str
    provenance: str
    fingerprint: str

    def __str__(self) -> str:
        if not self.provenance:
            return "no spec"
        return f"spec {_shown(self.api_version)} ({_shown(self.provenance)}, {_shown(self.fingerprint[:19])})"


class Report:
    """The verdict on one query and its companions.

    `ok`: no diagnostic is an error. `texts`: the text of each parameter that was judged, by name. `query`: the AST, or
    None where the text has none. `canonical`: its canonical text. `str()` shows every fault with carets under it.
    """

    def __init__(
        self,
        texts: Mapping[str, str],
        diagnostics: Iterable[Diagnostic],
        *,
        spec: SpecInfo,
        endpoint: str | None = None,
        query: Expr | None = None,
    ) -> None:
        self.texts = dict(texts)
        self.diagnostics = tuple(diagnostics)
        self.spec = spec
        self.endpoint = endpoint
        self.query = query
        self.ok = all(diagnostic.severity != "error" for diagnostic in self.diagnostics)

    @property
    def text(self) -> str | None:
        """The query as it was given; None where only other parameters were judged."""
        return self.texts.get("query")

    @property
    def canonical(self) -> str | None:
        """The query in its canonical spelling; None where it cannot be read."""
        if self.query is None:
            return None
        from digirm_runtime.query.printer import print_expr

        return print_expr(self.query)

    def to_dict(self) -> dict[str, Any]:
        """The JSON form of `digirm check --format json`."""
        return {
            "query": self.text,
            "endpoint": self.endpoint,
            "ok": self.ok,
            "diagnostics": [diagnostic._asdict() for diagnostic in self.diagnostics],
            "canonical": self.canonical,
        }

    def __str__(self) -> str:
        lines = [line for diagnostic in self.diagnostics for line in self._show(diagnostic)]
        where = f"{_shown(self.endpoint)}, " if self.endpoint is not None else "syntax only, "
        return "\n".join([*(lines or ["ok"]), f"judged by {where}{self.spec}"])

    def __repr__(self) -> str:
        return f"<Report ok={self.ok} diagnostics={len(self.diagnostics)}>"

    def _show(self, diagnostic: Diagnostic) -> Iterable[str]:
        place = "" if diagnostic.parameter == "query" else f"{diagnostic.parameter}: "
        yield f"{diagnostic.severity} {diagnostic.code}: {place}{_shown(diagnostic.message)}"
        text = self.texts.get(diagnostic.parameter, "")
        if text:
            yield from (f"  {line}" for line in excerpt(text, diagnostic.start, diagnostic.end))
        if diagnostic.suggestion is not None:
            yield f"  did you mean: {_shown(diagnostic.suggestion).strip() or 'a blank'}"


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


def _shown(text: str) -> str:
    """Text in one line, without control characters, not longer than a few lines of a terminal."""
    shown = "".join(char if char.isprintable() else "�" for char in text[:400])
    return shown if len(text) <= 400 else shown + "…"
