"""A call as a Python program: with digirm, and with httpx alone."""

from __future__ import annotations

from collections.abc import Mapping
from pprint import pformat
from typing import TYPE_CHECKING

from digirm_runtime.calls import proof
from digirm_runtime.calls.jsontext import literal
from digirm_runtime.calls.planned import JSON, STDIN

if TYPE_CHECKING:
    from digirm_runtime.calls.known import Known
    from digirm_runtime.calls.planned import Planned
    from digirm_runtime.credentials import Credentials

#: Items of a page that was not asked for with a size (documented, and the most that a page can have).
_PAGE = 1000
#: Characters of a body that stands in the call itself, and of a line of one that does not.
_SHORT, _WIDE = 80, 100
#: Seconds that a connection may be silent, where httpx would take 5.
_TIMEOUT = 60


def python(
    planned: Planned,
    known: Known | None,
    specs: str | None,
    credentials: Credentials | None = None,
    *,
    default_url: str,
    every: bool,
) -> str:
    """The call with digirm: by the method of the client where it has one, else by `request`.

    The client finds its credentials by itself. `every` walks all pages of a list.
    """
    uses = {"Client"} if specs is None else set()
    before: list[str] = []
    call = _method(planned, known, uses, before, every=every)
    if call is None:
        call = _pages(planned, known, uses) if every else _request(planned, uses, before)
    opened = [] if planned.url == default_url else [repr(planned.url)]
    if credentials is proof.ANYBODY:
        opened.append(f"auth={(proof.USER, proof.PASSWORD)!r}")
    lines = _modules(uses)
    names = sorted(uses - {"sys", "Path"})
    if specs is None:
        lines.append(f"from digirm import {', '.join(names)}")
        client = f"Client({', '.join(opened)})"
    else:
        lines += [
            "from digirm_runtime import dynamic",
            *(f"from digirm_runtime.options import {name}" for name in names),
        ]
        client = f"dynamic.client({', '.join([repr(specs), *opened])})"
    return "\n".join([*lines, "", *before, f"with {client} as rm:", *(f"    {line}" for line in call)])


def httpx(planned: Planned, known: Known | None, credentials: Credentials | None, *, every: bool) -> str:
    """The call with httpx 0.24 or later; credentials are those of the environment, or of netrc."""
    uses: set[str] = set()
    before: list[str] = []
    opened = f"httpx.Client({_auth(credentials, uses)}, timeout={_TIMEOUT})"
    args = [repr(planned.url.rstrip("/") + planned.path)]
    if every:
        before.append(f"params = {planned.params!r}")
        args.append("params=params")
    elif planned.params:
        args.append(f"params={planned.params!r}")
    own = [("accept", "*/*")]
    if planned.has_body:
        body = _body(planned, uses)
        as_json = not body.endswith(")")
        args.append(f"{'json' if as_json else 'content'}={_apart(body, before)}")
        own += [("content-type", JSON)] if as_json else []
    headers = {name: value for name, value in planned.sent_headers.items() if (name.lower(), value) not in own}
    if headers:
        args.append(f"headers={headers!r}")
    word = planned.method.lower()
    if word not in ("get", "head", "post", "put", "patch", "delete", "options"):
        word = "request"
        args.insert(0, repr(planned.method))
    call = [f"response = client.{word}({', '.join(args)})", "response.raise_for_status()"]
    if every:
        inner = [
            *call,
            "page = response.json()",
            f"for item in page[{_element(known)!r}]:",
            "    print(item)",
            *_ON,
        ]
        call = ["while True:", *(f"    {line}" for line in inner)]
    else:
        call.append("print(response.text)")
    lines = [*_modules(uses), "import httpx", "", *before, f"with {opened} as client:"]
    return "\n".join([*lines, *(f"    {line}" for line in call)])


#: The lines that go on to the next page, or end the loop.
_ON = ("if not page.get('cursor'):", "    break", "params['cursor'] = page['cursor']")


def _modules(uses: set[str]) -> list[str]:
    """The lines that import what of the standard library is used, and an empty one behind them."""
    known = {"os": "import os", "sys": "import sys", "Path": "from pathlib import Path"}
    lines = [line for name, line in known.items() if name in uses]
    return [*lines, ""] if lines else []


def _method(
    planned: Planned, known: Known | None, uses: set[str], before: list[str], *, every: bool
) -> list[str] | None:
    """The lines that call the client's own method; None where it has none that sends this."""
    if known is None or known.named is None or known.values is None or (every and known.kind != "list"):
        return None
    named = known.named
    if not set(planned.params) <= set(named.keywords) or planned.has_body != (planned.method in ("POST", "PUT")):
        return None
    args = [repr(value) for value in known.values]
    body = _body(planned, uses) if planned.has_body else ""
    if body:
        args.append(_apart(body, before))
    size = planned.params.get("size", "")
    number = int(size) if size.isascii() and size.isdecimal() and len(size) < 10 else None
    for wire, value in planned.params.items():
        args.append(f"{named.keywords[wire]}={number if wire == 'size' and number is not None else repr(value)}")
    if known.kind == "list" and not every:
        args.append(f"limit={number or _PAGE}")
    # What is not written as a value does not tell its type.
    headers = planned.own_headers if body.endswith(")") else planned.headers
    if headers:
        args.append(_options(headers, uses))
    call = f"rm.{named.dotted}({', '.join(args)})"
    if known.kind in ("list", "csv"):
        return [f"for item in {call}:", "    print(item)"]
    return [f"print({call}{'.items' if known.kind == 'create' else ''})"]


def _request(planned: Planned, uses: set[str], before: list[str]) -> list[str]:
    """The lines that call the path."""
    args = [repr(planned.method), repr(planned.path)]
    if planned.params:
        args.append(f"params={planned.params!r}")
    if planned.has_body:
        args.append(f"body={_apart(_body(planned, uses), before)}")
    args.append(_options(planned.sent_headers, uses))
    return [f"print(rm.request({', '.join(args)}))"]


def _pages(planned: Planned, known: Known | None, uses: set[str]) -> list[str]:
    """The lines that call the path of a list page by page."""
    args = [repr(planned.method), repr(planned.path), "params=params"]
    if planned.headers:
        args.append(_options(planned.headers, uses))
    return [
        f"params = {planned.params!r}",
        "while True:",
        f"    page = rm.request({', '.join(args)})",
        f"    for item in page[{_element(known)!r}]:",
        "        print(item)",
        *(f"    {line}" for line in _ON),
    ]


def _element(known: Known | None) -> str:
    return "list" if known is None or known.named is None else known.named.endpoint.element


def _options(headers: Mapping[str, str], uses: set[str]) -> str:
    uses.add("Options")
    return f"options=Options(headers={headers!r})"


def _auth(credentials: Credentials | None, uses: set[str]) -> str:
    if credentials is proof.ANYBODY:
        return f"auth={(proof.USER, proof.PASSWORD)!r}"
    if proof.in_netrc(credentials):
        file = proof.other_netrc(credentials)
        return f"auth=httpx.NetRCAuth({'' if file is None else repr(file)})"
    uses.add("os")
    if proof.has_key(credentials):
        headers = (f"{name!r}: os.environ[{variable!r}]" for name, variable in proof.KEY_VARIABLES.items())
        return f"headers={{{', '.join(headers)}}}"
    return f"auth=({', '.join(f'os.environ[{variable!r}]' for variable in proof.USER_VARIABLES)})"


def _body(planned: Planned, uses: set[str]) -> str:
    """A body as an expression: the value of JSON, which ends with a bracket, or bytes, which end with `)`."""
    if planned.file is not None:
        uses.add("sys" if planned.file == STDIN else "Path")
        return "sys.stdin.buffer.read()" if planned.file == STDIN else f"Path({planned.file!r}).read_bytes()"
    if planned.text is None:
        return pformat(planned.fields, width=_WIDE, sort_dicts=False)
    value = literal(planned.text) if planned.media_type == JSON else None
    if value is None:
        return f"{_text(planned.text)}.encode()"
    return pformat(value, width=_WIDE, sort_dicts=False)


def _text(text: str) -> str:
    """A text as a literal, line by line."""
    lines = text.splitlines(keepends=True)
    return repr(text) if len(lines) < 2 else "\n".join(["(", *(f"    {line!r}" for line in lines), ")"])


def _apart(body: str, before: list[str]) -> str:
    """The body, or the name that it gets on lines of its own, where it is long."""
    if len(body) <= _SHORT and "\n" not in body:
        return body
    before.append(f"body = {body}")
    return "body"
