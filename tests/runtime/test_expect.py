"""`Client(expect=...)`: one look at what the service says of itself, category by category, and a warning."""

from __future__ import annotations

import asyncio
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import digirm
from digirm_runtime import dynamic
from digirm_runtime.client import Client
from digirm_runtime.errors import ContractWarning, NotFound, RemoteManagerError, SpecError, TransportError
from digirm_runtime.hooks import Event, Hooks
from digirm_runtime.options import Options, Throttle
from tests.codegen.support import SMALL, write_spec
from tests.runtime.conftest import short_delays
from tests.support.faces import Blocking, finish
from tests.support.server import Answer, Got, Server, dropped

__all__ = ["short_delays"]

FACES = ["blocking", "asyncio"]
AUTH = ("user", "secret-word")
DESCRIPTION = "/ws/v1/parts"
OTHER = {**SMALL["parts"], "list": SMALL["parts"]["list"][:1]}
PAGE = {"list": [{"id": 1}, {"id": 2}], "count": 2}
GOOD = Answer(body=PAGE)


@pytest.fixture(scope="module")
def specs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_spec(tmp_path_factory.mktemp("specs"), SMALL)


def service(description: Answer | Callable[[Got], Answer], page: Answer | Callable[[Got], Answer] = GOOD) -> Server:
    """A server of one category that describes itself so, and gives a page everywhere else."""

    def reply(got: Got) -> Answer:
        given = description if got.path == DESCRIPTION else page
        return given if isinstance(given, Answer) else given(got)

    return Server(reply)


def run(face: str, specs: Path, url: str, body: Callable[[Any], Any], **settings: Any) -> Any:
    """Run a body, written as for asyncio, over one face of the client that expects its own version."""
    settings = {"auth": AUTH, "throttle": None, "expect": "9.1", **settings}
    if face == "blocking":
        with dynamic.client(specs, url, **settings) as rm:
            return finish(body(Blocking(rm)))

    async def main() -> Any:
        async with dynamic.async_client(specs, url, **settings) as rm:
            return await body(rm)

    return asyncio.run(main())


def client(specs: Path, server: Server) -> dynamic.DynamicClient:
    return dynamic.client(specs, server.url, auth=AUTH, throttle=None, expect="9.1")


def paths(server: Server) -> list[str]:
    return [got.path for got in server.got]


async def get(rm: Any) -> Any:
    return await rm.parts.inventory.get(1)


async def twice(rm: Any) -> None:
    await get(rm)
    await get(rm)


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
@pytest.mark.parametrize("answer", [dropped(), Answer(429, headers=(("retry-after", "3600"),))], ids=["dropped", "429"])
def test_no_answer_is_asked_for_again_at_the_next_call(face: str, specs: Path, answer: Answer) -> None:
    answers = [answer, Answer(body=OTHER)]

    async def calls(rm: Any) -> None:
        once = Options(retries=0)
        for _ in range(3):
            await rm.parts.inventory.get(1, options=once)

    with service(lambda _: answers.pop(0)) as server, pytest.warns(ContractWarning, match="not what version"):
        run(face, specs, server.url, calls)
    assert [path == DESCRIPTION for path in paths(server)] == [True, False, True, False, False]


@pytest.mark.parametrize("face", FACES)
def test_the_error_is_the_calls_own(face: str, specs: Path) -> None:
    with service(Answer(404), Answer(404)) as server, pytest.warns(ContractWarning), pytest.raises(NotFound) as caught:
        run(face, specs, server.url, get)
    assert caught.value.url == "/ws/v1/parts/inventory/1"
    with service(dropped(), dropped()) as server, pytest.raises(TransportError) as broken:
        run(face, specs, server.url, get)
    assert broken.value.url == "/ws/v1/parts/inventory/1"


@pytest.mark.parametrize("face", FACES)
def test_the_deadline_holds_for_both(face: str, specs: Path) -> None:
    held = threading.Event()

    def silent(_: Got) -> Answer:
        held.wait(10)
        return dropped()

    async def call(rm: Any) -> None:
        await rm.parts.inventory.get(1, options=Options(deadline=0.2, timeout=0.1, retries=9))

    with service(silent, silent) as server:
        try:
            with pytest.raises(TransportError) as caught:
                run(face, specs, server.url, call)
        finally:
            held.set()
    assert caught.value.url == "/ws/v1/parts/inventory/1"


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


class Gate:
    """A description that is held back until it is opened."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.opened = threading.Event()

    def __call__(self, _: Got) -> Answer:
        self.asked.set()
        self.opened.wait(10)
        return Answer(body=OTHER)


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.opened.set()


def test_threads_ask_once_and_do_not_wait_for_each_other(specs: Path, gate: Gate) -> None:
    def calls(rm: Any) -> None:
        with ThreadPoolExecutor(8) as threads:
            first = threads.submit(rm.parts.inventory.get, 1)
            assert gate.asked.wait(10)
            for call in [threads.submit(rm.parts.inventory.get, 2) for _ in range(30)]:
                assert call.result(10)
            assert not first.done()
            gate.opened.set()
            assert first.result(10)

    with service(gate) as server, client(specs, server) as rm, pytest.warns(ContractWarning) as caught:
        calls(rm)
    assert paths(server).count(DESCRIPTION) == 1
    assert len(caught) == 1


def test_tasks_ask_once_and_do_not_wait_for_each_other(specs: Path, gate: Gate) -> None:
    async def main(url: str) -> None:
        async with dynamic.async_client(specs, url, auth=AUTH, throttle=None, expect="9.1") as rm:
            first = asyncio.ensure_future(rm.parts.inventory.get(1))
            await asyncio.to_thread(gate.asked.wait, 10)
            await asyncio.gather(*(rm.parts.inventory.get(2) for _ in range(30)))
            assert not first.done()
            gate.opened.set()
            await first

    with service(gate) as server, pytest.warns(ContractWarning) as caught:
        asyncio.run(main(server.url))
    assert paths(server).count(DESCRIPTION) == 1
    assert len(caught) == 1


def test_many_threads_at_the_first_moment(specs: Path) -> None:
    start = threading.Barrier(8)

    def call(rm: Any) -> None:
        start.wait(10)
        rm.parts.inventory.get(1)

    def calls(rm: Any) -> None:
        with ThreadPoolExecutor(8) as threads:
            for done in [threads.submit(call, rm) for _ in range(8)]:
                done.result(10)

    with service(Answer(body=OTHER)) as server, client(specs, server) as rm, pytest.warns(ContractWarning) as caught:
        calls(rm)
    assert paths(server).count(DESCRIPTION) == 1
    assert len(caught) == 1


def test_a_cancelled_task_leaves_the_question_to_the_next(specs: Path, gate: Gate) -> None:
    async def main(url: str) -> None:
        async with dynamic.async_client(specs, url, auth=AUTH, expect="9.1") as rm:
            first = asyncio.ensure_future(rm.parts.inventory.get(1))
            await asyncio.to_thread(gate.asked.wait, 10)
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
            gate.opened.set()
            with pytest.warns(ContractWarning):
                await rm.parts.inventory.get(2)

    with service(gate) as server:
        asyncio.run(main(server.url))
    assert paths(server) == [DESCRIPTION, DESCRIPTION, "/ws/v1/parts/inventory/2"]


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
