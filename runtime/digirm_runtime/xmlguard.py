"""What XML from outside may be: its encodings, and the bounds of both readers, `parse` and `Records`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn, TypeAlias

from digirm_runtime.xmlbuild import DEEPEST

if TYPE_CHECKING:
    from xml.parsers.expat import XMLParserType

Value: TypeAlias = "str | dict[str, Value] | list[Value]"

#: The tag of the root must end within so many bytes.
PROLOG = 65_536
#: What Records takes of one tag or comment, attributes included, in bytes.
TOKEN = 262_144
#: So many elements and attributes may be in a document that is read as a whole, and in one record of Records: each
#: takes some hundred bytes more than its text.
MARKS = 500_000
#: So many may be in the records that one piece of a document gives: who takes it whole holds them all.
MARKS_AT_ONCE = 8 * MARKS
#: So many names elements and attributes may have: a parser keeps each until the document ends.
NAMES = 100_000
BLANK = " \t\r\n"
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
#: A declaration with the one name of those above that Expat does not take there, being given it with a hyphen instead.
_UTF8 = re.compile(rb"<\?xml\s[^>]*\sencoding\s*=\s*[\"']utf8[\"']", re.IGNORECASE)
#: So many bytes tell the encoding; a declaration is seldom longer.
_DECLARATION = 256


class XMLError(ValueError):
    """A document that is not well-formed, or is of a kind that is not read. It says where where that is known."""


class TooMuchError(XMLError):
    """A document that may be well-formed, and is larger, fuller or deeper than is read."""


def guarded(encoding: str | None, names: dict[str, str] | None = None) -> XMLParserType:
    """A parser that refuses document types and declarations of encodings that are not read; it fills `names`."""
    from xml.parsers.expat import ParserCreate

    parser = ParserCreate(encoding, "}", {} if names is None else names)
    parser.buffer_text = True

    def declared(_version: str, named: str | None, _standalone: int) -> None:
        if named is not None:
            encoding_of(named)

    parser.StartDoctypeDeclHandler = _no_doctype
    parser.XmlDeclHandler = declared
    return parser


def _no_doctype(*_: object) -> NoReturn:
    raise XMLError("a document type (DOCTYPE) is refused, and with it all that it could define")


def look_ahead(text: bytes, encoding: str | None) -> None:
    """Refuse what the prolog may not hold, by reading up to the root, which has to begin soon."""
    from xml.parsers.expat import ExpatError

    begun = False

    def start(*_: object) -> None:
        nonlocal begun
        begun = True

    parser = guarded(encoding)
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
                refused(error)
                if len(text) <= PROLOG
                else TooMuchError(f"the root's tag does not end within {PROLOG:,} bytes")
            ) from None


def enough(text: bytes) -> bool:
    """Whether so much of a document's beginning is there that `settled` says of it what it says of the whole."""
    declared = len(text) < len(b"<?xml") or text.startswith(b"<?xml")
    return not declared or b">" in text or len(text) >= _DECLARATION


def settled(text: bytes, charset: str | None) -> str | None:
    """The encoding by its first bytes, which stand above the charset; None leaves it to the document's declaration."""
    if text.startswith((b"\xfe\xff", b"\xff\xfe")) or b"\0" in text[:4]:
        raise XMLError("encodings of two and four bytes a character are not read")
    encoding = None if charset is None else encoding_of(charset)
    if text.startswith(_BOM) or (encoding is None and _UTF8.match(text, 0, _DECLARATION)):
        return "utf-8"
    return encoding


def encoding_of(name: str) -> str:
    """An encoding by the name that Expat knows it by. Raises XMLError for one that is not read."""
    known = _ENCODINGS.get(name.strip(" '\"").lower())
    if known is None:
        raise XMLError(f"the encoding {name[:40]!r} is not read; {', '.join(sorted(set(_ENCODINGS.values())))} are")
    return known


def crowded(most: int) -> TooMuchError:
    """The error for more than can be held."""
    return TooMuchError(f"more than {most:,} elements and attributes")


def deep() -> TooMuchError:
    """The error for elements within elements without an end."""
    return TooMuchError(f"elements are nested deeper than {DEEPEST}")


def mixed(name: str) -> XMLError:
    """The error for an element that a dict cannot hold."""
    return XMLError(f"the element {name!r} holds text beside elements")


def refused(error: Exception) -> XMLError:
    """The error for what Expat refuses."""
    return XMLError(f"no well-formed XML: {error}")
