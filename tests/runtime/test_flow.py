"""The flow by hand: which steps it yields, and what it does with the slots."""

from collections.abc import Callable, Generator
from typing import Any

import pytest

from digirm_runtime import flow
from digirm_runtime.errors import ServerError, Throttled, TransportError
from digirm_runtime.flow import Acquire, Plan, Send, Wait, perform
from digirm_runtime.options import Throttle
from digirm_runtime.throttle import Governor, Slot, Waiter, me
from digirm_runtime.wire import Request, Response

Outcome = Response | TransportError
BUSY, FULL, FINE = Response(503), Response(429), Response(200, {}, b"{}")


@pytest.fixture(autouse=True)
def real_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "FIRST_DELAY", 0.5)


class Recorder(Governor):
    """A governor that keeps what it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.keeps = Throttle((1000, 60), concurrent=4)
        self.join(self.keeps)
        self.refusals: list[tuple[float, bool]] = []
        self.given_back: list[bool] = []

    def refuse(self, seconds: float, *, told: bool) -> None:
        self.refusals.append((seconds, told))

    def leave(self, slot: Slot, *, sent: bool = True) -> None:
        self.given_back.append(sent)
        super().leave(slot, sent=sent)


def drive(outcomes: Callable[[int], Outcome], method: str = "GET", **settings: Any) -> tuple[list[Any], Any]:
    """The steps of a call whose tries end as told, and its result or error."""
    steps: list[Any] = []
    sent = 0
    going: Generator[Any, Any, Any] = perform(
        Request(method, "/x"), Plan(timeout=1, **settings), lambda response: response.status, "/x"
    )
    value: Any = None
    try:
        step = next(going)
        while True:
            steps.append(step)
            if isinstance(step, Send):
                outcome = outcomes(sent)
                sent += 1
                if isinstance(outcome, TransportError):
                    step = going.throw(outcome)
                    continue
                value = outcome
            elif isinstance(step, Acquire):
                value = step.governor.enter(Waiter(lambda: True, me(), blocks=True))
            step = going.send(value)
    except StopIteration as stop:
        return steps, stop.value
    except (ServerError, Throttled, TransportError) as error:
        return steps, error


def waits(steps: list[Any]) -> list[float]:
    return [step.seconds for step in steps if isinstance(step, Wait)]


@pytest.mark.parametrize("outcome", [BUSY, FULL, TransportError("broken")])
def test_waits_double_up_to_a_cap_and_are_shortened_by_chance(outcome: Outcome) -> None:
    seen = [waits(drive(lambda _: outcome, retries=9)[0]) for _ in range(20)]
    for turn, longest in enumerate([0.5, 1, 2, 4, 8, 10, 10, 10, 10]):
        column = [row[turn] for row in seen]
        assert all(longest / 2 <= one <= longest for one in column)
        assert len(set(column)) > 1, "callers that failed together would all come back together"


def test_the_usual_tries() -> None:
    steps, error = drive(lambda _: BUSY)
    assert (len(waits(steps)), error.attempts) == (3, 4)
    steps, error = drive(lambda _: FULL)
    assert (len(waits(steps)), error.attempts) == (10, 11)
    assert sum(waits(steps)) > 30, "refusals are borne for about the longest window"
    # Each kind has its own count, and its own waits.
    steps, result = drive(lambda turn: FINE if turn == 6 else FULL if turn % 2 else BUSY)
    assert result == 200
    for longest, one in zip([0.5, 0.5, 1, 1, 2, 2], waits(steps), strict=True):
        assert longest / 2 <= one <= longest
    assert drive(lambda _: BUSY, retries=100_000, deadline=0.0)[1].attempts == 1


@pytest.mark.parametrize("status", [429, 503])
def test_what_the_server_asks_for_is_waited_for(status: int) -> None:
    steps, result = drive(lambda turn: FINE if turn else Response(status, {"retry-after": "7"}))
    assert (waits(steps), result) == ([7.0], 200)


@pytest.mark.parametrize("asked", ["0", "-5", "Sat, 01 Jan 2000 00:00:00 GMT"])
@pytest.mark.parametrize("status", [429, 503])
def test_a_service_that_asks_for_no_wait_is_not_hammered(status: int, asked: str) -> None:
    governor = Recorder()
    steps, error = drive(lambda _: Response(status, {"retry-after": asked}), governors=(governor,))
    assert waits(steps)[0] >= 0.25
    assert waits(steps)[2] >= 1
    assert error.retry_after == 0.0
    assert not any(told for _, told in governor.refusals)


def test_every_bucket_hears_of_a_refusal_and_of_how_long() -> None:
    for headers, told in (({}, False), ({"retry-after": "2"}, True)):
        governors = Recorder(), Recorder()
        steps, _ = drive(lambda turn, headers=headers: FINE if turn else Response(429, headers), governors=governors)
        for governor in governors:
            assert governor.refusals == [(waits(steps)[0], told)]
    governor = Recorder()
    drive(lambda turn: FINE if turn else BUSY, governors=(governor,))
    assert not governor.refusals


def test_slots_count_where_something_was_sent_and_allowed() -> None:
    governor = Recorder()
    broken = TransportError("no connection", sent=False)
    drive(lambda turn: [BUSY, FULL, broken, FINE][turn], governors=(governor,))
    assert governor.given_back == [True, False, True, True]
    governor = Recorder()
    going = perform(Request("GET", "/x"), Plan(timeout=1, governors=(governor,)), lambda _: None, "/x")
    step = next(going)
    assert isinstance(step, Acquire)
    going.send(governor.enter(Waiter(lambda: True, me(), blocks=True)))
    going.close()
    assert governor.given_back == [True], "who cancels cannot know what has left"


def test_a_slot_under_which_nothing_was_sent() -> None:
    one, other = Recorder(), Recorder()
    going = perform(Request("GET", "/x"), Plan(timeout=1, governors=(one, other)), lambda _: None, "/x")
    next(going)
    step = going.send(one.enter(Waiter(lambda: True, me(), blocks=True)))
    assert isinstance(step, Acquire)
    going.close()
    assert (one.given_back, other.given_back) == ([False], [])


def test_a_stream_keeps_its_slots_until_it_is_closed() -> None:
    governor = Recorder()
    answer = Response(200, {}, b"a")
    going = perform(
        Request("GET", "/x"), Plan(timeout=1, governors=(governor,), stream=True), lambda response: response, "/x"
    )
    next(going)
    going.send(governor.enter(Waiter(lambda: True, me(), blocks=True)))
    with pytest.raises(StopIteration):
        going.send(answer)
    assert governor.given_back == []
    answer.close()
    assert governor.given_back == [True]
