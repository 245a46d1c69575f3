"""What Lark does here: the LALR tables of a grammar, and every fault of a text that these tables refuse.

Where the tables refuse a token, the smallest mend is fed in its place (a missing condition, a missing connective) and
parsing goes on, so that one fault hides no other. Good texts never come here: `parser.py` reads them without Lark.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from lark import Lark, Token, UnexpectedToken
from lark.exceptions import LarkError
from lark.lexer import Lexer as LarkLexer
from lark.parsers.lalr_analysis import Reduce

from digirm_runtime.errors import SpecError
from digirm_runtime.query.ast import Condition
from digirm_runtime.query.diagnostics import ODD_BLANK
from digirm_runtime.query.faults import Faults
from digirm_runtime.query.foreign import CONNECTIVES
from digirm_runtime.query.parser import END, MAX_DEPTH
from digirm_runtime.query.spacing import MAX_FAULTS, too_many
from digirm_runtime.query.tokens import LOOSE
from digirm_runtime.query.tokens import Token as Piece

#: How often the rest of a text is read anew behind a quote that was not doubled: each time takes as long as the first.
_ANEW = 8
#: What an operand begins with.
_OPENING = ("FIELD", "LPAR", "NOT")


class Recovery:
    """Explains what one grammar refuses. Raises SpecError where Lark refuses the grammar."""

    def __init__(self, grammar: str) -> None:
        self._lark = _lark(grammar)

    def explain(self, text: str, tokens: Sequence[Piece], faults: Faults) -> list[Condition]:
        """Note every fault of the syntax; the conditions that the tokens do not give, or not as they are meant."""
        run = _Run(self._lark, text, tokens, faults)
        if run.read():
            run.close()
        return faults.read

    def expected(self, text: str, tokens: Sequence[Piece], begun: Sequence[str], faults: Faults) -> frozenset[str]:
        """The terminals that may follow tokens, however faulty, and the terminals of a condition that was begun."""
        run = _Run(self._lark, text, tokens, faults)
        if not run.read():
            return frozenset()
        for terminal in begun:
            run.feed(terminal, len(text), len(text))
        return frozenset(run.state.accepts())  # type: ignore[no-untyped-call]


def lalr_tables(grammar: str) -> dict[str, Any]:
    """Lark's LALR tables as `parser.py` reads them; JSON-able, and the same for the same grammar.

    `states`: terminal or rule -> the state that follows, or the complement of a rule's number; the first is the start.
    `rules`: origin, number of children, what is built of them. `end`: the state in which a text may end.
    """
    table = _lark(grammar).parser.parser._parse_table
    (start,), (end,) = table.start_states.values(), table.end_states.values()
    # Lark's own numbers differ from one process to the next; these follow the grammar's words.
    numbers = {start: 0}
    for state in (queue := [start]):
        for _, (action, following) in sorted(table.states[state].items()):
            if action is not Reduce and following not in numbers:
                numbers[following] = len(numbers)
                queue.append(following)
    rules: dict[tuple[str, int, str], int] = {}
    states: list[dict[str, int]] = []
    for state in numbers:
        row: dict[str, int] = {}
        for name, (action, what) in sorted(table.states[state].items()):
            if action is Reduce:
                rule = str(what.origin.name), len(what.expansion), what.alias or str(what.origin.name)
                row[name] = ~rules.setdefault(rule, len(rules))
            else:
                row[name] = numbers[what]
        states.append(row)
    return {"states": states, "rules": [list(rule) for rule in rules], "end": numbers[end]}


def _lark(grammar: str) -> Lark:
    try:
        return Lark(grammar, parser="lalr", lexer=_NoLexer)
    except (LarkError, ValueError) as error:
        raise SpecError(f"the grammar cannot be used: {error}") from None


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
        self.anew = 0  # how often the rest of the text was read anew

    def read(self) -> bool:
        """Take all tokens; False where they are nested too deep, or hold too many faults, to be read to the end."""
        index = 0
        while index < len(self.tokens):
            index = self._step(index)
            if self.depth > MAX_DEPTH:
                token = self.tokens[index - 1]
                self.faults.add("Q116", f"brackets and 'not' are nested more than {MAX_DEPTH} deep", *token[1:])
                return False
            if too_many(self.faults, self.tokens[index - 1].end):
                return False
        return True

    def close(self) -> None:
        """End the text."""
        end = len(self.text)
        while self.open:
            start = self.open.pop()[0]
            self.feed("RPAR", end, end)
            self.faults.add("Q103", "this bracket is never closed", start, start + 1)
        self.feed(END, end, end)

    def _step(self, index: int) -> int:
        """Take the token at an index, or the chunk that begins there; the index behind it."""
        token = self.tokens[index]
        kind, start, end = token
        if kind in LOOSE:
            return self._chunk(index)
        if kind == "FIELD":
            self.feed(kind, start, end)
            for part in self.tokens[index + 1 : index + 3]:
                self.feed(*part)
            if self.anew:
                self.faults.good(self.tokens[index : index + 3])
            self._operand_done()
            return index + 3
        if kind == "RPAR":
            if not self.open:
                self.faults.add("Q104", "this bracket closes nothing", start, end)
                return index + 1
            self.feed(kind, start, end)
            _, waiting = self.open.pop()
            self.depth -= 1
            self.nots = waiting
            self._operand_done()
            return index + 1
        self.feed(kind, start, end)
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
        tokens, faults = self.tokens, self.faults
        if tokens[index].kind == "BLANK":
            self._blanks(index, index + 1)
            return index + 1
        if self.operand and faults.connective(tokens[index]):
            return self._join(index + 1)
        stop = self._loose(index)
        chunk = [token for token in tokens[index:stop] if token.kind != "BLANK"]
        joins = stop < len(tokens) and tokens[stop].kind in _OPENING
        begins = not self.operand or faults.is_condition(chunk, joins=joins)
        negated = self._misplaced_not(chunk, stop) if begins else None
        if negated is not None:
            start, stop = stop + 1, self._loose(stop + 1)
            chunk += [token for token in tokens[start:stop] if token.kind != "BLANK"]
        elif begins and len(chunk) > 1 and self._is_foreign(chunk[-1], known=len(chunk) > 2):
            stop = self._list(stop)
        self._blanks(index, stop)
        if not begins:
            faults.trailing(tokens[max(index - 3, 0) : index], chunk, joins=joins)
            self.forgive = not faults.whole
            return self._behind(stop)
        if self.operand:
            if not self.forgive:
                faults.missing_connective(*chunk[0][1:])
            self.feed("AND", *chunk[0][1:])
        known = len(faults.diagnostics)
        faults.condition(chunk, negated=negated is not None, joins=joins)
        if len(faults.diagnostics) == known:
            # Whatever the reason, what the grammar did not take is never passed.
            faults.no_condition(chunk)
        self._stand_in(chunk[0].start)
        self._operand_done()
        self.forgive = not faults.whole
        return self._behind(stop)

    def _blanks(self, index: int, stop: int) -> None:
        for token in [token for token in self.tokens[index:stop] if token.kind == "BLANK"][:MAX_FAULTS]:
            self.faults.add("Q125", ODD_BLANK, *token[1:], " ")

    def _behind(self, index: int) -> int:
        """The index to go on at behind a chunk that was explained: before it, if the text was explained further."""
        faults = self.faults
        if faults.joined:
            return self._join(index)
        if faults.resume is not None and self.anew < _ANEW:
            self.anew += 1
            start, faults.resume = faults.resume, None
            again = (Piece(kind, a + start, b + start) for kind, a, b in faults.lexer.tokens(self.text[start:]))
            self.tokens = [*self.tokens[:index], *again]
        while index < len(self.tokens) and self.tokens[index].start < faults.explained:
            index += 3 if self.tokens[index].kind == "FIELD" else 1
        return index

    def _join(self, index: int) -> int:
        """Take a foreign connective as an `and`."""
        end = self.tokens[index - 1].end
        self.feed("AND", end, end)
        self.operand = self.forgive = False
        return index

    def _loose(self, index: int) -> int:
        """The index behind the loose tokens that begin at one."""
        while index < len(self.tokens) and self.tokens[index].kind in LOOSE:
            index += 1
        return index

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
            self.feed(kind, start, start)

    def feed(self, kind: str, start: int, end: int) -> Any:
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
                        self.faults.missing_connective(start, end)
                    self.forgive = False
                    self.feed("AND", start, start)
            else:
                return result

    def _is_foreign(self, token: Piece, *, known: bool) -> bool:
        """Whether a token may be an operator of another language that takes a list; if `known`, one that is known."""
        word = self._of(token)
        if token.kind != "WORD" or word.lower() in CONNECTIVES or self.faults.lexer.is_operator(word):
            return False
        return not known or word.lower() in self.faults.mends

    def _last(self) -> str:
        return self._of(self.tokens[-1])

    def _of(self, token: Piece) -> str:
        return self.text[token.start : token.end]


class _NoLexer(LarkLexer):
    """Lark asks for a lexer; tokens come from ours, one by one."""

    def __init__(self, _conf: object) -> None:
        pass

    def lex(self, lexer_state: object, parser_state: object) -> Iterator[Token]:  # noqa: ARG002
        return iter(())
