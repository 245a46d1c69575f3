"""What sends, without the server in front: for tests of what the service does to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from digirm_explorer.history import History
from digirm_explorer.knowledge import Knowledge
from digirm_explorer.sending import Sending
from digirm_explorer.service import Service
from digirm_explorer.shelf import Shelf

SECRET = "hunter2-hunter2"


@cache
def knowledge() -> Knowledge:
    """The spec of the installed client, read once."""
    return Knowledge()


class Upstream:
    """What asks a service at `url`, each time on an event loop of its own."""

    def __init__(self, url: str, *, signed_in: bool = True) -> None:
        self.service = Service(knowledge(), url)
        if signed_in:
            self.service.sign_in("password", "somebody", SECRET)
        self.history = History(None)
        self.shelf = Shelf()
        self.memory = ThreadPoolExecutor(1)
        self.sending = Sending(knowledge(), self.service, self.history, self.shelf, self.memory)

    def run(self, work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        async def whole() -> Any:
            try:
                return await work()
            finally:
                await self.service.aclose()

        return asyncio.run(whole())

    def send(self, method: str = "GET", path: str = "/ws/v1/devices/inventory", **more: Any) -> dict[str, Any]:
        wanted = {name: more.pop(name) for name in ("confirm", "follows") if name in more}
        data = {"request": {"method": method, "path": path, **more}, **wanted}
        answer: dict[str, Any] = self.run(lambda: self.sending.send(data))
        return answer

    def kept(self, answer: dict[str, Any]) -> bytes:
        kept = self.shelf.get(answer["id"])
        assert kept is not None
        return b"".join(kept.chunks())

    def __enter__(self) -> Upstream:
        return self

    def __exit__(self, *_: object) -> None:
        self.shelf.close()
        self.memory.shutdown()
        self.history.close()


def param(name: str, value: str, *, on: bool = True) -> dict[str, Any]:
    """A parameter as the page composes it."""
    return {"name": name, "value": value, "on": on}
