"""Credentials and secrets are in requests, and nowhere else: not in logs, errors, reprs, hooks or warnings.

The searches of `tests.support.leaks` run in every test of this folder: over each error (its chain, its traceback with
the local variables of every frame, its pickle), each event and each log record. Here are what no fault brings about.
"""

import json
import logging
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest

from digirm import ApiKey, AsyncClient, Client, CredentialsError, Options, RemoteManagerError, Throttle
from digirm_runtime.face import Operation
from digirm_runtime.hooks import Event, Hooks
from digirm_runtime.operation import Endpoint
from digirm_runtime.wire import Request, Response
from tests.support.breakage import FAULTS
from tests.support.collection import Broken
from tests.support.faces import FACES, run, same
from tests.support.leaks import AUTH, HIDDEN, KEY_ID, PASSWORD, SECRET, USER, check_error, leaks, showings
from tests.support.server import Got
from tests.support.wire import WireServer, document, http

OK = b'{"list": [], "count": 0}'
KEY = ApiKey(KEY_ID, SECRET)


def test_the_search_finds_what_it_looks_for() -> None:
    token = b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    for text in (PASSWORD, SECRET, HIDDEN, token, "password=can%2Bary%2Fp4ss+word", f"{{'x': {SECRET!r}}}"):
        assert leaks(f"before {text} behind")
    assert leaks(repr(RemoteManagerError(SECRET)))
    hidden = RemoteManagerError("fine")
    hidden.__cause__ = ValueError(PASSWORD)
    with pytest.raises(AssertionError):
        check_error(hidden)


@pytest.mark.parametrize("auth", [AUTH, KEY])
def test_requests_carry_the_credentials_and_nothing_else_shows_them(auth: Any, logged: list[str]) -> None:
    logging.getLogger("digirm").debug("the search of logs runs")

    async def body(rm: Any) -> Any:
        assert not leaks(f"{rm!r} {rm.credentials_source} {rm.url}")
        await rm.request("GET", "/ws/v1/x", options=Options(headers={"x-session": HIDDEN}))
        return (await rm.devices.inventory.create({"id": "a", "password": HIDDEN})).items

    found = same(body, lambda: Broken(lambda _: OK, FAULTS["503 empty"], FAULTS["429"]), auth=auth)
    for got in found.got:
        assert leaks(repr(got.headers))
        assert not leaks(got.target)
    assert [got.headers.get("x-session") for got in found.got] == [HIDDEN] * 3 + [None]
    assert logged[0].startswith("digirm:")
    assert len([line for line in logged if line.startswith("digirm:")]) > 4


@pytest.mark.parametrize("name", ["password", "newPassword", "secret", "client_secret", "install_code", "auth_token"])
@pytest.mark.parametrize(
    "fault", ["500", "429", "504 HTML", "dropped before headers", "JSON that ends early", "refused"]
)
def test_secret_parameters_are_sent_and_masked(name: str, fault: str) -> None:
    async def body(rm: Any) -> Any:
        params = {"before": "1", name: HIDDEN, "behind": "2"}
        return await rm.request("GET", "/ws/v1/x", params=params, options=Options(retries=1))

    steps = [FAULTS[fault]] if fault == "refused" else [FAULTS[fault]] * 2
    found = same(body, lambda: Broken(lambda _: OK, *steps))
    assert [got.params[name] for got in found.got] == [HIDDEN] * len(found.got)
    assert {event[2] for event in found.events} == {f"/ws/v1/x?before=1&{name}=***&behind=2"}
    if fault != "refused":
        assert found.failure.url == f"/ws/v1/x?before=1&{name}=***&behind=2"


def test_secrets_of_bodies_and_answers_are_not_shown() -> None:
    thing = {"id": "a", "password": HIDDEN, "install_code": HIDDEN, "nested": [{"auth_token": HIDDEN}]}

    async def refused(rm: Any) -> Any:
        return await rm.devices.inventory.create(thing)

    def make() -> Any:
        answer = {"error_message": "no", "error_status": 400, "error_context": thing}
        return lambda _: document(answer, 400)

    assert same(refused, make).failure.error_context == thing

    async def mixed(rm: Any) -> Any:
        created = await rm.devices.inventory.create([thing, thing])
        assert not leaks(repr(created))
        created.raise_for_failures()

    answer = {"list": [thing, {"error_message": "no", "error_status": 400, "error_context": thing}]}
    assert same(mixed, lambda: lambda _: document(answer, 207)).failure.error_context == thing

    async def fetched(rm: Any) -> Any:
        reply = await rm.fetch("GET", "/ws/v1/x")
        assert not leaks(f"{reply!r} {reply}")
        return reply.data

    assert same(fetched, lambda: lambda _: document(thing)).result == thing


def test_an_answer_that_repeats_the_request_s_headers_is_kept_and_not_shown() -> None:
    """As the error pages of some proxies do."""

    def echo(got: Got) -> Any:
        return http(502, json.dumps(got.headers).encode())

    async def body(rm: Any) -> Any:
        return await rm.request("GET", "/ws/v1/x", options=Options(retries=0))

    for auth in (AUTH, KEY):
        for face in FACES:
            with WireServer(echo) as server, pytest.raises(RemoteManagerError) as caught:
                run(face, body, server.url, auth=auth)
            shown = "".join([str(caught.value), repr(caught.value), repr(caught.value.args)])
            assert not leaks(shown)


@pytest.mark.parametrize("client", [Client, AsyncClient])
def test_reprs_of_all_public_objects(client: Callable[..., Any]) -> None:
    for auth in (AUTH, KEY):
        rm = client("http://127.0.0.1:1", auth=auth, actor="someone", hooks=Hooks(), throttle=Throttle((1, 1)))
        operation: Operation[Any] = Operation(
            Endpoint("POST", "/ws/v1/x", "create"), body={"password": HIDDEN}, options=Options(headers={"x": HIDDEN})
        )
        headers = {"authorization": PASSWORD, "x-api-key-secret": SECRET, "set-cookie": HIDDEN}
        shown = [
            rm,
            rm._credentials,
            rm.credentials_source,
            rm.devices,
            rm.devices.inventory,
            rm.devices.inventory.get,
            rm.devices.inventory.list(query="name contains 'x'"),
            rm.devices.inventory.list(options=Options(headers={"x": HIDDEN})).pages(),
            rm.devices.bulk.csv(),
            rm._package,
            rm._transport,
            rm._membership,
            operation,
            operation.endpoint,
            auth if isinstance(auth, ApiKey) else None,
            Options(headers={"authorization": HIDDEN, "x-secret": SECRET}),
            Request("GET", f"/ws/v1/x?password={HIDDEN}&size=1"),
            Request("POST", "/ws/v1/x", headers, b'{"password": "' + HIDDEN.encode()),
            Response(200, headers, HIDDEN.encode()),
            Event("GET", "/ws/v1/x", 1),
            Hooks(),
        ]
        for one in shown:
            assert not leaks(f"{one!r} {one}")


def test_faulty_credentials_are_refused_without_being_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    attempts: list[Callable[[], Any]] = [
        lambda: ApiKey(KEY_ID, SECRET + "\n"),
        lambda: ApiKey(SECRET + "\r\n", SECRET),
        lambda: ApiKey(KEY_ID, SECRET + "é"),
        lambda: Client("http://h", auth=(USER, PASSWORD + "\ud800")),
        lambda: Client("http://h", auth=(USER, PASSWORD, "x")),  # type: ignore[arg-type]
        lambda: Client("http://h", auth={"user": PASSWORD}),  # type: ignore[arg-type]
        lambda: Client("http://h", auth=f"{USER}:{PASSWORD}"),  # type: ignore[arg-type]
        lambda: Client(f"http://{USER}:{HIDDEN}@host/"),
        lambda: Client(f"http://{USER}:{HIDDEN}@[host/"),
        lambda: Client(f"http://{USER}:{HIDDEN}@host:port/"),
        lambda: Client(f"sim://{USER}:{HIDDEN}@host"),
        lambda: Client(f"htps://{USER}:{HIDDEN}@host"),
        lambda: Client(f"{USER}:{HIDDEN}@host"),
        lambda: Client("http://h", auth=AUTH).request("GET", "/x", options=Options(headers={"x": HIDDEN + "\n"})),
        lambda: Client("http://h", auth=AUTH).request("GET", "/x", options=Options(headers={"é": HIDDEN})),
        lambda: Client("http://h", auth=AUTH).request("GET", "/x", params={"password": {HIDDEN: 1}}),
        lambda: Client("http://h", auth=AUTH).request("GET", "/x", params={"password": [HIDDEN + ",", "x"]}),
        lambda: Client("http://h", auth=AUTH).request("POST", "/x", body={"password": HIDDEN, "x": object()}),
        lambda: Client("http://h", auth=AUTH, actor="x\n" + HIDDEN),
    ]
    for attempt in attempts:
        with pytest.raises((RemoteManagerError, ValueError, TypeError)) as caught:
            attempt()
        for text in showings(caught.value):
            assert not leaks(text), text

    monkeypatch.setenv("DIGIRM_API_KEY_ID", KEY_ID)
    with pytest.raises(CredentialsError) as half:
        Client("http://h")
    check_error(half.value)
    monkeypatch.setenv("DIGIRM_API_KEY_SECRET", SECRET + "\n")
    with pytest.raises(CredentialsError) as broken:
        Client("http://h")
    check_error(broken.value)
    monkeypatch.setenv("DIGIRM_API_KEY_SECRET", SECRET)
    monkeypatch.setenv("DIGIRM_USERNAME", USER)
    monkeypatch.setenv("DIGIRM_PASSWORD", PASSWORD)
    with pytest.warns(UserWarning, match="API key is used") as warned:
        client = Client("http://h")
    assert not leaks(" ".join(str(one.message) for one in warned) + repr(client) + client.credentials_source)


@pytest.mark.parametrize(
    "proxy", ["http://{}@127.0.0.1:1", "http://{}@[bad", "socks9://{}@127.0.0.1:1", "{}@127.0.0.1:1"]
)
def test_credentials_of_a_proxy_are_not_shown(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", proxy.format(f"{USER}:{HIDDEN}"))
    monkeypatch.setenv("no_proxy", "")

    async def body(rm: Any) -> Any:
        return await rm.request("GET", "/x", options=Options(retries=0))

    for face in FACES:
        with pytest.raises((RemoteManagerError, ValueError)) as caught:
            run(face, body, "http://service.invalid", auth=AUTH)
        for text in showings(caught.value):
            assert not leaks(text), text


@pytest.mark.parametrize(
    ("method", "path"), [("G T", "/x"), ("GET\r\nx: y", "/x"), ("", "/x"), ("GET", "/\x7f"), ("GÉT", "/x")]
)
def test_a_request_that_cannot_be_written_is_told_without_its_headers(method: str, path: str) -> None:
    for face in FACES:
        for auth in (AUTH, KEY):
            with WireServer(lambda _: document({})) as server:
                with pytest.raises((RemoteManagerError, ValueError, TypeError)) as caught:
                    run(face, lambda rm: rm.request(method, path), server.url, auth=auth)
                assert not server.got
            for text in showings(caught.value):
                assert not leaks(text), text
