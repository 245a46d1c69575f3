"""Monitors that push: how much is under way, how much is one block, and in which order it counts as sent."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from digirm_simulator import Clock, Simulator
from tests.simulator.push_support import Peer, monitor, point, status
from tests.simulator.support import NOW, Api
from tests.simulator.test_push import until


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    made = Simulator(devices=0, clock=Clock(NOW, speed=0), push_port=0)
    yield made
    made.close()


def test_what_is_behind_a_block_that_is_missing_does_not_count_as_sent(simulator: Simulator, api: Api) -> None:
    number = monitor(api, "DataPoint", persistent=True)
    with Peer(simulator, number) as peer:
        for value in "123":
            point(api, value)
        _, second, third = (peer.read() for _ in range(3))
        peer.acknowledge(third)
        peer.acknowledge(second)
    until(lambda: status(api, number) == "SUSPENDED")
    with Peer(simulator, number) as peer:
        assert [peer.take().values for _ in range(3)] == [[1], [2], [3]]


def test_nothing_beyond_a_window_is_sent_before_an_acknowledgement(simulator: Simulator, api: Api) -> None:
    narrow, witness = monitor(api, "DataPoint"), monitor(api, "DataPoint", batch_size=20)
    with Peer(simulator, narrow) as peer, Peer(simulator, witness) as other:
        for value in range(20):
            point(api, str(value))
        flying = [peer.read() for _ in range(16)]
        # It is told of the last event after the monitor that is looked at.
        assert other.read().events == 20
        assert not peer.has_more()
        peer.acknowledge(flying[0])
        assert peer.read().block == 17


def test_a_block_has_no_more_bytes_than_it_may(simulator: Simulator, api: Api) -> None:
    with Peer(simulator, monitor(api, "FileData", batch_size=20)) as peer:
        for number in range(10):
            api("POST", f"/ws/v1/files/inventory/~/{number}", b"x" * 120_000)
        first = peer.take()
        simulator.clock.advance(seconds=10)
        second = peer.take()
    assert first.events + second.events == 10
    assert 900_000 < len(first.payload) < 1 << 20


def test_an_event_that_is_larger_than_a_block_may_be_goes_alone(simulator: Simulator, api: Api) -> None:
    with Peer(simulator, monitor(api, "jobs", "devices", batch_size=3)) as peer:
        for last, text in (("1", "x" * 1_200_000), ("2", "y")):
            sent = {"id": f"00000000-00000000-00409DFF-FF00000{last}", "description": text}
            assert api("POST", "/ws/v1/devices/inventory", sent).status == 201
        assert peer.take().events == 1
        simulator.clock.advance(seconds=10)
        assert peer.take().events == 1
