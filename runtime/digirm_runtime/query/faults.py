"""Explains text that is no condition: a run of tokens in which at least one is loose.

Each fault gets its exact span and, where it can be told, the text that belongs there (`fix.py` says which of these
mends are certain). What can be recognised of the condition is handed back, so that its field is judged although its
value is broken.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from digirm_runtime.query import foreign
from digirm_runtime.query.ast import Condition, Literal, read_literal
from digirm_runtime.query.diagnostics import quoted
from digirm_runtime.query.following import FLIPPED, MANY, QUOTED, Following
from digirm_runtime.query.spelling import misspelt
from digirm_runtime.query.tokens import Token

if TYPE_CHECKING:
    from digirm_runtime.query.lexer import Lexer

_GLUED = re.compile(r"[≠≤≥⩽⩾]|[,;](?!\S)")
_ALIEN_SIGNS = re.compile("[≠≤≥⩽⩾]|[^≠≤≥⩽⩾]+")
_PIECES = re.compile(r"[≠≤≥⩽⩾]|[,;](?!\S)|(?:(?![,;](?!\S))[^≠≤≥⩽⩾])+")
#: Tokens from which can be told whether a condition ends at the third of them.
_AHEAD = 9
_BRACKET = re.compile(r"\s*+\(")
_IS_NOT = re.compile(r"is\s++not", re.IGNORECASE)
#: What stands before `'y'` in `name = 'x' or 'y'`; looked for in so many characters.
_BEFORE = re.compile(
    r"""([^\s'"()=<>!~]+)\s*([=<>!~]+|(?<=\s)\w+)\s*('(?:[^']|'')*'|[^\s'"()=<>]+)\s+(?:and|or)\s+\Z""", re.IGNORECASE
)
_WINDOW = 200
_BEFORE_ALL = "'not' stands before the whole condition: not field operator value"


class _Sign(NamedTuple):
    """What stands for an operator: the one that is meant (empty if unknown), where it stands, the tokens behind it.

    `literal` is the value, where it was judged already; `known`: whether the language has the operator as it stands.
    """

    operator: str
    start: int
    end: int
    values: Sequence[Token]
    literal: Literal | None = None
    known: bool = False


class Faults(Following):
    """Explains faults in one text.

    `mends` maps foreign operators to those of the language; `areas` are the operators that take an area.
    """

    def __init__(
        self,
        text: str,
        lexer: Lexer,
        operators: Sequence[str],
        mends: Mapping[str, str],
        areas: Collection[str] = (),
    ) -> None:
        super().__init__(text, lexer, operators, mends)
        self.areas = {operator.lower() for operator in areas}
        self._phrases = foreign.Phrases(text, lexer.form)
        self._not: Token | None = None  # a `not` between field and operator that is not noted yet

    def misplaced_not(self, token: Token) -> None:
        """A `not` stands between the field and the operator of the condition that is explained next."""
        self._not = token

    def condition(self, chunk: Sequence[Token], *, negated: bool = False, joins: bool = False) -> None:
        """Note every fault of broken conditions; what could be read of them is in `read`.

        `joins`: whether a condition, a bracket or a `not` follows the chunk.
        """
        self._begin(joins=joins)
        self._condition(self._split(chunk), negated=negated)
        self._follow()

    def _condition(self, chunk: Sequence[Token], *, negated: bool = False) -> None:
        self.whole = False
        read = self._read(chunk, negated=negated)
        if read is not None:
            self.read.append(read)

    def _read(self, chunk: Sequence[Token], *, negated: bool) -> Condition | None:
        """Note every fault of the condition that a chunk begins with; what could be read of it."""
        chunk = self._unexplained(chunk)
        if not chunk or self._encoded(chunk):
            self._not = None
            return None
        head = chunk[:3]
        if (len(chunk) < 4 or self._next(chunk[2:_AHEAD]) == 1) and (
            self._reversed(head, negated=negated) or self._swapped(head, negated=negated)
        ):
            self._not = None
            self._leave(head[-1], chunk[3:])
            return self._turned(head)
        chunk = self._negations(chunk)
        if not chunk:
            return None
        if len(chunk) == 1 and (called := self.call(chunk[0])):
            return self._called(*called)
        name, rest = self._name(chunk)
        start = chunk[0].start
        at = start + (chunk[0].kind in QUOTED)
        sign = self._operator(name, start, rest, negated=negated) if rest else None
        if sign is None:
            self._misplaced(start, name)
            return _partial(name, at)
        literal, end = sign.literal, sign.end
        if sign.values:
            if literal is None:
                literal, end = self._meant(sign.values)
        else:
            before = self._explained
            self._no_value(name, start, sign.operator if sign.known else "", sign.end)
            self.whole = self._explained > before
        self._misplaced(start, name)
        if not (name and sign.operator and literal):
            return _partial(name, at)
        first = sign.values[0].start if sign.values else sign.end
        return Condition(name, sign.operator, literal, (at, at + len(name), sign.start, sign.end, first, end))

    def _meant(self, values: Sequence[Token]) -> tuple[Literal | None, int]:
        """Note every fault of a value; the literal that is meant, where that is known, and where it ends.

        What stands behind it is left for `_follow`.
        """
        first, known = values[0], len(self.diagnostics)
        self.whole = True
        raw = self._of(first)
        if self.lexer.form(raw) is None and first.kind != "DQUOTED":
            stop = self._next(values) if first.kind != "TYPOGRAPHIC" or len(raw) > 1 else len(values)
            self._value(values[:stop])
            previous, left = self._rest or (values[stop - 1], ())
            self._leave(previous, [*left, *values[stop:]])
        elif literal := self._value(values):
            return literal, first.end
        found = next((found for found in self.diagnostics[known:] if found.start == first.start), None)
        self.whole = found is not None and found.suggestion is not None
        if found is None or not found.suggestion:
            return None, first.end
        meant, _, joint = found.suggestion.rpartition(" ")
        if joint.lower() in ("and", "or"):  # of `1and`
            self.joined = self._rest is None
        else:
            meant = found.suggestion
        form = self.lexer.form(meant)
        return (read_literal(form, meant) if form else None), found.end

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
            self.whole = True
        elif raw[0] == "[" and raw[-1] == "]" and len(chunk) > 1:
            self.add("Q117", "conditions are grouped by round brackets", start, end, f"({raw[1:-1]})")
        else:
            self.add("Q117", f"{quoted(raw)} is no condition: field operator value", start, end)

    def _negations(self, chunk: Sequence[Token]) -> Sequence[Token]:
        """Note each `!` before a condition; what follows them."""
        count = next((n for n, token in enumerate(chunk) if self._of(token) != foreign.NEGATION), len(chunk))
        if self.lexer.is_operator(foreign.NEGATION):
            return chunk
        for token in chunk[: min(count, MANY)]:
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
        if first.kind in QUOTED and len(word) > 2:
            inner = word[1:-1].strip()
            mend = inner if self.lexer.is_field(inner) else None
            self.add("Q123", "a field's name is written without quotes", *first[1:], mend)
            return mend or "", list(chunk[1:])
        self.add("Q206", f"{quoted(word)} cannot be a field's name", *first[1:])
        return "", list(chunk[1:])

    def _operator(self, name: str, start: int, rest: list[Token], *, negated: bool) -> _Sign | None:
        """What stands for the operator; None where nothing more can be said."""
        token, following = rest[0], rest[1] if len(rest) > 1 else None
        words = [self._of(part).lower() for part in rest[:3]]
        word = self._of(token)
        if token.kind == "WORD" and self._phrase(name, start, rest, negated=negated):
            self.whole = True
            return None
        count = next((n for n in (3, 2) if " ".join(words[:n]) in self.mends and len(words) >= n), 1)
        known = token.kind in ("SIGNS", "WORD")
        if not known or (token.kind == "WORD" and len(rest) == 1 and not self._like_operator(word)):
            equal = self.mends.get("is", "")
            mend = f"{equal} {word}" if equal and len(rest) == 1 and self.lexer.form(word) else None
            self.add("Q107", f"an operator is missing between {quoted(name)} and {quoted(word)}", *token[1:], mend)
            self.whole = mend is not None
            return None
        if following is not None and count == 1 and self._second_operator(token, following):
            pair = f"two operators in a row: {quoted(word)} and {quoted(self._of(following))}"
            both = word + self._of(following)
            meant = both if self.lexer.is_operator(both) else self.mends.get(both.lower()) or ""
            if word.lower() == words[1]:
                meant = word
            self.add("Q115", pair, token.start, following.end, meant or None)
            return _Sign(meant, token.start, following.end, rest[2:]) if meant or rest[2:] else None
        if self._is_operator(token):
            return _Sign(word, *token[1:], rest[1:], known=True)
        end = rest[count - 1].end
        wrong = " ".join(words[:count]) if count > 1 else word
        meant = self._meant_operator(wrong)
        if negated and word.lower() == "is" and (both_words := _IS_NOT.match(self.text, token.start)):
            end, wrong, meant = both_words.end(), "is not", self.mends.get("ne", "")
        message = f"there is no operator {quoted(wrong)}; known: {', '.join(self.operators) or 'none'}"
        pattern = self._pattern(word, rest[count:]) if count == 1 else None
        if pattern is not None:
            self.add("Q202", message, token.start, rest[1].end, pattern)
            self.whole = True
            operator, _, text = pattern.partition(" ")
            return _Sign(operator, token.start, end, rest[1:], read_literal("text", text))
        self.add("Q202", message, token.start, end, meant or None)
        return _Sign(meant, token.start, end, rest[count:]) if meant or rest[count:] else None

    def _phrase(self, name: str, start: int, rest: list[Token], *, negated: bool) -> bool:
        """Whether a phrase of another language begins at an operator: `is null`, `in (...)`, `between 1 and 5`."""
        token = rest[0]
        word = self._of(token).lower()
        null = word == "is" and len(rest) == 2 and self._of(rest[1]).lower() in foreign.NULLS | {"empty", "none"}
        if (null or (word in foreign.NULL_TESTS and len(rest) == 1)) and not self._is_operator(token):
            is_not = negated and self._not is None  # of `not is`, the `not` is noted by itself
            equal = self.mends.get("ne" if foreign.NULL_TESTS.get(word, is_not) else "is", "")
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
        once = self._once()
        mend = f"not {name} {operator} {found.values[0]}" if operator and name and found.values[0] and once else None
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
        raw = self._of(values[0])
        if len(raw) < 2 or raw[-1] != raw[0]:
            return None
        body = raw[1:-1].replace('""', '"')
        shape = f"{word.lower()} {'%' * body.startswith('%')}x{'%' * body.endswith('%')}"
        operator, inner = self.mends.get(shape), body.strip("%")
        if not operator or not inner or "%" in inner:
            return None
        quote = inner if values[0].kind == "STRING" else inner.replace("'", "''")
        return f"{operator} '{quote}'"

    def _no_value(self, name: str, start: int, operator: str, end: int) -> None:
        """Note that no value stands behind an operator, but maybe a bracket or a `not` that holds one."""
        negation = self._phrases.not_value_at(end)
        found = negation or self._phrases.list_at(end)
        if found is None:
            self.add("Q108", "a value is missing after the operator", end - 1, end)
            return
        self._explain(found.end)
        values = [value for value in found.values if value is not None]
        area = f"[{', '.join(values)}]"
        written = bool(name and operator) and len(values) == len(found.values)
        if negation:
            mend = f"not {name} {operator} {values[0]}" if written and self._once() else None
            self.add("Q121", _BEFORE_ALL, start, found.end, mend)
        elif len(values) > 1 and operator.lower() in self.areas and self.lexer.form(area) == "area":
            bracket = found.end - len(self.text[end : found.end].lstrip())
            self.add("Q117", "an area stands in square brackets", bracket, found.end, area)
        else:
            message, mend = "a value stands without brackets, and one condition is written for each", None
            if written and (joint := self._joint(operator, found)):
                negated, self._not = self._not is not None, None
                mend = foreign.joined([f"{name} {operator} {value}" for value in values], joint, negated=negated)
            self.add("Q117", message, start, found.end, mend)

    def _joint(self, operator: str, found: foreign.Phrase) -> str | None:
        """What joins the conditions that are meant by one operator and several values; None where more may be meant."""
        word = operator.lower()
        if len(found.values) == 1 or word == self.mends.get("is"):
            return "or"
        if word == self.mends.get("ne"):  # joined by `or`, that would be everything
            return "and"
        known = word.isalpha() and word in {meant.lower() for meant in self.mends.values()}
        return "or" if known and found.words == "or" else None

    def _once(self) -> bool:
        """Whether a `not` is the only one of its condition; if not, both are noted as one that has no certain mend."""
        waiting, self._not = self._not, None
        return waiting is None

    def _misplaced(self, start: int, name: str) -> None:
        """Note the `not` between field and operator, unless the whole condition was written anew."""
        if self._not is not None:
            begin, mend = (start, f"not {name}") if name else (self._not.start, None)
            self.add("Q121", _BEFORE_ALL, begin, self._not.end, mend)
            self._not = None

    def _reversed(self, chunk: Sequence[Token], *, negated: bool) -> bool:
        """Note `5 < id`; nothing is certain of `5 not < id`."""
        if len(chunk) != 3 or self.lexer.form(self._of(chunk[0])) in (None, "text") or chunk[2].kind != "WORD":
            return False
        value, sign, name = map(self._of, chunk)
        sign = FLIPPED.get(sign, FLIPPED.get(self.mends.get(sign, ""), ""))
        if not self.lexer.is_operator(sign) or not self.lexer.is_field(name) or self.lexer.form(name):
            return False
        span = chunk[0].start, chunk[2].end
        mend = None if negated else f"{name} {sign} {value}"
        self.add("Q206", "the field stands before the operator, the value behind it", *span, mend)
        return True

    def _split(self, chunk: Sequence[Token]) -> Sequence[Token]:
        """The tokens, with mathematical signs, and commas at the end, apart from the words that they touch."""
        if not chunk or not _GLUED.search(self.text, chunk[0].start, chunk[-1].end):
            return chunk
        split: list[Token] = []
        for token in chunk:
            pieces = _PIECES if token is not chunk[0] else _ALIEN_SIGNS
            if token.kind == "WORD":
                split += [Token("WORD", *found.span()) for found in pieces.finditer(self.text, *token[1:])]
            else:
                split.append(token)
        return split

    def _second_operator(self, token: Token, following: Token) -> bool:
        if following.kind == "SIGNS" and token.kind == "SIGNS":
            return bool(set(self._of(following)) & set("=<>!~")) or self._is_operator(following)
        return self._is_operator(token) and (following.kind == "SIGNS" or self._is_operator(following))


def _partial(name: str, start: int) -> Condition | None:
    """A condition of which only the field is known."""
    end = start + len(name)
    return Condition(name, "", Literal("", ""), (start, end, end, end, end, end)) if name else None
