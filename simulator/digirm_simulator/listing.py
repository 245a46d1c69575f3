"""Lists: query, order, size and cursor of a GET, its pages as JSON, and all its rows as CSV."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from urllib.parse import urlencode

from digirm_runtime.errors import QueryError, TranslationError
from digirm_runtime.query.ast import And, Condition, Expr, Literal, Or
from digirm_runtime.wire import Response
from digirm_simulator import csvform, parse_error
from digirm_simulator.contract import Field
from digirm_simulator.replies import Problem, bytes_reply, csv_reply, dumps
from digirm_simulator.sql import ALL, Where, where
from digirm_simulator.store import Collection, Order, Row, columns_of, full_order
from digirm_simulator.values import Form, LiteralError, milliseconds, stored_form

if TYPE_CHECKING:
    from digirm_simulator.world import Call

MAX_SIZE = 1000
_MAX_ORDER = 8
# SQLite binds at most 32,766 values in its default build.
_MAX_VALUES = 30_000
_CSV_ROWS = 500
_MAX_SHOWN = 500

#: Parameters of a list that each mean one comparison, where the collection has a field of that name.
_FILTERS = ("tag", "type", "address", "name")


class Parser(Protocol):
    """What turns the text of a query into its AST; raises QueryError."""

    def parse(self, text: str) -> Expr:
        """The AST of `text`."""
        ...


class Params:
    """The parameters of a request in order. Raises Problem where one is given twice."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self.pairs = pairs
        self.values = dict(pairs)
        if len(self.values) != len(pairs):
            raise Problem(400, "A parameter is given more than once")

    def get(self, name: str) -> str | None:
        """The value of a parameter; None where it is not given."""
        return self.values.get(name)

    def flag(self, name: str) -> bool:
        """A parameter that is true or false. Raises Problem for any other value."""
        value = self.values.get(name, "false").lower()
        if value not in ("true", "false", "yes", "no"):
            raise Problem(400, f"Parameter '{name}' must be true or false")
        return value in ("true", "yes")


class _Window(NamedTuple):
    """Which page is asked for: `after` is the position of the last object of the page before."""

    binding: str
    size: int
    now: datetime
    after: tuple[Form, ...] | None


def page(call: Call, collection: Collection | None) -> Response:
    """One page as JSON; without a collection an empty one. Raises Problem for parameters that cannot be used."""
    window = _window(call)
    condition, order = _plan(call, collection, window.now)
    _check_position(window, len(full_order(order)))
    if collection is None:
        return _reply(call, window, [])
    return _reply(call, window, collection.page(condition, order, window.after, window.size))


def computed(call: Call, documents: Iterable[Mapping[str, Any]], key: str) -> Response:
    """One page of objects that are not stored, as `page`: in the order of `key`, which names each, unless told else.

    Raises Problem for parameters that cannot be used.
    """
    window = _window(call)
    fields = call.described.query
    expr = _expr(call, fields)
    columns = columns_of(fields)
    _condition(expr, fields, columns, window.now)  # refuses what a stored list would refuse
    if expr is not None:
        documents = _selected(expr, documents, fields, window.now)
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
    _check_position(window, len(down))
    if (last := window.after) is not None:
        entries = [entry for entry in entries if _is_behind(entry[1], last, down)]
    shown = [Row(dumps(document).encode(), position) for document, position in entries[: window.size]]
    return _reply(call, window, shown)


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


def bulk(call: Call, collection: Collection | None) -> Response:
    """All rows as CSV, streamed. Raises Problem for parameters that cannot be used."""
    described, params = call.described, call.params
    fields_known = described.query or (collection.fields if collection is not None else {})
    columns = described.columns or tuple(sorted(fields_known))
    chosen = columns
    if fields := params.get("fields") if "fields" in described.params else None:
        chosen = tuple(name.strip() for name in fields.split(","))
        for name in chosen:
            if name not in columns and name not in fields_known:
                raise Problem(400, f"Unknown field '{name}' in fields")
    limit = _size(params.get("size")) if "size" in described.params and params.get("size") is not None else None
    if "cursor" in described.params and params.get("cursor") is not None:
        raise Problem(400, "Invalid cursor")  # a CSV answer never gave one
    condition, order = _plan(call, collection, call.now)
    return csv_reply(_csv_chunks(collection, condition, order, chosen, limit))


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


def _plan(call: Call, collection: Collection | None, now: datetime) -> tuple[Where, list[Order]]:
    """What to read in which order. A list without stored rows still refuses what no list of its kind would take."""
    fields = call.described.query
    columns = collection.columns if collection is not None else columns_of(fields)
    condition = _condition(_expr(call, fields), fields, columns, now) or ALL
    order = _order(call, columns)
    if not order and collection is not None:
        order = collection.natural_order(condition)
    return condition, order


def _order(call: Call, columns: Mapping[str, str]) -> list[Order]:
    described, params = call.described, call.params
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


def _reply(call: Call, window: _Window, rows: Sequence[Row]) -> Response:
    """The envelope of a page around objects that are JSON text already: joining them is all that is left to do."""
    cursor = following = b""
    if len(rows) == window.size and "cursor" in call.described.params:
        token = _write_cursor(window, rows[-1].position)
        pairs = [pair for pair in call.params.pairs if pair[0] != "cursor"]
        uri = f"{call.raw_path}?{urlencode([*pairs, ('cursor', token)])}"
        cursor, following = b',"cursor":"%b"' % token.encode(), b',"next_uri":%b' % json.dumps(uri).encode()
    objects = b",".join([row.body for row in rows])
    body = b'{"count":%d%b,"list":[%b]%b,"size":%d}' % (len(rows), cursor, objects, following, window.size)
    return bytes_reply(body)


def _window(call: Call) -> _Window:
    params, known = call.params, call.described.params
    size = _size(params.get("size")) if "size" in known else MAX_SIZE
    binding = _binding(call.raw_path, params, size)
    cursor = params.get("cursor") if "cursor" in known else None
    if cursor is None:
        return _Window(binding, size, call.now, None)
    return _Window(binding, size, *_read_cursor(cursor, binding))


def _check_position(window: _Window, length: int) -> None:
    if window.after is not None and len(window.after) != length:
        raise Problem(400, "Invalid cursor")


def _size(text: str | None) -> int:
    if text is None:
        return MAX_SIZE
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= MAX_SIZE):
        raise Problem(400, f"Parameter 'size' must be a number from 1 to {MAX_SIZE}")
    return int(text)


def _binding(path: str, params: Params, size: int) -> str:
    """A short digest of everything that must stay the same from page to page."""
    rest: Mapping[str, object] = {**{k: v for k, v in params.values.items() if k != "cursor"}, "size": size}
    return hashlib.blake2b(json.dumps([path, rest], sort_keys=True).encode(), digest_size=8).hexdigest()


def _write_cursor(window: _Window, position: tuple[Form, ...]) -> str:
    # The time of the first page goes along: `-1d` means the same moment on every page.
    text = json.dumps([window.binding, milliseconds(window.now), *position], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _read_cursor(token: str, binding: str) -> tuple[datetime, tuple[Form, ...]]:
    try:
        bound, moment, *position = json.loads(base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True))
        now = datetime.fromtimestamp(moment / 1000, UTC)
        if not all(_bindable(value) for value in position):
            raise ValueError("not a position")
    except (ValueError, TypeError, OverflowError, OSError, RecursionError):
        raise Problem(400, "Invalid cursor") from None
    if bound != binding:
        raise Problem(400, "The cursor belongs to a request with other parameters")
    return now, tuple(position)


def _bindable(value: object) -> bool:
    if isinstance(value, str):
        value.encode()  # a lone surrogate is a ValueError
        return True
    return value is None or isinstance(value, float) or (isinstance(value, int) and abs(value) < 1 << 63)
