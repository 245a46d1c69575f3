"""Answers in the service's shape."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from digirm_runtime.wire import SIMULATOR_HEADER, Response

_ENCODER = msgspec.json.Encoder(order="sorted")
_SIMULATOR = {SIMULATOR_HEADER: "simulator"}


class Problem(Exception):  # noqa: N818 - an answer, which is raised to leave early
    """An error answer: status, message, and what it is about where one of several items failed."""

    def __init__(self, status: int, message: str, context: Any = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.context = context

    def document(self) -> dict[str, Any]:
        """The error as JSON."""
        described = {"error_message": self.message, "error_status": self.status}
        return described if self.context is None else {"error_context": self.context, **described}


def dumps(value: Any) -> str:
    """JSON with sorted keys, as the recordings have them."""
    return _ENCODER.encode(value).decode()


def json_reply(value: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return text_reply(dumps(value), status)


def text_reply(text: str, status: int = 200) -> Response:
    """A JSON answer from its text."""
    return bytes_reply(text.encode(), status)


def bytes_reply(body: bytes, status: int = 200) -> Response:
    """A JSON answer from its bytes."""
    return Response(status, {"content-type": "application/json", **_SIMULATOR}, body)


def csv_reply(chunks: Iterable[bytes]) -> Response:
    """A CSV answer, streamed."""
    return Response(200, {"content-type": "text/csv; charset=utf-8", **_SIMULATOR}, chunks)


def empty_reply() -> Response:
    """204 without a body."""
    return Response(204, _SIMULATOR)


def error_reply(problem: Problem, headers: dict[str, str] | None = None) -> Response:
    """The answer for a problem."""
    reply = json_reply(problem.document(), problem.status)
    reply.headers.update(headers or {})
    return reply
