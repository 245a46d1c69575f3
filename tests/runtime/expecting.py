"""A service that describes itself, and clients that expect it to be of their own version."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from digirm_runtime import dynamic
from tests.codegen.support import SMALL, write_spec
from tests.support.faces import Blocking, finish
from tests.support.server import Answer, Got, Server

FACES = ["blocking", "asyncio"]
AUTH = ("user", "secret-word")
DESCRIPTION = "/ws/v1/parts"
OTHER = {**SMALL["parts"], "list": SMALL["parts"]["list"][:1]}
PAGE = {"list": [{"id": 1}, {"id": 2}], "count": 2}
GOOD = Answer(body=PAGE)


@pytest.fixture(scope="module")
def specs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_spec(tmp_path_factory.mktemp("specs"), SMALL)


def service(description: Answer | Callable[[Got], Answer], page: Answer | Callable[[Got], Answer] = GOOD) -> Server:
    """A server of one category that describes itself so, and gives a page everywhere else."""

    def reply(got: Got) -> Answer:
        given = description if got.path == DESCRIPTION else page
        return given if isinstance(given, Answer) else given(got)

    return Server(reply)


def run(face: str, specs: Path, url: str, body: Callable[[Any], Any], **settings: Any) -> Any:
    """Run a body, written as for asyncio, over one face of the client that expects its own version."""
    settings = {"auth": AUTH, "throttle": None, "expect": "9.1", **settings}
    if face == "blocking":
        with dynamic.client(specs, url, **settings) as rm:
            return finish(body(Blocking(rm)))

    async def main() -> Any:
        async with dynamic.async_client(specs, url, **settings) as rm:
            return await body(rm)

    return asyncio.run(main())


def client(specs: Path, server: Server) -> dynamic.DynamicClient:
    return dynamic.client(specs, server.url, auth=AUTH, throttle=None, expect="9.1")


def paths(server: Server) -> list[str]:
    return [got.path for got in server.got]


async def get(rm: Any) -> Any:
    return await rm.parts.inventory.get(1)


async def twice(rm: Any) -> None:
    await get(rm)
    await get(rm)
