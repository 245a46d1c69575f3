"""What is left of an account's limits, as a gauge shows it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digirm_runtime.client import Client
from digirm_runtime.limits import MARGIN
from digirm_runtime.options import Throttle
from digirm_runtime.throttle import Slot
from tests.support.server import Answer, script
from tests.support.slots import Caller, Clock, guard, slot


def test_what_is_sent_is_gone_until_its_window_is_over() -> None:
    clock = Clock()
    governor = guard((2, 10), (3, 60), concurrent=2, clock=clock)
    first = slot(governor)
    left = governor.left()
    assert [(window.seconds, window.limit, window.left) for window in left.windows] == [(10, 2, 1), (60, 3, 2)]
    assert (left.concurrent, left.concurrent_left, left.paused) == (2, 1, 0)
    first.release()
    clock.now += 4
    slot(governor).release()
    left = governor.left()
    assert [window.left for window in left.windows] == [0, 1]
    assert [window.free_in for window in left.windows] == pytest.approx([6 + MARGIN, 0])
    assert left.concurrent_left == 2
    clock.now += 61
    assert [window.left for window in governor.left().windows] == [2, 3]


def test_a_window_that_nobody_asked_for_is_not_shown() -> None:
    assert [window.seconds for window in guard((240, 60), (40, 10)).left().windows] == [10, 60]
    assert [window.seconds for window in guard((5, 1)).left().windows] == [1]
    assert guard().left().windows == ()


def test_a_pause_is_shown_and_passes() -> None:
    clock = Clock()
    governor = guard((5, 10), clock=clock)
    governor.refuse(7, told=True)
    assert governor.left().paused == 7
    clock.now += 8
    assert governor.left().paused == 0


@given(st.lists(st.sampled_from(("take", "give", "wait")), max_size=30), st.integers(1, 5), st.integers(1, 3))
def test_what_it_says_is_free_can_be_had(moves: list[str], requests: int, at_once: int) -> None:
    clock = Clock()
    governor = guard((requests, 10), concurrent=at_once, clock=clock)
    held = []
    for move in moves:
        left = governor.left()
        free = left.concurrent_left > 0 and all(window.left for window in left.windows)
        caller = Caller()
        answer = governor.enter(caller)
        assert isinstance(answer, Slot) == free
        governor.forget(caller)
        assert all(0 <= window.left <= window.limit and window.free_in >= 0 for window in left.windows)
        if move == "take" and free:
            held.append(slot(governor))
        elif move == "give" and held:
            held.pop().release()
        elif move == "wait":
            clock.now += 4


def test_a_client_tells_what_is_left() -> None:
    with script(Answer(body={})) as server:
        auth = ("user", "password")
        with Client(server.url, auth=auth, throttle=Throttle((5, 60))) as rm:
            rm.request("GET", "/ws/v1/anything")
            left = rm.allowance
            assert left is not None
            assert [window.left for window in left.windows] == [4]
        with Client(server.url, auth=auth, throttle=None) as rm:
            assert rm.allowance is None
