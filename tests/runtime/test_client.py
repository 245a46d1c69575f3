"""The client against a server that breaks: the same body for both faces, by a small adapter."""

import asyncio
import pickle
import socket
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from digirm_runtime.client import AsyncClient, Client
from digirm_runtime.errors import (
    APIError,
    AuthError,
    BadRequest,
    CredentialsError,
    Forbidden,
    NotFound,
    RemoteManagerError,
    ServerError,
    Throttled,
    TransportError,
)
from digirm_runtime.hooks import Event, Hooks
from digirm_runtime.options import ApiKey, Options, Throttle
from tests.support.server import Answer, Got, Server, cut_json, dropped, script, truncated

OK = {"count": 1, "list": [{"id": "a"}]}
Request = Callable[..., Any]


@pytest.mark.parametrize(
    "fault",
    [
        Answer(429),
        Answer(500, b"<html>", (("content-type", "text/html"),)),
        Answer(502),
        Answer(503),
        Answer(504),
        dropped(),
        truncated(OK),
        cut_json(OK),
        Answer(body=b""),
        Answer(429, headers=(("retry-after", "0"),)),
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_transient_faults_are_retried(request_with: Request, fault: Answer, method: str) -> None:
    if method == "PUT" and fault == Answer(body=b""):
        with script(fault) as server:
            assert request_with(server.url, method, "/ws/v1/x") is None
        return
    with script(fault, fault, fault, Answer(body=OK)) as server:
        assert request_with(server.url, method, "/ws/v1/x") == OK
        assert len(server.got) == 4


@pytest.mark.parametrize(
    ("fault", "error"), [(Answer(503), ServerError), (dropped(), TransportError), (cut_json(OK), TransportError)]
)
def test_three_retries_and_then_the_error(request_with: Request, fault: Answer, error: type[Exception]) -> None:
    with script(fault) as server:
        with pytest.raises(error) as caught:
            request_with(server.url, "GET", "/ws/v1/x")
        assert len(server.got) == 4
    assert getattr(caught.value, "attempts", None) == 4


def test_what_broke_off_is_kept(request_with: Request) -> None:
    with script(cut_json(OK)) as server, pytest.raises(TransportError) as caught:
        request_with(server.url, "GET", "/ws/v1/x")
    assert caught.value.body.startswith(b'{"count": 1')


@pytest.mark.parametrize("fault", [Answer(500), Answer(503), dropped()])
def test_a_post_is_not_sent_twice(request_with: Request, fault: Answer) -> None:
    with script(fault, Answer(201, OK)) as server:
        with pytest.raises(RemoteManagerError):
            request_with(server.url, "POST", "/ws/v1/x", body={})
        assert len(server.got) == 1


def test_a_post_that_was_throttled_is_repeated(request_with: Request) -> None:
    with script(Answer(429), Answer(201, OK)) as server:
        assert request_with(server.url, "POST", "/ws/v1/x", body={"name": "é"}) == OK
        assert [got.body for got in server.got] == ['{"name":"é"}'.encode()] * 2


def test_options_limit_the_retries(request_with: Request) -> None:
    with script(Answer(503, headers=(("retry-after", "50"),))) as server:
        with pytest.raises(ServerError):
            request_with(server.url, "GET", "/ws/v1/x", options=Options(retries=0))
        # The server's own wait would end behind the deadline, so that there is nothing to wait for.
        with pytest.raises(ServerError):
            request_with(server.url, "GET", "/ws/v1/x", options=Options(deadline=40))
        assert len(server.got) == 2


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, BadRequest), (401, AuthError), (403, Forbidden), (404, NotFound), (409, APIError), (302, APIError)],
)
def test_errors_have_a_type_and_the_server_s_words(request_with: Request, status: int, error: type[APIError]) -> None:
    body = {"error_message": "no such thing", "error_status": status, "error_context": {"id": 1}}
    with script(Answer(status, body, (("location", "http://127.0.0.1:1/"),))) as server:
        with pytest.raises(error) as caught:
            request_with(server.url, "GET", "/ws/v1/x", params={"query": "a = 'b'"})
        assert len(server.got) == 1
    again = pickle.loads(pickle.dumps(caught.value))
    for fault in (caught.value, again):
        assert type(fault) is error
        assert (fault.status, fault.error_message, fault.error_context) == (status, "no such thing", {"id": 1})
        assert str(fault) == f"GET /ws/v1/x?query=a+%3D+%27b%27 answered {status}: no such thing"


@pytest.mark.parametrize(
    "body", [b"", b"<html><body>Gateway</body></html>", b"\xff\xfe", b"[]", b'{"error_message": 5}', b"null"]
)
def test_error_bodies_of_any_kind(request_with: Request, body: bytes) -> None:
    with script(Answer(404, body)) as server, pytest.raises(NotFound) as caught:
        request_with(server.url, "GET", "/ws/v1/x")
    assert caught.value.body == body


def test_throttled_tells_how_long(request_with: Request) -> None:
    with script(Answer(429, headers=(("retry-after", "0"),))) as server, pytest.raises(Throttled) as caught:
        request_with(server.url, "GET", "/ws/v1/x", options=Options(retries=1))
    assert caught.value.retry_after == 0.0


def test_bodies_by_content_type(request_with: Request) -> None:
    answers = [
        (Answer(204), None),
        (Answer(body="größe".encode(), headers=(("content-type", "text/csv; charset=utf-8"),)), "größe"),
        (Answer(body=b"\x00\xff", headers=(("content-type", "application/octet-stream"),)), b"\x00\xff"),
        (Answer(body=b'{"n": 123456789012345678901234567890}'), {"n": 123456789012345678901234567890}),
    ]
    for answer, expected in answers:
        with script(answer) as server:
            assert request_with(server.url, "GET", "/ws/v1/x") == expected


def test_credentials_are_sent_and_never_shown(request_with: Request) -> None:
    with script(Answer(body=OK)) as server:
        request_with(server.url, "GET", "/x")
        request_with(server.url, "GET", "/x", {"auth": ApiKey("key-id", "secret-word")})
    assert server.got[0].headers["authorization"].startswith("Basic ")
    assert server.got[1].headers["x-api-key-secret"] == "secret-word"
    client = Client("http://127.0.0.1:1", auth=("user", "secret-word"))
    shown = repr(client) + repr(ApiKey("a", "secret-word")) + repr(client._credentials)
    assert "secret" not in shown


def test_times_and_lists_as_parameters(request_with: Request) -> None:
    with script(Answer(body=OK)) as server:
        when = datetime(2021, 2, 18, 14, 21, 16, 883000, tzinfo=UTC)
        params = {"start_time": when, "fields": ["a", "b"], "all": True, "none": None, "size": 5}
        request_with(server.url, "GET", "/x", params=params)
        assert server.got[0].params == {
            "start_time": "2021-02-18T14:21:16.883Z",
            "fields": "a,b",
            "all": "true",
            "size": "5",
        }
        with pytest.raises(ValueError, match="time zone"):
            request_with(server.url, "GET", "/x", params={"start_time": datetime(2021, 1, 1)})
        assert len(server.got) == 1


@pytest.mark.parametrize("path", ["ws/v1", "//other.host/x", "http://other.host/x", "/a b", "/a\r\nx: y", "/a#1"])
def test_only_paths_of_this_service(request_with: Request, path: str) -> None:
    with script(Answer(body=OK)) as server:
        with pytest.raises(ValueError, match="path"):
            request_with(server.url, "GET", path, params={"query": "id = 'x'"})
        assert not server.got


def test_read_only(request_with: Request) -> None:
    with script(Answer(body=OK)) as server:
        with pytest.raises(RemoteManagerError, match="read-only"):
            request_with(server.url, "DELETE", "/x", {"read_only": True})
        assert request_with(server.url, "GET", "/x", {"read_only": True}) == OK
        assert [got.method for got in server.got] == ["GET"]


def test_unreachable_host(request_with: Request) -> None:
    with pytest.raises(TransportError, match="cannot connect") as caught:
        request_with("http://127.0.0.1:1", "POST", "/x", body={}, options=Options(retries=1))
    assert (caught.value.sent, caught.value.attempts) == (False, 2)


def test_never_more_at_once_than_the_throttle_allows() -> None:
    def slow(_: Got) -> Answer:
        return Answer(body=OK)

    async def main(url: str) -> None:
        async with AsyncClient(url, auth=("a", "b"), throttle=Throttle((1000, 60), concurrent=2)) as client:
            await asyncio.gather(*(client.request("GET", "/x") for _ in range(40)))

    with Server(slow) as server:
        asyncio.run(main(server.url))
        assert len(server.got) == 40
        assert server.most_at_once <= 2


@pytest.mark.parametrize("headers", [{"X Y": "1"}, {"": "1"}, {"x": "a\nb: c"}, {"x": "é"}, {"x:": "1"}])
def test_headers_that_are_none(request_with: Request, headers: dict[str, str]) -> None:
    with script(Answer(body=OK)) as server:
        with pytest.raises(ValueError, match="header"):
            request_with(server.url, "GET", "/x", options=Options(headers=headers))
        assert not server.got


@pytest.mark.parametrize(
    "url",
    [
        "http://",
        "http://u:p@host",
        "http://host:abc",
        "https://host/?x=1",
        "ftp://x",
        "host:80",
        "host",
        "",
        " ",
        "http://h/\udcff",
    ],
)
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises((ValueError, CredentialsError, RemoteManagerError)) as caught:
        Client(url, auth=("a", "b"))
    assert "p@" not in str(caught.value)


def test_one_async_client_serves_two_loops() -> None:
    with script(Answer(body=OK)) as server:
        client = AsyncClient(server.url, auth=("a", "b"))

        async def once() -> Any:
            answer = await client.request("GET", "/x")
            await client.aclose()
            return answer

        assert asyncio.run(once()) == OK
        assert asyncio.run(once()) == OK


def test_a_client_can_be_used_after_close() -> None:
    with script(Answer(body=OK)) as server:
        client = Client(server.url, auth=("a", "b"))
        for _ in range(2):
            assert client.request("GET", "/x") == OK
            client.close()


@pytest.mark.parametrize("charset", ["rot13", "undefined", "idna", "nonsense", "utf-16", "hex"])
def test_any_character_set_that_a_server_names(request_with: Request, charset: str) -> None:
    with script(Answer(body=b"caf\xc3\xa9", headers=(("content-type", f"text/plain; charset={charset}"),))) as server:
        assert isinstance(request_with(server.url, "GET", "/x"), str)


def test_a_deadline_bounds_a_slow_answer(request_with: Request) -> None:
    given_up = threading.Event()

    def never(_: Got) -> Answer:
        given_up.wait(30)
        return Answer(body=OK)

    with Server(never) as server:
        with pytest.raises(TransportError):
            request_with(server.url, "GET", "/x", options=Options(deadline=0.05))
        given_up.set()
        assert len(server.got) == 1


def test_a_deadline_bounds_the_wait_for_a_slot(request_with: Request) -> None:
    throttle = Throttle((1, 3600), concurrent=1)
    settings = {"auth": ("waits", "for a slot"), "throttle": throttle}
    with script(Answer(body=OK)) as server:
        holder = Client(server.url, **settings)  # type: ignore[arg-type]
        holder.request("GET", "/x")
        with pytest.raises(TransportError, match="throttle") as caught:
            request_with(server.url, "GET", "/x", settings, options=Options(deadline=0.05))
        assert caught.value.sent is False
        assert len(server.got) == 1


def test_a_long_retry_after_is_told_and_not_waited_for(request_with: Request) -> None:
    with script(Answer(503, headers=(("retry-after", "99999999"),))) as server:
        with pytest.raises(ServerError) as caught:
            request_with(server.url, "GET", "/x")
        assert len(server.got) == 1
    assert caught.value.retry_after == 3600.0


def test_a_host_name_that_cannot_be(request_with: Request) -> None:
    with pytest.raises(TransportError):
        request_with("http://xn--", "GET", "/x", options=Options(retries=0))


def test_a_throttled_answer_holds_back_every_client_of_the_account() -> None:
    settings: dict[str, Any] = {"auth": ("holds", "back"), "throttle": Throttle((100, 60))}
    with script(Answer(429, headers=(("retry-after", "30"),))) as server:
        one, other = Client(server.url, **settings), Client(server.url, **settings)
        with pytest.raises(Throttled):
            one.request("GET", "/x", options=Options(retries=0))
        waits: list[Event] = []
        told = Client(server.url, **settings, hooks=Hooks(on_wait=waits.append))
        with pytest.raises(TransportError, match="throttle"):
            told.request("GET", "/y", options=Options(deadline=0.05))
        assert waits[0].seconds is not None
        assert 25 < waits[0].seconds <= 30
        with pytest.raises(TransportError, match="throttle"):
            other.request("GET", "/y", options=Options(deadline=0.05))
        assert len(server.got) == 1


def test_nobody_waits_an_hour_without_a_deadline(request_with: Request) -> None:
    settings = {"auth": ("waits", "an hour"), "throttle": Throttle((100, 60))}
    with script(Answer(429, headers=(("retry-after", "3600"),))) as server:
        for attempts in (1, 0):
            with pytest.raises(Throttled) as caught:
                request_with(server.url, "GET", "/x", settings)
            assert caught.value.attempts == attempts
            assert caught.value.retry_after is not None
            assert 3500 < caught.value.retry_after <= 3600
        assert len(server.got) == 1


@pytest.mark.parametrize("method", ["", "GÉT", "G T", "GET\r\n"])
def test_methods_that_are_none(request_with: Request, method: str) -> None:
    with pytest.raises(ValueError, match="no such method"):
        request_with("http://127.0.0.1:1", method, "/x")


def test_a_deadline_bounds_an_answer_that_trickles(request_with: Request) -> None:
    given_up = threading.Event()

    def trickle(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n")
            # Each byte comes well within the time-out of one read.
            while not given_up.wait(0.01):
                try:
                    connection.sendall(b" ")
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=trickle, args=(server,), daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(TransportError):
            request_with(url, "GET", "/x", options=Options(deadline=0.2, retries=0))
        assert not given_up.is_set()
        given_up.set()
        thread.join()


def test_threads_that_share_a_new_client_share_its_transport() -> None:
    count = 8
    with script(Answer(body=OK)) as server, Client(server.url, auth=("a", "b"), throttle=None) as client:
        ready = threading.Barrier(count)
        seen: list[object] = []

        def first_call() -> None:
            ready.wait()
            seen.append(client._transport)
            client.request("GET", "/x")

        threads = [threading.Thread(target=first_call) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(server.got) == count
        assert len(set(map(id, seen))) == 1


def test_parameters_are_numbers_and_times_as_in_queries(request_with: Request) -> None:
    with script(Answer(body=OK)) as server:
        request_with(server.url, "GET", "/x", params={"small": 1e-7, "whole": 5})
        assert server.got[0].params == {"small": "0.0000001", "whole": "5"}
        with pytest.raises(ValueError, match="no number"):
            request_with(server.url, "GET", "/x", params={"small": float("nan")})


def test_settings_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="validate must be"):
        Options(validate="of")  # type: ignore[arg-type]
    assert "deadline=3" in repr(Options(deadline=3))
