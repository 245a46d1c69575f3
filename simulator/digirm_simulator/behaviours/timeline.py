"""Pages and CSV of what happened in time.

Rows are read by position: a moment in milliseconds since 1970, and a number that tells rows of one moment apart.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, TypeAlias
from urllib.parse import urlencode

from digirm_runtime.query.ast import Literal
from digirm_runtime.query.values import bindable_time, from_milliseconds, literal_time, milliseconds
from digirm_runtime.wire import Response
from digirm_simulator import csvform, listing
from digirm_simulator.replies import Problem, csv_reply, dumps, text_reply
from digirm_simulator.store import Row
from digirm_simulator.values import time_text
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


def page(call: Call, read: Read) -> Response:
    """One page as JSON, with `start_time` where one was given. Raises Problem 400."""
    size = size_of(call)
    digest = _digest(call, size)
    after: Position = None
    if (token := call.params.get("cursor")) is not None:
        now, after = _read_cursor(token, digest)
        call = call._replace(now=now)
    rows = read(call, after, size)
    entries = {"count": str(len(rows)), "size": str(size)}
    entries["list"] = f"[{b','.join(row.body for row in rows).decode()}]"
    if (start := moment(call, "start_time")) is not None:
        entries["start_time"] = f'"{time_text(from_milliseconds(start))}"'
    if len(rows) == size:
        token = _write_cursor(call, digest, rows[-1])
        pairs = [pair for pair in call.params.pairs if pair[0] != "cursor"]
        entries["cursor"] = dumps(token)
        entries["next_uri"] = dumps(f"{call.raw_path}?{urlencode([*pairs, ('cursor', token)])}")
    return text_reply("{" + ",".join(f'"{name}":{entries[name]}' for name in sorted(entries)) + "}")


def bulk(call: Call, read: Read, columns: Sequence[str] = ()) -> Response:
    """All rows as CSV, streamed; `fields` chooses columns, `size` limits rows. Raises Problem 400.

    The columns are those of the contract, unless others are given.
    """
    columns = columns or call.described.columns or ()
    chosen = tuple(columns)
    if fields := call.params.get("fields"):
        chosen = tuple(name.strip() for name in fields.split(","))
    if unknown := [name for name in chosen if name not in columns]:
        raise Problem(400, f"Unknown field '{unknown[0]}' in fields")
    if call.params.get("cursor") is not None:
        raise Problem(400, "Invalid cursor")  # a CSV answer never gave one
    left = LAST if call.params.get("size") is None else size_of(call)
    # Read before the first byte is on its way: whatever is wrong with the request shows here.
    first = read(call, None, min(_CSV_ROWS, left))
    return csv_reply(_lines(call, chosen, read, first, left))


def _lines(call: Call, columns: Sequence[str], read: Read, rows: list[Row], left: int) -> Iterator[bytes]:
    yield csvform.line(columns)
    while rows:
        yield b"".join(csvform.row(json.loads(row.body), columns) for row in rows)
        left -= len(rows)
        # In parts, so that the store is free between them and a large answer never is in memory at once.
        rows = read(call, _position(rows[-1].position), min(_CSV_ROWS, left)) if left else []


def size_of(call: Call) -> int:
    """The size of a page. Raises Problem 400."""
    text = call.params.get("size")
    if text is None:
        return listing.MAX_SIZE
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= listing.MAX_SIZE):
        raise Problem(400, f"Parameter 'size' must be a number from 1 to {listing.MAX_SIZE}")
    return int(text)


def _digest(call: Call, size: int) -> str:
    """A short digest of everything that must stay the same from page to page."""
    rest = {name: value for name, value in call.params.values.items() if name not in ("cursor", "size")}
    return hashlib.blake2b(dumps([call.raw_path, size, rest]).encode(), digest_size=8).hexdigest()


def _write_cursor(call: Call, digest: str, last: Row) -> str:
    # The time of the first page goes along: `-1d` means the same moment on every page.
    text = dumps([digest, milliseconds(call.now), *last.position])
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _read_cursor(token: str, digest: str) -> tuple[datetime, Position]:
    try:
        bound, now, *position = json.loads(base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True))
        at = datetime.fromtimestamp(now / 1000, UTC)
    except (ValueError, TypeError, OverflowError, OSError, RecursionError):
        raise Problem(400, "Invalid cursor") from None
    if bound != digest:
        raise Problem(400, "The cursor belongs to a request with other parameters")
    return at, _position(position)


def _position(values: Sequence[object]) -> tuple[int, int]:
    """A position; one that came out of a cursor can be anything. Raises Problem 400."""
    match values:
        case [int(at), int(number)] if FIRST <= at <= LAST and FIRST <= number <= LAST:
            return at, number
        case _:
            raise Problem(400, "Invalid cursor")
