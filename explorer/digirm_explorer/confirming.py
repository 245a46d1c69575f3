"""What a write would send: shown before it is sent, and known again when it was confirmed."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Collection
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from digirm_runtime.wire import Request

#: Of a body that is longer, so many characters are shown, and how many more there are.
_SHOWN = 64 << 10
#: No digest of another run confirms anything in this one.
_KEY = secrets.token_bytes(32)


def digest(request: Request) -> str:
    """What confirms exactly this request: another method, address, header or byte of the body has another."""
    parts = (request.method, request.url, repr(sorted(request.headers.items())))
    made = hmac.new(_KEY, digestmod=sha256)
    for part in (*(part.encode("utf-8", "surrogatepass") for part in parts), request.read()):
        made.update(len(part).to_bytes(8, "big"))
        made.update(part)
    return made.hexdigest()


def confirms(given: str, request: Request) -> bool:
    """Whether what the page sent back is the digest of this request."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), digest(request).encode())


def preview(request: Request, credentials: Collection[str]) -> str:
    """The request as it would leave; the headers named in `credentials` are masked."""
    body = request.read()
    headers = {"host": urlsplit(request.url).netloc, **request.headers}
    if body:
        headers["content-length"] = str(len(body))
    lines = [f"{request.method} {request.url}"]
    lines += [f"{name}: {'***' if name in credentials else value}" for name, value in headers.items()]
    if body:
        text = body.decode("utf-8", "replace")
        more = len(text) - _SHOWN
        lines += ["", text if more <= 0 else f"{text[:_SHOWN]}\n… and {more} more characters"]
    return "\n".join(lines)
