"""Monitors made, listed, and what they have recorded, against the simulator in process."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing, closing
from itertools import islice
from typing import Any

import pytest

from digirm import AsyncClient, Client
from digirm_runtime.errors import NotFound, QueryError
from digirm_runtime.push import Event
from digirm_runtime.push.monitors import Calls, Follower
from tests.support.server import Answer, script


def change(rm: Client, text: str) -> str:
    device = rm.devices.inventory.list(orderby="id").first()
    assert device is not None
    rm.devices.inventory.update(device["id"], {"description": text})
    return device["id"]


def test_made_listed_and_deleted() -> None:
    with Client("sim:") as rm:
        made = rm.push.create("tcp", ["DeviceCore[U]", "[group=a,b]DataPoint/x/*"], batch_size=10, description="mine")
        assert made["topics"] == ["DeviceCore[U]", "[group=a,b]DataPoint/x/*"]
        assert (made["type"], made["batch_size"], made["acknowledgement"]) == ("tcp", 10, "explicit")
        polled = rm.push.create("polling", ["devices"], persistent=True)
        assert "acknowledgement" not in polled
        assert [item["id"] for item in rm.push.list(orderby="type desc")] == [made["id"], polled["id"]]
        assert [item["id"] for item in rm.push.list(query="type = 'polling'")] == [polled["id"]]
        assert rm.push.get(made["id"])["description"] == "mine"
        rm.push.delete(made["id"])
        with pytest.raises(NotFound):
            rm.push.get(made["id"])
        with pytest.raises(QueryError):  # before sending, as everywhere
            rm.push.list(query="nonsense").first()


def test_the_same_on_asyncio() -> None:
    async def main() -> None:
        async with AsyncClient("sim:") as rm:
            made = await rm.push.create("http", ["devices"], url="http://127.0.0.1:1/x", auth_token="user:secret")
            assert made["auth_token_set"] is True
            assert "secret" not in json.dumps(made)
            assert [item["id"] async for item in rm.push.list()] == [made["id"]]
            assert [event async for event in rm.push.history(made["id"])] == []
            await rm.push.delete(str(made["id"]))

    asyncio.run(main())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"type": "udp"}, "type must be one of http, polling, tcp"),
        ({"topics": []}, "needs a topic"),
        ({"topics": "devices"}, "a list of texts"),
        ({"topics": ["a b"]}, "no topic"),
        ({"topics": ["devices,jobs"]}, "no topic"),
        ({"topics": ["devices[X]"]}, "no topic"),
        ({"topics": ["[group=]devices"]}, "no topic"),
        ({"topics": [3]}, "no topic"),
        ({"format": "csv"}, "format must be one of"),
        ({"batch_size": -1}, "batch_size must be"),
        ({"batch_duration": True}, "batch_duration must be"),
        ({"type": "http"}, "needs the url"),
        ({"type": "http", "url": "ftp://host/"}, "needs the url"),
        ({"type": "http", "url": "http://user:pass@host/"}, "credentials in a URL"),
        ({"type": "http", "url": "http://host/", "method": "GET"}, "method must be one of"),
        ({"url": "http://host/"}, "sends to no url"),
        ({"schema": "{}", "schema_type": "jinja"}, "schema_type must be one of"),
    ],
)
def test_what_no_monitor_can_be(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Calls.create(**{"type": "tcp", "topics": ["devices"], **arguments})


def test_a_template_says_what_it_is() -> None:
    body = Calls.create("tcp", ["devices"], schema="{{device.id}}").body
    assert isinstance(body, dict)
    assert body["schema_type"] == "handlebars"


@pytest.mark.parametrize("id", ["", "x", "1/2", -1, 1 << 32, "٣"])
def test_ids_that_are_none(id: int | str) -> None:
    for make in (Calls.get, Calls.delete, Calls.history):
        with pytest.raises(ValueError, match="no id of a monitor"):
            make(id)


def test_history_gives_events() -> None:
    with Client("sim:") as rm:
        monitor = rm.push.create("polling", ["devices"], persistent=True)["id"]
        device = change(rm, "one")
        change(rm, "two")
        events = list(rm.push.history(monitor, size=1))
        assert [(event.kind, event.device_id, event.data["description"]) for event in events] == [
            ("device", device, "one"),
            ("device", device, "two"),
        ]
        assert list(rm.push.history(monitor, since=events[1].time, limit=1)) == events[-1:]
        assert all(event != events[1] for event in rm.push.history(monitor, until=events[1].time))


def test_following_gives_each_event_once() -> None:
    with Client("sim:") as rm:
        monitor = rm.push.create("polling", ["devices"], persistent=True)["id"]
        change(rm, "0")
        change(rm, "1")
        with closing(rm.push.follow(monitor, every=0.001)) as events:
            found = [event.data["description"] for event in islice(events, 2)]
            for number in range(2, 6):
                change(rm, str(number))
                found.append(next(events).data["description"])
        assert found == ["0", "1", "2", "3", "4", "5"]
        # The same event twice is two events.
        change(rm, "5")
        *_, before, _ = rm.push.history(monitor)
        with closing(rm.push.follow(monitor, since=before.timestamp, every=0.001)) as events:
            assert [event.data["description"] for event in islice(events, 2)] == ["5", "5"]


def test_following_on_asyncio() -> None:
    async def main() -> None:
        async with AsyncClient("sim:#follow") as rm:
            monitor = (await rm.push.create("polling", ["devices"], persistent=True))["id"]
            device = await rm.devices.inventory.list().first()
            assert device is not None
            found = []
            await rm.devices.inventory.update(device["id"], {"description": "0"})
            async with aclosing(rm.push.follow(monitor, every=0.001)) as events:
                async for event in events:
                    found.append(event.data["description"])
                    if len(found) == 3:
                        break
                    await rm.devices.inventory.update(device["id"], {"description": str(len(found))})
            assert found == ["0", "1", "2"]

    asyncio.run(main())


@pytest.mark.parametrize("every", [0, -1, float("nan")])
def test_how_often(every: float) -> None:
    with Client("sim:") as rm, pytest.raises(ValueError, match="every must be"):
        rm.push.follow(1, every=every)


def event(moment: int, name: str) -> Event:
    return Event({"timestamp": f"2022-01-01T00:00:00.{moment:03}Z", "topic": name})


def test_events_of_one_moment_are_told_apart() -> None:
    follower = Follower(1, "-1h", None)
    assert follower.due().params["start_time"] == "-1h"
    assert len(follower.fresh([event(1, "a"), event(2, "b"), event(2, "b"), event(2, "c")])) == 4
    due = follower.due()
    assert due.params["start_time"] == event(2, "").timestamp
    # A third one of the same, and one that is later.
    again = [event(2, "b"), event(2, "b"), event(2, "b"), event(2, "c"), event(3, "d")]
    assert [found.topic for found in follower.fresh(again)] == ["b", "d"]
    assert follower.due().params["start_time"] == event(3, "").timestamp
    assert follower.fresh([event(3, "d")]) == []


def topics(events: list[Event]) -> list[str]:
    return [event.topic for event in events]


def test_events_that_are_out_of_order_come_once() -> None:
    follower = Follower(1, None, None)
    follower.due()
    there = [event(20, "a"), event(10, "b"), Event({"topic": "untimed"})]
    assert topics(follower.fresh(there)) == ["a", "b", "untimed"]
    assert follower.due().params["start_time"] == event(20, "").timestamp
    assert topics(follower.fresh([event(20, "c"), *there[::2]])) == ["c"]
    follower.due()
    assert topics(follower.fresh([event(30, "d"), event(25, "e"), event(20, "c"), *there[::2]])) == ["d", "e"]
    assert follower.due().params["start_time"] == event(30, "").timestamp
    assert follower.fresh([event(30, "d"), there[2]]) == []


def test_a_service_that_gives_everything_each_time_gives_it_once() -> None:
    follower = Follower(1, event(90, "").timestamp, None)
    there = [event(10, "a"), event(20, "b"), event(20, "b")]
    follower.due()
    assert topics(follower.fresh(there)) == ["a", "b", "b"]
    for _ in range(3):
        follower.due()
        assert follower.fresh(there) == []
    follower.due()
    assert topics(follower.fresh([*there, event(20, "b"), event(30, "c")])) == ["b", "c"]


def test_events_without_a_time_are_told_apart_as_well() -> None:
    follower = Follower(1, None, None)
    untimed = Event({"topic": "a"})
    for expected in ([untimed], [], []):
        follower.due()
        assert follower.fresh([untimed]) == expected


def test_events_without_a_time_are_remembered_from_one_look_to_the_next() -> None:
    follower = Follower(1, None, None)
    for number in range(100):
        follower.due()
        there = [Event({"topic": str(number)}), Event({"topic": str(number + 1)})]
        assert follower.fresh(there) == (there[1:] if number else there)
    follower.due()
    assert len(follower._again) == 2


def test_an_item_of_a_history_that_is_no_object_is_kept() -> None:
    answer = Answer(body={"count": 2, "list": ["text", {"topic": "a"}], "size": 1000})
    with script(answer) as server, Client(server.url, auth=("a", "b")) as rm:
        first, second = rm.push.history(1)
    assert (first.kind, first.raw, second.topic) == ("unknown", b'"text"', "a")
