"""A call as it was asked for, before anything is sent: its address, its headers without credentials, its body."""

from __future__ import annotations

import re
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, urlencode

from digirm_runtime.template import decoded

STDIN = "-"
JSON = "application/json"
XML = "application/xml"
#: Methods whose requests carry a body.
CARRIES = frozenset(("POST", "PUT", "PATCH"))
#: How an address begins.
ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
#: What a path may hold as it is; a percent sign only before two hexadecimal digits.
_SAFE = "/%!$&'()*+,;=:@-._~"
#: Headers that would stand beside the client's own.
_OWN = frozenset(("host", "content-length", "transfer-encoding", "connection", "accept-encoding"))
#: Headers by which some services take a request for another method's.
_OTHER_METHOD = frozenset(("x-http-method", "x-http-method-override", "x-method-override"))


class CallError(ValueError):
    """A call that cannot be sent, or not be written as it was asked for; the text says why, and what to do instead.

    It does not show values, which may be secret.
    """


class Planned(NamedTuple):
    """One request. `url` is the service, `path` percent-encoded, `headers` those that were given.

    The body is JSON of `fields`, or `text`, or the content of `file` (`-`: standard input), or there is none.
    """

    method: str
    url: str
    path: str
    params: dict[str, str]
    headers: dict[str, str]
    fields: dict[str, Any] | None = None
    file: str | None = None
    media_type: str | None = None
    text: str | None = None

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
    def own_headers(self) -> dict[str, str]:
        """The headers that were given, and the type of the body where they do not say it."""
        typed = self.media_type is None or "content-type" in {name.lower() for name in self.headers}
        return self.headers if typed else {"Content-Type": str(self.media_type)} | self.headers

    @property
    def sent_headers(self) -> dict[str, str]:
        """The headers that are sent, those of the connection and credentials left out."""
        asked = "accept" in {name.lower() for name in self.headers}
        return ({} if asked else {"Accept": "*/*"}) | self.own_headers

    @property
    def has_body(self) -> bool:
        """Whether a body is sent; it may be empty."""
        return self.fields is not None or self.file is not None or self.text is not None


def read_path(text: str, base_path: str) -> tuple[str, dict[str, str]]:
    """A path as it is sent, and the parameters that were written behind it.

    One that does not begin with `/` is below `base_path`. Raises CallError.
    """
    if ADDRESS.match(text):
        raise CallError("a path, not an address: --url names the service, which credentials are sent to")
    utf8(text, "the path")
    if "#" in text:
        raise CallError("a path holds no '#': write %23 where a name has one")
    path, _, query = text.partition("?")
    if not path.strip():
        raise CallError("the path is empty")
    if not path.startswith("/"):
        path = f"/{path}" if path.startswith("ws/") else f"{base_path}/{path}"
    path = quote(re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", path), safe=_SAFE)
    if path.startswith("//") or any(decoded(piece) in (".", "..") for piece in path.split("/")):
        raise CallError(f"a path holds no '.' and '..', and begins with one '/': {text!r}")
    params: dict[str, str] = {}
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        raise CallError("the parameters behind the path are not UTF-8 text") from None
    for name, value in pairs:
        if not name:
            raise CallError("a parameter behind the path has no name before its '='")
        add(params, name, value, "the parameter ")
    return path, params


def add(values: dict[str, Any], name: str, value: Any, what: str = "") -> None:
    """Set a value that has no other yet. Raises CallError."""
    if name in values:
        raise CallError(f"{what}{name!r} is given twice")
    values[name] = value


def add_header(headers: dict[str, str], name: str, value: str) -> None:
    """Set a header. Raises CallError for one that no call may set, that no header can be, or that is there."""
    from digirm_runtime.flow import header_safe
    from digirm_runtime.secrets import HEADERS

    known = name.lower()
    if known in HEADERS or known.startswith("x-api-key"):
        raise CallError(
            f"the header {name} carries credentials, which are no part of a call: those of the environment or of netrc "
            "go with it"
        )
    if known in _OWN:
        raise CallError(f"the header {name} is the connection's own")
    if known in _OTHER_METHOD:
        raise CallError(f"the header {name} would make another method of it: use that method itself")
    try:
        header_safe([(name, value)])
    except ValueError as error:
        raise CallError(str(error)) from None
    if known in {one.lower() for one in headers}:
        raise CallError(f"the header {name} is given twice")
    headers[name] = value


def body_type(path: str, base_path: str) -> str:
    """The media type of a body that does not say it: the older API speaks XML."""
    return JSON if path.startswith(base_path) else XML


def utf8(text: str, what: str) -> None:
    """Raise CallError for a text that has no bytes, such as a shell's argument that was not UTF-8."""
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise CallError(f"{what} is not UTF-8 text")
