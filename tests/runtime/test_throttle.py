from hypothesis import given
from hypothesis import strategies as st

from digirm_runtime.options import Throttle
from digirm_runtime.throttle import Governor, governor


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def no_wake() -> None:
    pass


steps = st.lists(st.tuples(st.sampled_from(["enter", "leave", "tick"]), st.floats(0.01, 5.0)), max_size=80)


@given(steps, st.integers(1, 4), st.integers(1, 3))
def test_no_window_ever_holds_more_than_its_limit(moves: list[tuple[str, float]], requests: int, at_once: int) -> None:
    clock = Clock()
    guard = Governor(Throttle((requests, 3.0), (requests + 2, 9.0), concurrent=at_once), clock)
    running: list[float] = []
    spans: list[tuple[float, float]] = []
    for move, amount in moves:
        if move == "tick":
            clock.now += amount
        elif move == "enter":
            if guard.enter(no_wake) is None:
                running.append(clock.now)
        elif running:
            spans.append((running.pop(0), clock.now))
            guard.leave()
        assert len(running) <= at_once
    # A server may count a request at any moment between its start and its answer: the worst case has to hold.
    starts = [start for start, _ in spans] + running
    ends = {id(span): span[1] for span in spans}
    for seconds, limit in ((3.0, requests), (9.0, requests + 2)):
        for start in starts:
            counted = [s for s in spans if s[0] <= start and ends[id(s)] > start - seconds] + [
                s for s in running if s <= start
            ]
            assert len(counted) <= limit


def test_the_delay_is_enough_and_not_more() -> None:
    clock = Clock()
    guard = Governor(Throttle((2, 10.0), concurrent=4), clock)
    for _ in range(2):
        assert guard.enter(no_wake) is None
    clock.now += 1
    guard.leave()
    clock.now += 1
    guard.leave()
    delay = guard.enter(no_wake)
    assert delay == 9.0
    clock.now += 9.0
    assert guard.enter(no_wake) is None
    assert guard.enter(no_wake) is not None


def test_a_waiter_is_woken_by_a_free_slot_and_forgotten_when_it_gives_up() -> None:
    guard = Governor(Throttle(concurrent=1))
    woken: list[str] = []

    def first() -> None:
        woken.append("first")

    def second() -> None:
        woken.append("second")

    assert guard.enter(no_wake) is None
    assert guard.enter(first) is not None
    assert guard.enter(second) is not None
    guard.forget(first)
    guard.leave()
    assert woken == ["second"]
    assert guard.enter(first) is None


def test_a_pause_holds_for_everybody() -> None:
    clock = Clock()
    guard = Governor(Throttle((100, 60.0)), clock)
    guard.pause(5.0)
    assert guard.enter(no_wake) == 5.0
    clock.now += 5.0
    assert guard.enter(no_wake) is None


def test_one_account_has_one_governor_as_strict_as_its_strictest_client() -> None:
    mine = governor("https://h", "account", Throttle((240, 60), concurrent=4))
    assert governor("https://h", "account", Throttle((3, 60), concurrent=2)) is mine
    assert governor("https://h", "account", Throttle((100, 60), concurrent=8)) is mine
    assert governor("https://h", "other", Throttle((240, 60))) is not mine
    for _ in range(2):
        assert mine.enter(no_wake) is None
    assert mine.enter(no_wake) is not None
    for _ in range(2):
        mine.leave()
    assert mine.enter(no_wake) is None
    mine.leave()
    assert mine.enter(no_wake) is not None
