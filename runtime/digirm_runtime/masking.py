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
_MOST_VALUES = 200
#: Lines at the beginning of a text among which the header of a CSV may be.
_MOST_HEAD = 8
#: Text after a name, of which the name may be only the beginning.
_REST = r"[\w.-]{0,64}+"

_STRING = re.compile(r'"((?:[^"\\]++|\\.)*+)("|\\?\Z)', re.DOTALL)
_COLON = re.compile(r"\s*+:\s*+")
_BRACKET_OR_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
_SCALAR = re.compile(r"[^,\]}\s]*+")
_TAG = re.compile(
    r"<(?:!--(?P<comment>.*?)(?:-->|\Z)|!\[CDATA\[(?P<cdata>.*?)(?:\]\]>|\Z)|[!?][^>]*+(?:>|\Z)"
    r"|(?P<close>/?)(?P<name>[^\s/><!?=\"'&]++)(?P<rest>(?:[^>\"']++|\"[^\"]*+(?:\"|\Z)|'[^']*+(?:'|\Z))*+)(?:>|\Z))",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"([^\s=<>\"'/]++)(\s*+=\s*+)(\"\"[^\s\">][^\"]*+\"{0,2}|\"[^\"]*+\"?|'[^']*+'?|[^\s>]++)")
_NAMING = ("name", "key", "id", "field")
_QUOTE = r"\\{0,9}[\"']{0,2}"
_NAMED = re.compile(rf"(?:{'|'.join(_NAMING)}){_QUOTE}\s*+[:=>]\s*+{_QUOTE}([\w .-]{{1,64}})", re.IGNORECASE)
_CELL = re.compile(r"[\w.-]{1,64}(?: [\w.-]{1,64}){0,2}")
_FORM = re.compile(r"[\w.%+~\[\]-]++=\S*+")
_ADDRESS = re.compile(r"(?:[a-z][a-z0-9+.-]{0,20}:/)?/\S*+", re.IGNORECASE)
_USER = re.compile(r"(\w:(?:\\?/){2})[^/?#\s\"'<>@\\]*+@")
_NAMES = rf"(?:{WORDS}|authorization|cookie|x[-_]api[-_]key){_REST}"
_WORD = re.compile(_NAMES, re.IGNORECASE)
_IN_TAG = re.compile(rf"(<[\w:.-]{{0,64}}{_NAMES}(?:\s[^<>]*+)?>)(?P<value>[^<]++)", re.IGNORECASE)
# Between a name and a value. A doubled quote is that of JSON in a cell of a CSV: where it ends, only the line says.
_EQUALS = (
    r"(?:\\{0,9}[\"']?|(?P<cell>\\?\"\"))"
    r"(?:(?:\s++(?:is|are|was|not|in|i?like|contains|(?:starts|ends)with)){0,3}\s*+-{0,2}[=:<>!~]++\s*+"
    r"|(?:\s++(?:is|not|in|i?like|contains|(?:starts|ends)with)){1,3}\s*+(?=[\"'(]))"
)
_VALUE = "|".join((
    r"\\{1,9}\"(?:(?!\\{1,9}\").)*+(?:\\{1,9}\")?",
    r"\"(?:[^\"\\]++|\\.)*+\"?",
    r"'(?:[^'\\]++|''|\\.)*+'?",
    r"\((?:'[^']*+'?|\"[^\"]*+\"?|[^)'\"])*+\)?",
    r"[\[{].*+",
    # A block of YAML: its lines are indented.
    r"[|>][-+\d]{0,3}(?:(?:[ \t]*+\r?\n)++[ \t]++[^\r\n]++)++",
    r"[^\s&<][^\r\n&<]*+",
))  # fmt: skip


def _pair(names: str) -> re.Pattern[str]:
    value = rf"(?P<value>(?(cell)(?:[\[{{].*+|[^\r\n]++)|(?:{_VALUE})))"
    return re.compile(rf"({names}{_EQUALS}){value}", re.IGNORECASE | re.DOTALL)


_PAIR, _NAMED_PAIR = _pair(_NAMES), _pair(r"\bvalue")
# A part of a multipart form, which ends where a line begins with `--`.
_PART = re.compile(
    rf"(form-data;[^\r\n]{{0,99}}?{_NAMES}[^\r\n]{{0,256}}+(?:\r?\n[^\r\n]{{1,256}}+){{0,9}}\r?\n\r?\n)"
    r"(?P<value>.+?)(?=\r?\n--|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_KEY = re.compile(
    r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----(?:(?!-----END)[^\"<])*+(?:-----END [A-Z ]{0,40}-----)?", re.IGNORECASE
)
_LINE = re.compile(r"([^\r\n]*+)(\r\n?|\n)")
_BARE = re.compile(rf"{_NAMES}[\"']?\s*+[=:]\s*+\Z", re.IGNORECASE)


class Masker:
    """Takes secrets out, and says whether there were any.

    `known` are values that are secret wherever they stand, such as credentials; values that it masks are added, so that
    one that was sent is also found in what is answered. Those of up to 3 characters are not: they stand everywhere.
    """

    def __init__(self, known: Iterable[str] = ()) -> None:
        self.masked = False
        #: Whether there are more secrets than are looked for elsewhere.
        self.full = False
        # Whether a secret is named in the text, and so may be what stands under `value`.
        self._is_named = False
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
        is_named = any(isinstance(name := value.get(key), str) and is_secret(name) for key in _NAMING)
        kept = {}
        for name, inner in value.items():
            if hides(name, inner) or (name == "value" and is_named and hides("secret", inner)):
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
        outside = self._is_named
        self._is_named = outside or any(is_secret(found[1]) for found in _NAMED.finditer(text))
        self._deep += 1
        try:
            return self._inside(_KEY.sub(lambda _: self._hidden(), text))
        finally:
            self._deep -= 1
            self._is_named = outside

    def _inside(self, text: str) -> str:
        begin = text.lstrip("\ufeff \t\r\n")
        if header := _header(text, begin[:1]):
            start, delimiter = header
            return self._plain(text[:start]) + self._csv(text[start:], delimiter)
        # Of these, only a string of JSON has no doubled quotes.
        if begin.startswith(("{", "[")) or (begin.startswith('"') and '""' not in text):
            return self._json(text)
        if "<" in text and _TAG.search(text):
            return self._xml(text)
        if _ADDRESS.fullmatch(text):
            return self._address(text)
        return self._form(text) if _FORM.fullmatch(text) else self._plain(text)

    def _address(self, text: str) -> str:
        text, hash, fragment = text.partition("#")
        path, mark, query = text.partition("?")
        return f"{self._plain(path)}{mark}{self._form(query)}{hash}{self._form(fragment)}"

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
                if self._names(said):
                    position = _value_end(text, colon.end())
                    value = text[colon.end() : position]
                    if _hides(said if is_secret(said) else "secret", value):
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
            if is_open and (self._names(name.rpartition(":")[2]) or (is_named and name.lower() != "input")):
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
        line = _LINE.match(text)
        write = csv.writer(out, delimiter=delimiter, lineterminator=line[2] if line else "\n").writerow
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
        if self._names(unquote_plus(name)):
            self._learn(said)
            return f"{name}={self._hidden()}"
        replaced = self._text(said)
        return part if replaced == said else f"{name}={quote(replaced, safe='*', errors='replace')}"

    def _plain(self, text: str) -> str:
        """A text without a structure that is known."""

        def hide(match: re.Match[str]) -> str:
            value = match["value"]
            mark = value[0] if value[0] in "\"'" else ""
            self._learn(value.strip("\"'\\ \t\r\n|>"))
            return f"{match[1]}{mark}{self._hidden()}{mark}"

        text = self._users(text)
        for pattern in (_PART, _IN_TAG, _PAIR, *([_NAMED_PAIR] if self._is_named else [])):
            text = pattern.sub(hide, text)
        return text

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

    def _names(self, name: str) -> bool:
        """Whether a secret stands under this name in the text that is looked at."""
        return is_secret(name) or (self._is_named and name.lower() == "value")

    def _hidden(self) -> str:
        self.masked = True
        return MASK

    def _learn(self, *values: str) -> None:
        for value in values:
            if len(value) > 3 and value not in ("true", "false", "null", MASK) and value not in self._values:
                self.full = len(self._values) >= _MOST_VALUES
                if not self.full:
                    # The longest first: one may be a part of another.
                    found = {**self._values, value: _spellings(value)}
                    self._values = dict(sorted(found.items(), key=lambda item: -len(item[0])))


def _texts(value: Any) -> list[str]:
    """The texts of a JSON value."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [text for inner in value for text in _texts(inner)]
    return [] if value is None or isinstance(value, bool) else [str(value)]


def _spellings(value: str) -> set[str]:
    quoted, escaped = quote(value, safe="", errors="replace"), escape(value)
    return {
        *(value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], value.replace('"', '""')),
        *(escaped, escape(value, quote=False), escaped.replace("&#x27;", "&#39;"), escaped.replace("&#x27;", "&apos;")),
        *(quoted, quoted.replace("%20", "+"), quote(value, errors="replace")),
    }


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


def _header(text: str, begin: str) -> tuple[int, str] | None:
    """Where the header of a CSV that has a secret column begins, and what separates cells; None for another text."""
    if begin in ("{", "[", "<"):
        return None
    position, is_first = 0, True
    for _ in range(_MOST_HEAD):
        line = _LINE.match(text, position)
        if line is None:
            break
        said = line[1][:100_000].strip("\ufeff \t")
        for delimiter in (",", ";", "\t", "|"):
            cells = [cell.strip(' \t"') for cell in said.split(delimiter)]
            if (is_first or len(cells) > 1) and any(_CELL.fullmatch(cell) and is_secret(cell) for cell in cells):
                return position, delimiter
        if said and not said.startswith("#"):
            is_first = False
            if _WORD.search(said):
                # What is secret of this line may go on in the next.
                break
        position = line.end()
    return None
