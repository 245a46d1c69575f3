from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digirm_simulator.clock import Clock
from tests.simulator.support import NOW

FORWARD = st.timedeltas(min_value=timedelta(microseconds=1), max_value=timedelta(days=1000))


def test_it_shows_real_time_unless_told_otherwise() -> None:
    before = datetime.now(UTC)
    clock = Clock()
    assert before <= clock.now() <= clock() <= datetime.now(UTC)
    assert clock.speed == 1


def test_it_stands_still_at_speed_0() -> None:
    clock = Clock(NOW, speed=0)
    assert clock() == clock.now() == NOW
    assert clock().tzinfo is UTC
    assert clock.advance(hours=3) == clock() == NOW + timedelta(hours=3)


def test_it_takes_any_time_zone_and_shows_utc() -> None:
    there = NOW.astimezone(timezone(timedelta(hours=-6)))
    assert Clock(there, speed=0)().isoformat() == "2022-07-15T12:00:00+00:00"


def test_an_accelerated_clock_is_ahead_of_a_slower_one() -> None:
    real, fast = Clock(NOW), Clock(NOW, speed=1_000_000)
    before, ahead = real(), fast()
    while real() == before:
        pass
    assert fast() - ahead > real() - before


@given(st.lists(FORWARD, min_size=1, max_size=5))
def test_steps_add_up(steps: list[timedelta]) -> None:
    clock = Clock(NOW, speed=0)
    for step in steps:
        clock.advance(days=step.days, seconds=step.seconds, minutes=step.microseconds / 60_000_000)
    assert abs(clock() - NOW - sum(steps, timedelta())) < timedelta(milliseconds=1)


@pytest.mark.parametrize(
    "step", [{}, {"hours": 0}, {"hours": -1}, {"hours": 1, "minutes": -60}, {"days": 1e9}, {"weeks": 400_000}]
)
def test_it_never_goes_back_nor_too_far(step: dict[str, float]) -> None:
    clock = Clock(NOW, speed=0)
    with pytest.raises(ValueError, match="advanced"):
        clock.advance(**step)
    assert clock() == NOW


@pytest.mark.parametrize("speed", [-1, float("nan"), float("inf")])
def test_bad_speeds(speed: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        Clock(speed=speed)


def test_bad_starts() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        Clock(datetime(2022, 7, 15))
    with pytest.raises(ValueError, match="beyond"):
        Clock(datetime(9500, 1, 1, tzinfo=UTC))


def test_it_stops_at_the_end_of_time() -> None:
    clock = Clock(datetime(8999, 12, 31, 23, 59, tzinfo=UTC), speed=1e300)
    first = clock()
    assert first <= datetime(9000, 1, 1, tzinfo=UTC)
    assert clock() >= first


def test_threads_lose_no_step() -> None:
    clock = Clock(NOW, speed=0)
    threads = [threading.Thread(target=lambda: [clock.advance(seconds=1) for _ in range(200)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clock() == NOW + timedelta(seconds=800)


def test_its_repr_shows_time_and_speed() -> None:
    assert repr(Clock(NOW, speed=0)) == "<Clock 2022-07-15T12:00:00+00:00 speed=0>"
