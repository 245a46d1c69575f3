"""XML to dicts and back, for the legacy API and SCI. What comes in is untrusted: nothing is expanded or fetched.

An element without attributes and children is its text, as it stands; any other is a dict with its attributes as
`@name`, its children by name, a list where a name repeats, and its own text as `#text`. A document type, an encoding of
other than one byte or UTF-8, mixed content, and nesting deeper than `DEEPEST` are refused.

A name in a namespace is read as ElementTree writes it: `{uri}name`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, NoReturn, TypeAlias

from digirm_runtime.xmlbuild import DEEPEST, build, inside

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element
    from xml.parsers.expat import XMLParserType

Value: TypeAlias = "str | dict[str, Value] | list[Value]"
__all__ = ["DEEPEST", "PROLOG", "TAGS", "TOKEN", "Records", "Value", "XMLError", "build", "inside", "parse"]

#: The tag of the root must end within so many bytes.
PROLOG = 65_536
#: What Records takes of one tag or comment, attributes included, in bytes.
TOKEN = 262_144
#: So many `<` may be in a document, of Records in what lies between two records: a dict takes more than its text.
TAGS = 2_000_000
#: Small pieces keep the tree of a page small: what is converted is let go before the garbage collector looks at it.
_PIECE = 16_384
#: So many bytes tell whether there is a mark of an encoding.
_ENOUGH = 4
_BLANK = " \t\r\n"
#: Encodings by their names in lower case. Each has ASCII in it, so that a declaration cannot change what is markup.
_ENCODINGS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "us-ascii",
    "ascii": "us-ascii",
    "iso-8859-1": "iso-8859-1",
    "latin-1": "iso-8859-1",
    "latin1": "iso-8859-1",
    "windows-1252": "windows-1252",
    "cp1252": "windows-1252",
}
_BOM = b"\xef\xbb\xbf"


class XMLError(ValueError):
    """A document that is not well-formed, or is of a kind that is not read. It says where where that is known."""


def parse(text: bytes | str, lists: Collection[str] = (), *, charset: str | None = None) -> tuple[str, Value]:
    """The root's name and value. Elements named in `lists` are lists even where there is one.

    `charset` is that of the HTTP header; it stands above the document's own declaration. Raises XMLError.
    """
    from xml.etree.ElementTree import ParseError, TreeBuilder, XMLParser

    if isinstance(text, str):
        try:
            text, charset = text.encode(), "utf-8"
        except UnicodeEncodeError as error:
            raise XMLError(f"character {error.start} cannot be in XML") from None
    if text.count(b"<") > TAGS:
        raise _crowded()
    encoding = _settled(text, charset)
    _look_ahead(text, encoding)
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
        raise _refused(error) from None
    root = around[0]
    if not (found or len(root) or root.keys()):
        return root.tag, root.text or ""
    for child in root:
        _child(found, root, child, lists)
    _text(found, root)
    return root.tag, {**_attributes(root), **found}


def _child(found: dict[str, Value], parent: Element, child: Element, lists: Collection[str]) -> None:
    """Add a child of the root."""
    if child.tail is not None and child.tail.strip(_BLANK):
        raise _mixed(parent.tag)
    _add(found, child.tag, _value(child, lists, 2) if len(child) or child.keys() else child.text or "", lists)


def _value(element: Element, lists: Collection[str], depth: int) -> dict[str, Value]:
    """What an element with attributes or children holds. Leaves are read here and not each by a call: most are."""
    if depth == DEEPEST and len(element):
        raise _deep()
    found: dict[str, Value] = _attributes(element) if element.keys() else {}
    indent = None  # mostly the same behind each
    for child in element:
        tail = child.tail
        if tail != indent:
            if tail is not None and tail.strip(_BLANK):
                raise _mixed(element.tag)
            indent = tail
        value = _value(child, lists, depth + 1) if len(child) or child.keys() else child.text or ""
        name = child.tag
        if name in found or name in lists:
            _add(found, name, value, lists)
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
            raise _deep()


def _attributes(element: Element) -> dict[str, Value]:
    return {f"@{name}": value for name, value in element.items()}


def _text(found: dict[str, Value], element: Element) -> None:
    """Add the text of an element that has more than that."""
    text = element.text
    if text is not None and text.strip(_BLANK):
        if len(element):
            raise _mixed(element.tag)
        found["#text"] = text


def _add(found: dict[str, Value], name: str, value: Value, lists: Collection[str]) -> None:
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
    `most` bounds the bytes between two records, and so the memory. `root` and `attributes` are the root's.
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
        self._tags = 0  # and `<` among them
        self._taken = 0  # bytes in all
        self._first = b""  # what came before there was enough to tell the encoding
        self._parser: XMLParserType | None = None
        self._open: list[_Open] = []
        self._done: list[tuple[str, Value]] = []

    def feed(self, chunk: bytes) -> list[tuple[str, Value]]:
        """The records that end in this piece, as names and values. Raises XMLError."""
        if self._parser is None:
            chunk = self._first = self._first + chunk
            if len(chunk) < _ENOUGH:
                return []
        parser = self._parser or self._begin()
        found: list[tuple[str, Value]] = []
        for start in range(0, len(chunk), PROLOG):
            piece = chunk[start : start + PROLOG]
            self._parse(parser, piece, last=False)
            self._taken += len(piece)
            if self._taken - parser.CurrentByteIndex > TOKEN:
                # Expat reads a token that is not complete from its beginning again, for every piece.
                raise XMLError(f"a tag or a comment is longer than {TOKEN:,} bytes")
            self._since += len(piece)
            self._tags += piece.count(b"<")
            if self._done:
                self._since = self._tags = 0
            found += self._done
            self._done.clear()
            if self._tags > TAGS:
                raise _crowded()
            if self._since > self._most:
                raise XMLError(f"no record ended within {self._most:,} bytes")
        return found

    def close(self) -> None:
        """The document ends here. Raises XMLError if it is not complete."""
        parser, rest = (self._begin(), self._first) if self._parser is None else (self._parser, b"")
        self._parse(parser, rest, last=True)

    def _begin(self) -> XMLParserType:
        self._parser = parser = _guarded(_settled(self._first, self._charset))
        parser.StartElementHandler = self._started
        parser.EndElementHandler = self._ended
        parser.CharacterDataHandler = self._said
        return parser

    def _parse(self, parser: XMLParserType, piece: bytes, *, last: bool) -> None:
        from xml.parsers.expat import ExpatError

        try:
            parser.Parse(piece, last)
        except XMLError as error:
            raise XMLError(f"{error}: line {parser.CurrentLineNumber}, column {parser.CurrentColumnNumber}") from None
        except (ExpatError, ValueError) as error:
            raise _refused(error) from None

    def _started(self, name: str, attributes: dict[str, str]) -> None:
        if not self._open:
            self.root, self.attributes = _spelled(name), {_spelled(key): text for key, text in attributes.items()}
        else:
            parent = self._open[-1]
            if not parent.parent:
                self._check(parent.text)
                parent.parent = True
                parent.text.clear()
            if len(self._open) == DEEPEST:
                raise _deep()
        self._open.append(_Open(_spelled(name), {f"@{_spelled(key)}": text for key, text in attributes.items()}))

    def _said(self, text: str) -> None:
        element = self._open[-1]
        if element.parent:
            self._check([text])
        else:
            element.text.append(text)

    def _check(self, text: list[str]) -> None:
        if text and "".join(text).strip(_BLANK):
            raise _mixed(self._open[-1].name)

    def _ended(self, _name: str) -> None:
        element = self._open.pop()
        level = len(self._open)
        text = "".join(element.text)
        value: Value = text
        if element.found or element.parent:
            value = element.found
            if text.strip(_BLANK):
                value["#text"] = text
        if level > self._depth:
            _add(self._open[-1].found, element.name, value, self._lists)
        elif level == self._depth or (not element.parent and (level or text.strip(_BLANK))):
            self._done.append((element.name, value))


def _guarded(encoding: str | None) -> XMLParserType:
    """A parser that refuses document types and declarations of encodings that are not read."""
    from xml.parsers.expat import ParserCreate

    parser = ParserCreate(encoding, "}")
    parser.buffer_text = True

    def declared(_version: str, named: str | None, _standalone: int) -> None:
        if named is not None:
            _encoding(named)

    parser.StartDoctypeDeclHandler = _no_doctype
    parser.XmlDeclHandler = declared
    return parser


def _no_doctype(*_: object) -> NoReturn:
    raise XMLError("a document type (DOCTYPE) is refused, and with it all that it could define")


def _look_ahead(text: bytes, encoding: str | None) -> None:
    """Refuse what the prolog may not hold, by reading up to the root, which has to begin soon."""
    from xml.parsers.expat import ExpatError

    begun = False

    def start(*_: object) -> None:
        nonlocal begun
        begun = True

    parser = _guarded(encoding)
    parser.StartElementHandler = start
    try:
        for place in range(0, min(len(text), PROLOG), 1024):
            parser.Parse(text[place : place + 1024], False)
            if begun:
                return
        parser.Parse(b"", True)
    except XMLError:
        raise
    except (ExpatError, ValueError) as error:
        if not begun:
            raise (
                _refused(error)
                if len(text) <= PROLOG
                else XMLError(f"the root's tag does not end within {PROLOG:,} bytes")
            ) from None


def _settled(text: bytes, charset: str | None) -> str | None:
    """The encoding by its first bytes, which stand above the charset; None leaves it to the document's declaration."""
    if text.startswith((b"\xfe\xff", b"\xff\xfe")) or b"\0" in text[:4]:
        raise XMLError("encodings of two and four bytes a character are not read")
    encoding = None if charset is None else _encoding(charset)
    return "utf-8" if text.startswith(_BOM) else encoding


def _encoding(name: str) -> str:
    """An encoding by the name that Expat knows it by. Raises XMLError for one that is not read."""
    known = _ENCODINGS.get(name.strip(" '\"").lower())
    if known is None:
        raise XMLError(f"the encoding {name[:40]!r} is not read; {', '.join(sorted(set(_ENCODINGS.values())))} are")
    return known


def _spelled(name: str) -> str:
    return "{" + name if "}" in name else name


def _crowded() -> XMLError:
    return XMLError(f"more than {TAGS:,} tags")


def _deep() -> XMLError:
    return XMLError(f"elements are nested deeper than {DEEPEST}")


def _mixed(name: str) -> XMLError:
    return XMLError(f"the element {name!r} holds text beside elements")


def _refused(error: Exception) -> XMLError:
    return XMLError(f"no well-formed XML: {error}")
