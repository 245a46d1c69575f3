"""Settings for every test: no deadlines (tests assert behaviour, never time), nothing of the user's settings."""

import pytest
from hypothesis import HealthCheck, settings

# Tests assert behaviour, never time: a busy machine is no finding.
settings.register_profile("digirm", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("digirm")


@pytest.fixture(autouse=True)
def nothing_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    for name in ("URL", "API_KEY_ID", "API_KEY_SECRET", "USERNAME", "PASSWORD"):
        monkeypatch.delenv(f"DIGIRM_{name}", raising=False)
    # A cache folder for each test: what one generated is nothing to another.
    monkeypatch.setenv("DIGIRM_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("NETRC", str(tmp_path_factory.mktemp("netrc") / "none"))
