"""The main job as a user writes it, on the generated client."""

import asyncio

import pytest

import digirm
from digirm import (
    AsyncClient,
    BadRequest,
    Client,
    NotFound,
    Options,
    QueryError,
    RemoteManagerError,
    ago,
    any_of,
    check_query,
    field,
    fields,
    raw,
)

CONNECTED = "connection_status = 'connected' and last_update > -1d and ip startswith '10.20.1.'"
NEW = {"id": "00000000-00000000-0040FFFF-FF8001B0", "install_code": "MYPASSW0RD", "group": "test/group"}


def test_devices_from_create_to_delete() -> None:
    with Client("sim:?devices=20") as rm:
        device = rm.devices.inventory.create(NEW).one()
        assert (device["id"], device.get("mac"), device.get("group")) == (NEW["id"], "00:40:FF:80:01:B0", "test/group")
        rm.devices.inventory.update(NEW["id"], {"name": "Fred's router"})
        found = rm.devices.inventory.list(query=fields.devices.inventory.name == "Fred's router").first()
        assert found is not None
        assert found["id"] == NEW["id"]
        assert rm.devices.inventory.delete(NEW["id"]) is None
        with pytest.raises(NotFound):
            rm.devices.inventory.get(NEW["id"])


def test_a_mixture_of_created_and_refused() -> None:
    with Client("sim:?devices=1") as rm:
        created = rm.devices.inventory.create([NEW, {"install_code": "no id"}])
        assert [item["id"] for item in created.items] == [NEW["id"]]
        assert [failure["error_status"] for failure in created.failures] == [400]


@pytest.mark.parametrize("size", [1, 7, 50, 60])
def test_pages_of_any_size_hold_the_same_devices(size: int) -> None:
    with Client("sim:?devices=50") as rm:
        everything = [device["id"] for device in rm.devices.inventory.list()]
        assert len(everything) == len(set(everything)) == 50
        assert [device["id"] for device in rm.devices.inventory.list(size=size)] == everything
        assert len(list(rm.devices.inventory.list(limit=9))) == 9


def test_text_and_built_queries_agree_with_csv() -> None:
    d = fields.devices.inventory
    built = (d.connection_status == "connected") & (d.last_update > ago(days=1)) & d.ip.starts_with("10.20.1.")
    with Client("sim:?devices=200") as rm:
        by_text = [device["id"] for device in rm.devices.inventory.list(query=CONNECTED)]
        assert by_text
        assert [device["id"] for device in rm.devices.inventory.list(query=built)] == by_text
        rows = list(rm.devices.bulk.csv(query=CONNECTED, fields=["id", "connection_status"]))
        assert sorted(row["id"] for row in rows) == sorted(by_text)
        assert {row["connection_status"] for row in rows} == {"connected"}


def test_ways_out_of_the_spec() -> None:
    with Client("sim:?devices=20") as rm:
        expr = any_of(field("health_status"), ["error", "warning"]) | raw("name contains 'x'")
        assert list(rm.devices.inventory.list(query=expr)) == list(rm.devices.inventory.list(query=str(expr)))
        assert rm.request("GET", "/ws/v1/devices/inventory", params={"size": 2})["count"] == 2
        assert rm["devices"]["inventory"].list(limit=1).first() == rm.devices.inventory.list().first()
        with pytest.raises(KeyError, match="the names below are"):
            rm["nothing"]


def test_a_faulty_query_is_not_sent() -> None:
    with Client("sim:?devices=1") as rm:
        with pytest.raises(QueryError, match="did you mean: name") as caught:
            rm.devices.inventory.list(query="nmae contains 'x'").first()
        assert isinstance(caught.value, ValueError)
        assert [d.code for d in caught.value.report.diagnostics] == ["Q201"]
        with pytest.raises(QueryError):
            rm.devices.inventory.list(orderby="nmae").first()
        with pytest.raises(QueryError):
            rm.devices.inventory.list(size=0).first()
        assert not rm._handler.requests  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("validate", "refused_by"), [("strict", QueryError), ("error", BadRequest), ("warn", BadRequest)]
)
def test_a_reconstructed_spec_doubts_and_strict_refuses(validate: str, refused_by: type[Exception]) -> None:
    with Client("sim:?devices=1", validate=validate) as rm, pytest.raises(refused_by):  # type: ignore[arg-type]
        rm.devices.inventory.list(query="zzzzzzzz = 'x'").first()


def test_validate_off_for_one_call_sends_what_it_is_given() -> None:
    with Client("sim:?devices=1", validate="strict") as rm, pytest.raises(BadRequest):
        rm.devices.inventory.list(query="nmae contains 'x'", options=Options(validate="off")).first()


def test_multi_segment_arguments_are_checked_under_the_listed_path() -> None:
    with Client("sim:?devices=1") as rm:
        assert list(rm.streams.history.list("device/temperature", size=5)) == []
        with pytest.raises(ValueError, match="another operation"):
            rm.streams.history.list("device/carrier/sim/usage/1").first()


def test_path_arguments_cannot_escape() -> None:
    with Client("sim:?devices=1") as rm:
        for argument in ("", "..", "%2e%2e", " "):
            with pytest.raises(ValueError, match="must not be"):
                rm.devices.inventory.delete(argument)
        with pytest.raises(ValueError, match="another operation"):
            rm.jobs.get("inventory")
        with pytest.raises(ValueError, match="without a filter"):
            rm.jobs.cancel_all()
        assert not rm._handler.requests  # type: ignore[union-attr]


def test_async_face() -> None:
    async def main() -> None:
        async with AsyncClient("sim:?devices=30") as rm:
            ids = [device["id"] async for device in rm.devices.inventory.list(size=7)]
            assert len(set(ids)) == 30
            assert (await rm.devices.inventory.get(ids[0]))["id"] == ids[0]
            rows = [row async for row in rm.devices.bulk.csv(fields=["id"])]
            assert {row["id"] for row in rows} == set(ids)
            assert await rm.devices.inventory.list().first() is not None
            with pytest.raises(QueryError):
                await rm.devices.inventory.list(query="name contains").first()

    asyncio.run(main())


def test_spec_info_says_that_the_default_is_reconstructed() -> None:
    with Client("sim:?devices=0") as rm:
        assert rm.spec_info["api_version"] == "22.7"
        assert rm.spec_info["provenance"] == "reconstructed"
    report = check_query("devices/inventory", CONNECTED)
    assert report.ok
    assert report.canonical == CONNECTED.replace("startswith", "startsWith")
    assert "reconstructed" in str(report)


def test_everything_exported_is_there() -> None:
    for name in digirm.__all__:
        assert getattr(digirm, name) is not None
    assert issubclass(digirm.Throttled, RemoteManagerError)
    with pytest.raises(AttributeError):
        digirm.nothing  # type: ignore[attr-defined]  # noqa: B018


def test_async_rows_leave_the_loop_free() -> None:
    async def main() -> None:
        async with AsyncClient("sim:?devices=300") as rm:
            beats = 0
            rows = 0
            reading = asyncio.Event()

            async def beat() -> None:
                nonlocal beats
                await reading.wait()
                while not done:
                    beats += 1
                    await asyncio.sleep(0)

            done = False
            task = asyncio.create_task(beat())
            async for _ in rm.devices.bulk.csv(fields=["id"]):
                rows += 1
                reading.set()
            done = True
            await task
            assert rows == 300
            assert beats > 0

    asyncio.run(main())
