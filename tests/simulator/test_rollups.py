"""Roll-ups of data streams, and the calendar that they go by."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from digirm_runtime.query.values import milliseconds
from digirm_simulator import Clock, Simulator
from digirm_simulator.behaviours.rollups import Calendar
from tests.simulator.support import NOW, Api
from tests.simulator.test_streams import HISTORY, STREAM, asked, pages, upload

ROLLUPS = "/ws/v1/streams/rollups"


@pytest.fixture
def empty() -> Iterator[Api]:
    """A simulator without devices, so without streams of its own."""
    with Simulator(devices=0, clock=Clock(NOW, speed=0)) as simulator:
        yield Api(simulator)


def test_rollups_as_printed() -> None:
    """The documentation's example: two hours, their averages."""
    with Simulator(devices=0, clock=Clock(datetime(2014, 2, 24, tzinfo=UTC), speed=0)) as simulator:
        api = Api(simulator)
        upload(api, ("2014-02-23T18:10:00Z", 68), ("2014-02-23T18:50:00Z", 70), ("2014-02-23T19:00:00Z", 71))
        found = asked(api, f"{ROLLUPS}/{STREAM}", {"method": "average", "interval": "hour", "start_time": "-1d"}).body
        assert found == {
            "count": 2,
            "size": 1000,
            "start_time": "2014-02-23T00:00:00.000Z",
            "list": [
                {"stream_id": STREAM, "timestamp": "2014-02-23T18:00:00.000Z", "value": 69.0},
                {"stream_id": STREAM, "timestamp": "2014-02-23T19:00:00.000Z", "value": 71.0},
            ],
        }


@pytest.mark.parametrize(
    ("method", "expected"),
    [("sum", 12.0), ("average", 3.0), ("min", -1.0), ("max", 6.0), ("count", 4), ("standarddev", math.sqrt(6.5))],
)
def test_methods(empty: Api, method: str, expected: float) -> None:
    upload(empty, *((f"2022-07-15T10:0{minute}:00Z", value) for minute, value in enumerate((-1, 3, 4, 6))))
    (found,) = asked(empty, f"{ROLLUPS}/{STREAM}", {"method": method}).body["list"]
    assert found["value"] == pytest.approx(expected)
    csv_text = asked(empty, f"/ws/v1/streams/bulk/rollups/{STREAM}", {"method": method}).body
    assert csv_text.splitlines()[0] == "stream_id,timestamp,value"
    assert float(csv_text.splitlines()[1].rpartition(",")[2]) == pytest.approx(expected)


def test_days_have_23_24_and_25_hours() -> None:
    zone = ZoneInfo("America/Chicago")
    with Simulator(devices=0, clock=Clock(datetime(2022, 12, 1, tzinfo=UTC), speed=0)) as simulator:
        api = Api(simulator)
        for first, hours in ((datetime(2022, 3, 12, tzinfo=zone), 71), (datetime(2022, 11, 5, tzinfo=zone), 73)):
            start = first.astimezone(UTC)
            upload(api, *(((start + timedelta(hours=hour)).isoformat(), 1) for hour in range(hours)))
        params: dict[str, str | int] = {"method": "count", "interval": "day", "timezone": "America/Chicago"}
        found = asked(api, f"{ROLLUPS}/{STREAM}", params).body["list"]
        assert [(item["timestamp"], item["value"]) for item in found] == [
            ("2022-03-12T06:00:00.000Z", 24),
            ("2022-03-13T06:00:00.000Z", 23),
            ("2022-03-14T05:00:00.000Z", 24),
            ("2022-11-05T05:00:00.000Z", 24),
            ("2022-11-06T05:00:00.000Z", 25),
            ("2022-11-07T06:00:00.000Z", 24),
        ]
        assert pages(api, f"{ROLLUPS}/{STREAM}", params | {"size": 1}) == found
        assert pages(api, f"{ROLLUPS}/{STREAM}", params | {"size": 2, "order": "desc"}) == found[::-1]
        months = asked(api, f"{ROLLUPS}/{STREAM}", params | {"interval": "month"}).body
        assert [item["value"] for item in months["list"]] == [71, 73]
        weeks = asked(api, f"{ROLLUPS}/{STREAM}", params | {"interval": "week"}).body
        assert [item["value"] for item in weeks["list"]] == [47, 24, 49, 24]


@pytest.mark.parametrize(
    "params",
    [
        {"interval": "1h"},
        {"method": "avg"},
        {"timezone": "Mars/Olympus"},
        {"timezone": "../../etc/passwd"},
        {"timezone": "America"},
        {"timezone": "\0"},
        {"timezone": "tzdata.zi"},
        {"start_time": "soon"},
        {"end_time": "2022-13-01"},
        {"order": "up"},
        {"size": 0},
        {"cursor": "x"},
    ],
)
def test_parameters_that_no_rollup_takes(empty: Api, params: dict[str, Any]) -> None:
    upload(empty, ("2022-07-15T10:00:00Z", 1))
    assert asked(empty, f"{ROLLUPS}/{STREAM}", params).status == 400


def test_only_numbers_have_rollups(empty: Api) -> None:
    upload(empty, ("", "warm"), stream="text", kind="STRING")
    assert empty.get(f"{ROLLUPS}/text").status == 400
    assert empty.get(f"{ROLLUPS}/nobody").body["list"] == []


def test_the_largest_numbers_stay_numbers(empty: Api) -> None:
    upload(
        empty, *((f"2022-07-15T10:0{minute}:00Z", value) for minute, value in enumerate(("1e308",) * 3 + ("-1e308",)))
    )
    for method in ("sum", "average", "min", "max", "standarddev"):
        (found,) = asked(empty, f"{ROLLUPS}/{STREAM}", {"method": method}).body["list"]
        assert math.isfinite(found["value"])


def test_times_far_away(empty: Api) -> None:
    upload(empty, ("1970-01-01T00:00:00Z", 1), ("9997-12-31T23:59:59Z", 2))
    for far in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "-99999999d", "+99999999999999999d", "9" * 30):
        for interval in ("half", "month"):
            for name in ("start_time", "end_time"):
                params = {name: far, "interval": interval, "timezone": "Pacific/Apia"}
                assert empty.get(f"{ROLLUPS}/{STREAM}", **params).status == 200
                assert empty.get(f"{HISTORY}/{STREAM}", **{name: far}).status == 200
    assert empty.get(f"{ROLLUPS}/{STREAM}", interval="month", timezone="Pacific/Apia").body["count"] == 2


# With changes at midnight (Beirut, Havana, São Paulo), around it (St John's), by half an hour, and over a whole day.
ZONES = (
    "UTC",
    "America/Chicago",
    "America/Havana",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Europe/London",
    "Pacific/Apia",
)
INTERVALS = ("half", "hour", "day", "week", "month")
moments = st.integers(milliseconds(datetime(1971, 1, 1, tzinfo=UTC)), milliseconds(datetime(2037, 1, 1, tzinfo=UTC)))


def utc(text: str) -> int:
    """A minute such as `2022-03-13 05:00` of UTC in milliseconds."""
    return milliseconds(datetime.fromisoformat(f"{text}+00:00"))


#: A moment at or near a change of clocks in each zone that has hard days, and where its day begins and ends.
HARD = (
    # Midnight comes twice, or not at all.
    ("America/Havana", "2022-11-06 05:30", "2022-11-06 04:00", "2022-11-07 05:00"),
    ("America/Havana", "2022-03-13 05:00", "2022-03-13 05:00", "2022-03-14 04:00"),
    # At midnight the day before goes on for an hour; half a year earlier the new one begins at one o'clock.
    ("America/Sao_Paulo", "2018-02-18 02:30", "2018-02-17 02:00", "2018-02-18 03:00"),
    ("America/Sao_Paulo", "2018-11-04 03:00", "2018-11-04 03:00", "2018-11-05 02:00"),
    ("Asia/Beirut", "2022-10-29 21:30", "2022-10-28 21:00", "2022-10-29 22:00"),
    ("Asia/Beirut", "2022-03-26 22:00", "2022-03-26 22:00", "2022-03-27 21:00"),
    # A minute after midnight the clock shows the day before again; the new day goes on.
    ("America/St_Johns", "2010-11-07 02:45", "2010-11-07 02:30", "2010-11-08 03:30"),
    ("America/St_Johns", "2010-11-07 03:30", "2010-11-07 02:30", "2010-11-08 03:30"),
    ("America/St_Johns", "2010-03-14 03:31", "2010-03-14 03:30", "2010-03-15 02:30"),
    # By half an hour.
    ("Australia/Lord_Howe", "2022-04-02 15:00", "2022-04-02 13:00", "2022-04-03 13:30"),
    # The thirtieth of December was left out.
    ("Pacific/Apia", "2011-12-30 09:59", "2011-12-29 10:00", "2011-12-30 10:00"),
    ("Pacific/Apia", "2011-12-30 10:00", "2011-12-30 10:00", "2011-12-31 10:00"),
)


@pytest.mark.parametrize(("zone", "at", "begin", "end"), HARD)
def test_days_around_a_change_of_clocks(zone: str, at: str, begin: str, end: str) -> None:
    calendar = Calendar("day", ZoneInfo(zone))
    assert (calendar.floor(utc(at)), calendar.next(utc(at))) == (utc(begin), utc(end))


def each_change(test: Any) -> Any:
    """The same law at each of the hard moments, so that nothing hangs on chance."""
    for (zone, at, *_), interval in product(HARD, ("day", "week", "month")):
        test = example(interval, zone, [utc(at)], 0)(test)
    return test


@given(
    st.sampled_from(INTERVALS),
    st.sampled_from(ZONES),
    st.lists(moments, min_size=1, max_size=5),
    st.integers(-3 * 3_600_000, 3 * 3_600_000),
)
@each_change
@settings(max_examples=300, deadline=None)
def test_intervals_follow_each_other_without_gaps(interval: str, zone: str, found: list[int], near: int) -> None:
    calendar = Calendar(interval, ZoneInfo(zone))
    # Near a beginning is where it is hard.
    found = sorted([*found, calendar.floor(found[0]) + near])
    for at in found:
        begin, end = calendar.floor(at), calendar.next(at)
        assert begin <= at < end
        assert (calendar.floor(begin), calendar.floor(end)) == (begin, end)
        assert calendar.floor(end - 1) == begin
        assert (calendar.ceil(begin), calendar.ceil(end), calendar.next(begin)) == (begin, end, end)
    assert [calendar.floor(at) for at in found] == sorted(map(calendar.floor, found))


@given(
    st.lists(st.tuples(moments, st.integers(-1000, 1000)), min_size=1, max_size=12),
    st.sampled_from(INTERVALS),
    st.sampled_from(ZONES),
    st.integers(1, 4),
)
@settings(max_examples=25, deadline=None)
def test_rollups_hold_every_point_once(points: list[tuple[int, int]], interval: str, zone: str, size: int) -> None:
    with Simulator(devices=0, clock=Clock(NOW, speed=0)) as simulator:
        api = Api(simulator)
        body = [{"stream_id": "s", "stream_type": "LONG", "value": value, "timestamp": at} for at, value in points]
        assert api("POST", HISTORY, body).status == 201
        params: dict[str, str | int] = {"interval": interval, "timezone": zone, "size": size}
        counts = pages(api, f"{ROLLUPS}/s", params | {"method": "count"})
        means = pages(api, f"{ROLLUPS}/s", params | {"method": "average", "order": "desc"})
    assert sum(item["value"] for item in counts) == len(points)
    calendar = Calendar(interval, ZoneInfo(zone))
    groups: dict[int, list[int]] = {}
    for at, value in points:
        groups.setdefault(calendar.floor(at), []).append(value)
    assert [item["value"] for item in counts] == [len(groups[begin]) for begin in sorted(groups)]
    assert [item["value"] for item in means[::-1]] == pytest.approx(
        [statistics.fmean(groups[begin]) for begin in sorted(groups)]
    )
