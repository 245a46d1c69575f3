from __future__ import annotations

import http.client
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from digirm_runtime.wire import Request
from digirm_simulator import Dropped, Simulator, faults, server
from digirm_simulator.faults import Fault, Faults, Faulty
from tests.simulator.support import BASIC, DEVICES, Api, device_id


class Wire:
    """Calls over HTTP; a connection that ends is a Dropped, as in process."""

    def __init__(self, url: str) -> None:
        self._address = urlsplit(url).netloc

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, bytes, dict[str, str]]:
        connection = http.client.HTTPConnection(self._address, timeout=30)
        try:
            sent = None if body is None else json.dumps(body).encode()
            connection.request(method, path, sent, BASIC | headers)
            reply = connection.getresponse()
            return reply.status, reply.read(), {name.lower(): value for name, value in reply.getheaders()}
        except http.client.IncompleteRead as error:
            raise Dropped(error.partial.decode()) from None
        except (ConnectionError, http.client.HTTPException):
            raise Dropped from None
        finally:
            connection.close()


class InProcess:
    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, bytes, dict[str, str]]:
        sent = b"" if body is None else json.dumps(body).encode()
        reply = self._simulator.handle(Request(method, path, BASIC | headers, sent))
        return reply.status, reply.read(), reply.headers


@pytest.fixture(params=["http", "in process"])
def ask(request: pytest.FixtureRequest, simulator: Simulator) -> Iterator[Any]:
    if request.param == "in process":
        yield InProcess(simulator)
        return
    with server.running(simulator) as url:
        yield Wire(url)


def test_a_proxy_page_twice_and_then_the_service(simulator: Simulator, ask: Any) -> None:
    fault = simulator.faults.add(path=DEVICES, status=504, html=True, times=2)
    for _ in range(2):
        status, body, headers = ask("GET", DEVICES)
        assert (status, headers["content-type"]) == (504, "text/html")
        assert b"504 Gateway Timeout" in body
    assert ask("GET", "/ws/v1")[0] == ask("GET", DEVICES)[0] == 200
    assert (fault.matched, fault.fired) == (3, 2)
    assert [one.status for one in simulator.requests] == [504, 504, 200, 200]


def test_statuses_in_the_shape_of_the_service(simulator: Simulator, ask: Any) -> None:
    simulator.faults.add(status=503, retry_after=7)
    status, body, headers = ask("GET", DEVICES)
    assert (status, headers["retry-after"], json.loads(body)["error_status"]) == (503, "7", 503)
    # Nobody is asked who they are: a proxy does not know.
    simulator.faults.clear()
    assert ask("GET", DEVICES, authorization="")[0] == 401


def test_a_throttle_storm(simulator: Simulator, ask: Any) -> None:
    simulator.faults.add(throttle=True, times=3, method="get")
    assert [ask("GET", DEVICES)[0] for _ in range(4)] == [429, 429, 429, 200]


def test_an_answer_of_ones_own(simulator: Simulator, ask: Any) -> None:
    simulator.faults.add(status=200, body="<html>log in</html>")
    assert ask("GET", DEVICES)[:2] == (200, b"<html>log in</html>")
    simulator.faults.clear()
    simulator.faults.add(status=204)
    assert ask("GET", DEVICES)[:2] == (204, b"")


def test_a_streamed_answer_that_is_lost_is_given_up() -> None:
    with Simulator(devices=1000, concurrent=1) as simulator:
        simulator.faults.add(lost=True, times=1)
        ask = InProcess(simulator)
        with pytest.raises(Dropped):
            ask("GET", "/ws/v1/devices/bulk")
        assert ask("GET", "/ws/v1/devices/bulk")[0] == 200


def test_wrong_json(simulator: Simulator, ask: Any) -> None:
    simulator.faults.add(wrong_json=True)
    status, body, headers = ask("GET", DEVICES)
    assert (status, headers["content-type"], headers["content-length"]) == (200, "application/json", str(len(body)))
    with pytest.raises(ValueError, match=r"delimiter|Expecting"):
        json.loads(body)


@pytest.mark.parametrize("text", ['{"a": 1}\n', "[[1]] \r\n", '"text"', "123", "-1", "1.5", "1e05\n", "true", ""])
def test_wrong_json_is_no_json_whatever_it_was(simulator: Simulator, text: str) -> None:
    simulator.faults.add(status=200, body=text, wrong_json=True)
    body = InProcess(simulator)("GET", DEVICES)[1]
    with pytest.raises(ValueError, match=r"Expecting|Unterminated|Extra data"):
        json.loads(body)
    assert text.encode().startswith(body)


def test_wrong_json_that_was_pretty(simulator: Simulator, ask: Any) -> None:
    simulator.faults.add(wrong_json=True)
    with pytest.raises(ValueError, match=r"delimiter|Expecting"):
        json.loads(ask("GET", DEVICES, **{"x-pretty": "true"})[1])


@pytest.mark.parametrize("path", [DEVICES, "/ws/v1/devices/bulk"])
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_a_body_that_breaks_off(simulator: Simulator, ask: Any, path: str, encoding: str) -> None:
    whole = ask("GET", path)[1]
    simulator.faults.add(path=path, truncate=100)
    with pytest.raises(Dropped) as broken:
        ask("GET", path, **{"accept-encoding": encoding})
    if "peer closed" not in str(broken.value):
        assert whole[:100].decode() in str(broken.value)
    simulator.faults.clear()
    simulator.faults.add(truncate=10**9)
    with pytest.raises(Dropped):
        ask("GET", DEVICES)


def test_a_dropped_connection_does_nothing_and_a_lost_answer_was_done(simulator: Simulator, ask: Any) -> None:
    simulator.faults.add(method="POST", drop=True, times=1)
    simulator.faults.add(method="POST", lost=True, times=1)
    for number in (1, 2):
        with pytest.raises(Dropped):
            ask("POST", DEVICES, {"id": device_id(number)})
    assert ask("GET", f"{DEVICES}/{device_id(1)}")[0] == 404
    assert ask("GET", f"{DEVICES}/{device_id(2)}")[0] == 200
    assert [one.status for one in simulator.requests] == [0, 201, 404, 200]


def test_a_late_answer(simulator: Simulator, ask: Any) -> None:
    simulator.faults.add(path=DEVICES, delay=0.05, times=1)
    started = time.monotonic()
    status, body, _ = ask("GET", DEVICES)
    assert (status, json.loads(body)["count"]) == (200, 40)
    assert time.monotonic() - started >= 0.05


def test_head_has_no_body_to_break(simulator: Simulator, ask: Any) -> None:
    simulator.faults.add(truncate=3, wrong_json=True)
    assert ask("HEAD", DEVICES)[:2] == (200, b"")


def test_late_answers_keep_nobody_waiting(simulator: Simulator) -> None:
    """More answers are late than there are threads; others come at once, and clients that leave are not waited for."""
    simulator.faults.add(path=DEVICES, delay=3600)
    with server.running(simulator) as url:
        address = urlsplit(url)
        late = [socket.create_connection((address.hostname or "", address.port or 0)) for _ in range(48)]
        for each in late:
            each.sendall(
                f"GET {DEVICES} HTTP/1.1\r\nHost: x\r\nAuthorization: {BASIC['authorization']}\r\n\r\n".encode()
            )
        ask = Wire(url)
        while len(simulator.requests.find(path=DEVICES)) < len(late):
            assert ask("GET", "/ws/v1")[0] == 200
        assert ask("GET", "/ws/v1/users/inventory")[0] == 200
        for each in late:
            each.close()


def fired(seed: int, count: int = 200) -> list[bool]:
    made = Faults(seed)
    made.add(status=500, probability=0.3)
    return [made.begin(Request("GET", "/x")) is not None for _ in range(count)]


def test_chance_follows_from_the_seed() -> None:
    assert fired(1) == fired(1) != fired(2)
    assert 30 < sum(fired(3)) < 90


def test_which_requests_fail() -> None:
    made = Faults()
    fault = made.add(path="/ws/v1/streams/history/*[!", method="GET", status=500, after=1, times=2)
    path = "/ws/v1/streams/history/a/[b]/[!"
    begun = [made.begin(Request("GET", path + "?x=1#y")) for _ in range(5)]
    assert begun == [None, fault, fault, None, None]
    assert made.begin(Request("PUT", path)) is None
    assert made.begin(Request("GET", "http://host" + path + "x")) is None
    assert (list(made), len(made)) == ([fault], 1)
    made.remove(fault)
    with pytest.raises(ValueError, match="not added"):
        made.remove(fault)
    assert not list(made)


def test_the_first_that_fires_is_taken() -> None:
    made = Faults()
    first, second = made.add(status=500, times=1), made.add(status=503)
    assert [made.begin(Request("GET", "/x")) for _ in range(2)] == [first, second]
    assert "500" in repr(first)


def test_a_faulty_body_gives_back_what_it_holds() -> None:
    closed = []

    def source() -> Iterator[bytes]:
        try:
            yield from (b"abc", b"def", b"ghi")
        finally:
            closed.append(True)

    body = Faulty(source(), keep=4)
    assert [next(iter(body)), next(iter(body))] == [b"abc", b"d"]
    with pytest.raises(Dropped):
        next(iter(body))
    assert closed == [True]


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({}, "needs one of"),
        ({"path": "devices", "status": 500}, "begins with /"),
        ({"status": 99}, "200 to 599"),
        ({"status": 600}, "200 to 599"),
        ({"html": True}, "need a status"),
        ({"body": "x"}, "need a status"),
        ({"retry_after": 1}, "need"),
        ({"status": 429, "retry_after": "x\r\ny: z"}, "one line"),
        ({"status": 500, "html": True, "body": "x"}, "html or body"),
        ({"throttle": True, "status": 500}, "429"),
        ({"delay": -1}, "delay"),
        ({"delay": float("nan")}, "delay"),
        ({"truncate": -1}, "truncate"),
        ({"status": 500, "times": 0}, "times"),
        ({"status": 500, "after": -1}, "after"),
        ({"status": 500, "probability": 0}, "probability"),
        ({"drop": True, "lost": True}, "either"),
        ({"drop": True, "delay": 1}, "no answer to change"),
        ({"lost": True, "status": 500}, "no answer to change"),
    ],
)
def test_faults_that_mean_nothing_are_refused(settings: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        Faults().add(**settings)


def test_text_of_a_fault() -> None:
    fault = faults.parse("path=/ws/v1/devices/*,status=504,html,times=2, probability=0.5")
    expected = Fault(path="/ws/v1/devices/*", status=504, html=True, times=2, probability=0.5)
    assert repr(fault) == repr(expected)
    assert faults.parse("throttle,retry_after=5,after=3").retry_after == "5"
    assert faults.parse("delay=0.5,truncate=10").delay == 0.5


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no setting"),
        ("status", "needs a value"),
        ("status=x", "must be a number"),
        ("html=1,status=500", "stands alone"),
        ("status=500,status=501", "given twice"),
        ("colour=red", "'colour' is no setting"),
        ("fired=1,status=500", "no setting"),
        ("status=500,times=0", "times"),
    ],
)
def test_texts_that_mean_no_fault(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        faults.parse(text)


def test_faults_are_added_while_requests_are_answered(simulator: Simulator) -> None:
    api = Api(simulator)

    def work() -> None:
        for _ in range(50):
            simulator.faults.remove(simulator.faults.add(path="/other", status=500))

    thread = threading.Thread(target=work)
    thread.start()
    assert {api.get("/ws/v1").status for _ in range(100)} == {200}
    thread.join()
