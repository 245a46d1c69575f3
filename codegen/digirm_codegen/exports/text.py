"""Text of a spec inside other formats: whatever it holds, it ends no line, cell, link or code span, and is no HTML."""

from __future__ import annotations

import re
from collections.abc import Iterable

from digirm_runtime.text import printable

_MARKUP = re.compile(r"([\\`*_\[\]<>#!|~&$^])")
#: What Markdown makes a link of without being asked to.
_LINK = re.compile(r"(?i)(?<=www)(?=\.)|(?<=\w)(?=://)|(?<=mailto)(?=:)|(?<=xmpp)(?=:)|(?<=\w)(?=@)")


def plain(text: str) -> str:
    """Printable text on one line: nothing in it moves a cursor, changes the direction of reading or ends the line."""
    return printable(" ".join(text.split()))


def code(text: str) -> str:
    """A code span of Markdown, also inside a cell of a table; nothing for blank text."""
    return _span(plain(text))


def codes(texts: Iterable[str]) -> str:
    """Code spans with commas between them."""
    return ", ".join(filter(None, map(code, texts)))


def prose(text: str) -> str:
    """A sentence of Markdown in which nothing but code spans is markup, also inside a cell of a table."""
    parts = plain(text).split("`")
    if len(parts) % 2 == 0:
        parts = ["'".join(parts)]
    return "".join(_span(part) if number % 2 else _escaped(part) for number, part in enumerate(parts))


def _span(text: str) -> str:
    # In a cell `\\|` stands for the sign even in a code span; a backslash before it would undo that.
    shown = text.strip().replace("`", "'").replace("\\|", "\\ |").replace("|", "\\|")
    return f"`{shown}`" if shown else ""


def _escaped(text: str) -> str:
    return _LINK.sub("<!-- -->", _MARKUP.sub(r"\\\1", text))
