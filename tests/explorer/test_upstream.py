"""What a service can answer, and what it can do instead: everything comes to the page as it is, and nothing breaks."""

import asyncio
import json
import socket
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digirm_explorer import bodies, sending, shelf
from digirm_explorer.shelf import ANSWERS, Kept, Shelf
from digirm_runtime.csvtext import CsvRows
from digirm_runtime.errors import TransportError
from tests.explorer.upstream import SECRET, Upstream, param
from tests.support.server import Answer, Got, Server, dropped, script

#: CSV with its rows; the page's own reader is tested by the same.
CSV = Path(__file__).parents[2] / "explorer" / "web" / "tests" / "support" / "csv.json"


@contextmanager
def asking(*answers: Answer) -> Iterator[tuple[Upstream, Server]]:
    with script(*answers) as server, Upstream(server.url) as upstream:
        yield upstream, server


def typed(body: bytes, media_type: str, status: int = 200) -> Answer:
    return Answer(status, body, (("content-type", media_type),))


def test_an_answer_comes_as_it_is() -> None:
    with asking(Answer(body={"list": [{"id": "1"}], "count": 1}, headers=(("x-some", "thing"),))) as (upstream, server):
        answer = upstream.send(params=[param("size", "1"), param("query", "x", on=False)])
        [got] = server.got
    assert (got.method, got.target) == ("GET", "/ws/v1/devices/inventory?size=1")
    assert got.headers["accept"] == "*/*"
    assert answer["method"] == "GET"
    assert answer["target"] == "/ws/v1/devices/inventory?size=1"
    assert (answer["status"], answer["reason"], answer["writes"]) == (200, "OK", "locked")
    assert ("x-some", "thing") in answer["headers"]
    assert (answer["kind"], answer["media_type"], answer["says"]) == ("json", "application/json", None)
    assert json.loads(answer["text"]) == {"list": [{"id": "1"}], "count": 1}
    assert answer["size"] == len(answer["text"])
    assert (answer["items"], answer["count"], answer["next"]) == ("list", 1, None)
    assert [window["left"] for window in answer["gauge"]["windows"]] == [39, 239]


@pytest.mark.parametrize("status", [301, 400, 401, 404, 418, 429, 500, 503, 599])
def test_an_answer_of_any_status_is_one_and_nothing_is_asked_twice(status: int) -> None:
    body = {"error_message": "no", "error_status": status}
    with asking(Answer(status, body, (("location", "http://127.0.0.1:9/"),))) as (upstream, server):
        answer = upstream.send()
    assert len(server.got) == 1
    assert answer["status"] == status
    assert json.loads(answer["text"]) == body
    assert ("location", "http://127.0.0.1:9/") in answer["headers"]
    assert answer["next"] is None


def test_the_page_of_a_gateway_is_text() -> None:
    html = b"<html><script>alert(1)</script><h1>504 Gateway Time-out</h1></html>"
    with asking(typed(html, "text/html; charset=utf-8", 504)) as (upstream, _):
        answer = upstream.send()
    assert (answer["status"], answer["kind"], answer["text"]) == (504, "text", html.decode())


@pytest.mark.parametrize(
    ("body", "media_type", "says"),
    [
        (b"<html></html>", "application/json", "says that it is JSON"),
        (b'{"a": 1', "application/json", "says that it is JSON"),
        (b'{"a": NaN}', "application/json", "holds NaN"),
        (b"[" * 100_000, "application/json", "nested too deep"),
        (b'{"a": "\xff"}', "application/json", None),
        (b'{"a": ' + b"7" * 5000 + b"}", "application/json", None),
        (b'\xef\xbb\xbf{"a": 1}', "application/json", None),
        (b'{"a": "\\ud800"}', "application/json", None),
        (b'{"a": 1}', "application/vnd.digi+json", None),
        (b'a,b\n1,"', "text/csv", "says that it is CSV"),
        (b"a,b\n1\n", "text/csv", "1 cells under 2 columns"),
        (b"<a><b></a>", "application/xml", "says that it is XML"),
        (b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "text/xml", "says that it is XML"),
    ],
)
def test_a_body_that_is_not_what_it_says_is_told_and_shown(body: bytes, media_type: str, says: str | None) -> None:
    with asking(typed(body, media_type)) as (upstream, _):
        answer = upstream.send()
        assert upstream.kept(answer) == body
    if says is None:
        assert answer["says"] is None
        json.loads(answer["text"], parse_int=str)
    else:
        assert says in answer["says"]
        assert answer["kind"] == "text"
        assert body.decode().startswith(answer["text"])
        assert answer["rows"] is answer["items"] is answer["next"] is None


@pytest.mark.parametrize(
    ("body", "media_type", "kind", "text"),
    [
        (b"", "application/json", "empty", ""),
        (b"plain", "text/plain", "text", "plain"),
        (b"caf\xe9", "text/plain", "text", "café"),
        ("café".encode("utf-16"), "text/plain", "text", "café"),
        (b'<?xml version="1.0" encoding="ISO-8859-1"?><a>caf\xe9</a>', "application/xml", "xml", None),
        (b"<a>caf\xe9</a>", "application/xml;charset=iso-8859-1", "xml", "<a>café</a>"),
        (b"some text", "text/plain;charset=hex", "text", "some text"),
        (b"\x89PNG\r\n\x1a\n", "image/png", "binary", None),
        (b"\0\1\2", "application/octet-stream", "binary", None),
        (b"text all the same", "application/octet-stream", "text", "text all the same"),
        (b"<svg/>", "image/svg+xml", "binary", None),
        (b"<html><br></html>", "application/xhtml+xml", "text", "<html><br></html>"),
    ],
)
def test_what_a_body_is(body: bytes, media_type: str, kind: str, text: str | None) -> None:
    with asking(typed(body, media_type)) as (upstream, _):
        answer = upstream.send()
    assert (answer["kind"], answer["says"]) == (kind, None)
    if kind == "xml":
        assert "café" in answer["text"]
    else:
        assert answer["text"] == text


@given(
    st.binary(max_size=200) | st.text(max_size=50).map(str.encode),
    st.sampled_from(("application/json", "text/csv", "text/xml", "text/html", "", "x", "application/octet-stream")),
    st.sampled_from((None, "utf-8", "utf-16", "latin-1", "no such", "base64")),
)
def test_no_body_is_too_odd(body: bytes, media_type: str, charset: str | None) -> None:
    kept = Kept()
    kept.write(body)
    read = bodies.read(kept, media_type, charset)
    kept.leave()
    assert (read.text is None) == (read.kind == "binary")
    json.dumps(read._asdict()).encode()


@pytest.mark.parametrize("case", json.loads(CSV.read_bytes()))
def test_csv_is_sent_once_and_its_rows_are_those_of_the_page(case: dict[str, Any]) -> None:
    body = case["text"].encode()
    kept = Kept()
    kept.write(body)
    read = bodies.read(kept, "text/csv", None)
    kept.leave()
    assert (read.kind, read.text, read.number) == ("csv", case["text"].removeprefix("\ufeff"), len(case["rows"]))
    assert CsvRows().feed(body, final=True) == case["rows"]


def test_csv_is_counted() -> None:
    with asking(typed(b'id,name\n1,"a,b"\n2,\n', "text/csv")) as (upstream, _):
        answer = upstream.send(path="/ws/v1/devices/inventory/bulk")
    assert (answer["kind"], answer["rows"], answer["count"]) == ("csv", None, 2)


def test_a_beginning_ends_before_a_character_that_is_cut() -> None:
    text = "x" + "\u00e9" * bodies.BEGINNING
    with asking(typed(text.encode(), "text/plain")) as (upstream, _):
        answer = upstream.send()
    assert answer["text"] == text[: bodies.BEGINNING // 2]


def test_a_long_answer_is_shown_by_its_beginning_and_kept_whole() -> None:
    body = b'{"list": ["' + b"x" * bodies.WHOLE + b'"]}'
    with asking(typed(body, "application/json")) as (upstream, _):
        answer = upstream.send()
        assert upstream.kept(answer) == body
    assert answer["shortened"]
    assert answer["text"] == body[: bodies.BEGINNING].decode()
    assert "8.0 MiB" in answer["says"]
    assert (answer["size"], answer["kind"], answer["next"]) == (len(body), "json", None)


def test_an_answer_without_end_is_read_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "MOST", 1000)
    with asking(typed(b"x" * 100_000, "text/plain")) as (upstream, _):
        answer = upstream.send()
        assert upstream.kept(answer) == b"x" * 1000
    assert answer["size"] == 1000
    assert "what is beyond was not read" in answer["says"]


def test_what_came_of_an_answer_that_broke_off_is_shown() -> None:
    body = b'{"list": [{"id": "1"}'
    with asking(Answer(body=body, declared=1000)) as (upstream, _):
        answer = upstream.send()
    assert answer["text"] == body.decode()
    assert "broke off after 21 bytes" in answer["says"]


def test_no_answer_is_an_error_that_is_remembered() -> None:
    with asking(dropped()) as (upstream, server):
        with pytest.raises(TransportError):
            upstream.send("HEAD")
        assert len(server.got) == 1
        [entry] = upstream.history.search()
        assert (entry["method"], entry["status"], entry["target"]) == ("HEAD", None, "/ws/v1/devices/inventory")
        assert entry["error"]


def test_a_service_that_is_not_there() -> None:
    with script(Answer()) as server:
        url = server.url
    with Upstream(url) as upstream, pytest.raises(TransportError, match="cannot connect"):
        upstream.send()


def test_a_service_that_says_wait_is_obeyed_and_the_gauge_shows_it() -> None:
    with asking(Answer(429, {}, (("retry-after", "3000"),))) as (upstream, server):
        answer = upstream.send()
        assert answer["status"] == 429
        assert 2000 < answer["gauge"]["paused"] <= 3000
        with pytest.raises(Exception, match="not sent") as caught:
            upstream.send()
        assert len(server.got) == 1
        assert "wait" in str(caught.value)


def test_a_call_that_is_stopped_leaves_nothing_behind_but_its_history() -> None:
    import threading

    arrived, go_on = threading.Event(), threading.Event()

    def reply(_: Got) -> Answer:
        arrived.set()
        go_on.wait(60)
        return Answer(body={})

    with Server(reply) as server, Upstream(server.url) as upstream:

        async def main() -> Any:
            call = asyncio.create_task(
                upstream.sending.send({"request": {"method": "GET", "path": "/ws/v1/devices/inventory"}})
            )
            await asyncio.to_thread(arrived.wait)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            return upstream.service.gauge()

        gauge = upstream.run(main)
        go_on.set()
        assert gauge["concurrent"] == {"limit": 4, "left": 4}
        assert [entry["error"] for entry in upstream.history.search()] == ["stopped before its answer came"]


def test_the_last_answers_are_kept_and_files_of_others_are_closed() -> None:
    kept = [Kept() for _ in range(ANSWERS + 1)]
    shelf_ = Shelf()
    kept[0].write(b"x" * 200_000)
    for one in kept[:-1]:
        shelf_.add(one)
    with kept[0].used():
        shelf_.add(kept[-1])
        assert shelf_.get(kept[0].id) is None
        assert shelf_.get(kept[1].id) is kept[1]
        assert len(b"".join(kept[0].chunks())) == 200_000  # who has it reads it to its end
    with pytest.raises(ValueError, match="closed"):
        list(kept[0].chunks())
    shelf_.close()


def test_credentials_are_nowhere_in_what_is_remembered() -> None:
    token = b64encode(f"somebody:{SECRET}".encode()).decode()
    with asking(Answer(body={"echo": SECRET, "seen": f"[{token}]", "password": "other"})) as (upstream, server):
        answer = upstream.send()
        assert server.got[0].headers["authorization"] == f"Basic {token}"
        detail = upstream.history.get(answer["history"])
    assert SECRET not in repr(detail)
    assert token not in repr(detail)
    assert SECRET in answer["text"]  # the page shows what came


@pytest.mark.parametrize("follows", [True, False])
def test_a_further_page_counts_for_the_call_that_it_follows(follows: bool) -> None:
    with asking(Answer(body={"list": []})) as (upstream, _):
        first = upstream.send()["history"]
        second = upstream.send(follows=first if follows else None)["history"]
        assert (second == first) == follows
        assert sorted(entry["pages"] for entry in upstream.history.search()) == ([2] if follows else [1, 1])


@pytest.mark.parametrize("status", [400, 404, 500])
def test_a_further_page_that_fails_is_a_call_of_its_own(status: int) -> None:
    with asking(Answer(body={"list": []}), Answer(status, {})) as (upstream, _):
        first = upstream.send()["history"]
        second = upstream.send(follows=first)["history"]
        assert [entry["id"] for entry in upstream.history.search()] == [second, first]
        assert [entry["status"] for entry in upstream.history.search()] == [status, 200]


def test_no_answer_waits_for_a_history_that_is_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "_PATIENCE", 0.01)
    free = Event()
    with asking(Answer(body={"list": []})) as (upstream, _):
        upstream.memory.submit(free.wait)
        assert [upstream.send()["history"] for _ in range(2)] == [None, None]
        free.set()
        upstream.memory.shutdown()
        assert [entry["status"] for entry in upstream.history.search()] == [200, 200]


def test_a_client_is_closed_with_its_last_call_once_others_have_signed_in() -> None:
    answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-type: application/json\r\n\r\n{}"
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        with Upstream(f"http://127.0.0.1:{server.getsockname()[1]}") as upstream:
            request = {"request": {"method": "GET", "path": "/ws/v1/devices/inventory"}}

            async def asked() -> tuple[asyncio.Task[dict[str, Any]], socket.socket]:
                call = asyncio.create_task(upstream.sending.send(request))
                connection, _ = await asyncio.to_thread(server.accept)
                connection.settimeout(30)
                assert await asyncio.to_thread(connection.recv, 10_000)
                return call, connection

            async def sign_in(name: str) -> None:
                upstream.service.sign_in("password", name, SECRET)
                await upstream.service.tidy()

            async def main() -> None:
                call, at_work = await asked()
                await sign_in("another")
                at_work.sendall(answer)
                assert (await call)["text"] == "{}"  # nothing was closed under it
                assert await asyncio.to_thread(at_work.recv, 1) == b""
                call, idle = await asked()
                idle.sendall(answer)
                await call
                await sign_in("a third")
                assert await asyncio.to_thread(idle.recv, 1) == b""
                for connection in (at_work, idle):
                    connection.close()

            upstream.run(main)
