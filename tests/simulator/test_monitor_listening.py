"""Which events a client gets that begins to listen to a monitor."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from digirm_simulator import Clock, Simulator
from tests.simulator.push_support import MONITORS, Peer, monitor, point
from tests.simulator.support import NOW, Api


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    made = Simulator(devices=0, clock=Clock(NOW, speed=0), push_port=0)
    yield made
    made.close()


def test_a_monitor_that_is_persistent_no_longer_begins_with_what_happens_next(simulator: Simulator, api: Api) -> None:
    number = monitor(api, "DataPoint", persistent=True)
    point(api, "1.5")
    found = api("PUT", f"{MONITORS}/{number}", {"persistent": False})
    assert found.status == 200, found.body
    with Peer(simulator, number) as peer:
        point(api, "3.5")
        assert peer.take().values == [3.5]
