"""Explains what follows a value, and what stands in another order: other conditions, foreign connectives, calls.

The part of `faults.py` that looks behind values; the class there is the one to use.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from digirm_runtime.query import foreign
from digirm_runtime.query.ast import Condition, Literal, read_literal
from digirm_runtime.query.diagnostics import quoted
from digirm_runtime.query.misquoted import ValueFaults
from digirm_runtime.query.printer import print_text
from digirm_runtime.query.spelling import misspelt
from digirm_runtime.query.tokens import Token

if TYPE_CHECKING:
    from digirm_runtime.query.lexer import Lexer

QUOTED = ("STRING", "DQUOTED", "TYPOGRAPHIC", "BRACKET")
#: Operators, and those that say the same of the two sides exchanged.
FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "<>": "<>"}
#: Faults that are noted of one run of tokens.
MANY = 100
#: What signs of comparison begin with; others (`http://`) may stand in unquoted text.
_COMPARING = "=<>!~"
#: Tokens from which can be told whether they begin a condition.
_AHEAD = 5
#: Longer words are looked up nowhere.
_LONGEST = 40
_CALLED = re.compile(r"\s*+\(\s*+([^\s,()'\"\[\]]++)\s*+,\s*+")
_QUOTE = re.compile("'+")


class Following(ValueFaults):
    """Explains what follows values in one text. `mends` maps foreign operators to those of the language."""

    def __init__(self, text: str, lexer: Lexer, operators: Sequence[str], mends: Mapping[str, str]) -> None:
        super().__init__(text, lexer)
        self.operators = operators
        self.mends = mends
        #: What could be read of broken conditions (the operator is empty if unknown), and good ones read anew.
        self.read: list[Condition] = []
        #: Whether what was explained last ends with a connective.
        self.joined = False
        #: Whether what was explained last is a whole condition, so that a connective must follow.
        self.whole = False
        #: Where the text is to be read anew, because quotes there are not what they seem.
        self.resume: int | None = None
        self._joins = False  # whether a condition, a bracket or a `not` follows the run that is explained
        self._operand: Sequence[Token] = ()  # the tokens of the good condition before the run that is explained

    @property
    def explained(self) -> int:
        """The offset up to which the text was explained as a whole."""
        return self._explained

    def connective(self, token: Token) -> bool:
        """Whether a loose token between two conditions is a foreign or misspelt `and` or `or`; if so it is noted."""
        word = self._of(token)
        meant = foreign.CONNECTIVES.get(word.lower())
        if not meant or token.start < self._explained:
            return False
        if self._is_ending(token.start, token.end):
            return False
        message = f"{quoted(word)} joins nothing here; conditions are joined by 'and' or 'or'"
        self.add("Q122", message, *token[1:], meant)
        return True

    def missing_connective(self, start: int, end: int) -> None:
        """Note that a condition, a bracket or a `not` follows a condition without `and` or `or`."""
        self.add("Q106", "'and' or 'or' is missing before this", start, end, f"and {self.text[start:end]}")

    def is_condition(self, chunk: Sequence[Token], *, joins: bool = False) -> bool:
        """Whether a chunk that follows a condition looks like another one; `joins` as in `trailing`."""
        if chunk and chunk[0].kind == "SIGNS" and self._of(chunk[0]) == foreign.NEGATION:
            chunk = chunk[1:]
            if not chunk:
                return joins
        if chunk and chunk[0].kind in QUOTED:
            name = self.text[chunk[0].start + 1 : chunk[0].end - 1]
            if len(chunk) < 3 or not self._operator_like(chunk[1]) or not self.lexer.is_field(name):
                return False
            value = chunk[1 + (self._phrase_length(chunk[1:4]) or 1) :]
            return bool(value) and (chunk[1].kind == "SIGNS" or self._is_value(value[0]))
        if not chunk or chunk[0].kind != "WORD":
            return False
        if len(chunk) == 1:
            return joins and self.call(chunk[0]) is not None
        if self._phrase_length(chunk[1:4]):
            return True
        sign = self._of(chunk[1]).lower()
        if chunk[1].kind == "SIGNS":
            return sign not in foreign.SIGN_CONNECTIVES | {foreign.NEGATION}
        return len(chunk) > 2 and self._like_operator(sign)

    def trailing(self, operand: Sequence[Token], chunk: Sequence[Token], *, joins: bool = False) -> None:
        """Note what follows a complete condition or group, of which `operand` is the end, without belonging to one.

        `joins`: whether a condition, a bracket or a `not` follows the chunk.
        """
        self._begin(joins=joins)
        self._operand = operand
        self._rest = operand[-1], self._split(chunk)
        self._follow()

    def good(self, tokens: Sequence[Token]) -> None:
        """Keep a good condition that was found where the text was read anew."""
        field, operator, value = tokens
        literal = read_literal(value.kind.lower(), self._of(value))
        spans = (*field[1:], *operator[1:], *value[1:])
        self.read.append(Condition(self._of(field), self._of(operator), literal, spans))

    def call(self, token: Token) -> tuple[Condition, int] | None:
        """(the condition that is meant, where the call ends) of a token that begins `startsWith(name, 'x')`."""
        found = _CALLED.match(self.text, token.end)
        if token.kind != "WORD" or found is None or not self.lexer.is_field(found[1]) or self.lexer.form(found[1]):
            return None
        word = self._of(token).lower()
        operator = next((known for known in self.operators if known.lower() == word), None)
        values = foreign.Phrases(self.text, self.lexer.form).list_at(token.end)
        value = values.values[1] if values and len(values.values) == 2 else None
        form = self.lexer.form(value) if value else None
        if not operator or not values or not value or not form:
            return None
        spans = (*found.span(1), *token[1:], found.end(), values.end - 1)
        return Condition(found[1], operator, read_literal(form, value), spans), values.end

    def _begin(self, *, joins: bool) -> None:
        self.joined = self.whole = False
        self._joins = joins
        self._operand = ()

    def _follow(self) -> None:
        """Explain what was left behind values, one after the other."""
        forgiven = False  # whether a fault just before explains why a connective is missing
        while self._rest is not None and len(self.diagnostics) < MANY:
            previous, chunk = self._rest
            self._rest = None
            chunk = self._unexplained(chunk)
            if not chunk:
                continue
            if not self.connective(chunk[0]):
                if not self.is_condition(chunk, joins=self._joins):
                    forgiven = not self._trailing(previous, chunk)
                    continue
                if not forgiven:
                    self.missing_connective(*chunk[0][1:])
            elif len(chunk) == 1:
                self.joined = True
                continue
            else:
                chunk = chunk[1:]
            forgiven = False
            self._operand = ()
            self._condition(chunk)
        self._rest = None

    def _trailing(self, previous: Token, chunk: Sequence[Token]) -> bool:
        """Note what follows a value; whether it belongs to it, so that the condition is whole."""
        self.whole = False
        if self._encoded(chunk):
            return False
        if self._ends_early(previous, chunk):
            self._read_on(previous)
            return self.whole
        if count := self._unit(previous, chunk):
            self._amend(previous, self.diagnostics[-1].suggestion, chunk[count - 1].end)
            self._leave(chunk[count - 1], chunk[count:])
            self.whole = True
            return True
        stop = self._next(chunk)
        start, end = chunk[0].start, chunk[stop - 1].end
        raw = self.text[start:end]
        self._leave(chunk[stop - 1], chunk[stop:])
        self._unclosed(chunk[:stop])
        clause = foreign.CLAUSES.get(self._of(chunk[0]).lower())
        if self._is_ending(start, end):
            self.ending(start, end)
        elif clause and stop > 1:
            message = f"{quoted(raw)} is no part of a query: that is what the parameter '{clause}' is for"
            self.add("Q117", message, start, end)
        else:
            self.add("Q117", f"{quoted(raw)} is not expected after a complete condition", start, end)
        return False

    def _next(self, tokens: Sequence[Token]) -> int:
        """The number of tokens that stand before another condition, or before a connective that joins one."""
        for index in range(1, len(tokens)):
            token = tokens[index]
            word = self._of(token).lower() if token.end - token.start < _LONGEST else ""
            if word in foreign.SIGN_CONNECTIVES or (
                word in foreign.CONNECTIVES and self._is_joint(token, tokens[index + 1 : index + 1 + _AHEAD])
            ):
                return index
            # Behind a quote or a number nothing belongs to the value; unquoted text may hold any words.
            if (
                tokens[0].kind in QUOTED
                or self.text[tokens[0].start] in "+-.0123456789"
                or token.kind in QUOTED
                or word == foreign.NEGATION
            ):
                if self.is_condition(tokens[index : index + _AHEAD], joins=self._joins and index + 1 == len(tokens)):
                    return index
            elif token.kind == "WORD" and index + 1 < len(tokens) and self.lexer.is_field(self._of(token)):
                sign = tokens[index + 1]
                if sign.kind == "SIGNS" and self._of(sign)[0] in _COMPARING and self._operator_like(sign):
                    return index
                value = index + 1 + (self._phrase_length(tokens[index + 1 : index + 4]) or 1)
                if value < len(tokens) and tokens[value].kind in QUOTED and self._operator_like(sign):
                    return index
        return len(tokens)

    def _phrase_length(self, tokens: Sequence[Token]) -> int:
        """How many tokens are an operator, be it one of another language such as `greater than`; 0 if none is."""
        if tokens and self._is_operator(tokens[0]):
            return 1
        words = [self._of(token).lower() if token.end - token.start < _LONGEST else "" for token in tokens]
        return next((n for n in (3, 2, 1) if len(words) >= n and " ".join(words[:n]) in self.mends), 0)

    def _is_joint(self, token: Token, following: Sequence[Token]) -> bool:
        """Whether a word that may join conditions does so, seen from what follows it."""
        if not following:
            return self._joins or self._is_ending(*token[1:])
        return self.is_condition(following, joins=self._joins and len(following) == 1)

    def _unit(self, previous: Token, chunk: Sequence[Token]) -> int:
        """How many tokens are the unit of the number before them, as in `-1 day`; noted, if any."""
        if self.lexer.form(self._of(previous)) != "number":
            return 0
        return next((n for n in (2, 1) if len(chunk) >= n and self._late_unit(previous.start, chunk[n - 1].end)), 0)

    def _read_on(self, previous: Token) -> None:
        """After a quote inside a text, find the end of the text, and read what follows it anew."""
        if self.diagnostics[-1].code not in ("Q113", "Q114"):
            self._amend(previous, None, previous.end)
            return
        text = self.text
        for found in _QUOTE.finditer(text, previous.end):
            end = found.end()
            if len(found[0]) % 2 == 0:
                continue
            closes = end == len(text) or (text[end - 2] == "\\" and text.find("'", end) < 0)
            if closes or not self._ends_early(Token("TEXT", previous.start, end), [Token("WORD", end, end + 1)]):
                self.resume, self.whole = end, True
                self._amend(previous, print_text(text[previous.start + 1 : end - 1]), end)
                return
            if self.diagnostics[-1].code == "Q102" or len(self.diagnostics) >= MANY:
                break
        self._amend(previous, None, previous.end)

    def _amend(self, value: Token, meant: str | None, end: int) -> None:
        """Put what is meant in place of the half of a value that was read; without it, only the field is known."""
        form = self.lexer.form(meant) if meant else None
        literal = read_literal(form, meant) if form and meant else Literal("", "")
        last = self.read[-1] if self.read else None
        if last is not None and last.spans and last.spans[4] == value.start:
            operator = last.operator if form else ""
            self.read[-1] = Condition(last.field, operator, literal, (*last.spans[:5], end))
        elif len(self._operand) == 3 and self._operand[0].kind == "FIELD":
            field, sign, _ = self._operand
            operator = self._of(sign) if form else ""
            spans = (*field[1:], *sign[1:], value.start, end)
            self.read.append(Condition(self._of(field), operator, literal, spans))

    def _swapped(self, chunk: Sequence[Token], *, negated: bool) -> bool:
        """Note `'x' = name`, where the text could be a field as well if it looked like one; `'name' = 'x'` is none."""
        if len(chunk) != 3 or chunk[0].kind != "STRING" or chunk[2].kind != "WORD":
            return False
        value, name, sign = self._of(chunk[0]), self._of(chunk[2]), self._flipped(chunk[1])
        if not self.lexer.is_operator(sign) or not self.lexer.is_field(name) or self.lexer.form(name):
            return False
        mend = None if negated or self.lexer.is_field(value[1:-1]) else f"{name} {sign} {value}"
        message = f"the field stands before the operator, the value behind it: {quoted(f'{name} {sign} {value}')}"
        self.add("Q206", message, chunk[0].start, chunk[2].end, mend)
        return True

    def _turned(self, chunk: Sequence[Token]) -> Condition:
        """The condition that is meant by one in which the value stands first."""
        value, sign, name = chunk
        raw = self._of(value)
        self.whole = True
        spans = (*name[1:], *sign[1:], *value[1:])
        return Condition(self._of(name), self._flipped(sign), read_literal(self.lexer.form(raw) or "", raw), spans)

    def _flipped(self, sign: Token) -> str:
        word = self._of(sign)
        return FLIPPED.get(word, FLIPPED.get(self.mends.get(word, ""), ""))

    def _called(self, condition: Condition, end: int) -> Condition:
        """Note `startsWith(name, 'x')`."""
        start = condition.spans[2] if condition.spans else end
        self._explain(end)
        self.add("Q206", "the field stands before the operator, the value behind it", start, end, str(condition))
        self.whole = True
        return condition

    def _split(self, chunk: Sequence[Token]) -> Sequence[Token]:
        raise NotImplementedError

    def _condition(self, chunk: Sequence[Token], *, negated: bool = False) -> None:
        raise NotImplementedError

    def _meant_operator(self, word: str) -> str:
        """The operator that a foreign or misspelt one is meant to be; empty where that is not known."""
        known = self.mends.get(word.lower())
        return known if known is not None else misspelt(word, self.operators) or ""

    def _like_operator(self, word: str) -> bool:
        return word.lower() in self.mends or self.lexer.is_operator(word) or misspelt(word, self.operators) is not None

    def _operator_like(self, token: Token) -> bool:
        return token.kind == "SIGNS" or self._like_operator(self._of(token))

    def _is_operator(self, token: Token) -> bool:
        return token.kind in ("SIGNS", "WORD") and self.lexer.is_operator(self._of(token))

    def _is_value(self, token: Token) -> bool:
        return token.kind in QUOTED or self.lexer.form(self._of(token)) is not None
