"""The forms of the older API's answers: XML, or JSON where that is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from digirm_runtime.wire import SIMULATOR_HEADER, Response
from digirm_simulator.other import Asked
from digirm_simulator.replies import json_reply
from digirm_simulator.xmlchars import clean

#: One object of an answer: text by element, or the elements inside one.
Row: TypeAlias = "Mapping[str, str | Row]"

_DECLARATION = '<?xml version="1.0" encoding="ISO-8859-1"?>\n'
_INDENT = "   "


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
    return text if text.isprintable() else clean(text, "\ufffd").replace("\r", "&#13;")
