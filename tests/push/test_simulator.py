"""Monitors from end to end: the simulator pushes over TCP and HTTP, and digirm receives."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import aclosing, closing

import pytest

from digirm import AsyncClient, Client
from digirm_runtime.push import Batch, Event, HttpReceiver, PushError
from digirm_simulator import Simulator
from tests.push.test_http import serving

USERS = {"fred": "pass: wörd", "maria": "other"}
AUTH = ("fred", USERS["fred"])


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(devices=3, users=USERS, port=0, push_port=0) as running:
        yield running


def write(rm: Client, *values: float) -> None:
    for value in values:
        rm.streams.history.create({"stream_id": "a/b", "stream_type": "DOUBLE", "value": str(value)})


def values(events: list[Event]) -> list[float]:
    return [float(event.data["data"]) for event in events]


@pytest.mark.parametrize("format", ["json", "xml"])
@pytest.mark.parametrize("compression", ["none", "zlib"])
def test_tcp(simulator: Simulator, format: str, compression: str) -> None:
    with Client(simulator.url, auth=AUTH) as rm:
        monitor = rm.push.create(
            "tcp", ["DataPoint"], format=format, compression=compression, persistent=True, batch_size=2
        )["id"]
        found: list[Event] = []
        write(rm, 1, 2, 3, 4)
        with closing(rm.push.receive(monitor, port=simulator.push_port).batches()) as batches:
            for batch in batches:
                found += batch
                if len(found) == 4:
                    break
        # Of what was not acknowledged, nothing is lost.
        with closing(iter(rm.push.receive(monitor, port=simulator.push_port))) as events:
            again = [next(events)]
        assert values(found) == [1, 2, 3, 4]
        assert values(again) == [3]
    assert {event.kind for event in found} == {"DataPoint"}
    assert found[0].time is not None


def test_tcp_on_asyncio_while_events_happen(simulator: Simulator) -> None:
    async def main() -> None:
        async with AsyncClient(simulator.url, auth=AUTH) as rm:
            monitor = (await rm.push.create("tcp", ["devices[U]"], persistent=True, batch_size=1))["id"]
            device = await rm.devices.inventory.list().first()
            assert device is not None
            await rm.devices.inventory.update(device["id"], {"description": "0"})
            found = []
            async with aclosing(aiter(rm.push.receive(monitor, port=simulator.push_port))) as events:
                async for event in events:
                    assert event.device_id == device["id"]
                    found.append(event.data["description"])
                    if len(found) == 4:
                        break
                    await rm.devices.inventory.update(device["id"], {"description": str(len(found))})
            assert found == ["0", "1", "2", "3"]

    asyncio.run(main())


def test_recorded_events_come_first(simulator: Simulator) -> None:
    with Client(simulator.url, auth=AUTH) as rm:
        monitor = rm.push.create("tcp", ["DataPoint"], persistent=True, batch_size=1)["id"]
        write(rm, 1, 2)
        with closing(rm.push.receive(monitor, port=simulator.push_port, since="-1h").batches()) as batches:
            assert values(list(next(batches))) == [1, 2]
            # What the service had not sent before comes again.
            assert values(list(next(batches))) == [1]


@pytest.mark.parametrize(("auth", "number", "status"), [(("fred", "wrong"), None, 403), (AUTH, 999, 400)])
def test_refused(simulator: Simulator, auth: tuple[str, str], number: int | None, status: int) -> None:
    with Client(simulator.url, auth=AUTH) as rm, Client(simulator.url, auth=auth) as other:
        monitor = rm.push.create("tcp", ["DataPoint"])["id"]
        with pytest.raises(PushError) as raised:
            next(iter(other.push.receive(number or monitor, port=simulator.push_port)))
    assert raised.value.status == status


@pytest.mark.parametrize("format", ["json", "xml"])
@pytest.mark.parametrize("compression", ["none", "zlib"])
def test_http(simulator: Simulator, format: str, compression: str) -> None:
    found: list[Event] = []
    calls: list[int] = []
    done = threading.Event()

    def handler(batch: Batch) -> None:
        calls.append(len(batch))
        if len(calls) == 1:
            raise LookupError("not ready yet")
        found.extend(batch)
        if len(found) == 3:
            done.set()

    with (
        serving(HttpReceiver(handler, auth=("user", "secret"))) as client,
        Client(simulator.url, auth=AUTH) as rm,
    ):
        rm.push.create(
            "http", ["DataPoint"], url=str(client.base_url), auth_token="user:secret", format=format,
            compression=compression, persistent=True, batch_size=1,
        )  # fmt: skip
        write(rm, 1, 2, 3)
        assert done.wait(30)
    assert values(found) == [1, 2, 3]
