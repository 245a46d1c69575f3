"""XML piece by piece, in the memory of one record."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from digirm_runtime import xmlguard
from digirm_runtime.xmlbuild import DEEPEST
from digirm_runtime.xmlguard import BLANK, PROLOG, TOKEN, TooMuchError, Value, XMLError, crowded, deep, mixed

if TYPE_CHECKING:
    from xml.parsers.expat import XMLParserType


def add(found: dict[str, Value], name: str, value: Value, lists: Collection[str]) -> None:
    """Add a child to what an element holds: a list where its name repeats, or is one of `lists`."""
    if name not in found:
        found[name] = [value] if name in lists else value
        return
    there = found[name]
    # Values of elements are no lists: a list is one that was made here.
    if isinstance(there, list):
        there.append(value)
    else:
        found[name] = [there, value]


class _Open:
    """An element that has begun."""

    __slots__ = ("found", "name", "parent", "text")

    def __init__(self, name: str, found: dict[str, Value]) -> None:
        self.name = name
        self.found = found
        self.text: list[str] = []
        self.parent = False  # whether it has children


class Records:
    """Reads a document piece by piece and hands out its records: the elements `depth` below the root (1: its children).

    An element above that depth without children is handed out as well, and so is a root that is nothing but text.
    `most` bounds the bytes between two records, and `xmlguard.MARKS` the elements and attributes, and so the memory.
    `root` and `attributes` are the root's.
    """

    def __init__(
        self,
        lists: Collection[str] = (),
        depth: int = 1,
        most: int = 16 * 1024 * 1024,
        *,
        charset: str | None = None,
    ) -> None:
        self.root = ""
        self.attributes: dict[str, str] = {}
        self._lists = lists
        self._depth = depth
        self._most = most
        self._charset = charset
        self._since = 0  # bytes since the last record
        self._marks = 0  # elements and attributes since then
        self._given = 0  # and those of the records that this piece gave
        self._taken = 0  # bytes in all
        self._first = b""  # what came before there was enough to tell the encoding
        self._names: dict[str, str] = {}
        self._parser: XMLParserType | None = None
        self._open: list[_Open] = []
        self._done: list[tuple[str, Value]] = []

    def feed(self, chunk: bytes) -> list[tuple[str, Value]]:
        """The records that end in this piece, as names and values. Raises XMLError."""
        if self._parser is None:
            chunk = self._first = self._first + chunk
            if not xmlguard.enough(chunk):
                return []
        parser = self._parser or self._begin()
        found: list[tuple[str, Value]] = []
        self._given = 0
        for start in range(0, len(chunk), PROLOG):
            piece = chunk[start : start + PROLOG]
            self._parse(parser, piece, last=False)
            self._taken += len(piece)
            if self._taken - parser.CurrentByteIndex > TOKEN:
                # Expat reads a token that is not complete from its beginning again, for every piece.
                raise TooMuchError(f"a tag or a comment is longer than {TOKEN:,} bytes")
            self._since += len(piece)
            if self._done:
                self._since = 0
            found += self._done
            self._done.clear()
            if len(self._names) > xmlguard.NAMES:
                raise TooMuchError(f"elements and attributes have more than {xmlguard.NAMES:,} names")
            if self._since > self._most:
                raise TooMuchError(f"no record ended within {self._most:,} bytes")
        return found

    def close(self) -> None:
        """The document ends here. Raises XMLError if it is not complete."""
        parser, rest = (self._begin(), self._first) if self._parser is None else (self._parser, b"")
        self._parse(parser, rest, last=True)

    def _begin(self) -> XMLParserType:
        self._parser = parser = xmlguard.guarded(xmlguard.settled(self._first, self._charset), self._names)
        parser.StartElementHandler = self._started
        parser.EndElementHandler = self._ended
        parser.CharacterDataHandler = self._said
        return parser

    def _parse(self, parser: XMLParserType, piece: bytes, *, last: bool) -> None:
        from xml.parsers.expat import ExpatError

        try:
            parser.Parse(piece, last)
        except XMLError as error:
            place = f"line {parser.CurrentLineNumber}, column {parser.CurrentColumnNumber}"
            raise type(error)(f"{error}: {place}") from None
        except (ExpatError, ValueError) as error:
            raise xmlguard.refused(error) from None

    def _started(self, name: str, attributes: dict[str, str]) -> None:
        self._marks += 1 + len(attributes)
        if self._marks > xmlguard.MARKS:
            raise crowded(xmlguard.MARKS)
        if not self._open:
            self.root, self.attributes = _spelled(name), {_spelled(key): text for key, text in attributes.items()}
        else:
            parent = self._open[-1]
            if not parent.parent:
                self._check(parent.text)
                parent.parent = True
                parent.text.clear()
            if len(self._open) == DEEPEST:
                raise deep()
        self._open.append(_Open(_spelled(name), {f"@{_spelled(key)}": text for key, text in attributes.items()}))

    def _said(self, text: str) -> None:
        element = self._open[-1]
        if element.parent:
            self._check([text])
        else:
            element.text.append(text)

    def _check(self, text: list[str]) -> None:
        if text and "".join(text).strip(BLANK):
            raise mixed(self._open[-1].name)

    def _ended(self, _name: str) -> None:
        element = self._open.pop()
        level = len(self._open)
        text = "".join(element.text)
        value: Value = text
        if element.found or element.parent:
            value = element.found
            if text.strip(BLANK):
                value["#text"] = text
        if level > self._depth:
            add(self._open[-1].found, element.name, value, self._lists)
        elif level == self._depth or (not element.parent and (level or text.strip(BLANK))):
            self._done.append((element.name, value))
            self._given += self._marks
            self._marks = 0
            if self._given > xmlguard.MARKS_AT_ONCE:
                raise crowded(xmlguard.MARKS_AT_ONCE)


def _spelled(name: str) -> str:
    return "{" + name if "}" in name else name
