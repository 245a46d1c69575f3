"""The event log: what is written down, and how it is read."""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from digirm_simulator import Simulator
from digirm_simulator.behaviours import events
from digirm_simulator.clock import Clock
from tests.simulator.support import DEVICES, NOW, Answer, Api, device_id

EVENTS = "/ws/v1/events/inventory"
BULK = "/ws/v1/events/bulk"
STREAMS = "/ws/v1/streams/inventory"


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW, speed=0)


@pytest.fixture
def still(clock: Clock) -> Iterator[Api]:
    """A simulator without devices, whose clock the test moves."""
    made = Simulator(devices=0, clock=clock)
    yield Api(made)
    made.close()


def made(api: Api, number: int) -> Answer:
    found = api("POST", STREAMS, {"id": f"s{number}"})
    assert found.status == 201
    return found


def details(found: Answer) -> list[str]:
    return [item["details"] for item in found.body["list"]]


def test_nothing_has_happened_at_first(still: Api) -> None:
    assert still.get(EVENTS).body == {"count": 0, "list": [], "size": 1000}
    assert still.get(BULK).body.startswith("count,customer_id,details,device_id,duration,")
    assert still.get(BULK).body.count("\n") == 1


def test_every_change_is_written_down_the_newest_first(still: Api, clock: Clock) -> None:
    made(still, 1)
    clock.advance(seconds=1)
    still("PUT", f"{STREAMS}/s1", {"units": "F"})
    still("DELETE", f"{STREAMS}/s1")
    found = still.get(EVENTS).body["list"]
    assert [item["modification_type"] for item in found] == ["DELETE", "UPDATE", "CREATE"]
    created = found[2]
    assert uuid.UUID(created.pop("id")).version == 4
    assert created == {
        "customer_id": 7493,
        "details": "/streams/inventory/s1 created",
        "duration": 0,
        "end_time": "2022-07-15T12:00:00.000Z",
        "facility": "STREAMS",
        "modification_type": "CREATE",
        "protocol": "HTTP",
        "source": "sim",
        "start_time": "2022-07-15T12:00:00.000Z",
    }
    assert found[0]["start_time"] == "2022-07-15T12:00:01.000Z"


def test_what_fails_is_no_event(still: Api) -> None:
    assert still("POST", STREAMS, {"id": ""}).status == 400
    assert still("DELETE", f"{STREAMS}/s1").status == 404
    assert still("POST", STREAMS, [{"id": "a"}, {"id": ""}]).status == 207
    assert details(still.get(EVENTS)) == ["/streams/inventory/a created"]


def test_data_points_are_no_events_but_their_deletion_is(still: Api) -> None:
    assert still("POST", "/ws/v1/streams/history", {"stream_id": "a", "value": "1"}).status == 201
    assert still("DELETE", "/ws/v1/streams/history/a").status == 204
    assert details(still.get(EVENTS)) == ["/streams/history/a deleted", "/streams/inventory/a created"]


def test_the_fleet_connects_and_disconnects(clock: Clock) -> None:
    with Simulator(devices=30, seed=1, clock=clock) as simulator:
        api = Api(simulator)
        clock.advance(days=2)
        found = api.get(EVENTS, query="facility = 'connection'").body["list"]
        assert {item["details"] for item in found} == {"connected", "disconnected"}
        assert all(item["protocol"] == "EDP" and item["device_id"] == item["source"] for item in found)
        assert [item["start_time"] for item in found] == sorted((item["start_time"] for item in found), reverse=True)
        device = found[0]["device_id"]
        mine = api.get(EVENTS, query=f"device_id = '{device}'").body["list"]
        assert mine == [item for item in found if item["device_id"] == device]
        # Connections come and go in turn.
        assert all(one["details"] != other["details"] for one, other in pairwise(mine))


def test_a_devices_events(still: Api) -> None:
    assert still("POST", DEVICES, {"id": device_id(1)}).status == 201
    (event,) = still.get(EVENTS, query=f"device_id = '{device_id(1)}' and facility = 'DEVICES'").body["list"]
    assert event["modification_type"] == "CREATE"
    nested = "facility = 'x'"
    for _ in range(31):
        nested = f"not ({nested} or facility = 'y')"
    assert still.get(EVENTS, query=nested).body["count"] >= 1
    assert still.get(EVENTS, query="name = 'x'").status == 400
    assert still.get(EVENTS, query="facility").status == 400
    assert still.get(EVENTS, orderby="facility").status == 200  # no parameter of events: ignored


def test_times_and_pages(still: Api, clock: Clock) -> None:
    for number in range(7):
        made(still, number)
        clock.advance(hours=1)
    span = {"start_time": "2022-07-15T13:00:00Z", "end_time": "2022-07-15T18:00:00Z"}
    first = still.get(EVENTS, size=2, **span).body
    assert first["start_time"] == "2022-07-15T13:00:00.000Z"
    found = first["list"]
    made(still, 99)
    while "next_uri" in first:
        first = still.get(first["next_uri"]).body
        found += first["list"]
    assert [item["details"].split()[0][-1] for item in found] == ["5", "4", "3", "2", "1"]
    assert still.get(EVENTS, start_time="-1h").body["count"] == 2
    assert still.get(EVENTS, end_time="-6h").body["count"] == 1
    bad: list[dict[str, Any]] = [{"start_time": "x"}, {"end_time": "-1y"}, {"size": 1001}, {"cursor": "x"}]
    for params in bad:
        assert still.get(EVENTS, **params).status == 400
        assert still.get(BULK, **params).status == 400


def test_events_as_csv(still: Api) -> None:
    for number in range(501):
        made(still, number)
    rows = list(csv.DictReader(io.StringIO(still.get(BULK).body)))
    assert [row["details"] for row in rows] == details(still.get(EVENTS))
    assert still.get(BULK, fields="facility,modification_type", size=1).body == (
        "facility,modification_type\nSTREAMS,CREATE\n"
    )
    assert still.get(BULK, fields="facility,who").status == 400
    assert still.get(BULK, query="facility = 'x'", fields="id").body == "id\n"


def test_the_oldest_events_go(still: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "KEPT", 5)
    for number in range(8):
        made(still, number)
    assert [text.split()[0][-1] for text in details(still.get(EVENTS))] == ["7", "6", "5", "4", "3"]


def test_the_same_seed_gives_the_same_events() -> None:
    def log(seed: int) -> Any:
        clock = Clock(NOW, speed=0)
        with Simulator(devices=20, seed=seed, clock=clock) as simulator:
            clock.advance(days=1)
            return Api(simulator).get(EVENTS).body["list"]

    assert log(3) == log(3)
    assert log(3) != log(4)
