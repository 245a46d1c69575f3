"""The loop over stored tables and Lark itself accept the same texts; only faults make a process import Lark."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lark import Lark, Token, UnexpectedToken

from digirm_runtime.query.ast import And, Condition, Literal, Not
from digirm_runtime.query.builder import ago, empty
from digirm_runtime.query.faults import Faults
from digirm_runtime.query.language import Language
from digirm_runtime.query.parser import END, MAX_DEPTH, Automaton, Item
from digirm_runtime.query.recovery import _NoLexer, lalr_tables
from tests.query.query_api import example, odd

LANGUAGE = example()
GRAMMAR = LANGUAGE.parser._grammar
LARK = Lark(GRAMMAR, parser="lalr", lexer=_NoLexer)
AUTOMATON = Automaton(lalr_tables(GRAMMAR))
CONDITION = Condition("a", "=", Literal("number", "1"))
terminals = st.lists(st.sampled_from(["FIELD", "AND", "OR", "NOT", "LPAR", "RPAR"]), max_size=14)


def lark_accepts(kinds: list[str]) -> bool:
    state = LARK.parse_interactive()
    try:
        for kind in (*kinds, END):
            for terminal in ("FIELD", "OPERATOR", "TEXT") if kind == "FIELD" else (kind,):
                state.feed_token(Token(terminal, ""))
    except UnexpectedToken:
        return False
    return True


@given(terminals)
def test_both_decide_alike(kinds: list[str]) -> None:
    items: list[Item] = [(kind, CONDITION if kind == "FIELD" else None) for kind in kinds]
    assert (AUTOMATON.run([*items, (END, None)]) is not None) == lark_accepts(kinds)


WORDS = ("id = 1", "name = 'x'", "and", "or", "not", "(", ")", "id", "=", "'", " ", "\t")


@given(st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(["", " "])).map("".join), max_size=12).map("".join))
def test_what_the_tables_refuse_has_a_fault_and_the_rest_has_none(text: str) -> None:
    expr, _, diagnostics = LANGUAGE.parser.parse(text)
    errors = [diagnostic for diagnostic in diagnostics if diagnostic.severity == "error"]
    assert (expr is None) == (bool(errors) or not text.strip())
    if expr is not None:
        faults = Faults(text, LANGUAGE.parser.lexer, LANGUAGE.tables["operators"], {})
        LANGUAGE.parser.recovery.explain(text, LANGUAGE.parser.lexer.tokens(text), faults)
        assert faults.diagnostics == []


def test_the_tables_depend_on_the_grammar_alone() -> None:
    code = (
        "import json, sys; from digirm_runtime.query.recovery import lalr_tables;"
        "print(json.dumps(lalr_tables(sys.stdin.read())))"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            input=GRAMMAR,
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    ]
    assert json.loads(runs[0]) == json.loads(runs[1]) == lalr_tables(GRAMMAR)


def test_the_committed_tables_are_those_of_the_committed_grammar() -> None:
    folder = Path(__file__).parents[2] / "generated/digirm/query"
    language = Language.from_folder(folder)
    assert language.tables["lalr"] == lalr_tables((folder / "grammar.lark").read_text("utf-8"))


def imports(statement: str) -> set[str]:
    code = f"{statement}\nimport sys; print(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_a_good_query_imports_neither_lark_nor_anything_heavy() -> None:
    query = "(name = 'x' or not last_update > -1d) and signal_percent >= 5"
    modules = imports(f'from digirm import check_query\nassert check_query("devices/inventory", "{query}").ok')
    heavy = {"lark", "jinja2", "msgspec", "httpx", "asyncio", "typing", "dataclasses", "pathlib", "hashlib", "difflib"}
    assert not modules & (heavy | {"digirm_runtime.query.recovery", "digirm_runtime.query.faults"})
    faulty = imports('from digirm import check_query\nassert not check_query("devices/inventory", "name = ").ok')
    assert "lark" in faulty


def test_deep_and_long_texts() -> None:
    for text, good in (
        ("(" * MAX_DEPTH + "id = 1" + ")" * MAX_DEPTH, True),
        ("(" * (MAX_DEPTH + 1) + "id = 1" + ")" * (MAX_DEPTH + 1), False),
        ("not " * MAX_DEPTH + "id = 1", True),
        ("not " * (MAX_DEPTH + 1) + "id = 1", False),
        ("(not " * (MAX_DEPTH // 2) + "id = 1" + ")" * (MAX_DEPTH // 2), True),
        ("(" * 100_000, False),
        ("not " * 100_000, False),
        (" and ".join(["not (id = 1)"] * 1000), True),
    ):
        report = LANGUAGE.check("devices/inventory", text)
        assert report.ok is good
        assert good or any(diagnostic.code == "Q116" for diagnostic in report.diagnostics)


def test_keywords_and_names_of_other_languages() -> None:
    language = odd()
    for text in ("not =~ 'x' and not not =~ 'y'", "empty == 'x' or from == empty", "and-y == 'a' and or.x == 'b'"):
        report = language.check("devices/inventory", text)
        assert report.ok, str(report)
        assert report.canonical == text


def test_nodes_are_frozen() -> None:
    literal = Literal("number", "1")
    condition = Condition("a", "=", literal)
    both = And((condition, Not(condition)))
    found = {condition: 1, both: 2}
    for node, name in ((literal, "text"), (condition, "field"), (condition, "spans"), (both, "items"), (empty, "text")):
        with pytest.raises(AttributeError, match="cannot be changed"):
            setattr(node, name, "x")
        with pytest.raises(AttributeError, match="cannot be changed"):
            delattr(node, name)
    with pytest.raises(AttributeError):
        Not(condition).item = condition
    assert found == {condition: 1, both: 2}
    for again in (copy.deepcopy(both), pickle.loads(pickle.dumps(both))):
        assert again == both
    assert pickle.loads(pickle.dumps(ago(days=1))) == ago(days=1)
    assert copy.copy(empty) == empty
