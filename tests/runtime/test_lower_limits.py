"""Accounts with lower limits than assumed, over many minutes of a clock of the test: found, kept to, not undercut."""

from collections import deque

import pytest

from digirm_runtime import flow
from digirm_runtime.flow import Acquire, Plan, Send, Wait, perform
from digirm_runtime.options import Throttle
from digirm_runtime.throttle import Governor, Slot, Waiter, me
from digirm_runtime.wire import Request, Response

MINUTES = 16
LATENCY = 0.02
ASSUMED = Throttle((240, 60), (40, 10), concurrent=4)


class Service:
    """Allows so many requests in so many seconds, and says no more than 429."""

    def __init__(self, *limits: tuple[int, float]) -> None:
        self._limits = limits
        self.now = 1000.0
        self.allowed: list[float] = []
        self.refused: list[float] = []
        self._recent: deque[float] = deque()

    def answer(self) -> Response:
        self.now += LATENCY
        while self._recent and self._recent[0] <= self.now - 60:
            self._recent.popleft()
        for requests, seconds in self._limits:
            if sum(1 for moment in self._recent if moment > self.now - seconds) >= requests:
                self.refused.append(self.now)
                return Response(429)
        self._recent.append(self.now)
        self.allowed.append(self.now)
        return Response(200, {}, b"{}")

    def call(self, governor: Governor) -> None:
        """One call, as a driver would run it; its waits are only added up."""
        steps = perform(Request("GET", "/x"), Plan(timeout=1, governors=(governor,)), lambda _: None, "/x")
        value: Response | Slot | None = None
        try:
            step = next(steps)
            while True:
                if isinstance(step, Send):
                    value = self.answer()
                elif isinstance(step, Wait):
                    self.now += step.seconds
                elif isinstance(step, Acquire):
                    waiter = Waiter(lambda: True, me(), blocks=True)
                    while not isinstance(value := governor.enter(waiter), Slot):
                        self.now += max(value, 0.001)
                step = steps.send(value)
        except StopIteration:
            pass


def per_minute(moments: list[float]) -> list[int]:
    return [sum(1 for one in moments if 0 <= one - 1000.0 - 60 * minute < 60) for minute in range(MINUTES)]


@pytest.mark.parametrize(
    ("limits", "rate"),
    [
        (((180, 60), (30, 10)), 180),  # what Digi documents beside 240 a minute
        (((60, 60), (10, 10)), 60),
        (((12, 60),), 12),
        (((120, 60), (20, 10)), 120),
        (((2, 1),), 120),
        (((240, 60), (40, 10)), 240),
    ],
)
def test_a_lower_limit_is_found_and_used(
    limits: tuple[tuple[int, float], ...], rate: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "FIRST_DELAY", 0.5)
    service = Service(*limits)
    governor = Governor(lambda: service.now)
    governor.join(ASSUMED)
    while service.now < 1000.0 + 60 * MINUTES:
        service.call(governor)
    allowed, refused = per_minute(service.allowed), per_minute(service.refused)
    assert min(allowed[12:]) >= 0.9 * rate, (allowed, refused)
    assert max(refused[1:]) <= 2, refused  # trying whether more is allowed by now costs one or two a minute
    if rate == 240:
        assert not any(refused)


def test_a_limit_that_is_raised_again_is_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "FIRST_DELAY", 0.5)
    service = Service((60, 60), (10, 10))
    governor = Governor(lambda: service.now)
    governor.join(ASSUMED)
    while service.now < 1000.0 + 180:
        service.call(governor)
    service._limits = ((240, 60), (40, 10))
    while service.now < 1000.0 + 60 * MINUTES:
        service.call(governor)
    assert per_minute(service.allowed)[-1] >= 200


def test_a_limit_recovers_while_nobody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "FIRST_DELAY", 0.5)
    service = Service((10, 10))
    governor = Governor(lambda: service.now)
    governor.join(ASSUMED)
    for _ in range(30):
        service.call(governor)
    service._limits = ()
    service.now += 3600
    began, before = service.now, len(service.allowed)
    for _ in range(40):
        service.call(governor)
    assert service.now - began < 1.0
    assert len(service.allowed) == before + 40
