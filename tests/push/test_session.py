"""The steps of receiving, with a clock of the test's own: what is waited for how long, and when to begin again."""

from __future__ import annotations

import logging
from collections.abc import Generator
from typing import Any

import pytest

from digirm_runtime.push.framing import ConnectionRequest, ConnectionResponse, PublishMessageReceived, PushError
from digirm_runtime.push.session import (
    FIRST_DELAY,
    LONGEST_DELAY,
    Close,
    Deliver,
    Open,
    Plan,
    Read,
    Step,
    Wait,
    Write,
    session,
)
from tests.push.server import message, point

REQUEST = ConnectionRequest("user", "secret", 7)
ACCEPTED = ConnectionResponse(200).encode()
GONE = PushError("gone", again=True)


class Walk:
    """A session that is walked by hand."""

    def __init__(self, **settings: Any) -> None:
        self.now = 0.0
        self.acks = bytearray()
        self._steps: Generator[Step, Any, None] = session(
            Plan(REQUEST, "host:3200", timeout=10.0, **settings), self.acks, lambda: self.now
        )

    def next(self, kind: type[Any], sent: Any = None) -> Any:
        step = self._steps.send(sent)
        assert isinstance(step, kind), step
        return step

    def fail(self, error: PushError, kind: type[Any] = Close) -> Any:
        step = self._steps.throw(error)
        assert isinstance(step, kind), step
        return step

    def connected(self) -> Read:
        """Up to the first wait for a message."""
        self.next(Open)
        assert self.next(Write).data == REQUEST.encode()
        assert self.next(Read).timeout == 10
        read: Read = self.next(Read, ACCEPTED)
        assert read.timeout is None
        return read


def test_a_batch_is_acknowledged_when_it_was_dealt_with() -> None:
    walk = Walk()
    walk.connected()
    two = message(1, [point(1)]).encode() + message(2, [point(2)]).encode()
    step = walk.next(Deliver, two)
    assert step.batch.block == 1
    walk.now += 0.1
    assert walk.next(Write).data == PublishMessageReceived(1).encode()
    # The second was there, and nothing is read before it was dealt with.
    assert walk.next(Deliver).batch.block == 2
    assert walk.next(Write).data == PublishMessageReceived(2).encode()
    assert walk.next(Read).timeout is None
    assert not walk.acks


def test_batches_that_are_dealt_with_quickly_are_acknowledged_together() -> None:
    walk = Walk()
    walk.connected()
    walk.next(Deliver, b"".join(message(block, [point(block)]).encode() for block in (1, 2, 3)))
    walk.next(Deliver)
    # Who leaves now knows what is due.
    assert walk.acks == PublishMessageReceived(1).encode()
    walk.next(Deliver)
    assert walk.next(Write).data == b"".join(PublishMessageReceived(block).encode() for block in (1, 2, 3))
    walk.next(Read)
    assert not walk.acks


def test_what_was_not_sent_on_a_connection_is_not_sent_on_another() -> None:
    walk = Walk()
    walk.connected()
    walk.next(Deliver, message(1, [point(1)]).encode())
    walk.next(Write)
    walk.fail(GONE)
    walk.next(Wait)
    walk.connected()
    assert not walk.acks


def test_documented_acknowledgement() -> None:
    walk = Walk(documented_ack=True)
    walk.connected()
    walk.next(Deliver, message(1, [point(1)]).encode())
    assert walk.next(Write).data == PublishMessageReceived(1).encode(documented=True)


def test_a_message_must_come_in_time_and_silence_is_no_fault() -> None:
    walk = Walk()
    walk.connected()
    data = message(1, [point(1)]).encode()
    walk.now = 1000.0  # of silence
    assert walk.next(Read, data[:1]).timeout == 10
    walk.now = 1009.0
    assert walk.next(Read, data[1:2]).timeout == 1
    walk.now = 1011.0
    walk.next(Close, data[2:3])
    walk.next(Wait)


def test_the_time_of_a_message_begins_with_its_first_byte() -> None:
    walk = Walk()
    walk.connected()
    data = message(1, [point(1)]).encode()
    walk.next(Read, data[:1])
    walk.now = 9.0
    walk.next(Deliver, data[1:] + data[:1])
    walk.now = 500.0  # of work
    walk.next(Write)
    assert walk.next(Read).timeout == 10
    walk.now = 505.0
    walk.next(Deliver, data[1:])
    walk.next(Write)
    assert walk.next(Read).timeout is None


def test_the_answer_must_come_in_time() -> None:
    walk = Walk()
    walk.next(Open)
    walk.next(Write)
    assert walk.next(Read).timeout == 10
    assert walk.next(Read, ACCEPTED[:1]).timeout == 10
    walk.now = 6.0
    assert walk.next(Read, ACCEPTED[1:2]).timeout == 4
    walk.now = 10.0
    walk.next(Close, ACCEPTED[2:3])


def test_waits_grow_until_something_was_received(caplog: pytest.LogCaptureFixture) -> None:
    walk = Walk()
    walk.next(Open)
    waits = []
    for _ in range(12):
        walk.fail(GONE)
        waits.append(walk.next(Wait).seconds)
        walk.next(Open)
    for number, seconds in enumerate(waits):
        longest = min(LONGEST_DELAY, FIRST_DELAY * 2**number)
        assert longest / 2 <= seconds <= longest
    assert "monitor 7 at host:3200: gone; connecting again in" in caplog.text
    assert "secret" not in caplog.text
    # To be let in is not enough: a server that always hangs up then would be asked without a pause.
    walk.next(Write)
    walk.next(Read)
    walk.next(Read, ACCEPTED)
    walk.next(Close, b"")
    assert walk.next(Wait).seconds >= LONGEST_DELAY / 2
    walk.connected()
    walk.next(Deliver, message(1, [point(1)]).encode())
    walk.next(Write)
    walk.next(Read)
    with caplog.at_level(logging.WARNING):
        walk.next(Close, b"")
    assert walk.next(Wait).seconds <= FIRST_DELAY


def test_a_connection_that_held_for_long_counts_as_well() -> None:
    walk = Walk()
    walk.next(Open)
    for _ in range(8):
        walk.fail(GONE)
        walk.next(Wait)
        walk.next(Open)
    walk.next(Write)
    walk.next(Read)
    walk.next(Read, ACCEPTED)
    walk.now = LONGEST_DELAY + 1
    walk.next(Close, b"")
    assert walk.next(Wait).seconds <= FIRST_DELAY


@pytest.mark.parametrize(("status", "again"), [(400, False), (401, False), (403, False), (1, False), (503, True)])
def test_refusals(status: int, again: bool) -> None:
    walk = Walk()
    walk.next(Open)
    walk.next(Write)
    walk.next(Read)
    answer = ConnectionResponse(status).encode()
    if again:
        walk.next(Close, answer)
        return
    with pytest.raises(PushError, match=f"monitor 7 at host:3200: the service refused the .* {status}") as raised:
        walk.next(Close, answer)
    assert raised.value.status == status


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (ACCEPTED, "a ConnectionResponse where none belongs"),
        (b"\0\x09", "does not speak the protocol"),
        (message(1, [point(1)])._replace(payload=b"x", compression=1).encode(), "cannot be unpacked"),
    ],
)
def test_another_protocol_is_no_reason_to_try_again(data: bytes, said: str) -> None:
    walk = Walk()
    walk.connected()
    with pytest.raises(PushError, match=said):
        walk.next(Close, data)


def test_a_message_before_the_answer() -> None:
    walk = Walk()
    walk.next(Open)
    walk.next(Write)
    walk.next(Read)
    with pytest.raises(PushError, match="a PublishMessage where none belongs"):
        walk.next(Close, message(1, [point(1)]).encode())


@pytest.mark.parametrize(("sent", "said"), [(b"", "closed the connection$"), (b"\0", "in the middle of a message")])
def test_without_reconnecting_the_end_is_an_error(sent: bytes, said: str) -> None:
    walk = Walk(reconnect=False)
    walk.connected()
    if sent:
        walk.next(Read, sent)
    with pytest.raises(PushError, match=said):
        walk.next(Close, b"")
