"""Settings of the fault tests: short waits, and a search of every log for the credentials that they use."""

import logging
from collections.abc import Iterator

import pytest

from digirm_runtime import flow
from tests.support.leaks import LogSearch, leaks


@pytest.fixture(autouse=True)
def short_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries wait thousandths of their real time."""
    monkeypatch.setattr(flow, "FIRST_DELAY", 0.0005)
    monkeypatch.setattr(flow, "LONGEST_DELAY", 0.01)


@pytest.fixture(autouse=True)
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Every line of every logger; none may hold a credential, whatever a test does."""
    search, root = LogSearch(), logging.getLogger()
    # Alone, as pytest's own handlers would format each record twice.
    monkeypatch.setattr(root, "handlers", [search])
    before = root.level
    root.setLevel(logging.NOTSET)
    try:
        yield search.lines
    finally:
        root.setLevel(before)
    for line in search.lines:
        assert not leaks(line), line
