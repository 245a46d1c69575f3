"""The governor by itself, on a clock of the test."""

import asyncio
import threading
import time
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digirm_runtime import drivers
from digirm_runtime.errors import WouldWaitForItself
from digirm_runtime.flow import Acquire
from digirm_runtime.limits import MARGIN
from digirm_runtime.lockout import Slot, Waiter, me
from digirm_runtime.options import Throttle
from digirm_runtime.throttle import PATIENCE, Paused
from tests.support.slots import Caller, Clock, delay, guard, slot

steps = st.lists(st.tuples(st.sampled_from(["enter", "leave", "tick"]), st.floats(0.01, 5.0)), max_size=80)


@given(steps, st.integers(1, 4), st.integers(1, 3))
def test_no_window_ever_holds_more_than_its_limit(moves: list[tuple[str, float]], requests: int, at_once: int) -> None:
    clock = Clock()
    governor = guard((requests, 3.0), (requests + 2, 9.0), concurrent=at_once, clock=clock)
    running: list[tuple[float, Slot]] = []
    spans: list[tuple[float, float]] = []
    for move, amount in moves:
        if move == "tick":
            clock.now += amount
        elif move == "enter":
            caller = Caller()
            taken = governor.enter(caller)
            if isinstance(taken, Slot):
                running.append((clock.now, taken))
            else:
                governor.forget(caller)
        elif running:
            started, taken = running.pop(0)
            spans.append((started, clock.now))
            taken.release()
        assert len(running) <= at_once
    # A server may count a request at any moment between its start and its answer: the worst case has to hold.
    starts = [start for start, _ in spans] + [start for start, _ in running]
    for seconds, limit in ((3.0, requests), (9.0, requests + 2)):
        for start in starts:
            counted = [span for span in spans if span[0] <= start and span[1] > start - seconds]
            assert len(counted) + sum(1 for began, _ in running if began <= start) <= limit


def test_the_delay_is_enough_and_not_more() -> None:
    clock = Clock()
    governor = guard((2, 10.0), clock=clock)
    one, other = slot(governor), slot(governor)
    assert delay(governor) is None  # nobody knows when the answers come
    clock.now += 1
    one.release()
    clock.now += 1
    other.release()
    waits = delay(governor)
    assert waits == pytest.approx(9.0 + MARGIN)
    clock.now += waits or 0
    slot(governor)
    assert delay(governor) != 0


def test_who_waits_is_served_in_turn() -> None:
    woken: list[str] = []
    governor = guard(concurrent=1)
    held = slot(governor)
    callers = {name: Caller(woken, name) for name in "abc"}
    for caller in callers.values():
        assert not isinstance(governor.enter(caller), Slot)
    held.release()
    assert woken == ["a"]
    assert not isinstance(governor.enter(Caller()), Slot), "a newcomer must not overtake"
    assert not isinstance(governor.enter(callers["b"]), Slot)
    held = governor.enter(callers["a"])  # type: ignore[assignment]
    assert isinstance(held, Slot)
    assert woken == ["a", "b"]
    governor.forget(callers["b"])
    assert woken == ["a", "b", "c"]
    held.release()
    assert isinstance(governor.enter(callers["c"]), Slot)


def test_a_waiter_whose_loop_is_gone_or_blocked_holds_up_nobody() -> None:
    clock = Clock()
    woken: list[str] = []
    governor = guard(concurrent=1, clock=clock)
    held = slot(governor)
    gone, blocked, last = Caller(alive=False), Caller(woken, "blocked"), Caller(woken, "last")
    for caller in (gone, blocked, last):
        governor.enter(caller)
    held.release()
    assert woken == ["blocked"]
    again = governor.enter(last)
    assert not isinstance(again, Slot)
    assert again <= PATIENCE
    clock.now += PATIENCE + 0.1
    assert isinstance(governor.enter(last), Slot)


def test_a_slot_is_given_back_once() -> None:
    governor = guard(concurrent=1)
    taken = slot(governor)
    taken.release()
    taken.release()
    slot(governor)
    assert delay(governor) is None


def test_a_slot_under_which_nothing_was_sent_counts_for_no_window() -> None:
    governor = guard((1, 60.0))
    slot(governor).release(sent=False)
    slot(governor).release()
    assert delay(governor) != 0


def test_a_slot_that_the_garbage_collector_gives_back_meanwhile() -> None:
    clock = Clock()
    governor = guard(concurrent=1, clock=clock)
    taken = slot(governor)

    def collects() -> float:
        # As if an abandoned stream were finalized in the middle of the governor's own work.
        governor._clock = clock
        taken.release()
        return clock.now

    woken: list[str] = []
    governor._clock = collects
    caller = Caller(woken, "caller")
    assert not isinstance(governor.enter(caller), Slot)
    assert woken == ["caller"]
    assert isinstance(governor.enter(caller), Slot)


@pytest.mark.parametrize("blocks", [True, False])
def test_waiting_for_oneself_is_an_error(blocks: bool) -> None:
    governor = guard(concurrent=2)

    async def main() -> None:
        mine = me()
        held = [slot(governor, mine), slot(governor, mine)]
        with pytest.raises(WouldWaitForItself, match="this very"):
            governor.enter(Waiter(lambda: True, mine, blocks=blocks))
        # Another task can wait for this one to give a slot back, but not if it blocks the thread of both.
        other = Waiter(lambda: True, (mine[0], object()), blocks=blocks)
        if blocks:
            with pytest.raises(WouldWaitForItself):
                governor.enter(other)
        else:
            assert not isinstance(governor.enter(other), Slot)
        elsewhere = Waiter(lambda: True, (object(), None), blocks=True)
        assert not isinstance(governor.enter(elsewhere), Slot)
        governor.forget(elsewhere)
        governor.forget(other)
        held[0].owner = (object(), None)
        waiting = Waiter(lambda: True, mine, blocks=blocks)
        assert not isinstance(governor.enter(waiting), Slot)
        governor.forget(waiting)

    asyncio.run(main())


def test_several_refused_at_once_teach_one_lesson() -> None:
    clock = Clock()
    governor = guard((40, 10.0), clock=clock)
    for _ in range(10):
        slot(governor).release()
    under_way = [slot(governor) for _ in range(4)]
    for taken in under_way:
        governor.refuse(0.5, told=False)
        taken.release(sent=False)
    clock.now += 1.5
    for _ in range(10):
        slot(governor).release()
    assert delay(governor) != 0, "half of what it was"
    clock.now += 10.1
    for _ in range(20):
        slot(governor).release()
    assert delay(governor) != 0


def test_a_refusal_makes_no_window_smaller_than_what_it_holds() -> None:
    clock = Clock()
    governor = guard((240, 60.0), (40, 10.0), clock=clock)
    for _ in range(3):
        for _ in range(40):
            slot(governor).release()
        clock.now += 10.01
    governor.refuse(0.5, told=False)
    clock.now += 0.5
    # 120 a minute: nothing before the first forty are a minute old.
    assert delay(governor) == pytest.approx(60 - 30.03 - 0.5 + MARGIN)


def test_a_limit_is_never_lowered_to_nothing() -> None:
    clock = Clock()
    governor = guard((40, 10.0), clock=clock)
    for _ in range(20):
        taken = slot(governor)
        governor.refuse(1.0, told=False)
        taken.release(sent=False)
        clock.now += 1.1
    slot(governor).release()
    assert 0 < (delay(governor) or 0) <= 10.1


def test_a_limit_that_was_lowered_under_an_open_stream_is_waited_for() -> None:
    clock = Clock()
    governor = guard((40, 10.0), clock=clock)
    mine = me()
    stream = slot(governor, mine)
    for _ in range(9):
        refused = slot(governor, mine)
        governor.refuse(0.5, told=False)
        refused.release()
        clock.now += 11
    again = slot(governor, mine)
    # Both stay open: a third has to wait, but not for itself. The limit recovers.
    waiter = Waiter(lambda: True, mine, blocks=True)
    waits = governor.enter(waiter)
    assert not isinstance(waits, Slot)
    clock.now += 61
    assert isinstance(governor.enter(waiter), Slot)
    stream.release()
    again.release()


def test_a_window_smaller_than_what_is_open_at_a_time_can_lock_out() -> None:
    governor = guard((1, 10.0), concurrent=4)
    mine = me()
    slot(governor, mine)
    with pytest.raises(WouldWaitForItself):
        governor.enter(Waiter(lambda: True, mine, blocks=True))


def test_what_the_server_says_is_obeyed_and_no_lesson() -> None:
    clock = Clock()
    governor = guard((100, 60.0), clock=clock)
    governor.refuse(5.0, told=True)
    assert delay(governor) == 5.0
    clock.now += 5.0
    for _ in range(100):
        slot(governor).release()
    assert delay(governor) != 0


def test_a_pause_that_nobody_would_wait_for_is_told() -> None:
    governor = guard((100, 60.0))
    governor.refuse(3600.0, told=True)
    with pytest.raises(Paused) as caught:
        governor.enter(Waiter(lambda: True, me(), blocks=True, most=60.0))
    assert caught.value.seconds == 3600.0
    assert delay(governor) == 3600.0
    assert not governor._queue


def test_a_short_pause_does_not_end_a_long_one() -> None:
    governor = guard((100, 60.0))
    governor.refuse(30.0, told=True)
    governor.refuse(0.5, told=False)
    assert delay(governor) == 30.0


def test_threads_and_tasks_share_the_slots() -> None:
    governor = guard((1000, 60), concurrent=2)
    governor._clock = time.monotonic
    now, most, done = 0, 0, 0
    lock = threading.Lock()

    def use(taken: Slot) -> None:
        nonlocal now, most, done
        with lock:
            now, most = now + 1, max(most, now + 1)
        with lock:
            now, done = now - 1, done + 1
        taken.release()

    def thread() -> None:
        for _ in range(40):
            use(drivers._acquire(Acquire(governor, None)))

    async def task() -> None:
        for _ in range(40):
            use(await drivers._aacquire(Acquire(governor, None)))

    async def tasks() -> None:
        await asyncio.gather(*(task() for _ in range(4)))

    threads = [threading.Thread(target=thread) for _ in range(4)]
    threads += [threading.Thread(target=asyncio.run, args=(tasks(),)) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (done, now) == (12 * 40, 0)
    assert most <= 2


def test_a_cancelled_waiter_takes_nothing_with_it() -> None:
    governor = guard(concurrent=1)

    async def main() -> None:
        held = await drivers._aacquire(Acquire(governor, None))
        waiting = [asyncio.ensure_future(drivers._aacquire(Acquire(governor, None))) for _ in range(3)]
        while len(governor._queue) < 3:
            await asyncio.sleep(0)
        waiting[0].cancel()
        held.release()
        (await waiting[1]).release()
        (await waiting[2]).release()
        with pytest.raises(asyncio.CancelledError):
            await waiting[0]
        assert not governor._queue

    asyncio.run(main())


@pytest.mark.parametrize("awaits", [False, True])
@pytest.mark.parametrize("error", [TimeoutError("of the hook"), KeyError("of the hook")])
def test_an_error_of_the_hook_that_watches_waits_is_seen(error: Exception, awaits: bool) -> None:
    governor = guard(concurrent=1)
    governor._clock = time.monotonic
    slot(governor)

    def on_wait(_: float | None) -> None:
        raise error

    def acquire(step: Acquire) -> Slot:
        return asyncio.run(drivers._aacquire(step)) if awaits else drivers._acquire(step)

    with pytest.raises(type(error), match="of the hook"):
        acquire(Acquire(governor, None, None, on_wait))
    assert not governor._queue


def test_the_garbage_collector_ends_a_waiting_task_meanwhile() -> None:
    governor = guard(concurrent=1)
    held = slot(governor)

    async def main() -> None:
        waits = drivers._aacquire(Acquire(governor, None))
        waits.send(None)
        assert len(governor._queue) == 1

        def collects() -> float:
            # As if the task were finalized in the middle of the governor's own work.
            waits.close()
            return 100.0

        governor._clock = collects
        caller = Caller()
        assert not isinstance(governor.enter(caller), Slot)
        assert list(governor._queue) == [caller]
        held.release()
        assert isinstance(governor.enter(caller), Slot)

    asyncio.run(main())


def test_a_waiter_that_gives_up_gives_back_what_it_was_given() -> None:
    governor = guard((1, 10.0), concurrent=1)
    caller = Caller()
    assert isinstance(governor.enter(caller), Slot)
    governor.forget(caller)
    slot(governor)


@pytest.mark.parametrize(
    "limits",
    [((0, 60),), ((1, 0),), ((1, -1),), ((1, inf),), ((1, float("nan")),)],
)
def test_limits_that_are_none(limits: tuple[tuple[int, float], ...]) -> None:
    with pytest.raises(ValueError, match="a throttle needs"):
        Throttle(*limits)
    with pytest.raises(ValueError, match="a throttle needs"):
        Throttle(uploads=limits[0])
    with pytest.raises(ValueError, match="a throttle needs"):
        Throttle((1, 60), concurrent=0)
