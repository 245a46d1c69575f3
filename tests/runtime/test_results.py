"""Paging, CSV and created objects, over a hand-written face of the kind that the generator writes."""

import asyncio
import csv
import io
import threading
from collections.abc import AsyncIterable, Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digirm_runtime.client import AsyncClient, Client
from digirm_runtime.created import Created
from digirm_runtime.errors import APIError, RemoteManagerError, TransportError
from digirm_runtime.face import Api, AsyncApi, Endpoint, Operation, acall, alisting, arows, call, listing, rows
from digirm_runtime.flow import Plan, perform
from digirm_runtime.rows import CsvRows
from digirm_runtime.transport import Transport
from digirm_runtime.wire import AsyncResponse, Request, Response
from tests.support.server import Answer, Got, Server, cut_json, dropped, script

_LIST = Endpoint("GET", "/api/things", "list")
_CSV = Endpoint("GET", "/api/bulk", "csv")
_POST = Endpoint("POST", "/api/things", "create")
_DELETE_ALL = Endpoint("DELETE", "/api/things", "delete_all")


class _Bodies:
    @staticmethod
    def list(
        *, tag: str | None = None, size: int | None = None, cursor: str | None = None, limit: int | None = None
    ) -> Operation[dict[str, Any]]:
        """All things."""
        return Operation(_LIST, (), {"tag": tag, "size": size, "cursor": cursor}, limit=limit)

    @staticmethod
    def csv() -> Operation[dict[str, Any]]:
        return Operation(_CSV)

    @staticmethod
    def create(body: Any) -> Operation[Created[dict[str, Any]]]:
        return Operation(_POST, body=body)

    @staticmethod
    def delete_all(*, tag: str | None = None) -> Operation[Any]:
        return Operation(_DELETE_ALL, (), {"tag": tag})


class Things(Api):
    list = listing(_Bodies.list)
    csv = rows(_Bodies.csv)
    create = call(_Bodies.create)
    delete_all = call(_Bodies.delete_all)


class AsyncThings(AsyncApi):
    list = alisting(_Bodies.list)
    csv = arows(_Bodies.csv)
    create = acall(_Bodies.create)


def paged(items: int, *, style: str = "both") -> Any:
    """A collection that pages as the service does: a full page carries a cursor even when nothing follows."""

    def reply(got: Got) -> Answer:
        size = int(got.params.get("size", "1000"))
        start = int(got.params.get("cursor", "0"))
        page = [{"id": number} for number in range(start, min(start + size, items))]
        document: dict[str, Any] = {"count": len(page), "list": page, "size": size}
        if len(page) == size:
            if style in ("both", "cursor"):
                document["cursor"] = str(start + size)
            if style in ("both", "uri"):
                document["next_uri"] = f"http://elsewhere.invalid/api/things?size={size}&cursor={start + size}"
        return Answer(body=document)

    return reply


def collect(face: str, url: str, **kwargs: Any) -> list[Any]:
    if face == "blocking":
        with Client(url, auth=("a", "b"), throttle=None) as client:
            return list(Things(client).list(**kwargs))

    async def main() -> list[Any]:
        async with AsyncClient(url, auth=("a", "b"), throttle=None) as client:
            return [item async for item in AsyncThings(client).list(**kwargs)]

    return asyncio.run(main())


FACES = ["blocking", "asyncio"]


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("style", ["both", "cursor", "uri"])
@pytest.mark.parametrize(("items", "size", "requests"), [(0, 3, 1), (2, 3, 1), (3, 3, 2), (7, 3, 3), (9, 3, 4)])
def test_all_pages(face: str, style: str, items: int, size: int, requests: int) -> None:
    with Server(paged(items, style=style)) as server:
        assert [item["id"] for item in collect(face, server.url, size=size, tag="x y")] == list(range(items))
        assert len(server.got) == requests
        # Nothing but the cursor changes between pages.
        assert {(got.params["size"], got.params["tag"]) for got in server.got} == {(str(size), "x y")}


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize(("limit", "requests"), [(0, 0), (1, 1), (5, 1), (None, 1)])
def test_limit(face: str, limit: int | None, requests: int) -> None:
    with Server(paged(50)) as server:
        assert len(collect(face, server.url, limit=limit)) == (50 if limit is None else limit)
        assert len(server.got) == requests


@pytest.mark.parametrize("face", FACES)
def test_retries_happen_within_a_page(face: str) -> None:
    pages = paged(5)
    faults = iter([None, dropped(), None, Answer(503), cut_json({"list": [1]}), None])

    def reply(got: Got) -> Answer:
        return next(faults, None) or pages(got)

    with Server(reply) as server:
        assert [item["id"] for item in collect(face, server.url, size=2)] == [0, 1, 2, 3, 4]
        assert [got.params.get("cursor") for got in server.got] == [None, "2", "2", "4", "4", "4"]


@pytest.mark.parametrize("face", FACES)
def test_a_repeated_cursor_is_an_error_and_not_a_loop(face: str) -> None:
    with script(Answer(body={"list": [{"id": 1}], "cursor": "same"})) as server:
        with pytest.raises(RemoteManagerError, match="repeated a cursor"):
            collect(face, server.url)
        assert len(server.got) == 2


@pytest.mark.parametrize("document", [{}, [], {"list": 5}, None, "text"])
def test_an_answer_without_a_list_is_an_error(document: Any) -> None:
    with script(Answer(body=document)) as server, pytest.raises(TransportError, match="no list"):
        collect("blocking", server.url)


def test_first_and_pages() -> None:
    with Server(paged(5)) as server, Client(server.url, auth=("a", "b")) as client:
        things = Things(client)
        assert things.list().first() == {"id": 0}
        assert things.list(limit=0).first() is None
        assert server.got[-1].params["size"] == "1"
        assert [len(page) for page in things.list(size=2).pages()] == [2, 2, 1]
    with Server(paged(0)) as server, Client(server.url, auth=("a", "b")) as client:
        assert Things(client).list().first() is None


@settings(max_examples=25)  # each example starts a server
@given(st.integers(0, 12), st.integers(1, 5), st.integers(0, 12))
def test_a_cursor_resumes_and_loses_nothing(items: int, size: int, stop: int) -> None:
    with Server(paged(items)) as server, Client(server.url, auth=("a", "b"), throttle=None) as client:
        things = Things(client)
        listing = things.list(size=size, tag="t")
        walk = iter(listing)
        before = [item["id"] for item, _ in zip(walk, range(stop), strict=False)]
        after = [item["id"] for item in things.list(cursor=listing.cursor)]
        limited = things.list(size=size, limit=stop)
        assert [item["id"] for item in limited] == before
        again = [item["id"] for item in things.list(cursor=limited.cursor, size=size)]
        assert sorted({*before, *again}) == list(range(items))
        assert before == list(range(min(stop, items)))
        assert sorted({*before, *after}) == list(range(items))
        # At least once: nothing before the page of the last item comes again.
        assert not before or not after or min(after) > before[-1] - size
        assert server.got[0].params["tag"] == "t"


def test_a_cursor_keeps_to_its_parameters() -> None:
    client = Client("http://127.0.0.1:1", auth=("a", "b"))
    token = Things(client).list(tag="x", size=5).cursor
    with pytest.raises(ValueError, match="must not change"):
        Things(client).list(cursor=token, tag="y")
    for damaged in (token[:-4], "digirm1.%%%", "digirm1."):
        with pytest.raises(ValueError, match="damaged"):
            Things(client).list(cursor=damaged)


def test_created_in_all_its_shapes() -> None:
    failed = {"error_context": {"id": "x"}, "error_message": "bad", "error_status": 400}
    mixed: Created[Any] = Created({"count": 2, "list": [{"id": "a"}, failed]})
    assert (mixed.items, mixed.failures) == ([{"id": "a"}], [failed])
    with pytest.raises(APIError, match="bad") as caught:
        mixed.raise_for_failures()
    assert caught.value.error_context == {"id": "x"}
    assert Created({"id": 5}).one() == {"id": 5}
    assert Created({"list": [{"id": 5}]}).one() == {"id": 5}
    assert Created(None).items == []
    with pytest.raises(RemoteManagerError, match="holds 2"):
        Created([1, 2]).one()


def test_create_and_a_filter_that_is_missing() -> None:
    with script(Answer(207, {"list": [{"id": 1}, {"error_status": 400, "error_message": "no"}]})) as server:
        with Client(server.url, auth=("a", "b")) as client:
            assert len(Things(client).create([{}, {}]).failures) == 1
            for nothing in (None, "", "  "):
                with pytest.raises(ValueError, match="without a filter"):
                    Things(client).delete_all(tag=nothing)
            Things(client).delete_all(tag="x")
        assert [got.method for got in server.got] == ["POST", "DELETE"]


def rows_of(face: str, url: str) -> list[dict[str, str]]:
    if face == "blocking":
        with Client(url, auth=("a", "b"), throttle=None) as client:
            found: Iterable[dict[str, str]] = Things(client).csv()
            return list(found)

    async def main() -> list[dict[str, str]]:
        async with AsyncClient(url, auth=("a", "b"), throttle=None) as client:
            found: AsyncIterable[dict[str, str]] = AsyncThings(client).csv()
            return [row async for row in found]

    return asyncio.run(main())


CSV = (("content-type", "text/csv"),)


@pytest.mark.parametrize("face", FACES)
def test_rows_stream(face: str) -> None:
    text = '\ufeffid,name\na,"O\'Brien, ""Joe"""\nb,"two\nlines"\n'
    with script(Answer(body=text.encode(), headers=CSV)) as server:
        assert rows_of(face, server.url) == [{"id": "a", "name": 'O\'Brien, "Joe"'}, {"id": "b", "name": "two\nlines"}]
    with script(Answer(body=b"id,name\n", headers=CSV)) as server:
        assert rows_of(face, server.url) == []


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize(
    "answer",
    [
        Answer(body=b'id,name\na,"never closed\n', headers=CSV),
        Answer(body=b"id,name\na\n", headers=CSV),
        Answer(body=b"id,name\n\xff,x\n", headers=CSV),
        Answer(body=b"id,name\na,b\n", headers=CSV, declared=500),
    ],
)
def test_a_damaged_csv_is_an_error(face: str, answer: Answer) -> None:
    with script(answer) as server, pytest.raises(TransportError):
        rows_of(face, server.url)


def test_leaving_a_csv_half_way_gives_the_slot_back() -> None:
    big = b"id\n" + b"x\n" * 100_000
    with script(Answer(body=big, headers=CSV)) as server, Client(server.url, auth=("slot", "b")) as client:
        for _ in range(8):
            for row in Things(client).csv():
                assert row == {"id": "x"}
                break


cells = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=6)


@given(st.lists(st.tuples(cells, cells), max_size=6), st.integers(1, 9), st.sampled_from(["\n", "\r\n"]))
def test_csv_in_any_pieces_is_what_the_standard_library_reads(table: list[Any], size: int, end: str) -> None:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator=end, quoting=csv.QUOTE_ALL).writerows([("a", "b"), *table])
    data = buffer.getvalue().encode()
    parser = CsvRows()
    found = [row for at in range(0, len(data), size) for row in parser.feed(data[at : at + size])]
    found += parser.feed(b"", final=True)
    assert [(row["a"], row["b"]) for row in found] == table


def test_methods_look_like_their_bodies() -> None:
    things = Things(Client("http://127.0.0.1:1", auth=("a", "b")))
    assert things.list.__doc__ == "All things."
    assert things.list is things.list
    with pytest.raises(TypeError):
        things.list(nonsense=1)  # type: ignore[call-arg]


def test_a_place_without_a_cursor_is_kept() -> None:
    def reply(got: Got) -> Answer:
        start = int(got.params.get("start", "0"))
        page = {"list": [{"id": start}, {"id": start + 1}]}
        return Answer(body=page | ({"next_uri": f"/api/things?start={start + 2}&size=2"} if start < 4 else {}))

    with Server(reply) as server, Client(server.url, auth=("a", "b"), throttle=None) as client:
        listing = Things(client).list(size=2)
        before = [item["id"] for item, _ in zip(listing, range(3), strict=False)]
        assert before == [0, 1, 2]
        assert [item["id"] for item in Things(client).list(cursor=listing.cursor)] == [2, 3, 4, 5]


def test_a_cursor_that_is_false_is_none() -> None:
    with script(Answer(body={"list": [{"id": 1}], "cursor": False})) as server:
        assert collect("blocking", server.url) == [{"id": 1}]


def test_long_cells_and_twin_columns() -> None:
    parser = CsvRows()
    cell = "x\n" * 100_000
    text = f'id,text\n1,"{cell}"\n2,b\n'.encode()
    found = [row for at in range(0, len(text), 4096) for row in parser.feed(text[at : at + 4096])]
    assert [len(row["text"]) for row in found + parser.feed(b"", final=True)] == [200_000, 1]
    with pytest.raises(TransportError, match="two columns"):
        CsvRows().feed(b"id,id\n1,2\n")


def test_a_quote_that_never_closes_is_noticed_before_the_memory_is_full() -> None:
    parser = CsvRows()
    parser.feed(b'id,text\n1,"')
    for _ in range(16):
        parser.feed(b"x\n" * 500_000)
    with pytest.raises(TransportError, match="is a quote missing"):
        parser.feed(b"x\n" * 500_000)


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
        transport = Transport("sim:", handler=Slow())
        plan = Plan(timeout=30, stream=True)
        response = await transport.arun(perform(Request("GET", "/x"), plan, lambda response: response, "/x"))
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
