"""Pages and CSV of what happened in time.

Rows are read by position: a moment in milliseconds since 1970, and a number that tells rows of one moment apart.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple, TypeAlias

from digirm_runtime.query.ast import Literal
from digirm_runtime.query.values import bindable_time, from_milliseconds, literal_time
from digirm_runtime.wire import Response
from digirm_simulator import csvform
from digirm_simulator.collection import Row
from digirm_simulator.paging import chosen, envelope, most, window
from digirm_simulator.replies import Problem, csv_reply
from digirm_simulator.values import Form, time_text
from digirm_simulator.world import Call

FIRST, LAST = -(1 << 63), (1 << 63) - 1
_CSV_ROWS = 500

#: The moment and number behind which to read; None: from the beginning.
Position: TypeAlias = "tuple[int, int] | None"
#: Reads at most so many rows behind a position.
Read: TypeAlias = Callable[[Call, Position, int], list[Row]]


class Span(NamedTuple):
    """Milliseconds since 1970; `end` is exclusive."""

    start: int
    end: int


ALWAYS = Span(FIRST, LAST)


def span(call: Call) -> Span:
    """What `start_time` and `end_time` span: all of time without them. Raises Problem 400."""
    start, end = moment(call, "start_time"), moment(call, "end_time")
    return Span(FIRST if start is None else start, LAST if end is None else end)


def moment(call: Call, name: str) -> int | None:
    """A parameter that is a time, in milliseconds: ISO 8601, a number of them, or relative. Raises Problem 400."""
    text = (call.params.get(name) or "").strip()
    if not text:
        return None
    found = parsed(text, call.now)
    if found is None:
        raise Problem(400, f"Parameter '{name}' is no time: ISO 8601, milliseconds since 1970, or such as -1d")
    return found


def parsed(text: str, now: datetime) -> int | None:
    """A text as a time in milliseconds; None for what is none."""
    digits = text.removeprefix("-")
    found = literal_time(Literal("number" if digits.isascii() and digits.isdecimal() else "text", text), now)
    return None if found is None else bindable_time(found)


def descending(call: Call) -> bool:
    """Whether `order` asks for the latest first. Raises Problem 400."""
    order = (call.params.get("order") or "asc").lower()
    if order not in ("asc", "desc"):
        raise Problem(400, "Parameter 'order' must be asc or desc")
    return order == "desc"


def beyond(column: str, position: Position, limits: Span, down: bool) -> tuple[str, tuple[int, int, int], str]:
    """The condition for the rows of a span behind a position, what it binds, and their order."""
    if down:
        at, number = position or (limits.end, -1)
        return f"({column}, seq) < (?, ?) AND {column} >= ?", (at, number, limits.start), f"{column} DESC, seq DESC"
    at, number = position or (limits.start, -1)
    return f"({column}, seq) > (?, ?) AND {column} < ?", (at, number, limits.end), f"{column}, seq"


def stored(table: str, where: str, values: Sequence[Form], down: bool) -> Read:
    """What reads documents of a private table, with columns `at`, `seq` and `body`, that meet a condition of ours."""

    def read(call: Call, after: Position, size: int) -> list[Row]:
        condition, limits, order = beyond("at", after, span(call), down)
        found = call.world.store.sql(
            f"SELECT CAST(body AS BLOB), at, seq FROM {table} WHERE {where} AND {condition}"  # noqa: S608 - as above
            f" ORDER BY {order} LIMIT ?",
            (*values, *limits, size),
        )
        return [Row(body, (at, seq)) for body, at, seq in found]

    return read


def page(call: Call, read: Read) -> Response:
    """One page as JSON, with `start_time` where one was given. Raises Problem 400."""
    page_of = window(call)
    call = call._replace(now=page_of.now)
    rows = read(call, None if page_of.after is None else _position(page_of.after), page_of.size)
    start = moment(call, "start_time")
    return envelope(call, page_of, rows, None if start is None else time_text(from_milliseconds(start)))


def bulk(call: Call, read: Read, columns: Sequence[str] = ()) -> Response:
    """All rows as CSV, streamed; `fields` chooses columns, `size` limits rows. Raises Problem 400.

    The columns are those of the contract, unless others are given.
    """
    names = chosen(call, columns or call.described.columns or ())
    limit = most(call)
    left = LAST if limit is None else limit
    # Read before the first byte is on its way: whatever is wrong with the request shows here.
    first = read(call, None, min(_CSV_ROWS, left))
    return csv_reply(_lines(call, names, read, first, left))


def _lines(call: Call, columns: Sequence[str], read: Read, rows: list[Row], left: int) -> Iterator[bytes]:
    yield csvform.line(columns)
    while rows:
        yield b"".join(csvform.row(json.loads(row.body), columns) for row in rows)
        left -= len(rows)
        # In parts, so that the store is free between them and a large answer never is in memory at once.
        rows = read(call, _position(rows[-1].position), min(_CSV_ROWS, left)) if left else []


def _position(values: Sequence[object]) -> tuple[int, int]:
    """A position; one that came out of a cursor can be anything. Raises Problem 400."""
    match values:
        case [int(at), int(number)] if FIRST <= at <= LAST and FIRST <= number <= LAST:
            return at, number
        case _:
            raise Problem(400, "Invalid cursor")
