"""The examples of the page: each is sent to a simulator as it stands."""

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest

from digirm import check_query
from digirm_explorer.composed import Composed, planned
from digirm_explorer.examples import examples, loaded
from digirm_explorer.knowledge import Knowledge
from digirm_runtime.secrets import is_secret
from digirm_runtime.wire import Request, Response
from digirm_simulator import Clock, Simulator

ENTRIES = {entry["id"]: entry for entry in loaded()}
SHOWN = {example["id"]: example for example in examples()}
KNOWLEDGE = Knowledge(None)


@cache
def operations() -> dict[str, Any]:
    return {
        operation["id"]: operation
        for group in KNOWLEDGE.catalog["groups"]
        for category in group["categories"]
        for operation in category["operations"]
    }


def send(simulator: Simulator, id: str) -> Response:
    call = planned(Composed.read(SHOWN[id]["request"]), "http://127.0.0.1", "/ws/v1")
    body = (call.text or "").encode()
    # A simulator without users takes anybody, but somebody it has to be.
    return simulator.handle(
        Request(call.method, call.target, {**call.sent_headers, "x-api-key-id": "a", "x-api-key-secret": "b"}, body)
    )


def prepared(first: tuple[str, ...]) -> Simulator:
    """A fresh simulator after these examples."""
    simulator = Simulator(clock=Clock(speed=0))
    for name in first:
        assert send(simulator, name).status < 300, name
    return simulator


@pytest.fixture(scope="module")
def shared() -> Iterator[Callable[[tuple[str, ...]], Simulator]]:
    """`prepared` for examples that only read."""
    made: dict[tuple[str, ...], Simulator] = {}

    def get(first: tuple[str, ...]) -> Simulator:
        if first not in made:
            made[first] = prepared(first)
        return made[first]

    yield get
    for simulator in made.values():
        simulator.close()


@pytest.mark.parametrize("id", ENTRIES)
def test_each_is_answered_as_it_says(id: str, shared: Callable[[tuple[str, ...]], Simulator]) -> None:
    entry = ENTRIES[id]
    first = tuple(entry.get("first", ()))
    reads = entry["method"] in ("GET", "HEAD")
    simulator = shared(first) if reads else prepared(first)
    response = send(simulator, id)
    if not reads:
        simulator.close()
    said = response.read().decode(response.charset or "utf-8")
    expected = entry.get("status")
    assert response.status == expected if expected else 200 <= response.status < 300, said
    if "<targets>" in entry.get("body", "") and id not in ("sci-get-time-offline", "sci-data-service"):
        assert "<error" not in said
    if entry["method"] == "GET" and expected is None and said.startswith('{"count"'):
        assert bool(json.loads(said)["list"]) != entry.get("empty", False)
    assert "<resultSize>0<" not in said


@pytest.mark.parametrize("id", [id for id, entry in ENTRIES.items() if "params" in entry])
def test_no_query_has_a_fault_but_where_it_is_meant(id: str) -> None:
    entry = ENTRIES[id]
    given = {name: value for name, value in entry["params"].items() if name in ("query", "orderby", "fields", "size")}
    operation = operations()[SHOWN[id]["operation"]]
    names = {param["name"] for param in operation["params"]}
    assert set(entry["params"]) <= names
    if given and operation["endpoint"]:
        if "size" in given:
            given["size"] = int(given["size"])
        report = check_query(operation["endpoint"], given.pop("query", "nothing = 1"), **given)
        faults = [fault for fault in report.diagnostics if fault.parameter in entry["params"]]
        assert bool(faults) == entry.get("faulty", False), str(report)


def test_every_operation_has_one() -> None:
    assert not operations().keys() - {example["operation"] for example in SHOWN.values()}
    assert not {example["operation"] for example in SHOWN.values()} - operations().keys()


def test_each_is_what_the_page_expects() -> None:
    for example in examples():
        assert example.keys() == {"id", "title", "doc", "group", "operation", "request", "writes", "first"}
        assert example["request"].keys() == {
            "method", "path", "path_values", "params", "headers", "body", "content_type",
        }  # fmt: skip
        if example["request"]["method"] in ("GET", "HEAD"):
            assert not example["writes"]
        assert not {*example["first"]} - SHOWN.keys()
        assert example["title"][0].isupper()
    assert len(SHOWN) == len(loaded())
    assert len({example["title"] for example in SHOWN.values()}) == len(SHOWN), "two with one title"
    assert SHOWN["job-cancel"]["first"] == ["automation-run"]
    assert SHOWN["devices"]["first"] == []
    assert SHOWN["job-cancel"]["doc"].startswith("Ids are those of a fresh simulator.")


def test_what_only_reads_says_so() -> None:
    """No method says it of commands: what those change, other answers show."""
    claimed = [id for id, entry in ENTRIES.items() if entry.get("reads")]
    assert claimed
    assert not any(SHOWN[id]["writes"] for id in claimed)
    assert SHOWN["sci-reboot"]["writes"]
    assert SHOWN["device-delete"]["writes"]
    simulator = prepared(("sci-put-file",))
    shown = ("devices", "device-metrics", "groups", "streams", "users", "jobs", "sci-settings", "sci-ls", "sci-jobs")
    before = [send(simulator, id).read() for id in shown]
    for id in claimed:
        send(simulator, id)
    assert [send(simulator, id).read() for id in shown] == before
    simulator.close()


def test_none_holds_a_secret() -> None:
    """A password is there where the service wants one, and can be seen to be nobody's."""
    for entry in loaded():
        for name, value in re.findall(r'"(\w+)": "([^"]*)"', entry.get("body", "")):
            assert not is_secret(name) or value.startswith("Example-"), entry["id"]
        assert not any(map(is_secret, (*entry.get("params", {}), *entry.get("headers", {}))))
        assert not re.search(r"<\w*(Password|Token|InstallCode)", entry.get("body", ""))
