"""What the service answers beside v1: `/ws/sci`, and the legacy objects `/ws/<Object>`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from digirm_runtime.wire import Request, Response
from digirm_simulator.replies import Problem

if TYPE_CHECKING:
    from digirm_simulator.access import User
    from digirm_simulator.paging import Params
    from digirm_simulator.world import World

BASE = "/ws/"


class Asked(NamedTuple):
    """One request beside v1. `path` holds the decoded segments below `/ws/`; names in `headers` are lower-case."""

    world: World
    method: str
    path: tuple[str, ...]
    params: Params
    headers: Mapping[str, str]
    body: bytes
    now: datetime
    user: User


def read(world: World, request: Request, raw_path: str, params: Params, now: datetime, user: User) -> Asked:
    """A request as its parts. Raises Problem 400 where its path is not UTF-8."""
    try:
        path = tuple(unquote(part, errors="strict") for part in raw_path.removeprefix(BASE).rstrip("/").split("/"))
    except ValueError:
        raise Problem(400, "The address is not encoded as UTF-8") from None
    return Asked(world, request.method, path, params, request.headers, request.read(), now, user)


def answer(asked: Asked) -> Response:
    """The answer. Raises Problem."""
    if asked.path[0] == "sci":
        from digirm_simulator import sci

        return sci.answer(asked)
    from digirm_simulator import legacy

    return legacy.answer(asked)
