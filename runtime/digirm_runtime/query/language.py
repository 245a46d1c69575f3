"""One spec's query language: its grammar, its tables, and checks against them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digirm_runtime.errors import QueryError, SpecError
from digirm_runtime.query.diagnostics import Diagnostic, Report, Severity, SpecInfo
from digirm_runtime.query.tables import FORMAT, METHODS

if TYPE_CHECKING:
    from digirm_runtime.query.ast import Condition, Expr
    from digirm_runtime.query.check import FieldRow
    from digirm_runtime.query.parser import Parser
    from digirm_runtime.spec import Spec

GRAMMAR_FILE = "grammar.lark"
TABLES_FILE = "tables.json"
#: Diagnostics of each severity that a report holds of the names and values of one query.
MAX_JUDGED = 100
#: Where the tables keep the hash of all else in them.
_OWN_HASH = "tables_sha256"


def language_files(spec: Spec) -> dict[str, str]:
    """The files of a spec's language, by name, as the generator writes them and `Language.from_folder` reads them."""
    from digirm_runtime.query import grammar, tables

    built = tables.build(spec)
    text = grammar.render(built)
    built["grammar_sha256"] = _sha256(text)
    built[_OWN_HASH] = _sha256(_dumps(built))
    return {GRAMMAR_FILE: text, TABLES_FILE: _layout(built)}


def _layout(tables: dict[str, Any]) -> str:
    """JSON with a line for each table and each endpoint: small, and its diff can be read."""
    lines = []
    for key, value in tables.items():
        if key == "fields" and value:
            text = "[\n  " + ",\n  ".join(_dumps(item) for item in value) + "\n ]"
        elif key == "endpoints" and value:
            text = "{\n  " + ",\n  ".join(f"{_dumps(name)}: {_dumps(item)}" for name, item in value.items()) + "\n }"
        else:
            text = _dumps(value)
        lines.append(f"{_dumps(key)}: {text}")
    return "{\n " + ",\n ".join(lines) + "\n}\n"


def _dumps(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


@cache
def any_language() -> Language:
    """The language of no spec: any word or sign is an operator."""
    from digirm_runtime.query import grammar, tables

    built = tables.generic()
    return Language((grammar.render(built), built))


class Language:
    """The query language of one spec. Cheap to make: grammar and tables are read when something is first checked.

    Raises SpecError, on that first use, where a file is missing, damaged, or was edited.
    """

    def __init__(self, source: tuple[str, dict[str, Any]] | Path) -> None:
        """`source` is the grammar and its tables, or the folder that holds both."""
        self._source = source
        self._rows: dict[int, dict[str, FieldRow]] = {}

    @classmethod
    def from_spec(cls, spec: Spec) -> Language:
        """The language of a spec, made in memory."""
        from digirm_runtime.query import grammar, tables

        built = tables.build(spec)
        return cls((grammar.render(built), built))

    @classmethod
    def from_folder(cls, folder: str | Path) -> Language:
        """The language that a generator wrote to a folder."""
        return cls(Path(folder))

    @cached_property
    def _loaded(self) -> tuple[str, dict[str, Any]]:
        if not isinstance(self._source, Path):
            return self._source
        tables_file, grammar_file = self._source / TABLES_FILE, self._source / GRAMMAR_FILE
        try:
            tables = json.loads(_read(tables_file))
        except (ValueError, RecursionError):
            raise SpecError(f"{tables_file} is not JSON; generate it again") from None
        if not isinstance(tables, dict) or tables.get("format") != FORMAT:
            raise SpecError(f"{tables_file} holds no query tables of format {FORMAT}; generate it again")
        if tables.pop(_OWN_HASH, None) != _sha256(_dumps(tables)):
            raise SpecError(f"{tables_file} is not what was generated: it was edited or damaged; generate it again")
        grammar = _read(grammar_file)
        if _sha256(grammar) != tables.get("grammar_sha256"):
            raise SpecError(f"{grammar_file} is not the grammar that was generated: it was edited or damaged")
        return grammar, tables

    @property
    def tables(self) -> dict[str, Any]:
        """The tables, as `tables.build` makes them."""
        return self._loaded[1]

    @cached_property
    def info(self) -> SpecInfo:
        """Which spec this language comes from."""
        spec = self.tables["spec"]
        return SpecInfo(spec["api_version"], spec["provenance"], spec["fingerprint"])

    @cached_property
    def _parser(self) -> Parser:
        from digirm_runtime.query.parser import Parser

        return Parser(*self._loaded)

    def parse(self, text: str) -> Expr:
        """The AST of a text. Raises QueryError, whose `report` holds every fault, where it has none."""
        report = self.check(None, text)
        if report.query is None:
            raise QueryError(report)
        return report.query

    def check(
        self,
        endpoint: str | None,
        text: str | Expr | None,
        *,
        orderby: str | None = None,
        size: int | str | None = None,
        fields: str | Sequence[str] | None = None,
        strict: bool = False,
    ) -> Report:
        """Judge a query and its companions; never raises for what they hold.

        `endpoint` is `devices/inventory`, the full path, or either behind a method (`PUT jobs/cancel`; GET comes first
        otherwise); None checks the syntax only. `text` may be an expression that was built. `strict` makes names that a
        reconstructed spec does not know errors.
        """
        from digirm_runtime.query import params

        given = {"query": text, "orderby": orderby, "size": size, "fields": fields}
        texts = {name: params.as_text(value) for name, value in given.items() if value is not None}
        outcome = self._parser.parse(texts["query"]) if "query" in texts else None
        found = list(outcome.diagnostics) if outcome else []
        if endpoint is not None:
            where = self._find(endpoint)
            if where is None:
                found.append(self._unknown_endpoint(endpoint))
            else:
                found += self._names(endpoint, *where, texts, outcome.conditions if outcome else (), strict=strict)
            texts["endpoint"] = endpoint
        if "size" in texts:
            found += params.size(texts["size"])
        found.sort(key=lambda diagnostic: (diagnostic.parameter != "query", diagnostic.parameter, diagnostic.start))
        return Report(texts, found, spec=self.info, endpoint=endpoint, query=outcome.expr if outcome else None)

    def _names(
        self,
        endpoint: str,
        accepted: list[str],
        table: int,
        texts: dict[str, str],
        conditions: Iterable[Condition],
        *,
        strict: bool,
    ) -> Iterable[Diagnostic]:
        """Judge by an endpoint what was given for it."""
        from digirm_runtime.query import params
        from digirm_runtime.query.check import Judge

        judge = Judge(self.tables, self._fields(table), endpoint, strict=strict)
        for name, text in texts.items():
            # A request that lists query fields takes a query, whatever its parameters say.
            if name not in accepted and not (name == "query" and judge.fields):
                severity: Severity = "error" if judge.firm else "warning"
                message = f"'{endpoint}' takes no {name}"
                yield Diagnostic("Q205", severity, message, 0, len(text), parameter=name)
            elif name == "query":
                yield from _bounded(judge.query(conditions))
            elif name == "orderby":
                yield from _bounded(params.orderby(judge, text))
            elif name == "fields":
                yield from _bounded(params.fields(judge, text))

    def _find(self, endpoint: str) -> tuple[list[str], int] | None:
        """(accepted parameters, number of the field table) of an endpoint; None for an unknown one."""
        method, path = _split(endpoint)
        endpoints: dict[str, dict[str, list[Any]]] = self.tables["endpoints"]
        base = self.tables["spec"]["base_path"]
        methods = endpoints.get(path) or endpoints.get(f"{base}/{path.strip('/')}")
        if methods is None:
            return None
        for name in (method,) if method else METHODS:
            if name in methods:
                params, table = methods[name]
                return params, table
        return None

    def _fields(self, number: int) -> dict[str, FieldRow]:
        rows = self._rows.get(number)
        if rows is None:
            from digirm_runtime.query.check import FieldRow

            operators, sets = self.tables["operators"], self.tables["operator_sets"]
            rows = {
                name: FieldRow(kind, tuple(operators[i] for i in sets[ops]), orderable, tuple(values), certainty)
                for name, (kind, ops, orderable, values, certainty) in self.tables["fields"][number].items()
            }
            self._rows[number] = rows
        return rows

    def _unknown_endpoint(self, endpoint: str) -> Diagnostic:
        from digirm_runtime.query.spelling import suggest

        prefix = self.tables["spec"]["base_path"] + "/"
        names = [path.removeprefix(prefix) for path in self.tables["endpoints"]]
        nearest = suggest(_split(endpoint)[1].removeprefix(prefix).strip("/"), names)
        message = f"the spec has no endpoint '{endpoint[:120]}'"
        return Diagnostic("Q204", "error", message, 0, len(endpoint), nearest, "endpoint")


def _split(endpoint: str) -> tuple[str, str]:
    """(method, path) of an endpoint; without a method the first is empty. A path may hold blanks itself."""
    method, _, path = endpoint.partition(" ")
    return (method, path) if method in METHODS else ("", endpoint)


def _bounded(diagnostics: Iterable[Diagnostic]) -> Iterable[Diagnostic]:
    """The first diagnostics of each severity: a megabyte of faults must not fill the memory, nor hide an error."""
    left = {"error": MAX_JUDGED, "warning": MAX_JUDGED}
    for diagnostic in diagnostics:
        left[diagnostic.severity] -= 1
        if left[diagnostic.severity] >= 0:
            yield diagnostic


def _sha256(text: str) -> str:
    import hashlib

    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _read(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8")
    except OSError as error:
        raise SpecError(f"cannot read {file}: {error.strerror}; generate it again") from None
    except UnicodeDecodeError:
        raise SpecError(f"{file} is damaged; generate it again") from None
