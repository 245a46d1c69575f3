"""`Client(expect=...)` beside calls: no call waits for long, or for another's comparison, and none is lost by it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from digirm_runtime import dynamic
from digirm_runtime.errors import ContractWarning, TransportError
from digirm_runtime.options import Options
from digirm_runtime.prefetch import NOTHING, Ahead, AsyncAhead
from tests.runtime.expecting import AUTH, DESCRIPTION, FACES, GOOD, OTHER, client, paths, run, service, specs
from tests.support.faces import ONE_SLOT
from tests.support.server import Answer, Got, dropped

__all__ = ["specs"]


@contextmanager
def releasing(held: threading.Event) -> Iterator[None]:
    """What waits for `held` goes on at the end."""
    try:
        yield
    finally:
        held.set()


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("answer", [dropped(), Answer(429, headers=(("retry-after", "3600"),))], ids=["dropped", "429"])
def test_no_answer_is_asked_for_again_at_the_next_call(face: str, specs: Path, answer: Answer) -> None:
    answers = [answer, Answer(body=OTHER)]

    async def calls(rm: Any) -> None:
        once = Options(retries=0)
        for _ in range(3):
            await rm.parts.inventory.get(1, options=once)

    with service(lambda _: answers.pop(0)) as server, pytest.warns(ContractWarning, match="not what version"):
        run(face, specs, server.url, calls)
    assert [path == DESCRIPTION for path in paths(server)] == [True, False, True, False, False]


@pytest.mark.parametrize("face", FACES)
def test_the_deadline_holds_for_both(face: str, specs: Path) -> None:
    held = threading.Event()

    def silent(_: Got) -> Answer:
        held.wait(10)
        return dropped()

    async def call(rm: Any) -> None:
        await rm.parts.inventory.get(1, options=Options(deadline=0.2, timeout=0.1, retries=9))

    with service(silent, silent) as server, releasing(held), pytest.raises(TransportError) as caught:
        run(face, specs, server.url, call)
    assert caught.value.url == "/ws/v1/parts/inventory/1"


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize(
    ("answer", "doubt"),
    [
        (Answer(429, headers=(("retry-after", "3600"),)), "it answered 429"),
        (Answer(503), "it answered 503"),
        (dropped(), "it gave no usable answer"),
        (Answer(body=b"\x1f\x8b broken", headers=(("content-encoding", "gzip"),)), "it gave no usable answer"),
    ],
    ids=["429", "503", "dropped", "packed"],
)
def test_what_gives_no_answer_twice_is_asked_no_more(face: str, specs: Path, answer: Answer, doubt: str) -> None:
    async def calls(rm: Any) -> None:
        for _ in range(4):
            await rm.parts.inventory.get(1)

    with service(answer) as server, pytest.warns(ContractWarning) as caught:
        run(face, specs, server.url, calls)
    assert [path == DESCRIPTION for path in paths(server)] == [True, False, True, False, False, False]
    assert [str(one.message) for one in caught] == [f"/ws/v1/parts could not be compared with version 9.1: {doubt}"]


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("options", [Options(deadline=2), Options(timeout=0.5), Options(timeout=0.5, deadline=3600)])
def test_a_call_does_not_wait_for_a_slow_description(face: str, specs: Path, options: Options) -> None:
    held = threading.Event()

    def slow(_: Got) -> Answer:
        held.wait(10)
        return dropped()

    async def calls(rm: Any) -> None:
        for _ in range(3):
            assert await rm.parts.inventory.get(1, options=options)

    with service(slow) as server, releasing(held), pytest.warns(ContractWarning, match="no usable answer$") as caught:
        run(face, specs, server.url, calls)
    assert paths(server).count(DESCRIPTION) == 2
    assert len(caught) == 1


@pytest.mark.parametrize("face", FACES)
def test_a_page_fetched_ahead_for_who_holds_the_slots_asks_for_nothing(face: str, specs: Path) -> None:
    """The comparison is made on behalf of the same code as the call: it does not wait for what cannot come."""
    answers = [dropped(), Answer(body=OTHER)]
    rows = Answer(body=b"id\n" + b"x\n" * 100_000, headers=(("content-type", "text/csv"),))

    def page(got: Got) -> Answer:
        return rows if got.path.endswith("bulk") else GOOD

    settings: dict[str, Any] = {"auth": (face, "for who holds"), "throttle": ONE_SLOT, "expect": "9.1", "timeout": 1}

    def blocking(url: str) -> None:
        with dynamic.client(specs, url, **settings) as rm:
            stream = iter(rm.parts.bulk.csv())
            next(stream)
            ahead = Ahead(rm)
            ahead.start(rm.parts.inventory.list()._operation)
            assert ahead.take() is NOTHING
            stream.close()
            rm.parts.inventory.get(1)

    async def on_a_loop(url: str) -> None:
        async with dynamic.async_client(specs, url, **settings) as rm:
            stream = aiter(rm.parts.bulk.csv())
            await anext(stream)
            ahead = AsyncAhead(rm)
            ahead.start(rm.parts.inventory.list()._operation)
            assert await ahead.take() is NOTHING
            await stream.aclose()
            await rm.parts.inventory.get(1)

    call = blocking if face == "blocking" else lambda url: asyncio.run(on_a_loop(url))
    with service(lambda _: answers.pop(0), page) as server, pytest.warns(ContractWarning, match="not what") as caught:
        call(server.url)
    assert len(caught) == 1
    bulk, one = "/ws/v1/parts/bulk", "/ws/v1/parts/inventory/1"
    assert paths(server) == [DESCRIPTION, bulk, DESCRIPTION, one]


class Gate:
    """A description that is held back until it is opened."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.opened = threading.Event()

    def __call__(self, _: Got) -> Answer:
        self.asked.set()
        self.opened.wait(10)
        return Answer(body=OTHER)


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.opened.set()


def test_threads_ask_once_and_do_not_wait_for_each_other(specs: Path, gate: Gate) -> None:
    def calls(rm: Any) -> None:
        with ThreadPoolExecutor(8) as threads:
            first = threads.submit(rm.parts.inventory.get, 1)
            assert gate.asked.wait(10)
            for call in [threads.submit(rm.parts.inventory.get, 2) for _ in range(30)]:
                assert call.result(10)
            assert not first.done()
            gate.opened.set()
            assert first.result(10)

    with service(gate) as server, client(specs, server) as rm, pytest.warns(ContractWarning) as caught:
        calls(rm)
    assert paths(server).count(DESCRIPTION) == 1
    assert len(caught) == 1


def test_tasks_ask_once_and_do_not_wait_for_each_other(specs: Path, gate: Gate) -> None:
    async def main(url: str) -> None:
        async with dynamic.async_client(specs, url, auth=AUTH, throttle=None, expect="9.1") as rm:
            first = asyncio.ensure_future(rm.parts.inventory.get(1))
            await asyncio.to_thread(gate.asked.wait, 10)
            await asyncio.gather(*(rm.parts.inventory.get(2) for _ in range(30)))
            assert not first.done()
            gate.opened.set()
            await first

    with service(gate) as server, pytest.warns(ContractWarning) as caught:
        asyncio.run(main(server.url))
    assert paths(server).count(DESCRIPTION) == 1
    assert len(caught) == 1


def test_many_threads_at_the_first_moment(specs: Path) -> None:
    start = threading.Barrier(8)

    def call(rm: Any) -> None:
        start.wait(10)
        rm.parts.inventory.get(1)

    def calls(rm: Any) -> None:
        with ThreadPoolExecutor(8) as threads:
            for done in [threads.submit(call, rm) for _ in range(8)]:
                done.result(10)

    with service(Answer(body=OTHER)) as server, client(specs, server) as rm, pytest.warns(ContractWarning) as caught:
        calls(rm)
    assert paths(server).count(DESCRIPTION) == 1
    assert len(caught) == 1


def test_a_cancelled_task_leaves_the_question_to_the_next(specs: Path, gate: Gate) -> None:
    async def main(url: str) -> None:
        async with dynamic.async_client(specs, url, auth=AUTH, expect="9.1") as rm:
            first = asyncio.ensure_future(rm.parts.inventory.get(1))
            await asyncio.to_thread(gate.asked.wait, 10)
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
            gate.opened.set()
            with pytest.warns(ContractWarning):
                await rm.parts.inventory.get(2)

    with service(gate) as server:
        asyncio.run(main(server.url))
    assert paths(server) == [DESCRIPTION, DESCRIPTION, "/ws/v1/parts/inventory/2"]
