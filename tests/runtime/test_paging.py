"""Walks over pages: every item once, resumed at least once, and no walk in circles."""

import json
import logging
import threading
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digirm import Client as DigiClient
from digirm_runtime import dynamic
from digirm_runtime.client import Client
from digirm_runtime.errors import APIError, QueryError, RemoteManagerError, TransportError
from digirm_runtime.face import Endpoint, Operation
from digirm_runtime.paging import Listing
from tests.codegen.support import ROOT
from tests.support.server import Answer, Got, Server, cut_json, dropped, script
from tests.support.things import AUTH, FACES, Things, collect, paged, run


@pytest.fixture(scope="module")
def any_size() -> Iterator[Server]:
    """A server of collections as large as the request's `tag` says."""
    with Server(paged()) as server:
        yield server


def ids(items: Any) -> list[int]:
    return [item["id"] for item in items]


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("prefetch", [False, True])
@pytest.mark.parametrize("style", ["both", "cursor", "uri"])
@pytest.mark.parametrize(("items", "size", "requests"), [(0, 3, 1), (2, 3, 1), (3, 3, 2), (7, 3, 3), (9, 3, 4)])
def test_all_pages(face: str, prefetch: bool, style: str, items: int, size: int, requests: int) -> None:
    with Server(paged(items, style=style)) as server:
        found = collect(face, server.url, size=size, tag="x y", prefetch=prefetch)
        assert ids(found) == list(range(items))
        assert len(server.got) == requests
        # Nothing but the cursor changes between pages.
        assert {(got.params["size"], got.params["tag"]) for got in server.got} == {(str(size), "x y")}


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("prefetch", [False, True])
@pytest.mark.parametrize(("limit", "requests"), [(0, 0), (1, 1), (5, 1), (1000, 1), (1500, 2), (2000, 2), (None, 3)])
def test_limit(face: str, prefetch: bool, limit: int | None, requests: int) -> None:
    with Server(paged(2500)) as server:
        assert len(collect(face, server.url, limit=limit, prefetch=prefetch)) == (2500 if limit is None else limit)
        assert len(server.got) == requests


def test_a_limit_asks_for_no_more_than_it_wants() -> None:
    with Server(paged(50)) as server:
        collect("blocking", server.url, limit=7)
        collect("blocking", server.url, limit=7, size=3)
        # A size must not change between pages, and only the service knows that of its cursor.
        collect("blocking", server.url, limit=7, cursor="5")
        assert [got.params.get("size") for got in server.got] == ["7", "3", "3", "3", None]
    with pytest.raises(ValueError, match="negative"):
        collect("blocking", "http://127.0.0.1:1", limit=-1)


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("prefetch", [False, True])
def test_retries_happen_within_a_page(face: str, prefetch: bool) -> None:
    pages = paged(5)
    faults = iter([None, dropped(), None, Answer(503), cut_json({"list": [1]}), None])

    def reply(got: Got) -> Answer:
        return next(faults, None) or pages(got)

    with Server(reply) as server:
        assert ids(collect(face, server.url, size=2, prefetch=prefetch)) == [0, 1, 2, 3, 4]
        assert [got.params.get("cursor") for got in server.got] == [None, "2", "2", "4", "4", "4"]


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("prefetch", [False, True])
@pytest.mark.parametrize("length", [1, 2, 5])
def test_cursors_that_go_in_a_circle_are_an_error_and_not_a_loop(face: str, prefetch: bool, length: int) -> None:
    def reply(got: Got) -> Answer:
        place = int(got.params.get("cursor", "-1"))
        return Answer(body={"list": [{"id": place}], "cursor": str((place + 1) % length)})

    async def body(things: Any) -> None:
        walk = aiter(things.list(prefetch=prefetch))
        # The items that came are handed out first.
        assert [(await anext(walk))["id"] for _ in range(length + 1)] == list(range(-1, length))
        with pytest.raises(RemoteManagerError, match="repeated a cursor"):
            await anext(walk)

    with Server(reply) as server:
        run(face, body, server.url)
        assert len(server.got) == length + 1


def test_a_next_uri_that_leads_to_its_own_page_is_a_circle() -> None:
    with script(Answer(body={"list": [{"id": 1}], "next_uri": "/api/things?size=1"})) as server:
        with pytest.raises(RemoteManagerError, match="repeated"):
            collect("blocking", server.url, size=1)
        assert len(server.got) == 1


@pytest.mark.parametrize("document", [{}, [], {"list": 5}, {"list": None}, None, "text"])
def test_an_answer_without_a_list_is_an_error(document: Any) -> None:
    with script(Answer(body=document)) as server, pytest.raises(TransportError, match="no list") as caught:
        collect("blocking", server.url)
    assert (caught.value.method, caught.value.url) == ("GET", "/api/things")


@pytest.mark.parametrize("uri", ["http://[", "", 5, None, "/api/things", "//elsewhere.invalid"])
def test_a_next_uri_that_leads_nowhere(uri: Any) -> None:
    with script(Answer(body={"list": [{"id": 1}], "next_uri": uri})) as server:
        if uri == "http://[":
            with pytest.raises(TransportError, match="next_uri"):
                collect("blocking", server.url)
        else:
            assert ids(collect("blocking", server.url)) == [1]


@pytest.mark.parametrize("cursor", [False, True, None, "", [], {}, 1.5])
def test_what_is_no_cursor_ends_the_list(cursor: Any) -> None:
    with script(Answer(body={"list": [{"id": 1}], "cursor": cursor})) as server:
        assert collect("blocking", server.url) == [{"id": 1}]


@pytest.mark.parametrize("face", FACES)
def test_first_and_pages(face: str) -> None:
    async def body(things: Any) -> None:
        assert await things.list(tag="5").first() == {"id": 0}
        assert await things.list(tag="5", limit=0).first() is None
        assert await things.list(tag="5", prefetch=True).first() == {"id": 0}
        assert await things.list(tag="0").first() is None
        # Full last pages are followed by an empty one, which is nobody's business.
        assert [len(page) async for page in things.list(tag="4", size=2).pages()] == [2, 2]
        assert [len(page) async for page in things.list(tag="5", size=2, limit=3).pages()] == [2, 1]

    with Server(paged()) as server:
        run(face, body, server.url)
        assert [got.params["size"] for got in server.got[:3]] == ["1", "1", "1"]


def test_an_empty_page_in_the_middle_ends_nothing() -> None:
    pages = [{"list": [{"id": 1}], "cursor": "a"}, {"list": [], "cursor": "b"}, {"list": [{"id": 2}]}]
    with script(*(Answer(body=page) for page in pages)) as server:
        assert ids(collect("blocking", server.url)) == [1, 2]


@given(st.integers(0, 12), st.integers(1, 5), st.none() | st.integers(0, 14), st.booleans())
def test_every_page_size_gives_the_same_items(
    any_size: Server, items: int, size: int, limit: int | None, prefetch: bool
) -> None:
    found = collect("blocking", any_size.url, tag=str(items), size=size, limit=limit, prefetch=prefetch)
    assert ids(found) == list(range(items))[:limit]


@settings(max_examples=40)  # each walks five times
@given(st.integers(0, 12), st.integers(1, 5), st.integers(0, 13), st.booleans(), st.sampled_from(FACES))
def test_a_cursor_resumes_and_loses_nothing(
    any_size: Server, items: int, size: int, stop: int, prefetch: bool, face: str
) -> None:
    async def body(things: Any) -> None:
        listing = things.list(size=size, tag=str(items), prefetch=prefetch)
        assert [item["id"] async for item in things.list(cursor=listing.cursor)] == list(range(items))
        before: list[int] = []
        walk = aiter(listing)
        async for item in walk if stop else things.list(limit=0):
            before.append(item["id"])
            if len(before) == stop:
                break
        after = [item["id"] async for item in things.list(cursor=listing.cursor)]
        await walk.aclose()
        limited = things.list(size=size, tag=str(items), limit=stop, prefetch=prefetch)
        assert [item["id"] async for item in limited] == before == list(range(min(stop, items)))
        again = [item["id"] async for item in things.list(cursor=limited.cursor, size=size)]
        for rest in (after, again):
            assert sorted({*before, *rest}) == list(range(items))
            # At least once: nothing before the page of the last item comes again.
            assert not before or not rest or min(rest) > before[-1] - size

    run(face, body, any_size.url)


def test_a_walk_that_fails_is_resumed_where_it_failed() -> None:
    pages = paged(7)
    broken = True

    def reply(got: Got) -> Answer:
        return Answer(400) if broken and got.params.get("cursor") == "4" else pages(got)

    with Server(reply) as server, Client(server.url, auth=AUTH) as client:
        listing = Things(client).list(size=2, tag="t")
        walk = iter(listing)
        assert ids(next(walk) for _ in range(4)) == [0, 1, 2, 3]
        with pytest.raises(APIError):
            next(walk)
        broken = False
        assert ids(Things(client).list(cursor=listing.cursor)) == [4, 5, 6]


def test_a_cursor_keeps_to_its_parameters() -> None:
    client = Client("http://127.0.0.1:1", auth=AUTH)
    token = Things(client).list(tag="x", size=5).cursor
    with pytest.raises(ValueError, match="must not change"):
        Things(client).list(cursor=token, tag="y")
    documents: tuple[Any, ...] = (
        {"a": 1},
        [],
        {"of": "GET /api/things"},
        {"of": 1, "params": {}},
        {"of": None, "params": {"a": "b"}},
    )
    made = ["digirm1." + b64encode(json.dumps(document).encode()).decode() for document in documents]
    for damaged in (token[:-4], "digirm1.%%%", "digirm1.", *made):
        with pytest.raises(ValueError, match="damaged"):
            Things(client).list(cursor=damaged)


def test_a_cursor_keeps_to_its_operation_and_its_object() -> None:
    history, alerts = (
        Endpoint("GET", path, "list") for path in ("/ws/v1/streams/history/{id:.+}", "/ws/v1/alerts/inventory")
    )
    with Server(paged(5)) as server, Client(server.url, auth=AUTH, throttle=None) as client:

        def walk(endpoint: Endpoint, *args: str, **params: Any) -> Listing[Any]:
            return Listing(client, Operation(endpoint, args, {"size": 2, "cursor": None, **params}))

        first = walk(history, "a/temp")
        assert len(list(first)) == 5
        assert ids(walk(history, "a/temp", cursor=first.cursor)) == [4]
        asked = len(server.got)
        for endpoint, args in ((history, ("b/other",)), (alerts, ())):
            with pytest.raises(ValueError, match="belongs to GET /ws/v1/streams/history/a/temp, not to GET /ws/v1/"):
                walk(endpoint, *args, cursor=first.cursor)
        assert len(server.got) == asked


def test_a_cursor_of_the_generated_client_is_one_of_the_dynamic_client() -> None:
    shared = "sim:?devices=6#cursors"
    with DigiClient(shared) as generated, dynamic.client(ROOT / "specs" / "22.7", shared) as made:
        for one, other in ((generated, made), (made, generated)):
            listing = one.devices.inventory.list(size=2, orderby="id")
            walked = [device["id"] for device, _ in zip(listing, range(3), strict=False)]
            rest = [device["id"] for device in other.devices.inventory.list(cursor=listing.cursor)]
            assert rest[:1] == walked[2:]
            assert len(rest) == 4
            with pytest.raises(ValueError, match="belongs to GET /ws/v1/devices/inventory"):
                other.alerts.inventory.list(cursor=listing.cursor)


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("prefetch", [False, True])
def test_empty_pages_without_end_are_an_error_and_not_a_loop(face: str, prefetch: bool) -> None:
    def reply(got: Got) -> Answer:
        place = int(got.params.get("cursor", "0"))
        # One that is not empty begins the count anew.
        return Answer(body={"list": [{"id": place}] if place == 60 else [], "cursor": str(place + 1)})

    async def body(things: Any) -> None:
        walk = aiter(things.list(prefetch=prefetch))
        assert await anext(walk) == {"id": 60}
        with pytest.raises(RemoteManagerError, match="100 empty pages"):
            await anext(walk)

    with Server(reply) as server:
        run(face, body, server.url)
        assert len(server.got) == 161


def test_a_place_without_a_cursor_is_kept() -> None:
    def reply(got: Got) -> Answer:
        start = int(got.params.get("start", "0"))
        page = {"list": [{"id": start}, {"id": start + 1}]}
        return Answer(body=page | ({"next_uri": f"/api/things?start={start + 2}&size=2"} if start < 4 else {}))

    with Server(reply) as server, Client(server.url, auth=AUTH, throttle=None) as client:
        listing = Things(client).list(size=2)
        assert ids(item for item, _ in zip(listing, range(3), strict=False)) == [0, 1, 2]
        assert ids(Things(client).list(cursor=listing.cursor)) == [2, 3, 4, 5]


def test_each_iteration_of_a_listing_is_its_own() -> None:
    with Server(paged(6)) as server, Client(server.url, auth=AUTH, throttle=None) as client:
        listing = Things(client).list(size=2, limit=5)
        assert ids(listing) == ids(listing) == [0, 1, 2, 3, 4]
        assert [(a["id"], b["id"]) for a, b in zip(listing, listing, strict=True)] == [(i, i) for i in range(5)]
        found: list[list[int]] = []
        threads = [threading.Thread(target=lambda: found.append(ids(listing))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [[0, 1, 2, 3, 4]] * 4


def test_a_model_makes_the_items_that_are_wanted() -> None:
    read: list[Any] = []

    class Number:
        def read(self, item: Any) -> Any:
            read.append(item)
            return item["id"] + 100

    endpoint = Endpoint("GET", "/api/things", "list", model=Number())
    with Server(paged(10)) as server, Client(server.url, auth=AUTH) as client:
        listing: Listing[int] = Listing(client, Operation(endpoint, (), {"size": 3, "cursor": None}, limit=4))
        assert list(listing) == [100, 101, 102, 103]
        assert listing.first() == 100
    assert len(read) == 5


def test_a_query_is_judged_once_and_not_for_every_page(caplog: pytest.LogCaptureFixture) -> None:
    pages = paged(5)
    # The checks of the generated package, over any collection.
    endpoint = Endpoint("GET", "/ws/v1/devices/inventory", "list")
    params = {"query": "nmae = 'x'", "size": 2, "cursor": None}
    with Server(pages) as server, DigiClient(server.url, auth=AUTH, throttle=None) as client:
        listing: Listing[Any] = Listing(client, Operation(endpoint, (), params))
        with pytest.raises(QueryError, match="name"):
            list(listing)
        with pytest.raises(QueryError, match="name"):
            list(Listing[Any](client, Operation(endpoint, (), {"query": None, "cursor": listing.cursor})))
        assert server.got == []
    with Server(pages) as server, DigiClient(server.url, auth=AUTH, throttle=None, validate="warn") as client:
        with caplog.at_level(logging.WARNING, logger="digirm"):
            assert len(list(Listing[Any](client, Operation(endpoint, (), params)))) == 5
        assert len([record for record in caplog.records if "nmae" in record.getMessage()]) == 1
