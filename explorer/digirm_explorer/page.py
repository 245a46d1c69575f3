"""The page: the bundle that `npm run build` in `explorer/web` makes, served from the package's own folder."""

from __future__ import annotations

import re
import secrets
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

STATIC = Path(__file__).parent / "static"
_NONCE = "DIGIRM_NONCE"
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")
_TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
}
#: Nothing comes from another host, and no script but those of the bundle runs.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def missing() -> str | None:
    """What to do where the bundle was not made; None where it was."""
    if (STATIC / "index.html").is_file():
        return None
    return (
        "the page was not built, as in a fresh clone: run `make web`, or `npm ci && npm run build` in explorer/web "
        "(Node.js 20.19 or newer)"
    )


async def page(_: Request) -> Response:
    """The page, with a nonce of its own."""
    nonce = secrets.token_urlsafe(18)
    try:
        text = (STATIC / "index.html").read_text("utf-8").replace(_NONCE, nonce)
    except OSError:
        return Response(missing() or "the page cannot be read", 500, media_type="text/plain")
    return Response(text, media_type="text/html", headers={"content-security-policy": _POLICY.format(nonce=nonce)})


async def asset(request: Request) -> Response:
    """A file of the bundle; its name changes with its content."""
    name = str(request.path_params["name"])
    media_type = _TYPES.get(Path(name).suffix)
    try:
        if media_type is None or not _NAME.fullmatch(name):
            raise FileNotFoundError
        content = (STATIC / "assets" / name).read_bytes()
    except OSError:
        return Response("there is no such file", 404, media_type="text/plain")
    return Response(content, media_type=media_type, headers={"cache-control": "public, max-age=31536000, immutable"})


async def no_icon(_: Request) -> Response:
    """What browsers ask for without being told to."""
    return Response(status_code=204)
