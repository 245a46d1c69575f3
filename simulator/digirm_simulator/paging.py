"""What all lists share: their parameters, which page is asked for, and the answer around it."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Container, Sequence
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl, urlencode

import msgspec

from digirm_runtime.wire import Response
from digirm_simulator.collection import Row
from digirm_simulator.replies import Problem, bytes_reply
from digirm_simulator.values import Form, milliseconds

if TYPE_CHECKING:
    from digirm_simulator.world import Call

MAX_SIZE = 1000
_MAX_PARAMS = 1000
# The longest parameters that are kept read.
_REMEMBERED = 2000


class Params:
    """The parameters of a request in order. Raises Problem where one is given twice."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self.values = dict(pairs)
        if len(self.values) != len(pairs):
            raise Problem(400, "A parameter is given more than once")

    @classmethod
    def read(cls, query: str) -> Params:
        """The parameters of a URL. Raises Problem, and ValueError for what is not UTF-8 or too many."""
        return _remembered(query) if len(query) <= _REMEMBERED else _parsed(query)

    @cached_property
    def encoded(self) -> str:
        """All but a cursor, as they begin the parameters of the next page."""
        return "".join(f"{urlencode([pair])}&" for pair in self.values.items() if pair[0] != "cursor")

    @cached_property
    def identity(self) -> bytes:
        """What tells the parameters of one list from those of another."""
        return repr(sorted(pair for pair in self.values.items() if pair[0] not in ("cursor", "size"))).encode()

    def get(self, name: str) -> str | None:
        """The value of a parameter; None where it is not given."""
        return self.values.get(name)

    def flag(self, name: str) -> bool:
        """A parameter that is true or false. Raises Problem for any other value."""
        value = self.values.get(name, "false").lower()
        if value not in ("true", "false", "yes", "no"):
            raise Problem(400, f"Parameter '{name}' must be true or false")
        return value in ("true", "yes")


def _parsed(query: str) -> Params:
    return Params(parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=_MAX_PARAMS))


# Clients ask for one thing again and again.
_remembered = lru_cache(maxsize=1024)(_parsed)


class Window(NamedTuple):
    """Which page is asked for: `after` is the position of the last object of the page before."""

    binding: str
    size: int
    now: datetime
    after: tuple[Form, ...] | None


def envelope(call: Call, window: Window, rows: Sequence[Row], start_time: str | None = None) -> Response:
    """The envelope of a page around objects that are JSON text already: joining them is all that is left to do."""
    cursor = following = b""
    if len(rows) == window.size:
        token = _write_cursor(window, rows[-1].position)
        uri = msgspec.json.encode(f"{call.raw_path}?{call.params.encoded}cursor={token}")
        cursor, following = b',"cursor":"%b"' % token.encode(), b',"next_uri":%b' % uri
    objects = b",".join([row.body for row in rows])
    start = b"" if start_time is None else b',"start_time":"%b"' % start_time.encode()
    body = b'{"count":%d%b,"list":[%b]%b,"size":%d%b}' % (len(rows), cursor, objects, following, window.size, start)
    return bytes_reply(body)


def chosen(call: Call, columns: Sequence[str], others: Container[str] = ()) -> tuple[str, ...]:
    """The columns of a CSV answer: those that `fields` names, else all. `others` may be named too.

    Raises Problem 400 for one that there is not, and for a cursor, which a CSV answer never gave.
    """
    described, params = call.described, call.params
    if "cursor" in described.params and params.get("cursor") is not None:
        raise Problem(400, "Invalid cursor")
    fields = params.get("fields") if "fields" in described.params else None
    if not fields:
        return tuple(columns)
    names = tuple(name.strip() for name in fields.split(","))
    for name in names:
        if name not in columns and name not in others:
            raise Problem(400, f"Unknown field '{name}' in fields")
    return names


def most(call: Call) -> int | None:
    """How many rows a CSV answer has at most; None for all. Raises Problem 400."""
    size = call.params.get("size") if "size" in call.described.params else None
    return None if size is None else size_of(size)


def window(call: Call) -> Window:
    """Which page is asked for. Raises Problem 400."""
    params, known = call.params, call.described.params
    size = size_of(params.get("size")) if "size" in known else MAX_SIZE
    binding = _binding(call.raw_path, params, size)
    # Taken by every list, whether its self-documentation names it or not: its first page may not be all of it.
    cursor = params.get("cursor")
    if cursor is None:
        return Window(binding, size, call.now, None)
    return Window(binding, size, *_read_cursor(cursor, binding))


def check_position(window: Window, length: int) -> None:
    """Raises Problem 400 where the position to go on from is not one of so many values."""
    if window.after is not None and len(window.after) != length:
        raise Problem(400, "Invalid cursor")


def size_of(text: str | None) -> int:
    """How many objects a page has at most. Raises Problem 400."""
    if text is None:
        return MAX_SIZE
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= MAX_SIZE):
        raise Problem(400, f"Parameter 'size' must be a number from 1 to {MAX_SIZE}")
    return int(text)


def _binding(path: str, params: Params, size: int) -> str:
    """A short digest of everything that must stay the same from page to page."""
    return hashlib.blake2b(b"%b\n%d\n%b" % (path.encode(), size, params.identity), digest_size=8).hexdigest()


def _write_cursor(window: Window, position: tuple[Form, ...]) -> str:
    # The time of the first page goes along: `-1d` means the same moment on every page.
    text = msgspec.json.encode([window.binding, milliseconds(window.now), *position])
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


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
