"""What holds whatever the request: a write is done whole or not at all, and no secret is ever given back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from digirm_simulator import Clock, Simulator, contract_files
from digirm_simulator.world import Change, World
from tests.simulator.support import DEVICES, NOW, Answer, Api, device_id

AUTOMATIONS, RUNS = "/ws/v1/automations/inventory", "/ws/v1/automations/runs/inventory"
UPDATES, HISTORY = "/ws/v1/firmware_updates/inventory", "/ws/v1/streams/history"


@pytest.fixture
def api() -> Iterator[Api]:
    """Two devices in a group, and a run of an automation over one of them."""
    with Simulator(devices=0, seed=1, clock=Clock(NOW, speed=0)) as simulator:
        api = Api(simulator)
        for number in range(2):
            assert api("POST", DEVICES, {"id": device_id(number), "group": "old"}).status == 201
        assert api("POST", "/ws/v1/automations/run", {"id": 1, "targets": {"devices": [device_id(0)]}}).status == 201
        yield api


def everything(api: Api) -> list[str]:
    """The whole database as SQL."""
    return list(api.simulator._store.connection.iterdump())


def test_a_write_that_is_refused_half_way_leaves_nothing(api: Api) -> None:
    before = everything(api)
    found = api("DELETE", f"{AUTOMATIONS}/1", delete_runs="true", delete_schedules="perhaps")
    assert found.status == 400
    assert everything(api) == before
    assert api.get(RUNS).body["count"] == 1


WRITES: list[Callable[[Api], Answer]] = [
    lambda api: api("POST", DEVICES, [{"id": device_id(number), "group": "a/b"} for number in (7, 8)]),
    lambda api: api("PUT", f"{DEVICES}/{device_id(0)}", {"group": "c/d", "name": "x"}),
    lambda api: api("DELETE", f"{DEVICES}/{device_id(0)}"),
    lambda api: api("POST", "/ws/v1/devices/bulk", f"id,group\n{device_id(7)},e\n{device_id(8)},f\n".encode()),
    lambda api: api("POST", HISTORY, [{"stream_id": name, "value": "1"} for name in ("s", "t", "s")]),
    lambda api: api("POST", "/ws/v1/automations/run", {"id": 2, "targets": {"devices": [device_id(1)]}}),
    lambda api: api("DELETE", f"{AUTOMATIONS}/1", delete_runs="true"),
    lambda api: api("POST", UPDATES, {"version": "2", "targets": {"devices": [device_id(0), device_id(1)]}}),
    lambda api: api("PUT", "/ws/v1/jobs/cancel/1"),
]


@pytest.mark.parametrize("write", WRITES, ids=range(len(WRITES)))
def test_a_write_that_breaks_leaves_nothing(api: Api, write: Callable[[Api], Answer]) -> None:
    before = everything(api)
    told = 0
    breaks_at = 1

    def observe(_world: World, _change: Change) -> None:
        nonlocal told
        told += 1
        if told == breaks_at:
            raise LookupError("as if a disk had failed")

    # The last one that is told of a change: all that follows from it is written then.
    api.simulator._world.observers.append(observe)
    while write(api).status == 500:
        assert everything(api) == before
        told, breaks_at = 0, breaks_at + 1
    assert breaks_at > 1
    assert everything(api) != before


#: Names under which something is sent that must never come back.
SECRETS = ("auth_token", "install_code", "password", "secret")


@pytest.fixture
def things(tmp_path: Path) -> Iterator[Api]:
    """An API whose contract does not say what is secret."""
    folder = tmp_path / "1.0"
    folder.mkdir()
    (folder / "types.json").write_text('{"Text": {"compares": "text", "operators": ["=", "<>", "contains"]}}')
    known = {"certainty": "recorded", "source": "this test"}
    query = {"fields": "all", "certainty": "recorded"}
    fields = [{"field": name, "type": "Text", **known} for name in ("id", *SECRETS)]
    listed = {"method": "GET", "params": ["query", "size", "cursor", "orderby"], "query": query, **known}
    csv = {"method": "GET", "params": ["query", "fields"], "query": query, **known}
    one: list[dict[str, Any]] = [{"method": method, "params": [], **known} for method in ("GET", "PUT", "DELETE")]
    create = {"method": "POST", "params": [], "creates": "list", **known}
    paths = [
        {"path": "/ws/v1/things/inventory", "key": "id", "requests": [listed, create], **known},
        {"path": "/ws/v1/things/inventory/{id}", "requests": one, **known},
        {"path": "/ws/v1/things/bulk", "requests": [csv], **known},
    ]
    document = {"path": "/ws/v1/things", "description": "", "fields": {"all": fields}, "paths": paths}
    (folder / "things.json").write_text(json.dumps(document))
    with Simulator(contract=contract_files.load(folder), clock=Clock(NOW, speed=0)) as simulator:
        yield Api(simulator)


def test_no_secret_is_given_back_whatever_the_contract_says(things: Api) -> None:
    path = "/ws/v1/things/inventory"
    sent: dict[str, Any] = dict.fromkeys(SECRETS, "hush-word")
    answers = [
        things("POST", path, {"id": "a", "shown": "plain-word", **sent}),
        things("POST", path, [{"id": "b", **sent}, {"id": "a", **sent}, {**sent}]),
        things("PUT", f"{path}/a", {"more": "plain-word", **sent}),
        things.get(path),
        things.get(f"{path}/a"),
        things.get("/ws/v1/things/bulk"),
        things.get(path, orderby="secret"),
    ]
    assert [found.status for found in answers] == [201, 207, 200, 200, 200, 200, 200]
    assert "hush-word" not in repr(answers)
    assert answers[4].body["shown"] == answers[4].body["more"] == "plain-word"
    # Nor can it be found out by asking whether it is so.
    assert things.get(path, query="secret contains 'hush'").body["count"] == 0
    assert "hush-word" not in "".join(everything(things))
