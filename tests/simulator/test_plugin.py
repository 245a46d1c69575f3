"""The pytest plugin in other people's tests: each test of this file runs a suite that knows nothing of ours."""

from __future__ import annotations

import socket
import subprocess
import sys
from importlib import import_module
from pkgutil import walk_packages

import pytest

import digirm_runtime
import digirm_simulator
from tests.house.snippets import ROOT, blocks

pytest_plugins = ["pytester"]

# A run within this process forgets what it imported, and the next one would have some modules twice.
for package in (digirm_runtime, digirm_simulator):
    for module in walk_packages(package.__path__, f"{package.__name__}."):
        import_module(module.name)


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeini("[pytest]\naddopts = --strict-markers -p no:cacheprovider\nfilterwarnings = error\n")
    return pytester


def passes(suite: pytest.Pytester, source: str, count: int = 1) -> None:
    suite.makepyfile(source)
    suite.runpytest_inprocess().assert_outcomes(passed=count)


def fails(suite: pytest.Pytester, source: str, said: str) -> None:
    """The suite ends with one error of the plugin's own, one line without a traceback, and leaves nothing open."""
    suite.makepyfile(f"import pytest\nfrom datetime import datetime\nfrom digirm_simulator import Clock\n\n{source}")
    result = suite.runpytest_inprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"the marker remote_manager: *{said}*"])
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*During handling*")
    result.stdout.no_fnmatch_line("*ResourceWarning*")


def test_the_fixture_is_a_started_simulator(suite: pytest.Pytester) -> None:
    passes(
        suite,
        """
        from digirm import Client

        def test_it(remote_manager):
            with Client(remote_manager.url) as rm:
                assert len(list(rm.devices.inventory.list())) == 100
                assert rm.devices.inventory.list(size=1, limit=1).first()
            assert remote_manager.url.startswith("sim:#")
            assert [one.path for one in remote_manager.requests] == ["/ws/v1/devices/inventory"] * 2
            assert remote_manager.clock and remote_manager.devices and remote_manager.faults is not None
        """,
    )


def test_each_test_has_its_own_and_it_is_closed_afterwards(suite: pytest.Pytester) -> None:
    passes(
        suite,
        """
        import pytest
        from digirm_runtime.wire import Request

        seen = []

        @pytest.mark.parametrize("again", [False, True])
        def test_it(remote_manager, again):
            assert len(remote_manager.requests) == 0
            remote_manager.handle(Request("GET", "/ws/v1"))
            seen.append(remote_manager)

        def test_closed():
            assert seen[0].url != seen[1].url
            for one in seen:
                with pytest.raises(RuntimeError, match="closed"):
                    one.handle(Request("GET", "/ws/v1"))
        """,
        3,
    )


def test_markers_from_far_to_near(suite: pytest.Pytester) -> None:
    passes(
        suite,
        """
        from datetime import UTC, datetime
        import pytest
        from digirm import Client

        NOON = datetime(2023, 3, 1, 12, tzinfo=UTC)
        pytestmark = pytest.mark.remote_manager("docs-2023", devices=3, clock=NOON)

        def count(simulator):
            with Client(simulator.url) as rm:
                return len(list(rm.devices.inventory.list()))

        def test_module(remote_manager):
            assert remote_manager.contract.version == "docs-2023"
            assert count(remote_manager) == 3
            assert remote_manager.clock.now() == NOON
            remote_manager.clock.advance(hours=3)

        @pytest.mark.remote_manager(devices=5)
        class TestNearer:
            @pytest.mark.remote_manager("22.7", devices=7)
            def test_nearest(self, remote_manager):
                assert (remote_manager.contract.version, count(remote_manager)) == ("22.7", 7)

            def test_its_clock_is_its_own(self, remote_manager):
                assert (remote_manager.clock.now(), count(remote_manager)) == (NOON, 5)
        """,
        3,
    )


def test_over_http(suite: pytest.Pytester) -> None:
    passes(
        suite,
        """
        import pytest
        from urllib.request import Request, urlopen

        @pytest.mark.remote_manager(devices=1, port=0)
        def test_it(remote_manager):
            assert remote_manager.url.startswith("http://127.0.0.1:")
            asked = Request(remote_manager.url + "/ws/v1", headers={"Authorization": "Basic YTpi"})
            with urlopen(asked) as answer:
                assert answer.status == 200
        """,
    )


@pytest.mark.parametrize(
    ("marker", "said"),
    [
        ("devices=-1", "a fleet has"),
        ("'1.0'", "there is no contract"),
        ("devcies=1", "devcies"),
        ("'22.7', 5", "one version"),
        ("'22.7', version='22.7'", "one version"),
        ("clock=datetime(2022, 7, 15)", "has no time zone"),
        ("clock=Clock()", "would be shared*give a datetime"),
        ("port=70000", "no port 70000"),
    ],
)
def test_a_wrong_marker_says_what_is_wrong(suite: pytest.Pytester, marker: str, said: str) -> None:
    fails(suite, f"@pytest.mark.remote_manager({marker})\ndef test_it(remote_manager):\n    pass\n", said)


def test_a_port_that_is_taken(suite: pytest.Pytester) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        fails(suite, f"@pytest.mark.remote_manager(port={port})\ndef test_it(remote_manager):\n    pass\n", str(port))


def test_the_nearer_version_stands_before_the_farther_however_they_are_given(suite: pytest.Pytester) -> None:
    passes(
        suite,
        """
        import pytest
        from digirm_simulator import contract_files

        OTHER = contract_files.builtin("docs-2023")

        @pytest.mark.remote_manager("22.7", devices=1)
        class TestPositional:
            @pytest.mark.remote_manager(version="docs-2023")
            def test_named(self, remote_manager):
                assert remote_manager.contract.version == "docs-2023"

            @pytest.mark.remote_manager(contract=OTHER)
            def test_contract(self, remote_manager):
                assert remote_manager.contract is OTHER

        @pytest.mark.remote_manager(contract=OTHER)
        class TestContract:
            @pytest.mark.remote_manager("22.7")
            def test_version(self, remote_manager):
                assert remote_manager.contract.version == "22.7"
        """,
        3,
    )


def test_markers_and_fixture_are_listed(suite: pytest.Pytester) -> None:
    suite.runpytest_inprocess("--markers").stdout.fnmatch_lines(["@pytest.mark.remote_manager(version=*"])
    suite.runpytest_inprocess("--fixtures").stdout.fnmatch_lines(["remote_manager -- *"])


def test_the_documented_example_runs(suite: pytest.Pytester) -> None:
    (example,) = [block for block in blocks(ROOT / "docs" / "simulator.md", "python") if "def test_" in block]
    suite.makepyfile(example)
    outcomes = suite.runpytest_inprocess().parseoutcomes()
    assert set(outcomes) == {"passed"}


def test_a_run_that_does_not_use_it_does_not_load_the_simulator() -> None:
    statement = "import digirm_simulator.pytest_plugin, sys; print('digirm_simulator.app' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", statement], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
