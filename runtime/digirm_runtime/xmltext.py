"""XML to dicts and back, for the legacy API and SCI. What comes in is untrusted: nothing is expanded or fetched.

An element without attributes and children is its text, as it stands; any other is a dict with its attributes as
`@name`, its children by name, a list where a name repeats, and its own text as `#text`. A document type, an encoding of
other than one byte or UTF-8, mixed content, and nesting deeper than `DEEPEST` are refused.

A name in a namespace is read as ElementTree writes it: `{uri}name`.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import islice
from typing import TYPE_CHECKING

from digirm_runtime import xmlguard
from digirm_runtime.xmlbuild import DEEPEST, build, inside, undeclared
from digirm_runtime.xmlguard import BLANK, TooMuchError, Value, XMLError, crowded, deep, mixed
from digirm_runtime.xmlrecords import Records, add

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = [
    "DEEPEST",
    "Records",
    "TooMuchError",
    "Value",
    "XMLError",
    "build",
    "check",
    "inside",
    "parse",
    "undeclared",
]

#: Small pieces keep the tree of a page small: what is converted is let go before the garbage collector looks at it.
_PIECE = 16_384
#: No element and no attribute is shorter, in bytes.
_SHORTEST = 4
#: An attribute, or what looks like one in a text.
_ATTRIBUTE = re.compile(rb"=[ \t\r\n]*[\"']")


def check(text: str) -> None:
    """Raise XMLError for what is not one element, well-formed and without a document type."""
    from xml.parsers.expat import ExpatError

    parser = xmlguard.guarded("utf-8")
    try:
        parser.Parse(_encoded(text), True)
    except XMLError:
        raise
    except (ExpatError, ValueError) as error:
        raise xmlguard.refused(error) from None


def parse(text: bytes | str, lists: Collection[str] = (), *, charset: str | None = None) -> tuple[str, Value]:
    """The root's name and value. Elements named in `lists` are lists even where there is one.

    `charset` is that of the HTTP header; it stands above the document's own declaration. Raises XMLError.
    """
    from xml.etree.ElementTree import ParseError, TreeBuilder, XMLParser

    if isinstance(text, str):
        text, charset = _encoded(text), "utf-8"
    _count(text)
    encoding = xmlguard.settled(text, charset)
    xmlguard.look_ahead(text, encoding)
    builder = TreeBuilder()
    # An element around the document's: a hold on the tree while it grows.
    around = builder.start("", {})
    parser = XMLParser(target=builder, encoding=encoding)  # noqa: S314 - document types were refused
    found: dict[str, Value] = {}
    start, piece = 0, _PIECE
    try:
        while start < len(text):
            parser.feed(text[start : start + piece])
            start += piece
            # Expat reads a token that is not complete from its beginning again: a long one must not take many pieces.
            piece *= 2
            for root in around:
                # All children but the last are complete.
                for child in root[:-1]:
                    _child(found, root, child, lists)
                    piece = _PIECE
                del root[:-1]
                _shallow(root)
        parser.close()
    except XMLError:
        raise
    except (ParseError, ValueError) as error:
        raise xmlguard.refused(error) from None
    root = around[0]
    if not (found or len(root) or root.keys()):
        return root.tag, root.text or ""
    for child in root:
        _child(found, root, child, lists)
    _text(found, root)
    return root.tag, {**_attributes(root), **found}


def _child(found: dict[str, Value], parent: Element, child: Element, lists: Collection[str]) -> None:
    """Add a child of the root."""
    if child.tail is not None and child.tail.strip(BLANK):
        raise mixed(parent.tag)
    add(found, child.tag, _value(child, lists, 2) if len(child) or child.keys() else child.text or "", lists)


def _value(element: Element, lists: Collection[str], depth: int) -> dict[str, Value]:
    """What an element with attributes or children holds. Leaves are read here and not each by a call: most are."""
    if depth == DEEPEST and len(element):
        raise deep()
    found: dict[str, Value] = _attributes(element) if element.keys() else {}
    indent = None  # mostly the same behind each
    for child in element:
        tail = child.tail
        if tail != indent:
            if tail is not None and tail.strip(BLANK):
                raise mixed(element.tag)
            indent = tail
        value = _value(child, lists, depth + 1) if len(child) or child.keys() else child.text or ""
        name = child.tag
        if name in found or name in lists:
            add(found, name, value, lists)
        else:
            found[name] = value
    _text(found, element)
    return found


def _shallow(root: Element) -> None:
    """Raise XMLError where the elements that are open, each its parent's last, are too many."""
    depth = 1
    while len(root):
        root = root[-1]
        depth += 1
        if depth > DEEPEST:
            raise deep()


def _attributes(element: Element) -> dict[str, Value]:
    return {f"@{name}": value for name, value in element.items()}


def _text(found: dict[str, Value], element: Element) -> None:
    """Add the text of an element that has more than that."""
    text = element.text
    if text is not None and text.strip(BLANK):
        if len(element):
            raise mixed(element.tag)
        found["#text"] = text


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise XMLError(f"character {error.start} cannot be in XML") from None


def _count(text: bytes) -> None:
    """Refuse what holds too much, by a bound of it: in a text, `<` and what looks like an attribute count too."""
    if len(text) <= _SHORTEST * xmlguard.MARKS:
        return
    elements = text.count(b"<") - text.count(b"</")
    if elements + text.count(b"=") > xmlguard.MARKS:
        attributes = sum(1 for _ in islice(_ATTRIBUTE.finditer(text), xmlguard.MARKS + 1))
        if elements + attributes > xmlguard.MARKS:
            raise crowded(xmlguard.MARKS)
