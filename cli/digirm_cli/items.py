"""Request items as HTTPie writes them, and files that they name.

    name==value   a parameter         name=value    a field of the JSON body, as text
    Name:value    a header            name:=JSON    a field of the JSON body, as JSON

`==@`, `:@`, `=@` and `:=@` take the value from a file. A backslash before one of `=`, `:`, `;` and `@` makes it an
ordinary character; before any other character it is one itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from digirm_runtime.calls.escaping import split
from digirm_runtime.calls.jsontext import parse
from digirm_runtime.calls.planned import CallError, add, add_header, utf8


class Items(NamedTuple):
    """Parameters, headers in the user's spelling, and the fields of a JSON body."""

    params: dict[str, str]
    headers: dict[str, str]
    fields: dict[str, Any]


def read(items: Iterable[str]) -> Items:
    """The items in order. Raises CallError."""
    found = Items({}, {}, {})
    for item in items:
        utf8(item, "an item")
        name, separator, value = split(item)
        if not name:
            raise CallError(f"an item has no name before its {separator!r}")
        if separator == "@":
            raise CallError(f"{name!r}: forms are not sent; --body FILE sends a file as the body")
        if separator.endswith("@"):
            value = _content(value, name)
            separator = separator[:-1]
            # A line's end is the editor's, save in a text of which it is a part.
            value = value if separator == "=" else value.rstrip("\r\n")
            utf8(value, "an item")
        if separator == "==":
            add(found.params, name, value)
        elif separator in (":", ";"):
            _header(found.headers, name, separator, value)
        else:
            add(found.fields, _field(name), value if separator == "=" else _json(value, name))
    return found


def _header(headers: dict[str, str], name: str, separator: str, value: str) -> None:
    value = value.strip()
    if (separator == ";") == bool(value):
        raise CallError(f"the header {name}: write 'Name:value', or 'Name;' for an empty one")
    add_header(headers, name, value)


def _field(name: str) -> str:
    """A field's name. HTTPie reads brackets as a path into the body."""
    if any(bracket in name.replace("\\[", "").replace("\\]", "") for bracket in "[]"):
        raise CallError(f"{name!r}: nested fields are not written with brackets here; write name:='{{...}}' or --body")
    return name.replace("\\[", "[").replace("\\]", "]")


def _json(text: str, name: str) -> Any:
    try:
        return parse(text)
    except ValueError as error:
        raise CallError(f"{name!r} is not JSON behind ':=': {error}") from None


def _content(file: str, name: str) -> str:
    try:
        return Path(file).read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise CallError(f"{name!r}: {file} is not UTF-8 text") from None
    except (OSError, ValueError) as error:
        raise CallError(f"{name!r}: cannot read {file}: {getattr(error, 'strerror', None) or error}") from None
