"""What may stand at a place of a query, whether the rest of it is right or not: the parser's own state says it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from digirm_runtime.query.lexer import SIGNS
from digirm_runtime.query.printer import print_text
from digirm_runtime.query.tables import TIMESTAMP, forms_of, literals
from digirm_runtime.query.tokens import LOOSE, Token

if TYPE_CHECKING:
    from digirm_runtime.query.check import FieldRow
    from digirm_runtime.query.parser import Parser

Kind: TypeAlias = Literal["field", "operator", "value", "form", "connective", "bracket", "direction"]

_WORDS = {"AND": "and", "OR": "or", "NOT": "not"}
_BRACKETS = {"LPAR": "(", "RPAR": ")"}
# What goes on behind the cursor, and is replaced with what was typed before it: by the first character of that.
_REST_OF_TEXT = re.compile(r"[\w.-]*'?")
_REST_OF_WORD = re.compile(r"[\w.-]*")
_REST_OF_AREA = re.compile(r"[^\[\]'\"()]*\]?")
_REST_OF_SIGN = re.compile(rf"[{re.escape(SIGNS)}]*")
# Where nothing was typed yet: the whole of what stands there, unless it joins conditions.
_WHOLE = re.compile(rf"(?!(?i:and|or|not)\b)(?:'(?:[^']|'')*+'|[\w.+-]+|[{re.escape(SIGNS)}]+|\[[^\]']*\])|")
# Two characters that would make one of two tokens.
_JOINED = re.compile(rf"{LOOSE['WORD'].removesuffix('+')}{{2}}|''|[{re.escape(SIGNS)}]{{2}}")
# What a connective takes the place of, where it follows.
_ALIKE = {"and": ("AND", "OR"), "or": ("AND", "OR"), "not": ("NOT",)}
_UNITS = "dhms"


#: A text that may follow, its kind and its detail.
_Offer: TypeAlias = tuple[str, Kind, str]


class Completion(NamedTuple):
    """`text` may stand in place of `start:end` (0-based, half-open offsets).

    `kind` is what it is: a `value` may stay as it is, a `form` shows how a value is written (`''`, `-1d`). `detail` is
    a field's type, or the form of a value.
    """

    text: str
    kind: Kind
    start: int
    end: int
    detail: str = ""


class Completer:
    """Completes queries by one language and the fields of one endpoint (none: any name is a field)."""

    def __init__(self, parser: Parser, tables: Mapping[str, Any], fields: Mapping[str, FieldRow]) -> None:
        self.parser = parser
        self.tables = tables
        self.fields = fields

    def at(self, text: str, cursor: int) -> list[Completion]:
        """What may stand at an offset; what is typed there already narrows it."""
        before = text[:cursor]
        tokens, begun, typed = self._split(before)
        names = [before[token.start : token.end] for token in begun]
        if len(begun) > 2 or not self._is_begun(names):
            # Whatever it is, the parser knows how to go on behind it.
            tokens, begun, names = [*tokens, *begun], [], []
        found = list(self._next(before, tokens, names, typed))
        word = before[typed:].lower()
        whole = [token for token in self.parser.lexer.tokens(text) if token.end > typed]
        end = self._end(text, whole, cursor, typed)
        # A known value may have been begun without its quote.
        fitting = [item for item in found if item[0].lower().startswith((word, f"'{word}"))]
        places = [place for offer in fitting if (place := self._place(text, whole, cursor, typed, end, offer))]
        if word and self._is_sign(names, before[typed:]) and text[cursor : cursor + 1] not in {*SIGNS}:
            # `<` may become `<=`, or be followed by a value.
            end = self._end(text, whole, cursor, cursor)
            after = self._next(before, tokens, [*names, before[typed:]], cursor)
            places += [place for offer in after if (place := self._place(text, whole, cursor, cursor, end, offer))]
        return places

    def _split(self, before: str) -> tuple[list[Token], list[Token], int]:
        """(tokens of whole conditions, those of a condition that was begun, where the word at the cursor begins)."""
        tokens = [token for token in self.parser.lexer.tokens(before) if token.kind != "BLANK"]
        typed = len(before)
        last = tokens[-1] if tokens else None
        if last is not None and last.end == typed and last.kind in {*LOOSE, *_WORDS} - {"STRING"}:
            tokens.pop()
            typed = last.start
        split = len(tokens)
        while split and tokens[split - 1].kind in LOOSE:
            split -= 1
        return tokens[:split], tokens[split:], typed

    def _is_begun(self, names: Sequence[str]) -> bool:
        """Whether words begin a condition; its operator may be one of another language."""
        lexer = self.parser.lexer
        field = not names or lexer.is_field(names[0])
        return field and all(lexer.is_operator(op) or op.lower() in self.tables["mends"] for op in names[1:])

    def _is_sign(self, names: Sequence[str], word: str) -> bool:
        return len(names) == 1 and not word[0].isalnum() and self.parser.lexer.is_operator(word)

    def _end(self, text: str, whole: Sequence[Token], cursor: int, typed: int) -> int:
        """Where ends what is replaced, of which the part from `typed` stands before the cursor."""
        token = next((token for token in whole if token.start == typed), None)
        if token is not None and token.kind not in {*LOOSE, *_WORDS, *_BRACKETS} - {"STRING"}:
            return max(token.end, cursor)
        first = text[typed:cursor][:1]
        rest = _WHOLE if not first else _REST_OF_SIGN if first in SIGNS else _REST_OF_WORD
        rest = {"'": _REST_OF_TEXT, "[": _REST_OF_AREA}.get(first, rest)
        found = rest.match(text, cursor)
        return found.end() if found else cursor

    def _place(
        self, text: str, whole: Sequence[Token], cursor: int, start: int, end: int, offer: _Offer
    ) -> Completion | None:
        """An offer, so that it runs together with nothing that stands behind it; None where it would split a token."""
        new, kind, detail = offer
        if kind in ("connective", "bracket") and start == cursor:
            if any(token.start < cursor < token.end and token.kind != "WORD" for token in whole):
                return None
            # It stands between conditions, and is no other way of writing what follows.
            end = cursor
        behind = text[end : end + 1]
        if kind == "connective":
            following = next((token for token in whole if token.start >= end), None)
            alike = _ALIKE[new.strip()] if start == cursor or new != "not" else ()
            if following is not None and following.kind in alike:
                end = following.end
                behind = text[end : end + 1]
            if behind and not behind.isspace() and behind != ")":
                new += " "
        elif behind and _JOINED.fullmatch(new[-1] + behind):
            new += " "
        return Completion(new, kind, start, end, detail)

    def _next(self, before: str, tokens: Sequence[Token], names: Sequence[str], typed: int) -> Iterator[_Offer]:
        """(text, kind, detail) of all that may follow tokens and a condition's field and operator."""
        expected = self.parser.expected(before, tokens, ("FIELD", "OPERATOR")[: len(names)])
        row = self.fields.get(names[0]) if names else None
        if "FIELD" in expected:
            for name, field in self.fields.items():
                yield name, "field", field.type
        if "OPERATOR" in expected:
            operators = row.operators if row and row.operators else self.tables["operators"]
            for operator in operators:
                yield operator, "operator", ""
        if len(names) == 2:
            yield from self._values(names[1], row, expected)
        elif not names and "AND" in expected:
            yield from self._units(before, tokens, typed)
        # A word that follows something at once needs a blank before it.
        blank = " " if 0 < typed == len(before) and not before[-1].isspace() and before[-1] != "(" else ""
        for terminal, word in _WORDS.items():
            if terminal in expected:
                yield blank + word, "connective", ""
        for terminal, sign in _BRACKETS.items():
            if terminal in expected:
                yield sign, "bracket", ""

    def _values(self, operator: str, row: FieldRow | None, expected: Iterable[str]) -> Iterator[_Offer]:
        meant = self.tables["mends"].get(operator.lower(), operator)
        known = self.parser.operator(meant)
        takes: Sequence[str] = self.tables["empty"]
        every = [form.lower() for form in self.parser.lexer.forms if form != "EMPTY"]
        forms = forms_of(self.tables, known, row.type if row else "") or every
        if row and "text" in forms:
            for value in row.values:
                yield print_text(value), "value", "text"
        examples: dict[str, list[str]] = literals()["examples"]
        for form in forms:
            terminal = "TEXT" if form == TIMESTAMP else form.upper()
            if terminal in expected and not (form == "text" and row and row.values):
                kind: Kind = "value" if form == "boolean" else "form"
                for example in examples.get(form, ()):
                    yield example, kind, form
        if "EMPTY" in expected and (known in takes or not takes):
            yield "empty", "value", "empty"

    def _units(self, before: str, tokens: Sequence[Token], typed: int) -> Iterator[_Offer]:
        """The units of a relative time whose number was typed: `-3` may be a number, or become `-3d`."""
        if len(tokens) < 3 or tokens[-1].kind != "NUMBER" or tokens[-1].end != typed:
            return
        row = self.fields.get(before[tokens[-3].start : tokens[-3].end])
        forms = self.tables["types"].get(row.type, ()) if row else ()
        if "relative" in forms and re.fullmatch("[+-][0-9]+", before[tokens[-1].start : typed]):
            for unit in _UNITS:
                yield unit, "form", "relative"
