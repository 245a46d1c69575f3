"""Explains text that is no condition: a run of tokens in which at least one is loose.

Each fault gets its exact span and, where it can be told, the text that belongs there (`fix.py` says which of these
mends are certain). What can be recognised of the condition is handed back, so that its field is judged although its
value is broken.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from digirm_runtime.query import foreign
from digirm_runtime.query.ast import Condition, Literal
from digirm_runtime.query.diagnostics import quoted
from digirm_runtime.query.lexer import Lexer
from digirm_runtime.query.misquoted import ValueFaults
from digirm_runtime.query.spelling import misspelt
from digirm_runtime.query.tokens import Token

if TYPE_CHECKING:
    from digirm_runtime.query.ast import Spans
    from digirm_runtime.query.lexer import Lexer

_QUOTED = ("STRING", "DQUOTED", "TYPOGRAPHIC", "BRACKET")
_ALIEN = re.compile("[≠≤≥⩽⩾]")
_ALIEN_SIGNS = re.compile("[≠≤≥⩽⩾]|[^≠≤≥⩽⩾]+")
_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "<>": "<>"}
_BRACKET = re.compile(r"\s*+\(")
_IS_NOT = re.compile(r"is\s++not", re.IGNORECASE)
#: What stands before `'y'` in `name = 'x' or 'y'`; looked for in so many characters.
_BEFORE = re.compile(
    r"""([^\s'"()=<>!~]+)\s*([=<>!~]+|(?<=\s)\w+)\s*('(?:[^']|'')*'|[^\s'"()=<>]+)\s+(?:and|or)\s+\Z""", re.IGNORECASE
)
_WINDOW = 200
#: Faults that are noted of one run of tokens.
_MANY = 100
_BEFORE_ALL = "'not' stands before the whole condition: not field operator value"


class Faults(ValueFaults):
    """Explains faults in one text. `mends` maps foreign operators to those of the language."""

    def __init__(self, text: str, lexer: Lexer, operators: Sequence[str], mends: Mapping[str, str]) -> None:
        super().__init__(text, lexer)
        #: What could be read of conditions that follow another one without a connective that the language knows.
        self.more: list[Condition] = []
        self.operators = operators
        self.mends = mends
        self._phrases = foreign.Phrases(text, lexer.form)
        self._not: Token | None = None  # a `not` between field and operator that is not noted yet

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

    def is_condition(self, chunk: Sequence[Token]) -> bool:
        """Whether a chunk that follows a condition looks like another one."""
        if len(chunk) < 2 or chunk[0].kind != "WORD":
            return False
        return chunk[1].kind == "SIGNS" or self._is_operator(chunk[1]) or self._of(chunk[1]).lower() in self.mends

    def trailing(self, previous: Token, chunk: Sequence[Token]) -> None:
        """Note what follows a complete condition without belonging to one."""
        self._rest = previous, self._split(chunk)
        self._follow()

    def misplaced_not(self, token: Token) -> None:
        """A `not` stands between the field and the operator of the condition that is explained next."""
        self._not = token

    def condition(self, chunk: Sequence[Token], *, negated: bool = False) -> Condition | None:
        """Note every fault of a broken condition; what could be read of it (its operator is empty if unknown).

        Of further conditions in the same chunk, that is in `more`.
        """
        read = self._condition(self._split(chunk), negated=negated)
        self._follow()
        return read

    def _follow(self) -> None:
        """Explain what was left behind values, one after the other."""
        while self._rest is not None and len(self.diagnostics) < _MANY:
            previous, chunk = self._rest
            self._rest = None
            chunk = self._unexplained(chunk)
            if not chunk:
                continue
            if not self.connective(chunk[0]):
                if not self.is_condition(chunk):
                    self._trailing(previous, chunk)
                    continue
                self.missing_connective(*chunk[0][1:])
            elif len(chunk) == 1:
                continue
            else:
                chunk = chunk[1:]
            read = self._condition(chunk)
            if read is not None:
                self.more.append(read)
        self._rest = None

    def _trailing(self, previous: Token, chunk: Sequence[Token]) -> None:
        if self._encoded(chunk) or self._ends_early(previous, chunk):
            return
        start, end = chunk[0].start, chunk[-1].end
        raw = self.text[start:end]
        if previous.kind == "NUMBER" and self._late_unit(previous.start, end):
            return
        self._unclosed(chunk)
        clause = foreign.CLAUSES.get(self._of(chunk[0]).lower())
        if self._is_ending(start, end):
            self.add("Q117", f"a query does not end with {quoted(raw)}", start, end, "")
        elif clause and len(chunk) > 1:
            message = f"{quoted(raw)} is no part of a query: that is what the parameter '{clause}' is for"
            self.add("Q117", message, start, end)
        else:
            self.add("Q117", f"{quoted(raw)} is not expected after a complete condition", start, end)

    def _condition(self, chunk: Sequence[Token], *, negated: bool = False) -> Condition | None:
        chunk = self._unexplained(chunk)
        if not chunk or self._encoded(chunk) or self._reversed(chunk):
            self._not = None
            return None
        chunk = self._negations(chunk)
        if not chunk:
            return None
        name, rest = self._name(chunk)
        start = chunk[0].start
        at = start + (chunk[0].kind in _QUOTED)
        operator, values = self._operator(name, start, rest, negated=negated) if rest else ("", None)
        self._misplaced(start, name)
        if values is None:
            return _partial(name, at)
        op_end = chunk[len(chunk) - len(values) - 1].end
        if values:
            literal = self._value(values)
        else:
            self._no_value(name, start, operator, op_end)
            literal = None
        if not (name and operator and literal):
            return _partial(name, at)
        spans: Spans = (at, at + len(name), op_end - len(operator), op_end, values[0].start, values[0].end)
        return Condition(name, operator, literal, spans)

    def no_condition(self, chunk: Sequence[Token]) -> None:
        """Note a chunk that is nothing that could be mended."""
        chunk = self._unexplained(chunk)
        if not chunk or self._unclosed(chunk):
            return
        start, end = chunk[0].start, chunk[-1].end
        raw = self.text[start:end]
        before = _BEFORE.search(self.text[max(0, start - _WINDOW) : start]) if self.lexer.form(raw) else None
        if before and self.lexer.is_field(before[1]) and self.lexer.is_operator(before[2]):
            mend = f"{before[1]} {before[2]} {raw}"
            self.add("Q109", f"a field and an operator are missing before {quoted(raw)}", start, end, mend)
        elif raw[0] == "[" and raw[-1] == "]" and len(chunk) > 1:
            self.add("Q117", "conditions are grouped by round brackets", start, end, f"({raw[1:-1]})")
        else:
            self.add("Q117", f"{quoted(raw)} is no condition: field operator value", start, end)

    def _negations(self, chunk: Sequence[Token]) -> Sequence[Token]:
        """Note each `!` before a condition; what follows them."""
        count = next((n for n, token in enumerate(chunk) if self._of(token) != foreign.NEGATION), len(chunk))
        if self.lexer.is_operator(foreign.NEGATION):
            return chunk
        for token in chunk[: min(count, _MANY)]:
            blank = "" if self.text[token.end : token.end + 1].isspace() else " "
            self.add("Q122", "a condition is negated by 'not'", token.start, token.end, f"not{blank}")
        return chunk[count:]

    def _name(self, chunk: Sequence[Token]) -> tuple[str, list[Token]]:
        """The field (empty if it is none) and the tokens after it; none of these where nothing more can be said."""
        first, start = chunk[0], chunk[0].start
        word = self._of(first)
        name = self.lexer.field_at(self.text, start)
        starts_with_operator = first.kind == "SIGNS" or (
            self._is_operator(first) and (len(chunk) == 1 or chunk[1].kind not in ("SIGNS", "WORD"))
        )
        if starts_with_operator:
            self.add("Q109", f"a field is missing before {quoted(word)}", start, start + 1)
            return "", list(chunk)
        if first.kind == "WORD" and name and start + len(name) >= first.end:
            rest = list(
                chunk[next((n for n, token in enumerate(chunk) if token.start >= start + len(name)), len(chunk)) :]
            )
            if not rest:
                self.add("Q107", f"{quoted(name)} is no condition: an operator and a value must follow", *first[1:])
            return name, rest
        if len(chunk) == 1 or not self._operator_like(chunk[1]):
            self.no_condition(chunk)
            return "", []
        if first.kind in _QUOTED and len(word) > 2:
            inner = word[1:-1].strip()
            mend = inner if self.lexer.is_field(inner) else None
            self.add("Q123", "a field's name is written without quotes", *first[1:], mend)
            return mend or "", list(chunk[1:])
        self.add("Q206", f"{quoted(word)} cannot be a field's name", *first[1:])
        return "", list(chunk[1:])

    def _operator(self, name: str, start: int, rest: list[Token], *, negated: bool) -> tuple[str, list[Token] | None]:
        """The operator (empty if it is none) and the tokens after it; None where nothing more can be said."""
        token, following = rest[0], rest[1] if len(rest) > 1 else None
        words = [self._of(part).lower() for part in rest[:3]]
        word = self._of(token)
        if token.kind == "WORD" and self._phrase(name, start, rest, negated=negated):
            return "", None
        count = next((n for n in (3, 2) if " ".join(words[:n]) in self.mends and len(words) >= n), 1)
        known = token.kind in ("SIGNS", "WORD")
        if not known or (token.kind == "WORD" and len(rest) == 1 and not self._like_operator(word)):
            equal = self.mends.get("is", "")
            mend = f"{equal} {word}" if equal and len(rest) == 1 and self.lexer.form(word) else None
            self.add("Q107", f"an operator is missing between {quoted(name)} and {quoted(word)}", *token[1:], mend)
            return "", None
        if following is not None and count == 1 and self._second_operator(token, following):
            pair = f"two operators in a row: {quoted(word)} and {quoted(self._of(following))}"
            both = word + self._of(following)
            mend = both if self.lexer.is_operator(both) else self.mends.get(both.lower()) or None
            if word.lower() == words[1]:
                mend = word
            self.add("Q115", pair, token.start, following.end, mend)
            return "", rest[2:] or None
        if self._is_operator(token):
            return word, rest[1:]
        end = rest[count - 1].end
        wrong = " ".join(words[:count]) if count > 1 else word
        meant = self.mends.get(wrong.lower(), "") or misspelt(word, self.operators)
        if negated and word.lower() == "is" and (both_words := _IS_NOT.match(self.text, token.start)):
            end, wrong, meant = both_words.end(), "is not", self.mends.get("ne", "")
        message = f"there is no operator {quoted(wrong)}; known: {', '.join(self.operators) or 'none'}"
        pattern = self._pattern(word, rest[count:]) if count == 1 else None
        if pattern is not None:
            self.add("Q202", message, token.start, rest[1].end, pattern)
            return "", None
        self.add("Q202", message, token.start, end, meant)
        return "", rest[count:] or None

    def _phrase(self, name: str, start: int, rest: list[Token], *, negated: bool) -> bool:
        """Whether a phrase of another language begins at an operator: `is null`, `in (...)`, `between 1 and 5`."""
        token = rest[0]
        word = self._of(token).lower()
        null = word == "is" and len(rest) == 2 and self._of(rest[1]).lower() in foreign.NULLS | {"empty", "none"}
        if (null or (word in foreign.NULL_TESTS and len(rest) == 1)) and not self._is_operator(token):
            equal = self.mends.get("ne" if foreign.NULL_TESTS.get(word, negated) else "is", "")
            message = f"there is no operator {quoted(word)}; unset values are found with 'empty'"
            self.add("Q202", message, token.start, rest[-1].end, f"{equal} empty" if equal else None)
            return True
        if word in ("in", "between") and word in self.mends:
            return self._several(name, start, token, word, negated=negated)
        found = self._phrases.does_not_at(token.start) if word == "does" else None
        if found is None:
            return False
        meant = self.mends.get(found.words) or misspelt(found.words, self.operators)
        operator = found.words if self.lexer.is_operator(found.words) else meant
        mend = f"not {name} {operator} {found.values[0]}" if operator and name and found.values[0] else None
        message = f"there is no operator 'does not {found.words[:30]}'; a condition is negated by 'not' before it"
        self._explain(found.end)
        self.add("Q202", message, start, found.end, mend)
        return True

    def _several(self, name: str, start: int, token: Token, word: str, *, negated: bool) -> bool:
        """Note `in (...)` or `between ... and ...`, and write it out; False where no values follow."""
        found = self._phrases.list_at(token.end) if word == "in" else self._phrases.range_at(token.end)
        if found is None:
            bracket = _BRACKET.match(self.text, token.end) if word == "in" else None
            if bracket and self.text.find(")", bracket.end()) < 0:
                self.add("Q103", "this bracket is never closed", bracket.end() - 1, bracket.end())
            return False
        if word == "in":
            signs, joint = [self.mends.get("is", "")] * len(found.values), "or"
            advice = "write one condition for each value, joined by 'or'"
        else:
            signs, joint = [self.mends.get("ge", ""), self.mends.get("le", "")], "and"
            advice = "write one condition for each end, joined by 'and'"
        mend = None
        if name and all(signs) and None not in found.values:
            pairs = zip(signs, found.values, strict=True)
            mend = foreign.joined([f"{name} {sign} {value}" for sign, value in pairs], joint, negated=negated)
            self._not = None
        self._explain(found.end)
        self.add("Q202", f"there is no operator '{word}'; {advice}", start if mend else token.start, found.end, mend)
        return True

    def _pattern(self, word: str, values: list[Token]) -> str | None:
        """The condition that is meant by a pattern such as `like '%x'`."""
        if len(values) != 1 or values[0].kind not in ("STRING", "DQUOTED"):
            return None
        body = self._of(values[0])[1:-1].replace('""', '"')
        shape = f"{word.lower()} {'%' * body.startswith('%')}x{'%' * body.endswith('%')}"
        operator, inner = self.mends.get(shape), body.strip("%")
        if not operator or not inner or "%" in inner:
            return None
        quote = inner if values[0].kind == "STRING" else inner.replace("'", "''")
        return f"{operator} '{quote}'"

    def _no_value(self, name: str, start: int, operator: str, end: int) -> None:
        """Note that no value stands behind an operator, but maybe a bracket or a `not` that holds one."""
        negated = self._phrases.not_value_at(end)
        found = negated or self._phrases.list_at(end)
        if found is None:
            self.add("Q108", "a value is missing after the operator", end - 1, end)
            return
        self._explain(found.end)
        values = [value for value in found.values if value is not None]
        area = f"[{', '.join(values)}]"
        written = bool(name and operator) and len(values) == len(found.values)
        if negated:
            mend = f"not {name} {operator} {values[0]}" if written else None
            self.add("Q121", _BEFORE_ALL, start, found.end, mend)
        elif operator == self.mends.get("is") or len(values) == 1 or self.lexer.form(area) != "area":
            message = "a value stands without brackets, and one condition is written for each"
            mend = foreign.joined([f"{name} {operator} {value}" for value in values], "or") if written else None
            self.add("Q117", message, start, found.end, mend)
        else:
            bracket = found.end - len(self.text[end : found.end].lstrip())
            self.add("Q117", "an area stands in square brackets", bracket, found.end, area)

    def _misplaced(self, start: int, name: str) -> None:
        """Note the `not` between field and operator, unless the whole condition was written anew."""
        if self._not is not None:
            begin, mend = (start, f"not {name}") if name else (self._not.start, None)
            self.add("Q121", _BEFORE_ALL, begin, self._not.end, mend)
            self._not = None

    def _reversed(self, chunk: Sequence[Token]) -> bool:
        """Note `5 < id`."""
        if len(chunk) != 3 or self.lexer.form(self._of(chunk[0])) in (None, "text") or chunk[2].kind != "WORD":
            return False
        value, sign, name = map(self._of, chunk)
        sign = _FLIPPED.get(sign, _FLIPPED.get(self.mends.get(sign, ""), ""))
        if not self.lexer.is_operator(sign) or not self.lexer.is_field(name) or self.lexer.form(name):
            return False
        span = chunk[0].start, chunk[2].end
        self.add("Q206", "the field stands before the operator, the value behind it", *span, f"{name} {sign} {value}")
        return True

    def _split(self, chunk: Sequence[Token]) -> Sequence[Token]:
        """The tokens, with mathematical signs apart from the words that they touch."""
        if not _ALIEN.search(self.text, chunk[0].start if chunk else 0, chunk[-1].end if chunk else 0):
            return chunk
        split: list[Token] = []
        for token in chunk:
            if token.kind == "WORD":
                split += [Token("WORD", *found.span()) for found in _ALIEN_SIGNS.finditer(self.text, *token[1:])]
            else:
                split.append(token)
        return split

    def _second_operator(self, token: Token, following: Token) -> bool:
        if following.kind == "SIGNS" and token.kind == "SIGNS":
            return bool(set(self._of(following)) & set("=<>!~")) or self._is_operator(following)
        return self._is_operator(token) and (following.kind == "SIGNS" or self._is_operator(following))

    def _like_operator(self, word: str) -> bool:
        return word.lower() in self.mends or self.lexer.is_operator(word) or misspelt(word, self.operators) is not None

    def _operator_like(self, token: Token) -> bool:
        return token.kind == "SIGNS" or self._like_operator(self._of(token))

    def _is_operator(self, token: Token) -> bool:
        return token.kind in ("SIGNS", "WORD") and self.lexer.is_operator(self._of(token))


def _partial(name: str, start: int) -> Condition | None:
    """A condition of which only the field is known."""
    end = start + len(name)
    return Condition(name, "", Literal("", ""), (start, end, end, end, end, end)) if name else None
