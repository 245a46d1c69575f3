"""Settings for every test: no deadlines (tests assert behaviour, never time), nothing of the user's settings."""

import gc
import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Tests assert behaviour, never time: a busy machine is no finding.
settings.register_profile("digirm", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("digirm")


NUMBERS = count()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores, as tests also wait: for processes, for a deadline, for nothing to come."""
    return (os.cpu_count() or 1) + 1


@pytest.fixture(scope="session")
def private(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder."""
    return tmp_path_factory.mktemp("private")


@pytest.fixture(scope="session")
def mypy_cache(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder in which mypy remembers from one test to the next what it knows of the runtime and of typeshed."""
    return str(tmp_path_factory.mktemp("mypy"))


@pytest.fixture(autouse=True, scope="module")
def what_stays_is_looked_through_once() -> Iterator[None]:
    """A process that runs thousands of tests holds much that stays, and each full collection would walk all of it."""
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def nothing_of_the_user(monkeypatch: pytest.MonkeyPatch, private: Path) -> None:
    for name in ("URL", "API_KEY_ID", "API_KEY_SECRET", "USERNAME", "PASSWORD"):
        monkeypatch.delenv(f"DIGIRM_{name}", raising=False)
    # A cache folder for each test: what one generated is nothing to another.
    monkeypatch.setenv("DIGIRM_CACHE_DIR", str(private / f"cache{next(NUMBERS)}"))
    monkeypatch.setenv("NETRC", str(private / "none"))
