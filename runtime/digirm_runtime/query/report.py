"""The report on one query. Of what it may have to say, nothing is imported before there is something to say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from digirm_runtime.query.ast import Expr
    from digirm_runtime.query.diagnostics import Diagnostic


class SpecInfo:
    """The spec that judged: `provenance` is `live` or `reconstructed`."""

    __slots__ = ("api_version", "fingerprint", "provenance")

    def __init__(self, api_version: str, provenance: str, fingerprint: str) -> None:
        self.api_version = api_version
        self.provenance = provenance
        self.fingerprint = fingerprint

    def __str__(self) -> str:
        from digirm_runtime.query.diagnostics import one_line

        if not self.provenance:
            return "no spec"
        return f"spec {one_line(self.api_version)} ({one_line(self.provenance)}, {one_line(self.fingerprint[:19])})"

    def __repr__(self) -> str:
        return f"<SpecInfo: {self}>"


class Report:
    """The verdict on one query and its companions.

    `ok`: no diagnostic is an error. `texts`: the text of each parameter that was judged, by name. `query`: the AST, or
    None where the text has none. `canonical`: its canonical text. `str()` shows every fault with carets under it.
    """

    __slots__ = ("_parse", "_query", "diagnostics", "endpoint", "ok", "spec", "texts")

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
        self._query = query
        self._parse: Callable[[str], Expr | None] | None = None
        self.ok = all(diagnostic.severity != "error" for diagnostic in self.diagnostics)

    @classmethod
    def fine(
        cls,
        text: str,
        endpoint: str | None,
        spec: SpecInfo,
        parse: Callable[[str], Expr | None],
        query: Expr | None = None,
    ) -> Report:
        """The report on a query of which nothing is to be said; without `query` it is parsed when that is asked for."""
        report = cls.__new__(cls)
        report.texts = {"query": text} if endpoint is None else {"query": text, "endpoint": endpoint}
        report.diagnostics = ()
        report.spec = spec
        report.endpoint = endpoint
        report._query = query
        report._parse = parse
        report.ok = True
        return report

    def __reduce__(self) -> tuple[Any, ...]:
        # Without the parser, which holds a whole language.
        given = {"spec": self.spec, "endpoint": self.endpoint, "query": self.query}
        return _report, (self.texts, self.diagnostics, given)

    @property
    def query(self) -> Expr | None:
        """The AST; None where the text has none."""
        if self._query is None and self._parse is not None:
            self._query = self._parse(self.texts["query"])
        return self._query

    @property
    def text(self) -> str | None:
        """The query as it was given; None where only other parameters were judged."""
        return self.texts.get("query")

    @property
    def canonical(self) -> str | None:
        """The query in its canonical spelling; None where it cannot be read."""
        expr = self.query
        if expr is None:
            return None
        from digirm_runtime.query.printer import print_expr

        return print_expr(expr)

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
        from digirm_runtime.query.diagnostics import one_line, show

        lines = [line for diagnostic in self.diagnostics for line in show(diagnostic, self.texts)]
        where = f"{one_line(self.endpoint)}, " if self.endpoint is not None else "syntax only, "
        return "\n".join([*(lines or ["ok"]), f"judged by {where}{self.spec}"])

    def __repr__(self) -> str:
        return f"<Report ok={self.ok} diagnostics={len(self.diagnostics)}>"


def _report(texts: Mapping[str, str], diagnostics: Iterable[Diagnostic], given: dict[str, Any]) -> Report:
    return Report(texts, diagnostics, **given)
