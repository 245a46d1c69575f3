"""`Client(expect=...)`: one look at what the service says of itself, category by category, and a warning."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import digirm
from digirm_runtime import dynamic
from digirm_runtime.client import Client
from digirm_runtime.errors import ContractWarning, NotFound, RemoteManagerError, SpecError, TransportError
from digirm_runtime.hooks import Event, Hooks
from digirm_runtime.options import Throttle
from tests.codegen.support import SMALL, write_spec
from tests.runtime.expecting import (
    AUTH,
    DESCRIPTION,
    FACES,
    OTHER,
    PAGE,
    client,
    get,
    paths,
    run,
    service,
    specs,
    twice,
)
from tests.support.server import Answer, Got, dropped

__all__ = ["specs"]


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("turned", [False, True])
def test_the_same_description_is_silent_and_asked_for_once(face: str, specs: Path, turned: bool) -> None:
    # Neither the server's order nor its own address matter.
    document = {**SMALL["parts"], "list": SMALL["parts"]["list"][:: -1 if turned else 1]}
    with service(Answer(body=document)) as server:
        run(face, specs, server.url, twice)
    assert paths(server) == [DESCRIPTION, "/ws/v1/parts/inventory/1", "/ws/v1/parts/inventory/1"]
    assert server.got[0].headers["authorization"] == server.got[1].headers["authorization"]


@pytest.mark.parametrize("face", FACES)
def test_the_address_of_the_service_is_no_difference(face: str, tmp_path: Path) -> None:
    told = {**SMALL["parts"], "help": "see /ws/v1/parts"}
    specs = write_spec(tmp_path, {"parts": told})
    with service(lambda _: Answer(body={**told, "help": f"see {server.url}/ws/v1/parts"})) as server:
        run(face, specs, server.url, get)


@pytest.mark.parametrize("face", FACES)
def test_another_description_is_warned_of_once(face: str, specs: Path) -> None:
    with service(Answer(body=OTHER)) as server, pytest.warns(ContractWarning) as caught:
        run(face, specs, server.url, twice)
    assert paths(server) == [DESCRIPTION, "/ws/v1/parts/inventory/1", "/ws/v1/parts/inventory/1"]
    assert [str(warning.message) for warning in caught] == [
        "/ws/v1/parts is not what version 9.1 has there: the service is of another version. `digirm crawl --check` "
        "shows the difference, `digirm bump` makes a client that fits"
    ]


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize(
    "body",
    [
        lambda rm: rm.parts.describe(),
        lambda rm: rm.parts.inventory.list(query="name contains 'x'").first(),
        lambda rm: collected(rm.parts.inventory.list(prefetch=True, size=2, limit=4)),
        lambda rm: collected(rm.parts.bulk.csv()),
        lambda rm: rm.parts.inventory.create({"name": "x"}),
        lambda rm: rm.parts.inventory.delete(1),
        lambda rm: rm.request("GET", "/ws/v1/parts?x=1"),
        lambda rm: rm.request("POST", "/ws/v1/parts/anything", body={}),
        lambda rm: rm.fetch("GET", "/ws/v1/parts/inventory", params={"query": "id = 1"}),
    ],
    ids=["describe", "list", "prefetch", "csv", "create", "delete", "request", "post", "fetch"],
)
def test_every_kind_of_call(face: str, specs: Path, body: Callable[[Any], Any]) -> None:
    def page(got: Got) -> Answer:
        if got.path.endswith("bulk"):
            return Answer(body=b"id,name\n1,x\n", headers=(("content-type", "text/csv"),))
        return Answer(body=PAGE)

    # One request at a time: the comparison gives its own back before the call takes one.
    one = Throttle((1000, 1), concurrent=1)
    with service(Answer(body=OTHER), page) as server, pytest.warns(ContractWarning) as caught:
        run(face, specs, server.url, body, throttle=one)
    assert len(caught) == 1
    assert server.got[0].target == DESCRIPTION
    assert len(server.got) >= 2


async def collected(things: Any) -> list[Any]:
    return [thing async for thing in things]


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("path", ["/ws/v1", "/ws/v1/others", "/ws/v1/partsmen", "/ws/v2/parts", "/ws/sci", "/"])
def test_other_paths_are_not_compared(face: str, specs: Path, path: str) -> None:
    with service(Answer(body=OTHER)) as server:
        run(face, specs, server.url, lambda rm: rm.request("GET", path))
    assert paths(server) == [path]


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize(
    ("answer", "doubt"),
    [
        (Answer(401), "it answered 401"),
        (Answer(403), "it answered 403"),
        (Answer(404), "it answered 404"),
        (Answer(500), "it answered 500"),
        (Answer(body=b"<html>"), "its answer cannot be read"),
        (Answer(body=b"[" * 100_000), "its answer cannot be read"),
        (Answer(body={"list": [], "x": [[[0]]], "y": float("nan")}), "its answer cannot be read"),
        (Answer(body=[]), "its answer has no list of paths"),
        (Answer(204), "its answer has no list of paths"),
    ],
)
def test_what_cannot_be_compared_is_warned_of_and_the_call_made(
    face: str, specs: Path, answer: Answer, doubt: str
) -> None:
    with service(answer) as server, pytest.warns(ContractWarning) as caught:
        run(face, specs, server.url, twice)
    assert [str(w.message) for w in caught] == [f"/ws/v1/parts could not be compared with version 9.1: {doubt}"]
    assert paths(server).count("/ws/v1/parts/inventory/1") == 2


@pytest.mark.parametrize("face", FACES)
def test_the_error_is_the_calls_own(face: str, specs: Path) -> None:
    with service(Answer(404), Answer(404)) as server, pytest.warns(ContractWarning), pytest.raises(NotFound) as caught:
        run(face, specs, server.url, get)
    assert caught.value.url == "/ws/v1/parts/inventory/1"
    with service(dropped(), dropped()) as server, pytest.raises(TransportError) as broken:
        run(face, specs, server.url, get)
    assert broken.value.url == "/ws/v1/parts/inventory/1"


@pytest.mark.parametrize("face", FACES)
def test_hooks_see_the_question_too(face: str, specs: Path) -> None:
    seen: list[Event] = []
    with service(Answer(body=SMALL["parts"])) as server:
        run(face, specs, server.url, get, hooks=Hooks(on_request=seen.append))
    assert [event.url for event in seen] == [DESCRIPTION, "/ws/v1/parts/inventory/1"]


@pytest.mark.parametrize("face", FACES)
def test_what_must_not_be_sent_asks_nothing(face: str, specs: Path) -> None:
    with service(Answer(body=OTHER)) as server:
        with pytest.raises(RemoteManagerError, match="read-only"):
            run(face, specs, server.url, lambda rm: rm.parts.inventory.delete(1), read_only=True)
        with pytest.raises(ValueError, match="Q"):
            run(face, specs, server.url, lambda rm: rm.parts.inventory.list(query="name ==").first())
    assert server.got == []


def test_the_warning_names_the_line_that_called(specs: Path) -> None:
    def one(rm: Any) -> None:
        rm.parts.inventory.get(1)  # in one

    def loop(rm: Any) -> None:
        for _ in rm.parts.inventory.list():  # in loop
            pass

    async def aone(url: str) -> None:
        async with dynamic.async_client(specs, url, auth=AUTH, expect="9.1") as rm:
            await rm.parts.inventory.get(1)  # in aone

    async def aloop(url: str) -> None:
        async with dynamic.async_client(specs, url, auth=AUTH, expect="9.1") as rm:
            async for _ in rm.parts.inventory.list():  # in aloop
                pass

    lines = Path(__file__).read_text().splitlines()
    with service(Answer(body=OTHER)) as server:
        for call in (one, loop):
            with client(specs, server) as rm, pytest.warns(ContractWarning) as caught:
                call(rm)
            assert caught[0].filename == __file__
            assert lines[caught[0].lineno - 1].endswith(f"# in {call.__name__}")
        for acall in (aone, aloop):
            with pytest.warns(ContractWarning) as caught:
                asyncio.run(acall(server.url))
            assert caught[0].filename == __file__
            assert lines[caught[0].lineno - 1].endswith(f"# in {acall.__name__}")


def test_a_warning_made_an_error_comes_before_the_call(specs: Path) -> None:
    with service(Answer(body=OTHER)) as server, client(specs, server) as rm:
        with warnings.catch_warnings():
            warnings.simplefilter("error", ContractWarning)
            with pytest.raises(ContractWarning):
                rm.parts.inventory.delete(1)
        rm.parts.inventory.delete(1)
    assert [got.method for got in server.got] == ["GET", "DELETE"]


def test_without_expectation_nothing_is_asked(specs: Path) -> None:
    with service(Answer(body=OTHER)) as server:
        run("blocking", specs, server.url, get, expect=None)
    assert paths(server) == ["/ws/v1/parts/inventory/1"]


def test_another_version_than_the_clients_own_is_refused(specs: Path) -> None:
    for make in (dynamic.client, dynamic.async_client):
        with pytest.raises(ValueError, match=r"^expect='22\.7', but this client was made from version '9\.1'$"):
            make(specs, "http://127.0.0.1:9", auth=AUTH, expect="22.7")
    with pytest.raises(RemoteManagerError, match="made without a spec"):
        Client("http://127.0.0.1:9", auth=AUTH, expect="9.1")


def test_a_package_that_knows_no_categories_is_refused() -> None:
    class Old(Client):
        @property
        def spec_info(self) -> dict[str, Any]:
            return {"api_version": "9.1"}

    with pytest.raises(SpecError, match="generate the package again"):
        Old("http://127.0.0.1:9", auth=AUTH, expect="9.1")


@pytest.mark.parametrize("path", ["devices/inventory", "alerts/inventory", "streams/inventory"])
def test_the_simulator_is_what_the_client_was_made_from(path: str) -> None:
    with digirm.Client("sim:22.7", expect="22.7") as rm:
        assert rm.request("GET", f"/ws/v1/{path}") is not None


def test_a_simulator_of_another_version_is_not() -> None:
    with digirm.Client("sim:docs-2023", expect="22.7") as rm:
        # What stayed as it was is no reason to warn.
        rm.devices.inventory.list(size=1).first()
        with pytest.warns(ContractWarning, match="could not be compared with version 22.7: it answered 404"):
            call_in_vain(rm)


def call_in_vain(rm: digirm.Client) -> None:
    with pytest.raises(NotFound):
        rm.request("GET", "/ws/v1/network_interfaces/inventory")
