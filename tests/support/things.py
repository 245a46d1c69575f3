"""A hand-written face of the kind that the generator writes, a server for it, and a runner for both faces."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from digirm_runtime.client import AsyncClient, Client
from digirm_runtime.created import Created
from digirm_runtime.face import Api, AsyncApi, Endpoint, Operation, Options, acall, alisting, arows, call, listing, rows
from tests.support.faces import Blocking, finish
from tests.support.server import Answer, Got

FACES = ["blocking", "asyncio"]
AUTH = ("a", "b")

_LIST = Endpoint("GET", "/api/things", "list")
_CSV = Endpoint("GET", "/api/bulk", "csv")
_POST = Endpoint("POST", "/api/things", "create")
_DELETE_ALL = Endpoint("DELETE", "/api/things", "delete_all")


class _Bodies:
    @staticmethod
    def list(
        *,
        tag: str | None = None,
        size: int | None = None,
        cursor: str | None = None,
        limit: int | None = None,
        prefetch: bool = False,
        options: Options | None = None,
    ) -> Operation[dict[str, Any]]:
        """All things."""
        params = {"tag": tag, "size": size, "cursor": cursor}
        return Operation(_LIST, (), params, limit=limit, prefetch=prefetch, options=options)

    @staticmethod
    def csv() -> Operation[dict[str, Any]]:
        return Operation(_CSV)

    @staticmethod
    def parts(*, cursor: str | None = None) -> Operation[dict[str, Any]]:
        return Operation(_CSV, (), {"cursor": cursor})

    @staticmethod
    def create(body: Any) -> Operation[Created[dict[str, Any]]]:
        return Operation(_POST, body=body)

    @staticmethod
    def delete_all(*, tag: str | None = None) -> Operation[Any]:
        return Operation(_DELETE_ALL, (), {"tag": tag})


class Things(Api):
    list = listing(_Bodies.list)
    csv = rows(_Bodies.csv)
    parts = rows(_Bodies.parts)
    create = call(_Bodies.create)
    delete_all = call(_Bodies.delete_all)


class AsyncThings(AsyncApi):
    list = alisting(_Bodies.list)
    csv = arows(_Bodies.csv)
    parts = arows(_Bodies.parts)
    create = acall(_Bodies.create)
    delete_all = acall(_Bodies.delete_all)


def paged(items: int | None = None, *, style: str = "both") -> Callable[[Got], Answer]:
    """A collection that pages as the service does: a full page carries a cursor even when nothing follows.

    Without `items` each request says by `tag` how many things there are.
    """

    def reply(got: Got) -> Answer:
        count = int(got.params["tag"]) if items is None else items
        size = int(got.params.get("size", "1000"))
        start = int(got.params.get("cursor", "0"))
        page = [{"id": number} for number in range(start, min(start + size, count))]
        document: dict[str, Any] = {"count": len(page), "list": page, "size": size}
        if len(page) == size:
            if style in ("both", "cursor"):
                document["cursor"] = str(start + size)
            if style in ("both", "uri"):
                document["next_uri"] = f"http://elsewhere.invalid/api/things?size={size}&cursor={start + size}"
        return Answer(body=document)

    return reply


def run(face: str, body: Callable[[Any], Awaitable[Any]], url: str, **settings: Any) -> Any:
    """Run a body, written as for asyncio, over the things of one face."""
    settings = {"auth": AUTH, "throttle": None, **settings}
    if face == "blocking":
        with Client(url, **settings) as client:
            return finish(body(Blocking(Things(client))))

    async def main() -> Any:
        async with AsyncClient(url, **settings) as client:
            return await body(AsyncThings(client))

    return asyncio.run(main())


def collect(face: str, url: str, **kwargs: Any) -> list[Any]:
    """All items of the list of things."""

    async def body(things: Any) -> list[Any]:
        return [item async for item in things.list(**kwargs)]

    found: list[Any] = run(face, body, url)
    return found
