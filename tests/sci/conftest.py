import pytest

from digirm_runtime import flow


@pytest.fixture(autouse=True)
def short_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries wait hundredths of their real time."""
    monkeypatch.setattr(flow, "FIRST_DELAY", 0.005)
