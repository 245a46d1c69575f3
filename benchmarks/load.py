"""Who asks, and who is asked, in processes of their own.

`python -m benchmarks.load ask URL AUTHORIZATION` prints the requests per second that a server answers;
`python -m benchmarks.load bare FILE` serves a bare route over a simulator's data file and prints its address.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

#: Connections, devices of a page, seconds of a run.
CONNECTIONS = 64
PAGE = 10
SPAN = 2.0
#: The path of the bare route.
ROUTE = "/devices"
_INVENTORY = "/ws/v1/devices/inventory"


def ask_in_process(simulator: Any, query: str, headers: Mapping[str, str]) -> bytes:
    """The answer of a simulator in this process."""
    from digirm_runtime.wire import Request

    reply = simulator.handle(Request("GET", f"{_INVENTORY}?{urlencode({'query': query})}", dict(headers)))
    assert reply.status == 200
    found: bytes = reply.read()
    return found


async def _ask(url: str, authorization: str) -> float:
    parts = urlsplit(url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    request = (
        f"GET {target} HTTP/1.1\r\nhost: {parts.netloc}\r\naccept-encoding: identity\r\n"
        f"authorization: {authorization}\r\n\r\n"
    ).encode()
    count = 0
    ends = time.perf_counter() + SPAN

    async def connection() -> None:
        nonlocal count
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        while time.perf_counter() < ends:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
            count += 1
        writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(connection() for _ in range(CONNECTIONS)))
    return count / (time.perf_counter() - started)


def _bare(file: str) -> None:
    """The least that gives such a page: one SELECT of stored JSON, joined."""
    import socket

    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    connection = sqlite3.connect(file, check_same_thread=False)

    async def devices(request: Request) -> Response:  # noqa: ARG001 - that is how a route is called
        found = connection.execute(f'SELECT body, seq FROM "{_INVENTORY}" ORDER BY seq LIMIT ?', (PAGE,)).fetchall()
        body = f'{{"count":{len(found)},"list":[{",".join(row[0] for row in found)}],"size":{PAGE}}}'
        return Response(body, media_type="application/json")

    app = Starlette(routes=[Route(ROUTE, devices)])
    settings: dict[str, Any] = {"http": "h11", "ws": "none", "lifespan": "off", "server_header": False}
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, **settings))
    # As uvicorn itself makes it: where the protocol is not named, asyncio leaves Nagle's algorithm on.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as bound:
        bound.bind(("127.0.0.1", 0))
        print(f"http://127.0.0.1:{bound.getsockname()[1]}", flush=True)
        server.run(sockets=[bound])


if __name__ == "__main__":
    if sys.argv[1] == "ask":
        print(json.dumps(asyncio.run(_ask(*sys.argv[2:4]))))
    else:
        _bare(sys.argv[2])
