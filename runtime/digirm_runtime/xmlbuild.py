"""Values as XML: the inverse of `digirm_runtime.xmltext.parse` but for namespaces, with everything escaped."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from datetime import datetime
    from xml.etree.ElementTree import Element

#: What can be written; None is an empty element, a list an element for each item, a time ISO 8601 in UTC.
Part: TypeAlias = "str | int | float | bool | datetime | Mapping[str, Part] | Sequence[Part] | Element | None"

#: Elements may be nested so deep, the root included.
DEEPEST = 100
_START = (
    "A-Z_a-z\xc0-\xd6\xd8-\xf6\xf8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c\u200d"
    "\u2070-\u218f\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd"
)
_LOCAL = f"[{_START}][-.0-9\xb7\u0300-\u036f\u203f\u2040{_START}]*"
_NAME = re.compile(f"{_LOCAL}(?::{_LOCAL})?")
_DECLARATION = re.compile(r"\A\ufeff?(?:\s*<\?xml\s[^>]*\?>)?")
#: A character that XML cannot have.
ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;", "\n": "&#10;", "\t": "&#9;"}
_IN_TEXT = re.compile("[&<>\r]")
_IN_ATTRIBUTE = re.compile('[&<>"\r\n\t]')


def build(name: str, value: Part) -> str:
    """An element as text; the inverse of `parse`. A list is one element for each item, also outermost.

    Raises ValueError for names and characters that XML cannot have, names in a namespace as `parse` gives them among
    them, and for what is nested too deep; TypeError for what has no text.
    """
    parts: list[str] = []
    _write(name, value, parts, 1)
    return "".join(parts)


def inside(mapping: Mapping[str, Part]) -> str:
    """What would be inside of an element: a text for each entry, without what would be around them."""
    parts: list[str] = []
    for name, value in mapping.items():
        _write(name, value, parts, 1)
    return "".join(parts)


def undeclared(text: str) -> str:
    """A document without the byte-order mark and the declaration that it begins with: what can stand in another."""
    return _DECLARATION.sub("", text, count=1)


def _write(name: str, value: Any, parts: list[str], depth: int) -> None:
    from xml.etree.ElementTree import Element

    if depth > DEEPEST:
        raise ValueError(f"elements are nested deeper than {DEEPEST}")
    if isinstance(value, Element):
        _write_element(name, value, parts, depth)
    elif isinstance(value, Mapping):
        opening = [_named(name)]
        inner: list[str] = []
        for key, item in value.items():
            if key == "#text":
                inner.append(_escaped(_scalar(item), _IN_TEXT))
            elif isinstance(key, str) and key.startswith("@"):
                opening.append(f'{_named(key[1:])}="{_escaped(_scalar(item), _IN_ATTRIBUTE)}"')
            else:
                _write(key, item, inner, depth + 1)
        parts.append(_element(" ".join(opening), name, "".join(inner)))
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray):
        for item in value:
            if isinstance(item, Sequence) and not isinstance(item, str):
                raise TypeError(f"{name!r} has a list in a list, which XML has no form for")
            _write(name, item, parts, depth)
    else:
        parts.append(_element(_named(name), name, _escaped(_scalar(value), _IN_TEXT)))


def _write_element(name: str, element: Element, parts: list[str], depth: int) -> None:
    """An ElementTree element under a name, its own tag or another."""
    attributes = "".join(f' {_named(key)}="{_escaped(text, _IN_ATTRIBUTE)}"' for key, text in element.items())
    inner = [_escaped(element.text or "", _IN_TEXT)]
    for child in element:
        _write(child.tag, child, inner, depth + 1)
        inner.append(_escaped(child.tail or "", _IN_TEXT))
    parts.append(_element(_named(name) + attributes, name, "".join(inner)))


def _element(opening: str, name: str, inner: str) -> str:
    return f"<{opening}>{inner}</{name}>" if inner else f"<{opening}/>"


def _named(name: object) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot be a name in XML")
    return name


def _scalar(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        from digirm_runtime.text import number_text

        return number_text(value)
    from datetime import datetime

    if isinstance(value, datetime):
        from digirm_runtime.text import time_text

        return time_text(value)
    raise TypeError(f"{type(value).__name__} cannot be written as XML")


def _escaped(text: str, what: re.Pattern[str]) -> str:
    illegal = ILLEGAL.search(text)
    if illegal:
        raise ValueError(f"XML cannot have the character U+{ord(illegal[0]):04X}")
    return what.sub(lambda found: _ESCAPED[found[0]], text)
