"""A walk over a collection that changes, under random faults: no item lost or doubled, as far as cursors can promise.

A cursor is a place among keys. So what is there during the whole walk is seen exactly once, what comes or goes
meanwhile at most once; a walk that is resumed sees the page of its last item again, and nothing before that page.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from digirm import AsyncClient, Client, RemoteManagerError
from tests.support.breakage import FAULTS, Fault
from tests.support.collection import Collection
from tests.support.faces import FACES, ONE_SLOT, Blocking, finish
from tests.support.leaks import AUTH, check_error
from tests.support.server import Got
from tests.support.wire import Wire, WireServer, http

KEYS = st.integers(0, 40)
BREAKING = sorted(set(FAULTS) - {"refused"})


class Walk(RuleBasedStateMachine):
    """One collection, one server that breaks, one walk at a time."""

    face: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.faults: deque[Fault] = deque()
        self.server = WireServer(self.reply)
        self.server.listen()
        self.close: Callable[[], object]
        # One slot: a slot that is not given back ends the walk.
        arguments: dict[str, Any] = {"auth": AUTH, "throttle": ONE_SLOT}
        if self.face == "blocking":
            client = Client(self.server.url, **arguments)
            self.rm: Any = Blocking(client)
            self.close, self.do = client.close, finish
        else:
            self.runner = asyncio.Runner()
            self.rm = AsyncClient(self.server.url, **arguments)
            self.close, self.do = self.close_loop, self.on_the_loop
        self.walking = False

    def reply(self, got: Got) -> Wire:
        page = self.collection.page(got)
        return self.faults.popleft()(page) if self.faults else http(200, page)

    def on_the_loop(self, body: Awaitable[Any]) -> Any:
        async def main() -> Any:
            return await body

        return self.runner.run(main())

    def close_loop(self) -> None:
        self.on_the_loop(self.rm.aclose())
        self.runner.close()

    # -- the collection changes ---------------------------------------------------------------------------------------

    @initialize(
        keys=st.sets(KEYS, min_size=4, max_size=20) | st.just(set()),
        style=st.sampled_from(["both", "cursor", "next_uri"]),
    )
    def begin(self, keys: set[int], style: str) -> None:
        self.collection = Collection(keys, style=style)

    @rule(key=KEYS, name=st.sampled_from(["new", "newer", "größe"]))
    def insert_or_update(self, key: int, name: str) -> None:
        with self.collection.lock:
            self.collection.things[key] = name
        if self.walking:
            self.ever.setdefault(key, set()).add(name)

    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        if self.collection.things:
            key = data.draw(st.sampled_from(sorted(self.collection.things)))
            with self.collection.lock:
                del self.collection.things[key]
            if self.walking:
                self.stable.discard(key)

    @rule(names=st.lists(st.sampled_from(BREAKING), min_size=1, max_size=5))
    def break_what_comes(self, names: list[str]) -> None:
        self.faults.extend(FAULTS[name] for name in names)

    # -- the walk -----------------------------------------------------------------------------------------------------

    @precondition(lambda self: not self.walking)
    @rule(size=st.sampled_from([1, 2, 4, 5]), limit=st.none() | st.integers(0, 8), prefetch=st.booleans())
    def start(self, size: int, limit: int | None, prefetch: bool) -> None:
        self.walking = True
        self.size, self.prefetch = size, prefetch
        self.stable = set(self.collection.things)
        self.ever = {key: {name} for key, name in self.collection.things.items()}
        self.seen: set[int] = set()
        self.enter(self.rm.devices.inventory.list(size=size, limit=limit, prefetch=prefetch), limit, floor=-1)

    def enter(self, listing: Any, limit: int | None, floor: int) -> None:
        """Begin a listing, all of whose items must lie above `floor`."""
        self.listing, self.items, self.limit = listing, aiter(listing), limit
        self.floor = floor
        self.handed: list[int] = []

    @precondition(lambda self: self.walking)
    @rule(count=st.integers(1, 7))
    def pull(self, count: int) -> None:
        for _ in range(count):
            if not self.walking:
                return
            self.pull_one()

    def pull_one(self) -> None:
        try:
            item = self.do(anext(self.items))
        except StopAsyncIteration:
            if self.limit is not None and len(self.handed) == self.limit:
                self.resume(self.prefetch)
            else:
                self.finished()
        except RemoteManagerError as error:
            self.given_up(error)
        else:
            key = int(item["id"])
            assert item["name"] in self.ever[key]
            assert key > (self.handed[-1] if self.handed else self.floor)
            self.handed.append(key)
            self.seen.add(key)
            assert self.limit is None or len(self.handed) <= self.limit

    @precondition(lambda self: self.walking)
    @rule(prefetch=st.booleans())
    def resume(self, prefetch: bool) -> None:
        """Leave the walk where it is, and go on from its cursor."""
        cursor = self.listing.cursor
        self.do(self.items.aclose())
        floor = self.handed[-self.size - 1] if len(self.handed) > self.size else self.floor
        self.enter(self.rm.devices.inventory.list(cursor=cursor, prefetch=prefetch), None, floor)

    def given_up(self, error: Any) -> None:
        """A page failed for good: the walk goes on from its cursor."""
        check_error(error)
        assert error.attempts >= 4
        self.resume(self.prefetch)

    def finished(self) -> None:
        assert self.stable <= self.seen <= set(self.ever)
        self.walking = False

    def teardown(self) -> None:
        self.faults.clear()
        try:
            while self.walking:
                self.pull_one()
            self.close()
        finally:
            self.server.__exit__()


@pytest.mark.parametrize("face", FACES)
def test_a_walk_over_what_changes_and_breaks(face: str) -> None:
    machine = type("Machine", (Walk,), {"face": face})
    run_state_machine_as_test(machine, settings=settings(max_examples=60, stateful_step_count=25, deadline=None))
