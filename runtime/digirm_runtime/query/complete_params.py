"""What may stand at a place of `orderby` and `fields`, whether the rest of it is right or not."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from digirm_runtime.query.check import Judge
from digirm_runtime.query.complete import Completion

_DIRECTIONS = ("asc", "desc")
_WORD = re.compile(r"\S+")


def orderby(judge: Judge | None, text: str, cursor: int) -> list[Completion]:
    """Fields that the answer can be ordered by, and directions behind one. Without an endpoint no field is known."""
    return list(_clause(judge, text, cursor))


def _clause(judge: Judge | None, text: str, cursor: int) -> Iterator[Completion]:
    begin, stop = _part(text, cursor)
    words = [(begin + word.start(), begin + word.end()) for word in _WORD.finditer(text[begin:stop])]
    before = sum(end < cursor for _, end in words)
    # The word that the cursor stands in or touches, else the one behind the blanks that follow.
    start, end = next(((min(a, cursor), b) for a, b in words if cursor <= b), (cursor, cursor))
    typed = text[start:cursor].lower()
    known = {name: row.type for name, row in judge.fields.items() if row.orderby} if judge else {}
    if before == 0:
        others = _others(text, begin, stop)
        for name, kind in known.items():
            if name.lower().startswith(typed) and name not in others:
                yield Completion(name, "field", start, end, kind)
        if text[start:cursor] in known and cursor == end and len(words) == 1:
            for direction in _DIRECTIONS:
                yield Completion(f" {direction}", "direction", cursor, cursor)
    elif before == 1:
        for direction in _DIRECTIONS:
            if direction.startswith(typed):
                yield Completion(direction, "direction", start, end)


def fields(judge: Judge | None, text: str, cursor: int) -> list[Completion]:
    """The columns that are not named yet. Without an endpoint none is known."""
    begin, stop = _part(text, cursor)
    part = text[begin:stop]
    start = min(cursor, begin + len(part) - len(part.lstrip()))
    end = max(cursor, begin + len(part.rstrip()))
    typed = text[start:cursor].lower()
    others = _others(text, begin, stop)
    known = judge.columns if judge else ()
    types = {name: row.type for name, row in judge.fields.items()} if judge else {}
    return [
        Completion(name, "field", start, end, types.get(name, ""))
        for name in known
        if name.lower().startswith(typed) and name not in others
    ]


def _part(text: str, cursor: int) -> tuple[int, int]:
    """Where the part between commas begins and ends that the cursor stands in."""
    stop = text.find(",", cursor)
    return text.rfind(",", 0, cursor) + 1, len(text) if stop < 0 else stop


def _others(text: str, begin: int, stop: int) -> Collection[str]:
    """The names that the other parts begin with."""
    rest = (*text[:begin].split(","), *text[stop:].split(","))
    return {part.split(None, 1)[0] for part in rest if part.strip()}
