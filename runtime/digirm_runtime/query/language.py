"""One spec's query language: its grammar, its tables, and checks against them."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache, cached_property

from digirm_runtime.errors import QueryError, SpecError
from digirm_runtime.query.report import Report, SpecInfo
from digirm_runtime.query.shapes import Shapes, split
from digirm_runtime.query.tables import FORMAT, METHODS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from os import PathLike
    from typing import Any

    from digirm_runtime.query.ast import Expr
    from digirm_runtime.query.check import FieldRow, Judge
    from digirm_runtime.query.complete import Completion
    from digirm_runtime.query.diagnostics import Diagnostic
    from digirm_runtime.query.legacy import LegacyColumn
    from digirm_runtime.query.parser import Parser
    from digirm_runtime.spec import Spec

GRAMMAR_FILE = "grammar.lark"
TABLES_FILE = "tables.json"
#: Spellings of endpoints of which the judge is kept at hand.
MAX_SPELLINGS = 1000
#: What the first line of the tables holds: the checksum of the lines that follow.
_OWN_SUM = "tables_crc32"


def language_files(spec: Spec, lalr_tables: Callable[[str], Any] | None = None) -> dict[str, str]:
    """The files of a spec's language, by name, as the generator writes them and `Language.from_folder` reads them.

    `lalr_tables` makes the LALR tables of a grammar (default: `recovery.lalr_tables`, which imports Lark).
    """
    from digirm_runtime.query import grammar, tables

    if lalr_tables is None:
        from digirm_runtime.query import recovery

        lalr_tables = recovery.lalr_tables

    built = tables.build(spec)
    text = grammar.render(built)
    built["grammar_crc32"] = _crc32(text.encode())
    built["lalr"] = lalr_tables(text)
    rest = _layout(built)
    return {GRAMMAR_FILE: text, TABLES_FILE: f'{{"{_OWN_SUM}":"{_crc32(rest.encode())}",\n{rest}'}


def _layout(tables: dict[str, Any]) -> str:
    """The members of a JSON object, a line for each table and each endpoint: small, and its diff can be read."""
    lines = []
    for key, value in tables.items():
        if key in ("fields", "columns") and value:
            text = "[\n  " + ",\n  ".join(_dumps(item) for item in value) + "\n ]"
        elif key == "endpoints" and value:
            text = "{\n  " + ",\n  ".join(f"{_dumps(name)}: {_dumps(item)}" for name, item in value.items()) + "\n }"
        else:
            text = _dumps(value)
        lines.append(f" {_dumps(key)}: {text}")
    return ",\n".join(lines) + "\n}\n"


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

    def __init__(self, source: tuple[str, dict[str, Any]] | str) -> None:
        """`source` is the grammar and its tables, or the folder that holds both."""
        self._source = source
        self._rows: dict[int, dict[str, FieldRow]] = {}
        self._judges: dict[tuple[str | None, bool], Judge] = {}

    @classmethod
    def from_spec(cls, spec: Spec) -> Language:
        """The language of a spec, made in memory."""
        from digirm_runtime.query import grammar, tables

        built = tables.build(spec)
        return cls((grammar.render(built), built))

    @classmethod
    def from_folder(cls, folder: str | PathLike[str]) -> Language:
        """The language that a generator wrote to a folder."""
        return cls(os.fspath(folder))

    @cached_property
    def _loaded(self) -> tuple[str, dict[str, Any]]:
        if not isinstance(self._source, str):
            return self._source
        tables_file, grammar_file = (f"{self._source}/{name}" for name in (TABLES_FILE, GRAMMAR_FILE))
        content, grammar = _read(tables_file), _read(grammar_file)
        first, _, rest = content.partition(b"\n")
        if first != f'{{"{_OWN_SUM}":"{_crc32(rest)}",'.encode():
            raise SpecError(f"{tables_file} is not what was generated: it was edited or damaged; generate it again")
        tables = json.loads(content)
        if tables.get("format") != FORMAT:
            raise SpecError(f"{tables_file} holds no query tables of format {FORMAT}; generate it again")
        if _crc32(grammar) != tables["grammar_crc32"]:
            raise SpecError(f"{grammar_file} is not the grammar that was generated: it was edited or damaged")
        del tables[_OWN_SUM]
        return grammar.decode("utf-8"), tables

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
    def parser(self) -> Parser:
        """The parser of this language."""
        from digirm_runtime.query.parser import Parser

        return Parser(*self._loaded)

    @cached_property
    def _shapes(self) -> Shapes:
        return Shapes(name for table in self.tables["fields"] for name in table)

    def _expr(self, text: str) -> Expr | None:
        return self.parser.parse(text)[0]

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
        judge = self._judges.get((endpoint, strict)) or self._judge(endpoint, strict=strict)
        parsed = None
        if judge is not None and type(text) is str and orderby is None and size is None and fields is None:
            parts = split(text)
            if self._shapes.knows(judge, text, parts):
                return Report.fine(text, endpoint, self.info, self._expr)
            expr, conditions, found = parsed = self.parser.parse(text)
            slots = None if found else judge.slots(conditions)
            if slots is not None:
                self._shapes.learn(judge, text, parts, conditions, slots)
                return Report.fine(text, endpoint, self.info, self._expr, expr)
        from digirm_runtime.query import params

        given = {"query": text, "orderby": orderby, "size": size, "fields": fields}
        texts = {name: params.as_text(value) for name, value in given.items() if value is not None}
        if parsed is None:
            parsed = self.parser.parse(texts["query"]) if "query" in texts else (None, [], [])
        expr, conditions, found = parsed
        if judge is not None:
            found += judge.all(texts, conditions)
        if endpoint is not None:
            if judge is None:
                found.append(self._unknown_endpoint(endpoint, strict=strict))
            texts["endpoint"] = endpoint
        if "size" in texts:
            found += params.size(texts["size"])
        found.sort(key=lambda diagnostic: (diagnostic.parameter != "query", diagnostic.parameter, diagnostic.start))
        return Report(texts, found, spec=self.info, endpoint=endpoint, query=expr)

    def complete(
        self, endpoint: str | None, text: str, cursor: int | None = None, *, parameter: str = "query"
    ) -> list[Completion]:
        """What may stand at an offset of a query (default: its end), whether the query is right or not.

        `parameter` is `query`, `orderby` or `fields`. Without an endpoint nothing is known of fields. Raises QueryError
        for an unknown endpoint, ValueError for a cursor outside the text and for another parameter.
        """
        from digirm_runtime.query import complete_params
        from digirm_runtime.query.complete import Completer

        cursor = len(text) if cursor is None else cursor
        if not 0 <= cursor <= len(text):
            raise ValueError(f"the cursor {cursor} is outside the text, which has {len(text)} characters")
        judge = None if endpoint is None else self._known_judge(endpoint)
        if parameter == "query":
            return Completer(self.parser, self.tables, judge.fields if judge else {}).at(text, cursor)
        if parameter not in ("orderby", "fields"):
            raise ValueError(f"there is no completion of {parameter!r}, only of query, orderby and fields")
        return (complete_params.orderby if parameter == "orderby" else complete_params.fields)(judge, text, cursor)

    def read(self, endpoint: str | None, query: str | Expr) -> Expr:
        """The AST of a query that is right for an endpoint. Raises QueryError for any other, also for an empty one."""
        report = self.check(endpoint, query)
        if not report.ok or report.query is None:
            raise QueryError(report)
        return report.query

    def kinds(self, endpoint: str) -> dict[str, str]:
        """How each field of an endpoint is compared (`values.comparisons`). Raises QueryError for an unknown one."""
        from digirm_runtime.query.values import comparisons

        rows = self._known_judge(endpoint).fields
        return comparisons({name: row.type for name, row in rows.items()}, self.tables)

    def legacy(self, endpoint: str) -> Mapping[str, LegacyColumn]:
        """The legacy columns of an endpoint's fields, none where none are known. Raises QueryError as `kinds` does."""
        self._known_judge(endpoint)
        columns: dict[str, dict[str, LegacyColumn]] = self.tables["legacy"].get(self._path(endpoint), {})
        return columns.get("fields", {})

    def columns(self, endpoint: str) -> Collection[str]:
        """The columns that `fields` may name, as far as they are known. Raises QueryError as `kinds` does."""
        return self._known_judge(endpoint).columns

    def endpoint(self, method: str, path: str) -> str | None:
        """The shortest name of a request, given by its method and its path template; None for an unknown one."""
        methods: dict[str, Any] = self.tables["endpoints"].get(path, {})
        if method not in methods:
            return None
        short = path.removeprefix(f"{self.tables['spec']['base_path']}/")
        name = short if self._path(short) == path else path
        return name if method == next(one for one in METHODS if one in methods) else f"{method} {name}"

    def legacy_object(self, endpoint: str) -> str | None:
        """The legacy object of the columns of `legacy`; None where none are known. Raises QueryError as it does."""
        self._known_judge(endpoint)
        columns: dict[str, Any] = self.tables["legacy"].get(self._path(endpoint), {})
        return columns.get("object")

    def _known_judge(self, endpoint: str) -> Judge:
        judge = self._judge(endpoint, strict=False)
        if judge is None:
            raise QueryError(self.check(endpoint, None, strict=True))
        return judge

    def _judge(self, endpoint: str | None, *, strict: bool) -> Judge | None:
        """The judge of an endpoint, however that is spelled; None for an unknown one."""
        if judge := self._judges.get((endpoint, strict)):
            return judge
        where = None if endpoint is None else self._find(endpoint)
        if where is None:
            return None
        name, accepted, table, columns = where
        judge = self._judges.get((name, strict))
        if judge is None:
            from digirm_runtime.query.check import Judge

            known = None if columns is None else self.tables["columns"][columns]
            judge = Judge(self.tables, self._fields(table), name, accepted, known, strict=strict)
            self._judges[name, strict] = judge
        if len(self._judges) < MAX_SPELLINGS:
            self._judges[endpoint, strict] = judge
        return judge

    def _find(self, endpoint: str) -> tuple[str, list[str], int, int | None] | None:
        """(shortest name, accepted parameters, numbers of the field table and of the list of columns) of an endpoint.

        None for an unknown one.
        """
        path = self._path(endpoint)
        methods: dict[str, list[Any]] = self.tables["endpoints"].get(path, {})
        method = _split(endpoint)[0]
        for name in (method,) if method else METHODS:
            if name in methods:
                params, table, *columns = methods[name]
                short = path.removeprefix(f"{self.tables['spec']['base_path']}/")
                return f"{method} {short}".lstrip(), params, table, columns[0] if columns else None
        return None

    def _path(self, endpoint: str) -> str:
        """The path template that an endpoint names, if there is such a one."""
        path = _split(endpoint)[1]
        return path if path in self.tables["endpoints"] else f"{self.tables['spec']['base_path']}/{path.strip('/')}"

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

    def _unknown_endpoint(self, endpoint: str, *, strict: bool) -> Diagnostic:
        """A warning only where a reconstructed spec may lack the path: where it knows neither it nor one like it."""
        from digirm_runtime.query.diagnostics import Diagnostic, Severity
        from digirm_runtime.query.spelling import misspelt, suggest

        spec = self.tables["spec"]
        prefix = spec["base_path"] + "/"
        names = [path.removeprefix(prefix) for path in self.tables["endpoints"]]
        name = _split(endpoint)[1].removeprefix(prefix).strip("/")
        firm = strict or spec["provenance"] != "reconstructed" or name in names or misspelt(name, names)
        severity: Severity = "error" if firm else "warning"
        message = f"the spec has no endpoint '{endpoint[:120]}'"
        return Diagnostic("Q204", severity, message, 0, len(endpoint), suggest(name, names), "endpoint")


def _split(endpoint: str) -> tuple[str, str]:
    """(method, path) of an endpoint; without a method the first is empty. A path may hold blanks itself."""
    method, _, path = endpoint.partition(" ")
    return (method, path) if method in METHODS else ("", endpoint)


def _crc32(content: bytes) -> str:
    # It guards against accidents, and costs a process a tenth of what importing hashlib does.
    return f"{zlib.crc32(content):08x}"


def _read(file: str) -> bytes:
    try:
        with open(file, "rb") as content:  # noqa: PTH123 - importing pathlib takes longer than all of this
            return content.read()
    except OSError as error:
        raise SpecError(f"cannot read {file}: {error.strerror}; generate it again") from None
