"""What a write would send: shown before it is sent, and known again when it was confirmed."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from hashlib import sha256
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from digirm_runtime.wire import Request

#: Requests that wait for being confirmed; the one that was shown first is forgotten.
_MOST = 100
#: What confirms a request, and the hash of that.
_shown: dict[str, bytes] = {}
_lock = Lock()


def digest(request: Request) -> str:
    """What confirms exactly this request, once: another method, address, header or byte of the body needs another."""
    given = secrets.token_hex(32)
    with _lock:
        _shown[given] = _hash(request)
        if len(_shown) > _MOST:
            del _shown[next(iter(_shown))]
    return given


def confirms(given: str, request: Request) -> bool:
    """Whether what the page sent back is a digest of this request; it is used up."""
    with _lock:
        return _shown.pop(given, None) == _hash(request)


def preview(request: Request, credentials: Collection[str]) -> str:
    """The whole request as it would leave; the headers named in `credentials` are not shown.

    Characters that cannot be seen, or that turn a line around, are written out.
    """
    body = request.read()
    headers = {"host": urlsplit(request.url).netloc, **request.headers}
    if body:
        headers["content-length"] = str(len(body))
    lines = [f"{request.method} {request.url}"]
    lines += [f"{name}: {'(your credentials)' if name in credentials else value}" for name, value in headers.items()]
    if body:
        lines += ["", body.decode("utf-8", "replace")]
    text = "\n".join(lines)
    odd = (char for char in set(text) - {"\n", "\t"} if not char.isprintable())
    return text.translate({ord(char): f"<U+{ord(char):04X}>" for char in odd})


def _hash(request: Request) -> bytes:
    made = sha256()
    parts = (request.method, request.url, repr(sorted(request.headers.items())))
    for part in (*(part.encode("utf-8", "surrogatepass") for part in parts), request.read()):
        # Where a part ends is hashed too: what is moved from one to the next is another request.
        made.update(len(part).to_bytes(8, "big"))
        made.update(part)
    return made.digest()
