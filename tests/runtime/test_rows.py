"""Rows of CSV answers: streamed, typed, saved to a file."""

import asyncio
import csv
import gzip
import io
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from digirm import Client as DigiClient
from digirm_runtime.client import Client
from digirm_runtime.csvtext import KEPT, PIECE, CsvRows, pieces
from digirm_runtime.errors import QueryError, TransportError
from digirm_runtime.face import Endpoint, Operation
from digirm_runtime.flow import Plan, perform
from digirm_runtime.handler import HandlerTransport
from digirm_runtime.options import Options, Throttle
from digirm_runtime.rows import Rows
from digirm_runtime.wire import AsyncResponse, Request, Response
from tests.support.server import Answer, script
from tests.support.things import AUTH, FACES, Things, run

CSV = (("content-type", "text/csv"),)


def rows_of(face: str, url: str) -> list[dict[str, str]]:
    async def body(things: Any) -> list[dict[str, str]]:
        return [row async for row in things.csv()]

    found: list[dict[str, str]] = run(face, body, url)
    return found


def parsed(data: bytes, size: int = PIECE, **settings: Any) -> list[dict[str, Any]]:
    parser = CsvRows(**settings)
    found = [row for at in range(0, len(data), size) for row in parser.feed(data[at : at + size])]
    return found + parser.feed(b"", final=True)


# -- reading ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_rows_stream(face: str, end: str) -> None:
    text = f'\ufeffid,name{end}a,"O\'Brien, ""Joe"""{end}{end}b,"two\nlines"{end}c,'
    expected = [{"id": "a", "name": 'O\'Brien, "Joe"'}, {"id": "b", "name": "two\nlines"}, {"id": "c", "name": ""}]
    with script(Answer(body=text.encode(), headers=CSV)) as server:
        assert rows_of(face, server.url) == expected
    packed = Answer(body=gzip.compress(text.encode()), headers=(*CSV, ("content-encoding", "gzip")))
    with script(packed) as server:
        assert rows_of(face, server.url) == expected


@pytest.mark.parametrize("body", [b"id,name\n", b"id,name", b"\xef\xbb\xbfid,name\r\n"])
def test_no_rows(body: bytes) -> None:
    with script(Answer(body=body, headers=CSV)) as server:
        assert rows_of("blocking", server.url) == []


def test_an_empty_line_under_one_column_is_an_empty_cell() -> None:
    assert parsed(b"name\nx\n\ny\n") == [{"name": "x"}, {"name": ""}, {"name": "y"}]
    assert parsed(b"id,name\n1,x\n\n2,y\n") == [{"id": "1", "name": "x"}, {"id": "2", "name": "y"}]


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(body=b'id,name\na,"never closed\n', headers=CSV), "ends within a quoted cell"),
        (Answer(body=b'id,name\na,"x"y\n', headers=CSV), "is damaged"),
        (Answer(body=b"id,name\na\n", headers=CSV), "row of 1 cells under 2"),
        (Answer(body=b"id,name\na,b,c\n", headers=CSV), "row of 3 cells under 2"),
        (Answer(body=b"id,id\na,b\n", headers=CSV), "two columns of one name"),
        (Answer(body=b"id,name\n\xff,x\n", headers=CSV), "not UTF-8"),
        (Answer(body=b"id,name\na,\xc3", headers=CSV), "not UTF-8"),
        (Answer(body=b"id,name\na,b\n", headers=CSV, declared=500), "connection broke"),
        # A table without rows has its header, so that nothing at all is no table.
        (Answer(body=b"", headers=CSV), "not even a header"),
        (Answer(body=b"\xef\xbb\xbf\r\n\n", headers=CSV), "not even a header"),
        (Answer(204, headers=CSV), "not even a header"),
        (Answer(206, b"id,name\na,b\n", (*CSV, ("content-range", "bytes 0-12/1000"))), "answered 206"),
    ],
)
def test_a_damaged_csv_is_an_error(face: str, answer: Answer, reason: str) -> None:
    with script(answer) as server, pytest.raises(TransportError, match=reason) as caught:
        rows_of(face, server.url)
    assert (caught.value.method, caught.value.url) == ("GET", "/api/bulk")


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize(
    "kind", ["application/json", "text/html; charset=utf-8", "application/problem+json", "application/xhtml+xml"]
)
def test_an_answer_of_another_kind_gives_no_rows(face: str, kind: str) -> None:
    body = b"<html>x,y\n1,2\n</html>"
    with script(Answer(body=body, headers=(("content-type", kind),))) as server:
        with pytest.raises(TransportError, match=kind.partition(";")[0].replace("+", r"\+")) as caught:
            rows_of(face, server.url)
        assert caught.value.body == body
    with script(Answer(body=body * 10_000, headers=(("content-type", kind),))) as server:
        with pytest.raises(TransportError) as caught:
            rows_of(face, server.url)
        assert caught.value.body == (body * 10_000)[:KEPT]


cells = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=6)


@given(
    st.lists(st.tuples(cells, cells), max_size=6),
    st.integers(1, 9),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    st.booleans(),
)
def test_csv_in_any_pieces_is_what_the_standard_library_reads(
    table: list[Any], size: int, end: str, quoting: Any, mark: bool
) -> None:
    # The writer of the standard library leaves a lone carriage return unquoted, which its own reader takes for an end.
    assume(quoting == csv.QUOTE_ALL or not any("\r" in cell for row in table for cell in row))
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator=end, quoting=quoting).writerows([("a", "b"), *table])
    data = buffer.getvalue().encode("utf-8-sig" if mark else "utf-8")
    assert [(row["a"], row["b"]) for row in parsed(data, size)] == table
    assert parsed(data) == parsed(data, size)


@given(st.binary(max_size=40), st.integers(1, 9))
def test_any_bytes_are_rows_or_a_clear_error(data: bytes, size: int) -> None:
    def attempt(size: int) -> Any:
        try:
            return parsed(b"a,b\n" + data, size)
        except TransportError:
            return None

    assert attempt(size) == attempt(50)


@given(st.binary(max_size=3 * PIECE), st.binary(max_size=10))
def test_pieces_are_the_chunk(head: bytes, tail: bytes) -> None:
    chunk = head * 2 + tail
    assert b"".join(pieces(chunk)) == chunk
    assert all(len(piece) <= PIECE for piece in pieces(chunk))


def test_long_cells() -> None:
    cell = "x\n" * 100_000
    found = parsed(f'id,text\n1,"{cell}"\n2,b\n'.encode(), 4096)
    assert [len(row["text"]) for row in found] == [200_000, 1]


def test_a_quote_that_never_closes_is_noticed_before_the_memory_is_full() -> None:
    parser = CsvRows()
    parser.feed(b'id,text\n1,"')
    for _ in range(16):
        parser.feed(b"x\n" * 500_000)
    with pytest.raises(TransportError, match="is a quote missing"):
        parser.feed(b"x\n" * 500_000)


# -- the stream -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("face", FACES)
def test_complete_says_no_more_than_is_known(face: str) -> None:
    async def body(things: Any) -> None:
        rows, parts = things.csv(), things.parts()
        assert rows.complete is None
        walk = aiter(rows)
        assert await anext(walk) == {"id": "1"}
        assert rows.complete is None
        assert [row async for row in walk] == [{"id": "2"}]
        assert rows.complete is True
        assert [row async for row in parts] == [{"id": "1"}, {"id": "2"}]
        assert parts.complete is False
        walk = aiter(rows)
        await anext(walk)
        assert rows.complete is None
        await walk.aclose()
        assert rows.complete is None

    with script(Answer(body=b"id\n1\n2\n", headers=CSV)) as server:
        run(face, body, server.url)


@pytest.mark.parametrize("face", FACES)
def test_leaving_a_csv_half_way_gives_the_slot_back(face: str) -> None:
    async def body(things: Any) -> None:
        for _ in range(5):
            walk = aiter(things.csv())
            assert await anext(walk) == {"id": "x"}
            await walk.aclose()

    with script(Answer(body=b"id\n" + b"x\n" * 100_000, headers=CSV)) as server:
        run(face, body, server.url, throttle=Throttle((1000, 1), concurrent=1))
        assert server.most_at_once == 1


def test_a_loop_that_breaks_gives_the_slot_back() -> None:
    throttle = Throttle((1000, 1), concurrent=1)
    answer = Answer(body=b"id\n" + b"x\n" * 100_000, headers=CSV)
    with script(answer) as server, Client(server.url, auth=("slot", "b"), throttle=throttle) as client:
        for _ in range(5):
            for row in Things(client).csv():
                assert row == {"id": "x"}
                break


def test_cancelling_a_stream_of_this_process_ends_it_as_a_cancellation() -> None:
    inside, go_on = threading.Event(), threading.Event()
    ended: list[str] = []

    class Slow:
        def handle(self, request: Request) -> Response:
            assert request.method == "GET"
            return Response(200, {"content-type": "text/csv"}, self.body())

        def body(self) -> Iterator[bytes]:
            try:
                yield b"id\n1\n"
                inside.set()
                go_on.wait(30)
                yield b"2\n"
            finally:
                ended.append("closed")

        def close(self) -> None:
            pass

    async def main() -> None:
        from digirm_runtime.drivers import arun

        plan = Plan(timeout=30, stream=True)
        flow = perform(Request("GET", "/x"), plan, lambda response: response, "/x")
        response = await arun(flow, HandlerTransport(Slow()))
        assert isinstance(response, AsyncResponse)

        async def read() -> None:
            try:
                async for _ in response.stream:
                    pass
            finally:
                await response.aclose()

        task = asyncio.create_task(read())
        await asyncio.to_thread(inside.wait, 30)
        task.cancel()
        asyncio.get_running_loop().call_later(0.01, go_on.set)
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert ended == ["closed"]


# -- values -----------------------------------------------------------------------------------------------------------


def typed(path: str, text: str) -> list[dict[str, Any]]:
    operation: Operation[Any] = Operation(Endpoint("GET", path, "csv"), typed=True)
    with script(Answer(body=text.encode(), headers=CSV)) as server, DigiClient(server.url, auth=AUTH) as client:
        return list(Rows(client, operation))


def test_values_are_what_the_spec_says_of_their_columns() -> None:
    text = (
        "id,alerts,last_update,name,unheard_of\n"
        "a,12345678901234567890,2021-02-18T21:01:39.607Z,5,7\n"
        "b,-2.5,2021-02-18T22:01:39+01:00,,\n"
        "c,,,x,\n"
        'd,1e999,2021-02-18T21:01:39,"1,5",true\n'
        "e,many,yesterday,x,y\n"
    )
    moment = datetime(2021, 2, 18, 21, 1, 39, 607000, UTC)
    assert [tuple(row.values()) for row in typed("/ws/v1/devices/bulk", text)] == [
        ("a", 12345678901234567890, moment, "5", "7"),
        ("b", -2.5, moment.replace(microsecond=0), None, None),
        ("c", None, None, "x", None),
        ("d", "1e999", "2021-02-18T21:01:39", "1,5", "true"),
        ("e", "many", "yesterday", "x", "y"),
    ]


def test_columns_of_the_inventory_count_where_the_bulk_operation_has_no_field_of_that_name() -> None:
    # No such path is known; the inventory beside it is.
    assert typed("/ws/v1/bulk/inventory", "alerts\n1\n") == [{"alerts": "1"}]
    assert typed("/ws/v1/jobs/bulk", "id,job_status\n7,\n") == [{"id": 7, "job_status": None}]
    assert typed("/ws/v1/streams/bulk", "stream_id,value\na,7\n") == [{"stream_id": "a", "value": "7"}]


def test_without_a_spec_only_the_empty_cell_is_known() -> None:
    operation: Operation[Any] = Operation(Endpoint("GET", "/ws/v1/devices/bulk", "csv"), typed=True)
    with script(Answer(body=b"id,alerts\na,\nb,1\n", headers=CSV)) as server, Client(server.url, auth=AUTH) as client:
        assert list(Rows(client, operation)) == [{"id": "a", "alerts": None}, {"id": "b", "alerts": "1"}]


def test_an_unknown_column_is_refused_before_anything_is_sent() -> None:
    with script(Answer(body=b"id\n", headers=CSV)) as server, DigiClient(server.url, auth=AUTH) as client:
        with pytest.raises(QueryError) as caught:
            list(client.devices.bulk.csv(fields=["id", "nmae"]))
        assert [(fault.parameter, fault.suggestion) for fault in caught.value.report.diagnostics] == [
            ("fields", "name")
        ]
        assert list(client.devices.bulk.csv(fields=["id", "nmae"], options=Options(validate="off"))) == []
        assert [got.params["fields"] for got in server.got] == ["id,nmae"]
