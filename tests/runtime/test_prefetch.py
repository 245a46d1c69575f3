"""The next page is fetched while this one is used; nothing of it is left behind, and nothing waits for itself."""

import asyncio
import gc
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from digirm_runtime import prefetch
from digirm_runtime.client import AsyncClient, Client
from digirm_runtime.errors import BadRequest, TransportError
from digirm_runtime.hooks import Hooks
from digirm_runtime.options import Options, Throttle
from tests.support.server import Answer, Got, Server
from tests.support.things import AUTH, FACES, AsyncThings, Things, paged, run

CSV = (("content-type", "text/csv"),)
LONG = 30.0


def workers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "digirm-prefetch"]


def tasks() -> list[Any]:
    return [task for task in asyncio.all_tasks() if task.get_name() == "digirm-prefetch"]


class Gate:
    """Replies of `inner`; a request for the page at `cursor` is announced, and answered when the gate is opened."""

    def __init__(self, cursor: str, inner: Callable[[Got], Answer]) -> None:
        self.reached, self.opened = threading.Event(), threading.Event()
        self._cursor = cursor
        self._inner = inner

    def __call__(self, got: Got) -> Answer:
        if got.params.get("cursor") == self._cursor:
            self.reached.set()
            assert self.opened.wait(LONG)
        return self._inner(got)


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate("2", paged(7))
    yield gate
    gate.opened.set()
    for worker in workers():
        worker.join(LONG)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaving a loop waits for nothing."""
    monkeypatch.setattr(prefetch, "PATIENCE", 0.01)


@pytest.mark.parametrize("face", FACES)
def test_a_page_is_fetched_while_the_one_before_is_used(face: str) -> None:
    asked = [threading.Event() for _ in range(4)]
    pages = paged(7)

    def reply(got: Got) -> Answer:
        asked[int(got.params.get("cursor", "0")) // 2].set()
        return pages(got)

    async def body(things: Any) -> None:
        turn = 0
        async for page in things.list(size=2, prefetch=True).pages():
            turn += 1
            assert page[0] == {"id": 2 * turn - 2}
            if turn < 4:
                # Neither face stands still here: one page ahead has been asked for, or is about to be.
                await_event = asked[turn].wait
                assert await_event(LONG) if face == "blocking" else await asyncio.to_thread(await_event, LONG)
            assert not any(event.is_set() for event in asked[turn + 1 :])
        assert turn == 4

    with Server(reply) as server:
        run(face, body, server.url)
        assert len(server.got) == 4
    assert workers() == []


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize(("limit", "requests"), [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3)])
def test_nothing_is_fetched_beyond_the_limit(face: str, limit: int, requests: int) -> None:
    async def body(things: Any) -> None:
        assert len([item async for item in things.list(size=2, limit=limit, prefetch=True)]) == limit

    with Server(paged(50)) as server:
        run(face, body, server.url)
        assert len(server.got) == requests


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize(("fault", "error"), [(Answer(400), BadRequest), (Answer(body=b"[1]"), TransportError)])
def test_an_error_is_raised_when_its_turn_comes(face: str, fault: Answer, error: type[Exception]) -> None:
    pages = paged(7)

    async def body(things: Any) -> None:
        listing = things.list(size=2, prefetch=True)
        walk = aiter(listing)
        assert [(await anext(walk))["id"] for _ in range(4)] == [0, 1, 2, 3]
        with pytest.raises(error):
            await anext(walk)
        assert [item["id"] async for item in things.list(cursor=listing.cursor, limit=0)] == []

    with Server(lambda got: fault if got.params.get("cursor") == "4" else pages(got)) as server:
        run(face, body, server.url)
        assert [got.params.get("cursor") for got in server.got] == [None, "2", "4"]
    assert workers() == []


def test_leaving_a_loop_leaves_no_thread() -> None:
    with Server(paged(50)) as server, Client(server.url, auth=AUTH, throttle=None) as client:
        things = Things(client)
        for _ in things.list(size=2, prefetch=True):
            break
        assert workers() == []
        with pytest.raises(ZeroDivisionError):
            _ = [1 // item["id"] for item in things.list(size=2, prefetch=True)]
        assert workers() == []
        walk = iter(things.list(size=2, prefetch=True))
        next(walk)
        del walk
        gc.collect()
        assert workers() == []
        with closing(things.list(size=2, prefetch=True).pages()) as pages:
            next(pages)
        assert workers() == []


@pytest.mark.usefixtures("impatient")
def test_a_request_that_hangs_does_not_keep_anyone_in_a_loop(gate: Gate) -> None:
    with Server(gate) as server, Client(server.url, auth=AUTH) as client:
        for _ in Things(client).list(size=2, prefetch=True):
            assert gate.reached.wait(LONG)
            break
        (worker,) = workers()
        assert worker.daemon
        gate.opened.set()
        worker.join(LONG)
        assert not worker.is_alive()
        assert len(server.got) == 2


def test_leaving_a_loop_ends_the_wait_before_a_retry() -> None:
    pages, waiting = paged(7), threading.Event()
    hooks = Hooks(on_retry=lambda _: waiting.set())
    busy = Answer(503, headers=(("retry-after", "50"),))
    with Server(lambda got: busy if "cursor" in got.params else pages(got)) as server:
        client = Client(server.url, auth=AUTH, hooks=hooks)
        for _ in Things(client).list(size=2, prefetch=True):
            assert waiting.wait(LONG)
            break
        assert workers() == []
        assert len(server.got) == 2


def test_an_interrupt_while_waiting_for_the_page_drops_it(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    with Server(gate) as server, Client(server.url, auth=AUTH) as client:
        walk = Things(client).list(size=2, prefetch=True).pages()
        next(walk)
        assert gate.reached.wait(LONG)
        (worker,) = workers()

        def interrupted() -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(worker, "join", interrupted)
        with pytest.raises(KeyboardInterrupt):
            next(walk)
        monkeypatch.undo()
        assert next(walk, None) is None


def test_an_interpreter_that_ends_does_not_wait_for_a_page(gate: Gate) -> None:
    program = """if True:
        import sys
        from digirm_runtime.client import Client
        from tests.support.things import Things
        for item in Things(Client(sys.argv[1], auth=("a", "b"))).list(size=2, prefetch=True):
            walk = iter(Things(Client(sys.argv[1], auth=("a", "b"))).list(size=2, prefetch=True))
            next(walk)
            raise SystemExit("the consumer failed")
    """
    with Server(gate) as server:
        done = subprocess.run(
            [sys.executable, "-c", program, server.url], capture_output=True, text=True, timeout=LONG, check=False
        )
    assert (done.returncode, done.stderr.strip()) == (1, "the consumer failed")


@pytest.mark.parametrize("face", FACES)
def test_a_consumer_that_holds_the_slots_is_not_waited_for(face: str) -> None:
    pages = paged(7)
    rows = Answer(body=b"id\n" + b"x\n" * 100_000, headers=CSV)

    async def body(things: Any) -> list[int]:
        found: list[int] = []
        async for page in things.list(size=2, prefetch=True).pages():
            # For as long as this page is used, the only slot is the consumer's.
            stream = aiter(things.csv())
            assert await anext(stream) == {"id": "x"}
            found += [item["id"] for item in page]
            await stream.aclose()
        return found

    with Server(lambda got: rows if got.path == "/api/bulk" else pages(got)) as server:
        found = run(face, body, server.url, throttle=Throttle((1000, 1), concurrent=1))
        assert found == list(range(7))
        assert server.most_at_once == 1


def test_where_no_thread_can_be_started_pages_come_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError(f"can't start {thread.name}")

    with Server(paged(7)) as server, Client(server.url, auth=AUTH, throttle=None) as client:
        # The server has a thread for this connection before no more can be started.
        assert Things(client).list().first() == {"id": 0}
        monkeypatch.setattr(threading.Thread, "start", refuse)
        assert len(list(Things(client).list(limit=3, size=1, prefetch=True))) == 3


def test_options_hold_for_a_page_that_is_fetched_ahead() -> None:
    pages = paged(7)
    with Server(lambda got: Answer(503) if "cursor" in got.params else pages(got)) as server:
        with Client(server.url, auth=AUTH) as client, pytest.raises(Exception, match="503"):
            list(Things(client).list(size=2, prefetch=True, options=Options(retries=1, headers={"x-mark": "m"})))
        assert [got.headers.get("x-mark") for got in server.got] == ["m"] * 3


def test_closing_cancels_the_task(gate: Gate) -> None:
    async def main(url: str) -> None:
        async with AsyncClient(url, auth=AUTH) as client:
            walk = aiter(AsyncThings(client).list(size=2, prefetch=True))
            await anext(walk)
            assert await asyncio.to_thread(gate.reached.wait, LONG)
            assert len(tasks()) == 1
            await walk.aclose()
            assert tasks() == []

    with Server(gate) as server:
        asyncio.run(main(server.url))


def test_cancelling_who_waits_for_a_page_cancels_its_task(gate: Gate) -> None:
    async def main(url: str) -> None:
        async with AsyncClient(url, auth=AUTH) as client:

            async def consume() -> None:
                async for _ in AsyncThings(client).list(size=2, prefetch=True):
                    pass

            consumer = asyncio.create_task(consume())
            assert await asyncio.to_thread(gate.reached.wait, LONG)
            consumer.cancel()
            with pytest.raises(asyncio.CancelledError):
                await consumer
            # The loop's own hook closes iterators that were let go.
            await asyncio.get_running_loop().shutdown_asyncgens()
            assert tasks() == []

    with Server(gate) as server:
        asyncio.run(main(server.url))


def test_an_error_that_nobody_waits_for_is_dropped_in_silence() -> None:
    pages = paged(7)

    async def main(url: str) -> None:
        complaints: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        async with AsyncClient(url, auth=AUTH) as client:
            walk = aiter(AsyncThings(client).list(size=2, prefetch=True))
            await anext(walk)
            (task,) = tasks()
            await asyncio.wait([task])
            del task
            await walk.aclose()
        gc.collect()
        assert complaints == []

    with Server(lambda got: Answer(400) if "cursor" in got.params else pages(got)) as server:
        asyncio.run(main(server.url))
