"""The pytest fixture `remote_manager`: a started simulator for each test, registered by entry point.

    def test_all_devices_are_connected(remote_manager):
        with Client(remote_manager.url) as rm:
            ...

It is in this process and has 100 devices; the marker `remote_manager` sets this and everything else that `Simulator`
takes, for a test, a class or a module (`pytestmark`), the nearer one standing before the farther.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    # The plugin is loaded by every run of pytest, the simulator only where a test asks for it.
    from digirm_simulator import Simulator

_MARKER = (
    "remote_manager(version='22.7', **options): what the fixture `remote_manager` starts; the options are those of "
    "digirm_simulator.Simulator. A datetime as `clock` stands still until the test advances it."
)


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", _MARKER)


@pytest.fixture
def remote_manager(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    """A started simulator of the test's own, with `.url`, `.clock`, `.requests`, `.faults` and `.devices`."""
    from digirm_simulator import Simulator

    arguments, options = _marked(request.node)
    try:
        simulator = Simulator(*arguments, **options)
    except (TypeError, ValueError) as error:
        pytest.fail(f"the marker remote_manager: {error}", pytrace=False)
    with simulator:
        yield simulator


def _marked(node: pytest.Item) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What the markers of a test say, from the farthest to the nearest."""
    from datetime import datetime

    from digirm_simulator.clock import Clock

    arguments: tuple[Any, ...] = ()
    options: dict[str, Any] = {}
    for marker in reversed(list(node.iter_markers("remote_manager"))):
        arguments = marker.args or arguments
        options |= marker.kwargs
    if isinstance(clock := options.get("clock"), datetime):
        options["clock"] = Clock(clock, speed=0)
    return arguments, options
