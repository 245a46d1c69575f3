"""Lists: query, order, size and cursor of a GET, its pages as JSON, and all its rows as CSV."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from digirm_runtime.errors import QueryError, TranslationError
from digirm_runtime.query.ast import And, Condition, Expr, Literal, Or
from digirm_runtime.wire import Response
from digirm_simulator import csvform, parse_error
from digirm_simulator.collection import Collection, Order, Row, columns_of, full_order
from digirm_simulator.contract import Field
from digirm_simulator.paging import check_position, chosen, envelope, most, window
from digirm_simulator.replies import Problem, csv_reply, dumps
from digirm_simulator.sql import ALL, Where, both, where
from digirm_simulator.values import Form, LiteralError, stored_form

if TYPE_CHECKING:
    from digirm_simulator.world import Call

_MAX_ORDER = 8
# SQLite binds at most 32,766 values in its default build.
_MAX_VALUES = 30_000
_CSV_ROWS = 500
_MAX_SHOWN = 500

#: Parameters that select nothing.
_PAGING = frozenset({"size", "cursor", "orderby"})
#: Parameters of a list that each mean one comparison, where the collection has a field of that name.
_FILTERS = ("tag", "type", "address", "name")


class Parser(Protocol):
    """What turns the text of a query into its AST; raises QueryError."""

    def parse(self, text: str) -> Expr:
        """The AST of `text`."""
        ...


def page(call: Call, collection: Collection | None, only: Where = ALL) -> Response:
    """One page as JSON, of the objects that meet `only`; without a collection an empty one.

    Raises Problem for parameters that cannot be used.
    """
    page_of = window(call)
    condition, order = _plan(call, collection, page_of.now, only)
    if page_of.after is not None:
        check_position(page_of, len(full_order(order)))
    if collection is None:
        return envelope(call, page_of, [])
    return envelope(call, page_of, collection.page(condition, order, page_of.after, page_of.size))


def computed(call: Call, documents: Iterable[Mapping[str, Any]], key: str) -> Response:
    """One page of objects that are not stored, as `page`: in the order of `key`, which names each, unless told else.

    Raises Problem for parameters that cannot be used.
    """
    page_of = window(call)
    fields = call.described.query
    expr = _expr(call, fields)
    columns = columns_of(fields)
    _condition(expr, fields, columns, page_of.now)  # refuses what a stored list would refuse
    if expr is not None:
        documents = _selected(expr, documents, fields, page_of.now)
    *order, tie = full_order(_order(call, columns))
    names = {column: name for name, column in columns.items()}
    ordering = [(fields[names[item.column]], item.descending) for item in order]
    entries = [
        (document, (*(_form(field, document) for field, _ in ordering), _key_form(document[key])))
        for document in documents
    ]
    down = [*(descending for _, descending in ordering), tie.descending]
    for at, descending in reversed(list(enumerate(down))):
        entries.sort(key=lambda entry: _sortable(entry[1][at]), reverse=descending)
    check_position(page_of, len(down))
    if (last := page_of.after) is not None:
        entries = [entry for entry in entries if _is_behind(entry[1], last, down)]
    shown = [Row(dumps(document).encode(), position) for document, position in entries[: page_of.size]]
    return envelope(call, page_of, shown)


def _selected(
    expr: Expr, documents: Iterable[Mapping[str, Any]], fields: Mapping[str, Field], now: datetime
) -> list[Mapping[str, Any]]:
    from digirm_runtime.query.predicate import predicate

    try:
        return predicate(expr, {name: field.type.compares for name, field in fields.items()}, now).select(documents)
    except TranslationError as problem:
        raise Problem(400, str(problem)) from None


def _form(field: Field, document: Mapping[str, Any]) -> Form:
    return stored_form(field.type.compares, document.get(field.name))


def _key_form(key: object) -> Form:
    return key if isinstance(key, int) else str(key)


def _sortable(form: Form) -> tuple[int, float | str]:
    """A form in SQLite's order: unset, numbers, texts."""
    return (0, 0) if form is None else (2, form) if isinstance(form, str) else (1, form)


def _is_behind(position: Sequence[Form], last: Sequence[Form], down: Sequence[bool]) -> bool:
    for one, other, descending in zip(map(_sortable, position), map(_sortable, last), down, strict=True):
        if one != other:
            return (one < other) is descending
    return False


def bulk(call: Call, collection: Collection | None, only: Where = ALL) -> Response:
    """All rows that meet `only` as CSV, streamed. Raises Problem for parameters that cannot be used."""
    described = call.described
    known = described.query or (collection.fields if collection is not None else {})
    columns = chosen(call, described.columns or tuple(sorted(known)), known)
    limit = most(call)
    condition, order = _plan(call, collection, call.now, only)
    return csv_reply(_csv_chunks(collection, condition, order, columns, limit))


def _csv_chunks(
    collection: Collection | None, condition: Where, order: Sequence[Order], columns: Sequence[str], limit: int | None
) -> Iterator[bytes]:
    if columns:
        yield csvform.line(columns)
    after: tuple[Form, ...] | None = None
    while collection is not None and columns:
        # Page by page, so that the store is free between pages and a large answer never is in memory at once.
        size = _CSV_ROWS if limit is None else min(limit, _CSV_ROWS)
        rows = collection.page(condition, order, after, size)
        yield b"".join(csvform.row(json.loads(row.body), columns) for row in rows)
        limit = None if limit is None else limit - len(rows)
        if len(rows) < size or limit == 0:
            return
        after = rows[-1].position


def selection(call: Call, fields: Mapping[str, Field], columns: Mapping[str, str]) -> Where | None:
    """The condition that the parameters state; None where they state none. Raises Problem where they cannot be used."""
    return _condition(_expr(call, fields), fields, columns, call.now)


def _expr(call: Call, fields: Mapping[str, Field]) -> Expr | None:
    """What the parameters of a request select, as one query; None for everything."""
    described, params = call.described, call.params
    if params.values.keys() <= _PAGING:
        return None
    parts: list[Expr] = []
    text = params.get("query") if "query" in described.params else None
    if text is not None and text.strip():
        try:
            parts.append(call.world.parser.parse(text))
        except QueryError as error:
            raise Problem(400, _syntax(error, text, described.query)) from None
    for name in _FILTERS:
        field = "tags" if name == "tag" else name
        value = params.get(name) if name in described.params else None
        if value is not None and field in fields:
            parts.append(Condition(field, "=", Literal("text", value)))
    group = params.get("group") if "group" in described.params else None
    if group is not None and "group" in fields:
        exact = Condition("group", "=", Literal("text", group))
        below = Condition("group", "startsWith", Literal("text", group.rstrip("/") + "/"))
        nested = "child_groups" in described.params and params.flag("child_groups")
        parts.append(Or([exact, below]) if nested else exact)
    return None if not parts else And(parts) if len(parts) > 1 else parts[0]


def _condition(
    expr: Expr | None, fields: Mapping[str, Field], columns: Mapping[str, str], now: datetime
) -> Where | None:
    if expr is None:
        return None
    try:
        condition = where(expr, fields, columns, now)
    except LiteralError as problem:
        raise Problem(400, str(problem)) from None
    if len(condition.bound()) > _MAX_VALUES:
        raise Problem(400, f"A query has at most {_MAX_VALUES} values")
    return condition


def _syntax(error: QueryError, text: str, fields: Mapping[str, Field]) -> str:
    """A fault of syntax in the service's words; where its form is right, those of the check in the same form."""
    operators = dict.fromkeys(operator for field in fields.values() for operator in field.operators)
    if (message := parse_error.text(text, operators)) is not None:
        return message
    first = error.report.diagnostics[0]
    message = f"{first.message} (line 1, pos {first.start + 1})"
    return message if len(text) > _MAX_SHOWN else f"{message}:\n{text}\n{' ' * first.start}^"


def _plan(call: Call, collection: Collection | None, now: datetime, only: Where) -> tuple[Where, list[Order]]:
    """What to read in which order. A list without stored rows still refuses what no list of its kind would take."""
    fields = call.described.query
    columns = collection.columns if collection is not None else columns_of(fields)
    condition = _condition(_expr(call, fields), fields, columns, now) or ALL
    order = _order(call, columns)
    if not order and collection is not None:
        order = collection.natural_order(condition)
    return (condition if only is ALL else both(condition, only)), order


def _order(call: Call, columns: Mapping[str, str]) -> list[Order]:
    described, params = call.described, call.params
    if not described.order and "orderby" not in params.values and "order" not in params.values:
        return []
    text = params.get("orderby") if "orderby" in described.params else None
    direction = params.get("order") if "order" in described.params else None
    if direction is not None and direction.lower() not in ("asc", "desc"):
        raise Problem(400, "Parameter 'order' must be asc or desc")
    descending = direction is not None and direction.lower() == "desc"
    text = text or described.order or ""
    order: list[Order] = []
    for item in text.split(",") if text.strip() else ():
        name, *rest = item.split() or [""]
        field = described.query.get(name)
        if field is None or not field.orderby:
            raise Problem(400, f"Cannot order by '{name}'")
        if len(rest) > 1 or (rest and rest[0].lower() not in ("asc", "desc")):
            raise Problem(400, f"Invalid orderby '{item.strip()}': expected a field, asc or desc")
        down = rest[0].lower() == "desc" if rest else descending
        order.append(Order(columns[name], down))
    if len(order) > _MAX_ORDER or len({item.column for item in order}) != len(order):
        raise Problem(400, f"An orderby has at most {_MAX_ORDER} fields, each once")
    if not order and descending:
        return [Order("seq", True)]
    return order
