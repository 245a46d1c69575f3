"""The tables of a query language, made from a spec: JSON-able, deterministic, and all that checking needs.

format, spec        the format's number; api_version, base_path, provenance and fingerprint of the spec
operators           canonical spellings; whatever is not here is no operator of the language
terminals           name -> regular expression; the lexer and the grammar are both made from these
types               type -> the literal forms it takes; a type that is not here takes every form
compares            type -> how it is compared, where its forms do not say it (`values.comparisons`)
operator_forms      operator -> the literal forms it takes, whatever the field's type
empty, mends        operators that take `empty`; foreign spellings and the operator that is meant (empty: none)
operator_sets       distinct operator lists, as indices into `operators`
fields              distinct field tables: name -> [type, operator set, orderby, values, certainty]
columns             distinct lists of columns beyond a field table: [certainty of the list or None, names]
endpoints           path template -> method -> [parameters, field table, and where it takes `fields` list of columns]
legacy              path template -> the legacy object and, by field, its columns (`legacy.LegacyColumn`)
"""

from __future__ import annotations

import json
import re
from functools import cache

from digirm_runtime.errors import SpecError
from digirm_runtime.query.lexer import SIGNS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from digirm_runtime.spec import Field, Request, Spec

FORMAT = 2
#: The methods that a spec may use. Of an endpoint that is given without one, the first that it has is meant.
METHODS = ("GET", "PUT", "DELETE", "POST", "PATCH", "HEAD")
#: Forms that `[types]` of an override may name: those of `literals.json`, and text that holds an absolute time.
TIMESTAMP = "timestamp"
#: Operators that compare a field with a whole value.
EQUALITY = frozenset({"=", "==", "<>", "!="})

_PLAIN_FIELD = r"(?!(?:(?i:and|or|not))(?![\w.-]))[A-Za-z_][A-Za-z0-9_]*(?:[.-][A-Za-z0-9_]+)*"
# A word, or signs; a mixture, a quote, a bracket or a blank could not be told apart from a value.
_WORD_OPERATOR = r"[A-Za-z_][A-Za-z0-9_]{0,39}"
_SIGN_OPERATOR = rf"[{re.escape(SIGNS)}]{{1,40}}"
_OPERATOR = f"{_WORD_OPERATOR}|{_SIGN_OPERATOR}"
_KEYWORD = "(?i:{})(?![\\w.-])"


@cache
def literals() -> dict[str, Any]:
    """What the package knows of literals (`literals.json`)."""
    from pathlib import Path

    data: dict[str, Any] = json.loads(Path(__file__).with_name("literals.json").read_bytes())
    return data


def build(spec: Spec) -> dict[str, Any]:
    """The tables of a spec's language. Raises SpecError where an override names an unknown literal form."""
    from digirm_runtime.query.selectable import Selectable

    known = literals()
    forms: dict[str, str] = known["forms"]
    requests = [
        (path.template, request) for c in spec.categories for path in c.paths for request in path.requests or ()
    ]
    fields = [field for _, request in requests for field in request.query]
    operators = _operators(op for field in fields for op in field.operators)
    index = {op.lower(): number for number, op in enumerate(operators)}
    types = {name: known["types"][name] for name in known["types"] if any(field.type == name for field in fields)}
    types |= {name: list(entry.literals) for name, entry in spec.overrides.types.items()}
    own = {name.lower(): entry for name, entry in spec.overrides.operators.items()}
    taken: dict[str, list[str]] = {op.lower(): names for op, names in known["operators"].items()}
    taken |= {name: list(entry.literals) for name, entry in own.items() if entry.literals}
    empty = {*known["empty"], *(name for name, entry in own.items() if entry.empty)}
    empty -= {name for name, entry in own.items() if entry.empty is False}
    unknown = {form for names in (*types.values(), *taken.values()) for form in names} - {*forms, TIMESTAMP}
    if unknown:
        raise SpecError(
            f"overrides.toml: unknown literal form {min(unknown)!r}; known: {', '.join([*forms, TIMESTAMP])}"
        )
    sets: dict[str, int] = {}
    tables: dict[str, int] = {}
    columns: dict[str, int] = {}
    selectable = Selectable(spec)
    endpoints: dict[str, dict[str, list[Any]]] = {}
    for template, request in sorted(requests, key=lambda item: (item[0], _method_order(item[1]))):
        if request.method != "GET" and not request.query and "query" not in request.params:
            continue
        table = {field.name: _row(field, index, sets) for field in sorted(request.query, key=lambda field: field.name)}
        number = tables.setdefault(json.dumps(table), len(tables))
        row = endpoints.setdefault(template, {})[request.method] = [list(request.params), number]
        if "fields" in request.params:
            row.append(columns.setdefault(json.dumps(selectable.of(template, request)), len(columns)))
    return {
        "format": FORMAT,
        "spec": {
            "api_version": spec.api_version,
            "base_path": spec.base_path,
            "provenance": spec.provenance,
            "fingerprint": spec.fingerprint,
        },
        "operators": operators,
        "terminals": _terminals(operators, {field.name for field in fields}, forms),
        "types": dict(sorted(types.items())),
        "compares": {name: known["compares"][name] for name in types if name in known["compares"]}
        | {name: entry.compares for name, entry in spec.overrides.types.items() if entry.compares},
        "operator_forms": {op: taken[op.lower()] for op in operators if op.lower() in taken},
        "empty": [op for op in operators if op.lower() in empty],
        "mends": {wrong: right if right.lower() in index else "" for wrong, right in known["mends"].items()},
        "operator_sets": [json.loads(key) for key in sets],
        "fields": [json.loads(key) for key in tables],
        "columns": [json.loads(key) for key in columns],
        "endpoints": endpoints,
        "legacy": spec.overrides.legacy_columns(),
    }


def generic() -> dict[str, Any]:
    """The tables of a language in which any word or sign is an operator, and no endpoint is known."""
    known = literals()
    terminals = _terminals((), set(), known["forms"])
    # A keyword is no operator: `a not = 1` would read `not` as one.
    keyword = _KEYWORD.format("(?:and|or|not|empty|true|false)")
    terminals["OPERATOR"] = f"(?!{keyword})(?:{_WORD_OPERATOR}(?!\\w)|{_SIGN_OPERATOR})"
    return {
        "format": FORMAT,
        "spec": {"api_version": "", "base_path": "", "provenance": "", "fingerprint": ""},
        "operators": [],
        "terminals": terminals,
        "types": {},
        "compares": {},
        "operator_forms": {},
        "empty": [],
        "mends": {},
        "operator_sets": [],
        "fields": [],
        "columns": [],
        "endpoints": {},
        "legacy": {},
    }


def forms_of(tables: Mapping[str, Any], operator: str, type_: str) -> Sequence[str] | None:
    """The literal forms that an operator, in its canonical spelling, and a field's type take; None where any is."""
    forms: Sequence[str] | None = tables["operator_forms"].get(operator) or tables["types"].get(type_)
    return forms


def is_operator(text: str) -> bool:
    """Whether a text can be an operator of some language: a word, or signs."""
    return re.fullmatch(_OPERATOR, text) is not None


def _operators(found: Iterable[str]) -> list[str]:
    """Each operator once, in a stable order; of spellings that differ only in case, the first by code point."""
    operators: dict[str, str] = {}
    for op in sorted(set(found)):
        if not is_operator(op):
            raise SpecError(f"{op!a} cannot be an operator")
        operators.setdefault(op.lower(), op)
    return sorted(operators.values())


def _method_order(request: Request) -> tuple[bool, str]:
    return request.method != "GET", request.method


def _row(field: Field, index: dict[str, int], sets: dict[str, int]) -> list[Any]:
    ops = list(dict.fromkeys(index[op.lower()] for op in field.operators))
    number = sets.setdefault(json.dumps(ops), len(sets))
    return [field.type, number, field.orderby, list(field.values), field.certainty]


def _terminals(operators: Sequence[str], fields: set[str], forms: dict[str, str]) -> dict[str, str]:
    """The terminal table. Literal forms come before fields' words nowhere, so their order is the order of attempts."""
    plain = re.compile(_PLAIN_FIELD)
    odd = sorted((name for name in fields if not plain.fullmatch(name)), key=lambda name: (-len(name), name))
    words = [_odd_field(name) for name in odd]
    return {
        "FIELD": "|".join([*words, _PLAIN_FIELD]),
        "OPERATOR": "|".join(map(_operator, sorted(operators, key=lambda op: (-len(op), op)))) or "(?!)",
        **{form.upper(): pattern for form, pattern in forms.items()},
        "AND": _KEYWORD.format("and"),
        "OR": _KEYWORD.format("or"),
        "NOT": _KEYWORD.format("not"),
        "LPAR": r"\(",
        "RPAR": r"\)",
    }


def _odd_field(name: str) -> str:
    return re.escape(name) + (r"(?![\w.-])" if re.match(r"[\w.-]", name[-1]) else "")


def _operator(op: str) -> str:
    return f"(?i:{re.escape(op)})(?!\\w)" if re.match(r"\w", op) else re.escape(op)
