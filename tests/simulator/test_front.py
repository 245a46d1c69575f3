"""Where requests are answered: on the event loop those whose like was quick, in threads all that may take a while."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import MutableMapping
from typing import Any

import pytest

from digirm_runtime.wire import Request, Response
from digirm_simulator import front as front_module
from digirm_simulator.front import Front

Messages = list[MutableMapping[str, Any]]


class Service:
    """Answers at once, or when it is let go; remembers in which thread it answered what."""

    def __init__(self) -> None:
        self.threads: list[tuple[str, int]] = []
        self.hold: dict[str, threading.Event] = {}
        self.begun = threading.Event()
        self.behind = False

    def handle(self, request: Request) -> Response:
        path = request.url.partition("?")[0]
        self.threads.append((path, threading.get_ident()))
        if path in self.hold:
            self.begun.set()
            assert self.hold[path].wait(30)
        if path == "/slow":
            spent = time.thread_time() + 0.1
            while time.thread_time() < spent:  # what counts is the work of the thread
                pass
        return Response(200, {}, b"x")

    def is_behind(self) -> bool:
        return self.behind

    def close(self) -> None:
        pass

    def where(self) -> list[str]:
        own = threading.get_ident()
        return ["loop" if thread == own else "thread" for _, thread in self.threads]


async def ask(front: Front, url: str, method: str = "GET") -> None:
    path, _, query = url.partition("?")
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [],
    }
    sent: Messages = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    await front(scope, receive, send)
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    # Far from what a busy machine adds to the work of a thread.
    monkeypatch.setattr(front_module, "_CHEAP", 0.05)
    return Service()


def run(service: Service, *urls: str, method: str = "GET") -> list[str]:
    front = Front(service)

    async def all_of_them() -> None:
        for url in urls:
            await ask(front, url, method)

    asyncio.run(all_of_them())
    front.close()
    return service.where()


def test_what_was_quick_before_is_answered_on_the_loop(service: Service) -> None:
    assert run(service, "/a?size=1", "/a?size=1", "/a?size=20", "/b") == ["thread", "loop", "loop", "thread"]


def test_what_was_slow_before_is_answered_in_a_thread(service: Service) -> None:
    assert run(service, "/slow", "/slow", "/slow") == ["thread"] * 3


def test_writes_and_long_addresses_are_answered_in_threads(service: Service) -> None:
    assert run(service, "/a", "/a", method="POST") == ["thread"] * 2
    assert run(service, f"/{'a' * 5000}", f"/{'a' * 5000}")[2:] == ["thread"] * 2


def test_a_service_that_is_behind_is_asked_in_a_thread_which_is_not_held_against_the_address(service: Service) -> None:
    front = Front(service)

    async def story() -> None:
        await ask(front, "/a")
        service.behind = True
        await ask(front, "/a")
        service.behind = False
        await ask(front, "/a")

    asyncio.run(story())
    front.close()
    assert service.where() == ["thread", "thread", "loop"]


def test_while_something_slow_is_at_work_all_go_to_threads_and_then_to_the_loop_again(service: Service) -> None:
    front = Front(service)

    async def story() -> None:
        await ask(front, "/a")
        service.hold["/held"] = threading.Event()
        held = asyncio.create_task(ask(front, "/held"))
        await asyncio.to_thread(service.begun.wait, 30)
        # Many at once, which do not keep each other off the loop once the slow one is through.
        await asyncio.gather(*(ask(front, "/a") for _ in range(5)))
        service.hold["/held"].set()
        await held
        await ask(front, "/a")

    asyncio.run(story())
    front.close()
    assert service.where() == ["thread", "thread", *["thread"] * 5, "loop"]


def test_quick_ones_in_threads_do_not_keep_others_off_the_loop(service: Service) -> None:
    front = Front(service)

    async def story() -> None:
        await ask(front, "/a")
        service.hold["/held"] = threading.Event()
        held = asyncio.create_task(ask(front, "/held"))
        await asyncio.to_thread(service.begun.wait, 30)
        service.hold["/a"] = threading.Event()
        service.begun.clear()
        waiting = asyncio.create_task(ask(front, "/a"))
        await asyncio.to_thread(service.begun.wait, 30)
        service.hold["/held"].set()
        await held
        waits = service.hold.pop("/a")
        await ask(front, "/a")
        waits.set()
        await waiting

    asyncio.run(story())
    front.close()
    assert service.where() == ["thread", "thread", "thread", "loop"]
