"""What the tests of the older API share."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

from digirm_runtime.wire import Request
from digirm_simulator import Clock, Simulator
from tests.simulator.support import BASIC, NOW, Answer, Api, answer


class Legacy(Api):
    """Calls to the older API, whose XML is in another encoding than UTF-8."""

    def __call__(self, method: str, path: str, body: Any = None, /, **params: str | int) -> Answer:
        sent = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        return self.send(method, path + ("?" + urlencode(params) if params else ""), sent)

    def xml(self, path: str, **params: str | int) -> ElementTree.Element:
        found = self.simulator.handle(Request("GET", f"{path}?{urlencode(params)}", self.headers))
        assert found.status == 200, found.read()
        assert found.headers["content-type"] == "application/xml;charset=iso-8859-1"
        return ElementTree.fromstring(found.read())

    def json(self, path: str, **params: str | int) -> dict[str, Any]:
        found = Api(self.simulator, BASIC | {"accept": "application/json"}).get(path, **params)
        assert found.status == 200, found.body
        body: dict[str, Any] = found.body
        return body

    def send(self, method: str, path: str, body: str | bytes) -> Answer:
        sent = body if isinstance(body, bytes) else body.encode()
        reply = self.simulator.handle(Request(method, path, self.headers, sent))
        if "iso-8859-1" in reply.headers.get("content-type", ""):
            return Answer(reply.status, reply.read().decode("iso-8859-1"), reply.headers)
        return answer(reply)

    def names(self, condition: str) -> set[str]:
        """The names of the devices that meet a condition."""
        found = self.json("/ws/DeviceCore", condition=condition)["items"]
        return {item.get("dpName", "") for item in found}


@contextmanager
def six_devices() -> Iterator[Legacy]:
    """Calls to a simulator with six devices and a clock that stands still."""
    with closing(Simulator(devices=6, seed=1, clock=Clock(NOW, speed=0))) as simulator:
        yield Legacy(simulator)
