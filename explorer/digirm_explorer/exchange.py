"""What the page sends, read; and what it is answered with."""

from __future__ import annotations

from typing import Any, Literal, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from digirm_explorer.problems import Problem

#: Bytes of a request of the page; the body of a composed request may have a fourth of that.
MOST = 32 << 20
T = TypeVar("T", bound=msgspec.Struct)


class SignIn(msgspec.Struct):
    """Credentials; the secret is never shown."""

    kind: Literal["api_key", "password"]
    name: str
    secret: str


class Allow(msgspec.Struct):
    """Whether writes to a real service may be confirmed."""

    allow: bool


class Composing(msgspec.Struct):
    """A composed request, as it stands."""

    request: dict[str, Any]


class Export(msgspec.Struct):
    """A composed request, and the form in which it is wanted."""

    request: dict[str, Any]
    form: str
    every: bool = False


async def data(request: Request) -> Any:
    """The JSON that the page sent. Raises Problem for what is none, or too much."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST:
            raise Problem("invalid", f"that is more than {MOST >> 20} MiB", status=413)
    try:
        return _decoded(body)
    except (ValueError, RecursionError) as error:
        raise Problem("invalid", f"the request is no JSON: {error}") from None


def _decoded(body: bytearray) -> Any:
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        # Half of a surrogate pair, which a page can hold, is none here: who composes says where it stands.
        import json

        return json.loads(body)


async def asked(request: Request, kind: type[T]) -> T:
    """The JSON that the page sent, as one of the above. Raises Problem."""
    try:
        return msgspec.convert(await data(request), kind)
    except msgspec.ValidationError as error:
        raise Problem("invalid", f"the request is not what it should be: {error}") from None


def number(text: str) -> int:
    """The number of a call in the history. Raises Problem."""
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Problem("invalid", "a call has a number", status=404)
    return int(text)


def reply(value: Any, status: int = 200) -> Response:
    """A value as JSON."""
    try:
        content = msgspec.json.encode(value)
    except UnicodeEncodeError:
        # Half of a surrogate pair, as a server may write in a name, has no UTF-8, and an escape in JSON.
        import json

        content = json.dumps(value).encode()
    return Response(content, status, media_type="application/json")
