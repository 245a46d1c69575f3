"""Data streams: their inventory, points and uploads."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from digirm_runtime.query.values import milliseconds
from digirm_simulator import Clock, Simulator
from tests.simulator.support import NOW, Answer, Api

STREAMS = "/ws/v1/streams/inventory"
HISTORY = "/ws/v1/streams/history"
# As printed in the documentation of roll-ups.
DEVICE = "F9F967B4-33804DCE-2BDC4702-45053B1C"
STREAM = f"{DEVICE}/temperature"


@pytest.fixture
def empty() -> Iterator[Api]:
    """A simulator without devices, so without streams of its own."""
    made = Simulator(devices=0, clock=Clock(NOW, speed=0))
    yield Api(made)
    made.close()


def upload(api: Api, *points: tuple[str, float | str], stream: str = STREAM, kind: str = "DOUBLE") -> Answer:
    body = [{"stream_id": stream, "stream_type": kind, "timestamp": at, "value": value} for at, value in points]
    found = api("POST", HISTORY, body)
    assert found.status == 201, found.body
    return found


def asked(api: Api, path: str, params: dict[str, str | int]) -> Answer:
    """As `api.get`, where a parameter is called `method`."""
    return api.get(f"{path}?{urlencode(params)}")


def pages(api: Api, path: str, params: dict[str, str | int] | None = None) -> list[Any]:
    """All items of a list, by its cursors."""
    items: list[Any] = []
    found = asked(api, path, params or {}).body
    while True:
        assert found["count"] == len(found["list"]) <= found["size"]
        items += found["list"]
        if "cursor" not in found:
            return items
        found = asked(api, path, {**(params or {}), "cursor": found["cursor"]}).body


def test_the_first_devices_have_streams_with_a_last_value(api: Api) -> None:
    found = api.get(STREAMS).body["list"]
    stream = next(item for item in found if item["id"].endswith("/temperature"))
    assert (stream["type"], stream["units"]) == ("DOUBLE", "Celsius")
    assert stream["id"] == f"{stream['device_id']}/temperature"
    assert isinstance(stream["value"], str)
    newest = api.get(f"{HISTORY}/{stream['id']}", order="desc", size=1).body["list"][0]
    assert {name: newest[name] for name in ("value", "timestamp", "server_timestamp")} == {
        name: stream[name] for name in ("value", "timestamp", "server_timestamp")
    }
    assert api.get(f"{STREAMS}/{stream['id']}").body == stream
    assert api.get(stream["history_uri"]).body["count"] == 24


def test_streams_of_a_category(api: Api) -> None:
    assert api("POST", STREAMS, [{"id": "dia/channel/x/sensor"}, {"id": "plain"}, {"id": "metrics/x"}]).status == 201
    by_category = {
        name: [item["id"] for item in pages(api, STREAMS, {"category": name, "size": 2})]
        for name in ("carrier", "data", "management", "metrics")
    }
    everything = [item["id"] for item in pages(api, STREAMS)]
    assert sorted(item for found in by_category.values() for item in found) == sorted(everything)
    assert all(item.split("/")[1] == "carrier" for item in by_category["carrier"])
    assert all(item.split("/")[1] == "metrics" for item in by_category["metrics"])
    assert {"dia/channel/x/sensor", "plain", "metrics/x"} < set(by_category["data"])
    assert by_category["carrier"]
    assert by_category["metrics"]
    assert not by_category["management"]
    assert api.get(STREAMS, category="cellular").status == 400
    rows = list(csv.DictReader(io.StringIO(api.get("/ws/v1/streams/bulk", category="metrics").body)))
    assert [row["id"] for row in rows] == by_category["metrics"]
    assert set(rows[0]) >= {"id", "type", "value", "units", "last_update"}


def test_queries_that_people_write(api: Api) -> None:
    device = api.get(STREAMS, size=1).body["list"][0]["device_id"]
    mine = api.get(STREAMS, query=f"device_id='{device}'").body
    assert mine["count"] == api.get(STREAMS, query=f"id startsWith '{device}'").body["count"] > 0
    assert api.get(STREAMS, query="type = 'double'").body["count"] > 0
    assert api.get(STREAMS, query="last_update>-1h").body["count"] > 0
    assert api.get(STREAMS, query="value = '1'").status == 400


def test_a_stream_is_created_changed_and_deleted_with_its_points(empty: Api) -> None:
    made = empty("POST", STREAMS, {"id": STREAM, "type": "double", "units": "F", "value": "7", "customer_id": 1})
    assert made.status == 201
    assert made.body == {
        "customer_id": 7493,
        "device_id": DEVICE,
        "history_uri": f"{HISTORY}/{STREAM}",
        "id": STREAM,
        "type": "DOUBLE",
        "units": "F",
    }
    upload(empty, ("2022-07-15T10:00:00Z", 69))
    changed = empty("PUT", f"{STREAMS}/{STREAM}", {"description": "porch", "ttl": 3600})
    assert (changed.body["description"], changed.body["value"]) == ("porch", "69")
    assert empty("PUT", f"{STREAMS}/{STREAM}", {"type": "STRING"}).status == 400
    assert empty("PUT", f"{STREAMS}/{STREAM}", {"type": "DOUBLE"}).status == 200
    assert empty("DELETE", f"{STREAMS}/{STREAM}").status == 204
    assert empty.get(f"{STREAMS}/{STREAM}").status == 404
    assert empty.get(f"{HISTORY}/{STREAM}").body["list"] == []
    assert empty("POST", STREAMS, {"id": STREAM, "type": "DOUBLE"}).status == 201
    assert empty.get(f"{HISTORY}/{STREAM}").body["list"] == []


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"id": " "},
        {"id": 7},
        {"id": "a", "type": "COMPLEX"},
        {"id": "a", "type": 1},
        {"id": "a", "units": 5},
        {"id": "a", "ttl": -1},
        {"id": "a", "ttl": "long"},
        {"id": "a", "rollup_ttl": True},
        7,
    ],
)
def test_streams_that_cannot_be(empty: Api, sent: Any) -> None:
    found = empty("POST", STREAMS, sent)
    assert (found.status, found.body["error_status"]) == (400, 400)
    assert empty.get(STREAMS).body["list"] == []


def test_history_by_time_order_and_page(empty: Api) -> None:
    hours = [f"2022-07-15T{hour:02}:00:00Z" for hour in range(11)]
    upload(empty, *((at, str(number)) for number, at in enumerate(hours)))
    path = f"{HISTORY}/{STREAM}"
    first = empty.get(path, start_time="2022-07-15T02:00:00Z", end_time="2022-07-15T09:00:00Z", size=3).body
    assert [item["value"] for item in first["list"]] == ["2", "3", "4"]
    assert (first["size"], first["start_time"]) == (3, "2022-07-15T02:00:00.000Z")
    assert set(first["list"][0]) == {"id", "quality", "server_timestamp", "stream_id", "timestamp", "value"}
    second = empty.get(first["next_uri"]).body
    assert [item["value"] for item in second["list"]] == ["5", "6", "7"]
    third = empty.get(second["next_uri"]).body
    assert [item["value"] for item in third["list"]] == ["8"]  # the end is exclusive
    assert "cursor" not in third
    assert [item["value"] for item in pages(empty, path, {"order": "desc", "size": 4})] == list(
        map(str, reversed(range(11)))
    )
    assert [item["value"] for item in pages(empty, path, {"start_time": "-3h"})] == ["9", "10"]
    assert [item["value"] for item in pages(empty, path, {"end_time": milliseconds(NOW) - 11 * 3_600_000})] == ["0"]
    assert len({item["id"] for item in pages(empty, path)}) == 11
    rows = list(csv.DictReader(io.StringIO(empty.get(f"/ws/v1/streams/bulk/history/{STREAM}", order="desc").body)))
    assert [row["value"] for row in rows] == list(map(str, reversed(range(11))))
    only = empty.get(f"/ws/v1/streams/bulk/history/{STREAM}", fields="value,timestamp", start_time="-2h").body
    assert only == "value,timestamp\n10,2022-07-15T10:00:00.000Z\n"


def test_a_cursor_stays_true_while_points_come_and_go(empty: Api) -> None:
    path = f"{HISTORY}/{STREAM}"
    same = "2022-07-15T05:00:00Z"
    upload(empty, *((same, number) for number in range(6)))
    first = empty.get(path, size=2).body
    upload(empty, ("2022-07-15T04:00:00Z", 100), (same, 6))
    rest = empty.get(path, size=2, cursor=first["cursor"]).body
    assert [item["value"] for item in rest["list"]] == ["2", "3"]
    assert empty.get(path, size=3, cursor=first["cursor"]).status == 400
    assert empty.get(path, size=2, order="desc", cursor=first["cursor"]).status == 400
    assert empty.get(f"{HISTORY}/other", size=2, cursor=first["cursor"]).status == 400
    for forged in ("", "x", "W10", "é", "WyJ4Il0", first["cursor"][:-4]):
        assert empty.get(path, size=2, cursor=forged).status == 400


def test_relative_times_of_a_history_mean_the_same_on_every_page() -> None:
    clock = Clock(NOW, speed=0)
    with Simulator(devices=0, clock=clock) as simulator:
        api = Api(simulator)
        upload(api, *((f"2022-07-15T{hour:02}:30:00Z", hour) for hour in range(6, 12)))
        params: dict[str, str | int] = {"start_time": "-6h", "size": 2, "order": "desc"}
        found = api.get(f"{HISTORY}/{STREAM}", **params).body
        values = [item["value"] for item in found["list"]]
        while "cursor" in found:
            clock.advance(hours=2)
            found = api.get(f"{HISTORY}/{STREAM}", **params, cursor=found["cursor"]).body
            values += [item["value"] for item in found["list"]]
            assert found["start_time"] == "2022-07-15T06:00:00.000Z"
        assert values == ["11", "10", "9", "8", "7", "6"]


def test_two_timelines() -> None:
    clock = Clock(NOW, speed=0)
    with Simulator(devices=0, clock=clock) as simulator:
        api = Api(simulator)
        upload(api, ("2022-07-15T10:00:00Z", 1))
        clock.advance(hours=1)
        upload(api, ("2022-07-15T09:00:00Z", 2))
        path = f"{HISTORY}/{STREAM}"
        assert [item["value"] for item in api.get(path).body["list"]] == ["2", "1"]
        assert [item["value"] for item in api.get(path, timeline="server").body["list"]] == ["1", "2"]
        stream = api.get(f"{STREAMS}/{STREAM}").body
        assert (stream["value"], stream["timestamp"]) == ("1", "2022-07-15T10:00:00.000Z")
        assert stream["last_update"] == "2022-07-15T13:00:00.000Z"
        assert api("DELETE", path, timeline="server", end_time="-30m").status == 204
        assert [item["value"] for item in api.get(path).body["list"]] == ["2"]
        assert api.get(f"{STREAMS}/{STREAM}").body["value"] == "2"
        assert api("DELETE", path).status == 204
        assert "value" not in api.get(f"{STREAMS}/{STREAM}").body
        assert api.get(path, timeline="device").status == 400


def test_points_older_than_the_stream_keeps_go() -> None:
    clock = Clock(NOW, speed=0)
    with Simulator(devices=0, clock=clock) as simulator:
        api = Api(simulator)
        api("POST", STREAMS, {"id": STREAM, "type": "DOUBLE", "ttl": 3600})
        for _ in range(3):
            upload(api, ("", 1))
            clock.advance(minutes=40)
        assert api.get(f"{HISTORY}/{STREAM}").body["count"] == 2


def test_how_old_a_point_is_counts_from_when_it_came() -> None:
    clock = Clock(NOW, speed=0)
    with Simulator(devices=0, clock=clock) as simulator:
        api = Api(simulator)
        api("POST", STREAMS, {"id": STREAM, "type": "DOUBLE", "ttl": 3600})
        upload(api, ("2022-07-15T14:00:00Z", 1))
        clock.advance(minutes=90)
        upload(api, ("2022-07-15T06:00:00Z", 2))
        assert [item["value"] for item in api.get(f"{HISTORY}/{STREAM}").body["list"]] == ["2"]


def test_metrics_get_points_as_their_device_reports() -> None:
    clock = Clock(NOW, speed=0)
    with Simulator(devices=6, seed=1, clock=clock) as simulator:
        api = Api(simulator)
        stream = next(item for item in api.get(STREAMS, category="metrics").body["list"])
        path = f"{HISTORY}/{stream['id']}"
        before = api.get(path).body["count"]
        clock.advance(hours=6)
        after = api.get(path).body
        assert after["count"] > before
        assert api.get(path, start_time=NOW.isoformat()).body["count"] == after["count"] - before
        device = api.get(f"/ws/v1/devices/inventory/{stream['device_id']}").body
        newest = api.get(f"{STREAMS}/{stream['id']}").body
        assert newest["value"] == str(device[stream["id"].rpartition("/")[2]])


def test_monitors_are_told_of_the_points_of_metrics() -> None:
    clock = Clock(NOW, speed=0)
    with Simulator(devices=6, seed=1, clock=clock) as simulator:
        api = Api(simulator)
        stream = next(item for item in api.get(STREAMS, category="metrics").body["list"])["id"]
        sent = {"type": "polling", "persistent": True, "topics": [f"DataPoint/{stream}"]}
        monitor = api("POST", "/ws/v1/monitors/inventory", sent).body["id"]
        clock.advance(hours=6)
        told = [item["DataPoint"] for item in api.get(f"/ws/v1/monitors/history/{monitor}").body["list"]]
        found = api.get(f"{HISTORY}/{stream}", start_time=NOW.isoformat()).body["list"]
        assert [(item["id"], str(item["data"])) for item in told] == [(item["id"], item["value"]) for item in found]
        assert told


def test_what_a_sim_used(api: Api) -> None:
    stream = api.get(STREAMS, category="carrier").body["list"][0]
    found = api.get(f"{HISTORY}/{stream['id']}").body
    assert found["count"] == 7
    assert {item["stream_id"] for item in found["list"]} == {stream["id"]}
    assert api.get(f"{HISTORY}/nobody/carrier/1/usage/1").status == 404


# Uploads


def test_one_point_creates_its_stream(empty: Api) -> None:
    made = empty("POST", HISTORY, {"stream_id": "probe", "value": "warm", "description": "d", "stream_units": "u"})
    assert (made.status, made.body["count"]) == (201, 1)
    assert made.body["list"][0]["timestamp"] == "2022-07-15T12:00:00.000Z"
    stream = empty.get(f"{STREAMS}/probe").body
    assert (stream["type"], stream["value"]) == ("STRING", "warm")
    assert (stream["description"], stream["units"]) == ("d", "u")


def test_what_fails_stands_beside_what_does_not(empty: Api) -> None:
    bad = {"stream_id": "b", "stream_type": "INTEGER", "value": "x"}
    found = empty("POST", HISTORY, [{"stream_id": "a", "stream_type": "LONG", "value": 5}, bad])
    assert found.status == 207
    good, problem = found.body["list"]
    assert good["value"] == "5"
    assert (problem["error_status"], problem["error_context"]) == (400, bad)
    assert empty.get(f"{STREAMS}/b").status == 404
    assert empty("POST", HISTORY, bad).status == 400
    assert empty.get(STREAMS).body["count"] == 1
    assert empty("POST", HISTORY, {"stream_id": "a", "stream_type": "STRING", "value": "5"}).status == 400


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("INTEGER", [0, "-2147483648", "+7", " 3 "], ["2147483648", 1.5, "1.0", "0x10", "", "9" * 5000, None]),
        ("LONG", ["9223372036854775807", -1], ["9223372036854775808", "ten"]),
        ("FLOAT", ["1.5", 3, "-1e10", ".5", "5."], ["3.5e38", "nan", "inf", "1_0", "0x1p3"]),
        ("DOUBLE", ["646107.82", 1e300], ["1e309", "Infinity", True, [1], {}]),
        ("STRING", ["", "any thing", 5], [None, False]),
        ("BINARY", ["", "aGVsbG8="], ["not base64!", "aGVsbG8", "é"]),
        ("binary", ["AAAA"], ["A"]),
        ("JSON", ['{"a": [1, null]}', "5"], ["{", "", "[" * 100_000, {}]),
        ("GEOJSON", ['{"type": "Point", "coordinates": [1, 2]}'], ["Point"]),
    ],
)
def test_values_must_fit_the_type(empty: Api, kind: str, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        found = empty("POST", HISTORY, {"stream_id": "s", "stream_type": kind, "value": value})
        assert found.status == 201, (value, found.body)
    for value in bad:
        found = empty("POST", HISTORY, {"stream_id": "s", "stream_type": kind, "value": value})
        assert found.status == 400, value
    assert empty.get(f"{HISTORY}/s").body["count"] == len(good)


@pytest.mark.parametrize(
    "point",
    [
        {"timestamp": "yesterday"},
        {"timestamp": -1},
        {"timestamp": "9999-01-01T00:00:00Z"},
        {"timestamp": [1]},
        {"quality": "good"},
        {"quality": 1 << 40},
        {"stream_id": ""},
        {"stream_id": 5},
        {"stream_type": "BOOLEAN"},
    ],
)
def test_points_that_cannot_be(empty: Api, point: dict[str, Any]) -> None:
    found = empty("POST", HISTORY, {"stream_id": "s", "value": "1"} | point)
    assert (found.status, found.body["error_status"]) == (400, 400)
    assert empty.get(STREAMS).body["count"] == 0


def test_csv_uploads(empty: Api) -> None:
    body = (
        '#STREAMID,DATA,TIMESTAMP,DATATYPE\nporch,20.5,1657878000000,DOUBLE\nporch,"21",2022-07-15T10:00:00Z,DOUBLE\n'
    )
    assert empty("POST", HISTORY, body.encode()).status == 201
    found = empty.get(f"{HISTORY}/porch").body["list"]
    assert [(item["timestamp"], item["value"]) for item in found] == [
        ("2022-07-15T09:40:00.000Z", "20.5"),
        ("2022-07-15T10:00:00.000Z", "21"),
    ]


def test_xml_uploads(empty: Api) -> None:
    point = "<DataPoint><streamId>porch</streamId><data>{}</data><streamType>LONG</streamType></DataPoint>"
    assert empty("POST", HISTORY, point.format(1).encode()).status == 201
    assert empty("POST", HISTORY, f"<list>{point.format(2)}{point.format(3)}</list>".encode()).body["count"] == 2
    assert [item["value"] for item in empty.get(f"{HISTORY}/porch").body["list"]] == ["1", "2", "3"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"\xff\xfe",
        b"a,b\n1,2,3\n",
        b'stream_id,value\na,"b',
        b"stream_id,value\n",
        b"stream_id,value\na,\0\n",
        b"<DataPoint>",
        b"<other/>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><DataPoint><streamId>&b;</streamId></DataPoint>',
        b"<DataPoint><streamId>a</streamId></DataPoint>",
        b"[" * 5000,
    ],
)
def test_bodies_that_are_none(empty: Api, body: bytes) -> None:
    assert empty("POST", HISTORY, body).status == 400
    assert empty.get(STREAMS).body["count"] == 0


def test_large_bodies_of_text(empty: Api) -> None:
    assert empty("POST", HISTORY, b"stream_id,value\n" + b"a,1\n" * 1_100_000).status == 413
    assert empty("POST", HISTORY, b"stream_id,value\n" + b"a,1\n" * 10_001).status == 400
