"""Created objects, filters and the look of methods, over a hand-written face of the kind that the generator writes."""

from typing import Any

import pytest

from digirm_runtime.client import Client
from digirm_runtime.created import Created
from digirm_runtime.errors import APIError, RemoteManagerError, TransportError
from digirm_runtime.face import Endpoint, Operation
from digirm_runtime.wire import Response
from tests.support.server import Answer, script
from tests.support.things import AUTH, FACES, Things, run


def test_created_in_all_its_shapes() -> None:
    failed = {"error_context": {"id": "x"}, "error_message": "bad", "error_status": 400}
    mixed: Created[Any] = Created({"count": 2, "list": [{"id": "a"}, failed]})
    assert (mixed.items, mixed.failures) == ([{"id": "a"}], [failed])
    with pytest.raises(APIError, match="bad") as caught:
        mixed.raise_for_failures()
    assert caught.value.error_context == {"id": "x"}
    assert Created({"id": 5}).one() == {"id": 5}
    assert Created({"list": [{"id": 5}]}).one() == {"id": 5}
    assert Created(None).items == Created([]).items == []
    assert Created({"list": "mine"}).one() == {"list": "mine"}
    for unusable in ("text", b"", 5, True):
        with pytest.raises(TransportError, match="neither an object nor a list"):
            Created(unusable)
    with pytest.raises(RemoteManagerError, match="holds 2"):
        Created([1, 2]).one()


@pytest.mark.parametrize("face", FACES)
def test_create_and_a_filter_that_is_missing(face: str) -> None:
    async def body(things: Any) -> None:
        assert len((await things.create([{}, {}])).failures) == 1
        for nothing in (None, "", "  "):
            with pytest.raises(ValueError, match="without a filter"):
                await things.delete_all(tag=nothing)
        await things.delete_all(tag="x")

    with script(Answer(207, {"list": [{"id": 1}, {"error_status": 400, "error_message": "no"}]})) as server:
        run(face, body, server.url)
        assert [got.method for got in server.got] == ["POST", "DELETE"]


@pytest.mark.parametrize("kind", ["create", "update", "update_all", "delete", "delete_all"])
def test_a_page_of_a_proxy_is_no_success(kind: str) -> None:
    page = Response(200, {"content-type": "text/html"}, b"<html>log in to the hotel's network</html>")
    method = "POST" if kind == "create" else "PUT"
    with pytest.raises(TransportError, match="no JSON") as caught:
        Operation(Endpoint(method, "/api/things", kind)).decode(page)
    assert caught.value.body == page.body
    for empty in (Response(200), Response(204)):
        answer = Operation(Endpoint(method, "/api/things", kind)).decode(empty)
        assert answer.items == [] if kind == "create" else answer is None
    # Where the spec names another kind of content, its answers are not known to be JSON.
    if kind != "create":
        assert "hotel" in Operation(Endpoint(method, "/f", kind, media_type="text/csv")).decode(page)


@pytest.mark.parametrize("face", FACES)
def test_a_creation_that_a_proxy_answered_is_not_repeated(face: str) -> None:
    async def body(things: Any) -> None:
        with pytest.raises(TransportError, match="no JSON"):
            await things.create({})

    with script(Answer(body=b"<html>", headers=(("content-type", "text/html"),))) as server:
        run(face, body, server.url)
        assert len(server.got) == 1


def test_methods_look_like_their_bodies() -> None:
    things = Things(Client("http://127.0.0.1:1", auth=AUTH))
    assert things.list.__doc__ == "All things."
    assert things.list is things.list
    with pytest.raises(TypeError):
        things.list(nonsense=1)  # type: ignore[call-arg]
