"""Who may talk to the explorer: this machine's user, through pages that the explorer itself gave.

It can do whatever the account may do, and any web page that the user visits can send requests to loopback. So a
browser gets in by a link with a token that works once and leaves a session cookie; the name by which the explorer is
called must be its own (a foreign name that resolves to loopback is an attack), and so must the origin of whatever is
more than a GET.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias
from urllib.parse import parse_qs

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

#: Of everything: nothing is loaded, framed, guessed or told to others. The page has a policy of its own.
_HEADERS = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
#: Browsers that are remembered; the one that came first is forgotten.
_SESSIONS = 100

_LOCKED_OUT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>digirm explorer</title></head>
<body><main><h1>This browser is not let in yet</h1>
<p>Open the link that <code>digirm explore</code> printed in its terminal. A link works once: for another browser the
terminal shows a new one. After a restart of <code>digirm explore</code>, the link is another one as well.</p>
</main></body></html>
"""
#: A browser that came by a link on another site keeps the cookie back until a page of this one asks.
_COME_AGAIN = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>digirm explorer</title>
<meta http-equiv="refresh" content="0; url=/"></head><body></body></html>
"""


class Access:
    """The link that lets the next browser in, and the browsers that are in."""

    def __init__(self, port: int, announce: Callable[[str], None]) -> None:
        """`announce` is given the next link as soon as one was used."""
        self._port = port
        self._announce = announce
        self._token = secrets.token_urlsafe(24)
        self._sessions: dict[str, None] = {}
        #: Cookies know no ports: another explorer on this machine has its own.
        self._cookie = f"digirm_explorer_{port}"

    @property
    def link(self) -> str:
        """The link that works now, once."""
        return f"http://127.0.0.1:{self._port}/?token={self._token}"

    @property
    def hosts(self) -> frozenset[str]:
        """The names and ports by which the explorer may be called."""
        names = ("127.0.0.1", "localhost")
        bare = names if self._port == 80 else ()  # browsers leave out the port that is usual
        return frozenset((*(f"{name}:{self._port}" for name in names), *bare))

    def enter(self, token: str) -> str | None:
        """Use the link up: the value of `set-cookie`, None where the token is not the one that works."""
        if not hmac.compare_digest(token.encode("utf-8", "replace"), self._token.encode()):
            return None
        self._token = secrets.token_urlsafe(24)
        session = secrets.token_urlsafe(24)
        self._sessions[session] = None
        if len(self._sessions) > _SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        self._announce(self.link)
        return f"{self._cookie}={session}; Path=/; HttpOnly; SameSite=Strict"

    def knows(self, cookies: str) -> bool:
        """Whether a `cookie` header holds a session."""
        for part in cookies.split(";"):
            name, _, value = part.strip().partition("=")
            if name == self._cookie and value in self._sessions:
                return True
        return False


class Gate:
    """An ASGI application in front of another that lets nobody else through, and adds the headers of every answer."""

    def __init__(self, app: App, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        # The first of several with one name would do for one reader, and the last for another: there is one, or none.
        headers: dict[str, str] = {}
        for name, value in scope["headers"]:
            key = name.decode("latin-1")
            headers[key] = f"{headers[key]};{value.decode('latin-1')}" if key in headers else value.decode("latin-1")
        path: str = scope["path"]
        api = path.startswith("/api/")
        if refusal := self._foreign(scope["method"], headers, api=api):
            await _refuse(send, 403, "session", refusal)
        elif path == "/":
            await self._page(scope, headers, receive, send)
        elif api and not self._access.knows(headers.get("cookie", "")):
            text = "digirm explore was restarted, or does not know this browser: open the link that it printed"
            await _refuse(send, 401, "session", text)
        else:
            await self._app(scope, receive, _guarded(send))

    def _foreign(self, method: str, headers: dict[str, str], *, api: bool) -> str | None:
        """Why a request comes from elsewhere; None where it does not."""
        host = headers.get("host", "").lower()
        if host not in self._access.hosts:
            return "the explorer answers by its own address only"
        origin = headers.get("origin")
        if (origin is not None or method not in ("GET", "HEAD")) and origin != f"http://{host}":
            return "the request comes from another site"
        # What has no such header is no browser; another port of this machine is the same site.
        if api and headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            return "the request comes from another site"
        return None

    async def _page(self, scope: Scope, headers: dict[str, str], receive: Receive, send: Send) -> None:
        [token, *_] = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])
        cookie = self._access.enter(token) if token and scope["method"] == "GET" else None
        if cookie is not None:
            await _plain(send, 303, "", {"location": "/", "set-cookie": cookie})
        elif not self._access.knows(headers.get("cookie", "")):
            elsewhere = headers.get("sec-fetch-site") in ("cross-site", "same-site")
            await _plain(send, 403, _COME_AGAIN if elsewhere else _LOCKED_OUT, {"content-type": "text/html"})
        elif token:
            # The link in the history of a browser that is in: it would stay in the address otherwise.
            await _plain(send, 303, "", {"location": "/"})
        else:
            await self._app(scope, receive, _guarded(send))


def _guarded(send: Send) -> Send:
    """`send` with the headers that every answer has, but for those that it sets itself."""

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = list(message.get("headers", ()))
            names = {name for name, _ in own}
            more = ((name.encode(), value.encode()) for name, value in _HEADERS.items())
            message["headers"] = [*own, *(pair for pair in more if pair[0] not in names)]
        await send(message)

    return guarded


async def _refuse(send: Send, status: int, kind: str, text: str) -> None:
    import json

    document = json.dumps({"error": {"kind": kind, "message": text}})
    await _plain(send, status, document, {"content-type": "application/json"})


async def _plain(send: Send, status: int, text: str, headers: dict[str, str]) -> None:
    body = text.encode()
    pairs = {**headers, "content-length": str(len(body))}
    start = {
        "type": "http.response.start",
        "status": status,
        "headers": [(name.encode(), value.encode()) for name, value in pairs.items()],
    }
    guarded = _guarded(send)
    await guarded(start)
    await guarded({"type": "http.response.body", "body": body})
