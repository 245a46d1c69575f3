"""Explains text that is no condition: a run of tokens in which at least one is loose.

Each fault gets its exact span and, where the mend is certain, the text that belongs there. What can be recognised of
the condition is handed back, so that its field is judged although its value is broken.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from digirm_runtime.query.ast import Condition, Literal, read_literal
from digirm_runtime.query.diagnostics import Diagnostic, quoted
from digirm_runtime.query.lexer import TYPOGRAPHIC, Lexer, Token
from digirm_runtime.query.printer import print_text
from digirm_runtime.query.spelling import misspelt

if TYPE_CHECKING:
    from digirm_runtime.query.ast import Spans

_CONNECTIVES = {
    **dict.fromkeys(("&&", "&", ",", ";", "+", "adn", "nad", "an", "ad", "amd", "annd", "andd"), "and"),
    **dict.fromkeys(("||", "|", "ro", "orr", "oor"), "or"),
}
_NULLS = {"null", "none", "nil", "undefined"}
_DURATION = re.compile(r"([+-]?)([0-9]+)([A-Za-z]+)")
_UNITS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), "m"),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), "h"),
    **dict.fromkeys(("d", "day", "days"), "d"),
}
_NUMBER_LIKE = re.compile(r"[+-]?[0-9.][0-9.,_eE+-]*|0[xX]\w*")


class Faults:
    """Explains faults in one text. `mends` maps foreign operators to those of the language."""

    def __init__(self, text: str, lexer: Lexer, operators: Sequence[str], mends: Mapping[str, str]) -> None:
        self.text = text
        self.lexer = lexer
        self.operators = operators
        self.mends = mends
        self.diagnostics: list[Diagnostic] = []

    def add(
        self, code: str, message: str, start: int, end: int, suggestion: str | None = None, *, warning: bool = False
    ) -> None:
        """Note a diagnostic; at the text's end the span is empty."""
        self.diagnostics.append(Diagnostic(code, "warning" if warning else "error", message, start, end, suggestion))

    def connective(self, token: Token) -> bool:
        """Whether a loose token between two conditions is a foreign or misspelt `and` or `or`; if so it is noted."""
        word = self._of(token)
        meant = _CONNECTIVES.get(word.lower())
        if not meant:
            return False
        self.add(
            "Q122", f"{quoted(word)} joins nothing here; conditions are joined by 'and' or 'or'", *token[1:], meant
        )
        return True

    def is_condition(self, chunk: Sequence[Token]) -> bool:
        """Whether a chunk that follows a condition looks like another one."""
        if len(chunk) < 2 or chunk[0].kind != "WORD":
            return False
        return chunk[1].kind == "SIGNS" or self._is_operator(chunk[1]) or self._of(chunk[1]).lower() in self.mends

    def trailing(self, previous: Token, chunk: Sequence[Token]) -> None:
        """Note what follows a complete condition without belonging to one."""
        if previous.kind in ("TEXT", "STRING") and previous.end == chunk[0].start:
            self._inner_quote(previous.end)
            return
        start, end = chunk[0].start, chunk[-1].end
        self._unclosed(chunk)
        self.add("Q117", f"{quoted(self.text[start:end])} is not expected after a complete condition", start, end)

    def misplaced_not(self, token: Token) -> None:
        """Note a `not` between field and operator."""
        self.add("Q121", "'not' stands before the whole condition: not field operator value", token.start, token.end)

    def condition(self, chunk: Sequence[Token], *, negated: bool = False) -> Condition | None:
        """Note every fault of a broken condition; what could be read of it (its operator is empty if unknown)."""
        start = chunk[0].start
        name = self.lexer.field_at(self.text, start)
        rest = [token for token in chunk if token.start >= start + len(name)]
        starts_with_operator = chunk[0].kind == "SIGNS" or (
            self._is_operator(chunk[0]) and (len(chunk) == 1 or chunk[1].kind not in ("SIGNS", "WORD"))
        )
        if starts_with_operator:
            self.add("Q109", f"a field is missing before {quoted(self._of(chunk[0]))}", start, start + 1)
            name, rest = "", list(chunk)
        elif chunk[0].kind != "WORD" or not name or start + len(name) < chunk[0].end:
            if len(chunk) > 1 and chunk[0].kind in ("STRING", "DQUOTED") and self._operator_like(chunk[1]):
                inner = self._of(chunk[0])[1:-1]
                mend = inner if self.lexer.is_field(inner) else None
                self.add("Q123", "a field's name is written without quotes", *chunk[0][1:], mend)
                name = mend or ""
            elif len(chunk) > 1 and self._operator_like(chunk[1]):
                self.add("Q206", f"{quoted(self._of(chunk[0]))} cannot be a field's name", *chunk[0][1:])
                name = ""
            else:
                self.no_condition(chunk)
                return None
            rest = list(chunk[1:])
        elif not rest:
            self.add("Q107", f"{quoted(name)} is no condition: an operator and a value must follow", *chunk[0][1:])
            return _partial(name, start)
        operator, values = self._operator(name, rest, negated=negated)
        if values is None:
            return _partial(name, start)
        op_end = chunk[len(chunk) - len(values) - 1].end
        literal = self._value(values, after=op_end)
        if not (name and operator and literal):
            return _partial(name, start)
        spans: Spans = (start, start + len(name), op_end - len(operator), op_end, values[0].start, values[0].end)
        return Condition(name, operator, literal, spans)

    def _operator(self, name: str, rest: list[Token], *, negated: bool) -> tuple[str, list[Token] | None]:
        """The operator (empty if it is none) and the tokens after it; None where nothing more can be said."""
        token = rest[0]
        word = self._of(token)
        if token.kind not in ("SIGNS", "WORD") or (
            token.kind == "WORD" and len(rest) == 1 and not self._like_operator(word)
        ):
            self.add(
                "Q107", f"an operator is missing between {quoted(name)} and {quoted(word)}", token.start, token.end
            )
            return "", None
        if self._is_operator(token):
            following = rest[1] if len(rest) > 1 else None
            if following is not None and (following.kind == "SIGNS" or self._is_operator(following)):
                self.add(
                    "Q115",
                    f"two operators in a row: {quoted(word)} and {quoted(self._of(following))}",
                    token.start,
                    following.end,
                )
                return "", rest[2:] or None
            return word, rest[1:]
        last = rest[-1]
        if word.lower() == "is" and len(rest) == 2 and self._of(rest[1]).lower() in {*_NULLS, "empty"}:
            equal = "<>" if negated else "="
            mend = f"{equal} empty" if equal in self.operators else None
            self.add(
                "Q202", "there is no operator 'is'; unset values are found with 'empty'", token.start, last.end, mend
            )
            return "", None
        meant = self.mends.get(word.lower(), "") or misspelt(word, self.operators)
        known = ", ".join(self.operators) or "none"
        self.add("Q202", f"there is no operator {quoted(word)}; known: {known}", token.start, token.end, meant)
        return "", rest[1:] or None

    def _value(self, tokens: Sequence[Token], after: int) -> Literal | None:
        """Judge what stands for a value; the literal, where it is one."""
        if not tokens:
            self.add("Q108", "a value is missing after the operator", after - 1, after)
            return None
        first, last = tokens[0], tokens[-1]
        raw = self.text[first.start : last.end]
        word = self._of(first)
        form = self.lexer.form(word)
        if form is not None:
            if len(tokens) > 1:
                self.trailing(first, tokens[1:])
            return read_literal(form, word)
        if first.kind == "UNCLOSED":
            self.add("Q102", "this quote is never closed; a quote inside text is doubled", first.start, first.start + 1)
        elif first.kind == "DQUOTED":
            closed = len(word) > 1 and word.endswith('"')
            mend = print_text(word[1:-1]) if closed else None
            self.add("Q111", "text stands in single quotes, not in double ones", *first[1:], mend)
            if closed and len(tokens) > 1:
                self.trailing(first, tokens[1:])
        elif first.kind == "TYPOGRAPHIC":
            closed = len(raw) > 1 and raw[-1] in TYPOGRAPHIC
            mend = print_text(raw[1:-1]) if closed and not any(char in TYPOGRAPHIC for char in raw[1:-1]) else None
            self.add("Q112", "text stands in straight single quotes: '...'", first.start, last.end, mend)
        elif first.kind == "BRACKET":
            self.add("Q117", f"{quoted(raw)} is no area: [number, number, ...]", first.start, last.end)
        else:
            self._unquoted(raw, first.start, last.end)
            self._unclosed(tokens)
        return None

    def _unquoted(self, raw: str, start: int, end: int) -> None:
        duration = _DURATION.fullmatch(raw)
        if duration and (duration[3].lower() in _UNITS or not raw[0].isdigit()):
            sign, number, unit = duration.groups()
            meant = _UNITS.get(unit.lower())
            mend = f"{sign or '-'}{number}{meant}" if meant else None
            fault = "has no sign" if meant == unit else f"has the unknown unit {quoted(unit)}"
            self.add("Q118", f"the relative time {fault}: sign, number and d, h, m or s, as in -1d", start, end, mend)
        elif raw.lower() in _NULLS:
            self.add(
                "Q110", f"there is no value {quoted(raw)}; unset values are found with 'empty'", start, end, "empty"
            )
        elif _NUMBER_LIKE.fullmatch(raw) and not re.match(r"[0-9]{4}-", raw):
            self.add("Q110", f"{quoted(raw)} is no number; text stands in single quotes", start, end)
        else:
            mend = print_text(raw) if "'" not in raw and '"' not in raw else None
            self.add("Q110", "text and times stand in single quotes", start, end, mend)

    def no_condition(self, chunk: Sequence[Token]) -> None:
        """Note a chunk that is nothing that could be mended."""
        start, end = chunk[0].start, chunk[-1].end
        if not self._unclosed(chunk):
            self.add("Q117", f"{quoted(self.text[start:end])} is no condition: field operator value", start, end)

    def _unclosed(self, chunk: Sequence[Token]) -> bool:
        if chunk[-1].kind != "UNCLOSED":
            return False
        start = chunk[-1].start
        self.add("Q102", "this quote is never closed; a quote inside text is doubled", start, start + 1)
        return True

    def _inner_quote(self, end: int) -> None:
        if self.text[end - 2 : end - 1] == "\\":
            self.add("Q114", "a backslash escapes nothing; a quote inside text is doubled", end - 2, end, "''")
        else:
            self.add("Q113", "the text ends here; a quote inside text is doubled", end - 1, end, "''")

    def _like_operator(self, word: str) -> bool:
        return word.lower() in self.mends or self.lexer.is_operator(word) or misspelt(word, self.operators) is not None

    def _operator_like(self, token: Token) -> bool:
        return token.kind == "SIGNS" or self._like_operator(self._of(token))

    def _is_operator(self, token: Token) -> bool:
        return token.kind in ("SIGNS", "WORD") and self.lexer.is_operator(self._of(token))

    def _of(self, token: Token) -> str:
        return self.text[token.start : token.end]


def _partial(name: str, start: int) -> Condition | None:
    """A condition of which only the field is known."""
    end = start + len(name)
    return Condition(name, "", Literal("", ""), (start, end, end, end, end, end)) if name else None
