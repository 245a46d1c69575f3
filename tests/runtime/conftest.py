import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from digirm_runtime import flow
from digirm_runtime.client import AsyncClient, Client


@pytest.fixture(autouse=True)
def short_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries wait hundredths of their real time."""
    monkeypatch.setattr(flow, "FIRST_DELAY", 0.005)


@pytest.fixture(params=["blocking", "asyncio"])
def request_with(request: pytest.FixtureRequest) -> Callable[..., Any]:
    def blocking(url: str, method: str, path: str, settings: dict[str, Any] | None = None, **kwargs: Any) -> Any:
        with Client(url, **{"auth": ("user", "secret-word"), **(settings or {})}) as client:
            return client.request(method, path, **kwargs)

    def on_a_loop(url: str, method: str, path: str, settings: dict[str, Any] | None = None, **kwargs: Any) -> Any:
        async def main() -> Any:
            async with AsyncClient(url, **{"auth": ("user", "secret-word"), **(settings or {})}) as client:
                return await client.request(method, path, **kwargs)

        return asyncio.run(main())

    return blocking if request.param == "blocking" else on_a_loop
