"""Operators and fields of a server fill terminals of the grammar; they add no rule, no terminal and no directive."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from lark.load_grammar import load_grammar

from digirm_runtime import spec
from digirm_runtime.query import grammar, tables
from digirm_runtime.query.lexer import SIGNS
from tests.codegen.hostile import NAMES, words
from tests.codegen.support import GOLDEN, field, listing, path, request

GRAMMAR = (GOLDEN / "package" / "query" / "grammar.lark").read_text()
RULES = {"start", "any_of", "or_chain", "all_of", "and_chain", "factor", "condition", "value"}
FORMS = {"TEXT", "RELATIVE", "NUMBER", "AREA", "EMPTY", "BOOLEAN"}
TERMINALS = {"FIELD", "OPERATOR", "AND", "OR", "NOT", "LPAR", "RPAR", *FORMS}

operators = st.one_of(
    words,
    st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,39}", fullmatch=True),
    st.text(sorted(SIGNS), min_size=1, max_size=40),
    st.text("/\\|()[]{}?*+.^$%!~<>=:'\"\n #", min_size=1, max_size=8),
)


def rendered(names: list[str], signs: list[str]) -> str:
    fields = [field(name, kind, *signs) for name in names for kind in ("Text", name)]
    document = listing(path("/ws/v1/parts/x", request("GET", "query", query=fields)))
    found = spec.from_documents({"parts": document}, api_version="1", base_path="/ws/v1", provenance="live")
    return grammar.render(tables.build(found))


def skeleton(text: str) -> list[str]:
    """The grammar without what a server has a part in: the patterns behind terminals, and the fingerprint."""
    return [re.sub(r"^([A-Z]+): /.*/$", r"\1", line) for line in text.split("\n")[1:]]


@settings(max_examples=50)
@given(st.lists(operators, max_size=6), st.lists(operators, max_size=6))
@example(NAMES, NAMES)
@example(["a"], ["/", "\\", "/ | x", "%import", "A: /x/", "(?{", "=)|(?:.*"])
def test_servers_add_nothing_to_the_grammar(names: list[str], signs: list[str]) -> None:
    text = rendered(names, signs)
    assert skeleton(text) == skeleton(GRAMMAR)
    assert all(char.isprintable() or char == "\n" for char in text)
    load: Any = load_grammar
    read, files = load(text, "<a server's>", [], global_keep_all_tokens=False)
    assert {rule[0] for rule in read.rule_defs} == RULES
    assert {terminal[0] for terminal in read.term_defs} == TERMINALS
    assert not read.ignore
    assert not files
