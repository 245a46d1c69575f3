"""What a body is: its kind by its media type, and whether it really is that."""

from __future__ import annotations

import codecs
import re
import zlib
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from digirm_explorer.shelf import Kept

Kind: TypeAlias = Literal["json", "csv", "xml", "text", "binary", "empty"]

#: Bytes: so long may a body be that the page gets whole, and so much it gets of a longer one.
WHOLE = 8 << 20
BEGINNING = 64 << 10
_SNIFFED = 4096
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_NAMES = {"json": "JSON", "csv": "CSV", "xml": "XML"}


class Body(NamedTuple):
    """A body as the page gets it. `value` is what JSON says; `number` is how many records CSV has."""

    kind: Kind
    text: str | None
    shortened: bool = False
    says: str | None = None
    value: Any = None
    number: int | None = None


class _OtherError(ValueError):
    """A body that is not what its type says; the text says why."""


def read(kept: Kept, media_type: str, charset: str | None) -> Body:
    """The body of an answer. Whatever it holds, nothing is raised."""
    if not kept.size:
        return Body("empty", "")
    kind = _kind(media_type, kept.head(_SNIFFED))
    if kind == "binary":
        return Body("binary", None)
    whole = kept.size <= (BEGINNING if kind == "text" else WHOLE)
    data = kept.head(WHOLE if whole else BEGINNING)
    text = _text(data, kind, charset, whole=whole)
    if not whole:
        return Body(kind, text, shortened=True, says=f"{_size(kept.size)}: only its beginning is shown here")
    try:
        if kind == "json":
            return Body(kind, text, value=_json(text))
        if kind == "csv":
            return Body(kind, text, number=_records(text))
        if kind == "xml":
            _check_xml(text)
        return Body(kind, text)
    except _OtherError as error:
        says = f"it says that it is {_NAMES[kind]} ({media_type}), and is none: {error}"
        long = kept.size > BEGINNING
        return Body("text", _text(kept.head(BEGINNING), "text", charset, whole=not long), shortened=long, says=says)


def _kind(media_type: str, head: bytes) -> Kind:
    if media_type == "application/json" or media_type.endswith("+json"):
        kind: Kind = "json"
    elif media_type in ("text/csv", "application/csv"):
        kind = "csv"
    elif media_type in ("text/xml", "application/xml") or (
        media_type.endswith("+xml") and not media_type.startswith("image/") and "html" not in media_type
    ):
        kind = "xml"
    elif media_type.startswith(("image/", "audio/", "video/", "font/")):
        return "binary"
    else:
        kind = "text"
    # Text has no zero bytes, but for that in UTF-16, which begins with a mark.
    return "binary" if b"\0" in head and not head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else kind


def _text(data: bytes, kind: Kind, charset: str | None, *, whole: bool) -> str:
    marked = next((name for mark, name in _MARKS if data.startswith(mark)), None)
    declared = _DECLARED.match(data[:_SNIFFED]) if kind == "xml" else None
    for name in (marked, charset, declared and declared[1].decode(), "utf-8"):
        if name is None:
            continue
        try:
            # A piece may end within a character, which is left out.
            text: object = codecs.getincrementaldecoder(name)("strict").decode(data, whole)
        except (LookupError, ValueError, TypeError, AttributeError, zlib.error):
            continue  # no such encoding, or another than it says
        if isinstance(text, str):  # and not what Python calls encodings as well, such as base64
            return text
    # The older API writes ISO-8859-1, in which every byte is a character; of JSON and CSV it would be a guess.
    return data.decode("iso-8859-1" if kind in ("xml", "text") else "utf-8", "replace")


def _json(text: str) -> Any:
    import json

    import msgspec

    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError):
        pass
    except RecursionError:
        raise _OtherError("it is nested too deep") from None
    try:
        # Halves of surrogate pairs and numbers of any length, which the page's own parser takes as well; NaN it does
        # not take. What Python's int takes is short.
        return json.loads(text, parse_int=str, parse_constant=_no_constant)
    except RecursionError:
        raise _OtherError("it is nested too deep") from None
    except ValueError as error:
        raise _OtherError(str(error)) from None


def _no_constant(name: str) -> Any:
    raise ValueError(f"it holds {name}")


def _records(text: str) -> int:
    from digirm_runtime.csvtext import CsvRows
    from digirm_runtime.errors import TransportError

    try:
        return len(CsvRows().feed(text.encode("utf-8", "replace"), final=True))
    except TransportError as error:
        raise _OtherError(str(error)) from None


def _check_xml(text: str) -> None:
    from digirm_runtime.xmltext import XMLError, check

    try:
        check(text.strip())
    except XMLError as error:
        raise _OtherError(str(error)) from None


def _size(size: int) -> str:
    return f"{size / (1 << 20):.1f} MiB" if size >= 1 << 20 else f"{size / 1024:.0f} KiB"
