"""Documents of the dialect, and a server that gives them by path."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Mapping
from typing import Any

from digirm_codegen.crawl import crawl
from digirm_codegen.spec_files import Capture
from digirm_runtime.client import AsyncClient
from tests.support.server import Answer, Got, Server

AUTH = ("user", "password")
Answers = dict[str, Answer | list[Answer]]


def crawled(url: str, **options: Any) -> Capture:
    """What a crawl of the server at `url` captures."""

    async def run() -> Capture:
        async with AsyncClient(url, auth=AUTH, throttle=None) as client:
            return await crawl(client, **{"api_version": "22.7", **options})

    return asyncio.run(run())


def capture(answers: Answers, **options: Any) -> Capture:
    """What a crawl of a server of these answers captures."""
    with serve(answers) as server:
        return crawled(server.url, **options)


def root(*names: str, base: str = "/ws/v1") -> dict[str, Any]:
    return {"count": len(names), "list": [{"path": f"{base}/{name}"} for name in names]}


def category(name: str, *, base: str = "/ws/v1", fields: tuple[str, ...] = ("id", "name")) -> dict[str, Any]:
    query = [{"field": f, "operators": ["=", "<>", "contains"], "orderby": True, "type": "Text"} for f in fields]
    requests = [{"method": "GET", "params": ["query", "size"], "query": query}, {"method": "POST", "params": []}]
    items = [{"path": f"{base}/{name}"}, {"path": f"{base}/{name}/inventory", "requests": requests}]
    return {"count": len(items), "list": items}


def nested(depth: int) -> Any:
    value: Any = "bottom"
    for _ in range(depth):
        value = [value]
    return value


def api(*names: str, base: str = "/ws/v1") -> Answers:
    """Answers of an API with these categories."""
    answers: Answers = {base: Answer(body=root(*names, base=base))}
    return answers | {f"{base}/{name}": Answer(body=category(name, base=base)) for name in names}


def serve(answers: Mapping[str, Answer | list[Answer]]) -> Server:
    """A server of `answers`: each path's in turn, the last one for ever; 404 elsewhere."""
    turns: Counter[str] = Counter()
    lock = threading.Lock()

    def reply(got: Got) -> Answer:
        given = answers.get(got.path, Answer(404))
        several = given if isinstance(given, list) else [given]
        with lock:
            turn = turns[got.path]
            turns[got.path] += 1
        return several[min(turn, len(several) - 1)]

    return Server(reply)
