"""The local server as the page asks it, on the embedded simulator."""

import json
import re
import socket
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from digirm_explorer import exchange
from digirm_explorer.embedded import Embedded
from tests.explorer.local import Browser, bundle, explorer

LIST = "/ws/v1/devices/inventory"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with explorer(embedded=Embedded(devices=20)) as running:
        yield running


def test_the_page_has_a_nonce_of_its_own(browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle(tmp_path, monkeypatch)
    nonces = set()
    for _ in range(2):
        said = browser.ask("/")
        found = set(re.findall(r'nonce="([^"]+)"', said.body.decode()))
        assert len(found) == 1
        policy = said.headers["content-security-policy"]
        assert f"'nonce-{found.copy().pop()}'" in policy
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert said.headers["cache-control"] == "no-store"
        nonces |= found
    assert len(nonces) == 2
    said = browser.ask("/assets/x-1.js")
    assert (said.status, said.headers["content-type"]) == (200, "text/javascript; charset=utf-8")
    assert "immutable" in said.headers["cache-control"]
    assert browser.ask("/favicon.ico").status == 204


@pytest.mark.parametrize("path", ["../index.html", "..%2findex.html", "%2e%2e/index.html", ".hidden.js", "x-2.js", "x"])
def test_no_other_file_can_be_had(browser: Browser, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle(tmp_path, monkeypatch)
    (tmp_path / "assets" / ".hidden.js").write_text("")
    assert browser.ask(f"/assets/{path}").status == 404


def test_the_session(browser: Browser) -> None:
    session = browser.ask("/api/session").json
    assert session["embedded"]
    assert session["url"].startswith("http://127.0.0.1:")
    assert session["writes"] == "free"
    assert session["history"] is None
    assert session["spec"]["api_version"] == "22.7"
    assert session["spec"]["fingerprint"]
    assert session["credentials"]["name"] == "sim"
    assert {window["seconds"]: window["limit"] for window in session["gauge"]["windows"]} == {10: 40, 60: 240}
    assert set(browser.ask("/api/gauge").json) == {"windows", "concurrent", "paused"}


def test_pages_are_walked_and_counted_as_one_call(browser: Browser) -> None:
    first = browser.send("GET", LIST, params=[{"name": "size", "value": "8", "on": True}])
    ids = [one["id"] for one in json.loads(first["text"])["list"]]
    answer = first
    while answer["next"] is not None:
        answer = browser.ask("/api/send", {"request": answer["next"], "follows": first["history"]}).json
        ids += [one["id"] for one in json.loads(answer["text"])["list"]]
    assert len(ids) == len(set(ids)) == 20
    detail = browser.ask(f"/api/history/{first['history']}").json
    assert detail["pages"] == 3
    assert detail["request"]["params"] == [{"name": "size", "value": "8", "on": True}]
    assert detail["text"] == first["text"]


def test_writes_to_the_simulator_are_free(browser: Browser) -> None:
    [device] = json.loads(browser.send("GET", f"{LIST}?size=1")["text"])["list"]
    path = f"{LIST}/{device['id']}"
    assert browser.send("PUT", path, body='{"description": "written"}')["status"] == 200
    assert json.loads(browser.send("GET", path)["text"])["description"] == "written"


def test_an_answer_can_be_downloaded_and_is_never_shown(browser: Browser) -> None:
    answer = browser.send("GET", LIST)
    said = browser.ask(f"/api/answers/{answer['id']}")
    assert said.body.decode() == answer["text"]
    assert said.headers["content-disposition"] == "attachment"
    assert said.headers["content-type"] == "application/octet-stream"
    assert said.headers["x-content-type-options"] == "nosniff"
    assert browser.ask("/api/answers/guessed").status == 404


def test_the_history_is_searched_and_forgotten(browser: Browser) -> None:
    number = browser.send("GET", "/ws/v1/nowhere-else")["history"]
    [entry] = browser.ask("/api/history?search=nowhere-else").json
    assert (entry["id"], entry["status"]) == (number, 404)
    assert browser.ask(f"/api/history?search=nowhere-else&before={number}").json == []
    assert browser.ask(f"/api/history/{number}", method="DELETE").json is None
    assert browser.ask(f"/api/history/{number}").status == 404
    assert browser.ask("/api/history/x").status == 404
    assert browser.ask("/api/history", method="DELETE").json is None
    assert browser.ask("/api/history").json == []


def test_queries_are_checked_and_completed(browser: Browser) -> None:
    checked = browser.ask("/api/query/check", {"endpoint": "devices/inventory", "query": "name == 'a'"}).json
    assert not checked["ok"]
    place = {"endpoint": "devices/inventory", "parameter": "query", "text": "nam", "cursor": 3}
    assert "name" in [one["text"] for one in browser.ask("/api/query/complete", place).json]
    assert browser.ask("/api/query/sql", {"endpoint": None, "query": "a = 'b'", "dialect": "sqlite"}).status == 200
    assert browser.ask("/api/query/complete", place | {"cursor": "x"}).json["error"]["kind"] == "invalid"


@pytest.mark.parametrize(
    ("request_", "operation"),
    [
        ({"method": "GET", "path": LIST}, f"GET {LIST}"),
        ({"method": "get", "path": f"{LIST}/{{id}}"}, f"GET {LIST}/{{id}}"),
        ({"method": "GET", "path": f"{LIST}/1"}, f"GET {LIST}/{{id}}"),
        ({"method": "GET", "path": "/ws/DeviceCore"}, "GET /ws/DeviceCore"),
        ({"method": "POST", "path": "/ws/sci", "body": "<sci_request><reboot/></sci_request>"}, "POST /ws/sci reboot"),
        ({"method": "POST", "path": "/ws/sci", "body": "{"}, None),
        ({"method": "GET", "path": "/elsewhere"}, None),
    ],
)
def test_a_request_in_the_making_is_judged(browser: Browser, request_: dict[str, Any], operation: str | None) -> None:
    judged = browser.ask("/api/judge", {"request": request_}).json
    assert judged["operation"] == operation
    url = browser.ask("/api/session").json["url"]
    assert judged["address"] is None if "{" in request_["path"] else judged["address"] == url + request_["path"]


def test_what_is_wrong_with_a_request_is_told(browser: Browser) -> None:
    judged = browser.ask("/api/judge", {"request": {"method": "GET", "path": "/ws/v1/devices/inventry"}}).json
    assert "did you mean" in judged["errors"][0]
    assert browser.ask("/api/judge", {"request": {"method": 5}}).json["error"]["kind"] == "invalid"


def test_an_exported_call_reaches_the_simulator(browser: Browser) -> None:
    request = {"method": "GET", "path": LIST, "params": [{"name": "size", "value": "1", "on": True}]}
    text = browser.ask("/api/export", {"request": request, "form": "curl"}).json["text"]
    done = subprocess.run(["sh", "-c", text], capture_output=True, check=True, timeout=60)
    assert json.loads(done.stdout)["list"] == json.loads(browser.send(**request)["text"])["list"]
    assert browser.ask("/api/export", {"request": request, "form": "fax"}).json["error"]["kind"] == "invalid"


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 100_000, b'"\xff"', b"5", b"null"])
def test_what_no_page_sends_is_refused(browser: Browser, body: bytes) -> None:
    for path in ("send", "judge", "query/check", "query/complete", "query/sql", "export", "credentials", "writes"):
        said = browser.ask(f"/api/{path}", body, "POST")
        assert (said.status, said.json["error"]["kind"]) == (400, "invalid"), path


def test_half_of_a_surrogate_pair_is_sent_as_it_is() -> None:
    said = exchange.reply({"name": "a\ud800", "next": ("b",)})
    assert json.loads(bytes(said.body)) == {"name": "a\ud800", "next": ["b"]}


def test_too_much_is_refused(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "MOST", 1000)
    assert browser.ask("/api/query/check", {"query": "x" * 2000}).status == 413
    assert browser.ask("/api/nothing").status == 404
    assert browser.ask("/api/session", {}).status == 405


def test_two_tabs_at_once(browser: Browser) -> None:
    paths = [f"{LIST}?size={number}" for number in range(1, 7)]
    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(lambda path: browser.send("GET", path), paths))
    assert [answer["count"] for answer in answers] == [1, 2, 3, 4, 5, 6]
    assert len({answer["history"] for answer in answers}) == 6


def test_a_page_that_goes_away_stops_its_call() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, explorer(url=_url(silent)) as other:
        other.ask("/api/credentials", {"kind": "password", "name": "somebody", "secret": "hunter2-hunter2"})
        body = json.dumps({"request": {"method": "GET", "path": LIST}}).encode()
        head = f"POST /api/send HTTP/1.1\r\nhost: {urlsplit(other.origin).netloc}\r\norigin: {other.origin}\r\n"
        head += f"cookie: {other.cookie}\r\ncontent-length: {len(body)}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", other.port), 60) as page:
            page.sendall(head.encode() + body)
            connection, _ = silent.accept()
            connection.settimeout(60)
            assert connection.recv(10_000).startswith(b"GET /ws/v1/devices/inventory HTTP/1.1")
        with connection:
            assert connection.recv(1) == b""  # the explorer ends its own side too
        while not (found := other.ask("/api/history").json):
            pass
        assert found[0]["error"] == "stopped before its answer came"


def test_an_explorer_that_ends_ends_its_calls() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor(1) as threads:
        with explorer(url=_url(silent)) as browser:
            browser.ask("/api/credentials", {"kind": "password", "name": "somebody", "secret": "hunter2-hunter2"})
            answer = threads.submit(browser.send, "GET", LIST)
            connection, _ = silent.accept()
        connection.close()
        assert answer.result()["error"]["kind"] == "aborted"


def test_a_real_service_is_locked_until_it_is_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, explorer(url=_url(silent)) as browser:
        session = browser.ask("/api/session").json
        assert (session["embedded"], session["writes"], session["credentials"]) == (False, "locked", None)
        said = browser.ask("/api/send", {"request": {"method": "GET", "path": LIST}})
        assert (said.status, said.json["error"]["kind"]) == (409, "credentials")
        said = browser.ask("/api/send", {"request": {"method": "DELETE", "path": LIST}})
        assert (said.status, said.json["error"]["kind"]) == (403, "locked")
        signed = browser.ask("/api/credentials", {"kind": "api_key", "name": "id", "secret": "hunter2-hunter2"}).json
        assert signed["credentials"]["kind"] == "api_key"
        assert browser.ask("/api/writes", {"allow": True}).json["writes"] == "confirmed"
        error = browser.ask("/api/send", {"request": {"method": "DELETE", "path": f"{LIST}/1"}}).json["error"]
        assert error["kind"] == "confirm"
        assert error["preview"].startswith(f"DELETE {_url(silent)}{LIST}/1\n")
        assert error["digest"]
        assert browser.ask("/api/writes", {"allow": False}).json["writes"] == "locked"
        assert browser.ask("/api/credentials", method="DELETE").json["credentials"] is None


def test_half_of_a_surrogate_pair_in_a_request_is_told_as_what_it_is(browser: Browser) -> None:
    body = b'{"request": {"method": "POST", "path": "/ws/v1/groups/inventory", "body": "a\\ud800"}}'
    error = browser.ask("/api/send", body).json["error"]
    assert (error["kind"], error["message"]) == ("invalid", "the body is not UTF-8 text")
    checked = browser.ask("/api/query/check", b'{"endpoint": "devices/inventory", "query": "name = \'\\ud800\'"}')
    assert "lone surrogate" in checked.json["diagnostics"][0]["message"]


def test_exports_name_the_credentials_that_were_typed() -> None:
    asked = {"request": {"method": "GET", "path": LIST}, "form": "curl"}
    with explorer(embedded=Embedded(devices=1)) as other:
        assert "DIGIRM_" not in other.ask("/api/export", asked).json["text"]
        other.ask("/api/credentials", {"kind": "password", "name": "somebody", "secret": "hunter2-hunter2"})
        text = other.ask("/api/export", asked).json["text"]
        assert "DIGIRM_PASSWORD" in text
        assert "hunter2" not in text
        other.ask("/api/credentials", method="DELETE")
        assert "DIGIRM_" not in other.ask("/api/export", asked).json["text"]


class Slow(Embedded):
    """A simulator that is being made until it is let go on."""

    def __init__(self) -> None:
        super().__init__(devices=1)
        self.go_on = threading.Event()

    def start(self) -> None:
        self.go_on.wait(60)
        super().start()


def test_queries_are_checked_while_others_wait_for_the_simulator() -> None:
    slow = Slow()
    with explorer(embedded=slow) as browser, ThreadPoolExecutor(40) as threads:
        request = {"request": {"method": "GET", "path": LIST}}
        waiting = [threads.submit(browser.ask, "/api/judge", request) for _ in range(40)]
        checked = browser.ask("/api/query/check", {"endpoint": "devices/inventory", "query": "name = 'a'"})
        assert checked.json["ok"]
        assert not any(one.done() for one in waiting)
        slow.go_on.set()
        assert {one.result().status for one in waiting} == {200}


def test_a_simulator_that_cannot_start_is_told() -> None:
    with explorer(embedded=Embedded("sim:1.0")) as browser:
        error = browser.ask("/api/session").json["error"]
        assert (error["kind"], "no API version '1.0'" in error["message"]) == ("transport", True)


def _url(server: socket.socket) -> str:
    return f"http://127.0.0.1:{server.getsockname()[1]}"
