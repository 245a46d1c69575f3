"""Long ranges of time: windows that share nothing and miss nothing, and walks that go on where they broke off."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from digirm_runtime.client import AsyncClient, Client
from digirm_runtime.data.history import Range
from digirm_runtime.errors import BadRequest
from digirm_runtime.options import Options
from digirm_runtime.text import parse_time, time_text
from digirm_simulator import Simulator
from tests.support.server import Answer, Got, Server, script

AUTH = ("user", "secret-word")
STREAM = "00000000-00000000-00409DFF-FF112233/t"
START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
MS = timedelta(milliseconds=1)
RECORDED = Path(__file__).parents[1] / "data" / "recorded" / "streams-rollups.json"

Walk = Callable[..., list[dict[str, Any]]]


@pytest.fixture(params=["blocking", "asyncio"])
def walk(request: pytest.FixtureRequest) -> Walk:
    def blocking(url: str, name: str, *args: Any, **kwargs: Any) -> list[dict[str, Any]]:
        with Client(url, auth=AUTH, throttle=None) as rm:
            return list(getattr(rm.data, name)(*args, **kwargs))

    def on_a_loop(url: str, name: str, *args: Any, **kwargs: Any) -> list[dict[str, Any]]:
        async def main() -> list[dict[str, Any]]:
            async with AsyncClient(url, auth=AUTH, throttle=None) as rm:
                return [item async for item in getattr(rm.data, name)(*args, **kwargs)]

        return asyncio.run(main())

    return blocking if request.param == "blocking" else on_a_loop


class Points:
    """A server of one point each minute of a day, in pages of `size`."""

    def __init__(self, size: int = 7) -> None:
        self.times = [START + timedelta(minutes=minute) for minute in range(24 * 60)]
        self.size = size

    def __call__(self, got: Got) -> Answer:
        params = got.params
        low = parse_time(params["start_time"]) if "start_time" in params else self.times[0]
        high = parse_time(params["end_time"]) if "end_time" in params else self.times[-1] + HOUR
        found = [time for time in self.times if low <= time < high]
        if params["order"] == "desc":
            found.reverse()
        at, size = int(params.get("cursor", "0")), int(params.get("size", self.size))
        page = [{"stream_id": STREAM, "timestamp": time_text(time)} for time in found[at : at + size]]
        following = {"cursor": str(at + size)} if at + size < len(found) else {}
        return Answer(body={"count": len(page), "list": page, "size": size, **following})

    def wanted(self, start: datetime, end: datetime, order: str = "asc") -> list[str]:
        found = [time_text(time) for time in self.times if start <= time < end]
        return found if order == "asc" else found[::-1]


def times(items: list[dict[str, Any]]) -> list[str]:
    return [item["timestamp"] for item in items]


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("span", [None, timedelta(minutes=13), 3 * HOUR, timedelta(days=9)])
def test_every_point_once_and_in_order(walk: Walk, order: str, span: timedelta | None) -> None:
    start, end = START + timedelta(minutes=5, seconds=1), START + 7 * HOUR
    points = Points(size=100)
    with Server(points) as server:
        found = walk(server.url, "history", STREAM, start, end, span=span, order=order)
    assert times(found) == points.wanted(start, end, order)
    assert {got.path for got in server.got} == {f"/ws/v1/streams/history/{STREAM}"}


def test_without_windows_only_what_was_said_is_sent(walk: Walk) -> None:
    points = Points(size=1000)
    with Server(points) as server:
        assert len(walk(server.url, "history", STREAM)) == len(points.times)
    assert server.got[0].params == {"order": "asc"}
    with Server(points) as server:
        walk(server.url, "history", STREAM, START.astimezone(timezone(HOUR)), timeline="server", size=50, limit=3)
    assert [got.params for got in server.got] == [
        {"order": "asc", "timeline": "server", "start_time": "2026-01-01T00:00:00.000Z", "size": "50"}
    ]


def test_windows_go_until_now(walk: Walk) -> None:
    before = datetime.now(UTC)
    with script(Answer(body={"count": 0, "list": []})) as server:
        assert walk(server.url, "history", STREAM, before - 3 * HOUR, span=HOUR) == []
    edges = [(parse_time(got.params["start_time"]), parse_time(got.params["end_time"])) for got in server.got]
    assert edges[-1][1] >= before - MS
    assert all(one[1] == two[0] for one, two in pairwise(edges))


def test_a_limit_ends_it_across_windows(walk: Walk) -> None:
    points = Points(size=1000)
    with Server(points) as server:
        found = walk(server.url, "history", STREAM, START, START + 9 * HOUR, span=HOUR, limit=130)
        assert times(found) == points.wanted(START, START + 9 * HOUR)[:130]
        # Pages of what is left, and no window behind the limit.
        assert [got.params["size"] for got in server.got] == ["130", "70", "10"]
        assert walk(server.url, "history", STREAM, START, START + HOUR, limit=0) == []
    assert len(server.got) == 3


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("span", [None, timedelta(minutes=25)])
@pytest.mark.parametrize("stop", [1, 7, 8, 25, 26, 80])
def test_goes_on_where_it_broke_off(order: str, span: timedelta | None, stop: int) -> None:
    points = Points()
    end = START + 2 * HOUR

    def begun(cursor: str | None = None) -> Any:
        return rm.data.history(STREAM, START, end, span=span, order=order, cursor=cursor)

    with Server(points) as server, Client(server.url, auth=AUTH, throttle=None) as rm:
        series = begun()
        seen: list[str] = []
        for item in series:
            seen.append(item["timestamp"])
            if len(seen) == stop:
                break
        rest = times(list(begun(series.cursor)))
        again = begun(series.cursor)
        assert again.cursor == series.cursor
    wanted = points.wanted(START, end, order)
    assert rest == wanted[-len(rest) :]
    # The page of the last item comes again, no more.
    assert 0 <= len(seen) + len(rest) - len(wanted) <= points.size
    assert seen[-1] in rest


def test_a_cursor_of_something_else_is_refused() -> None:
    with Server(Points()) as server, Client(server.url, auth=AUTH, throttle=None) as rm:
        windowed = rm.data.history(STREAM, START, START + 2 * HOUR, span=HOUR)
        plain = rm.data.history(STREAM, START, START + 2 * HOUR)
        cursor = windowed.cursor
        assert cursor is not None
        for args, kwargs, message in (
            (("other", START, START + 2 * HOUR), {"span": HOUR}, "belongs to GET"),
            ((STREAM, START + HOUR, START + 2 * HOUR), {"span": HOUR}, "another range"),
            ((STREAM, START, START + timedelta(minutes=1)), {"span": HOUR}, "another range"),
            ((STREAM, START, START + 2 * HOUR), {"span": HOUR, "order": "desc"}, "must not change"),
            ((STREAM, START, START + 2 * HOUR), {}, "must not change"),
        ):
            with pytest.raises(ValueError, match=message):
                rm.data.history(*args, **kwargs, cursor=cursor)
        with pytest.raises(ValueError, match="walk in windows"):
            rm.data.history(STREAM, START, span=HOUR, cursor=rm.data.history(STREAM).cursor)
        with pytest.raises(ValueError, match="walk in windows"):
            rm.data.history(STREAM, START, span=HOUR, cursor="the server's own")
        with pytest.raises(ValueError, match="damaged"):
            rm.data.history(STREAM, START, cursor="digirm1.damaged")
        assert plain.cursor is not None
    assert server.got == []


def test_an_empty_range(walk: Walk) -> None:
    with Server(Points()) as server, Client(server.url, auth=AUTH, throttle=None) as rm:
        assert walk(server.url, "history", STREAM, START, START, span=HOUR) == []
        assert rm.data.history(STREAM, START, START, span=HOUR).cursor is None
        assert walk(server.url, "history", STREAM, START, START) == []
    assert len(server.got) == 1


@pytest.mark.parametrize(
    ("kwargs", "error", "message"),
    [
        ({"start": datetime(2026, 1, 1)}, ValueError, "time zone"),
        ({"end": datetime(2026, 1, 1)}, ValueError, "time zone"),
        ({"start": "2026-01-01T00:00:00Z"}, TypeError, "start is a datetime"),
        ({"start": START, "end": START - MS}, ValueError, "lies behind"),
        ({"span": HOUR}, ValueError, "need a start"),
        ({"start": START, "span": timedelta(0)}, ValueError, "multiple of"),
        ({"start": START, "span": -HOUR}, ValueError, "multiple of"),
        ({"start": START, "span": timedelta(microseconds=1500)}, ValueError, "multiple of"),
        ({"start": START, "span": 3600}, TypeError, "span is a timedelta"),
        ({"order": "up"}, ValueError, "order must be one of asc, desc"),
        ({"timeline": "mine"}, ValueError, "timeline must be one of"),
        ({"limit": -1}, ValueError, "negative"),
    ],
)
def test_what_cannot_be_asked_is_refused_at_once(kwargs: dict[str, Any], error: type[Exception], message: str) -> None:
    with script(Answer(500)) as server, Client(server.url, auth=AUTH, throttle=None) as rm:
        with pytest.raises(error, match=message):
            rm.data.history(STREAM, **kwargs)
        for stream in ("", "a/../b", f"{STREAM.partition('/')[0]}/carrier/1/usage/1"):
            with pytest.raises(ValueError, match=r"must not be empty|another operation"):
                rm.data.history(stream)
    assert server.got == []


def test_errors_are_those_of_every_call(walk: Walk) -> None:
    with script(Answer(400, {"error_message": "no"})) as server, pytest.raises(BadRequest):
        walk(server.url, "history", STREAM, START, START + HOUR, span=HOUR, options=Options(retries=0))


def test_prefetch_changes_nothing(walk: Walk) -> None:
    points = Points()
    with Server(points) as server:
        found = walk(server.url, "history", STREAM, START, START + 2 * HOUR, span=HOUR, prefetch=True)
    assert times(found) == points.wanted(START, START + 2 * HOUR)


MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))
LENGTHS = st.timedeltas(timedelta(0), timedelta(days=400))


@given(
    start=MOMENTS,
    length=LENGTHS,
    grains=st.integers(1, 10**6),
    grain=st.sampled_from([MS, HOUR]),
    down=st.booleans(),
)
def test_windows_cover_a_range_and_share_nothing(
    start: datetime, length: timedelta, grains: int, grain: timedelta, down: bool
) -> None:
    assume(start < datetime(9998, 1, 1, tzinfo=UTC))
    span = grains * grain
    assume(length / span < 500)
    asked = Range(start, start + length, span, down=down, grain=grain)
    windows = list(asked.windows(None))
    if down:
        windows.reverse()
    if not windows:
        assert asked.start == asked.end
        return
    assert (windows[0][0], windows[-1][1]) == (asked.start, asked.end)
    edges = [edge for edge, _ in windows[1:]]
    assert [end for _, end in windows[:-1]] == edges
    assert all(not (edge - datetime(1970, 1, 1, tzinfo=UTC)) % grain for edge in edges if edge)
    assert all(low and high and timedelta(0) < high - low <= span for low, high in windows)


@given(start=MOMENTS, length=LENGTHS, down=st.booleans(), taken=st.integers(0, 30))
def test_going_on_behind_a_window_gives_the_rest(start: datetime, length: timedelta, down: bool, taken: int) -> None:
    assume(start < datetime(9998, 1, 1, tzinfo=UTC))
    asked = Range(start, start + length, timedelta(days=7), down=down)
    windows = list(asked.windows(None))
    assume(taken < len(windows))
    low, high = windows[taken]
    assert low is not None
    assert high is not None
    place = {"start_time": time_text(low), "end_time": time_text(high)}
    assert list(asked.windows(place)) == windows[taken + 1 :]


def test_far_ends_of_time_are_no_fault() -> None:
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    for down in (False, True):
        for grain in (MS, HOUR):
            assert (
                len(list(Range(first, last, timedelta(days=999_999) * 1000, down=down, grain=grain).windows(None))) == 1
            )
            assert len(list(Range(first, last, timedelta(days=2_000_000), down=down, grain=grain).windows(None))) == 2


def test_the_recorded_rollup(walk: Walk) -> None:
    recorded = json.loads(RECORDED.read_bytes())
    asked = recorded["request"]
    stream = asked["path"].removeprefix("/ws/v1/streams/rollups/")
    with script(Answer(recorded["status"], recorded["body"])) as server:
        found = walk(server.url, "rollups", stream, method=asked["method"], interval=asked["interval"], start=START)
    assert found == recorded["body"]["list"]
    [got] = server.got
    assert got.path == asked["path"]
    assert got.params == {
        "method": "average", "interval": "hour", "order": "asc", "start_time": "2026-01-01T00:00:00.000Z",
    }  # fmt: skip


def test_rollups_are_checked(walk: Walk) -> None:
    with script(Answer(body={"list": []})) as server:
        for zone, name in (("Europe/Berlin", "Europe/Berlin"), (ZoneInfo("America/Chicago"), None), (UTC, "UTC")):
            walk(server.url, "rollups", STREAM, method="max", interval="day", timezone=zone)
            assert server.got[-1].params["timezone"] == (name or "America/Chicago")
        count = len(server.got)
        good = {"method": "sum", "interval": "hour"}
        for wrong, message in (
            ({"method": "avg"}, "method must be one of average, count"),
            ({"interval": "1h"}, "interval must be one of half, hour"),
            ({"interval": "day", "start": START, "span": timedelta(days=5)}, "windows would cut a day"),
            ({"start": START, "span": timedelta(minutes=90)}, "multiple of 1:00:00"),
            ({"timezone": timezone(HOUR)}, "has no name"),
            ({"order": "down"}, "order must be"),
        ):
            with pytest.raises(ValueError, match=message):
                walk(server.url, "rollups", STREAM, **(good | wrong))
    assert len(server.got) == count


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(devices=1, port=0) as running:
        with Client(running.url, auth=AUTH) as rm:
            points = [
                {"stream_id": STREAM, "stream_type": "DOUBLE", "value": minute, "timestamp": START + minute * HOUR / 60}
                for minute in range(600)
            ]
            assert rm.data.upload(points).sent == 600
        yield running


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_against_the_simulator(simulator: Simulator, walk: Walk, order: str) -> None:
    start, end = START + timedelta(minutes=30), START + 9 * HOUR
    whole = walk(simulator.url, "history", STREAM, start, end, order=order, size=100)
    parts = walk(simulator.url, "history", STREAM, start, end, order=order, size=100, span=timedelta(minutes=95))
    values = list(range(30, 540))
    assert [float(point["value"]) for point in whole] == (values if order == "asc" else values[::-1])
    assert parts == whole


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("interval", ["half", "hour"])
def test_rollups_in_windows_are_those_of_the_whole(simulator: Simulator, walk: Walk, interval: str, order: str) -> None:
    asked = {"method": "sum", "interval": interval, "order": order}
    for start, end in ((START, START + 20 * HOUR), (START + timedelta(minutes=70), START + timedelta(minutes=333))):
        whole = walk(simulator.url, "rollups", STREAM, start=start, end=end, **asked)
        assert whole
        assert walk(simulator.url, "rollups", STREAM, start=start, end=end, span=2 * HOUR, **asked) == whole
