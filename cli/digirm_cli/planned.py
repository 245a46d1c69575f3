"""A call as it was asked for, before anything is sent: its address, its headers without credentials, its body."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlencode

from digirm_cli.common import stdin, unread
from digirm_cli.items import ItemError, read, utf8

STDIN = "-"
JSON = "application/json"
_TYPES = {".json": JSON, ".xml": "application/xml", ".csv": "text/csv", ".txt": "text/plain"}
#: What a path may hold as it is; a percent sign only before two hexadecimal digits.
_SAFE = "/%!$&'()*+,;=:@-._~"


class Planned(NamedTuple):
    """One request. `url` is the service, `path` percent-encoded, `headers` those that were given.

    The body is JSON of `fields`, or the content of `file` (`-`: standard input), or there is none.
    """

    method: str
    url: str
    path: str
    params: dict[str, str]
    headers: dict[str, str]
    fields: dict[str, Any] | None = None
    file: str | None = None
    media_type: str | None = None

    @property
    def target(self) -> str:
        """Path and parameters, as they are sent."""
        query = urlencode(self.params, quote_via=quote)
        return f"{self.path}?{query}" if query else self.path

    @property
    def address(self) -> str:
        """The whole URL."""
        return self.url.rstrip("/") + self.target

    @property
    def sent_headers(self) -> dict[str, str]:
        """The headers that are sent, those of the connection and credentials left out."""
        given = {name.lower() for name in self.headers}
        own = {} if "accept" in given else {"Accept": "*/*"}
        if self.media_type is not None and "content-type" not in given:
            own["Content-Type"] = self.media_type
        return own | self.headers

    def body(self) -> Any:
        """What to send: JSON's value, bytes, or None. Raises ItemError for a file that cannot be read."""
        if self.file is None:
            return self.fields
        try:
            return stdin().read() if self.file == STDIN else Path(self.file).read_bytes()
        except (OSError, ValueError) as error:
            raise ItemError(unread(self.file, error)) from None


def plan(
    method: str, url: str, path: str, items: Sequence[str], file: str | None = None, base_path: str = "/ws/v1"
) -> Planned:
    """The request of a command line; a path that does not begin with `/` is below `base_path`. Raises ItemError."""
    utf8(url, "the URL")
    given = read(items)
    path, params = _path(path, base_path)
    for name, value in given.params.items():
        if name in params:
            raise ItemError(f"the parameter {name!r} is given twice")
        params[name] = value
    carries = method in ("POST", "PUT")
    if given.fields and not carries:
        raise ItemError(f"a {method} carries no body: write {next(iter(given.fields))}==... for a parameter")
    if given.fields and file is not None:
        raise ItemError("the body is either --body or made of fields, not both")
    media_type = JSON if given.fields else None if file is None else _media_type(file, path, base_path)
    return Planned(method, url, path, params, given.headers, given.fields or None, file, media_type)


def _media_type(file: str, path: str, base_path: str) -> str:
    known = _TYPES.get(PurePath(file).suffix.lower())
    # The older API speaks XML.
    return known or (JSON if path.startswith(base_path) else "application/xml")


def _path(text: str, base_path: str) -> tuple[str, dict[str, str]]:
    """A path as it is sent, and the parameters that were written behind it. Raises ItemError."""
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", text):
        raise ItemError("a path, not an address: --url names the service, which credentials are sent to")
    utf8(text, "the path")
    if "#" in text:
        raise ItemError("a path holds no '#': write %23 where a name has one")
    path, _, query = text.partition("?")
    if not path.strip():
        raise ItemError("the path is empty")
    if not path.startswith("/"):
        path = f"/{path}" if path.startswith("ws/") else f"{base_path}/{path}"
    path = quote(re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", path), safe=_SAFE)
    if path.startswith("//") or any(_decoded(piece) in (".", "..") for piece in path.split("/")):
        raise ItemError(f"a path holds no '.' and '..', and begins with one '/': {text!r}")
    params: dict[str, str] = {}
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        raise ItemError("the parameters behind the path are not UTF-8 text") from None
    for name, value in pairs:
        if not name:
            raise ItemError("a parameter behind the path has no name before its '='")
        if name in params:
            raise ItemError(f"the parameter {name!r} is given twice")
        params[name] = value
    return path, params


def _decoded(text: str) -> str:
    """A piece of a path with every level of percent-encoding undone, as a careless proxy would."""
    while (plain := unquote(text)) != text:
        text = plain
    return text
