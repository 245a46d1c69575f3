"""The last touches to an answer: pretty printing, no body for HEAD, and the slot of the throttle given back."""

from __future__ import annotations

import json

from digirm_runtime.wire import Request, Response
from digirm_simulator.throttle import Slot


def finished(request: Request, reply: Response) -> Response:
    """The answer in the form that was asked for."""
    if request.headers.get("x-pretty", "").lower() == "true" and _is_json(reply):
        reply.body = (json.dumps(json.loads(reply.read()), indent=2, ensure_ascii=False) + "\n").encode()
    if request.method == "HEAD":
        if isinstance(reply.body, bytes):
            reply.headers["content-length"] = str(len(reply.body))
        reply.close()
        reply.body = b""
    return reply


def freeing(reply: Response, slot: Slot) -> Response:
    """The answer, with which the slot is given back before its last byte: a client may then ask again at once."""
    if isinstance(reply.body, bytes):
        slot.leave()
    else:
        reply.body = slot.until_last(reply.body)
    return reply


def _is_json(reply: Response) -> bool:
    return reply.headers.get("content-type") == "application/json" and reply.body != b""
