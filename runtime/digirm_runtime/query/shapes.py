"""Remembers the shapes of fine queries: a text in which only values differ from one that was judged is judged by these.

A text is split into its values and what stands between them, by a pattern that need not know the language: where a part
is a value of the judged text, another value of its kind may stand for it, and all else must be the same. Only texts of
which nothing at all was said are remembered, so there is nothing to report of those that are like them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from digirm_runtime.query.lexer import SURROGATES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from digirm_runtime.query.ast import Condition
    from digirm_runtime.query.check import Judge

#: Says whether a part of a text may stand in the place of one value; None for a place where any quoted text may.
Slot: TypeAlias = "Callable[[str], object] | None"

#: What is remembered of one language, in bytes as estimated; then all is forgotten.
LIMIT = 1 << 20
#: Longer texts are not remembered: they are rare, and few of them would fill the memory.
LONGEST = 1 << 13
#: Shapes that came once of which the hash is kept.
_MOST_MET = 4096
#: Spellings of one value that a slot remembers, and the longest of them.
_SPELLINGS, _SPELLING = 64, 40

# Closed quotes, or a word that begins like a number; a value of another form is part of what must be the same. One set
# of first characters lets the scan pass over all else quickly.
split = re.compile(r"(['+\-0-9](?:(?<=')[^']*+(?:''[^']*+)*+'|(?<!')[\w.]*+))").split
_surrogate = re.compile(SURROGATES).search


class Shapes:
    """The shapes known of one language, for each judge. Texts are given as `split` parts them.

    A field whose name is more than one word could begin in one part and end in the next: where a language has such a
    name, nothing is remembered.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._sound = all(re.fullmatch(r"[\w.-]+", name) for name in names)
        self._known: dict[Judge, dict[tuple[str, ...], tuple[Slot, ...]]] = {}
        self._size = 0
        self._met: set[int] = set()

    def knows(self, judge: Judge, text: str, parts: Sequence[str]) -> bool:
        """Whether a text is known to be fine."""
        shapes = self._known.get(judge)
        slots = None if shapes is None else shapes.get(tuple(parts[::2]))
        if slots is None:
            return False
        for slot, value in zip(slots, parts[1::2]):  # noqa: B905 - as many: there is one part more than values
            if not (value[0] == "'" if slot is None else slot(value)):
                return False
        return text.isascii() or _surrogate(text) is None

    def learn(
        self, judge: Judge, text: str, parts: Sequence[str], conditions: Sequence[Condition], slots: Sequence[Slot]
    ) -> None:
        """Remember a text of which nothing was said, when its shape comes the second time.

        `slots` is what may stand for the value of each of its conditions.
        """
        if len(text) > LONGEST or not self._sound:
            return
        key = tuple(parts[::2])
        mark = hash((judge, key))
        if mark not in self._met:
            # Many shapes come once only: what is remembered of them would cost more than it saves.
            if len(self._met) >= _MOST_MET:
                self._met.clear()
            self._met.add(mark)
            return
        places = {
            condition.spans[4:]: slot for condition, slot in zip(conditions, slots, strict=True) if condition.spans
        }
        found: list[Slot] = []
        position = 0
        for between, value in zip(parts[::2], parts[1::2]):  # noqa: B905 - the last part stands alone
            start = position + len(between)
            position = start + len(value)
            # A sign parts a number from a word before it; a number without one would be part of the word.
            apart = not (between[-1:].isalnum() or between[-1:] == "_") or value[0] == "'"
            found.append(places.get((start, position), value.__eq__) if apart else value.__eq__)
        self._size += len(text) + 200 * len(parts)
        if self._size > LIMIT:
            self._known = {}
            self._size = 0
        self._known.setdefault(judge, {})[key] = tuple(found)


def slot(kind: str, pattern: str, accepts: Callable[[str], bool] | None) -> Slot:
    """The slot of a value of a kind (its literal form), which `accepts` says more of than its pattern does."""
    if accepts is None and kind == "text":
        return None
    fits = re.compile(pattern).fullmatch
    if accepts is None:
        return fits
    seen: set[str] = set()

    def judged(value: str) -> bool:
        if value in seen:
            return True
        if not fits(value) or not accepts(value):
            return False
        if len(value) <= _SPELLING and len(seen) < _SPELLINGS:
            seen.add(value)
        return True

    return judged
