"""Lists of the older API: the rows of a table that meet a `condition`, page by page with `start` and `size`."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from digirm_runtime.wire import Response
from digirm_simulator.collection import Collection
from digirm_simulator.legacy.columns import SEQ, Column, operands, row
from digirm_simulator.legacy.condition import Operand, compiled
from digirm_simulator.legacy.forms import page_reply
from digirm_simulator.other import Asked
from digirm_simulator.paging import Params, size_of
from digirm_simulator.replies import Problem, dumps
from digirm_simulator.sql import ALL, Where, both
from digirm_simulator.values import Form
from digirm_simulator.world import Call, World

_MAX_START = 1 << 31


class Table(NamedTuple):
    """Where rows are: SQL for a table of documents as JSON (`body`), numbered by `seq`; its columns by v1's names."""

    sql: str
    columns: Mapping[str, str]
    values: tuple[Form, ...] = ()

    @classmethod
    def stored(cls, collection: Collection) -> Table:
        """That of a stored collection."""
        return cls(collection.table, collection.columns)

    @classmethod
    def computed(cls, documents: Iterable[Mapping[str, Any]]) -> Table:
        """One that is made for this answer, in this order."""
        text = f"[{','.join(map(dumps, documents))}]"
        return cls("(SELECT value AS body, key AS seq FROM json_each(?))", {}, (text,))

    def total(self, world: World, condition: Where) -> int:
        """How many rows meet a condition."""
        sql = f"SELECT count(*) FROM {self.sql} WHERE {condition.sql}"  # noqa: S608 - columns and marks only
        return int(world.store.sql(sql, (*self.values, *condition.values))[0][0])

    def rows(self, world: World, condition: Where, start: int, size: int, order: str = "seq") -> list[dict[str, Any]]:
        """The documents that meet a condition; each holds its number as SEQ."""
        sql = (
            f"SELECT CAST(body AS BLOB), seq FROM {self.sql} WHERE {condition.sql}"  # noqa: S608 - as above
            f" ORDER BY {order} LIMIT ? OFFSET ?"
        )
        found = world.store.sql(sql, (*self.values, *condition.values, size, start))
        return [{**json.loads(body), SEQ: seq} for body, seq in found]


def page(
    asked: Asked,
    table: Table,
    columns: Sequence[Column],
    prepare: Callable[[list[dict[str, Any]]], None] | None = None,
    only: Where = ALL,
    special: Mapping[str, Operand | None] | None = None,
) -> Response:
    """One page of the rows that meet `only` and the condition; `prepare` looks up what the documents lack.

    `special` are columns whose SQL is not in the table of columns. Raises Problem 400.
    """
    known = operands(columns, table.columns) | dict(special or {})
    condition = both(compiled(asked.params.get("condition"), known), only)
    start, size = start_of(asked.params.get("start")), size_of(asked.params.get("size"))
    with asked.world.store.lock:
        total = table.total(asked.world, condition)
        documents = table.rows(asked.world, condition, start, size)
        if prepare is not None:
            prepare(documents)
    head = heading(total, start, len(documents), size)
    return page_reply(asked, asked.path[0], head, [row(columns, document) for document in documents])


def heading(total: int, start: int, count: int, size: int) -> dict[str, str]:
    """What stands before the objects of a page: `count` of `total`, from `start` on, where `size` were asked for."""
    return {
        "resultTotalRows": str(total),
        "requestedStartRow": str(start),
        "resultSize": str(count),
        "requestedSize": str(size),
        "remainingSize": str(max(0, total - start - count)),
    }


def one(asked: Asked, columns: Sequence[Column], document: Mapping[str, Any]) -> Response:
    """The page that holds one object and was asked for by its id."""
    return page_reply(asked, asked.path[0], heading(1, 0, 1, 1000), [row(columns, document)])


def start_of(text: str | None) -> int:
    """The row that the parameter `start` names, the first where it is not given. Raises Problem 400."""
    if text is None:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) < _MAX_START):
        raise Problem(400, "Parameter 'start' must be a number from 0 on")
    return int(text)


def next_cursor(asked: Asked, position: Sequence[Form]) -> str:
    """A `pageCursor` to go on behind a position from; an empty one is the beginning."""
    return base64.urlsafe_b64encode(dumps([_binding(asked), *position]).encode()).decode()


def position_of(asked: Asked, *kinds: type) -> tuple[Any, ...]:
    """The position that `pageCursor` holds, of these kinds; empty at the beginning.

    Raises Problem 400 for a cursor that was given by no page of this list.
    """
    token = asked.params.get("pageCursor")
    if token is None:
        return ()
    try:
        binding, *position = json.loads(base64.b64decode(token, b"-_", validate=True))
    except (ValueError, TypeError, RecursionError):
        raise Problem(400, "Invalid pageCursor") from None
    fits = not position or (len(position) == len(kinds) and all(map(_fits, position, kinds)))
    if binding != _binding(asked) or not fits:
        raise Problem(400, "Invalid pageCursor")
    return tuple(position)


def _fits(value: object, kind: type) -> bool:
    """Whether a value is of a kind, and one that SQLite can be asked for."""
    if isinstance(value, str):
        return kind is str and not any("\ud800" <= char <= "\udfff" for char in value)
    return kind is int and type(value) is int and abs(value) < 1 << 63


def _binding(asked: Asked) -> str:
    """A short digest of what must stay the same from page to page."""
    given = sorted(pair for pair in asked.params.values.items() if pair[0] not in ("pageCursor", "size"))
    return hashlib.blake2b(repr((asked.path, given)).encode(), digest_size=8).hexdigest()


def as_call(
    asked: Asked,
    name: str,
    args: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    body: bytes = b"",
) -> Call:
    """The v1 request to the path `name` that does what is asked. Raises Problem 403 under a contract without it."""
    path = asked.world.contract.paths.get(asked.world.contract.base_path + name)
    if path is None or not path.requests:
        raise Problem(403, "Not simulated: this contract has nothing of this kind")
    described = path.requests.get("GET") or next(iter(path.requests.values()))
    raw_path = f"/ws/{'/'.join(asked.path)}"
    given = Params(list((params or {}).items()))
    return Call(asked.world, described, path, args or {}, given, body, raw_path, asked.now, asked.user)
