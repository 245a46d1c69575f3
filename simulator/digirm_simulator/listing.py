"""Lists: query, order, size and cursor of a GET, its pages as JSON, and all its rows as CSV."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, Protocol
from urllib.parse import urlencode

from digirm_runtime.errors import QueryError
from digirm_runtime.query.ast import And, Condition, Expr, Literal, Or
from digirm_runtime.wire import Response
from digirm_simulator import csvform
from digirm_simulator.contract import Field
from digirm_simulator.contract import Request as Described
from digirm_simulator.replies import Problem, csv_reply, text_reply
from digirm_simulator.sql import ALL, Where, where
from digirm_simulator.store import Collection, Order, columns_of
from digirm_simulator.values import Form, LiteralError, milliseconds

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


class _Plan(NamedTuple):
    condition: Where
    order: list[Order]


def page(
    described: Described, collection: Collection | None, params: Params, path: str, parser: Parser, now: datetime
) -> Response:
    """One page as JSON; without a collection an empty one. Raises Problem for parameters that cannot be used."""
    size = _size(params.get("size")) if "size" in described.params else MAX_SIZE
    binding = _binding(path, params, size)
    after: tuple[Form, ...] | None = None
    cursor = params.get("cursor") if "cursor" in described.params else None
    if cursor is not None:
        now, after = _read_cursor(cursor, binding)
    plan = _plan(described, collection, params, parser, now)
    if after is not None and len(after) != len(plan.order) + 1:
        raise Problem(400, "Invalid cursor")
    rows = collection.page(plan.condition, plan.order, after, size) if collection is not None else []
    entries = {"count": str(len(rows)), "list": f"[{','.join(row.body for row in rows)}]", "size": str(size)}
    if len(rows) == size and "cursor" in described.params:
        token = _write_cursor(binding, now, rows[-1].position)
        pairs = [pair for pair in params.pairs if pair[0] != "cursor"]
        entries["cursor"] = json.dumps(token)
        entries["next_uri"] = json.dumps(f"{path}?{urlencode([*pairs, ('cursor', token)])}")
    # The stored documents are JSON text already: joining them is all that is left to do.
    return text_reply("{" + ",".join(f'"{name}":{entries[name]}' for name in sorted(entries)) + "}")


def bulk(
    described: Described, collection: Collection | None, params: Params, parser: Parser, now: datetime
) -> Response:
    """All rows as CSV, streamed. Raises Problem for parameters that cannot be used."""
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
    plan = _plan(described, collection, params, parser, now)
    return csv_reply(_csv_chunks(collection, plan, chosen, limit))


def _csv_chunks(
    collection: Collection | None, plan: _Plan, columns: Sequence[str], limit: int | None
) -> Iterator[bytes]:
    if columns:
        yield csvform.line(columns)
    after: tuple[Form, ...] | None = None
    while collection is not None and columns:
        # Page by page, so that the store is free between pages and a large answer never is in memory at once.
        size = _CSV_ROWS if limit is None else min(limit, _CSV_ROWS)
        rows = collection.page(plan.condition, plan.order, after, size)
        yield b"".join(csvform.row(json.loads(row.body), columns) for row in rows)
        limit = None if limit is None else limit - len(rows)
        if len(rows) < size or limit == 0:
            return
        after = rows[-1].position


def selection(
    described: Described,
    fields: Mapping[str, Field],
    columns: Mapping[str, str],
    params: Params,
    parser: Parser,
    now: datetime,
) -> Where | None:
    """The condition that the parameters state; None where they state none. Raises Problem where they cannot be used."""
    parts: list[Expr] = []
    text = params.get("query") if "query" in described.params else None
    if text is not None and text.strip():
        try:
            parts.append(parser.parse(text))
        except QueryError as error:
            raise Problem(400, _syntax(error, text)) from None
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
    if not parts:
        return None
    try:
        condition = where(And(parts) if len(parts) > 1 else parts[0], fields, columns, now)
    except LiteralError as problem:
        raise Problem(400, str(problem)) from None
    if len(condition.bound()) > _MAX_VALUES:
        raise Problem(400, f"A query has at most {_MAX_VALUES} values")
    return condition


def _syntax(error: QueryError, text: str) -> str:
    """A fault of syntax in the form that the service is recorded to use: message, place, text, and a caret."""
    first = error.report.diagnostics[0]
    message = f"{first.message} (line 1, pos {first.start + 1})"
    return message if len(text) > _MAX_SHOWN else f"{message}:\n{text}\n{' ' * first.start}^"


def _plan(described: Described, collection: Collection | None, params: Params, parser: Parser, now: datetime) -> _Plan:
    """What to read in which order. A list without stored rows still refuses what no list of its kind would take."""
    columns = collection.columns if collection is not None else columns_of(described.query)
    condition = selection(described, described.query, columns, params, parser, now) or ALL
    text = params.get("orderby") if "orderby" in described.params else None
    direction = params.get("order") if "order" in described.params else None
    if direction is not None and direction.lower() not in ("asc", "desc"):
        raise Problem(400, "Parameter 'order' must be asc or desc")
    descending = direction is not None and direction.lower() == "desc"
    order = _order(described, text or described.order or "", columns, descending)
    if not order and descending:
        order = [Order("seq", True)]
    return _Plan(condition, order)


def _order(described: Described, text: str, columns: Mapping[str, str], descending: bool) -> list[Order]:
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
    return order


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


def _write_cursor(binding: str, now: datetime, position: tuple[Form, ...]) -> str:
    # The time of the first page goes along: `-1d` means the same moment on every page.
    text = json.dumps([binding, milliseconds(now), *position], separators=(",", ":"))
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
