"""What is refused before it is sent, and what errors do not show."""

from typing import Any

import pytest

from digirm_runtime.client import Client
from digirm_runtime.errors import APIError, BadRequest, RemoteManagerError
from digirm_runtime.models import plain
from digirm_runtime.options import ApiKey, Options
from tests.support.server import Answer, Got, Server, script

AUTH = ("user", "secret-word")


@pytest.mark.parametrize("url", ["http://ho\nst", "http://host\n", "http://ho st", f"http://{'a.' * 130}b"])
def test_addresses_that_no_request_can_have(url: str) -> None:
    with pytest.raises(ValueError, match="not the URL of a service"):
        Client(url, auth=AUTH)


@pytest.mark.parametrize("path", ["/x?password=hunter2", "/x?password=hun ter2", "/x?password=hun#ter2"])
def test_a_refused_path_shows_no_secret(path: str) -> None:
    client = Client("http://127.0.0.1:1", auth=AUTH, read_only=True)
    with pytest.raises((RemoteManagerError, ValueError), match="/x") as caught:
        client.request("POST", path)
    assert "ter2" not in str(caught.value)


@pytest.mark.parametrize("auth", [AUTH, ("user", "secret-word:Basic"), ApiKey("key-id", "secret-word")])
@pytest.mark.parametrize("status", [400, 409, 502])
def test_a_server_that_quotes_the_request_shows_no_secret(auth: Any, status: int) -> None:
    sent: list[str] = []

    def quote(got: Got) -> Answer:
        sent.extend(
            got.headers[name].split()[-1] for name in ("authorization", "x-api-key-secret") if name in got.headers
        )
        said = f"{[*got.headers.items()]} for user:{auth[1] if isinstance(auth, tuple) else 'secret-word'}"
        return Answer(status, {"error_message": said} if status == 409 else said.encode())

    with (
        Server(quote) as server,
        Client(server.url, auth=auth, throttle=None) as client,
        pytest.raises(APIError, match=r"for user:\*{3}$") as caught,
    ):
        client.request("GET", "/x", params={"query": "x"}, options=Options(retries=0))
    shown = f"{caught.value} {caught.value.error_message}"
    assert "host" in shown
    assert "secret-word" not in shown
    assert sent[0] not in shown
    assert sent[0].encode() in caught.value.body


def test_a_password_that_is_a_word_leaves_the_rest_alone() -> None:
    with script(Answer(400, {"error_message": "no things"})) as server:
        for password, said in (("things", "no ***"), ("no", "no things")):
            with Client(server.url, auth=("user", password)) as client, pytest.raises(BadRequest) as caught:
                client.request("GET", "/things")
            assert str(caught.value) == f"GET /things answered 400: {said}"


def test_a_url_that_nobody_takes_is_refused_before_it_is_sent() -> None:
    with script(Answer(body={})) as server, Client(server.url, auth=AUTH) as client:
        path = f"/{'x' * (65_536 - len(server.url) - len('/?query=y'))}"
        with pytest.raises(ValueError, match=r"would have 65537 characters.* fewer values"):
            client.request("GET", path, params={"query": "yy"})
        with pytest.raises(ValueError, match="would have"):
            client.request("GET", f"/x?password={'hunter2' * 10_000}")
        assert server.got == []


def test_a_body_that_is_too_deep_is_refused() -> None:
    deep: Any = {}
    for _ in range(100_000):
        deep = {"a": deep}
    loop: list[Any] = []
    loop.append(loop)
    client = Client("http://127.0.0.1:1", auth=AUTH)
    for body in (deep, loop):
        with pytest.raises(TypeError, match="cannot be sent as JSON"):
            client.request("POST", "/x", body=body)
    # Where payload objects could be in it, it is looked through.
    import digirm_runtime.structs

    assert issubclass(digirm_runtime.structs.Object, object)
    for body in (deep, loop):
        with pytest.raises(ValueError, match="in each other"):
            plain(body)
        with pytest.raises(TypeError, match="cannot be sent as JSON"):
            client.request("POST", "/x", body=body)
