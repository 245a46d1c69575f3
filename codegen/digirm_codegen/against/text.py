"""Addresses in any text: URLs with their parameters, the arguments of command-line clients beside them, query files."""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote_plus

from digirm_codegen.against.judge import JUDGED, Judge
from digirm_codegen.against.uses import UNKNOWN, Request, Text, Verdict
from digirm_runtime.query.listed import named_endpoint
from digirm_runtime.query.tables import METHODS

_PATH = re.compile(r"[^\s?#\"'<>`|\\,;]*")
_TRAILING = ".:)]"
_QUOTES = "\"'`"
#: What a scheme and a host end with to the left, and how far that is looked for.
_DELIMITERS = f" \t\r\n{_QUOTES}<>(="
_LEFT = 300
_END = re.compile(r"[\s\"'<>`]")
_METHODS = "|".join(METHODS)
_METHOD_OPTION = re.compile(rf"(?:-X|--request)[ =]?[\"']?({_METHODS})\b")
_NAMES = "|".join(JUDGED)
#: `--data-urlencode "query=..."` of curl, and `query=="..."` of HTTPie.
_QUOTED = re.compile(rf"([\"'])({_NAMES})==?(.*?)\1", re.DOTALL)
_ASSIGNED = re.compile(rf"(?<![\w\"'?&-])({_NAMES})==(?:([\"'])(.*?)\2|([^\s\"']+))", re.DOTALL)
#: What a shell puts a value in place of.
_EXPANDED = re.compile(r"[$`]")


class Address(NamedTuple):
    """A URL in a text: its path, its parameters, and where it stands."""

    path: str
    params: dict[str, str]
    start: int
    end: int

    def request(self, line: int, method: str = "") -> Request:
        """The request of an address that stands in a line."""
        params = {name: Text(value, line) for name, value in self.params.items()}
        return Request(Text(self.path, line), method, params)


def addresses(text: str, base_path: str, *, whole: bool = False) -> Iterator[Address]:
    """The addresses in a text below a base path.

    `whole` says that the text is a value by itself: the query of an address at its beginning then goes to its end.
    """
    position = 0
    first = len(text) - len(text.lstrip()) if whole else -1
    while (start := text.find(base_path, position)) >= 0:
        position = start + len(base_path)
        if text[position : position + 1] not in ("/", "?", ""):
            continue
        path = _PATH.match(text, position)
        end = path.end() if path else position
        if text[end : end + 1] != "?":
            end -= len(text[position:end]) - len(text[position:end].rstrip(_TRAILING))
            yield Address(text[start:end], {}, start, end)
            position = max(end, position)
            continue
        stop = _end_of_query(text, start, end, first)
        query = text[end + 1 : stop].partition("#")[0]
        yield Address(text[start:end], dict(_parameters(query)), start, stop)
        position = stop


def _end_of_query(text: str, start: int, begin: int, first: int) -> int:
    """Where the query ends: at the quote that was opened before the address, else at a blank or a quote.

    That of an address which begins at `first` goes to the end of the text.
    """
    window = text[max(0, start - _LEFT) : start]
    left = start - len(window) + max(map(window.rfind, _DELIMITERS)) + 1
    quote = text[left - 1 : left] if left else ""
    if quote and quote in _QUOTES:
        end = text.find(quote, begin)
        return len(text) if end < 0 else end
    if left == first:
        return len(text.rstrip())
    found = _END.search(text, begin)
    return found.start() if found else len(text)


def _parameters(query: str) -> Iterator[tuple[str, str]]:
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        name, value = unquote_plus(name), unquote_plus(value)
        if name and UNKNOWN not in name and not name.startswith(("$", "{")):
            yield name, value


def scan(judge: Judge, text: str, first: int = 1) -> Iterator[Verdict]:
    """What is wrong with the addresses of a text that begins in line `first`, and with the queries of a query file."""
    base = judge.old.spec.base_path
    endpoint: Request | None = None
    for number, line in _lines(text):
        if (told := named_endpoint(line.strip())) is not None:
            endpoint = judge.endpoint(Text(told, first + number)) if told else None
            if endpoint is not None:
                yield from judge.request(endpoint)
        elif base in line:
            yield from _line(judge, line, base, first + number)
        elif endpoint is not None and (query := line.strip()) and not query.startswith("#"):
            asked = endpoint._replace(params={"query": Text(query, first + number)})
            yield from (found for found in judge.request(asked) if found.kind != "endpoint")


def _line(judge: Judge, line: str, base: str, number: int) -> Iterator[Verdict]:
    found = list(addresses(line, base))
    option = _METHOD_OPTION.search(line)
    ends = [end.start() for end in re.finditer("\n", line)]
    done: set[tuple[int, str, str]] = set()
    for address in found:
        at = number + bisect(ends, address.start)
        method = _method_before(line, address.start) or (option[1] if option and len(found) == 1 else "")
        key = at, method, line[address.start : address.end]
        if key in done:  # what is said once of a line is said
            continue
        done.add(key)
        asked = address.request(at)
        if len(found) == 1:
            asked = asked._replace(params={**asked.params, **dict(_arguments(line, address, number, ends))})
        yield from judge.request(asked._replace(method=method))


def _method_before(line: str, start: int) -> str:
    """The method in `DELETE https://host/ws/v1/parts`; empty where there is none."""
    words = line[max(0, start - _LEFT) : start].rsplit(maxsplit=2)
    if words and not line[start - 1].isspace():
        words.pop()  # scheme and host
    method = words[-1].strip(f"{_QUOTES}[(") if words else ""
    return method if method in METHODS else ""


def _arguments(line: str, address: Address, number: int, ends: list[int]) -> Iterator[tuple[str, Text]]:
    """The parameters that a command line has beside an address."""
    for found in (*_QUOTED.finditer(line), *_ASSIGNED.finditer(line)):
        name, value = (found[2], found[3]) if found.re is _QUOTED else (found[1], found[3] or found[4] or "")
        if not address.start <= found.start() < address.end and not _EXPANDED.search(value):
            yield name, Text(value, number + bisect(ends, found.start()))


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines of a text with their numbers from 0 on; those that end with a backslash go on in the next."""
    gathered: list[str] = []
    begin = 0
    for number, line in enumerate(text.split("\n")):
        if not gathered:
            begin = number
        gathered.append(line)
        if not line.rstrip("\r").endswith("\\"):
            yield begin, "\n".join(gathered)
            gathered = []
    if gathered:
        yield begin, "\n".join(gathered)
