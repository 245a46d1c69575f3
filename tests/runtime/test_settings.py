"""What a client is told beside its address: hooks, log, headers, an `httpx.Auth`, a transport, a proxy."""

import asyncio
import gc
import gzip
import json
import logging
import socket
import threading
import zlib
from collections.abc import Callable, Generator
from typing import Any

import httpx
import pytest

from digirm_runtime.client import AsyncClient, Client
from digirm_runtime.errors import (
    BadRequest,
    RemoteManagerError,
    ServerError,
    Throttled,
    TransportError,
    WouldWaitForItself,
)
from digirm_runtime.hooks import Event, Hooks
from digirm_runtime.operation import Endpoint, Operation
from digirm_runtime.options import Options, Throttle
from digirm_runtime.rows import AsyncRows
from tests.support.server import Answer, Got, Server, script

OK = {"count": 1, "list": [{"id": "a"}]}
BUSY = Answer(503, headers=(("retry-after", "0"),))
Call = Callable[..., Any]


@pytest.fixture
def call(request_with: Call) -> Call:
    return request_with


def recorded() -> tuple[Hooks, list[tuple[str, Event]]]:
    events: list[tuple[str, Event]] = []

    def keep(name: str) -> Callable[[Event], None]:
        return lambda event: events.append((name, event))

    return Hooks(**{name: keep(name) for name in Hooks.__slots__}), events


def test_hooks_see_every_moment(call: Call) -> None:
    hooks, events = recorded()
    with script(BUSY, Answer(body=OK)) as server:
        call(server.url, "GET", "/x", {"hooks": hooks}, params={"size": 2})
    assert [(name, event.method, event.url, event.attempt, event.status) for name, event in events] == [
        ("on_request", "GET", "/x?size=2", 1, None),
        ("on_response", "GET", "/x?size=2", 1, 503),
        ("on_retry", "GET", "/x?size=2", 1, 503),
        ("on_request", "GET", "/x?size=2", 2, None),
        ("on_response", "GET", "/x?size=2", 2, 200),
    ]
    retry = events[2][1]
    assert isinstance(retry.error, ServerError)
    assert retry.seconds is not None
    assert repr(retry) == f"<Event GET /x?size=2, attempt 1, status 503, {retry.seconds:.3f} s>"


def test_a_waiting_caller_is_told(call: Call) -> None:
    hooks, events = recorded()
    settings = {"auth": ("waits", "in line"), "throttle": Throttle((1, 0.2), uploads=None), "hooks": hooks}
    with script(Answer(body=OK)) as server:
        for _ in range(2):
            call(server.url, "GET", "/x", settings)
    waits = [event for name, event in events if name == "on_wait"]
    assert len(waits) == 1
    assert waits[0].seconds is not None
    assert 0 < waits[0].seconds <= 0.21


@pytest.mark.parametrize("name", ["on_request", "on_response", "on_retry"])
def test_what_a_hook_raises_ends_the_call_and_frees_its_slot(call: Call, name: str) -> None:
    def raises(event: Event) -> None:
        raise LookupError(event.url)

    settings = {"auth": ("a hook", name), "throttle": Throttle(concurrent=1)}
    with script(BUSY, Answer(body=OK)) as server:
        with pytest.raises(LookupError, match="/x"):
            call(server.url, "GET", "/x", {**settings, "hooks": Hooks(**{name: raises})})
        assert call(server.url, "GET", "/x", settings) == OK


def test_the_log_holds_neither_bodies_nor_secrets(call: Call, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "digirm")
    refused = Answer(503, {"error_message": "words of the server"}, (("retry-after", "0"),))
    with script(refused, Answer(body=OK)) as server:
        call(server.url, "POST", "/x?auth_token=one", body={"password": "two"}, options=Options(idempotent=True))
    lines = [record.getMessage() for record in caplog.records if record.name == "digirm"]
    assert [line.partition(" in ")[0] for line in lines] == [
        "POST /x?auth_token=*** answered 503",
        "POST /x?auth_token=***: answered 503; trying again",
        "POST /x?auth_token=*** answered 200",
    ]


def test_secret_parameters_are_masked_in_errors(call: Call) -> None:
    with script(Answer(400)) as server:
        with pytest.raises(BadRequest) as caught:
            call(server.url, "GET", "/x", params={"id": "1", "install_code": "MYPASS", "new_password": "p", "b": "2"})
        assert server.got[0].params["install_code"] == "MYPASS"
    assert caught.value.url == "/x?id=1&install_code=***&new_password=***&b=2"
    assert "MYPASS" not in str(caught.value)


def test_a_path_may_have_parameters_of_its_own(call: Call) -> None:
    with script(Answer(body=OK)) as server:
        call(server.url, "GET", "/x?a=1", params={"b": "2"})
        assert server.got[0].target == "/x?a=1&b=2"


def test_a_post_is_repeated_when_asked_and_a_put_not_when_told(call: Call) -> None:
    with script(BUSY, Answer(body=OK)) as server:
        assert call(server.url, "POST", "/x", body={}, options=Options(idempotent=True)) == OK
        assert len(server.got) == 2
    with script(BUSY, Answer(body=OK)) as server:
        with pytest.raises(ServerError):
            call(server.url, "PUT", "/x", body={}, options=Options(idempotent=False))
        assert len(server.got) == 1


def test_refusals_are_borne_longer_than_faults(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digirm_runtime.flow.FIRST_DELAY", 0.0)
    settings = {"throttle": None}  # which would wait the longer the more is refused
    with script(*[Answer(429)] * 10, Answer(body=OK)) as server:
        assert call(server.url, "POST", "/x", settings, body={}) == OK
    with script(Answer(429)) as server:
        with pytest.raises(Throttled) as caught:
            call(server.url, "GET", "/x", settings)
        assert (caught.value.attempts, len(server.got)) == (11, 11)
    with script(Answer(429)) as server:
        with pytest.raises(Throttled):
            call(server.url, "GET", "/x", settings, options=Options(retries=2))
        assert len(server.got) == 3


def test_headers_of_a_subaccount_from_client_and_call(call: Call) -> None:
    with script(Answer(body=OK)) as server:
        call(server.url, "GET", "/x", {"actor": "one", "account_filter": "two"})
        call(server.url, "GET", "/x", {"actor": "one"}, options=Options(actor="other", headers={"User-Agent": "mine"}))
        call(server.url, "GET", "/x")
    sent = [(got.headers.get("actor"), got.headers.get("account-filter")) for got in server.got]
    assert sent == [("one", "two"), ("other", None), (None, None)]
    assert [got.headers["user-agent"].partition("/")[0] for got in server.got] == ["digirm", "mine", "digirm"]
    with pytest.raises(ValueError, match="no header can"):
        Client(server.url, auth=("a", "b"), actor="a\r\nb: c")


class Signs(httpx.Auth):
    """Asks twice, as digest authentication does."""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        response = yield request
        if response.status_code == 401:
            request.headers["authorization"] = f"Signed {response.headers['www-authenticate']}"
            yield request


def test_an_auth_of_httpx(call: Call) -> None:
    def reply(got: Got) -> Answer:
        if "authorization" not in got.headers:
            return Answer(401, headers=(("www-authenticate", "nonce"),))
        return Answer(body={"sent": got.headers["authorization"], "body": got.body.decode()})

    with Server(reply) as server:
        assert call(server.url, "GET", "/x", {"auth": Signs()})["sent"] == "Signed nonce"
        assert call(server.url, "POST", "/x", {"auth": Signs()}, body={"a": 1})["body"] == '{"a":1}'
        assert call(server.url, "GET", "/x", {"auth": httpx.BasicAuth("u", "p")})["sent"] == "Basic dTpw"


def test_compressed_answers(call: Call) -> None:
    whole = json.dumps(OK).encode()
    twice = gzip.compress(whole[:9]) + gzip.compress(whole[9:])
    bodies = {"gzip": gzip.compress(whole), "GZIP": twice, "deflate": zlib.compress(whole), "identity": whole}
    for encoding, body in bodies.items():
        with script(Answer(body=body, headers=(("content-encoding", encoding),))) as server:
            assert call(server.url, "GET", "/x") == OK
            assert "gzip" in server.got[0].headers["accept-encoding"]
    large = gzip.compress(b" " * 5_000_000 + whole)
    with script(Answer(body=large, headers=(("content-encoding", "gzip"),))) as server:
        assert call(server.url, "GET", "/x") == OK
    damaged = Answer(body=b"no gzip", headers=(("content-encoding", "gzip"),))
    with script(damaged) as server, pytest.raises(TransportError):
        call(server.url, "GET", "/x", options=Options(retries=0))


def test_what_came_before_the_break_is_kept(call: Call) -> None:
    with script(Answer(body=b'{"count": 1, "li', declared=100)) as server, pytest.raises(TransportError) as caught:
        call(server.url, "GET", "/x", options=Options(retries=0))
    assert caught.value.body == b'{"count": 1, "li'


def test_a_transport_of_ones_own(call: Call) -> None:
    def reply(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"path": request.url.path, "agent": request.headers["user-agent"]})

    answer = call("https://h.example", "GET", "/x", {"transport": httpx.MockTransport(reply)})
    assert answer["path"] == "/x"


def test_a_transport_of_the_wrong_kind() -> None:
    with pytest.raises(TypeError, match=r"httpx\.BaseTransport"):
        Client("https://h.example", auth=("a", "b"), transport=httpx.AsyncHTTPTransport(verify=False)).request(
            "GET", "/x"
        )


def test_the_proxy_of_the_environment(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    with script(Answer(body=OK)) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        assert call("http://service.invalid", "GET", "/x") == OK
        assert proxy.got[0].target == "http://service.invalid/x"
        with script(Answer(body={})) as server:
            assert call(server.url, "GET", "/x") == {}


def test_a_proxy_of_a_kind_that_cannot_be_used(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "ftp://user:word@proxy")
    with pytest.raises(RemoteManagerError, match="a proxy for http: that is not") as caught:
        call("http://service.invalid", "GET", "/x")
    assert "word" not in str(caught.value)


def test_open_streams_and_a_call_in_the_same_thread() -> None:
    csv = Operation[Any](Endpoint("GET", "/bulk", "csv"))
    with (
        script(Answer(body=b"a\n1\n", headers=(("content-type", "text/csv"),))) as server,
        Client(server.url, auth=("locks", "itself"), throttle=Throttle(concurrent=2)) as client,
    ):
        one, other = client._stream(csv), client._stream(csv)
        with pytest.raises(WouldWaitForItself):
            client.request("GET", "/x")
        one.close()
        assert client.request("GET", "/x")
        other.close()


def test_open_streams_and_a_call_in_the_same_task() -> None:
    csv = Operation[Any](Endpoint("GET", "/bulk", "csv"))

    async def main(url: str) -> None:
        throttle = Throttle(concurrent=2)
        async with AsyncClient(url, auth=("locks", "its task"), throttle=throttle) as client:
            one, other = await client._stream(csv), await client._stream(csv)
            with pytest.raises(WouldWaitForItself):
                await client.request("GET", "/x")
            # Another task waits for this one instead.
            waiting = asyncio.ensure_future(client.request("GET", "/x"))
            await asyncio.sleep(0)
            await one.aclose()
            assert await waiting
            await other.aclose()

    with script(Answer(body=b"a\n1\n", headers=(("content-type", "text/csv"),))) as server:
        asyncio.run(main(server.url))


def test_a_loop_that_was_just_left_is_waited_for() -> None:
    rows = Operation[Any](Endpoint("GET", "/bulk", "csv"))

    async def main(url: str) -> None:
        async with AsyncClient(url, auth=("leaves", "a loop"), throttle=Throttle(concurrent=1)) as client:
            async for _ in AsyncRows(client, rows):
                break
            assert await client.request("GET", "/x")

    def reply(got: Got) -> Answer:
        if got.path != "/bulk":
            return Answer(body=OK)
        return Answer(body=b"a\n" + b"1\n" * 100_000, headers=(("content-type", "text/csv"),))

    with Server(reply) as server:
        asyncio.run(main(server.url))


def test_the_service_s_own_parse_error_has_a_caret(call: Call) -> None:
    text = "type equals 'EX50'"
    message = f"Invalid input 'q', expected 'n/N' (line 1, pos 7):\n{text}\n      ^"
    refused = Answer(400, {"error_message": message, "error_status": 400})
    with script(refused) as server, pytest.raises(BadRequest) as caught:
        call(server.url, "GET", "/ws/v1/devices/inventory", params={"query": text})
    report = caught.value.report
    assert report is not None
    assert report.diagnostics[0].start is not None
    assert "^" in str(caught.value)
    assert caught.value.error_message == message


def test_nothing_stands_in_for_the_credentials(call: Call) -> None:
    with script(Answer(body=OK)) as server:
        call(server.url, "GET", "/x", options=Options(headers={"Authorization": "Bearer other"}))
        assert server.got[0].headers["authorization"].startswith("Basic ")


def test_an_upload_takes_a_slot_of_both_buckets() -> None:
    throttle = Throttle((100, 60), uploads=(1, 60))
    upload = Operation[Any](Endpoint("POST", "/history", "call", uploads=True), body={})
    waits: list[Event] = []
    with (
        script(Answer(body=OK)) as server,
        Client(server.url, auth=("up", "loads"), throttle=throttle, hooks=Hooks(on_wait=waits.append)) as client,
    ):
        client._run(upload)
        client.request("GET", "/x")
        assert not waits
        slow = Operation[Any](upload.endpoint, body={}, options=Options(deadline=0.05))
        with pytest.raises(TransportError, match="throttle"):
            client._run(slow)
        assert len(server.got) == 2


def test_a_host_of_ones_own_is_the_only_one(call: Call) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        heads = []

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                heads.append(connection.recv(65536).lower())
                connection.sendall(b"HTTP/1.1 204 None\r\nconnection: close\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        call(url, "GET", "/x", options=Options(headers={"Host": "behind.a.proxy"}))
        thread.join()
    assert heads[0].count(b"\r\nhost:") == 1
    assert b"\r\nhost: behind.a.proxy\r\n" in heads[0]


def test_one_tls_context_for_the_process() -> None:
    from digirm_runtime import transport

    first = transport._tls_context()
    assert transport._tls_context() is first


@pytest.mark.parametrize("error", [httpx.PoolTimeout, httpx.ConnectTimeout, httpx.ConnectError])
def test_a_post_that_provably_did_not_leave_is_repeated(call: Call, error: type[httpx.TransportError]) -> None:
    tries = []

    def reply(request: httpx.Request) -> httpx.Response:
        tries.append(request.method)
        if len(tries) == 1:
            raise error("no", request=request)
        return httpx.Response(200, json=OK)

    assert call("http://h.example", "POST", "/x", {"transport": httpx.MockTransport(reply)}, body={}) == OK
    assert tries == ["POST", "POST"]


def test_a_transport_of_ones_own_serves_other_clients_on() -> None:
    with script(Answer(body=OK)) as server, httpx.HTTPTransport() as mine:
        one = Client(server.url, auth=("a", "b"), transport=mine)
        one.request("GET", "/x")
        other = Client(server.url, auth=("a", "b"), transport=mine)
        stream = other._stream(Operation[Any](Endpoint("GET", "/bulk", "csv")))
        del one
        gc.collect()
        assert stream.read() == json.dumps(OK).encode()
        stream.close()


def test_each_auth_object_is_an_account_of_its_own() -> None:
    throttle = Throttle((100, 60))
    buckets = set()
    for number in range(50):
        client = Client("http://127.0.0.1:1", auth=httpx.BasicAuth("u", str(number)), throttle=throttle)
        assert client._membership is not None
        buckets.add(client._membership.governors[0])
    assert len(buckets) == 50
    shared = httpx.BasicAuth("u", "p")
    one, other = (Client("http://127.0.0.1:1", auth=shared, throttle=throttle)._membership for _ in range(2))
    assert one is not None
    assert other is not None
    assert one.governors == other.governors


def test_errors_name_their_call(call: Call) -> None:
    with pytest.raises(TransportError) as caught:
        call("http://127.0.0.1:1", "GET", "/x", options=Options(retries=1))
    assert str(caught.value).startswith("GET /x after 2 attempts: cannot connect to http://127.0.0.1:1: ")
    with script(Answer(body=b'{"id": "\xff"}')) as server, pytest.raises(TransportError, match="is not UTF-8"):
        call(server.url, "GET", "/x", options=Options(retries=0))
