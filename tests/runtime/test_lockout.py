"""Calls that hold slots of the throttle and wait for one more: who is served, and who is told that nobody will be."""

import asyncio
import os
import subprocess
import sys
import threading
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from digirm_runtime import drivers
from digirm_runtime.client import AsyncClient, Client
from digirm_runtime.errors import WouldWaitForItself
from digirm_runtime.flow import Acquire
from digirm_runtime.hooks import Hooks
from digirm_runtime.lockout import Owner, Slot, Waiter
from digirm_runtime.operation import Endpoint, Operation
from digirm_runtime.options import Throttle
from digirm_runtime.rows import AsyncRows
from digirm_runtime.throttle import Governor
from tests.support.server import Got
from tests.support.wire import Wire, WireServer, document

ROWS = Operation[Any](Endpoint("GET", "/bulk", "csv"))
FOUR = 4


class Task:
    """What the governor knows of a task of asyncio: its event loop."""

    def get_loop(self) -> "Task":
        return self

    def is_closed(self) -> bool:
        return False


class Actor:
    """A thread or task of the model: what it holds, and what it waits for."""

    def __init__(self, thread: object, task: Task | None, *, blocks: bool) -> None:
        self.owner: Owner = (thread, task)
        self.blocks = blocks
        self.slots: list[tuple[int, Slot]] = []
        self.waiter: Waiter | None = None
        self.place = 0


def actors() -> list[Actor]:
    # Two threads, an event loop whose tasks wait, and one whose tasks call blocking code as well.
    loop, mixed = object(), object()
    return [
        Actor(object(), None, blocks=True),
        Actor(object(), None, blocks=True),
        Actor(loop, Task(), blocks=False),
        Actor(loop, Task(), blocks=False),
        Actor(mixed, Task(), blocks=False),
        Actor(mixed, Task(), blocks=True),
    ]


def runs(actor: Actor, everyone: list[Actor]) -> bool:
    blocked = any(one.waiter and one.blocks and one.owner[0] is actor.owner[0] for one in everyone)
    return actor.waiter is None and not blocked


def ever_served(asker: Actor, everyone: list[Actor], sizes: tuple[int, int]) -> bool:
    """Whether `asker` gets a slot if all who run give back all that they hold, as often as that helps."""
    waiting = {one for one in everyone if one.waiter or one is asker}
    while True:
        blocked = {one.owner[0] for one in waiting if one.blocks}
        stuck = [one for one in everyone if one in waiting or one.owner[0] in blocked]
        taken = [sum(place == number for one in stuck for place, _ in one.slots) for number in (0, 1)]
        served = {
            one
            for one in waiting
            if taken[one.place] < sizes[one.place] and (one.blocks or one.owner[0] not in blocked)
        }
        if asker in served:
            return True
        if not served:
            return False
        waiting -= served


moves = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from(["ask", "ask", "ask", "leave", "give up"]), st.integers(0, 1)),
    max_size=60,
)


# Who was called, and has not asked again yet, does not wait for ever.
CALLED = [(0, "ask", 0), (1, "ask", 0), (2, "ask", 0), (0, "ask", 1), (0, "ask", 0), (2, "leave", 0), (1, "ask", 1)]


@given(moves, st.tuples(st.integers(1, 3), st.integers(1, 3)))
@example(CALLED, (3, 1))
def test_who_asks_is_refused_exactly_where_nothing_can_come_back(
    moves: list[tuple[int, str, int]], sizes: tuple[int, int]
) -> None:
    governors = [Governor(lambda: 100.0), Governor(lambda: 100.0)]
    limits = [Throttle(concurrent=size) for size in sizes]
    for governor, limit in zip(governors, limits, strict=True):
        governor.join(limit)
    everyone = actors()
    for number, move, place in moves:
        actor = everyone[number]
        if move == "leave" and runs(actor, everyone) and actor.slots:
            actor.slots.pop()[1].release()
        elif move == "give up" and actor.waiter is not None:
            governors[actor.place].forget(actor.waiter)
            actor.waiter = None
        elif move == "ask" and (actor.waiter is not None or runs(actor, everyone)):
            if actor.waiter is None:
                actor.place = place
            waiter = actor.waiter or Waiter(lambda: True, actor.owner, blocks=actor.blocks)
            hope = ever_served(actor, everyone, sizes)
            actor.waiter = None
            try:
                answer = governors[actor.place].enter(waiter)
            except WouldWaitForItself:
                assert not hope
                continue
            assert hope
            if isinstance(answer, Slot):
                actor.slots.append((actor.place, answer))
            else:
                actor.waiter = waiter


def test_who_fetches_ahead_gives_way() -> None:
    """Two threads hold a stream each, and wait for a page that another thread fetches for them."""
    governor, limit = Governor(), Throttle(concurrent=2)
    governor.join(limit)
    woken: set[str] = set()

    def waiter(owner: Owner, name: str, *, ahead: bool = False) -> Waiter:
        def wake() -> bool:
            woken.add(name)
            return True

        return Waiter(wake, owner, blocks=True, ahead=ahead)

    one: Owner = (object(), None)
    other: Owner = (object(), None)
    slots = [governor.enter(waiter(owner, "")) for owner in (one, other)]
    assert all(isinstance(slot, Slot) for slot in slots)
    fetches = waiter(one, "fetches", ahead=True)
    assert not isinstance(governor.enter(fetches), Slot), "the thread that it is for goes on"
    asks = waiter(other, "asks")
    assert not isinstance(governor.enter(asks), Slot)
    assert woken == {"fetches"}
    with pytest.raises(WouldWaitForItself):
        governor.enter(fetches)
    with pytest.raises(WouldWaitForItself, match="threads or tasks that wait"):
        governor.enter(waiter(one, "asks itself"))


def reply(got: Got) -> Wire:
    if got.target != "/bulk":
        return document({"path": got.target})
    return Wire((b"HTTP/1.1 200 OK\r\ncontent-type: text/csv\r\n\r\nid\n" + b"1\n" * 10,), "hold")


def served() -> WireServer:
    return WireServer(reply)


def test_threads_that_all_hold_a_stream_and_make_a_call() -> None:
    done: list[Any] = []
    together = threading.Barrier(FOUR)

    def work() -> None:
        stream = client._stream(ROWS)
        try:
            together.wait()
            done.append(client.request("GET", "/x"))
        except WouldWaitForItself as error:
            done.append(error)
        finally:
            stream.close()

    with served() as server, Client(server.url, auth=("threads", "with streams")) as client:
        threads = [threading.Thread(target=work, daemon=True) for _ in range(FOUR)]
        for each in threads:
            each.start()
        for each in threads:
            each.join(20)
    refused = [one for one in done if isinstance(one, WouldWaitForItself)]
    assert (len(done), len(refused)) == (FOUR, 1), "one gives way, and so the others are served"
    assert "threads or tasks that wait" in str(refused[0])


def test_tasks_that_all_hold_a_stream_and_make_a_call() -> None:
    async def main(url: str) -> list[Any]:
        together = asyncio.Barrier(FOUR)

        async def work() -> Any:
            async for _ in AsyncRows(client, ROWS):
                await together.wait()
                return await client.request("GET", "/x")
            return None

        async with AsyncClient(url, auth=("tasks", "with streams")) as client, asyncio.timeout(20):
            return await asyncio.gather(*(work() for _ in range(FOUR)), return_exceptions=True)

    with served() as server:
        done = asyncio.run(main(server.url))
    assert sorted(type(one).__name__ for one in done) == ["WouldWaitForItself", "dict", "dict", "dict"]


def test_a_stream_in_one_thread_does_not_make_the_waiting_of_others_an_error() -> None:
    """A thread waits for the one upload at a time, while this one calls with all other slots held by its streams."""
    upload = Operation[Any](Endpoint("POST", "/up", "create", uploads=True), body={})
    waits = threading.Event()
    hooks = Hooks(on_wait=lambda _: waits.set())
    with served() as server, Client(server.url, auth=("an upload", "waits"), hooks=hooks) as client:
        assert client._membership is not None
        uploads, _ = client._membership.uploading
        streams = [client._stream(ROWS) for _ in range(FOUR - 1)]
        holder: Owner = (object(), None)
        held = uploads.enter(Waiter(lambda: True, holder, blocks=True))
        assert isinstance(held, Slot)
        done: list[Any] = []
        thread = threading.Thread(target=lambda: done.append(client._run(upload)), daemon=True)
        thread.start()
        assert waits.wait(20)
        assert client.request("GET", "/x")
        held.release(sent=False)
        thread.join(20)
        assert len(done) == 1
        for stream in streams:
            stream.close()


def test_what_is_left_open_in_event_loops_that_were_closed_holds_nothing() -> None:
    governor, limit = Governor(), Throttle(concurrent=FOUR)
    governor.join(limit)
    left = [asyncio.run(drivers._aacquire(Acquire(governor, None))) for _ in range(FOUR)]
    assert governor.held == set(left)
    held = [drivers._acquire(Acquire(governor, None)) for _ in range(FOUR)]
    assert governor.held == set(held)
    with pytest.raises(WouldWaitForItself):
        drivers._acquire(Acquire(governor, None))


FORKS = """
import os, signal, threading
from digirm_runtime import throttle
from digirm_runtime.flow import Acquire
from digirm_runtime.hooks import Hooks
from digirm_runtime.lockout import Slot, Waiter, me
from digirm_runtime.options import Throttle

mine = throttle.member("https://h", "account", Throttle((3, 60), concurrent=1))
governor = mine.governors[0]
held = governor.enter(Waiter(lambda: True, (object(), None), blocks=True))
assert isinstance(held, Slot)
locked, go_on = threading.Event(), threading.Event()

def inside():
    with throttle._hall.lock, throttle._accounts_lock:
        locked.set()
        go_on.wait()

thread = threading.Thread(target=inside)
thread.start()
locked.wait()
child = os.fork()
if child == 0:
    signal.alarm(20)
    again = throttle.member("https://h", "account", Throttle((3, 60), concurrent=1))
    assert again.governors[0] is governor
    taken = governor.enter(Waiter(lambda: True, me(), blocks=True))
    assert isinstance(taken, Slot)
    taken.release()
    held.release()
    assert len(governor._limits._answered) == 1, "what the parent holds is no business of the child"
    os._exit(0)
go_on.set()
thread.join()
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert governor.held == {held}
"""


if hasattr(os, "fork"):

    def test_a_forked_process_waits_for_nothing_of_its_parent() -> None:
        subprocess.run([sys.executable, "-W", "error", "-c", FORKS], check=True, timeout=60)
