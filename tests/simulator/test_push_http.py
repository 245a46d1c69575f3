"""Monitors that push over HTTP."""

from __future__ import annotations

import base64
import json
import logging
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from digirm_simulator import Clock, Simulator
from tests.simulator.push_support import MONITORS, Receiver, monitor, point, receiving, status
from tests.simulator.support import NOW, Api
from tests.simulator.test_push import until


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def test_a_push_over_http(api: Api, receiver: Receiver) -> None:
    secret = "fred:secret"
    number = monitor(
        api,
        "DataPoint",
        type="http",
        url=f"{receiver.url}/in?a=b",
        auth_token=secret,
        headers={"X-Own": "1"},
        compression="zlib",
    )
    point(api)
    pushed = receiver.take()
    assert (pushed.method, pushed.path) == ("PUT", "/in?a=b")
    expected = {
        "authorization": f"Basic {base64.b64encode(secret.encode()).decode()}",
        "content-encoding": "deflate",
        "content-type": "application/json",
        "x-own": "1",
    }
    assert {name: pushed.headers[name] for name in expected} == expected
    assert json.loads(zlib.decompress(pushed.body))["Document"]["Msg"]["DataPoint"]["data"] == 1.5
    until(lambda: status(api, number) == "ACTIVE")
    assert secret not in json.dumps(api.get(f"{MONITORS}/{number}").body)
    assert api("PUT", f"{MONITORS}/{number}", {"auth_token": None, "method": "POST", "format": "xml"}).status == 200
    point(api, "2")
    second = receiver.take()
    assert (second.method, second.headers["content-type"]) == ("POST", "application/xml")
    assert "authorization" not in second.headers


def test_what_is_not_taken_is_sent_again_in_order(api: Api, receiver: Receiver) -> None:
    receiver.answers = [500, 204]
    monitor(api, "DataPoint", type="http", url=receiver.url)
    point(api, "1")
    point(api, "2")
    bodies = [json.loads(receiver.take().body)["Document"]["Msg"]["DataPoint"]["data"] for _ in range(4)]
    assert bodies == [1, 1, 1, 2]


def test_who_is_not_reached_for_a_day_is_disabled_until_it_is_changed(
    simulator: Simulator, api: Api, receiver: Receiver
) -> None:
    number = monitor(api, "DataPoint", type="http", url="http://127.0.0.1:1/")
    point(api)
    simulator.clock.advance(hours=24)
    until(lambda: status(api, number) == "DISABLED")
    assert api("PUT", f"{MONITORS}/{number}", {"url": receiver.url}).status == 200
    point(api, "3")
    assert json.loads(receiver.take().body)["Document"]["Msg"]["DataPoint"]["data"] == 3


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "http://192.0.2.1/",
        "ftp://127.0.0.1/",
        "http://127.0.0.1:x/",
        "http://127.0.0.1:0/",
        "//127.0.0.1/",
        "[x",
    ],
)
def test_nothing_is_sent_elsewhere(simulator: Simulator, api: Api, caplog: pytest.LogCaptureFixture, url: str) -> None:
    with caplog.at_level(logging.WARNING):
        number = monitor(api, "DataPoint", type="http", url=url)
    point(api)
    assert status(api, number) == "INACTIVE"
    assert "is not pushed" in caplog.text
    assert simulator._world.listening == set()


def test_hosts_that_are_named_may_be_pushed_to() -> None:
    with Simulator(devices=0, clock=Clock(NOW, speed=0), push_hosts=["push.invalid"]) as simulator:
        api = Api(simulator)
        number = monitor(api, "DataPoint", type="http", url="http://push.invalid/")
        until(lambda: status(api, number) == "CONNECTING")


def test_a_header_that_none_can_have_is_no_push(api: Api, receiver: Receiver) -> None:
    number = monitor(api, "DataPoint", type="http", url=receiver.url, headers={"X": "a\r\nY: b"})
    point(api)
    api("PUT", f"{MONITORS}/{number}", {"headers": {"X": "a"}})
    assert "y" not in receiver.take().headers


@pytest.mark.parametrize("written", [" a", "a ", "\ta \t"])
def test_blanks_around_a_header_are_none_of_it(api: Api, receiver: Receiver, written: str) -> None:
    monitor(api, "DataPoint", type="http", url=receiver.url, headers={"X-Own": written})
    point(api)
    assert receiver.take().headers["x-own"] == "a"


def test_it_goes_on_after_a_restart(tmp_path: Path, receiver: Receiver) -> None:
    clock = Clock(NOW, speed=0)
    with Simulator(devices=0, data=tmp_path / "state", clock=clock) as first:
        api = Api(first)
        monitor(api, "DataPoint", type="http", url=receiver.url, persistent=True, batch_size=2)
        point(api, "1")
    with Simulator(data=tmp_path / "state", clock=clock) as second:
        point(Api(second), "2")
        found = json.loads(receiver.take().body)["Document"]["Msg"]
    assert [message["DataPoint"]["data"] for message in found] == [1, 2]
