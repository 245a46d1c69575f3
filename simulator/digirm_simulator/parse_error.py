"""The service's words for a query that it cannot read.

One such answer is recorded: three lines in the form of the parser library Parboiled, which names the character at which
the furthest attempt failed and all that could have stood there, character by character. So this walks over the query as
that parser would, and keeps what it tried at the furthest place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_BLANKS = re.compile(r"[ \t\r\n\f\v]*")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_TEXT = re.compile(r"'(?:[^']++|'')*+")
_AREA = re.compile(r"\[[-0-9., ]*+")
_DIGITS = re.compile(r"[0-9]*+")
_NESTED = re.compile(r"\(|not[ \t\r\n\f\v]", re.IGNORECASE)
_HEX = re.compile(r"[0-9A-Fa-f]*+")
_LETTERS = ("a..z", "A..Z", "'_'")
_WORDS = ("empty", "true", "false")
_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\f": "\\f"}
#: A longer line is not sent back, and a longer query not walked over.
_MOST_SHOWN = 10_000
_MOST_READ = 100_000


def text(query: str, operators: Iterable[str]) -> str | None:
    """The message for `query` where `operators` are those of the language; None where its form is right,
    or it is too long to be looked at.

    Three lines: what is wrong and where (line and position from 1 on, counted in the UTF-16 units of the service's
    parser), the line, and a caret below the place. Takes linear time.
    """
    walk = _Walk(query, operators)
    if len(query) > _MOST_READ or walk.accepts():
        return None
    at = walk.furthest
    start = query.rfind("\n", 0, at) + 1
    end = query.find("\n", start)
    line = query[start : len(query) if end < 0 else end]
    column = len(query[start:at].encode("utf-16-le", "surrogatepass")) // 2
    found = f"Invalid input '{_ESCAPES.get(query[at], query[at])}'" if at < len(query) else "Unexpected end of input"
    *most, last = walk.expected
    expected = f"{', '.join(most)} or {last}" if most else last
    message = f"{found}, expected {expected} (line {query.count(chr(10), 0, at) + 1}, pos {column + 1}):"
    return f"{message}\n{line}\n{' ' * column}^" if len(line) <= _MOST_SHOWN else message


class _Walk:
    """One attempt to read a query. Every method takes a place and gives the next one, or None where it fails."""

    def __init__(self, query: str, operators: Iterable[str]) -> None:
        self.query = query
        # Signs before words, and the longer ones first, as `<` begins `<=`.
        self.operators = sorted(operators, key=lambda word: (1, 0) if word.isalpha() else (0, -len(word)))
        self.furthest = 0
        self._expected: dict[str, None] = {}

    @property
    def expected(self) -> list[str]:
        """What could have stood at the furthest place, in the order in which it was tried."""
        return list(self._expected)

    def accepts(self) -> bool:
        """Whether the whole query can be read."""
        open_brackets, at = 0, self._blanks(0)
        while True:
            if (inner := self._not(at)) is not None:
                at = inner
                continue
            if (inner := self._exactly(at, "(")) is not None:
                open_brackets, at = open_brackets + 1, self._blanks(inner)
                continue
            ended = self._condition(at)
            if ended is None:
                return False
            # After a condition: closing brackets, then the end or a connective.
            while True:
                after = self._blanks(ended)
                following = self._connective(after) if after > ended else None
                if following is not None:
                    break
                if not open_brackets:
                    if after == len(self.query):
                        return True
                    self._miss(after, "EOI")
                    return False
                closed = self._exactly(after, ")")
                if closed is None:
                    return False
                open_brackets, ended = open_brackets - 1, closed
            at = following

    def _not(self, at: int) -> int | None:
        """After a `not` that negates something; None also where it is the name of a field, as in `not = 1`."""
        ended = self._word(at, "not")
        inner = None if ended is None else self._some_blanks(ended)
        if inner is None:
            return None
        # The one place with two readings: the field's is taken only where the other one leads nowhere.
        if _NESTED.match(self.query, inner) or self._condition(inner) is not None or self._condition(at) is None:
            return inner
        return None

    def _condition(self, at: int) -> int | None:
        name = _NAME.match(self.query, at)
        if name is None:
            self._miss(at, *_LETTERS)
            return None
        self._miss(name.end(), *_LETTERS, "0..9")
        operator = self._operator(self._blanks(name.end()))
        return None if operator is None else self._value(self._blanks(operator))

    def _operator(self, at: int) -> int | None:
        taken = None
        for operator in self.operators:
            ended = self._word(at, operator)
            if ended is None or taken is not None:
                continue
            if operator[-1:].isalpha() and not self.query.startswith((" ", "'"), ended):
                self._miss(ended, "' '", "'''")
                continue
            taken = ended
        return taken

    def _value(self, at: int) -> int | None:
        query = self.query
        if (quoted := _TEXT.match(query, at)) is not None:
            if (ended := self._exactly(quoted.end(), "'")) is None:
                return None
            self._miss(ended, "'''")
            return ended
        self._miss(at, "'''")
        if (area := _AREA.match(query, at)) is not None:
            self._miss(area.end(), "' '", "','", "'-'", "'.'", "0..9")
            return self._exactly(area.end(), "]")
        for word in _WORDS:
            if (ended := self._word(at, word)) is not None:
                return ended
        return self._number(at)

    def _number(self, at: int) -> int | None:
        """A number, or a time from now: a sign, digits and a unit."""
        query = self.query
        sign = query[at : at + 1] in ("-", "+")
        digits = _DIGITS.match(query, at + sign)
        ended = at + sign if digits is None else digits.end()
        if ended == at + sign:
            self._miss(ended, *(() if sign else ("'-'", "'+'", "'['")), "0..9")
            return None
        if query[at + sign : ended] == "0" and query[ended : ended + 1] in ("x", "X"):
            hexadecimal = _HEX.match(query, ended + 1)
            last = ended + 1 if hexadecimal is None else hexadecimal.end()
            self._miss(last, "0..9", "a..f", "A..F")
            return last if last > ended + 1 else None
        self._miss(ended, "0..9", "'.'")
        if query[ended : ended + 1] == ".":
            fraction = _DIGITS.match(query, ended + 1)
            last = ended + 1 if fraction is None else fraction.end()
            self._miss(last, "0..9")
            return last if last > ended + 1 else None
        if sign:
            for unit in "dhms":
                if (after := self._word(ended, unit)) is not None:
                    return after
        return ended

    def _connective(self, at: int) -> int | None:
        """The place after `and` or `or` and its blanks."""
        for word in ("and", "or"):
            if (ended := self._word(at, word)) is not None and (after := self._some_blanks(ended)) is not None:
                return after
        return None

    def _blanks(self, at: int) -> int:
        found = _BLANKS.match(self.query, at)
        ended = at if found is None else found.end()
        self._miss(ended, "' '")
        return ended

    def _some_blanks(self, at: int) -> int | None:
        ended = self._blanks(at)
        return ended if ended > at else None

    def _exactly(self, at: int, character: str) -> int | None:
        if self.query.startswith(character, at):
            return at + 1
        self._miss(at, f"'{character}'")
        return None

    def _word(self, at: int, word: str) -> int | None:
        """The place after a word in any case; operators that are signs are words too."""
        for place, character in enumerate(word, at):
            if self.query[place : place + 1].lower() != character.lower():
                lower, upper = character.lower(), character.upper()
                self._miss(place, f"'{character}'" if lower == upper else f"'{lower}/{upper}'")
                return None
        return at + len(word)

    def _miss(self, at: int, *labels: str) -> None:
        """Something else was expected here."""
        if at > self.furthest:
            self.furthest, self._expected = at, {}
        if at == self.furthest:
            self._expected |= dict.fromkeys(labels)
