"""Reads queries: one pass of the lexer, then a loop over Lark's stored LALR tables, which alone decide the syntax.

Lark itself is imported only to explain a text that the tables refuse (`recovery.py`), or where no tables were stored.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property

from digirm_runtime.query.ast import And, Condition, Expr, Not, Or, read_literal
from digirm_runtime.query.lexer import SURROGATES, Lexer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    from digirm_runtime.query.diagnostics import Diagnostic
    from digirm_runtime.query.faults import Faults
    from digirm_runtime.query.recovery import Recovery
    from digirm_runtime.query.tokens import Token

MAX_DEPTH = 200
END = "$END"
#: What the tables are fed: a terminal, or `FIELD` with the whole condition that the lexer matched at once.
Item: TypeAlias = "tuple[str, Condition | None]"

#: The expression, or None for a faulty query; the conditions that could be read, also of a faulty one; the faults.
Outcome: TypeAlias = "tuple[Expr | None, list[Condition], list[Diagnostic]]"

_surrogate = re.compile(SURROGATES).search


class Parser:
    """The parser of one language. Raises SpecError where Lark refuses the grammar."""

    def __init__(self, grammar: str, tables: Mapping[str, Any]) -> None:
        self.lexer = Lexer(tables["terminals"])
        self._grammar = grammar
        self._operators: list[str] = tables["operators"]
        self._mends: dict[str, str] = tables["mends"]
        self._areas = [op for op, forms in tables["operator_forms"].items() if "area" in forms]
        self._spelling: dict[str, str] = {spelling: op for op in self._operators for spelling in (op.lower(), op)}
        # Group of the lexer's pattern -> what the tables are fed, and the kind of a condition's value.
        self._kinds: list[tuple[str, str | None]] = [("", None)] * (self.lexer.pattern.groups + 1)
        for name, number in self.lexer.pattern.groupindex.items():
            self._kinds[number] = ("FIELD", name.lower()) if name in self.lexer.forms else (name, None)
        self._automaton = Automaton(tables["lalr"] if "lalr" in tables else _lalr_tables(grammar))

    @cached_property
    def recovery(self) -> Recovery:
        """What explains the texts that the tables refuse."""
        from digirm_runtime.query.recovery import Recovery

        return Recovery(self._grammar)

    def parse(self, text: str) -> Outcome:
        """Parse a text; never raises for what the text holds."""
        conditions: list[Condition] = []
        items = self._plain(text, conditions)
        expr = None if items is None else self._automaton.run(items)
        return self._explain(text) if expr is None else (expr, conditions, [])

    def _plain(self, text: str, conditions: list[Condition]) -> list[Item] | None:
        """The items of a text of which the lexer has nothing to say, and its conditions; None for any other."""
        items: list[Item] = []
        spelling, kinds = self._spelling, self._kinds
        position = 0
        match = self.lexer.pattern.match
        # Not finditer: what does not match here would be tried again at each place that follows.
        while found := match(text, position):
            position = found.end()
            number = found.lastindex or 0
            terminal, kind = kinds[number]
            if kind is None:
                items.append((terminal, None))
                continue
            field, sign, value = found.group(1, 2, number)
            operator = spelling.get(sign) or spelling.get(sign.lower()) or sign
            spans = found.span(1) + found.span(2) + found.span(number)
            condition = Condition(field, operator, read_literal(kind, value), spans)
            conditions.append(condition)
            items.append((terminal, condition))
        if text[position:].strip(" ") or not (text.isascii() or _surrogate(text) is None):
            return None
        items.append((END, None))
        return items

    def _explain(self, text: str) -> Outcome:
        """The outcome for a text of which something must be said."""
        from digirm_runtime.query.spacing import MAX_FAULTS, halves, spacing

        tokens = self.lexer.tokens(text)
        faults = self._faults(text)
        if not tokens:
            faults.add("Q101", "the query is empty: nothing is filtered", 0, len(text), warning=True)
            return None, [], faults.diagnostics
        halves(text, faults)
        whole = not faults.diagnostics
        items = [*self._items(text, tokens), (END, None)]
        conditions = [condition for _, condition in items if condition is not None]
        expr = self._automaton.run(items)
        if expr is None and len(faults.diagnostics) <= MAX_FAULTS:
            partial = self.recovery.explain(text, tokens, faults)
            # What was read anew stands in place of the condition that begins there.
            read = {condition.spans[0]: condition for condition in [*conditions, *partial] if condition.spans}
            conditions = [
                Condition(c.field, self.operator(c.operator), c.value, c.spans) for _, c in sorted(read.items())
            ]
            if not faults.diagnostics:
                # Whatever the reason, what the tables did not take is never passed.
                faults.no_condition(tokens)
        spacing(text, tokens, faults)
        return (expr if whole else None), conditions, faults.diagnostics

    def operator(self, sign: str) -> str:
        """An operator in the spelling of the spec; one that the language lacks as it is."""
        return self._spelling.get(sign.lower(), sign)

    def expected(self, text: str, tokens: Sequence[Token], begun: Sequence[str]) -> frozenset[str]:
        """The terminals that may follow tokens, however faulty, and the terminals of a condition that was begun."""
        return self.recovery.expected(text, tokens, begun, self._faults(text))

    def _faults(self, text: str) -> Faults:
        from digirm_runtime.query.faults import Faults

        return Faults(text, self.lexer, self._operators, self._mends, self._areas)

    def _items(self, text: str, tokens: Iterable[Token]) -> Iterable[Item]:
        """The items of any text; loose tokens are terminals that no table has."""
        parts = iter(tokens)
        for token in parts:
            yield token.kind, self._condition(text, token, next(parts), next(parts)) if token.kind == "FIELD" else None

    def _condition(self, text: str, field: Token, operator: Token, value: Token) -> Condition:
        """The condition of three tokens."""
        name, sign, literal = (text[token.start : token.end] for token in (field, operator, value))
        return Condition(
            name,
            self.operator(sign),
            read_literal(value.kind.lower(), literal),
            (*field[1:], *operator[1:], *value[1:]),
        )


class Automaton:
    """An LALR parser driven by tables (`recovery.lalr_tables`)."""

    def __init__(self, tables: Mapping[str, Any]) -> None:
        self._states: list[dict[str, int]] = tables["states"]
        self._rules = [(origin, size, *_BUILD[what]) for origin, size, what in tables["rules"]]
        self._end: int = tables["end"]
        # A condition comes whole, and what it is reduced to does not depend on what follows.
        self._entries = {state: self._entry(row) for state, row in enumerate(self._states) if "condition" in row}

    def _entry(self, row: Mapping[str, int]) -> int:
        """The state behind a condition, once it is reduced as far as builds nothing."""
        entry = row["condition"]
        while len(actions := set(self._states[entry].values())) == 1 and (rule := actions.pop()) < 0:
            origin, size, build, _ = self._rules[~rule]
            if size != 1 or build is not None:
                break
            entry = row[origin]
        return entry

    def run(self, items: Iterable[Item]) -> Expr | None:
        """The expression of the items, of which the last is `END`; None where the tables refuse one."""
        table, rules, entries = self._states, self._rules, self._entries
        state = 0
        states = [state]
        values: list[Any] = []
        depth = 0
        for terminal, condition in items:
            while (action := table[state].get(terminal)) is not None and action < 0:
                origin, size, build, levels = rules[~action]
                if build is not None:
                    build(values)
                    depth -= levels
                del states[-size:]
                state = table[states[-1]][origin]
                states.append(state)
            if action is None:
                return values[0] if terminal == END and state == self._end else None
            if condition is not None:
                action = entries[state]
            elif terminal in ("LPAR", "NOT"):
                depth += 1
                if depth > MAX_DEPTH:
                    return None
            state = action
            states.append(state)
            values.append(condition)
        return None


def _pair(values: list[Any]) -> None:
    last = values.pop()
    values.pop()
    values[-1] = [values[-1], last]


def _more(values: list[Any]) -> None:
    # Chains grow in place, so that they cost linear time.
    last = values.pop()
    values.pop()
    values[-1].append(last)


def _close_and(values: list[Any]) -> None:
    values[-1] = And(values[-1])


def _close_or(values: list[Any]) -> None:
    values[-1] = Or(values[-1])


def _negation(values: list[Any]) -> None:
    item = values.pop()
    values[-1] = Not(item)


def _group(values: list[Any]) -> None:
    values.pop()
    values[-2:] = values[-1:]


#: What each rule of the grammar builds of the values on the stack, and how many levels of nesting it closes.
_BUILD: dict[str, tuple[Callable[[list[Any]], None] | None, int]] = {
    "start": (None, 0),
    "same": (None, 0),
    "value": (None, 0),
    "condition": (None, 0),
    "pair": (_pair, 0),
    "more": (_more, 0),
    "close_and": (_close_and, 0),
    "close_or": (_close_or, 0),
    "negation": (_negation, 1),
    "group": (_group, 1),
}


def _lalr_tables(grammar: str) -> Mapping[str, Any]:
    from digirm_runtime.query.recovery import lalr_tables

    return lalr_tables(grammar)
