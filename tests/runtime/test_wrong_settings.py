"""Settings that cannot be right are refused before anything is sent."""

from typing import Any

import httpx
import pytest

from digirm_runtime.client import Client
from digirm_runtime.options import Options


@pytest.mark.parametrize(
    "settings",
    [
        {"timeout": 0},
        {"timeout": -1},
        {"timeout": float("nan")},
        {"timeout": "5"},
        {"timeout": None},
        {"throttle": (240, 60)},
    ],
)
def test_settings_that_cannot_be_right(settings: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError), match="must be a"):
        Client("http://127.0.0.1:1", auth=("a", "b"), **settings)


@pytest.mark.parametrize(
    "settings",
    [{"retries": -1}, {"retries": "3"}, {"retries": 1.5}, {"deadline": 0}, {"deadline": float("nan")}, {"timeout": -1}],
)
def test_options_that_cannot_be_right(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be a"):
        Options(**settings)


def test_a_transport_for_a_server_in_this_process() -> None:
    with pytest.raises(ValueError, match="in this process"):
        Client("sim:", transport=httpx.MockTransport(lambda _: httpx.Response(200)))
