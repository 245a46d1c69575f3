from __future__ import annotations

import functools
from collections.abc import Iterator
from datetime import timedelta

import pytest

from digirm_runtime.text import time_text
from digirm_simulator import Simulator, contract, contract_files
from digirm_simulator.clock import Clock
from tests.simulator.support import BASIC, DEVICES, NOW, Api, device_id


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    made = Simulator(devices=12, seed=1, clock=Clock(NOW, speed=0))
    yield made
    made.close()


@pytest.fixture
def api(simulator: Simulator) -> Api:
    return Api(simulator, BASIC)


def test_it_is_what_clients_see(simulator: Simulator, api: Api) -> None:
    listed = api.get(DEVICES).body["list"]
    assert list(simulator.devices) == listed
    assert len(simulator.devices) == 12
    key = listed[3]["id"]
    assert simulator.devices[key] == simulator.devices.get(key.lower()) == listed[3]
    assert key in simulator.devices
    assert device_id(99) not in simulator.devices
    assert 7 not in simulator.devices
    assert repr(simulator.devices) == "<Devices: 12>"


def test_what_it_gives_are_copies(simulator: Simulator) -> None:
    device = next(iter(simulator.devices))
    device["name"] = "changed"
    device["capabilities"].clear()
    assert simulator.devices[device["id"]] != device


def test_it_shows_the_fleet_as_it_is_now(simulator: Simulator) -> None:
    before = list(simulator.devices)
    simulator.clock.advance(hours=3)
    assert list(simulator.devices) != before


def test_an_added_device_is_connected_and_stays_as_it_is(simulator: Simulator, api: Api) -> None:
    added = simulator.devices.add(name="Mine", group="/Alpha/Beta", signal_percent=5)
    assert added["connection_status"] == "connected"
    assert (added["group"], added["signal_percent"]) == ("Alpha/Beta", 5)
    assert {"ip", "mac", "type", "last_connect", "registration_date"} <= added.keys()
    assert added["last_update"] == time_text(NOW)
    assert added == simulator.devices[added["id"]] == api.get(f"{DEVICES}/{added['id']}").body
    assert api.ids(query="name = 'Mine' and group = 'Alpha/Beta'") == [added["id"]]
    groups = api.get("/ws/v1/groups/inventory", query="path startsWith '/Alpha'").body["list"]
    assert [group["path"] for group in groups] == ["/Alpha", "/Alpha/Beta"]
    simulator.clock.advance(days=1)
    assert simulator.devices[added["id"]] == added


def test_ids_are_given_or_chosen(simulator: Simulator) -> None:
    given = simulator.devices.add(device_id(10).lower(), connection_status="disconnected")
    assert given["id"] == device_id(10)
    assert given["type"] == " "
    assert "last_connect" not in given
    chosen = [simulator.devices.add()["id"] for _ in range(5)]
    simulator.devices.remove(chosen[-1])
    chosen.append(simulator.devices.add()["id"])
    assert len({*chosen, given["id"]}) >= 6
    assert len(simulator.devices) == 12 + 6


def test_times_may_be_given_as_such(simulator: Simulator) -> None:
    added = simulator.devices.add(last_update=NOW - timedelta(days=9))
    assert added["last_update"] == "2022-07-06T12:00:00.000Z"


def test_update_sets_and_unsets(simulator: Simulator, api: Api) -> None:
    key = next(iter(simulator.devices))["id"]
    changed = simulator.devices.update(key, name="Renamed", tags=["a"], location=None)
    assert changed == simulator.devices[key]
    assert (changed["name"], changed["tags"], "location" in changed) == ("Renamed", ["a"], False)
    assert api.ids(query="tags = 'a'") == [key]


def test_remove(simulator: Simulator, api: Api) -> None:
    key = next(iter(simulator.devices))["id"]
    simulator.devices.remove(key)
    assert key not in simulator.devices
    assert api.get(f"{DEVICES}/{key}").status == 404


def test_a_connection_that_is_laid_down_stays(simulator: Simulator, api: Api) -> None:
    on, off, *_ = api.ids(query="connection_status = 'connected'")
    assert simulator.devices.disconnect(off)["last_disconnect"] == time_text(NOW)
    assert simulator.devices.connect(on) == simulator.devices[on]
    for _ in range(10):
        simulator.clock.advance(hours=13)
        assert off in api.ids(query="connection_status = 'disconnected'")
        assert on in api.ids(query="connection_status = 'connected' and last_update > -30m")
    assert simulator.devices.connect(off)["last_connect"] == time_text(simulator.clock())
    simulator.clock.advance(days=2)
    assert off in api.ids(query="connection_status = 'connected' and last_update > -30m")
    simulator.devices.update(off, connection_status="disconnected")
    simulator.clock.advance(days=2)
    assert off in api.ids(query="connection_status = 'disconnected'")
    simulator.devices.live(off)
    simulator.clock.advance(minutes=10)
    assert off in api.ids(query="connection_status = 'connected'")


def test_a_first_connection_shows_more(simulator: Simulator) -> None:
    new = simulator.devices.add(connection_status="disconnected")
    connected = simulator.devices.connect(new["id"])
    assert {"ip", "serial_number", "registration_date"} <= connected.keys()
    again = simulator.devices.disconnect(new["id"])
    assert again["ip"] == connected["ip"]


def test_an_added_device_can_be_told_to_live(simulator: Simulator, api: Api) -> None:
    added = simulator.devices.add()
    simulator.devices.live(added["id"])
    simulator.clock.advance(hours=1)
    assert api.ids(query=f"id = '{added['id']}' and last_update > -30m") == [added["id"]]


def test_whatever_a_test_puts_can_live(simulator: Simulator) -> None:
    simulator.put(DEVICES, {"id": "router", "type": ["odd"], "connection_status": 7})
    simulator.devices.live("router")
    simulator.clock.advance(hours=1)
    assert simulator.devices["router"]["connection_status"] == "connected"
    assert simulator.devices["router"]["ip"]


def test_ids_that_no_device_has_are_key_errors(simulator: Simulator) -> None:
    devices, nobody = simulator.devices, device_id(99)
    assert devices.get(nobody) is None
    for call in (
        devices.__getitem__,
        devices.update,
        devices.remove,
        devices.connect,
        devices.disconnect,
        devices.live,
    ):
        with pytest.raises(KeyError, match=nobody):
            call(nobody)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"nmae": "x"}, "no field 'nmae'"),
        ({"install_code": "SECRET"}, "no field 'install_code'"),
        ({"connection_status": "on"}, "connected, disconnected"),
        ({"connection_status": None}, "connected, disconnected"),
        ({"notes": object()}, "cannot hold"),
        ({"notes": "\0"}, "NUL"),
        ({"notes": functools.reduce(lambda inner, _: [inner], range(200), [])}, "nested too deep"),
        ({"notes": "\ud800"}, "surrogates"),
        ({"signal_percent": float("nan")}, "not finite"),
        ({"last_update": NOW.replace(tzinfo=None)}, "no time zone"),
    ],
)
def test_what_no_device_can_have_is_a_value_error(
    simulator: Simulator, fields: dict[str, object], message: str
) -> None:
    before = list(simulator.devices)
    for change in (simulator.devices.add, lambda **fields: simulator.devices.update(before[0]["id"], **fields)):
        with pytest.raises(ValueError, match=message):
            change(**fields)
    assert list(simulator.devices) == before


def test_what_fails_does_not_stop_the_fleet(simulator: Simulator) -> None:
    devices, nobody = simulator.devices, device_id(99)
    for call in (devices.update, devices.remove, devices.connect, devices.disconnect, devices.add):
        simulator.clock.advance(hours=1)
        with pytest.raises((KeyError, ValueError)):
            call(nobody) if call != devices.add else call(nobody, nmae="x")
        last = max(device.get("last_update", "") for device in devices)
        assert last > time_text(simulator.clock() - timedelta(minutes=30))


def test_bad_ids_are_value_errors(simulator: Simulator) -> None:
    with pytest.raises(ValueError, match="is no device id"):
        simulator.devices.add("router")
    with pytest.raises(ValueError, match="exists already"):
        simulator.devices.add(next(iter(simulator.devices))["id"])
    with pytest.raises(ValueError, match="can be set"):
        simulator.devices.update(next(iter(simulator.devices))["id"], customer_number=1)


def test_a_contract_without_devices_has_no_fleet() -> None:
    whole = contract_files.builtin("22.7")
    without = contract.Contract("mine", [found for name, found in whole.categories.items() if name != "devices"])
    simulator = Simulator(contract=without)
    with pytest.raises(LookupError, match="no devices"):
        len(simulator.devices)
    simulator.close()
