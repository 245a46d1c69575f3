from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digirm_runtime.text import parse_time, time_text
from digirm_simulator import Simulator, contract, contract_files, life
from digirm_simulator.clock import Clock
from digirm_simulator.life import INTERVAL, NAME
from digirm_simulator.rhythm import Day, Dice, moment_text
from digirm_simulator.values import milliseconds
from digirm_simulator.world import Change, World
from tests.simulator.support import DEVICES, NOW, Api, device_id

HALF_HOUR = timedelta(milliseconds=INTERVAL)


@contextmanager
def living(**settings: Any) -> Iterator[tuple[Simulator, list[Change]]]:
    """A simulator whose clock stands, and what its fleet does."""
    settings = {"devices": 60, "seed": 7, "clock": Clock(NOW, speed=0)} | settings
    simulator = Simulator(**settings)
    seen: list[Change] = []

    def observe(_: World, change: Change) -> None:
        if change.name == NAME:
            seen.append(change)

    simulator._world.observers.append(observe)
    try:
        yield simulator, seen
    finally:
        simulator.close()


def life_of(steps: list[float], **settings: Any) -> tuple[list[dict[str, Any]], list[Change]]:
    """The devices and all that happened after the clock was advanced by `steps`, in minutes."""
    with living(**settings) as (simulator, seen):
        for minutes in steps:
            simulator.clock.advance(minutes=minutes)
            simulator.tick()
        return list(simulator.devices), seen


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 400), min_size=1, max_size=6), st.integers(0, 3))
def test_it_does_not_matter_how_the_clock_got_there(steps: list[float], seed: int) -> None:
    assert life_of(steps, devices=15, seed=seed) == life_of([sum(steps)], devices=15, seed=seed)


def test_batches_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, seen = life_of([26 * 60])
    monkeypatch.setattr(life, "BATCH", 7)
    monkeypatch.setattr(life, "SPAN", 45 * 60_000)
    parts, seen_in_parts = life_of([26 * 60])
    assert whole == parts
    assert seen == seen_in_parts
    assert [(change.at, change.key) for change in seen] == sorted((change.at, change.key) for change in seen)


def test_threads_that_catch_up_together_live_each_tick_once() -> None:
    with living() as (simulator, seen):
        simulator.clock.advance(hours=30)
        threads = [threading.Thread(target=simulator.tick) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (list(simulator.devices), seen) == life_of([30 * 60])


def test_what_is_undone_is_lived_again() -> None:
    with living() as (simulator, _):
        simulator.clock.advance(hours=30)
        with suppress(KeyError), simulator._store.transaction():
            simulator.tick()
            raise KeyError
        assert list(simulator.devices) == life_of([30 * 60])[0]


def test_another_seed_is_another_life() -> None:
    one, other = (life_of([600], seed=seed)[1] for seed in (1, 2))
    assert [change[:3] for change in one] != [change[:3] for change in other]


def test_nothing_happens_while_the_clock_stands() -> None:
    with living() as (simulator, seen):
        before = Api(simulator).get(DEVICES).body
        simulator.tick()
        assert Api(simulator).get(DEVICES).body == before
        assert seen == []


def test_connected_devices_report_every_half_hour() -> None:
    with living(devices=200) as (simulator, seen):
        api = Api(simulator)
        for _ in range(6):
            recent = api.ids(query="last_update > -30m and connection_status = 'connected'")
            assert recent == api.ids(query="connection_status = 'connected'")
            assert len(recent) > 100
            simulator.clock.advance(hours=3)
        reports = {key: [c.at for c in seen if c.key == key and c.kind != "disconnect"] for key in recent}
        for times in reports.values():
            assert all((later - earlier) % HALF_HOUR == timedelta(0) for earlier, later in pairwise(times))
        assert any(len(times) == 30 for times in reports.values())


def test_devices_come_and_go() -> None:
    with living(devices=200) as (simulator, seen):
        first = {device["id"]: device for device in simulator.devices}
        simulator.clock.advance(days=2)
        last = {device["id"]: device for device in simulator.devices}
    kinds = Counter(change.kind for change in seen)
    assert kinds.keys() == {"connect", "disconnect", "report"}
    assert min(kinds["connect"], kinds["disconnect"]) > 50
    connected = [sum(d["connection_status"] == "connected" for d in fleet.values()) for fleet in (first, last)]
    assert abs(connected[0] - connected[1]) < 30
    assert first != last


def uncounted(device: Mapping[str, Any]) -> dict[str, Any]:
    """A device without its number of alerts, which is the alerts' to change."""
    return {name: value for name, value in device.items() if name != "alerts"}


def test_each_change_follows_from_the_one_before() -> None:
    with living(devices=100) as (simulator, seen):
        state = {device["id"]: uncounted(device) for device in simulator.devices}
        simulator.clock.advance(days=1)
        simulator.tick()
        for change in seen:
            before, after = change.before, change.after
            assert before is not None
            assert after is not None
            assert (uncounted(before), change.by) == (state[change.key], None)
            was, now = (found["connection_status"] for found in (before, after))
            kinds = {("connected", "disconnected"): "disconnect", ("disconnected", "connected"): "connect"}
            assert change.kind == kinds.get((was, now), "report")
            time = "last_disconnect" if change.kind == "disconnect" else "last_update"
            assert after[time] == time_text(change.at)
            state[change.key] = uncounted(after)
        assert state == {device["id"]: uncounted(device) for device in simulator.devices}


def test_health_and_signal_drift() -> None:
    _, seen = life_of([24 * 60])
    reports = [change for change in seen if change.kind == "report" and change.before and change.after]
    health = [change for change in reports if change.before["health_status"] != change.after["health_status"]]
    assert 0 < len(health) < len(reports) / 10
    signals = [(c.before.get("signal_percent"), c.after.get("signal_percent")) for c in reports]
    assert any(before != after for before, after in signals)
    for before, after in signals:
        assert (before is None) == (after is None)
        assert after is None or (1 <= after <= 100 and abs(before - after) <= 36)


def test_a_provisioned_device_connects_within_minutes_and_shows_more() -> None:
    with living(devices=0) as (simulator, seen):
        api = Api(simulator)
        path = f"{DEVICES}/{device_id(7)}"
        new = api("POST", DEVICES, {"id": device_id(7), "name": "New"}).body["list"][0]
        simulator.clock.advance(minutes=2)
        assert api.get(path).body == new
        simulator.clock.advance(minutes=8)
        first = api.get(path).body
        appeared = {"firmware_version", "ip", "last_connect", "last_update", "public_ip", "registration_date"}
        assert first.keys() - new.keys() >= appeared | {"serial_number", "sku", "vendor_id", "alerts", "capabilities"}
        assert (first["connection_status"], first["mac"], first["name"]) == ("connected", new["mac"], "New")
        assert first["type"].strip()
        assert first["firmware_status"] != "not_identified"
        assert [change.kind for change in seen] == ["create", "connect"]
        simulator.clock.advance(minutes=30)
        again = api.get(path).body
        assert parse_time(again["last_update"]) == parse_time(first["last_update"]) + HALF_HOUR
        assert again["registration_date"] == first["registration_date"]


def test_deleted_devices_stop() -> None:
    with living() as (simulator, seen):
        api = Api(simulator)
        for device in api.ids():
            assert api("DELETE", f"{DEVICES}/{device}").status == 204
        del seen[:]
        simulator.clock.advance(days=1)
        assert api.ids() == []
        assert seen == []


def test_what_a_test_puts_stays_as_it_is() -> None:
    with living(devices=0) as (simulator, seen):
        device = {"id": device_id(1), "connection_status": "connected", "last_update": time_text(NOW)}
        simulator.put(DEVICES, device)
        simulator.clock.advance(days=1)
        assert list(simulator.devices) == [device]
        assert seen == []


def test_a_data_file_goes_on_after_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    with living(data=file) as (simulator, _):
        simulator.clock.advance(hours=5)
        simulator.tick()
    with living(data=file, devices=0, clock=Clock(NOW + timedelta(hours=8), speed=0)) as (simulator, _):
        found = list(simulator.devices)
    assert found == life_of([8 * 60])[0]


def test_of_a_long_pause_only_the_last_day_is_lived(tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    with living(data=file) as (simulator, _):
        simulator.tick()
    later = NOW + timedelta(days=300)
    with living(data=file, clock=Clock(later, speed=0)) as (simulator, seen):
        found = list(simulator.devices)
        assert later - timedelta(days=1) <= seen[0].at < later - timedelta(days=1) + HALF_HOUR
    connected = [device for device in found if device["connection_status"] == "connected"]
    assert len(connected) > 20
    assert all(parse_time(device["last_update"]) > later - HALF_HOUR for device in connected)


def test_a_contract_without_devices_has_no_life() -> None:
    whole = contract_files.builtin("22.7")
    without = contract.Contract("mine", [found for name, found in whole.categories.items() if name != "devices"])
    with living(contract=without) as (simulator, seen):
        simulator.clock.advance(days=1)
        simulator.tick()
        assert Api(simulator).get(DEVICES).status == 404
        assert seen == []


@given(st.integers(0, 1000), st.integers(0, 5000))
def test_a_day_begins_connected_and_is_the_same_twice(seed: int, number: int) -> None:
    day, again = Day(seed, device_id(1), number), Day(seed, device_id(1), number)
    states = [(day.connected(slot), day.health(slot), day.signal(slot, 50)["signal_percent"]) for slot in range(48)]
    assert states[0][0]
    assert sum(not connected for connected, _, _ in states) <= 32
    assert len({health for _, health, _ in states}) <= 2
    assert [again.signal(slot, 50)["signal_percent"] for slot in range(48)] == [percent for _, _, percent in states]


@given(st.integers(2, 1 << 40), st.integers(0, 100))
def test_dice_stay_in_their_range(limit: int, seed: int) -> None:
    drawn = [Dice(seed, "x").below(limit), Dice(seed, "x").below(limit)]
    assert drawn[0] == drawn[1] < limit
    assert 5 <= Dice(seed).between(5, 5 + limit) < 5 + limit
    assert Dice(seed).pick("abc") in "abc"


@given(st.datetimes(datetime(1971, 1, 1), datetime(8999, 1, 1)))
def test_the_quick_time_text_is_that_of_the_runtime(moment: datetime) -> None:
    aware = moment.replace(tzinfo=NOW.tzinfo)
    assert moment_text(milliseconds(aware)) == time_text(aware)
