"""The forms of the older API: answers as XML, or as JSON where that is asked for, and the bodies that are sent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from digirm_runtime.wire import SIMULATOR_HEADER, Response
from digirm_runtime.xmltext import Value, XMLError, parse
from digirm_simulator.other import Asked
from digirm_simulator.replies import Problem, json_reply

#: One object of an answer: text by element, or the elements inside one.
Row: TypeAlias = "Mapping[str, str | Row]"

_DECLARATION = '<?xml version="1.0" encoding="ISO-8859-1"?>\n'
_INDENT = "   "
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_MAX_ITEMS = 10_000


def wants_json(headers: Mapping[str, str]) -> bool:
    """Whether the header Accept names JSON; XML is the rule."""
    return "json" in headers.get("accept", "").lower()


def page_reply(asked: Asked, name: str, head: Mapping[str, str], rows: Iterable[Row]) -> Response:
    """A page of objects called `name`; `head` is what stands before them."""
    if wants_json(asked.headers):
        return json_reply({**head, "items": list(rows)})
    lines = [*_lines(head, 1), *(line for row in rows for line in _lines({name: row}, 1))]
    return xml_reply(lines)


def result_reply(
    asked: Asked, entries: Iterable[tuple[str, str]], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """What a write answers: for each object a `location`, an `error` or a `message`.

    In JSON several of a kind are a list, and how they stood among each other is lost.
    """
    entries = list(entries)
    if wants_json(asked.headers):
        found: dict[str, list[str]] = {}
        for name, text in entries:
            found.setdefault(name, []).append(text)
        reply = json_reply({name: texts[0] if len(texts) == 1 else texts for name, texts in found.items()}, status)
    else:
        reply = xml_reply([line for name, text in entries for line in _lines({name: text}, 1)], status)
    reply.headers |= headers or {}
    return reply


def xml_reply(lines: Iterable[str], status: int = 200, root: str = "result") -> Response:
    """An XML answer of lines that are XML already, in the encoding that the service declares."""
    text = "\n".join((f"{_DECLARATION}<{root}>", *lines, f"</{root}>\n"))
    headers = {"content-type": "application/xml;charset=iso-8859-1", SIMULATOR_HEADER: "simulator"}
    return Response(status, headers, text.encode("iso-8859-1", "xmlcharrefreplace"))


def _lines(row: Row, depth: int) -> Iterator[str]:
    # Names are those of our columns; building each element anew would take most of the time of a page.
    indent = _INDENT * depth
    for name, value in row.items():
        if isinstance(value, str):
            yield f"{indent}<{name}>{_escaped(value)}</{name}>" if value else f"{indent}<{name}/>"
        else:
            yield f"{indent}<{name}>"
            yield from _lines(value, depth + 1)
            yield f"{indent}</{name}>"


def _escaped(text: str) -> str:
    """A stored text as XML can hold it: what it cannot is a replacement character."""
    if "&" in text or "<" in text or ">" in text:
        text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text if text.isprintable() else _ILLEGAL.sub("\ufffd", text).replace("\r", "&#13;")


def items_of(body: bytes, name: str) -> tuple[list[Mapping[str, Value]], bool]:
    """The objects called `name` of an XML body, and whether they came in a `list`. Raises Problem 400."""
    try:
        root, value = parse(body, (name,))
    except XMLError as problem:
        raise Problem(400, f"The body is not valid XML: {problem}") from None
    if root == name:
        return [_elements(value, name)], False
    if root != "list":
        raise Problem(400, f"Expected <{name}> or <list>, not <{root[:60]}>")
    inside = _elements(value, root)
    found = inside.get(name, [])
    if inside.keys() - {name} or not isinstance(found, list) or not 1 <= len(found) <= _MAX_ITEMS:
        raise Problem(400, f"A <list> must hold 1 to {_MAX_ITEMS} <{name}>, and nothing else")
    return [_elements(item, name) for item in found], True


def _elements(value: Value, name: str) -> Mapping[str, Value]:
    if isinstance(value, str) and not value.strip():
        return {}
    if not isinstance(value, dict):
        raise Problem(400, f"<{name}> must hold elements")
    return value


def texts_of(item: Mapping[str, Value], known: Iterable[str]) -> dict[str, str]:
    """The elements of an object as text. Raises Problem 400 for one that is not known, or that has no single text."""
    found: dict[str, str] = {}
    names = set(known)
    for name, value in item.items():
        if name.startswith(("@", "#")):
            continue
        if name not in names:
            raise Problem(400, f"Unknown element <{name[:60]}>")
        if isinstance(value, dict):
            value = value.get("#text", "") if all(key.startswith(("@", "#")) for key in value) else [value]
        if not isinstance(value, str):
            raise Problem(400, f"<{name}> must be one text")
        if "\0" in value:
            raise Problem(400, f"<{name}> holds a NUL")
        found[name] = value
    return found
