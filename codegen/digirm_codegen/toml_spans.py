"""Takes entries out of a TOML file and leaves every other byte as it is: comments, layout and order.

An address says what is meant: a key of the file, then keys and indices below it, as in `("docs", 2, "paths", 0)`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator
from typing import NamedTuple, TypeAlias

Address: TypeAlias = "tuple[str | int, ...]"

# Triple quotes first; up to two quotes may stand before the closing three.
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|'
    r"'''.*?'{3,5}|"
    r'"(?:[^"\\\n]|\\.)*"|'
    r"'[^'\n]*'",
    re.DOTALL,
)
_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BLANKS = re.compile(r"[ \t]*")
_SCALAR = re.compile(r"[^,\]}#\r\n]*[^,\]}#\s]")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_LINE_END = re.compile(r"[ \t]*(?:#[^\n]*|\r)?(?:\n|$)")
_BLANK_LINES = re.compile(r"(?:[ \t\r]*\n)*")


class Part(NamedTuple):
    """A value with its place in the text, its address in what holds it, and what it holds itself.

    `comma` is where the comma behind it ends, `end` where there is none.
    """

    start: int
    end: int
    comma: int
    address: Address = ()
    parts: tuple[Part, ...] = ()
    is_array: bool = False


class Statement(NamedTuple):
    """A header, or a key with its value (of which `start` is the key's), under its whole address."""

    start: int
    end: int
    address: Address
    value: Part | None


def without(text: str, gone: Collection[Address]) -> str:
    """`text`, a valid TOML file, without what stands at the addresses `gone`."""
    wanted = frozenset(gone)
    cuts = [cut for section in _sections(_statements(text)) for cut in _section_cuts(text, section, wanted)]
    if not cuts:
        return text
    starts, ends = zip(*sorted(cuts), strict=True)
    kept = "".join(text[end:start] for end, start in zip((0, *ends), (*starts, len(text)), strict=True))
    # What went at the end of the file leaves no blank lines behind.
    return kept.rstrip() + "\n" if ends[-1] == len(text) and kept.strip() else kept


def _is_gone(address: Address, gone: frozenset[Address]) -> bool:
    return any(address[:end] in gone for end in range(1, len(address) + 1))


def _sections(statements: list[Statement]) -> Iterator[list[Statement]]:
    """Statements by header; those before the first have none."""
    section: list[Statement] = []
    for statement in statements:
        if statement.value is None and section:
            yield section
            section = []
        section.append(statement)
    if section:
        yield section


def _section_cuts(text: str, section: list[Statement], gone: frozenset[Address]) -> Iterator[tuple[int, int]]:
    first, last = section[0], section[-1]
    if first.value is None and _is_gone(first.address, gone):
        # The blank lines behind it go along.
        end = _match_end(_BLANK_LINES, text, _match_end(_LINE_END, text, last.end))
        yield _line_start(text, first.start), end
        return
    for statement in section:
        if statement.value is None:
            continue
        if _is_gone(statement.address, gone):
            yield _line_start(text, statement.start), _match_end(_LINE_END, text, statement.end)
        else:
            yield from _value_cuts(text, statement.value, statement.address, gone)


def _value_cuts(text: str, value: Part, address: Address, gone: frozenset[Address]) -> Iterator[tuple[int, int]]:
    parts = value.parts
    removed = [_is_gone(address + part.address, gone) for part in parts]
    # Those at the end go in one piece, with the comma of the last that stays.
    tail = next((i + 1 for i in reversed(range(len(parts))) if not removed[i]), 0)
    for i, part in enumerate(parts[:tail]):
        if not removed[i]:
            yield from _value_cuts(text, part, address + part.address, gone)
        elif value.is_array and _has_own_lines(text, part):
            yield _lines(text, part)
        else:
            following = parts[i + 1].start
            joined = "\n" not in text[part.end : following]
            yield part.start, following if joined else _match_end(_BLANKS, text, part.comma)
    last = parts[tail:]
    if last and value.is_array and all(_has_own_lines(text, part) for part in last):
        yield from (_lines(text, part) for part in last)
    elif last:
        before = parts[tail - 1].end if tail else 0
        if tail and "\n" not in text[before : last[0].start]:
            yield before, last[-1].end
        else:
            yield last[0].start, last[-1].comma


def _has_own_lines(text: str, part: Part) -> bool:
    alone = not text[_line_start(text, part.start) : part.start].strip()
    return alone and "\n" not in text[part.end : part.comma] and bool(_LINE_END.match(text, part.comma))


def _lines(text: str, part: Part) -> tuple[int, int]:
    return _line_start(text, part.start), _match_end(_LINE_END, text, part.comma)


def _line_start(text: str, position: int) -> int:
    return text.rfind("\n", 0, position) + 1


def _match_end(pattern: re.Pattern[str], text: str, position: int) -> int:
    found = pattern.match(text, position)
    return found.end() if found else position


def _statements(text: str) -> list[Statement]:
    """Every header and every key of the file, in its order."""
    found: list[Statement] = []
    lengths: dict[Address, int] = {}
    table: Address = ()
    position = _match_end(_SPACE, text, 0)
    while position < len(text):
        start = position
        if text[position] == "[":
            brackets = 2 if text.startswith("[[", position) else 1
            keys, position = _keys(text, position + brackets)
            position += brackets
            table = _resolve(keys, lengths, is_array=brackets == 2)
            found.append(Statement(start, position, table, None))
        else:
            keys, position = _keys(text, position)
            value = _value(text, _match_end(_BLANKS, text, position + 1))
            position = value.end
            found.append(Statement(start, position, table + keys, value))
        position = _match_end(_SPACE, text, position)
    return found


def _resolve(keys: Address, lengths: dict[Address, int], *, is_array: bool) -> Address:
    """The address of a header, whose keys name the latest table of each array of tables."""
    address: Address = ()
    for i, key in enumerate(keys):
        address += (key,)
        if is_array and i == len(keys) - 1:
            lengths[address] = lengths.get(address, 0) + 1
        if address in lengths:
            address += (lengths[address] - 1,)
    return address


def _keys(text: str, position: int) -> tuple[Address, int]:
    """A dotted key, and where what follows it begins."""
    keys: list[str] = []
    while True:
        position = _match_end(_BLANKS, text, position)
        if text[position] in "\"'":
            end = _match_end(_STRING, text, position)
            keys.append(tomllib.loads(f"key = {text[position:end]}")["key"])
        else:
            end = _match_end(_BARE, text, position)
            keys.append(text[position:end])
        position = _match_end(_BLANKS, text, end)
        if text[position] != ".":
            return tuple(keys), position
        position += 1


def _value(text: str, start: int) -> Part:
    opening = text[start]
    if opening in "[{":
        return _container(text, start, is_array=opening == "[")
    end = _match_end(_STRING if opening in "\"'" else _SCALAR, text, start)
    return Part(start, end, end)


def _container(text: str, start: int, *, is_array: bool) -> Part:
    parts: list[Part] = []
    position = _match_end(_SPACE, text, start + 1)
    while text[position] not in "]}":
        begin = position
        address: Address = (len(parts),)
        if not is_array:
            address, position = _keys(text, position)
            position = _match_end(_BLANKS, text, position + 1)
        value = _value(text, position)
        after = _match_end(_SPACE, text, value.end)
        comma = after + 1 if text[after] == "," else value.end
        parts.append(value._replace(start=begin, comma=comma, address=address))
        position = _match_end(_SPACE, text, max(after, comma))
    return Part(start, position + 1, position + 1, (), tuple(parts), is_array)
