"""Lark's LALR parser over our tokens: the AST of a good query, every fault of a bad one.

Lark's tables alone decide what may follow what. Where they refuse a token, the smallest mend is fed in its place (a
missing condition, a missing connective) and parsing goes on, so that one fault hides no other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from lark import Lark, Token, Transformer, UnexpectedToken
from lark.exceptions import LarkError
from lark.lexer import Lexer as LarkLexer

from digirm_runtime.errors import SpecError
from digirm_runtime.query.ast import And, Condition, Expr, Not, Or, conditions, read_literal
from digirm_runtime.query.diagnostics import HALF, ODD_BLANK
from digirm_runtime.query.faults import Faults
from digirm_runtime.query.lexer import LOOSE, SPACE, SURROGATES, Lexer
from digirm_runtime.query.lexer import Token as Piece

if TYPE_CHECKING:
    from digirm_runtime.query.diagnostics import Diagnostic

MAX_DEPTH = 200
MAX_DIAGNOSTICS = 100


class Outcome(NamedTuple):
    """`expr` is None for a faulty query; `conditions` are those that could be read, also of a faulty one."""

    expr: Expr | None
    conditions: list[Condition]
    diagnostics: list[Diagnostic]


class Parser:
    """The parser of one grammar. Raises SpecError where Lark refuses the grammar."""

    def __init__(self, grammar: str, tables: Mapping[str, Any]) -> None:
        self._operators: list[str] = tables["operators"]
        self._mends: dict[str, str] = tables["mends"]
        self._lexer = Lexer(tables["terminals"])
        try:
            self._lark = Lark(
                grammar,
                parser="lalr",
                lexer=_NoLexer,
                transformer=_Builder({op.lower(): op for op in self._operators}),
            )
        except (LarkError, ValueError) as error:
            raise SpecError(f"the grammar cannot be used: {error}") from None

    def parse(self, text: str) -> Outcome:
        """Parse a text; never raises for what the text holds."""
        tokens = self._lexer.tokens(text)
        faults = Faults(text, self._lexer, self._operators, self._mends)
        if not tokens:
            faults.add("Q101", "the query is empty: nothing is filtered", 0, len(text), warning=True)
            return Outcome(None, [], faults.diagnostics)
        for half in islice(re.finditer(SURROGATES, text), MAX_DIAGNOSTICS):
            faults.add("Q126", HALF, *half.span())
        run = _Run(self._lark, text, tokens, faults)
        run.all()
        _spacing(text, tokens, faults)
        found = run.conditions() if run.expr is None else list(conditions(run.expr))
        return Outcome(run.expr, found, faults.diagnostics)


class _Run:
    """One parse."""

    def __init__(self, lark: Lark, text: str, tokens: Sequence[Piece], faults: Faults) -> None:
        self.state = lark.parse_interactive()
        self.text = text
        self.tokens = tokens
        self.faults = faults
        self.open: list[tuple[int, int]] = []  # offset of each open bracket, and the `not`s that wait before it
        self.nots = 0
        self.depth = 0
        self.operand = False  # whether a complete condition or group stands just before
        self.forgive = False  # whether a fault just before explains why a connective is missing
        self.expr: Expr | None = None
        self.partial: list[Condition] = []  # what could be read of broken conditions

    def all(self) -> None:
        index = 0
        while index < len(self.tokens):
            index = self._step(index)
            if self.depth > MAX_DEPTH:
                token = self.tokens[index - 1]
                self.faults.add("Q116", f"brackets and 'not' are nested more than {MAX_DEPTH} deep", *token[1:])
                return
            if len(self.faults.diagnostics) >= MAX_DIAGNOSTICS:
                start = self.tokens[index - 1].end
                self.faults.add("Q124", f"more than {MAX_DIAGNOSTICS} faults: what follows was not read", start, start)
                return
        end = len(self.text)
        while self.open:
            start = self.open.pop()[0]
            self._feed("RPAR", end, end)
            self.faults.add("Q103", "this bracket is never closed", start, start + 1)
        expr = self._feed("$END", end, end)
        if not self.faults.diagnostics:
            self.expr = expr

    def conditions(self) -> list[Condition]:
        """What could be read of a faulty query: its good conditions and parts of the others."""
        tokens = self.tokens
        good = [self._condition(*tokens[i : i + 3]) for i, token in enumerate(tokens) if token.kind == "FIELD"]
        return sorted(good + self.partial, key=lambda condition: condition.spans or ())

    def _condition(self, field: Piece, operator: Piece, value: Piece) -> Condition:
        spans = (field.start, field.end, operator.start, operator.end, value.start, value.end)
        return Condition(self._of(field), self._of(operator), read_literal(value.kind.lower(), self._of(value)), spans)

    def _step(self, index: int) -> int:
        """Take the token at an index, or the chunk that begins there; the index behind it."""
        token = self.tokens[index]
        kind, start, end = token
        if kind in LOOSE:
            return self._chunk(index)
        if kind == "FIELD":
            self._feed(kind, start, end)
            for part in self.tokens[index + 1 : index + 3]:
                self._feed(*part)
            self._operand_done()
            return index + 3
        if kind == "RPAR":
            if not self.open:
                self.faults.add("Q104", "this bracket closes nothing", start, end)
                return index + 1
            self._feed(kind, start, end)
            _, waiting = self.open.pop()
            self.depth -= 1
            self.nots = waiting
            self._operand_done()
            return index + 1
        self._feed(kind, start, end)
        self.operand = self.forgive = False
        if kind == "LPAR":
            self.open.append((start, self.nots))
            self.nots = 0
            self.depth += 1
        elif kind == "NOT":
            self.nots += 1
            self.depth += 1
        return index + 1

    def _operand_done(self) -> None:
        self.depth -= self.nots
        self.nots = 0
        self.operand = True
        self.forgive = False

    def _chunk(self, index: int) -> int:
        """Explain loose tokens, and stand a condition in for them where they were meant to be one."""
        tokens = self.tokens
        stop = index + 1
        while stop < len(tokens) and tokens[stop].kind in LOOSE:
            stop += 1
        for token in [token for token in tokens[index:stop] if token.kind == "BLANK"][:MAX_DIAGNOSTICS]:
            self.faults.add("Q125", ODD_BLANK, token.start, token.end, " ")
        chunk = [token for token in tokens[index:stop] if token.kind != "BLANK"]
        if not chunk:
            return stop
        if self.operand:
            if self.faults.connective(chunk[0]):
                self._feed("AND", *chunk[0][1:])
                self.operand = False
                return index + 1
            if not self.faults.is_condition(chunk):
                self.faults.trailing(tokens[index - 1], chunk)
                self.forgive = True
                return stop
        known = len(self.faults.diagnostics)
        negated = self._misplaced_not(chunk, stop)
        if negated is not None:
            stop += 1
            while stop < len(tokens) and tokens[stop].kind in LOOSE:
                chunk += [tokens[stop]] if tokens[stop].kind != "BLANK" else []
                stop += 1
        elif len(chunk) > 1 and chunk[-1].kind == "WORD" and not self.faults.lexer.is_operator(self._of(chunk[-1])):
            stop = self._list(stop)
        condition = self.faults.condition(chunk, negated=negated is not None)
        if condition is not None:
            self.partial.append(condition)
        if len(self.faults.diagnostics) == known:
            # Whatever the reason, what the grammar did not take is never passed.
            self.faults.no_condition(chunk)
        self._stand_in(chunk[0].start)
        self._operand_done()
        self.forgive = True
        return stop

    def _misplaced_not(self, chunk: Sequence[Piece], stop: int) -> Piece | None:
        """The `not` of `name not contains 'x'` and of `name is not null`."""
        tokens = self.tokens
        if stop + 1 >= len(tokens) or tokens[stop].kind != "NOT" or tokens[stop + 1].kind not in LOOSE:
            return None
        if len(chunk) == 2 and self._of(chunk[1]).lower() == "is":
            return tokens[stop]
        if len(chunk) == 1 and chunk[0].kind == "WORD" and stop + 2 < len(tokens):
            self.faults.misplaced_not(tokens[stop])
            return tokens[stop]
        return None

    def _list(self, index: int) -> int:
        """The index behind a bracketed list that follows a foreign operator: `in ('a', 'b')`."""
        if index >= len(self.tokens) or self.tokens[index].kind != "LPAR":
            return index
        while index < len(self.tokens) and self.tokens[index].kind != "RPAR":
            index += 1
        return min(index + 1, len(self.tokens))

    def _stand_in(self, start: int) -> None:
        for kind in ("FIELD", "OPERATOR", "TEXT"):
            self._feed(kind, start, start)

    def _feed(self, kind: str, start: int, end: int) -> Any:
        """Feed one token; what Lark refuses is reported, and mended by what it expects."""
        token = Token(kind, self.text[start:end], start, end_pos=end)
        while True:
            try:
                result = self.state.feed_token(token)
            except UnexpectedToken as refusal:
                if "FIELD" in refusal.expected:
                    what = "before" if start < len(self.text) else "at the end, after"
                    near = self.text[start:end] or self._last()
                    self.faults.add("Q105", f"a condition is missing {what} '{near}'", start, end)
                    self._stand_in(start)
                else:
                    if not self.forgive:
                        self.faults.add("Q106", "'and' or 'or' is missing before this", start, end)
                    self.forgive = False
                    self._feed("AND", start, start)
            else:
                return result

    def _last(self) -> str:
        return self._of(self.tokens[-1])

    def _of(self, token: Piece) -> str:
        return self.text[token.start : token.end]


def _spacing(text: str, tokens: Sequence[Piece], faults: Faults) -> None:
    """Warn of white space, or of its absence, where the service is not known to share our leniency."""
    if any(char in text for char in SPACE[1:]):
        position = 0
        for token in (*tokens, Piece("$END", len(text), len(text))):
            if text[position : token.start].strip(" "):
                faults.add(
                    "Q119",
                    "only blanks are known to be accepted between words, not tabs or line breaks",
                    position,
                    token.start,
                    " ",
                    warning=True,
                )
                break
            position = token.end
    for token in tokens:
        if token.kind in ("AND", "OR", "NOT"):
            before = token.start and token.kind != "NOT" and not text[token.start - 1].isspace()
            if before or (token.end < len(text) and not text[token.end].isspace()):
                word = text[token.start : token.end]
                faults.add("Q120", f"'{word}' may need a blank on each side", token.start, token.end, warning=True)
                break


class _NoLexer(LarkLexer):
    """Lark asks for a lexer; tokens come from ours, one by one."""

    def __init__(self, _conf: object) -> None:
        pass

    def lex(self, lexer_state: object, parser_state: object) -> Iterator[Token]:  # noqa: ARG002
        return iter(())


class _Builder(Transformer[Token, Any]):
    """Builds the AST bottom-up, while Lark reduces; chains grow in place, so that they cost linear time."""

    def __init__(self, spelling: Mapping[str, str]) -> None:
        super().__init__()
        self._spelling = spelling

    def start(self, children: list[Any]) -> Any:
        return children[0]

    def close_or(self, children: list[Any]) -> Any:
        items = children[0]
        return items[0] if len(items) == 1 else Or(items)

    def close_and(self, children: list[Any]) -> Any:
        items = children[0]
        return items[0] if len(items) == 1 else And(items)

    def first(self, children: list[Any]) -> Any:
        return children

    def more(self, children: list[Any]) -> Any:
        children[0].append(children[2])
        return children[0]

    def same(self, children: list[Any]) -> Any:
        return children[0]

    def negation(self, children: list[Any]) -> Any:
        return Not(children[1])

    def group(self, children: list[Any]) -> Any:
        return children[1]

    def value(self, children: list[Any]) -> Any:
        return children[0]

    def condition(self, children: list[Any]) -> Any:
        field, operator, value = children
        return Condition(
            str(field),
            self._spelling.get(operator.lower(), str(operator)),
            read_literal(value.type.lower(), str(value)),
            (field.start_pos, field.end_pos, operator.start_pos, operator.end_pos, value.start_pos, value.end_pos),
        )
