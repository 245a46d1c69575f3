"""A collection that pages as the service does: by a cursor that is a place among keys, not a number of items."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlencode

from tests.support.breakage import Fault, refused
from tests.support.server import Got
from tests.support.wire import Wire, WireServer, http


class Collection:
    """Things by key, which may change between pages.

    `style` is how a page names the next: `both`, `cursor` or `next_uri`; `host` stands before a `next_uri`.
    """

    def __init__(self, keys: Iterable[int] = (), *, style: str = "both", host: str = "") -> None:
        self.style = style
        self.host = host
        self.lock = threading.Lock()
        self.things = {key: f"thing {key}" for key in keys}

    def page(self, got: Got) -> bytes:
        """The answer to one request, as JSON."""
        size = int(got.params.get("size", "1000"))
        after = int(got.params.get("cursor", "after:-1").removeprefix("after:"))
        with self.lock:
            keys = sorted(key for key in self.things if key > after)[:size]
            answer: dict[str, Any] = {
                "count": len(keys),
                "list": [{"id": str(key), "name": self.things[key]} for key in keys],
                "size": size,
            }
        if len(keys) == size:
            cursor = f"after:{keys[-1]}"
            if self.style != "next_uri":
                answer["cursor"] = cursor
            if self.style != "cursor":
                answer["next_uri"] = f"{self.host}{got.path}?{urlencode({**got.params, 'cursor': cursor})}"
        return json.dumps(answer).encode()


class Broken:
    """Replies of a server that breaks: one step per request in turn, None for a good answer; then good ones for ever.

    A step of `refused` is a connection that is refused; it stands first or behind a good answer.
    """

    def __init__(self, good: Callable[[Got], bytes], *steps: Fault | None) -> None:
        self._good = good
        self._steps = list(steps)
        self._server: WireServer | None = None

    def attach(self, server: WireServer) -> None:
        """Tell whose replies these are."""
        self._server = server
        self._refuse_next()

    def __call__(self, got: Got) -> Wire:
        step = self._steps.pop(0) if self._steps else None
        page = self._good(got)
        if step is not None:
            return step(page)
        return http(200, page, ("connection", "close"), then="close") if self._refuse_next() else http(200, page)

    def _refuse_next(self) -> bool:
        if not self._steps or self._steps[0] is not refused:
            return False
        del self._steps[0]
        assert self._server is not None
        self._server.refuse()
        return True
