"""A request as it is composed in the page, and the call that it plans."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import unquote

import msgspec

from digirm_explorer.linking import MOST_TEXT
from digirm_runtime import template
from digirm_runtime.calls.planned import (
    ADDRESS,
    CARRIES,
    CallError,
    Planned,
    add,
    add_header,
    body_type,
    read_path,
    utf8,
)
from digirm_runtime.masking import Masker
from digirm_runtime.secrets import MASK

#: Characters of a path with its parameters, a name or a value: more no address has.
_TEXT = 65_536
#: Characters of what fills a placeholder.
_VALUE = 4_096
#: Characters of a body.
_BODY = 8 << 20
#: Parameters, headers and path values.
_ENTRIES = 200

#: A masked value in JSON, XML, CSV, a form or a query. A line of its own may be text that looks so.
_MASKED = re.compile(r"""(?<=["'>=,;|\t&])\*{3}(?![^"'<,;|\t&\\\r\n])|^\*{3}(?=["'<,;|\t&])""", re.MULTILINE)

#: What is no secret by itself.
_ANY = "digirm0anything"

_Text = Annotated[str, msgspec.Meta(max_length=_TEXT)]
_Value = Annotated[str, msgspec.Meta(max_length=_VALUE)]


class ComposedError(ValueError):
    """What is no request, or none that can be sent; the text says why, and shows no value."""


class Param(msgspec.Struct):
    """A query parameter; one that is not `on` is kept, and not sent."""

    name: _Text
    value: _Text
    on: bool = True


class Header(msgspec.Struct):
    """A header of the request."""

    name: _Text
    value: _Text


class Composed(msgspec.Struct):
    """A request as it stands in the page. `path` may hold placeholders such as `{id}`, which `path_values` fill.

    `body` is text, empty for none, and `content_type` its media type, empty for what the path suggests.
    """

    method: Annotated[str, msgspec.Meta(max_length=20)]
    path: _Text
    path_values: Annotated[dict[_Value, _Value], msgspec.Meta(max_length=_ENTRIES)] = {}
    params: Annotated[list[Param], msgspec.Meta(max_length=_ENTRIES)] = []
    headers: Annotated[list[Header], msgspec.Meta(max_length=_ENTRIES)] = []
    body: Annotated[str, msgspec.Meta(max_length=_BODY)] = ""
    content_type: _Text = ""

    @classmethod
    def read(cls, data: object) -> Composed:
        """The request of decoded JSON. Raises ComposedError for what is none."""
        try:
            return msgspec.convert(data, cls)
        except msgspec.ValidationError as error:
            raise ComposedError(f"that is no request: {error}") from None


def planned(composed: Composed, url: str, base_path: str) -> Planned:
    """The call of a composed request to the service at `url`. Raises ComposedError where it cannot be sent as it is."""
    try:
        return _planned(composed, url, base_path)
    except CallError as error:
        raise ComposedError(str(error)) from None


def masked(plan: Planned) -> str | None:
    """Why a call is not what was meant: a secret that was masked was not typed again; None where none is seen."""
    body = plan.text or ""
    if body.endswith(MASK) and len(body) > MOST_TEXT // 2:
        return f"only the beginning of this body was kept: {MASK} stands for the rest"
    values = (*map(unquote, plan.path.split("/")), *plan.params.values(), *plan.headers.values(), body)
    if any(MASK in value and _is_masked(value) for value in values):
        return f"type again what {MASK} stands for: secrets are not kept"
    return None


def _is_masked(text: str) -> bool:
    """Whether the mask is all of a value, or stands where a secret would be masked."""
    if text.strip() == MASK or _MASKED.search(text):
        return True
    return Masker().text(text.replace(MASK, _ANY)).count(_ANY) < text.count(MASK)


def _planned(composed: Composed, url: str, base_path: str) -> Planned:
    method = composed.method.strip().upper()
    if not (method.isascii() and method.isalpha()):
        raise CallError("a method is a word, such as GET or POST")
    if ADDRESS.match(composed.path.strip()):
        raise CallError("a path, not an address: which service is asked is chosen when the explorer is started")
    path, params = read_path(_filled(composed.path.strip(), composed.path_values), base_path)
    for param in composed.params:
        if param.on and (param.name or param.value):
            if not param.name:
                raise CallError("a parameter has a value, and no name")
            utf8(param.name + param.value, "a parameter")
            add(params, param.name, param.value, "the parameter ")
    headers: dict[str, str] = {}
    for header in composed.headers:
        if header.name or header.value:
            add_header(headers, header.name.strip(), header.value.strip())
    if not composed.body:
        return Planned(method, url, path, params, headers)
    if method not in CARRIES:
        raise CallError(f"a {method} carries no body: empty it, or choose another method")
    utf8(composed.body, "the body")
    media_type = composed.content_type.strip() or body_type(path, base_path)
    add_header({}, "Content-Type", media_type)
    return Planned(method, url, path, params, headers, media_type=media_type, text=composed.body)


def _filled(path: str, values: dict[str, str]) -> str:
    """A path with its placeholders filled, each value percent-encoded whole. Raises CallError."""
    filled, position = "", 0
    while (start := path.find("{", position)) >= 0:
        end = _closing(path, start)
        try:
            [[arg]] = template.parse("/" + path[start:end])
            assert isinstance(arg, template.Arg)
            if not values.get(arg.wire, "").strip():
                raise CallError(f"the path needs a value for {{{arg.wire}}}")
            value = template.fill([(arg,)], [values[arg.wire]])[1:]
        except CallError:
            raise
        except ValueError as error:
            raise CallError(f"the path: {error}") from None
        filled += path[position:start] + value
        position = end
    return filled + path[position:]


def _closing(path: str, start: int) -> int:
    """Where the placeholder ends that begins at `start`; a pattern within it may have braces of its own."""
    depth = 0
    for position in range(start, len(path)):
        depth += {"{": 1, "}": -1}.get(path[position], 0)
        if depth == 0:
            return position + 1
    raise CallError("the path has a '{' that nothing closes: write %7B where a name has one")
