"""Request items as HTTPie writes them, and files that they name.

    name==value   a parameter         name=value    a field of the JSON body, as text
    Name:value    a header            name:=JSON    a field of the JSON body, as JSON

`==@`, `:@`, `=@` and `:=@` take the value from a file. A backslash before one of `=`, `:`, `;` and `@` makes it an
ordinary character; before any other character it is one itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

#: The longest first, which counts where several begin at one place.
SEPARATORS = (":=@", "==@", "=@", ":@", ":=", "==", "=", ":", ";", "@")
_SPECIAL = frozenset("=:;@")
#: Headers that would stand beside the client's own, or carry what no command line should.
_SECRET = frozenset(("authorization", "proxy-authorization", "x-api-key-id", "x-api-key-secret", "cookie"))
_OWN = frozenset(("host", "content-length", "transfer-encoding", "connection", "accept-encoding"))


class ItemError(ValueError):
    """An item that is none, or cannot be sent; the text says which, and what to write instead.

    It does not show the value, which may be a secret.
    """


class Items(NamedTuple):
    """Parameters, headers in the user's spelling, and the fields of a JSON body."""

    params: dict[str, str]
    headers: dict[str, str]
    fields: dict[str, Any]


def split(item: str) -> tuple[str, str, str]:
    """(name, separator, value) of one item. Raises ItemError for one without a separator."""
    chars: list[str] = []
    bare: list[bool] = []
    position = 0
    while position < len(item):
        char, following = item[position], item[position + 1 : position + 2]
        position += 1
        if char != "\\" or not following:
            chars.append(char)
            bare.append(True)
            continue
        position += 1
        if following in _SPECIAL:
            chars.append(following)
            bare.append(False)
        else:  # both stay, and the second cannot escape what comes after it
            chars += [char, following]
            bare += [True, True]
    text = "".join(chars)
    for start in range(len(text)):
        for separator in SEPARATORS:
            end = start + len(separator)
            if text.startswith(separator, start) and all(bare[start:end]):
                return text[:start], separator, text[end:]
    raise ItemError(f"{item!r} is no item: write name==value for a parameter, name=value for a field of the body")


def read(items: Iterable[str]) -> Items:
    """The items in order. Raises ItemError."""
    found = Items({}, {}, {})
    for item in items:
        utf8(item, "an item")
        name, separator, value = split(item)
        if not name:
            raise ItemError(f"an item has no name before its {separator!r}")
        if separator == "@":
            raise ItemError(f"{name!r}: forms are not sent; --body FILE sends a file as the body")
        if separator.endswith("@"):
            value = _content(value, name)
            separator = separator[:-1]
            # A line's end is the editor's, save in a text of which it is a part.
            value = value if separator == "=" else value.rstrip("\r\n")
            utf8(value, "an item")
        if separator == "==":
            _add(found.params, name, value)
        elif separator in (":", ";"):
            _header(found.headers, name, separator, value)
        else:
            _add(found.fields, _field(name), value if separator == "=" else _json(value, name))
    return found


def spell(name: str, separator: str, value: str) -> str | None:
    """The item of this name and value; None where HTTPie has no way to write it."""
    if name.endswith("\\") or name.startswith("-"):  # an escape, an option
        return None
    escaped = "".join(f"\\{char}" if char in _SPECIAL else char for char in name)
    first = f"\\{value}" if value[:1] in _SPECIAL and value else value
    for written in (f"{escaped}{separator}{value}", f"{escaped}{separator}{first}"):
        if split(written) == (name, separator, value):
            return written
    return None


def parse_json(text: str | bytes) -> Any:
    """JSON as the standard has it. Raises ValueError, also for NaN and for what is nested too deep."""

    def refuse(name: str) -> NoReturn:
        raise ValueError(f"{name} is no JSON")

    try:
        return json.loads(text, parse_constant=refuse)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def utf8(text: str, what: str) -> None:
    """Raise ItemError for a text that has no bytes: what the shell handed over was not UTF-8."""
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise ItemError(f"{what} is not UTF-8 text")


def _header(headers: dict[str, str], name: str, separator: str, value: str) -> None:
    from digirm_runtime.flow import header_safe

    known = name.lower()
    if known in _SECRET:
        raise ItemError(
            f"the header {name} carries credentials, which others can see on a command line: "
            "put them into the environment or netrc"
        )
    if known in _OWN:
        raise ItemError(f"the header {name} is the connection's own")
    value = value.strip()
    if (separator == ";") == bool(value):
        raise ItemError(f"the header {name}: write 'Name:value', or 'Name;' for an empty one")
    try:
        header_safe([(name, value)])
    except ValueError as error:
        raise ItemError(str(error)) from None
    if known in {one.lower() for one in headers}:
        raise ItemError(f"the header {name} is given twice")
    headers[name] = value


def _add(values: dict[str, Any], name: str, value: Any) -> None:
    if name in values:
        raise ItemError(f"{name!r} is given twice")
    values[name] = value


def _field(name: str) -> str:
    """A field's name. HTTPie reads brackets as a path into the body."""
    if any(bracket in name.replace("\\[", "").replace("\\]", "") for bracket in "[]"):
        raise ItemError(f"{name!r}: nested fields are not written with brackets here; write name:='{{...}}' or --body")
    return name.replace("\\[", "[").replace("\\]", "]")


def _json(text: str, name: str) -> Any:
    try:
        return parse_json(text)
    except ValueError as error:
        raise ItemError(f"{name!r} is not JSON behind ':=': {error}") from None


def _content(file: str, name: str) -> str:
    try:
        return Path(file).read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise ItemError(f"{name!r}: {file} is not UTF-8 text") from None
    except (OSError, ValueError) as error:
        raise ItemError(f"{name!r}: cannot read {file}: {getattr(error, 'strerror', None) or error}") from None
