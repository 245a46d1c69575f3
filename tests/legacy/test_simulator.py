"""The legacy client end to end, over both faces and a real port."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from digirm.query import to_legacy
from digirm_runtime.errors import BadRequest, NotFound
from digirm_runtime.legacy import column
from digirm_simulator import Simulator
from tests.support.faces import FACES, run

AUTH = ("sim", "sim")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with Simulator(seed=3) as simulator:
        yield simulator.url


async def every(listing: Any) -> list[Any]:
    return [item async for item in listing]


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("json", [False, True])
def test_lists_are_those_of_v1(face: str, json: bool, url: str) -> None:
    query = "connection_status = 'connected' and (name startswith 'S' or not firmware_version = '20.11.32.168')"

    async def body(rm: Any) -> None:
        ids = sorted(
            device["devConnectwareId"] for device in await every(rm.legacy.DeviceCore.list(size=13, json=json))
        )
        assert ids == sorted([device["id"] async for device in rm.devices.inventory.list()])
        condition = to_legacy("devices/inventory", query)
        some = await every(rm.legacy.DeviceCore.list(condition, size=3, json=json, numbers=True))
        expected = [device["id"] async for device in rm.devices.inventory.list(query=query)]
        assert sorted(device["devConnectwareId"] for device in some) == sorted(expected) != []
        assert {device["dpConnectionStatus"] for device in some} == {1}
        streams = [stream["streamId"] for stream in await every(rm.legacy.DataStream.list(size=4, json=json))]
        assert sorted(streams) == sorted([stream["id"] async for stream in rm.streams.inventory.list()])

    run(face, body, url, auth=AUTH)


@pytest.mark.parametrize("face", FACES)
def test_a_device_from_beginning_to_end(face: str, url: str) -> None:
    text = "50%_[x]! it's <&> ü"
    key = f"00000000-00000000-00409DFF-FF00000{FACES.index(face)}"

    async def body(rm: Any) -> None:
        devices = rm.legacy.DeviceCore
        made = await devices.create({"devConnectwareId": key, "dpDescription": text})
        assert (await devices.get(made.id))["dpDescription"] == text
        for condition in (
            column("dpDescription").contains("%_[x]! it's"),
            column("dpDescription").startswith("50%_"),
            column("dpDescription") == text,
        ):
            (found,) = await every(devices.list((column("devConnectwareId") == key) & condition))
            assert found["devConnectwareId"] == key
        assert not await every(devices.list(column("dpDescription").contains("%%_[")))
        await devices.update({"devConnectwareId": key, "dpDescription": "new"})
        assert (await devices.get(made.id))["dpDescription"] == "new"
        with pytest.raises(BadRequest, match="already"):
            await devices.create({"devConnectwareId": key})
        mixed = await devices.create([{"devConnectwareId": key}, {"devConnectwareId": key[:-1] + "9"}])
        assert [failure["error_context"] for failure in mixed.failures] == [{"devConnectwareId": key}]
        await devices.delete(made.id)
        await devices.delete(mixed.id if not mixed.failures else mixed.locations[0].partition("/")[2])
        with pytest.raises(NotFound, match="404: GET DeviceCore error"):
            await devices.get(made.id)
        with pytest.raises(BadRequest, match="Unknown column 'nope'"):
            await every(devices.list(column("nope") == 1))

    run(face, body, url, auth=AUTH)


@pytest.mark.parametrize("face", FACES)
def test_streams_files_and_monitors(face: str, url: str) -> None:
    async def body(rm: Any) -> None:
        legacy, stream = rm.legacy, "dev/xbee/[00:13]!"
        await legacy.DataStream.create({"streamId": stream, "dataType": "DOUBLE", "units": "<°>"})
        await legacy.DataPoint.create([{"streamId": stream, "data": number} for number in range(5)])
        points = await every(legacy.DataPoint.list(path=stream, size=2))
        assert sorted(float(point["data"]) for point in points) == [0, 1, 2, 3, 4]
        (found,) = await every(legacy.DataStream.list(path=stream))
        assert (found["units"], found["dataType"]) == ("<°>", "DOUBLE")
        await legacy.DataPoint.delete(stream)
        assert not await every(legacy.DataPoint.list(path=stream))
        await legacy.DataStream.delete(stream)

        content = b"\0\xff<a>&"
        await legacy.FileData.update(content, key="~/a folder/x.bin", type="file")
        assert await legacy.FileData.get("~/a folder/x.bin") == content
        (file,) = await every(legacy.FileData.list(column("fdPath") == "~/a folder/", embed=True, numbers=True))
        assert (file["id"]["fdName"], file["fdSize"]) == ("x.bin", len(content))
        await legacy.FileData.delete("~/a folder/")

        monitor = await legacy.Monitor.create({"monTopic": "DeviceCore,DataPoint", "monTransportType": "tcp"})
        read = await legacy.Monitor.get(monitor.id, numbers=True)
        assert (read["monId"], read["monTopic"]) == (int(monitor.id), "DeviceCore,DataPoint")
        await legacy.Monitor.delete(monitor.id)
        with pytest.raises(NotFound):
            await legacy.Nothing.get(1)

    run(face, body, url, auth=AUTH)
