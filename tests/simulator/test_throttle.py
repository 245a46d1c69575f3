from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from datetime import timedelta
from itertools import accumulate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digirm_runtime.wire import Request
from digirm_simulator import Clock, Simulator
from digirm_simulator.faults import Faulty
from digirm_simulator.replies import Problem
from digirm_simulator.throttle import Throttle
from tests.simulator.support import BASIC, DEVICES, NOW, Api


def test_windows_slide_and_hold_at_once() -> None:
    clock = Clock(NOW, speed=0)
    simulator = Simulator(devices=0, throttle=[(3, 10), (4, 60)], clock=clock)
    api = Api(simulator)

    def ask(seconds: float) -> int:
        if (step := seconds - (clock.now() - NOW).total_seconds()) > 0:
            clock.advance(seconds=step)
        return api.get("/ws/v1").status

    assert [ask(at) for at in (0, 1, 2, 3, 9.9)] == [200, 200, 200, 429, 429]
    assert [ask(at) for at in (10, 11, 59.9, 60, 60.5, 61)] == [200, 429, 429, 200, 429, 200]
    refused = api.get("/ws/v1")
    assert refused.body["error_status"] == 429
    assert "error_message" in refused.body
    simulator.close()


@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(1, 20)), min_size=1, max_size=3),
    st.lists(st.integers(0, 7), max_size=40),
)
def test_never_more_than_a_window_allows_and_never_fewer(windows: list[tuple[int, float]], steps: list[int]) -> None:
    times = list(accumulate(steps))
    now = 0
    throttle = Throttle(windows, clock=lambda: NOW + timedelta(seconds=now))
    let_in: list[int] = []
    for now in times:
        # Counted anew from the list of those that were let in.
        room = all(sum(now - at < seconds for at in let_in) < count for count, seconds in windows)
        if room:
            throttle.enter().leave()
            let_in.append(now)
        else:
            with pytest.raises(Problem, match="Too many"):
                throttle.enter()


@pytest.mark.parametrize("window", [(0, 1), (1, 0), (-1, 5)])
def test_a_throttle_that_means_nothing_is_refused(window: tuple[int, float]) -> None:
    with pytest.raises(ValueError, match="throttle"):
        Simulator(throttle=[window])
    with pytest.raises(ValueError, match="throttle"):
        Simulator(concurrent=0)
    with pytest.raises(ValueError, match="clock"):
        Throttle([(1, 1)])


def test_requests_at_once() -> None:
    throttle = Throttle(concurrent=2)
    one, two = throttle.enter(), throttle.enter()
    with pytest.raises(Problem, match="at most 2"):
        throttle.enter()
    one.leave()
    one.leave()
    three = throttle.enter()
    with pytest.raises(Problem, match="at most 2"):
        throttle.enter()
    two.leave()
    three.leave()
    assert throttle.running == 0


def test_one_that_is_refused_for_its_number_takes_no_place_in_a_window() -> None:
    throttle = Throttle([(2, 60)], 1, lambda: NOW)
    slot = throttle.enter()
    for _ in range(5):
        with pytest.raises(Problem, match="same time"):
            throttle.enter()
    slot.leave()
    throttle.enter().leave()


def chunks(closed: list[str]) -> Iterator[bytes]:
    try:
        yield from (b"a", b"b", b"c")
    finally:
        closed.append("closed")


def test_a_streamed_body_holds_its_slot_until_just_before_its_last_chunk() -> None:
    throttle, closed = Throttle(concurrent=1), list[str]()
    body = throttle.enter().until_last(chunks(closed))
    seen = [(chunk, throttle.running) for chunk in body]
    assert seen == [(b"a", 1), (b"b", 1), (b"c", 0)]
    assert closed == ["closed"]


def test_a_body_that_breaks_off_has_given_its_slot_back_with_its_last_chunk() -> None:
    def broken() -> Iterator[bytes]:
        yield from (b"a", b"b")
        raise OSError("broken")

    throttle = Throttle(concurrent=1)
    body = iter(throttle.enter().until_last(broken()))
    assert (next(body), throttle.running) == (b"a", 1)
    assert (next(body), throttle.running) == (b"b", 0)
    with pytest.raises(OSError, match="broken"):
        next(body)


@pytest.mark.parametrize("read", [0, 1, 2])
def test_a_body_that_is_left_gives_its_slot_back(read: int) -> None:
    throttle, closed = Throttle(concurrent=1), list[str]()
    body = throttle.enter().until_last(chunks(closed))
    for _ in range(read):
        next(iter(body))
    body.close()
    assert throttle.running == 0
    del body
    gc.collect()
    assert throttle.running == 0


def test_a_late_body_says_so_through_what_holds_its_slot() -> None:
    late = Faulty(b"abc", delay=3600)
    body = Throttle(concurrent=1).enter().until_last(late)
    assert body.delay == 3600
    body.delay = 0.0
    assert list(body) == [b"abc"]
    assert Throttle().enter().until_last((b"",)).delay == 0


def test_a_body_that_nobody_looks_at_gives_its_slot_back() -> None:
    throttle = Throttle(concurrent=1)
    throttle.enter().until_last(chunks([]))
    gc.collect()
    assert throttle.running == 0


def test_an_empty_body_and_one_that_fails_give_the_slot_back() -> None:
    def failing() -> Iterator[bytes]:
        yield b"a"
        raise OSError("broken")

    throttle = Throttle(concurrent=1)
    assert list(throttle.enter().until_last(())) == []
    body = iter(throttle.enter().until_last(failing()))
    assert next(body) == b"a"
    with pytest.raises(OSError, match="broken"):
        next(body)
    assert throttle.running == 0


def test_threads_share_the_slots() -> None:
    throttle = Throttle(concurrent=3)
    most: list[int] = []
    refused: list[Any] = []

    def work() -> None:
        for _ in range(200):
            try:
                slot = throttle.enter()
            except Problem:
                refused.append(1)
            else:
                most.append(throttle.running)
                slot.leave()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) <= 3
    assert throttle.running == 0
    assert len(most) + len(refused) == 1600


def test_a_download_that_is_read_holds_a_slot() -> None:
    simulator = Simulator(devices=2000, concurrent=1)
    api = Api(simulator)
    download = simulator.handle(Request("GET", "/ws/v1/devices/bulk", BASIC))
    parts = download.chunks()
    next(parts)
    refused = api.get(DEVICES, size=1)
    assert (refused.status, refused.body["error_status"]) == (429, 429)
    assert b"".join(parts).count(b"\n") == 2000
    assert api.get(DEVICES, size=1).status == 200
    left = simulator.handle(Request("GET", "/ws/v1/devices/bulk", BASIC))
    next(left.chunks())
    left.close()
    assert api.get(DEVICES, size=1).status == 200
    simulator.close()


@pytest.mark.parametrize("path", ["/ws/v1/nonsense", "/ws/v1/devices/inventory?query=x", "/ws/v1/%ff"])
def test_errors_give_the_slot_back(path: str) -> None:
    simulator = Simulator(devices=0, concurrent=1)
    assert [Api(simulator).get(path).status in (400, 404) for _ in range(3)] == [True] * 3
    simulator.close()
