"""Takes secrets out of texts: JSON, XML, CSV, forms, addresses, and what is none of these.

What a text says it is does not matter: it may be something else, broken, or cut off. So nothing here parses a document;
its tokens are looked at, the rest stays as it is. Where a secret ends is not always known: then more is masked.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping
from html import escape, unescape
from typing import Any
from urllib.parse import quote, unquote_plus

from digirm_runtime.secrets import MASK, WORDS, hides, is_secret, may_hold

#: Texts within texts are looked into so deep; what lies deeper and may be secret is masked whole.
_DEEPEST = 6
#: So many values are looked for elsewhere; replacing more in a long text takes long.
_MOST_VALUES = 50
#: Text after a name, of which the name may be only the beginning.
_REST = r"[\w.-]{0,64}"

_STRING = re.compile(r'"((?:[^"\\]++|\\.)*+)("|\\?\Z)', re.DOTALL)
_COLON = re.compile(r"\s*+:\s*+")
_BRACKET_OR_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
_SCALAR = re.compile(r"[^,\]}\s]*+")
_TAG = re.compile(
    r"<(?:!--(?P<comment>.*?)(?:-->|\Z)|!\[CDATA\[(?P<cdata>.*?)(?:\]\]>|\Z)|[!?][^>]*+(?:>|\Z)"
    r"|(?P<close>/?)(?P<name>[^\s/><!?=\"'&]++)(?P<rest>(?:[^>\"']++|\"[^\"]*+(?:\"|\Z)|'[^']*+(?:'|\Z))*+)(?:>|\Z))",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"([^\s=<>\"'/]++)(\s*+=\s*+)(\"[^\"]*+\"?|'[^']*+'?|[^\s>]++)")
_NAMING = ("name", "key", "id", "field")
_CELL = re.compile(r"[\w.-]{1,64}(?: [\w.-]{1,64}){0,2}")
_FORM = re.compile(r"[\w.%+~\[\]-]++=\S*+")
_ADDRESS = re.compile(r"(?:[a-z][a-z0-9+.-]{0,20}:/)?/\S*+", re.IGNORECASE)
_USER = re.compile(r"(\w:(?:\\?/){2})[^/?#\s\"'<>@\\]*+@")
_NAMES = rf"(?:{WORDS}|authorization|cookie|x[-_]api[-_]key){_REST}"
_IN_TAG = re.compile(rf"(<[\w:.-]{{0,64}}{_NAMES}(?:\s[^<>]*+)?>)([^<]++)", re.IGNORECASE)
_PAIR = re.compile(
    rf"({_NAMES}\\{{0,9}}[\"']?\s*+[=:<>!~]++\s*+)"
    r"(\\{1,9}\"(?:(?!\\{1,9}\").)*+(?:\\{1,9}\")?|\"(?:[^\"\\]++|\\.)*+\"?|'(?:[^'\\]++|''|\\.)*+'?|[\[{].*+|[^\s&<][^\r\n&<]*+)",
    re.IGNORECASE | re.DOTALL,
)
_BARE = re.compile(rf"{_NAMES}[\"']?\s*+[=:]\s*+\Z", re.IGNORECASE)


class Masker:
    """Takes secrets out, and says whether there were any.

    `known` are values that are secret wherever they stand, such as credentials; values that it masks are added, so that
    one that was sent is also found in what is answered. Those of up to 3 characters are not: they stand everywhere.
    """

    def __init__(self, known: Iterable[str] = ()) -> None:
        self.masked = False
        self._values: dict[str, set[str]] = {}
        self._deep = 0
        for value in known:
            self._learn(value)

    def value(self, value: Any) -> Any:
        """A JSON value. Of a mapping with `name` and `value`, as parameters and headers are kept, the name counts."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list | tuple):
            return [self.value(inner) for inner in value]
        if not isinstance(value, Mapping):
            return value
        named, kept = value.get("name"), {}
        for name, inner in value.items():
            if hides(name, inner) or (name == "value" and isinstance(named, str) and hides(named, inner)):
                self._learn(*_texts(inner))
                kept[name] = self._hidden()
            else:
                kept[name] = self.value(inner)
        return kept

    def headers(self, headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """The headers that carry no credentials."""
        kept = []
        for name, value in headers:
            if is_secret(name):
                self._learn(value)
                self.masked = True
            else:
                kept.append((name, self.text(value)))
        return kept

    def url(self, url: str) -> str:
        """An address, or the target of a request."""
        return self._known(self._address(url))

    def text(self, text: str) -> str:
        """A text of any kind."""
        return self._known(self._text(text))

    def _text(self, text: str) -> str:
        if not may_hold(text):
            return text
        if self._deep >= _DEEPEST:
            return self._hidden()
        self._deep += 1
        try:
            return self._inside(text)
        finally:
            self._deep -= 1

    def _inside(self, text: str) -> str:
        begin = text.lstrip("\ufeff \t\r\n")
        if delimiter := _delimiter(begin):
            return self._csv(text, delimiter)
        if begin.startswith(("{", "[", '"')):
            return self._json(text)
        if "<" in text and _TAG.search(text):
            return self._xml(text)
        if _ADDRESS.fullmatch(text):
            return self._address(text)
        return self._form(text) if _FORM.fullmatch(text) else self._plain(text)

    def _address(self, text: str) -> str:
        path, mark, query = self._users(text).partition("?")
        query, hash, fragment = query.partition("#")
        return f"{path}{mark}{self._form(query)}{hash}{self._form(fragment)}"

    def _json(self, text: str) -> str:
        out: list[str] = []
        done = position = 0
        while match := _STRING.search(text, position):
            # What is no token of JSON stands between the strings.
            between, position = text[position : match.start()], match.end()
            if len(between) > 5 and may_hold(between):
                out += text[done : match.start() - len(between)], self._plain(between)
                done = match.start()
            said = _decoded(match[1])
            if _BARE.search(between):
                out += text[done : match.start()], self._json_hidden(match[0])
                done = position
            elif colon := _COLON.match(text, position):
                if is_secret(said):
                    position = _value_end(text, colon.end())
                    value = text[colon.end() : position]
                    if _hides(said, value):
                        out += text[done : colon.end()], self._json_hidden(value)
                        done = position
            elif (replaced := self._text(said)) != said:
                out += text[done : match.start()], json.dumps(replaced, ensure_ascii=False)
                done = position
        rest = text[position:]
        return "".join((*out, text[done:position], self._plain(rest) if may_hold(rest) else rest))

    def _json_hidden(self, value: str) -> str:
        strings = [_decoded(found[1]) for found in _STRING.finditer(value)]
        self._learn(*(strings or [value]))
        return f'"{self._hidden()}"'

    def _xml(self, text: str) -> str:
        out: list[str] = []
        done, hidden, depth = 0, "", 0
        for match in _TAG.finditer(text):
            name = match["name"]
            if hidden:
                if name != hidden:
                    continue
                depth += -1 if match["close"] else 0 if match["rest"].endswith("/") else 1
                if depth:
                    continue
                out.append(self._content(text[done : match.start()]))
                hidden, done = "", match.start()
            out.append(self._escaped(text[done : match.start()]))
            done = match.end()
            if name is None or match["close"]:
                out.append(self._other(match))
                continue
            rest, is_named = self._attributes(match["rest"])
            out.append(f"<{name}{rest}{'>' if match[0].endswith('>') else ''}")
            is_open = not match["rest"].endswith("/")
            if is_open and (is_secret(name.rpartition(":")[2]) or (is_named and name.lower() != "input")):
                hidden, depth = name, 1
        out.append(self._content(text[done:]) if hidden else self._escaped(text[done:]))
        return "".join(out)

    def _other(self, match: re.Match[str]) -> str:
        """What is no beginning of an element."""
        for kind in ("comment", "cdata"):
            if match[kind]:
                begin, end = match.span(kind)
                whole = match.string
                return f"{whole[match.start() : begin]}{self._text(match[kind])}{whole[end : match.end()]}"
        return self._plain(match[0])

    def _content(self, content: str) -> str:
        if not content.strip():
            return content
        self._learn(unescape(content))
        return self._hidden()

    def _escaped(self, text: str) -> str:
        said = unescape(text)
        replaced = self._text(said)
        return text if replaced == said else escape(replaced, quote=False)

    def _attributes(self, text: str) -> tuple[str, bool]:
        """Attributes with secrets masked; whether one of them names the content, and the name is secret."""
        found = [(match, unescape(match[3].strip("\"'"))) for match in _ATTRIBUTE.finditer(text)]
        is_named = any(match[1].lower() in _NAMING and is_secret(value) for match, value in found)
        out, done = [], 0
        for match, value in found:
            replaced = value
            if value and (is_secret(match[1].rpartition(":")[2]) or (is_named and match[1].lower() == "value")):
                self._learn(value)
                replaced = self._hidden()
            elif match[1].lower() not in _NAMING:
                replaced = self._text(value)
            out.append(self._plain(text[done : match.start()]))
            out.append(match[0] if replaced == value else f'{match[1]}{match[2]}"{escape(replaced)}"')
            done = match.end()
        return "".join((*out, self._plain(text[done:]))), is_named

    def _csv(self, text: str, delimiter: str) -> str:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        out = io.StringIO(newline="")
        write = csv.writer(out, delimiter=delimiter, lineterminator="\r\n" if "\r\n" in text else "\n").writerow
        try:
            header = next(rows)
            secret = {number for number, name in enumerate(header) if is_secret(name)}
            write(map(self._plain, header))
            for row in rows:
                write([self._cell(cell, i in secret or i >= len(header)) for i, cell in enumerate(row)])
        except (csv.Error, StopIteration):
            # Nobody knows of what follows whose column it is.
            out.write(self._hidden())
        return out.getvalue()

    def _cell(self, cell: str, is_hidden: bool) -> str:
        if not is_hidden:
            return self._text(cell)
        if not cell:
            return cell
        self._learn(cell)
        return self._hidden()

    def _form(self, text: str) -> str:
        return "&".join(map(self._part, text.split("&")))

    def _part(self, part: str) -> str:
        name, equals, value = part.partition("=")
        said = unquote_plus(value)
        if not equals or not said:
            return part
        if is_secret(unquote_plus(name)):
            self._learn(said)
            return f"{name}={self._hidden()}"
        replaced = self._text(said)
        return part if replaced == said else f"{name}={quote(replaced, safe='*', errors='replace')}"

    def _plain(self, text: str) -> str:
        """A text without a structure that is known."""

        def hide(match: re.Match[str]) -> str:
            value = match[2]
            mark = value[0] if value[0] in "\"'" else ""
            self._learn(value.strip("\"'\\ \t"))
            return f"{match[1]}{mark}{self._hidden()}{mark}"

        return _PAIR.sub(hide, _IN_TAG.sub(hide, self._users(text)))

    def _users(self, text: str) -> str:
        """Addresses without the user and password that may stand in them."""
        return _USER.sub(lambda match: f"{match[1]}{self._hidden()}@", text) if "@" in text else text

    def _known(self, text: str) -> str:
        """Without the values that are known to be secret, however they are spelled."""
        for spellings in self._values.values():
            for spelled in spellings:
                if spelled in text:
                    text = text.replace(spelled, self._hidden())
        return text

    def _hidden(self) -> str:
        self.masked = True
        return MASK

    def _learn(self, *values: str) -> None:
        for value in values:
            if len(value) > 3 and value not in ("true", "false", "null", MASK) and len(self._values) < _MOST_VALUES:
                self._values.setdefault(value, _spellings(value))


def _texts(value: Any) -> list[str]:
    """The texts of a JSON value."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [text for inner in value for text in _texts(inner)]
    return [] if value is None or isinstance(value, bool) else [str(value)]


def _spellings(value: str) -> set[str]:
    quoted = quote(value, safe="", errors="replace")
    return {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], escape(value), quoted}


def _decoded(inner: str) -> str:
    """What stands between the quotes of a JSON string."""
    if "\\" not in inner:
        return inner
    try:
        return str(json.loads(f'"{inner}"', strict=False))
    except ValueError:
        return inner


def _value_end(text: str, start: int) -> int:
    """Where the JSON value that begins at `start` ends: the end of the text, where it has no other."""
    if match := _STRING.match(text, start):
        return match.end()
    if text[start : start + 1] not in ("{", "["):
        match = _SCALAR.match(text, start)
        return match.end() if match else start
    depth = 0
    for token in _BRACKET_OR_STRING.finditer(text, start):
        depth += 1 if token[0] in "{[" else -1 if token[0] in "}]" else 0
        if depth == 0:
            return token.end()
    return len(text)


def _hides(name: str, value: str) -> bool:
    """`hides` for a value that is written as JSON."""
    if value in ("", '""', "null", "true", "false"):
        return False
    return hides(name, 1 if value[0].isdigit() or value[0] == "-" else value)


def _delimiter(text: str) -> str | None:
    """What separates the cells of a CSV that has a secret column; None for another text."""
    line, newline, _ = text.partition("\n")
    if not newline or text.startswith(("{", "[", "<")):
        return None
    line = line.rstrip("\r")[:100_000]
    for delimiter in (",", ";", "\t"):
        cells = [cell.strip().strip('"') for cell in line.split(delimiter)]
        if any(_CELL.fullmatch(cell) and is_secret(cell) for cell in cells):
            return delimiter
    return None
