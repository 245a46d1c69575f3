"""What the simulator's tests share: a fixed time, credentials, recordings, and calls in plain types."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

from digirm_runtime.wire import Request, Response
from digirm_simulator import Simulator

NOW = datetime(2022, 7, 15, 12, 0, 0, tzinfo=UTC)
BASIC = {"authorization": "Basic c2ltOnNpbQ=="}
DEVICES = "/ws/v1/devices/inventory"


class Answer(NamedTuple):
    status: int
    body: Any
    headers: dict[str, str]


class Api:
    """Calls to a simulator; JSON answers are decoded."""

    def __init__(self, simulator: Simulator, headers: dict[str, str] | None = None) -> None:
        self.simulator = simulator
        self.headers = BASIC if headers is None else headers

    def __call__(self, method: str, path: str, body: Any = None, /, **params: str | int) -> Answer:
        url = path + ("?" + urlencode(params) if params else "")
        sent = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        return answer(self.simulator.handle(Request(method, url, self.headers, sent)))

    def get(self, path: str, /, **params: str | int) -> Answer:
        return self("GET", path, **params)

    def ids(self, **params: str | int) -> list[str]:
        """The ids of the devices that a list with `params` holds."""
        found = self.get(DEVICES, **params)
        assert found.status == 200, found.body
        return [item["id"] for item in found.body["list"]]


def answer(response: Response) -> Answer:
    text = response.read()
    is_json = response.headers.get("content-type") == "application/json" and text
    return Answer(response.status, json.loads(text) if is_json else text.decode(), response.headers)


def device_id(number: int) -> str:
    return f"00000000-00000000-0040FFFF-FF{number:06X}"
