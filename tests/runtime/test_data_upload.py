"""Uploads of data points: every point goes once, in order, and what becomes of it is told."""

from __future__ import annotations

import asyncio
import json
import pickle
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digirm_runtime.client import AsyncClient, Client
from digirm_runtime.data import Failure, Point, Report, UploadError
from digirm_runtime.data.answers import refusals
from digirm_runtime.data.points import encode, value_text
from digirm_runtime.data.uploads import Upload
from digirm_runtime.errors import AuthError, TransportError
from digirm_runtime.hooks import Event, Hooks
from digirm_runtime.options import Options, Throttle
from digirm_runtime.wire import Response
from tests.support.server import Answer, Got, Server, dropped, script

AUTH = ("user", "secret-word")
STREAM = "00000000-00000000-00409DFF-FF112233/t"
START = datetime(2026, 1, 1, tzinfo=UTC)

Do = Callable[..., Report]


@pytest.fixture(params=["blocking", "asyncio", "asynchronous points"])
def upload(request: pytest.FixtureRequest) -> Do:
    def blocking(url: str, points: Iterable[Any], **kwargs: Any) -> Report:
        with Client(url, auth=AUTH, throttle=kwargs.pop("throttle", None)) as rm:
            return rm.data.upload(points, **kwargs)

    def on_a_loop(url: str, points: Iterable[Any], **kwargs: Any) -> Report:
        async def slowly() -> AsyncIterator[Any]:
            for point in points:
                yield point

        async def main() -> Report:
            async with AsyncClient(url, auth=AUTH, throttle=kwargs.pop("throttle", None)) as rm:
                return await rm.data.upload(points if request.param == "asyncio" else slowly(), **kwargs)

        return asyncio.run(main())

    return blocking if request.param == "blocking" else on_a_loop


def points(count: int) -> Iterator[Point]:
    return (Point(STREAM, number, START + timedelta(seconds=number)) for number in range(count))


def sent(server: Server) -> list[list[dict[str, Any]]]:
    return [json.loads(got.body) for got in server.got]


def stored(got: Got) -> Answer:
    items = json.loads(got.body)
    return Answer(201, {"count": len(items), "list": items})


def test_batches_in_order(upload: Do) -> None:
    told: list[tuple[int, int | None]] = []
    with Server(stored) as server:
        report = upload(server.url, points(23), batch=10, progress=lambda *at: told.append(at))
    assert (report.sent, report.failures) == (23, [])
    batches = sent(server)
    assert [len(batch) for batch in batches] == [10, 10, 3]
    assert [item["value"] for batch in batches for item in batch] == [str(number) for number in range(23)]
    assert [done for done, _ in told] == [10, 20, 23]
    assert {(got.method, got.target) for got in server.got} == {("POST", "/ws/v1/streams/history")}


def test_nothing_to_send(upload: Do) -> None:
    with Server(stored) as server:
        assert upload(server.url, []).sent == 0
    assert server.got == []


def test_a_length_that_is_known_is_told() -> None:
    told: list[tuple[int, int | None]] = []
    with Server(stored) as server, Client(server.url, auth=AUTH, throttle=None) as rm:
        rm.data.upload(list(points(3)), progress=lambda *at: told.append(at))
        rm.data.upload(points(3), progress=lambda *at: told.append(at))
    assert told == [(3, 3), (3, None)]


def test_points_are_read_as_they_are_sent() -> None:
    read = 0
    ahead: list[int] = []

    def counted() -> Iterator[Point]:
        nonlocal read
        for point in points(100):
            read += 1
            yield point

    def reply(got: Got) -> Answer:
        ahead.append(read)
        return stored(got)

    with Server(reply) as server, Client(server.url, auth=AUTH, throttle=None) as rm:
        rm.data.upload(counted(), batch=10)
    assert ahead == list(range(10, 101, 10))


def failed(item: Any, message: str = "odd") -> dict[str, Any]:
    return {"error_context": item, "error_message": message, "error_status": 400}


def odd_ones_fail(got: Got) -> Answer:
    items = json.loads(got.body)
    entries = [failed(item) if int(item["value"]) % 2 else item for item in items]
    if len(items) == 1 and entries != items:
        return Answer(400, {"error_message": "odd", "error_status": 400})
    return Answer(207, {"count": len(entries), "list": entries})


@pytest.mark.parametrize("batch", [1, 2, 3, 7, 100])
def test_failures_are_known_by_their_place(upload: Do, batch: int) -> None:
    with Server(odd_ones_fail) as server:
        report = upload(server.url, points(8), batch=batch)
    assert report.sent == 8
    assert [failure.position for failure in report.failures] == [1, 3, 5, 7]
    assert [failure.point["value"] for failure in report.failures] == ["1", "3", "5", "7"]
    assert {(failure.message, failure.status) for failure in report.failures} == {("odd", 400)}


def sent_as(*made: Point) -> list[dict[str, Any]]:
    return [encode(point) for point in made]


def places(items: list[dict[str, Any]], answer: Any, status: int = 207) -> list[int]:
    """Where an answer to a batch says that its failures lie."""
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return [refusal.place for refusal in refusals(items, Response(status, {}, body))]


def test_failures_are_found_whatever_the_order() -> None:
    items = sent_as(*points(3))
    assert places(items, {"list": [items[0], items[1], failed(items[2])]}) == [2]
    assert places(items, [items[0], items[1], failed(items[2])], 200) == [2]
    assert places(items, {"list": [failed(items[2]), failed(items[0]), items[1]]}) == [2, 0]
    # A context that says less, more, or nothing.
    assert places(items, {"list": [items[0], failed({"stream_id": STREAM}), items[2]]}) == [1]
    assert places(items, {"list": [failed({**items[1], "id": 5, "value": 1})]}) == [1]
    assert places(items, {"list": [items[0], failed(None), items[2]]}) == [1]
    assert places(items, {"list": [failed(None)] * 3}) == [0, 1, 2]
    # The failures alone.
    assert places(items, {"list": [failed(items[2]), failed(items[1])]}) == [2, 1]
    assert places(items[:1], failed(None), 200) == [0]


def test_the_same_point_twice_fails_twice() -> None:
    items = sent_as(*[Point(STREAM, 1, START)] * 3)
    assert places(items, {"list": [failed(items[0]), items[1], failed(items[2])]}) == [0, 2]
    assert places(items, {"list": [failed(items[0])] * 2}) == [0, 1]


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (201, b""), (204, b""), (201, {"count": 0, "list": []}), (201, {"count": 2}), (201, [{}]),
        (200, {"list": [{"stream_id": STREAM}] * 2}), (202, [{"stream_id": STREAM}] * 2),
        (207, {"list": [{"stream_id": STREAM}] * 2}), (200, {"list": [{"id": "1"}, {"id": "2"}]}),
        (201, b" "),
    ],
)  # fmt: skip
def test_answers_by_which_all_is_stored(status: int, answer: Any) -> None:
    assert places(sent_as(*points(2)), answer, status) == []


def test_an_answer_by_which_the_only_point_is_stored() -> None:
    [item] = sent_as(*points(1))
    assert places([item], item, 200) == places([item], [item], 200) == []


_ENTRY = {"stream_id": STREAM}


@pytest.mark.parametrize("status", [200, 207])
@pytest.mark.parametrize(
    "answer",
    [
        b"", None, 5, "text", {}, [], [[]], {"list": 5}, {"list": None}, {"list": []}, {"count": 2}, {"error": "nope"},
        [_ENTRY], [_ENTRY] * 3, _ENTRY, [_ENTRY, None], [_ENTRY, {}], [_ENTRY, {"error": "nope"}],
        [{**_ENTRY, "error_message": "nope"}] * 2, [_ENTRY, _ENTRY, failed(_ENTRY)],
        [failed(None)], [failed(None)] * 5, [failed(encode(Point(STREAM, 1, START)))] * 5, failed("all of it"),
        [failed({"stream_id": STREAM})],
    ],
)  # fmt: skip
def test_answers_that_leave_a_fate_open(status: int, answer: Any) -> None:
    with pytest.raises(TransportError, match="answered"):
        places(sent_as(*points(2)), answer, status)


@pytest.mark.parametrize("answer", [None, 5, {"list": 5}, {"error": "nope"}, [{"error_message": "nope"}], [None]])
def test_not_even_a_201_speaks_for_such_a_body(answer: Any) -> None:
    with pytest.raises(TransportError, match="answered 201"):
        places(sent_as(*points(1)), answer, 201)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["list", "error", "error_status", "error_message", "error_context", "stream_id", "value"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=30,
)


@given(answer=JSON, count=st.integers(1, 4), status=st.sampled_from([200, 201, 202, 204, 207]))
def test_whatever_is_answered_no_point_fails_twice(answer: Any, count: int, status: int) -> None:
    try:
        found = places(sent_as(*points(count)), answer, status)
    except TransportError:
        return
    assert len(set(found)) == len(found) <= count
    assert all(0 <= place < count for place in found)


def test_an_answer_that_leaves_a_fate_open_stops_an_upload(upload: Do) -> None:
    ok = Answer(201, {"count": 0, "list": []})
    for answer in (Answer(200, b"null"), Answer(200), Answer(200, {"error": "nope"}), Answer(207, [failed(None)])):
        with script(ok, answer, ok) as server, pytest.raises(UploadError, match=r"POST .*: answered") as caught:
            upload(server.url, points(30), batch=10)
        assert (caught.value.sent, caught.value.unsure, caught.value.failures) == (10, 10, [])
        assert len(server.got) == 2


@pytest.mark.parametrize(
    ("bad", "options"),
    [
        ({"stream_id": STREAM, "value": 1, "description": "\ud800"}, None),
        ({"stream_id": STREAM, "value": 1, "other": object()}, None),
        (Point(STREAM, 1), Options(headers={"x": "a\nb"})),
    ],
)
def test_what_cannot_be_sent_leaves_nothing_unsure(upload: Do, bad: Any, options: Options | None) -> None:
    with Server(stored) as server, pytest.raises(UploadError) as caught:
        upload(server.url, [bad], options=options)
    assert isinstance(caught.value.__cause__, ValueError | TypeError)
    assert (caught.value.sent, caught.value.unsure) == (0, 0)
    assert server.got == []


def test_a_read_only_client_leaves_nothing_unsure() -> None:
    with (
        Server(stored) as server,
        Client(server.url, auth=AUTH, read_only=True) as rm,
        pytest.raises(UploadError, match="read-only") as caught,
    ):
        rm.data.upload(points(3))
    assert (caught.value.sent, caught.value.unsure, server.got) == (0, 0, [])


def test_a_hook_that_raises_behind_the_answer_leaves_its_batch_unsure() -> None:
    def stop(event: Event) -> None:
        raise ValueError(event.url)

    hooks = Hooks(on_response=stop)
    with (
        Server(stored) as server,
        Client(server.url, auth=AUTH, throttle=None, hooks=hooks) as rm,
        pytest.raises(UploadError) as caught,
    ):
        rm.data.upload(points(3))
    assert (caught.value.sent, caught.value.unsure) == (0, 3)


def test_a_fault_says_how_far_it_came(upload: Do) -> None:
    ok = Answer(201, {"count": 0, "list": []})
    for answer, unsure, cause in (
        (Answer(503), 10, "ServerError"),
        (dropped(), 10, "TransportError"),
        (Answer(200, b"<html>login</html>", (("content-type", "text/html"),)), 10, "TransportError"),
        (Answer(401), 0, "AuthError"),
        (Answer(400, {"error_message": "no"}), 0, "BadRequest"),
    ):
        with script(ok, ok, answer) as server, pytest.raises(UploadError) as caught:
            upload(server.url, points(35), batch=10)
        error = caught.value
        assert (error.sent, error.unsure, error.failures) == (20, unsure, [])
        assert type(error.__cause__).__name__ == cause
        # What nobody knows of is not sent again.
        assert len(server.got) == 3


def test_what_was_refused_by_the_throttle_is_repeated(upload: Do) -> None:
    ok = Answer(201, {"count": 0, "list": []})
    with script(ok, Answer(429), ok) as server:
        assert upload(server.url, points(20), batch=10).sent == 20
    assert [batch[0]["value"] for batch in sent(server)] == ["0", "10", "10"]


def test_what_does_no_harm_is_repeated_where_that_is_said(upload: Do) -> None:
    ok = Answer(201, {"count": 0, "list": []})
    with script(Answer(503), ok) as server:
        assert upload(server.url, points(5), options=Options(idempotent=True)).sent == 5
    assert len(server.got) == 2


def test_a_server_that_cannot_be_reached_leaves_nothing_unsure() -> None:
    with Client("http://127.0.0.1:9", auth=AUTH) as rm, pytest.raises(UploadError) as caught:
        rm.data.upload(points(5), options=Options(retries=0))
    assert (caught.value.sent, caught.value.unsure) == (0, 0)
    assert isinstance(caught.value.__cause__, TransportError)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (Point(STREAM, float("nan")), r"point 13: nan is no number"),
        (Point(STREAM, Decimal("Infinity")), "point 13: Infinity"),
        (Point("", 1), "point 13: the point has no stream_id"),
        ({"stream_id": STREAM}, "point 13: the point has no value"),
        (Point(STREAM, True), "point 13: a truth value"),
        (Point(STREAM, {"a": 1}), "point 13: a value cannot be dict"),
        (Point(STREAM, 1, datetime(2026, 1, 1)), "point 13: .* has no time zone"),
        (Point(STREAM, datetime(2026, 1, 1)), "point 13: .* has no time zone"),
        (Point(STREAM, 1, 1.5), "point 13: timestamp is"),  # type: ignore[arg-type]
        (Point(STREAM, 1, stream_type=5), "point 13: stream_type is a text"),  # type: ignore[arg-type]
        ("text", "point 13: a point is a Point or a mapping"),
    ],
)
def test_a_point_that_cannot_be_sent(upload: Do, bad: Any, message: str) -> None:
    def some() -> Iterator[Any]:
        yield from points(13)
        yield bad

    with Server(stored) as server, pytest.raises(UploadError, match=message) as caught:
        upload(server.url, some(), batch=10)
    assert (caught.value.sent, caught.value.unsure) == (10, 0)
    assert isinstance(caught.value.__cause__, ValueError | TypeError)
    assert len(server.got) == 1


def test_a_source_of_points_that_fails(upload: Do) -> None:
    def some() -> Iterator[Point]:
        yield from points(13)
        raise KeyError("line 14")

    with Server(stored) as server, pytest.raises(UploadError, match="line 14") as caught:
        upload(server.url, some(), batch=10)
    assert (caught.value.sent, caught.value.unsure) == (10, 0)
    assert len(server.got) == 1


@pytest.mark.parametrize("batch", [0, -1, 1.5, "10"])
def test_a_batch_that_is_none(upload: Do, batch: Any) -> None:
    with Server(stored) as server, pytest.raises(ValueError, match="batch must be"):
        upload(server.url, points(1), batch=batch)
    assert server.got == []


def test_errors_can_be_pickled() -> None:
    error = UploadError("stopped", sent=3, unsure=1, failures=[Failure(0, {"value": "1"}, "odd", 400)])
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.sent, again.unsure, again.failures) == ("stopped", 3, 1, error.failures)


def test_uploads_keep_to_their_own_limits() -> None:
    with Server(stored) as server, Client(server.url, auth=AUTH, throttle=Throttle(uploads=(2, 60))) as rm:
        rm.data.upload(points(20), batch=10)
        # A third within the minute has to wait, and says so at once where it must not.
        with pytest.raises(UploadError, match="deadline") as caught:
            rm.data.upload(points(1), options=Options(deadline=0.01))
        assert caught.value.unsure == 0
    assert len(server.got) == 2


@given(
    plan=st.lists(st.sampled_from(["ok", "lost", "refused"]), max_size=8),
    count=st.integers(0, 30),
    batch=st.integers(1, 10),
)
def test_going_on_sends_every_point_once(plan: list[str], count: int, batch: int) -> None:
    """Whatever fails, uploading what follows the certain points stores each point; only unsure ones may come twice."""
    stored: list[str] = []
    done = unsure = 0
    while True:
        one = Upload(None, batch, None, None)
        try:
            with one.stopping():
                for point in islice(points(count), done, None):
                    if (operation := one.add(point)) is not None:
                        _play(one, operation.body, plan, stored)
                if (operation := one.rest()) is not None:
                    _play(one, operation.body, plan, stored)
        except UploadError as error:
            done += error.sent
            unsure += error.unsure
        else:
            break
    assert sorted(set(stored), key=int) == [str(number) for number in range(count)]
    assert len(stored) <= count + unsure


def _play(one: Upload, body: Any, plan: list[str], stored: list[str]) -> None:
    """What a server makes of a batch, and a network of its answer."""
    what = plan.pop() if plan else "ok"
    if what == "refused":
        raise AuthError("no", status=401, method="POST", url="/")
    one.leaves()
    stored += [item["value"] for item in body]
    if what == "lost":
        raise TransportError("the connection broke")
    one.settle([])


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        ("text", "", "text"),
        (5, "", "5"),
        (2**70, "LONG", str(2**70)),
        (1e-7, "", "0.0000001"),
        (1e22, "DOUBLE", "10000000000000000000000"),
        (Decimal("1E+3"), "", "1000"),
        (True, "INTEGER", "1"),
        (False, "STRING", "false"),
        (b"\x00\xff", "BINARY", "AP8="),
        (bytearray(b"a"), "", "YQ=="),
        (datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))), "", "2026-01-01T00:00:00.000Z"),
        ({"a": [1, None]}, "JSON", '{"a": [1, null]}'),
        ([1.5], "GEOJSON", "[1.5]"),
    ],
)
def test_values_as_text(value: Any, kind: str, text: str) -> None:
    assert value_text(value, kind) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_keep_their_digits(value: float) -> None:
    assert float(value_text(value)) == value


def test_a_point_as_it_is_sent() -> None:
    assert encode(Point(STREAM, 1.5, START, 3, "double", "C", "outside")) == {
        "stream_id": STREAM, "value": "1.5", "timestamp": "2026-01-01T00:00:00.000Z", "quality": 3,
        "stream_type": "double", "stream_units": "C", "description": "outside",
    }  # fmt: skip
    assert encode({"stream_id": STREAM, "value": 1, "timestamp": 1000, "other": "kept", "quality": None}) == {
        "stream_id": STREAM, "value": "1", "timestamp": 1000, "other": "kept",
    }  # fmt: skip


def test_end_to_end(upload: Do) -> None:
    from digirm_simulator import Simulator

    with Simulator(devices=1, port=0) as simulator:
        mixed = [Point(STREAM, number, START, stream_type="INTEGER") for number in range(5)]
        mixed[3] = Point(STREAM, "no number", START, stream_type="INTEGER")
        places = {"type": "Point", "coordinates": [1.5, 2]}
        mixed.append(Point(f"{STREAM}/place", places, START, stream_type="GEOJSON"))
        report = upload(simulator.url, mixed, batch=4)
        assert (report.sent, [failure.position for failure in report.failures]) == (6, [3])
        with Client(simulator.url, auth=AUTH, throttle=None) as rm:
            assert [point["value"] for point in rm.data.history(STREAM)] == ["0", "1", "2", "4"]
            [point] = rm.data.history(f"{STREAM}/place")
            assert json.loads(point["value"]) == places
