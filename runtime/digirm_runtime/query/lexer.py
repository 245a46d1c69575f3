"""The one lexer, made from a language's terminal table.

Fields, operators and literals are recognised by position: a whole `field operator value` is one match, so that a field
may be called `not` or `empty` and begin with `or`. Whatever is no part of the language becomes a loose token, which no
grammar accepts and `faults.py` explains. Every text is covered, in linear time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

#: White space between tokens. Only the blank is known to be accepted by the service.
SPACE = " \t\r\n\f\v"
BLANK = rf"[^\S{SPACE}]+"
#: Halves of characters, which UTF-8 has no bytes for.
SURROGATES = "[\ud800-\udfff]+"
#: Quotation marks of word processors, and the backtick.
TYPOGRAPHIC = "\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\xab\xbb\u2039\u203a`\xb4\u2032\u2033"
#: What operators that are no words consist of.
SIGNS = "=<>!~^|&*%@:?/$#"

#: What a loose token can be, in the order of attempts; `TEXT` may be unclosed.
_LOOSE = (
    ("STRING", r"'(?:[^']++|'')*+'"),
    ("UNCLOSED", r"'(?s:.*)"),
    ("DQUOTED", r'"[^"]*+"?'),
    ("TYPOGRAPHIC", rf"[{TYPOGRAPHIC}][^{TYPOGRAPHIC}'\"()]*+[{TYPOGRAPHIC}]|[{TYPOGRAPHIC}]"),
    ("BRACKET", r"\[[^\[\]'\"()]*+\]?|\]"),
    ("SIGNS", rf"[{re.escape(SIGNS)}]+"),
    ("BLANK", BLANK),
    ("WORD", rf"[^\s()\[\]'\"{TYPOGRAPHIC}{re.escape(SIGNS)}]+"),
)
LOOSE = frozenset(name for name, _ in _LOOSE)
_STRUCTURE = ("LPAR", "RPAR", "AND", "OR", "NOT")


def forms(terminals: Iterable[str]) -> list[str]:
    """The terminals that are literal forms, in the order of attempts."""
    return [name for name in terminals if name not in (*_STRUCTURE, "FIELD", "OPERATOR")]


class Token(NamedTuple):
    """A token: its terminal, and where it stands."""

    kind: str
    start: int
    end: int


class Lexer:
    """Splits text by a terminal table (`tables["terminals"]`)."""

    def __init__(self, terminals: Mapping[str, str]) -> None:
        literals = forms(terminals)
        space = f"[{SPACE}]*+"
        value = "|".join(f"(?P<{name}>{terminals[name]})" for name in literals)
        condition = (
            f"(?P<FIELD>(?>{terminals['FIELD']})){space}(?P<OPERATOR>(?>{terminals['OPERATOR']})){space}(?:{value})"
        )
        single = [f"(?P<{name}>{terminals[name]})" for name in _STRUCTURE]
        loose = [f"(?P<{name}>{pattern})" for name, pattern in _LOOSE]
        self._match = re.compile(f"{space}(?:{condition}|{'|'.join(single)}|{'|'.join(loose)})").match
        self._forms = frozenset(literals)
        self._operator = re.compile(terminals["OPERATOR"])
        self._field = re.compile(terminals["FIELD"])
        self._value = re.compile(f"(?>{value})")

    def tokens(self, text: str) -> list[Token]:
        """The tokens of a text; between them there is only white space."""
        tokens: list[Token] = []
        position = 0
        match, forms = self._match, self._forms
        while found := match(text, position):
            kind = found.lastgroup or ""
            if kind in forms:
                tokens.append(Token("FIELD", *found.span("FIELD")))
                tokens.append(Token("OPERATOR", *found.span("OPERATOR")))
            tokens.append(Token(kind, *found.span(kind)))
            position = found.end()
        return tokens

    def is_operator(self, text: str) -> bool:
        """Whether a piece of text is an operator of the language."""
        return self._operator.fullmatch(text) is not None

    def field_at(self, text: str, start: int) -> str:
        """The field's name that begins at an offset; empty where there is none."""
        found = self._field.match(text, start)
        return found[0] if found else ""

    def is_field(self, text: str) -> bool:
        """Whether a piece of text can be a field's name."""
        return self._field.fullmatch(text) is not None

    def form(self, text: str) -> str | None:
        """The literal form (lower case) of a piece of text; None for what is no literal."""
        found = self._value.fullmatch(text)
        return found.lastgroup.lower() if found and found.lastgroup else None
