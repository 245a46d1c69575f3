"""A real service is only read, until writes are allowed; then each is shown before it is sent."""

from typing import Any

import pytest

from digirm_explorer.problems import Problem
from digirm_runtime.errors import CredentialsError
from tests.explorer.upstream import SECRET, Upstream
from tests.support.server import Answer, Server, script

BODY = '{"id": "00000000-00000000-00000000-00000001", "install_code": "as typed"}'


def refused(upstream: Upstream, method: str = "POST", **more: Any) -> Problem:
    with pytest.raises(Problem) as caught:
        upstream.send(method, **more)
    return caught.value


@pytest.fixture
def server() -> Any:
    with script(Answer(201, {"list": []})) as running:
        yield running


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "post", "OPTIONS"])
def test_at_first_nothing_is_written(server: Server, method: str) -> None:
    with Upstream(server.url) as upstream:
        problem = refused(upstream, method)
        assert (problem.kind, problem.status) == ("locked", 403)
        assert upstream.service.writes == "locked"
        assert refused(upstream, method, confirm="anything").kind == "locked"
    assert server.got == []


def test_a_write_is_shown_and_sent_when_it_is_confirmed(server: Server) -> None:
    with Upstream(server.url) as upstream:
        upstream.service.allowed = True
        problem = refused(upstream, body=BODY, headers=[{"name": "X-Mark", "value": "one"}])
        assert (problem.kind, problem.status) == ("confirm", 409)
        assert server.got == []
        assert problem.preview is not None
        lines = problem.preview.splitlines()
        assert lines[0] == f"POST {server.url}/ws/v1/devices/inventory"
        assert {"authorization: (your credentials)", "x-mark: one", "content-type: application/json"} <= set(lines)
        assert lines[-1] == BODY
        assert SECRET not in problem.preview
        answer = upstream.send("POST", body=BODY, headers=[{"name": "X-Mark", "value": "one"}], confirm=problem.digest)
        assert answer["status"] == 201
        [got] = server.got
        assert got.body.decode() == BODY
        shown = {line.partition(": ")[0] for line in lines[1 : lines.index("")]}
        assert set(got.headers) - {"connection"} == shown


@pytest.mark.parametrize(
    "other",
    [
        {"body": BODY + " "},
        {"body": BODY, "path": "/ws/v1/groups/inventory"},
        {"body": BODY, "params": [{"name": "a", "value": "b"}]},
        {"body": BODY, "headers": [{"name": "X-Mark", "value": "one"}]},
        {"body": BODY, "content_type": "text/plain"},
        {"body": BODY, "method": "PUT"},
    ],
)
def test_what_was_confirmed_is_that_request_and_no_other(server: Server, other: dict[str, Any]) -> None:
    with Upstream(server.url) as upstream:
        upstream.service.allowed = True
        digest = refused(upstream, body=BODY).digest
        problem = refused(upstream, **{"method": "POST", **other}, confirm=digest)
        assert problem.kind == "confirm"
        assert problem.digest != digest
        assert "another one" in problem.message
    assert server.got == []


def test_another_account_confirms_anew(server: Server) -> None:
    with Upstream(server.url) as upstream:
        upstream.service.allowed = True
        digest = refused(upstream, body=BODY).digest
        upstream.service.sign_in("password", "another", SECRET)
        assert refused(upstream, body=BODY, confirm=digest).kind == "confirm"
        assert server.got == []


def test_reading_asks_nothing(server: Server) -> None:
    with Upstream(server.url) as upstream:
        assert upstream.send("GET")["status"] == 201
        assert upstream.send("HEAD")["kind"] == "empty"


def test_without_credentials_nothing_is_sent_until_they_are_typed(server: Server) -> None:
    with Upstream(server.url, signed_in=False) as upstream:
        with pytest.raises(CredentialsError):
            upstream.send()
        assert upstream.service.credentials() is None
        assert upstream.service.session()["credentials"] is None
        upstream.service.sign_in("api_key", "key-id", SECRET)
        assert upstream.send()["status"] == 201
        assert server.got[0].headers["x-api-key-secret"] == SECRET
        session = upstream.service.session()
        assert session["credentials"] | {"source": ""} == {"kind": "api_key", "name": "key-id", "source": ""}
        assert SECRET not in repr(session)
        upstream.service.sign_out()
        with pytest.raises(CredentialsError):
            upstream.send()


def test_credentials_of_the_environment_are_used(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGIRM_USERNAME", "somebody")
    monkeypatch.setenv("DIGIRM_PASSWORD", SECRET)
    with Upstream(server.url, signed_in=False) as upstream:
        assert upstream.send()["status"] == 201
        assert upstream.service.session()["credentials"] == {
            "kind": "password",
            "name": "somebody",
            "source": "environment (DIGIRM_USERNAME)",
        }


@pytest.mark.parametrize(
    ("kind", "name"), [("api_key", "a\nb"), ("password", "a:b"), ("password", ""), ("api_key", "")]
)
def test_credentials_that_are_none_are_refused_and_the_others_stay(server: Server, kind: str, name: str) -> None:
    with Upstream(server.url) as upstream:
        with pytest.raises(Problem) as caught:
            upstream.service.sign_in(kind, name, SECRET)
        assert caught.value.kind == "invalid"
        assert SECRET not in caught.value.message
        assert upstream.send()["status"] == 201


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        {"request": 5},
        {"request": {}},
        {"request": {"method": "GET", "path": ""}},
        {"request": {"method": "GET", "path": "http://evil.example/"}},
        {"request": {"method": "GET", "path": "/ws/v1/../x"}},
        {"request": {"method": "GET", "path": "/x"}, "follows": "x"},
        {"request": {"method": "G T", "path": "/x"}},
        {"request": {"method": "GET", "path": "/x", "headers": [{"name": "Authorization", "value": "x"}]}},
        {"request": {"method": "GET", "path": "/x", "headers": [{"name": "a", "value": "b\nc: d"}]}},
        {"request": {"method": "GET", "path": "/x", "params": [{"name": "a", "value": "x" * 70_000, "on": True}]}},
    ],
)
def test_what_cannot_be_sent_is_refused_before_anything_is(server: Server, data: Any) -> None:
    with Upstream(server.url) as upstream:
        with pytest.raises((ValueError, Problem)):
            upstream.run(lambda: upstream.sending.send(data))
        assert upstream.history.search() == []
    assert server.got == []
