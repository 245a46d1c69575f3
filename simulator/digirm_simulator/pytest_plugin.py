"""The pytest fixture `remote_manager`: a started simulator for each test, registered by entry point.

    def test_all_devices_are_connected(remote_manager):
        with Client(remote_manager.url) as rm:
            ...

It is in this process and has 100 devices; the marker `remote_manager` sets this and everything else that `Simulator`
takes, for a test, a class or a module (`pytestmark`), the nearer one standing before the farther.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    # The plugin is loaded by every run of pytest, the simulator only where a test asks for it.
    from digirm_simulator import Simulator

_MARKER = (
    "remote_manager(version='22.7', **options): what the fixture `remote_manager` starts; the options are those of "
    "digirm_simulator.Simulator, but `clock` is a datetime, which stands still until the test advances it."
)


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", _MARKER)


@pytest.fixture
def remote_manager(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    """A started simulator of the test's own, with `.url`, `.clock`, `.requests`, `.faults` and `.devices`."""
    from digirm_simulator import Simulator

    with ExitStack() as stack:
        try:
            simulator = stack.enter_context(Simulator(**_marked(request.node)))
        except (OSError, TypeError, ValueError) as error:
            raise pytest.fail.Exception(f"the marker remote_manager: {error}", pytrace=False) from None
        yield simulator


def _marked(node: pytest.Item) -> dict[str, Any]:
    """What the markers of a test say, from the farthest to the nearest. Raises TypeError, ValueError."""
    from datetime import datetime

    from digirm_simulator.clock import Clock

    options: dict[str, Any] = {}
    for mark in reversed(list(node.iter_markers("remote_manager"))):
        said = _options(*mark.args, **mark.kwargs)
        if "version" in said:
            # A contract would stand before the version.
            options.pop("contract", None)
        options |= said
    clock = options.get("clock")
    if isinstance(clock, Clock):
        raise TypeError(
            "a Clock would be shared by all tests that are marked; give a datetime, or make the Simulator in a fixture "
            "of your own"
        )
    if isinstance(clock, datetime):
        options["clock"] = Clock(clock, speed=0)
    return options


def _options(*version: str, **options: Any) -> dict[str, Any]:
    """The arguments of one marker by name."""
    if len(version) + ("version" in options) > 1:
        raise TypeError("it takes one version, everything else by name")
    return options | ({"version": version[0]} if version else {})
