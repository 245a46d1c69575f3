"""What was asked: the request log behind `Simulator.requests`."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, overload
from urllib.parse import parse_qsl

from digirm_runtime.secrets import shown
from digirm_runtime.wire import Request
from digirm_simulator.routing import glob

MOST_REQUESTS = 10_000
#: Bytes of all that is kept together. Addresses and headers have at most half of it, bodies what these leave.
MOST_BYTES = 16 * 1024 * 1024
#: What a header takes beside its text.
_HEADER = 50

_SECRET = frozenset({"authorization", "proxy-authorization", "x-api-key-secret", "cookie"})


class Recorded:
    """One request that was answered.

    `status` is 0 where the connection was dropped without an answer. `path` is as it was sent, percent-encoded;
    `headers` has lower-case names and no credentials; `body` is None where it was let go because many large ones came
    after it.
    """

    __slots__ = ("_query", "_size", "body", "headers", "method", "path", "status")

    def __init__(self, request: Request, path: str, status: int) -> None:
        self.method = request.method
        self.path = path
        self.status = status
        self.headers: Mapping[str, str] = {n: value for n, value in request.headers.items() if n not in _SECRET}
        self.body: bytes | None = request.read()
        # Decoded when it is asked for: most requests are never looked at.
        self._query = request.url.partition("#")[0].partition("?")[2]
        held = self.headers
        # Of all but the body.
        self._size = len(request.method) + len(request.url) + sum(map(len, held)) + sum(map(len, held.values()))
        self._size += _HEADER * len(held)

    @property
    def params(self) -> dict[str, str]:
        """The decoded parameters; of one that is given twice, the last."""
        return dict(parse_qsl(self._query, keep_blank_values=True))

    @property
    def json(self) -> Any:
        """The body as JSON. Raises ValueError where it is none, or was let go."""
        if self.body is None:
            raise ValueError("the body was let go: many large ones came after it")
        return json.loads(self.body)

    def __repr__(self) -> str:
        # Neither headers nor bodies, which hold secrets, and of the parameters those that hold none.
        target = f"{self.path}?{self._query}" if self._query else self.path
        return f"<{self.method} {shown(target)} {self.status}>"


class Requests(Sequence[Recorded]):
    """The last answered requests, the oldest first; safe to use while requests are answered.

    They are at most `most`, and fewer where their addresses and headers are very long; large bodies are let go earlier.
    Raises ValueError for less than none.
    """

    def __init__(self, most: int = MOST_REQUESTS) -> None:
        if most < 0:
            raise ValueError("a log keeps 0 or more requests")
        self._most = most
        self._all: deque[Recorded] = deque()
        self._with_body: deque[Recorded] = deque()
        self._heads = 0
        self._bodies = 0
        self._lock = threading.Lock()

    def add(self, request: Request, path: str, status: int) -> None:
        """Add a request, which was sent to `path` (without parameters) and answered with `status`."""
        if not self._most:
            return
        one = Recorded(request, path, status)
        with self._lock:
            self._all.append(one)
            self._heads += one._size
            if one.body:
                self._with_body.append(one)
                self._bodies += len(one.body)
            while len(self._all) > self._most or (self._heads > MOST_BYTES // 2 and len(self._all) > 1):
                oldest = self._all.popleft()
                self._heads -= oldest._size
                self._let_go(oldest)
            while self._with_body and self._heads + self._bodies > MOST_BYTES:
                self._let_go(self._with_body[0])

    def _let_go(self, one: Recorded) -> None:
        if one.body and self._with_body and self._with_body[0] is one:
            self._with_body.popleft()
            self._bodies -= len(one.body)
            one.body = None

    def find(self, method: str | None = None, path: str | None = None, **params: str) -> list[Recorded]:
        """The requests that fit: `path` may hold `*` for anything, `params` are parameters with just these values."""
        pattern = None if path is None else glob(path)
        return [
            one
            for one in self
            if (method is None or one.method == method)
            and (pattern is None or pattern.fullmatch(one.path))
            and params.items() <= one.params.items()
        ]

    @property
    def last(self) -> Recorded:
        """The newest. Raises IndexError where there is none."""
        try:
            return self[-1]
        except IndexError:
            raise IndexError("no request was answered yet, or none is kept") from None

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._all.clear()
            self._with_body.clear()
            self._heads = self._bodies = 0

    @overload
    def __getitem__(self, index: int) -> Recorded: ...
    @overload
    def __getitem__(self, index: slice) -> list[Recorded]: ...
    def __getitem__(self, index: int | slice) -> Recorded | list[Recorded]:
        with self._lock:
            return list(self._all)[index] if isinstance(index, slice) else self._all[index]

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Recorded]:
        with self._lock:
            found = list(self._all)
        return iter(found)

    def __repr__(self) -> str:
        more = "" if len(self) <= 10 else f" and {len(self) - 10} before"
        return f"<Requests {', '.join(map(repr, islice(reversed(list(self)), 10)))}{more}>"
