from __future__ import annotations

from collections.abc import Iterator

import pytest

from digirm_simulator import Clock, Simulator
from tests.simulator.support import NOW, Api


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    made = Simulator(devices=40, seed=1, clock=Clock(NOW, speed=0))
    yield made
    made.close()


@pytest.fixture
def api(simulator: Simulator) -> Api:
    return Api(simulator)


@pytest.fixture
def empty() -> Iterator[Api]:
    """Of a simulator without devices."""
    made = Simulator(devices=0, clock=Clock(NOW, speed=0))
    yield Api(made)
    made.close()
